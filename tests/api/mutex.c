/* Mutexes. */
#include "type.h"

static fluke_mutex_t	*m;
static uint32_t		got, order, steps[8];

static void make(void)
{
	m = check_mutex_new();
	got = 0xffff;
	order = 0;
}

static void locker(void *which)
{
	got = fluke_mutex_lock(m);
	steps[order++] = (uint32_t)which;
	fluke_mutex_unlock(m);
}

CASE("mutex-01", "lock and unlock a free mutex")
{
	make();
	CHECK_EQUAL(fluke_mutex_lock(m), FLUKE_SUCCESS);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	fluke_mutex_unlock(m);
}

CASE("mutex-02", "locking what one holds is an insanity")
{
	make();
	fluke_mutex_lock(m);
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_LOCKED, fluke_mutex_lock(m));
}

CASE("mutex-03", "unlocking a free mutex is an insanity")
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_LOCKED, fluke_mutex_unlock(m));
}

static void holder(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	check_thread_end();
}

CASE("mutex-04", "unlock by a non-owner is an insanity")
{
	make();
	check_thread_new(check_root_space, holder, 0);
	check_run();
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_OWNER, fluke_mutex_unlock(m));
}

CASE("mutex-05", "waiters get it in the order of their coming, also from another space")
{
	make();
	fluke_mutex_lock(m);
	check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	check_thread_new(check_space_twin(), locker, (void *)2);
	check_run();
	check_thread_new(check_root_space, locker, (void *)3);
	check_run();
	CHECK_EQUAL(order, 0);
	fluke_mutex_unlock(m);
	check_run();
	CHECK_EQUAL(order, 3);
	CHECK_EQUAL(steps[0], 1);
	CHECK_EQUAL(steps[1], 2);
	CHECK_EQUAL(steps[2], 3);
}

CASE("mutex-06", "the end of the owner frees it; the next lock returns OWNER_DIED once")
{
	fluke_thread_t *thread;
	fluke_mutex_state_t state;

	make();
	thread = check_thread_new(check_root_space, holder, 0);
	check_run();
	fluke_thread_destroy(thread);
	fluke_mutex_get_state(m, &state, 0);
	CHECK_EQUAL(state.locked, 0);
	CHECK_EQUAL(state.flags, FLUKE_MUTEX_ABANDONED);
	CHECK_EQUAL(fluke_mutex_lock(m), FLUKE_OWNER_DIED);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_mutex_lock(m), FLUKE_SUCCESS);
}

CASE("mutex-07", "a waiter gets the mutex of a destroyed owner with OWNER_DIED")
{
	fluke_thread_t *thread, *waiter;

	make();
	thread = check_thread_new(check_root_space, holder, 0);
	check_run();
	waiter = check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	CHECK_EQUAL(got, 0xffff);
	fluke_thread_destroy(thread);
	check_run_one(waiter);
	CHECK_EQUAL(got, FLUKE_OWNER_DIED);
}

CASE("mutex-08", "get_state tells flags, lock and owner")
{
	fluke_mutex_state_t state;
	fluke_ref_t *ref, *self;

	make();
	ref = check_ref_new();
	self = check_ref_new();
	fluke_thread_reference(check_first_thread, self);
	fluke_mutex_get_state(m, &state, ref);
	CHECK_EQUAL(state.locked, 0);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	fluke_mutex_lock(m);
	fluke_mutex_get_state(m, &state, ref);
	CHECK_EQUAL(state.locked, 1);
	CHECK_EQUAL(fluke_ref_compare(ref, self), 1);
}

CASE("mutex-09", "set_state gives the mutex to another thread, or frees it")
{
	fluke_mutex_state_t state = { .flags = FLUKE_MUTEX_INHERIT_PRI, .locked = 1 };
	fluke_ref_t *ref;

	make();
	ref = check_ref_new();
	fluke_thread_reference(check_first_thread, ref);
	fluke_mutex_set_state(m, &state, ref);
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_LOCKED, fluke_mutex_lock(m));
	fluke_ref_clear(ref);
	fluke_mutex_set_state(m, 0, ref);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
	fluke_mutex_get_state(m, &state, 0);
	CHECK_EQUAL(state.flags, FLUKE_MUTEX_INHERIT_PRI);
}

CASE("mutex-10", "set_state refuses unknown flags and references to no thread")
{
	fluke_mutex_state_t state = { .flags = 0x100 };
	fluke_ref_t *ref;

	make();
	ref = check_ref_new();
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_mutex_set_state(m, &state, 0));
	fluke_mutex_reference(m, ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD_REF, fluke_mutex_set_state(m, 0, ref));
}

CASE("mutex-11", "a wrong object, no object and a plain page are told apart")
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_MUTEX, fluke_mutex_lock((fluke_mutex_t *)check_cond_new()));
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)check_object(64)));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_mutex_lock((fluke_mutex_t *)((uint32_t)m + 4)));
}

CASE("mutex-12", "destroying a mutex makes its waiters find no object")
{
	make();
	fluke_mutex_lock(m);
	check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	memset(&check_caught, 0, sizeof check_caught);
	fluke_mutex_destroy(m);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_INSANITY | FLUKE_INSANITY_NO_OBJECT);
}

CASE("mutex-13", "a moved mutex keeps its owner")
{
	fluke_mutex_t *to;

	make();
	to = check_object(sizeof *to);
	fluke_mutex_lock(m);
	fluke_mutex_move(m, to);
	CHECK_EQUAL(fluke_mutex_trylock(to), FLUKE_MUTEX_HELD);
	fluke_mutex_unlock(to);
	CHECK_EQUAL(fluke_mutex_trylock(to), FLUKE_SUCCESS);
}

