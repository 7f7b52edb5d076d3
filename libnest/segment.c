/* Segments: creation, lazy filling, discarding.  See nest/segment.h; sharing is in cow.c.
 *
 * Whatever may fail is got before the first change: a run is never split without the mapping
 * objects for its parts at hand, so no resident page is ever lost. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <nest/segment.h>
#include "linux_abi.h"

#define GROW_MAX	16u		/* pages that one fault brings at most */
#define SKIP_MAX	1024u		/* that one question of a search leaves out, where some are elsewhere */
#define OVERHEAD	2048u		/* booked per segment besides its pages */
#define RUNS_MAX	16384u		/* per segment */

static fluke_prot_t run_prot(struct segment *s, const struct segment_run *r)
{
	if (r->hidden)
		return FLUKE_PROT_NONE;
	return r->write ? s->prot : s->prot & ~FLUKE_PROT_WRITE;
}

/* The index of the first run that ends behind the page. */
static uint32_t locate(struct segment *s, uint32_t page)
{
	uint32_t low = 0, high = s->runs, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (s->run[middle].page + s->run[middle].count <= page)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t segment_find(struct segment *s, uint32_t page)
{
	uint32_t i = locate(s, page);

	return i < s->runs && s->run[i].page <= page ? i : ~0u;
}

/* Room in the array for more runs, without changing it. */
int segment_room(struct segment *s, uint32_t more)
{
	uint32_t room = s->run_room;
	struct segment_run *run;

	if (s->runs + more <= room)
		return 1;
	if (s->runs + more > RUNS_MAX)
		return 0;
	room = room ? room * 2 : 8;
	if (room < s->runs + more)
		room = s->runs + more;
	run = realloc(s->run, room * sizeof *run);
	if (!run)
		return 0;
	s->run = run;
	s->run_room = room;
	return 1;
}

/* A run at the index; segment_room has been asked. */
struct segment_run *segment_insert(struct segment *s, uint32_t index)
{
	memmove(&s->run[index + 1], &s->run[index], (s->runs - index) * sizeof *s->run);
	s->runs++;
	memset(&s->run[index], 0, sizeof *s->run);
	return &s->run[index];
}

static void remove_run(struct segment *s, uint32_t index)
{
	s->runs--;
	memmove(&s->run[index], &s->run[index + 1], (s->runs - index) * sizeof *s->run);
}

/* The mapping becomes what the run says. */
void segment_run_map(struct segment *s, struct segment_run *r)
{
	struct store *store = s->pool->store;
	int apart = s->flags & SEGMENT_OBJECTS && store->objects;
	fluke_mapping_state_t state = {
		.region_off = (r->frame - (apart ? store->objects_first : 0)) * FLUKE_PAGE_SIZE,
		.start_va = SEGMENT_BASE + r->page * FLUKE_PAGE_SIZE,
		.size = r->count * FLUKE_PAGE_SIZE,
		.prot = run_prot(s, r),
	};

	fluke_mapping_set_state(r->mapping, &state, apart ? store->objects : store->region,
		r->hidden && s->flags & SEGMENT_OBJECTS ? store->null : s->space_ref);
}

void store_release(struct store *store, uint32_t frame)
{
	if (frames_release(&store->frames, frame) && store->pager)
		store->pager->freed(frame);
}

static uint32_t forget(struct segment *s, uint32_t page, uint32_t count)
{
	uint32_t gone = s->paged ? s->pool->store->pager->forget(s, page, count) : 0;

	s->away -= gone;
	return gone * FLUKE_PAGE_SIZE;
}

#define LOOK	32u		/* pages */

/* Frames of objects, which end first, so that nothing of the holder lives on in them.  Where there were some until now, the kernel
 * zeroes the page before anybody reads it as plain memory. */
static void object_frames_release(struct store *store, uint32_t frame, uint32_t count)
{
	oskit_addr_t from = frame * FLUKE_PAGE_SIZE, to = from;
	uint8_t usage[LOOK];

	fluke_region_usage(store->region_object, &from, count * FLUKE_PAGE_SIZE, usage);
	fluke_region_clear(store->region_object, &to, count * FLUKE_PAGE_SIZE);
	for (uint32_t n = 0; n < count; n++) {
		int last = usage[n] & FLUKE_USAGE_OBJECT ? frames_zeroed(&store->frames, frame + n) :
			frames_release(&store->frames, frame + n);

		if (last && store->pager)
			store->pager->freed(frame + n);
	}
}

void segment_frames_release(struct segment *s, uint32_t frame, uint32_t count)
{
	struct store *store = s->pool->store;

	if (s->source)
		return;
	for (uint32_t n; s->flags & SEGMENT_OBJECTS && count; frame += n, count -= n) {
		n = count < LOOK ? count : LOOK;
		object_frames_release(store, frame, n);
	}
	while (count--)
		store_release(store, frame++);
}

/* ---- making and ending ---- */

#define SLOT_NONE	(~0u)

/* A slot for the segment: a fault message that comes late for one that is gone finds nobody. */
static int slot_take(struct store *store, struct segment *s)
{
	uint32_t i, size = store->slots ? store->slots * 2 : 64;
	struct segment **slot;
	uint8_t *generation;

	for (i = store->free_slot; i < store->slots && store->slot[i]; i++)
		;
	if (i == store->slots) {
		slot = realloc(store->slot, size * sizeof *slot);
		if (!slot)
			return 0;
		store->slot = slot;
		generation = realloc(store->generation, size);
		if (!generation)
			return 0;
		store->generation = generation;
		memset(slot + store->slots, 0, (size - store->slots) * sizeof *slot);
		memset(generation + store->slots, 0, size - store->slots);
		store->slots = size;
	}
	store->slot[i] = s;
	store->free_slot = i + 1;
	s->slot = i;
	return 1;
}

static void slot_free(struct store *store, struct segment *s)
{
	if (s->slot == SLOT_NONE)
		return;
	store->slot[s->slot] = 0;
	store->generation[s->slot]++;
	if (s->slot < store->free_slot)
		store->free_slot = s->slot;
}

struct segment *segment_by_alias(struct store *store, natural_t alias)
{
	uint32_t i = alias >> 8;

	return i < store->slots && store->generation[i] == (alias & 0xff) ? store->slot[i] : 0;
}

static void parts_free(struct segment *s)
{
	struct segment_region *m;

	slot_free(s->pool->store, s);
	while ((m = s->more)) {
		s->more = m->next;
		region_free(m->region);
		free(m);
	}
	if (s->region)
		region_free(s->region);
	if (s->keeper)
		port_free(s->keeper);
	ref_free(s->keeper_ref);
	ref_free(s->space_ref);
	if (s->space)
		space_free(s->space);
	free(s->run);
	free(s);
}

static struct segment *make(struct pool *pool, uint32_t size, uint32_t flags, fluke_portset_t *keepers)
{
	struct store *store = pool->store;
	struct segment *s;

	if (size > SEGMENT_MAX - FLUKE_PAGE_SIZE)
		return 0;
	s = calloc(1, sizeof *s);
	if (!s)
		return 0;
	s->pool = pool;
	s->pages = (size + FLUKE_PAGE_SIZE - 1) / FLUKE_PAGE_SIZE;
	s->flags = flags;
	s->prot = FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE;
	if (flags & SEGMENT_OBJECTS)
		s->prot |= FLUKE_PROT_OBJECT;
	s->slot = SLOT_NONE;
	if (!slot_take(store, s))
		goto fail;
	s->space = space_new(0);
	s->space_ref = ref_new();
	s->keeper_ref = ref_new();
	s->keeper = port_new(keepers, (void *)(s->slot << 8 | store->generation[s->slot]), 0);
	if (!s->space || !s->space_ref || !s->keeper_ref || !s->keeper)
		goto fail;
	fluke_space_reference(s->space, s->space_ref);
	fluke_port_reference(s->keeper, s->keeper_ref);
	s->region = region_new(s->space_ref, SEGMENT_BASE, s->pages * FLUKE_PAGE_SIZE, s->prot, s->keeper_ref);
	if (!s->region)
		goto fail;
	s->next = pool->segments;
	if (s->next)
		s->next->prev = s;
	pool->segments = s;
	return s;
fail:
	parts_free(s);
	return 0;
}

static struct segment *create(struct pool *pool, uint32_t size, uint32_t flags, fluke_portset_t *keepers)
{
	struct segment *s;

	if (!pool_charge(pool, OVERHEAD))
		return 0;
	s = make(pool, size, flags & SEGMENT_OBJECTS, keepers);
	if (!s)
		pool_refund(pool, OVERHEAD);
	return s;
}

struct segment *segment_create(struct pool *pool, uint32_t size, uint32_t flags)
{
	return create(pool, size, flags, pool->store->keepers);
}

struct segment *segment_create_file(struct pool *pool, uint32_t size, const struct segment_source *source, void *file)
{
	struct segment *s = create(pool, size, 0, source->bring ? pool->store->slow_keepers : pool->store->keepers);

	if (s) {
		s->source = source;
		s->file = file;
	}
	return s;
}

/* Pages [page, page+count) of the run at the index leave it; the frames stay.  A run that is
 * cut in the middle needs a spare mapping and room for a run. */
static void cut(struct segment *s, uint32_t index, uint32_t page, uint32_t count, fluke_mapping_t *spare)
{
	struct segment_run *r = &s->run[index], *tail, old = *r;

	if (page == old.page && count == old.count) {
		mapping_free(r->mapping);
		remove_run(s, index);
		return;
	}
	if (page == old.page) {
		r->page += count;
		r->frame += count;
		r->count -= count;
		segment_run_map(s, r);
		return;
	}
	r->count = page - old.page;
	segment_run_map(s, r);
	if (page + count == old.page + old.count)
		return;
	tail = segment_insert(s, index + 1);
	tail->page = page + count;
	tail->count = old.page + old.count - tail->page;
	tail->frame = old.frame + (tail->page - old.page);
	tail->write = old.write;
	tail->hidden = old.hidden;
	tail->mapping = spare;
	segment_run_map(s, tail);
}

/* Drops resident pages of the range. */
static int drop(struct segment *s, uint32_t page, uint32_t count)
{
	uint32_t i, from, to, frame, end = page + count;
	fluke_mapping_t *spare = 0;
	struct segment_run *r;

	pool_refund(s->pool, forget(s, page, count));
	while ((i = locate(s, page)) < s->runs && s->run[i].page < end) {
		r = &s->run[i];
		from = r->page > page ? r->page : page;
		to = r->page + r->count < end ? r->page + r->count : end;
		frame = r->frame + (from - r->page);
		if (from > r->page && to < r->page + r->count) {
			if (!segment_room(s, 1) || !(spare = object_reserve(FLUKE_TYPE_MAPPING)))
				return ENOMEM;
			fluke_mapping_create(spare);
		}
		cut(s, i, from, to - from, spare);
		spare = 0;
		segment_frames_release(s, frame, to - from);
		s->resident -= to - from;
		if (!s->source)
			pool_refund(s->pool, (to - from) * FLUKE_PAGE_SIZE);
	}
	return 0;
}

int segment_take(struct segment *s, uint32_t page, uint32_t count)
{
	uint32_t i = segment_find(s, page);
	fluke_mapping_t *spare = 0;

	if (page > s->run[i].page && page + count < s->run[i].page + s->run[i].count) {
		if (!segment_room(s, 1) || !(spare = object_reserve(FLUKE_TYPE_MAPPING)))
			return ENOMEM;
		fluke_mapping_create(spare);
	}
	cut(s, i, page, count, spare);
	s->resident -= count;
	return 0;
}

/* At the end of the run before the page, if the frame fits there; else a run of its own. */
int segment_add(struct segment *s, uint32_t page, uint32_t frame, int write)
{
	uint32_t i = locate(s, page);
	struct segment_run *r = i ? &s->run[i - 1] : 0;
	fluke_mapping_t *mapping;

	if (r && r->page + r->count == page && r->frame + r->count == frame && r->write == write && !r->hidden) {
		r->count++;
	} else {
		if (!segment_room(s, 1) || !(mapping = object_reserve(FLUKE_TYPE_MAPPING)))
			return ENOMEM;
		fluke_mapping_create(mapping);
		r = segment_insert(s, i);
		*r = (struct segment_run){ .page = page, .count = 1, .frame = frame, .write = (uint8_t)write, .mapping = mapping };
	}
	s->resident++;
	segment_run_map(s, r);
	return 0;
}

void segment_discard(struct segment *s, uint32_t offset, uint32_t size)
{
	uint32_t page = offset / FLUKE_PAGE_SIZE, end;

	if (page >= s->pages)
		return;
	end = size > s->pages * FLUKE_PAGE_SIZE - offset ? s->pages : (offset + size) / FLUKE_PAGE_SIZE;
	if (offset % FLUKE_PAGE_SIZE)
		page++;
	if (end > page)
		drop(s, page, end - page);
}

void segment_destroy(struct segment *s)
{
	struct pool *pool = s->pool;
	uint32_t i;

	if (s->gone)
		s->gone(s);
	/* clients first: what they have derived goes with the regions */
	while (s->more) {
		struct segment_region *m = s->more;

		s->more = m->next;
		region_free(m->region);
		free(m);
	}
	region_free(s->region);
	s->region = 0;
	for (i = 0; i < s->runs; i++) {
		mapping_free(s->run[i].mapping);
		segment_frames_release(s, s->run[i].frame, s->run[i].count);
	}
	pool_refund(pool, OVERHEAD + (s->source ? 0 : s->resident * FLUKE_PAGE_SIZE) + forget(s, 0, s->pages));
	if (s->prev)
		s->prev->next = s->next;
	else
		pool->segments = s->next;
	if (s->next)
		s->next->prev = s->prev;
	parts_free(s);
}

int segment_resize(struct segment *s, uint32_t size)
{
	uint32_t pages = (size + FLUKE_PAGE_SIZE - 1) / FLUKE_PAGE_SIZE;
	fluke_region_state_t state = { .start_va = SEGMENT_BASE };
	struct segment_region *m;
	int error;

	if (size > SEGMENT_MAX - FLUKE_PAGE_SIZE)
		return EINVAL;
	if (pages < s->pages && (error = drop(s, pages, s->pages - pages)))
		return error;
	s->pages = pages;
	s->hidden = 0;
	state.size = pages * FLUKE_PAGE_SIZE;
	state.prot = s->prot;
	fluke_region_set_state(s->region, &state, 0, 0);
	for (m = s->more; m; m = m->next) {
		state.prot = m->prot;
		fluke_region_set_state(m->region, &state, 0, 0);
	}
	return 0;
}

fluke_region_t *segment_region(struct segment *s, fluke_prot_t prot)
{
	struct segment_region *m;

	prot &= s->prot;
	if (prot == s->prot)
		return s->region;
	for (m = s->more; m; m = m->next)
		if (m->prot == prot)
			return m->region;
	m = malloc(sizeof *m);
	if (!m)
		return 0;
	m->prot = prot;
	m->region = region_new(s->space_ref, SEGMENT_BASE, s->pages * FLUKE_PAGE_SIZE, prot, s->keeper_ref);
	if (!m->region) {
		free(m);
		return 0;
	}
	m->next = s->more;
	s->more = m;
	return m->region;
}

/* ---- faults ---- */

static enum frame_kind kind_of(struct segment *s)
{
	return s->flags & SEGMENT_OBJECTS ? FRAME_OBJECTS : FRAME_DATA;
}

/* A frame just taken reads as zero from now on.  It may still have an object whose destruction was stopped (cow.c): that ends. */
static void make_zero(struct segment *s, uint32_t frame, int zero)
{
	struct store *store = s->pool->store;
	oskit_addr_t offset = frame * FLUKE_PAGE_SIZE;

	if (!zero && kind_of(s) == FRAME_OBJECTS)
		fluke_region_clear(store->region_object, &offset, FLUKE_PAGE_SIZE);
	segment_zero_frame(store, frame, zero);
}

/* A run that can grow takes frames next to its own: up, then *r is behind the page, or down. */
static uint32_t grow(struct segment *s, struct segment_run *r, int up, uint32_t most)
{
	struct store *store = s->pool->store;
	uint32_t want = r->count < most ? r->count : most, got = 0, frame;
	int zero;

	if (want > GROW_MAX)
		want = GROW_MAX;
	if (kind_of(s) == FRAME_OBJECTS || store->frugal)
		want = 1;
	if (!pool_charge(s->pool, want * FLUKE_PAGE_SIZE))
		want = pool_charge(s->pool, FLUKE_PAGE_SIZE) ? 1 : 0;
	for (; got < want; got++) {
		frame = frames_take_this(&store->frames, up ? r->frame + r->count + got : r->frame - 1 - got, kind_of(s), &zero);
		if (frame == FRAMES_NONE)
			break;
		make_zero(s, frame, zero);
	}
	pool_refund(s->pool, (want - got) * FLUKE_PAGE_SIZE);
	if (!got)
		return 0;
	r->hidden = 0;
	r->count += got;
	if (!up) {
		r->page -= got;
		r->frame -= got;
	}
	s->resident += got;
	segment_run_map(s, r);
	return got;
}

/* How many pages from this one, in the direction of step, the pager does not hold; at most so many, and it looks at no more
 * than limit. */
static uint32_t unheld(struct segment *s, uint32_t page, int step, uint32_t most, uint32_t limit)
{
	uint32_t n = 1;

	if (!s->away)
		return most;
	if (most > limit)
		most = limit;
	while (n < most && !s->pool->store->pager->holds(s, page + (uint32_t)(step * (int)n)))
		n++;
	return n < most ? n : most;
}

static int fill_hole(struct segment *s, uint32_t page)
{
	struct store *store = s->pool->store;
	uint32_t i = locate(s, page), end = i < s->runs ? s->run[i].page : s->pages, frame;
	struct segment_run *r;
	fluke_mapping_t *mapping;
	int zero = 0;

	if (store->dry[kind_of(s)])
		return ENOMEM;
	if (i && s->run[i - 1].page + s->run[i - 1].count == page && s->run[i - 1].write &&
	    grow(s, &s->run[i - 1], 1, unheld(s, page, 1, end - page, GROW_MAX)))
		return 0;
	if (i < s->runs && s->run[i].page == page + 1 && s->run[i].write &&
	    grow(s, &s->run[i], 0, unheld(s, page, -1, page + 1 - (i ? s->run[i - 1].page + s->run[i - 1].count : 0), GROW_MAX)))
		return 0;
	if (!segment_room(s, 1) || !pool_charge(s->pool, FLUKE_PAGE_SIZE))
		return ENOMEM;
	mapping = object_reserve(FLUKE_TYPE_MAPPING);
	frame = mapping ? frames_take(&store->frames, page, kind_of(s), &zero) : FRAMES_NONE;
	if (frame == FRAMES_NONE) {
		if (mapping)
			object_release(mapping, FLUKE_TYPE_MAPPING);
		pool_refund(s->pool, FLUKE_PAGE_SIZE);
		return ENOMEM;
	}
	make_zero(s, frame, zero);
	fluke_mapping_create(mapping);
	r = segment_insert(s, i);
	r->page = page;
	r->count = 1;
	r->frame = frame;
	r->write = 1;
	r->mapping = mapping;
	s->resident++;
	segment_run_map(s, r);
	return 0;
}

/* A page of a file: the run around it, as far as nothing is mapped there yet. */
static int fill_file(struct segment *s, uint32_t page, int write)
{
	uint32_t i = locate(s, page), first = page, count = 1, low, high;
	uint32_t frame = s->source->frame(s->file, page, write, &first, &count);
	struct segment_run *r;
	fluke_mapping_t *mapping;

	if (frame == FRAMES_NONE)
		return EIO;
	low = i ? s->run[i - 1].page + s->run[i - 1].count : 0;
	high = i < s->runs ? s->run[i].page : s->pages;
	if (first + count > high)
		count = high - first;
	if (first < low) {
		count -= low - first;
		first = low;
	}
	if (!segment_room(s, 1) || !(mapping = object_reserve(FLUKE_TYPE_MAPPING)))
		return ENOMEM;
	fluke_mapping_create(mapping);
	r = segment_insert(s, i);
	r->page = first;
	r->count = count;
	r->frame = frame - (page - first);
	r->write = 1;
	r->mapping = mapping;
	s->resident += count;
	segment_run_map(s, r);
	return 0;
}

static void protect_regions(struct segment *s, int hide)
{
	s->hidden = (uint8_t)hide;
	fluke_region_protect(s->region, hide ? FLUKE_PROT_NONE : s->prot);
	for (struct segment_region *m = s->more; m; m = m->next)
		fluke_region_protect(m->region, hide ? FLUKE_PROT_NONE : m->prot);
}

uint32_t segment_hide(struct segment *s)
{
	if (s->hidden || s->flags & SEGMENT_OBJECTS)
		return 0;
	protect_regions(s, 1);
	s->pool->store->hidden += s->resident;
	return s->resident;
}

uint32_t segment_hide_run(struct segment *s, uint32_t index)
{
	struct segment_run *r = &s->run[index];

	if (r->hidden || (!s->pool->store->null && !(s->pool->store->null = ref_new())))
		return 0;
	r->hidden = 1;
	segment_run_map(s, r);
	s->pool->store->hidden += r->count;
	return r->count;
}

/* What was hidden at the page is seen again. */
static void show(struct segment *s, uint32_t page)
{
	uint32_t i = segment_find(s, page);

	if (s->hidden) {
		protect_regions(s, 0);
		s->pool->store->shown += s->resident;
	}
	if (i != ~0u && s->run[i].hidden) {
		s->run[i].hidden = 0;
		segment_run_map(s, &s->run[i]);
		s->pool->store->shown += s->run[i].count;
	}
}

int segment_fault(struct segment *s, uint32_t offset, fluke_prot_t access)
{
	const struct pager *pager = s->pool->store->pager;
	uint32_t page = offset / FLUKE_PAGE_SIZE, i;
	int brought = 0;

	s->faults++;
	if (page >= s->pages || access & ~s->prot)
		return EFAULT;
	if (pager)
		pager->room(s->pool->store);
	store_squeeze(s->pool->store);
	show(s, page);
	i = segment_find(s, page);
	if (i == ~0u && s->away && (brought = pager->bring(s, page)))
		i = segment_find(s, page);
	if (brought < 0)
		return -brought;
	if (i != ~0u) {
		if (!(access & FLUKE_PROT_WRITE) || s->run[i].write)
			return 0;	/* mended meanwhile */
		return segment_break(s, i, page);
	}
	return s->source ? fill_file(s, page, (access & FLUKE_PROT_WRITE) != 0) : fill_hole(s, page);
}

uint32_t segment_skip(struct segment *s, uint32_t offset)
{
	const struct pager *pager = s->pool->store->pager;
	uint32_t page = offset / FLUKE_PAGE_SIZE, i;

	show(s, page);
	if (s->away && segment_find(s, page) == ~0u && pager->holds(s, page)) {
		pager->room(s->pool->store);
		pager->bring(s, page);
		return 0;
	}
	i = locate(s, page);
	if (i < s->runs && s->run[i].page <= page)
		return 0;
	return unheld(s, page, 1, (i < s->runs ? s->run[i].page : s->pages) - page, SKIP_MAX) * FLUKE_PAGE_SIZE;
}

/* ---- bytes in and out ---- */

int segment_read(struct segment *s, uint32_t offset, void *data, uint32_t count)
{
	uint32_t i, part, at;
	char *to = data;
	int error;

	if (s->flags & SEGMENT_OBJECTS)
		return EACCES;
	if (offset > s->pages * FLUKE_PAGE_SIZE || count > s->pages * FLUKE_PAGE_SIZE - offset)
		return EINVAL;
	while (count) {
		at = offset % FLUKE_PAGE_SIZE;
		part = FLUKE_PAGE_SIZE - at < count ? FLUKE_PAGE_SIZE - at : count;
		i = segment_find(s, offset / FLUKE_PAGE_SIZE);
		if (i == ~0u && (s->source || s->away)) {
			error = segment_fault(s, offset, FLUKE_PROT_READ);
			if (error && !s->source)
				return error;
			i = segment_find(s, offset / FLUKE_PAGE_SIZE);
		}
		if (i == ~0u)
			memset(to, 0, part);
		else
			memcpy(to, s->pool->store->window +
				(size_t)(s->run[i].frame + (offset / FLUKE_PAGE_SIZE - s->run[i].page)) * FLUKE_PAGE_SIZE + at, part);
		to += part;
		offset += part;
		count -= part;
	}
	return 0;
}

int segment_write(struct segment *s, uint32_t offset, const void *data, uint32_t count)
{
	const char *from = data;
	uint32_t i, part, at;
	int error;

	if (s->flags & SEGMENT_OBJECTS || s->source)
		return EACCES;
	if (offset > s->pages * FLUKE_PAGE_SIZE || count > s->pages * FLUKE_PAGE_SIZE - offset)
		return EINVAL;
	while (count) {
		at = offset % FLUKE_PAGE_SIZE;
		part = FLUKE_PAGE_SIZE - at < count ? FLUKE_PAGE_SIZE - at : count;
		error = segment_fault(s, offset, FLUKE_PROT_WRITE);
		if (error)
			return error;
		i = segment_find(s, offset / FLUKE_PAGE_SIZE);
		memcpy(s->pool->store->window +
			(size_t)(s->run[i].frame + (offset / FLUKE_PAGE_SIZE - s->run[i].page)) * FLUKE_PAGE_SIZE + at, from, part);
		from += part;
		offset += part;
		count -= part;
	}
	return 0;
}
