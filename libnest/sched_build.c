/* A stack of schedulers in one program, from an expression.  They stand in a list in the expression's order; each
 * but the base becomes a client of the one above it. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "sched.h"

#define QUANTUM		10u		/* ms */
#define NS_PER_MS	1000000u

static uint64_t counts(uint64_t ms)
{
	return ms * clock_to_counts(NS_PER_MS);
}

static struct scheduler *build_one(const struct policy_node *node, struct scheduler *const *all, unsigned seed)
{
	struct policy *policy = policy_new(node->class, counts(node->quantum ? node->quantum : QUANTUM), seed);
	struct scheduler *s = scheduler_new(policy, &scheduler_real_clock);

	if (!s)
		return NULL;
	s->parameters = node->parameters;
	s->parameters.period = counts(s->parameters.period);
	s->parameters.budget = counts(s->parameters.budget);
	s->above_planned = node->above >= 0 ? all[node->above] : NULL;
	return s;
}

struct scheduler *scheduler_build(const char *expression, struct policy_mistake *mistake)
{
	struct policy_node node[POLICY_NODES];
	struct scheduler *all[POLICY_NODES];
	unsigned count = policy_parse(expression, node, mistake);

	for (unsigned i = 0; i < count; i++) {
		all[i] = build_one(&node[i], all, i + 1);
		if (!all[i]) {
			mistake->what = "no memory";
			return NULL;
		}
		if (i)
			all[i - 1]->next = all[i];
		all[i]->column = node[i].column;
	}
	return count ? all[0] : NULL;
}

int scheduler_start_rest(struct scheduler *base, struct policy_mistake *mistake)
{
	for (struct scheduler *s = base->next; s; s = s->next) {
		int error = scheduler_start(s, s->above_planned, &s->parameters);

		if (error) {
			mistake->column = error == EBUSY ? s->column : 0;
			mistake->what = error == EBUSY ? "more than rm admits" : "no memory";
			return error;
		}
	}
	return 0;
}

static int stands_on(const struct scheduler *s, const struct scheduler *base)
{
	while (s && s != base)
		s = s->above_planned;
	return s != NULL;
}

struct scheduler *scheduler_last(struct scheduler *base)
{
	struct scheduler *last = base;

	for (struct scheduler *s = base; s; s = s->next)
		if (stands_on(s, base))
			last = s;
	return last;
}

struct scheduler *scheduler_find(struct scheduler *base, const char *policy)
{
	for (struct scheduler *s = base; s; s = s->next)
		if (stands_on(s, base) && !strcmp(s->policy->class->name, policy))
			return s;
	return NULL;
}
