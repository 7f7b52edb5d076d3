/* Bringing everything below to rest.  Threads are stopped until a search finds no other that runs; one that is connected to
 * a server outside, which works for it, goes on alone until that request is done, for nobody here knows what the
 * server has done of it.  A request that a server has set aside has had no effect yet: it is sent again after a restore. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/guard.h>
#include "checkpoint.h"

#define TRIES		64u
#define SETTLE		50000u		/* ns that those get who are in a request; more and more */
#define ASIDE		(FLUKE_THREAD_SERVER_PARKED | FLUKE_THREAD_ASIDE)	/* its server has all of it, and put it aside for no other */
#define PATIENCE	16u		/* tries for which a thread in the making is waited for */
#define ROUND		8u		/* tries after which all go on for a moment */

struct stopped { uint32_t at; integer_t hash; uint8_t ran, busy; };

static struct stopped *stopped;
static unsigned count, room;
static fluke_thread_state_t state __attribute__((aligned(16)));
static fluke_thread_links_t links;

static struct stopped *find(uint32_t at)
{
	for (unsigned n = 0; n < count; n++)
		if (stopped[n].at == at)
			return &stopped[n];
	return NULL;
}

static int get_state(void *thread)
{
	fluke_thread_get_state(thread, &state, links);
	return 0;
}

static int set_state(void *thread)
{
	fluke_thread_set_state(thread, &state, NULL);
	return 0;
}

/* 1: it ran until now; 0: it had been stopped; -1: no memory. */
static int stop_one(uint32_t at)
{
	struct stopped *s = find(at), *larger;

	if (guarded(get_state, (void *)at))
		return 1;			/* it has gone meanwhile; look again */
	if (s && s->hash == state.hash && state.flags & FLUKE_THREAD_HELD)
		return 0;
	if (!s) {
		if (count == room) {
			larger = realloc(stopped, (room + 256) * sizeof *stopped);
			if (!larger)
				return -1;
			stopped = larger;
			room += 256;
		}
		s = &stopped[count++];
	}
	*s = (struct stopped){ .at = at, .hash = state.hash, .ran = !(state.flags & FLUKE_THREAD_HELD) };
	return s->ran;
}

static int stop_threads(void)
{
	int again, one, error;

	do {
		again = 0;
		error = world_find(1);
		for (unsigned n = 0; n < world.objects && !error; n++) {
			if (world.object[n].type != FLUKE_TYPE_THREAD)
				continue;
			one = stop_one(world.object[n].at);
			if (one < 0)
				error = ENOMEM;
			again |= one;
		}
	} while (again && !error);
	return error;
}

/* Its peer is none of ours and works for it now, or will as soon as it is its session's turn: what was set aside before all of it had
 * come is taken up again by itself. */
static int is_busy(uint32_t at)
{
	fluke_ref_t *server = links[FLUKE_LINK_SERVER];

	if (guarded(get_state, (void *)at))
		return 0;
	return fluke_ref_type(server) != FLUKE_NULL && (state.flags & ASIDE) != ASIDE && world_target(server) == ~0u;
}

static void let_go(struct stopped *s)
{
	if (!s->ran || guarded(get_state, (void *)s->at) || state.hash != s->hash)
		return;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	guarded(set_state, (void *)s->at);
}

static unsigned find_busy(void)
{
	unsigned busy = 0;

	for (unsigned n = 0; n < world.objects; n++) {
		struct stopped *s = world.object[n].type == FLUKE_TYPE_THREAD ? find(world.object[n].at) : NULL;

		if (s && s->ran && is_busy(s->at))
			busy += s->busy = 1;
	}
	return busy;
}

/* A thread without a scheduler is in the making: its maker may have a number for it already, which nobody has after a restore. */
static int find_unborn(void)
{
	for (unsigned n = 0; n < world.objects; n++)
		if (world.object[n].type == FLUKE_TYPE_THREAD && !guarded(get_state, (void *)world.object[n].at) &&
		    fluke_ref_type(links[FLUKE_LINK_SCHEDULER]) == FLUKE_NULL)
			return 1;
	return 0;
}

static void release_busy(void)
{
	unsigned kept = 0;

	for (unsigned n = 0; n < count; n++)
		if (stopped[n].busy)
			let_go(&stopped[n]);
		else
			stopped[kept++] = stopped[n];
	count = kept;
}

void stop_resume(void)
{
	for (unsigned n = 0; n < count; n++)
		let_go(&stopped[n]);
	count = 0;
}

int stop_ran(const struct object *thread)
{
	const struct stopped *s = find(thread->at);

	return s && s->ran;
}

static int make_links(void)
{
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		if (!links[n] && !(links[n] = ref_new()))
			return ENOMEM;
	return 0;
}

static void clear_links(void)
{
	for (unsigned n = 0; n < FLUKE_THREAD_LINKS; n++)
		fluke_ref_clear(links[n]);
}

/* With memory_lock held if 0.  Two requests in work may be all that a server outside takes from our session, and their memory may
 * need a keeper below: then our own sleep would not begin before they end, so all go on. */
int stop_all(void)
{
	int error = make_links();
	unsigned busy;
	int unborn;

	count = 0;
	for (unsigned tries = 1; tries <= TRIES && !error; tries++) {
		memory_lock();
		error = stop_threads();
		if (!error)
			error = world_index();
		busy = error ? 0 : find_busy();
		unborn = !error && tries <= PATIENCE && find_unborn();
		if (!error && !busy && !unborn) {
			clear_links();
			return 0;
		}
		counts.settles++;
		if (busy > 1 || unborn || tries % ROUND == 0)
			stop_resume();
		else
			release_busy();
		clear_links();
		memory_unlock();
		clock_sleep_until(clock_now() + SETTLE * tries);
	}
	memory_lock();
	stop_resume();
	memory_unlock();
	return error ? error : EAGAIN;
}
