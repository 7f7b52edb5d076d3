/* Fixed priority; within a level round robin (a quantum) or first in, first out (none).  `rr` and
 * `fifo` are the same with one level.  Who runs stands first in its level's queue; the highest
 * level with anybody ready is found in a bit map. */
#include <errno.h>
#include <nest/policy.h>

struct fixed {
	struct policy	policy;
	uint32_t	map[POLICY_LEVELS / 32];		/* levels with somebody ready */
	uint16_t	members[POLICY_LEVELS];
	struct policy_queue level[POLICY_LEVELS];
	struct policy_client *running;	/* of a non-preemptive one: in its turn */
};

static int level_of(const struct policy *p, const struct policy_client *c)
{
	return p->class == &policy_fixed ? c->parameters.priority : 0;
}

static int highest(const struct fixed *f)
{
	for (int word = POLICY_LEVELS / 32; word--;)
		if (f->map[word])
			return word * 32 + 31 - __builtin_clz(f->map[word]);
	return -1;
}

static int fixed_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	(void)p, (void)c;
	return to->priority < 0 || to->priority >= POLICY_LEVELS ? EINVAL : 0;
}

static void fixed_remove(struct policy *p, struct policy_client *c)
{
	if (c->scale)			/* it is counted */
		((struct fixed *)p)->members[level_of(p, c)]--;
}

static void fixed_apply(struct policy *p, struct policy_client *c)
{
	fixed_remove(p, c);
	c->scale = 1;
	c->parameters = c->wanted;
	if (p->class == &policy_fifo)
		c->parameters.quantum = POLICY_FOREVER;
	((struct fixed *)p)->members[level_of(p, c)]++;
}

static void fixed_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	struct fixed *f = (struct fixed *)p;
	int level = level_of(p, c);

	(void)now;
	f->map[level / 32] |= 1u << level % 32;
	policy_queue_last(&f->level[level], c);
}

static void fixed_blocked(struct policy *p, struct policy_client *c)
{
	struct fixed *f = (struct fixed *)p;
	int level = level_of(p, c);

	policy_queue_remove(&f->level[level], c);
	if (!f->level[level].first)
		f->map[level / 32] &= ~(1u << level % 32);
	c->left = c->turn;
	if (f->running == c)
		f->running = NULL;
}

static struct policy_client *fixed_pick(struct policy *p, uint64_t now)
{
	struct fixed *f = (struct fixed *)p;
	int level;

	(void)now;
	if (f->running && p->non_preemptive)
		return f->running;
	level = highest(f);
	f->running = level < 0 ? NULL : f->level[level].first;
	return f->running;
}

static void fixed_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	struct fixed *f = (struct fixed *)p;
	struct policy_queue *q = &f->level[level_of(p, c)];

	if (!policy_turn_over(c, time) || !c->ready)
		return;
	f->running = NULL;
	policy_queue_remove(q, c);
	policy_queue_last(q, c);
}

/* Alone in its level it needs none: lower ones have no right to a turn. */
static uint64_t fixed_quantum(struct policy *p, struct policy_client *c)
{
	(void)p;
	return c->prev || c->next ? c->left : 0;
}

/* Nobody of a higher level could come. */
static int fixed_patient(struct policy *p, struct policy_client *running)
{
	struct fixed *f = (struct fixed *)p;

	if (!p->non_preemptive && p->class == &policy_fixed)
		for (int level = level_of(p, running) + 1; level < POLICY_LEVELS; level++)
			if (f->members[level])
				return 0;
	return 1;
}

#define FIXED(word) { .name = word, .size = sizeof(struct fixed), .check = fixed_check, .apply = fixed_apply, .remove = fixed_remove, \
	.ready = fixed_ready, .blocked = fixed_blocked, .pick = fixed_pick, .charge = fixed_charge, \
	.quantum = fixed_quantum, .patient = fixed_patient, .arrival_order = 1 }

const struct policy_class policy_fixed = FIXED("fixed"), policy_rr = FIXED("rr"), policy_fifo = FIXED("fifo");
