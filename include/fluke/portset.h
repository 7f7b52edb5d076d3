/* Port sets: where server threads wait.  Decided here: set_state, which the
 * manual's numbering demands and does not name, sets nothing, for the only field is the hash. */
#ifndef FLUKE_PORTSET_H
#define FLUKE_PORTSET_H

#include <fluke/types.h>

typedef struct fluke_portset_state {
	integer_t	hash;
} fluke_portset_state_t;

/* fluke_portset_create: makes an empty port set at that address of the caller's space (64 bytes, so
 * aligned).  Short; faults (write, object) on the page.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (64 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_portset_create(fluke_portset_t *new_portset);

/* fluke_portset_create_hash: the same with a hash for fluke_ref_hash.  *hash 0 or hash null: the
 * kernel chooses; the value used is stored in *hash.  Never changes afterwards.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_portset_create_hash(fluke_portset_t *new_portset, integer_t *hash);

/* fluke_portset_destroy: ends it; references to it read as null from then on.  Its ports have no set
 * from then on; servers that wait on it find no object.  Multi-stage: stops between any 32 links and
 * goes on with itself.
 * Insanities: NO_OBJECT, NOT_PORTSET, INVALID_OBJECT. */
void		fluke_portset_destroy(fluke_portset_t *portset);

/* fluke_portset_move: the same object from now on at another address; references and links stay valid.
 * Servers that wait on it do so again at the old address.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_PORTSET, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_portset_move(fluke_portset_t *old, fluke_portset_t *new_portset);

/* fluke_portset_reference: points the active reference `ref` at it; what that led to before is
 * dropped.  Short.
 * Insanities: NO_OBJECT, NOT_PORTSET, INVALID_OBJECT, NOT_REF. */
void		fluke_portset_reference(fluke_portset_t *portset, fluke_ref_t *ref);

/* fluke_portset_get_state, fluke_portset_set_state: the state is the hash, which cannot be set.
 * Short.
 * Insanities: NO_OBJECT, NOT_PORTSET, INVALID_OBJECT. */
void		fluke_portset_get_state(fluke_portset_t *portset, fluke_portset_state_t *state);
void		fluke_portset_set_state(fluke_portset_t *portset, const fluke_portset_state_t *state);

#endif
