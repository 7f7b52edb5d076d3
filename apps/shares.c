/* shares: how many of all switches between threads go to a scheduler, on four loads: clients and a server, a parallel
 * database, real-time threads, and a general mix.  Prints `bench share-LOAD switches permille 0`; exit status 1 when a load
 * computed something wrong.
 *
 * Every thread notes itself whenever it may have got the processor: after each call that can block or let others
 * run, and now and then while it computes; the schedulers do it in their clock, which each of their runs reads first.  A
 * switch is a note by another thread than the last one.  The schedulers are the library's, on real time, below one base
 * scheduler; the system's own below that is not counted, which with this base as its one busy client only sees timers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/schedule.h>
#include <protocols/Clock.h>

#define QUANTUM		1000000u	/* counts of the time stamp counter */
#define PIECE		2000u		/* steps of a computation between two notes */

int main(int argc, char **argv);

static volatile uint32_t last, switches, entries;

/* May be interrupted anywhere, by others that note themselves. */
static void note(int scheduler)
{
	uint32_t self;

	__asm__ volatile("movl %%gs:0, %0" : "=r"(self));
	if (__sync_lock_test_and_set(&last, self) == self)
		return;
	__sync_fetch_and_add(&switches, 1);
	__sync_fetch_and_add(&entries, (uint32_t)scheduler);
}

static uint64_t noting_now(void *unused)
{
	(void)unused;
	note(1);
	return rdtsc();
}

static void real_arm(void *unused, struct scheduler *s, uint64_t when)
{
	scheduler_real_clock.arm(unused, s, when);
}

static int real_open(void *unused, struct scheduler *s)
{
	return scheduler_real_clock.open(unused, s);
}

static const struct scheduler_clock noting_clock = { .now = noting_now, .arm = real_arm, .open = real_open };

static volatile uint32_t result;

static void compute(uint32_t steps)
{
	uint32_t x = steps;

	for (; steps > PIECE; steps -= PIECE) {
		for (uint32_t n = PIECE; n; n--)
			x = x * 1664525 + 1013904223;
		note(0);
	}
	result = x;
}

/* ---- a load: its threads, and the end of the last of them that is counted */

struct load {
	struct scheduler *base, *lottery, *rr;
	struct lock	lock;
	volatile int	running;	/* threads to wait for */
	volatile int	over;
	fluke_portset_t	*done_set;
	fluke_ref_t	*done;
};

static struct load load;

static void ring(fluke_ref_t *to)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, to);
	note(0);
}

static void wait_ring(fluke_portset_t *set)
{
	uint32_t words[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, set, &alias);
	note(0);
}

static fluke_ref_t *bell(fluke_portset_t **set)
{
	fluke_ref_t *ref = ref_new();

	*set = portset_new();
	fluke_port_reference(port_new(*set, NULL, 0), ref);
	return ref;
}

static struct scheduler *scheduler(const struct policy_class *class, struct scheduler *above, struct policy_parameters parameters)
{
	struct scheduler *s = scheduler_new(policy_new(class, QUANTUM, 1), &noting_clock);

	if (!s || (above && scheduler_start(s, above, &parameters)))
		abort();
	return s;
}

static void load_new(void)
{
	memset(&load, 0, sizeof(load));
	load.done = bell(&load.done_set);
	load.base = scheduler(&policy_fixed, NULL, (struct policy_parameters){ 0 });
	load.lottery = scheduler(&policy_lottery, load.base, (struct policy_parameters){ .priority = 2 });
	load.rr = scheduler(&policy_rr, load.base, (struct policy_parameters){ .priority = 1 });
}

static void thread(struct scheduler *s, struct policy_parameters parameters, void (*main)(void *), void *argument, int counted)
{
	load.running += counted;
	if (!scheduler_thread(s, &parameters, main, argument, 8192, NULL, NULL))
		abort();
}

/* The end of a counted thread. */
static void end(void)
{
	if (__sync_sub_and_fetch(&load.running, 1) == 0) {
		load.over = 1;
		ring(load.done);
	}
	thread_exit();
}

static void run(const char *name)
{
	uint32_t permille;

	last = switches = entries = 0;
	if (scheduler_start(load.base, NULL, NULL))
		abort();
	wait_ring(load.done_set);
	permille = (uint32_t)((uint64_t)entries * 1000 / switches);
	printf("bench share-%s %u %u 0\n", name, switches, permille);
}

