/* The stages of reliable IPC: connect, send, over, receive, acknowledge, wait.  Each begins
 * with the registers naming it, does what the peer's present wait allows, and either goes on to
 * the next stage (registers rewritten first) or waits in itself. */
#include "kernel.h"
#include "ipc.h"
#include "wait.h"
#include "sched.h"
#include "irq.h"
#include "vm.h"

static int is_sender(const struct thread *t, enum side side)
{
	return side == CLIENT ? !(t->flags & FLUKE_THREAD_SERVER_SENDER) : !(t->flags & FLUKE_THREAD_CLIENT_SENDER);
}

/* The line turns: t's end of that side becomes the sender. */
static void take_turn(struct thread *t, enum side side)
{
	struct thread *client = side == CLIENT ? t : t->peer[SERVER];
	struct thread *server = side == CLIENT ? t->peer[CLIENT] : t;

	if (side == CLIENT) {
		client->flags &= ~FLUKE_THREAD_SERVER_SENDER;
		server->flags |= FLUKE_THREAD_CLIENT_SENDER;
	} else {
		client->flags |= FLUKE_THREAD_SERVER_SENDER;
		server->flags &= ~FLUKE_THREAD_CLIENT_SENDER;
	}
}

/* Waits for the peer, which runs its stage now if it was waiting. */
static result_t wait_peer(struct thread *t, enum side side, enum wait_kind kind, int pass)
{
	struct thread *peer = ipc_live(t, side);

	if (pass)
		wait_pass(peer);
	t->wait_side = side;
	return wait_on(NULL, peer ? &peer->obj : NULL, kind, peer);
}

static result_t again(struct thread *t)
{
	t->attention |= ATTENTION_CALL;
	return RESTART;
}

static struct stream stream_of(struct thread *t)
{
	return (struct stream){ t, &t->regs.edi };
}

/* Everything of the message is out: what comes after the send. */
static result_t sent(struct thread *t, enum side side, enum then then)
{
	if (then == THEN_DONE)
		return ipc_end(t, FLUKE_SUCCESS);
	if (then == THEN_OVER) {
		call_become(t, side == CLIENT ? FLUKE_CALL_ipc_client_over_receive : FLUKE_CALL_ipc_server_over_receive);
		return ipc_stage_over(t, side);
	}
	ipc_disconnect(t, SERVER);
	call_become(t, FLUKE_CALL_ipc_wait_receive);
	return ipc_stage_wait(t);
}

/* A few words to a receiver that has room: taken into its min_msg, stored by itself. */
static result_t send_short(struct thread *t, struct thread *peer)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], count = t->regs.ecx;

	TRY(ipc_read_first(t, words));
	memcpy(peer->min_msg, words, count * sizeof words[0]);
	peer->min_msg_words = count;
	t->regs.ecx = 0;
	t->regs.esi += count * 4;
	return OK;
}

/* resumes as: ipc_X_send, ipc_X_send_over_receive or ipc_server_send_wait_receive for the rest */
static result_t send_to_receiver(struct thread *t, enum side side, enum then then, struct thread *peer)
{
	struct transfer_stop stop;

	if (peer->min_msg_words)	/* must store these first */
		return wait_peer(t, side, WAIT_SEND, 1);
	if (half_short(t) && t->regs.ecx <= peer->regs.ecx) {
		TRY(send_short(t, peer));
		if (then == THEN_DONE)
			wait_wake(peer);
		return sent(t, side, then);
	}
	switch (ipc_transfer(stream_of(t), stream_of(peer), &stop)) {
	case TRANSFER_SENT:
		return sent(t, side, then);
	case TRANSFER_FULL_DATA:
		ipc_receive_end(peer, FLUKE_IPC_RECV_MORE_DATA);
		wait_finish(peer);
		return wait_peer(t, side, WAIT_SEND, 0);
	case TRANSFER_FULL_REFS:
		ipc_receive_end(peer, FLUKE_IPC_RECV_MORE_REFS);
		wait_finish(peer);
		return wait_peer(t, side, WAIT_SEND, 0);
	case TRANSFER_SELF:
		return stop.self;
	case TRANSFER_PEER:
		return wait_peer(t, side, WAIT_SEND, 1);
	default:
		return again(t);
	}
}

