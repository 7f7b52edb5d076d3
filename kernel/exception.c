/* Exceptions: to the thread's own handler while exceptions are enabled, else as an idempotent
 * message to the keeper of its space.  The same message form goes to the keepers of regions
 * (fault.c).  The thread is the client; it waits as BLOCKED_KEEPER, with its registers as they
 * were, and its words in keeper_words until a server takes them. */
#include "kernel.h"
#include "wait.h"
#include "sched.h"
#include "port.h"
#include "ipc.h"
#include "vm.h"
#include "space.h"
#include "selftest.h"

/* An idempotent call is left for a handler: it starts over afterwards, and what the handler asks of
 * others is not answered with its answer. */
static void leave_call(struct thread *t)
{
	ipc_cut(t);
	if (t->regs.eip != FLUKE_ENTRY || (t->regs.eax & 0xff) != FLUKE_CALL_ipc_call)
		return;
	t->flags &= ~FLUKE_THREAD_ANSWERED;
	t->min_msg_words = 0;
}

/* Saves what a handler loses and starts it with {code, subcode, access}. */
static void dispatch(struct thread *t, uint32_t handler, uint32_t code, uint32_t subcode, uint32_t access)
{
	leave_call(t);
	t->saved_eax = t->regs.eax;
	t->saved_ecx = t->regs.ecx;
	t->saved_edx = t->regs.edx;
	t->saved_esp = t->regs.esp;
	t->saved_eip = t->regs.eip;
	t->saved_eflags = t->regs.eflags;
	t->regs.eax = code;
	t->regs.edx = subcode;
	t->regs.ecx = access;
	t->regs.eip = handler;
	t->regs.eflags &= ~0x500u;	/* DF as C expects; TF: a step must not go on in the handler */
	if (t->handler_esp)
		t->regs.esp = t->handler_esp;
	t->flags &= ~FLUKE_THREAD_EXCEPTION_ENABLE;
	t->attention &= ~ATTENTION_CALL;
	thread_pending(t);
}

static void halt(struct thread *t)
{
	(void)PLACE(WAIT, 0, 0);
	t->blocked |= BLOCKED_EXCEPTION;
	sched_block(t);
}

static void keeper_send(struct thread *t);

/* With what stands in keeper_words. */
static inline void keeper_start(struct thread *t, struct object *port, unsigned fault)
{
	assert(t == current && !t->blocked);
	link_set(&t->keeper, port);
	t->keeper_fault = (uint8_t)fault;
	if (t->regs.eip == FLUKE_ENTRY)
		t->attention |= ATTENTION_CALL;
	keeper_send(t);
}

/* The watcher has answered, or is gone: 1 = not its business: the thread's own handler has it, or else the instruction runs
 * again and raises it past the watcher; 0 = runs again. */
static void watch_answered(struct thread *t, uint32_t word)
{
	if (word == 1 && (t->flags & FLUKE_THREAD_EXCEPTION_ENABLE) && t->handler[0]) {
		dispatch(t, t->handler[0], t->keeper_words[0], t->keeper_words[1], t->keeper_words[2]);
		return;
	}
	t->passed = word == 1 ? t->regs.eip : 0;
	exception_undone(t, &t->regs.eip, &t->flags);
}

/* The port is gone: as an answer that mended nothing. */
static void keeper_gone(struct thread *t)
{
	link_clear(&t->keeper);
	if (t->keeper_fault == WATCHED)
		watch_answered(t, 1);
	else if (t->keeper_fault)
		fault_answered(t, 0);
	else
		t->blocked |= BLOCKED_EXCEPTION;
	t->blocked &= ~BLOCKED_KEEPER;
	t->wait_kind = WAIT_NONE;
	sched_donate(t, NULL);
	if (!t->blocked)
		sched_ready(t);
	else
		sched_block(t);
}

static void keeper_send(struct thread *t)
{
	struct port *port = (struct port *)link_target(&t->keeper);

	if (!port || port == &kernel_port) {
		keeper_gone(t);
		return;
	}
	(void)PLACE(WAIT, 0, 0);
	t->wait_kind = WAIT_CALL;
	t->blocked |= BLOCKED_KEEPER;
	if (t->donee)
		sched_donate(t, NULL);
	if (t == current && ipc_fast_ask(t, port))
		return;
	ipc_enqueue(port, t);
	sched_block(t);
}

/* What the registers and flags of t, blocked as BLOCKED_KEEPER, are without its unanswered question: an
 * exception that lies behind its instruction, or comes from outside, is put back, so that it is raised again. */
