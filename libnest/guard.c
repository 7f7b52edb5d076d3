/* The guard (nest/guard.h): the trap handler of the thread that set it leaves the operation.  An exception at any other place, or
 * in the nester's own data, is not the guard's: the instruction runs again without the handler, and the keeper of our space ends the
 * program and says so. */
#include <native.h>
#include <stdio.h>
#include <startup.h>
#include <linux_abi.h>
#include <fluke/exception.h>
#include <nest/guard.h>

struct guard {
	uint32_t	ebx, esi, edi, ebp, esp, eip;
	fluke_thread_t	*thread;
	struct guard	*outer;
};

struct guard *guard_current;
int guard_verbose;

/* Returns 0, and once more 1 when the guarded operation faulted. */
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
	/* trap handler of the workers: eax code, edx subcode, ecx access */
	"guard_trap:\n"
	"	andl	$-16, %esp\n"
	"	subl	$4, %esp\n"
	"	pushl	%ecx\n"
	"	pushl	%edx\n"
	"	pushl	%eax\n"
	"	call	guard_trapped\n"	/* which keeps the registers that the kernel does not */
	"	call	fluke_thread_return_from_exception\n");

/* Prints nothing: the thread may hold any lock of libc's. */
__attribute__((weak)) void guard_stray(uint32_t code, uint32_t subcode, uint32_t access, uint32_t eip)
{
	oskit_addr_t handlers[4];

	(void)code, (void)subcode, (void)access, (void)eip;
	fluke_thread_get_handlers(NULL, handlers);
	fluke_thread_set_handlers(NULL, 0, handlers[1], handlers[2], handlers[3]);
}

/* A page of the nester itself that whoever pages it cannot get back: no fault of those below. */
static int is_own_data(uint32_t code, uint32_t address)
{
	return code == FLUKE_EXC_PAGE_FAULT && address >= FLUKE_PAGE_SIZE && address < START_OBJECTS && !address_is_window(address);
}

void guard_trapped(uint32_t code, uint32_t subcode, uint32_t access)
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(NULL, &saved);
	if (!guard_current || guard_current->thread != fluke_thread_self() || is_own_data(code, subcode)) {
		guard_stray(code, subcode, access, saved.eip);
		return;
	}
	if (guard_verbose)
		printf("guarded exception %x (%x, access %x), call %u\n", (unsigned)code, (unsigned)subcode,
			(unsigned)access, (unsigned)saved.eax & 0xff);
	saved.eip = (uint32_t)guard_resume;
	fluke_thread_set_saved_state(NULL, &saved);
}

static void handler_install(void)
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

	handler_install();
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
