/* All pools, segments and objects below, found anew for each image.  Objects lie in segments that may hold any; these are
 * searched in our window.  Who leads to whom is found by hash, and compared, since hashes need not be unique. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "checkpoint.h"

#define FOUND	128u		/* objects that one search brings */

struct world world;
static fluke_ref_t *scratch;

static int room(void *array, unsigned *have, unsigned want, size_t size)
{
	void *larger;

	if (want <= *have)
		return 1;
	larger = realloc(*(void **)array, 2 * want * size);
	if (!larger)
		return 0;
	*(void **)array = larger;
	*have = 2 * want;
	return 1;
}

void world_forget(void)
{
	world.pools = world.segments = world.objects = 0;
}

static int find_objects(struct segment *s, unsigned number)
{
	static fluke_obspec_t found[FOUND];
	uint32_t left;

	for (uint32_t n = 0; n < s->runs; n++) {
		uint32_t offset = s->run[n].frame * PAGE, end = offset + s->run[n].count * PAGE;
		int32_t shift = (int32_t)(s->run[n].page - s->run[n].frame) * (int32_t)PAGE - (int32_t)store.window;

		while (offset < end) {
			left = FOUND;
			fluke_region_search(store.region_object, &offset, end - offset, found, &left);
			if (!room(&world.object, &world.object_room, world.objects + FOUND, sizeof *world.object))
				return ENOMEM;
			for (unsigned i = 0; i < FOUND - left; i++)
				world.object[world.objects++] = (struct object){ .at = found[i].ob, .segment = number,
					.offset = found[i].ob + (uint32_t)shift, .type = (uint8_t)found[i].type };
		}
	}
	return 0;
}

/* Lists are last made, first: the order of making is theirs from the end. */
static int find_segments(struct pool *pool)
{
	unsigned first = world.segments, n;
	struct segment *s;

	for (s = pool->segments; s; s = s->next) {
		if (!room(&world.segment, &world.segment_room, world.segments + 1, sizeof *world.segment))
			return ENOMEM;
		world.segment[world.segments++] = s;
	}
	for (n = 0; n < (world.segments - first) / 2; n++) {
		s = world.segment[first + n];
		world.segment[first + n] = world.segment[world.segments - 1 - n];
		world.segment[world.segments - 1 - n] = s;
	}
	return 0;
}

static int find_pools(struct pool *pool)
{
	struct pool *p = pool->children;
	int error;

	if (!room(&world.pool, &world.pool_room, world.pools + 1, sizeof *world.pool))
		return ENOMEM;
	world.pool[world.pools++] = pool;
	error = find_segments(pool);
	while (p && p->next)
		p = p->next;
	for (; p && !error; p = p->prev)
		error = find_pools(p);
	return error;
}

int world_find(int objects)
{
	int error = 0;

	world_forget();
	if (store.root->children)		/* ours has no other: that of the one child */
		error = find_pools(store.root->children);
	for (unsigned n = 0; n < world.segments && objects && !error; n++)
		if (world.segment[n]->flags & SEGMENT_OBJECTS)
			error = find_objects(world.segment[n], n);
	return error;
}

int world_room(unsigned pools, unsigned segments, unsigned objects)
{
	world_forget();
	if (!room(&world.pool, &world.pool_room, pools, sizeof *world.pool) ||
	    !room(&world.segment, &world.segment_room, segments, sizeof *world.segment) ||
	    !room(&world.object, &world.object_room, objects, sizeof *world.object))
		return ENOMEM;
	world.pools = pools;
	world.segments = segments;
	world.objects = objects;
	return 0;
}

unsigned world_pool(const struct pool *pool)
{
	unsigned n = 0;

	while (n < world.pools && world.pool[n] != pool)
		n++;
	return n;
}

/* ---- hashes ---- */

static void point(struct object *o, fluke_ref_t *ref)
{
	void *at = (void *)o->at;

	switch (o->type) {
	case FLUKE_TYPE_MUTEX:		fluke_mutex_reference(at, ref); break;
	case FLUKE_TYPE_COND:		fluke_cond_reference(at, ref); break;
	case FLUKE_TYPE_MAPPING:	fluke_mapping_reference(at, ref); break;
	case FLUKE_TYPE_REGION:		fluke_region_reference(at, ref); break;
	case FLUKE_TYPE_PORT:		fluke_port_reference(at, ref); break;
	case FLUKE_TYPE_PORTSET:	fluke_portset_reference(at, ref); break;
	case FLUKE_TYPE_SPACE:		fluke_space_reference(at, ref); break;
	case FLUKE_TYPE_THREAD:		fluke_thread_reference(at, ref); break;
	default:			fluke_ref_clear(ref);
	}
}

void object_reference(unsigned number, fluke_ref_t *ref)
{
	point(&world.object[number], ref);
}

/* What it costs a port to be looked at: a reference more and less would be its last one going. */
static integer_t hash_of(struct object *o)
{
	fluke_port_state_t port;

	if (o->type == FLUKE_TYPE_REF)
		return 0;
	if (o->type == FLUKE_TYPE_PORT) {
		fluke_port_get_state((fluke_port_t *)o->at, &port, NULL);
		return port.hash;
	}
	point(o, scratch);
	return fluke_ref_hash(scratch);
}

int world_index(void)
{
	if (!scratch && !(scratch = ref_new()))
		return ENOMEM;
	free(world.bucket);
	world.buckets = world.objects | 255;
	world.bucket = calloc(world.buckets, sizeof *world.bucket);
	if (!world.bucket)
		return ENOMEM;
	for (unsigned n = 0; n < world.objects; n++) {
		struct object *o = &world.object[n];
		uint32_t *head;

		o->hash = hash_of(o);
		if (!o->hash)
			continue;
		head = &world.bucket[(uint32_t)o->hash % world.buckets];
		o->next = *head;
		*head = n + 1;
	}
	fluke_ref_clear(scratch);
	return 0;
}

unsigned world_target(fluke_ref_t *ref)
{
	integer_t hash = fluke_ref_hash(ref);
	unsigned n = hash ? world.bucket[(uint32_t)hash % world.buckets] : 0, found = ~0u;

	for (; n && found == ~0u; n = world.object[n - 1].next) {
		struct object *o = &world.object[n - 1];

		if (o->hash != hash || o->type != fluke_ref_type(ref))
			continue;
		point(o, scratch);		/* ref is one that leads there, so it is not the last */
		if (fluke_ref_compare(scratch, ref))
			found = n - 1;
		fluke_ref_clear(scratch);
	}
	return found;
}
