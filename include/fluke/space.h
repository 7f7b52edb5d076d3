/* Spaces: an address space; holds mappings, runs threads. */
#ifndef FLUKE_SPACE_H
#define FLUKE_SPACE_H

#include <fluke/types.h>

typedef struct fluke_space_state {
	integer_t	hash;
} fluke_space_state_t;

fluke_error_t	fluke_space_create(fluke_space_t *new_space);
fluke_error_t	fluke_space_create_hash(fluke_space_t *new_space, integer_t *hash);
void		fluke_space_destroy(fluke_space_t *space);
void		fluke_space_move(fluke_space_t *old, fluke_space_t *new_space);
void		fluke_space_reference(fluke_space_t *space, fluke_ref_t *ref);
void		fluke_space_get_state(fluke_space_t *space, fluke_space_state_t *state, fluke_ref_t *keeper);
void		fluke_space_set_state(fluke_space_t *space, const fluke_space_state_t *state, fluke_ref_t *keeper);

#endif
