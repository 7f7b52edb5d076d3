/* The server loop: a port set, its workers, the table of served objects.
 *
 * A port's alias is the address of an entry, with the entry's generation in the low bits; entries are never given
 * back to the heap, so a message that arrives late for an object that is gone finds its entry's generation changed.
 * entry->state counts the workers that are in the object; DYING set means release when it drops to zero,
 * RELEASED that this has happened. */
#include <stdlib.h>
#include <string.h>
#include <nest/serve.h>
#include <fastlock.h>
#include <linux_abi.h>
#include <fluke/callnumbers.h>
#include "worker.h"

#define DYING		0x80000000u
#define RELEASED	0x40000000u		/* release has been called: whoever comes now finds nothing */
#define GENERATION	0xfu
#define LONG		300000000u	/* counter ticks: a good part of a second */
#define HASH_FIRST	0x53000000u	/* hashes of served ports begin here */
#define HEADER_MAX	(64 + 2 * (PROTO_STRING_MAX + 1) / 4)		/* words besides a bulk */

struct served_entry {
	struct served	*object;
	volatile uint32_t state;
	uint32_t	generation, number;	/* number: in blocks */
	struct served_entry *next_free;
} __attribute__((aligned(16)));
#define BLOCK		64u
#define BLOCKS		4096u

static struct served_entry *free_entries, *blocks[BLOCKS];
static uint32_t block_count;
static struct fast_lock entry_lock;

static uint32_t add(volatile uint32_t *word, uint32_t by)	/* the value before */
{
	return __sync_fetch_and_add(word, by);
}

static struct served_entry *entry_new(void)
{
	struct served_entry *e;

	if (!entry_lock.mutex)
		fast_lock_init(&entry_lock);
	fast_lock_take(&entry_lock);
	if (!free_entries) {
		e = block_count < BLOCKS ? memalign(16, BLOCK * sizeof(*e)) : NULL;
		if (e) {
			memset(e, 0, BLOCK * sizeof(*e));
			blocks[block_count++] = e;
		}
		for (unsigned n = 0; e && n < BLOCK; n++) {
			e[n].number = (block_count - 1) * BLOCK + n;
			e[n].next_free = free_entries;
			free_entries = &e[n];
		}
	}
	e = free_entries;
	if (e)
		free_entries = e->next_free;
	fast_lock_drop(&entry_lock);
	return e;
}

static void entry_free(struct served_entry *e)
{
	fast_lock_take(&entry_lock);
	e->object = NULL;
	e->generation = (e->generation + 1) & GENERATION;
	__sync_fetch_and_and(&e->state, ~(DYING | RELEASED));	/* latecomers still count themselves */
	e->next_free = free_entries;
	free_entries = e;
	fast_lock_drop(&entry_lock);
}

/* The port's hash is the entry's number and generation, so that a reference that comes back in a
 * message leads to the object. */
static fluke_port_t *served_port(struct server *server, struct served_entry *e, natural_t flags)
{
	fluke_port_t *port = object_reserve(FLUKE_TYPE_PORT);
	fluke_port_state_t state = { 0, (natural_t)e | e->generation, flags, 0 };
	integer_t hash = (integer_t)(HASH_FIRST + (e->number << 4 | e->generation));

	if (!port)
		return NULL;
	fluke_port_create_hash(port, &hash);
	fluke_port_set_state(port, &state, server->portset_ref);
	return port;
}

int served_init(struct served *object, const struct served_class *class, struct server *server)
{
	struct served_entry *e = entry_new();
	int error = ENOMEM;

	if (!e)
		return ENOMEM;
	object->class = class;
	object->server = server;
	object->entry = e;
	object->session = session_present(server);
	if (object->session && !session_take(object->session, class->holding, 1)) {
		error = session_error(class->holding);
		session_put(object->session);
		object->session = NULL;
	}
	if (object->session) {
		e->object = object;
		object->port = served_port(server, e, class->release ? FLUKE_PORT_NOREFS_NOTIFY : 0);
		if (object->port)
			return 0;
		session_give(object->session, class->holding, 1);
		session_put(object->session);
	}
	entry_free(e);
	return error;
}

