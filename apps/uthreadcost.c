/* uthreadcost: what fork, switch and signal-wait cost with user threads and with kernel threads, in counts of the time stamp
 * counter (instructions under -icount shift=0).  Prints `bench ROW n mean 0` (tests/bench/run).
 *
 * fork: make a thread, run it to its end, join it.  switch: give the processor to the other of two.
 * signal-wait: wake the other one by a condition and wait for it.  Kernel threads are made as programs make them, with
 * the system's scheduler; for the switch they have one of their own that lets them take turns.
 * block, wake: from a user thread's wait in the kernel until another one runs; from a message for it until it runs. */
#include <stdio.h>
#include <native.h>
#include <nest/uthread.h>

int main(void);

#define ROUNDS	1000u

static void report(const char *row, uint64_t from, uint32_t count)
{
	printf("bench %s %u %u 0\n", row, count, (uint32_t)((rdtsc() - from + count / 2) / count));
}

static void nothing(void *unused)
{
	(void)unused;
}

static void yielding(void *unused)
{
	(void)unused;
	for (uint32_t n = 0; n < ROUNDS; n++)
		uthread_yield();
}

static struct uthread_mutex mutex;
static struct uthread_cond turn[2];
static uint32_t token;

static void player(void *self)
{
	uint32_t me = (uint32_t)self;

	uthread_mutex_lock(&mutex);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		while (token != me)
			uthread_cond_wait(&turn[me], &mutex);
		token = !me;
		uthread_cond_signal(&turn[!me]);
	}
	uthread_mutex_unlock(&mutex);
}

/* A thread that waits in the kernel for each message, and one that sends them.  The message wakes the first, which goes
 * ahead; when it waits again its processor comes back to the second. */
static fluke_portset_t *bell_set;
static uint64_t sent_at, blocks_at, woken_sum, blocked_sum;

static void waiting(void *unused)
{
	uint32_t words[2];
	natural_t alias;

	(void)unused;
	for (uint32_t n = 0; n <= ROUNDS; n++) {
		fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };

		blocks_at = rdtsc();
		fluke_ipc_setup_wait_receive(&p, bell_set, &alias);
		woken_sum += rdtsc() - sent_at;
	}
}

static void block_rows(void)
{
	struct uthread *t = uthread_create(waiting, NULL, 0);
	fluke_ref_t *bell = ref_new();
	uint32_t words[2] = { 1, 0 };

	bell_set = portset_new();
	fluke_port_reference(port_new(bell_set, NULL, 0), bell);
	uthread_yield();
	for (uint32_t n = 0; n <= ROUNDS; n++) {
		fluke_ipc_params_t p = { .send_words = 2, .send_data = words };

		if (n == 1)
			woken_sum = blocked_sum = 0;		/* the first does not count */
		sent_at = rdtsc();
		fluke_ipc_send(&p, bell);
		blocked_sum += rdtsc() - blocks_at;
	}
	uthread_join(t);
	printf("bench uthread-block %u %u 0\n", ROUNDS, (uint32_t)(blocked_sum / ROUNDS));
	printf("bench uthread-wake %u %u 0\n", ROUNDS, (uint32_t)(woken_sum / ROUNDS));
}

static void bench_main(void *unused)
{
	struct uthread *t;
	uint64_t before;

	(void)unused;
	for (int n = 0; n < 4; n++)
		uthread_join(uthread_create(nothing, NULL, 0));
	before = rdtsc();
	for (uint32_t n = 0; n < ROUNDS; n++)
		uthread_join(uthread_create(nothing, NULL, 0));
	report("uthread-fork", before, ROUNDS);
	t = uthread_create(yielding, NULL, 0);
	before = rdtsc();
	yielding(NULL);
	report("uthread-switch", before, 2 * ROUNDS);
	uthread_join(t);
	t = uthread_create(player, (void *)1, 0);
	before = rdtsc();
	player((void *)0);
	report("uthread-sigwait", before, 2 * ROUNDS);
	uthread_join(t);
	before = rdtsc();
	for (uint32_t n = 0; n < ROUNDS; n++) {
		uthread_mutex_lock(&mutex);
		uthread_mutex_unlock(&mutex);
	}
	report("uthread-mutex", before, ROUNDS);
	block_rows();
}

/* The same with kernel threads. */

static struct lock kernel_lock;
static fluke_cond_t *kernel_turn[2], *kernel_done;
static uint32_t done;

static void kernel_end(void *unused)
{
	(void)unused;
	lock_take(&kernel_lock);
	done++;
	fluke_cond_signal(kernel_done);
	lock_drop(&kernel_lock);
}

static void kernel_join(void)
{
	lock_take(&kernel_lock);
	while (!done)
		fluke_cond_wait(kernel_done, kernel_lock.mutex);
	done--;
	lock_drop(&kernel_lock);
}

static void kernel_player(void *self)
{
	uint32_t me = (uint32_t)self;

	lock_take(&kernel_lock);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		while (token != me)
			fluke_cond_wait(kernel_turn[me], kernel_lock.mutex);
		token = !me;
		fluke_cond_signal(kernel_turn[!me]);
	}
	lock_drop(&kernel_lock);
	if (me)
		kernel_end(NULL);
}

static fluke_ref_t *yield_port;

static void kernel_yielding(void *unused)
{
	uint32_t words[2] = { 2, 0 };

	(void)unused;
	for (;;) {
		fluke_ipc_params_t p = { .send_words = 2, .send_data = words };
		fluke_ipc_send(&p, yield_port);
	}
}

/* Two threads that call their scheduler, which lets the other one run. */
static void kernel_switch(void)
{
	fluke_portset_t *set = portset_new();
	fluke_port_t *port = port_new(set, NULL, 0);
	fluke_thread_t *thread[2];
	uint32_t words[2];
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };
	uint64_t before;

	yield_port = ref_new();
	fluke_port_reference(port, yield_port);
	for (int n = 0; n < 2; n++)
		thread[n] = thread_start_donated(kernel_yielding, NULL, 0);
	fluke_thread_schedule(thread[0], port, FLUKE_WAKEUP_ON_BLOCK);
	fluke_ipc_setup_wait_receive(&p, set, &alias);
	before = rdtsc();
	for (uint32_t n = 0; n < ROUNDS; n++) {
		fluke_thread_schedule(thread[n & 1], port, FLUKE_WAKEUP_ON_BLOCK);
		p.recv_words = 2;
		fluke_ipc_wait_receive(&p, &alias);
	}
	report("kthread-switch", before, ROUNDS);
}

int main(void)
{
	uint64_t before;
	int error = uthread_run(bench_main, NULL, 2);

	lock_init(&kernel_lock);
	kernel_done = cond_new();
	kernel_turn[0] = cond_new();
	kernel_turn[1] = cond_new();
	for (uint32_t n = 0; n < 4; n++) {
		thread_start(kernel_end, NULL, 0);
		kernel_join();
	}
	before = rdtsc();
	for (uint32_t n = 0; n < ROUNDS; n++) {
		thread_start(kernel_end, NULL, 0);
		kernel_join();
	}
	report("kthread-fork", before, ROUNDS);
	kernel_switch();
	token = 0;
	thread_start(kernel_player, (void *)1, 0);
	before = rdtsc();
	kernel_player((void *)0);
	kernel_join();
	report("kthread-sigwait", before, 2 * ROUNDS);
	return error;
}
