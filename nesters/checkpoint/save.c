/* An image is taken: pages that were written since the last one, then, while all stands still, the state of every
 * object, each link as the number of what it leads to. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/guard.h>
#include "checkpoint.h"

#define ZERO	(~0u)		/* in frame_place: nothing but zeros */

/* ---- states, in memory until all links are named ---- */

static struct { char *data; uint32_t size, room; } states;

static void put(const void *data, uint32_t size)
{
	char *larger;

	if (states.size + size > states.room) {
		larger = realloc(states.data, states.room = 2 * (states.size + size));
		if (!larger) {
			image_error = ENOMEM;
			states.room = states.size;
			return;
		}
		states.data = larger;
	}
	memcpy(states.data + states.size, data, size);
	states.size += size;
}

static uint32_t name_of(fluke_ref_t *ref)
{
	fluke_type_t type = fluke_ref_type(ref);
	unsigned target;

	if (type == FLUKE_NULL)
		return 0;
	target = world_target(ref);
	if (target != ~0u)
		return target + 1;
	return border_name(ref);
}

/* Null if what the link leads to is of no use in an image. */
static uint32_t link_of(fluke_ref_t *ref)
{
	uint32_t name = name_of(ref);

	return name & LINK_OUTSIDE && outside[(name & ~LINK_OUTSIDE) - 1].kind == BORDER_LOST ? 0 : name;
}

static void put_link(fluke_ref_t *ref)
{
	uint32_t name = link_of(ref);

	put(&name, sizeof name);
	fluke_ref_clear(ref);
}

static fluke_ref_t *first, *second;
static fluke_thread_state_t state __attribute__((aligned(16)));
static fluke_thread_links_t links;

/* It waited for an answer from outside: the stub sends the request again. */
static void cut(void)
{
	state.regs.eip = FLUKE_ENTRY_RET;
	state.regs.eax = PROTO_STATUS_AGAIN;
	state.regs.ebx = state.regs.min_msg_words = 0;
	state.flags &= ~(FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_SERVER_PARKED | FLUKE_THREAD_ASIDE | FLUKE_THREAD_ALERTED |
		FLUKE_THREAD_ANSWERED);
	counts.again++;
}

static int is_outside(fluke_ref_t *ref)
{
	return fluke_ref_type(ref) != FLUKE_NULL && world_target(ref) == ~0u;
}

static void put_thread(const struct object *o)
{
	uint32_t ran = (uint32_t)stop_ran(o);

	fluke_thread_get_state((fluke_thread_t *)o->at, &state, links);
	if (is_outside(links[FLUKE_LINK_SERVER])) {
		cut();
		fluke_ref_clear(links[FLUKE_LINK_SERVER]);
	}
	if (is_outside(links[FLUKE_LINK_CLIENT]))
		fluke_ref_clear(links[FLUKE_LINK_CLIENT]);
	if (is_outside(links[FLUKE_LINK_SCHEDULER]))
		state.sched_val = time_known(state.sched_val);
	put(&ran, sizeof ran);
	put(&state, state.flags & FLUKE_THREAD_FPU_USED ? sizeof state : offsetof(fluke_thread_state_t, fpu));
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (n != FLUKE_LINK_WAITING_FOR)
			put_link(links[n]);
	fluke_ref_clear(links[FLUKE_LINK_WAITING_FOR]);
	counts.threads++;
}

static void put_object(const struct object *o)
{
	union { fluke_mutex_state_t mutex; fluke_cond_state_t cond; fluke_mapping_state_t mapping; fluke_region_state_t region;
		fluke_port_state_t port; } s;
	void *at = (void *)o->at;

	switch (o->type) {
	case FLUKE_TYPE_MUTEX:
		fluke_mutex_get_state(at, &s.mutex, first);
		put(&s.mutex, sizeof s.mutex);
		put_link(first);
		break;
	case FLUKE_TYPE_COND:
		fluke_cond_get_state(at, &s.cond, first);
		put(&s.cond, sizeof s.cond);
		put_link(first);
		break;
	case FLUKE_TYPE_MAPPING:
		fluke_mapping_get_state(at, &s.mapping, first, second);
		put(&s.mapping, sizeof s.mapping);
		put_link(first);
		put_link(second);
		break;
	case FLUKE_TYPE_REGION:
		fluke_region_get_state(at, &s.region, first, second);
		put(&s.region, sizeof s.region);
		put_link(first);
		put_link(second);
		break;
	case FLUKE_TYPE_PORT:
		fluke_port_get_state(at, &s.port, first);
		put(&s.port, sizeof s.port);
		put_link(first);
		break;
	case FLUKE_TYPE_SPACE:
		fluke_space_get_state(at, NULL, first);
		put_link(first);
		break;
	case FLUKE_TYPE_THREAD:
		put_thread(o);
		break;
	case FLUKE_TYPE_REF:
		fluke_ref_copy(at, first);
		put_link(first);
	}
}

/* ---- pages ---- */

static int is_zero(const uint32_t *word)
{
	for (unsigned n = 0; n < PAGE / 4; n++)
		if (word[n])
			return 0;
	return 1;
}

/* Of a page that whoever has our memory keeps elsewhere now nothing is known. */
static int written(uint8_t bits)
{
	return bits & FLUKE_USAGE_DIRTY || !(bits & FLUKE_USAGE_PRESENT);
}