struct served *served_port_of(struct server *server, fluke_ref_t *ref)
{
	uint32_t hash = ref && fluke_ref_type(ref) == FLUKE_TYPE_PORT ? (uint32_t)fluke_ref_hash(ref) - HASH_FIRST : ~0u;
	struct served_entry *e;
	fluke_ref_t *own;
	int same;

	if (hash >> 4 >= block_count * BLOCK)
		return NULL;
	e = &blocks[(hash >> 4) / BLOCK][(hash >> 4) % BLOCK];
	if (!e->object || e->generation != (hash & GENERATION) || e->object->server != server || e->state & DYING)
		return NULL;
	own = ref_new();
	if (!own)
		return NULL;
	fluke_port_reference(e->object->port, own);
	same = (int)fluke_ref_compare(own, ref);
	ref_free(own);
	return same ? e->object : NULL;
}

struct served *served_of(struct server *server, fluke_ref_t *ref)
{
	struct served *object = served_port_of(server, ref);

	return object ? facet_object(object) : NULL;
}

void served_done(struct served *object)
{
	port_free(object->port);
	object->port = NULL;
	session_give(object->session, object->class->holding, 1);
	session_put(object->session);
	object->session = NULL;
	entry_free(object->entry);
	object->entry = NULL;
}

void served_leave(struct served_entry *e)
{
	if (add(&e->state, (uint32_t)-1) - 1 == DYING && __sync_bool_compare_and_swap(&e->state, DYING, DYING | RELEASED))
		e->object->class->release(e->object);
}

struct served *served_take(struct served_entry *e, uint32_t generation)
{
	return add(&e->state, 1) & RELEASED || e->generation != generation ? NULL : e->object;
}

struct served *served_at(natural_t alias, struct served_entry **e)
{
	*e = (struct served_entry *)(alias & ~GENERATION);
	return served_take(*e, alias & GENERATION);
}

struct served_entry *served_place(struct served *object, uint32_t *generation)
{
	*generation = object->entry->generation;
	return object->entry;
}

int served_hold(struct served *object)
{
	struct served_entry *e = object->entry;

	if (!(add(&e->state, 1) & RELEASED))
		return 1;
	served_leave(e);
	return 0;
}

void served_end(struct served *object)
{
	if (served_hold(object))
		served_end_held(object);
}

void served_end_held(struct served *object)
{
	struct served_entry *e = object->entry;

	fluke_port_destroy(object->port);	/* nobody can come any more */
	fluke_port_create(object->port);	/* served_done destroys it again */
	if (object->class->release)
		__sync_fetch_and_or(&e->state, DYING);
	served_leave(e);
}

/* With `none`, a null reference, the port is in no set for a moment, so that an event stays in it: a reference more and less makes
 * the kernel say NOREFS again, if it was the only one. */
static int unreferenced(struct served *object, fluke_ref_t *ref, fluke_ref_t *none)
{
	fluke_port_state_t state;

	fluke_port_set_state(object->port, NULL, none);
	fluke_port_reference(object->port, ref);
	fluke_ref_clear(ref);
	fluke_port_get_state(object->port, &state, NULL);
	return (state.pending & FLUKE_PENDING_NOREFS) != 0;
}

int served_unreferenced(struct served *object)
{
	fluke_ref_t *ref = ref_new(), *none = ref_new();
	int gone = ref && none && unreferenced(object, ref, none);

	if (ref && none)
		fluke_port_set_state(object->port, NULL, object->server->portset_ref);	/* the event comes, perhaps again */
	ref_free(none);
	ref_free(ref);
	return gone;
}

int served_revived(struct served *object)
{
	fluke_ref_t *ref = ref_new(), *none = ref_new();
	int revived = ref && none && !unreferenced(object, ref, none);

	if (revived) {
		__sync_fetch_and_and(&object->entry->state, ~(DYING | RELEASED));
		fluke_port_set_state(object->port, NULL, object->server->portset_ref);
	}
	ref_free(none);
	ref_free(ref);
	return revived;
}

