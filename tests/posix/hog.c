/* hog fork | hog memory: takes what it can get, for ever; says with which error it was stopped.  hog brk: the same
 * by brk.  hog touch: reserves more than there is in pieces, then touches all. */
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
	if (count > 1 && !strcmp(word[1], "brk"))
		for (;;) {
			char *p = sbrk(1 << 20);
			if (p == (char *)-1) {
				fprintf(stderr, "brk: %s\n", strerror(errno));
				return 0;
			}
			memset(p, 1, 1 << 20);
		}
	if (count > 1 && !strcmp(word[1], "touch")) {
		char *piece[16];
		for (int n = 0; n < 16; n++)
			if ((piece[n] = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED) {
				fprintf(stderr, "mmap of piece %d: %s\n", n, strerror(errno));
				return 1;
			}
		fprintf(stderr, "reserved\n");
		for (int n = 0; n < 16; n++)
			memset(piece[n], 1, 16 << 20);
		fprintf(stderr, "all touched\n");
		return 0;
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
