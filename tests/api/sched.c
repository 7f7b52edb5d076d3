/* The dispatcher: donation, requests, what thread_schedule returns. */
#include "type.h"

static fluke_thread_state_t state;
static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*ref;
static uint32_t		count, in[8];

static void make(void)
{
	set = check_portset_new();
	port = check_port_new(set, 31);
	ref = check_port_ref_new(port);
	count = 0;
}

/* A thread whose requests go to our port, with that sched_val. */
static fluke_thread_t *client(void (*function)(void *), void *argument, uint32_t value)
{
	fluke_thread_t *thread = check_thread_new(check_root_space, function, argument);
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = ref };

	fluke_thread_get_state(thread, &state, (fluke_thread_links_t){ 0 });
	state.sched_val = value;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	return thread;
}

static uint32_t schedule(fluke_thread_t *thread)
{
	return fluke_thread_schedule(thread, port, FLUKE_WAKEUP_ON_BLOCK);
}

static uint32_t request(void)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };
	natural_t alias;

	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, &alias)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(alias, 31);
	CHECK_EQUAL(in[0], FLUKE_SCHED_REQUEST);
	return in[1];
}

static void once(void *unused)
{
	(void)unused;
	count++;
}

CASE("sched-01", "a thread made ready sends one request, is scheduled, and its block is reported")
{
	fluke_thread_t *thread;

	make();
	thread = client(once, 0, 501);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(request(), 501);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
}

static fluke_mutex_t *m;

static void locker(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	count++;
	fluke_mutex_unlock(m);
}

/* It has asked, run, and waits for the mutex that the first thread holds. */
static fluke_thread_t *blocked_client(natural_t value)
{
	fluke_thread_t *thread;

	make();
	m = check_mutex_new();
	fluke_mutex_lock(m);
	thread = client(locker, 0, value);
	CHECK_EQUAL(request(), value);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	return thread;
}

CASE("sched-02", "a thread that becomes ready again asks again")
{
	fluke_thread_t *thread = blocked_client(502);

	fluke_mutex_unlock(m);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(request(), 502);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-03", "a request not yet seen is withdrawn when the thread is stopped")
{
	fluke_thread_t *thread;

	make();
	thread = client(once, 0, 503);
	fluke_thread_get_state(thread, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_INVALID);
}

CASE("sched-04", "no thread, a dead one and a stopped one are INVALID; oneself is an insanity")
{
	fluke_ref_t *null = check_ref_new();
	fluke_thread_t *thread = check_object(sizeof *thread);

	make();
	CHECK_EQUAL(schedule((fluke_thread_t *)null), FLUKE_SCHED_INVALID);
	fluke_thread_create(thread);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_INVALID);
	fluke_thread_reference(thread, null);
	fluke_thread_destroy(thread);
	CHECK_EQUAL(schedule((fluke_thread_t *)null), FLUKE_SCHED_INVALID);
	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, schedule(check_first_thread));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD, schedule((fluke_thread_t *)set));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_schedule(check_first_thread, port, 7));
	CHECK_EQUAL(schedule(0), FLUKE_SCHED_INVALID);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORT, fluke_thread_schedule(check_thread_new(check_root_space, once, 0),
		(fluke_port_t *)set, 0));
}

static void notifier(void *to)
{
	uint32_t word[2] = { 4, 0 };
	fluke_ipc_params_t block = { .send_words = 2, .send_data = word };

	count++;
	fluke_ipc_send(&block, to);
	count++;
}

CASE("sched-05", "a message at the sleep port takes the processor back at once")
{
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, notifier, ref);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(count, 1);
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };
	fluke_ipc_setup_wait_receive(&block, set, 0);
	CHECK_EQUAL(in[0], 4);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
}

static fluke_portset_t *inner_set;
static fluke_port_t *inner_port;
static fluke_thread_t *inner_thread;
static uint32_t inner_result;

static void scheduler(void *unused)
{
	(void)unused;
	inner_result = fluke_thread_schedule(inner_thread, inner_port, FLUKE_WAKEUP_ON_BLOCK);
	count += 10;
}

