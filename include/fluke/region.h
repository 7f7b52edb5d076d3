/* Regions: a window exported from a space. */
#ifndef FLUKE_REGION_H
#define FLUKE_REGION_H

#include <fluke/types.h>

typedef struct fluke_region_state {
	integer_t	hash;
	oskit_addr_t	start_va;	/* bytes, page aligned */
	oskit_size_t	size;		/* bytes, page aligned */
	fluke_prot_t	prot;		/* most that anything derived may have */
} fluke_region_state_t;

typedef struct fluke_obspec {
	oskit_addr_t	ob;		/* address in the region's space */
	fluke_type_t	type;
} fluke_obspec_t;

/* Bits of fluke_region_usage, one byte per page. */
#define FLUKE_USAGE_PRESENT	0x1
#define FLUKE_USAGE_REFERENCED	0x2
#define FLUKE_USAGE_DIRTY	0x4
#define FLUKE_USAGE_OBJECT	0x8

fluke_error_t	fluke_region_create(fluke_region_t *new_region);
fluke_error_t	fluke_region_create_hash(fluke_region_t *new_region, integer_t *hash);
void		fluke_region_destroy(fluke_region_t *region);
void		fluke_region_move(fluke_region_t *old, fluke_region_t *new_region);
void		fluke_region_reference(fluke_region_t *region, fluke_ref_t *ref);
void		fluke_region_get_state(fluke_region_t *region, fluke_region_state_t *state, fluke_ref_t *space, fluke_ref_t *keeper);
void		fluke_region_set_state(fluke_region_t *region, const fluke_region_state_t *state, fluke_ref_t *space, fluke_ref_t *keeper);
void		fluke_region_protect(fluke_region_t *region, fluke_prot_t max);
void		fluke_region_search(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size,
			fluke_obspec_t *found, natural_t *count);
void		fluke_region_clear(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size);
void		fluke_region_usage(fluke_region_t *region, oskit_addr_t *offset, oskit_size_t size, uint8_t *bits);

#endif
