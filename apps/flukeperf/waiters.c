/* How long an interrupt waits while a call is at work for 200 threads that wait for one object: they are woken, one after the
 * other is handed a mutex, the object moves, the thread ends or moves to which they lend their time, or is woken, or blocks. */
#include "flukeperf.h"

#define WAITERS	200u
#define STACK	1024u
#define GIVE_UP	2u

static fluke_mutex_t *mutex[2];
static fluke_cond_t *cond[2];
static fluke_portset_t *set[2];
static fluke_port_t *port[2];
static fluke_thread_t *waiter[WAITERS], *holder[2];
static fluke_ref_t *dest, *space, *owner, *scheduler;
static uint32_t stacks;

static void waits(uint32_t type)
{
	uint32_t message[2];
	natural_t alias;
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message, .recv_words = 2, .recv_data = message };

	if (type == FLUKE_TYPE_MUTEX) {
		fluke_mutex_lock(mutex[0]);
	} else if (type == FLUKE_TYPE_COND) {
		fluke_mutex_lock(mutex[0]);
		fluke_cond_wait(cond[0], mutex[0]);
	} else if (type == FLUKE_TYPE_PORT) {
		fluke_ipc_client_connect_send_over_receive(&p, dest);
	} else {
		fluke_ipc_setup_wait_receive(&p, set[0], &alias);
	}
	fluke_ipc_client_receive(&p);		/* an insanity, which halts it */
}

/* Holds the mutex, and waits for messages for ever; told so, it gives the mutex up. */
static void holds(uint32_t unused)
{
	uint32_t message[2];
	natural_t alias;

	(void)unused;
	fluke_mutex_lock(mutex[0]);
	for (;;) {
		fluke_ipc_params_t p = { .recv_words = 2, .recv_data = message };

		fluke_ipc_setup_wait_receive(&p, set[0], &alias);
		if (message[0] == GIVE_UP)
			fluke_mutex_unlock(mutex[0]);
	}
}

/* A thread without a handler, run on its parent's time until it waits. */
static void start(fluke_thread_t *t, void (*function)(uint32_t), uint32_t argument, uint32_t stack, fluke_ref_t *its_scheduler)
{
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = space, [FLUKE_LINK_SCHEDULER] = its_scheduler };
	static fluke_thread_state_t state;

	state.regs.eip = (uint32_t)function;
	state.regs.esp = stack + STACK - 8;
	*(volatile uint32_t *)(state.regs.esp + 4) = argument;
	fluke_thread_create(t);
	fluke_thread_set_state(t, &state, links);
	fluke_thread_schedule(t, 0, FLUKE_WAKEUP_ON_BLOCK);
}

static void run_holder(uint32_t word)
{
	uint32_t message[2] = { word, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, dest);
	fluke_thread_schedule(holder[0], 0, FLUKE_WAKEUP_ON_BLOCK);
}

static const fluke_mutex_state_t locked = { .locked = 1 };

/* What is measured; `rows` has it with the type that the 200 wait for, and who has the mutex: we, or the holder. */
enum { WE = 1, HOLDER, SCHEDULED };
static void unlock(void) { fluke_mutex_unlock(mutex[0]); }
static void give(void) { fluke_mutex_set_state(mutex[0], &locked, owner); }
static void broadcast(void) { fluke_cond_broadcast(cond[0]); }
static void end_mutex(void) { fluke_mutex_destroy(mutex[0]); fluke_mutex_create(mutex[0]); }
static void end_port(void) { fluke_port_destroy(port[0]); fluke_port_create(port[0]); }
static void end_set(void) { fluke_portset_destroy(set[0]); fluke_portset_create(set[0]); }
static void end_holder(void) { fluke_thread_destroy(holder[0]); fluke_thread_create(holder[0]); }
static void move_mutex(void) { fluke_mutex_move(mutex[0], mutex[1]); fluke_mutex_move(mutex[1], mutex[0]); }
static void move_cond(void) { fluke_cond_move(cond[0], cond[1]); fluke_cond_move(cond[1], cond[0]); }
static void move_port(void) { fluke_port_move(port[0], port[1]); fluke_port_move(port[1], port[0]); }
static void move_set(void) { fluke_portset_move(set[0], set[1]); fluke_portset_move(set[1], set[0]); }
static void move_holder(void) { fluke_thread_move(holder[0], holder[1]); fluke_thread_move(holder[1], holder[0]); }
static void wake_holder(void) { run_holder(1); }
static void hand_over(void) { run_holder(GIVE_UP); }

