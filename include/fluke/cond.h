/* Condition variables. */
#ifndef FLUKE_COND_H
#define FLUKE_COND_H

#include <fluke/types.h>

#define FLUKE_COND_MULTISPACE	0x1	/* kept, without effect */

typedef struct fluke_cond_state {
	integer_t	hash;
	natural_t	flags;
} fluke_cond_state_t;

fluke_error_t	fluke_cond_create(fluke_cond_t *new_cond);
fluke_error_t	fluke_cond_create_hash(fluke_cond_t *new_cond, integer_t *hash);
void		fluke_cond_destroy(fluke_cond_t *cond);
void		fluke_cond_move(fluke_cond_t *old, fluke_cond_t *new_cond);
void		fluke_cond_reference(fluke_cond_t *cond, fluke_ref_t *ref);
void		fluke_cond_get_state(fluke_cond_t *cond, fluke_cond_state_t *state, fluke_ref_t *inheritor);
void		fluke_cond_set_state(fluke_cond_t *cond, const fluke_cond_state_t *state, fluke_ref_t *inheritor);
struct fluke_mutex;
fluke_error_t	fluke_cond_wait(fluke_cond_t *cond, fluke_mutex_t *mutex);
void		fluke_cond_signal(fluke_cond_t *cond);
void		fluke_cond_broadcast(fluke_cond_t *cond);

#endif
