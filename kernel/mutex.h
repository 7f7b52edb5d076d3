/* Mutexes and condition variables. */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <fluke/mutex.h>
#include <fluke/cond.h>
#include "thread.h"

struct mutex {			/* 64 bytes */
	struct object	obj;
	uint32_t	flags;		/* FLUKE_MUTEX_* */
	struct thread	*owner;		/* holder; null when free */
	struct mutex	*owned_next, *owned_prev;	/* in owner->owned */
	struct waitq	waiters;
	uint32_t	room[6];
};

struct cond {			/* 64 bytes */
	struct object	obj;
	uint32_t	flags;
	struct link	inheritor;
	struct waitq	waiters;	/* their registers name mutex_lock already */
	uint32_t	room[6];
};

result_t mutex_release(struct mutex *m);	/* current, its owner, gives it up: to the first waiter, if any; or RESTART, nothing done */
int	mutex_abandon(struct thread *t);	/* t is being destroyed: one bounded step; true when none is left */
void	mutex_owner_moved(struct thread *t);	/* t is the new address of an owner */

#endif