static const struct { const char *name; void (*call)(void); uint32_t type, who; } rows[] = {
	{ "many-mutex-end", end_mutex, FLUKE_TYPE_MUTEX, WE }, { "many-broadcast", broadcast, FLUKE_TYPE_COND, 0 },
	{ "many-port-end", end_port, FLUKE_TYPE_PORT, 0 }, { "many-set-end", end_set, FLUKE_TYPE_PORTSET, 0 },
	{ "many-unlock", unlock, FLUKE_TYPE_MUTEX, WE }, { "many-give", give, FLUKE_TYPE_MUTEX, WE },
	{ "many-mutex-move", move_mutex, FLUKE_TYPE_MUTEX, WE }, { "many-cond-move", move_cond, FLUKE_TYPE_COND, 0 },
	{ "many-port-move", move_port, FLUKE_TYPE_PORT, 0 }, { "many-set-move", move_set, FLUKE_TYPE_PORTSET, 0 },
	{ "many-owner-end", end_holder, FLUKE_TYPE_MUTEX, HOLDER }, { "many-owner-move", move_holder, FLUKE_TYPE_MUTEX, HOLDER },
	{ "many-owner-wake", wake_holder, FLUKE_TYPE_MUTEX, HOLDER }, { "many-request", wake_holder, FLUKE_TYPE_MUTEX, SCHEDULED },
	{ "many-hand-over", hand_over, FLUKE_TYPE_MUTEX, HOLDER }, { "many-hand-request", hand_over, FLUKE_TYPE_MUTEX, SCHEDULED },
	{ "many-owner-mutex-end", end_mutex, FLUKE_TYPE_MUTEX, SCHEDULED },
};
#define WAKING	4u		/* the first ones only wake */

static void prepare(uint32_t type, uint32_t who)
{
	fluke_mutex_create(mutex[0]);
	fluke_cond_create(cond[0]);
	fluke_portset_create(set[0]);
	fluke_port_create(port[0]);
	fluke_port_reference(port[0], dest);
	if (who >= HOLDER) {
		fluke_ref_t *to = check_ref_new();

		fluke_portset_reference(set[0], to);
		fluke_port_set_state(port[0], 0, to);
		fluke_ref_destroy(to);
		start(holder[0], holds, 0, stacks + WAITERS * STACK, 0);
	} else {
		fluke_thread_create(holder[0]);
	}
	fluke_thread_reference(holder[0], owner);
	if (who == WE)
		fluke_mutex_lock(mutex[0]);
	for (uint32_t i = 0; i < WAITERS; i++)
		start(waiter[i], waits, type, stacks + i * STACK, who == SCHEDULED ? scheduler : 0);
}

static void undo(void)
{
	for (uint32_t i = 0; i < WAITERS; i++)
		fluke_thread_destroy(waiter[i]);
	fluke_thread_destroy(holder[0]);
	fluke_mutex_destroy(mutex[0]);
	fluke_cond_destroy(cond[0]);
	fluke_portset_destroy(set[0]);
	fluke_port_destroy(port[0]);
}

static void make(void)
{
	late_port = check_port_new(check_portset_new(), 0);
	stacks = (uint32_t)check_pages((WAITERS + 1) * STACK / PAGE + 1);
	space = check_ref_new();
	check_space_reference(check_root_space, space);
	dest = check_ref_new();
	owner = check_ref_new();
	scheduler = check_ref_new();
	fluke_port_reference(check_port_new(check_portset_new(), 0), scheduler);
	for (uint32_t i = 0; i < 2; i++) {
		mutex[i] = check_object(sizeof *mutex[i]);
		cond[i] = check_object(sizeof *cond[i]);
		set[i] = check_object(sizeof *set[i]);
		port[i] = check_object(sizeof *port[i]);
		holder[i] = check_object(sizeof *holder[i]);
	}
	for (uint32_t i = 0; i < WAITERS; i++)
		waiter[i] = check_object(sizeof *waiter[i]);
}

CASE("bench-irqoff-many", "the same, in calls that have to do with 200 threads, each alone; the worst of them all")
{
	uint32_t all = 0, runs = 20;

	make();
	for (uint32_t row = 0; row < sizeof rows / sizeof *rows; row++) {
		uint32_t worst;

		machine(LATENESS, 0, 0, 0);
		for (uint32_t n = 0; n < runs; n++) {
			uint64_t at;

			prepare(rows[row].type, rows[row].who);
			at = tsc() + 2000 + n * 409;
			machine(DEADLINE_SET, (uint32_t)at, (uint32_t)(at >> 32), late_port);
			rows[row].call();
			while (tsc() < at + 100)
				;
			undo();
		}
		worst = machine(LATENESS, 0, 0, 0);
		report(rows[row].name, runs, worst * runs, worst);
		all = worst > all ? worst : all;
		if (row + 1 == WAKING)
			report("irqoff-wake", WAKING * runs, all * WAKING * runs, all);
	}
	report("irqoff-many", runs, all * runs, all);
}
