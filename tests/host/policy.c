/* Scheduling policies on virtual ticks: shares, order, admission against simulated schedules, and long
 * random sequences of everything that may happen to a client.
 * Sources: libnest/sched_policy.c libnest/sched_fixed.c libnest/sched_rm.c libnest/sched_lottery.c libnest/sched_stride.c libnest/sched_fair.c libnest/sched_posix.c libnest/sched_parse.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/policy.h>

#define CLIENTS	40

static struct policy *p;
static struct policy_client client[CLIENTS];
static uint64_t now;
static unsigned seed, failed, number;

static unsigned roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void check(int good, const char *what)
{
	if (!good && failed++ < 10)
		printf("# %s\n", what);
}

static void check_range(uint64_t seen, uint64_t least, uint64_t most, const char *what)
{
	if ((seen < least || seen > most) && failed++ < 10)
		printf("# %s: %llu, not %llu to %llu\n", what, (unsigned long long)seen, (unsigned long long)least,
			(unsigned long long)most);
}

static void result(const char *what)
{
	printf("%sok %u policy-%02u %s\n", failed ? "not " : "", number + 1, number + 1, what);
	number++;
	failed = 0;
	policy_free(p);
	p = NULL;
}

static void start(const struct policy_class *class, uint64_t quantum, unsigned s)
{
	policy_free(p);
	p = policy_new(class, quantum, s);
	seed = s;
	now = 0;
	memset(client, 0, sizeof client);
}

static int add(unsigned i, struct policy_parameters parameters)
{
	return policy_add(p, &client[i], &parameters);
}

static void ready(unsigned i)
{
	policy_ready(p, &client[i], now);
}

/* One tick; who had it, or -1. */
static int tick(void)
{
	struct policy_client *c = policy_pick(p, now);

	now++;
	if (!c)
		return -1;
	policy_charge(p, c, 1);
	return c - client;
}

static void ticks(unsigned n)
{
	while (n--)
		tick();
}

static uint64_t used(unsigned i)
{
	return client[i].used;
}

static void test_turns(void)
{
	static const int want[] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1 };

	start(&policy_rr, 3, 1);
	for (unsigned i = 0; i < 3; i++)
		add(i, (struct policy_parameters){ .priority = i }), ready(i);
	for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++)
		check(tick() == want[i], "a turn of another than was due");
	policy_blocked(p, &client[1]);
	check(tick() == 2, "who blocks loses its turn");
	ready(1);
	check(tick() == 2 && tick() == 2 && tick() == 0, "who comes back waits behind the others");
	result("rr: everybody has its turn, a quantum each");

	start(&policy_fifo, 3, 1);
	for (unsigned i = 0; i < 2; i++)
		add(i, (struct policy_parameters){ 0 }), ready(i);
	ticks(50);
	check(used(0) == 50, "the first runs until it blocks");
	check(policy_quantum(p, &client[0]) == 0, "no quantum");
	policy_blocked(p, &client[0]);
	check(tick() == 1, "then the next");
	result("fifo: the first one runs until it blocks");
}

static void test_fixed(void)
{
	start(&policy_fixed, 2, 1);
	for (unsigned i = 0; i < 4; i++)
		check(add(i, (struct policy_parameters){ .priority = i / 2 * 70 }) == 0, "added");
	check(add(4, (struct policy_parameters){ .priority = 128 }) == EINVAL, "a level too high");
	check(add(4, (struct policy_parameters){ .priority = -1 }) == EINVAL, "a level too low");
	ready(0), ready(1);
	check(policy_pick(p, now) == &client[0], "the first");
	check(!policy_patient(p, &client[0]), "somebody higher could come");
	ready(2);
	check(tick() == 2 && tick() == 2 && tick() == 2, "the higher one, alone in its level, for ever");
	ready(3);
	check(policy_patient(p, &client[3]), "nobody higher");
	ticks(40);
	check_range(used(3), 20, 21, "turns within the level");
	check(used(0) + used(1) == 0, "lower ones get nothing");
	policy_set(p, &client[0], &(struct policy_parameters){ .priority = 127, .quantum = POLICY_FOREVER }, now);
	ticks(30);
	check(used(0) == 30, "raised above all, without a quantum");
	policy_blocked(p, &client[0]);
	policy_blocked(p, &client[2]);
	p->non_preemptive = 1;
	check(tick() == 3, "the first of its turn");
	ready(0);
	check(tick() == 3 && tick() == 0, "non-preemptive: who comes waits for the end of the turn");
	result("fixed: the highest level, turns within it, changed while ready");
}

