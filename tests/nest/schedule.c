/* Schedulers in a program of its own (nest/schedule.h), on real time: who gets how much, who pays, what
 * a stack of policies does.  A native program that prints TAP; run by tests/nest/schedule.t. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <native.h>
#include <nest/schedule.h>
#include <protocols/Scheduler.h>

#define MS	1000000u

struct worker { volatile uint32_t loops; volatile int stop, stopped; natural_t number; fluke_thread_t *thread; };

static unsigned number, failed;

static void result(const char *what)
{
	printf("%sok %u %s\n", failed ? "not " : "", ++number, what);
	failed = 0;
}

static void check(int good, const char *what)
{
	if (!good && failed++ < 5)
		printf("# %s\n", what);
}

static void check_ratio(uint64_t a, uint64_t b, unsigned percent, unsigned slack, const char *what)
{
	unsigned seen = b ? (unsigned)(a * 100 / b) : 0;

	if ((seen + slack < percent || seen > percent + slack) && failed++ < 5)
		printf("# %s: %u %%, not %u (%llu of %llu)\n", what, seen, percent, (unsigned long long)a, (unsigned long long)b);
}

static void pass(unsigned ms)
{
	clock_sleep_until(clock_now() + (uint64_t)ms * MS);
}

static void work(void *argument)
{
	struct worker *w = argument;

	while (!w->stop)
		w->loops++;
	w->stopped = 1;
}

static struct scheduler *make(const struct policy_class *class, struct scheduler *above, struct policy_parameters parameters)
{
	struct scheduler *s = scheduler_new(policy_new(class, clock_to_counts(2 * MS), 5), &scheduler_real_clock);
	int error = s ? scheduler_start(s, above, &parameters) : ENOMEM;

	if (error)
		printf("# no scheduler: %s\n", error_text(error));
	return s;
}

static void begin(struct worker *w, struct scheduler *s, struct policy_parameters parameters)
{
	int error;

	memset(w, 0, sizeof *w);
	w->thread = scheduler_thread(s, &parameters, work, w, 4096, &w->number, &error);
	if (!w->thread)
		printf("# no thread: %s\n", error_text(error));
}

static void end(struct worker *w, struct scheduler *s)
{
	w->stop = 1;
	for (int i = 0; i < 200 && !w->stopped; i++)
		pass(5);
	check(w->stopped, "a worker does not end");
	scheduler_end(s, w->number);
}

static uint64_t used(struct scheduler *s, const struct worker *w)
{
	return scheduler_used(s, w->number);
}

static uint64_t w_used(struct scheduler *s, const struct worker *a, const struct worker *b)
{
	return used(s, a) + used(s, b);
}

static void test_shares(void)
{
	struct scheduler *s = make(&policy_stride, NULL, (struct policy_parameters){ 0 });
	struct worker w[3];

	for (unsigned i = 0; i < 3; i++)
		begin(&w[i], s, (struct policy_parameters){ .weight = 1 + i });
	pass(200);
	check_ratio(used(s, &w[1]), used(s, &w[0]), 200, 30, "weight 2 to 1");
	check_ratio(used(s, &w[2]), used(s, &w[0]), 300, 45, "weight 3 to 1");
	check_ratio(w[2].loops, w[0].loops, 300, 45, "work done at 3 to 1");
	check(!scheduler_set(s, w[2].number, &(struct policy_parameters){ .weight = 1 }), "set");
	uint64_t before[2] = { used(s, &w[0]), used(s, &w[2]) };
	pass(200);
	check_ratio(used(s, &w[2]) - before[1], used(s, &w[0]) - before[0], 100, 20, "equal weights afterwards");
	for (unsigned i = 0; i < 3; i++)
		end(&w[i], s);
	result("stride: threads of a program's own scheduler share by weight, changed while they run");
}

static void test_stack(void)
{
	struct scheduler *base = make(&policy_fixed, NULL, (struct policy_parameters){ 0 });
	struct scheduler *high = make(&policy_lottery, base, (struct policy_parameters){ .priority = 2 });
	struct scheduler *low = make(&policy_rr, base, (struct policy_parameters){ .priority = 1 });
	struct worker a, b, c;
	uint64_t before, base_time, low_time;

	begin(&a, low, (struct policy_parameters){ 0 });
	begin(&b, low, (struct policy_parameters){ 0 });
	pass(60);
	check_ratio(used(low, &a), used(low, &b), 100, 30, "turns below");
	low_time = scheduler_now(low);
	check_ratio(used(low, &a) + used(low, &b), low_time, 98, 4, "a scheduler's time is its clients' time");
	begin(&c, high, (struct policy_parameters){ .weight = 3 });
	pass(10);
	before = w_used(low, &a, &b), base_time = scheduler_now(high);
	pass(60);
	check(w_used(low, &a, &b) == before, "the lower priority stands still");
	check(scheduler_now(high) > base_time, "the higher one runs");
	end(&c, high);
	pass(20);
	check(w_used(low, &a, &b) > before, "and goes on afterwards");
	check_ratio(w_used(low, &a, &b), scheduler_now(low), 98, 4, "its clock stood still meanwhile");
	end(&a, low), end(&b, low);
	result("fixed(lottery,rr): a stack of three, each level's time its own");
}

/* ---- who pays ---- */

