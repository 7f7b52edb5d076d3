/* Everything below: the list of objects, stopping and resuming all threads, who links to whom
 * (nest/subtree.h).  What is done to single objects is in recreate.c. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <linux_abi.h>
#include <startup.h>
#include <fluke/callnumbers.h>
#include "subtree.h"

#define FOUND	64u		/* objects that one search brings */

int subtree_init(struct subtree *t, fluke_region_t *region, uint32_t window, void *aside)
{
	memset(t, 0, sizeof *t);
	t->region = region;
	t->window = window;
	t->aside = aside;
	t->state = calloc(1, sizeof *t->state);
	t->self = ref_new();
	t->other = ref_new();
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (!(t->link[n] = ref_new()))
			return ENOMEM;
	t->own = region_new(own_space(), START_OBJECTS, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL);
	return t->state && t->self && t->other && t->own ? 0 : ENOMEM;
}

void subtree_forget(struct subtree *t)
{
	t->count = t->threads = t->to_threads.count = t->to_spaces.count = 0;
	t->knows_threads = t->knows_spaces = 0;
}

static int room_for(void *array, unsigned *room, unsigned count, size_t size)
{
	void *larger;

	if (count <= *room)
		return 1;
	larger = realloc(*(void **)array, count * 2 * size);
	if (!larger)
		return 0;
	*(void **)array = larger;
	*room = count * 2;
	return 1;
}

static int add_thread(struct subtree *t, fluke_thread_t *thread)
{
	if (!room_for(&t->thread, &t->thread_room, t->threads + 1, sizeof *t->thread))
		return 0;
	memset(&t->thread[t->threads], 0, sizeof *t->thread);
	t->thread[t->threads++].thread = thread;
	return 1;
}

static int search(fluke_region_t *region, uint32_t offset, uint32_t size, fluke_obspec_t **object, unsigned *count,
	unsigned *room)
{
	uint32_t end = offset + size, left;

	while (offset < end) {
		if (!room_for(object, room, *count + FOUND, sizeof **object))
			return ENOMEM;
		left = FOUND;
		fluke_region_search(region, &offset, end - offset, *object + *count, &left);
		*count += FOUND - left;
	}
	return 0;
}

int subtree_find(struct subtree *t, uint32_t offset, uint32_t size)
{
	unsigned n = t->count;
	int error = search(t->region, offset, size, &t->object, &t->count, &t->room);

	for (; n < t->count && !error; n++)
		if (t->object[n].type == FLUKE_TYPE_THREAD && !add_thread(t, (fluke_thread_t *)t->object[n].ob))
			error = ENOMEM;
	return error;
}

int subtree_find_own(struct subtree *t)
{
	t->own_count = 0;
	return search(t->own, 0, START_OBJECTS_SIZE, &t->own_object, &t->own_count, &t->own_room);
}

/* ---- stopping ---- */

static uint32_t stage_of(const fluke_thread_state_t *s, fluke_type_t waited_for)
{
	uint32_t stage = waited_for | (s->flags & FLUKE_THREAD_ACCEPTED);

	if (s->flags & (FLUKE_THREAD_CLIENT_PARKED | FLUKE_THREAD_SERVER_PARKED))
		stage |= SUBTREE_STAGE_ASIDE;
	if (s->regs.min_msg_words)
		stage |= SUBTREE_STAGE_MESSAGE;
	if (s->flags & (FLUKE_THREAD_CLIENT_SENDER | FLUKE_THREAD_SERVER_SENDER))
		stage |= SUBTREE_STAGE_SENDER;
	return stage;
}

static void note_stage(struct subtree *t, struct subtree_thread *thread)
{
	const fluke_thread_state_t *s = t->state;

	thread->call = s->regs.eip == FLUKE_ENTRY ? s->regs.eax & 0xff : ~0u;
	thread->stage = stage_of(s, fluke_ref_type(t->link[FLUKE_LINK_WAITING_FOR]));
	if (fluke_ref_type(t->link[FLUKE_LINK_CLIENT]) && !(s->flags & FLUKE_THREAD_CLIENT_PARKED))
		thread->stage |= SUBTREE_STAGE_CLIENT;
	if (fluke_ref_type(t->link[FLUKE_LINK_SERVER]) && !(s->flags & FLUKE_THREAD_SERVER_PARKED))
		thread->stage |= SUBTREE_STAGE_SERVER;
}

/* True if the thread was not stopped already. */
static int stop_one(struct subtree *t, struct subtree_thread *thread)
{
	fluke_thread_get_state(thread->thread, t->state, t->link);
	if (t->state->flags & FLUKE_THREAD_HELD && thread->hash)
		return 0;
	thread->hash = t->state->hash;
	thread->flags = t->state->flags;
	thread->running = !(thread->flags & FLUKE_THREAD_HELD);
	note_stage(t, thread);
	return thread->running;
}

void subtree_stop(struct subtree *t)
{
	for (int again = 1; again;) {
		again = 0;
		for (unsigned n = 0; n < t->threads; n++)
			again |= stop_one(t, &t->thread[n]);
	}
}

void subtree_resume(struct subtree *t)
{
	for (unsigned n = 0; n < t->threads; n++) {
		if (!t->thread[n].running)
			continue;
		fluke_thread_get_state(t->thread[n].thread, t->state, NULL);
		t->state->flags &= ~FLUKE_THREAD_STOPPED;
		fluke_thread_set_state(t->thread[n].thread, t->state, NULL);
	}
}

void subtree_read(struct subtree *t, unsigned thread)
{
	fluke_thread_get_state(t->thread[thread].thread, t->state, t->link);
}

static int is_below(struct subtree *t, fluke_ref_t *ref)
{
	integer_t hash = fluke_ref_hash(ref);

	for (unsigned n = 0; n < t->threads; n++) {
		if (t->thread[n].hash != hash)
			continue;
		fluke_thread_reference(t->thread[n].thread, t->other);
		if (fluke_ref_compare(t->other, ref))
			return 1;
	}
	return 0;
}

enum subtree_reach subtree_reach(struct subtree *t, unsigned thread)
{
	static const struct { unsigned link; natural_t aside; } peers[] = {
		{ FLUKE_LINK_CLIENT, FLUKE_THREAD_CLIENT_PARKED }, { FLUKE_LINK_SERVER, FLUKE_THREAD_SERVER_PARKED },
	};
	enum subtree_reach reach = SUBTREE_INSIDE;

	subtree_read(t, thread);
	for (unsigned n = 0; n < 2; n++) {
		fluke_ref_t *ref = t->link[peers[n].link];

		if (fluke_ref_type(ref) == FLUKE_NULL || is_below(t, ref))
			continue;
		if (t->state->flags & peers[n].aside)
			return SUBTREE_BEYOND;
		reach = SUBTREE_OUTSIDE;
	}
	return reach;
}
