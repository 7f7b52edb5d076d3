/* Who sends: the number and the nester path of each thread that is seen, as process/bash[2].
 *
 * A thread is known by its hash.  At its first message the views of the nesting below are asked whose it is (nest/nesting.h), beginning
 * with our own, by one thread: the only one here that waits for somebody below, and it leaves who does not answer.  The
 * asked take no lock for it, so it does no harm that the thread in question waits for us meanwhile, whatever it holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/nesting.h>
#include <nest/fastlock.h>
#include "trace.h"

#define THREADS	2048u
#define DEPTH	16u
#define PATH	128u

struct sender { uint32_t hash; const char *path; };

static struct sender sender[THREADS];
static uint32_t	senders;
static struct fast_lock turn;		/* one question at a time; guards senders */
/* the question in hand */
static struct lock lock;
static fluke_cond_t *changed;
static uint32_t	wanted;			/* hash; 0: answered */
static char	found[PATH];

/* ---- asking, in a thread of its own ---- */

struct question { fluke_ref_t *view, *below; uint32_t hash, from, sure, number; char name[NESTING_NAME]; };

static int ask(void *argument)
{
	struct question *q = argument;

	return Nesting_whose(q->view, q->hash, q->from, &q->sure, &q->number, q->name, sizeof q->name, q->below);
}

/* 1: found, its path is in `to`.  A view that came to us as a proxy of our own is asked directly: the question is no message of
 * those below. */
static int walk(fluke_ref_t *view, uint32_t hash, char *to, size_t size, unsigned depth)
{
	struct question q = { .view = proxy_behind(view), .below = ref_new(), .hash = hash, .from = 1 };
	int result = 0;

	while (!result && q.below && depth < DEPTH && nesting_patiently(ask, &q) == 0 && (q.sure || q.number)) {
		size_t length = strlcpy(to, q.name, size);

		result = q.sure;
		if (!q.sure && length + 2 < size && fluke_ref_type(q.below) != FLUKE_NULL) {
			to[length] = '/';
			result = walk(q.below, hash, to + length + 1, size - length - 1, depth + 1);
		} else if (q.sure && !q.number) {
			strlcpy(to, depth ? "" : libc_program, size);	/* the nester's own: the path ends with it */
		}
		q.from = q.number + 1;
	}
	ref_free(q.below);
	return result;
}

static void resolve(uint32_t hash)
{
	fluke_ref_t *own = nesting_view();
	size_t length;

	if (!own || !walk(own, hash, found, sizeof found, 0))
		strlcpy(found, "?", sizeof found);
	length = strlen(found);
	if (length && found[length - 1] == '/')
		found[length - 1] = 0;
	ref_free(own);
}

static void resolver(void *unused)
{
	(void)unused;
	lock_take(&lock);
	for (;;) {
		while (!wanted)
			fluke_cond_wait(changed, lock.mutex);
		lock_drop(&lock);
		resolve(wanted);
		lock_take(&lock);
		wanted = 0;
		fluke_cond_broadcast(changed);
	}
}

int paths_begin(void)
{
	lock_init(&lock);
	changed = cond_new();
	return lock.mutex && !fast_lock_init(&turn) && changed && thread_start(resolver, NULL, 32768) ? 0 : ENOMEM;
}

/* ---- for the workers ---- */

static const char *ask_for(uint32_t hash)
{
	lock_take(&lock);
	wanted = hash;
	fluke_cond_broadcast(changed);
	while (wanted)
		fluke_cond_wait(changed, lock.mutex);
	lock_drop(&lock);
	return strdup(found);
}

uint32_t path_of(uint32_t hash, const char **path)
{
	uint32_t n;

	*path = "?";
	if (!hash)		/* a message that has no client */
		return 0;
	fast_lock_take(&turn);
	for (n = 0; n < senders && sender[n].hash != hash; n++)
		;
	if (n == senders && n < THREADS) {
		sender[n].hash = hash;
		sender[n].path = ask_for(hash);
		senders++;
	}
	if (n < senders && sender[n].path)
		*path = sender[n].path;
	fast_lock_drop(&turn);
	return n + 1;
}
