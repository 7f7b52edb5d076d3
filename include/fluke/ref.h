/* References: one capability each.
 *
 * A reference leads to an object of any type but ref, or to nothing (null).  It is made to point
 * by T_reference, by a get_state or by receiving a message.  Its target need not be mapped in
 * the holder's space; when the target is destroyed the reference reads as null; when it moves
 * the reference follows.  Nothing can point at a reference.
 *
 * Of the insanities of every call: NO_OBJECT: nothing active begins there, NOT_REF (NOT_T): something
 * else does, INVALID_OBJECT: no user address, or not a multiple of 32.  A page without
 * FLUKE_PROT_OBJECT, or without WRITE where the reference is changed, is a page fault of that access.
 *
 * Decided here, where the published documents are silent: every type but ref can be referred to, mappings
 * too, as states have links to most; the eighth call is clear, since who holds a reference for
 * another must be able to let go of it alone; compare answers 1 or 0, and two nulls are equal. */
#ifndef FLUKE_REF_H
#define FLUKE_REF_H

#include <fluke/types.h>

/* Makes a null reference at new_ref.  Short.  Its page becomes an object page, to be touched by
 * nobody; needs OBJECT and WRITE.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (32 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_ref_create(fluke_ref_t *new_ref);

/* Ends the reference; its target does not notice, except a port with FLUKE_PORT_NOREFS_NOTIFY that
 * loses its last one.  Short; needs WRITE.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
void		fluke_ref_destroy(fluke_ref_t *ref);

/* The same reference at another address; its target counts it on.  Short; needs WRITE at both.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_ref_move(fluke_ref_t *old, fluke_ref_t *new_ref);

/* `to` (active) leads where `from` leads, its old target forgotten; a dead `from` makes it null.
 * Short; needs WRITE at `to`.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
void		fluke_ref_copy(fluke_ref_t *from, fluke_ref_t *to);

/* Makes it null.  Short; needs WRITE.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
void		fluke_ref_clear(fluke_ref_t *ref);

/* Returns 1 if both lead to the same object, or to none, else 0.  Short.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
natural_t	fluke_ref_compare(fluke_ref_t *a, fluke_ref_t *b);

/* Returns the hash of the target, 0 for null.  Unequal hashes mean different objects; equal ones call
 * for fluke_ref_compare.  Short.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
integer_t	fluke_ref_hash(fluke_ref_t *ref);

/* Returns the type of the target, FLUKE_NULL for null or dead.  Short.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
fluke_type_t	fluke_ref_type(fluke_ref_t *ref);

#endif
