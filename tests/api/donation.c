/* Donation along whatever a thread waits for: mutex, request, queue of a busy server, condition, a scheduler's
 * client, in one chain; several donors; circles, and schedulers that are dead or do not care. */
#include "type.h"

static fluke_portset_t	*set, *server_set;
static fluke_port_t	*port;
static fluke_ref_t	*ours, *server_ref;
static fluke_mutex_t	*gate, *m, *m2;
static fluke_cond_t	*c;
static uint32_t		count, done, served, in[8];
static fluke_thread_t	*victim, *target;

static void make(void)
{
	set = check_portset_new();
	port = check_port_new(set, 7);
	ours = check_port_ref_new(port);
	server_set = check_portset_new();
	server_ref = check_port_ref_new(check_port_new(server_set, 8));
	gate = check_mutex_new();
	m = check_mutex_new();
	m2 = check_mutex_new();
	c = check_cond_new();
	count = done = served = 0;
	fluke_mutex_lock(gate);
}

/* Its requests come to the port with that number. */
static fluke_thread_t *client_of(fluke_ref_t *scheduler, void (*function)(void *), void *argument, uint32_t value)
{
	static fluke_thread_state_t state;
	fluke_thread_t *thread = check_thread_new(check_root_space, function, argument);
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = scheduler };

	fluke_thread_get_state(thread, &state, (fluke_thread_links_t){ 0 });
	state.sched_val = value;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	return thread;
}

static uint32_t schedule(fluke_thread_t *thread)
{
	return fluke_thread_schedule(thread, 0, FLUKE_WAKEUP_ON_BLOCK);
}

/* The number of the next request at our port; 0: none waits. */
static uint32_t asked(void)
{
	uint32_t result = fluke_thread_schedule(0, port, FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY);

	return FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_REQUESTED ? FLUKE_SCHED_VALUE(result) : 0;
}

static void add(void *value)
{
	count += (uint32_t)value;
}

/* Answers requests of a word; each only when the gate is open. */
static void server(void *wait)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&block, server_set, &alias);
	for (;;) {
		((void (*)(void))wait)();
		served++;
		block = (fluke_ipc_params_t){ .send_words = 2, .send_data = in, .recv_words = 8, .recv_data = in };
		fluke_ipc_server_ack_send_wait_receive(&block, &alias);
	}
}

static void wait_gate(void)
{
	fluke_mutex_lock(gate);
	fluke_mutex_unlock(gate);
}

static void call(void *unused)
{
	uint32_t out[2] = { 1, 2 }, back[8];
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 8, .recv_data = back };

	(void)unused;
	fluke_ipc_client_connect_send_over_receive(&block, server_ref);
	fluke_ipc_client_disconnect();
	done++;
}

CASE("donation-01", "a client lends its time to its server for the length of the request")
{
	fluke_thread_t *client;

	make();
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, server, (void *)wait_gate)), FLUKE_SCHED_BLOCKED);
	client = check_thread_new(check_root_space, call, 0);
	CHECK_EQUAL(schedule(client), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(served, 0);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(schedule(client), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(served, 1);
	CHECK_EQUAL(done, 1);
}

CASE("donation-02", "who queues at a busy server lends to the thread that last took a message there")
{
	fluke_thread_t *second;

	make();
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, server, (void *)wait_gate)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, call, 0)), FLUKE_SCHED_BLOCKED);
	second = check_thread_new(check_root_space, call, 0);
	CHECK_EQUAL(schedule(second), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(schedule(second), FLUKE_SCHED_BLOCKED);	/* the first one is not given any time */
	CHECK_EQUAL(served, 2);
	CHECK_EQUAL(done, 1);
}

/* ---- a chain of all kinds: waiter, mutex, caller, server, condition, inheritor, schedule, last, gate */

static void waiter(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	count += 1000;
	fluke_mutex_unlock(m);
}

static void caller(void *unused)
{
	fluke_mutex_lock(m);
	call(unused);
	count += 100;
	fluke_mutex_unlock(m);
	check_thread_end();
}

static void wait_condition(void)
{
	fluke_mutex_lock(m2);
	fluke_cond_wait(c, m2);
	fluke_mutex_unlock(m2);
}

