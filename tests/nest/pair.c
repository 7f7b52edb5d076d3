/* pair: two process managers directly beside each other, and every capability that either holds.
 *
 *	pair [leak=below|pair] FILE-A FILE-B
 *
 * Runs both files by bash, each in a manager of its own from a pool of its own, all out of one memory that pair divides, so every object
 * below is in its window.  Looks 20 times a second at all references and links there, by where the target lies: with the holder, in the other world, with pair
 * itself, or elsewhere.  When there is a file /tmp/over all threads are stopped and looked at too; then both are destroyed.  Prints what
 * either holds of the other, and each target outside that both hold, with the name by which anybody gets it, if it has one.
 * leak: for proof that a test notices; B is given a port of A's world, or both get one of pair's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/MemPool.h>
#include <nest/child.h>
#include <nest/guard.h>
#include <nest/memory_serve.h>
#include <nest/subtree.h>

#define LEAVE	0x1000000u
#define BLOCK	0x200000u
#define MOST	0x4000u		/* objects, and references, at a look */
#define BUCKETS	4096u
#define LINES	200

/* Hashes of ports are their servers' affair and not unique: where they are equal, references are compared. */
struct known { struct known *next; uint32_t hash, at; uint8_t type; char home; };	/* home: 'A', 'B', 'P' (pair) */
struct held { struct held *next; uint32_t hash; fluke_ref_t *ref; char who, peer; };	/* ref: where it stands, or a copy of a link; peer: that of a message */

static struct known known[MOST], *known_by[BUCKETS];
static struct held held[MOST], *held_by[BUCKETS];
static uint32_t knowns, helds, copies;
static fluke_ref_t *copy[MOST];
static char line[LINES][64];		/* what was seen, each once */
static unsigned lines;
static struct store store;
static struct server *server;
static struct subtree below;
static struct child *child[2];
static struct pool *pool[2];
static char *home;			/* of each frame */
static fluke_ref_t *target;		/* scratch */
static uint32_t looks, references;

static void fail(const char *what, int error)
{
	eprintf("pair: %s: %s\n", what, error_text(error));
	libc_exit(125);
}

/* ---- memory ---- */

static void memory_begin(void)
{
	fluke_ref_t *parent = service_lookup("pool"), *segment = ref_new();
	uint32_t limit, used, unused, size;
	int error = MemPool_statistics(parent, &limit, &used, &unused);

	if (error)
		fail("pool", error);
	size = (unused - LEAVE) & -BLOCK;
	store.region = ref_new();
	error = MemPool_create_segment(parent, size, SEGMENT_OBJECTS, segment, store.region);
	store.window = address_reserve(size);
	if (error || !mapping_new(store.region, 0, NULL, (uint32_t)store.window, size, FLUKE_PROT_ALL))
		fail("memory", error);
	store.region_object = region_new(own_space(), (uint32_t)store.window, size, FLUKE_PROT_ALL, NULL);
	frames_init(&store.frames, size / FLUKE_PAGE_SIZE, calloc(1, frames_bookkeeping(size / FLUKE_PAGE_SIZE)));
	frames_add(&store.frames, FRAMES_GROUP, size / FLUKE_PAGE_SIZE - FRAMES_GROUP);
	home = calloc(1, store.frames.count);
	target = ref_new();
	error = memory_serve(&store, server);
	if (error || subtree_init(&below, store.region_object, (uint32_t)store.window, NULL))
		fail("memory", error);
}

static void mark(struct pool *p, char as)
{
	for (struct segment *s = p->segments; s; s = s->next)
		for (uint32_t n = 0; s->flags & SEGMENT_OBJECTS && n < s->runs; n++)
			memset(home + s->run[n].frame, as, s->run[n].count);
	for (struct pool *sub = p->children; sub; sub = sub->next)
		mark(sub, as);
}

/* ---- who holds what ---- */

