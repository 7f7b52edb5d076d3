/* What those below live on: pools and schedulers that pass everything on, and note what is made.  A data segment is given
 * out as a region of our own over it (memory.c), so that single pages can be denied or replaced whatever the program maps
 * anew; segments of objects are mapped here, so that every thread and space below can be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/MemPool.h>
#include <protocols/MemPool_server.h>
#include <protocols/Scheduler.h>
#include <protocols/Scheduler_server.h>
#include <protocols/Debug.h>
#include <protocols/Debug_server.h>
#include "debug.h"

struct pool {
	struct served	served;
	struct pool	*parent, *children, *next;
	struct segment	*segments;
	fluke_ref_t	*above;
	int		gone;
};

struct gate {				/* a thread that shall come here before it runs */
	struct gate	*next;
	fluke_ref_t	*thread, *port;		/* port: its true scheduler's */
	natural_t	value;
};

struct inner {				/* a debugger below watches that space */
	struct inner	*next;
	integer_t	hash;
	fluke_ref_t	*space, *port;
};

struct beginning {			/* a space that is about to run */
	struct beginning *next;
	fluke_ref_t	*space;
	integer_t	hash, from;		/* from: the hash of whose copy it is, or in whose place */
	int		exec;
};

struct segment	*window_list;
fluke_portset_t	*events;
fluke_ref_t	*overlay_keeper;
int		gate_closed;
static fluke_ref_t *watch_port, *gate_port, *above_scheduler, *above_debug;
static struct gate *gates;
static struct inner *inners;
static struct beginning *beginnings;
static int	debugger_above;
static struct pool root_pool;
static const struct served_class pool_class;

/* ---- segments ---- */

static void window_take(struct segment *s)
{
	static int said;

	s->window = (uint32_t)address_reserve(s->size);
	if (s->window)
		s->mapping = mapping_new(s->region, 0, NULL, s->window, s->size, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE | FLUKE_PROT_READ);
	if (s->mapping)
		s->search = region_new(own_space(), s->window, s->size, FLUKE_PROT_ALL, NULL);
	if (s->search) {
		s->next_window = window_list;
		window_list = s;
	} else if (!said++) {
		eprintf("debug: no addresses for more programs: some below cannot be debugged\n");
	}
}

static void window_drop(struct segment *s)
{
	struct segment **link = &window_list;

	while (*link && *link != s)
		link = &(*link)->next_window;
	if (*link) {
		target_free_all(s);
		*link = s->next_window;
	}
	if (s->search)
		region_free(s->search);
	if (s->mapping)
		mapping_free(s->mapping);
	if (s->window)
		address_release((void *)s->window, s->size);
}

static void segment_drop(struct segment *s)
{
	window_drop(s);
	if (s->overlay)
		overlay_free(s->overlay);
	ref_free(s->port);
	ref_free(s->region);
	free(s);
}

static struct segment *segment_begin(uint32_t size)
{
	struct segment *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->size = size;
	s->port = ref_new();
	s->region = ref_new();
	return s;
}

/* Made above: into the books, and what the client gets. */
static int segment_made(struct pool *p, struct request *r, struct segment *s, int objects, void **segment, void **region)
{
	fluke_ref_t *port = ref_dup(s->port), *shown;

	lock_take(&debug_lock);
	if (objects)
		window_take(s);
	else
		s->overlay = overlay_new(s->region, s->size);
	shown = ref_dup(s->overlay ? overlay_region(s->overlay) : s->region);
	s->next = p->segments;
	p->segments = s;
	lock_drop(&debug_lock);
	request_free_ref(r, port);
	request_free_ref(r, shown);
	*segment = port;
	*region = shown;
	return port && shown && (objects || s->overlay) ? 0 : ENOMEM;
}

static int create_segment(void *self, struct request *r, uint32_t size, uint32_t flags, void **segment, void **region)
{
	struct pool *p = self;
	struct segment *s = segment_begin(size);
	int error = s && s->port && s->region ? MemPool_create_segment(p->above, size, flags, s->port, s->region) : ENOMEM;

	if (!error)
		return segment_made(p, r, s, flags & 1, segment, region);
	if (s)
		segment_drop(s);
	return error;
}

