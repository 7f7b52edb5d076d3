/* Who gets the signals of a terminal (or of boot/run): a stack of owners, because a process manager that runs as a
 * process of another takes the terminal over from it.  The owner on top counts; when its port is gone, or it gives the
 * terminal up, the one below is the owner again, with the foreground group it had.  The caller holds stream_lock. */
#include <stdlib.h>
#include "root.h"

static void pop(struct owners *o)
{
	ref_free(o->entry[--o->count].port);
}

struct owner *owner_of(struct owners *o)
{
	while (o->count && fluke_ref_type(o->entry[o->count - 1].port) != FLUKE_TYPE_PORT)
		pop(o);
	return o->count ? &o->entry[o->count - 1] : 0;
}

int owner_set(struct owners *o, fluke_ref_t *port, uint32_t session)
{
	struct owner *top = owner_of(o);
	fluke_ref_t *copy;

	if (!port || fluke_ref_type(port) != FLUKE_TYPE_PORT) {
		if (top)
			pop(o);
		return 0;
	}
	if (top && fluke_ref_compare(top->port, port)) {
		top->session = session;
		return 0;
	}
	copy = o->count < OWNERS ? ref_dup(port) : 0;
	if (!copy)
		return ENOMEM;
	o->entry[o->count++] = (struct owner){ copy, session, 0 };
	return 0;
}

/* Its bit, one-way: nothing here waits for an owner. */
void owner_signal(struct owners *o, unsigned number)
{
	uint32_t message[2] = { number == SIGWINCH ? 1u << 23 : 1u << number, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };
	struct owner *top = owner_of(o);

	if (top && number && number < 32)
		fluke_ipc_send(&p, top->port);
}
