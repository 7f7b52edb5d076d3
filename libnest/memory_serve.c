/* The MemPool and Segment interfaces over libnest's pools and segments, and the keeper of all
 * segments (nest/memory_serve.h).  One lock for all of it; ports of what is destroyed under the lock
 * end when it is dropped, since that waits for methods that may want it. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <linux_abi.h>
#include <fluke/exception.h>
#include <protocols/MemPool_server.h>
#include <protocols/Segment_server.h>
#include <nest/fastlock.h>
#include <nest/memory_serve.h>

struct pool_port {
	struct served	served;
	struct pool	*pool;		/* null once destroyed */
};

struct segment_port {
	struct served	served;
	struct segment	*segment;	/* null once destroyed */
};

static struct store	*store;
static struct server	*server;
static struct fast_lock lock;
static struct served **ending;		/* to end when the lock has been dropped */
static unsigned endings, ending_room;
static struct pool_port *root_port;
static const struct served_class pool_class, segment_class;

void memory_lock(void)
{
	fast_lock_take(&lock);
}

void memory_unlock(void)
{
	struct served **done = ending;
	unsigned count = endings;

	ending = 0;
	endings = ending_room = 0;
	fast_lock_drop(&lock);
	while (count--)
		served_end_held(done[count]);
	free(done);
}

void memory_end_later(struct served *object)
{
	struct served **more;

	if (endings == ending_room) {
		more = realloc(ending, (ending_room + 64) * sizeof *more);
		if (!more)
			return;		/* its port stays, without anything behind it */
		ending = more;
		ending_room += 64;
	}
	if (served_hold(object))	/* else its last reference has gone at the same time */
		ending[endings++] = object;
}

/* ---- keepers ---- */

#define TRIES	4

__attribute__((weak)) void memory_faulted(const struct fluke_exc_message *m)
{
	(void)m;
}

/* With the lock, which is dropped while a page is brought; null: the segment has gone, or the page cannot be had. */
static struct segment *brought(natural_t alias, uint32_t offset)
{
	int (*bring)(uint32_t where), error;
	struct segment *s;
	uint32_t where;

	for (;;) {
		s = segment_by_alias(store, alias);
		if (!s || !s->source || !s->source->bring || !s->source->away(s->file, offset / FLUKE_PAGE_SIZE, &where))
			return s;
		bring = s->source->bring;
		fast_lock_drop(&lock);
		error = bring(where);
		fast_lock_take(&lock);
		if (error)
			return 0;
	}
}

static uint32_t keeper_answer(natural_t alias, const struct fluke_exc_message *m, unsigned words)
{
	struct segment *s;
	uint32_t skip = 0, tries = 0;

	if (words < FLUKE_EXC_WORDS)
		return 0;
	memory_faulted(m);
	memory_lock();
again:
	s = brought(alias, m->subcode);
	if (s && m->access == FLUKE_PROT_OBJECT)
		skip = segment_skip(s, m->subcode);
	else if (s && segment_fault(s, m->subcode, m->access) && s->source && s->source->bring && ++tries < TRIES)
		goto again;		/* memory is short: what was brought may have gone before it was mapped */
	fast_lock_drop(&lock);
	return skip;
}

