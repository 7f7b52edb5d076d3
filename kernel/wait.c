/* Blocking and waking.  A thread that waits has BLOCKED_WAIT (or BLOCKED_KEEPER) set, a
 * wait_kind, perhaps a queue, perhaps somebody to whom it lends its time.  Its registers name
 * the call or stage that it runs when it is woken; nothing else is remembered about it. */
#include "kernel.h"
#include "wait.h"
#include "sched.h"
#include "ipc.h"

void waitq_append(struct waitq *queue, struct thread *t)
{
	assert(!t->wait_queue);
	t->wait_queue = queue;
	if (queue->head) {
		t->wait_prev = queue->tail;
		queue->tail->wait_next = t;
	} else {
		queue->head = t;
	}
	queue->tail = t;
}

/* Servers of a port set: the last to come is the first to go on. */
static void waitq_push(struct waitq *queue, struct thread *t)
{
	t->wait_queue = queue;
	t->wait_prev = NULL;
	t->wait_next = queue->head;
	if (queue->head)
		queue->head->wait_prev = t;
	else
		queue->tail = t;
	queue->head = t;
}

void waitq_remove(struct thread *t)
{
	struct waitq *queue = t->wait_queue;

	if (!queue)
		return;
	if (t->wait_prev)
		t->wait_prev->wait_next = t->wait_next;
	else
		queue->head = t->wait_next;
	if (t->wait_next)
		t->wait_next->wait_prev = t->wait_prev;
	else
		queue->tail = t->wait_prev;
	t->wait_queue = NULL;
	t->wait_next = t->wait_prev = NULL;
}

result_t (wait_on)(struct waitq *queue, struct object *object, enum wait_kind kind, struct thread *donee)
{
	struct thread *t = current;

	assert(!t->blocked);
	t->attention |= ATTENTION_CALL;
	if ((t->attention & ATTENTION_EXCEPTION) && !message_first(t)) {
		if (donee && !donee->blocked)
			sched_ready(donee);
		t->wait_side = CLIENT;
		return RESTART;
	}
	if (queue && kind == WAIT_MESSAGE)
		waitq_push(queue, t);
	else if (queue)
		waitq_append(queue, t);
	t->wait_object = object;
	t->wait_kind = kind;
	t->blocked |= BLOCKED_WAIT;
	sched_donate(t, donee);
	if (donee && t->donee != donee && !donee->blocked)
		sched_ready(donee);
	sched_block(t);
	return RESTART;
}

/* Leaves the wait; the caller says what comes next. */
static void unblock(struct thread *t)
{
	if (t->wait_queue)
		waitq_remove(t);
	t->wait_kind = WAIT_NONE;
	t->wait_side = CLIENT;
	t->stands_in = 0;
	t->blocked &= ~(BLOCKED_WAIT | BLOCKED_KEEPER);
	sched_donate(t, NULL);
}

static void ready(struct thread *t)
{
	if (!t->blocked)
		sched_ready(t);
}

void wait_wake(struct thread *t)
{
	if (!(t->blocked & (BLOCKED_WAIT | BLOCKED_KEEPER)))
		return;
	unblock(t);
	if (t->regs.eip == FLUKE_ENTRY)
		t->attention |= ATTENTION_CALL;
	ready(t);
}

void wait_pass(struct thread *t)
{
	unblock(t);
	t->attention |= ATTENTION_CALL;
}

void wait_finish(struct thread *t)
{
	unblock(t);
	t->attention &= ~ATTENTION_CALL;
	if (t->regs.eip == FLUKE_ENTRY)
		t->regs.eip = FLUKE_ENTRY_RET;
	ready(t);
}

int wait_wake_some(struct waitq *queue)
{
	for (int n = 0; queue->head && n < WAKE_STEP; n++)
		wait_wake(queue->head);
	return !queue->head;
}

void wait_cancel(struct thread *t)
{
	if (t->asked)
		ipc_cut(t);	/* an answer may wait for it although it does not wait */
	if (!(t->blocked & (BLOCKED_WAIT | BLOCKED_KEEPER)))
		return;
	if (t->blocked & BLOCKED_KEEPER)
		exception_undone(t, &t->regs.eip, &t->flags);
	unblock(t);
	if (t->keeper.target)
		link_clear(&t->keeper);
	thread_pending(t);
	if (t->regs.eip == FLUKE_ENTRY)
		t->attention |= ATTENTION_CALL;
}
