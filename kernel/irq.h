/* Interrupt lines as port events: a line that fires is masked and sets PENDING_IRQ on its
 * port; a wait on the port's set unmasks it. */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "object.h"

struct portset;

#define IRQ_LINES	16

int	irq_attach(unsigned irq, struct object *port);	/* null port: give back; 0 or errno */
/* A thread is about to wait on the set: lines masked since their last event are unmasked.  A
 * line that fires at once sets its port's pending word: call this before looking at those. */
extern uint32_t	irq_fired;		/* a bit per line that waits to be unmasked */
void	irq_rearm_set(struct portset *set);
static inline void irq_rearm(struct portset *set)
{
	if (irq_fired)
		irq_rearm_set(set);
}

#endif
