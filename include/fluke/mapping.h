/* Mappings: the import of part of a region into a space.
 *
 * What is seen at start_va + x of the destination space is what the region shows at region_off +
 * x, with the rights that mapping, region and all levels below have in common.  A null region
 * is no access, a null space no effect.  region_off + size may exceed the region: a fault
 * there goes to the region's keeper.  Mappings of a space never overlap.
 *
 * Changing calls need FLUKE_PROT_WRITE at the object's page.
 *
 * Decided here, where the published documents are silent: the rights of a mapping limit the regions above
 * it too, so that whoever maps memory can lend no more than it sees; protect takes the rights as
 * region_protect does; mapping_reference is there, as the paper counts it for every type. */
#ifndef FLUKE_MAPPING_H
#define FLUKE_MAPPING_H

#include <fluke/types.h>

typedef struct fluke_mapping_state {
	integer_t	hash;		/* read only */
	oskit_addr_t	region_off;	/* bytes into the region, page aligned */
	oskit_addr_t	start_va;	/* where in the destination space, page aligned */
	oskit_size_t	size;		/* bytes, page aligned; 0 = no effect */
	fluke_prot_t	prot;		/* most that is allowed through this mapping */
} fluke_mapping_state_t;

/* Makes a mapping of nothing: links null, size 0.  Short.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (128 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_mapping_create(fluke_mapping_t *new_mapping);
/* The same with *hash as its hash; null pointer or 0 = the kernel chooses.  Written back.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_mapping_create_hash(fluke_mapping_t *new_mapping, integer_t *hash);

/* Ends the mapping; what was derived through it is revoked.  Multi-stage: stopped in the middle, the
 * call or any destroy, move or clear at that place goes on.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT. */
void		fluke_mapping_destroy(fluke_mapping_t *mapping);

/* The same mapping at another address of its object; what it maps is not disturbed.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_mapping_move(fluke_mapping_t *old, fluke_mapping_t *new_mapping);

/* Points the active reference at the mapping.  Short.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT, NOT_REF. */
void		fluke_mapping_reference(fluke_mapping_t *mapping, fluke_ref_t *ref);

/* Reads the state and the links to source and destination; null pointer = not wanted.  Short.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT, NOT_REF. */
void		fluke_mapping_get_state(fluke_mapping_t *mapping, fluke_mapping_state_t *state, fluke_ref_t *region, fluke_ref_t *space);

/* Sets the state and the links; null pointer = leave that part, null reference = no such link.  What
 * the change takes away is revoked before the call ends; growing the window (same region, same space,
 * same region_off - start_va) and adding rights revoke nothing, shrinking it only what is cut off.
 * Short; stopped while revoking, it is simply run again.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT, NOT_REF, NOT_REGION_REF, NOT_SPACE_REF,
 * NOT_ALIGNED, INVALID_PROT (unknown bits), INVALID_ADDRESS (page 0, the entry page, beyond user
 * memory, region_off + size beyond 4 GB), ADDRESS_OVERLAP (another mapping of the space is there). */
void		fluke_mapping_set_state(fluke_mapping_t *mapping, const fluke_mapping_state_t *state, fluke_ref_t *region, fluke_ref_t *space);

/* The same as get_state, another prot, set_state.  Short.
 * Insanities: NO_OBJECT, NOT_MAPPING, INVALID_OBJECT, INVALID_PROT (unknown bits). */
void		fluke_mapping_protect(fluke_mapping_t *mapping, fluke_prot_t prot);

#endif
