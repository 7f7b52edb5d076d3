/* One instant of torment.  All below is found and stopped, some of it is made again, moved, taken away, and
 * all goes on.  What is drawn comes from chance alone, so the same seed and the same instants
 * give the same torment. */
#include <string.h>
#include <linux_abi.h>
#include "torture.h"

#define TRIPS		12u		/* threads made again in one instant, at most */
#define OBJECTS		48u		/* objects moved */

struct subtree below;
static char	*objects_room;		/* pages of object memory for those that step aside: one object per KB */
static uint8_t	chosen[4096];		/* by thread: 1 = is to be made again */

/* ---- what is below ---- */

static int find_in_pool(struct pool *pool)
{
	int error = 0;

	for (struct segment *s = pool->segments; s && !error; s = s->next)
		for (uint32_t n = 0; s->flags & SEGMENT_OBJECTS && n < s->runs && !error; n++)
			error = subtree_find(&below, s->run[n].frame * FLUKE_PAGE_SIZE, s->run[n].count * FLUKE_PAGE_SIZE);
	for (struct pool *p = pool->children; p && !error; p = p->next)
		error = find_in_pool(p);
	return error;
}

int torment_find(void)
{
	subtree_forget(&below);
	return find_in_pool(store.root);
}

/* ---- threads ---- */

static int recreate(unsigned n)
{
	const struct subtree_thread *thread = &below.thread[n];

	if (!subtree_recreate_thread(&below, n)) {
		counts.left_alone++;
		return 0;
	}
	count_trip(thread->call, thread->stage);
	return 1;
}

/* Threads that are connected outside come last: their servers may be about to set them aside, and get time
 * to do that before. */
static void torment_threads(void)
{
	unsigned wanted = 1 + chance(TRIPS), outside = 0;

	memset(chosen, 0, sizeof chosen);
	for (unsigned tries = 4 * wanted; tries && wanted; tries--) {
		unsigned n = chance(below.threads);

		if (n >= sizeof chosen || chosen[n] || !count_wants(below.thread[n].call, below.thread[n].stage))
			continue;
		wanted--;
		chosen[n] = 1;
		if (subtree_reach(&below, n) == SUBTREE_OUTSIDE)
			outside++;
		else
			recreate(n);
	}
	if (!outside)
		return;
	time_settle();
	for (unsigned n = 0; n < below.threads && n < sizeof chosen; n++)
		if (chosen[n] && subtree_reach(&below, n) == SUBTREE_OUTSIDE)
			recreate(n);
}

/* ---- objects ---- */

/* Up to OBJECTS of any type step aside, all at once, and come back in another order. */
static void torment_objects(void)
{
	static struct { fluke_obspec_t object; unsigned at; } away[OBJECTS];
	unsigned count = 0, n;

	for (n = 1 + chance(OBJECTS); n && below.count; n--) {
		const fluke_obspec_t *o = &below.object[chance(below.count)];
		unsigned twice = 0;

		for (unsigned i = 0; i < count; i++)
			twice |= away[i].object.ob == o->ob;
		if (twice)
			continue;
		away[count].object = *o;
		away[count].at = count;
		subtree_move(o->type, (void *)o->ob, objects_room + 1024 * count);
		count++;
	}
	counts.objects += count;
	while (count) {
		n = chance(count);
		subtree_move(away[n].object.type, objects_room + 1024 * away[n].at, (void *)away[n].object.ob);
		away[n] = away[--count];
	}
}

/* ---- tables ---- */

static uint32_t free_tables(void)
{
	uint32_t count = 0;

	nest_object_count(0, &count);
	return count;
}

static void torment_tables(void)
{
	unsigned spaces = 0, which;
	uint32_t before;

	for (unsigned n = 0; n < below.count; n++)
		spaces += below.object[n].type == FLUKE_TYPE_SPACE;
	if (!spaces)
		return;
	which = chance(spaces);
	for (unsigned n = 0; n < below.count; n++)
		if (below.object[n].type == FLUKE_TYPE_SPACE && !which--) {
			before = free_tables();
			if (subtree_recreate_space(&below, n)) {
				counts.spaces++;
				counts.tables += free_tables() - before;
			}
			return;
		}
}

/* ---- an instant ---- */

static int wants(uint32_t kind, uint32_t one_in)
{
	return options.kinds & kind && chance(one_in) == 0;
}

void torment(void)
{
	memory_lock();
	if (!torment_find()) {
		subtree_stop(&below);
		counts.instants++;
		counts.stopped += below.threads;
		if (options.kinds & KIND_BORDER)
			border_look();
		if (below.threads && wants(KIND_THREADS, 1))
			torment_threads();
		if (wants(KIND_OBJECTS, 2))
			torment_objects();
		if (wants(KIND_TABLES, 3))
			torment_tables();
		if (wants(KIND_FRAMES, 2))
			torment_frames();
		torment_let_go();
		if (wants(KIND_REVOKE, 2))
			torment_revoke();
		subtree_resume(&below);
	}
	memory_unlock();
}

/* ---- defects, for proof that a test of ours notices ---- */

static void forget_register(fluke_thread_state_t *state, fluke_ref_t *links[])
{
	(void)links;
	if (chance(16) == 0)
		state->regs.esi ^= 0x100;
}

static void forget_connection(fluke_thread_state_t *state, fluke_ref_t *links[])
{
	(void)state;
	if (chance(16) == 0)
		fluke_ref_clear(links[FLUKE_LINK_SERVER]);
}

static void forget_handler(fluke_thread_state_t *state, fluke_ref_t *links[])
{
	(void)links;
	state->regs.syscall_handler = 0;
}

static void forget_fpu(fluke_thread_state_t *state, fluke_ref_t *links[])
{
	(void)links;
	state->flags &= ~FLUKE_THREAD_FPU_USED;
}

static int set_defect(void)
{
	static const struct { const char *name; void (*spoil)(fluke_thread_state_t *, fluke_ref_t *[]); } defects[] = {
		{ "register", forget_register }, { "connection", forget_connection }, { "handler", forget_handler },
		{ "fpu", forget_fpu },
	};

	if (!options.defect)
		return 0;
	for (unsigned n = 0; n < sizeof defects / sizeof defects[0]; n++)
		if (!strcmp(options.defect, defects[n].name)) {
			below.spoil = defects[n].spoil;
			return 0;
		}
	return EINVAL;
}

int torment_begin(void)
{
	uint32_t frame;

	memory_lock();
	frame = frames_take_row(&store.frames, 16, 1);
	memory_unlock();
	if (frame == FRAMES_NONE)
		return ENOMEM;
	objects_room = store.window + frame * FLUKE_PAGE_SIZE;
	if (subtree_init(&below, store_window, (uint32_t)store.window, objects_room + 15 * FLUKE_PAGE_SIZE))
		return ENOMEM;
	return set_defect();
}