static int clone_segment(void *self, struct request *r, fluke_ref_t *of, void **copy, void **region)
{
	struct pool *p = self;
	struct segment *s = segment_begin(START_DATA_SIZE);
	int error = s && s->port && s->region ? MemPool_clone_segment(p->above, of, s->port, s->region) : ENOMEM;

	if (!error)
		return segment_made(p, r, s, 0, copy, region);
	if (s)
		segment_drop(s);
	return error;
}

/* ---- pools ---- */

/* With the lock.  All that is in it, and in those below it, is about to go. */
static void pool_forget(struct pool *p)
{
	p->gone = 1;
	for (struct pool *c = p->children; c; c = c->next)
		pool_forget(c);
	while (p->segments) {
		struct segment *s = p->segments;

		p->segments = s->next;
		segment_drop(s);
	}
}

static void pool_release(void *self)
{
	struct pool *p = self, **link;

	lock_take(&debug_lock);
	pool_forget(p);
	for (struct pool *c = p->children; c; c = c->next)
		c->parent = NULL;
	if (p->parent) {
		for (link = &p->parent->children; *link != p; link = &(*link)->next)
			;
		*link = p->next;
	}
	lock_drop(&debug_lock);
	ref_free(p->above);
	served_done(&p->served);
	free(p);
}

static int sub_new(struct pool *p, uint32_t limit, struct pool **sub)
{
	struct pool *c = calloc(1, sizeof *c);
	int error = c && (c->above = ref_new()) ? MemPool_create_sub(p->above, limit, c->above) : ENOMEM;

	if (!error)
		error = served_init(&c->served, &pool_class, server);
	if (error) {
		if (c)
			ref_free(c->above);
		free(c);
		return error;
	}
	lock_take(&debug_lock);
	c->parent = p;
	c->next = p->children;
	p->children = c;
	lock_drop(&debug_lock);
	*sub = c;
	return 0;
}

static int create_sub(void *self, struct request *r, uint32_t limit, void **sub)
{
	struct pool *c;
	int error = sub_new(self, limit, &c);

	(void)r;
	if (!error)
		*sub = c->served.port;
	return error;
}

static int destroy(void *self, struct request *r)
{
	struct pool *p = self;

	(void)r;
	lock_take(&debug_lock);
	pool_forget(p);
	lock_drop(&debug_lock);
	return MemPool_destroy(p->above);
}

static int create_child(void *self, struct request *r, uint32_t limit, uint32_t objects_size, fluke_ref_t *source, void **pool,
	void **objects, void **data, void **data_region)
{
	struct pool *c;
	void *port;
	int error = sub_new(self, limit, &c);

	if (error)
		return error;
	*pool = c->served.port;
	error = create_segment(c, r, objects_size, 1, &port, objects);
	if (!error)
		error = clone_segment(c, r, source, data, data_region);
	if (error) {
		destroy(c, r);
		served_end(&c->served);
	}
	return error;
}

static int statistics(void *self, struct request *r, uint32_t *limit, uint32_t *used, uint32_t *unused)
{
	(void)r;
	return MemPool_statistics(((struct pool *)self)->above, limit, used, unused);
}

static const struct MemPool_methods pool_methods = { .create_segment = create_segment, .create_sub = create_sub,
	.clone_segment = clone_segment, .destroy = destroy, .statistics = statistics, .create_child = create_child };
static const struct interface pool_interfaces[] = { { MemPool_INTERFACE, MemPool_dispatch, &pool_methods }, { 0, 0, 0 } };
static const struct served_class pool_class = { .name = "pool", .interfaces = pool_interfaces, .release = pool_release };

/* ---- schedulers: new threads ---- */

static void gate_free(struct gate **link)
{
	struct gate *g = *link;

	*link = g->next;
	ref_free(g->thread);
	ref_free(g->port);
	free(g);
}

/* Its scheduler's port to `to`, or ours if it shall come here first. */
static int book(fluke_ref_t *thread, fluke_ref_t *to, natural_t *value)
{
	int error = Scheduler_add(above_scheduler, thread, to, value);
	struct gate *g, **link;

	if (error || !gate_closed || !(g = calloc(1, sizeof *g)))
		return error;
	g->thread = ref_dup(thread);
	g->port = ref_dup(to);
	g->value = *value;
	lock_take(&debug_lock);
	for (link = &gates; *link;)
		if (fluke_ref_type((*link)->thread) == FLUKE_NULL)
			gate_free(link);
		else
			link = &(*link)->next;
	g->next = gates;
	gates = g;
	lock_drop(&debug_lock);
	fluke_ref_copy(gate_port, to);
	return 0;
}

