/* Copy-on-write between segments of one store: the clone and the break.
 *
 * Invariant: a frame with more than one holder is in no writable run.  A run whose frames have
 * lost their other holders becomes writable as a whole at the next write fault. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <nest/segment.h>
#include "linux_abi.h"

#define HOT_PAGES	4u		/* a hot run longer than this is shared like any other */
#define SCAN		256u		/* frames looked at before a run is taken for unshared */

static char *page_at(struct segment *s, uint32_t frame)
{
	return s->pool->store->window + (size_t)frame * FLUKE_PAGE_SIZE;
}

static int unshared(struct segment *s, const struct segment_run *r)
{
	uint16_t *refs = s->pool->store->frames.refs + r->frame;
	uint32_t i;

	if (r->count > SCAN)
		return 0;
	for (i = 0; i < r->count; i++)
		if (refs[i] != 1)
			return 0;
	return 1;
}

static fluke_mapping_t *mapping_take(void)
{
	fluke_mapping_t *m = object_reserve(FLUKE_TYPE_MAPPING);

	if (m)
		fluke_mapping_create(m);
	return m;
}

/* Makes the page, which is in run i, a run of its own (or part of the writable run before it) with
 * the given frame.  Everything needed is at hand: room for two runs and two mappings. */
static void isolate(struct segment *s, uint32_t i, uint32_t page, uint32_t frame, fluke_mapping_t *spare[2])
{
	struct segment_run *r = &s->run[i], old = *r, *middle, *tail;
	uint32_t before = page - old.page, after = old.count - before - 1;

	if (!before && i && s->run[i - 1].write && s->run[i - 1].page + s->run[i - 1].count == page &&
	    s->run[i - 1].frame + s->run[i - 1].count == frame) {
		/* the run before grows over it */
		if (after) {
			r->page++;
			r->frame++;
			r->count--;
			segment_run_map(s, r);
		} else {
			mapping_free(r->mapping);
			s->runs--;
			memmove(r, r + 1, (s->runs - i) * sizeof *r);
		}
		s->run[i - 1].count++;
		s->run[i - 1].hidden = 0;
		segment_run_map(s, &s->run[i - 1]);
		return;
	}
	if (!before && !after) {
		r->frame = frame;
		r->write = r->hot = 1;
		segment_run_map(s, r);
		return;
	}
	if (!before) {
		r->page++;
		r->frame++;
		r->count--;
		segment_run_map(s, r);
		middle = segment_insert(s, i);
	} else {
		r->count = before;
		segment_run_map(s, r);
		middle = segment_insert(s, i + 1);
	}
	*middle = (struct segment_run){ page, 1, frame, 1, 1, spare[0], 0 };
	spare[0] = 0;
	segment_run_map(s, middle);
	if (before && after) {
		tail = segment_insert(s, i + 2);
		*tail = (struct segment_run){ page + 1, after, old.frame + before + 1, 0, 0, spare[1], old.hidden };
		spare[1] = 0;
		segment_run_map(s, tail);
	}
}

/* What isolating the page may need: room for runs, mappings for the parts.  0 or ENOMEM; what is not used
 * is for spares_free. */
static int spares_take(struct segment *s, uint32_t i, uint32_t page, fluke_mapping_t *spare[2])
{
	struct segment_run *r = &s->run[i];
	uint32_t before = page - r->page, after = r->count - before - 1;

	if (before + after == 0)
		return 0;
	if (!segment_room(s, 2) || !(spare[0] = mapping_take()))
		return ENOMEM;
	return before && after && !(spare[1] = mapping_take()) ? ENOMEM : 0;
}

static void spares_free(fluke_mapping_t *spare[2])
{
	for (int n = 0; n < 2; n++)
		if (spare[n])
			mapping_free(spare[n]);
}

/* What lies in it are objects, or words.  A page may have objects and none that can be moved: a thread was stopped while it destroyed
 * them.  It goes on by what it has in its registers, the place reads as zero. */
static void move_object_page(struct store *store, uint32_t old, uint32_t frame, unsigned (*move_objects)(struct store *, uint32_t, uint32_t))
{
	oskit_addr_t from = old * FLUKE_PAGE_SIZE, to = frame * FLUKE_PAGE_SIZE, source = from, target = to;
	uint8_t usage = 0;

	fluke_region_usage(store->region_object, &from, FLUKE_PAGE_SIZE, &usage);
	fluke_region_clear(store->region_object, &to, FLUKE_PAGE_SIZE);
	if (move_objects(store, old, frame))
		return;
	if (usage & FLUKE_USAGE_OBJECT)
		memset(store->window + target, 0, FLUKE_PAGE_SIZE);
	else
		memcpy(store->window + target, store->window + source, FLUKE_PAGE_SIZE);
}