fluke_ref_t *served_ref(struct served *object)
{
	fluke_ref_t *ref = ref_new();

	if (ref)
		fluke_port_reference(object->port, ref);
	return ref;
}

/* ---- workers ---- */

static void worker_main(void *argument);

static struct worker *worker_new(struct server *server)
{
	struct worker *w = calloc(1, sizeof(*w));
	char *refs = object_reserve(FLUKE_TYPE_REGION);		/* room of 128 bytes: four refs in a row */

	if (!w || !refs)
		goto fail;
	w->server = server;
	w->size = HEADER_MAX + PROTO_BULK_MAX / 4;
	w->receive = malloc((w->size + 1) * 4);
	w->reply = malloc(REQUEST_REPLY * 4);
	w->own_client = ref_new();
	if (!w->receive || !w->reply || !w->own_client)
		goto fail;
	for (unsigned n = 0; n < REQUEST_REFS; n++) {
		w->refs[n] = (fluke_ref_t *)(void *)(refs + n * sizeof(fluke_ref_t));
		fluke_ref_create(w->refs[n]);
	}
	w->request.words = w->receive;
	w->request.ref = w->refs[0];
	w->request.reply = w->reply;
	w->request.worker = w;
	w->params.recv_buffers = 0;
	w->params.recv_buffer_table = NULL;
	w->params.recv_ref_table = w->refs;
	w->params.send_ref_table = w->request.reply_ref;
	w->params.send_buffer_table = w->request.reply_piece;
	w->params.send_data = w->reply;
	return w;
fail:
	if (refs)
		object_release(refs, FLUKE_TYPE_REGION);
	if (w) {
		free(w->receive);
		free(w->reply);
		ref_free(w->own_client);
	}
	free(w);
	return NULL;
}

#define BUFFER_USUAL	0x5000u		/* bytes of a message as they often come */
#define STACK_USUAL	0x3000u

/* The pages that sooner or later each worker comes to use are there from the start: so what a server holds does not
 * depend on which of them served whom. */
static void touch(volatile char *at, uint32_t size)
{
	for (; size >= FLUKE_PAGE_SIZE; size -= FLUKE_PAGE_SIZE, at += FLUKE_PAGE_SIZE)
		*at = 0;
}

static __attribute__((noinline)) void touch_stack(void)
{
	char room[STACK_USUAL];

	touch(room, sizeof(room));
}

static int worker_start(struct server *server)
{
	struct worker *w = worker_new(server);

	if (!w)
		return ENOMEM;
	add(&server->threads, 1);
	if (thread_start(worker_main, w, 0))
		return 0;
	add(&server->threads, (uint32_t)-1);
	return ENOMEM;		/* the worker's memory is lost; so is the server, most likely */
}

int server_grow(struct server *server, unsigned threads)
{
	int error = 0;

	while (!error && server->threads < threads && server->threads < server->most)
		error = worker_start(server);
	return error;
}

struct server *server_new(unsigned threads, unsigned most, uint32_t message_max)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->most = most > threads ? most : threads;
	server->message_max = message_max ? message_max : (HEADER_MAX * 4 + PROTO_BULK_MAX);
	server->portset = portset_new();
	server->portset_ref = ref_new();
	if (!server->portset || !server->portset_ref)
		goto fail;
	fluke_portset_reference(server->portset, server->portset_ref);
	if (requests_setup() || sessions_setup(server) || watchdog_setup())
		goto fail;
	while (server->threads < threads)
		if (worker_start(server) != 0)
			goto fail;
	return server;
fail:
	return server->threads ? server : NULL;
}

void server_run(struct server *server)
{
	struct worker *w = worker_new(server);

	if (!w)
		abort();
	add(&server->threads, 1);
	worker_main(w);
	abort();
}

/* The receive half for the next message: its first words; the rest is received once we know from whom. */
static void prepare_receive(struct worker *w)
{
	w->params.recv_words = w->room = FLUKE_MAX_MIN_MSG;
	w->params.recv_data = w->receive;
	w->params.recv_refs = 0;
	w->refs_room = 0;
	w->busy = 0;
}