static int add(void *self, struct request *r, fluke_ref_t *thread, void **port, uint32_t *value)
{
	fluke_ref_t *to = ref_new();

	(void)self;
	if (!thread || !to)
		return thread ? ENOMEM : EINVAL;
	request_free_ref(r, to);
	*port = to;
	return book(thread, to, value);
}

/* weak in libc.  Our own threads get their time from above as ever, the first one below as all there. */
int thread_scheduler(fluke_thread_t *thread, fluke_ref_t *to, natural_t *value)
{
	uint32_t at = (uint32_t)thread;
	fluke_ref_t *ref;
	int error;

	if (!above_scheduler && !(above_scheduler = service_lookup("scheduler")))
		return ENOENT;
	if (at >= START_OBJECTS && at - START_OBJECTS < START_OBJECTS_SIZE)
		return Scheduler_add(above_scheduler, thread, to, value);
	ref = ref_new();
	if (!ref)
		return ENOMEM;
	fluke_thread_reference(thread, ref);
	error = book(ref, to, value);
	ref_free(ref);
	return error;
}

struct gate_move { struct gate *gate; struct thread *thread; };

static int gate_move(void *argument)
{
	static fluke_thread_state_t state;
	struct gate_move *m = argument;
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = m->gate->port };

	fluke_thread_get_state(m->thread->object, &state, NULL);
	if (!m->thread->stopped)
		state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(m->thread->object, &state, links);
	return 0;
}

void gate_let(integer_t hash)
{
	for (struct gate **link = &gates; *link; link = &(*link)->next)
		if (fluke_ref_hash((*link)->thread) == hash) {
			struct thread *th = thread_by_hash(hash);

			th->gated = 0;
			guarded(gate_move, &(struct gate_move){ *link, th });
			gate_free(link);
			return;
		}
}

/* The first request for time of a thread with that number. */
static void gate_request(natural_t value)
{
	integer_t hash = 0;
	struct thread *th;

	lock_take(&debug_lock);
	for (struct gate *g = gates; g; g = g->next)
		if (g->value == (value & ~FLUKE_SCHED_URGENT) && fluke_ref_type(g->thread) != FLUKE_NULL)
			hash = fluke_ref_hash(g->thread);
	if (hash) {
		world_refresh();
		th = thread_by_hash(hash);
		if (th && th->target && !thread_stop(th)) {
			th->running = 1;	/* when we saw it last, its maker may have held it still */
			new_thread(th);
		}
	}
	lock_drop(&debug_lock);
}

static int get_usage(void *self, struct request *r, uint32_t value, uint64_t *tsc)
{
	(void)self, (void)r;
	return Scheduler_get_usage(above_scheduler, value, tsc);
}

static int end(void *self, struct request *r, uint32_t value, uint64_t *tsc)
{
	(void)self, (void)r;
	return Scheduler_end(above_scheduler, value, tsc);
}

static int set(void *self, struct request *r, uint32_t value, int32_t priority, uint32_t weight, uint32_t group, uint64_t period,
	uint64_t budget)
{
	(void)self, (void)r;
	return Scheduler_set(above_scheduler, value, priority, weight, group, period, budget);
}

static int leaf(void *self, struct request *r, const char *policy, void **scheduler)
{
	fluke_ref_t *found = ref_new();

	(void)self;
	request_free_ref(r, found);
	*scheduler = found;
	return found ? Scheduler_leaf(above_scheduler, policy, found) : ENOMEM;
}

static int show(void *self, struct request *r, uint32_t value, const char *name, fluke_ref_t *view)
{
	(void)self, (void)r;
	return Scheduler_show(above_scheduler, value, name, view);
}

static const struct Scheduler_methods scheduler_methods = { .add = add, .get_usage = get_usage, .end = end, .set = set, .leaf = leaf,
	.show = show };
