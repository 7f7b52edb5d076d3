/* See frames.h. */
#include <nest/frames.h>

#define WHOLE		0xffffu
#define RESERVE		8		/* this part of all groups data leave whole as long as they can */
#define OF(frame)	((frame) / FRAMES_GROUP)
#define BIT(frame)	((uint16_t)(1u << ((frame) % FRAMES_GROUP)))
enum { LISTED_NOT, LISTED_WHOLE, LISTED_PARTIAL };

size_t frames_bookkeeping(uint32_t count)
{
	uint32_t groups = (count + FRAMES_GROUP - 1) / FRAMES_GROUP;

	return groups * sizeof(struct frame_group) + groups * FRAMES_GROUP * sizeof(uint16_t);
}

void frames_init(struct frames *f, uint32_t count, void *memory)
{
	int kind;

	*f = (struct frames){ .count = count, .groups = (count + FRAMES_GROUP - 1) / FRAMES_GROUP };
	f->group = memory;
	f->refs = (uint16_t *)(f->group + f->groups);
	for (kind = 0; kind < FRAME_KINDS; kind++)
		f->whole[kind] = f->partial[kind] = FRAMES_NONE;
}

static uint32_t *list_of(struct frames *f, struct frame_group *g)
{
	return g->listed == LISTED_WHOLE ? &f->whole[g->kind] : &f->partial[g->kind];
}

static void unlist(struct frames *f, uint32_t number)
{
	struct frame_group *g = &f->group[number];

	if (!g->listed)
		return;
	if (g->listed == LISTED_WHOLE)
		f->whole_groups[g->kind]--;
	if (g->prev != FRAMES_NONE)
		f->group[g->prev].next = g->next;
	else
		*list_of(f, g) = g->next;
	if (g->next != FRAMES_NONE)
		f->group[g->next].prev = g->prev;
	g->listed = LISTED_NOT;
}

/* Puts the group into the list that its free bits ask for. */
static void relist(struct frames *f, uint32_t number)
{
	struct frame_group *g = &f->group[number];
	uint8_t wanted = g->free == WHOLE ? LISTED_WHOLE : g->free ? LISTED_PARTIAL : LISTED_NOT;
	uint32_t *head;

	if (wanted == g->listed)
		return;
	unlist(f, number);
	if (!wanted)
		return;
	g->listed = wanted;
	if (wanted == LISTED_WHOLE)
		f->whole_groups[g->kind]++;
	head = list_of(f, g);
	g->prev = FRAMES_NONE;
	g->next = *head;
	if (*head != FRAMES_NONE)
		f->group[*head].prev = number;
	*head = number;
}

void frames_add(struct frames *f, uint32_t first, uint32_t count)
{
	/* the last one first, so that groups are lent from the first on, and a run finds the next one free when it has filled its own */
	for (uint32_t frame = first + count < f->count ? first + count : f->count; frame-- > first;) {
		f->group[OF(frame)].free |= BIT(frame);
		f->free[f->group[OF(frame)].kind]++;
		f->total++;
		relist(f, OF(frame));
	}
}

void frames_add_objects(struct frames *f, uint32_t first, uint32_t count)
{
	f->fixed = 1;
	for (uint32_t n = 0; n < count; n += FRAMES_GROUP)
		f->group[OF(first + n)].kind = FRAME_OBJECTS;
	frames_add(f, first, count);
}

void frames_all_zero(struct frames *f)
{
	for (uint32_t n = 0; n < f->groups; n++)
		f->group[n].zero = f->group[n].free;
	f->zeroed = f->free[FRAME_DATA];
}

static void take(struct frames *f, uint32_t frame, int *zero)
{
	struct frame_group *g = &f->group[OF(frame)];

	*zero = (g->zero & BIT(frame)) != 0;
	if (g->kind == FRAME_DATA)
		f->zeroed -= (uint32_t)*zero;
	g->free &= (uint16_t)~BIT(frame);
	g->zero &= (uint16_t)~BIT(frame);
	f->free[g->kind]--;
	f->refs[frame] = 1;
	relist(f, OF(frame));
}