/* fluke_ipc_(setup_)wait_receive with the first two words of the message as they come in registers. */
static __attribute__((noinline)) uint32_t wait_registers(uint32_t call, fluke_ipc_params_t *params, fluke_portset_t *portset,
	natural_t *alias, uint32_t words[2])
{
	uint32_t status, left, entry = FLUKE_ENTRY;

	__asm__ volatile("pushl %%ebp; call *%%edx; movl %%ebp, %%ecx; popl %%ebp"
		: "=a" (status), "=b" (left), "=c" (*alias), "+d" (entry), "=S" (words[0]), "=D" (words[1])
		: "0" (call), "1" (params), "5" (portset) : "memory", "cc");
	params->recv_words = left;
	return status;
}

/* One of those who wait, as a rule the one that waits longest, takes no words at all: so no client can keep the
 * last one that waits before that knows of it.  An event is in the registers, an idempotent message comes again,
 * other one-way messages are lost, as they are when nobody waits. */
static uint32_t wait_cautious(struct worker *w, uint32_t call, natural_t *alias)
{
	uint32_t status, words[2];

	w->params.recv_words = w->room = 0;
	status = wait_registers(call, &w->params, w->server->portset, alias, words);
	w->server->cautious = 0;
	if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_ONEWAY && words[0] && !words[1]) {
		w->room = FLUKE_MIN_MSG_SIZE;
		memcpy(w->receive, words, sizeof(words));
		return status;
	}
	return FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_RELIABLE ? status : 0;
}

static int is_cautious(struct worker *w)
{
	return !w->server->cautious && __sync_bool_compare_and_swap(&w->server->cautious, 0, 1);
}

static uint32_t wait_message(struct worker *w, natural_t *alias)
{
	worker_leave(w);
	prepare_receive(w);
	if (is_cautious(w))
		return wait_cautious(w, FLUKE_CALL_ipc_wait_receive, alias);
	return fluke_ipc_wait_receive(&w->params, alias);
}

/* What did not come with the first words.  The new status. */
static uint32_t receive_second(struct worker *w)
{
	uint32_t got = w->room - w->params.recv_words;

	w->params.recv_words = w->size - got;
	w->params.recv_data = w->receive + got;
	w->params.recv_refs = REQUEST_REFS;
	w->room = w->size;
	w->refs_room = REQUEST_REFS;
	return fluke_ipc_server_receive(&w->params);
}

/* The message is longer than the buffer: a larger one, which the worker keeps.  The new status. */
static uint32_t receive_rest(struct worker *w, uint32_t status)
{
	if (FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_DATA || FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_REFS)
		status = receive_second(w);
	while (FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_DATA && w->size * 4 < w->server->message_max) {
		uint32_t size = w->size * 2, *larger;

		if (size * 4 > w->server->message_max)
			size = w->server->message_max / 4;
		larger = malloc((size + 1) * 4);
		if (!larger)
			break;
		memcpy(larger, w->receive, w->size * 4);
		free(w->receive);
		w->receive = w->request.words = larger;
		w->params.recv_words = size - w->size;
		w->params.recv_data = larger + w->size;
		w->size = w->room = size;
		status = fluke_ipc_server_receive(&w->params);
	}
	return status;
}

static void set_up_request(struct worker *w, struct served *object, uint32_t flavour)
{
	struct request *r = &w->request;

	r->count = w->room - w->params.recv_words;
	r->refs = w->refs_room - w->params.recv_refs;
	r->flavour = flavour;
	r->reply_words = r->reply_refs = r->reply_pieces = 0;
	r->bulk_size = r->drop_refs = 0;
	r->sent = NULL;
	r->object = object;
}

int served_call(struct served *object, struct request *r)
{
	const struct interface *i;
	uint32_t number;

	if (r->count < 1)
		return EBADMSG;
	number = r->words[0] >> 8;
	for (i = object->class->interfaces; i && i->dispatch; i++)
		if (i->number == number)
			return i->dispatch(i->methods, object, r);
	return object->class->other ? object->class->other(object, r) : ENOSYS;
}

