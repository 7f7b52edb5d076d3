/* The watchdog of a server whose pool is used up, or where a session's requests wait for those in work.  A worker that stands
 * still in a transfer with its client (which is stopped, or whose pager does not answer) stands aside for what waits (session.c).
 * If it may not, or the pool is used up, it is taken from that client, but only after 5 seconds: the client may be
 * stopped by its debugger, and while workers are left nobody is in its way.  Who stands still in a method is not our business. */
#include <stdlib.h>
#include <string.h>
#include <nest/serve.h>
#include <fluke/callnumbers.h>
#include <linux_abi.h>
#include "worker.h"

#define ROUND		1000000000ull	/* ns */
#define SHORT_ROUND	100000000ull	/* while requests wait */
#define ROUNDS		30
#define MS		1000000u
#define PATIENCE	5000000000ull

/* In a transfer that it has begun; the first receive of a message that just came is none. */
static int in_transfer(const fluke_thread_state_t *state)
{
	if (state->flags & FLUKE_THREAD_ACCEPTED)
		return 0;
	switch (state->regs.eax & 0xff) {
	case FLUKE_CALL_ipc_server_send:
	case FLUKE_CALL_ipc_server_receive:
	case FLUKE_CALL_ipc_server_ack_send:
	case FLUKE_CALL_ipc_server_send_wait_receive:
	case FLUKE_CALL_ipc_server_ack_send_wait_receive:
		return state->regs.eip == FLUKE_ENTRY;
	}
	return 0;
}

static struct fast_lock examine_lock;	/* two must not stop and release the same worker */
static fluke_ref_t *seen;		/* under the lock */

/* Not, if somebody else has stopped it. */
static void go_on(fluke_thread_state_t *state)
{
	if (!(state->flags & FLUKE_THREAD_HELD))
		state->flags &= ~FLUKE_THREAD_STOPPED;
}

static int waits(const fluke_thread_state_t *state)
{
	return state->regs.eip == FLUKE_ENTRY && (state->regs.eax & 0xff) == FLUKE_CALL_ipc_wait_receive;
}

int worker_strip(struct worker *w, struct session *s)
{
	static fluke_thread_state_t state;	/* under the lock */
	fluke_thread_links_t links = { 0 };
	int stripped;

	fast_lock_take(&examine_lock);
	fluke_thread_get_state(w->thread, &state, links);
	stripped = waits(&state);
	if (stripped)
		session_strip(w, s);
	go_on(&state);
	fluke_thread_set_state(w->thread, &state, links);
	fast_lock_drop(&examine_lock);
	return stripped;
}

char *worker_take_scratch(struct worker *w)
{
	static fluke_thread_state_t state;	/* under the lock */
	fluke_thread_links_t links = { 0 };
	char *scratch = NULL;

	fast_lock_take(&examine_lock);
	fluke_thread_get_state(w->thread, &state, links);
	if (waits(&state)) {		/* so its last reply has gone out */
		scratch = w->scratch;
		w->scratch = NULL;
		w->scratch_lent = 0;
	}
	go_on(&state);
	fluke_thread_set_state(w->thread, &state, links);
	fast_lock_drop(&examine_lock);
	return scratch;
}

/* Stops the worker; if it is in its first receive, whose client may be keeping it, that client's session gets it. */
static void identify(struct worker *self, struct worker *w, fluke_thread_state_t *state)
{
	fluke_thread_links_t links = { [FLUKE_LINK_CLIENT] = seen };

	fluke_thread_get_state(w->thread, state, links);
	if (state->regs.eip == FLUKE_ENTRY && (state->regs.eax & 0xff) == FLUKE_CALL_ipc_server_receive &&
	    (state->flags & FLUKE_THREAD_ACCEPTED) == FLUKE_IPC_RELIABLE << FLUKE_THREAD_ACCEPTED_SHIFT &&
	    !state->regs.min_msg_words && state->regs.ebp != ALIAS_KICK && fluke_ref_type(seen) == FLUKE_TYPE_THREAD)
		session_identify(self, w, state->regs.ebp, w->room - state->regs.ecx, seen);
	fluke_ref_clear(seen);
	go_on(state);
	links[FLUKE_LINK_CLIENT] = NULL;
	fluke_thread_set_state(w->thread, state, links);
}