static void refer(uint32_t type, uint32_t at, fluke_ref_t *ref)
{
	switch (type) {
	case FLUKE_TYPE_PORT: fluke_port_reference((fluke_port_t *)at, ref); break;
	case FLUKE_TYPE_SPACE: fluke_space_reference((fluke_space_t *)at, ref); break;
	case FLUKE_TYPE_THREAD: fluke_thread_reference((fluke_thread_t *)at, ref); break;
	case FLUKE_TYPE_REGION: fluke_region_reference((fluke_region_t *)at, ref); break;
	case FLUKE_TYPE_MAPPING: fluke_mapping_reference((fluke_mapping_t *)at, ref); break;
	case FLUKE_TYPE_PORTSET: fluke_portset_reference((fluke_portset_t *)at, ref); break;
	case FLUKE_TYPE_MUTEX: fluke_mutex_reference((fluke_mutex_t *)at, ref); break;
	case FLUKE_TYPE_COND: fluke_cond_reference((fluke_cond_t *)at, ref); break;
	}
}

static uint32_t hash_of(const fluke_obspec_t *o)
{
	fluke_port_state_t port = { 0 };

	if (o->type == FLUKE_TYPE_REF)
		return 0;
	if (o->type == FLUKE_TYPE_PORT) {	/* no reference: it would notice when that goes */
		fluke_port_get_state((fluke_port_t *)o->ob, &port, NULL);
		return (uint32_t)port.hash;
	}
	refer(o->type, o->ob, target);
	return (uint32_t)fluke_ref_hash(target);
}

struct where { const fluke_obspec_t *object; char home; };

static int know(void *argument)
{
	struct where *w = argument;
	uint32_t hash = hash_of(w->object);
	struct known *k = &known[knowns];

	if (!hash)
		return 0;
	if (++knowns == MOST)
		fail("objects", ENOMEM);
	*k = (struct known){ known_by[hash % BUCKETS], hash, w->object->ob, (uint8_t)w->object->type, w->home };
	known_by[hash % BUCKETS] = k;
	return 0;
}

static void holds(char who, fluke_ref_t *ref)
{
	uint32_t hash = fluke_ref_type(ref) == FLUKE_NULL ? 0 : (uint32_t)fluke_ref_hash(ref);
	struct held *h = &held[helds];

	if (!hash)
		return;
	references++;
	if (++helds == MOST)
		fail("references", ENOMEM);
	*h = (struct held){ held_by[hash % BUCKETS], hash, ref, who, 0 };
	held_by[hash % BUCKETS] = h;
}

/* A reference of ours, for a link; until the end of the look. */
static fluke_ref_t *fresh(void)
{
	if (copies == MOST || (!copy[copies] && !(copy[copies] = ref_new())))
		fail("references", ENOMEM);
	return copy[copies++];
}

static int look_at(void *argument)
{
	struct where *w = argument;
	void *at = (void *)w->object->ob;
	fluke_ref_t *first, *second;

	if (w->object->type == FLUKE_TYPE_REF) {
		holds(w->home, at);
		return 0;
	}
	first = fresh();
	second = fresh();
	switch (w->object->type) {
	case FLUKE_TYPE_SPACE: fluke_space_get_state(at, NULL, first); break;
	case FLUKE_TYPE_PORT: fluke_port_get_state(at, NULL, first); break;
	case FLUKE_TYPE_MUTEX: fluke_mutex_get_state(at, NULL, first); break;
	case FLUKE_TYPE_COND: fluke_cond_get_state(at, NULL, first); break;
	case FLUKE_TYPE_REGION: fluke_region_get_state(at, NULL, first, second); break;
	case FLUKE_TYPE_MAPPING: fluke_mapping_get_state(at, NULL, first, second); break;
	}
	holds(w->home, first);
	holds(w->home, second);
	return 0;
}

/* ---- compared ---- */

static void seen(const char *what, char who, uint32_t type, const char *name)
{
	char text[sizeof line[0]];
	unsigned n = 0;

	snprintf(text, sizeof text, "%s: %c type %u %s", what, who, (unsigned)type, name);
	while (n < lines && strcmp(line[n], text))
		n++;
	if (n == lines && n < LINES)
		strlcpy(line[lines++], text, sizeof text);
}

