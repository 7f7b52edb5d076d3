/* Condition variables. */
#include "check.h"

static fluke_mutex_t	*m;
static fluke_cond_t	*c;
static uint32_t		woken, got;

static void make(void)
{
	m = check_mutex_new();
	c = check_cond_new();
	woken = got = 0;
}

static void waiter(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	got = fluke_cond_wait(c, m);
	woken++;
	fluke_mutex_unlock(m);
}

static void start(uint32_t count)
{
	make();
	while (count--)
		check_thread_new(check_root_space, waiter, 0);
	check_run();
	CHECK_EQUAL(woken, 0);
}

CASE("cond-01", "signal wakes one waiter, which holds the mutex again")
{
	start(3);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(woken, 0);
	fluke_mutex_unlock(m);
	check_run();
	CHECK_EQUAL(woken, 1);
}

CASE("cond-02", "broadcast wakes all")
{
	start(3);
	fluke_cond_broadcast(c);
	check_run();
	CHECK_EQUAL(woken, 3);
}

CASE("cond-03", "a signal that nobody awaits is lost")
{
	make();
	fluke_cond_signal(c);
	fluke_cond_broadcast(c);
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	CHECK_EQUAL(woken, 0);
}

CASE("cond-04", "waiting without the mutex is an insanity")
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_LOCKED, fluke_cond_wait(c, m));
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	fluke_cond_signal(c);
}

CASE("cond-05", "a thread that waits is seen about to lock the mutex")
{
	static fluke_thread_state_t state;
	fluke_thread_links_t links = { 0 };
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, waiter, 0);
	check_run();
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.eax & 0xff, 70);		/* mutex_lock */
	CHECK_EQUAL(state.regs.ebx, (uint32_t)m);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	check_run();
	CHECK_EQUAL(woken, 1);
	CHECK_EQUAL(got, FLUKE_SUCCESS);
}

CASE("cond-06", "destroying a condition wakes its waiters, which lock the mutex")
{
	start(2);
	fluke_cond_destroy(c);
	check_run();
	CHECK_EQUAL(woken, 2);
}

CASE("cond-07", "state: flags and the inheritor; the wrong type is refused")
{
	fluke_cond_state_t state = { .flags = FLUKE_COND_MULTISPACE };
	fluke_ref_t *ref, *self;

	make();
	ref = check_ref_new();
	self = check_ref_new();
	fluke_thread_reference(check_first_thread, self);
	fluke_cond_set_state(c, &state, self);
	state.flags = 0;
	fluke_cond_get_state(c, &state, ref);
	CHECK_EQUAL(state.flags, FLUKE_COND_MULTISPACE);
	CHECK_EQUAL(fluke_ref_compare(ref, self), 1);
	fluke_cond_reference(c, ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD_REF, fluke_cond_set_state(c, 0, ref));
}

CASE("cond-08", "not a condition, not a mutex")
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_COND, fluke_cond_signal((fluke_cond_t *)m));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_COND, fluke_cond_wait((fluke_cond_t *)m, m));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_MUTEX, fluke_cond_wait(c, (fluke_mutex_t *)c));
}
