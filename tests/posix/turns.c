/* turns: processes of one session ask the file server, one small request after the other, while others compute, so that workers
 * are preempted anywhere; prints the longest time that one request took, in milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ASKERS	4
#define BUSY	2
#define SECONDS	6

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int ask(int number, long long end)
{
	long long longest = 0;
	struct stat s;

	while (now() < end) {
		long long start = now(), took;

		stat("/etc/passwd", &s);
		took = now() - start;
		if (took > longest)
			longest = took;
		for (volatile int n = 0; n < 997 * (number + 1); n++)
			;
	}
	longest /= 1000000;
	return longest < 255 * 10 ? (int)(longest / 10) : 255;
}

int main(void)
{
	long long end = now() + SECONDS * 1000000000ll;
	int status, longest = 0;

	for (int i = 0; i < ASKERS + BUSY; i++)
		if (fork() == 0) {
			if (i < ASKERS)
				_exit(ask(i, end));
			while (now() < end)
				;
			_exit(0);
		}
	while (wait(&status) > 0)
		if (WIFEXITED(status) && WEXITSTATUS(status) > longest)
			longest = WEXITSTATUS(status);
	printf("longest %d ms\n", longest * 10);
	return 0;
}
