/* Ports.  What waits at a port: requests for time from threads whose scheduler it is, the
 * pending word (merged one-way messages and events of the kernel), queued clients.  A port where
 * anything waits is in the ring of its port set; no server waits in a set whose ring is not
 * empty.  Nothing here needs memory, so nothing is ever lost. */
#include "kernel.h"
#include "port.h"
#include "ipc.h"
#include "wait.h"
#include "sched.h"
#include "vm.h"

_Static_assert(sizeof(struct port) == sizeof(fluke_port_t), "the size of a port is part of the ABI");

struct port kernel_port;

void port_boot(void)
{
	kernel_port.obj.word = OBJECT_WORD(FLUKE_TYPE_PORT);
	kernel_port.obj.hash = 1;
}

static int port_busy(const struct port *port)
{
	return port->requests || port->pending || port->clients.head;
}

/* More than requests for time, or an urgent one, which stands first? */
static int urgent(const struct port *port)
{
	return port->pending || port->clients.head ||
		(port->requests && port->requests->sched_val & FLUKE_SCHED_URGENT);
}

static void ring_insert(struct portset *set, struct port *port)
{
	struct port *head = set->active;

	if (port->active_next)
		return;
	if (head) {
		port->active_next = head;
		port->active_prev = head->active_prev;
		head->active_prev->active_next = port;
		head->active_prev = port;
	} else {
		set->active = port->active_next = port->active_prev = port;
	}
}

void port_deactivate(struct port *port)
{
	struct portset *set = port_set(port);

	if (!port->active_next)
		return;
	port->active_prev->active_next = port->active_next;
	port->active_next->active_prev = port->active_prev;
	if (set && set->active == port)
		set->active = port->active_next == port ? NULL : port->active_next;
	port->active_next = port->active_prev = NULL;
}

void port_event(struct object *object, uint32_t bits)
{
	struct port *port = (struct port *)object;

	port->pending |= bits;
	port_activate(port);
}

void port_norefs_changed(struct object *object, int none)
{
	struct port *port = (struct port *)object;

	if (!(port->flags & FLUKE_PORT_NOREFS_NOTIFY))
		return;
	if (none)
		port_event(object, FLUKE_PENDING_NOREFS);
	else
		port->pending &= ~FLUKE_PENDING_NOREFS;
}

/* A message of the kernel, {word, value}. */
static void take_words(struct thread *s, struct port *port, uint32_t word, uint32_t value)
{
	ipc_accept(s, FLUKE_IPC_ONEWAY, port);
	s->min_msg[0] = word;
	s->min_msg[1] = value;
	s->min_msg_words = FLUKE_MIN_MSG_SIZE;
}

/* A queued client, whose send half is loaded, is bound to s and waits in its send stage. */
static void take_client(struct thread *s, struct port *port, struct thread *c)
{
	int over = (c->regs.eax & 0xff) == FLUKE_CALL_ipc_client_connect_send_over_receive;

	ipc_accept(s, FLUKE_IPC_RELIABLE, port);
	s->min_msg[0] = c->min_msg[0];
	s->min_msg[1] = c->min_msg[1];
	ipc_connect(c, s);
	c->regs.edi = c->regs.ebp;
	call_become(c, over ? FLUKE_CALL_ipc_client_send_over_receive : FLUKE_CALL_ipc_client_send);
	c->wait_kind = WAIT_SEND;
	c->wait_side = CLIENT;
}

static void take_from(struct thread *s, struct port *port)
{
	struct thread *t = port->requests;

	if (t) {
		port_unrequest(port, t);
		take_words(s, port, FLUKE_SCHED_REQUEST, t->sched_val);
	} else if (port->pending) {
		uint32_t pending = port->pending;

		port->pending = 0;
		take_words(s, port, pending, 0);
	} else {
		t = port->clients.head;
		waitq_remove(t);
		if (t->wait_kind == WAIT_CONNECT)
			take_client(s, port, t);
		else
			t->wait_kind = ipc_accept_call(s, port, t);
		sched_donate(t, s);
	}
}

/* Who waits in the set, and does so no longer; then nothing waits for it there. */
static struct thread *waiting_server(struct portset *set)
{
	struct thread *s = set->servers.head;

	if (s) {
		waitq_remove(s);
		set->announced = 0;
	}
	return s;
}

void port_activate(struct port *port)
{
	struct portset *set = port_set(port);
	struct thread *s, *next;

	if (!set || !port_busy(port))
		return;
	s = waiting_server(set);
	if (s) {
		take_from(s, port);
		if (port_busy(port))
			ring_insert(set, port);
		wait_wake(s);
		return;
	}
	ring_insert(set, port);
	for (s = set->sleepers.head; s && portset_busy(set); s = next) {
		next = s->wait_next;
		if (!sched_message(s, set, urgent(port)))
			break;
	}
}

/* port: t's scheduler, null if it has been destroyed meanwhile (then no ring is left). */
void port_unrequest(struct port *port, struct thread *t)
{
	if (!t->request_pending)
		return;
	t->request_prev->request_next = t->request_next;
	t->request_next->request_prev = t->request_prev;
	if (port && port->requests == t)
		port->requests = t->request_next == t ? NULL : t->request_next;
	t->request_next = t->request_prev = NULL;
	t->request_pending = 0;
}

void port_request(struct port *port, struct thread *t)
{
	struct portset *set = port_set(port);
	struct thread *s;

	if (t->request_pending || port == &kernel_port)
		return;
	s = set ? waiting_server(set) : NULL;
	if (s) {
		take_words(s, port, FLUKE_SCHED_REQUEST, t->sched_val);
		wait_wake(s);
		return;
	}
	t->request_pending = 1;
	if (port->requests) {
		t->request_next = port->requests;
		t->request_prev = port->requests->request_prev;
		port->requests->request_prev->request_next = t;
		port->requests->request_prev = t;
		if (t->sched_val & FLUKE_SCHED_URGENT)
			port->requests = t;
	} else {
		port->requests = t->request_next = t->request_prev = t;
	}
	port_activate(port);
}

