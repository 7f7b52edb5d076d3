/* Stride: each client has a virtual time that rises by what it used over its weight; who is furthest
 * behind runs, for a quantum.  So shares are exact to one quantum.  Who was blocked comes back at the
 * present virtual time: sleeping saves nothing up. */
#include <errno.h>
#include <nest/policy.h>

struct stride {
	struct policy	policy;
	struct policy_queue ready;	/* by rising pass, without the one that runs */
	struct policy_client *running;	/* in its quantum */
	uint64_t	pass;		/* of whom ran last: the present */
};

static int stride_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	(void)p, (void)c;
	return to->weight > POLICY_PASS ? EINVAL : 0;
}

static void stride_apply(struct policy *p, struct policy_client *c)
{
	if (!c->scale)
		c->pass = ((struct stride *)p)->pass;
	c->parameters = c->wanted;
	c->scale = POLICY_PASS / (c->parameters.weight ? c->parameters.weight : 1);
}

static void stride_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	struct stride *s = (struct stride *)p;

	(void)now;
	if (policy_before(c->pass, s->pass))
		c->pass = s->pass;
	policy_queue_pass(&s->ready, c);
}

static void stride_blocked(struct policy *p, struct policy_client *c)
{
	struct stride *s = (struct stride *)p;

	if (s->running == c)
		s->running = NULL;
	else
		policy_queue_remove(&s->ready, c);
	c->left = c->turn;
}

static struct policy_client *stride_pick(struct policy *p, uint64_t now)
{
	struct stride *s = (struct stride *)p;

	(void)now;
	if (s->running || !s->ready.first)
		return s->running;
	s->running = s->ready.first;
	policy_queue_remove(&s->ready, s->running);
	s->pass = s->running->pass;
	return s->running;
}

static void stride_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	struct stride *s = (struct stride *)p;

	c->pass += time * c->scale;
	if (!policy_turn_over(c, time) || s->running != c)
		return;
	s->running = NULL;
	policy_queue_pass(&s->ready, c);
}

static uint64_t stride_quantum(struct policy *p, struct policy_client *c)
{
	return policy_turn_left(p, c);
}

const struct policy_class policy_stride = {
	.name = "stride", .size = sizeof(struct stride), .check = stride_check, .apply = stride_apply,
	 .ready = stride_ready, .blocked = stride_blocked,
	.pick = stride_pick, .charge = stride_charge, .quantum = stride_quantum,
};