static int is_target(const struct known *k, fluke_ref_t *ref)
{
	fluke_port_state_t before;
	int same;

	if (k->type == FLUKE_TYPE_PORT)
		fluke_port_get_state((fluke_port_t *)k->at, &before, NULL);
	refer(k->type, k->at, target);
	same = (int)fluke_ref_compare(target, ref);
	fluke_ref_clear(target);
	if (k->type == FLUKE_TYPE_PORT)		/* one that nobody refers to yet must not think that all have gone */
		fluke_port_set_state((fluke_port_t *)k->at, &before, NULL);
	return same;
}

/* What anybody gets who starts a thread. */
static fluke_ref_t *threads_port(void)
{
	fluke_thread_t *thread = object_reserve(FLUKE_TYPE_THREAD);
	fluke_ref_t *port = ref_new();
	natural_t value;

	fluke_thread_create(thread);
	if (thread_scheduler(thread, port, &value))
		fail("scheduler", ENOENT);
	fluke_thread_destroy(thread);
	return port;
}

static char *page;		/* where a region is tried */

static int try_read(void *argument)
{
	(void)argument;
	return *(volatile char *)page & 0;
}

static int try_write(void *argument)
{
	(void)argument;
	*(volatile char *)page = *(volatile char *)page;
	return 0;
}

