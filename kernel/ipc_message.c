/* Idempotent requests and one-way messages.
 *
 * An idempotent exchange is the pair asker->asked == server, server->asker == asker.  It is no
 * part of any state: when either thread is stopped, interrupted or leaves it, the exchange is cut
 * and the asker, whose registers still name ipc_call, asks again.  A request waits on its port
 * (WAIT_CALL) or is bound to a server that copies it (WAIT_CALL with `asked`); then its asker waits
 * for the answer (WAIT_ANSWER).  A short answer goes into the asker's min_msg and sets ANSWERED; a
 * long one the asker copies itself from the waiting server (WAIT_REPLY). */
#include "kernel.h"
#include "ipc.h"
#include "wait.h"
#include "sched.h"
#include "machine.h"
#include "vm.h"

void ipc_cut(struct thread *asker)
{
	struct thread *server = asker->asked;

	if (!server)
		return;
	asker->asked = NULL;
	server->asker = NULL;
	if ((server->blocked & BLOCKED_WAIT) && server->wait_kind == WAIT_REPLY)
		wait_wake(server);
}

void ipc_abandon(struct thread *server)
{
	struct thread *asker = server->asker;

	server->asker = NULL;
	asker->asked = NULL;
	if (asker->blocked & BLOCKED_KEEPER)
		keeper_retry(asker);
	else
		wait_wake(asker);
}

/* s takes the request; returns what its asker waits for from now on. */
enum wait_kind ipc_accept_call(struct thread *s, struct port *port, struct thread *asker)
{
	ipc_accept(s, FLUKE_IPC_IDEMPOTENT, port);
	ipc_cut(asker);
	s->asker = asker;
	asker->asked = s;
	if (asker->blocked & BLOCKED_KEEPER) {
		memcpy(s->min_msg, asker->keeper_words, sizeof asker->keeper_words);
		s->min_msg_words = KEEPER_WORDS;
		return WAIT_ANSWER;
	}
	memcpy(s->min_msg, asker->min_msg, sizeof s->min_msg);
	if (!half_short(asker))
		return WAIT_CALL;
	s->min_msg_words = asker->regs.ecx > FLUKE_MIN_MSG_SIZE ? asker->regs.ecx : FLUKE_MIN_MSG_SIZE;
	return WAIT_ANSWER;
}

void ipc_enqueue(struct port *port, struct thread *t)
{
	struct portset *set = port_set(port);
	struct thread *s = set ? set->servers.head : NULL;

	if (!s) {
		waitq_append(&port->clients, t);
		sched_donate(t, set ? set->last : NULL);
		port_activate(port);
		return;
	}
	waitq_remove(s);
	t->wait_kind = ipc_accept_call(s, port, t);
	if (t != current) {
		wait_wake(s);
		sched_donate(t, s);
		return;
	}
	wait_pass(s);
	sched_donate(t, s);
	if (t->donee != s)
		sched_ready(s);
}

/* server_receive of a request that is too long for min_msg, or of one that has been cut. */
result_t ipc_receive_call(struct thread *t)
{
	struct thread *asker = t->asker;
	struct transfer_stop stop;

	if (!asker || asker->wait_kind != WAIT_CALL)
		goto lost;
	switch (ipc_transfer((struct stream){ asker, &asker->regs.ebp }, (struct stream){ t, &t->regs.edi }, &stop)) {
	case TRANSFER_SENT:
	case TRANSFER_FULL_DATA:
	case TRANSFER_FULL_REFS:
		asker->wait_kind = WAIT_ANSWER;
		return ipc_receive_end(t, FLUKE_SUCCESS);
	case TRANSFER_SELF:
		return stop.self;
	case TRANSFER_PREEMPT:
		t->attention |= ATTENTION_CALL;
		return RESTART;
	case TRANSFER_PEER:
		if (stop.access)
			fault_resolve(asker, stop.va, stop.access);
		break;
	}
lost:
	t->flags &= ~FLUKE_THREAD_ACCEPTED;
	call_become(t, FLUKE_CALL_ipc_wait_receive);
	return ipc_stage_wait(t);
}

/* The answer is in min_msg. */
static result_t call_finish(struct thread *t)
{
	TRY(ipc_load_receive(t, &t->regs.ebp));
	TRY(ipc_store_min(t, &t->regs.ebp));
	t->min_msg_words = 0;
	t->flags &= ~FLUKE_THREAD_ANSWERED;
	return ipc_receive_end(t, FLUKE_SUCCESS);
}

