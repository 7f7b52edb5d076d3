/* What all policies share: the table of their names, the bookkeeping around each operation, queues,
 * quanta, random numbers.  A client is in its policy's queue if and only if it is ready; the
 * operations of a policy are called only when that changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <nest/policy.h>

static const struct policy_class *const classes[] = {
	&policy_fixed, &policy_rr, &policy_fifo, &policy_rm, &policy_lottery, &policy_stride, &policy_fair,
	&policy_posix,
};

const struct policy_class *policy_find(const char *name, size_t length)
{
	for (unsigned i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strlen(classes[i]->name) == length && !memcmp(classes[i]->name, name, length))
			return classes[i];
	return NULL;
}

struct policy *policy_new(const struct policy_class *class, uint64_t quantum, uint32_t seed)
{
	struct policy *p = calloc(1, class->size);

	if (!p)
		return NULL;
	p->class = class;
	p->quantum = quantum;
	p->random = seed ? seed : 1;
	if (!class->init || class->init(p))
		return p;
	policy_free(p);
	return NULL;
}

void policy_free(struct policy *p)
{
	if (p && p->class->done)
		p->class->done(p);
	free(p);
}

/* ---- clients ---- */

int policy_admit(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	int error = p->class->check ? p->class->check(p, c, to) : 0;

	if (error)
		return error;
	c->wanted = *to;
	if (c->member_link)
		return 0;
	c->next_member = p->members;
	if (c->next_member)
		c->next_member->member_link = &c->next_member;
	c->member_link = &p->members;
	p->members = c;
	p->clients++;
	return 0;
}

void policy_leave(struct policy *p, struct policy_client *c)
{
	*c->member_link = c->next_member;
	if (c->next_member)
		c->next_member->member_link = c->member_link;
	c->member_link = NULL;
	p->clients--;
}

void policy_apply(struct policy *p, struct policy_client *c, uint64_t now)
{
	int ready = c->ready;
	uint64_t turn;

	policy_blocked(p, c);
	p->class->apply(p, c);
	turn = c->parameters.quantum ? c->parameters.quantum : p->quantum;
	c->turn = turn == POLICY_FOREVER ? 0 : turn;
	if (p->class != &policy_rm)
		c->left = c->turn;
	if (ready)
		policy_ready(p, c, now);
}

void policy_gone(struct policy *p, struct policy_client *c)
{
	policy_blocked(p, c);
	if (p->class->remove)
		p->class->remove(p, c);
}

int policy_add(struct policy *p, struct policy_client *c, const struct policy_parameters *parameters)
{
	int error;

	memset(c, 0, sizeof *c);
	error = policy_admit(p, c, parameters);
	if (!error)
		policy_apply(p, c, 0);
	return error;
}

int policy_set(struct policy *p, struct policy_client *c, const struct policy_parameters *parameters, uint64_t now)
{
	int error = policy_admit(p, c, parameters);

	if (!error)
		policy_apply(p, c, now);
	return error;
}

void policy_remove(struct policy *p, struct policy_client *c)
{
	policy_gone(p, c);
	policy_leave(p, c);
}

void policy_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	if (c->ready)
		return;
	c->ready = 1;
	p->ready++;
	p->class->ready(p, c, now);
}

void policy_blocked(struct policy *p, struct policy_client *c)
{
	if (!c->ready)
		return;
	c->ready = 0;
	p->ready--;
	p->class->blocked(p, c);
}

void policy_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	c->used += time;
	p->class->charge(p, c, time);
}

/* ---- random numbers ---- */

uint32_t policy_random(struct policy *p, uint32_t below)
{
	uint32_t limit = below ? -below % below : 0, x;	/* 2^32 mod below: numbers less than that would be too likely */

	do {
		p->random ^= p->random << 13;
		p->random ^= p->random >> 17;
		p->random ^= p->random << 5;
		x = p->random * 0x9e3779b1u;
	} while (x < limit);
	return below ? x % below : 0;
}

/* ---- queues ---- */

void policy_queue_after(struct policy_queue *q, struct policy_client *before, struct policy_client *c)
{
	struct policy_client *after = before ? before->next : q->first;

	c->prev = before;
	c->next = after;
	*(before ? &before->next : &q->first) = c;
	*(after ? &after->prev : &q->last) = c;
}

void policy_queue_last(struct policy_queue *q, struct policy_client *c)
{
	policy_queue_after(q, q->last, c);
}

void policy_queue_pass(struct policy_queue *q, struct policy_client *c)
{
	struct policy_client *before = q->last;

	while (before && policy_before(c->pass, before->pass))
		before = before->prev;
	policy_queue_after(q, before, c);
}

void policy_queue_remove(struct policy_queue *q, struct policy_client *c)
{
	*(c->prev ? &c->prev->next : &q->first) = c->next;
	*(c->next ? &c->next->prev : &q->last) = c->prev;
	c->next = c->prev = NULL;
}
