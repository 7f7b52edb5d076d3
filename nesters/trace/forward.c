/* Messages through a proxy: received whole, passed on to what it stands for, the answer passed back; references in both
 * are changed on the way (proxy.c).  The worker waits for the answer as the client's deputy, so a pool of workers grows with
 * the number of requests that wait.
 *
 * A client that wants to leave alerts its server (docs/design/transfers.md).  The alert is passed on: if the request waits
 * above as well, the worker leaves it and sets its client aside for a moment, which then leaves; else the answer counts
 * and is awaited.  The same happens when a client is destroyed. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <fluke/callnumbers.h>
#include <protocols/client.h>
#include <protocols/Parent.h>
#include "trace.h"

#define FORWARD_LEFT	0xfeu
#define SPARE		2u		/* workers beyond those that wait above */
#define PATIENCE	200000u		/* ns for a client to leave, at first */

struct carrier {			/* of a worker thread */
	volatile uint32_t esp;		/* in forward_call; else 0 */
	volatile uint32_t alerted;
	fluke_ref_t	*server, *client, *null;
	fluke_ref_t	*received[MESSAGE_REFS];
};

fluke_error_t	forward_call(fluke_ipc_params_t *params, fluke_ref_t *dest, struct carrier *carrier);
extern const char forward_begin[], forward_end[], forward_out[], alert_handler[];
void	alert_came(void);
int	forward(void *self, struct request *r);
void	forward_event(void *self, uint32_t word0, uint32_t word1);
void	forward_idempotent(void *self, struct request *r);

static volatile uint32_t waiting;	/* workers in forward_call, about */
static volatile uint32_t exchanges;

/* ---- a worker's own things ---- */

static struct carrier *carrier_new(void)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = ref_new();
	c->client = ref_new();
	c->null = ref_new();
	for (unsigned n = 0; n < MESSAGE_REFS; n++)
		c->received[n] = ref_new();
	if (!c->server || !c->client || !c->null || !c->received[MESSAGE_REFS - 1])
		return NULL;
	thread_carrier_set(c);
	fluke_thread_set_handlers(NULL, 0, (oskit_addr_t)alert_handler, (oskit_addr_t)alert_handler, 0);
	fluke_thread_enable_exceptions(NULL);
	return c;
}

static struct carrier *carrier(void)
{
	struct carrier *c = thread_carrier_get();

	return c ? c : carrier_new();
}

/* ---- leaving ---- */

/* Does nobody above work for the request?  Then the alert has ended it; else the kernel interrupts this thread if it
 * is set aside later. */
static int set_aside_above(struct carrier *c)
{
	natural_t flags;
	int nobody;

	fluke_ipc_client_alert();
	fluke_thread_get_server(NULL, c->server, &flags);
	nobody = fluke_ref_type(c->server) == FLUKE_NULL;
	fluke_ref_clear(c->server);
	return nobody;
}

static int may_leave(struct carrier *c, const struct fluke_thread_saved_state *s)
{
	if (s->eip >= (uint32_t)forward_begin && s->eip < (uint32_t)forward_end)
		return 1;
	if (s->eip != FLUKE_ENTRY || s->esp != c->esp - 4)
		return 0;
	switch (s->eax & 0xff) {
	case FLUKE_CALL_ipc_client_connect_send_over_receive:	/* nobody has taken it */
		return 1;
	case FLUKE_CALL_ipc_client_send_over_receive:
	case FLUKE_CALL_ipc_client_over_receive:
		return !(s->eax & FLUKE_CALL_ANSWERED) && set_aside_above(c);
	}
	return 0;		/* the answer has begun */
}

/* From alert_handler: an alert by the client, or the interrupt that says that the request above waits now. */
void alert_came(void)
{
	struct carrier *c = thread_carrier_get();
	struct fluke_thread_saved_state s;

	c->alerted = 1;
	if (!c->esp)
		return;
	fluke_thread_get_saved_state(NULL, &s);
	if (!may_leave(c, &s))
		return;
	s.eip = (uint32_t)forward_out;
	s.esp = c->esp;
	s.min_msg_words = 0;
	fluke_thread_set_saved_state(NULL, &s);
}

