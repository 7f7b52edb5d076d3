/* rounds N: that often fork, exec, pipe, signal and exit, each checked.
 * rounds WARM N: twice so many before, a look at the system (/proc/objects, ten times), N rounds, another look.  The program looks itself,
 * since nothing of it changes in between; a shell's own memory would lie in other frames each time. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void handler(int signal)
{
	got += signal;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void one_round(int n, char *self)
{
	int ends[2], back[2], status;
	char text[32], seen[32];
	pid_t child;

	if (pipe(ends) || pipe(back))
		fail("pipe");
	snprintf(text, sizeof text, "round %d", n);
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		dup2(ends[0], 0);
		dup2(back[1], 1);
		close(ends[1]);
		close(back[0]);
		execl(self, self, "child", NULL);
		_exit(127);
	}
	close(ends[0]);
	close(back[1]);
	if (write(ends[1], text, strlen(text)) != (ssize_t)strlen(text))
		fail("write");
	close(ends[1]);
	ssize_t got_bytes = read(back[0], seen, sizeof seen);
	if (got_bytes != (ssize_t)strlen(text) || memcmp(text, seen, got_bytes))
		fail("read");
	kill(child, SIGUSR1);
	while (waitpid(child, &status, 0) < 0)
		;
	close(back[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		fail("status");
}

/* Sends its input back, waits for a signal, ends with 42. */
static int child(void)
{
	char text[32];
	sigset_t set, old;
	ssize_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR1, handler);
	n = read(0, text, sizeof text);
	if (n > 0 && write(1, text, n) != n)
		return 1;
	sigdelset(&old, SIGUSR1);
	while (!got)
		sigsuspend(&old);
	return 42;
}

static void look(const char *when)
{
	char text[512];
	ssize_t n;

	for (int i = 0; i < 10; i++) {
		int file = open("/proc/objects", O_RDONLY);

		usleep(300000);
		n = read(file, text, sizeof text - 1);
		close(file);
		if (n <= 0)
			fail("/proc/objects");
		for (ssize_t at = 0; at < n; at++)
			if (text[at] == '\n')
				text[at] = ' ';
		text[n] = 0;
		printf("%s %s\n", when, text);
		fflush(stdout);
	}
}

static void rounds(int count, char *self)
{
	for (int n = 0; n < count; n++)
		one_round(n, self);
	printf("%d rounds\n", count);
	fflush(stdout);
}

int main(int count, char **word)
{
	if (count > 1 && !strcmp(word[1], "child"))
		return child();
	rounds(count > 1 ? atoi(word[1]) : 1, word[0]);
	if (count > 2) {
		look("warm");
		rounds(atoi(word[1]), word[0]);
		look("before");
		rounds(atoi(word[2]), word[0]);
		look("after");
	}
	return 0;
}
