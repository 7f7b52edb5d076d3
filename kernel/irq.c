/* Interrupt lines as events of ports.  A line that fires is masked (pic_begin) and its bit stands
 * in irq_fired until a thread waits on the port's set again. */
#include "i386/machine_local.h"
#include "irq.h"
#include "port.h"

static struct link	irq_port[IRQ_LINES];
uint32_t		irq_fired;

int irq_attach(unsigned irq, struct object *port)
{
	struct object *owner;

	if (irq >= IRQ_LINES || irq == 2 || (irq == 0 && timer_is_pit))
		return 22;
	owner = link_target(&irq_port[irq]);
	if (port && owner && owner != port)
		return 16;
	irq_fired &= ~(1u << irq);
	link_set(&irq_port[irq], port);
	if (port)
		pic_unmask(irq);
	else
		pic_mask(irq);
	return 0;
}

void irq_dispatch(unsigned irq)
{
	struct object *port = link_target(&irq_port[irq]);

	if (!port)
		return;
	irq_fired |= 1u << irq;
	port_event(port, FLUKE_PENDING_IRQ);
}

void irq_rearm_set(struct portset *set)
{
	unsigned irq;

	for (irq = 0; irq < IRQ_LINES; irq++) {
		struct object *port = link_target(&irq_port[irq]);

		if (!(irq_fired >> irq & 1) || (port && port_set((struct port *)port) != set))
			continue;
		irq_fired &= ~(1u << irq);
		if (port)
			pic_unmask(irq);
	}
}