/* The first port of the ring that really has something; drops the others. */
static struct port *first_busy(struct portset *set)
{
	while (set->active && !port_busy(set->active))
		port_deactivate(set->active);
	return set->active;
}

int portset_busy(struct portset *set)
{
	return first_busy(set) != NULL;
}

/* The only thing that waits in the set, if that is a request for time: who asks; else null. */
struct thread *portset_asker(const struct portset *set)
{
	const struct port *port = set->active;
	struct thread *t = port ? port->requests : NULL;

	return t && port->active_next == port && t->request_next == t && !port->pending && !port->clients.head ? t : NULL;
}

int portset_urgent(struct portset *set)
{
	struct port *port = first_busy(set);

	if (!port)
		return 0;
	do {
		if (urgent(port))
			return 1;
		port = port->active_next;
	} while (port != set->active);
	return 0;
}

int portset_take(struct portset *set, struct thread *s)
{
	struct port *port = first_busy(set);

	if (!port)
		return 0;
	set->active = port->active_next;	/* each port in turn */
	set->announced = 0;
	take_from(s, port);
	if (!port_busy(port))
		port_deactivate(port);
	return 1;
}

/* The first request, consumed, if the scheduler takes such as results: sched_val << 8 | `result`;
 * else `otherwise`. */
uint32_t portset_request(struct portset *set, struct thread *scheduler, uint32_t result, uint32_t otherwise)
{
	struct port *port = set ? first_busy(set) : NULL;
	struct thread *t = port ? port->requests : NULL;

	if (!t || !(scheduler->regs.edx & FLUKE_WAKEUP_TAKE_REQUEST))
		return otherwise;
	port_unrequest(port, t);
	set->active = port->active_next;
	if (!port_busy(port))
		port_deactivate(port);
	return result | t->sched_val << 8;
}

/* Something waits in the set: what the scheduler's thread_schedule returns. */
uint32_t portset_announce(struct portset *set, struct thread *scheduler)
{
	uint32_t result = portset_request(set, scheduler, FLUKE_SCHED_REQUESTED, FLUKE_SCHED_MESSAGE);

	if (result == FLUKE_SCHED_MESSAGE)
		set->announced = 1;
	return result;
}

/* What was announced to a scheduler has gone before it looked: s gets the message {0, 0}, for it
 * may have somebody to run and did not mean to wait.  False if nothing was announced. */
int portset_withdrawn(struct portset *set, struct thread *s)
{
	if (!set->announced)
		return 0;
	set->announced = 0;
	take_words(s, NULL, 0, 0);
	return 1;
}

static int port_destroy_step(struct object *o)
{
	struct port *port = (struct port *)o;

	port_deactivate(port);
	for (int n = 0; port->requests; n++) {
		struct thread *t = port->requests;

		if (n == 32)
			return 0;
		port_unrequest(port, t);
		t->known = 0;
	}
	for (int n = 0; port->clients.head; n++) {
		struct thread *t = port->clients.head;

		if (n == WAKE_STEP)
			return 0;
		if (t->blocked & BLOCKED_KEEPER)
			keeper_retry(t);
		else
			wait_wake(t);
	}
	link_clear(&port->portset);
	return 1;
}

static void port_moved(struct object *old_object, struct object *new_object)
{
	struct port *old = (struct port *)old_object, *port = (struct port *)new_object;
	struct portset *set = port_set(old);

	link_move(&old->portset, &port->portset);
	if (port->active_next == old) {
		port->active_next = port->active_prev = port;
	} else if (port->active_next) {
		port->active_next->active_prev = port;
		port->active_prev->active_next = port;
	}
	if (set && set->active == old)
		set->active = port;
	for (struct thread *t = port->clients.head; t; t = t->wait_next)
		t->wait_queue = &port->clients;
}

const struct object_type port_type = {
	"port", sizeof(struct port), NULL, port_destroy_step, port_moved, NULL, FLUKE_INSANITY_NOT_PORT,
};

result_t sys_port_get_state(struct thread *t)
{
	struct object *o;
	struct port *port;
	struct ref *ref = NULL;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_PORT, FLUKE_PROT_OBJECT, &o));
	port = (struct port *)o;
	if (t->regs.edx)
		TRY(ref_find(t->regs.edx, &ref));
	if (t->regs.ecx) {
		const fluke_port_state_t state = { o->hash, port->alias, port->flags, port->pending };

		TRY(user_write(t->regs.ecx, &state, sizeof state));
	}
	if (ref)
		link_set(&ref->link, link_target(&port->portset));
	return OK;
}

result_t sys_port_set_state(struct thread *t)
{
	fluke_port_state_t state;
	struct object *o;
	struct port *port;
	struct ref *ref = NULL;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_PORT, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &o));
	port = (struct port *)o;
	TRY(ref_check(t->regs.edx, FLUKE_TYPE_PORTSET, FLUKE_INSANITY_NOT_PORTSET_REF, &ref));
	if (t->regs.ecx) {
		TRY(user_read(&state, t->regs.ecx, sizeof state));
		if (state.flags & ~FLUKE_PORT_NOREFS_NOTIFY)
			return INSANE(INVALID_STATE);
	}
	/* commit */
	if (t->regs.ecx) {
		port->alias = state.alias;
		port->flags = state.flags;
		port->pending = state.pending;
	}
	if (ref) {
		port_deactivate(port);
		link_set(&port->portset, link_target(&ref->link));
	}
	port_activate(port);
	return OK;
}
