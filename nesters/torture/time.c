/* Time for those below: their scheduler.  Its one thread gives our time to one of them at a time, for a
 * stretch drawn by chance; between two stretches nobody below runs, and that is when torment happens.
 * Requests for time, the timer and nothing else come to its port set. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <startup.h>
#include <protocols/Clock.h>
#include <protocols/Scheduler.h>
#include <protocols/Scheduler_server.h>
#include "torture.h"

#define CLIENTS		2048u
#define TICK		2u		/* word of the timer; a request is {1, number} */
#define QUANTUM		5000000u	/* ns, while there is no torment */
#define SETTLE		200000u		/* ns */

struct client {
	fluke_ref_t	*thread;	/* null = free */
	uint8_t		ready;
	uint64_t	used;
};

static struct client client[CLIENTS];
static uint32_t	clients;		/* numbers ever used, from 1 */
static uint32_t	ready[CLIENTS], ready_count;
static fluke_portset_t *portset;
static fluke_port_t *port, *tick_port;
static fluke_ref_t *port_ref, *timer;
static struct lock lock;		/* of the clients */
static volatile int torment_on;
static int	due;			/* the stretch has ended */

/* ---- clients ---- */

static uint32_t find_free(void)
{
	for (uint32_t n = 1; n <= clients; n++)
		if (!client[n].ready && (!client[n].thread || fluke_ref_type(client[n].thread) == FLUKE_NULL))
			return n;
	return clients + 1 < CLIENTS ? ++clients : 0;
}

static uint32_t add_client(fluke_ref_t *thread)
{
	uint32_t n;

	lock_take(&lock);
	n = find_free();
	if (n && !client[n].thread)
		client[n].thread = ref_new();
	if (n && client[n].thread) {
		fluke_ref_copy(thread, client[n].thread);
		client[n].used = 0;
	}
	lock_drop(&lock);
	return n && client[n].thread ? n : 0;
}

static int add(void *self, struct request *r, fluke_ref_t *thread, void **to, uint32_t *sched_val)
{
	(void)self, (void)r;
	if (!thread)
		return EINVAL;
	memory_lock();		/* not while the thread is made again and our references to it are looked for */
	*sched_val = fluke_ref_type(thread) == FLUKE_TYPE_THREAD ? add_client(thread) : 0;
	memory_unlock();
	*to = port;
	return *sched_val ? 0 : ENOMEM;
}

static int get_usage(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	(void)self, (void)r;
	if (!sched_val || sched_val > clients)
		return ESRCH;
	*tsc = client[sched_val].used;
	return 0;
}

static const struct Scheduler_methods methods = { .add = add, .get_usage = get_usage, .end = get_usage };
static const struct interface interfaces[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &methods }, { 0, 0, 0 } };
static const struct served_class class = { .name = "scheduler", .interfaces = interfaces };
static struct served service;

fluke_ref_t *time_service(void)
{
	static fluke_ref_t *ref;

	if (!ref)
		ref = served_ref(&service);
	return ref;
}

/* weak in libc.  Threads of our own get their time from our parent, the first ones below from us. */
int thread_scheduler(fluke_thread_t *thread, fluke_ref_t *to, natural_t *sched_val)
{
	static fluke_ref_t *parents;
	uint32_t at = (uint32_t)thread;

	if (at >= START_OBJECTS && at - START_OBJECTS < START_OBJECTS_SIZE) {
		if (!parents && !(parents = service_lookup("scheduler")))
			return ENOENT;
		return Scheduler_add(parents, thread, to, sched_val);
	}
	fluke_thread_reference(thread, to);
	*sched_val = add_client(to);
	fluke_port_reference(port, to);
	return *sched_val ? 0 : ENOMEM;
}

/* ---- the loop ---- */

static void make_ready(uint32_t n)
{
	if (!n || n > clients || client[n].ready || ready_count == CLIENTS)
		return;
	client[n].ready = 1;
	ready[ready_count++] = n;
}

