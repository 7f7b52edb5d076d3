/* A scheduler's record.  Two sides, as in policies: whoever holds `lock` admits clients and writes what is
 * wanted of them; the loop, one thread that takes no lock, knows a client once it has taken the order for it.
 * An order says only "look at this client", so one per client is enough. */
#ifndef SCHED_H
#define SCHED_H

#include <nest/schedule.h>

struct scheduler_client {
	struct policy_client policy;
	/* whoever holds the lock: */
	fluke_ref_t	*thread;	/* null: the record is free */
	uint32_t	number;
	uint8_t		ended;		/* it has left the policy's members; free soon after its thread has gone */
	volatile uint8_t over;		/* that has gone: the loop forgets it */
	struct scheduler_client *next;	/* of the ended or the free ones */
	/* both: */
	volatile uint32_t ordered;	/* it is in the list of orders */
	struct scheduler_client *next_order;
	char		name[24];	/* whoever holds the lock; for views */
	fluke_ref_t	*view;		/* it is a scheduler elsewhere: its SchedulerView; null: it is not */
	struct scheduler *below;	/* it is one of this program */
	/* the loop: */
	volatile uint8_t known;		/* to the policy */
};

struct scheduler {
	struct policy	*policy;
	const struct scheduler_clock *clock;
	fluke_portset_t	*portset;
	fluke_port_t	*port;
	fluke_ref_t	*port_ref;
	struct scheduler *above;	/* of this program; null: the clock is its time */
	natural_t	above_val;
	/* whoever holds it: */
	struct lock	lock;
	struct scheduler_client **client;	/* by number; [0] is none.  Grows; the old table stays readable */
	volatile uint32_t clients, room;
	struct scheduler_client *free, *ended, *ended_last;
	uint32_t	sweep;
	uint64_t	ended_used;	/* by clients whose record another one has now */
	/* both: */
	struct scheduler_client *volatile orders;
	/* the loop: */
	struct scheduler_client *volatile running;
	struct scheduler_client *urgent;	/* goes before all */
	uint64_t	since;		/* own time when it got the processor last */
	uint64_t	real_since;
	uint64_t	armed;		/* for this time of the clock; 0: not */
	uint64_t	rounds;
	fluke_ref_t	*timer;		/* scheduler_real_clock's */
	/* of a stack: */
	struct scheduler *above_planned, *next;	/* next in order of the expression */
	struct policy_parameters parameters;
	unsigned	column;
	void		(*describe)(struct scheduler *s, natural_t sched_val, char *text, size_t size);
};

void		scheduler_orders(struct scheduler *s, uint64_t now);
struct scheduler_client *scheduler_client(struct scheduler *s, natural_t sched_val);	/* null: no such number */

#endif