void exception_undone(const struct thread *t, uint32_t *eip, uint32_t *flags)
{
	if (t->keeper_fault == 1)
		return;
	switch (t->keeper_words[0]) {
	case FLUKE_EXC_INTERRUPT:
		*flags |= FLUKE_THREAD_INTERRUPT_PENDING;
		break;
	case FLUKE_EXC_BREAKPOINT: case FLUKE_EXC_OVERFLOW:
		*eip -= 1;		/* int3, into */
		break;
	case FLUKE_EXC_SYSCALL:
		*eip -= 2;
	}
}

void keeper_retry(struct thread *t)
{
	waitq_remove(t);
	keeper_send(t);
}

result_t keeper_call(struct thread *t, struct object *port)
{
	keeper_start(t, port, 1);
	return RESTART;
}

/* The keeper's reply, which restarts the thread. */
void keeper_answered(struct thread *t, uint32_t word)
{
	link_clear(&t->keeper);
	if (t->keeper_fault == WATCHED)
		watch_answered(t, word);
	else if (t->keeper_fault)
		fault_answered(t, word);
	wait_wake(t);
}

static void set_words(struct thread *t, uint32_t code, uint32_t subcode, uint32_t access)
{
	const uint32_t words[KEEPER_WORDS] = { code, subcode, access, t->sched_val, t->thread_va, t->obj.hash };

	__builtin_memcpy(t->keeper_words, words, sizeof words);
}

void exception_raise(struct thread *t, uint32_t code, uint32_t subcode, uint32_t access)
{
	struct space *space = thread_space(t);
	struct object *keeper = space && t->passed != t->regs.eip ? link_target(&space->watcher) : NULL;

	t->passed = 0;
	if (keeper) {
		set_words(t, code, subcode, access);
		keeper_start(t, keeper, WATCHED);
		return;
	}
	if ((t->flags & FLUKE_THREAD_EXCEPTION_ENABLE) && t->handler[0]) {
		dispatch(t, t->handler[0], code, subcode, access);
		return;
	}
	keeper = space ? link_target(&space->keeper) : NULL;
	if (!keeper) {
		halt(t);
		return;
	}
	set_words(t, code, subcode, access);
	keeper_start(t, keeper, 0);
}

result_t exception_insane(struct thread *t, uint32_t code)
{
	check_insane(t, code);
	exception_raise(t, FLUKE_EXC_INSANITY | code, t->regs.eax & 0xff, 0);
	return RESTART;
}

/* One pending asynchronous exception.  Without a handler: an interrupt goes to the keeper of the
 * space, if any; an alert is dropped. */
void exception_async(struct thread *t)
{
	static const struct { uint32_t flag, code, subcode; unsigned handler; } pending[] = {
		{ FLUKE_THREAD_INTERRUPT_PENDING, FLUKE_EXC_INTERRUPT, 0, 1 },
		{ FLUKE_THREAD_CLIENT_ALERT, FLUKE_EXC_ALERT, 0, 2 },
		{ FLUKE_THREAD_SERVER_ALERT, FLUKE_EXC_ALERT, 1, 3 },
	};

	for (unsigned i = 0; i < 3; i++) {
		if (!(t->flags & pending[i].flag))
			continue;
		t->flags &= ~pending[i].flag;
		thread_pending(t);
		if (t->handler[pending[i].handler]) {
			dispatch(t, t->handler[pending[i].handler], pending[i].code, pending[i].subcode, 0);
			return;
		}
		if (i == 0 && thread_space(t) && link_target(&thread_space(t)->keeper)) {
			set_words(t, FLUKE_EXC_INTERRUPT, 0, 0);
			keeper_start(t, link_target(&thread_space(t)->keeper), 0);
			return;
		}
	}
	thread_pending(t);
}

/* int $0x80 is a call: eip is pushed, control goes to the thread's syscall_handler. */
void exception_syscall(struct thread *t)
{
	if (!t->syscall_handler) {
		exception_raise(t, FLUKE_EXC_SYSCALL, t->regs.eax, 0);
		return;
	}
	if (user_write(t->regs.esp - 4, &t->regs.eip, 4) != OK) {
		t->regs.eip -= 2;	/* the instruction runs again */
		t->attention |= ATTENTION_FAULT;
		return;
	}
	t->regs.esp -= 4;
	t->regs.eip = t->syscall_handler;
}

/* Back to where the last exception was dispatched. */
result_t sys_thread_return_from_exception(struct thread *t)
{
	t->regs.eax = t->saved_eax;
	t->regs.ecx = t->saved_ecx;
	t->regs.edx = t->saved_edx;
	t->regs.esp = t->saved_esp;
	t->regs.eip = t->saved_eip;
	t->regs.eflags = (t->saved_eflags & 0x240dd5u) | 0x202;
	t->flags |= FLUKE_THREAD_EXCEPTION_ENABLE;
	t->made = 0;
	if (t->regs.eip == FLUKE_ENTRY)
		t->attention |= ATTENTION_CALL;
	thread_pending(t);
	return RESTART;
}