static void test_lottery(void)
{
	for (unsigned s = 1; s <= 5; s++) {
		start(&policy_lottery, 1, s);
		for (unsigned i = 0; i < 3; i++)
			add(i, (struct policy_parameters){ .weight = i ? i * 2 : 0 }), ready(i);	/* 1, 2, 4 */
		ticks(70000);
		for (unsigned i = 0; i < 3; i++)
			check_range(used(i), (10000u << i) * 97 / 100, (10000u << i) * 103 / 100, "share of a lottery");
	}
	check(add(9, (struct policy_parameters){ .weight = 1u << 30 }) == EINVAL, "too many tickets");
	result("lottery: shares as the tickets, five seeds");
}

static void test_stride(void)
{
	start(&policy_stride, 4, 1);
	for (unsigned i = 0; i < 3; i++)
		add(i, (struct policy_parameters){ .weight = 1 + i }), ready(i);	/* 1, 2, 3 */
	for (unsigned n = 1; n <= 50; n++) {
		ticks(60);
		for (unsigned i = 0; i < 3; i++)
			check_range(used(i) + 8, n * 10 * (1 + i), n * 10 * (1 + i) + 16, "share by stride");
	}
	policy_blocked(p, &client[2]);
	ticks(3000);
	check_range(used(1) - 1000, 1990, 2010, "the share of who sleeps goes to the others by weight");
	ready(2);
	ticks(600);
	check_range(used(2) - 1500, 290, 310, "no credit for sleep");
	result("stride: shares exact to a quantum, none saved up");
}

static void test_fair(void)
{
	start(&policy_fair, 2, 1);
	for (unsigned i = 0; i < 8; i++)	/* group 1: 0; group 2: 1, 2; group 3: 3 .. 7, of which 7 weighs 4 */
		add(i, (struct policy_parameters){ .group = i < 1 ? 1 : i < 3 ? 2 : 3, .weight = 1 }), ready(i);
	ticks(3000);
	check_range(used(0), 990, 1010, "group of one");
	check_range(used(1), 490, 510, "group of two");
	check_range(used(5), 190, 210, "group of five");
	policy_blocked(p, &client[0]);
	ticks(2000);
	check_range(used(1) + used(2), 1980, 2020, "who sleeps leaves its share to the others");
	ready(0);
	ticks(300);
	check_range(used(0), 1090, 1110, "and saves none up");
	policy_set(p, &client[7], &(struct policy_parameters){ .group = 9, .weight = 1 }, now);
	ticks(400);
	check_range(used(0), 1185, 1215, "a fourth group");
	policy_set(p, &client[7], &(struct policy_parameters){ .group = 1, .weight = 4 }, now);
	uint64_t before0 = used(0), before7 = used(7);
	ticks(3000);
	check_range((used(7) - before7) * 10 / (used(0) - before0), 38, 42, "weights within a group");
	result("fair: groups share equally, clients in them by weight");
}

static void test_posix(void)
{
	start(&policy_posix, 2, 1);
	for (unsigned i = 0; i < 3; i++)	/* one job of two, one of one */
		add(i, (struct policy_parameters){ .group = i ? 5 : 4, .weight = 1024 }), ready(i);
	add(3, (struct policy_parameters){ .priority = 10 });
	check(!policy_patient(p, &client[0]), "real time could come");
	ticks(400);
	check_range(used(0), 196, 204, "a job of one has half");
	policy_set(p, &client[0], &(struct policy_parameters){ .group = 4, .weight = 110 }, now);	/* nice 10 */
	uint64_t before = used(0);
	ticks(2000);
	check_range(used(0) - before, 185, 205, "niced, it has a tenth of the other's");
	ready(3);
	before = used(3);
	ticks(50);
	check(used(3) - before == 50, "real time goes before all");
	policy_set(p, &client[3], &(struct policy_parameters){ .group = 4, .weight = 1024 }, now);
	before = used(3);
	ticks(1000);
	check_range(used(3) - before, 430, 460, "and is like the others again");
	for (unsigned i = 0; i < 4; i++)
		policy_remove(p, &client[i]);
	for (unsigned i = 0; i < CLIENTS; i++)
		add(i, (struct policy_parameters){ .group = 100 + i, .weight = 1 }), ready(i);
	ticks(CLIENTS * 20);
	for (unsigned i = 0; i < CLIENTS; i++)
		check_range(used(i), 18, 22, "many groups");
	result("posix: jobs share, nice values weigh, real time goes before");
}

/* ---- expressions */

