/* Resource limits and interval timers.  Kept here: both outlive exec, and the limits are inherited.  RLIMIT_NPROC and
 * RLIMIT_AS are the manager's to enforce; the others are for the image to ask.  A timer is one of the
 * Clock's, which sends a bit to the process's port (ITIMER_VIRTUAL and ITIMER_PROF: 22 and 16, as bits from 24 on are the
 * kernel's).  These two count what the process consumes, user and system alike: their Clock timer is set to when that could
 * be reached at the earliest, and again if it was not. */
#include <native.h>
#include <protocols/Clock.h>
#include "manager.h"

#define BIT_VTALRM	22
#define BIT_PROF	16

#define BIT_TIMERS	19

static const uint8_t timer_bit[CLOCK_TIMERS] = { SIGALRM, BIT_VTALRM, BIT_PROF, BIT_TIMERS };

void limits_init(struct process *p)
{
	for (int i = 0; i < LIMITS; i++)
		p->limit[i].soft = p->limit[i].hard = RLIM_INFINITY;
	p->limit[RLIMIT_STACK].soft = 8 << 20;
	p->limit[RLIMIT_CORE].soft = 0;
	p->limit[RLIMIT_NPROC].soft = p->limit[RLIMIT_NPROC].hard = BODIES - 4;
	p->limit[RLIMIT_NOFILE].soft = p->limit[RLIMIT_NOFILE].hard = IMAGE_FILES_MAX;
	p->limit[RLIMIT_MEMLOCK].soft = p->limit[RLIMIT_MEMLOCK].hard = 8 << 20;
}

uint64_t process_consumed(struct process *p)
{
	struct Usage usage = p->usage;

	threads_account(p->thread, p->slots, 0, &usage);
	return usage.user + usage.system;
}

/* One of the Clock's timers for the process; deadline 0 = off. */
int clock_timer_set(struct process *p, int which, uint64_t deadline, uint64_t interval, uint64_t *old)
{
	fluke_ref_t *timer = &process_objects(p)->timer[which];

	if (!p->has_timer[which]) {
		fluke_ref_create(timer);
		p->has_timer[which] = 1;
		if (Clock_create_timer(&manager->clock, process_port(p), 1u << timer_bit[which], timer))
			return EAGAIN;
	}
	return Timer_set(timer, clock_deadline(deadline), interval, old);
}

/* VIRTUAL and PROF: so much is still to be consumed, 0 = off. */
static uint64_t cpu_timer_left(struct process *p, int which, uint64_t consumed)
{
	if (!p->timer_end[which])
		return 0;
	return p->timer_end[which] > consumed ? p->timer_end[which] - consumed : 1;
}

static int cpu_timer_look(struct process *p, int which, uint64_t consumed)
{
	uint64_t left = cpu_timer_left(p, which, consumed), soonest = LOOK_SOONEST, old;

	if (consumed == p->timer_seen[which])
		soonest = LOOK_IDLE;
	p->timer_seen[which] = consumed;
	if (left && left < soonest)
		left = soonest;
	return clock_timer_set(p, which, left ? clock_now() + left : 0, 0, &old);
}

static int cpu_timer_set(struct process *p, int which, uint64_t value, uint64_t interval, uint64_t old[2])
{
	uint64_t consumed = process_consumed(p);

	old[0] = cpu_timer_left(p, which, consumed);
	old[1] = p->timer_interval[which];
	p->timer_interval[which] = interval;
	p->timer_end[which] = value ? consumed + value : 0;
	p->timer_seen[which] = 0;
	return cpu_timer_look(p, which, consumed);
}

static void cpu_timer_due(struct process *p, int which, struct signal_info info)
{
	uint64_t consumed = process_consumed(p);

	if (p->timer_end[which] && p->timer_end[which] <= consumed) {
		p->timer_end[which] = p->timer_interval[which] ? consumed + p->timer_interval[which] : 0;
		cpu_timer_look(p, which, consumed);
		signal_post(p, which == ITIMER_PROF ? SIGPROF : SIGVTALRM, info);
	} else {
		cpu_timer_look(p, which, consumed);
	}
}

int timer_set(struct process *p, uint32_t which, uint64_t value, uint64_t interval, uint64_t old[2])
{
	int error;

	if (which > ITIMER_PROF)
		return EINVAL;
	if (which != ITIMER_REAL)
		return cpu_timer_set(p, (int)which, value, interval, old);
	error = clock_timer_set(p, ITIMER_REAL, value ? clock_now() + value : 0, interval, &old[0]);
	old[1] = p->timer_interval[which];
	p->timer_interval[which] = interval;
	return error;
}

/* The Clock only tells what remains when the timer is set, so it is set again to the same end. */
int timer_get(struct process *p, uint32_t which, uint64_t now[2])
{
	uint64_t interval, ignored[2];

	now[0] = now[1] = 0;
	if (which > ITIMER_PROF)
		return EINVAL;
	if (!p->has_timer[which])
		return 0;
	now[1] = interval = p->timer_interval[which];
	if (which != ITIMER_REAL) {
		now[0] = cpu_timer_left(p, (int)which, process_consumed(p));
		return 0;
	}
	if (timer_set(p, which, 0, 0, now))
		return EAGAIN;
	now[1] = interval;
	return now[0] ? timer_set(p, which, now[0], interval, ignored) : 0;
}

void process_signals(struct process *p, uint32_t bits)
{
	struct signal_info info = { SI_KERNEL, 0, 0 };

	for (int bit = 1; bit < 24 && p->body; bit++) {
		if (!(bits & 1u << bit))
			continue;
		if (bit == BIT_TIMERS)
			timers_due(p);
		else if (bit == BIT_PROF || bit == BIT_VTALRM)
			cpu_timer_due(p, bit == BIT_PROF ? ITIMER_PROF : ITIMER_VIRTUAL, info);
		else
			signal_post(p, bit, info);
	}
}
