/* An image is made real: pools, segments, pages; then every object at its place; then their states and links.  Nobody
 * below runs before all of it is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/MemPool.h>
#include "checkpoint.h"

static struct image_head head;
static struct image_object *list;
static struct image_page **pages;	/* by segment */
static struct image_segment *segments;
static struct restored_memory memory;
static uint32_t *sorted, places;	/* of all pages, to find those that several have */
static struct { uint32_t place, frame; } *shared;
static uint32_t shares;

static int bad(const char *reason)
{
	image_reason = reason;
	return image_error = EIO;
}

struct restored_memory *restored(void)
{
	return &memory;
}

/* ---- pools and segments ---- */

static int get_pools(void)
{
	struct image_pool record;
	int error;

	for (unsigned n = 0; n < head.pools; n++) {
		if (image_get(&record, sizeof record))
			return image_error;
		if (!(memory.pool[n] = ref_new()) || record.parent > n || (n && !record.parent))
			return bad("a pool's parent is none");
		if (!n) {
			fluke_ref_copy(child->pool, memory.pool[0]);
			world.pool[0] = store.root->children;
			continue;
		}
		error = MemPool_create_sub(memory.pool[record.parent - 1], (uint32_t)record.limit, memory.pool[n]);
		if (error)
			return image_error = error;
		world.pool[n] = world.pool[record.parent - 1]->children;
	}
	return 0;
}

/* The two that the child was made with are emptied. */
static void reuse(unsigned n)
{
	struct segment *s = store.root->children->segments;

	if (!n)
		s = s->next;
	fluke_ref_copy(n ? child->objects : child->data, memory.segment[n]);
	fluke_ref_copy(n ? child->objects_region : child->data_region, memory.region[n]);
	world.segment[n] = s;
	memory_lock();
	segment_discard(s, 0, s->pages * PAGE);
	memory_unlock();
}

static int get_segment(unsigned n)
{
	struct image_segment *s = &segments[n];
	int error = 0;

	if (image_get(s, sizeof *s))
		return image_error;
	memory.segment[n] = ref_new();
	memory.region[n] = ref_new();
	pages[n] = malloc((s->pages + 1) * sizeof **pages);
	if (s->pool >= head.pools || !memory.segment[n] || !memory.region[n] || !pages[n])
		return bad("a segment's pool is none");
	if (n < 2)
		reuse(n);
	else
		error = MemPool_create_segment(memory.pool[s->pool], s->size, s->flags & SEGMENT_OBJECTS, memory.segment[n],
			memory.region[n]);
	if (error)
		return image_error = error;
	if (n >= 2)
		world.segment[n] = world.pool[s->pool]->segments;
	return image_get(pages[n], s->pages * sizeof **pages);
}

/* ---- pages ---- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int sort_places(void)
{
	places = 0;
	for (unsigned n = 0; n < head.segments; n++)
		places += segments[n].pages;
	sorted = malloc((places + 1) * sizeof *sorted);
	shared = malloc((places + 1) * sizeof *shared);
	if (!sorted || !shared)
		return image_error = ENOMEM;
	places = 0;
	for (unsigned n = 0; n < head.segments; n++)
		for (uint32_t i = 0; i < segments[n].pages; i++)
			sorted[places++] = pages[n][i].place;
	qsort(sorted, places, sizeof *sorted, by_number);
	/* of those that are there several times, one each */
	shares = 0;
	for (uint32_t n = 1; n < places; n++)
		if (sorted[n] == sorted[n - 1] && (!shares || shared[shares - 1].place != sorted[n])) {
			shared[shares].place = sorted[n];
			shared[shares++].frame = FRAMES_NONE;
		}
	free(sorted);
	return 0;
}

