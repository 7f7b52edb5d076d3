/* Port sets: where server threads wait. */
#ifndef FLUKE_PORTSET_H
#define FLUKE_PORTSET_H

#include <fluke/types.h>

typedef struct fluke_portset_state {
	integer_t	hash;
} fluke_portset_state_t;

fluke_error_t	fluke_portset_create(fluke_portset_t *new_portset);
fluke_error_t	fluke_portset_create_hash(fluke_portset_t *new_portset, integer_t *hash);
void		fluke_portset_destroy(fluke_portset_t *portset);
void		fluke_portset_move(fluke_portset_t *old, fluke_portset_t *new_portset);
void		fluke_portset_reference(fluke_portset_t *portset, fluke_ref_t *ref);
void		fluke_portset_get_state(fluke_portset_t *portset, fluke_portset_state_t *state);
void		fluke_portset_set_state(fluke_portset_t *portset, const fluke_portset_state_t *state);

#endif
