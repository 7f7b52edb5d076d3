/* transfers WHAT [restart]: does a signal in the middle of a call lose or double anything?  Both sides of each transfer
 * take signals all the time, from interval timers of odd lengths, with SA_RESTART or without; each byte
 * carries its number.  WHAT: pipe, threads (both sides in one process), fork (reader after vfork and exec), wait,
 * lock, fifo.  The same program runs on Linux; what it prints must be the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENOUGH	1500		/* signals that each side takes at least */

static volatile sig_atomic_t taken;

static void handler(int signal)
{
	(void)signal;
	taken++;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Signals every so many microseconds from now on. */
static void under_fire(int restart, int us)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval i = { { 0, us }, { 0, us } };

	taken = 0;
	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &i, NULL);
}

static void cease_fire(void)
{
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &none, NULL);
}

static unsigned char byte_at(uint32_t position)
{
	uint32_t mixed = (position ^ position >> 11) * 2654435761u;

	return (unsigned char)((mixed ^ mixed >> 15) * 2246822519u >> 24);
}

static uint32_t random_word(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Numbered bytes in pieces of all sizes until enough signals have come; EINTR without SA_RESTART alone. */
static void write_all(int fd, int restart)
{
	static unsigned char data[9000];
	uint32_t position = 0, state = 1;

	while (taken < ENOUGH) {
		uint32_t n, size = random_word(&state) % 8 ? random_word(&state) % 300 + 1 : random_word(&state) % sizeof data + 1;
		ssize_t put;

		for (n = 0; n < size; n++)
			data[n] = byte_at(position + n);
		put = write(fd, data, size);
		if (put < 0 && (errno != EINTR || restart))
			die("write");
		if (put > 0)
			position += (uint32_t)put;
	}
	for (uint32_t n = 0; n < 4;) {		/* how many they were, so that none is missing at the end */
		ssize_t put = write(fd, (char *)&position + n, 4 - n);

		if (put > 0)
			n += (uint32_t)put;
	}
}

static int read_all(int fd, int restart)
{
	static unsigned char data[8000];
	uint32_t position = 0, state = 2, total, n;
	unsigned char last[4] = { 0 };
	ssize_t got;

	for (;;) {
		got = read(fd, data, random_word(&state) % 8 ? random_word(&state) % 400 + 1 : sizeof data);
		if (got == 0)
			break;
		if (got < 0) {
			if (errno != EINTR || restart)
				die("read");
			continue;
		}
		/* the last four stay back: they may be the count */
		for (n = 0; n < (uint32_t)got; n++, position++) {
			if (position >= 4 && last[position & 3] != byte_at(position - 4)) {
				printf("byte %u is wrong\n", position - 4);
				return 1;
			}
			last[position & 3] = data[n];
		}
	}
	for (n = total = 0; n < 4; n++)
		total |= (uint32_t)last[(position + n) & 3] << 8 * n;
	if (total != position - 4) {
		printf("%u bytes came of %u\n", position - 4, total);
		return 1;
	}
	printf("all bytes came, in order\n");
	return 0;
}

static int status_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return status;
}

static int transfer(const char *what, int restart, char *self)
{
	int ends[2], result;
	pid_t child;

	if (pipe(ends))
		die("pipe");
	child = !strcmp(what, "fork") ? vfork() : fork();
	if (child == 0 && !strcmp(what, "fork")) {
		dup2(ends[0], 0);
		close(ends[1]);
		execl(self, self, "reader", restart ? "restart" : NULL, NULL);
		_exit(127);
	}
	if (child == 0) {
		close(ends[1]);
		under_fire(restart, 433);
		result = read_all(ends[0], restart);
		printf("reader: %s\n", taken > ENOUGH / 4 ? "enough signals" : "too few signals");
		exit(result);
	}
	close(ends[0]);
	under_fire(restart, 379);
	write_all(ends[1], restart);
	close(ends[1]);
	result = status_of(child);
	cease_fire();
	return result;
}

static int thread_ends[2], thread_restart;

static void *writer(void *argument)
{
	write_all(thread_ends[1], thread_restart);
	close(thread_ends[1]);
	return argument;
}

