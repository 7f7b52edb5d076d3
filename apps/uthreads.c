/* uthreads: user-level threads on few kernel threads (nest/uthread.h).  TAP.
 *
 * The proof of overlap: 64 user threads on one processor wait for a device and compute.  Both parts are
 * timed alone, then together: that may take 1.1 of the longer part.  With a single carrier, where a
 * blocked thread keeps the processor from the others, it must take more, or nothing was tested. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/uthread.h>
#include <nest/serve.h>
#include <protocols/Clock.h>
#include <protocols/Demo.h>
#include <protocols/Demo_server.h>

#define THREADS		64
#define MS		1000000ull

int main(void);

static int cases;

static void check(int good, const char *what)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++cases, what);
}

/* ---- the device: waits on a timer of the Clock, one a thread */

struct waiter { fluke_portset_t *portset; fluke_port_t *port; fluke_ref_t *timer; };

static struct waiter waiter[THREADS + 1];	/* the last: the device's */

static void waiters_make(void)
{
	fluke_ref_t *clock = service_lookup("clock"), *ref = ref_new();

	for (int n = 0; n <= THREADS; n++) {
		struct waiter *w = &waiter[n];

		w->portset = portset_new();
		w->port = port_new(w->portset, NULL, 0);
		w->timer = ref_new();
		fluke_port_reference(w->port, ref);
		if (Clock_create_timer(clock, w->port, 1, w->timer))
			abort();
	}
	ref_free(ref);
	ref_free(clock);
}

static void wait_event(struct waiter *w)
{
	uint32_t words[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, w->portset, &alias);
}

static void wait_for(struct waiter *w, uint64_t ns)
{
	Timer_set(w->timer, clock_deadline(clock_now() + ns), 0, NULL);
	wait_event(w);
}

static volatile uint32_t checksum;

static void compute(uint32_t steps)
{
	uint32_t x = 1;

	while (steps--)
		x = x * 1664525 + 1013904223;
	checksum += x;
}

/* ---- a device that serves one request at a time: a user thread that waits in the kernel for each */

static struct { struct uthread_semaphore *request[THREADS]; uint32_t first, count; } line;
static struct uthread_semaphore requests;
static uint64_t delay;			/* of a wait; 0: none */
static uint32_t finished;

static void device_thread(void *w)
{
	for (;;) {
		uthread_semaphore_wait(&requests);
		if (finished == THREADS)
			return;
		wait_for(w, delay);
		uthread_semaphore_post(line.request[line.first]);
		line.first = (line.first + 1) % THREADS;
		line.count--;
	}
}

static void device_wait(void)
{
	struct uthread_semaphore done = { 0 };

	line.request[(line.first + line.count++) % THREADS] = &done;
	uthread_semaphore_post(&requests);
	uthread_semaphore_wait(&done);
}

/* ---- the load: every thread computes and waits in turns */

static uint32_t rounds, steps;		/* of each thread; of a computation */
static int serial;			/* waits for the device, not each on its own */

static void load_thread(void *w)
{
	if (!serial)
		compute(steps);
	for (uint32_t n = 0; n < rounds; n++) {
		if (delay && serial)
			device_wait();
		else if (delay)
			wait_for(w, delay);
		compute(steps);
	}
	if (++finished == THREADS)
		uthread_semaphore_post(&requests);
}

static void load_main(void *unused)
{
	(void)unused;
	uthread_detach(uthread_create(device_thread, &waiter[THREADS], 0));
	for (int n = 0; n < THREADS; n++)
		uthread_detach(uthread_create(load_thread, &waiter[n], 0));
}

static uint32_t load(uint64_t wait, uint32_t work, unsigned carriers)
{
	uint64_t before = rdtsc();

	delay = wait;
	steps = work;
	finished = 0;
	requests = (struct uthread_semaphore){ 0 };
	if (uthread_run(load_main, NULL, carriers) || finished != THREADS)
		printf("# the load did not finish: %u\n", finished);
	return (uint32_t)((rdtsc() - before) / 1000);
}

/* Permille of the longer part; both are chosen about as long. */
static uint32_t overlap(const char *what, int one_at_a_time, uint32_t count, uint64_t wait, uint32_t work, unsigned carriers)
{
	uint32_t waits, works, both, longer;

	serial = one_at_a_time;
	rounds = count;
	waits = load(wait, 0, carriers);
	works = load(0, work, carriers);
	both = load(wait, work, carriers);
	longer = waits > works ? waits : works;
	printf("# %s, %u carriers: waits %u, computation %u, both %u thousand: %u/1000 of the longer; blocked %u, donations %u, deferred %u\n",
		what, uthread_statistics.carriers, waits, works, both, both * 1000 / longer, uthread_statistics.blocked,
		uthread_statistics.donations, uthread_statistics.deferred);
	return both * 1000 / longer;
}

