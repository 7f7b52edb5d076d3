/* Spaces: an address space; holds mappings, runs threads.
 *
 * A space is the destination of mappings and the source of regions.  It uses page tables only
 * while threads run in it, so a bare space is a cheap container of mappings (a segment).
 *
 * Changing calls need FLUKE_PROT_WRITE at the object's page.
 *
 * Decided here: destroying a space does not wait for its threads; they stop, having none, and may be
 * given another, since waiting for them could last. */
#ifndef FLUKE_SPACE_H
#define FLUKE_SPACE_H

#include <fluke/types.h>

typedef struct fluke_space_state {
	integer_t	hash;		/* read only */
} fluke_space_state_t;

/* Makes an empty space: no mappings, keeper null.  Short.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (256 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_space_create(fluke_space_t *new_space);
/* The same with *hash as its hash; null pointer or 0 = the kernel chooses.  The hash used is written
 * back.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_space_create_hash(fluke_space_t *new_space, integer_t *hash);

/* Ends the space.  All that was derived through regions over it is revoked; its mappings and regions
 * stay, with a null space; its threads stop until given another one, the caller too.  Multi-stage:
 * stopped in the middle, the call or any destroy, move or clear at that place goes on.
 * Insanities: NO_OBJECT, NOT_SPACE, INVALID_OBJECT. */
void		fluke_space_destroy(fluke_space_t *space);

/* The same space at another address: references, mappings, regions, threads follow.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_SPACE, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_space_move(fluke_space_t *old, fluke_space_t *new_space);

/* Points the active reference at the space.  Short.
 * Insanities: NO_OBJECT, NOT_SPACE, INVALID_OBJECT, NOT_REF. */
void		fluke_space_reference(fluke_space_t *space, fluke_ref_t *ref);

/* Reads the state and the link to the keeper: the port that gets exceptions of the space's threads
 * which have no handler of their own, or exceptions disabled.  A null pointer = not wanted.  Short.
 * Insanities: NO_OBJECT, NOT_SPACE, INVALID_OBJECT, NOT_REF. */
void		fluke_space_get_state(fluke_space_t *space, fluke_space_state_t *state, fluke_ref_t *keeper);

/* Sets the keeper: null pointer = leave it, null reference = none.  The hash is not changed.  Short.
 * Insanities: NO_OBJECT, NOT_SPACE, INVALID_OBJECT, NOT_REF, NOT_PORT_REF. */
void		fluke_space_set_state(fluke_space_t *space, const fluke_space_state_t *state, fluke_ref_t *keeper);

#endif
