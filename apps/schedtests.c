/* schedtests: the published behaviour of CPU inheritance scheduling (figures 7, 8 and 9 of the OSDI '96 paper), on
 * the kernel's own dispatcher: real threads, scheduler ports, donation over real mutexes, the policies of libnest.
 * Only time is virtual.  Prints TAP, and what was measured in lines `data FIGURE SEED ...`.
 *
 * A tick is what a leaf thread makes it: it counts the clock on and calls the ticker, a thread of the highest
 * priority under the base scheduler, as an interrupt would.  That one wakes who has slept enough, does the script's
 * part, tells the schedulers whose time has come, and sleeps again; then the base scheduler chooses anew.
 * An idle thread of the lowest priority passes the time when nobody else is ready.  Nothing depends on real time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/schedule.h>

#define SEEDS		5u
#define LEAVES		10u
#define SCHEDULERS	8u
#define NEVER		(~0u)

enum { IDLE, LOW, MIDDLE, HIGH, TICKER = POLICY_LEVELS - 1 };		/* priorities of the base */

int main(int argc, char **argv);

struct world;

struct leaf {
	struct world	*world;
	const char	*name;
	struct scheduler *scheduler;
	natural_t	number;		/* there */
	void		(*life)(struct leaf *l);
	uint32_t	ticks;		/* had */
	volatile uint32_t wake;		/* at that tick; NEVER: it does not sleep */
	uint32_t	burst;
	fluke_portset_t	*portset;	/* where it sleeps */
	fluke_ref_t	*port;
};

struct world {
	uint32_t	clock, end, random;
	struct scheduler_clock virtual;
	struct scheduler *base, *armed[SCHEDULERS];
	uint64_t	when[SCHEDULERS];	/* it wants to look at the clock; 0: not */
	struct leaf	leaf[LEAVES];
	unsigned	leaves;
	volatile int	over;
	fluke_portset_t	*ticker_set, *done_set;
	fluke_ref_t	*ticker, *done;
	void		(*script)(struct world *w);
	struct sample { uint32_t clock, ticks[LEAVES]; } sample[101];
	unsigned	samples;
	/* figure 9 */
	fluke_mutex_t	*mutex;
	fluke_cond_t	*cond;		/* null: waiters lend */
	int		held;
	uint32_t	waits, most, sum, waited[64];
};

static int cases;
static uint32_t seed;

static void check(int good, const char *what)
{
	printf("%sok %d %s, seed %u\n", good ? "" : "not ", ++cases, what, seed);
}

static uint32_t random_below(struct world *w, uint32_t below)
{
	w->random = w->random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(w->random >> 8) * below >> 24);
}

/* ---- messages without content ---- */

static fluke_ref_t *bell(fluke_portset_t **set)
{
	fluke_ref_t *ref = ref_new();

	*set = portset_new();
	fluke_port_reference(port_new(*set, NULL, 0), ref);
	return ref;
}

static void ring(fluke_ref_t *to)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, to);
}

static void wait_ring(fluke_portset_t *set)
{
	uint32_t words[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, set, &alias);
}

/* ---- leaves ---- */

static void tick(struct leaf *l)
{
	struct world *w = l->world;

	l->ticks++;
	w->clock++;
	ring(w->ticker);
	if (w->over)
		thread_exit();
}

static void sleep_until(struct leaf *l, uint32_t when)
{
	l->wake = when;
	wait_ring(l->portset);
}

static void leaf_main(void *argument)
{
	struct leaf *l = argument;

	wait_ring(l->portset);		/* until it is started */
	l->life(l);
}

static struct leaf *leaf(struct world *w, struct scheduler *s, struct policy_parameters parameters, const char *name, uint32_t start,
	void (*life)(struct leaf *))
{
	struct leaf *l = &w->leaf[w->leaves++];

	*l = (struct leaf){ .world = w, .name = name, .scheduler = s, .life = life, .wake = start, .burst = 1 };
	l->port = bell(&l->portset);
	if (!scheduler_thread(s, &parameters, leaf_main, l, 8192, &l->number, NULL))
		abort();
	return l;
}

static void endless(struct leaf *l)
{
	for (;;)
		tick(l);
}

/* Runs `burst` ticks and then stands behind the others. */
static void in_bursts(struct leaf *l)
{
	for (;;) {
		for (uint32_t n = l->burst; n; n--)
			tick(l);
		sleep_until(l, 0);
	}
}

static void one_burst(struct leaf *l)
{
	for (uint32_t n = l->burst; n; n--)
		tick(l);
	sleep_until(l, NEVER);
}

/* ---- the ticker ---- */

