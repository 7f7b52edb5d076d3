/* Requests: what the skeletons read and write, and requests that wait for their reply.
 *
 * A parked request owns a reference to the client's thread; the client waits on, connected to
 * nobody in particular.  Whoever answers becomes its server for the length of the reply. */
#include <stdlib.h>
#include <string.h>
#include <nest/serve.h>
#include <fastlock.h>
#include <linux_abi.h>
#include <protocols/client.h>
#include "worker.h"

#define SPARE_PARKED	64u	/* kept for the next ones */
#define PARKED_FIRST	16u

static unsigned spare_parked;
static struct parked *free_parked;	/* keep their ref */
static struct fast_lock parked_lock;
static fluke_ref_t *null_ref;

/* ---- what the skeletons use ---- */

const char *request_get_string(struct request *r, uint32_t **at)
{
	uint32_t *w = *at, left = (uint32_t)(r->words + r->count - w), length;
	const char *text = (const char *)(w + 1);

	if (left < 1)
		return NULL;
	length = w[0];
	if (length > PROTO_STRING_MAX || left < 1 + length / 4 + 1 || text[length] != 0)
		return NULL;
	*at = w + 1 + length / 4 + 1;
	return text;
}

const void *request_get_bulk(struct request *r, uint32_t *w, uint32_t size, uint32_t tail)
{
	if ((uint32_t)(r->words + r->count - w) < size / 4)
		return NULL;
	w[size / 4] = tail;		/* the spare word, at most */
	return w;
}

int request_add_bulk(struct request *r, const void *data, size_t size)
{
	if (size >= 4) {
		if (r->reply_pieces == REQUEST_PIECES)
			return 0;
		r->reply_piece[r->reply_pieces].words = size / 4;
		r->reply_piece[r->reply_pieces++].data = (void *)(uintptr_t)data;
	}
	r->bulk_size += size;
	r->bulk_tail = proto_tail(data, size);
	return 1;
}

uint32_t *request_put_bulk(struct request *r, uint32_t *w, const void *data, size_t size)
{
	if (data) {
		r->reply_pieces = r->bulk_size = 0;
		request_add_bulk(r, data, size);
	}
	*w++ = r->bulk_size;
	*w++ = r->bulk_size & 3 ? r->bulk_tail : 0;
	return w;
}

void request_free_ref(struct request *r, fluke_ref_t *ref)
{
	if (r->drop_refs < REQUEST_REFS)
		r->drop_ref[r->drop_refs++] = ref;
}

void request_free_refs(struct request *r)
{
	while (r->drop_refs)
		ref_free(r->drop_ref[--r->drop_refs]);
}

#define SCRATCHES	4u		/* workers that keep theirs, as long as nobody else wants it */

static char *free_scratch;		/* linked by their first words */
static struct fast_lock scratch_lock;

static char *scratch_pop(void)
{
	char *scratch;

	fast_lock_take(&scratch_lock);
	scratch = free_scratch;
	if (scratch)
		free_scratch = *(char **)(void *)scratch;
	fast_lock_drop(&scratch_lock);
	return scratch;
}

/* For whoever wants one next. */
void worker_give_scratch(struct worker *w)
{
	fast_lock_take(&scratch_lock);
	*(char **)(void *)w->scratch = free_scratch;
	free_scratch = w->scratch;
	fast_lock_drop(&scratch_lock);
	w->scratch = NULL;
	w->scratch_lent = 0;
}

/* So there are as many as are in use at a time, whichever workers come to serve: further ones only for a request.
 * One of a worker that waits can be had too, but it may be about to wait. */
static char *scratch_for(struct worker *self)
{
	static uint32_t kept;
	char *scratch = NULL;

	if (kept < SCRATCHES) {
		scratch = malloc(PROTO_BULK_MAX + 4096);
		__sync_add_and_fetch(&kept, scratch != NULL);
		return scratch;
	}
	for (struct worker *w = self->server->workers; w && !scratch; w = w->next)
		if (w != self && w->scratch && !w->scratch_lent && !w->busy)
			scratch = worker_take_scratch(w);
	if (scratch)
		return scratch;
	scratch = scratch_pop();
	if (!scratch)
		scratch = malloc(PROTO_BULK_MAX + 4096);
	self->scratch_lent = scratch != NULL;
	return scratch;
}

void *request_scratch(struct request *r)
{
	struct worker *w = r->worker;

	if (w && !w->scratch)
		w->scratch = scratch_for(w);
	return w ? w->scratch : NULL;
}

/* ---- waiting ---- */

struct parked *parked_new(void)
{
	struct parked *p;

	fast_lock_take(&parked_lock);
	p = free_parked;
	if (p) {
		free_parked = p->next;
		spare_parked--;
	}
	fast_lock_drop(&parked_lock);
	if (p) {
		p->payer = NULL;
		return p;
	}
	p = malloc(sizeof(*p));
	if (p && !(p->client = ref_new())) {
		free(p);
		return NULL;
	}
	if (p)
		p->payer = NULL;
	return p;
}

