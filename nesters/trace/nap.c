/* Sleep for workers: clock_sleep_until would wait on a port set of its own, and a thread serves only one.  So another
 * thread sleeps, and the worker waits for that. */
#include <stdlib.h>
#include <linux_abi.h>
#include "trace.h"

struct nap { uint64_t until; struct lock lock; fluke_cond_t *changed; int over; };

static void sleeper(void *argument)
{
	struct nap *n = argument;

	clock_sleep_until(n->until);
	lock_take(&n->lock);
	n->over = 1;
	fluke_cond_signal(n->changed);
	lock_drop(&n->lock);
	thread_exit();
}

void nap(uint64_t ns)
{
	struct nap n = { .until = clock_now() + ns };

	lock_init(&n.lock);
	n.changed = cond_new();
	if (n.lock.mutex && n.changed && thread_start(sleeper, &n, 8192)) {
		lock_take(&n.lock);
		while (!n.over)
			fluke_cond_wait(n.changed, n.lock.mutex);
		lock_drop(&n.lock);
	}
	cond_free(n.changed);
	lock_done(&n.lock);
}
