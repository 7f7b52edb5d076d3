/* Timers that send signals: interval timers, timer_create and its kin.  The process manager keeps them. */
#include "posix.h"
#include "calls.h"
#include <protocols/Process.h>

#define NS	1000000000u

static struct timeval32 time_value(uint64_t ns)
{
	return (struct timeval32){ (int32_t)(ns / NS), (int32_t)(ns / 1000 % 1000000) };
}

static uint64_t from_value(const struct timeval32 *v)
{
	return (uint64_t)v->sec * 1000000000u + (uint64_t)v->usec * 1000u;
}

long posix_setitimer(uint32_t which, const struct timeval32 *new, struct timeval32 *old)
{
	uint64_t value = 0, interval = 0, old_value = 0, old_interval = 0;
	int error;

	if (which > 2)
		return -EINVAL;
	if (new) {
		interval = from_value(&new[0]);
		value = from_value(&new[1]);
	}
	error = Process_set_timer(REF_PROCESS, which, value, interval, &old_value, &old_interval);
	if (!error && old) {
		old[0] = time_value(old_interval);
		old[1] = time_value(old_value);
	}
	return fail(error);
}

long posix_getitimer(uint32_t which, struct timeval32 *to)
{
	uint64_t value, interval;
	int error;

	if (which > 2)
		return -EINVAL;
	error = Process_get_timer(REF_PROCESS, which, &value, &interval);
	if (error)
		return fail(error);
	to[0] = time_value(interval);
	to[1] = time_value(value);
	return 0;
}

long posix_alarm(uint32_t seconds)
{
	uint64_t old = 0, interval;
	int error = Process_set_timer(REF_PROCESS, 0, (uint64_t)seconds * 1000000000u, 0, &old, &interval);

	return error ? fail(error) : (long)((old + 999999999) / 1000000000);
}

/* ---- timer_create ---- */

struct event32 { uint32_t value; int32_t signal, notify, tid; };

long posix_timer_create(uint32_t clock, const struct event32 *event, uint32_t *to)
{
	struct event32 e = { ~0u, SIGALRM, 0, 0 };	/* value: the timer's number */
	uint32_t id = 0;
	int error;

	if (event)
		memcpy(&e, event, sizeof(e));
	if (clock == 4 || clock == 6 || clock == 7)	/* kinds of the monotonic one */
		clock = 1;
	if ((int)clock < 0 && (clock & 7) == 3)	/* of a file */
		return -EOPNOTSUPP;
	error = Process_make_timer(REF_PROCESS, clock_of_cpu((int)clock), (uint32_t)e.notify, (uint32_t)e.signal, (uint32_t)e.tid, e.value, &id);
	if (!error)
		*to = id;
	return fail(error);
}

/* [0] the interval, [1] the time to it; `old` gets the same of before, in nanoseconds. */
static long arm(uint32_t id, uint32_t flags, const int64_t sec[2], const int32_t nsec[2], uint64_t old[2])
{
	for (int i = 0; i < 2; i++)
		if (sec[i] < 0 || nsec[i] < 0 || nsec[i] >= (int32_t)NS)
			return -EINVAL;
	return fail(Process_arm_timer(REF_PROCESS, id, flags & 1, (uint64_t)sec[1] * NS + (uint32_t)nsec[1],
		(uint64_t)sec[0] * NS + (uint32_t)nsec[0], &old[1], &old[0]));
}

long posix_timer_settime(uint32_t id, uint32_t flags, const struct timespec32 *new, struct timespec32 *old)
{
	uint64_t before[2];
	long error = new ? arm(id, flags, (int64_t[2]){ new[0].sec, new[1].sec }, (int32_t[2]){ new[0].nsec, new[1].nsec }, before) : -EINVAL;

	for (int i = 0; !error && old && i < 2; i++)
		old[i] = (struct timespec32){ (int32_t)(before[i] / NS), (int32_t)(before[i] % NS) };
	return error;
}

long posix_timer_settime64(uint32_t id, uint32_t flags, const struct timespec64 *new, struct timespec64 *old)
{
	uint64_t before[2];
	long error = new ? arm(id, flags, (int64_t[2]){ new[0].sec, new[1].sec }, (int32_t[2]){ new[0].nsec, new[1].nsec }, before) : -EINVAL;

	for (int i = 0; !error && old && i < 2; i++)
		old[i] = (struct timespec64){ (int64_t)(before[i] / NS), (int32_t)(before[i] % NS), 0 };
	return error;
}

long posix_timer_gettime(uint32_t id, struct timespec32 *to)
{
	uint64_t value, interval;
	uint32_t overrun;
	int error = Process_read_timer(REF_PROCESS, id, &value, &interval, &overrun);

	if (error)
		return fail(error);
	to[0] = (struct timespec32){ (int32_t)(interval / NS), (int32_t)(interval % NS) };
	to[1] = (struct timespec32){ (int32_t)(value / NS), (int32_t)(value % NS) };
	return 0;
}

long posix_timer_gettime64(uint32_t id, struct timespec64 *to)
{
	uint64_t value, interval;
	uint32_t overrun;
	int error = Process_read_timer(REF_PROCESS, id, &value, &interval, &overrun);

	if (error)
		return fail(error);
	to[0] = (struct timespec64){ (int64_t)(interval / NS), (int32_t)(interval % NS), 0 };
	to[1] = (struct timespec64){ (int64_t)(value / NS), (int32_t)(value % NS), 0 };
	return 0;
}

long posix_timer_getoverrun(uint32_t id)
{
	uint64_t value, interval;
	uint32_t overrun = 0;
	int error = Process_read_timer(REF_PROCESS, id, &value, &interval, &overrun);

	return error ? fail(error) : (long)overrun;
}

long posix_timer_delete(uint32_t id)
{
	return fail(Process_drop_timer(REF_PROCESS, id));
}
