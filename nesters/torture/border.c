/* Who holds what across the border of the program below (kinds=b): every reference to a port that is held below the child,
 * in whatever process or nester there, by where the port is.
 *
 * The child's own memory is its pool; all that it has made for others is in sub-pools of that.  A port of the child (T)
 * is what it gave out itself; one below (B) is their own affair; any other (E) has come past it, or it let it through.
 * At the end the hashes of T and E are printed, each once: a test compares them with what the child says that it gave out
 * (trace --given). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "torture.h"

#define BUCKETS	1024u
#define SEEN	4096u

struct known_port { fluke_port_t *port; uint32_t hash; char where; struct known_port *next; };

static struct known_port *bucket[BUCKETS], *ports;
static unsigned port_count, port_room;
static char	*where;			/* of each frame: 0, T, B */
static struct { uint32_t hash; char where; } seen[SEEN];
static unsigned	seen_count;
static uint32_t	looks, references;

static void mark(struct pool *pool, char as)
{
	for (struct segment *s = pool->segments; s; s = s->next)
		for (uint32_t n = 0; s->flags & SEGMENT_OBJECTS && n < s->runs; n++)
			memset(where + s->run[n].frame, as, s->run[n].count);
	for (struct pool *p = pool->children; p; p = p->next)
		mark(p, 'B');
}

static char where_is(const void *object)
{
	return where[((uint32_t)object - (uint32_t)store.window) / FLUKE_PAGE_SIZE];
}

static int know_ports(void)
{
	fluke_port_state_t state;

	port_count = 0;
	memset(bucket, 0, sizeof bucket);
	if (port_room < below.count) {
		port_room = 2 * below.count;
		free(ports);
		ports = calloc(port_room, sizeof *ports);
	}
	for (unsigned n = 0; ports && n < below.count; n++) {
		struct known_port *p = &ports[port_count];

		if (below.object[n].type != FLUKE_TYPE_PORT)
			continue;
		p->port = (fluke_port_t *)below.object[n].ob;
		fluke_port_get_state(p->port, &state, NULL);
		p->hash = (uint32_t)state.hash;
		p->where = where_is(p->port);
		p->next = bucket[p->hash % BUCKETS];
		bucket[p->hash % BUCKETS] = p;
		port_count++;
	}
	return ports != NULL;
}

static void note(uint32_t hash, char at)
{
	for (unsigned n = 0; n < seen_count; n++)
		if (seen[n].hash == hash && seen[n].where == at)
			return;
	if (seen_count < SEEN) {
		seen[seen_count].hash = hash;
		seen[seen_count++].where = at;
	}
}

/* A port to which nobody has a reference yet must not lose its first one here: it would think that all have gone. */
static int leads_to(fluke_ref_t *ref, fluke_port_t *port)
{
	fluke_port_state_t before;
	int same;

	fluke_port_get_state(port, &before, NULL);
	fluke_port_reference(port, below.self);
	same = (int)fluke_ref_compare(below.self, ref);
	fluke_ref_clear(below.self);
	fluke_port_set_state(port, &before, NULL);
	return same;
}

/* A reference that is held below. */
static void look(fluke_ref_t *ref)
{
	uint32_t hash;
	char at = 'E';

	if (fluke_ref_type(ref) != FLUKE_TYPE_PORT)
		return;
	hash = (uint32_t)fluke_ref_hash(ref);
	for (struct known_port *p = bucket[hash % BUCKETS]; p && at == 'E'; p = p->next)
		if (p->hash == hash && leads_to(ref, p->port))
			at = p->where;
	references++;
	if (at != 'B')
		note(hash, at);
}

/* A port that we hold does not see that the others have given it up. */
static void let_go(void)
{
	fluke_ref_clear(below.other);
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		fluke_ref_clear(below.link[n]);
}

/* Does anything run below the child?  What it holds for one that it is still making is in nobody's hands. */
static int begun(void)
{
	for (unsigned n = 0; n < below.threads; n++)
		if (where_is(below.thread[n].thread) == 'B')
			return 1;
	return 0;
}

/* All below is stopped. */
void border_look(void)
{
	if (!where && !(where = malloc(store.frames.count)))
		return;
	memset(where, 0, store.frames.count);
	for (struct pool *p = store.root->children; p; p = p->next)
		mark(p, 'T');
	if (!begun() || !know_ports())
		return;
	looks++;
	for (unsigned n = 0; n < below.count; n++) {
		void *object = (void *)below.object[n].ob;

		if (where_is(object) != 'B')
			continue;
		if (below.object[n].type == FLUKE_TYPE_REF) {
			look(object);
		} else if (below.object[n].type == FLUKE_TYPE_SPACE) {
			fluke_space_get_state(object, NULL, below.other);
			look(below.other);
		}
	}
	for (unsigned n = 0; n < below.threads; n++)
		if (where_is(below.thread[n].thread) == 'B') {
			subtree_read(&below, n);
			look(below.link[FLUKE_LINK_SCHEDULER]);
		}
	let_go();
}

void border_print(void)
{
	for (unsigned n = 0; n < seen_count; n++)
		eprintf("border: %c %08x\n", seen[n].where, (unsigned)seen[n].hash);
	eprintf("border: %u looks, %u references\n", (unsigned)looks, (unsigned)references);
}
