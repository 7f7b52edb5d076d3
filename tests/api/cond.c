/* Condition variables. */
#include "type.h"

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

/* What every type has in common: type.h. */
TYPE_CALLS(cond, COND, 1);

CASE("cond-09", "create makes a condition variable with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("cond-10", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("cond-11", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("cond-12", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("cond-13", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("cond-14", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("cond-15", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("cond-16", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("cond-17", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("cond-18", "reference refuses what is no cond, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("cond-19", "get_state refuses what is no cond, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("cond-20", "set_state refuses what is no cond, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("cond-21", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("cond-22", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("cond-23", "signal, broadcast and wait refuse no object, a wrong one and a bad address")
{
	make();
	REFUSES_BAD(FLUKE_INSANITY_NOT_COND, m, fluke_cond_signal(o));
	REFUSES_BAD(FLUKE_INSANITY_NOT_COND, m, fluke_cond_broadcast(o));
	fluke_mutex_lock(m);
	REFUSES_BAD(FLUKE_INSANITY_NOT_COND, m, fluke_cond_wait(o, m));
	REFUSES_BAD(FLUKE_INSANITY_NOT_MUTEX, c, fluke_cond_wait(c, o));
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	fluke_cond_signal(c);
	fluke_cond_broadcast(c);
}

static void holder(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	check_thread_end();
}

CASE("cond-24", "waiting with a mutex that another holds is an insanity")
{
	make();
	check_thread_new(check_root_space, holder, 0);
	check_run();
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_OWNER, fluke_cond_wait(c, m));
}

CASE("cond-25", "signalled while another holds the mutex, the waiter gets it when that one ends")
{
	fluke_thread_t *thread;

	start(1);
	thread = check_thread_new(check_root_space, holder, 0);
	check_run();
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(woken, 0);
	fluke_thread_destroy(thread);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
}

static fluke_thread_t *sleeper;

static void start_one(void)
{
	make();
	sleeper = check_thread_new(check_root_space, waiter, 0);
	check_run();
	CHECK_EQUAL(woken, 0);
}

CASE("cond-26", "wait returns OWNER_DIED like lock")
{
	fluke_mutex_state_t state = { .flags = FLUKE_MUTEX_ABANDONED };

	start_one();
	fluke_mutex_set_state(m, &state, 0);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(woken, 1);
	CHECK_EQUAL(got, FLUKE_OWNER_DIED);
}

CASE("cond-27", "a sleeper that somebody made the owner locks what it holds: an insanity")
{
	fluke_ref_t *ref;
	fluke_mutex_state_t state = { .locked = 1 };

	start_one();
	ref = check_ref_new();
	fluke_thread_reference(sleeper, ref);
	fluke_mutex_set_state(m, &state, ref);
	memset(&check_caught, 0, sizeof check_caught);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_INSANITY | FLUKE_INSANITY_MUTEX_LOCKED);
	CHECK_EQUAL(woken, 0);
}

CASE("cond-28", "a mutex destroyed during the sleep is no object at the wake-up")
{
	start_one();
	fluke_mutex_destroy(m);
	memset(&check_caught, 0, sizeof check_caught);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_INSANITY | FLUKE_INSANITY_NO_OBJECT);
	CHECK_EQUAL(woken, 0);
}

CASE("cond-29", "an interrupt ends the wait as a signal does: a spurious wake-up")
{
	start_one();
	fluke_thread_interrupt(sleeper);
	check_run();
	CHECK_EQUAL(woken, 1);
	CHECK_EQUAL(got, FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
}

CASE("cond-30", "signals wake in the order of coming, one each")
{
	start(3);
	for (uint32_t i = 1; i <= 3; i++) {
		fluke_cond_signal(c);
		check_run();
		CHECK_EQUAL(woken, i);
	}
	fluke_cond_signal(c);
}

CASE("cond-31", "moving a condition wakes its waiters, and it can be waited for at the new address")
{
	fluke_cond_t *to = check_object(sizeof *to);

	start(2);
	fluke_cond_move(c, to);
	check_run();
	CHECK_EQUAL(woken, 2);
	c = to;
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	CHECK_EQUAL(woken, 2);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(woken, 3);
}

CASE("cond-32", "waiters lend their time to the inheritor")
{
	fluke_ref_t *ref;
	fluke_thread_t *helper;

	make();
	ref = check_ref_new();
	helper = check_thread_new(check_root_space, holder, 0);
	fluke_thread_reference(helper, ref);
	fluke_cond_set_state(c, 0, ref);
	sleeper = check_thread_new(check_root_space, waiter, 0);
	CHECK_EQUAL(check_run_one(sleeper), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);	/* helper ran, on the sleeper's time alone */
}

CASE("cond-33", "set_state refuses unknown flags, takes MULTISPACE, and a null reference is no inheritor")
{
	fluke_cond_state_t state = { .flags = 2 };
	fluke_ref_t *ref;

	make();
	ref = check_ref_new();
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_cond_set_state(c, &state, 0));
	state.flags = FLUKE_COND_MULTISPACE;
	fluke_thread_reference(check_first_thread, ref);
	fluke_cond_set_state(c, &state, ref);
	fluke_ref_clear(ref);
	fluke_cond_set_state(c, 0, ref);
	fluke_thread_reference(check_first_thread, ref);
	fluke_cond_get_state(c, &state, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	CHECK_EQUAL(state.flags, FLUKE_COND_MULTISPACE);
}

CASE("cond-34", "a waiter in another space is woken too")
{
	make();
	check_thread_new(check_space_twin(), waiter, 0);
	check_run();
	CHECK_EQUAL(woken, 0);
	fluke_cond_signal(c);
	check_run();
	CHECK_EQUAL(woken, 1);
}
