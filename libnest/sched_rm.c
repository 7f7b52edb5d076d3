/* Rate monotonic: each client has a budget of time in each of its periods, and who has the shorter
 * period goes first.  A client is admitted only if everybody's budget is met in every period even
 * when all begin one at the same moment (exact response times).  Who has used its budget up waits
 * for its next period, so that nobody takes more than was admitted.  A period begins when a client
 * becomes ready after the end of its last one, and when one ends while it is ready.
 * Nobody runs on what is left over: that is for whoever stands below. */
#include <errno.h>
#include <nest/policy.h>

#define PERIOD_MOST	(1ull << 48)
#define STEPS_MOST	256u		/* of one response time: what takes longer is refused */

struct rm {
	struct policy	policy;
	struct policy_queue ready;	/* by rising period, behind equals */
	struct policy_client *running;	/* of a non-preemptive one */
};

static int goes_before(const struct policy_client *a, const struct policy_client *b)
{
	return a->parameters.period < b->parameters.period;
}

/* ---- admission ---- */

/* Time that all who go before `who` may take within `time`; `instead` counts with the parameters `with`. */
static uint64_t interference(const struct policy *p, const struct policy_client *who, const struct policy_parameters *of,
	const struct policy_client *instead, const struct policy_parameters *with, uint64_t time)
{
	uint64_t sum = 0;

	for (const struct policy_client *c = p->members; c; c = c->next_member) {
		const struct policy_parameters *other = c == instead ? with : &c->wanted;

		if (c != who && other->period && other->period <= of->period)	/* equals: each as if it came last */
			sum += (time + other->period - 1) / other->period * other->budget;
	}
	return sum;
}

static int meets(const struct policy *p, const struct policy_client *who, const struct policy_parameters *of,
	const struct policy_client *instead, const struct policy_parameters *with, int newcomer)
{
	uint64_t response = of->budget, next;

	for (unsigned step = 0; step < STEPS_MOST; step++) {
		next = of->budget + interference(p, who, of, instead, with, response);
		if (newcomer && who != instead && with->period <= of->period)
			next += (response + with->period - 1) / with->period * with->budget;
		if (next == response)
			return 1;
		if (next > of->period)
			return 0;
		response = next;
	}
	return 0;
}

static int rm_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	int newcomer = !c->member_link;

	if (!to->budget && !to->period)
		return 0;			/* nothing yet: it does not run */
	if (!to->budget || to->budget > to->period || to->period > PERIOD_MOST)
		return EINVAL;
	if (!meets(p, c, to, c, to, newcomer))
		return EBUSY;
	for (struct policy_client *other = p->members; other; other = other->next_member)
		if (other != c && other->wanted.period && !meets(p, other, &other->wanted, c, to, newcomer))
			return EBUSY;
	return 0;
}

static void rm_apply(struct policy *p, struct policy_client *c)
{
	(void)p;
	c->parameters = c->wanted;
	if (c->left > c->parameters.budget)
		c->left = c->parameters.budget;
}

/* ---- running ---- */

static void begin(struct policy_client *c, uint64_t start)
{
	c->pass = start + c->parameters.period;
	c->left = c->parameters.budget;
}

static void rm_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	struct policy_queue *q = &((struct rm *)p)->ready;
	struct policy_client *before = q->last;

	if (c->pass <= now)
		begin(c, now);
	while (before && goes_before(c, before))
		before = before->prev;
	policy_queue_after(q, before, c);
}

static void rm_blocked(struct policy *p, struct policy_client *c)
{
	struct rm *rm = (struct rm *)p;

	policy_queue_remove(&rm->ready, c);
	if (rm->running == c)
		rm->running = NULL;
}

static struct policy_client *rm_pick(struct policy *p, uint64_t now)
{
	struct rm *rm = (struct rm *)p;
	struct policy_client *c;

	for (c = rm->ready.first; c; c = c->next)
		if (c->pass <= now && c->parameters.period)
			begin(c, now - (now - c->pass) % c->parameters.period);
	c = p->non_preemptive && rm->running && rm->running->left ? rm->running : rm->ready.first;
	while (c && !c->left)
		c = c->next;
	rm->running = c;
	return c;
}

static void rm_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	(void)p;
	c->left = c->left > time ? c->left - time : 0;
}

static uint64_t rm_quantum(struct policy *p, struct policy_client *c)
{
	(void)p;
	return c->left;
}

static int rm_patient(struct policy *p, struct policy_client *running)
{
	if (p->non_preemptive)
		return 1;
	for (const struct policy_client *c = p->members; c; c = c->next_member)
		if (goes_before(c, running))
			return 0;
	return 1;
}

/* The first period to begin for one that has nothing left. */
static uint64_t rm_wake(struct policy *p, uint64_t now)
{
	uint64_t first = 0;

	(void)now;
	for (const struct policy_client *c = ((struct rm *)p)->ready.first; c; c = c->next)
		if (!c->left && c->parameters.period && (!first || c->pass < first))
			first = c->pass;
	return first;
}

const struct policy_class policy_rm = {
	.name = "rm", .size = sizeof(struct rm), .check = rm_check, .apply = rm_apply, .ready = rm_ready, .blocked = rm_blocked, .pick = rm_pick,
	.charge = rm_charge, .quantum = rm_quantum, .patient = rm_patient, .wake = rm_wake,
};
