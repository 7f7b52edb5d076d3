/* Measurements by a POSIX program: bench CASE ...  Prints `bench CASE n mean worst` in time stamp
 * counts, which under -icount shift=0 are instructions.  Static, built with fluke-gcc; the same
 * source runs on Linux. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void report(const char *name, unsigned n, uint64_t sum, uint64_t worst)
{
	printf("bench %s %u %llu %llu\n", name, n, (unsigned long long)(sum / n), (unsigned long long)worst);
	fflush(stdout);
}

/* The mean and the worst of n runs, after two that do not count. */
static void measure(const char *name, unsigned n, void (*run)(void))
{
	uint64_t sum = 0, worst = 0;

	for (unsigned i = 0; i < n + 2; i++) {
		uint64_t before = tsc(), took;
		run();
		took = tsc() - before;
		if (i < 2)
			continue;
		sum += took;
		if (took > worst)
			worst = took;
	}
	report(name, n, sum, worst);
}

static void run_fork(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0)
		_exit(3);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3)
		die("wait");
}

static char *command[4];

static void run_command(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execv(command[0], command);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status)
		die(command[0]);
}

static int there[2], back[2];

static void run_pipe(void)
{
	char c = 'x';

	if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
		die("pipe");
}

static void bench_pipe(void)
{
	char c;

	if (pipe(there) || pipe(back))
		die("pipe");
	if (fork() == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	measure("pipe", 500, run_pipe);
	close(there[1]);
	wait(NULL);
}

/* 8 MB through a pipe in pieces of 64 KB; per KB. */
static void bench_pipebw(void)
{
	static char buffer[65536];
	const unsigned kb = 8192;
	unsigned long got = 0;
	uint64_t before;
	ssize_t n;

	if (pipe(there))
		die("pipe");
	before = tsc();
	if (fork() == 0) {
		for (unsigned i = 0; i < kb / 64; i++)
			if (write(there[1], buffer, sizeof buffer) != sizeof buffer)
				_exit(1);
		_exit(0);
	}
	close(there[1]);
	while ((n = read(there[0], buffer, sizeof buffer)) > 0)
		got += n;
	wait(NULL);
	if (got != kb * 1024ul)
		die("pipebw");
	report("pipebw", kb, tsc() - before, 0);
}

/* The cached 8 MB in 8 KB pieces, whole run; the file is written and read once before. */
static void bench_readtest(void)
{
	static char buffer[8192];
	uint64_t before = 0, sum = 0;
	unsigned check = 0;
	int f = open("/tmp/readtest", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (f < 0)
		die("/tmp/readtest");
	for (unsigned i = 0; i < 1024; i++) {
		memset(buffer, i, sizeof buffer);
		if (write(f, buffer, sizeof buffer) != sizeof buffer)
			die("write");
	}
	for (int round = 0; round < 2; round++) {
		lseek(f, 0, SEEK_SET);
		before = tsc();
		while (read(f, buffer, sizeof buffer) == sizeof buffer)
			for (unsigned j = 0; j < sizeof buffer; j += 4)
				check += buffer[j];
		sum = tsc() - before;
	}
	if (check == 1)
		puts("");
	report("readtest", 1, sum, sum);
	close(f);
	unlink("/tmp/readtest");
}

/* Per page of new anonymous memory, touched in order.  Idle time before it, in which free frames are zeroed: else it depends on what
 * ran before how many of these are ready. */
static void bench_touch(void)
{
	const unsigned pages = 1024;
	char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t before, sum;

	if (p == MAP_FAILED)
		die("mmap");
	usleep(100000);
	before = tsc();
	for (unsigned i = 0; i < pages; i++)
		((volatile char *)p)[i * 4096] = 1;
	sum = tsc() - before;
	report("touch", pages, sum, 0);
	munmap(p, pages * 4096);
}

static void bench_command(const char *name, unsigned n, char *program, char *a, char *b)
{
	command[0] = program;
	command[1] = a;
	command[2] = b;
	measure(name, n, run_command);
}

int main(int count, char **word)
{
	for (int i = 1; i < count; i++) {
		if (!strcmp(word[i], "fork"))
			measure("fork", 20, run_fork);
		else if (!strcmp(word[i], "true"))
			bench_command("true", 10, "/bin/true", NULL, NULL);
		else if (!strcmp(word[i], "pipe"))
			bench_pipe();
		else if (!strcmp(word[i], "pipebw"))
			bench_pipebw();
		else if (!strcmp(word[i], "readtest"))
			bench_readtest();
		else if (!strcmp(word[i], "touch"))
			bench_touch();
		else if (!strcmp(word[i], "sort"))
			bench_command("sort", 1, "/usr/bin/sort", "/bench/lines.txt", NULL);
		else if (!strcmp(word[i], "tsc"))
			printf("tsc %llu\n", (unsigned long long)tsc());
		else
			return 2;
	}
	return 0;
}
