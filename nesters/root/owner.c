/* Who gets the signals of a terminal (or of boot/run): a stack of owners, because a process manager that runs as a
 * process of another takes the terminal over from it.  The owner on top counts; when its port is gone, or it gives the
 * terminal up, the one below is the owner again, with the foreground group it had.  The caller holds stream_lock, except
 * for an image's words. */
#include <stdlib.h>
#include <string.h>
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

/* Descriptions of a terminal are the same everywhere; who gets its signals is not. */
int owners_save(struct owners *o, struct stream *s, char *data, size_t *size, fluke_ref_t **owner)
{
	uint32_t saved[3] = { s->flags, 0, 0 };
	struct owner *top;

	fast_lock_take(&stream_lock);
	top = owner_of(o);
	*owner = top ? top->port : NULL;
	if (top) {
		saved[1] = top->session;
		saved[2] = (uint32_t)top->foreground;
	}
	fast_lock_drop(&stream_lock);
	memcpy(data, saved, *size = sizeof saved);
	return 0;
}

void owners_restore(struct owners *o, const uint32_t saved[3], fluke_ref_t *owner)
{
	struct owner *top;

	fast_lock_take(&stream_lock);
	if (owner && fluke_ref_type(owner) == FLUKE_TYPE_PORT && !owner_set(o, owner, saved[1]) && (top = owner_of(o)))
		top->foreground = (int32_t)saved[2];
	fast_lock_drop(&stream_lock);
}
