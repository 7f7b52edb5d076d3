/* Real time for schedulers: the time stamp counter, and a Timer of the Clock service for each. */
#include <native.h>
#include <linux_abi.h>
#include <protocols/Clock.h>
#include "sched.h"

static uint64_t real_now(void *self)
{
	(void)self;
	return rdtsc();
}

/* Here, and not when it is first armed, because the loop must not wait for a lock of its clients. */
static int real_open(void *self, struct scheduler *s)
{
	fluke_ref_t *clock = service_lookup("clock");
	int error = ENOENT;

	(void)self;
	s->timer = ref_new();
	if (clock && s->timer)
		error = Clock_create_timer(clock, s->port, SCHEDULER_LOOK, s->timer);
	ref_free(clock);
	return error;
}

static void real_arm(void *self, struct scheduler *s, uint64_t when)
{
	(void)self;
	Timer_set(s->timer, clock_deadline(clock_of_tsc(when) + 1), 0, NULL);
}

const struct scheduler_clock scheduler_real_clock = { .now = real_now, .arm = real_arm, .open = real_open };