/* ---- small cases */

static uint32_t sum;
static char order[64];
static unsigned orders;
static struct uthread_mutex mutex;
static struct uthread_cond not_empty, not_full;
static struct uthread_semaphore semaphore;

static void note(char what)
{
	if (orders < sizeof(order) - 1)
		order[orders++] = what;
	order[orders] = 0;
}

static void add(void *n)
{
	sum += (uint32_t)n;
}

static void many_main(void *unused)
{
	struct uthread *t[50];

	(void)unused;
	for (int round = 0; round < 20; round++) {
		for (int n = 0; n < 50; n++)
			t[n] = uthread_create(add, (void *)(n + 1), n % 10 ? 0 : 40000);
		for (int n = 0; n < 50; n++)
			uthread_join(t[n]);
	}
}

static void lettered(void *letter)
{
	for (int n = 0; n < 3; n++) {
		note((char)(uint32_t)letter);
		uthread_yield();
	}
}

static void turns_main(void *unused)
{
	(void)unused;
	for (uint32_t c = 'a'; c < 'd'; c++)
		uthread_detach(uthread_create(lettered, (void *)c, 0));
}

static uint32_t inside, most_inside;

static void mutex_thread(void *unused)
{
	(void)unused;
	for (int n = 0; n < 20; n++) {
		uthread_mutex_lock(&mutex);
		if (++inside > most_inside)
			most_inside = inside;
		uthread_yield();
		inside--;
		sum++;
		uthread_mutex_unlock(&mutex);
	}
}

static void mutex_main(void *unused)
{
	(void)unused;
	for (int n = 0; n < 10; n++)
		uthread_detach(uthread_create(mutex_thread, NULL, 0));
}

#define ITEMS	500u
static uint32_t stock[4], stocked, stock_first;

static void producer(void *unused)
{
	(void)unused;
	for (uint32_t n = 1; n <= ITEMS; n++) {
		uthread_mutex_lock(&mutex);
		while (stocked == 4)
			uthread_cond_wait(&not_full, &mutex);
		stock[(stock_first + stocked++) % 4] = n;
		uthread_cond_signal(&not_empty);
		uthread_mutex_unlock(&mutex);
	}
}

static void consumer(void *unused)
{
	(void)unused;
	for (uint32_t n = 1; n <= ITEMS; n++) {
		uthread_mutex_lock(&mutex);
		while (!stocked)
			uthread_cond_wait(&not_empty, &mutex);
		sum += stock[stock_first] == n;
		stock_first = (stock_first + 1) % 4;
		stocked--;
		uthread_cond_broadcast(&not_full);
		uthread_mutex_unlock(&mutex);
	}
}

static void stock_main(void *unused)
{
	struct uthread *t = uthread_create(producer, NULL, 0);

	consumer(unused);
	uthread_join(t);
}

static void sleeper(void *w)
{
	note('s');
	wait_for(w, 5 * MS);
	note('w');
}

/* Computes until the sleeper is awake: only its request can take the processor away. */
static void busy(void *unused)
{
	(void)unused;
	note('b');
	while (orders < 3)
		__asm__ volatile("" : : : "memory");
	note('e');
}

static void block_main(void *unused)
{
	(void)unused;
	uthread_detach(uthread_create(sleeper, &waiter[0], 0));
	uthread_detach(uthread_create(busy, NULL, 0));
}

static void hopeless(void *unused)
{
	(void)unused;
	uthread_semaphore_wait(&semaphore);
}

/* Wake-ups at all moments, also within critical sections. */
static void shaken(void *w)
{
	for (uint32_t n = 0; n < 40; n++) {
		uthread_mutex_lock(&mutex);
		sum++;
		uthread_mutex_unlock(&mutex);
		uthread_semaphore_post(&semaphore);
		wait_event(w);
		uthread_semaphore_wait(&semaphore);
	}
}

static void churn(void *unused)
{
	(void)unused;
	while (sum < 16 * 40) {
		uthread_mutex_lock(&mutex);
		uthread_mutex_unlock(&mutex);
		uthread_yield();
	}
}

static void shake_main(void *unused)
{
	(void)unused;
	for (int n = 0; n < 16; n++) {
		Timer_set(waiter[n].timer, clock_deadline(clock_now() + MS), 311000 + 17000 * n, NULL);
		uthread_detach(uthread_create(shaken, &waiter[n], 0));
	}
	for (int n = 0; n < 3; n++)
		uthread_detach(uthread_create(churn, NULL, 0));
}

/* ---- RPC that waits: a server in this program parks requests until one comes that lets them go */