/* Kept, not printed: while it waited for the output the others would go on without it. */
static void take_sample(struct world *w)
{
	struct sample *s = &w->sample[w->samples++];

	s->clock = w->clock;
	for (unsigned n = 0; n < w->leaves; n++)
		s->ticks[n] = w->leaf[n].ticks;
}

static void print_samples(const struct world *w, const char *figure)
{
	for (const struct sample *s = w->sample; s < w->sample + w->samples; s++) {
		printf("data %s %u %u", figure, seed, s->clock);
		for (unsigned n = 0; n < w->leaves; n++)
			printf(" %u", s->ticks[n]);
		printf("\n");
	}
}

static void ticker_main(void *argument)
{
	struct world *w = argument;

	for (;;) {
		if (w->script)
			w->script(w);
		if (w->clock >= w->end) {
			w->over = 1;
			ring(w->done);
			thread_exit();
		}
		for (unsigned n = 0; n < w->leaves; n++)
			if (w->leaf[n].wake <= w->clock) {
				w->leaf[n].wake = NEVER;
				ring(w->leaf[n].port);
			}
		for (unsigned n = 0; n < SCHEDULERS; n++)
			if (w->when[n] && w->when[n] <= w->clock) {
				w->when[n] = 0;
				scheduler_look(w->armed[n]);
			}
		wait_ring(w->ticker_set);
	}
}

static uint64_t virtual_now(void *world)
{
	return ((struct world *)world)->clock;
}

static void virtual_arm(void *world, struct scheduler *s, uint64_t when)
{
	struct world *w = world;
	unsigned n = 0;

	while (w->armed[n] && w->armed[n] != s)
		n++;
	if (n == SCHEDULERS)
		abort();
	w->armed[n] = s;
	w->when[n] = when;
}

static struct scheduler *scheduler(struct world *w, const struct policy_class *class, uint64_t quantum, struct scheduler *above,
	struct policy_parameters parameters)
{
	struct scheduler *s = scheduler_new(policy_new(class, quantum, seed * 7919 + w->leaves), &w->virtual);

	if (!s || (above && scheduler_start(s, above, &parameters)))
		abort();
	return s;
}

static struct world *world_new(uint32_t end, void (*script)(struct world *))
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->random = seed;
	w->end = end;
	w->script = script;
	w->virtual = (struct scheduler_clock){ .now = virtual_now, .arm = virtual_arm, .self = w };
	w->ticker = bell(&w->ticker_set);
	w->done = bell(&w->done_set);
	w->base = scheduler(w, &policy_fixed, POLICY_FOREVER, NULL, (struct policy_parameters){ 0 });
	leaf(w, w->base, (struct policy_parameters){ .priority = IDLE }, "idle", 0, endless);
	return w;
}

static struct scheduler *level(struct world *w, const struct policy_class *class, int priority)
{
	return scheduler(w, class, 1, w->base, (struct policy_parameters){ .priority = priority });
}

/* The base is started last, so that all begins from the same state. */
static void world_run(struct world *w)
{
	scheduler_thread(w->base, &(struct policy_parameters){ .priority = TICKER }, ticker_main, w, 8192, NULL, NULL);
	if (scheduler_start(w->base, NULL, NULL))
		abort();
	wait_ring(w->done_set);
}

/* ---- figure 7: several policies ---- */

enum { F7_IDLE, RM1, RM2, LS1, RR1, RR2 };

static uint32_t f7_wrong;

static void f7_script(struct world *w)
{
	static uint32_t before[LEAVES];

	take_sample(w);
	if (w->clock > 2 && w->leaf[RM1].ticks != (w->clock - 1) / 2)	/* every second tick from 2 on */
		f7_wrong++;
	if (w->clock == 35 || w->clock == 69) {
		if (w->clock == 69 && (w->leaf[RR1].ticks != before[RR1] || w->leaf[RR2].ticks != before[RR2]))
			f7_wrong++;
		before[RR1] = w->leaf[RR1].ticks;
		before[RR2] = w->leaf[RR2].ticks;
	}
}

static void figure7(void)
{
	static const uint32_t published[] = { 6, 49, 12, 14, 12, 7 };	/* of 0.05 s */
	struct world *w = world_new(100, f7_script);
	struct scheduler *rm = level(w, &policy_rm, HIGH), *lottery = level(w, &policy_lottery, MIDDLE), *rr = level(w, &policy_rr, LOW);
	int same = 1;

	leaf(w, rm, (struct policy_parameters){ .period = 2, .budget = 1 }, "RM1", 2, endless);
	leaf(w, rm, (struct policy_parameters){ .period = 4, .budget = 1 }, "RM2", 55, endless);
	leaf(w, lottery, (struct policy_parameters){ .weight = 1 }, "LS1", 35, one_burst)->burst = 14;
	leaf(w, rr, (struct policy_parameters){ 0 }, "RR1", 11, endless);
	leaf(w, rr, (struct policy_parameters){ 0 }, "RR2", 22, endless);
	f7_wrong = 0;
	world_run(w);
	print_samples(w, "fig7");
	for (unsigned n = 0; n < w->leaves; n++)
		same &= w->leaf[n].ticks == published[n];
	check(same, "figure 7: totals as published");
	check(!f7_wrong, "figure 7: RM1 has every second tick, RR1 and RR2 stand still during LS1's burst");
}