static fluke_mutex_t *mutex;
static volatile int held, waited;

static void hold(void *loops)
{
	fluke_mutex_lock(mutex);
	held = 1;
	for (volatile uint32_t i = 0; i < (uint32_t)loops; i++)
		;
	fluke_mutex_unlock(mutex);
	held = 2;
}

static void wait_for_it(void *unused)
{
	(void)unused;
	fluke_mutex_lock(mutex);
	waited = 1;
	fluke_mutex_unlock(mutex);
}

static void test_payer(void)
{
	struct scheduler *s = make(&policy_fixed, NULL, (struct policy_parameters){ 0 });
	natural_t low, high;
	uint64_t paid;
	struct worker middle;

	mutex = mutex_new();
	scheduler_thread(s, &(struct policy_parameters){ .priority = 1 }, hold, (void *)40000000, 4096, &low, NULL);
	while (!held)
		pass(1);
	paid = scheduler_used(s, low);
	begin(&middle, s, (struct policy_parameters){ .priority = 2 });	/* would keep the holder from running for ever */
	scheduler_thread(s, &(struct policy_parameters){ .priority = 3 }, wait_for_it, NULL, 4096, &high, NULL);
	for (int i = 0; i < 500 && !waited; i++)
		pass(2);
	check(waited, "the waiter never gets the mutex");
	check(scheduler_used(s, high) > 4 * (scheduler_used(s, low) - paid), "the waiter pays for the holder");
	end(&middle, s);
	result("fixed: who waits for a mutex lends its time to the holder, and pays");
}

static void test_admission(void)
{
	struct scheduler *s = make(&policy_rm, NULL, (struct policy_parameters){ 0 });
	uint64_t ms = clock_to_counts(MS), start, seen;
	struct worker w;
	int error = 0;

	begin(&w, s, (struct policy_parameters){ .period = 20 * ms, .budget = 5 * ms });
	check(!scheduler_thread(s, &(struct policy_parameters){ .period = 20 * ms, .budget = 16 * ms }, work, &w, 4096, NULL, &error)
		&& error == EBUSY, "105 % are admitted");
	pass(40);
	start = rdtsc(), seen = used(s, &w);
	pass(200);
	check_ratio(used(s, &w) - seen, rdtsc() - start, 25, 3, "a quarter of the time");
	end(&w, s);
	result("rm: what is not admitted gets EBUSY, what is gets its budget of each period and no more");
}

static void nothing(void *unused)
{
	(void)unused;
}

static void test_numbers(void)
{
	struct scheduler *s = make(&policy_fair, NULL, (struct policy_parameters){ 0 });
	natural_t largest = 0, n;

	for (unsigned i = 0; i < 600; i++) {
		struct policy_parameters p = { .group = i % 7 };

		if (!scheduler_thread(s, &p, nothing, NULL, 4096, &n, NULL))
			break;
		if (n > largest)
			largest = n;
		if (i % 8 == 7)
			pass(1);
		if (i % 2)
			scheduler_end(s, n);
	}
	if (largest >= 200)
		printf("# %u\n", (unsigned)largest);
	check(largest && largest < 200, "numbers are not used again");
	result("numbers of threads that have ended, said or unsaid, are used again");
}

/* ---- under `scheduler "stride(3*fifo,rr)"`: a thread in each of its leaves */

static fluke_ref_t *leaf_ref;

static int leaf_book(void *number, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	int error = Scheduler_add(leaf_ref, thread, port, sched_val);

	*(natural_t *)number = *sched_val;
	return error;
}

static void test_leaves(void)
{
	static const char *const policy[2] = { "fifo", "rr" };
	fluke_ref_t *base = service_lookup("scheduler"), *leaf[2] = { ref_new(), ref_new() };
	static struct worker w[2];
	uint64_t seen[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		check(!Scheduler_leaf(base, policy[i], leaf_ref = leaf[i]), "a scheduler of that policy");
		thread_start_scheduled(work, &w[i], 4096, leaf_book, &w[i].number);
	}
	pass(1200);
	for (int i = 0; i < 2; i++)
		check(!Scheduler_get_usage(leaf[i], w[i].number, &seen[i]), "usage");
	check_ratio(seen[0], seen[1], 300, 15, "time of 3*fifo to rr");
	check_ratio(w[0].loops, w[1].loops, 300, 15, "work of 3*fifo to rr");
	check(Scheduler_leaf(base, "lottery", leaf[0]) == ENOENT, "no lottery there");
	check(Scheduler_set(leaf[1], 99999, 0, 1, 0, 0, 0) == ESRCH, "no such client");
	w[0].stop = w[1].stop = 1;
	result("a thread in each leaf of stride(3*fifo,rr), shares 3 to 1");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "leaves")) {
		printf("1..1\n");
		test_leaves();
		return 0;
	}
	printf("1..5\n");
	test_shares();
	test_stack();
	test_payer();
	test_admission();
	test_numbers();
	return 0;
}