/* The server waits with a long answer. */
static result_t call_copy(struct thread *t, struct thread *server)
{
	struct transfer_stop stop;

	if (!server->wait_side) {	/* else it goes on where it was preempted */
		TRY(ipc_load_receive(t, &t->regs.ebp));
		server->wait_side = 1;
	}
	switch (ipc_transfer((struct stream){ server, &server->regs.edi }, (struct stream){ t, &t->regs.ebp }, &stop)) {
	case TRANSFER_SENT:
	case TRANSFER_FULL_DATA:
	case TRANSFER_FULL_REFS:
		ipc_cut(t);
		return ipc_receive_end(t, FLUKE_SUCCESS);
	case TRANSFER_SELF:
		return stop.self;
	case TRANSFER_PEER:
		if (stop.access)
			fault_resolve(server, stop.va, stop.access);
		wait_pass(server);
		return wait_on(NULL, &server->obj, WAIT_ANSWER, server);
	default:
		t->attention |= ATTENTION_CALL;
		return RESTART;
	}
}

/* Block at ebx, destination at edi.  resumes as: fluke_ipc_call from the start */
result_t sys_ipc_call(struct thread *t)
{
	uint32_t first[FLUKE_MAX_MIN_MSG] = { 0 };
	enum wait_kind kind;
	struct portset *set;
	struct thread *s;
	struct port *port;

	if (t->flags & FLUKE_THREAD_ANSWERED)
		return call_finish(t);
	if (t->asked && (t->asked->blocked & BLOCKED_WAIT) && t->asked->wait_kind == WAIT_REPLY)
		return call_copy(t, t->asked);
	ipc_cut(t);
	t->min_msg_words = 0;
	TRY(ipc_destination(t, &port));
	if (!port)
		return ipc_end(t, FLUKE_IPC_CONNECT_INVALID_DEST);
	if (port == &kernel_port)
		return ipc_kernel_call(t, 1);
	TRY(ipc_load_send(t, &t->regs.ebp));
	TRY(ipc_read_first(t, first));
	TRY(ipc_check_refs(t));
	memcpy(t->min_msg, first, sizeof first);
	set = port_set(port);
	s = set ? set->servers.head : NULL;
	if (!s) {
		result_t r = wait_on(&port->clients, &port->obj, WAIT_CALL, set ? set->last : NULL);

		port_activate(port);
		return r;
	}
	waitq_remove(s);
	kind = ipc_accept_call(s, port, t);
	wait_pass(s);
	return wait_on(NULL, &s->obj, kind, s);
}

/* Answers the request in hand, then returns or waits for the next message.
 * resumes as: itself; without an asker it has nothing to do */
static result_t reply(struct thread *t, enum then then)
{
	struct thread *asker = t->asker;
	uint32_t first[FLUKE_MAX_MIN_MSG] = { 0 };

	if (asker) {
		TRY(ipc_load_send(t, &t->regs.edi));
		TRY(ipc_read_first(t, first));
		TRY(ipc_check_refs(t));
		/* commit */
		if (!(asker->blocked & BLOCKED_KEEPER) && !half_short(t)) {
			wait_pass(asker);
			t->wait_side = 0;
			return wait_on(NULL, &asker->obj, WAIT_REPLY, asker);
		}
		t->asker = NULL;
		asker->asked = NULL;
		if (asker->blocked & BLOCKED_KEEPER) {
			keeper_answered(asker, first[0]);
		} else {
			memcpy(asker->min_msg, first, sizeof first);
			asker->min_msg_words = t->regs.ecx;
			asker->flags |= FLUKE_THREAD_ANSWERED;
			wait_wake(asker);
		}
	}
	t->regs.eax &= 0xff;
	if (then == THEN_DONE)
		return ipc_end(t, FLUKE_SUCCESS);
	call_become(t, FLUKE_CALL_ipc_wait_receive);
	return ipc_stage_wait(t);
}

result_t sys_ipc_reply(struct thread *t)
{
	return reply(t, THEN_DONE);
}

result_t ipc_reply_then_wait(struct thread *t)
{
	return reply(t, THEN_WAIT);
}

/* A long message, or one with refs, straight into the buffers of a waiting server.  If these
 * are not there, the message is lost; the server mends its fault, so that the next one arrives. */
