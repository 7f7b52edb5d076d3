/* Where the pages of each segment are that are away: a table of two levels, made as needed, of slot numbers + 1 (of a
 * segment for objects: objects.c).
 * And libnest's questions about them. */
#include <stdlib.h>
#include <linux_abi.h>
#include "memory.h"

#define LEAF		PAGE_TABLE
#define LEAVES		(SEGMENT_MAX / FLUKE_PAGE_SIZE / LEAF + 1)

struct table {
	uint32_t	*leaf[LEAVES];
};

uint32_t *page_entry(struct segment *s, uint32_t page)
{
	struct table *t = s->paged;

	return t && page / LEAF < LEAVES && t->leaf[page / LEAF] ? &t->leaf[page / LEAF][page % LEAF] : NULL;
}

int page_room(struct segment *s, uint32_t page)
{
	struct table *t = s->paged;

	if (!t)
		t = s->paged = calloc(1, sizeof *t);
	if (!t)
		return ENOMEM;
	if (!t->leaf[page / LEAF])
		t->leaf[page / LEAF] = calloc(LEAF, sizeof(uint32_t));
	return t->leaf[page / LEAF] ? 0 : ENOMEM;
}

int page_away(struct segment *s, uint32_t page, uint32_t slot)
{
	if (page_room(s, page))
		return ENOMEM;
	*page_entry(s, page) = slot + 1;
	if (slot != SLOT_ZERO)
		slot_hold(slot);
	s->away++;
	return 0;
}

static int holds(struct segment *s, uint32_t page)
{
	uint32_t *e = page_entry(s, page);

	return e && *e;
}

static uint32_t clear(uint32_t *e)
{
	uint32_t slot = *e - 1;

	*e = 0;
	return slot == SLOT_ZERO ? 0 : slot_drop(slot);
}

/* The whole table goes with the last page. */
static void table_free(struct segment *s)
{
	struct table *t = s->paged;

	for (uint32_t n = 0; n < LEAVES; n++)
		free(t->leaf[n]);
	free(t);
	s->paged = NULL;
}

static uint32_t forget(struct segment *s, uint32_t page, uint32_t count)
{
	uint32_t gone = 0, end = page + count;
	uint32_t *e;

	while (page < end) {
		e = page_entry(s, page);
		if (!e) {
			page = (page / LEAF + 1) * LEAF;
			continue;
		}
		if (*e) {
			if (s->flags & SEGMENT_OBJECTS)
				objects_forget(*e);
			else
				clear(e);
			*e = 0;
			gone++;
		}
		page++;
	}
	if (gone == s->away && s->paged)
		table_free(s);
	return gone;
}

static int share(struct segment *from, struct segment *to)
{
	struct table *t = from->paged;

	for (uint32_t n = 0; n < LEAVES; n++)
		for (uint32_t i = 0; t->leaf[n] && i < LEAF; i++)
			if (t->leaf[n][i] && page_away(to, n * LEAF + i, t->leaf[n][i] - 1))
				return ENOMEM;
	return 0;
}

/* A frame has the page still, or again: it is shared. */
static int join(struct segment *s, uint32_t page, uint32_t *e, uint32_t frame)
{
	if (segment_add(s, page, frame, 0))
		return -ENOMEM;
	frames_hold(&store.frames, frame);
	clear(e);
	s->away--;
	return 1;
}

/* Frames in a row, at most count. */
static uint32_t take_row(uint32_t page, uint32_t *count)
{
	uint32_t first, n = 1;
	int zero;

	first = frames_take(&store.frames, page, FRAME_DATA, &zero);
	if (first == FRAMES_NONE)
		return first;
	while (n < *count && frames_take_this(&store.frames, first + n, FRAME_DATA, &zero) != FRAMES_NONE)
		n++;
	*count = n;
	return first;
}

static uint32_t row_of(struct segment *s, uint32_t page, uint32_t slot)
{
	uint32_t n = 1, most = store.frames.free[FRAME_DATA] / 2;
	uint32_t *e;

	for (; n < CLUSTER && n < most; n++) {
		e = page_entry(s, page + n);
		if (!e || *e != slot + n + 1 || slot_frame(slot + n) != FRAMES_NONE)
			break;
	}
	return n;
}

/* What was read becomes resident.  Who else names the slot keeps the frame from being written. */
static int settle(struct segment *s, uint32_t page, uint32_t frame)
{
	uint32_t *e = page_entry(s, page), slot = *e - 1;
	uint32_t others;

	slot_link(slot, frame);
	others = clear(e);
	s->away--;
	if (!segment_add(s, page, frame, !others))
		return 1;
	slot_hold(slot);
	*e = slot + 1;
	s->away++;
	return 0;
}

/* A pager below us that has this page as part of its window cannot know what was written to it before it was away: DIRTY for
 * all who read usage. */
static void page_written(uint32_t frame)
{
	volatile uint32_t *word = (volatile uint32_t *)(store.window + frame * FLUKE_PAGE_SIZE);

	*word = *word;
}

static int bring_zero(struct segment *s, uint32_t page, uint32_t *e)
{
	int zero;
	uint32_t frame = frames_take(&store.frames, page, FRAME_DATA, &zero);

	if (frame == FRAMES_NONE)
		return -ENOMEM;
	segment_zero_frame(&store, frame, zero);
	page_written(frame);
	if (segment_add(s, page, frame, 1)) {
		store_release(&store, frame);
		return -ENOMEM;
	}
	marks[frame] = MARK_REFERENCED;
	clear(e);
	s->away--;
	return 1;
}

static int bring(struct segment *s, uint32_t page)
{
	uint32_t *e = page_entry(s, page), slot, frame, count, good, n;

	if (!e || !*e)
		return 0;
	if (s->flags & SEGMENT_OBJECTS)
		return objects_bring(s, page, e);
	slot = *e - 1;
	if (slot == SLOT_ZERO)
		return bring_zero(s, page, e);
	if (slot_frame(slot) != FRAMES_NONE)
		return join(s, page, e, slot_frame(slot));
	count = row_of(s, page, slot);
	frame = take_row(page, &count);
	if (frame == FRAMES_NONE)
		return -ENOMEM;
	counts.faults_in++;
	good = swap_read(slot, frame, count);
	for (n = 0; n < good; n++)
		page_written(frame + n);
	marks_read(frame, count);		/* what reading itself left */
	for (n = 0; n < count; n++) {
		marks[frame + n] = n ? 0 : MARK_REFERENCED;
		if (n >= good || !settle(s, page + n, frame + n))
			store_release(&store, frame + n);
	}
	return !good ? -EIO : segment_find(s, page) != ~0u ? 1 : -ENOMEM;
}

static void written(uint32_t frame)
{
	uint32_t slot = slot_of(frame);

	if (slot == SLOT_NONE)
		return;
	marks[frame] |= MARK_DIRTY;
	slot_unlink(frame);
}

static uint64_t spare(void)
{
	return (uint64_t)swap_free() * FLUKE_PAGE_SIZE;
}

const struct pager pager = {
	.room = clock_room, .bring = bring, .holds = holds, .forget = forget, .share = share, .written = written,
	.freed = slot_unlink, .spare = spare,
};
