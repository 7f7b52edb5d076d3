/* Operations on objects and memory of those below, who may have taken them away meanwhile: the fault leaves the operation with
 * EFAULT.  Invariant: a guard is set only by the thread that holds debug_lock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "debug.h"

struct guard { uint32_t ebx, esi, edi, ebp, esp, eip; fluke_thread_t *thread; struct guard *outer; };

struct guard *guard_current;

int	guard_set(struct guard *guard) __attribute__((returns_twice));
void	guard_resume(void);
void	guard_trap(void);
void	guard_trapped(uint32_t code, uint32_t subcode, uint32_t access);

__asm__(
	".text\n"
	"guard_set:\n"
	"	movl	4(%esp), %eax\n"
	"	movl	%ebx, 0(%eax)\n"
	"	movl	%esi, 4(%eax)\n"
	"	movl	%edi, 8(%eax)\n"
	"	movl	%ebp, 12(%eax)\n"
	"	leal	4(%esp), %edx\n"
	"	movl	%edx, 16(%eax)\n"
	"	movl	0(%esp), %edx\n"
	"	movl	%edx, 20(%eax)\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"guard_resume:\n"
	"	movl	guard_current, %edx\n"
	"	movl	0(%edx), %ebx\n"
	"	movl	4(%edx), %esi\n"
	"	movl	8(%edx), %edi\n"
	"	movl	12(%edx), %ebp\n"
	"	movl	16(%edx), %esp\n"
	"	movl	$1, %eax\n"
	"	jmp	*20(%edx)\n"
	"guard_trap:\n"			/* eax code, edx subcode, ecx access */
	"	andl	$-16, %esp\n"
	"	subl	$4, %esp\n"
	"	pushl	%ecx\n"
	"	pushl	%edx\n"
	"	pushl	%eax\n"
	"	call	guard_trapped\n");

void guard_trapped(uint32_t code, uint32_t subcode, uint32_t access)
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(NULL, &saved);
	if (!guard_current || guard_current->thread != fluke_thread_self()) {
		eprintf("debug: exception %#x (%#x, access %#x) at %#x\n", (unsigned)code, (unsigned)subcode, (unsigned)access,
			(unsigned)saved.eip);
		libc_exit(126);
	}
	saved.eip = (uint32_t)guard_resume;
	fluke_thread_set_saved_state(NULL, &saved);
	fluke_thread_return_from_exception(NULL);
}

static void install(void)
{
	oskit_addr_t handlers[4];

	fluke_thread_get_handlers(NULL, handlers);
	if (handlers[0] == (oskit_addr_t)guard_trap)
		return;
	fluke_thread_set_handlers(NULL, (oskit_addr_t)guard_trap, handlers[1], handlers[2], handlers[3]);
	fluke_thread_enable_exceptions(NULL);
}

int guarded(int (*function)(void *), void *argument)
{
	struct guard guard;
	int error;

	install();
	guard.thread = fluke_thread_self();
	guard.outer = guard_current;
	if (guard_set(&guard)) {
		guard_current = guard.outer;
		return EFAULT;
	}
	guard_current = &guard;
	error = function(argument);
	guard_current = guard.outer;
	return error;
}

struct copy { void *to; const void *from; size_t size; };

static int copy(void *argument)
{
	struct copy *c = argument;

	memcpy(c->to, c->from, c->size);
	return 0;
}

int copy_guarded(void *to, const void *from, size_t size)
{
	return guarded(copy, &(struct copy){ to, from, size });
}