static const char *region_name(fluke_ref_t *region)
{
	fluke_mapping_t *mapping = mapping_new(region, 0, NULL, (uint32_t)page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	const char *name = guarded(try_read, NULL) ? "unreadable" : guarded(try_write, NULL) ? "read-only" : "writable";

	mapping_free(mapping);
	return name;
}

static const char *name_of(fluke_ref_t *ref)
{
	static const char *const names[] = { "fs", "clock", "scheduler", "session", "debug" };
	static fluke_ref_t *service[5], *threads;

	if (!page) {
		page = address_reserve(FLUKE_PAGE_SIZE);
		threads = threads_port();
	}
	for (unsigned n = 0; n < 5; n++) {
		if (!service[n])
			service[n] = service_lookup(names[n]);
		if (service[n] && fluke_ref_compare(service[n], ref))
			return names[n];
	}
	for (int n = 0; n < 3; n++)
		if (descriptor(n) && fluke_ref_compare(descriptor(n), ref))
			return "descriptor";
	return fluke_ref_compare(threads, ref) ? "threads" : fluke_ref_type(ref) == FLUKE_TYPE_REGION ? region_name(ref) : "?";
}

/* Something that A holds. */
static int compare(void *argument)
{
	struct held *h = argument;
	char other = h->who == 'A' ? 'B' : 'A', home = 0;

	for (struct known *k = known_by[h->hash % BUCKETS]; k && !home; k = k->next)
		if (k->hash == h->hash && is_target(k, h->ref))
			home = k->home;
	if (home == other)
		seen("across", h->who, fluke_ref_type(h->ref), "of the other's");
	if (home == 'A' || home == 'B')
		return 0;
	for (struct held *b = held_by[h->hash % BUCKETS]; b && h->who == 'A'; b = b->next)
		if (b->hash == h->hash && b->who == 'B' && !(h->peer && b->peer) && fluke_ref_compare(h->ref, b->ref)) {
			seen(home ? "pair's" : "both", '-', fluke_ref_type(h->ref), name_of(h->ref));
			break;
		}
	return 0;
}

static char home_of(const fluke_obspec_t *o)
{
	return home[(o->ob - (uint32_t)store.window) / FLUKE_PAGE_SIZE];
}

static void each(int (*what)(void *))
{
	for (unsigned n = 0; n < below.count; n++) {
		struct where w = { &below.object[n], home_of(&below.object[n]) };

		if (w.home)
			guarded(what, &w);	/* it may have gone meanwhile */
	}
	fluke_ref_clear(target);
}

static void know_own(void)
{
	static struct subtree own;
	fluke_region_t *region;

	if (!own.region) {
		region = region_new(own_space(), START_OBJECTS, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL);
		if (!region || subtree_init(&own, region, START_OBJECTS, NULL))
			fail("own objects", ENOMEM);
	}
	subtree_forget(&own);
	if (subtree_find(&own, 0, START_OBJECTS_SIZE))
		fail("own objects", ENOMEM);
	for (unsigned n = 0; n < own.count; n++) {
		struct where w = { &own.object[n], 'P' };

		guarded(know, &w);
	}
}

static void threads_look(void)
{
	subtree_stop(&below);
	for (unsigned n = 0; n < below.threads; n++) {
		fluke_obspec_t o = { .ob = (oskit_addr_t)below.thread[n].thread };
		uint32_t before;

		subtree_read(&below, n);
		for (unsigned i = 0; i < FLUKE_THREAD_LINKS; i++) {
			fluke_ref_t *ref = fresh();

			fluke_ref_copy(below.link[i], ref);
			before = helds;
			holds(home_of(&o), ref);
			if (helds > before && (i == FLUKE_LINK_CLIENT || i == FLUKE_LINK_SERVER))
				held[before].peer = 1;		/* both may wait for the same worker of root's */
		}
	}
}

static void look(int last)
{
	knowns = helds = 0;
	memset(known_by, 0, sizeof known_by);
	memset(held_by, 0, sizeof held_by);
	memory_lock();
	memset(home, 0, store.frames.count);
	mark(pool[0], 'A');
	mark(pool[1], 'B');
	subtree_forget(&below);
	if (subtree_find(&below, 0, store.frames.count * FLUKE_PAGE_SIZE))
		fail("search", ENOMEM);
	memory_unlock();
	if (last)
		threads_look();
	know_own();
	each(know);
	each(look_at);
	for (uint32_t n = 0; n < helds; n++)
		guarded(compare, &held[n]);
	while (copies)
		fluke_ref_clear(copy[--copies]);
	looks++;
}

static void begin(unsigned n, char *file, const char *leak)
{
	char *const argv[] = { (char *)"bash", file, NULL };
	int error;

	child[n] = child_new("process", server, memory_pool(), &error);
	if (child[n])
		pool[n] = store.root->children;		/* the newest */
	if (child[n] && n && !strcmp(leak, "below"))
		error = child[0]->nesting ? child_provide(child[n], "cwd", child[0]->nesting) : ENOENT;
	if (child[n] && !strcmp(leak, "pair"))
		error = child_provide(child[n], "cwd", memory_pool());
	if (!child[n] || error)
		fail("child", error);
	error = nest_start(child[n], argv);
	if (error)
		libc_exit(125);
	for (unsigned wait = 0; wait < 100 && !child[n]->nesting; wait++)
		clock_sleep_until(clock_now() + 10000000);
}

static int exists(fluke_ref_t *fs, const char *name)
{
	static fluke_ref_t *to;
	struct FileStatus status;

	if (!to)
		to = ref_new();
	return !FileSystem_open(fs, name, O_RDONLY, 0, to, &status);
}

int main(int argc, char **argv)
{
	const char *leak = argc > 1 && !strncmp(argv[1], "leak=", 5) ? argv[1] + 5 : "";
	fluke_ref_t *fs = service_lookup("fs");

	if (*leak)
		argv++, argc--;
	server = server_new(4, 8, 0);
	if (argc != 3 || !server || !fs)
		fail("pair [leak=...] FILE FILE", EINVAL);
	memory_begin();
	begin(0, argv[1], leak);
	begin(1, argv[2], leak);
	while (!exists(fs, "/tmp/over")) {
		look(0);
		clock_sleep_until(clock_now() + 50000000);
	}
	look(1);
	for (unsigned n = 0; n < lines; n++)
		printf("%s\n", line[n]);
	printf("pair: %u looks, %u references\n", (unsigned)looks, (unsigned)references);
	for (unsigned n = 0; n < 2; n++)
		child_destroy(child[n]);
	nest_end(0);
}