CASE("sched-06", "time goes through a scheduler to its client")
{
	fluke_thread_t *outer;

	make();
	inner_set = check_portset_new();
	inner_port = check_port_new(inner_set, 1);
	inner_result = 77;
	inner_thread = check_thread_new(check_root_space, once, 0);
	outer = check_thread_new(check_root_space, scheduler, 0);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 11);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
}

static void holder(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	fluke_mutex_lock((fluke_mutex_t *)in[7]);
	count |= 1;
	fluke_mutex_unlock(m);
	check_thread_end();
}

CASE("sched-07", "a waiter for a mutex lends to its holder")
{
	fluke_mutex_t *other = check_mutex_new();
	fluke_thread_t *low, *high;

	make();
	m = check_mutex_new();
	in[7] = (uint32_t)other;
	fluke_mutex_lock(other);
	low = check_thread_new(check_root_space, holder, 0);
	CHECK_EQUAL(schedule(low), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(other);
	high = check_thread_new(check_root_space, locker, 0);
	/* low is never scheduled again: it runs on high's time */
	CHECK_EQUAL(schedule(high), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
}

CASE("sched-08", "a message announced and gone again does not make the scheduler wait")
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };
	fluke_thread_t *thread;

	make();
	thread = client(once, 0, 508);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_MESSAGE);
	fluke_thread_destroy(thread);
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 0);
}

CASE("sched-09", "with TAKE_REQUEST the request comes as the result, at once or while asleep")
{
	fluke_thread_t *thread, *other;

	make();
	thread = client(once, 0, 509);
	CHECK_EQUAL(fluke_thread_schedule(thread, port, FLUKE_WAKEUP_ON_BLOCK | FLUKE_WAKEUP_TAKE_REQUEST),
		FLUKE_SCHED_REQUESTED | 509 << 8);
	CHECK_EQUAL(fluke_thread_schedule(thread, port, FLUKE_WAKEUP_ON_BLOCK | FLUKE_WAKEUP_TAKE_REQUEST), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
	m = check_mutex_new();
	fluke_mutex_lock(m);
	thread = client(locker, 0, 510);
	CHECK_EQUAL(fluke_thread_schedule(thread, port, FLUKE_WAKEUP_TAKE_REQUEST), FLUKE_SCHED_REQUESTED | 510 << 8);
	CHECK_EQUAL(fluke_thread_schedule(thread, port, FLUKE_WAKEUP_TAKE_REQUEST), FLUKE_SCHED_BLOCKED);
	other = check_thread_new(check_root_space, once, 0);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_thread_schedule(other, port, FLUKE_WAKEUP_TAKE_REQUEST), FLUKE_SCHED_REQUESTED | 510 << 8);
}

