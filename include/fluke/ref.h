/* References: one capability each. */
#ifndef FLUKE_REF_H
#define FLUKE_REF_H

#include <fluke/types.h>

fluke_error_t	fluke_ref_create(fluke_ref_t *new_ref);
void		fluke_ref_destroy(fluke_ref_t *ref);
void		fluke_ref_move(fluke_ref_t *old, fluke_ref_t *new_ref);
void		fluke_ref_copy(fluke_ref_t *from, fluke_ref_t *to);
void		fluke_ref_clear(fluke_ref_t *ref);			/* make it null */
natural_t	fluke_ref_compare(fluke_ref_t *a, fluke_ref_t *b);	/* 1 = same object (two nulls are the same) */
integer_t	fluke_ref_hash(fluke_ref_t *ref);			/* 0 for null */
fluke_type_t	fluke_ref_type(fluke_ref_t *ref);

#endif
