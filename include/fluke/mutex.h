/* Mutexes. */
#ifndef FLUKE_MUTEX_H
#define FLUKE_MUTEX_H

#include <fluke/types.h>

#define FLUKE_MUTEX_INHERIT_PRI	0x1	/* waiters lend their time to the owner */
#define FLUKE_MUTEX_PRI_CEILING	0x2	/* kept, without effect */
#define FLUKE_MUTEX_MULTISPACE	0x4	/* kept, without effect: every mutex may be shared */
#define FLUKE_MUTEX_ABANDONED	0x8	/* the owner was destroyed; the next lock returns OWNER_DIED once */

typedef struct fluke_mutex_state {
	integer_t	hash;
	natural_t	flags;
	natural_t	locked;
} fluke_mutex_state_t;

fluke_error_t	fluke_mutex_create(fluke_mutex_t *new_mutex);
fluke_error_t	fluke_mutex_create_hash(fluke_mutex_t *new_mutex, integer_t *hash);
void		fluke_mutex_destroy(fluke_mutex_t *mutex);
void		fluke_mutex_move(fluke_mutex_t *old, fluke_mutex_t *new_mutex);
void		fluke_mutex_reference(fluke_mutex_t *mutex, fluke_ref_t *ref);
void		fluke_mutex_get_state(fluke_mutex_t *mutex, fluke_mutex_state_t *state, fluke_ref_t *owner);
void		fluke_mutex_set_state(fluke_mutex_t *mutex, const fluke_mutex_state_t *state, fluke_ref_t *owner);
fluke_error_t	fluke_mutex_lock(fluke_mutex_t *mutex);
fluke_error_t	fluke_mutex_trylock(fluke_mutex_t *mutex);
void		fluke_mutex_unlock(fluke_mutex_t *mutex);

#endif