/* The client may leave now, if it wants to: 1 if it has. */
static int let_leave(struct carrier *c, uint32_t ns)
{
	natural_t flags;
	int gone;

	fluke_thread_get_client(NULL, c->client, &flags);
	fluke_thread_set_client(NULL, c->null, 0);
	nap(ns);
	c->alerted = 0;
	fluke_thread_set_client(NULL, c->client, flags);
	fluke_thread_get_client(NULL, c->client, &flags);
	gone = fluke_ref_type(c->client) == FLUKE_NULL;
	fluke_ref_clear(c->client);
	return gone;
}

/* ---- references ---- */

/* What is sent in place of the request's references; free_up afterwards.  0 or ENOMEM. */
static int pass_up(struct message *m, struct request *r, fluke_ref_t *made[])
{
	for (unsigned n = 0; n < r->refs; n++) {
		const struct proto_param *as = decode_object(m->method, 0, n);

		made[n] = NULL;
		m->refs = n + 1;
		if (m->wanted)
			strcpy(m->label[n], "direct");
		m->ref[n] = as && as->kind == PROTO_DIRECT ? r->ref + n : proxy_pass(r->ref + n, UP, as ? as->name : NULL, NULL,
			&made[n], m->wanted ? m->label[n] : NULL);
		if (!m->ref[n])
			return ENOMEM;
	}
	return 0;
}

static void free_up(const struct message *m, fluke_ref_t *made[])
{
	for (unsigned n = 0; n < m->refs; n++)
		ref_free(made[n]);
}

/* The received reference itself, another ref in its place.  Null: no memory. */
static fluke_ref_t *take_received(fluke_ref_t **received)
{
	fluke_ref_t *ref = *received, *other = ref_new();

	if (other)
		*received = other;
	return other ? ref : NULL;
}

/* One of the reply's: a ref that is freed when the reply has gone out. */
static fluke_ref_t *pass_one_down(const struct message *m, fluke_ref_t **place, const struct proto_param *as, char label[LABEL])
{
	fluke_ref_t *received = *place;
	const char *path = decode_string(m), *name = as ? as->name : NULL;
	fluke_ref_t *made = NULL;
	void *what;

	if (label)
		strcpy(label, follow_is_service(received) ? "tracer" : "direct");
	if ((as && as->kind == PROTO_DIRECT) || follow_is_service(received)) {
		if (label)
			show_given(received, label);
		return take_received(place);
	}
	if (path && m->words[0] == (Parent_INTERFACE << 8 | Parent_lookup_NUMBER))
		name = path;
	what = proxy_pass(received, DOWN, name, path, &made, label);
	if (what == received)
		return take_received(place);
	if (!made && what)
		made = ref_dup(what);
	fluke_ref_clear(received);
	return made;
}

static int pass_down(struct message *m, struct request *r, struct carrier *c, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		fluke_ref_t *ref = pass_one_down(m, &c->received[n], decode_object(m->method, 1, n),
			m->wanted || show_gives() ? m->reply_label[n] : NULL);

		if (!ref)
			return ENOMEM;
		request_free_ref(r, ref);
		r->reply_ref[n] = ref;
		r->reply_refs = m->reply_refs = n + 1;
	}
	return 0;
}

/* ---- the exchange ---- */

static void begin(struct message *m, struct proxy *p, struct request *r, struct carrier *c)
{
	natural_t flags;

	memset(m, 0, offsetof(struct message, label));
	m->proxy = p;
	m->words = r->words;
	m->count = r->count;
	m->id = __sync_add_and_fetch(&exchanges, 1);
	if (m->count)
		decode_method(m->words[0], &m->interface, &m->method);
	m->wanted = show_wants(m);
	if (m->wanted && r->flavour == FLUKE_IPC_RELIABLE) {
		fluke_thread_get_client(NULL, c->client, &flags);
		m->thread = (uint32_t)fluke_ref_hash(c->client);
		fluke_ref_clear(c->client);
	}
}