/* Where the frame of a page that several have stands; null: it has one holder. */
static uint32_t *shared_frame(uint32_t place)
{
	uint32_t low = 0, high = shares;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (shared[middle].place < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low < shares && shared[low].place == place ? &shared[low].frame : NULL;
}

static uint32_t last_frame;

static uint32_t take_frame(uint32_t page, enum frame_kind kind)
{
	int zero;
	uint32_t frame = frames_take_this(&store.frames, last_frame + 1, kind, &zero);

	if (frame == FRAMES_NONE)
		frame = frames_take(&store.frames, page, kind, &zero);
	return last_frame = frame;
}

static int get_page(struct segment *s, const struct image_page *p)
{
	uint32_t *common = shared_frame(p->place), frame = common ? *common : FRAMES_NONE;

	if (p->page >= s->pages || !pool_charge(s->pool, PAGE))
		return bad("a page beyond its segment, or a pool's limit");
	if (frame != FRAMES_NONE) {
		frames_hold(&store.frames, frame);
	} else {
		frame = take_frame(p->page, FRAME_DATA);
		if (frame == FRAMES_NONE)
			return image_error = ENOMEM;
		if (image_get_page(p->place, store.window + frame * PAGE))
			return image_error;
		frame_place[frame] = !counts.taken && time_adapt(store.window + frame * PAGE) ? 0 : p->place;
		if (common)
			*common = frame;
	}
	return segment_add(s, p->page, frame, !common) ? image_error = ENOMEM : 0;
}

static int get_pages(void)
{
	if (sort_places())
		return image_error;
	memory_lock();
	for (unsigned n = 0; n < head.segments && !image_error; n++)
		for (uint32_t i = 0; i < segments[n].pages && !image_error; i++)
			get_page(world.segment[n], &pages[n][i]);
	memory_unlock();
	free(shared);
	return image_error;
}

/* What reading has written is not dirty. */
static void clean_pages(void)
{
	uint8_t bits[64];

	for (unsigned n = 0; n < head.segments; n++) {
		struct segment *s = world.segment[n];

		for (uint32_t i = 0; i < s->runs; i++)
			for (uint32_t done = 0, part; done < s->run[i].count; done += part) {
				oskit_addr_t offset = (s->run[i].frame + done) * PAGE;

				part = s->run[i].count - done < sizeof bits ? s->run[i].count - done : sizeof bits;
				fluke_region_usage(store.region_object, &offset, part * PAGE, bits);
			}
	}
}

/* ---- objects ---- */

static void create(fluke_type_t type, void *at, integer_t *hash)
{
	switch (type) {
	case FLUKE_TYPE_MUTEX:		fluke_mutex_create_hash(at, hash); break;
	case FLUKE_TYPE_COND:		fluke_cond_create_hash(at, hash); break;
	case FLUKE_TYPE_MAPPING:	fluke_mapping_create_hash(at, hash); break;
	case FLUKE_TYPE_REGION:		fluke_region_create_hash(at, hash); break;
	case FLUKE_TYPE_PORT:		fluke_port_create_hash(at, hash); break;
	case FLUKE_TYPE_PORTSET:	fluke_portset_create_hash(at, hash); break;
	case FLUKE_TYPE_SPACE:		fluke_space_create_hash(at, hash); break;
	case FLUKE_TYPE_THREAD:		fluke_thread_create_hash(at, hash); break;
	case FLUKE_TYPE_REF:		fluke_ref_create(at); break;
	}
}

/* The frame of an object's page, taken when the first object there is made. */
static uint32_t object_frame(struct segment *s, uint32_t page)
{
	uint32_t i = segment_find(s, page), frame;

	if (i != ~0u)
		return s->run[i].frame + (page - s->run[i].page);
	if (page >= s->pages || !pool_charge(s->pool, PAGE))
		return FRAMES_NONE;
	frame = take_frame(page, FRAME_OBJECTS);
	if (frame == FRAMES_NONE || segment_add(s, page, frame, 1))
		return FRAMES_NONE;
	frame_place[frame] = 0;
	return frame;
}

static int create_objects(void)
{
	memory_lock();
	last_frame = 0;
	for (unsigned n = 0; n < head.objects && !image_error; n++) {
		struct image_object *r = &list[n];
		struct object *o = &world.object[n];
		uint32_t frame;

		if (r->segment >= head.segments || !(world.segment[r->segment]->flags & SEGMENT_OBJECTS)) {
			bad("an object's segment is none");
			break;
		}
		frame = object_frame(world.segment[r->segment], r->offset / PAGE);
		if (frame == FRAMES_NONE) {
			image_error = ENOMEM;
			break;
		}
		*o = (struct object){ .at = (uint32_t)store.window + frame * PAGE + r->offset % PAGE, .segment = r->segment,
			.offset = r->offset, .type = (uint8_t)r->type, .hash = r->hash };
		create(r->type, (void *)o->at, &r->hash);
	}
	memory_unlock();
	return image_error;
}

/* ---- states ---- */

static fluke_ref_t *first, *second;
static fluke_thread_state_t state __attribute__((aligned(16)));
static fluke_thread_links_t links;
static uint32_t *runs, running;		/* threads to let go */

static void resolve(uint32_t name, fluke_ref_t *ref)
{
	uint32_t number = (name & ~LINK_OUTSIDE) - 1;

	if (!name)
		fluke_ref_clear(ref);
	else if (!(name & LINK_OUTSIDE) && number < head.objects)
		object_reference(number, ref);
	else if (name & LINK_OUTSIDE && number < outsides && outside[number].ref)
		fluke_ref_copy(outside[number].ref, ref);
	else
		fluke_ref_clear(ref);
}

static void get_link(fluke_ref_t *ref)
{
	uint32_t name = 0;

	image_get(&name, sizeof name);
	resolve(name, ref);
}

/* Its time comes from our scheduler again, unless its scheduler is one below. */
static void schedule(fluke_thread_t *thread, uint32_t name)
{
	resolve(name, links[FLUKE_LINK_SCHEDULER]);
	if (name & LINK_OUTSIDE && time_restore(thread, links[FLUKE_LINK_SCHEDULER], &state.sched_val))
		eprintf("checkpoint: a thread gets no time\n");
}

static void get_thread(unsigned n)
{
	fluke_thread_t *thread = (fluke_thread_t *)world.object[n].at;
	uint32_t ran = 0, name = 0;

	image_get(&ran, sizeof ran);
	image_get(&state, offsetof(fluke_thread_state_t, fpu));
	if (state.flags & FLUKE_THREAD_FPU_USED)
		image_get(&state.fpu, sizeof state - offsetof(fluke_thread_state_t, fpu));
	get_link(links[FLUKE_LINK_SPACE]);
	image_get(&name, sizeof name);
	get_link(links[FLUKE_LINK_CLIENT]);
	get_link(links[FLUKE_LINK_SERVER]);
	if (image_error)
		return;
	schedule(thread, name);
	state.flags |= FLUKE_THREAD_STOPPED;
	state.flags &= ~FLUKE_THREAD_HELD;
	fluke_thread_set_state(thread, &state, links);
	if (ran)
		runs[running++] = n;
}

static void get_object(unsigned n)
{
	union { fluke_mutex_state_t mutex; fluke_cond_state_t cond; fluke_mapping_state_t mapping; fluke_region_state_t region;
		fluke_port_state_t port; } s;
	fluke_port_state_t now;
	void *at = (void *)world.object[n].at;

	switch (world.object[n].type) {
	case FLUKE_TYPE_MUTEX:
		image_get(&s.mutex, sizeof s.mutex);
		get_link(first);
		fluke_mutex_set_state(at, &s.mutex, first);
		break;
	case FLUKE_TYPE_COND:
		image_get(&s.cond, sizeof s.cond);
		get_link(first);
		fluke_cond_set_state(at, &s.cond, first);
		break;
	case FLUKE_TYPE_MAPPING:
		image_get(&s.mapping, sizeof s.mapping);
		get_link(first);
		get_link(second);
		fluke_mapping_set_state(at, &s.mapping, first, second);
		break;
	case FLUKE_TYPE_REGION:
		image_get(&s.region, sizeof s.region);
		get_link(first);
		get_link(second);
		fluke_region_set_state(at, &s.region, first, second);
		break;
	case FLUKE_TYPE_PORT:
		image_get(&s.port, sizeof s.port);
		get_link(first);
		fluke_port_get_state(at, &now, NULL);		/* a timer made again may have fired */
		s.port.pending |= now.pending & ~FLUKE_PENDING_KERNEL;
		fluke_port_set_state(at, &s.port, first);
		break;
	case FLUKE_TYPE_SPACE:
		get_link(first);
		fluke_space_set_state(at, NULL, first);
		break;
	case FLUKE_TYPE_THREAD:
		get_thread(n);
		break;
	case FLUKE_TYPE_REF:
		get_link(at);
	}
}

static int get_states(void)
{
	uint32_t size;

	image_get(&size, sizeof size);
	running = 0;
	for (unsigned n = 0; n < head.objects && !image_error; n++)
		get_object(n);
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (links[n])
			fluke_ref_clear(links[n]);
	fluke_ref_clear(first);
	fluke_ref_clear(second);
	return image_error;
}

static void let_go(fluke_thread_t *thread)
{
	fluke_thread_get_state(thread, &state, NULL);
	state.flags &= ~(FLUKE_THREAD_STOPPED | FLUKE_THREAD_HELD);
	fluke_thread_set_state(thread, &state, NULL);
}

void restore_go(void)
{
	for (uint32_t n = 0; n < running; n++)
		let_go((fluke_thread_t *)world.object[runs[n]].at);
	border_wake();
}

/* ---- all ---- */

static int make_room(void)
{
	if (!head.pools || head.segments < 2 || head.objects > 0x1000000 || head.segments > 0x100000 || head.pools > 0x100000)
		return bad("its head has no sense");
	memory.pool = calloc(head.pools, sizeof *memory.pool);
	memory.segment = calloc(head.segments, sizeof *memory.segment);
	memory.region = calloc(head.segments, sizeof *memory.region);
	segments = calloc(head.segments, sizeof *segments);
	pages = calloc(head.segments, sizeof *pages);
	list = calloc(head.objects + 1, sizeof *list);
	runs = calloc(head.objects + 1, sizeof *runs);
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (n != FLUKE_LINK_WAITING_FOR && !links[n])
			links[n] = ref_new();
	if (!first)
		first = ref_new();
	if (!second)
		second = ref_new();
	if (!memory.pool || !memory.segment || !memory.region || !segments || !pages || !list || !runs || !second ||
	    world_room(head.pools, head.segments, head.objects))
		return image_error = ENOMEM;
	return 0;
}

static void free_room(void)
{
	for (unsigned n = 0; n < head.pools && memory.pool; n++)
		ref_free(memory.pool[n]);
	for (unsigned n = 0; n < head.segments && memory.region; n++) {
		ref_free(memory.segment[n]);
		ref_free(memory.region[n]);
		free(pages[n]);
	}
	free(memory.pool);
	free(memory.segment);
	free(memory.region);
	free(segments);
	free(pages);
	free(list);
	memset(&memory, 0, sizeof memory);
}

static int get_all(void)
{
	if (image_start() || image_get(&head, sizeof head))
		return image_error;
	if (head.magic != IMAGE_HEAD || head.version != IMAGE_VERSION)
		return bad("its head is altered");
	time_goes_on(head.clock);
	if (tree_get(!counts.taken))		/* in the boot that it was taken in they are there */
		return bad("its files have no sense");
	if (make_room() || get_pools())
		return image_error;
	for (unsigned n = 0; n < head.segments; n++)
		if (get_segment(n))
			return image_error;
	if (image_get(list, head.objects * sizeof *list) || (border_get(head.outsides) && bad("what leads outside has no sense")) || get_pages() || create_objects())
		return image_error;
	image_error = border_bind();
	return image_error ? image_error : get_states();
}

/* Into `child`, which is new. */
int restore(void)
{
	memset(frame_place, 0, store.frames.count * sizeof *frame_place);
	time_forget();
	get_all();
	free_room();
	if (image_error)
		return image_error;
	image_loaded();
	clean_pages();
	border_release();
	return 0;
}
