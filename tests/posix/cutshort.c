/* Waits that a signal cuts short: the handler has run when the call returns.  Prints a line per kind of wait:
 * `KIND ROUNDS right`, right: how often it had run exactly once by then, and the call's result was the due one. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	6
#define FUTEX_WAIT	0

static volatile int got;
static int	ends[2], idle[2];
static char	data[100000];

static void handler(int number)
{
	(void)number;
	got++;
}

static int by_nanosleep(void)
{
	struct timespec t = { 1, 0 };

	return nanosleep(&t, NULL);
}

static int by_clock(void)
{
	struct timespec t;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	errno = error;
	return error ? -1 : 0;
}

static int by_futex(void)
{
	struct timespec t = { 1, 0 };
	static int word;

	return (int)syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0);
}

static int by_poll(void)
{
	struct pollfd p = { .fd = idle[0], .events = POLLIN };

	return poll(&p, 1, 1000);
}

static int by_select(void)
{
	struct timeval t = { 1, 0 };

	return select(0, NULL, NULL, NULL, &t);
}

static int by_epoll(void)
{
	static int epoll = -1;
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll < 0) {
		epoll = epoll_create1(0);
		epoll_ctl(epoll, EPOLL_CTL_ADD, idle[0], &event);
	}
	return epoll_wait(epoll, &event, 1, 1000);
}

static int by_read(void)
{
	char c;

	return (int)read(idle[0], &c, 1);
}

static int by_pause(void)
{
	return pause();
}

/* The call itself: musl's function goes on after a signal. */
static int by_sigwait(void)
{
	static const uint64_t set = 1 << (SIGUSR2 - 1);
	long time[2] = { 1, 0 };

	return (int)syscall(177, &set, NULL, time, 8);
}

/* A part of it fits into the pipe: that is the result. */
static int by_write(void)
{
	ssize_t count = write(ends[1], data, sizeof data);

	while (count > 0 && read(ends[0], data, 65536) == 65536)
		count -= 65536;
	errno = count ? 0 : EINTR;
	return -1;
}

static int by_wait(void)
{
	return waitpid(-1, NULL, 0);
}

static void rounds(const char *kind, int (*wait)(void))
{
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	int right = 0;

	for (int n = 0; n < ROUNDS; n++) {
		int before = got, result;

		setitimer(ITIMER_REAL, &soon, NULL);
		errno = 0;
		result = wait();
		right += result == -1 && errno == EINTR && got == before + 1;
	}
	printf("%s %d %d\n", kind, ROUNDS, right);
	fflush(stdout);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	pid_t child;

	sigaction(SIGALRM, &action, NULL);
	if (pipe(ends) || pipe(idle))
		return 1;
	rounds("nanosleep", by_nanosleep);
	rounds("clock_nanosleep", by_clock);
	rounds("futex", by_futex);
	rounds("poll", by_poll);
	rounds("select", by_select);
	rounds("epoll", by_epoll);
	rounds("read", by_read);
	rounds("pause", by_pause);
	rounds("sigtimedwait", by_sigwait);
	rounds("write", by_write);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	rounds("wait", by_wait);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
