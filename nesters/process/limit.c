/* Resource limits and interval timers.  Kept here: both outlive exec, and the limits are inherited.  RLIMIT_NPROC and
 * RLIMIT_AS are the manager's to enforce; the others are for the image to ask.  A timer is one of the
 * Clock's, which sends the signal's bit to the process's port; ITIMER_VIRTUAL and ITIMER_PROF count elapsed time
 * (bits 22 and 16, as bits from 24 on are the kernel's). */
#include <native.h>
#include <protocols/Clock.h>
#include "manager.h"

#define BIT_VTALRM	22
#define BIT_PROF	16

static const uint8_t timer_bit[3] = { SIGALRM, BIT_VTALRM, BIT_PROF };

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

static int timer_exists(struct process *p, uint32_t which)
{
	fluke_ref_t *timer = &process_objects(p)->timer[which];

	if (p->has_timer[which])
		return 0;
	fluke_ref_create(timer);
	p->has_timer[which] = 1;
	return Clock_create_timer(&manager->clock, process_port(p), 1u << timer_bit[which], timer);
}

int timer_set(struct process *p, uint32_t which, uint64_t value, uint64_t interval, uint64_t old[2])
{
	int error;

	if (which > 2)
		return EINVAL;
	error = timer_exists(p, which);
	if (error)
		return EAGAIN;
	error = Timer_set(&process_objects(p)->timer[which], value ? clock_now() + value : 0, interval, &old[0]);
	old[1] = p->timer_interval[which];
	p->timer_interval[which] = interval;
	return error;
}

/* The Clock only tells what remains when the timer is set, so it is set again to the same end. */
int timer_get(struct process *p, uint32_t which, uint64_t now[2])
{
	uint64_t interval;

	now[0] = now[1] = 0;
	if (which > 2)
		return EINVAL;
	if (!p->has_timer[which])
		return 0;
	interval = p->timer_interval[which];
	if (timer_set(p, which, 0, 0, now))
		return EAGAIN;
	if (now[0]) {
		uint64_t ignored[2];

		timer_set(p, which, now[0], interval, ignored);
	}
	now[1] = interval;
	return 0;
}

void process_signals(struct process *p, uint32_t bits)
{
	struct signal_info info = { SI_KERNEL, 0, 0 };

	for (int bit = 1; bit < 24 && p->body; bit++)
		if (bits & 1u << bit)
			signal_post(p, bit == BIT_PROF ? SIGPROF : bit == BIT_VTALRM ? SIGVTALRM : bit, info);
}