/* ---- figure 8: insulation ---- */

enum { F8_IDLE, JAVA1, JAVA2, FIFO1, FIFO2, F8_RR1, F8_RR2, F8_LEAVES };
#define PHASE	2000u

static struct scheduler *f8_lottery, *f8_browser, *f8_rr;
static natural_t f8_app;
static uint32_t f8_at[6][F8_LEAVES];

static void f8_script(struct world *w)
{
	if (w->clock % 200 == 0)
		take_sample(w);
	if (w->clock % PHASE)
		return;
	for (unsigned n = 0; n < F8_LEAVES; n++)
		f8_at[w->clock / PHASE][n] = w->leaf[n].ticks;
	switch (w->clock / PHASE) {
	case 1:
		scheduler_set(f8_browser, w->leaf[JAVA2].number, &(struct policy_parameters){ .weight = 1 });
		break;
	case 2:
		w->leaf[FIFO1].burst = 4;
		break;
	case 3:
		scheduler_set(f8_lottery, f8_app, &(struct policy_parameters){ .weight = 4 });
		break;
	case 4:
		scheduler_set(f8_rr, w->leaf[F8_RR1].number, &(struct policy_parameters){ .priority = 1 });
		break;
	}
}

/* Is that share, in 1/100 points of the phase, within `points` of wanted? */
static int near(uint32_t ticks, uint32_t wanted, uint32_t points)
{
	int difference = (int)(ticks * 10000 / PHASE) - (int)wanted;

	return difference <= (int)points * 100 && -difference <= (int)points * 100;
}

static void f8_check(void)
{
	/* browser of browser + app, JAVA1 of browser, FIFO1 of app, RR1 of RR, as numerator and denominator */
	static const uint32_t share[5][4][2] = {
		{ { 4, 5 }, { 1, 5 }, { 1, 2 }, { 1, 2 } },
		{ { 4, 5 }, { 1, 2 }, { 1, 2 }, { 1, 2 } },
		{ { 4, 5 }, { 1, 2 }, { 4, 5 }, { 1, 2 } },
		{ { 1, 2 }, { 1, 2 }, { 4, 5 }, { 1, 2 } },
		{ { 1, 2 }, { 1, 2 }, { 4, 5 }, { 1, 1 } },
	};
	int lottery = 1, fifo = 1, rr = 1;

	for (unsigned p = 0; p < 5; p++) {
		uint32_t had[F8_LEAVES], browser, java1, app, exact;

		for (unsigned n = 0; n < F8_LEAVES; n++)
			had[n] = f8_at[p + 1][n] - f8_at[p][n];
		browser = 6667 * share[p][0][0] / share[p][0][1];
		java1 = browser * share[p][1][0] / share[p][1][1];
		lottery &= near(had[JAVA1] + had[JAVA2], browser, 3) & near(had[FIFO1] + had[FIFO2], 6667 - browser, 3) &
			near(had[JAVA1], java1, 3) & near(had[JAVA2], browser - java1, 3);
		app = had[FIFO1] + had[FIFO2];
		exact = app * share[p][2][0] / share[p][2][1];
		fifo &= had[FIFO1] + 4 >= exact && had[FIFO1] <= exact + 4;	/* a burst may be half done */
		exact = 3333 * share[p][3][0] / share[p][3][1];
		rr &= near(had[F8_RR1], exact, 1) & near(had[F8_RR2], 3333 - exact, 1) & near(had[F8_RR1] + had[F8_RR2], 3333, 1);
	}
	check(lottery, "figure 8: JAVA1, JAVA2, browser, app within 3 points of their tickets");
	check(fifo, "figure 8: FIFO1 to FIFO2 as their bursts, within one burst");
	check(rr, "figure 8: the RR class keeps a third, RR1 and RR2 within a point");
}

