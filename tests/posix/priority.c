/* nice values, jobs, real-time policies, sessions: what processes get of the processor.  Prints TAP.
 * Each child spins for a stretch; what it had is read when it has been killed, and compared as ratios. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int number, failed;

static void check(int good, const char *what)
{
	if (!good && failed++ < 5)
		printf("# %s (errno %d)\n", what, errno);
}

static void result(const char *what)
{
	printf("%sok %d %s\n", failed ? "not " : "", ++number, what);
	fflush(stdout);
	failed = 0;
}

static void ratio(unsigned long a, unsigned long b, unsigned percent, unsigned slack, const char *what)
{
	unsigned long seen = b ? (unsigned long)((double)a * 100 / b) : 0;

	if ((seen + slack < percent || seen > percent + slack) && failed++ < 5)
		printf("# %s: %lu %%, not %u (%lu, %lu)\n", what, seen, percent, a, b);
}

static void pass(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	while (nanosleep(&t, &t))
		;
}

static pid_t spinner(int nice_value, int group, int session)
{
	pid_t pid = fork();

	if (pid) {
		if (group)
			setpgid(pid, group > 0 ? group : pid);
		return pid;
	}
	if (session)
		setsid();
	if (nice_value)
		setpriority(PRIO_PROCESS, 0, nice_value);
	for (;;)
		;
}

/* Hundredths of a second that a living process has had. */
static unsigned long ticks(pid_t pid)
{
	unsigned long user = 0;
	char path[40];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	check(f && fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &user) == 1, path);
	if (f)
		fclose(f);
	return user;
}

static void end(pid_t *pid, int count, struct rusage *usage)
{
	for (int i = 0; i < count; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < count; i++)
		wait4(pid[i], NULL, 0, usage ? &usage[i] : NULL);
}

static unsigned long ms_of(const struct rusage *u)
{
	return (unsigned long)u->ru_utime.tv_sec * 1000 + (unsigned long)u->ru_utime.tv_usec / 1000;
}

static void test_nice(void)
{
	struct rusage usage[3];
	pid_t pid[2];

	errno = 0;
	check(getpriority(PRIO_PROCESS, 0) == 0 && !errno, "0 at first");
	check(nice(3) == 3 && getpriority(PRIO_PROCESS, 0) == 3 && nice(-3) == 0, "nice");
	check(setpriority(PRIO_PROCESS, 0, -50) == 0 && getpriority(PRIO_PROCESS, 0) == -20, "-20 is the least");
	check(setpriority(PRIO_PROCESS, 0, 50) == 0 && getpriority(PRIO_PROCESS, 0) == 19, "19 is the most");
	check(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 1, "the raw call's way to say it");
	setpriority(PRIO_PROCESS, 0, 0);
	check(setpriority(PRIO_PROCESS, 30000, 0) == -1 && errno == ESRCH, "no such process");
	check(setpriority(7, 0, 0) == -1 && errno == EINVAL, "no such kind");
	pid[0] = spinner(0, -1, 0);
	pid[1] = spinner(5, -1, 0);
	pass(800);
	check(getpriority(PRIO_PROCESS, pid[1]) == 5 && getpriority(PRIO_PGRP, pid[1]) == 5, "seen by others");
	end(pid, 2, usage);
	ratio(ms_of(&usage[0]), ms_of(&usage[1]), 305, 45, "time at nice 0 and 5");
	result("nice values are kept, and share the processor by 1.25 a step");
}

static void test_jobs(void)
{
	struct rusage usage[4];
	pid_t pid[4];

	pid[0] = spinner(0, -1, 0);
	pid[1] = spinner(0, -1, 0);
	pid[2] = spinner(0, pid[1], 0);
	pid[3] = spinner(0, pid[1], 0);
	pass(900);
	end(pid, 4, usage);
	ratio(ms_of(&usage[0]), ms_of(&usage[1]) + ms_of(&usage[2]) + ms_of(&usage[3]), 100, 12, "a job of one and a job of three");
	ratio(ms_of(&usage[1]), ms_of(&usage[3]), 100, 25, "within a job");
	result("jobs share the processor, however many processes they have");
}

static void test_real_time(void)
{
	struct sched_param p = { .sched_priority = 10 };
	unsigned long before;
	int status;
	pid_t pid[1];

	check(sched_getscheduler(0) == -1 || syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER, "other at first");
	p.sched_priority = 0;
	check(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) == -1 && errno == EINVAL, "FIFO needs a priority");
	p.sched_priority = 100;
	check(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &p) == -1 && errno == EINVAL, "up to 99");
	p.sched_priority = 5;
	check(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p) == -1 && errno == EINVAL, "OTHER has none");
	check(syscall(SYS_sched_setscheduler, 30000, SCHED_RR, &p) == -1 && errno == ESRCH, "no such process");
	pid[0] = spinner(0, 0, 0);
	pass(100);
	p.sched_priority = 10;
	check(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) == 0, "FIFO");
	check(syscall(SYS_sched_getscheduler, 0) == SCHED_FIFO, "it is");
	check(syscall(SYS_sched_getparam, 0, &p) == 0 && p.sched_priority == 10, "with that priority");
	before = ticks(pid[0]);
	for (volatile unsigned long i = 0; i < 20000000; i++)
		;
	check(before && ticks(pid[0]) <= before + 1, "nobody else runs meanwhile");
	if (!fork()) {
		p.sched_priority = 0;
		_exit(syscall(SYS_sched_getscheduler, 0) == SCHED_FIFO && syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p) == 0 ? 0 : 1);
	}
	check(wait(&status) > 0 && status == 0, "a child has it too");
	p.sched_priority = 0;
	check(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p) == 0, "back");
	before = ticks(pid[0]);
	pass(100);
	check(ticks(pid[0]) > before + 5, "the others run again");
	end(pid, 1, NULL);
	result("a SCHED_FIFO process runs before all others of its session");
}

static void test_sessions(void)
{
	struct rusage usage[3];
	pid_t pid[3];

	pid[0] = spinner(0, 0, 1);
	pid[1] = spinner(0, 0, 1);
	pid[2] = fork();
	if (!pid[2]) {
		setsid();
		fork();
		for (;;)
			;
	}
	pass(1500);
	kill(-pid[2], SIGKILL);
	end(pid, 3, usage);
	ratio(ms_of(&usage[0]), ms_of(&usage[1]), 100, 8, "two sessions of one");
	ratio(ms_of(&usage[2]), ms_of(&usage[0]), 50, 8, "one of a session of two");
	ratio(ms_of(&usage[0]), 1500, 33, 3, "a third of all: each is charged what it was given");
	result("sessions share the processor, and each process's time is what it was given");
}

int main(void)
{
	printf("1..4\n");
	test_nice();
	test_jobs();
	test_real_time();
	test_sessions();
	return 0;
}