/* The timer's signals go to whichever thread does not block them: both. */
static int threads(int restart)
{
	pthread_t thread;
	int result;

	thread_restart = restart;
	if (pipe(thread_ends))
		die("pipe");
	under_fire(restart, 331);
	if (pthread_create(&thread, NULL, writer, NULL))
		die("pthread_create");
	result = read_all(thread_ends[0], restart);
	if (result)
		exit(result);
	pthread_join(thread, NULL);
	cease_fire();
	return result;
}

/* Every child is reaped once, with its own status. */
static int children(int restart)
{
	int n, status, made = 0, wrong = 0;
	pid_t child, got;

	under_fire(restart, 1013);
	for (n = 0; taken < ENOUGH / 2; n++) {
		child = fork();
		if (child < 0 && errno == EINTR)
			continue;
		if (child < 0)
			die("fork");
		if (child == 0)
			_exit(n & 0x3f);
		made++;
		while ((got = waitpid(child, &status, 0)) < 0 && errno == EINTR)
			if (restart)
				wrong++;
		wrong += got != child || status != (n & 0x3f) << 8;
	}
	cease_fire();
	if (waitpid(-1, &status, 0) >= 0 || errno != ECHILD)
		wrong++;
	printf("%s, %d wrong\n", made > 20 ? "many children" : "few children", wrong);
	return wrong != 0;
}

/* Two processes take turns with a lock on a counter in a file: nobody in between, no lock left behind. */
static int locks(int restart)
{
	int file = open("lock", O_RDWR | O_CREAT, 0600), zero[2] = { 0, 0 }, wrong = 0, rounds = 0;
	pid_t child;

	pwrite(file, zero, sizeof zero, 0);
	child = fork();
	if (child == 0)
		file = open("lock", O_RDWR);	/* an open file of its own */
	under_fire(restart, child ? 757 : 641);
	while (taken < ENOUGH / 2) {
		int count[2];

		while (flock(file, LOCK_EX) < 0)
			if (errno != EINTR || restart)
				die("flock");
		pread(file, count, sizeof count, 0);
		wrong += count[0] != count[1];
		count[0]++;
		pwrite(file, count, 4, 0);
		count[1]++;
		pwrite(file, count + 1, 4, 4);
		rounds++;
		flock(file, LOCK_UN);
	}
	cease_fire();
	if (!child)
		exit(wrong != 0);
	wrong += status_of(child) != 0;
	printf("%s, %d wrong\n", rounds > 100 ? "many turns" : "few turns", wrong);
	return wrong != 0;
}

/* Both sides open a FIFO, a new one in each round: each open meets its partner, each byte comes. */
static int fifo(int restart)
{
	int fd, n, rounds = 300, wrong = 0;
	pid_t child;
	char name[20], byte;

	for (n = 0; n < rounds; n++) {
		snprintf(name, sizeof name, "fifo%d", n);
		mkfifo(name, 0600);
	}
	child = fork();
	under_fire(restart, child ? 557 : 463);
	for (n = 0; n < rounds; n++) {
		snprintf(name, sizeof name, "fifo%d", n);
		while ((fd = open(name, child ? O_WRONLY : O_RDONLY)) < 0)
			if (errno != EINTR || restart)
				die("open");
		byte = (char)n;
		if (child) {
			while (write(fd, &byte, 1) < 0 && errno == EINTR)
				;
		} else {
			while (read(fd, &byte, 1) < 0 && errno == EINTR)
				;
			wrong += byte != (char)n || read(fd, &byte, 1) > 0;
		}
		close(fd);
		for (volatile int k = 0; k < 30000 * (n % 3); k++)
			;	/* sometimes this side is late, sometimes the other */
		unlink(child ? name : "none");
	}
	cease_fire();
	if (!child)
		exit(wrong != 0);
	wrong += status_of(child) != 0;
	printf("%d rounds, %d wrong\n", rounds, wrong);
	return wrong != 0;
}

int main(int count, char **word)
{
	const char *what = count > 1 ? word[1] : "pipe";
	int restart = count > 2;

	if (!strcmp(what, "reader")) {
		under_fire(restart, 433);
		return read_all(0, restart);
	}
	if (!strcmp(what, "wait"))
		return children(restart);
	if (!strcmp(what, "lock"))
		return locks(restart);
	if (!strcmp(what, "fifo"))
		return fifo(restart);
	if (!strcmp(what, "threads"))
		return threads(restart);
	return transfer(what, restart, word[0]) != 0;
}
