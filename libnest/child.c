/* Making and ending a child (see nest/child.h).  Order matters at the end: the pool goes first,
 * since that stops every thread of the child; then our own objects. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <nest/child.h>
#include <linux_abi.h>
#include <protocols/Parent.h>
#include <protocols/MemPool.h>
#include <protocols/Segment.h>
#include "parent.h"

#define WINDOW_SIZE	4096u
#define slot(c, address, type)	((type *)(void *)((c)->window + ((address) - START_OBJECTS)))

static int default_exception(struct child *c, const struct fluke_exc_message *m)
{
	fluke_thread_state_t *state = calloc(1, sizeof(*state));
	fluke_thread_links_t links = { 0 };
	int signal = exception_signal(m->code);

	if (state && m->thread_va == START_THREAD)
		fluke_thread_get_state(slot(c, START_THREAD, fluke_thread_t), state, links);
	/* without a keeper the thread stays where it is until child_destroy */
	fluke_space_set_state(c->space, NULL, c->null);
	eprintf("%s: thread %#x: exception %#x (%#x, access %#x) at eip %#x esp %#x call %u: ends with signal %d\n", c->name, m->thread_va,
		m->code, m->subcode, m->access, state ? state->regs.eip : 0, state ? state->regs.esp : 0,
		state ? state->regs.eax & 0xff : 0, signal);
	free(state);
	child_end(c, signal);
	return 0;
}

int exception_signal(uint32_t code)
{
	switch (code) {
	case FLUKE_EXC_DIVIDE:
	case FLUKE_EXC_FPU:
	case FLUKE_EXC_SIMD:
		return SIGFPE;
	case FLUKE_EXC_DEBUG:
	case FLUKE_EXC_BREAKPOINT:
		return SIGTRAP;
	case FLUKE_EXC_OPCODE:
		return SIGILL;
	case FLUKE_EXC_ALIGNMENT:
		return SIGBUS;
	}
	return SIGSEGV;
}

static int make_refs(struct child *c)
{
	fluke_ref_t **refs[] = { &c->null, &c->pool, &c->space_ref, &c->data, &c->data_region, &c->objects, &c->objects_region };

	for (unsigned n = 0; n < sizeof(refs) / sizeof(refs[0]); n++)
		if (!(*refs[n] = ref_new()))
			return ENOMEM;
	c->changed = cond_new();
	lock_init(&c->lock);
	return c->changed && c->lock.mutex ? 0 : ENOMEM;
}

static int make_memory(struct child *c, fluke_ref_t *pool)
{
	int error = MemPool_create_sub(pool, 0, c->pool);

	if (!error)
		error = MemPool_create_segment(c->pool, START_DATA_SIZE, 0, c->data, c->data_region);
	if (!error)
		error = MemPool_create_segment(c->pool, START_OBJECTS_SIZE, 1, c->objects, c->objects_region);
	return error;
}

/* The first page of the object segment, seen here, and its slots. */
static int make_slots(struct child *c)
{
	static const struct { uint32_t at; size_t from; } slots[] = {
		{ START_REF_PARENT, offsetof(struct child, parent_port) }, { START_REF_SPACE, offsetof(struct child, space_ref) },
		{ START_REF_DATA, offsetof(struct child, data) }, { START_REF_DATA_REGION, offsetof(struct child, data_region) },
		{ START_REF_OBJSEG, offsetof(struct child, objects) },
	};

	c->window = address_reserve(WINDOW_SIZE);
	if (c->window)
		c->window_mapping = mapping_new(c->objects_region, 0, NULL, (uint32_t)c->window, WINDOW_SIZE,
			FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE | FLUKE_PROT_READ);
	if (!c->window_mapping)
		return ENOMEM;
	for (unsigned n = 0; n < sizeof(slots) / sizeof(slots[0]); n++) {
		fluke_ref_t *ref = slot(c, slots[n].at, fluke_ref_t);

		fluke_ref_create(ref);
		fluke_ref_copy(*(fluke_ref_t **)(void *)((char *)c + slots[n].from), ref);
	}
	return child_map(c, c->objects_region, 0, START_OBJECTS, START_OBJECTS_SIZE,
		FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE | FLUKE_PROT_READ);
}

/* ---- the list ---- */

static struct child *children;		/* by number, the newest first */
static uint32_t	numbers;
static struct lock children_lock;

static int children_take(void)
{
	if (!children_lock.mutex)
		lock_init(&children_lock);	/* by the first child's maker, alone */
	if (!children_lock.mutex)
		return 0;
	lock_take(&children_lock);
	return 1;
}

static void list_add(struct child *c)
{
	if (!children_take())
		return;
	c->number = ++numbers;
	c->next = children;
	children = c;
	lock_drop(&children_lock);
}

static void list_remove(struct child *c)
{
	struct child **link;

	if (!c->number || !children_take())
		return;
	for (link = &children; *link && *link != c; link = &(*link)->next)
		;
	if (*link)
		*link = c->next;
	lock_drop(&children_lock);
}

struct child *child_hold(uint32_t from)
{
	struct child *found = NULL;

