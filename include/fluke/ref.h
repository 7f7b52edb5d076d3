/* References: one capability each.
 *
 * A reference leads to an object of any type but ref, or to nothing (null).  It is made to point
 * by T_reference, by a get_state or by receiving a message.  Its target need not be mapped in
 * the holder's space; when the target is destroyed the reference reads as null; when it moves
 * the reference follows.  Nothing can point at a reference.
 *
 * Insanities that every call here may raise, besides those named: NO_OBJECT (nothing active
 * begins there), NOT_REF (something else does), INVALID_OBJECT (no user address, or not a
 * multiple of 32).  A page without FLUKE_PROT_OBJECT, or without WRITE where the reference
 * is changed, is a page fault of that access. */
#ifndef FLUKE_REF_H
#define FLUKE_REF_H

#include <fluke/types.h>

/* Makes a null reference at new_ref.  Short.
 * Returns SUCCESS; NO_MEMORY: the address is device memory.
 * Insane: NOT_ALIGNED (32 bytes), OBJECT_EXISTS (the place overlaps an active object), INVALID_OBJECT.
 * Its page becomes an object page, to be touched by nobody; needs OBJECT and WRITE. */
fluke_error_t	fluke_ref_create(fluke_ref_t *new_ref);

/* Ends the reference; its target does not notice, except a port with FLUKE_PORT_NOREFS_NOTIFY
 * that loses its last one.  Short; needs WRITE. */
void		fluke_ref_destroy(fluke_ref_t *ref);

/* The same reference at another address; its target counts it on.  Short; needs WRITE at both.
 * Insane: NOT_ALIGNED, OBJECT_EXISTS as for create. */
void		fluke_ref_move(fluke_ref_t *old, fluke_ref_t *new_ref);

/* `to` (active) leads where `from` leads, its old target forgotten; a dead `from` makes it null.
 * Short; needs WRITE at `to`. */
void		fluke_ref_copy(fluke_ref_t *from, fluke_ref_t *to);

/* Makes it null.  Short; needs WRITE. */
void		fluke_ref_clear(fluke_ref_t *ref);

/* Returns 1 if both lead to the same object, or to none, else 0.  Short. */
natural_t	fluke_ref_compare(fluke_ref_t *a, fluke_ref_t *b);

/* Returns the hash of the target, 0 for null.  Unequal hashes mean different objects; equal ones
 * call for fluke_ref_compare.  Short. */
integer_t	fluke_ref_hash(fluke_ref_t *ref);

/* Returns the type of the target, FLUKE_NULL for null or dead.  Short. */
fluke_type_t	fluke_ref_type(fluke_ref_t *ref);

#endif
