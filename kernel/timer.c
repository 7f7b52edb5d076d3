/* The one deadline of the processor: PENDING_DEADLINE is set on its port at or soon after the
 * time, whoever waits there; a heap of deadlines is a user program's. */
#include <fluke/port.h>
#include "machine.h"

static struct {
	struct link	port;
	uint64_t	tsc;
	int		armed;
} deadline;

void timer_deadline(uint64_t tsc, struct object *port)
{
	link_set(&deadline.port, port);
	deadline.tsc = tsc;
	deadline.armed = port != 0;
	if (port)
		timer_set(tsc);
}

uint32_t timer_worst;		/* from a deadline to its interrupt, in TSC units */
uint32_t timer_where;		/* the kernel code that the last one came in; 0 = in user mode */

/* The machine may fire early (its counter is short): then it is set again. */
void timer_fired(uint32_t where)
{
	struct object *port;
	uint64_t late;

	if (!deadline.armed)
		return;
	if (clock_now() < deadline.tsc) {
		timer_set(deadline.tsc);
		return;
	}
	deadline.armed = 0;
	late = clock_now() - deadline.tsc;
	if (late > timer_worst)
		timer_worst = (uint32_t)late;
	timer_where = where;
	port = link_target(&deadline.port);
	if (port)
		port_event(port, FLUKE_PENDING_DEADLINE);
}