result_t ipc_stage_send(struct thread *t, enum side side, enum then then)
{
	if (!t->peer[side])
		return ipc_end(t, FLUKE_IPC_SEND_DISCONNECTED);
	if (!is_sender(t, side))
		return INSANE(NOT_SENDER);
	if (!t->regs.ecx && !HALF_COUNTS(t->regs.eax))
		return sent(t, side, then);
	if (ipc_peer_waits(t, side, WAIT_RECEIVE))
		return send_to_receiver(t, side, then, t->peer[side]);
	if (ipc_peer_waits(t, side, WAIT_ACK)) {	/* it does not want the rest */
		t->regs.ecx = 0;
		t->regs.eax &= 0xffff;
		return sent(t, side, then);
	}
	return wait_peer(t, side, WAIT_SEND, 0);
}

/* resumes as: ipc_X_over_receive(block at ebx); when the peer takes the turn, as ipc_X_receive */
result_t ipc_stage_over(struct thread *t, enum side side)
{
	if (side == CLIENT && t->regs.eax & FLUKE_CALL_ANSWERED) {	/* while it was stopped */
		TRY(ipc_load_receive(t, &t->regs.edi));
		call_become(t, FLUKE_CALL_ipc_client_receive);
		return ipc_stage_receive(t, CLIENT);
	}
	if (!t->peer[side])
		return ipc_end(t, FLUKE_IPC_OVER_DISCONNECTED);
	if (!is_sender(t, side))
		return INSANE(NOT_SENDER);
	TRY(ipc_load_receive(t, &t->regs.edi));
	return wait_peer(t, side, WAIT_OVER,
			 ipc_peer_waits(t, side, WAIT_RECEIVE) || ipc_peer_waits(t, side, WAIT_ACK));
}

static result_t receive_from_sender(struct thread *t, enum side side, struct thread *peer)
{
	struct transfer_stop stop;

	switch (ipc_transfer(stream_of(peer), stream_of(t), &stop)) {
	case TRANSFER_SENT:
		return wait_peer(t, side, WAIT_RECEIVE, 1);
	case TRANSFER_FULL_DATA:
		return ipc_receive_end(t, FLUKE_IPC_RECV_MORE_DATA);
	case TRANSFER_FULL_REFS:
		return ipc_receive_end(t, FLUKE_IPC_RECV_MORE_REFS);
	case TRANSFER_SELF:
		return stop.self;
	case TRANSFER_PEER:
		return wait_peer(t, side, WAIT_RECEIVE, 1);
	default:
		return again(t);
	}
}

/* resumes as: ipc_X_receive for the rest */
result_t ipc_stage_receive(struct thread *t, enum side side)
{
	unsigned accepted = side == SERVER ? (t->flags & FLUKE_THREAD_ACCEPTED) >> FLUKE_THREAD_ACCEPTED_SHIFT : 0;

	if (accepted == FLUKE_IPC_IDEMPOTENT && !t->min_msg_words)
		return ipc_receive_call(t);
	TRY(ipc_store_min(t, &t->regs.edi));
	if (accepted == FLUKE_IPC_ONEWAY || accepted == FLUKE_IPC_IDEMPOTENT) {
		t->min_msg_words = 0;		/* what is too long is cut */
		return ipc_receive_end(t, FLUKE_SUCCESS);
	}
	if (t->min_msg_words)
		return ipc_receive_end(t, FLUKE_IPC_RECV_MORE_DATA);
	if (!t->peer[side])
		return ipc_receive_end(t, FLUKE_IPC_RECV_DISCONNECTED);
	if (is_sender(t, side))
		return INSANE(NOT_RECEIVER);
	if (ipc_peer_waits(t, side, WAIT_SEND))
		return receive_from_sender(t, side, t->peer[side]);
	if (ipc_peer_waits(t, side, WAIT_OVER))
		return ipc_receive_end(t, FLUKE_SUCCESS);
	return wait_peer(t, side, WAIT_RECEIVE, 0);
}

