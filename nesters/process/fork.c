/* fork: another body with a copy-on-write clone of the data segment; the parent's objects made again, slot by
 * slot, between the two mapped object segments; one thread that goes on where the caller asked.  The
 * caller waits for our reply meanwhile and the image holds its locks, so nothing changes under us
 * except by a hostile process, against which the guard stands. */
#include <string.h>
#include <native.h>
#include "manager.h"

#define SEARCH_START	(START_OWN_OBJECTS - START_OBJECTS)
#define FOUND		128

struct copying {
	struct process	*from, *to;
	uint32_t	thread, entry, stack;
	uint32_t	shift;		/* address of an object in the child's window - in the parent's */
};

static void copy_mapping(struct copying *c, fluke_mapping_t *from, fluke_mapping_t *to)
{
	fluke_ref_t *region = &manager->region, *space = &manager->other;
	fluke_mapping_state_t state;

	fluke_mapping_get_state(from, &state, region, space);
	fluke_mapping_create(to);
	if (!fluke_ref_compare(space, body_object(c->from->body, START_REF_SPACE)))
		return;
	if (fluke_ref_compare(region, &c->from->body->objects->data_region))
		region = &c->to->body->objects->data_region;
	fluke_mapping_set_state(to, &state, region, body_object(c->to->body, START_REF_SPACE));
}

/* Free in the child, unless the forking thread itself holds it. */
static void copy_mutex(struct copying *c, fluke_mutex_t *from, fluke_mutex_t *to)
{
	fluke_mutex_state_t state;

	fluke_mutex_get_state(from, &state, &manager->other);
	fluke_mutex_create(to);
	if (!state.locked || !fluke_ref_compare(&manager->other, &manager->thread))
		return;
	fluke_thread_reference(body_object(c->to->body, c->thread), &manager->other);
	fluke_mutex_set_state(to, &state, &manager->other);
}

static void copy_port(fluke_port_t *from, fluke_port_t *to)
{
	fluke_port_state_t state;

	fluke_port_create(to);
	fluke_port_get_state(from, &state, &manager->other);
	state.pending = 0;
	fluke_port_set_state(to, &state, &manager->null);
}

/* Second pass: the child's port gets the child's portset that stands where the parent's does. */
static void link_port(struct copying *c, fluke_port_t *from, const fluke_obspec_t *found, int count)
{
	fluke_port_state_t state;
	fluke_port_t *to = (fluke_port_t *)((uint32_t)from + c->shift);

	fluke_port_get_state(from, &state, &manager->other);
	for (int i = 0; i < count; i++) {
		if (found[i].type != FLUKE_TYPE_PORTSET)
			continue;
		fluke_portset_reference((fluke_portset_t *)found[i].ob, &manager->scratch);
		if (!fluke_ref_compare(&manager->scratch, &manager->other))
			continue;
		fluke_portset_reference((fluke_portset_t *)(found[i].ob + c->shift), &manager->scratch);
		state.pending = 0;
		fluke_port_set_state(to, &state, &manager->scratch);
		return;
	}
}

/* What says who the parent is, for record locks. */
static int is_parents_own(struct copying *c, uint32_t place)
{
	return place - (uint32_t)body_object(c->from->body, IMAGE_REF_LOCKS) < IMAGE_LOCK_OWNERS * sizeof(fluke_ref_t);
}

static void copy_object(struct copying *c, const fluke_obspec_t *found)
{
	void *from = (void *)found->ob, *to = (void *)(found->ob + c->shift);

	if (is_parents_own(c, found->ob))
		return;
	switch (found->type) {
	case FLUKE_TYPE_REF:
		fluke_ref_create(to);
		fluke_ref_copy(from, to);
		break;
	case FLUKE_TYPE_MAPPING:
		copy_mapping(c, from, to);
		break;
	case FLUKE_TYPE_MUTEX:
		copy_mutex(c, from, to);
		break;
	case FLUKE_TYPE_COND:
		fluke_cond_create(to);
		break;
	case FLUKE_TYPE_PORT:
		copy_port(from, to);
		break;
	case FLUKE_TYPE_PORTSET:
		fluke_portset_create(to);
		break;
	}
}

