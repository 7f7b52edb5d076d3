/* Ports: the endpoint that a reference leads a message to.
 *
 * Decided here, where the published documents are silent: clients without a server queue at the port,
 * in the order of their coming; so they move with it.  What a port without a set is sent, it keeps. */
#ifndef FLUKE_PORT_H
#define FLUKE_PORT_H

#include <fluke/types.h>

#define FLUKE_PORT_NOREFS_NOTIFY	0x1	/* flag: set FLUKE_PENDING_NOREFS when the last link to the port goes */

/* Bits 24-31 of the pending word are the kernel's; a message {word, 0} with any of them set
 * comes from the kernel. */
#define FLUKE_PENDING_KERNEL	0xff000000u
#define FLUKE_PENDING_NOREFS	0x80000000u
#define FLUKE_PENDING_IRQ	0x40000000u
#define FLUKE_PENDING_DEADLINE	0x20000000u

typedef struct fluke_port_state {
	integer_t	hash;
	natural_t	alias;		/* delivered with each message */
	natural_t	flags;
	natural_t	pending;	/* merged minimum one-way messages and kernel events */
} fluke_port_state_t;

/* fluke_port_create: makes a port, without set and with alias 0, at that address of the caller's space
 * (64 bytes, so aligned).  Short; faults (write, object) on the page.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (64 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_port_create(fluke_port_t *new_port);

/* fluke_port_create_hash: the same with a hash for fluke_ref_hash.  *hash 0 or hash null: the kernel
 * chooses; the value used is stored in *hash.  Never changes afterwards.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_port_create_hash(fluke_port_t *new_port, integer_t *hash);

/* fluke_port_destroy: ends it; references to it read as null from then on.  Waiting and later clients
 * get FLUKE_IPC_CONNECT_INVALID_DEST.  Multi-stage: stops between any 32 links and goes on with
 * itself.
 * Insanities: NO_OBJECT, NOT_PORT, INVALID_OBJECT. */
void		fluke_port_destroy(fluke_port_t *port);

/* fluke_port_move: the same object from now on at another address; references and links stay valid.
 * Queued clients stay.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_PORT, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED. */
void		fluke_port_move(fluke_port_t *old, fluke_port_t *new_port);

/* fluke_port_reference: points the active reference `ref` at it; what that led to before is dropped.
 * Short.
 * Insanities: NO_OBJECT, NOT_PORT, INVALID_OBJECT, NOT_REF. */
void		fluke_port_reference(fluke_port_t *port, fluke_ref_t *ref);

/* fluke_port_get_state: state: null, or where the record is stored.  portset: null, or an active
 * reference, pointed at the set that the port is in.  Short.
 * Insanities: NO_OBJECT, NOT_PORT, INVALID_OBJECT, NOT_REF. */
void		fluke_port_get_state(fluke_port_t *port, fluke_port_state_t *state, fluke_ref_t *portset);

/* fluke_port_set_state: state: null = leave, else alias, flags and pending word (the hash is ignored).
 * portset: null = leave, else a reference to the set where the port's messages are received, or a null
 * one: clients then queue.  What waits at the port goes with it.  Short.
 * Insanities: NO_OBJECT, NOT_PORT, INVALID_OBJECT, NOT_REF, NOT_PORTSET_REF, INVALID_STATE (flags). */
void		fluke_port_set_state(fluke_port_t *port, const fluke_port_state_t *state, fluke_ref_t *portset);

#endif