static void got_message(uint32_t status, const uint32_t *words)
{
	if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_RELIABLE)
		fluke_ipc_server_disconnect();
	if (FLUKE_IPC_FLAVOUR(status) != FLUKE_IPC_ONEWAY)
		return;
	if (words[0] == FLUKE_SCHED_REQUEST)
		make_ready(words[1] & ~FLUKE_SCHED_URGENT);
	else if (words[0] & TICK)
		due = 1;
}

static void take_message(void)
{
	static int set_up;
	uint32_t words[FLUKE_MAX_MIN_MSG] = { 0 }, status;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias;

	status = set_up ? fluke_ipc_wait_receive(&p, &alias) : fluke_ipc_setup_wait_receive(&p, portset, &alias);
	set_up = 1;
	got_message(status, words);
}

/* All requests that wait in the kernel. */
static void drain(void)
{
	natural_t result;

	for (;;) {
		result = fluke_thread_schedule(NULL, port, FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY);
		if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_REQUESTED)
			make_ready(FLUKE_SCHED_VALUE(result) & ~FLUKE_SCHED_URGENT);
		else if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_MESSAGE)
			take_message();
		else
			return;
	}
}

static void arm(uint32_t ns)
{
	Timer_set(timer, clock_deadline(clock_now() + ns), 0, NULL);
}

void time_settle(void)
{
	arm(SETTLE);
	for (due = 0; !due;)
		take_message();
	due = 0;
}

void time_torment(int on)
{
	torment_on = on;
}

/* The next stretch; somebody is ready. */
static void begin_stretch(void)
{
	arm(torment_on && options.rate ? options.rate * 200 + chance(options.rate * 1600) : QUANTUM);
	due = 0;
}

/* Gives time to one that is ready until the stretch ends or it blocks. */
static void run_one(void)
{
	uint32_t at = torment_on ? chance(ready_count) : 0, n = ready[at];
	uint64_t since = rdtsc();
	natural_t result;

	result = fluke_thread_schedule((fluke_thread_t *)client[n].thread, port, FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY);
	client[n].used += rdtsc() - since;
	if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_MESSAGE) {
		take_message();
		return;
	}
	if (FLUKE_SCHED_RESULT(result) != FLUKE_SCHED_REQUESTED) {
		client[n].ready = 0;
		memmove(ready + at, ready + at + 1, (--ready_count - at) * sizeof ready[0]);
	}
	if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_REQUESTED || FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_BLOCKED_REQUESTED)
		make_ready(FLUKE_SCHED_VALUE(result) & ~FLUKE_SCHED_URGENT);
}

static void rotate(void)
{
	uint32_t first = ready[0];

	memmove(ready, ready + 1, (ready_count - 1) * sizeof ready[0]);
	ready[ready_count - 1] = first;
}

static void loop(void *unused)
{
	(void)unused;
	begin_stretch();
	for (;;) {
		if (!ready_count && !(due && torment_holds())) {
			take_message();
			continue;
		}
		if (due) {
			drain();
			if (torment_on && options.rate)
				torment();
			drain();
			if (ready_count)
				rotate();
			begin_stretch();
			continue;
		}
		run_one();
	}
}

int time_begin(struct server *server)
{
	fluke_ref_t *clock = service_lookup("clock");
	int error;

	lock_init(&lock);
	portset = portset_new();
	port = port_new(portset, NULL, 0);
	tick_port = port_new(portset, NULL, 0);
	port_ref = ref_new();
	timer = ref_new();
	if (!clock || !lock.mutex || !tick_port || !port || !port_ref || !timer)
		return ENOMEM;
	fluke_port_reference(port, port_ref);
	error = Clock_create_timer(clock, tick_port, TICK, timer);
	if (!error)
		error = served_init(&service, &class, server);
	return error ? error : thread_start(loop, NULL, 0) ? 0 : ENOMEM;
}