static void test_parse(void)
{
	static const struct { const char *text; unsigned column; } wrong[] = {
		{ "", 1 }, { "fix", 1 }, { "fixed(", 7 }, { "fixed()", 7 }, { "fixed(rr", 9 }, { "fixed(rr,", 10 }, { "fixed(rr))", 10 },
		{ "rr rr", 4 }, { "fixed(lotery,rr)", 7 }, { "stride(0*rr)", 8 }, { "stride(3 rr)", 10 }, { "rm(rr)", 4 },
		{ "rm(3*rr)", 4 }, { "rm(5/4*rr)", 4 }, { "stride(1/2*rr)", 8 }, { "rr:", 4 }, { "rr:0", 4 }, { "rr:1000000", 4 },
		{ "rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(rr(", 49 }, { "RR", 1 }, { "fixed [rr]", 7 },
	};
	struct policy_node n[POLICY_NODES];
	struct policy_mistake m;

	check(policy_parse("rr", n, &m) == 1 && n[0].class == &policy_rr && n[0].above == -1, "one policy");
	check(policy_parse(" fixed ( 3 * lottery : 5 ( rr , 2*rm( 2/10 * fifo ) ) , posix ) ", n, &m) == 6, "a stack");
	check(n[0].class == &policy_fixed && n[1].class == &policy_lottery && n[2].class == &policy_rr && n[3].class == &policy_rm &&
		n[4].class == &policy_fifo && n[5].class == &policy_posix, "its policies");
	check(n[1].above == 0 && n[2].above == 1 && n[3].above == 1 && n[4].above == 3 && n[5].above == 0, "who stands on whom");
	check(n[1].quantum == 5 && n[1].parameters.weight == 3 && n[4].parameters.budget == 2 && n[4].parameters.period == 10, "numbers");
	check(n[1].parameters.priority > n[5].parameters.priority && n[1].column == 14, "the first goes first; places");
	for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if ((policy_parse(wrong[i].text, n, &m) || m.column != wrong[i].column) && failed++ < 10)
			printf("# \"%s\": column %u, not %u (%s)\n", wrong[i].text, m.column, wrong[i].column, m.what);
	result("expressions: what they mean, and the place of each mistake");
}

/* ---- rate monotonic: do all meet their budgets when all begin at once?  Simulated for one period of the longest. */

static int simulate(const struct policy_parameters *task, unsigned n)
{
	uint64_t done[CLIENTS] = { 0 }, longest = 0;
	uint64_t t;
	unsigned i, best;

	for (i = 0; i < n; i++)
		longest = task[i].period > longest ? task[i].period : longest;
	for (t = 0; t < longest; t++) {
		for (i = 0; i < n; i++)
			if (t && t % task[i].period == 0) {
				if (done[i] < task[i].budget)
					return 0;
				done[i] = 0;
			}
		for (best = n, i = 0; i < n; i++)
			if (done[i] < task[i].budget && (best == n || task[i].period < task[best].period))
				best = i;
		if (best < n)
			done[best]++;
	}
	for (i = 0; i < n; i++)
		if (longest % task[i].period == 0 && done[i] < task[i].budget)
			return 0;
	return 1;
}

static void test_admission(void)
{
	struct policy_parameters task[CLIENTS];
	unsigned admitted = 0, refused = 0;

	for (unsigned s = 1; s <= 300; s++) {
		start(&policy_rm, 0, s);
		for (unsigned n = 0; n < 6;) {
			uint64_t period = 5 + roll(60);
			int error;

			for (unsigned i = 0; i < n; i++)	/* equal periods: order is by time, the test is for the worst */
				if (task[i].period == period)
					period = 0, i = n;
			if (!period)
				continue;
			task[n] = (struct policy_parameters){ .period = period, .budget = 1 + roll(period / 2) };
			error = add(n, task[n]);
			check(error == (simulate(task, n + 1) ? 0 : EBUSY), "admission and the schedule do not agree");
			if (error) {
				refused++;
				break;
			}
			admitted++;
			n++;
		}
	}
	check(admitted > 300 && refused > 100, "the test has tested little");
	check(add(CLIENTS - 1, (struct policy_parameters){ .period = 5, .budget = 6 }) == EINVAL, "more than there is");
	check(add(CLIENTS - 1, (struct policy_parameters){ .period = 5 }) == EINVAL, "nothing asked for");
	start(&policy_rm, 0, 1);
	check(!add(0, (struct policy_parameters){ 0 }) && !add(1, (struct policy_parameters){ .period = 4, .budget = 4 }), "nothing");
	ready(0);
	check(tick() == -1 && !policy_wake(p, now), "who has asked for nothing does not run");
	check(policy_set(p, &client[0], &(struct policy_parameters){ .period = 9, .budget = 1 }, now) == EBUSY, "all is given");
	policy_set(p, &client[1], &(struct policy_parameters){ .period = 4, .budget = 2 }, now);
	check(!policy_set(p, &client[0], &(struct policy_parameters){ .period = 9, .budget = 1 }, now) && tick() == 0, "later it asks");
	result("rm: admits exactly what a simulated schedule meets");
}

