/* The clients of a scheduler: numbers, admission, and the list of orders through which the loop learns of
 * them.  A record is free again when its thread has gone; it never goes back to the heap. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "sched.h"

struct scheduler_client *scheduler_client(struct scheduler *s, natural_t sched_val)
{
	sched_val &= ~FLUKE_SCHED_URGENT;
	return sched_val && sched_val <= s->clients ? s->client[sched_val] : NULL;
}

/* ---- orders ---- */

static void order(struct scheduler *s, struct scheduler_client *c)
{
	if (__sync_lock_test_and_set(&c->ordered, 1))
		return;
	do
		c->next_order = s->orders;
	while (!__sync_bool_compare_and_swap(&s->orders, c->next_order, c));
}

/* In the loop: makes each client that is ordered what is wanted of it. */
void scheduler_orders(struct scheduler *s, uint64_t now)
{
	struct scheduler_client *c = __sync_lock_test_and_set(&s->orders, NULL), *next;

	for (; c; c = next) {
		next = c->next_order;
		__sync_lock_release(&c->ordered);
		if (!c->over) {
			policy_apply(s->policy, &c->policy, now);
			c->known = 1;
		} else if (c->known) {
			policy_gone(s->policy, &c->policy);
			c->known = 0;
			if (s->urgent == c)
				s->urgent = NULL;
		}
	}
}

/* ---- numbers ---- */

static int gone(const struct scheduler_client *c)
{
	return c->thread && fluke_ref_type(c->thread) == FLUKE_NULL;
}

static void ended_last(struct scheduler *s, struct scheduler_client *c)
{
	c->next = NULL;
	*(s->ended ? &s->ended_last->next : &s->ended) = c;
	s->ended_last = c;
}

static void end(struct scheduler *s, struct scheduler_client *c)
{
	policy_leave(s->policy, &c->policy);
	c->ended = 1;
	ended_last(s, c);
}

/* Of those that have ended: is it free now? */
static int finished(struct scheduler *s, struct scheduler_client *c)
{
	if (!c->over) {
		if (!gone(c))
			return 0;
		c->over = 1;
		order(s, c);
	}
	return !c->known && !c->ordered;
}

/* Some of the ended ones, and two of all, as threads also end unsaid. */
static void sweep_some(struct scheduler *s, unsigned most)
{
	struct scheduler_client *c;

	while (most-- && (c = s->ended)) {
		s->ended = c->next;
		if (!finished(s, c)) {
			ended_last(s, c);
			continue;
		}
		ref_free(c->thread);
		ref_free(c->view);
		c->thread = c->view = NULL;
		c->below = NULL;
		c->name[0] = 0;
		c->next = s->free;
		s->free = c;
	}
	for (int i = 0; i < 2 && s->clients; i++) {
		if (++s->sweep > s->clients)
			s->sweep = 1;
		c = s->client[s->sweep];
		if (!c->ended && gone(c))
			end(s, c);
	}
}

/* Grows the table only if nearly all are in use. */
static struct scheduler_client *find_free(struct scheduler *s)
{
	for (uint32_t i = 0; !s->free && s->clients >= 64 && i < s->clients; i += 16)
		sweep_some(s, 4);
	return s->free;
}

/* A table twice as large.  The loop may be reading the old one: it stays, less than the new one in all. */
static int grow(struct scheduler *s)
{
	uint32_t room = s->room ? 2 * s->room : 64;
	struct scheduler_client **table;

	if (room > SCHEDULER_CLIENTS)
		return 0;
	table = calloc(room, sizeof *table);
	if (!table)
		return 0;
	if (s->room)
		memcpy(table, s->client, s->room * sizeof *table);
	s->client = table;
	s->room = room;
	return 1;
}

static struct scheduler_client *record_new(struct scheduler *s)
{
	struct scheduler_client *c;

	sweep_some(s, 3);
	c = find_free(s);
	if (c) {
		s->free = c->next;
		c->ended = c->over = 0;
		return c;
	}
	if (s->clients + 1 >= s->room && !grow(s))
		return NULL;
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->number = s->clients + 1;
	s->client[c->number] = c;
	s->clients++;
	return c;
}

/* ---- calls ---- */

static int admit(struct scheduler *s, fluke_ref_t *thread, const struct policy_parameters *parameters, natural_t *sched_val)
{
	static const struct policy_parameters none;
	struct scheduler_client *c = record_new(s);
	int error;

	if (!c)
		return ENOMEM;
	s->ended_used += c->policy.used;
	memset(&c->policy, 0, sizeof c->policy);
	error = policy_admit(s->policy, &c->policy, parameters ? parameters : &none);
	if (!error) {
		c->thread = ref_dup(thread);
		error = c->thread ? 0 : ENOMEM;
		if (error)
			policy_leave(s->policy, &c->policy);
	}
	if (error) {
		c->ended = 1;		/* and has no thread */
		c->next = s->free;
		s->free = c;
		return error;
	}
	*sched_val = c->number;
	order(s, c);
	return 0;
}

int scheduler_admit(struct scheduler *s, fluke_ref_t *thread, const struct policy_parameters *parameters, fluke_ref_t *port,
	natural_t *sched_val)
{
	int error;

	if (fluke_ref_type(thread) != FLUKE_TYPE_THREAD)
		return EINVAL;
	lock_take(&s->lock);
	error = admit(s, thread, parameters, sched_val);
	lock_drop(&s->lock);
	if (!error && port)
		fluke_port_reference(s->port, port);
	return error;
}

/* Changes of share take effect at the loop's next round, those of rank at once. */
static int changes_rank(const struct policy_parameters *a, const struct policy_parameters *b)
{
	return a->priority != b->priority || a->period != b->period || a->budget != b->budget || a->quantum != b->quantum;
}

int scheduler_set(struct scheduler *s, natural_t sched_val, const struct policy_parameters *parameters)
{
	struct scheduler_client *c;
	int error = ESRCH, now = 0;

	lock_take(&s->lock);
	c = scheduler_client(s, sched_val);
	if (c && c->thread && !c->ended) {
		now = changes_rank(&c->policy.wanted, parameters);
		error = policy_admit(s->policy, &c->policy, parameters);
		if (!error)
			order(s, c);
	}
	lock_drop(&s->lock);
	if (!error && now)
		scheduler_look(s);
	return error;
}

void scheduler_end(struct scheduler *s, natural_t sched_val)
{
	struct scheduler_client *c;

	lock_take(&s->lock);
	c = scheduler_client(s, sched_val);
	if (c && c->thread && !c->ended)
		end(s, c);
	lock_drop(&s->lock);
}

/* ---- time ---- */

/* The loop may write it meanwhile: read until it stands still. */
static uint64_t steady(const volatile uint64_t *value)
{
	uint64_t seen;

	do
		seen = *value;
	while (seen != *value);
	return seen;
}

uint64_t scheduler_used(struct scheduler *s, natural_t sched_val)
{
	struct scheduler_client *c = scheduler_client(s, sched_val);
	uint64_t used, now;

	if (!c)
		return 0;
	used = steady(&c->policy.used);
	if (s->running != c)
		return used;
	now = scheduler_now(s);
	return now > s->since ? used + now - s->since : used;
}

uint64_t scheduler_now(struct scheduler *s)
{
	return s->above ? scheduler_used(s->above, s->above_val) : s->clock->now(s->clock->self);
}
