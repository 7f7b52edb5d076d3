/* Pages of kernel objects.  An object page has no bytes that could be written to a file: it is its objects.  When frames for
 * them run short, pages that nobody has named for a round of the hand give up their frame: the objects move to slots
 * in packed frames, side by side with others', and back to their places when somebody names one.  Links to them follow the
 * move, so what waits, runs or is mapped by them goes on meanwhile.
 *
 * The entry of a page that is away (pages.c) is a frame << 1 | 1 while it rests: out of its segment, its objects
 * still where they were, so that the next fault shows whether it is needed; or the address of a struct packed. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/subtree.h>
#include "memory.h"

#define UNIT		32u		/* bytes; objects are aligned to their size */
#define UNITS		(FLUKE_PAGE_SIZE / UNIT)
#define LEAST		16u		/* free frames at which the hand starts */
#define ENOUGH		40u		/* at which it stops */
#define DRY		6u		/* below this no new page is begun, so that pages can come back */
#define WORTH		(FLUKE_PAGE_SIZE * 3 / 4)	/* a page with more in it stays as it is */
#define PAUSE_MOST	64u

struct packed_object {
	uint8_t		type, place;	/* in its page, in units */
	uint16_t	slot;		/* in its packed frame, in units */
	uint32_t	frame;		/* place in packed[] */
};

struct packed {
	uint32_t	count;
	struct packed_object object[];
};

static struct packed_frame { uint32_t frame, used, bits[UNITS / 32]; } *packed;	/* frame 0: no frame */
static uint32_t packed_count;
static uint32_t hand, pause, paused;
static const uint8_t units_of[FLUKE_TYPES] = {
	[FLUKE_TYPE_MUTEX] = 2, [FLUKE_TYPE_COND] = 2, [FLUKE_TYPE_MAPPING] = 4, [FLUKE_TYPE_REGION] = 4, [FLUKE_TYPE_PORT] = 2,
	[FLUKE_TYPE_PORTSET] = 2, [FLUKE_TYPE_SPACE] = 8, [FLUKE_TYPE_THREAD] = 32, [FLUKE_TYPE_REF] = 1,
};

static char *frame_at(uint32_t frame)
{
	return store.window + (size_t)frame * FLUKE_PAGE_SIZE;
}

/* ---- slots in packed frames ---- */

static uint32_t mask_of(uint32_t units)
{
	return units == 32 ? ~0u : (1u << units) - 1;
}

static int slot_in(struct packed_frame *p, uint32_t units)
{
	for (uint32_t at = 0; p->used + units <= UNITS && at < UNITS; at += units)
		if (!(p->bits[at / 32] & mask_of(units) << at % 32)) {
			p->bits[at / 32] |= mask_of(units) << at % 32;
			p->used += units;
			return (int)at;
		}
	return -1;
}

/* Another packed frame, in a place of the array that is free or new; ~0 = no memory. */
static uint32_t packed_more(void)
{
	struct packed_frame *larger;
	uint32_t n = 0;
	int zero;

	while (n < packed_count && packed[n].frame)
		n++;
	if (n == packed_count) {
		larger = realloc(packed, (n + 16) * sizeof *packed);
		if (!larger)
			return ~0u;
		packed = larger;
		packed_count = n + 16;
		memset(&packed[n], 0, 16 * sizeof *packed);
	}
	packed[n].frame = frames_take(&store.frames, 0, FRAME_OBJECTS, &zero);
	if (packed[n].frame != FRAMES_NONE)
		return n;
	packed[n].frame = 0;
	return ~0u;
}

static int slot_take(struct packed_object *o)
{
	uint32_t units = units_of[o->type], n;
	int at = -1;

	for (n = 0; n < packed_count; n++)
		if (packed[n].frame && (at = slot_in(&packed[n], units)) >= 0)
			break;
	if (at < 0) {
		n = packed_more();
		if (n == ~0u)
			return 0;
		at = slot_in(&packed[n], units);
	}
	o->frame = n;
	o->slot = (uint16_t)at;
	return 1;
}

static void slot_give(const struct packed_object *o)
{
	struct packed_frame *p = &packed[o->frame];

	p->bits[o->slot / 32] &= ~(mask_of(units_of[o->type]) << o->slot % 32);
	p->used -= units_of[o->type];
	if (p->used)
		return;
	frames_release(&store.frames, p->frame);
	p->frame = 0;
}

static char *slot_at(const struct packed_object *o)
{
	return frame_at(packed[o->frame].frame) + o->slot * UNIT;
}

/* ---- packing a page, and back ---- */

/* What is in the frame; *units: how much of it. */
static uint32_t list(uint32_t frame, fluke_obspec_t found[UNITS], uint32_t *units)
{
	oskit_addr_t offset = frame * FLUKE_PAGE_SIZE;
	natural_t left = UNITS;

	fluke_region_search(store.region_object, &offset, FLUKE_PAGE_SIZE, found, &left);
	*units = 0;
	for (uint32_t n = 0; n < UNITS - left; n++)
		*units += units_of[found[n].type];
	return UNITS - left;
}

