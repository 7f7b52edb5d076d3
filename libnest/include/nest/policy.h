/* Scheduling policies: who of the ready clients is to run, for how long, and what it pays.  Plain
 * data: no kernel calls, no clock, no memory of their own beyond what policy_new takes, so that a
 * policy runs in tests/host, on virtual ticks, and in any scheduler thread (nest/schedule.h).
 *
 * Time is a number that grows, in whatever unit the owner counts; random numbers come from a seed.
 * The owner (one thread, or under one lock) tells what happens: add, ready, blocked, charge; pick
 * answers who is to run.  The one picked stays in the policy's queue until it is blocked or
 * removed. */
#ifndef NEST_POLICY_H
#define NEST_POLICY_H

#include <stddef.h>
#include <stdint.h>

#define POLICY_LEVELS	128		/* priorities of `fixed` */

/* What a client is given; a policy reads its own and ignores the others. */
struct policy_parameters {
	int32_t		priority;	/* fixed: 0 .. 127, higher first */
	uint32_t	weight;		/* lottery: tickets; stride, fair: share.  0 counts as 1 */
	uint32_t	group;		/* fair: groups share first, then the clients of each.  (posix: all of fair and fixed) */
	uint64_t	quantum;	/* rr, fixed, lottery, stride, fair: 0 = the policy's, POLICY_FOREVER = first in, first out */
	uint64_t	period, budget;	/* rm: that much time in each period */
};
#define POLICY_FOREVER	(~0ull)

struct policy_group;

/* Part of the owner's record of a client. */
struct policy_client {
	struct policy_parameters wanted;	/* admitted */
	struct policy_client *next_member, **member_link;	/* of all clients; null: it is none */
	/* the running side's: */
	struct policy_parameters parameters;	/* in force */
	uint64_t	used;		/* charged to it so far */
	uint8_t		ready;		/* it can use time */
	/* the policy's own: */
	struct policy_client *next, *prev;	/* in the queue, while it is ready */
	uint64_t	pass;		/* stride, fair: its virtual time; rm: end of its period */
	uint64_t	left;		/* rm: of its budget; others: of its quantum */
	uint64_t	turn;		/* its quantum, in force; 0 = none */
	uint32_t	scale;		/* POLICY_PASS / weight */
	struct policy_group *group;	/* fair */
};

struct policy;

struct policy_class {
	const char	*name;
	size_t		size;		/* of the struct that begins with struct policy */
	int		(*init)(struct policy *p);	/* 0: no memory */
	void		(*done)(struct policy *p);
	/* May c have these?  0, EINVAL or EBUSY.  Null: yes. */
	int		(*check)(struct policy *p, struct policy_client *c, const struct policy_parameters *to);
	/* c->parameters = c->wanted, of one that is not ready. */
	void		(*apply)(struct policy *p, struct policy_client *c);
	void		(*remove)(struct policy *p, struct policy_client *c);	/* it is not ready */
	void		(*ready)(struct policy *p, struct policy_client *c, uint64_t now);
	void		(*blocked)(struct policy *p, struct policy_client *c);
	struct policy_client *(*pick)(struct policy *p, uint64_t now);	/* null: nobody may run now */
	/* It ran that long; if its quantum is over, others of the same right come before it from now on. */
	void		(*charge)(struct policy *p, struct policy_client *c, uint64_t time);
	/* How long it may run before somebody else's turn, as things stand; 0: until it blocks. */
	uint64_t	(*quantum)(struct policy *p, struct policy_client *c);
	/* Would nobody who may come go before `running`?  Then arrivals can wait until it blocks or its quantum ends.
	 * Null: yes. */
	int		(*patient)(struct policy *p, struct policy_client *running);
	int		arrival_order;	/* who comes first matters, not who else is there: one arrival at a time will do */
	/* When pick may answer something else without any event (rm: a period begins); 0: never. */
	uint64_t	(*wake)(struct policy *p, uint64_t now);
};

/* The head of each policy. */
struct policy {
	const struct policy_class *class;
	uint64_t	quantum;	/* for clients that have none of their own; 0 = none */
	uint32_t	random;		/* seed and state */
	unsigned	ready;		/* how many */
	int		non_preemptive;	/* fixed, rm: an arrival waits until the one that runs blocks or its quantum ends */
	struct policy_client *members;	/* all clients */
	unsigned	clients;
};

extern const struct policy_class policy_fixed, policy_rr, policy_fifo, policy_rm, policy_lottery, policy_stride, policy_fair,
	policy_posix;

