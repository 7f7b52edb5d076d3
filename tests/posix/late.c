/* How long after its deadline a Linux program goes on: late CALL.  Prints `CALL mean worst` in nanoseconds of the monotonic
 * clock, which under boot/run --icount 0 are instructions. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define RUNS	40

static volatile uint64_t signalled;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void handler(int signal)
{
	(void)signal;
	signalled = now();
}

static struct timespec span(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* Waits in its way until the time; when it went on. */
static uint64_t wait_until(const char *how, timer_t timer, uint64_t deadline)
{
	struct timespec at = span(deadline), left = span(deadline - now());
	struct itimerspec when = { .it_value = at };

	if (!strcmp(how, "nanosleep"))
		nanosleep(&left, NULL);
	else if (!strcmp(how, "clock_nanosleep"))
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	else if (!strcmp(how, "ppoll"))
		ppoll(NULL, 0, &left, NULL);
	else {
		signalled = 0;
		timer_settime(timer, TIMER_ABSTIME, &when, NULL);
		while (!signalled)
			pause();
		return signalled;
	}
	return now();
}

int main(int argc, char **argv)
{
	uint64_t sum = 0, worst = 0, late, deadline;
	timer_t timer;

	signal(SIGALRM, handler);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	for (int i = -2; i < RUNS && argc > 1; i++) {
		deadline = now() + 1000000 + i * 7919 + 50000;
		late = wait_until(argv[1], timer, deadline) - deadline;
		if (i < 0)
			continue;
		sum += late;
		if (late > worst)
			worst = late;
	}
	printf("%s %llu %llu\n", argc > 1 ? argv[1] : "?", (unsigned long long)(sum / RUNS), (unsigned long long)worst);
	return 0;
}