void workers_identify(struct worker *self)
{
	static fluke_thread_state_t state;	/* under the lock */

	for (struct worker *w = self->server->workers; w; w = w->next) {
		if (w == self || w->busy)
			continue;
		fast_lock_take(&examine_lock);
		identify(self, w, &state);
		fast_lock_drop(&examine_lock);
	}
}

enum examine { LOOK, ASIDE, END };

/* Stops the worker to look at it; if it is in a transfer, it stands ASIDE, or its connection ENDs.  1 if it is in one. */
static int examine(struct worker *w, fluke_thread_state_t *state, fluke_ref_t *null, enum examine what)
{
	fluke_thread_links_t links = { 0 };
	int stuck;

	fast_lock_take(&examine_lock);
	fluke_thread_get_state(w->thread, state, links);
	stuck = in_transfer(state);
	go_on(state);
	if (stuck && what == END)
		links[FLUKE_LINK_CLIENT] = null;
	if (stuck && what == ASIDE)
		session_stand(w);
	fluke_thread_set_state(w->thread, state, links);
	fast_lock_drop(&examine_lock);
	return stuck;
}

int worker_in_transfer(struct worker *w)
{
	fluke_thread_state_t *state = calloc(1, sizeof(*state));
	int stuck = state ? examine(w, state, NULL, LOOK) : 0;

	free(state);
	return stuck;
}

/* The one that has stood still longest, if for long enough. */
static struct worker *oldest(struct server *server, fluke_thread_state_t *state, fluke_ref_t *null, uint64_t before)
{
	struct worker *w, *found = NULL;

	for (w = server->workers; w; w = w->next)
		if (w->since < before && (server->used_up || (!w->stands && session_waits(w->session))) && (!found || w->since < found->since) &&
		    examine(w, state, null, LOOK))
			found = w;
	return found;
}

/* All that stood still for the last round in the way of others. */
static void let_pass(struct server *server, fluke_thread_state_t *state, uint64_t before)
{
	for (struct worker *w = server->workers; w; w = w->next)
		if (w->since < before && !w->stands && session_waits(w->session))
			examine(w, state, NULL, ASIDE);
}

/* One round; 0: no time any more. */
static int look_after(struct server *server, fluke_thread_state_t *state, fluke_ref_t *null)
{
	uint64_t start = clock_now(), tsc = rdtsc(), patience;
	struct worker *w;

	if (clock_sleep_until(start + (server->parked ? SHORT_ROUND : ROUND)) != 0)
		return 0;
	tsc = rdtsc() - tsc;
	let_pass(server, state, rdtsc() - tsc);
	patience = tsc / ((clock_now() - start) / MS) * (PATIENCE / MS);	/* in ticks, by what the round took */
	w = rdtsc() > patience ? oldest(server, state, null, rdtsc() - patience) : NULL;
	if (w)
		examine(w, state, null, END);
	return 1;
}

static void watchdog_main(void *argument)
{
	struct server *server = argument;
	fluke_thread_state_t *state = calloc(1, sizeof(*state));
	fluke_ref_t *null = ref_new();
	int going = state && null;

	do {
		for (unsigned n = 0; going && (server->parked || (server->used_up && n < ROUNDS)); n++)
			going = look_after(server, state, null);
		server->watched = 0;
	} while (going && server->parked && __sync_bool_compare_and_swap(&server->watched, 0, 1));
	ref_free(null);
	free(state);
}

int watchdog_setup(void)
{
	if (!seen)
		seen = ref_new();
	return !seen ? ENOMEM : examine_lock.mutex ? 0 : fast_lock_init(&examine_lock);
}

void watchdog_start(struct server *server)
{
	if (__sync_bool_compare_and_swap(&server->watched, 0, 1) && !thread_start(watchdog_main, server, 0))
		server->watched = 0;
}
