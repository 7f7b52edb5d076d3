/* User-level threads: birth, switch, end.  A thread's record lies at the high end of its stack.
 * What a carrier does without a user thread, and who gets the processor, is in uthread_carrier.c. */
#include <stdlib.h>
#include <string.h>
#include "uthread.h"

struct package uthread_package;
struct uthread_statistics uthread_statistics;

__asm__(".text\n"
	".globl uthread_switch\n"
	"uthread_switch:\n"
	"	movl	4(%esp), %eax\n"
	"	movl	8(%esp), %edx\n"
	"	pushl	%ebp\n"
	"	pushl	%ebx\n"
	"	pushl	%esi\n"
	"	pushl	%edi\n"
	"	movl	%esp, (%eax)\n"
	"	movl	%edx, %esp\n"
	"	popl	%edi\n"
	"	popl	%esi\n"
	"	popl	%ebx\n"
	"	popl	%ebp\n"
	"	ret\n");

struct uthread *uthread_self(void)
{
	return carrier_self()->current;
}

/* Not inlined into anything: after the switch the carrier may be another one. */
__attribute__((noinline)) void uthread_block(void)
{
	struct carrier *c = carrier_self();
	struct uthread *self = c->current, *next = uthread_take(&uthread_package.ready);

	if (next == self)
		return;
	c->current = next;
	uthread_statistics.switches++;
	uthread_switch(&self->esp, next ? next->esp : c->esp);
}

/* Where a new thread begins, in the critical section of whoever switched to it. */
static void begin(void)
{
	struct uthread *self = uthread_self();

	uthread_leave();
	self->entry(self->argument);
	uthread_exit();
}

static struct uthread *thread_new(size_t stack)
{
	size_t size = stack > UTHREAD_STACK ? (stack + 15) & ~15u : UTHREAD_STACK;
	struct uthread *t, **link;
	char *block;

	uthread_enter();
	for (link = &uthread_package.spare; (t = *link) && t->size < size; link = &t->next)
		;
	if (t)
		*link = t->next;
	uthread_leave();
	if (!t && (block = memalign(16, size))) {
		t = (struct uthread *)(void *)(block + size - ((sizeof(*t) + 15) & ~15u));
		t->size = size;
	}
	return t;
}

struct uthread *uthread_create(void (*entry)(void *), void *argument, size_t stack)
{
	struct uthread *t = thread_new(stack);

	if (!t)
		return NULL;
	t->entry = entry;
	t->argument = argument;
	t->joiner = NULL;
	t->done = t->detached = 0;
	t->esp = (uint32_t *)t - 6;		/* four registers, where to begin, no return from there */
	memset(t->esp, 0, 6 * sizeof(*t->esp));
	t->esp[4] = (uint32_t)begin;
	uthread_enter();
	uthread_package.live++;
	uthread_ready(t);
	uthread_leave();
	return t;
}

/* Nobody knows it any more; its stack may still be in use until the critical section ends. */
static void forget(struct uthread *t)
{
	t->next = uthread_package.spare;
	uthread_package.spare = t;
}

void uthread_exit(void)
{
	struct uthread *self = uthread_self();

	uthread_enter();
	self->done = 1;
	uthread_package.live--;
	if (self->detached)
		forget(self);
	else if (self->joiner)
		uthread_ready(self->joiner);
	uthread_block();
	abort();
}

void uthread_join(struct uthread *t)
{
	uthread_enter();
	if (!t->done) {
		t->joiner = uthread_self();
		uthread_block();
	}
	forget(t);
	uthread_leave();
}

void uthread_detach(struct uthread *t)
{
	uthread_enter();
	t->detached = 1;
	if (t->done)
		forget(t);
	uthread_leave();
}

/* The present thread, which stands in the ready queue, leaves its carrier, which parks: another one that waits for the
 * processor goes on, and takes care of the queue.  So carriers grow few again after every wake-up. */
static __attribute__((noinline)) void retire(void)
{
	struct carrier *c = carrier_self();
	struct uthread *self = c->current;

	c->retire = 1;
	c->current = NULL;
	uthread_switch(&self->esp, c->esp);
}

void uthread_yield(void)
{
	static uint32_t yields;
	int carriers;

	uthread_enter();
	carriers = uthread_package.woken.head || uthread_package.runnable.head;
	if (carriers && (!uthread_package.ready.head || ++yields % 16 == 0)) {
		uthread_ready(uthread_self());
		retire();
	} else if (uthread_package.ready.head) {
		uthread_ready(uthread_self());
		uthread_block();
	}
	uthread_leave();
}
