/* What the dispatcher does when a thread at the end of a chain of schedulers wakes and blocks, by the length of
 * the chain (the first thread is the root scheduler: level 1).  Each scheduler has one client; with nothing to run it
 * waits at its port, so a wake-up of the leaf goes up the whole chain: its request wakes its scheduler, which asks the
 * next one, and so on to the root.
 *
 * dispatch-D = the wake-up (a signal by the root scheduler, less one that wakes nobody: no switch happens in it) and
 * the block (from the leaf's call to the first instruction of its scheduler: one switch, and the walk from the root). */
#include "flukeperf.h"

#define DEEPEST	8u
#define ROUNDS	200u

struct level {
	fluke_portset_t	*set;
	fluke_port_t	*port;
	fluke_ref_t	*port_ref;
	fluke_thread_t	*thread;		/* its client */
};

static struct level level[DEEPEST + 1];
static fluke_mutex_t *mutex;
static fluke_cond_t *cond, *empty;
static uint64_t blocked_at, told_at;

static void wait_request(struct level *l)
{
	uint32_t words[2];
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };

	fluke_ipc_setup_wait_receive(&p, l->set, &alias);
	CHECK_EQUAL(words[0], FLUKE_SCHED_REQUEST);
}

static void scheduler(void *argument)
{
	struct level *l = argument;

	for (;;) {
		wait_request(l);
		fluke_thread_schedule(l->thread, l->port, FLUKE_WAKEUP_ON_BLOCK);
		if (!told_at)
			told_at = tsc();
	}
}

static void leaf(void *unused)
{
	(void)unused;
	fluke_mutex_lock(mutex);
	for (;;) {
		told_at = 0;
		blocked_at = tsc();
		fluke_cond_wait(cond, mutex);
	}
}

/* A thread that asks the level's port for time. */
static fluke_thread_t *client(struct level *above, void (*function)(void *), void *argument)
{
	fluke_thread_t *thread = check_thread_new(check_root_space, function, argument);
	fluke_thread_state_t state;
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = above->port_ref };

	fluke_thread_get_state(thread, &state, (fluke_thread_links_t){ 0 });
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	return thread;
}

static void chain(uint32_t depth)
{
	for (uint32_t n = 1; n <= depth; n++) {
		level[n].set = check_portset_new();
		level[n].port = check_port_new(level[n].set, 1);
		level[n].port_ref = check_port_ref_new(level[n].port);
	}
	mutex = check_mutex_new();
	cond = check_cond_new();
	empty = check_cond_new();
	level[depth].thread = client(&level[depth], leaf, 0);
	for (uint32_t n = depth; n > 1; n--)
		level[n - 1].thread = client(&level[n - 1], scheduler, &level[n]);
}

/* Runs what asked the root, until it blocks. */
static void run(void)
{
	uint32_t result;

	wait_request(&level[1]);
	do
		result = fluke_thread_schedule(level[1].thread, level[1].port, FLUKE_WAKEUP_ON_BLOCK);
	while (result == FLUKE_SCHED_MESSAGE);
	if (!told_at)
		told_at = tsc();
	CHECK_EQUAL(result, FLUKE_SCHED_BLOCKED);
}

static void row(const char *name, uint32_t depth)
{
	uint32_t sum = 0, worst = 0;

	chain(depth);
	run();
	for (uint32_t n = 0; n < ROUNDS + 4; n++) {
		uint64_t before = tsc(), wake;
		uint32_t took;

		fluke_cond_signal(cond);
		wake = tsc() - before;
		run();
		before = tsc();
		fluke_cond_signal(empty);
		took = (uint32_t)(wake - (tsc() - before) + told_at - blocked_at) - overhead;
		if (n < 4)
			continue;
		sum += took;
		if (took > worst)
			worst = took;
	}
	report(name, ROUNDS, sum, worst);
}

CASE("bench-dispatch-1", "the dispatcher's work for a client of the root scheduler")
{
	row("dispatch-1", 1);
}

CASE("bench-dispatch-2", "with one scheduler between")
{
	row("dispatch-2", 2);
}

CASE("bench-dispatch-3", "with two")
{
	row("dispatch-3", 3);
}

CASE("bench-dispatch-4", "with three")
{
	row("dispatch-4", 4);
}

CASE("bench-dispatch-8", "with seven")
{
	row("dispatch-8", 8);
}
