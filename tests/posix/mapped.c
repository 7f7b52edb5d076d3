/* Memory that processes share, and mappings of files that have no name or no descriptor any more: a line `NAME right` or
 * `NAME wrong: WHAT` for each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE	0x3000

static char *wrong;

static void *must(void *p)
{
	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static char *shared(void)
{
	return must(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static void child_writes(char *at, char c)
{
	pid_t child = fork();

	if (!child) {
		*at = c;
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void moment(void)
{
	struct timespec t = { 0, 200000000 };

	nanosleep(&t, NULL);
}

static int claim(int holds, char *what)
{
	if (!holds && !wrong)
		wrong = what;
	return holds;
}

static void anonymous(void)
{
	char *fresh = shared(), *used = shared(), *other = must(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	used[0] = 'u';
	child_writes(fresh + 0x1000, 'a');
	claim(fresh[0x1000] == 'a', "a page that the child touched first");
	child_writes(used, 'b');
	claim(used[0] == 'b', "a page that both have touched");
	child_writes(other, 'c');
	claim(other[0] == 0, "private memory stays private");
	claim(!munmap(fresh, 0x1000) && fresh[0x1000] == 'a', "a part is unmapped, the rest stays");
	child_writes(fresh + 0x2000, 'd');
	claim(fresh[0x2000] == 'd', "and is shared still");
	munmap(fresh + 0x1000, 0x2000);
	munmap(used, SIZE);
	used = must(mmap(NULL, SIZE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	claim(!mprotect(used, SIZE, PROT_READ | PROT_WRITE), "mprotect");
	child_writes(used, 'e');
	claim(used[0] == 'e', "after mprotect");
}

static void nameless(void)
{
	int file = memfd_create("something", MFD_CLOEXEC), other = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	struct stat status;
	char *at, seen[4] = "";

	claim(file >= 0 && !fstat(file, &status) && status.st_size == 0, "memfd_create");
	claim(!ftruncate(file, SIZE), "ftruncate");
	at = must(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
	child_writes(at + 1, 'x');
	claim(pread(file, seen, 2, 0) == 2 && seen[1] == 'x', "what is written to the mapping is read from the descriptor");
	close(file);
	moment();
	child_writes(at, 'y');
	claim(at[0] == 'y' && at[1] == 'x', "a mapping without its descriptor");
	claim(other >= 0 && !fstat(other, &status) && status.st_nlink == 0, "O_TMPFILE");
	claim(write(other, "abc", 3) == 3 && pread(other, seen, 3, 0) == 3 && !memcmp(seen, "abc", 3), "reads and writes");
	claim(open("/tmp", O_TMPFILE | O_RDONLY, 0600) < 0 && errno == EINVAL, "O_TMPFILE wants to be written");
	claim(memfd_create("x", 0x100) < 0 && errno == EINVAL, "unknown flags");
	close(other);
}

static void unlinked(int protection, int kind)
{
	int file = open("/tmp/gone", O_RDWR | O_CREAT, 0600);
	static char data[SIZE];
	char *at, *again;

	memset(data, 'q', SIZE);
	claim(write(file, data, SIZE) == SIZE, "write");
	at = must(mmap(NULL, SIZE, protection, kind, file, 0));
	unlink("/tmp/gone");
	close(file);
	moment();
	claim(at[0] == 'q' && at[SIZE - 1] == 'q', "read after unlink and close");
	claim(!mprotect(at + 0x1000, 0x1000, PROT_NONE) && at[0x2000] == 'q', "split");
	munmap(at, 0x1000);
	munmap(at + 0x1000, 0x1000);
	moment();
	again = shared();
	claim(at[0x2000] == 'q' && again[0] == 0, "the last of three pages");
	child_writes(again, 'w');
	claim(again[0] == 'w', "shared memory beside it");
	munmap(at + 0x2000, 0x1000);
	munmap(again, SIZE);
}

static void by_unlinked(void)
{
	unlinked(PROT_READ, MAP_PRIVATE);
	unlinked(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unlinked(PROT_READ, MAP_SHARED);
	unlinked(PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* What is unmapped is free again. */
static void freed(void)
{
	for (int n = 0; n < 40 && !wrong; n++) {
		char *at = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (!claim(at != MAP_FAILED, "mmap"))
			return;
		for (int page = 0; page < 2048; page++)
			at[page * 4096] = 1;
		munmap(at, 8 << 20);
	}
}

static void named(void)
{
	struct stat status;

	claim(!stat("/dev/shm", &status) && (status.st_mode & 07777) == 01777, "/dev/shm");
}

static void run(const char *name, void (*test)(void))
{
	wrong = NULL;
	test();
	printf(wrong ? "%s wrong: %s (%s)\n" : "%s right\n", name, wrong, strerror(errno));
	fflush(stdout);
}

int main(void)
{
	run("anonymous", anonymous);
	run("nameless", nameless);
	run("unlinked", by_unlinked);
	run("freed", freed);
	run("named", named);
	return 0;
}