static const struct interface scheduler_interfaces[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &scheduler_methods }, { 0, 0, 0 } };
static const struct served_class scheduler_class = { .name = "scheduler", .interfaces = scheduler_interfaces };

/* ---- watches ---- */

int watch_space(fluke_ref_t *space, int on)
{
	integer_t hash = fluke_ref_hash(space);

	for (struct inner *i = inners; i && !on; i = i->next)
		on |= i->hash == hash;
	return Debug_watch(above_debug, space, on ? watch_port : NULL);
}

uint32_t inner_answer(integer_t space, const uint32_t *words)
{
	uint32_t copy[FLUKE_EXC_WORDS], reply[FLUKE_MAX_MIN_MSG] = { 1 };
	fluke_ipc_params_t p = { .send_words = FLUKE_EXC_WORDS, .send_data = copy, .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = reply };
	fluke_ref_t *port = NULL;

	lock_take(&debug_lock);
	for (struct inner *i = inners; i; i = i->next)
		if (i->hash == space)
			port = ref_dup(i->port);
	lock_drop(&debug_lock);
	if (!port)
		return 1;
	memcpy(copy, words, sizeof copy);
	if (FLUKE_IPC_STATUS(fluke_ipc_call(&p, port)) != FLUKE_SUCCESS)
		reply[0] = 1;
	ref_free(port);
	return reply[0];
}

static int debug_watch(void *self, struct request *r, fluke_ref_t *space, fluke_ref_t *port)
{
	struct inner **link, *i;
	integer_t hash;

	(void)self, (void)r;
	if (!space || fluke_ref_type(space) != FLUKE_TYPE_SPACE)
		return EINVAL;
	hash = fluke_ref_hash(space);
	lock_take(&debug_lock);
	for (link = &inners; (i = *link);)
		if (i->hash == hash || fluke_ref_type(i->space) == FLUKE_NULL) {
			*link = i->next;
			ref_free(i->port);
			ref_free(i->space);
			free(i);
		} else {
			link = &i->next;
		}
	if (port && (i = calloc(1, sizeof *i))) {
		*i = (struct inner){ inners, hash, ref_dup(space), ref_dup(port) };
		inners = i;
	}
	lock_drop(&debug_lock);
	return Debug_watch(above_debug, space, watch_port);
}

/* With the lock: may whoever asks speak of that space?  Not a program with the personality, which has its manager for that, nor
 * anybody of itself. */
static int may_tell(fluke_ref_t *space)
{
	static fluke_ref_t *client;
	struct thread *th;
	natural_t flags;

	if (!client)
		client = ref_new();
	fluke_thread_get_client(NULL, client, &flags);
	th = thread_by_hash(fluke_ref_hash(client));
	if (!th || !th->target) {
		world_refresh();
		th = thread_by_hash(fluke_ref_hash(client));
	}
	fluke_ref_clear(client);
	return th && th->target && (!th->target->linux_pid || th->target->native) && th->target->hash != fluke_ref_hash(space);
}

static int debug_ended(void *self, struct request *r, int32_t pid, int32_t status, fluke_ref_t *space)
{
	(void)self, (void)r;
	if (!pid || !space)
		return 0;
	lock_take(&debug_lock);
	if (!may_tell(space)) {
		lock_drop(&debug_lock);
		return EPERM;
	}
	if (talkative)
		eprintf("debug: process %d ends\n", (int)pid);
	process_ended(fluke_ref_hash(space), status);
	lock_drop(&debug_lock);
	return debugger_above ? Debug_ended(above_debug, pid, status, space) : 0;
}

static int debug_posted(void *self, struct request *r, int32_t pid, int32_t tid, int32_t signal, uint32_t *taken, fluke_ref_t *space)
{
	(void)self, (void)r;
	if (!space)
		return EINVAL;
	lock_take(&debug_lock);
	if (!may_tell(space)) {
		lock_drop(&debug_lock);
		return EPERM;
	}
	*taken = (uint32_t)posted(fluke_ref_hash(space), signal);
	lock_drop(&debug_lock);
	return *taken || !debugger_above ? 0 : Debug_posted(above_debug, pid, tid, signal, taken, space);
}