static void test_rm(void)
{
	start(&policy_rm, 0, 1);
	check(add(0, (struct policy_parameters){ .period = 10, .budget = 3 }) == 0, "30 %");
	check(add(1, (struct policy_parameters){ .period = 20, .budget = 8 }) == 0, "40 %");
	check(add(2, (struct policy_parameters){ .period = 20, .budget = 8 }) == EBUSY, "110 %");
	ready(1);
	check(tick() == 1, "alone");
	check(!policy_patient(p, &client[1]), "a shorter period could come");
	ready(0);
	check(tick() == 0 && tick() == 0 && tick() == 0 && tick() == 1, "shorter first, its budget, then the other");
	ticks(6);
	check(policy_pick(p, now) == &client[0] && policy_quantum(p, &client[0]) == 3, "its second period");
	ticks(3);
	check(tick() == -1, "all budgets are used up");
	check(policy_wake(p, now) == 20, "the next period");
	while (now < 2000)
		tick();
	check_range(used(0), 597, 603, "30 % of 2000");
	check_range(used(1), 797, 803, "40 % of 2000");
	check(policy_set(p, &client[0], &(struct policy_parameters){ .period = 10, .budget = 7 }, now) == EBUSY, "110 % again");
	check(client[0].parameters.budget == 3 && client[0].ready, "and nothing has changed");
	policy_remove(p, &client[1]);
	check(policy_set(p, &client[0], &(struct policy_parameters){ .period = 10, .budget = 7 }, now) == 0, "70 % alone");
	result("rm: budget in each period, never more; the shorter period first");
}

static void one_step(const struct policy_class *class)
{
	struct policy_parameters parameters = { .priority = roll(128), .weight = roll(50), .group = roll(4),
		.quantum = roll(3) ? 0 : roll(20), .period = 100 + roll(1000), .budget = 1 + roll(9) };
	struct policy_client *c, *chosen;
	unsigned i = roll(CLIENTS), count = 0;

	c = &client[i];
	if (!c->member_link) {
		if (roll(4) == 0 && policy_add(p, c, &parameters))
			memset(c, 0, sizeof *c);
	} else {
		switch (roll(8)) {
		case 0: case 1: case 2: policy_ready(p, c, now); break;
		case 3: policy_blocked(p, c); break;
		case 4: policy_set(p, c, &parameters, now); break;
		case 5: if (roll(3) == 0) policy_remove(p, c), memset(c, 0, sizeof *c); break;
		}
	}
	for (i = 0; i < CLIENTS; i++)
		count += client[i].ready;
	check(count == p->ready, "the count of ready clients");
	chosen = policy_pick(p, now);
	check(!chosen || (chosen->ready && chosen->member_link), "one that is not ready was picked");
	check(chosen || !count || class == &policy_rm, "nobody was picked though one is ready");
	check(chosen == policy_pick(p, now), "the pick does not stand");
	now += roll(5);
	if (chosen && roll(2)) {
		uint64_t turn = policy_quantum(p, chosen);
		policy_charge(p, chosen, turn && roll(2) ? turn : roll(10));
	}
}

static void test_random(void)
{
	static const struct policy_class *const all[] = { &policy_fixed, &policy_rr, &policy_fifo, &policy_rm,
		&policy_lottery, &policy_stride, &policy_fair, &policy_posix };

	for (unsigned k = 0; k < sizeof all / sizeof all[0]; k++) {
		check(policy_find(all[k]->name, strlen(all[k]->name)) == all[k], "found by its name");
		start(all[k], 7, 5 + k);
		for (unsigned n = 0; n < 100000; n++)
			one_step(all[k]);
		for (unsigned i = 0; i < CLIENTS; i++)
			if (client[i].member_link)
				policy_remove(p, &client[i]);
		check(!p->clients && !p->ready && !p->members && !policy_pick(p, now), "clients are left");
	}
	check(!policy_find("fix", 3) && !policy_find("fixed2", 6), "no such policy");
	result("100,000 random steps on each policy keep its books");
}

int main(void)
{
	printf("1..12\n");
	test_turns();
	test_fixed();
	test_lottery();
	test_stride();
	test_fair();
	test_admission();
	test_rm();
	test_random();
	start(&policy_lottery, 1, 77);
	{
		unsigned count[7] = { 0 };
		for (unsigned i = 0; i < 70000; i++)
			count[policy_random(p, 7)]++;
		for (unsigned i = 0; i < 7; i++)
			check_range(count[i], 9700, 10300, "one number in seven");
	}
	result("random numbers are even");
	test_posix();
	test_parse();
	return 0;
}
