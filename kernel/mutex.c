/* Mutexes.  A thread lists those it holds (thread.owned), so that they are freed when it ends.
 * Waiters lend their time to the holder.  Unlocking hands a mutex to the first waiter, whose lock
 * call is then complete: no wake-up can be lost to a thread that is stopped in between. */
#include "kernel.h"
#include "mutex.h"
#include "wait.h"
#include "sched.h"
#include "vm.h"
#include "machine.h"

_Static_assert(sizeof(struct mutex) == sizeof(fluke_mutex_t), "the size of a mutex is part of the ABI");

#define MUTEX_FLAGS	0xfu

static void own(struct mutex *m, struct thread *t)
{
	m->owner = t;
	m->owned_prev = NULL;
	m->owned_next = t->owned;
	if (t->owned)
		t->owned->owned_prev = m;
	t->owned = m;
}

static void disown(struct mutex *m)
{
	if (!m->owner)
		return;
	if (m->owned_prev)
		m->owned_prev->owned_next = m->owned_next;
	else
		m->owner->owned = m->owned_next;
	if (m->owned_next)
		m->owned_next->owned_prev = m->owned_prev;
	m->owner = NULL;
}

/* t, current or the first waiter, gets the free mutex; returns what its lock call returns. */
static uint32_t take(struct mutex *m, struct thread *t)
{
	own(m, t);
	if (!(m->flags & FLUKE_MUTEX_ABANDONED))
		return FLUKE_SUCCESS;
	m->flags &= ~FLUKE_MUTEX_ABANDONED;
	return FLUKE_OWNER_DIED;
}

/* Before `next` gets the mutex, all who wait for it lend to him instead of to the owner: one bounded step, true when
 * done.  While he waits himself their time goes on to the owner, so nothing changes if this is left half done. */
static int follow_step(struct mutex *m, struct thread *next)
{
	int n = 0, lends;

	for (struct thread *t = m->waiters.head; t; t = t->wait_next) {
		if (t == next || t->donee == next)
			continue;
		if (n == WAKE_STEP)
			return 0;
		lends = t->donee != NULL;
		sched_donate(t, next);
		n += lends || t->donee;		/* who cannot lend to him would be tried for ever */
	}
	return 1;
}

/* resumes as: the same call, of a mutex that is the owner's still */
static result_t follow(struct mutex *m, struct thread *next)
{
	if (!m->waiters.head)
		return OK;
	do {
		if (cpu_poll()) {
			current->attention |= ATTENTION_CALL;
			return RESTART;
		}
	} while (!follow_step(m, next));
	return OK;
}

/* Its owner gives it up: to the first waiter, if any, whom the others lend to already. */
static void release(struct mutex *m)
{
	struct thread *t = m->waiters.head;

	disown(m);
	if (!t)
		return;
	waitq_remove(t);
	t->regs.eax = take(m, t);
	wait_finish(t);
}

result_t mutex_release(struct mutex *m)
{
	TRY(follow(m, m->waiters.head));
	release(m);
	return OK;
}

int mutex_abandon(struct thread *t)
{
	for (unsigned budget = 4; t->owned; budget--) {
		struct mutex *m = t->owned;

		if (!budget || !follow_step(m, m->waiters.head))
			return 0;
		m->flags |= FLUKE_MUTEX_ABANDONED;
		release(m);
	}
	return 1;
}

void mutex_owner_moved(struct thread *t)
{
	for (struct mutex *m = t->owned; m; m = m->owned_next)
		m->owner = t;
}

static int mutex_destroy_step(struct object *o)
{
	struct mutex *m = (struct mutex *)o;

	disown(m);
	return wait_wake_some(&m->waiters);
}

static void mutex_moved(struct object *old, struct object *new_object)
{
	struct mutex *m = (struct mutex *)new_object;

	(void)old;
	if (m->owner) {
		if (m->owned_prev)
			m->owned_prev->owned_next = m;
		else
			m->owner->owned = m;
		if (m->owned_next)
			m->owned_next->owned_prev = m;
	}
	m->waiters = (struct waitq){ NULL, NULL };
}

static int mutex_moved_step(struct object *old, struct object *o)
{
	(void)o;
	return wait_wake_some(&((struct mutex *)old)->waiters);
}

const struct object_type mutex_type = {
	"mutex", sizeof(struct mutex), NULL, mutex_destroy_step, mutex_moved, mutex_moved_step, FLUKE_INSANITY_NOT_MUTEX,
};

static result_t find(uint32_t va, struct mutex **m)
{
	return object_find(va, FLUKE_TYPE_MUTEX, FLUKE_PROT_OBJECT, (struct object **)m);
}

result_t sys_mutex_lock(struct thread *t)
{
	struct mutex *m;

	TRY(find(t->regs.ebx, &m));
	if (m->owner == t)
		return INSANE(MUTEX_LOCKED);
	if (!m->owner) {
		t->regs.eax = take(m, t);
		return OK;
	}
	/* resumes as: fluke_mutex_lock(m) */
	return wait_on(&m->waiters, &m->obj, WAIT_QUEUE, m->owner);
}

result_t sys_mutex_trylock(struct thread *t)
{
	struct mutex *m;

	TRY(find(t->regs.ebx, &m));
	t->regs.eax = m->owner ? FLUKE_MUTEX_HELD : take(m, t);
	return OK;
}

result_t sys_mutex_unlock(struct thread *t)
{
	struct mutex *m;

	TRY(find(t->regs.ebx, &m));
	if (!m->owner)
		return INSANE(MUTEX_NOT_LOCKED);
	if (m->owner != t)
		return INSANE(MUTEX_NOT_OWNER);
	return mutex_release(m);
}

result_t sys_mutex_get_state(struct thread *t)
{
	struct mutex *m;
	struct ref *ref = NULL;

	TRY(find(t->regs.ebx, &m));
	if (t->regs.edx)
		TRY(ref_find(t->regs.edx, &ref));
	if (t->regs.ecx) {
		const fluke_mutex_state_t state = { m->obj.hash, m->flags, m->owner != NULL };

		TRY(user_write(t->regs.ecx, &state, sizeof state));
	}
	if (ref)
		link_set(&ref->link, m->owner ? &m->owner->obj : NULL);
	return OK;
}

/* The owner of edx holds the mutex from now on; `locked` 0 or a null owner frees it. */
result_t sys_mutex_set_state(struct thread *t)
{
	fluke_mutex_state_t state = { 0, 0, 1 };
	struct object *o;
	struct mutex *m;
	struct thread *owner;
	struct ref *ref = NULL;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_MUTEX, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &o));
	m = (struct mutex *)o;
	TRY(ref_check(t->regs.edx, FLUKE_TYPE_THREAD, FLUKE_INSANITY_NOT_THREAD_REF, &ref));
	if (t->regs.ecx) {
		TRY(user_read(&state, t->regs.ecx, sizeof state));
		if (state.flags & ~MUTEX_FLAGS)
			return INSANE(INVALID_STATE);
	}
	owner = ref ? (struct thread *)link_target(&ref->link) : m->owner;
	if (!state.locked)
		owner = NULL;
	if (owner != m->owner)
		TRY(follow(m, owner ? owner : m->waiters.head));
	/* commit */
	if (t->regs.ecx)
		m->flags = state.flags;
	if (owner == m->owner)
		return OK;
	if (!owner) {
		release(m);
		return OK;
	}
	disown(m);
	own(m, owner);
	if (owner->wait_queue == &m->waiters)
		sched_donate(owner, NULL);
	return OK;
}
