/* The only place where a thread blocks or is woken.  A blocked thread's registers name the
 * call that it runs again when woken (or the stage it is in); nothing else remembers it. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "thread.h"

/* Current blocks on the queue, lending its time to `donee` (may be null).  Returns RESTART, which
 * the caller must pass up; ATTENTION_CALL is set so that the call is dispatched again. */
result_t	wait_on(struct waitq *queue, struct thread *donee);
void		wait_wake_one(struct waitq *queue);
void		wait_wake_all(struct waitq *queue);
void		wait_cancel(struct thread *t);		/* leaves its queue, blocked bit cleared */

/* dispatcher (sched.c) */
void		sched_ready(struct thread *t);		/* t became runnable */
void		sched_block(struct thread *t, struct thread *donee);	/* t stopped being runnable */
void		sched_handoff(struct thread *from, struct thread *to);	/* IPC fast path: no decision */
void		sched_set_root(unsigned processor, struct thread *t);

#endif
