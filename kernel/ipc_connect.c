/* Reliable connections: made, ended, set aside and taken up again, taken over.
 *
 * A connection is the pair client->peer[CLIENT] == server, server->peer[SERVER] == client.  One
 * end may set it aside (set_client, set_server): then only the other end's pointer remains, and
 * that thread hangs in `parked` of the one that did. */
#include "kernel.h"
#include "ipc.h"
#include "wait.h"
#include "sched.h"

/* The flag in t->flags that says who sends on t's connection of that side. */
static const uint32_t sender_flag[2] = { FLUKE_THREAD_SERVER_SENDER, FLUKE_THREAD_CLIENT_SENDER };

static void park(struct thread *t, enum side side)
{
	struct thread *at = t->peer[side];

	t->park_prev[side] = NULL;
	t->park_next[side] = at->parked[side];
	if (at->parked[side])
		at->parked[side]->park_prev[side] = t;
	at->parked[side] = t;
}

static void unpark(struct thread *t, enum side side)
{
	struct thread *at = t->peer[side];

	if (t->park_prev[side])
		t->park_prev[side]->park_next[side] = t->park_next[side];
	else
		at->parked[side] = t->park_next[side];
	if (t->park_next[side])
		t->park_next[side]->park_prev[side] = t->park_prev[side];
}

static int waits_on_connection(const struct thread *t, enum side side)
{
	return (t->blocked & BLOCKED_WAIT) && t->wait_kind >= WAIT_SEND && t->wait_side == side;
}

struct thread *ipc_live(struct thread *t, enum side side)
{
	struct thread *peer = t->peer[side];

	return peer && peer->peer[!side] == t ? peer : NULL;
}

int ipc_peer_waits(struct thread *t, enum side side, enum wait_kind kind)
{
	struct thread *peer = ipc_live(t, side);

	return peer && (peer->blocked & BLOCKED_WAIT) && peer->wait_kind == kind && peer->wait_side == !side;
}

void ipc_connect(struct thread *client, struct thread *server)
{
	client->peer[CLIENT] = server;
	server->peer[SERVER] = client;
	client->serial++;
	client->flags &= ~(FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_ASIDE | FLUKE_THREAD_ALERTED);
	server->flags |= FLUKE_THREAD_CLIENT_SENDER;
}

/* t's pointer goes; returns the peer if it has to be told. */
static struct thread *cut_off(struct thread *t, enum side side)
{
	struct thread *peer = t->peer[side];

	if (!peer)
		return NULL;
	if (peer->peer[!side] == t) {
		peer->peer[!side] = NULL;
		peer->flags &= ~sender_flag[!side];
	} else {
		unpark(t, side);
		peer = NULL;
	}
	t->peer[side] = NULL;
	t->flags &= ~sender_flag[side];
	return peer;
}

void ipc_disconnect(struct thread *t, enum side side)
{
	struct thread *peer = cut_off(t, side);

	if (peer && waits_on_connection(peer, !side))
		wait_wake(peer);
}

/* The client set aside last lends on until t waits again: t is still at work for it, or comes back
 * to it.  No other one lends, and this one is the first of its list. */
void ipc_end_lending(struct thread *t)
{
	struct thread *last = t->parked[CLIENT];

	if (last && last->donee == t)
		sched_donate(last, NULL);
}

/* t's connection is set aside: the peer keeps its pointer.  If that is for no other client, nobody
 * works for this one, which is told so if it has alerted its server. */
static void set_aside(struct thread *t, enum side side, const struct thread *other)
{
	struct thread *peer = ipc_live(t, side);

	if (!peer) {
		ipc_disconnect(t, side);
		return;
	}
	t->peer[side] = NULL;
	t->flags &= ~sender_flag[side];
	if (side == SERVER)
		ipc_end_lending(t);
	else if (waits_on_connection(peer, SERVER))
		sched_donate(peer, NULL);
	park(peer, !side);
	if (side != SERVER || other)
		return;
	peer->flags |= FLUKE_THREAD_ASIDE;
	if (peer->flags & FLUKE_THREAD_ALERTED) {
		peer->flags = (peer->flags & ~FLUKE_THREAD_ALERTED) | FLUKE_THREAD_INTERRUPT_PENDING;
		thread_alert(peer);
	}
}

/* The peer's end, wherever it was connected to, now belongs to t. */
static void adopt(struct thread *t, enum side side, struct thread *peer)
{
	struct thread *former = peer->peer[!side];

	if (former && former->peer[side] == peer) {
		former->peer[side] = NULL;
		if (waits_on_connection(former, side))
			wait_wake(former);
	} else if (former)
		unpark(peer, !side);
	peer->peer[!side] = t;
	t->peer[side] = peer;
	if (side == SERVER)
		peer->flags &= ~FLUKE_THREAD_ASIDE;
	if (waits_on_connection(peer, !side))
		sched_donate(peer, t);
}

/* In a wait for a connection to be made there is none. */
static int waits_to_connect(const struct thread *t, enum side side)
{
	return (t->blocked & BLOCKED_WAIT) && t->wait_kind == (side == CLIENT ? WAIT_CONNECT : WAIT_MESSAGE);
}