static result_t send_long(struct thread *t, struct thread *s, struct port *port, const uint32_t first[])
{
	struct regs before = s->regs;
	struct transfer_stop stop;
	uint32_t start = s->regs.esi, room = s->regs.ecx;

	switch (ipc_transfer((struct stream){ t, &t->regs.ebp }, (struct stream){ s, &s->regs.edi }, &stop)) {
	case TRANSFER_SELF:
		s->regs = before;
		return stop.self;
	case TRANSFER_PREEMPT:
		s->regs = before;
		t->attention |= ATTENTION_CALL;
		return RESTART;
	case TRANSFER_PEER:
		if (stop.access)
			fault_resolve(s, stop.va, stop.access);
		goto lost;
	default:
		break;
	}
	if (room && !ipc_patch_first(s, start, first[0]))
		goto lost;
	waitq_remove(s);
	ipc_accept(s, FLUKE_IPC_ONEWAY, port);
	memcpy(s->min_msg, first, FLUKE_MIN_MSG_SIZE * sizeof first[0]);
	ipc_receive_end(s, FLUKE_SUCCESS);
	wait_finish(s);
	t->regs.eax &= 0xff;
	return ipc_end(t, FLUKE_SUCCESS);
lost:
	s->regs = before;
	wait_wake(s);
	return ipc_end(t, FLUKE_SUCCESS);
}

/* Block at ebx, destination at edi.  Never waits. */
result_t sys_ipc_send(struct thread *t)
{
	uint32_t first[FLUKE_MAX_MIN_MSG];
	struct portset *set;
	struct thread *s;
	struct port *port;

	TRY(ipc_destination(t, &port));
	if (!port)
		return ipc_end(t, FLUKE_IPC_CONNECT_INVALID_DEST);
	TRY(ipc_load_send(t, &t->regs.ebp));
	TRY(ipc_read_first(t, first));
	TRY(ipc_check_refs(t));
	first[0] &= ~FLUKE_PENDING_KERNEL;	/* nobody feigns an event of the kernel */
	set = port_set(port);
	s = set ? set->servers.head : NULL;
	if (s && !half_short(t))
		return send_long(t, s, port, first);
	/* commit */
	if (s) {
		waitq_remove(s);
		ipc_accept(s, FLUKE_IPC_ONEWAY, port);
		memcpy(s->min_msg, first, sizeof first);
		s->min_msg_words = t->regs.ecx > FLUKE_MIN_MSG_SIZE ? t->regs.ecx : FLUKE_MIN_MSG_SIZE;
		wait_wake(s);
	} else if (half_short(t) && t->regs.ecx <= FLUKE_MIN_MSG_SIZE && port != &kernel_port) {
		port->pending |= first[0];
		if (port->pending)
			port_activate(port);
	}
	t->regs.eax &= 0xff;
	return ipc_end(t, FLUKE_SUCCESS);
}

/* The kernel's own port: the answer is there at once. */
result_t ipc_kernel_call(struct thread *t, int idempotent)
{
	uint32_t in[FLUKE_MAX_MIN_MSG] = { 0 }, out[FLUKE_MAX_MIN_MSG] = { 0 }, va;
	struct link link[2] = { { NULL, NULL, NULL }, { NULL, NULL, NULL } }, *links[2] = { &link[0], &link[1] };
	struct object *target[2] = { NULL, NULL };
	unsigned words, refs, count = 0;

	TRY(ipc_load_send(t, &t->regs.ebp));
	TRY(ipc_read_first(t, in));
	words = t->regs.ecx < FLUKE_MAX_MIN_MSG ? t->regs.ecx : FLUKE_MAX_MIN_MSG;
	refs = HALF_REFS(t->regs.eax) < 2 ? HALF_REFS(t->regs.eax) : 2;
	for (unsigned i = 0; i < refs; i++) {
		TRY(user_read_word(&va, t->regs.edx + 4 * i));
		TRY(object_find_or_ref(va, FLUKE_NULL, &target[i]));
	}
	TRY(ipc_load_receive(t, idempotent ? &t->regs.ebp : &t->regs.edi));
	/* commit */
	for (unsigned i = 0; i < refs; i++)
		link_set(&link[i], target[i]);
	machine_request(t, in, words, links, refs, out, &count);
	for (unsigned i = 0; i < refs; i++)
		link_clear(&link[i]);
	memcpy(t->min_msg, out, sizeof out);
	t->min_msg_words = count;
	if (idempotent) {
		t->flags |= FLUKE_THREAD_ANSWERED;
		return call_finish(t);
	}
	call_become(t, FLUKE_CALL_ipc_client_receive);
	return ipc_stage_receive(t, CLIENT);
}