/* The send half from the request's reply. */
static void prepare_send(fluke_ipc_params_t *p, struct request *r)
{
	p->send_words = r->reply_words;
	p->send_data = r->reply;
	p->send_buffers = (uint8_t)r->reply_pieces;
	p->send_buffer_table = r->reply_piece;
	p->send_refs = (uint8_t)r->reply_refs;
	p->send_ref_table = r->reply_ref;
}

void request_finish(fluke_ipc_params_t *p, struct request *r, int error)
{
	r->reply[0] = (uint32_t)error;
	if (error) {
		r->reply_words = 1;
		r->reply_pieces = r->reply_refs = 0;
	}
	prepare_send(p, r);
}

/* The refs of the last message must not keep the client's objects alive. */
static void clear_refs(struct worker *w)
{
	for (uint32_t n = 0; n < w->request.refs; n++)
		fluke_ref_clear(w->refs[n]);
	w->request.refs = 0;
}

/* The object, and what was behind it. */
static void leave(struct worker *w, struct served_entry *e)
{
	struct served_entry *behind = w->behind;

	served_leave(e);
	if (behind) {
		w->behind = NULL;
		served_leave(behind);
	}
}

static uint32_t handle_reliable(struct worker *w, struct served *object, uint32_t status, natural_t *alias,
	struct served_entry *e)
{
	int error;

	if (FLUKE_IPC_STATUS(status) != FLUKE_IPC_RECV_DISCONNECTED && object && object->session != w->session && !worker_enter(w, object->session)) {
		int parked = session_park(w, object->session, status, *alias);

		leave(w, e);
		if (!parked)
			fluke_ipc_server_disconnect();
		return wait_message(w, alias);
	}
	status = FLUKE_IPC_STATUS(receive_rest(w, status));
	set_up_request(w, object, FLUKE_IPC_RELIABLE);
	if (status != FLUKE_SUCCESS) {		/* too long, or it left */
		clear_refs(w);
		leave(w, e);
		fluke_ipc_server_disconnect();
		return wait_message(w, alias);
	}
	error = object ? served_call(object, &w->request) : PROTO_DEAD;
	clear_refs(w);
	if (error == REQUEST_PARKED) {
		leave(w, e);
		return wait_message(w, alias);
	}
	request_finish(&w->params, &w->request, error);
	if (__builtin_expect(w->request.sent != NULL, 0)) {
		status = FLUKE_IPC_STATUS(fluke_ipc_server_ack_send(&w->params));
		/* sent() may answer parked requests, which takes other connections up: this one is to end before */
		fluke_ipc_server_disconnect();
		w->request.sent(w->request.sent_context, status == FLUKE_SUCCESS);
		request_free_refs(&w->request);
		leave(w, e);
		return wait_message(w, alias);
	}
	if (w->request.drop_refs | w->request.reply_pieces | w->scratch_lent &&
	    (w->request.drop_refs || w->scratch_lent || w->request.reply_piece[0].data != w->scratch)) {
		/* the reply comes from the object's memory: hold the object until it has gone out */
		fluke_ipc_server_ack_send(&w->params);
		request_free_refs(&w->request);
		if (w->scratch_lent)
			worker_give_scratch(w);
		leave(w, e);
		return wait_message(w, alias);
	}
	leave(w, e);
	prepare_receive(w);
	__sync_synchronize();		/* not busy first, then the look: see session.c */
	if (!w->server->cautious || session_waits(w->session)) {
		fluke_ipc_server_ack_send(&w->params);
		return wait_message(w, alias);
	}
	return fluke_ipc_server_ack_send_wait_receive(&w->params, alias);
}

static uint32_t handle_idempotent(struct worker *w, struct served *object, natural_t *alias, struct served_entry *e)
{
	set_up_request(w, object, FLUKE_IPC_IDEMPOTENT);
	w->request.reply[0] = w->request.reply[1] = 0;
	if (object && object->class->idempotent)
		object->class->idempotent(object, &w->request);
	clear_refs(w);
	if (w->request.reply_words < FLUKE_MIN_MSG_SIZE)
		w->request.reply_words = FLUKE_MIN_MSG_SIZE;
	prepare_send(&w->params, &w->request);
	leave(w, e);
	prepare_receive(w);
	return fluke_ipc_reply_wait_receive(&w->params, alias);
}

