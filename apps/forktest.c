/* forktest: a chain of POSIX processes, four levels below the first, each forked by the one above.  Each computes
 * fib(level) by recursion, waits for its child and exits with both results added up; the top checks the sum.  Timed: from the first
 * fork to the last wait. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "measure.h"

#define LEVELS	4
#define SUM	7		/* fib of 1 to 4 */

static unsigned fib(unsigned n)
{
	return n < 3 ? 1 : fib(n - 1) + fib(n - 2);
}

/* The result of the chain from the level on. */
static unsigned chain(unsigned level)
{
	int status = 0;
	pid_t child;

	if (level > LEVELS)
		return 0;
	child = fork();
	if (child < 0)
		return 100;
	if (!child)
		_exit((int)((fib(level) + chain(level + 1)) & 0xff));
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 100;
	return (unsigned)WEXITSTATUS(status);
}

int main(void)
{
	uint64_t start, first;
	unsigned sum;

	chain(1);			/* warm */
	start = measure_now();
	sum = chain(1);
	first = measure_now() - start;
	printf("forktest %s %u\n", sum == SUM ? "right" : "wrong", sum);
	measure_print("forktest", 1, first, first);
	return sum != SUM;
}
