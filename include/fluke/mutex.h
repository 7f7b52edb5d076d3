/* Mutexes.
 *
 * Decided here, where the published documents are silent: lock returns an error, since the end of an owner
 * must not pass unseen; flags are kept and without effect, since every mutex may be shared and every
 * waiter lends; trylock by the owner is HELD and no insanity, as it asks and does not wait. */
#ifndef FLUKE_MUTEX_H
#define FLUKE_MUTEX_H

#include <fluke/types.h>

#define FLUKE_MUTEX_INHERIT_PRI	0x1	/* kept, without effect: waiters always lend their time to the owner */
#define FLUKE_MUTEX_PRI_CEILING	0x2	/* kept, without effect */
#define FLUKE_MUTEX_MULTISPACE	0x4	/* kept, without effect: every mutex may be shared */
#define FLUKE_MUTEX_ABANDONED	0x8	/* the owner was destroyed; the next lock returns OWNER_DIED once */

typedef struct fluke_mutex_state {
	integer_t	hash;
	natural_t	flags;
	natural_t	locked;
} fluke_mutex_state_t;

/* fluke_mutex_create: makes a free mutex at that address of the caller's space (64 bytes, so aligned).
 * Short; faults (write, object) on the page.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (64 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_mutex_create(fluke_mutex_t *new_mutex);

/* fluke_mutex_create_hash: the same with a hash for fluke_ref_hash.  *hash 0 or hash null: the kernel
 * chooses; the value used is stored in *hash.  Never changes afterwards.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_mutex_create_hash(fluke_mutex_t *new_mutex, integer_t *hash);

/* fluke_mutex_destroy: ends it; references to it read as null from then on.  Waiters find no object.
 * Multi-stage: stops between any 32 links and goes on with itself.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT. */
void		fluke_mutex_destroy(fluke_mutex_t *mutex);

/* fluke_mutex_move: the same object from now on at another address; references and links stay valid.
 * Waiters lock again at the old address.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_mutex_move(fluke_mutex_t *old, fluke_mutex_t *new_mutex);

/* fluke_mutex_reference: points the active reference `ref` at it; what that led to before is dropped.
 * Short.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, NOT_REF. */
void		fluke_mutex_reference(fluke_mutex_t *mutex, fluke_ref_t *ref);

/* fluke_mutex_get_state: state: null, or where the record is stored.  owner: null, or an active
 * reference, pointed at the holder.  Short.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, NOT_REF. */
void		fluke_mutex_get_state(fluke_mutex_t *mutex, fluke_mutex_state_t *state, fluke_ref_t *owner);

/* fluke_mutex_set_state: state: null = leave, else the flags; locked 0 frees it.  owner: null = leave,
 * else a reference to the thread that holds it from now on (a null one frees it).  Freed, it passes to
 * the first waiter.  Short.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, NOT_REF, NOT_THREAD_REF, INVALID_STATE (flags). */
void		fluke_mutex_set_state(fluke_mutex_t *mutex, const fluke_mutex_state_t *state, fluke_ref_t *owner);

/* fluke_mutex_lock: waits until the mutex is free and takes it; waiters get it in the order of their
 * coming, and lend their time to the holder.  Long; resumes as itself.
 * Returns: SUCCESS, OWNER_DIED (locked, but the former holder was destroyed with it).
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, MUTEX_LOCKED (the caller holds it). */
fluke_error_t	fluke_mutex_lock(fluke_mutex_t *mutex);

/* fluke_mutex_trylock: the same without waiting: FLUKE_MUTEX_HELD if anybody, the caller included,
 * holds it.  Short.
 * Returns: SUCCESS, OWNER_DIED, MUTEX_HELD (by anybody, the caller included).
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT. */
fluke_error_t	fluke_mutex_trylock(fluke_mutex_t *mutex);

/* fluke_mutex_unlock: gives the mutex up, to the first waiter if there is one.  Short.
 * Insanities: NO_OBJECT, NOT_MUTEX, INVALID_OBJECT, MUTEX_NOT_LOCKED, MUTEX_NOT_OWNER. */
void		fluke_mutex_unlock(fluke_mutex_t *mutex);

#endif