static void inheritor(void *unused)
{
	(void)unused;
	if (fluke_thread_schedule(target, port, FLUKE_WAKEUP_ON_SWITCH) == FLUKE_SCHED_MESSAGE)
		fluke_cond_signal(c);
	count += 10;
	check_thread_end();
}

static void last(void *unused)
{
	uint32_t word[2] = { 4, 0 };
	fluke_ipc_params_t block = { .send_words = 2, .send_data = word };

	(void)unused;
	wait_gate();
	count += 1;
	fluke_ipc_send(&block, ours);
	check_thread_end();
}

CASE("donation-03", "time passes through a chain of every kind of wait to its end, and back to each of the chain")
{
	fluke_ref_t *to = check_ref_new();
	fluke_thread_t *first, *between;

	make();
	target = check_thread_new(check_root_space, last, 0);
	between = check_thread_new(check_root_space, inheritor, 0);
	fluke_thread_reference(between, to);
	fluke_cond_set_state(c, &(fluke_cond_state_t){ 0 }, to);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, server, (void *)wait_condition)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, caller, 0)), FLUKE_SCHED_BLOCKED);
	first = check_thread_new(check_root_space, waiter, 0);
	CHECK_EQUAL(schedule(first), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(schedule(first), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1101);		/* the inheritor has done its part once the signal is given */
}

/* ---- several donors */

static void holder(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	wait_gate();
	fluke_thread_destroy(victim);
	count += 1;
	fluke_mutex_unlock(m);
	check_thread_end();
}

CASE("donation-04", "when the donor whose time a thread uses goes, those who lend to it too ask for it, and one suffices")
{
	fluke_thread_t *other;

	make();
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, holder, 0)), FLUKE_SCHED_BLOCKED);
	victim = client_of(ours, waiter, 0, 601);
	other = client_of(ours, waiter, 0, 602);
	CHECK_EQUAL(asked(), 601);
	CHECK_EQUAL(asked(), 602);
	CHECK_EQUAL(schedule(victim), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(other), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);		/* the holder is ready: both donors ask */
	CHECK_EQUAL(asked() + asked(), 1203);
	CHECK_EQUAL(asked(), 0);
	CHECK_EQUAL(schedule(victim), FLUKE_SCHED_INVALID);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(other), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1001);
}

CASE("donation-05", "one request per thread is outstanding, however often it could run, and none when it cannot")
{
	static fluke_thread_state_t state;
	fluke_thread_t *thread;

	make();
	thread = client_of(ours, add, (void *)5, 605);
	for (int i = 0; i < 5; i++) {
		fluke_thread_get_state(thread, &state, (fluke_thread_links_t){ 0 });
		CHECK_EQUAL(asked(), 0);
		state.flags &= ~FLUKE_THREAD_STOPPED;
		fluke_thread_set_state(thread, &state, (fluke_thread_links_t){ 0 });
		fluke_thread_interrupt(thread);
	}
	CHECK_EQUAL(asked(), 605);
	CHECK_EQUAL(asked(), 0);
	fluke_thread_interrupt(thread);
	CHECK_EQUAL(asked(), 0);		/* we know already */
	CHECK_EQUAL(schedule(thread), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 5);
}

/* ---- wake-ups that reach a scheduler in the middle of the path */

static fluke_port_t	*middle_port;
static fluke_ref_t	*middle_ref;
static uint32_t		middle_result;

static void middle(void *unused)
{
	(void)unused;
	middle_result = fluke_thread_schedule(target, middle_port, FLUKE_WAKEUP_ON_BLOCK);
	count += 10;
	check_thread_end();
}

static void leaf_scheduler(void *leaf)
{
	fluke_thread_schedule(leaf, 0, FLUKE_WAKEUP_ON_BLOCK);
	count += 100;
	check_thread_end();
}

static void wakes(void *unused)
{
	(void)unused;
	count += 1;
	fluke_cond_signal(c);
	count += 1000;
	check_thread_end();
}

static void sleeps(void *unused)
{
	(void)unused;
	wait_condition();
}