const struct policy_class *policy_find(const char *name, size_t length);	/* null: no such policy */
struct policy	*policy_new(const struct policy_class *class, uint64_t quantum, uint32_t seed);	/* null: no memory */
void		policy_free(struct policy *p);		/* it has no clients any more */

/* Two sides, so that clients can come and go while a scheduler runs: `members` and `wanted` belong to whoever
 * admits, all else to whoever runs.  On an error nothing has changed. */
int		policy_admit(struct policy *p, struct policy_client *c, const struct policy_parameters *to);	/* new (all zero), or again */
void		policy_leave(struct policy *p, struct policy_client *c);
void		policy_apply(struct policy *p, struct policy_client *c, uint64_t now);		/* after policy_admit */
void		policy_gone(struct policy *p, struct policy_client *c);			/* before or after policy_leave */

/* Both sides at once. */
int		policy_add(struct policy *p, struct policy_client *c, const struct policy_parameters *parameters);
int		policy_set(struct policy *p, struct policy_client *c, const struct policy_parameters *parameters, uint64_t now);
void		policy_remove(struct policy *p, struct policy_client *c);

/* The running side's operations.  Saying twice that a client is ready, or blocked, does nothing. */
void		policy_ready(struct policy *p, struct policy_client *c, uint64_t now);
void		policy_blocked(struct policy *p, struct policy_client *c);
void		policy_charge(struct policy *p, struct policy_client *c, uint64_t time);
static inline struct policy_client *policy_pick(struct policy *p, uint64_t now) { return p->class->pick(p, now); }
static inline uint64_t policy_quantum(struct policy *p, struct policy_client *c) { return p->class->quantum(p, c); }
static inline int policy_patient(struct policy *p, struct policy_client *running) { return !p->class->patient || p->class->patient(p, running); }
static inline uint64_t policy_wake(struct policy *p, uint64_t now) { return p->class->wake ? p->class->wake(p, now) : 0; }

/* ---- expressions: which policies stand on which (sched_parse.c) ----
 *
 * node := [WEIGHT* | BUDGET/PERIOD*] policy [:QUANTUM] [( node {, node} )]     (numbers in ms)
 * A node's own clients are the nodes in its brackets, else threads.  What stands before * is what a node gets of the
 * one above it: a weight, or in `rm` a budget of each period.  In `fixed` the first node goes first. */
#define POLICY_NODES	32u

struct policy_node {
	const struct policy_class *class;
	int		above;			/* index; -1: the first, base of all */
	unsigned	column;			/* where it stands, from 1 */
	unsigned	quantum;		/* ms; 0: not said */
	struct policy_parameters parameters;	/* in the one above; period and budget in ms */
};

struct policy_mistake { unsigned column; const char *what; };

/* How many nodes it has, in order; 0: see *mistake. */
unsigned	policy_parse(const char *text, struct policy_node nodes[POLICY_NODES], struct policy_mistake *mistake);

uint32_t	policy_random(struct policy *p, uint32_t below);	/* 0 .. below-1, each as likely */

/* ---- for policies ---- */

/* Quanta; none = first in, first out. */
/* Is it over, after that time?  Then it is full again.  A rest of less than 1/16 is not worth a round of the scheduler. */
static inline int policy_turn_over(struct policy_client *c, uint64_t time)
{
	if (c->left > time + (c->turn >> 4)) {
		c->left -= time;
		return 0;
	}
	c->left = c->turn;
	return c->turn != 0;
}
static inline uint64_t policy_turn_left(const struct policy *p, const struct policy_client *c)	/* 0: nobody else is ready, or none */
{
	return p->ready > 1 ? c->left : 0;
}

/* Queues of clients: first == null is an empty one. */
struct policy_queue { struct policy_client *first, *last; };
void		policy_queue_last(struct policy_queue *q, struct policy_client *c);
void		policy_queue_after(struct policy_queue *q, struct policy_client *before, struct policy_client *c);	/* null: first */
void		policy_queue_remove(struct policy_queue *q, struct policy_client *c);
void		policy_queue_pass(struct policy_queue *q, struct policy_client *c);	/* by rising pass, behind equals */

/* Virtual time: the pass of a client of weight w rises by time * POLICY_PASS / w; it may wrap around. */
#define POLICY_PASS	(1u << 20)
static inline int policy_before(uint64_t a, uint64_t b) { return (int64_t)(a - b) < 0; }

#endif
