/* sendfile and copy_file_range while several threads run: each copies a file of its own; a line `NAME right` or `NAME wrong: WHAT`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SIZE	100003u

static char text[SIZE];
static int by_range;

static void *copy(void *name)
{
	char back[SIZE + 1], to[64];
	off_t at = 0;
	loff_t in_at = 0, out_at = 0;
	ssize_t got = 1;
	int in = open("from", O_RDONLY), out;

	snprintf(to, sizeof to, "to-%s", (char *)name);
	out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
	while (got > 0)
		got = by_range ? copy_file_range(in, &in_at, out, &out_at, SIZE, 0) : sendfile(out, in, &at, SIZE);
	if (got < 0)
		return "an error";
	return pread(out, back, sizeof back, 0) == SIZE && !memcmp(back, text, SIZE) ? NULL : "other data";
}

int main(void)
{
	static char *const names[] = { "a", "b", "c" };
	pthread_t thread[3];
	int file = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (unsigned n = 0; n < SIZE; n++)
		text[n] = (char)(n * n >> 7);
	if (write(file, text, SIZE) != SIZE)
		return 1;
	for (by_range = 0; by_range < 2; by_range++) {
		void *wrong = NULL, *result;

		for (int n = 0; n < 3; n++)
			if (pthread_create(&thread[n], NULL, copy, names[n]))
				return 1;
		for (int n = 0; n < 3; n++)
			if (!pthread_join(thread[n], &result) && result)
				wrong = result;
		printf("%s %s%s\n", by_range ? "range" : "sendfile", wrong ? "wrong: " : "right", wrong ? (char *)wrong : "");
	}
	return 0;
}