CASE("donation-06", "a wake-up takes the processor from the leaf to the scheduler of the one that woke, and to no other")
{
	fluke_thread_t *leaf, *sleeper, *outer;

	make();
	middle_port = check_port_new(check_portset_new(), 9);
	middle_ref = check_port_ref_new(middle_port);
	middle_result = 77;
	leaf = check_thread_new(check_root_space, wakes, 0);
	sleeper = client_of(middle_ref, sleeps, 0, 710);
	CHECK_EQUAL(FLUKE_SCHED_VALUE(fluke_thread_schedule(0, middle_port, FLUKE_WAKEUP_TAKE_REQUEST)), 710);
	CHECK_EQUAL(schedule(sleeper), FLUKE_SCHED_BLOCKED);
	target = check_thread_new(check_root_space, leaf_scheduler, leaf);
	outer = check_thread_new(check_root_space, middle, 0);
	CHECK_EQUAL(schedule(outer), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(middle_result, FLUKE_SCHED_MESSAGE);
	CHECK_EQUAL(count, 11);			/* not the leaf's second half, not its scheduler */
	CHECK_EQUAL(schedule(target), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1111);
}

/* ---- who hurts only itself */

static void first_then_second(void *second)
{
	fluke_mutex_lock(second == m ? m2 : m);
	wait_gate();
	fluke_mutex_lock(second);
	count += 1;
	check_thread_end();
}

CASE("donation-07", "a circle of mutex waiters blocks these two; others run; one's end lets the other go on")
{
	fluke_thread_t *a, *b;

	make();
	a = check_thread_new(check_root_space, first_then_second, m);
	b = check_thread_new(check_root_space, first_then_second, m2);
	CHECK_EQUAL(schedule(a), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(b), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(schedule(a), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(b), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(a), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, add, (void *)10)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 10);
	fluke_thread_destroy(a);
	CHECK_EQUAL(schedule(b), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 11);
}

static void call_own(void)
{
	call(0);
}

CASE("donation-08", "a server that calls itself, and who waits for it, block; others run")
{
	make();
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, server, (void *)call_own)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, call, 0)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, call, 0)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(served + done, 0);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, add, (void *)10)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 10);
}

static void destroys(void *unused)
{
	(void)unused;
	fluke_thread_destroy(victim);
	count += 1;
	check_thread_end();
}

CASE("donation-09", "a scheduler that dies while it lends takes its time with it; its client goes on with another one's")
{
	static fluke_thread_state_t state;
	fluke_ref_t *null = check_ref_new();

	make();
	target = client_of(null, destroys, 0, 0);
	victim = check_thread_new(check_root_space, leaf_scheduler, target);
	CHECK_EQUAL(schedule(victim), FLUKE_SCHED_INVALID);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(check_thread_new(check_root_space, add, (void *)10)), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 10);			/* the orphan has nobody to ask, and does not run */
	fluke_thread_get_state(target, &state, (fluke_thread_links_t){ 0 });
	state.sched_val = 609;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(target, &state, (fluke_thread_links_t){ [FLUKE_LINK_SCHEDULER] = ours });
	CHECK_EQUAL(asked(), 609);
	CHECK_EQUAL(schedule(target), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 11);
}

static void sleeps_on_requests(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };
	natural_t alias;

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, server_set, &alias);
	count += 10;
	check_thread_end();			/* and never looks at its clients again */
}

static void locks_and_waits(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	wait_gate();
	count += 1;
	fluke_mutex_unlock(m);
	count += 10000;
	check_thread_end();
}

CASE("donation-10", "clients of a scheduler that never runs them stand still, but not who waits for them")
{
	fluke_thread_t *starved, *high, *careless;

	make();
	starved = client_of(server_ref, locks_and_waits, 0, 610);
	CHECK_EQUAL(schedule(starved), FLUKE_SCHED_BLOCKED);
	careless = check_thread_new(check_root_space, sleeps_on_requests, 0);
	CHECK_EQUAL(schedule(careless), FLUKE_SCHED_BLOCKED);
	high = client_of(ours, waiter, 0, 611);
	CHECK_EQUAL(asked(), 611);
	CHECK_EQUAL(schedule(high), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);		/* the starved one asks in vain, the high one for it with success */
	CHECK_EQUAL(schedule(careless), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 10);
	CHECK_EQUAL(asked(), 611);
	CHECK_EQUAL(schedule(high), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count % 10000, 1011);
	CHECK_EQUAL(count / 10000, 0);		/* what it would do for itself */
}

