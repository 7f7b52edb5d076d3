/* Ports: the endpoint that a reference leads a message to. */
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

fluke_error_t	fluke_port_create(fluke_port_t *new_port);
fluke_error_t	fluke_port_create_hash(fluke_port_t *new_port, integer_t *hash);
void		fluke_port_destroy(fluke_port_t *port);
void		fluke_port_move(fluke_port_t *old, fluke_port_t *new_port);
void		fluke_port_reference(fluke_port_t *port, fluke_ref_t *ref);
void		fluke_port_get_state(fluke_port_t *port, fluke_port_state_t *state, fluke_ref_t *portset);
void		fluke_port_set_state(fluke_port_t *port, const fluke_port_state_t *state, fluke_ref_t *portset);

#endif
