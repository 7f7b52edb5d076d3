/* Condition variables.  Before a thread sleeps its registers become mutex_lock(m): a signal and
 * an interruption both just lock the mutex, and the wait is not repeated. */
#include "kernel.h"
#include "mutex.h"
#include "ipc.h"
#include "wait.h"
#include "vm.h"
#include "machine.h"

_Static_assert(sizeof(struct cond) == sizeof(fluke_cond_t), "the size of a condition variable is part of the ABI");

static int cond_destroy_step(struct object *o)
{
	struct cond *c = (struct cond *)o;

	if (!wait_wake_some(&c->waiters))
		return 0;
	link_clear(&c->inheritor);
	return 1;
}

static void cond_moved(struct object *old_object, struct object *new_object)
{
	struct cond *old = (struct cond *)old_object, *c = (struct cond *)new_object;

	link_move(&old->inheritor, &c->inheritor);
	c->waiters = (struct waitq){ NULL, NULL };
}

static int cond_moved_step(struct object *old, struct object *o)
{
	(void)o;
	return wait_wake_some(&((struct cond *)old)->waiters);
}

const struct object_type cond_type = {
	"cond", sizeof(struct cond), NULL, cond_destroy_step, cond_moved, cond_moved_step, FLUKE_INSANITY_NOT_COND,
};

static result_t find(uint32_t va, struct cond **c)
{
	return object_find(va, FLUKE_TYPE_COND, FLUKE_PROT_OBJECT, (struct object **)c);
}

/* Condition at ebx, mutex at ecx, which the caller holds. */
result_t sys_cond_wait(struct thread *t)
{
	struct cond *c;
	struct object *o;
	struct mutex *m;

	TRY(find(t->regs.ebx, &c));
	TRY(object_find(t->regs.ecx, FLUKE_TYPE_MUTEX, FLUKE_PROT_OBJECT, &o));
	m = (struct mutex *)o;
	if (!m->owner)
		return INSANE(MUTEX_NOT_LOCKED);
	if (m->owner != t)
		return INSANE(MUTEX_NOT_OWNER);
	TRY(mutex_release(m));
	/* commit; resumes as: fluke_mutex_lock(m) */
	t->regs.eax = FLUKE_CALL_mutex_lock;
	t->regs.ebx = t->regs.ecx;
	return wait_on(&c->waiters, &c->obj, WAIT_QUEUE, (struct thread *)link_target(&c->inheritor));
}

result_t sys_cond_signal(struct thread *t)
{
	struct cond *c;

	TRY(find(t->regs.ebx, &c));
	if (c->waiters.head)
		wait_wake(c->waiters.head);
	return OK;
}

result_t sys_cond_broadcast(struct thread *t)
{
	struct cond *c;

	TRY(find(t->regs.ebx, &c));
	do {
		if (cpu_poll()) {	/* who comes to wait meanwhile is woken too */
			t->attention |= ATTENTION_CALL;
			return RESTART;
		}
	} while (!wait_wake_some(&c->waiters));
	return OK;
}

result_t sys_cond_get_state(struct thread *t)
{
	struct cond *c;
	struct ref *ref = NULL;

	TRY(find(t->regs.ebx, &c));
	if (t->regs.edx)
		TRY(ref_find(t->regs.edx, &ref));
	if (t->regs.ecx) {
		const fluke_cond_state_t state = { c->obj.hash, c->flags };

		TRY(user_write(t->regs.ecx, &state, sizeof state));
	}
	if (ref)
		link_set(&ref->link, link_target(&c->inheritor));
	return OK;
}

result_t sys_cond_set_state(struct thread *t)
{
	fluke_cond_state_t state;
	struct object *o;
	struct cond *c;
	struct ref *ref = NULL;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_COND, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &o));
	c = (struct cond *)o;
	TRY(ref_check(t->regs.edx, FLUKE_TYPE_THREAD, FLUKE_INSANITY_NOT_THREAD_REF, &ref));
	if (t->regs.ecx) {
		TRY(user_read(&state, t->regs.ecx, sizeof state));
		if (state.flags & ~FLUKE_COND_MULTISPACE)
			return INSANE(INVALID_STATE);
	}
	/* commit */
	if (t->regs.ecx)
		c->flags = state.flags;
	if (ref)
		link_set(&c->inheritor, link_target(&ref->link));
	return OK;
}
