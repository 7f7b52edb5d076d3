/* The dispatcher: it knows who gives its processor time to whom, and nothing of priorities,
 * time or queues of ready threads.
 *
 * Invariants: donee is set only while a thread is blocked; the graph of donees has no circle and
 * no path longer than DONATION_MAX; t->supplier is null or t->supplier->donee == t.  Who runs is
 * found by walking from the root scheduler along donees to the first thread that is not blocked. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "thread.h"

#define DONATION_MAX	64

void		sched_ready(struct thread *t);		/* t->blocked became 0 */
void		sched_block(struct thread *t);		/* t->blocked became != 0 (after sched_donate) */
void		sched_donate(struct thread *t, struct thread *donee);	/* t is blocked; null: no more */
void		sched_run(struct thread *t);		/* current = t, its space loaded; no decision */
struct thread	*sched_choose(void);			/* who runs now; null: nobody */
void		sched_preempt(void);			/* choose again before the next user instruction */
void		sched_request(struct thread *t);	/* t can use time: it asks for it, and so do all who lend to it */
#define SCHED_STEP	10
extern int	sched_left;				/* who ask may still be seen to before the next dispatch */
extern int	sched_rest;				/* not all who ask could be seen to: before anybody runs, sched_look */
void		sched_look(void);			/* sees to some of the rest */
void		sched_withdraw(struct thread *t);	/* its request, if not yet seen */
void		sched_end(struct thread *scheduler, uint32_t result);	/* its thread_schedule returns */
/* Something waits at a port where the scheduler sleeps: its thread_schedule returns; false if that
 * was settled without it. */
int		sched_message(struct thread *scheduler, struct portset *set, int urgent);
int		sched_usable(const struct thread *t);	/* would time given to t be used? */
void		sched_set_root(unsigned processor, struct thread *t);
void		sched_thread_gone(struct thread *t);	/* destroyed or about to move: no donation, nobody asks */
/* t has gone: some who lend to it while they wait lend to the heir (null: to nobody), its schedulers go on; true when it is all. */
int		sched_donors_step(struct thread *t, struct thread *heir);

#endif
