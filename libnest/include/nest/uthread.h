/* User-level threads: many on few kernel threads (the carriers), in the manner of scheduler activations, built on CPU
 * inheritance.  The caller of uthread_run becomes the package's scheduler: it lends its processor to the carrier of
 * the user threads that can run, and gets it back at once when that blocks in the kernel; then another carrier goes
 * on with the others.  A carrier that wakes goes first if it had used little time before.
 *
 * fork, switch, join and all of the synchronisation here happen without the kernel.  Any kernel call or RPC may be
 * made, and blocks its user thread alone, as long as there is a carrier left.
 *
 * Rules: one uthread_run at a time; only user threads may call the functions below.  Between user threads that
 * compute there is no time slice: they yield.  No kernel mutex (struct lock) may be held over a function that can
 * switch, since it belongs to the carrier and the thread may go on with another one. */
#ifndef UTHREAD_H
#define UTHREAD_H

#include <stddef.h>
#include <stdint.h>

struct uthread;

struct uthread_queue { struct uthread *head, *tail; };

#define UTHREAD_STACK	16384u

/* Runs entry(argument) as the first user thread; returns when all user threads have ended: 0, ENOMEM, or EDEADLK when
 * every one that is left waits for another.  carriers: kernel threads at most, at least 1: of that many user threads
 * less one the waits in the kernel overlap with each other and with computation. */
int	uthread_run(void (*entry)(void *), void *argument, unsigned carriers);

/* A new user thread, which begins when the caller or another one switches; stack 0 = UTHREAD_STACK.  Null: no memory.  It is to be
 * joined by one thread, or detached; then the pointer leads nowhere. */
struct uthread	*uthread_create(void (*entry)(void *), void *argument, size_t stack);
void	uthread_join(struct uthread *thread);
void	uthread_detach(struct uthread *thread);
void	uthread_exit(void) __attribute__((noreturn));
void	uthread_yield(void);			/* behind all others that can run */
struct uthread	*uthread_self(void);

struct uthread_mutex { struct uthread *owner; struct uthread_queue waiters; };		/* zero: free */
struct uthread_cond { struct uthread_queue waiters; };					/* zero: nobody waits */
struct uthread_semaphore { uint32_t count; struct uthread_queue waiters; };

void	uthread_mutex_lock(struct uthread_mutex *mutex);
int	uthread_mutex_trylock(struct uthread_mutex *mutex);	/* 0, or EBUSY */
void	uthread_mutex_unlock(struct uthread_mutex *mutex);	/* to the first who waits, if any */
void	uthread_cond_wait(struct uthread_cond *cond, struct uthread_mutex *mutex);	/* no wake-up without a signal */
void	uthread_cond_signal(struct uthread_cond *cond);
void	uthread_cond_broadcast(struct uthread_cond *cond);
void	uthread_semaphore_wait(struct uthread_semaphore *semaphore);
void	uthread_semaphore_post(struct uthread_semaphore *semaphore);

/* What the present or last uthread_run has done. */
struct uthread_statistics {
	uint32_t	switches;		/* from one user thread to another or to the carrier, without the kernel */
	uint32_t	donations;		/* times that the scheduler lent its processor */
	uint32_t	blocked;		/* times that a user thread went to sleep in the kernel */
	uint32_t	carriers;		/* made */
	uint32_t	deferred;		/* wake-ups that came in a critical section and had to wait for its end */
};
extern struct uthread_statistics uthread_statistics;

#endif