/* With the lock.  The one of that space, and those whose spaces are gone. */
static void beginnings_drop(integer_t hash)
{
	for (struct beginning **link = &beginnings, *b; (b = *link);)
		if (b->hash == hash || fluke_ref_type(b->space) == FLUKE_NULL) {
			*link = b->next;
			ref_free(b->space);
			free(b);
		} else {
			link = &b->next;
		}
}

/* As long as gdb is attached to nobody, new spaces are not looked at. */
static int debug_begun(void *self, struct request *r, uint32_t exec, fluke_ref_t *space, fluke_ref_t *from)
{
	struct beginning *b;

	(void)self, (void)r;
	if (!space || !from)
		return EINVAL;
	lock_take(&debug_lock);
	if (!may_tell(space)) {
		lock_drop(&debug_lock);
		return EPERM;
	}
	beginnings_drop(fluke_ref_hash(space));
	if (gate_closed && (b = calloc(1, sizeof *b))) {
		*b = (struct beginning){ beginnings, ref_dup(space), fluke_ref_hash(space), fluke_ref_hash(from), exec != 0 };
		beginnings = b;
	}
	lock_drop(&debug_lock);
	return debugger_above ? Debug_begun(above_debug, exec, space, from) : 0;
}

integer_t space_begun(integer_t space, int *exec, int drop)
{
	integer_t from = 0;

	for (struct beginning *b = beginnings; b; b = b->next)
		if (b->hash == space) {
			*exec = b->exec;
			from = b->from;
		}
	if (drop)
		beginnings_drop(space);
	return from;
}

static const struct Debug_methods debug_methods = { .watch = debug_watch, .ended = debug_ended, .posted = debug_posted, .begun = debug_begun };
static const struct interface debug_interfaces[] = { { Debug_INTERFACE, Debug_dispatch, &debug_methods }, { 0, 0, 0 } };
static const struct served_class debug_class = { .name = "debug", .interfaces = debug_interfaces };

/* ---- what comes by itself ---- */

static void events_main(void *unused)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], reply[2] = { 0, 0 }, status;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias = 0;

	(void)unused;
	status = fluke_ipc_setup_wait_receive(&p, events, &alias);
	for (;;) {
		p.recv_words = FLUKE_MAX_MIN_MSG;
		p.recv_buffers = p.recv_refs = 0;
		if (FLUKE_IPC_FLAVOUR(status) != FLUKE_IPC_IDEMPOTENT) {
			if (alias == ALIAS_GATE && words[0] == FLUKE_SCHED_REQUEST)
				gate_request(words[1]);
			status = fluke_ipc_wait_receive(&p, &alias);
			continue;
		}
		if (alias == ALIAS_WATCH) {
			reply[0] = exception_came((const void *)words);
		} else {			/* an overlay was being changed */
			lock_take(&debug_lock);
			lock_drop(&debug_lock);
			reply[0] = 0;
		}
		p.send_words = 2;
		p.send_data = reply;
		status = fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

static fluke_ref_t *event_port(natural_t alias)
{
	fluke_port_t *port = port_new(events, (void *)alias, 0);
	fluke_ref_t *ref = ref_new();

	if (port && ref)
		fluke_port_reference(port, ref);
	return ref;
}

fluke_ref_t *supply_pool(void)
{
	return served_ref(&root_pool.served);
}

fluke_ref_t *supply_scheduler(void)
{
	static struct served port;

	return served_init(&port, &scheduler_class, server) ? NULL : served_ref(&port);
}

fluke_ref_t *supply_debug(void)
{
	static struct served port;

	return served_init(&port, &debug_class, server) ? NULL : served_ref(&port);
}

int supply_begin(void)
{
	root_pool.above = service_lookup("pool");
	if (!above_scheduler)
		above_scheduler = service_lookup("scheduler");
	above_debug = service_lookup("debug");
	if (!root_pool.above || !above_scheduler || !above_debug)
		return ENOENT;
	debugger_above = !Debug_ended(above_debug, 0, 0, NULL);
	lock_init(&debug_lock);
	events = portset_new();
	if (!events || served_init(&root_pool.served, &pool_class, server))
		return ENOMEM;
	watch_port = event_port(ALIAS_WATCH);
	gate_port = event_port(ALIAS_GATE);
	overlay_keeper = event_port(ALIAS_OVERLAY);
	return thread_start(events_main, NULL, 0) ? 0 : ENOMEM;
}
