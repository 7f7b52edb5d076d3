/* Dispatch: the call that a thread's registers name, and what its result makes the way out do.
 * A result belongs to the thread that is current when the call returns: RPC may have passed the
 * processor on. */
#include "kernel.h"
#include "machine.h"
#include "vm.h"
#include "sched.h"
#include "selftest.h"

static result_t sys_invalid(struct thread *t)
{
	(void)t;
	return INSANE(INVALID_CALL);
}

enum { CALL_FIRST,
#define CALL(number, name, class, source, result, arguments) COUNT_##name,
#include <fluke/calls.def>
#undef CALL
	CALLS };			/* the numbers are 1 to CALLS - 1 */

/* By the number in al; entry.S calls through it too. */
call_function *const call_table[256] = {
	[CALL_FIRST] = sys_invalid,
#define CALL(number, name, class, source, result, arguments) [number] = sys_##name,
#include <fluke/calls.def>
#undef CALL
	[CALLS ... 255] = sys_invalid,
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

void syscall_undone(result_t r)
{
	if (result_kind(r) == FAULT)
		fault(current);
	else if (result_kind(r) == INSANE_KIND)
		exception_insane(current, result_code(r));
}

/* Again; the first time, entry.S does the same. */
void syscall_dispatch(struct thread *t)
{
	result_t r;

	check_again(t);
	r = call_table[t->regs.eax & 0xff](t);
	if (r != OK) {
		syscall_undone(r);
		return;
	}
	t = current;
	if (t->regs.eip == FLUKE_ENTRY)
		t->regs.eip = FLUKE_ENTRY_RET;
}
