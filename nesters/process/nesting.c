/* What the manager holds, for the view of the nesting (nest/nesting.h): its processes, by number.
 *
 * `child` runs under the lock as every method does.  `whose` takes none, since a tracer asks it for a thread of the manager's own
 * that waits for it with the lock: it reads the table as it is, and what is half changed is answered wrongly at worst. */
#include <stdio.h>
#include <string.h>
#include <native.h>
#include <linux_abi.h>
#include <nest/nesting.h>
#include "manager.h"

int nesting_take(struct process *p, fluke_ref_t *view)
{
	if (!view || fluke_ref_type(view) != FLUKE_TYPE_PORT)
		return EINVAL;
	if (p->body->nesting)
		return EBUSY;
	p->body->nesting = ref_dup(view);
	return p->body->nesting ? 0 : ENOMEM;
}

void nesting_forget(struct body *b)
{
	ref_free(b->nesting);
	b->nesting = NULL;
}

static void describe(const struct process *p, struct nesting_child *c)
{
	static const uint8_t states[] = { [PROCESS_RUNNING] = NESTING_LIVES, [PROCESS_STOPPED] = NESTING_STOPPED, [PROCESS_ZOMBIE] = NESTING_ENDED };

	c->number = (uint32_t)p->pid;
	c->state = states[p->state];
	snprintf(c->name, sizeof c->name, "%s[%d]", p->name, p->pid);
}

static struct process *from_number(uint32_t from)
{
	struct process *found = NULL;

	for (struct process *p = process_next(NULL); p; p = process_next(p))
		if ((uint32_t)p->pid >= from && (!found || p->pid < found->pid))
			found = p;
	return found;
}

static int count(void *argument)
{
	struct nesting_child *c = argument;
	struct process *p = process_find((int)c->number);

	if (p->body->nesting)
		fluke_ref_copy(p->body->nesting, c->view);
	nesting_count(&p->body->objects->objects_region, &p->body->objects->pool, &c->numbers);
	return 0;
}

void nest_child(uint32_t from, struct nesting_child *c)
{
	struct process *p;

	manager_enter();
	p = from_number(from);
	if (p) {
		describe(p, c);
		if (p->body)
			guarded(count, c);
	}
	manager_leave();
}

static int has_thread(const struct process *p, uint32_t hash)
{
	for (int n = 0; n < p->slots; n++)
		if (p->thread[n].address && p->thread[n].hash == hash)
			return 1;
	return 0;
}

/* A program for the Fluke API starts threads that the table does not know. */
static int has_unknown_thread(const struct process *p, uint32_t hash)
{
	const struct body *b = p->body;

	return b && b->nesting && nesting_has_thread(&b->objects->objects_region, hash);
}

static int copy_view(void *argument)
{
	struct nesting_child *c = argument;
	struct process *p = process_find((int)c->number);

	if (p && p->body && p->body->nesting)
		fluke_ref_copy(p->body->nesting, c->view);
	return 0;
}

int nest_whose(uint32_t hash, uint32_t from, struct nesting_child *c)
{
	struct process *p, *next = NULL;

	for (p = process_next(NULL); p; p = process_next(p)) {
		if (has_thread(p, hash) || has_unknown_thread(p, hash)) {
			describe(p, c);
			return 1;
		}
		if (p->body && p->body->nesting && (uint32_t)p->pid >= from && (!next || p->pid < next->pid))
			next = p;
	}
	if (next) {
		describe(next, c);
		nesting_guarded(copy_view, c);
	}
	return 0;
}
