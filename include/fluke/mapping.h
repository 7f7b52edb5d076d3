/* Mappings: the import of part of a region into a space. */
#ifndef FLUKE_MAPPING_H
#define FLUKE_MAPPING_H

#include <fluke/types.h>

typedef struct fluke_mapping_state {
	integer_t	hash;
	oskit_addr_t	region_off;	/* bytes into the region, page aligned */
	oskit_addr_t	start_va;	/* where in the destination space, page aligned */
	oskit_size_t	size;		/* bytes, page aligned */
	fluke_prot_t	prot;
} fluke_mapping_state_t;

fluke_error_t	fluke_mapping_create(fluke_mapping_t *new_mapping);
fluke_error_t	fluke_mapping_create_hash(fluke_mapping_t *new_mapping, integer_t *hash);
void		fluke_mapping_destroy(fluke_mapping_t *mapping);
void		fluke_mapping_move(fluke_mapping_t *old, fluke_mapping_t *new_mapping);
void		fluke_mapping_reference(fluke_mapping_t *mapping, fluke_ref_t *ref);
void		fluke_mapping_get_state(fluke_mapping_t *mapping, fluke_mapping_state_t *state, fluke_ref_t *region, fluke_ref_t *space);
void		fluke_mapping_set_state(fluke_mapping_t *mapping, const fluke_mapping_state_t *state, fluke_ref_t *region, fluke_ref_t *space);
void		fluke_mapping_protect(fluke_mapping_t *mapping, fluke_prot_t prot);

#endif
