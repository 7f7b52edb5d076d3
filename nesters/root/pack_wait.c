/* Requests that wait for the pack: threads of our own wait for the drive, so that no worker does; a driver that is started
 * again needs workers.  The answers are sent by workers, which the watchdog frees from clients that do not take theirs.
 *
 * A request is with its method, then on `wanted`, then with a thread here, then on `done`, then with its answer. */
#include <stdlib.h>
#include "root.h"
#include "pack.h"

#define THREADS	4

struct queue { struct pack_wait *first, **end; };

static struct queue wanted = { NULL, &wanted.first }, done = { NULL, &done.first };
static struct lock lock;		/* guards both; a leaf */
static fluke_cond_t *more;
static struct served answers;
static fluke_ref_t *answers_ref;

static void put(struct queue *q, struct pack_wait *w)
{
	w->next = NULL;
	*q->end = w;
	q->end = &w->next;
}

static struct pack_wait *get(struct queue *q)
{
	struct pack_wait *w = q->first;

	if (w && !(q->first = w->next))
		q->end = &q->first;
	return w;
}

static void fetch_main(void *unused)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p;
	struct pack_wait *w;

	(void)unused;
	for (;;) {
		lock_take(&lock);
		while (!(w = get(&wanted)))
			fluke_cond_wait(more, lock.mutex);
		lock_drop(&lock);
		if (w->size == PACK_WHOLE) {
			w->error = pack_copy_up(w->node);
		} else {
			root_lock();
			w->error = pack_reach(w->node, w->at, w->size);
			root_unlock();
		}
		lock_take(&lock);
		put(&done, w);
		lock_drop(&lock);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = message };
		fluke_ipc_send(&p, answers_ref);
	}
}

/* Messages merge: each takes all there are. */
static void answer_event(void *self, uint32_t word0, uint32_t word1)
{
	struct pack_wait *w;

	(void)self, (void)word0, (void)word1;
	for (;;) {
		lock_take(&lock);
		w = get(&done);
		lock_drop(&lock);
		if (!w)
			return;
		w->answer(w);
	}
}

void pack_again(struct pack_wait *w)
{
	lock_take(&lock);
	put(&wanted, w);
	fluke_cond_signal(more);
	lock_drop(&lock);
}

int pack_park(struct request *r, struct ramfs_node *node, uint64_t at, uint32_t size, void (*answer)(struct pack_wait *), void *object)
{
	struct pack_wait *w = calloc(1, sizeof *w);

	if (w)
		w->request = request_park(r);
	if (!w || !w->request) {
		free(w);
		return ENOMEM;
	}
	ramfs_get(node);
	*w = (struct pack_wait){ .request = w->request, .node = node, .at = at, .size = size, .answer = answer, .object = object };
	pack_again(w);
	return REQUEST_PARKED;
}

int pack_wait_boot(void)
{
	static const struct served_class class = { .name = "pack", .event = answer_event };

	lock_init(&lock);
	more = cond_new();
	if (!lock.mutex || !more || served_init(&answers, &class, server) || !(answers_ref = served_ref(&answers)))
		return ENOMEM;
	for (unsigned n = 0; n < THREADS; n++)
		if (!thread_start(fetch_main, NULL, 0))
			return ENOMEM;
	return 0;
}
