/* The only place where a thread blocks or is woken.  A blocked thread's registers name the
 * call that it runs again when woken (or the stage it is in); nothing else remembers it. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "thread.h"

/* Current blocks (on the queue unless null) with that wait_kind, lending its time to `donee` (may
 * be null).  Returns RESTART, which the caller must pass up: the call that the registers name is
 * dispatched again after wait_wake().  Does not block when an asynchronous exception is due. */
result_t	wait_on(struct waitq *queue, struct object *object, enum wait_kind kind, struct thread *donee);
#define wait_on(queue, object, kind, donee) (PLACE(WAIT, 0, 0), (wait_on)(queue, object, kind, donee))
void		waitq_append(struct waitq *queue, struct thread *t);
void		waitq_remove(struct thread *t);		/* leaves its queue, if any */

void		wait_wake(struct thread *t);		/* runs its call again */
/* Woken as by wait_wake, but the caller, which must be current, goes on to wait_on() with t as donee
 * without anything in between: time passes directly, nobody's scheduler is asked. */
void		wait_pass(struct thread *t);
void		wait_finish(struct thread *t);		/* its call is complete: registers hold the results */
#define WAKE_STEP	6	/* at most so many between two preemption points */
int		wait_wake_some(struct waitq *queue);	/* one bounded step; true when nobody is left */
void		wait_cancel(struct thread *t);		/* rolled back; does not become ready by this alone */

#endif
