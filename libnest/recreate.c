/* Objects moved, and made again in their place: the old one steps aside, a new one takes its
 * address, hash, state and connections, what led to the old one leads to the new one, the old one is
 * destroyed.  All threads below are stopped meanwhile, so nobody sees the steps. */
#include <string.h>
#include <native.h>
#include "subtree.h"

void subtree_move(fluke_type_t type, void *from, void *to)
{
	switch (type) {
	case FLUKE_TYPE_MUTEX:		fluke_mutex_move(from, to); break;
	case FLUKE_TYPE_COND:		fluke_cond_move(from, to); break;
	case FLUKE_TYPE_MAPPING:	fluke_mapping_move(from, to); break;
	case FLUKE_TYPE_REGION:		fluke_region_move(from, to); break;
	case FLUKE_TYPE_PORT:		fluke_port_move(from, to); break;
	case FLUKE_TYPE_PORTSET:	fluke_portset_move(from, to); break;
	case FLUKE_TYPE_SPACE:		fluke_space_move(from, to); break;
	case FLUKE_TYPE_THREAD:		fluke_thread_move(from, to); break;
	case FLUKE_TYPE_REF:		fluke_ref_move(from, to); break;
	}
}

static void *moved(void *object, uint32_t from, uint32_t to)
{
	uint32_t at = (uint32_t)object;

	return (void *)(at - at % FLUKE_PAGE_SIZE == from ? at - from + to : at);
}

unsigned subtree_move_page(struct subtree *t, uint32_t from, uint32_t to)
{
	unsigned found = 0;

	for (unsigned n = 0; n < t->count; n++)
		if (t->object[n].ob - t->object[n].ob % FLUKE_PAGE_SIZE == from) {
			found++;
			subtree_move(t->object[n].type, (void *)t->object[n].ob, (void *)(t->object[n].ob - from + to));
			t->object[n].ob += to - from;
		}
	for (unsigned n = 0; n < t->threads; n++)
		t->thread[n].thread = moved(t->thread[n].thread, from, to);
	for (unsigned n = 0; n < t->to_threads.count; n++)
		t->to_threads.link[n].holder = moved(t->to_threads.link[n].holder, from, to);
	for (unsigned n = 0; n < t->to_spaces.count; n++)
		t->to_spaces.link[n].holder = moved(t->to_spaces.link[n].holder, from, to);
	return found;
}

int subtree_recreate_thread(struct subtree *t, unsigned number)
{
	fluke_thread_t *old = (fluke_thread_t *)(void *)t->aside, *thread = t->thread[number].thread;
	integer_t hash;

	if (subtree_know_threads(t) || subtree_reach(t, number) == SUBTREE_BEYOND)
		return 0;
	hash = t->state->hash;
	fluke_thread_move(thread, old);
	fluke_thread_create_hash(thread, &hash);
	if (t->spoil)
		t->spoil(t->state, t->link);
	fluke_thread_set_state(thread, t->state, t->link);
	fluke_thread_reference(thread, t->self);
	fluke_thread_reference(old, t->other);
	subtree_relink(t, &t->to_threads, hash);
	fluke_thread_destroy(old);
	fluke_ref_clear(t->self);
	return 1;
}

int subtree_recreate_space(struct subtree *t, unsigned number)
{
	fluke_space_t *old = (fluke_space_t *)(void *)t->aside, *space = (fluke_space_t *)t->object[number].ob;
	fluke_space_state_t state;
	integer_t hash;

	if (subtree_know_spaces(t))
		return 0;
	fluke_space_get_state(space, &state, t->other);
	hash = state.hash;
	fluke_space_move(space, old);
	fluke_space_create_hash(space, &hash);
	fluke_space_set_state(space, &state, t->other);
	fluke_space_reference(space, t->self);
	fluke_space_reference(old, t->other);
	subtree_relink(t, &t->to_spaces, hash);
	fluke_space_destroy(old);
	fluke_ref_clear(t->self);
	return 1;
}