static int copy_frame(uint32_t frame, uint8_t bits)
{
	const void *at = store.window + frame * PAGE;

	if (frame_place[frame] && !written(bits)) {
		if (frame_place[frame] != ZERO)
			image_keep(frame_place[frame]);
		return 0;
	}
	if (is_zero(at)) {
		frame_place[frame] = ZERO;
		return 0;
	}
	counts.written++;
	return image_page(at, &frame_place[frame]);
}

static int copy_run(const struct segment_run *r)
{
	uint8_t bits[64];
	uint32_t n, part;
	oskit_addr_t offset;

	for (uint32_t done = 0; done < r->count; done += part) {
		part = r->count - done < sizeof bits ? r->count - done : sizeof bits;
		offset = (r->frame + done) * PAGE;
		memset(bits, 0, sizeof bits);
		fluke_region_usage(store.region_object, &offset, part * PAGE, bits);
		for (n = 0; n < part; n++)
			if (written(bits[n]))
				frame_place[r->frame + done + n] = 0;	/* whatever becomes of this image */
		for (n = 0; n < part; n++)
			if (copy_frame(r->frame + done + n, bits[n]))
				return image_error;
	}
	return 0;
}

static int copy_pages(void)
{
	for (unsigned n = 0; n < world.segments; n++) {
		struct segment *s = world.segment[n];

		for (uint32_t i = 0; i < s->runs && !(s->flags & SEGMENT_OBJECTS); i++)
			if (copy_run(&s->run[i]))
				return image_error;
	}
	return image_page_flush();
}

/* ---- the stream ---- */

static void put_pools(void)
{
	for (unsigned n = 0; n < world.pools; n++) {
		const struct pool *p = world.pool[n];
		struct image_pool record = { n ? world_pool(p->parent) + 1 : 0, 0, p->limit };

		image_put(&record, sizeof record);
	}
}

static void put_segment(struct segment *s)
{
	struct image_segment record = { .pool = world_pool(s->pool), .size = s->pages * PAGE, .flags = s->flags };
	struct image_page page;

	for (int writing = 0; writing < 2; writing++) {
		if (writing)
			image_put(&record, sizeof record);
		for (uint32_t i = 0; i < s->runs && !(s->flags & SEGMENT_OBJECTS); i++)
			for (uint32_t n = 0; n < s->run[i].count; n++) {
				page = (struct image_page){ s->run[i].page + n, frame_place[s->run[i].frame + n] };
				if (page.place == ZERO)
					continue;
				if (writing)
					image_put(&page, sizeof page);
				else
					record.pages++;
			}
	}
	counts.pages += record.pages;
}

static void put_objects(void)
{
	for (unsigned n = 0; n < world.objects; n++) {
		const struct object *o = &world.object[n];
		struct image_object record = { o->segment, o->offset, o->type, o->hash };

		image_put(&record, sizeof record);
	}
}

/* Servers outside go on: a timer that fires meanwhile is to be in the image either as one that will, or by its message. */
static void look_again(void)
{
	fluke_port_state_t port;

	do
		for (unsigned n = 0; n < world.objects; n++)
			if (world.object[n].type == FLUKE_TYPE_PORT) {
				fluke_port_get_state((fluke_port_t *)world.object[n].at, &port, NULL);
				memcpy(states.data + world.object[n].state, &port, sizeof port);
			}
	while (border_look());
}

static int put_all(void)
{
	struct image_head head = { .magic = IMAGE_HEAD, .version = IMAGE_VERSION, .pools = world.pools, .segments = world.segments,
		.objects = world.objects, .clock = time_raw(), .wall = clock_wall() };

	counts.pages = counts.written = counts.threads = counts.again = counts.lost = 0;
	counts.objects = world.objects;
	states.size = 0;
	border_forget();
	for (unsigned n = 0; n < world.objects && !image_error; n++) {
		world.object[n].state = states.size;
		put_object(&world.object[n]);
	}
	if (image_error || copy_pages())
		return image_error;
	look_again();
	crash_point("pages");
	head.outsides = outsides;
	image_put(&head, sizeof head);
	if (tree_put())
		return image_error ? image_error : (image_error = EIO);
	put_pools();
	for (unsigned n = 0; n < world.segments; n++)
		put_segment(world.segment[n]);
	put_objects();
	border_put();
	image_put(&states.size, sizeof states.size);
	image_put(states.data, states.size);
	return image_error;
}

static int take(void *unused)
{
	(void)unused;
	image_begin();
	crash_point("begun");
	put_all();
	if (!image_error)
		image_commit();
	return image_error;
}

static int prepare(void)
{
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (!links[n] && !(links[n] = ref_new()))
			return ENOMEM;
	if (!first)
		first = ref_new();
	if (!second)
		second = ref_new();
	return first && second ? 0 : ENOMEM;
}

/* With everything at rest, and memory_lock. */
int save(void)
{
	int error = prepare();

	if (options.full)
		memset(frame_place, 0, store.frames.count * sizeof *frame_place);
	if (!error)
		error = guarded(take, NULL);
	counts.size = image_written();
	if (!error)
		return 0;
	/* places of what was not committed are none */
	memset(frame_place, 0, store.frames.count * sizeof *frame_place);
	image_give_up();
	return error;
}