void parked_free(struct parked *p)
{
	if (p->payer) {
		session_give(p->payer, HOLDS_WAITS, 1);
		session_put(p->payer);
	}
	fast_lock_take(&parked_lock);
	if (spare_parked < SPARE_PARKED) {
		p->next = free_parked;
		free_parked = p;
		spare_parked++;
		p = NULL;
	}
	fast_lock_drop(&parked_lock);
	if (p) {
		ref_free(p->client);
		free(p);
	}
}

/* Once per program, before the first worker.  The first few are made at once: so what a server holds does not depend on
 * how many happened to wait at a time.  0 or ENOMEM. */
int requests_setup(void)
{
	struct parked *p[PARKED_FIRST];

	if (null_ref)
		return 0;
	null_ref = ref_new();
	if (!null_ref || fast_lock_init(&parked_lock) || fast_lock_init(&scratch_lock))
		return ENOMEM;
	for (unsigned n = 0; n < PARKED_FIRST; n++)
		if (!(p[n] = parked_new()))
			return ENOMEM;
	for (unsigned n = 0; n < PARKED_FIRST; n++)
		parked_free(p[n]);
	return 0;
}

void parked_take_client(struct parked *p)
{
	fluke_thread_get_client(NULL, p->client, &p->flags);	/* the kernel knows who asks */
	fluke_thread_set_client(NULL, null_ref, 0);
}

/* As if for another one, this thread: so that the client is not told that nobody works for it (ASIDE): it only stands in line. */
static void set_aside_in_work(fluke_ref_t *self)
{
	fluke_thread_reference(fluke_thread_self(), self);
	fluke_thread_set_client(NULL, self, 0);
	fluke_ref_clear(self);
}

void parked_take_turn(struct parked *p, struct worker *w)
{
	fluke_thread_get_client(NULL, p->client, &p->flags);
	set_aside_in_work(w->own_client);
}

void parked_adopt(struct parked *p, struct worker *self, fluke_ref_t *client)
{
	natural_t aside;

	fluke_thread_get_client(NULL, self->own_client, &aside);
	fluke_thread_set_client(NULL, client, 0);
	fluke_thread_get_client(NULL, p->client, &p->flags);
	set_aside_in_work(client);
	fluke_thread_set_client(NULL, self->own_client, aside);
}

struct request *request_park(struct request *r)
{
	struct session *payer = r->worker ? ((struct worker *)r->worker)->session : NULL;
	struct parked *p;

	if (payer && !session_take(payer, HOLDS_WAITS, 1))
		return NULL;
	p = parked_new();
	if (!p) {
		if (payer)
			session_give(payer, HOLDS_WAITS, 1);
		return NULL;
	}
	p->payer = payer ? session_get(payer) : NULL;
	memset(&p->r, 0, offsetof(struct request, reply_piece));
	p->r.reply_pieces = p->r.bulk_size = p->r.bulk_tail = 0;
	p->r.sent = NULL;
	p->r.worker = NULL;
	p->r.drop_refs = 0;
	p->r.flavour = r->flavour;
	p->r.object = r->object;
	p->r.reply = p->reply;
	parked_take_client(p);
	return &p->r;
}

/* Makes the parked client the caller's own; what the caller had before goes to *aside. */
static void connect(struct parked *p, struct worker *w, natural_t *aside)
{
	if (w)
		fluke_thread_get_client(NULL, w->own_client, aside);
	fluke_thread_set_client(NULL, p->client, p->flags);
}

static void reconnect(struct worker *w, natural_t aside)
{
	if (!w)
		return;
	fluke_thread_set_client(NULL, w->own_client, aside);	/* the ref stays: the next use drops it */
}

int request_answer(struct request *r, int error)
{
	struct parked *p = (struct parked *)r;
	struct worker *w = thread_local_get();
	fluke_ipc_params_t params;
	natural_t aside = 0;
	uint32_t status;

	memset(&params, 0, sizeof(params));
	request_finish(&params, r, error);
	params.recv_words = p->flags;
	status = fluke_ipc_server_answer(&params, p->client);
	if (FLUKE_IPC_STATUS(status) == FLUKE_IPC_NOT_NOW) {
		connect(p, w, &aside);
		status = fluke_ipc_server_ack_send(&params);
		fluke_ipc_server_disconnect();
		reconnect(w, aside);
		fluke_ref_clear(p->client);
	}
	request_free_refs(r);
	parked_free(p);
	return FLUKE_IPC_STATUS(status) == FLUKE_SUCCESS ? 0 : PROTO_BROKEN;
}

void request_drop(struct request *r)
{
	struct parked *p = (struct parked *)r;
	struct worker *w = thread_local_get();
	natural_t aside = 0;

	connect(p, w, &aside);
	fluke_ipc_server_disconnect();
	reconnect(w, aside);
	fluke_ref_clear(p->client);
	parked_free(p);
}

int request_gone(struct request *r)
{
	return fluke_ref_type(((struct parked *)r)->client) == FLUKE_NULL;
}

int request_same_client(struct request *a, struct request *b)
{
	return (int)fluke_ref_compare(((struct parked *)a)->client, ((struct parked *)b)->client);
}