/* resumes as: ipc_X_ack_send...(block at ebx); once the turn is taken, as send_call */
result_t ipc_stage_ack(struct thread *t, enum side side, uint32_t send_call, enum then then)
{
	struct thread *peer = t->peer[side];

	if (!peer)
		return ipc_end(t, FLUKE_IPC_ACK_DISCONNECTED);
	if (is_sender(t, side))
		return INSANE(NOT_RECEIVER);
	if (ipc_peer_waits(t, side, WAIT_OVER)) {
		TRY(ipc_load_send(t, &t->regs.edi));
		/* commit: the peer, its receive half loaded, becomes the receiver */
		take_turn(t, side);
		t->min_msg_words = 0;
		call_become(t, send_call);
		call_become(peer, side == SERVER ? FLUKE_CALL_ipc_client_receive : FLUKE_CALL_ipc_server_receive);
		peer->wait_kind = WAIT_RECEIVE;
		return ipc_stage_send(t, side, then);
	}
	if (ipc_peer_waits(t, side, WAIT_SEND)) {	/* its data are thrown away */
		peer->regs.ecx = 0;
		peer->regs.eax &= 0xffff;
		return wait_peer(t, side, WAIT_ACK, 1);
	}
	return wait_peer(t, side, WAIT_ACK, 0);
}

/* resumes as: ipc_wait_receive(block at ebx) */
result_t ipc_stage_wait(struct thread *t)
{
	struct object *o;
	struct portset *set;

	ipc_disconnect(t, SERVER);
	if (t->parked[CLIENT])
		ipc_end_lending(t);
	if (t->asker)
		ipc_abandon(t);
	t->flags &= ~FLUKE_THREAD_ACCEPTED;
	t->min_msg_words = 0;
	TRY(object_find(t->server_portset, FLUKE_TYPE_PORTSET, FLUKE_PROT_OBJECT, &o));
	TRY(ipc_load_receive(t, &t->regs.edi));
	set = (struct portset *)o;
	irq_rearm(set);
	if (portset_take(set, t) || portset_withdrawn(set, t))
		return ipc_stage_receive(t, SERVER);
	return wait_on(&set->servers, o, WAIT_MESSAGE, NULL);
}

/* resumes as: ipc_client_connect_send...(block at ebx, dest at edi) until a server is bound */
result_t ipc_stage_connect(struct thread *t, uint32_t send_call, enum then then)
{
	uint32_t first[FLUKE_MAX_MIN_MSG];
	struct portset *set;
	struct thread *server;
	struct port *port;

	TRY(ipc_destination(t, &port));
	ipc_disconnect(t, CLIENT);
	t->min_msg_words = 0;
	if (!port)
		return ipc_end(t, FLUKE_IPC_CONNECT_INVALID_DEST);
	if (port == &kernel_port)
		return ipc_kernel_call(t, 0);
	TRY(ipc_load_send(t, &t->regs.ebp));
	TRY(ipc_read_first(t, first));
	set = port_set(port);
	server = set ? set->servers.head : NULL;
	if (!server) {
		memcpy(t->min_msg, first, FLUKE_MIN_MSG_SIZE * sizeof first[0]);
		result_t r = wait_on(&port->clients, &port->obj, WAIT_CONNECT, set ? set->last : NULL);

		port_activate(port);
		return r;
	}
	/* commit */
	waitq_remove(server);
	ipc_accept(server, FLUKE_IPC_RELIABLE, port);
	memcpy(server->min_msg, first, FLUKE_MIN_MSG_SIZE * sizeof first[0]);
	ipc_connect(t, server);
	t->regs.edi = t->regs.ebp;
	call_become(t, send_call);
	return ipc_stage_send(t, CLIENT, then);
}
