/* Regions: a window exported from a space.
 *
 * Offset x of the region is start_va + x of its space.  Whoever holds a reference to the region
 * may map it.  Faults that the region or anything in its space refuses go to its keeper port
 * (exception.h); a null keeper, or one that answers without mending, passes them to the
 * keeper of the next region towards the thread, at last to the thread.
 *
 * Changing calls need FLUKE_PROT_WRITE at the object's page.
 *
 * Decided here, where the published documents are silent: the insanities of set_state, after those of
 * mappings.  Search and clear see every object in the range however it came there; what is not resident
 * is fetched by its keeper, asked for OBJECT alone, or skipped at its word: a manager knows what its
 * absent pages hold.  clear and usage are additions: the end of a pool, and the marks of paging. */
#ifndef FLUKE_REGION_H
#define FLUKE_REGION_H

#include <fluke/types.h>

typedef struct fluke_region_state {
	integer_t	hash;		/* read only */
	oskit_addr_t	start_va;	/* bytes, page aligned */
	oskit_size_t	size;		/* bytes, page aligned */
	fluke_prot_t	prot;		/* most that anything derived may have */
} fluke_region_state_t;

typedef struct fluke_obspec {
	oskit_addr_t	ob;		/* address in the region's space */
	fluke_type_t	type;
} fluke_obspec_t;

/* Bits of fluke_region_usage, one byte per page. */
#define FLUKE_USAGE_PRESENT	0x1	/* memory with a frame is there */
#define FLUKE_USAGE_REFERENCED	0x2
#define FLUKE_USAGE_DIRTY	0x4
#define FLUKE_USAGE_OBJECT	0x8	/* holds active objects */

/* Makes a region of nothing: links null, size 0.  Short.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (128 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_region_create(fluke_region_t *new_region);
/* The same with *hash as its hash; null pointer or 0 = the kernel chooses.  Written back.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_region_create_hash(fluke_region_t *new_region, integer_t *hash);

/* Ends the region: all that was derived from it is revoked, mappings of it are no access.
 * Multi-stage: stopped in the middle, the call or any destroy, move or clear at that place goes on.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT. */
void		fluke_region_destroy(fluke_region_t *region);

/* The same region at another address of its object.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_region_move(fluke_region_t *old, fluke_region_t *new_region);

/* Points the active reference at the region.  Short.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, NOT_REF. */
void		fluke_region_reference(fluke_region_t *region, fluke_ref_t *ref);

/* Reads the state and the links to space and keeper; null pointer = not wanted.  The region over
 * physical memory shows a null space.  Short.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, NOT_REF. */
void		fluke_region_get_state(fluke_region_t *region, fluke_region_state_t *state, fluke_ref_t *space, fluke_ref_t *keeper);

/* Sets the state and the links; null pointer = leave that part, null reference = no such link: a
 * region without a space is no access, its keeper gets the faults.  What the change takes away is
 * revoked before the call ends; growing and adding rights revoke nothing.  Short; stopped while
 * revoking, it is simply run again.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, NOT_REF, NOT_SPACE_REF, NOT_PORT_REF,
 * NOT_ALIGNED, INVALID_PROT (unknown bits), INVALID_ADDRESS (reaches the entry page or beyond; of
 * physical memory: more than it was). */
void		fluke_region_set_state(fluke_region_t *region, const fluke_region_state_t *state, fluke_ref_t *space, fluke_ref_t *keeper);

/* The same as get_state, another prot, set_state: rights taken are revoked from everything derived
 * through any number of levels, rights given are found at the next access.  Short.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, INVALID_PROT (unknown bits). */
void		fluke_region_protect(fluke_region_t *region, fluke_prot_t max);

/* Lists the active objects in [*offset, *offset + size), in order, with their addresses in the
 * region's space.  *count: slots of the array, on return those not used.  When all are found *offset
 * is the end of the range; when the array is full *offset lies past the last object listed and not
 * past the next: call again from there.  Pages without OBJECT and holes of the region's own space are
 * left out.  For a hole further up that keeper is asked with access FLUKE_PROT_OBJECT; the first word
 * of its answer, if not 0, is the number of bytes to leave out.  Multi-stage: its place is in the
 * registers.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT. */
void		fluke_region_search(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size,
			fluke_obspec_t *found, natural_t *count);

/* Destroys every object that begins in [*offset, *offset + size), in any order of types; holes as in
 * search.  *offset moves to the end.  Needs WRITE at the region object.  If the region itself or its
 * space is destroyed by it, the call ends there.  Multi-stage: its place is in the registers.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT, CURRENT_THREAD (the caller's own thread is in the
 * range). */
void		fluke_region_clear(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size);

/* Writes one byte of FLUKE_USAGE_* per page of [*offset, *offset + size) to bits, and clears
 * REFERENCED and DIRTY of those pages, for every space that sees them; DIRTY only for who reads it through as many
 * regions (mod 8) between the page and physical memory: a pager above or below is told by its own reading.  The first reading of memory
 * that is mapped in pieces of 2 MB may show the marks of other pages of the piece as well.  Holes
 * read 0; no keeper is asked.  *offset moves to the end.  Multi-stage: its place is in the registers.
 * Insanities: NO_OBJECT, NOT_REGION, INVALID_OBJECT. */
void		fluke_region_usage(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size, uint8_t *bits);

#endif
