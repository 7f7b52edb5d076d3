/* Fills more memory than there is and looks at it again, below `memory`; meanwhile the swap file's blocks may be altered.
 *
 *	paged fill MB			fill, look, fork: both change some pages, both look
 *	paged KIND HOW MB FILE		KIND map, heap, stack, fork: where the pages are; HOW zero, bit, move, old: what
 *					happens to the blocks of these pages in the file; cut: to all of it
 *
 * A page that is not what was written is `wrong`: that must never be said. */
#include <alloca.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096u
#define WORDS	(PAGE / sizeof(unsigned))
#define MAGIC	0x50a6ed00u

static unsigned pages, wrong;

static unsigned value(unsigned page, unsigned word, unsigned version)
{
	return (page * 1024 + word) * 2654435761u + version;
}

static void fill(unsigned *memory, unsigned page, unsigned version)
{
	unsigned *at = memory + page * WORDS;

	at[0] = MAGIC;
	at[1] = page;
	for (unsigned n = 2; n < WORDS; n++)
		at[n] = value(page, n, version);
}

static void look(const unsigned *memory, unsigned page, unsigned version)
{
	const unsigned *at = memory + page * WORDS;
	unsigned n = 2;

	while (n < WORDS && at[n] == value(page, n, version))
		n++;
	wrong += n < WORDS || at[0] != MAGIC || at[1] != page;
}

static void fill_all(unsigned *memory, unsigned version)
{
	for (unsigned page = 0; page < pages; page++)
		fill(memory, page, version);
}

static void look_all(const unsigned *memory, unsigned version)
{
	for (unsigned page = 0; page < pages; page++)
		look(memory, page, version);
	if (wrong) {
		printf("wrong %u\n", wrong);
		exit(9);
	}
}

/* Blocks of ours: `how`; the file's, as it was (old) or changed. */
static unsigned alter(const char *name, const char *how)
{
	static unsigned block[WORDS], last[WORDS];
	int file = open(name, O_RDWR), have = 0;
	unsigned count = 0;

	if (file < 0)
		exit(8);
	if (!strcmp(how, "cut"))
		return ftruncate(file, PAGE) ? 0 : 1;
	for (off_t at = 0; pread(file, block, PAGE, at) == PAGE; at += PAGE) {
		if (block[0] != MAGIC)
			continue;
		count++;
		if (!strcmp(how, "zero")) {
			memset(block, 0, PAGE);
		} else if (!strcmp(how, "bit")) {
			block[2 + count % (WORDS - 2)] ^= 1u << count % 32;
		} else if (!strcmp(how, "old")) {	/* as if the second writing had been lost */
			for (unsigned page = block[1], n = 2; n < WORDS; n++)
				block[n] = value(page, n, 1);
		} else {		/* move: each block gets the one before */
			unsigned next[WORDS];

			memcpy(next, block, PAGE);
			memcpy(block, last, PAGE);
			memcpy(last, next, PAGE);
			if (!have++)
				continue;
		}
		pwrite(file, block, PAGE, at);
	}
	close(file);
	return count;
}

static int try(unsigned *memory, const char *kind, const char *how, const char *name)
{
	unsigned version = 1, count;
	pid_t child;
	int status;

	fill_all(memory, version);
	if (!strcmp(how, "old"))
		fill_all(memory, ++version);
	if (!strcmp(kind, "fork") && (child = fork())) {
		if (child < 0)
			return 4;
		wait(&status);
		if (WIFSIGNALED(status))
			kill(getpid(), WTERMSIG(status));
		return WEXITSTATUS(status);
	}
	count = alter(name, how);
	printf("%s\n", count ? "altered" : "nothing");
	fflush(stdout);
	look_all(memory, version);
	puts("unnoticed");
	return 7;
}

static int on_stack(const char *kind, const char *how, const char *name)
{
	unsigned *memory = (void *)(((unsigned long)alloca((pages + 1) * PAGE) + PAGE - 1) & -PAGE);

	return try(memory, kind, how, name);
}

static int fork_and_look(unsigned *memory)
{
	int status = 0;
	pid_t child;

	fill_all(memory, 1);
	look_all(memory, 1);
	child = fork();
	for (unsigned page = child ? 0 : 1; page < pages; page += 2)
		fill(memory, page, child ? 2 : 3);
	for (unsigned page = 0; page < pages; page++)
		look(memory, page, page % 2 == (child ? 0 : 1) ? child ? 2 : 3 : 1);
	if (wrong)
		printf("wrong %u\n", wrong);
	if (!child)
		_exit(wrong ? 1 : 0);
	wait(&status);
	munmap(memory + pages / 2 * WORDS, pages / 4 * PAGE);
	look(memory, pages - 1, (pages - 1) % 2 ? 1 : 2);
	puts(wrong || status ? "bad" : "good");
	return wrong || status;
}

/* musl has no sbrk. */
static void *grow_heap(unsigned size)
{
	unsigned long end = (unsigned long)syscall(SYS_brk, 0), start = (end + PAGE - 1) / PAGE * PAGE;

	return (unsigned long)syscall(SYS_brk, start + size) == start + size ? (void *)start : (void *)-1;
}

int main(int argc, char **argv)
{
	unsigned *memory;

	if (argc < 3)
		return 2;
	pages = (unsigned)atoi(argv[argc > 4 ? 3 : 2]) * 256;
	if (argc > 4 && !strcmp(argv[1], "stack")) {
		struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

		if (!getenv("AGAIN")) {		/* the stack's size counts from exec */
			setenv("AGAIN", "1", 1);
			setrlimit(RLIMIT_STACK, &limit);
			execv("/proc/self/exe", argv);
		}
		return on_stack(argv[1], argv[2], argv[4]);
	}
	if (argc > 4 && !strcmp(argv[1], "heap"))
		memory = grow_heap(pages * PAGE);
	else
		memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == (void *)-1)
		return 3;
	return argc > 4 ? try(memory, argv[1], argv[2], argv[4]) : fork_and_look(memory);
}
