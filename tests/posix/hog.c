/* hog fork | hog memory: takes what it can get, for ever; says with which error it was stopped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **word)
{
	if (count > 1 && !strcmp(word[1], "fork"))
		for (int told = 0;;) {
			if (fork() >= 0)
				continue;
			if (!told++)
				fprintf(stderr, "fork: %s\n", strerror(errno));
			usleep(10000);
		}
	for (unsigned long mb = 0;; mb++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			fprintf(stderr, "mmap: %s\n", strerror(errno));
			pause();
		}
		memset(p, 1, 1 << 20);
	}
}