static uint32_t take_this_frame(struct frames *f, uint32_t wish, enum frame_kind kind, int *zero)
{
	if (wish >= f->count || f->group[OF(wish)].kind != kind || !(f->group[OF(wish)].free & BIT(wish)))
		return FRAMES_NONE;
	take(f, wish, zero);
	return wish;
}

/* Changes the kind of a group that is free as a whole.  Memory of objects reads as zero because the kernel sees to it when
 * somebody does (segment.c); a device would not. */
static void group_become(struct frames *f, uint32_t number, enum frame_kind kind)
{
	struct frame_group *g = &f->group[number];

	unlist(f, number);
	f->free[g->kind] -= FRAMES_GROUP;
	f->free[kind] += FRAMES_GROUP;
	for (uint32_t zero = g->zero; zero && kind == FRAME_OBJECTS; zero &= zero - 1)
		f->zeroed--;
	if (kind == FRAME_DATA)
		g->zero = 0;
	g->kind = kind;
	relist(f, number);
}

/* First of count whole data groups in a row, aligned to count groups; from the top of memory. */
static uint32_t find_row(struct frames *f, uint32_t groups, uint32_t align)
{
	uint32_t first = f->groups / align * align, i;

	for (;;) {
		for (i = 0; i < groups && first + i < f->groups; i++)
			if (f->group[first + i].free != WHOLE || f->group[first + i].kind != FRAME_DATA)
				break;
		if (i == groups)
			return first;
		if (first < align)
			return FRAMES_NONE;
		first -= align;
	}
}

/* More room for objects: 2 MB, else one group. */
static int objects_grow(struct frames *f)
{
	uint32_t groups = FRAMES_BLOCK / FRAMES_GROUP, first, i;

	if (f->fixed)
		return 0;
	first = find_row(f, groups, groups);
	if (first == FRAMES_NONE) {
		groups = 1;
		first = f->whole[FRAME_DATA];
	}
	if (first == FRAMES_NONE)
		return 0;
	for (i = groups; i-- > 0;)
		group_become(f, first + i, FRAME_OBJECTS);
	return 1;
}

static uint32_t first_bit(uint32_t bits)
{
	return (uint32_t)__builtin_ctz(bits);
}

/* From `like` on in its group.  Where memory is somebody else's (fixed), one that has been used already: the first use of each costs
 * a page fault above; else one that is zero. */
static uint32_t choose(struct frames *f, uint32_t number, uint32_t like)
{
	const struct frame_group *g = &f->group[number];
	uint32_t better = f->fixed ? g->free & ~g->zero & WHOLE : g->free == WHOLE ? 0 : g->zero;
	uint32_t bits = better ? better : g->free, at = like % FRAMES_GROUP;

	return number * FRAMES_GROUP + (bits >> at ? at + first_bit(bits >> at) : first_bit(bits));
}

static uint32_t take_frame(struct frames *f, uint32_t like, enum frame_kind kind, int *zero)
{
	uint32_t number, frame;

	if (kind == FRAME_OBJECTS) {
		/* packed: partial groups first */
		number = f->partial[kind] != FRAMES_NONE ? f->partial[kind] : f->whole[kind];
		if (number == FRAMES_NONE && objects_grow(f))
			number = f->whole[kind];
		if (number == FRAMES_NONE)
			return FRAMES_NONE;
		frame = number * FRAMES_GROUP + first_bit(f->group[number].free);
	} else {
		number = f->whole[kind];
		if (number != FRAMES_NONE && (f->whole_groups[kind] > f->groups / RESERVE || f->partial[kind] == FRAMES_NONE)) {
			frame = choose(f, number, like);
		} else {
			number = f->partial[kind];
			if (number == FRAMES_NONE) {
				/* object groups that hold nothing may come back */
				number = f->fixed ? FRAMES_NONE : f->whole[FRAME_OBJECTS];
				if (number == FRAMES_NONE)
					return FRAMES_NONE;
				group_become(f, number, FRAME_DATA);
			}
			frame = choose(f, number, 0);
		}
	}
	take(f, frame, zero);
	return frame;
}