static struct server *server;
static struct served demo_object;
static fluke_ref_t *demo;
static struct { struct request *request; uint32_t tag; } parked[THREADS];
static uint32_t parked_count;
static struct lock parked_lock;

static int demo_wait(void *self, struct request *r, uint32_t tag, uint32_t *same)
{
	(void)self, (void)same;
	lock_take(&parked_lock);
	parked[parked_count].tag = tag;
	parked[parked_count++].request = request_park(r);
	lock_drop(&parked_lock);
	return REQUEST_PARKED;
}

static int demo_release(void *self, struct request *r, uint32_t *count, uint32_t *gone)
{
	(void)self, (void)r;
	lock_take(&parked_lock);
	*count = parked_count;
	*gone = 0;
	for (uint32_t n = 0; n < parked_count; n++) {
		Demo_wait_reply(parked[n].request, parked[n].tag);
		request_answer(parked[n].request, 0);
	}
	parked_count = 0;
	lock_drop(&parked_lock);
	return 0;
}

static void asking(void *n)
{
	uint32_t same = 0;

	if (Demo_wait(demo, (uint32_t)n, &same) == 0 && same == (uint32_t)n)
		sum++;
}

static void letting(void *unused)
{
	uint32_t count, gone;

	(void)unused;
	while (sum < 32) {
		compute(1000);
		if (parked_count == 32)
			Demo_release(demo, &count, &gone);
		uthread_yield();
	}
}

static void rpc_main(void *unused)
{
	for (uint32_t n = 0; n < 32; n++)
		uthread_detach(uthread_create(asking, (void *)(n + 100), 0));
	letting(unused);
}

static const struct Demo_methods methods = { .wait = demo_wait, .release = demo_release };
static const struct interface interfaces[] = { { Demo_INTERFACE, Demo_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class demo_class = { .name = "demo", .interfaces = interfaces };

static int rpc_case(void)
{
	server_session_limit = THREADS;
	lock_init(&parked_lock);
	server = server_new(2, 4, 0);
	if (!server || served_init(&demo_object, &demo_class, server))
		return 0;
	demo = served_ref(&demo_object);
	sum = 0;
	return uthread_run(rpc_main, NULL, 40) == 0 && sum == 32;
}

static int tests(void)
{
	uint32_t permille;

	check(uthread_run(many_main, NULL, 4) == 0 && sum == 20 * 50 * 51 / 2, "a thousand threads made, run and joined");
	check(uthread_statistics.blocked == 0, "without a single wait in the kernel");
	orders = 0;
	check(uthread_run(turns_main, NULL, 2) == 0 && !strcmp(order, "abcabcabc"), "threads that yield take turns");
	sum = 0;
	check(uthread_run(mutex_main, NULL, 2) == 0 && sum == 200 && most_inside == 1, "a mutex lets one in");
	sum = 0;
	check(uthread_run(stock_main, NULL, 2) == 0 && sum == ITEMS, "producer and consumer by conditions");
	check(uthread_run(hopeless, NULL, 2) == EDEADLK, "threads that wait only for each other are an error");
	waiters_make();
	orders = 0;
	check(uthread_run(block_main, NULL, 2) == 0 && !strcmp(order, "sbwe"),
		"a thread blocked in the kernel gives its processor to another, and awake again goes first");
	sum = 0;
	semaphore = (struct uthread_semaphore){ 0 };
	check(uthread_run(shake_main, NULL, 20) == 0 && sum == 16 * 40, "wake-ups at all moments leave the queues whole");
	for (int n = 0; n < 16; n++)
		Timer_set(waiter[n].timer, 0, 0, NULL);
	printf("# deferred %u, blocked %u, switches %u\n", uthread_statistics.deferred, uthread_statistics.blocked, uthread_statistics.switches);
	check(rpc_case(), "32 threads wait in RPC while another computes and lets them go");
	serial = 1, rounds = 1;
	load(MS, 0, THREADS + 2);	/* memory is there from now on */
	permille = overlap("serial device", 1, 4, MS, 62500, THREADS + 2);
	check(permille <= 1100, "64 threads, a device that serves one at a time: waits and computation overlap");
	permille = overlap("clock", 0, 2, 2 * THREADS * MS, 125000, THREADS + 2);
	check(permille <= 1100, "64 threads, each with its own timer: waits and computation overlap");
	permille = overlap("known-bad", 1, 4, MS, 62500, 1);
	check(permille > 1500, "known-bad: on one carrier they do not");
	permille = overlap("three carriers", 1, 4, MS, 62500, 3);
	check(permille <= 1100, "three carriers are enough for a device that serves one at a time");
	printf("1..%d\n", cases);
	return 0;
}

int main(void)
{
	return tests();
}