static void figure8(void)
{
	struct world *w = world_new(5 * PHASE, f8_script);
	struct scheduler *rm = level(w, &policy_rm, HIGH), *app;

	memset(f8_at, 0, sizeof(f8_at));
	f8_lottery = level(w, &policy_lottery, MIDDLE);
	f8_browser = scheduler(w, &policy_lottery, 1, f8_lottery, (struct policy_parameters){ .weight = 4 });
	app = scheduler(w, &policy_fifo, 0, f8_lottery, (struct policy_parameters){ .weight = 1 });
	f8_app = 2;		/* the second client there */
	/* a third is reserved; within a level of `fixed` it is round robin */
	f8_rr = scheduler(w, &policy_fixed, 1, rm, (struct policy_parameters){ .period = 3, .budget = 1 });
	leaf(w, f8_browser, (struct policy_parameters){ .weight = 1 }, "JAVA1", 0, endless);
	leaf(w, f8_browser, (struct policy_parameters){ .weight = 4 }, "JAVA2", 0, endless);
	leaf(w, app, (struct policy_parameters){ 0 }, "FIFO1", 0, in_bursts);
	leaf(w, app, (struct policy_parameters){ 0 }, "FIFO2", 0, in_bursts);
	leaf(w, f8_rr, (struct policy_parameters){ 0 }, "RR1", 0, endless);
	leaf(w, f8_rr, (struct policy_parameters){ 0 }, "RR2", 0, endless);
	world_run(w);
	print_samples(w, "fig8");
	f8_check();
}

/* ---- figure 9: priority inversion ---- */

#define WAITS	100u

/* Without cond it is the kernel's mutex; with it waiters sleep and lend nothing. */
static void take(struct world *w)
{
	fluke_mutex_lock(w->mutex);
	if (!w->cond)
		return;
	while (w->held)
		fluke_cond_wait(w->cond, w->mutex);
	w->held = 1;
	fluke_mutex_unlock(w->mutex);
}

static void drop(struct world *w)
{
	if (w->cond) {
		fluke_mutex_lock(w->mutex);
		w->held = 0;
		fluke_cond_signal(w->cond);
	}
	fluke_mutex_unlock(w->mutex);
}

static void real_time(struct leaf *l)
{
	struct world *w = l->world;

	for (;;) {
		uint32_t start = w->clock, waited;

		take(w);
		waited = w->clock - start;
		w->sum += waited;
		w->waits++;
		w->waited[waited < 64 ? waited : 63]++;
		if (waited > w->most)
			w->most = waited;
		if (w->waits == WAITS)
			w->end = 0;
		tick(l);
		drop(w);
		sleep_until(l, w->clock / 5 * 5 + 5);
	}
}

static void holder(struct leaf *l)
{
	struct world *w = l->world;

	for (;;) {
		take(w);
		for (uint32_t n = 1 + random_below(w, 3); n; n--)
			tick(l);
		drop(w);
		for (uint32_t n = random_below(w, 3); n; n--)
			tick(l);
	}
}

static void disturber(struct leaf *l)
{
	struct world *w = l->world;

	for (;;) {
		for (uint32_t n = 1 + random_below(w, 20); n; n--)
			tick(l);
		sleep_until(l, w->clock + 1 + random_below(w, 20));
	}
}

static struct world *inversion(int lend)
{
	struct world *w = world_new(NEVER, NULL);
	struct scheduler *rm = level(w, &policy_rm, HIGH), *lottery = level(w, &policy_lottery, MIDDLE), *rr = level(w, &policy_rr, LOW);

	w->mutex = mutex_new();
	w->cond = lend ? NULL : cond_new();
	/* what RM1 lends is its own time: three ticks for the holder, one for itself */
	leaf(w, rm, (struct policy_parameters){ .period = 5, .budget = 4 }, "RM1", 0, real_time);
	leaf(w, lottery, (struct policy_parameters){ .weight = 1 }, "LS1", 0, disturber);
	leaf(w, rr, (struct policy_parameters){ 0 }, "RR1", 0, holder);
	world_run(w);
	printf("data fig9 %u %s", seed, lend ? "on" : "off");
	for (unsigned n = 0; n < 64; n++)
		printf(" %u", w->waited[n]);
	printf("\n# donation %s: mean %u.%02u, most %u\n", lend ? "on" : "off", w->sum / WAITS, w->sum % WAITS, w->most);
	return w;
}

static void figure9(void)
{
	struct world *on = inversion(1), *off = inversion(0);

	check(on->waits == WAITS && on->most <= 3, "figure 9: with donation RM1 never waits more than 3 ticks");
	check(on->waited[0] < WAITS && on->most, "figure 9: it does wait");
	check(off->waits == WAITS && off->most > 3, "figure 9: known-bad: without donation it waits longer");
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "789";

	for (seed = 1; seed <= SEEDS; seed++) {
		if (strchr(only, '7'))
			figure7();
		if (strchr(only, '8'))
			figure8();
		if (strchr(only, '9'))
			figure9();
	}
	printf("1..%d\n", cases);
	return 0;
}