/* Waits above until there is an answer or the client has left; PROTO_BROKEN then. */
static int exchange(struct message *m, struct request *r, struct carrier *c, fluke_ipc_params_t *p, fluke_ipc_buffer_t *more)
{
	uint32_t patience = PATIENCE;
	fluke_error_t eax;

	c->alerted = 0;
	for (;;) {
		memset(p, 0, sizeof(*p));
		p->send_words = m->count;
		p->send_data = (void *)(uintptr_t)m->words;
		p->send_refs = (uint8_t)m->refs;
		p->send_ref_table = m->ref;
		p->recv_words = REPLY_HEAD;
		p->recv_data = r->reply;
		p->recv_buffers = 1;
		p->recv_buffer_table = more;
		p->recv_refs = MESSAGE_REFS;
		p->recv_ref_table = c->received;
		server_grow(m->proxy->served.server, __sync_add_and_fetch(&waiting, 1) + SPARE);
		eax = forward_call(p, m->proxy->target, c);
		__sync_sub_and_fetch(&waiting, 1);
		if (FLUKE_IPC_STATUS(eax) != FORWARD_LEFT)
			return proto_status(eax);
		if (let_leave(c, patience))
			return PROTO_BROKEN;
		patience *= 2;
	}
}

/* The reply as received: the request's, with what did not fit behind its first words as a piece. */
static void take_reply(struct message *m, struct request *r, const fluke_ipc_params_t *p, const fluke_ipc_buffer_t *more)
{
	m->reply = r->reply;
	if (p->recv_buffers) {		/* the second buffer was not begun */
		m->reply_count = REPLY_HEAD - p->recv_words;
	} else {
		m->reply_count = REPLY_HEAD;
		m->more = more->data;
		m->more_count = more->words - p->recv_words;
	}
	r->reply_words = m->reply_count;
	if (m->more_count) {
		r->reply_piece[0].data = more->data;
		r->reply_piece[0].words = m->more_count;
		r->reply_pieces = 1;
	}
}

static int pass_on(struct message *m, struct request *r, struct carrier *c)
{
	fluke_ipc_buffer_t more = { (PROTO_BULK_MAX + 4096) / 4, request_scratch(r) };
	fluke_ipc_params_t p;
	int error = more.data ? exchange(m, r, c, &p, &more) : ENOMEM;

	if (error)
		return error;
	take_reply(m, r, &p, &more);
	error = m->reply_count ? (int)r->reply[0] : EPROTO;
	return error ? error : pass_down(m, r, c, MESSAGE_REFS - p.recv_refs);
}

static void send_on(struct message *m, struct request *r)
{
	fluke_ipc_params_t p = { .send_words = m->count, .send_data = r->words, .send_refs = (uint8_t)m->refs, .send_ref_table = m->ref };

	fluke_ipc_send(&p, m->proxy->target);
}

int forward(void *self, struct request *r)
{
	struct carrier *c = carrier();
	fluke_ref_t *made[MESSAGE_REFS];
	struct message m;
	int error;

	if (!c)
		return ENOMEM;
	begin(&m, self, r, c);
	error = pass_up(&m, r, made);
	show_call(&m);
	m.error = error ? error : inject(&m);
	if (r->flavour == FLUKE_IPC_ONEWAY && !error)
		send_on(&m, r);
	else if (!m.error)
		m.error = pass_on(&m, r, c);
	free_up(&m, made);
	show_reply(&m);
	return m.error;
}

/* A one-way message of the least size: an event of a server for a port of those below, or the other way round. */
void forward_event(void *self, uint32_t word0, uint32_t word1)
{
	struct proxy *p = self;
	uint32_t words[2] = { word0, word1 };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = words };

	fluke_ipc_send(&params, p->target);
}

/* A keeper's request. */
void forward_idempotent(void *self, struct request *r)
{
	struct proxy *p = self;
	fluke_ipc_params_t params = { .send_words = r->count, .send_data = r->words, .recv_words = FLUKE_MAX_MIN_MSG,
		.recv_data = r->reply };

	__sync_add_and_fetch(&waiting, 1);
	if (FLUKE_IPC_STATUS(fluke_ipc_call(&params, p->target)) == FLUKE_SUCCESS)
		r->reply_words = FLUKE_MAX_MIN_MSG - params.recv_words;
	__sync_sub_and_fetch(&waiting, 1);
}
