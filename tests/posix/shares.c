/* shares: two processes take turns over pipes, one of them computes; prints the thousandths of the time of both that each
 * one's own account has: parent, child. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	300
#define WORK	200000

static void turn(int from, int to)
{
	char c;

	if (read(from, &c, 1) == 1 && write(to, &c, 1) == 1)
		return;
	_exit(1);
}

static unsigned long long time_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ull + (unsigned)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(void)
{
	int there[2], back[2], status;
	unsigned long long before, own, child;
	char c = 0;

	if (pipe(there) || pipe(back))
		return 1;
	before = time_of(RUSAGE_SELF);
	if (fork() == 0) {
		for (int i = 0; i < ROUNDS; i++) {
			for (volatile int n = 0; n < WORK; n++)
				;
			turn(there[0], back[1]);
		}
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return 1;
	wait(&status);
	own = time_of(RUSAGE_SELF) - before;
	child = time_of(RUSAGE_CHILDREN);
	if (status || !(own + child))
		return 1;
	printf("shares %llu %llu of %llu us\n", own * 1000 / (own + child), child * 1000 / (own + child), own + child);
	return 0;
}
