/* Time: read from the time stamp counter with the facts page's scale, slept on the thread's timer. */
#include "posix.h"
#include "calls.h"
#include <protocols/Clock.h>
#include <protocols/Parent.h>
#include <protocols/Process.h>

#define NS	1000000000u

uint64_t now_monotonic(void)
{
	uint64_t tsc, multiplier = FACTS->clock.multiplier;
	uint32_t shift = FACTS->clock.shift;

	__asm__ volatile("rdtsc" : "=A"(tsc));
	/* (high * 2^32 + low) * multiplier >> shift, without losing the middle */
	return ((tsc >> 32) * multiplier << (32 - shift)) + ((tsc & 0xffffffffu) * multiplier >> shift) + FACTS->clock.ahead;
}

fluke_ref_t *clock_ref(void)
{
	fluke_ref_t *ref = REF(IMAGE_REF_CLOCK);

	if (fluke_ref_type(ref) == FLUKE_NULL)
		Parent_lookup(REF_PROCESS, "clock", ref);
	return ref;
}

uint64_t now_wall(void)
{
	return now_monotonic() + FACTS->clock.wall_offset;
}

int clock_of_cpu(int clock)
{
	if (clock == 2)			/* PROCESS_CPUTIME_ID */
		return CLOCK_OF_PROCESS(0);
	return clock == 3 || clock == CLOCK_OF_THREAD(0) ? CLOCK_OF_THREAD(self()->tid) : clock;
}

static int clock_now(int clock, uint64_t *ns)
{
	switch (clock) {
	case 0:			/* REALTIME */
	case 5:			/* REALTIME_COARSE */
	case 11:		/* TAI */
		*ns = now_wall();
		return 0;
	case 1:			/* MONOTONIC */
	case 4:
	case 6:
	case 7:
		*ns = now_monotonic();
		return 0;
	}
	return Process_cpu_time(REF_PROCESS, clock_of_cpu(clock), ns) ? -EINVAL : 0;
}

long posix_clock_gettime(int clock, struct timespec32 *to)
{
	uint64_t ns;
	int error = clock_now(clock, &ns);

	if (error)
		return error;
	*to = (struct timespec32){ (int32_t)(ns / NS), (int32_t)(ns % NS) };
	return 0;
}

long posix_clock_gettime64(int clock, struct timespec64 *to)
{
	uint64_t ns;
	int error = clock_now(clock, &ns);

	if (error)
		return error;
	*to = (struct timespec64){ (int64_t)(ns / NS), (int32_t)(ns % NS), 0 };
	return 0;
}

long posix_clock_getres(int clock, struct timespec32 *to)
{
	uint64_t ns;
	int error = clock_now(clock, &ns);

	if (!error && to)
		*to = (struct timespec32){ 0, 1 };
	return error;
}

long posix_clock_getres64(int clock, struct timespec64 *to)
{
	uint64_t ns;
	int error = clock_now(clock, &ns);

	if (!error && to)
		*to = (struct timespec64){ 0, 1, 0 };
	return error;
}

long posix_gettimeofday(struct timeval32 *to, int32_t *zone)
{
	uint64_t ns = now_wall();

	if (to)
		*to = (struct timeval32){ (int32_t)(ns / NS), (int32_t)(ns / 1000 % 1000000) };
	if (zone)
		zone[0] = zone[1] = 0;
	return 0;
}

long posix_time(int32_t *to)
{
	int32_t seconds = (int32_t)(now_wall() / NS);

	if (to)
		*to = seconds;
	return seconds;
}

static long set_wall(int64_t seconds, uint32_t ns)
{
	return fail(Clock_set_wall(REF_CLOCK, (uint64_t)seconds * NS + ns));
}

long posix_clock_settime(int clock, const struct timespec32 *from)
{
	return clock ? -EINVAL : set_wall(from->sec, (uint32_t)from->nsec);
}

long posix_clock_settime64(int clock, const struct timespec64 *from)
{
	return clock ? -EINVAL : set_wall(from->sec, (uint32_t)from->nsec);
}

long posix_settimeofday(const struct timeval32 *from)
{
	return from ? set_wall(from->sec, (uint32_t)from->usec * 1000) : 0;
}

/* Sleeps; *left = what remains when a handler cut it short. */
static long sleep_until(int clock, uint64_t time, bool absolute, uint64_t *left)
{
	uint64_t now = now_monotonic(), deadline = now + time;
	int error = 0;

	if (absolute) {
		deadline = time;
		if (clock == 0)
			deadline = time > now_wall() ? now + (time - now_wall()) : now;
	}
	while (!error)
		error = thread_wait(deadline);
	if (error == -ETIMEDOUT)
		return 0;
	now = now_monotonic();
	*left = deadline > now ? deadline - now : 0;
	return error;
}

static bool can_sleep(int clock)
{
	return clock == 0 || clock == 1 || clock == 2 || clock == 7 || clock == 11;
}

static bool bad(int64_t sec, int32_t nsec)
{
	return sec < 0 || nsec < 0 || nsec >= (int32_t)NS;
}

long posix_clock_nanosleep(int clock, uint32_t flags, const struct timespec32 *time, struct timespec32 *rest)
{
	uint64_t left = 0;
	long error;

	if (!can_sleep(clock) || bad(time->sec, time->nsec))
		return -EINVAL;
	error = sleep_until(clock, (uint64_t)time->sec * NS + (uint32_t)time->nsec, flags & 1, &left);
	if (error == -EINTR && rest && !(flags & 1))
		*rest = (struct timespec32){ (int32_t)(left / NS), (int32_t)(left % NS) };
	return error;
}

long posix_clock_nanosleep64(int clock, uint32_t flags, const struct timespec64 *time, struct timespec64 *rest)
{
	uint64_t left = 0;
	long error;

	if (!can_sleep(clock) || bad(time->sec, time->nsec))
		return -EINVAL;
	error = sleep_until(clock, (uint64_t)time->sec * NS + (uint32_t)time->nsec, flags & 1, &left);
	if (error == -EINTR && rest && !(flags & 1))
		*rest = (struct timespec64){ (int64_t)(left / NS), (int32_t)(left % NS), 0 };
	return error;
}

long posix_nanosleep(const struct timespec32 *time, struct timespec32 *rest)
{
	return posix_clock_nanosleep(1, 0, time, rest);
}