/* ---- eight clients of one server, each with a policy of its own side */

#define REQUESTS	200u

static fluke_portset_t *service_set;
static fluke_ref_t *service;
static uint32_t served;

static void server_main(void *unused)
{
	uint32_t words[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };
	natural_t alias;

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, service_set, &alias);
	for (;;) {
		note(0);
		compute(6000);
		served++;
		words[1]++;
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = words, .recv_words = 2, .recv_data = words };
		fluke_ipc_server_ack_send_wait_receive(&p, &alias);
	}
}

static uint32_t ask(uint32_t value)
{
	uint32_t words[2] = { 1, value };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = words, .recv_words = 2, .recv_data = words };

	fluke_ipc_client_connect_send_over_receive(&p, service);
	note(0);
	return words[1];
}

static uint32_t answered;

static void client_main(void *seed)
{
	for (uint32_t n = 0; n < REQUESTS; n++) {
		compute(10000 + (n * 7919 + (uint32_t)seed * 104729) % 20000);
		answered += ask(n) == n + 1;
	}
	end();
}

static void start_server(void)
{
	service = bell(&service_set);
	served = answered = 0;
	thread(load.rr, (struct policy_parameters){ 0 }, server_main, NULL, 0);
}

static int client_server(void)
{
	load_new();
	start_server();
	for (uint32_t n = 0; n < 8; n++)
		thread(load.lottery, (struct policy_parameters){ .weight = 1 + n % 4 }, client_main, (void *)n, 1);
	run("server");
	return answered == 8 * REQUESTS && served == answered;
}

/* ---- workers that descend one tree, locking its nodes hand over hand */

#define DEPTH		7u
#define NODES		(1u << DEPTH)
#define WORKERS		4u
#define DESCENTS	150u

static struct { fluke_mutex_t *mutex; uint32_t value; } node[NODES];

static void worker_main(void *seed)
{
	uint32_t x = (uint32_t)seed + 1;

	for (uint32_t n = 0; n < DESCENTS; n++) {
		uint32_t at = 1;

		fluke_mutex_lock(node[at].mutex);
		note(0);
		for (;;) {
			uint32_t next, above = at;

			x = x * 1664525 + 1013904223;
			next = 2 * at + (x >> 31);
			node[at].value++;
			compute(6000);
			if (next >= NODES)
				break;
			fluke_mutex_lock(node[next].mutex);
			note(0);
			at = next;
			fluke_mutex_unlock(node[above].mutex);
			note(0);
		}
		fluke_mutex_unlock(node[at].mutex);
		note(0);
	}
	end();
}

/* The same without threads. */
static int tree_right(void)
{
	static uint32_t value[NODES];
	int right = 1;

	memset(value, 0, sizeof(value));
	for (uint32_t seed = 0; seed < WORKERS; seed++) {
		uint32_t x = seed + 1;

		for (uint32_t n = 0; n < DESCENTS; n++)
			for (uint32_t at = 1; at < NODES; at = 2 * at + (x >> 31)) {
				value[at]++;
				x = x * 1664525 + 1013904223;
			}
	}
	for (uint32_t n = 1; n < NODES; n++)
		right &= value[n] == node[n].value;
	return right;
}

static int database(void)
{
	load_new();
	for (uint32_t n = 1; n < NODES; n++) {
		node[n].mutex = mutex_new();
		node[n].value = 0;
	}
	for (uint32_t n = 0; n < WORKERS; n++)
		thread(load.rr, (struct policy_parameters){ 0 }, worker_main, (void *)n, 1);
	run("database");
	return tree_right();
}

/* ---- periodic threads of fixed priority over computing ones */

struct periodic { fluke_portset_t *set; fluke_ref_t *port, *timer; uint64_t period; uint32_t rounds, steps; };

static void periodic_main(void *argument)
{
	struct periodic *p = argument;

	for (uint32_t n = 0; n < p->rounds; n++) {
		wait_ring(p->set);
		compute(p->steps);
	}
	end();
}

static void endless(void *unused)
{
	(void)unused;
	while (!load.over)
		compute(100 * PIECE);
	thread_exit();
}

