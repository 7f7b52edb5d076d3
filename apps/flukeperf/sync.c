/* Mutexes, conditions, switches, and what one thread may do to another. */
#include "flukeperf.h"

static fluke_mutex_t *mutex;
static fluke_cond_t *turn[2];
static volatile uint32_t token, passes;

CASE("bench-mutex", "a free mutex locked, unlocked, and tried while it is held")
{
	mutex = check_mutex_new();
	MEASURE_AFTER("mlock", 1000u, fluke_mutex_lock(mutex), fluke_mutex_unlock(mutex));
	fluke_mutex_lock(mutex);
	MEASURE_AFTER("munlock", 1000u, fluke_mutex_unlock(mutex), fluke_mutex_lock(mutex));
	MEASURE("mtry", 1000u, fluke_mutex_trylock(mutex));
	fluke_mutex_unlock(mutex);
	MEASURE("mpair", 1000u, ({ fluke_mutex_lock(mutex); fluke_mutex_unlock(mutex); }));
}

static void player(void *self)
{
	uint32_t me = (uint32_t)self;

	fluke_mutex_lock(mutex);
	while (passes) {
		while (token != me && passes)
			fluke_cond_wait(turn[me], mutex);
		if (passes)
			passes--;
		token = !me;
		fluke_cond_signal(turn[!me]);
	}
	fluke_mutex_unlock(mutex);
}

/* The two hand the token on, by their scheduler's hand; all passes, less `calls` each. */
static void token_row(const char *name, fluke_space_t *other, uint32_t calls)
{
	uint64_t before;

	mutex = check_mutex_new();
	turn[0] = check_cond_new();
	turn[1] = check_cond_new();
	token = 0;
	passes = 1000;
	check_thread_new(check_root_space, player, (void *)0);
	check_thread_new(other, player, (void *)1);
	before = tsc();
	check_run();
	CHECK_EQUAL(passes, 0);
	report(name, 1000, (uint32_t)(tsc() - before) - 1000 * calls, 0);
}

/* A signal that wakes nobody, and what cond_wait does besides waiting. */
static uint32_t calls_alone(void)
{
	uint64_t before;

	mutex = check_mutex_new();
	turn[0] = check_cond_new();
	fluke_mutex_lock(mutex);
	before = tsc();
	for (uint32_t i = 0; i < 1000; i++) {
		fluke_cond_signal(turn[0]);
		fluke_mutex_unlock(mutex);
		fluke_mutex_lock(mutex);
	}
	before = tsc() - before;
	fluke_mutex_unlock(mutex);
	return (uint32_t)before / 1000;
}

CASE("bench-cond", "a token between two threads of one space")
{
	token_row("cond", check_root_space, 0);
}

CASE("bench-switch", "a token between two threads of two spaces, less the same calls without a switch")
{
	token_row("switch", check_space_twin(), calls_alone());
}

/* ---- state of a thread that waits */

static fluke_thread_state_t state;
static fluke_ref_t *link_refs[FLUKE_THREAD_LINKS];

static void lock_forever(void *unused)
{
	(void)unused;
	fluke_mutex_lock(mutex);
}

static void wait_forever(void *unused)
{
	uint32_t data[2] = { 0 };

	echo((fluke_ref_t *)unused, data, 2);
}

static void silent_server(void *set)
{
	uint32_t buffer[2];
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = buffer };

	fluke_ipc_setup_wait_receive(&p, set, &alias);
	check_thread_end();
}

static void go_on(fluke_thread_t *t)
{
	fluke_thread_links_t links = { 0 };

	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, links);
}

static void set_back(fluke_thread_t *t)
{
	go_on(t);
	check_run_one(t);
}

