/* Who leads to whom below: references, holders of mutexes, those whom conditions lend to, threads set
 * aside, mappings and regions of a space, its threads.  Looked up once per stop, by hash; a reference
 * is compared before it is changed, since hashes need not be unique. */
#include <stdlib.h>
#include <native.h>
#include <linux_abi.h>
#include "subtree.h"

static int add(struct subtree_links *list, void *holder, fluke_type_t type, integer_t hash)
{
	struct subtree_link *larger;

	if (!hash)
		return 0;
	if (list->count == list->room) {
		larger = realloc(list->link, (list->room + 256) * sizeof *larger);
		if (!larger)
			return ENOMEM;
		list->link = larger;
		list->room += 256;
	}
	list->link[list->count++] = (struct subtree_link){ holder, type, hash };
	return 0;
}

static int add_ref(struct subtree *t, fluke_ref_t *ref)
{
	fluke_type_t type = fluke_ref_type(ref);

	if (type == FLUKE_TYPE_THREAD)
		return add(&t->to_threads, ref, FLUKE_TYPE_REF, fluke_ref_hash(ref));
	if (type == FLUKE_TYPE_SPACE)
		return add(&t->to_spaces, ref, FLUKE_TYPE_REF, fluke_ref_hash(ref));
	return 0;
}

/* The hash of the holder or inheritor, 0 = none. */
static integer_t holder_of(struct subtree *t, const fluke_obspec_t *o)
{
	fluke_ref_clear(t->other);
	if (o->type == FLUKE_TYPE_MUTEX)
		fluke_mutex_get_state((fluke_mutex_t *)o->ob, NULL, t->other);
	else
		fluke_cond_get_state((fluke_cond_t *)o->ob, NULL, t->other);
	return fluke_ref_hash(t->other);
}

/* Threads that a peer has set aside hang on that peer. */
static int add_aside(struct subtree *t, struct subtree_thread *thread)
{
	if (!(thread->stage & SUBTREE_STAGE_ASIDE))
		return 0;
	fluke_thread_get_state(thread->thread, t->state, t->link);
	if (t->state->flags & FLUKE_THREAD_SERVER_PARKED &&
	    add(&t->to_threads, thread->thread, FLUKE_TYPE_THREAD, fluke_ref_hash(t->link[FLUKE_LINK_SERVER])))
		return ENOMEM;
	return t->state->flags & FLUKE_THREAD_CLIENT_PARKED ?
		add(&t->to_threads, thread->thread, FLUKE_TYPE_THREAD, fluke_ref_hash(t->link[FLUKE_LINK_CLIENT])) : 0;
}

static int is_scratch(const struct subtree *t, const fluke_ref_t *ref)
{
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (ref == t->link[n])
			return 1;
	return ref == t->self || ref == t->other;
}

int subtree_know_threads(struct subtree *t)
{
	int error;

	if (t->knows_threads)
		return 0;
	error = subtree_find_own(t);
	for (unsigned n = 0; n < t->own_count && !error; n++) {
		fluke_ref_t *ref = (fluke_ref_t *)t->own_object[n].ob;

		if (t->own_object[n].type == FLUKE_TYPE_REF && !is_scratch(t, ref))
			error = add_ref(t, ref);
	}
	for (unsigned n = 0; n < t->count && !error; n++) {
		const fluke_obspec_t *o = &t->object[n];

		if (o->type == FLUKE_TYPE_REF)
			error = add_ref(t, (fluke_ref_t *)o->ob);
		else if (o->type == FLUKE_TYPE_MUTEX || o->type == FLUKE_TYPE_COND)
			error = add(&t->to_threads, (void *)o->ob, o->type, holder_of(t, o));
	}
	for (unsigned n = 0; n < t->threads && !error; n++)
		error = add_aside(t, &t->thread[n]);
	t->knows_threads = 1;
	return error;
}

int subtree_know_spaces(struct subtree *t)
{
	int error = subtree_know_threads(t);	/* all references */

	if (t->knows_spaces || error)
		return error;
	for (unsigned n = 0; n < t->count && !error; n++) {
		const fluke_obspec_t *o = &t->object[n];

		fluke_ref_clear(t->other);
		if (o->type == FLUKE_TYPE_MAPPING)
			fluke_mapping_get_state((fluke_mapping_t *)o->ob, NULL, NULL, t->other);
		else if (o->type == FLUKE_TYPE_REGION)
			fluke_region_get_state((fluke_region_t *)o->ob, NULL, t->other, NULL);
		else
			continue;
		error = add(&t->to_spaces, (void *)o->ob, o->type, fluke_ref_hash(t->other));
	}
	for (unsigned n = 0; n < t->threads && !error; n++) {
		fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = t->other };

		fluke_thread_get_state(t->thread[n].thread, NULL, links);
		error = add(&t->to_spaces, t->thread[n].thread, FLUKE_TYPE_THREAD, fluke_ref_hash(t->other));
	}
	t->knows_spaces = 1;
	return error;
}

/* A thread set aside by the one that t->self now leads to. */
static void relink_aside(struct subtree *t, fluke_thread_t *thread, integer_t hash)
{
	fluke_thread_links_t links = { NULL };

	fluke_thread_get_state(thread, t->state, t->link);
	if (t->state->flags & FLUKE_THREAD_SERVER_PARKED && fluke_ref_hash(t->link[FLUKE_LINK_SERVER]) == hash)
		links[FLUKE_LINK_SERVER] = t->self;
	if (t->state->flags & FLUKE_THREAD_CLIENT_PARKED && fluke_ref_hash(t->link[FLUKE_LINK_CLIENT]) == hash)
		links[FLUKE_LINK_CLIENT] = t->self;
	fluke_thread_set_state(thread, t->state, links);
}

void subtree_relink(struct subtree *t, struct subtree_links *list, integer_t hash)
{
	fluke_thread_links_t space = { [FLUKE_LINK_SPACE] = t->self };

	for (unsigned n = 0; n < list->count; n++) {
		void *holder = list->link[n].holder;

		if (list->link[n].hash != hash)
			continue;
		switch (list->link[n].type) {
		case FLUKE_TYPE_REF:
			if (fluke_ref_compare(holder, t->other))
				fluke_ref_copy(t->self, holder);
			break;
		case FLUKE_TYPE_MUTEX:
			fluke_mutex_set_state(holder, NULL, t->self);
			break;
		case FLUKE_TYPE_COND:
			fluke_cond_set_state(holder, NULL, t->self);
			break;
		case FLUKE_TYPE_MAPPING:
			fluke_mapping_set_state(holder, NULL, NULL, t->self);
			break;
		case FLUKE_TYPE_REGION:
			fluke_region_set_state(holder, NULL, t->self, NULL);
			break;
		case FLUKE_TYPE_THREAD:
			if (list == &t->to_threads)
				relink_aside(t, holder, hash);
			else
				fluke_thread_set_state(holder, NULL, space);
		}
	}
}