CASE("sched-10", "LAZY: a request waits until the target blocks and comes with that result")
{
	const natural_t how = FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY;
	fluke_thread_t *first, *second;

	make();
	first = client(once, 0, 600);
	second = client(once, 0, 601);
	CHECK_EQUAL(fluke_thread_schedule(0, port, how), FLUKE_SCHED_REQUESTED | 600 << 8);
	CHECK_EQUAL(fluke_thread_schedule(first, port, how), FLUKE_SCHED_BLOCKED_REQUESTED | 601 << 8);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(fluke_thread_schedule(0, port, how), FLUKE_SCHED_INVALID);
	CHECK_EQUAL(fluke_thread_schedule(second, port, how), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
}

CASE("sched-11", "LAZY: any other message ends the donation at once")
{
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, notifier, ref);
	CHECK_EQUAL(fluke_thread_schedule(thread, port, FLUKE_WAKEUP_LAZY), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(count, 1);
}

CASE("sched-12", "schedule refuses what is no thread, and what is no port")
{
	fluke_thread_t *thread;

	make();
	thread = check_thread_new(check_root_space, once, 0);
	REFUSES_BAD(FLUKE_INSANITY_NOT_THREAD, set, fluke_thread_schedule(o, 0, 0));
	REFUSES_BAD(FLUKE_INSANITY_NOT_PORT, set, fluke_thread_schedule(thread, o, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_schedule(thread, port, 3));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_schedule(thread, port, 0x800));
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-13", "every sensitivity is served, and a reference to thread and port will do")
{
	fluke_ref_t *target = check_ref_new();

	make();
	for (natural_t how = FLUKE_WAKEUP_ON_BLOCK; how <= FLUKE_WAKEUP_ON_CONFLICT; how++) {
		fluke_thread_reference(check_thread_new(check_root_space, notifier, ref), target);
		CHECK_EQUAL(fluke_thread_schedule((fluke_thread_t *)target, (fluke_port_t *)ref, how), FLUKE_SCHED_MESSAGE);
		CHECK_EQUAL(count, how + 1);
		fluke_port_set_state(port, &(fluke_port_state_t){ .alias = 31 }, 0);
	}
}

CASE("sched-14", "a port without a set, and none at all, wake nobody")
{
	fluke_port_t *lone;

	make();
	lone = check_port_new(0, 9);
	CHECK_EQUAL(fluke_thread_schedule(check_thread_new(check_root_space, once, 0), lone, 0), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(fluke_thread_schedule(check_thread_new(check_root_space, once, 0), 0, 0), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
}

static void stopper(void *target)
{
	fluke_thread_get_state(target, 0, 0);
	count++;
}

CASE("sched-15", "a target that another thread stopped is INVALID, and one that is destroyed no object")
{
	fluke_thread_t *target;
	fluke_mutex_t *mine = check_mutex_new();

	make();
	m = mine;
	fluke_mutex_lock(m);
	target = check_thread_new(check_root_space, locker, 0);
	check_run();
	check_thread_new(check_root_space, stopper, target);
	check_run();
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(schedule(target), FLUKE_SCHED_INVALID);
	fluke_thread_destroy(target);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, schedule(target));
}

/* ---- a scheduler below the first thread: it makes one call, notes the result and what is asked of it */

static fluke_ref_t *inner_ref;
static uint32_t asked[4], asks, calls;

static void inner(void *how)
{
	fluke_ipc_params_t block = { .recv_words = 8 };
	uint32_t words[8];
	natural_t alias;

	inner_result = fluke_thread_schedule(inner_thread, inner_port, (natural_t)how);
	calls++;
	block.recv_data = words;
	fluke_ipc_setup_wait_receive(&block, inner_set, &alias);
	for (;;) {
		asked[asks++ % 4] = words[1];
		block.recv_words = 8;
		fluke_ipc_wait_receive(&block, &alias);
	}
}

/* The inner scheduler is our client 900; its clients begin with requests, of which the target's is taken. */
static fluke_thread_t *make_inner(natural_t how, void (*function)(void *), void *argument)
{
	fluke_thread_t *outer;

	make();
	inner_set = check_portset_new();
	inner_port = check_port_new(inner_set, 31);
	inner_ref = check_port_ref_new(inner_port);
	calls = asks = 0;
	inner_thread = check_thread_new(check_root_space, function, argument);
	outer = client(inner, (void *)how, 900);
	CHECK_EQUAL(request(), 900);
	return outer;
}

/* A thread made ready, whose requests go to the inner scheduler. */
static fluke_thread_t *inner_client(void (*function)(void *), uint32_t value)
{
	fluke_ref_t *ours = ref;
	fluke_thread_t *thread;

	ref = inner_ref;
	thread = client(function, 0, value);
	ref = ours;
	return thread;
}

/* The target of the inner scheduler, whose first request has been seen, will wait for m as soon as it runs. */
static fluke_thread_t *make_locker(natural_t how)
{
	fluke_portset_t *ours;
	fluke_thread_t *outer = make_inner(how, once, 0);

	m = check_mutex_new();
	fluke_mutex_lock(m);
	inner_thread = inner_client(locker, 700);
	ours = set;
	set = inner_set;
	CHECK_EQUAL(request(), 700);
	set = ours;
	return outer;
}

/* The same, and it waits for m now. */
static fluke_thread_t *make_waiting(natural_t how)
{
	fluke_thread_t *outer = make_locker(how);

	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(calls, how == FLUKE_WAKEUP_ON_BLOCK);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	return outer;
}

CASE("sched-16", "ON_BLOCK: the scheduler is told at once that its target has blocked")
{
	make_waiting(FLUKE_WAKEUP_ON_BLOCK);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
}

CASE("sched-17", "ON_SWITCH: the target blocks and runs again without its scheduler; another client wakes that")
{
	fluke_thread_t *outer = make_waiting(FLUKE_WAKEUP_ON_SWITCH);

	fluke_mutex_unlock(m);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(calls, 0);
	inner_client(once, 701);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(calls, 1);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(asks, 1);
	CHECK_EQUAL(asked[0], 701);
	CHECK_EQUAL(count, 1);
}

CASE("sched-18", "ON_CONFLICT: while the target is blocked another client runs directly, then the target again")
{
	fluke_thread_t *outer = make_waiting(FLUKE_WAKEUP_ON_CONFLICT);

	inner_client(once, 701);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
	CHECK_EQUAL(calls, 0);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
}

CASE("sched-19", "ON_CONFLICT: two clients ready at once are the scheduler's business, the target told blocked")
{
	fluke_thread_t *outer = make_waiting(FLUKE_WAKEUP_ON_CONFLICT);

	inner_client(once, 701);
	inner_client(once, 702);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(calls, 1);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(asks, 2);
	CHECK_EQUAL(asked[0], 701);
	CHECK_EQUAL(asked[1], 702);
	CHECK_EQUAL(count, 0);
	fluke_mutex_unlock(m);		/* it was told blocked, so the target asks */
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(asked[2], 700);
}

CASE("sched-20", "ON_CONFLICT and ON_SWITCH: a client that wakes while the target runs ends the call")
{
	for (natural_t how = FLUKE_WAKEUP_ON_SWITCH; how <= FLUKE_WAKEUP_ON_CONFLICT; how++) {
		fluke_thread_t *outer = make_inner(how, once, 0);

		inner_thread = check_thread_new(check_root_space, notifier, ref);
		CHECK_EQUAL(schedule(outer), FLUKE_SCHED_MESSAGE);
		CHECK_EQUAL(count, 1);
		fluke_port_set_state(port, &(fluke_port_state_t){ .alias = 31 }, 0);
		inner_client(once, 701);
		CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
		CHECK_EQUAL(calls, 1);
		CHECK_EQUAL(inner_result, FLUKE_SCHED_MESSAGE);
		CHECK_EQUAL(asked[0], 701);
		CHECK_EQUAL(count, 1);
	}
}

CASE("sched-21", "a request that nobody has seen is taken back, and with it what its scheduler asked for")
{
	fluke_thread_t *outer = make_waiting(FLUKE_WAKEUP_ON_CONFLICT), *other;

	other = inner_client(once, 701);
	fluke_thread_get_state(other, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(fluke_thread_schedule(0, port, 0), FLUKE_SCHED_INVALID);	/* nothing waits at our port */
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(calls, 0);
	fluke_thread_destroy(other);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-22", "a scheduler stopped while another client runs for its target makes its call again")
{
	fluke_thread_t *outer = make_waiting(FLUKE_WAKEUP_ON_CONFLICT);

	inner_client(once, 701);
	CHECK_EQUAL(request(), 900);
	fluke_thread_get_state(outer, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.ebx, (uint32_t)inner_thread);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(outer, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(asked[0], 701);
	CHECK_EQUAL(count, 0);
}

CASE("sched-23", "a thread with several donors goes on while any of them is left")
{
	fluke_thread_t *low, *first, *second;
	fluke_mutex_t *gate = check_mutex_new();

	make();
	m = check_mutex_new();
	in[7] = (uint32_t)gate;
	fluke_mutex_lock(gate);
	low = check_thread_new(check_root_space, holder, 0);
	CHECK_EQUAL(schedule(low), FLUKE_SCHED_BLOCKED);
	first = check_thread_new(check_root_space, locker, 0);
	second = check_thread_new(check_root_space, locker, 0);
	CHECK_EQUAL(schedule(first), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(second), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);
	fluke_thread_destroy(first);
	CHECK_EQUAL(schedule(second), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);		/* low: or-ed 1 in; second has had the mutex */
}

static fluke_cond_t *c;

static void cond_waiter(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	fluke_cond_wait(c, m);
	count += 100;
	fluke_mutex_unlock(m);
}

CASE("sched-24", "who waits for a condition lends to its inheritor")
{
	fluke_ref_t *to = check_ref_new();
	fluke_thread_t *waiter;

	make();
	m = check_mutex_new();
	c = check_cond_new();
	fluke_thread_reference(check_thread_new(check_root_space, once, 0), to);
	fluke_cond_set_state(c, &(fluke_cond_state_t){ 0 }, to);
	waiter = check_thread_new(check_root_space, cond_waiter, 0);
	CHECK_EQUAL(schedule(waiter), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-25", "a circle of schedulers, and one that never runs its clients, hold up only these")
{
	fluke_thread_t *outer = make_inner(FLUKE_WAKEUP_ON_SWITCH, once, 0), *second;

	inner_thread = second = check_thread_new(check_root_space, inner, (void *)FLUKE_WAKEUP_ON_SWITCH);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);	/* outer lends to second, and that to itself: no */
	inner_thread = outer;
	CHECK_EQUAL(schedule(second), FLUKE_SCHED_BLOCKED);
	inner_client(once, 703);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, once, 0)), FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, once, 0)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-26", "a thread whose scheduler's port is gone runs on time that is given to it")
{
	fluke_thread_t *thread = blocked_client(504);

	fluke_port_destroy(port);
	port = check_port_new(set, 31);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(fluke_thread_schedule(0, port, 0), FLUKE_SCHED_INVALID);
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-29", "LAZY with a weaker sensitivity: a request comes when the target blocks, or is settled then")
{
	for (natural_t how = FLUKE_WAKEUP_ON_SWITCH; how <= FLUKE_WAKEUP_ON_CONFLICT; how++) {
		fluke_thread_t *outer = make_inner(how | FLUKE_WAKEUP_LAZY, once, 0);

		inner_thread = check_thread_new(check_root_space, notifier, ref);
		CHECK_EQUAL(schedule(outer), FLUKE_SCHED_MESSAGE);
		fluke_port_set_state(port, &(fluke_port_state_t){ .alias = 31 }, 0);
		inner_client(once, 701);
		CHECK_EQUAL(count, 1);
		CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
		CHECK_EQUAL(calls, how == FLUKE_WAKEUP_ON_SWITCH);
		CHECK_EQUAL(count, how == FLUKE_WAKEUP_ON_SWITCH ? 2 : 3);
		inner_client(once, 702);
		CHECK_EQUAL(request(), 900);
		CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
		CHECK_EQUAL(count, how == FLUKE_WAKEUP_ON_SWITCH ? 2 : 4);
	}
}

/* ---- a chain: thread i holds mutex i and waits for the next one, the last one for the gate */

#define CHAIN	70u
static fluke_mutex_t *chain_mutex[CHAIN + 1];

void chain_start(void);
__asm__ ("chain_start: pushl %ebx; pushl %ebx; call chain_link");
void chain_link(uint32_t i);
void chain_link(uint32_t i)
{
	fluke_mutex_lock(chain_mutex[i]);
	fluke_mutex_lock(chain_mutex[i + 1]);
	count++;
	check_thread_end();
}

/* The first thread of a chain of that length, made from its end; the gate is open then. */
static fluke_thread_t *chain_new(uint32_t length)
{
	fluke_ref_t *space = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = space };
	fluke_thread_t *t = 0;

	make();
	check_space_reference(check_root_space, space);
	for (uint32_t i = 0; i <= length; i++)
		chain_mutex[i] = check_mutex_new();
	fluke_mutex_lock(chain_mutex[length]);
	for (uint32_t i = length; i--;) {
		t = check_object(sizeof *t);
		memset(&state, 0, sizeof state);
		state.regs.eip = (uint32_t)chain_start;
		state.regs.ebx = i;
		state.regs.esp = (uint32_t)check_pages(1) + FLUKE_PAGE_SIZE;
		state.regs.eflags = 0x202;
		fluke_thread_create(t);
		fluke_thread_set_state(t, &state, links);
		CHECK_EQUAL(schedule(t), FLUKE_SCHED_BLOCKED);
	}
	fluke_mutex_unlock(chain_mutex[length]);
	return t;
}

CASE("sched-27", "time passes through a chain of 64 links")
{
	CHECK_EQUAL(schedule(chain_new(64)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

CASE("sched-28", "a longer chain is cut: the waiter beyond just blocks")
{
	CHECK_EQUAL(schedule(chain_new(CHAIN)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);
}

static void lender(void *target)
{
	inner_result = fluke_thread_schedule(target, 0, 0);
	count += 10;
}

CASE("sched-30", "an inner scheduler is told that its target blocked, within the outer one's donation")
{
	fluke_thread_t *target, *outer;

	make();
	m = check_mutex_new();
	fluke_mutex_lock(m);
	target = check_thread_new(check_root_space, locker, 0);
	outer = check_thread_new(check_root_space, lender, target);
	inner_result = 77;
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 10);
	fluke_thread_destroy(target);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_thread_schedule(target, 0, 0));
}

/* The inner scheduler's target will wait for m; 701 and perhaps 702 have asked before it blocks. */
static fluke_thread_t *make_passing(natural_t how, int others)
{
	fluke_thread_t *outer = make_locker(how);

	for (int n = 0; n < others; n++)
		inner_client(once, 701 + n);
	return outer;
}

CASE("sched-31", "ON_CONFLICT and LAZY: the target blocks, the one client that has asked before runs in its stead; then nobody does")
{
	fluke_thread_t *outer = make_passing(FLUKE_WAKEUP_ON_CONFLICT | FLUKE_WAKEUP_LAZY, 1);

	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(calls, 0);
	fluke_mutex_unlock(m);		/* the target asks again */
	CHECK_EQUAL(request(), 900);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(asks, 0);		/* all was settled without the inner scheduler */
	CHECK_EQUAL(count, 2);
}

CASE("sched-32", "ON_CONFLICT and LAZY: two clients that have asked before the target blocks are the scheduler's business")
{
	fluke_thread_t *outer = make_passing(FLUKE_WAKEUP_ON_CONFLICT | FLUKE_WAKEUP_LAZY, 2);

	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(asks, 2);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(request(), 900);
}

CASE("sched-33", "ON_BLOCK and LAZY: the scheduler is told that its target has blocked, and who asks")
{
	fluke_thread_t *outer = make_passing(FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY, 1);

	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(inner_result, FLUKE_SCHED_BLOCKED_REQUESTED | 701 << 8);
	fluke_mutex_unlock(m);
	CHECK_EQUAL(request(), 900);
}

static void asks_aside(void *unused)
{
	uint32_t words[2] = { 1, 2 };
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words, .recv_words = 2, .recv_data = words };

	(void)unused;
	fluke_ipc_client_connect_send_over_receive(&block, ref);
}

CASE("sched-34", "a client that ran by a request nobody has seen takes it back when its server sets it aside")
{
	uint32_t words[8];
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };
	fluke_portset_t *requests = check_portset_new(), *served;
	fluke_port_t *asked_port = check_port_new(requests, 31);
	fluke_ref_t *there;
	fluke_thread_t *thread;
	natural_t flags;

	make();
	served = set;
	there = ref;
	ref = check_port_ref_new(asked_port);
	thread = client(asks_aside, 0, 700);
	ref = there;
	CHECK_EQUAL(fluke_thread_schedule(thread, port, 0), FLUKE_SCHED_MESSAGE);	/* its message; 700 waits at the other port */
	CHECK_EQUAL(FLUKE_IPC_STATUS(fluke_ipc_setup_wait_receive(&block, served, 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(words[1], 2);
	fluke_thread_get_client(check_first_thread, there, &flags);
	fluke_thread_set_client(check_first_thread, 0, 0);
	CHECK_EQUAL(fluke_thread_schedule(0, asked_port, 0), FLUKE_SCHED_INVALID);	/* nobody asks */
}

static uint64_t used(void *thread)
{
	natural_t low = 1, high = 1;

	fluke_thread_used(thread, &low, &high);
	return (uint64_t)high << 32 | low;
}

static void spin(uint32_t turns)
{
	while (turns--)
		__asm__ volatile ("");
}

static void spins_and_waits(void *unused)
{
	(void)unused;
	spin(20000);
	fluke_mutex_lock(m);
}

static void spins_longer(void *unused)
{
	(void)unused;
	spin(60000);
}

CASE("sched-35", "thread_used: a thread has what it was given, also in another's stead; its state tells the same; 0 for none")
{
	fluke_thread_t *outer, *second;
	fluke_portset_t *ours;
	uint64_t first_used, second_used;

	CHECK_EQUAL((uint32_t)used(0), 0);
	CHECK_EQUAL((uint32_t)used(check_ref_new()), 0);
	REFUSES_BAD(FLUKE_INSANITY_NOT_THREAD, check_mutex_new(), fluke_thread_used(o, 0, 0));
	outer = make_inner(FLUKE_WAKEUP_ON_CONFLICT | FLUKE_WAKEUP_LAZY, once, 0);
	m = check_mutex_new();
	fluke_mutex_lock(m);
	inner_thread = inner_client(spins_and_waits, 700);
	ours = set;
	set = inner_set;
	CHECK_EQUAL(request(), 700);
	set = ours;
	second = inner_client(spins_longer, 701);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	first_used = used(inner_thread);
	second_used = used(second);
	CHECK(first_used > 1000);
	CHECK(second_used > 2 * first_used && second_used < 5 * first_used);
	CHECK(used(outer) > first_used + second_used);
	fluke_thread_destroy(outer);		/* it lends to the second still */
	second_used = used(second);
	fluke_thread_get_state(second, &state, (fluke_thread_links_t){ 0 });
	CHECK(state.used == second_used);
	state.used = 1234567890123;
	fluke_thread_set_state(second, &state, (fluke_thread_links_t){ 0 });
	CHECK(used(second) == 1234567890123);
	state.used = 0;
	fluke_thread_set_state(second, &state, (fluke_thread_links_t){ 0 });
	CHECK(used(second) == 1234567890123);
}

static fluke_mutex_t *gate;
static fluke_thread_t *mover_of, *moved_to;

static void moves_another(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	fluke_mutex_lock(gate);
	fluke_thread_move(mover_of, moved_to);
	fluke_mutex_unlock(m);
}

CASE("sched-44", "a thread moved while its scheduler lends to it asks again: the scheduler was told that there is none")
{
	fluke_thread_t *holder;

	make();
	m = check_mutex_new();
	gate = check_mutex_new();
	moved_to = check_object(sizeof(fluke_thread_t));
	fluke_mutex_lock(gate);
	holder = client(moves_another, 0, 502);
	CHECK_EQUAL(request(), 502);
	CHECK_EQUAL(schedule(holder), FLUKE_SCHED_BLOCKED);
	mover_of = client(locker, 0, 501);
	CHECK_EQUAL(request(), 501);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(request(), 502);
	CHECK_EQUAL(schedule(mover_of), FLUKE_SCHED_INVALID);
	CHECK_EQUAL(request(), 501);
	CHECK_EQUAL(schedule(moved_to), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1);
}

static void holds_two(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	fluke_mutex_lock(gate);
	count++;
	fluke_mutex_unlock(m);
}

CASE("sched-45", "those who wait for a thread go on lending to it after it has moved")
{
	fluke_thread_t *holder, *waiter;
	fluke_thread_links_t none = { [FLUKE_LINK_SCHEDULER] = check_ref_new() };

	make();
	m = check_mutex_new();
	gate = check_mutex_new();
	moved_to = check_object(sizeof(fluke_thread_t));
	fluke_mutex_lock(gate);
	holder = client(holds_two, 0, 502);
	CHECK_EQUAL(request(), 502);
	CHECK_EQUAL(schedule(holder), FLUKE_SCHED_BLOCKED);
	fluke_thread_get_state(holder, &state, (fluke_thread_links_t){ 0 });
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(holder, &state, none);
	waiter = client(locker, 0, 501);
	CHECK_EQUAL(request(), 501);
	CHECK_EQUAL(schedule(waiter), FLUKE_SCHED_BLOCKED);
	fluke_thread_move(holder, moved_to);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(request(), 501);
	CHECK_EQUAL(schedule(waiter), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 2);
}

CASE("sched-46", "sched_val stays with the scheduler: a record written without that link does not change it")
{
	fluke_thread_t *target;

	make();
	target = client(once, 0, 7);
	CHECK_EQUAL(request(), 7);
	fluke_thread_get_state(target, &state, (fluke_thread_links_t){ 0 });
	state.sched_val = 8;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(target, &state, (fluke_thread_links_t){ 0 });
	fluke_thread_get_state(target, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(state.sched_val, 7);
	state.sched_val = 9;
	fluke_thread_set_state(target, &state, (fluke_thread_links_t){ [FLUKE_LINK_SCHEDULER] = ref });
	fluke_thread_get_state(target, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(state.sched_val, 9);
}
