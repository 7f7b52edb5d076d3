/* Mutexes, conditions and semaphores of user threads.  A mutex is handed over: an unlock with waiters
 * makes the first of them the owner.  A signalled thread goes from the condition's queue to the
 * mutex's, and runs when it is the owner. */
#include <linux_abi.h>
#include "uthread.h"

/* t shall have the mutex: at once, or after the others. */
static void want(struct uthread_mutex *m, struct uthread *t)
{
	if (m->owner) {
		uthread_append(&m->waiters, t);
	} else {
		m->owner = t;
		uthread_ready(t);
	}
}

static void hand_over(struct uthread_mutex *m)
{
	m->owner = uthread_take(&m->waiters);
	if (m->owner)
		uthread_ready(m->owner);
}

void uthread_mutex_lock(struct uthread_mutex *m)
{
	struct uthread *self;

	uthread_enter();
	self = uthread_self();
	if (!m->owner) {
		m->owner = self;
	} else {
		uthread_append(&m->waiters, self);
		uthread_block();
	}
	uthread_leave();
}

int uthread_mutex_trylock(struct uthread_mutex *m)
{
	int error = EBUSY;

	uthread_enter();
	if (!m->owner) {
		m->owner = uthread_self();
		error = 0;
	}
	uthread_leave();
	return error;
}

void uthread_mutex_unlock(struct uthread_mutex *m)
{
	uthread_enter();
	hand_over(m);
	uthread_leave();
}

void uthread_cond_wait(struct uthread_cond *c, struct uthread_mutex *m)
{
	struct uthread *self;

	uthread_enter();
	self = uthread_self();
	self->mutex = m;
	uthread_append(&c->waiters, self);
	hand_over(m);
	uthread_block();
	uthread_leave();
}

void uthread_cond_signal(struct uthread_cond *c)
{
	struct uthread *t;

	uthread_enter();
	t = uthread_take(&c->waiters);
	if (t)
		want(t->mutex, t);
	uthread_leave();
}

void uthread_cond_broadcast(struct uthread_cond *c)
{
	struct uthread *t;

	uthread_enter();
	while ((t = uthread_take(&c->waiters)) != NULL)
		want(t->mutex, t);
	uthread_leave();
}

void uthread_semaphore_wait(struct uthread_semaphore *s)
{
	uthread_enter();
	if (s->count) {
		s->count--;
	} else {
		uthread_append(&s->waiters, uthread_self());
		uthread_block();
	}
	uthread_leave();
}

void uthread_semaphore_post(struct uthread_semaphore *s)
{
	struct uthread *t;

	uthread_enter();
	t = uthread_take(&s->waiters);
	if (t)
		uthread_ready(t);
	else
		s->count++;
	uthread_leave();
}