void ipc_take_over(struct thread *t, enum side side, struct thread *peer, uint32_t parked)
{
	uint32_t sender = t->flags & sender_flag[side];		/* the state's, just set */

	if (t->peer[side] == peer)
		return;
	ipc_disconnect(t, side);
	if (!peer || peer == t || waits_to_connect(peer, !side))
		return;
	t->flags |= sender;
	if (!parked || peer->peer[!side] == t) {
		adopt(t, side, peer);
		return;
	}
	t->peer[side] = peer;
	park(t, side);
}

/* set_client, set_server: the present connection is set aside, and one that this thread or another
 * of its space has set aside (or holds) is taken up.  If it has ended, or has another number than
 * `serial` (0 = any), t has no connection. */
void ipc_resume(struct thread *t, enum side side, struct thread *peer, uint32_t serial)
{
	struct thread *holder;

	if (peer && t->peer[side] == peer && ipc_live(t, side))
		return;
	if (t->peer[side])
		set_aside(t, side, peer);
	if (!peer || peer == t)
		return;
	holder = peer->peer[!side];
	if (!holder || thread_space(holder) != thread_space(t))
		return;
	if (serial && serial != (side == SERVER ? peer : t)->serial)
		return;
	adopt(t, side, peer);
	if (peer->flags & sender_flag[!side])
		t->flags &= ~sender_flag[side];
	else
		t->flags |= sender_flag[side];
}

/* The peer is told by an alert that this connection broke. */
static void break_off(struct thread *t, enum side side)
{
	struct thread *peer = t->peer[side];

	peer->flags |= side == CLIENT ? FLUKE_THREAD_CLIENT_ALERT : FLUKE_THREAD_SERVER_ALERT;
	ipc_disconnect(t, side);
	thread_alert(peer);
}

int ipc_thread_destroyed(struct thread *t)
{
	unsigned budget = 32;

	for (enum side side = CLIENT; side <= SERVER; side++) {
		if (ipc_live(t, side))
			break_off(t, side);
		else if (t->peer[side])
			ipc_disconnect(t, side);
		while (t->parked[side]) {
			struct thread *other = t->parked[side];

			if (!budget--)
				return 0;
			cut_off(other, side);
			if (waits_on_connection(other, side))
				wait_wake(other);
		}
	}
	return 1;
}

void ipc_thread_moved(struct thread *old, struct thread *t)
{
	for (enum side side = CLIENT; side <= SERVER; side++) {
		struct thread *peer = t->peer[side];

		if (peer && peer->peer[!side] == old) {
			peer->peer[!side] = t;
		} else if (peer) {
			if (t->park_prev[side])
				t->park_prev[side]->park_next[side] = t;
			else
				peer->parked[side] = t;
			if (t->park_next[side])
				t->park_next[side]->park_prev[side] = t;
		}
		for (struct thread *other = t->parked[side]; other; other = other->park_next[side])
			other->peer[side] = t;
	}
}

result_t ipc_destination(struct thread *t, struct port **port)
{
	struct object *o;

	TRY(object_find_or_ref(t->regs.edi, FLUKE_NULL, &o));
	*port = o && object_type(o) == FLUKE_TYPE_PORT ? (struct port *)o : NULL;
	return OK;
}

void ipc_accept(struct thread *s, unsigned flavour, struct port *port)
{
	struct portset *set = port ? port_set(port) : NULL;

	if (set)
		portset_served(set, s);
	call_become(s, FLUKE_CALL_ipc_server_receive);
	s->flags = (s->flags & ~FLUKE_THREAD_ACCEPTED) | flavour << FLUKE_THREAD_ACCEPTED_SHIFT;
	s->regs.ebp = port ? port->alias : 0;
	s->min_msg_words = 0;
	s->min_msg[0] = s->min_msg[1] = 0;
	if (s->blocked & BLOCKED_WAIT) {
		s->wait_kind = WAIT_RECEIVE;
		s->wait_side = SERVER;
	}
}

/* The asynchronous exception of the peer: a client's alert is the server's CLIENT_ALERT.  A client that is set aside has
 * nobody to tell, and leaves: in one step, so that no server takes it up in between. */
static result_t alert(struct thread *t, enum side side)
{
	struct thread *peer = ipc_live(t, side);

	if (side == CLIENT && t->peer[CLIENT]) {
		if (t->flags & FLUKE_THREAD_ASIDE)
			ipc_disconnect(t, CLIENT);
		else
			t->flags |= FLUKE_THREAD_ALERTED;
	}
	if (peer) {
		peer->flags |= side == CLIENT ? FLUKE_THREAD_CLIENT_ALERT : FLUKE_THREAD_SERVER_ALERT;
		thread_alert(peer);
	}
	return OK;
}

result_t sys_ipc_client_disconnect(struct thread *t)
{
	ipc_disconnect(t, CLIENT);
	return OK;
}

result_t sys_ipc_server_disconnect(struct thread *t)
{
	ipc_disconnect(t, SERVER);
	return OK;
}

result_t sys_ipc_client_alert(struct thread *t)
{
	return alert(t, CLIENT);
}

result_t sys_ipc_server_alert(struct thread *t)
{
	return alert(t, SERVER);
}
