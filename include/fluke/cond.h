/* Condition variables.
 *
 * Decided here, where the published documents are silent: an interrupted wait is a spurious wake-up, since
 * the registers name mutex_lock by then; wait returns what lock returns; waiting without the mutex is an
 * insanity; signal wakes the thread that has waited longest. */
#ifndef FLUKE_COND_H
#define FLUKE_COND_H

#include <fluke/types.h>

#define FLUKE_COND_MULTISPACE	0x1	/* kept, without effect */

typedef struct fluke_cond_state {
	integer_t	hash;
	natural_t	flags;
} fluke_cond_state_t;

/* fluke_cond_create: makes a condition variable at that address of the caller's space (64 bytes, so
 * aligned).  Short; faults (write, object) on the page.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (64 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_cond_create(fluke_cond_t *new_cond);

/* fluke_cond_create_hash: the same with a hash for fluke_ref_hash.  *hash 0 or hash null: the kernel
 * chooses; the value used is stored in *hash.  Never changes afterwards.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_cond_create_hash(fluke_cond_t *new_cond, integer_t *hash);

/* fluke_cond_destroy: ends it; references to it read as null from then on.  Its waiters lock their
 * mutexes and return.  Multi-stage: stops between any 32 links and goes on with itself.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT. */
void		fluke_cond_destroy(fluke_cond_t *cond);

/* fluke_cond_move: the same object from now on at another address; references and links stay valid.
 * Its waiters lock their mutexes and return.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_cond_move(fluke_cond_t *old, fluke_cond_t *new_cond);

/* fluke_cond_reference: points the active reference `ref` at it; what that led to before is dropped.
 * Short.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT, NOT_REF. */
void		fluke_cond_reference(fluke_cond_t *cond, fluke_ref_t *ref);

/* fluke_cond_get_state: state: null, or where the record is stored.  inheritor: null, or an active
 * reference, pointed at the thread to which waiters lend their time.  Short.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT, NOT_REF. */
void		fluke_cond_get_state(fluke_cond_t *cond, fluke_cond_state_t *state, fluke_ref_t *inheritor);

/* fluke_cond_set_state: state: null = leave, else the flags.  inheritor: null = leave, else a reference
 * to a thread, or a null one.  Short.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT, NOT_REF, NOT_THREAD_REF, INVALID_STATE (flags). */
void		fluke_cond_set_state(fluke_cond_t *cond, const fluke_cond_state_t *state, fluke_ref_t *inheritor);
struct fluke_mutex;

/* fluke_cond_wait: frees the mutex, which the caller holds, and sleeps until the condition is
 * signalled, destroyed or moved, or the thread is interrupted or stopped; then locks the mutex.
 * Multi-stage: before the sleep the registers become fluke_mutex_lock(mutex).
 * Returns: SUCCESS, OWNER_DIED (what fluke_mutex_lock returns).
 * Insanities: NO_OBJECT, NOT_COND, NOT_MUTEX, INVALID_OBJECT, MUTEX_NOT_LOCKED, MUTEX_NOT_OWNER,
 * MUTEX_LOCKED (somebody made the sleeper the owner). */
fluke_error_t	fluke_cond_wait(fluke_cond_t *cond, fluke_mutex_t *mutex);

/* fluke_cond_signal, fluke_cond_broadcast: wakes the thread that has waited longest (all); none
 * waiting: nothing.  Short.
 * Insanities: NO_OBJECT, NOT_COND, INVALID_OBJECT. */
void		fluke_cond_signal(fluke_cond_t *cond);
void		fluke_cond_broadcast(fluke_cond_t *cond);

#endif
