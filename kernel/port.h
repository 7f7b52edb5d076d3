/* Ports and port sets: where messages wait for servers and servers for messages. */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <fluke/port.h>
#include <fluke/portset.h>
#include "thread.h"

struct port {			/* 64 bytes */
	struct object	obj;
	struct link	portset;
	uint32_t	alias, flags, pending;		/* exported */
	struct waitq	clients;			/* WAIT_CONNECT, WAIT_CALL */
	struct thread	*requests;			/* ring of threads asking for time, oldest first */
	struct port	*active_next, *active_prev;	/* ring of the portset; null: nothing waits here */
	uint32_t	room;
};

struct portset {		/* 64 bytes */
	struct object	obj;
	struct waitq	servers;	/* WAIT_MESSAGE */
	struct waitq	sleepers;	/* WAIT_SCHEDULE */
	struct port	*active;	/* ring of the ports where something waits; null while a server waits */
	struct thread	*last;		/* who took the last message: queued clients lend to it */
	uint32_t	announced;	/* a scheduler was told MESSAGE and has not received since */
	uint32_t	room[5];
};

extern struct port kernel_port;		/* the kernel's own: answered by machine_request */
void		port_boot(void);

static inline struct portset *port_set(const struct port *port)
{
	return (struct portset *)link_target(&port->portset);
}

/* Something was added to the port: a waiting server takes it, a sleeping scheduler wakes. */
void		port_activate(struct port *port);
void		port_deactivate(struct port *port);
void		port_request(struct port *port, struct thread *t);	/* t asks for time */
void		port_unrequest(struct port *port, struct thread *t);
int		portset_busy(struct portset *set);	/* would a wait_receive return at once? */
/* The next message for s, whose registers then name server_receive with it; false if none. */
int		portset_take(struct portset *set, struct thread *s);
struct thread	*portset_asker(const struct portset *set);
int		portset_urgent(struct portset *set);	/* anything but requests for time */
uint32_t	portset_request(struct portset *set, struct thread *scheduler, uint32_t result, uint32_t otherwise);
uint32_t	portset_announce(struct portset *set, struct thread *scheduler);
int		portset_withdrawn(struct portset *set, struct thread *s);
void		portset_served(struct portset *set, struct thread *s);	/* s takes a message from it */

#endif