/* ---- more who lend than the kernel sees to at once */

#define MANY	28u
static fluke_thread_t *lender[MANY];

/* A thread of nobody's has m, and waits for the gate; many wait for m, and have been told blocked. */
static fluke_thread_t *many_lend(void (*function)(void *))
{
	fluke_thread_t *has;

	make();
	has = client_of(check_ref_new(), function, 0, 0);
	CHECK_EQUAL(schedule(has), FLUKE_SCHED_BLOCKED);
	for (uint32_t i = 0; i < MANY; i++) {
		lender[i] = client_of(ours, waiter, 0, 700 + i);
		CHECK_EQUAL(asked(), 700 + i);
		CHECK_EQUAL(schedule(lender[i]), FLUKE_SCHED_BLOCKED);
	}
	return has;
}

static uint32_t all_ask(void)
{
	uint32_t seen = 0, value;

	while ((value = asked()))
		seen |= 1u << (value - 700);
	return seen;
}

static void holds(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	wait_gate();
	count++;
	fluke_mutex_unlock(m);
}

CASE("donation-11", "each of many who lend to one that wakes asks for it, once; one of them runs it, and then all before itself")
{
	many_lend(holds);
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(all_ask(), (1u << MANY) - 1);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(schedule(lender[MANY - 1]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1 + 1000 * MANY);	/* from hand to hand the last goes on lending to whoever has m */
}

CASE("donation-12", "many who lend to one that is stopped take back what nobody has seen, and ask again when it goes on")
{
	static fluke_thread_state_t state;
	fluke_thread_t *has = many_lend(holds);

	fluke_mutex_unlock(gate);
	fluke_thread_get_state(has, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(all_ask(), 0);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(has, &state, (fluke_thread_links_t){ 0 });
	CHECK_EQUAL(all_ask(), (1u << MANY) - 1);
	CHECK_EQUAL(schedule(lender[3]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1 + 1000 * 4);
}

CASE("donation-13", "the holder's end gives the mutex to the first of many, and the others lend to that one")
{
	fluke_thread_destroy(many_lend(holds));
	CHECK_EQUAL(all_ask(), (1u << MANY) - 1);
	CHECK_EQUAL(schedule(lender[MANY - 1]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1000 * MANY);
}

CASE("donation-14", "many go on lending to a thread that moves, and ask when it is ready at its new place")
{
	fluke_thread_t *has = many_lend(holds), *there = check_object(sizeof *there);

	fluke_mutex_unlock(gate);
	CHECK_EQUAL(all_ask(), (1u << MANY) - 1);
	fluke_thread_move(has, there);
	CHECK_EQUAL(schedule(lender[5]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1 + 1000 * 6);
	fluke_thread_destroy(there);
}

CASE("donation-15", "set_state gives a mutex to a third thread: all who wait for it lend to that one")
{
	fluke_mutex_state_t locked = { .locked = 1 };
	fluke_thread_t *heir;
	fluke_ref_t *owner = check_ref_new();

	many_lend(holds);
	heir = client_of(check_ref_new(), add, (void *)7, 0);
	fluke_thread_reference(heir, owner);
	fluke_mutex_set_state(m, &locked, owner);
	CHECK_EQUAL(schedule(lender[MANY / 2]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 7);
}

CASE("donation-16", "those who could not lend to the holder, which runs them, lend to the first of them once he has the mutex")
{
	make();
	fluke_mutex_lock(m);
	for (uint32_t i = 0; i < MANY; i++) {
		lender[i] = client_of(ours, i ? waiter : holds, 0, 700 + i);
		CHECK_EQUAL(asked(), 700 + i);
		CHECK_EQUAL(schedule(lender[i]), FLUKE_SCHED_BLOCKED);
	}
	fluke_mutex_unlock(m);
	CHECK_EQUAL(schedule(lender[MANY - 1]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 0);			/* the first has it, and waits for the gate */
	fluke_mutex_unlock(gate);
	CHECK_EQUAL(schedule(lender[MANY - 1]), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(count, 1 + 1000 * (MANY - 1));
}
