/* What POSIX and Linux programs expect, for the processes of a session: clients with a priority are real time
 * and go by `fixed` (without a quantum SCHED_FIFO, with one SCHED_RR), all others share by `fair` what
 * these leave: groups are jobs, weights come from nice values.  Both inner policies see only their
 * own clients; a client changes between them when its parameters do. */
#include <string.h>
#include <nest/policy.h>

struct posix {
	struct policy	policy;
	struct policy	*real, *fair;
	unsigned	real_members;
};

static struct policy *inner(struct policy *p, const struct policy_client *c)
{
	return c->parameters.priority > 0 ? ((struct posix *)p)->real : ((struct posix *)p)->fair;
}

static int posix_init(struct policy *p)
{
	struct posix *x = (struct posix *)p;

	x->real = policy_new(&policy_fixed, p->quantum, 1);
	x->fair = policy_new(&policy_fair, p->quantum, 1);
	return x->real && x->fair;
}

static void posix_done(struct policy *p)
{
	policy_free(((struct posix *)p)->real);
	policy_free(((struct posix *)p)->fair);
}

static int posix_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	struct posix *x = (struct posix *)p;
	int error = x->real->class->check(x->real, c, to);

	return error ? error : x->fair->class->check(x->fair, c, to);
}

static void posix_remove(struct policy *p, struct policy_client *c)
{
	if (!c->scale)
		return;				/* never applied */
	inner(p, c)->class->remove(inner(p, c), c);
	((struct posix *)p)->real_members -= c->parameters.priority > 0;
	c->pass = c->left = c->scale = 0;
}

static void posix_apply(struct policy *p, struct policy_client *c)
{
	if (!c->scale || (c->parameters.priority > 0) != (c->wanted.priority > 0)) {
		posix_remove(p, c);
		c->parameters.priority = c->wanted.priority;
		((struct posix *)p)->real_members += c->parameters.priority > 0;
	}
	inner(p, c)->class->apply(inner(p, c), c);
}

static void posix_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	inner(p, c)->ready++;
	inner(p, c)->class->ready(inner(p, c), c, now);
}

static void posix_blocked(struct policy *p, struct policy_client *c)
{
	inner(p, c)->ready--;
	inner(p, c)->class->blocked(inner(p, c), c);
}

static struct policy_client *posix_pick(struct policy *p, uint64_t now)
{
	struct posix *x = (struct posix *)p;

	return policy_pick(x->real->ready ? x->real : x->fair, now);
}

static void posix_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	inner(p, c)->class->charge(inner(p, c), c, time);
}

static uint64_t posix_quantum(struct policy *p, struct policy_client *c)
{
	return policy_quantum(inner(p, c), c);
}

static int posix_patient(struct policy *p, struct policy_client *running)
{
	struct posix *x = (struct posix *)p;

	if (running->parameters.priority <= 0 && x->real_members)
		return 0;
	return policy_patient(inner(p, running), running);
}

const struct policy_class policy_posix = {
	.name = "posix", .size = sizeof(struct posix), .init = posix_init, .done = posix_done, .check = posix_check,
	.apply = posix_apply, .remove = posix_remove, .ready = posix_ready, .blocked = posix_blocked, .pick = posix_pick,
	.charge = posix_charge, .quantum = posix_quantum, .patient = posix_patient, .arrival_order = 1,
};
