/* Timers of timer_create: a list per process by number, and one timer of the Clock, set to the earliest that is due.  A
 * timer's signal is one of the process's like any other; while it is pending, further expiries are counted as overrun.
 * They end with exec and are not inherited.
 *
 * Clocks of processor time have Linux's negative numbers: ~id << 3 with 4 for a thread's.  One that counts such time
 * is looked at when it could be due at the earliest, and again if it was not. */
#include <stdlib.h>
#include <native.h>
#include "manager.h"

#define TIMERS_MOST	512
#define CLOCK_TIMER	3		/* index in the process's Clock timers */

enum { NOTIFY_SIGNAL, NOTIFY_NONE, NOTIFY_THREAD, NOTIFY_THREAD_ID = 4 };

struct posix_timer {
	struct posix_timer *next;
	uint32_t	id, notify, signal, tid, value;
	int32_t		clock;
	uint64_t	due, interval;	/* ns: monotonic, or of its processor time; due 0 = off */
	uint64_t	seen;		/* processor time at the last look */
	uint32_t	overrun;
};

static struct posix_timer *find(struct process *p, uint32_t id)
{
	struct posix_timer *t = p->timers;

	while (t && t->id != id)
		t = t->next;
	return t;
}

int timer_cpu_time(struct process *p, int32_t clock, uint64_t *ns)
{
	int id = ~(clock >> 3);
	struct Usage usage = { 0 };
	struct thread *t;

	if (clock >= 0 || (clock & 3) == 3)
		return EINVAL;
	if (clock & 4) {
		t = thread_find_tid(p, id);
		if (!t)
			return EINVAL;
		threads_account(t, 1, 0, &usage);
		*ns = usage.user + usage.system;
		return 0;
	}
	p = id ? process_find(id) : p;
	if (!p || !p->body)
		return EINVAL;
	*ns = process_consumed(p);
	return 0;
}

/* What its clock shows; one of a thread that has gone stands still. */
static uint64_t time_of(struct process *p, const struct posix_timer *t)
{
	uint64_t ns = 0;

	if (t->clock >= 0)
		return clock_now();
	return timer_cpu_time(p, t->clock, &ns) ? 0 : ns;
}

/* When it may be due at the earliest; monotonic. */
static uint64_t look_at(struct process *p, struct posix_timer *t)
{
	uint64_t time, left, soonest;

	if (t->clock >= 0)
		return t->due;
	time = time_of(p, t);
	left = t->due > time ? t->due - time : 0;
	soonest = t->seen == time ? LOOK_IDLE : LOOK_SOONEST;
	t->seen = time;
	return clock_now() + (left < soonest ? soonest : left);
}

/* The Clock's timer to the earliest of ours. */
static int look_again(struct process *p)
{
	uint64_t first = 0, at, old;

	for (struct posix_timer *t = p->timers; t; t = t->next) {
		if (!t->due || t->notify == NOTIFY_NONE)
			continue;
		at = look_at(p, t);
		if (!first || at < first)
			first = at;
	}
	if (!first && !p->has_timer[CLOCK_TIMER])
		return 0;
	return clock_timer_set(p, CLOCK_TIMER, first, 0, &old);
}

int timer_make(struct process *p, int32_t clock, uint32_t notify, uint32_t signal, uint32_t tid, uint32_t value, uint32_t *id)
{
	struct posix_timer *t, **link = &p->timers;
	uint64_t ns;

	if (clock > 1 || notify > NOTIFY_THREAD_ID || notify == 3 || (notify != NOTIFY_NONE && (signal < 1 || signal > SIGNALS)))
		return EINVAL;
	if (clock < 0 && timer_cpu_time(p, clock, &ns))
		return EINVAL;
	if (notify == NOTIFY_THREAD_ID && !thread_find_tid(p, (int)tid))
		return EINVAL;
	for (*id = 0; *link && (*link)->id == *id; ++*id)
		link = &(*link)->next;
	t = *id < TIMERS_MOST ? calloc(1, sizeof *t) : NULL;
	if (!t)
		return EAGAIN;
	*t = (struct posix_timer){ .next = *link, .id = *id, .clock = clock, .notify = notify, .signal = signal, .tid = tid,
		.value = value == ~0u ? *id : value };
	*link = t;
	return 0;
}

/* What remains of it; a timer without signal counts on by itself. */
static void state_of(struct process *p, struct posix_timer *t, uint64_t now[2])
{
	uint64_t time = time_of(p, t);

	if (t->due && t->due <= time && t->notify == NOTIFY_NONE)
		t->due = t->interval ? t->due + ((time - t->due) / t->interval + 1) * t->interval : 0;
	now[0] = !t->due ? 0 : t->due > time ? t->due - time : 1;
	now[1] = t->interval;
}

int timer_arm(struct process *p, uint32_t id, int absolute, uint64_t value, uint64_t interval, uint64_t old[2])
{
	struct posix_timer *t = find(p, id);
	uint64_t ahead = t && t->clock == 0 ? clock_wall() - clock_now() : 0;

	if (!t)
		return EINVAL;
	state_of(p, t, old);
	t->overrun = 0;
	t->interval = interval;
	t->due = !value ? 0 : !absolute ? time_of(p, t) + value : value > ahead ? value - ahead : 1;
	t->seen = 0;
	return look_again(p);
}

int timer_read(struct process *p, uint32_t id, uint64_t now[2], uint32_t *overrun)
{
	struct posix_timer *t = find(p, id);

	if (!t)
		return EINVAL;
	state_of(p, t, now);
	*overrun = t->overrun;
	return 0;
}

int timer_drop(struct process *p, uint32_t id)
{
	struct posix_timer **link = &p->timers, *t;

	while ((t = *link) && t->id != id)
		link = &t->next;
	if (!t)
		return EINVAL;
	*link = t->next;
	free(t);
	return look_again(p);
}

void timers_drop(struct process *p)
{
	struct posix_timer *t;

	while ((t = p->timers)) {
		p->timers = t->next;
		free(t);
	}
}

static void expire(struct process *p, struct posix_timer *t, uint64_t now)
{
	struct signal_info info = { SI_TIMER, (int32_t)t->id, t->value };
	struct thread *thread = t->notify == NOTIFY_THREAD_ID ? thread_find_tid(p, (int)t->tid) : NULL;
	uint64_t *pending = thread ? &p->thread_pending[thread - p->thread] : &p->pending;
	uint64_t missed = t->interval ? (now - t->due) / t->interval : 0;

	t->due = t->interval ? t->due + (missed + 1) * t->interval : 0;
	if (*pending & SIGNAL_BIT(t->signal)) {
		t->overrun += (uint32_t)missed + 1;
		return;
	}
	t->overrun = (uint32_t)missed;
	if (thread)
		signal_post_thread(p, thread, (int)t->signal, info);
	else if (t->notify != NOTIFY_THREAD_ID)
		signal_post(p, (int)t->signal, info);
}

/* A signal may end the process, and its timers with it: the search begins anew each time. */
void timers_due(struct process *p)
{
	struct posix_timer *t;

	do {
		for (t = p->timers; t; t = t->next)
			if (t->due && t->notify != NOTIFY_NONE && t->due <= time_of(p, t))
				break;
		if (t)
			expire(p, t, time_of(p, t));
	} while (t && p->body);
	if (p->body)
		look_again(p);
}
