/* deadlines: how long after its deadline a sleeping thread runs, while root still makes zero pages on idle time, with nothing
 * else to do, and with 10,000 other deadlines pending.  Under boot/run --icount 0 the time stamp counter counts
 * instructions.  Every sleep ends at a time of its own (not a multiple of anything).  TAP. */
#include <stdio.h>
#include <linux_abi.h>
#include <native.h>
#include <protocols/Clock.h>

#define FEW		10u
#define SLEEPS		40u
#define MANY		10000u
#define LATE_MOST	2000u		/* instructions */
#define BUSY_MOST	20000u		/* far below a quantum, 10,000,000 */

int main(void);

static fluke_portset_t *portset;
static fluke_port_t *port;
static fluke_ref_t *timer;
static uint64_t tsc_per_ms;

struct cost { uint32_t late, worst, whole; };	/* after the deadline; with setting the timer */

static void wait_message(void)
{
	uint32_t words[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, portset, &alias);
}

static int sleeps(struct cost *cost)
{
	uint64_t late = 0, set = 0;

	cost->worst = 0;
	for (unsigned i = 0; i < SLEEPS + 2; i++) {
		uint64_t before = rdtsc(), deadline = clock_now() + 1000000 + i * 7919, middle, after;
		int error = Timer_set(timer, clock_deadline(deadline), 0, NULL);

		if (error)
			return error;
		middle = rdtsc();
		wait_message();
		after = clock_now();
		if (i < 2)			/* everything is touched then */
			continue;
		if (after < deadline)
			return EAGAIN;		/* too early */
		after = (after - deadline) * tsc_per_ms / 1000000;
		late += after;
		set += middle - before;
		if (after > cost->worst)
			cost->worst = (uint32_t)after;
	}
	cost->late = (uint32_t)(late / SLEEPS);
	cost->whole = (uint32_t)((late + set) / SLEEPS);
	return 0;
}

/* One more timer that is due in an hour or so; they are not in order. */
static int pend(unsigned number)
{
	fluke_ref_t *other = ref_new();
	int error = other ? Clock_create_timer(libc_clock, port, 2, other) : ENOMEM;

	return error ? error : Timer_set(other, clock_deadline(clock_now() + 3600000000000ull + number * 48271ull % 65537 * 1000000), 0, NULL);
}

static int measure(unsigned pending, unsigned *have, struct cost *cost)
{
	int error = 0;

	while (*have < pending && !error)
		error = pend(++*have);
	if (!error)
		error = sleeps(cost);
	if (error)
		printf("# %u pending: %s\n", *have, error_text(error));
	else
		printf("# %u pending: %u after the deadline, worst %u; %u with setting it\n", pending, cost->late, cost->worst, cost->whole);
	return error;
}

static int prepare(void)
{
	uint32_t multiplier, shift;
	uint64_t offset;

	clock_now();
	libc_clock = libc_clock ? libc_clock : service_lookup("clock");
	portset = portset_new();
	port = portset ? port_new(portset, NULL, 0) : NULL;
	timer = ref_new();
	if (!libc_clock || !port || !timer || Clock_scale(libc_clock, &multiplier, &shift, &offset))
		return ENOMEM;
	tsc_per_ms = (1000000ull << shift) / multiplier;
	return Clock_create_timer(libc_clock, port, 1, timer);
}

static void claim(unsigned number, int true, const char *what)
{
	printf("%sok %u %s\n", true ? "" : "not ", number, what);
}

int main(void)
{
	unsigned have = 0;
	struct cost busy = { 0, ~0u, 0 }, few = busy, many = busy;
	int error = prepare();

	if (!error)
		error = measure(0, &have, &busy);
	claim(1, !error && busy.worst <= BUSY_MOST, "a sleeping thread does not wait for the idle thread's work");
	clock_sleep_until(clock_now() + 1000000000);	/* that work is done */
	if (!error)
		error = measure(FEW, &have, &few);
	claim(2, !error && few.worst <= LATE_MOST, "it runs within 2,000 instructions of its deadline");
	if (!error)
		error = measure(MANY, &have, &many);
	claim(3, !error && many.worst <= LATE_MOST, "the same with 10,000 deadlines pending");
	claim(4, !error && many.whole <= 2 * few.whole && many.late <= 2 * few.late, "a wake-up costs at most twice as much with these");
	printf("1..4\n");
	return error != 0;
}
