/* Schedulers: threads that give their processor time to others, by a policy (nest/policy.h).
 *
 * A scheduler has a port for requests, a table of clients and one thread in scheduler_loop.  A client
 * is any thread: also the thread of another scheduler, of this program or another, so policies stack
 * in any order.  The kernel asks for a client at the port that scheduler_admit hands out; the loop
 * picks and gives time with fluke_thread_schedule until the client blocks, its quantum is over, or
 * somebody comes who goes before it.
 *
 * What a client used is what it was given, by the clock of its scheduler: time that it lent on (to
 * the holder of a mutex, to a server) counts as its own.  The clock of a scheduler below another one
 * of this program runs only while that one gives it time.
 *
 * All functions may be called from any thread: they hold a lock, the loop none (it takes what they ordered
 * at its next round), so no scheduler ever waits for one of its clients. */
#ifndef NEST_SCHEDULE_H
#define NEST_SCHEDULE_H

#include <native.h>
#include <nest/policy.h>

struct scheduler;

#define SCHEDULER_CLIENTS	8192u		/* most clients of one scheduler */
#define SCHEDULER_LOOK		2u		/* word: look at the clock */

/* What time is.  Counts of the time stamp counter in scheduler_real_clock; anything that grows in a
 * test that drives its own ticks. */
struct scheduler_clock {
	uint64_t	(*now)(void *self);
	/* scheduler_look(s) is wanted at that time; a later call replaces an earlier one, a look too early is harmless.
	 * Null: nobody needs to (the owner of the clock calls scheduler_look whenever it has moved on). */
	void		(*arm)(void *self, struct scheduler *s, uint64_t when);
	int		(*open)(void *self, struct scheduler *s);	/* in scheduler_new; may be null.  0 or errno */
	void		*self;
};

/* The counter, with a Timer of the Clock service for each scheduler. */
extern const struct scheduler_clock scheduler_real_clock;

/* Takes the policy over.  Null: no memory. */
struct scheduler	*scheduler_new(struct policy *policy, const struct scheduler_clock *clock);
/* Starts its thread: as a client of `above` with these parameters, or, if that is null, as thread_start starts
 * any.  0 or errno (EBUSY: not admitted). */
int		scheduler_start(struct scheduler *s, struct scheduler *above, const struct policy_parameters *parameters);
/* Makes the calling thread its thread. */
void		scheduler_loop(struct scheduler *s) __attribute__((noreturn));

/* Books the thread as a client: port (a ref) and sched_val are to be set in its state.  parameters null: all zero.
 * 0, EBUSY (the policy does not admit it), ENOMEM, EINVAL. */
int		scheduler_admit(struct scheduler *s, fluke_ref_t *thread, const struct policy_parameters *parameters,
			fluke_ref_t *port, natural_t *sched_val);
/* thread_start as a client of s, whose number is sched_val; null: see *error.  (sched_val, error may be null.) */
fluke_thread_t	*scheduler_thread(struct scheduler *s, const struct policy_parameters *parameters,
			void (*entry)(void *), void *argument, size_t stack, natural_t *sched_val, int *error);
int		scheduler_set(struct scheduler *s, natural_t sched_val, const struct policy_parameters *parameters);
/* The client's thread is gone or about to be destroyed; the number is free again afterwards.  A client whose thread
 * has gone is also found without it, when a number is wanted. */
void		scheduler_end(struct scheduler *s, natural_t sched_val);
uint64_t	scheduler_used(struct scheduler *s, natural_t sched_val);	/* time given to it, the present stretch included */
/* The clock has moved on: the scheduler looks at it as soon as it has time. */
void		scheduler_look(struct scheduler *s);
/* Its own time: the clock's, or what the scheduler above (of this program) has given it. */
uint64_t	scheduler_now(struct scheduler *s);

/* ---- a stack of schedulers, from an expression (nest/policy.h) ---- */

/* Makes them all, the base first; null: see *mistake (column 0: no memory).  Times are real. */
struct scheduler	*scheduler_build(const char *expression, struct policy_mistake *mistake);
/* Starts all but the base, as its clients or theirs.  0 or errno. */
int		scheduler_start_rest(struct scheduler *base, struct policy_mistake *mistake);
/* Where a thread goes that is added to the stack: the last scheduler that holds threads. */
struct scheduler	*scheduler_last(struct scheduler *s);
struct scheduler	*scheduler_find(struct scheduler *s, const char *policy);	/* the first of that policy in it, or null */

/* ---- the protocol (Scheduler.idl) ---- */

struct server;
/* A new ref to a Scheduler over s (its last one, for `add`).  all: `set` and `leaf` too, which those who
 * only get time must not have.  Null: no memory. */
fluke_ref_t	*scheduler_serve(struct scheduler *s, struct server *server, int all);
fluke_ref_t	*scheduler_view(struct scheduler *s, struct server *server);	/* a new ref to a SchedulerView */
/* Says what a client is, for the view: at most size bytes with the NUL.  Set before the view is given away. */
void		scheduler_describe(struct scheduler *s, void (*describe)(struct scheduler *s, natural_t sched_val, char *text, size_t size));

/* Runs of the loop, for the share of schedulers among all switches. */
uint64_t	scheduler_rounds(struct scheduler *s);

#endif
