/* Fair share by group: groups of clients share the time equally, however many clients each has; within
 * a group the clients share by weight.  Virtual time as in stride, of each group and of each client.  A
 * group weighs what the heaviest of its ready clients does, so one whose clients are all of little weight gets
 * little, and a light one beside a heavy one costs the group nothing.  Groups come from a fixed pool, as the running side must not wait for
 * a heap; when it is used up, further groups are one. */
#include <errno.h>
#include <nest/policy.h>

struct policy_group {
	struct policy_group *next;	/* of all */
	struct policy_group *next_ready;	/* by rising pass */
	uint32_t	number;
	unsigned	members;
	struct policy_queue ready;	/* by rising pass, without the one that runs */
	uint64_t	pass;
	uint64_t	client_pass;	/* the present within the group */
	int		queued;
	uint32_t	scale;		/* of the heaviest ready client (the least), and how many have it; 0: none is ready */
	unsigned	heaviest;
};

#define GROUPS	64u

struct fair {
	struct policy	policy;
	struct policy_group *groups, *ready;
	struct policy_group pool[GROUPS];	/* free while it has no members; [0] is the one of all further groups */
	struct policy_client *running;	/* its group is not queued for it */
	uint64_t	pass;
};

/* ---- groups ---- */

static struct policy_group *group_get(struct fair *f, uint32_t number)
{
	struct policy_group *g;

	for (g = f->groups; g; g = g->next)
		if (g->number == number)
			break;
	for (unsigned i = 1; !g && i <= GROUPS; i++) {
		struct policy_group *free = &f->pool[i % GROUPS];

		if (free->members && i < GROUPS)
			continue;
		g = free;
		if (g->members)
			break;
		g->number = number;
		g->pass = f->pass;
		g->next = f->groups;
		f->groups = g;
	}
	g->members++;
	return g;
}

static void group_put(struct fair *f, struct policy_group *g)
{
	struct policy_group **link = &f->groups;

	if (!g || --g->members)
		return;
	while (*link != g)
		link = &(*link)->next;
	*link = g->next;
}

static void group_queue(struct fair *f, struct policy_group *g)
{
	struct policy_group **link = &f->ready;

	if (g->queued)
		return;
	while (*link && !policy_before(g->pass, (*link)->pass))
		link = &(*link)->next_ready;
	g->next_ready = *link;
	*link = g;
	g->queued = 1;
}

static void group_unqueue(struct fair *f, struct policy_group *g)
{
	struct policy_group **link = &f->ready;

	if (!g->queued)
		return;
	while (*link != g)
		link = &(*link)->next_ready;
	*link = g->next_ready;
	g->queued = 0;
}

static void weigh(struct policy_group *g, const struct policy_client *c)
{
	if (!g->heaviest || c->scale < g->scale) {
		g->scale = c->scale;
		g->heaviest = 0;
	}
	g->heaviest += c->scale == g->scale;
}

/* Without c, which is in no queue any more. */
static void unweigh(struct policy_group *g, const struct policy_client *c, const struct policy_client *running)
{
	if (c->scale != g->scale || --g->heaviest)
		return;
	for (const struct policy_client *other = g->ready.first; other; other = other->next)
		weigh(g, other);
	if (running && running->group == g)
		weigh(g, running);
}

/* ---- clients ---- */

static int fair_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	(void)p, (void)c;
	return to->weight > POLICY_PASS ? EINVAL : 0;
}

static void fair_apply(struct policy *p, struct policy_client *c)
{
	struct fair *f = (struct fair *)p;
	struct policy_group *g;

	c->parameters = c->wanted;
	c->scale = POLICY_PASS / (c->parameters.weight ? c->parameters.weight : 1);
	if (c->group && c->group->number == c->parameters.group)
		return;
	g = group_get(f, c->parameters.group);
	group_put(f, c->group);
	c->group = g;
	c->pass = g->client_pass;
}

static void fair_remove(struct policy *p, struct policy_client *c)
{
	group_put((struct fair *)p, c->group);
	c->group = NULL;
}

static void fair_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	struct fair *f = (struct fair *)p;
	struct policy_group *g = c->group;

	(void)now;
	if (policy_before(c->pass, g->client_pass))
		c->pass = g->client_pass;
	policy_queue_pass(&g->ready, c);
	weigh(g, c);
	if (f->running && f->running->group == g)
		return;			/* queued when that one stops */
	if (!g->queued && policy_before(g->pass, f->pass))
		g->pass = f->pass;
	group_queue(f, g);
}

/* The one that runs does not any more. */
static void stop_running(struct fair *f)
{
	struct policy_group *g = f->running->group;

	f->running = NULL;
	if (g->ready.first)
		group_queue(f, g);
}

static void fair_blocked(struct policy *p, struct policy_client *c)
{
	struct fair *f = (struct fair *)p;

	c->left = c->turn;
	if (f->running == c) {
		stop_running(f);
		unweigh(c->group, c, NULL);
		return;
	}
	policy_queue_remove(&c->group->ready, c);
	unweigh(c->group, c, f->running);
	if (!c->group->ready.first)
		group_unqueue(f, c->group);
}

static struct policy_client *fair_pick(struct policy *p, uint64_t now)
{
	struct fair *f = (struct fair *)p;
	struct policy_group *g = f->ready;

	(void)now;
	if (f->running || !g)
		return f->running;
	group_unqueue(f, g);
	f->running = g->ready.first;
	policy_queue_remove(&g->ready, f->running);
	f->pass = g->pass;
	g->client_pass = f->running->pass;
	return f->running;
}

static void fair_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	struct fair *f = (struct fair *)p;
	uint64_t passed = time * c->scale;

	c->pass += passed;
	c->group->pass += c->ready && c->group->scale != c->scale ? time * c->group->scale : passed;
	if (!policy_turn_over(c, time) || f->running != c)
		return;
	policy_queue_pass(&c->group->ready, c);
	stop_running(f);
}

static uint64_t fair_quantum(struct policy *p, struct policy_client *c)
{
	return policy_turn_left(p, c);
}

const struct policy_class policy_fair = {
	.name = "fair", .size = sizeof(struct fair), .check = fair_check, .apply = fair_apply, .remove = fair_remove, .ready = fair_ready,
	.blocked = fair_blocked, .pick = fair_pick, .charge = fair_charge, .quantum = fair_quantum, .arrival_order = 1,
};