static uint32_t take_row_frame(struct frames *f, uint32_t count, uint32_t align)
{
	uint32_t groups = (count + FRAMES_GROUP - 1) / FRAMES_GROUP, first, i;
	int zero;

	align = (align + FRAMES_GROUP - 1) / FRAMES_GROUP;
	first = find_row(f, groups, align ? align : 1);
	if (first == FRAMES_NONE)
		return FRAMES_NONE;
	for (i = 0; i < count; i++)
		take(f, first * FRAMES_GROUP + i, &zero);
	return first * FRAMES_GROUP;
}

static void hold_frame(struct frames *f, uint32_t frame)
{
	if (!f->refs[frame])
		f->total++;
	f->refs[frame]++;
}

static int release_frame(struct frames *f, uint32_t frame)
{
	if (--f->refs[frame])
		return 0;
	f->group[OF(frame)].free |= BIT(frame);
	f->free[f->group[OF(frame)].kind]++;
	relist(f, OF(frame));
	return 1;
}

static uint32_t take_dirty_of(struct frames *f, uint32_t number)
{
	uint32_t dirty = f->group[number].free & ~f->group[number].zero & WHOLE;
	int zero;

	if (!dirty || f->group[number].kind != FRAME_DATA)
		return FRAMES_NONE;
	take(f, number * FRAMES_GROUP + first_bit(dirty), &zero);
	return number * FRAMES_GROUP + first_bit(dirty);
}

static uint32_t take_dirty_frame(struct frames *f)
{
	uint32_t i, number, frame;

	if (f->zeroed == f->free[FRAME_DATA])
		return FRAMES_NONE;
	/* what is lent next comes first */
	number = f->whole[FRAME_DATA];
	for (i = 0; i < 32 && number != FRAMES_NONE; i++, number = f->group[number].next)
		if ((frame = take_dirty_of(f, number)) != FRAMES_NONE)
			return frame;
	for (i = 0; i < f->groups; i++) {
		if ((frame = take_dirty_of(f, f->zero_cursor)) != FRAMES_NONE)
			return frame;
		f->zero_cursor = (f->zero_cursor + 1) % f->groups;
	}
	return FRAMES_NONE;
}

static int zeroed_frame(struct frames *f, uint32_t frame)
{
	if (!release_frame(f, frame))
		return 0;
	f->group[OF(frame)].zero |= BIT(frame);
	f->zeroed += f->group[OF(frame)].kind == FRAME_DATA;
	return 1;
}

/* ---- the interface: each call whole, so that a heap can grow while somebody else deals with frames ---- */

void	(*frames_enter)(void), (*frames_leave)(void);

static void enter(void)
{
	if (frames_enter)
		frames_enter();
}

static void leave(void)
{
	if (frames_leave)
		frames_leave();
}

uint32_t frames_take_this(struct frames *f, uint32_t wish, enum frame_kind kind, int *zero)
{
	uint32_t frame;

	enter();
	frame = take_this_frame(f, wish, kind, zero);
	leave();
	return frame;
}

uint32_t frames_take(struct frames *f, uint32_t like, enum frame_kind kind, int *zero)
{
	uint32_t frame;

	enter();
	frame = take_frame(f, like, kind, zero);
	leave();
	return frame;
}

uint32_t frames_take_row(struct frames *f, uint32_t count, uint32_t align)
{
	uint32_t frame;

	enter();
	frame = take_row_frame(f, count, align);
	leave();
	return frame;
}

void frames_hold(struct frames *f, uint32_t frame)
{
	enter();
	hold_frame(f, frame);
	leave();
}

int frames_release(struct frames *f, uint32_t frame)
{
	int last;

	enter();
	last = release_frame(f, frame);
	leave();
	return last;
}

uint32_t frames_take_dirty(struct frames *f)
{
	uint32_t frame;

	enter();
	frame = take_dirty_frame(f);
	leave();
	return frame;
}

int frames_zeroed(struct frames *f, uint32_t frame)
{
	int last;

	enter();
	last = zeroed_frame(f, frame);
	leave();
	return last;
}