/* What every type has in common: type.h. */
TYPE_CALLS(mutex, MUTEX, 1);

CASE("mutex-14", "create makes a mutex with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("mutex-15", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("mutex-16", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("mutex-17", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("mutex-18", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("mutex-19", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("mutex-20", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("mutex-21", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("mutex-22", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("mutex-23", "reference refuses what is no mutex, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("mutex-24", "get_state refuses what is no mutex, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("mutex-25", "set_state refuses what is no mutex, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("mutex-26", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("mutex-27", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("mutex-28", "lock, trylock and unlock refuse no object, a wrong one and a bad address")
{
	make();
	REFUSES_BAD(FLUKE_INSANITY_NOT_MUTEX, check_cond_new(), fluke_mutex_lock(o));
	REFUSES_BAD(FLUKE_INSANITY_NOT_MUTEX, check_cond_new(), fluke_mutex_trylock(o));
	REFUSES_BAD(FLUKE_INSANITY_NOT_MUTEX, check_cond_new(), fluke_mutex_unlock(o));
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_mutex_lock(m), FLUKE_SUCCESS);
}

CASE("mutex-29", "trylock too returns OWNER_DIED once")
{
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, holder, 0);
	check_run();
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	fluke_thread_destroy(thread);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_OWNER_DIED);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
}

CASE("mutex-30", "freed by set_state, it passes to the first waiter")
{
	fluke_mutex_state_t state = { .flags = 0, .locked = 0 };

	make();
	fluke_mutex_lock(m);
	check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	fluke_mutex_set_state(m, &state, 0);
	check_run();
	CHECK_EQUAL(order, 1);
	CHECK_EQUAL(got, FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
}

CASE("mutex-31", "each flag that there is can be set and is read back")
{
	fluke_mutex_state_t state = { 0 }, got_state;

	make();
	for (uint32_t flags = 0; flags < 16; flags++) {
		state.flags = flags;
		fluke_mutex_set_state(m, &state, 0);
		fluke_mutex_get_state(m, &got_state, 0);
		CHECK_EQUAL(got_state.flags, flags);
		CHECK_EQUAL(got_state.locked, 0);
	}
}

CASE("mutex-32", "set_state with ABANDONED makes the next lock return OWNER_DIED")
{
	fluke_mutex_state_t state = { .flags = FLUKE_MUTEX_ABANDONED };

	make();
	fluke_mutex_set_state(m, &state, 0);
	CHECK_EQUAL(fluke_mutex_lock(m), FLUKE_OWNER_DIED);
	fluke_mutex_get_state(m, &state, 0);
	CHECK_EQUAL(state.flags, 0);
}

CASE("mutex-33", "a mutex on a shared page is one mutex to both spaces")
{
	make();
	check_thread_new(check_space_twin(), holder, 0);
	check_run();
	EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_OWNER, fluke_mutex_unlock(m));
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
}

CASE("mutex-34", "a thread that is interrupted while it waits goes on waiting, and gets it")
{
	fluke_thread_t *thread;

	make();
	fluke_mutex_lock(m);
	thread = check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(order, 0);
	fluke_mutex_unlock(m);
	check_run();
	CHECK_EQUAL(order, 1);
	CHECK_EQUAL(got, FLUKE_SUCCESS);
}

CASE("mutex-35", "a waiter that is destroyed is passed over")
{
	fluke_thread_t *first, *second;

	make();
	fluke_mutex_lock(m);
	first = check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	second = check_thread_new(check_root_space, locker, (void *)2);
	check_run_one(second);
	fluke_thread_destroy(first);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	check_run_one(second);
	CHECK_EQUAL(order, 1);
	CHECK_EQUAL(steps[0], 2);
}

CASE("mutex-36", "forty mutexes of a thread that ends are all freed, with OWNER_DIED")
{
	static fluke_mutex_t *held[40];
	fluke_ref_t *owner = check_ref_new();
	fluke_mutex_state_t state = { .locked = 1 };
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, locker, 0);
	fluke_thread_reference(thread, owner);
	for (uint32_t i = 0; i < 40; i++) {
		held[i] = check_mutex_new();
		fluke_mutex_set_state(held[i], &state, owner);
	}
	fluke_thread_destroy(thread);
	for (uint32_t i = 0; i < 40; i++)
		CHECK_EQUAL(fluke_mutex_lock(held[i]), FLUKE_OWNER_DIED);
}

CASE("mutex-37", "who waits for a mutex that set_state gives to another thread lends its time to that one")
{
	fluke_ref_t *owner = check_ref_new();
	fluke_mutex_state_t state = { .locked = 1 };
	fluke_thread_t *waiter, *heir;

	make();
	fluke_mutex_lock(m);
	waiter = check_thread_new(check_root_space, locker, (void *)1);
	check_run();
	heir = check_thread_new(check_root_space, locker, (void *)2);
	fluke_thread_reference(heir, owner);
	fluke_mutex_set_state(m, &state, owner);
	check_run_one(waiter);			/* the heir runs, and meets what it holds already */
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_INSANITY | FLUKE_INSANITY_MUTEX_LOCKED);
	CHECK_EQUAL(order, 0);
	fluke_thread_destroy(heir);
	check_run_one(waiter);
	CHECK_EQUAL(got, FLUKE_OWNER_DIED);
}
