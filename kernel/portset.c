/* Port sets: where servers wait for messages and schedulers sleep.  A set does not list its
 * ports, only those where something waits (port.c). */
#include "kernel.h"
#include "port.h"
#include "wait.h"
#include "vm.h"

_Static_assert(sizeof(struct portset) == sizeof(fluke_portset_t), "the size of a port set is part of the ABI");

/* Queued clients of the set lend their time to who took the last message. */
void portset_served(struct portset *set, struct thread *s)
{
	if (set->last == s)
		return;
	if (set->last)
		set->last->last_of = NULL;
	if (s->last_of)
		s->last_of->last = NULL;
	set->last = s;
	s->last_of = set;
}

static int portset_destroy_step(struct object *o)
{
	struct portset *set = (struct portset *)o;

	if (!wait_wake_some(&set->servers) || !wait_wake_some(&set->sleepers))
		return 0;
	for (int n = 0; set->active; n++) {
		struct port *port = set->active;

		if (n == 32)
			return 0;
		set->active = port->active_next == port ? NULL : port->active_next;
		port->active_prev->active_next = port->active_next;
		port->active_next->active_prev = port->active_prev;
		port->active_next = port->active_prev = NULL;
	}
	if (set->last)
		set->last->last_of = NULL;
	set->last = NULL;
	return 1;
}

static void portset_moved(struct object *old_object, struct object *new_object)
{
	struct portset *old = (struct portset *)old_object, *set = (struct portset *)new_object;

	old->active = NULL;		/* nothing waits there for those who still sleep there */
	set->servers = set->sleepers = (struct waitq){ NULL, NULL };
	if (set->last)
		set->last->last_of = set;
}

static int portset_moved_step(struct object *o, struct object *new_object)
{
	struct portset *old = (struct portset *)o;

	(void)new_object;
	return wait_wake_some(&old->servers) && wait_wake_some(&old->sleepers);
}

const struct object_type portset_type = {
	"portset", sizeof(struct portset), NULL, portset_destroy_step, portset_moved, portset_moved_step, FLUKE_INSANITY_NOT_PORTSET,
};

result_t sys_portset_get_state(struct thread *t)
{
	struct object *o;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_PORTSET, FLUKE_PROT_OBJECT, &o));
	if (t->regs.ecx) {
		const fluke_portset_state_t state = { o->hash };

		TRY(user_write(t->regs.ecx, &state, sizeof state));
	}
	return OK;
}

/* The state is the hash, which cannot be set. */
result_t sys_portset_set_state(struct thread *t)
{
	struct object *o;

	return object_find(t->regs.ebx, FLUKE_TYPE_PORTSET, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &o);
}