static uint32_t handle_oneway(struct worker *w, struct served *object, natural_t *alias, struct served_entry *e)
{
	uint32_t word0, word1;

	set_up_request(w, object, FLUKE_IPC_ONEWAY);
	if (w->request.count > FLUKE_MIN_MSG_SIZE) {	/* a oneway method; else an event */
		if (object)
			served_call(object, &w->request);
		clear_refs(w);
		leave(w, e);
		return wait_message(w, alias);
	}
	word0 = w->request.count > 0 ? w->request.words[0] : 0;
	word1 = w->request.count > 1 ? w->request.words[1] : 0;
	if (object && (word0 & ~FLUKE_PENDING_NOREFS || !word0) && object->class->event)
		object->class->event(object, word0 & ~FLUKE_PENDING_NOREFS, word1);
	if (object && word0 & FLUKE_PENDING_NOREFS && object->class->release)
		__sync_fetch_and_or(&e->state, DYING);
	clear_refs(w);
	leave(w, e);
	return wait_message(w, alias);
}

static uint32_t handle(struct worker *w, uint32_t status, natural_t *alias)
{
	struct served_entry *e;
	struct served *object = served_at(*alias, &e);

	switch (FLUKE_IPC_FLAVOUR(status)) {
	case FLUKE_IPC_RELIABLE:
		return handle_reliable(w, object, status, alias, e);
	case FLUKE_IPC_IDEMPOTENT:
		return handle_idempotent(w, object, alias, e);
	default:
		return handle_oneway(w, object, alias, e);
	}
}

/* Does another worker stand still, or is it in a long method?  Looked at once in LONG at most. */
static int somebody_stands(struct server *server, struct worker *self)
{
	uint64_t before = self->since - LONG;

	if (self->since < LONG || server->looked > before)
		return 0;
	server->looked = self->since;
	for (struct worker *w = server->workers; w; w = w->next)
		if (w != self && w->since < before && (w->busy || worker_in_transfer(w)))
			return 1;
	return 0;
}

/* Nobody else waits for messages.  If the others have only just begun they will be back soon; else a new worker
 * takes the place, and when there may be no more, the watchdog looks who stands still. */
static void server_used_up(struct server *server, struct worker *self)
{
	if ((server->threads > 1 || server->most == 1) && !somebody_stands(server, self))
		return;
	if (server->threads >= server->most || worker_start(server) != 0)
		watchdog_start(server);
}

static void worker_main(void *argument)
{
	struct worker *w = argument;
	struct server *server = w->server;
	natural_t alias = 0;
	uint32_t status;

	touch((char *)w->receive, BUFFER_USUAL);
	touch_stack();
	w->thread = fluke_thread_self();
	do
		w->next = server->workers;
	while (!__sync_bool_compare_and_swap(&server->workers, w->next, w));
	thread_local_set(w);
	prepare_receive(w);
	status = is_cautious(w) ? wait_cautious(w, FLUKE_CALL_ipc_setup_wait_receive, &alias) :
		fluke_ipc_setup_wait_receive(&w->params, server->portset, &alias);
	for (;;) {
		worker_leave(w);
		if (alias == ALIAS_KICK && FLUKE_IPC_FLAVOUR(status))
			status = session_next(w, &alias);
		if (!FLUKE_IPC_FLAVOUR(status)) {	/* the client of the last reply had gone */
			status = wait_message(w, &alias);
			continue;
		}
		w->since = rdtsc();
		w->busy = 1;
		server->used_up = FLUKE_IPC_LAST(status);
		if (server->used_up) {
			workers_identify(w);
			if (server->parked)
				sessions_look(w);
			server_used_up(server, w);
		}
		status = handle(w, status, &alias);
	}
}