int segment_relocate(struct segment *s, uint32_t page, unsigned (*move_objects)(struct store *, uint32_t, uint32_t))
{
	struct store *store = s->pool->store;
	uint32_t i = segment_find(s, page), old, frame = FRAMES_NONE;
	enum frame_kind kind = s->flags & SEGMENT_OBJECTS ? FRAME_OBJECTS : FRAME_DATA;
	fluke_mapping_t *spare[2] = { 0, 0 };
	int zero, error;

	if (s->source || i == ~0u)
		return EINVAL;
	error = spares_take(s, i, page, spare);
	if (!error && (frame = frames_take(&store->frames, page + 1, kind, &zero)) == FRAMES_NONE)
		error = ENOMEM;
	if (!error) {
		old = s->run[i].frame + (page - s->run[i].page);
		if (kind == FRAME_OBJECTS)
			move_object_page(store, old, frame, move_objects);
		else
			memcpy(page_at(s, frame), page_at(s, old), FLUKE_PAGE_SIZE);
		isolate(s, i, page, frame, spare);
		store_release(store, old);
	}
	spares_free(spare);
	return error;
}

/* A write fault on a page of run i, which is not writable. */
int segment_break(struct segment *s, uint32_t i, uint32_t page)
{
	struct store *store = s->pool->store;
	struct segment_run *r = &s->run[i];
	uint32_t old = r->frame + (page - r->page), frame = old;
	fluke_mapping_t *spare[2] = { 0, 0 };
	int zero, error = ENOMEM;

	if (unshared(s, r)) {
		for (uint32_t n = 0; store->pager && n < r->count; n++)
			store->pager->written(r->frame + n);
		r->write = 1;
		fluke_mapping_protect(r->mapping, s->prot);
		return 0;
	}
	if (spares_take(s, i, page, spare))
		goto out;
	r = &s->run[i];		/* the array may have moved */
	if (store->frames.refs[old] > 1) {
		frame = FRAMES_NONE;
		if (store->dry[FRAME_DATA])
			goto out;
		if (page == r->page && i && s->run[i - 1].write && s->run[i - 1].page + s->run[i - 1].count == page)
			frame = frames_take_this(&store->frames, s->run[i - 1].frame + s->run[i - 1].count, FRAME_DATA, &zero);
		if (frame == FRAMES_NONE)
			frame = frames_take(&store->frames, page, FRAME_DATA, &zero);
		if (frame == FRAMES_NONE)
			goto out;
		memcpy(page_at(s, frame), page_at(s, old), FLUKE_PAGE_SIZE);
		s->copies++;
	}
	isolate(s, i, page, frame, spare);
	if (frame != old)
		store_release(store, old);
	else if (store->pager)
		store->pager->written(frame);
	error = 0;
out:
	spares_free(spare);
	return error;
}

/* The clone's copy of a hot run: pages that were written after the last clone. */
static int copy_run(struct segment *to, const struct segment_run *from, struct segment_run *r)
{
	struct store *store = to->pool->store;
	uint32_t i, frame;
	int zero;

	for (i = 0; i < from->count; i++) {
		frame = i ? frames_take_this(&store->frames, r->frame + i, FRAME_DATA, &zero)
			: frames_take(&store->frames, from->page, FRAME_DATA, &zero);
		if (frame == FRAMES_NONE)
			break;
		if (!i)
			r->frame = frame;
		memcpy(page_at(to, frame), page_at(to, from->frame + i), FLUKE_PAGE_SIZE);
	}
	if (i == from->count) {
		r->write = r->hot = 1;
		return 1;
	}
	while (i--)
		frames_release(&store->frames, r->frame + i);
	return 0;
}

static int share_run(struct segment *from, struct segment_run *r, struct segment_run *copy)
{
	uint16_t *refs = from->pool->store->frames.refs + r->frame;
	uint32_t i;

	for (i = 0; i < r->count; i++)
		if (refs[i] == 0xffff)
			return 0;
	for (i = 0; i < r->count; i++)
		refs[i]++;
	copy->frame = r->frame;
	copy->write = copy->hot = 0;
	if (r->write) {
		r->write = 0;
		if (!r->hidden)
			fluke_mapping_protect(r->mapping, from->prot & ~FLUKE_PROT_WRITE);
	}
	return 1;
}

struct segment *segment_clone(struct segment *from, struct pool *pool)
{
	struct segment *s;
	struct segment_run *r, *copy;
	uint32_t i, pages;

	if (pool->store->pager)
		pool->store->pager->room(pool->store);
	store_squeeze(pool->store);
	pages = from->resident + from->away;
	if (from->source || from->flags & SEGMENT_OBJECTS || !pool_charge(pool, pages * FLUKE_PAGE_SIZE))
		return 0;
	s = segment_create(pool, from->pages * FLUKE_PAGE_SIZE, from->flags);
	if (!s || !segment_room(s, from->runs))
		goto fail;
	for (i = 0; i < from->runs; i++) {
		r = &from->run[i];
		copy = &s->run[i];
		*copy = *r;
		copy->hidden = 0;
		copy->mapping = mapping_take();
		if (!copy->mapping)
			goto fail;
		if (!(r->hot && r->write && r->count <= HOT_PAGES && !pool->store->frugal && copy_run(s, r, copy)) && !share_run(from, r, copy)) {
			mapping_free(copy->mapping);
			goto fail;
		}
		s->runs++;
		s->resident += r->count;
		segment_run_map(s, copy);
	}
	if (from->away && pool->store->pager->share(from, s))
		goto fail;
	return s;
fail:
	if (s) {
		pool_refund(pool, (pages - s->resident - s->away) * FLUKE_PAGE_SIZE);
		segment_destroy(s);
	} else {
		pool_refund(pool, pages * FLUKE_PAGE_SIZE);
	}
	return 0;
}
