/* Between the parts of the user-level threads.  See nest/uthread.h.
 *
 * One carrier runs at a time, but it may be taken off the processor anywhere.  So whoever touches the
 * ready queue or a synchronisation object does it between uthread_enter and uthread_leave: while
 * `critical` names a carrier the scheduler runs no other, and the one that leaves gives way if a wake-up came
 * meanwhile.  A switch happens inside; who is switched to leaves. */
#ifndef UTHREAD_PRIVATE_H
#define UTHREAD_PRIVATE_H

#include <native.h>
#include <nest/uthread.h>

struct uthread {
	struct uthread	*next;			/* in one queue */
	uint32_t	*esp;			/* of one that does not run: its saved registers */
	void		(*entry)(void *);
	void		*argument;
	struct uthread	*joiner;
	struct uthread_mutex *mutex;		/* waiting at a condition: what it wants then */
	uint32_t	size;			/* of the block that it lies at the end of */
	uint8_t		done, detached;
};

struct carrier {
	struct carrier	*next;			/* in one of the scheduler's lists */
	struct carrier	*next_made;
	struct uthread	*current;		/* null: its own code */
	uint32_t	*esp;			/* of its own code, while it carries a thread */
	fluke_thread_t	*thread;
	fluke_portset_t	*portset;		/* where it parks */
	fluke_port_t	*port;
	fluke_ref_t	*port_ref;
	uint32_t	number;			/* its sched_val */
	uint32_t	used;			/* time since it was last asleep, at most SHORT */
	uint8_t		asleep;			/* the scheduler was told so */
	uint8_t		retire;			/* shall park although there is work */
	volatile uint8_t parked, end, ended;	/* without work; told to end; done with everything */
};

struct carrier_list { struct carrier *head, *tail; };

struct package {
	struct uthread_queue ready;
	uint32_t	live;			/* user threads that have not ended */
	struct uthread	*spare;			/* ended, with their stacks */
	struct carrier	*volatile critical;
	volatile int	wanted;			/* others should run after the critical section */
	/* the scheduler's: */
	fluke_portset_t	*portset;
	fluke_port_t	*port;
	fluke_ref_t	*port_ref;
	struct carrier	*made;
	struct carrier	**carrier;		/* by number, from 1 */
	uint32_t	most;
	uint32_t	making;			/* somebody makes a carrier */
	uint32_t	ending;			/* all carriers shall end */
	struct carrier_list woken, runnable, idle;	/* woken: goes first */
	uint32_t	turn;			/* of the ready queue, not of the runnable ones */
};
extern struct package uthread_package;

/* gs leads to what thread_start gave the carrier (libc/core/thread.c) */
static inline struct carrier *carrier_self(void)
{
	return thread_carrier_get();
}

static inline void uthread_enter(void)
{
	uthread_package.critical = carrier_self();
	__asm__ volatile("" : : : "memory");
}

void	uthread_give_way(void);			/* the scheduler looks who should run */

static inline void uthread_leave(void)
{
	__asm__ volatile("" : : : "memory");
	uthread_package.critical = NULL;
	if (__builtin_expect(uthread_package.wanted, 0))
		uthread_give_way();
}

static inline void uthread_append(struct uthread_queue *queue, struct uthread *t)
{
	t->next = NULL;
	if (queue->head)
		queue->tail->next = t;
	else
		queue->head = t;
	queue->tail = t;
}

static inline struct uthread *uthread_take(struct uthread_queue *queue)
{
	struct uthread *t = queue->head;

	if (t)
		queue->head = t->next;
	return t;
}

static inline void uthread_ready(struct uthread *t)
{
	uthread_append(&uthread_package.ready, t);
}

/* The present thread, which stands in some queue, sleeps; inside a critical section, which it comes back to. */
void	uthread_block(void);
/* Saves the registers at *save and goes on with those at `load`. */
void	uthread_switch(uint32_t **save, uint32_t *load);

#endif
