/* The path that matters: client_connect_send_over_receive to a server that waits, and its
 * server_ack_send_wait_receive back, with at most 8 words and no references.
 * The processor passes from one thread to the other with no queue and no decision.
 *
 * Each call first looks, without effect, whether all of that holds, and if not goes to the
 * general stages, which do the same from the start.  After the commit both threads
 * stand where the stages would have left them; a fault when the receiver stores its words
 * leaves these pending in min_msg, as after a general short send. */
#include "ipc_fast.h"
#include "irq.h"
#include "wait.h"

result_t sys_ipc_client_connect_send_over_receive(struct thread *t)
{
	struct object *ref = quick_find(t->regs.edi, FLUKE_TYPE_REF);
	struct port *port;
	struct portset *set;
	struct thread *s;
	int words;

	if (!ref || t->attention || cpu()->preempt || t->peer[CLIENT])
		goto slow;
	port = (struct port *)((struct ref *)ref)->link.target;
	if (!port || port->obj.word != OBJECT_WORD(FLUKE_TYPE_PORT) || port == &kernel_port)
		goto slow;
	set = (struct portset *)port->portset.target;
	if (!set || set->obj.word != OBJECT_WORD(FLUKE_TYPE_PORTSET))
		goto slow;
	s = set->servers.head;
	if (!s || !only_waits(s, WAIT_MESSAGE) || s->donee || s->server_eip[FLUKE_IPC_RELIABLE - 1])
		goto slow;
	words = take_words(t, s);
	if (words < 0 || !load_receive(t, FLUKE_CALL_ipc_client_over_receive))
		goto slow;
	/* commit: the server leaves its queue, connected, with the message */
	leave_queue(set, s);
	t->peer[CLIENT] = s;
	s->peer[SERVER] = t;
	t->serial++;
	t->flags &= ~(FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_ASIDE | FLUKE_THREAD_ALERTED);
	s->flags = (s->flags & ~FLUKE_THREAD_ACCEPTED) | FLUKE_THREAD_CLIENT_SENDER |
		FLUKE_IPC_RELIABLE << FLUKE_THREAD_ACCEPTED_SHIFT;
	call_become(s, FLUKE_CALL_ipc_server_receive);
	s->regs.ebp = port->alias;
	/* the client waits, the turn offered, and lends its time */
	t->min_msg_words = 0;
	t->wait_side = CLIENT;
	block(t, WAIT_OVER, &s->obj);
	lend(t, s);
	return store_and_return(t, s, SERVER, (uint32_t)words,
		FLUKE_IPC_RELIABLE << 8 | FLUKE_SUCCESS | last_bit(set));
slow:
	return ipc_stage_connect(t, FLUKE_CALL_ipc_client_send_over_receive, THEN_OVER);
}

result_t sys_ipc_server_ack_send_wait_receive(struct thread *t)
{
	struct thread *c = t->peer[SERVER];
	struct object *o;
	struct portset *set;
	int words;

	if (!c || c->peer[CLIENT] != t || !only_waits(c, WAIT_OVER) || t->attention || cpu()->preempt || t->asker || irq_fired)
		goto slow;
	if (c->donee != t || t->supplier != c || t->donors != c || c->donor_next || t->request_pending || c->wait_side != CLIENT)
		goto slow;
	o = quick_find(t->server_portset, FLUKE_TYPE_PORTSET);
	set = (struct portset *)o;
	if (!o || set->active)
		goto slow;
	words = take_words(t, c);
	if (words < 0 || !load_receive(t, FLUKE_CALL_ipc_wait_receive))
		goto slow;
	/* commit: the connection ends, the server waits for the next message */
	c->peer[CLIENT] = 0;
	t->peer[SERVER] = 0;
	c->flags &= ~FLUKE_THREAD_SERVER_SENDER;
	t->flags &= ~(FLUKE_THREAD_CLIENT_SENDER | FLUKE_THREAD_ACCEPTED);
	t->min_msg_words = 0;
	t->donors = t->supplier = 0;
	c->donee = 0;
	enter_queue(set, t);
	/* the client goes on with what it had lent */
	call_become(c, FLUKE_CALL_ipc_client_receive);
	return store_and_return(t, c, CLIENT, (uint32_t)words, FLUKE_IPC_RECV_DISCONNECTED);
slow:
	return ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send_wait_receive, THEN_WAIT);
}

/* May t answer for the thread that holds c's connection, and is it still the one of that number? */
static int may_answer(const struct thread *t, const struct thread *c, uint32_t number)
{
	const struct thread *holder = c->peer[CLIENT];

	return holder && holder->space.target == t->space.target &&
		(!number || number >> FLUKE_CONNECTION_SHIFT == c->serial);
}

/* Stopped where its turn was offered: it takes the answer from min_msg when it goes on. */
static int stopped_over(const struct thread *c)
{
	return c->blocked == BLOCKED_STOPPED && c->regs.eip == FLUKE_ENTRY && !c->min_msg_words &&
		(c->regs.eax & 0xff) == FLUKE_CALL_ipc_client_over_receive &&
		!(c->flags & (FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_ANSWERED));
}

/* Block at ebx, reference to the client at edi. */
result_t sys_ipc_server_answer(struct thread *t)
{
	uint32_t block = t->regs.ebx, number;
	struct object *o;
	struct thread *c;
	struct ref *ref;
	int words, stopped;

	TRY(ref_find(t->regs.edi, &ref));
	if (block & 3)
		return INSANE(BUFFER_UNALIGNED);
	if (block >= KERNEL_BASE - sizeof(fluke_ipc_params_t))
		goto not_now;
	USER_READ(number, block, BLOCK_RECEIVE, not_now);
	o = link_target(&ref->link);
	c = o && object_type(o) == FLUKE_TYPE_THREAD ? (struct thread *)o : NULL;
	if (!c || !may_answer(t, c, number)) {
		link_clear(&ref->link);
		t->regs.eax = FLUKE_IPC_ACK_DISCONNECTED;
		return OK;
	}
	stopped = stopped_over(c);
	if (c->peer[CLIENT]->peer[SERVER] == c ||
	    (!stopped && (!only_waits(c, WAIT_OVER) || c->wait_side != CLIENT || c->min_msg_words)))
		goto not_now;
	words = take_words(t, c);
	if (words < 0)
		goto not_now;
	/* commit */
	link_clear(&ref->link);
	ipc_disconnect(c, CLIENT);
	c->min_msg_words = (uint32_t)words;
	if (stopped) {
		c->flags |= FLUKE_THREAD_ANSWERED;
	} else {
		call_become(c, FLUKE_CALL_ipc_client_receive);
		wait_wake(c);
	}
	t->regs.eax = FLUKE_SUCCESS;
	return OK;
not_now:
	t->regs.eax = FLUKE_IPC_NOT_NOW;
	return OK;
}