	if (!children_lock.mutex)
		return NULL;
	lock_take(&children_lock);
	for (struct child *c = children; c && c->number >= from; c = c->next)
		found = c;
	if (!found)
		lock_drop(&children_lock);
	return found;
}

void child_let_go(void)
{
	lock_drop(&children_lock);
}

struct child *child_new(const char *name, struct server *server, fluke_ref_t *pool, int *error)
{
	struct child *c = calloc(1, sizeof(*c));

	*error = ENOMEM;
	if (!c)
		return NULL;
	strlcpy(c->name, name, sizeof(c->name));
	c->exception = default_exception;
	*error = make_refs(c);
	if (!*error)
		*error = served_init(&c->parent, &child_parent_class, server);
	if (!*error)
		*error = served_session(&c->parent);
	if (*error)
		goto fail;
	c->parent_port = served_ref(&c->parent);
	c->space = c->parent_port ? space_new(c->parent_port) : NULL;
	*error = c->space ? make_memory(c, pool) : ENOMEM;
	if (*error)
		goto fail;
	fluke_space_reference(c->space, c->space_ref);
	*error = make_slots(c);
	if (!*error) {
		list_add(c);
		return c;
	}
fail:
	child_destroy(c);
	return NULL;
}

int child_map(struct child *c, fluke_ref_t *region, uint32_t offset, uint32_t va, uint32_t size, fluke_prot_t prot)
{
	fluke_mapping_t *mapping;
	fluke_mapping_state_t state = { 0, offset, va, size, prot };

	if (c->mappings == 16)
		return ENOMEM;
	mapping = slot(c, START_LOADER_MAPPINGS, fluke_mapping_t) + c->mappings++;
	fluke_mapping_create(mapping);
	fluke_mapping_set_state(mapping, &state, region, c->space_ref);
	return 0;
}

int child_write(struct child *c, uint32_t address, const void *data, size_t size)
{
	while (size) {
		size_t n = size < PROTO_BULK_MAX ? size : PROTO_BULK_MAX;
		int error = Segment_write(c->data, address, data, n);

		if (error)
			return error;
		data = (const char *)data + n;
		address += n;
		size -= n;
	}
	return 0;
}

int child_start(struct child *c)
{
	fluke_thread_t *thread = slot(c, START_THREAD, fluke_thread_t);
	fluke_thread_state_t *state = calloc(1, sizeof(*state));
	fluke_thread_links_t links = { 0 };
	int error = ENOMEM;

	links[FLUKE_LINK_SCHEDULER] = ref_new();
	if (!state || !links[FLUKE_LINK_SCHEDULER])
		goto out;
	fluke_thread_create(thread);
	error = thread_scheduler(thread, links[FLUKE_LINK_SCHEDULER], &state->sched_val);
	if (error)
		goto out;
	state->thread_va = START_THREAD;
	state->regs.eip = c->entry;
	state->regs.esp = c->stack;
	links[FLUKE_LINK_SPACE] = c->space_ref;
	fluke_thread_set_state(thread, state, links);
out:
	ref_free(links[FLUKE_LINK_SCHEDULER]);
	free(state);
	return error;
}

void child_end(struct child *c, int status)
{
	int first;

	lock_take(&c->lock);
	first = !c->ended;
	if (first)
		c->status = status;
	c->ended = 1;
	fluke_cond_broadcast(c->changed);
	lock_drop(&c->lock);
	if (first && c->on_end)
		c->on_end(c);
}

int child_wait(struct child *c)
{
	int status;

	lock_take(&c->lock);
	while (!c->ended)
		fluke_cond_wait(c->changed, c->lock.mutex);
	status = c->status;
	lock_drop(&c->lock);
	return status;
}

void child_free(struct child *c)
{
	served_done(&c->parent);
	if (c->exit_request)
		request_drop(c->exit_request);
	lock_done(&c->lock);
	cond_free(c->changed);
	ref_free(c->nesting);
	free(c);
}

void child_destroy(struct child *c)
{
	fluke_ref_t *refs[] = { c->space_ref, c->data, c->data_region, c->objects, c->objects_region,
		c->null, c->fd[0], c->fd[1], c->fd[2] };
	fluke_ref_t *parent_port = c->parent_port;	/* the last reference: its end would release the child under us */

	list_remove(c);
	if (c->window_mapping)
		mapping_free(c->window_mapping);
	if (c->window)
		address_release(c->window, WINDOW_SIZE);
	if (c->pool && fluke_ref_type(c->pool) == FLUKE_TYPE_PORT)
		MemPool_destroy(c->pool);
	ref_free(c->pool);
	if (c->space)
		space_free(c->space);
	for (unsigned n = 0; n < sizeof(refs) / sizeof(refs[0]); n++)
		ref_free(refs[n]);
	for (unsigned n = 0; n < c->services; n++)
		ref_free(c->service[n].ref);
	if (c->parent.port)
		served_end(&c->parent);		/* child_free follows when no method runs */
	else
		free(c);
	ref_free(parent_port);
}