/* get_state without links, as a debugger does it; then it is let go again. */
static void state_rows(const char *get, const char *set, fluke_thread_t *t)
{
	fluke_thread_links_t links = { 0 };

	check_run();
	MEASURE_AFTER(get, 200u, fluke_thread_get_state(t, &state, links), set_back(t));
	fluke_thread_get_state(t, &state, links);
	state.flags |= FLUKE_THREAD_STOPPED;
	MEASURE(set, 200u, fluke_thread_set_state(t, &state, links));
}

CASE("bench-getstate", "the state of a thread that is ready, waits on a mutex, in RPC, or is stopped")
{
	fluke_portset_t *set = check_portset_new();
	fluke_ref_t *dest = check_port_ref_new(check_port_new(set, 1));
	fluke_thread_t *t;
	fluke_thread_links_t links = { 0 };

	mutex = check_mutex_new();
	fluke_mutex_lock(mutex);
	t = check_thread_new(check_root_space, lock_forever, 0);
	MEASURE_AFTER("getstate-runs", 200u, fluke_thread_get_state(t, &state, links), go_on(t));
	fluke_thread_get_state(t, &state, links);
	MEASURE_AFTER("setstate-runs", 200u, go_on(t), fluke_thread_get_state(t, &state, links));
	go_on(t);
	state_rows("getstate", "setstate", t);
	MEASURE("getstate-stopped", 200u, fluke_thread_get_state(t, &state, links));
	check_thread_new(check_root_space, silent_server, set);
	check_run();
	state_rows("getstate-rpc", "setstate-rpc", check_thread_new(check_root_space, wait_forever, dest));
}

CASE("bench-recreate", "get_state, create, set_state with all links, destroy, of a thread that waits")
{
	fluke_thread_t *t, *other = check_object(sizeof *other), *swap;

	for (int i = 0; i < FLUKE_THREAD_LINKS; i++)
		link_refs[i] = check_ref_new();
	mutex = check_mutex_new();
	fluke_mutex_lock(mutex);
	t = check_thread_new(check_root_space, lock_forever, 0);
	check_run();
	MEASURE_AFTER("recreate", 200u, ({
		fluke_thread_get_state(t, &state, link_refs);
		fluke_thread_create(other);
		fluke_thread_set_state(other, &state, link_refs);
		fluke_thread_destroy(t); }), ({ swap = t; t = other; other = swap; }));
}

void interrupted(void);
__asm__ ("interrupted: pushl $0; call fluke_thread_return_from_exception");

CASE("bench-interrupt", "an interrupt of a waiting thread, its handler, and back into the wait")
{
	fluke_thread_t *t;
	fluke_thread_links_t links = { 0 };

	__asm__ volatile ("" : : "i" (interrupted));
	mutex = check_mutex_new();
	fluke_mutex_lock(mutex);
	t = check_thread_new(check_root_space, lock_forever, 0);
	check_run();
	fluke_thread_get_state(t, &state, links);
	state.regs.interrupt_handler = (uint32_t)interrupted;
	set_back(t);
	MEASURE("interrupt", 200u, ({ fluke_thread_interrupt(t); check_run_one(t); }));
}

void first_instruction(void);
__asm__ ("first_instruction: int3");

CASE("bench-thread", "create, set_state, the first instruction (a breakpoint that halts it), destroy")
{
	fluke_thread_t *model, *t = check_object(sizeof *t);
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = check_ref_new() };	/* no scheduler: it runs on its parent's time */

	__asm__ volatile ("" : : "i" (first_instruction));
	model = check_thread_new(check_root_space, lock_forever, 0);
	fluke_thread_get_state(model, &state, links);
	state.flags &= ~(FLUKE_THREAD_STOPPED | FLUKE_THREAD_EXCEPTION_ENABLE);
	state.regs.eip = (uint32_t)first_instruction;
	MEASURE("thread", 200u, ({
		fluke_thread_create(t);
		fluke_thread_set_state(t, &state, links);
		fluke_thread_schedule(t, 0, FLUKE_WAKEUP_ON_BLOCK);
		fluke_thread_destroy(t); }));
}
