/* Replacement.  The hand goes round all data segments, a stretch of one run at a time: pages referenced since it was last
 * here stay, the others go, in clusters.  A page is taken from its segment first and judged then, so that nothing is
 * written to it in between: what has a good copy in a slot is just dropped, what is zero is only noted, the rest is
 * written.  A page that cannot be written is put back. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "memory.h"

#define LEAST		24u		/* free frames at which the hand starts */
#define ENOUGH		56u		/* at which it stops */
#define DRY		16u		/* below this nothing new is begun, so that what exists can go on */
#define FRUGAL		96u		/* below this a fault brings one page */
#define ROUNDS		3u		/* without success */

uint8_t	*marks;
static struct { uint32_t slot, page; } hand;
static fluke_mapping_t *reserve[CLUSTER];	/* storage: so many pages can be put back */

static int reserve_full(void)
{
	for (unsigned n = 0; n < CLUSTER; n++)
		if (!reserve[n] && !(reserve[n] = object_reserve(FLUKE_TYPE_MAPPING)))
			return 0;
	return 1;
}

int clock_begin(void)
{
	marks = calloc(1, store.frames.count);
	return marks && reserve_full() ? 0 : ENOMEM;
}

/* What the kernel has seen since it was last asked.  A page of the window that is not there was taken by a pager above us, and what was
 * written to it before is not known. */
void marks_read(uint32_t frame, uint32_t count)
{
	uint8_t bits[CLUSTER];
	oskit_addr_t offset = frame * FLUKE_PAGE_SIZE;

	fluke_region_usage(store.region_object, &offset, count * FLUKE_PAGE_SIZE, bits);
	for (uint32_t n = 0; n < count; n++)
		marks[frame + n] |= bits[n] & FLUKE_USAGE_PRESENT ? bits[n] & (MARK_REFERENCED | MARK_DIRTY) : MARK_DIRTY;
}

static int is_zero(uint32_t frame)
{
	const uint32_t *word = (const void *)(store.window + frame * FLUKE_PAGE_SIZE);

	for (unsigned n = 0; n < FLUKE_PAGE_SIZE / 4; n++)
		if (word[n])
			return 0;
	return 1;
}

/* ---- pages that have left their segment, in a row of frames ---- */

struct leaving { struct segment *s; uint32_t page, frame; int write; };

static void put_back(const struct leaving *l, uint32_t n)
{
	unsigned i = 0;

	counts.kept++;
	while (!reserve[i])
		i++;
	object_release(reserve[i], FLUKE_TYPE_MAPPING);
	reserve[i] = NULL;
	segment_add(l->s, l->page + n, l->frame + n, l->write);
}

/* The first pages from n on that go the same way are dealt with; how many. */
static uint32_t leave_clean(const struct leaving *l, uint32_t n)
{
	uint32_t frame = l->frame + n, slot = slot_of(frame);

	if (slot != SLOT_NONE && !(marks[frame] & MARK_DIRTY) && !page_away(l->s, l->page + n, slot)) {
		counts.clean++;
	} else if (is_zero(frame) && !page_away(l->s, l->page + n, SLOT_ZERO)) {
		counts.zero++;
	} else {
		return 0;
	}
	store_release(&store, frame);
	return 1;
}

static uint32_t leave_dirty(const struct leaving *l, uint32_t n, uint32_t count)
{
	uint32_t frame = l->frame + n, slot, room = 0;

	while (room < count && !page_room(l->s, l->page + n + room))
		slot_unlink(frame + room++);
	count = room;
	slot = count ? swap_write(frame, &count) : SLOT_NONE;
	if (slot == SLOT_NONE) {
		marks[frame] |= MARK_DIRTY;
		put_back(l, n);
		return 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		page_away(l->s, l->page + n + i, slot + i);
		slot_link(slot + i, frame + i);
		marks[frame + i] = 0;
		store_release(&store, frame + i);	/* with its last holder the copy's link goes too */
	}
	return count;
}

static int is_clean(uint32_t frame)
{
	return (slot_of(frame) != SLOT_NONE && !(marks[frame] & MARK_DIRTY)) || is_zero(frame);
}

static void leave(struct segment *s, uint32_t page, uint32_t count)
{
	const struct segment_run *r = &s->run[segment_find(s, page)];
	struct leaving l = { s, page, r->frame + (page - r->page), r->write };
	uint32_t n = 0, dirty;

	/* whatever putting all of them back needs is there, or they stay */
	if (!reserve_full() || !segment_room(s, count + 1) || segment_take(s, page, count))
		return;
	marks_read(l.frame, count);
	while (n < count) {
		if (leave_clean(&l, n)) {
			n++;
			continue;
		}
		for (dirty = 1; n + dirty < count && !is_clean(l.frame + n + dirty); dirty++)
			;
		n += leave_dirty(&l, n, dirty);
	}
}

/* ---- the hand ---- */

static struct segment *segment_at(uint32_t slot)
{
	struct segment *s = slot < store.slots ? store.slot[slot] : NULL;

	return s && !s->source && !(s->flags & SEGMENT_OBJECTS) && s->runs ? s : NULL;
}

/* The first run that ends behind the hand. */
static const struct segment_run *run_at(const struct segment *s, uint32_t page)
{
	uint32_t low = 0, high = s->runs;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (s->run[middle].page + s->run[middle].count <= page)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->runs ? &s->run[low] : NULL;
}

static int judge(uint32_t frame)
{
	int stays = marks[frame] & MARK_REFERENCED;

	marks[frame] &= (uint8_t)~MARK_REFERENCED;
	return stays;
}

static void look(struct segment *s, uint32_t page, uint32_t frame, uint32_t count)
{
	uint32_t n = 0, first;

	marks_read(frame, count);
	while (n < count) {
		if (judge(frame + n)) {
			n++;
			continue;
		}
		for (first = n++; n < count && !judge(frame + n); n++)
			;
		leave(s, page + first, n - first);
		n++;				/* that one stays, or is the end */
	}
}

/* One stretch further; 1 when the hand has been all round. */
static int step(void)
{
	struct segment *s = segment_at(hand.slot);
	const struct segment_run *r = s ? run_at(s, hand.page) : NULL;
	uint32_t page, count;

	if (!r) {
		hand.page = 0;
		hand.slot = hand.slot + 1 < store.slots ? hand.slot + 1 : 0;
		return !hand.slot;
	}
	page = r->page > hand.page ? r->page : hand.page;
	count = r->page + r->count - page;
	if (count > CLUSTER)
		count = CLUSTER;
	hand.page = page + count;
	look(s, page, r->frame + (page - r->page), count);
	return 0;
}

void clock_room(struct store *of)
{
	struct frames *f = &of->frames;
	uint32_t rounds = 0;

	of->frugal = f->free[FRAME_DATA] < FRUGAL;
	if (f->free[FRAME_DATA] < LEAST)
		while (f->free[FRAME_DATA] < ENOUGH && rounds < ROUNDS)
			rounds += (uint32_t)step();
	of->dry[FRAME_DATA] = f->free[FRAME_DATA] < DRY;
	objects_room();
}
