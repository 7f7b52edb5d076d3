/* Torment of memory: pages move to other frames; runs and segments lose their rights, and the keeper gives
 * them back to who misses them, at once or only after the next instant, which then finds threads
 * in faults at every kind of call. */
#include <nest/fastlock.h>
#include "torture.h"

#define PAGES		24u		/* moved in one instant, at most */
#define RUNS		40u		/* revoked */

static volatile int held;		/* faults wait for the next instant */
static struct lock hold_lock;
static fluke_cond_t *hold_end;

/* ---- choosing ---- */

static uint32_t count_segments(struct pool *pool)
{
	uint32_t count = 0;

	for (struct segment *s = pool->segments; s; s = s->next)
		count++;
	for (struct pool *p = pool->children; p; p = p->next)
		count += count_segments(p);
	return count;
}

static struct segment *segment_number(struct pool *pool, uint32_t *number)
{
	struct segment *found = NULL;

	for (struct segment *s = pool->segments; s; s = s->next)
		if (!(*number)--)
			return s;
	for (struct pool *p = pool->children; p && !found; p = p->next)
		found = segment_number(p, number);
	return found;
}

/* One with resident pages, or null. */
static struct segment *any_segment(void)
{
	uint32_t count = count_segments(store.root), number = count ? chance(count) : 0;
	struct segment *s = count ? segment_number(store.root, &number) : NULL;

	return s && s->runs ? s : NULL;
}

/* ---- frames ---- */

static unsigned move_objects(struct store *of, uint32_t from, uint32_t to)
{
	return subtree_move_page(&below, (uint32_t)of->window + from * FLUKE_PAGE_SIZE, (uint32_t)of->window + to * FLUKE_PAGE_SIZE);
}

void torment_frames(void)
{
	for (uint32_t n = 1 + chance(PAGES); n; n--) {
		struct segment *s = any_segment();
		const struct segment_run *r = s ? &s->run[chance(s->runs)] : NULL;

		if (s && !segment_relocate(s, r->page + chance(r->count), move_objects))
			counts.frames++;
	}
}

/* ---- rights ---- */

/* The keeper, before it mends anything. */
void memory_faulted(const struct fluke_exc_message *m)
{
	(void)m;
	counts.faults++;
	if (!held)
		return;
	lock_take(&hold_lock);
	while (held)
		fluke_cond_wait(hold_end, hold_lock.mutex);
	lock_drop(&hold_lock);
}

int torment_holds(void)
{
	return held;
}

void torment_let_go(void)
{
	if (!held)
		return;
	lock_take(&hold_lock);
	held = 0;
	fluke_cond_broadcast(hold_end);
	lock_drop(&hold_lock);
}

void torment_revoke(void)
{
	if (!hold_lock.mutex) {
		lock_init(&hold_lock);
		hold_end = cond_new();
	}
	for (uint32_t n = 1 + chance(RUNS); n; n--) {
		struct segment *s = any_segment();

		if (s && chance(8) == 0)
			segment_hide(s);
		else if (s)
			segment_hide_run(s, chance(s->runs));
	}
	held = chance(2);
}

void torment_end(void)
{
	memory_lock();
	torment_let_go();
	memory_unlock();
}
