/* Dispatch: the call that a thread's registers name, and what its result makes the way out do.
 * A result belongs to the thread that is current when the call returns: RPC may have passed the
 * processor on. */
#include "kernel.h"
#include "machine.h"
#include "vm.h"
#include "sched.h"

typedef result_t call_function(struct thread *t);

static call_function *const call_table[256] = {
#define CALL(number, name, class, source, result, arguments) [number] = sys_##name,
#include <fluke/calls.def>
#undef CALL
};

/* current touched memory that is not there. */
static void fault(struct thread *t)
{
	switch (fault_resolve(t, t->fault.va, t->fault.access)) {
	case FAULT:
		exception_raise(t, t->fault.code, t->fault.va, t->fault.access);
		break;
	case OK:
		t->attention |= ATTENTION_CALL;
		cpu_poll();	/* whatever repeats for ever here must not hold the processor */
		break;
	default:
		break;
	}
}

static __attribute__((noinline)) void not_done(result_t r)
{
	if (result_kind(r) == FAULT)
		fault(current);
	else if (result_kind(r) == INSANE_KIND)
		exception_insane(current, result_code(r));
}

void syscall_dispatch(struct thread *t)
{
	call_function *call = call_table[t->regs.eax & 0xff];
	result_t r = call ? call(t) : INSANE(INVALID_CALL);

	if (__builtin_expect(r != OK, 0)) {
		not_done(r);
		return;
	}
	t = current;
	if (t->regs.eip == FLUKE_ENTRY)
		t->regs.eip = FLUKE_ENTRY_RET;
}