static struct periodic periodic[8];

static void start_periodic(int n, struct scheduler *s, struct policy_parameters parameters, uint64_t period, uint32_t rounds, uint32_t steps)
{
	struct periodic *p = &periodic[n];
	fluke_ref_t *clock = service_lookup("clock");

	*p = (struct periodic){ .period = period, .rounds = rounds, .steps = steps };
	p->port = bell(&p->set);
	p->timer = ref_new();
	if (!clock || Clock_create_timer(clock, p->port, 1, p->timer))
		abort();
	ref_free(clock);
	thread(s, parameters, periodic_main, p, 1);
}

static void start_timers(int count)
{
	for (int n = 0; n < count; n++)
		Timer_set(periodic[n].timer, clock_deadline(clock_now() + 1000000), periodic[n].period, NULL);
}

static void stop_timers(int count)
{
	for (int n = 0; n < count; n++)
		Timer_set(periodic[n].timer, 0, 0, NULL);
}

static int real_time(void)
{
	load_new();
	start_periodic(0, load.base, (struct policy_parameters){ .priority = 9, .quantum = POLICY_FOREVER }, 500000, 200, 10000);
	start_periodic(1, load.base, (struct policy_parameters){ .priority = 8, .quantum = POLICY_FOREVER }, 1500000, 60, 40000);
	for (int n = 0; n < 2; n++)
		thread(load.rr, (struct policy_parameters){ 0 }, endless, NULL, 0);
	start_timers(2);
	run("realtime");
	stop_timers(2);
	return 1;
}

/* ---- a mix: somebody at a terminal, two pipes, clients of a server, and computing ones */

#define ITEMS	300u
struct pipe { fluke_mutex_t *mutex; fluke_cond_t *changed; uint32_t stock, sum; };
static struct pipe pipe[2];

static void pipe_wait(struct pipe *p, int for_room)
{
	while (for_room ? p->stock == 4 : !p->stock) {
		fluke_cond_wait(p->changed, p->mutex);
		note(0);
	}
}

static void pipe_pass(struct pipe *p, int add)
{
	fluke_mutex_lock(p->mutex);
	note(0);
	pipe_wait(p, add > 0);
	p->stock += (uint32_t)add;
	p->sum += add < 0;
	fluke_cond_signal(p->changed);
	note(0);
	fluke_mutex_unlock(p->mutex);
	note(0);
}

static void writer_main(void *p)
{
	for (uint32_t n = 0; n < ITEMS; n++) {
		compute(8000);
		pipe_pass(p, 1);
	}
	end();
}

static void reader_main(void *p)
{
	for (uint32_t n = 0; n < ITEMS; n++) {
		pipe_pass(p, -1);
		compute(5000);
	}
	end();
}

static int general(void)
{
	load_new();
	start_server();
	start_periodic(0, load.lottery, (struct policy_parameters){ .weight = 4 }, 2000000, 60, 20000);
	start_periodic(1, load.lottery, (struct policy_parameters){ .weight = 4 }, 3100000, 40, 60000);
	for (uint32_t n = 0; n < 2; n++) {
		pipe[n] = (struct pipe){ .mutex = mutex_new(), .changed = cond_new() };
		thread(load.lottery, (struct policy_parameters){ .weight = 2 }, writer_main, &pipe[n], 1);
		thread(load.lottery, (struct policy_parameters){ .weight = 2 }, reader_main, &pipe[n], 1);
		thread(load.lottery, (struct policy_parameters){ .weight = 1 }, client_main, (void *)n, 1);
		thread(load.rr, (struct policy_parameters){ 0 }, endless, NULL, 0);
	}
	start_timers(2);
	run("general");
	stop_timers(2);
	return pipe[0].sum == ITEMS && pipe[1].sum == ITEMS && answered == 2 * REQUESTS;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int (*run)(void); } loads[] = {
		{ "server", client_server }, { "database", database }, { "realtime", real_time }, { "general", general },
	};
	int wrong = 0;

	(void)argc, (void)argv;
	for (unsigned n = 0; n < sizeof(loads) / sizeof(*loads); n++)
		if (!loads[n].run()) {
			printf("share-%s: wrong result\n", loads[n].name);
			wrong = 1;
		}
	return wrong;
}