/* Slots for all of them, or null. */
static struct packed *slots_for(const fluke_obspec_t *found, uint32_t count)
{
	struct packed *p = malloc(sizeof *p + count * sizeof p->object[0]);
	uint32_t n;

	if (!p)
		return NULL;
	p->count = count;
	for (n = 0; n < count; n++) {
		p->object[n].type = (uint8_t)found[n].type;
		p->object[n].place = (uint8_t)(found[n].ob % FLUKE_PAGE_SIZE / UNIT);
		if (!slot_take(&p->object[n]))
			break;
	}
	if (n == count)
		return p;
	while (n--)
		slot_give(&p->object[n]);
	free(p);
	return NULL;
}

/* The resting page's frame becomes free, if that is worth it. */
static void pack(struct segment *s, uint32_t *entry)
{
	fluke_obspec_t found[UNITS];
	uint32_t frame = *entry >> 1, units, count = list(frame, found, &units);
	struct packed *p;

	if (!count) {
		*entry = 0;
		s->away--;
		pool_refund(s->pool, FLUKE_PAGE_SIZE);
		counts.empty++;
	} else {
		p = units * UNIT > WORTH ? NULL : slots_for(found, count);
		if (!p)
			return;
		for (uint32_t n = 0; n < count; n++)
			subtree_move(found[n].type, (void *)found[n].ob, slot_at(&p->object[n]));
		*entry = (uint32_t)p;
		counts.packed++;
	}
	frames_release(&store.frames, frame);
}

/* Its objects are in the frame again. */
static void unpack(struct packed *p, uint32_t frame)
{
	for (uint32_t n = 0; n < p->count; n++) {
		subtree_move(p->object[n].type, slot_at(&p->object[n]), frame_at(frame) + p->object[n].place * UNIT);
		slot_give(&p->object[n]);
	}
	free(p);
	counts.unpacked++;
}

int objects_bring(struct segment *s, uint32_t page, uint32_t *entry)
{
	uint32_t frame = *entry >> 1, rests = *entry & 1;
	struct packed *p = (struct packed *)*entry;
	int zero;

	if (!rests)
		frame = frames_take(&store.frames, 0, FRAME_OBJECTS, &zero);
	if (frame == FRAMES_NONE)
		return -ENOMEM;
	if (!rests) {
		unpack(p, frame);
		*entry = frame << 1 | 1;
	}
	if (segment_add(s, page, frame, 1))
		return -ENOMEM;
	*entry = 0;
	s->away--;
	return 1;
}

/* They end where they are. */
void objects_forget(uint32_t entry)
{
	struct packed *p = (struct packed *)entry;
	oskit_addr_t offset;

	if (entry & 1) {
		offset = (entry >> 1) * FLUKE_PAGE_SIZE;
		fluke_region_clear(store.region_object, &offset, FLUKE_PAGE_SIZE);
		frames_release(&store.frames, entry >> 1);
		return;
	}
	for (uint32_t n = 0; n < p->count; n++) {
		offset = (uint32_t)(slot_at(&p->object[n]) - store.window);
		fluke_region_clear(store.region_object, &offset, units_of[p->object[n].type] * UNIT);
		slot_give(&p->object[n]);
	}
	free(p);
}

/* ---- which pages ---- */

/* A run's pages leave their segment; what is named again comes back at its next fault. */
static void rest(struct segment *s, uint32_t run)
{
	uint32_t page = s->run[run].page, count = s->run[run].count, frame = s->run[run].frame;

	for (uint32_t n = 0; n < count; n++)
		if (page_room(s, page + n))
			return;
	if (segment_take(s, page, count))
		return;
	for (uint32_t n = 0; n < count; n++)
		*page_entry(s, page + n) = (frame + n) << 1 | 1;
	s->away += count;
}

static void visit(struct segment *s)
{
	uint32_t *entry;

	for (uint32_t page = 0; s->away && page < s->pages; page++) {
		entry = page_entry(s, page);
		if (!entry)
			page |= PAGE_TABLE - 1;
		else if (*entry & 1)
			pack(s, entry);
	}
	for (uint32_t run = s->runs; run--;)
		rest(s, run);
}

static struct segment *segment_at(uint32_t slot)
{
	struct segment *s = slot < store.slots ? store.slot[slot] : NULL;

	return s && s->flags & SEGMENT_OBJECTS ? s : NULL;
}

/* Twice round: what was not named since the round before is packed.  When that brings nothing, the next faults do not try. */
static void look(uint32_t *free)
{
	uint32_t before = *free;

	for (uint32_t n = 0; n < 2 * store.slots && *free < ENOUGH; n++) {
		struct segment *s = segment_at(hand);

		hand = hand + 1 < store.slots ? hand + 1 : 0;
		if (s)
			visit(s);
	}
	pause = *free > before ? 0 : pause * 2 + 1 < PAUSE_MOST ? pause * 2 + 1 : PAUSE_MOST;
	paused = pause;
}

void objects_room(void)
{
	uint32_t *free = &store.frames.free[FRAME_OBJECTS];

	if (*free < LEAST && (!paused || !paused--))
		look(free);
	store.dry[FRAME_OBJECTS] = *free < DRY;
}
