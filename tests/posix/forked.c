/* A process of several threads forks, and its child makes threads: a line `NAME right` or `NAME wrong` for the fork by the
 * first thread and by another. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int back[2], hold[2];

static void say(char c)
{
	if (write(back[1], &c, 1) != 1)
		_exit(1);
}

static void *leaf(void *said)
{
	say(*(char *)said);
	return said;
}

static void *waits(void *unused)
{
	char c;

	return read(hold[0], &c, 1) == 1 ? unused : NULL;
}

static void *forks(void *name)
{
	char got[8] = "";
	size_t size = 0;
	ssize_t part;
	pid_t child;

	if (pipe(back))
		return NULL;
	child = fork();
	if (!child) {
		pthread_t thread[2];

		say('a');
		for (int n = 0; n < 2; n++)
			if (pthread_create(&thread[n], NULL, leaf, "b"))
				_exit(1);
		for (int n = 0; n < 2; n++)
			pthread_join(thread[n], NULL);
		say('c');
		_exit(0);
	}
	close(back[1]);
	while (size < sizeof got - 1 && (part = read(back[0], got + size, sizeof got - 1 - size)) > 0)
		size += (size_t)part;
	close(back[0]);
	waitpid(child, NULL, 0);
	printf("%s %s\n", (char *)name, strcmp(got, "abbc") ? "wrong" : "right");
	return NULL;
}

int main(void)
{
	pthread_t other, thread;

	if (pipe(hold) || pthread_create(&other, NULL, waits, NULL))
		return 1;
	forks("first");
	if (pthread_create(&thread, NULL, forks, "other"))
		return 1;
	pthread_join(thread, NULL);
	if (write(hold[1], "", 1) != 1)
		return 1;
	pthread_join(other, NULL);
	return 0;
}