/* Ports and sets are few; they are remembered over the whole search for the second pass. */
static int copy_objects(struct copying *c)
{
	static fluke_obspec_t found[FOUND], later[FOUND];
	fluke_region_state_t state = { .start_va = c->from->body->window, .size = IMAGE_OBJECTS_SIZE,
		.prot = OBJECTS_PROT };
	oskit_addr_t offset = SEARCH_START;
	natural_t unused;
	int laters = 0;

	fluke_region_set_state(&manager->search, &state, own_space(), &manager->null);
	do {
		unused = FOUND;
		fluke_region_search(&manager->search, &offset, IMAGE_OBJECTS_SIZE - offset, found, &unused);
		for (natural_t i = 0; i < FOUND - unused; i++) {
			copy_object(c, &found[i]);
			if ((found[i].type == FLUKE_TYPE_PORT || found[i].type == FLUKE_TYPE_PORTSET) && laters < FOUND)
				later[laters++] = found[i];
		}
	} while (unused == 0 && offset < IMAGE_OBJECTS_SIZE);
	for (int i = 0; i < laters; i++)
		if (later[i].type == FLUKE_TYPE_PORT)
			link_port(c, (fluke_port_t *)later[i].ob, later, laters);
	return 0;
}

/* Same handlers, TLS and FPU as the caller; it was stopped to be read, and goes on waiting for us. */
static void copy_state(struct copying *c, fluke_thread_state_t *state)
{
	static fluke_ref_t *leave[FLUKE_THREAD_LINKS];
	fluke_thread_t *caller = body_object(c->from->body, c->thread);

	fluke_thread_get_state(caller, state, leave);
	if (!(state->flags & FLUKE_THREAD_HELD))		/* else a debugger's */
		state->flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(caller, state, leave);
	state->flags &= FLUKE_THREAD_FPU_USED;
	state->regs.eip = c->entry;
	state->regs.esp = c->stack;
	state->regs.eax = 0;
	state->regs.min_msg_words = 0;
	state->regs.server_portset = 0;
	state->used = 0;
}

static int fork_copy(void *argument)
{
	static fluke_thread_state_t state;
	struct copying *c = argument;
	int slot = thread_slot(c->thread), error;

	session_share(c->from, c->to);
	fluke_thread_reference(body_object(c->from->body, c->thread), &manager->thread);
	copy_state(c, &state);
	error = thread_prepare(c->to, slot, &state);
	if (!error)
		error = copy_objects(c);
	if (!error)
		thread_release(c->to, slot, &state);
	return error;
}

static void inherit(struct process *p, struct process *child)
{
	child->group = p->group;
	session_enter(child, p->session);
	memcpy(child->limit, p->limit, sizeof child->limit);
	memcpy(child->name, p->name, sizeof child->name);
	memcpy(child->executable, p->executable, sizeof child->executable);
	child->command_line_length = p->command_line_length;
	memcpy(child->command_line, p->command_line, p->command_line_length);
	child->environment = p->environment;
	child->environment_size = p->environment_size;
	memcpy(child->descriptor, p->descriptor, sizeof child->descriptor);
	child->started = clock_now();
	child_add(p, child);
}

static int fork_allowed(struct process *p)
{
	if (p->session->living >= p->session->limit)
		return EAGAIN;
	return (uint64_t)processes_living() >= p->limit[RLIMIT_NPROC].soft ? EAGAIN : 0;
}

int process_fork(struct process *p, uint32_t thread, uint32_t entry, uint32_t stack, int32_t *pid)
{
	struct copying copying = { .from = p, .thread = thread, .entry = entry, .stack = stack };
	int slot = thread_slot(thread), error;
	struct process *child;

	if (slot < 0)
		return EINVAL;
	error = fork_allowed(p);
	if (error)
		return error;
	child = process_alloc();
	if (!child)
		return EAGAIN;
	inherit(p, child);
	error = facts_create(child);
	if (!error)
		child->body = body_create(child, p->body, &error);
	if (error)
		goto fail;
	copying.to = child;
	copying.shift = child->body->window - p->body->window;
	thread_add(child, slot, thread, child->pid);
	facts_update(child);
	debugger_begun(child->body, p->body, 0);
	error = guarded(fork_copy, &copying);
	if (!error) {
		*pid = child->pid;
		return 0;
	}
	threads_account(child->thread, child->slots, 1, &child->usage);
	body_destroy(child->body);
	child->body = NULL;
fail:
	facts_destroy(child);
	process_free(child);
	return error == EFAULT ? ENOMEM : error;
}