static void keeper_main(void *keepers)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], reply[2], status;
	fluke_ipc_params_t p;
	natural_t alias = 0;

	memset(&p, 0, sizeof p);
	p.recv_words = FLUKE_MAX_MIN_MSG;
	p.recv_data = words;
	status = fluke_ipc_setup_wait_receive(&p, keepers, &alias);
	for (;;) {
		unsigned got = FLUKE_MAX_MIN_MSG - p.recv_words;

		p.recv_words = FLUKE_MAX_MIN_MSG;
		p.recv_buffers = p.recv_refs = 0;
		if (FLUKE_IPC_FLAVOUR(status) != FLUKE_IPC_IDEMPOTENT) {
			status = fluke_ipc_wait_receive(&p, &alias);
			continue;
		}
		reply[0] = keeper_answer(alias, (const struct fluke_exc_message *)(void *)words, got);
		reply[1] = 0;
		p.send_words = 2;
		p.send_data = reply;
		status = fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

/* ---- MemPool ---- */

static struct pool_port *pool_port_new(struct pool *pool);

static void pool_gone(struct pool *pool)
{
	struct pool_port *o = pool->served;

	if (!o)
		return;
	o->pool = 0;
	memory_end_later(&o->served);
}

static void pool_release(void *self)
{
	struct pool_port *o = self;

	memory_lock();
	if (o->pool) {
		o->pool->served = 0;
		pool_destroy(o->pool);
	}
	memory_unlock();
	served_done(&o->served);
	free(o);
}

static struct pool_port *pool_port_new(struct pool *pool)
{
	struct pool_port *o = calloc(1, sizeof *o);

	if (!o || served_init(&o->served, &pool_class, server)) {
		free(o);
		return 0;
	}
	o->pool = pool;
	pool->served = o;
	pool->gone = pool_gone;
	return o;
}

static void segment_gone(struct segment *s)
{
	struct segment_port *o = s->served;

	if (!o)
		return;
	o->segment = 0;
	memory_end_later(&o->served);
}

/* Nobody can name the segment any more; it lives on for its regions. */
static void segment_release(void *self)
{
	struct segment_port *o = self;

	memory_lock();
	if (o->segment)
		o->segment->served = 0;
	fast_lock_drop(&lock);
	served_done(&o->served);
	free(o);
}

static struct segment_port *segment_port_new(struct segment *s)
{
	struct segment_port *o = calloc(1, sizeof *o);

	if (!o || served_init(&o->served, &segment_class, server)) {
		free(o);
		return 0;
	}
	o->segment = s;
	s->served = o;
	s->gone = segment_gone;
	return o;
}

/* The segment that a client's reference leads to, or null. */
static struct segment *segment_of(fluke_ref_t *ref)
{
	struct served *o = served_of(server, ref);

	return o && o->class == &segment_class ? ((struct segment_port *)o)->segment : 0;
}

/* The reply names port and region; if the client never got them, both go. */
static int give_segment(struct segment *s, void **segment, void **region)
{
	struct segment_port *o = s ? segment_port_new(s) : 0;

	if (!o) {
		if (s)
			segment_destroy(s);
		return ENOMEM;
	}
	*segment = o->served.port;
	*region = s->region;
	return 0;
}

static int pool_create_segment(void *self, struct request *r, uint32_t size, uint32_t flags, void **segment, void **region)
{
	struct pool_port *o = self;
	int error = ENOENT;

	(void)r;
	if (!size || flags & ~SEGMENT_OBJECTS)
		return EINVAL;
	memory_lock();
	if (o->pool)
		error = give_segment(segment_create(o->pool, size, flags), segment, region);
	memory_unlock();
	return error;
}

static int pool_clone_segment(void *self, struct request *r, fluke_ref_t *segment, void **copy, void **region)
{
	struct pool_port *o = self;
	struct segment *from;
	int error = ENOENT;

	(void)r;
	memory_lock();
	if (o->pool) {
		from = segment_of(segment);
		error = !from || from->source || from->flags & SEGMENT_OBJECTS ? EINVAL :
			give_segment(segment_clone(from, o->pool), copy, region);
	}
	memory_unlock();
	return error;
}

static struct pool_port *sub_new(struct pool *of, uint32_t limit)
{
	struct pool *p = pool_create(store, of, limit);
	struct pool_port *sub = p ? pool_port_new(p) : 0;

	if (p && !sub)
		pool_destroy(p);
	return sub;
}

static int pool_create_sub(void *self, struct request *r, uint32_t limit, void **pool)
{
	struct pool_port *o = self, *sub = 0;
	int error = ENOENT;

	(void)r;
	memory_lock();
	if (o->pool) {
		sub = sub_new(o->pool, limit);
		error = sub ? 0 : ENOMEM;
	}
	if (sub)
		*pool = sub->served.port;
	memory_unlock();
	return error;
}

static int fill_child(struct pool *p, struct segment *from, uint32_t objects_size, void **objects, void **data, void **data_region)
{
	struct segment *s = segment_create(p, objects_size, SEGMENT_OBJECTS);

	if (!s)
		return ENOMEM;
	*objects = s->region;
	return give_segment(segment_clone(from, p), data, data_region);
}

static int pool_create_child(void *self, struct request *r, uint32_t limit, uint32_t objects_size, fluke_ref_t *source, void **pool,
	void **objects, void **data, void **data_region)
{
	struct pool_port *o = self, *sub = 0;
	struct segment *from;
	int error = ENOENT;

	(void)r;
	memory_lock();
	from = o->pool ? segment_of(source) : 0;
	if (o->pool)
		error = !objects_size || !from || from->source || from->flags & SEGMENT_OBJECTS ? EINVAL : 0;
	if (!error) {
		sub = sub_new(o->pool, limit);
		error = sub ? fill_child(sub->pool, from, objects_size, objects, data, data_region) : ENOMEM;
		if (!error)
			*pool = sub->served.port;
		else if (sub)
			pool_destroy(sub->pool);
	}
	memory_unlock();
	return error;
}

static int pool_end(void *self, struct request *r)
{
	struct pool_port *o = self;

	(void)r;
	if (o == root_port)
		return EPERM;
	memory_lock();
	if (o->pool)
		pool_destroy(o->pool);
	memory_unlock();
	return 0;
}

static uint32_t clip(uint64_t value)
{
	return value > 0xfffff000u ? 0xfffff000u : (uint32_t)value;
}

static int pool_statistics(void *self, struct request *r, uint32_t *limit, uint32_t *used, uint32_t *unused)
{
	struct pool_port *o = self;
	uint64_t left = (uint64_t)(store->frames.free[FRAME_DATA] + (store->frames.fixed ? 0 : store->frames.free[FRAME_OBJECTS])) *
		FLUKE_PAGE_SIZE;
	struct pool *p;

	(void)r;
	memory_lock();
	if (store->pager)
		left += store->pager->spare();
	left += (uint64_t)store->lent * FLUKE_PAGE_SIZE;
	p = o->pool;
	*limit = p && p->limit ? clip(p->limit) : clip((uint64_t)store->frames.total * FLUKE_PAGE_SIZE);
	*used = p ? clip(p->used) : 0;
	for (; p; p = p->parent)
		if (p->limit && p->limit - p->used < left)
			left = p->limit - p->used;
	*unused = clip(left);
	memory_unlock();
	return 0;
}

static const struct MemPool_methods pool_methods = {
	.create_segment = pool_create_segment, .create_sub = pool_create_sub, .clone_segment = pool_clone_segment,
	.destroy = pool_end, .statistics = pool_statistics, .create_child = pool_create_child,
};
static const struct interface pool_interfaces[] = { { MemPool_INTERFACE, MemPool_dispatch, &pool_methods }, { 0, 0, 0 } };
static const struct served_class pool_class = { .name = "pool", .interfaces = pool_interfaces, .release = pool_release };

/* ---- Segment ---- */

static int segment_map(void *self, struct request *r, uint32_t prot, void **region)
{
	struct segment_port *o = self;

	(void)r;
	memory_lock();
	*region = o->segment ? segment_region(o->segment, prot) : 0;
	memory_unlock();
	return *region ? 0 : ENOMEM;
}

static int segment_get_size(void *self, struct request *r, uint32_t *size)
{
	struct segment_port *o = self;

	(void)r;
	memory_lock();
	*size = o->segment ? o->segment->pages * FLUKE_PAGE_SIZE : 0;
	memory_unlock();
	return 0;
}

static int segment_set_size(void *self, struct request *r, uint32_t size)
{
	struct segment_port *o = self;
	int error;

	(void)r;
	memory_lock();
	error = o->segment ? segment_resize(o->segment, size) : ENOENT;
	memory_unlock();
	return error;
}

static int segment_drop(void *self, struct request *r, uint32_t offset, uint32_t size)
{
	struct segment_port *o = self;

	(void)r;
	memory_lock();
	if (o->segment)
		segment_discard(o->segment, offset, size);
	memory_unlock();
	return o->segment ? 0 : ENOENT;
}

static int segment_get(void *self, struct request *r, uint32_t offset, uint32_t count, const void **data, size_t *data_size)
{
	struct segment_port *o = self;
	void *scratch = request_scratch(r);
	int error;

	if (!scratch)
		return ENOMEM;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	memory_lock();
	error = o->segment ? segment_read(o->segment, offset, scratch, count) : ENOENT;
	memory_unlock();
	*data = scratch;
	*data_size = count;
	return error;
}

static int segment_put(void *self, struct request *r, uint32_t offset, const void *data, size_t data_size)
{
	struct segment_port *o = self;
	int error;

	(void)r;
	memory_lock();
	error = o->segment ? segment_write(o->segment, offset, data, (uint32_t)data_size) : ENOENT;
	memory_unlock();
	return error;
}

static const struct Segment_methods segment_methods = {
	.map = segment_map, .get_size = segment_get_size, .resize = segment_set_size, .discard = segment_drop,
	.read = segment_get, .write = segment_put,
};
static const struct interface segment_interfaces[] = { { Segment_INTERFACE, Segment_dispatch, &segment_methods }, { 0, 0, 0 } };
static const struct served_class segment_class = {
	.name = "segment", .interfaces = segment_interfaces, .release = segment_release,
};

/* ---- start ---- */

int memory_serve(struct store *s, struct server *by)
{
	store = s;
	server = by;
	if (fast_lock_init(&lock) || !(store->keepers = portset_new()))
		return ENOMEM;
	store->root = pool_create(store, 0, 0);
	root_port = store->root ? pool_port_new(store->root) : 0;
	return root_port && thread_start(keeper_main, store->keepers, 0) ? 0 : ENOMEM;
}

int memory_serve_slow(unsigned threads)
{
	if (!(store->slow_keepers = portset_new()))
		return ENOMEM;
	while (threads--)
		if (!thread_start(keeper_main, store->slow_keepers, 0))
			return ENOMEM;
	return 0;
}

fluke_ref_t *memory_pool(void)
{
	static fluke_ref_t *ref;	/* keeps the port */

	if (!ref)
		ref = served_ref(&root_port->served);
	return ref;
}
