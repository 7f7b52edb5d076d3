/* Real time for schedulers: the time stamp counter, and a Timer of the Clock service for each. */
#include <native.h>
#include <protocols/Clock.h>
#include "sched.h"

static uint64_t real_now(void *self)
{
	(void)self;
	return rdtsc();
}

static void real_arm(void *self, struct scheduler *s, uint64_t when)
{
	(void)self;
	if (!s->timer) {
		fluke_ref_t *clock = service_lookup("clock");

		s->timer = ref_new();
		if (!clock || !s->timer || Clock_create_timer(clock, s->port, SCHEDULER_LOOK, s->timer)) {
			ref_free(s->timer);
			s->timer = NULL;
			ref_free(clock);
			return;
		}
		ref_free(clock);
	}
	Timer_set(s->timer, clock_of_tsc(when) + 1, 0, NULL);
}

const struct scheduler_clock scheduler_real_clock = { .now = real_now, .arm = real_arm };
