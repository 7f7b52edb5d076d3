/* memory: demand paging for the program below it, or for a process manager with all its processes.  See README.md.
 *
 *	memory [-s SIZE] [-S SIZE] [-f FILE] [-v] [defect=sum] program [word ...] [-- command ...]
 *
 * -s: so much memory (size=SIZE too); -S: size of the swap file; -f: its name; -v: counts at the end; defect: for proof
 * that tests notice when blocks are not checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "memory.h"

#define WORKERS		4
#define WORKERS_MOST	8
#define MESSAGE_MAX	0

struct options options;
struct counts counts;

static void fail(const char *what, int error)
{
	eprintf("memory: %s: %s\n", what, error_text(error));
	libc_exit(126);
}

/* 8M, 512k, 1G, or bytes. */
static uint64_t size_of(const char *text)
{
	char *end;
	uint64_t size = strtoul(text, &end, 0);
	const char *unit = *end ? strchr("kKmMgG", *end) : NULL;

	if (end == text || (*end && (!unit || end[1])))
		fail(text, EINVAL);
	for (int n = unit ? (int)(unit - "kKmMgG") / 2 + 1 : 0; n; n--)
		size <<= 10;
	return size;
}

/* The first word that is not an option of ours. */
static char **options_take(char **word)
{
	for (; *word; word++) {
		if (!strcmp(*word, "--"))
			return word + 1;
		else if (!strcmp(*word, "-s") && word[1])
			options.size = size_of(*++word);
		else if (!strncmp(*word, "size=", 5))
			options.size = size_of(*word + 5);
		else if (!strcmp(*word, "-S") && word[1])
			options.swap_size = size_of(*++word);
		else if (!strcmp(*word, "-f") && word[1])
			options.swap = *++word;
		else if (!strncmp(*word, "defect=", 7))
			options.defect = word[0] + 7;
		else if (!strcmp(*word, "-v"))
			options.verbose = 1;
		else if (**word == '-')
			fail(*word, EINVAL);
		else
			break;
	}
	return word;
}

/* Without a size there is no swap file unless one is asked for: what there is, is memory. */
static int paging_begin(void)
{
	int error;

	if (!options.swap_size && !options.swap && !options.size)
		return 0;
	error = clock_begin();
	if (!error)
		error = swap_begin();
	if (!error)
		store.pager = &pager;
	return error;
}

static void report(void)
{
	say("in %u pages by %u reads, out %u by %u writes, dropped %u clean %u zero, kept %u, bad %u, full %u; "
		"pages of objects: packed %u, unpacked %u, dropped %u",
		(unsigned)counts.pages_in, (unsigned)counts.reads, (unsigned)counts.pages_out, (unsigned)counts.writes,
		(unsigned)counts.clean, (unsigned)counts.zero, (unsigned)counts.kept, (unsigned)counts.bad, (unsigned)counts.full,
		(unsigned)counts.packed, (unsigned)counts.unpacked, (unsigned)counts.empty);
}

int main(int argc, char **argv)
{
	char **command = options_take(argv + 1);
	struct server *server;
	struct child *c;
	int error, status;

	(void)argc;
	if (!*command)
		fail("no command", EINVAL);
	server = server_new(WORKERS, WORKERS_MOST, MESSAGE_MAX);
	error = server ? say_begin() : ENOMEM;
	if (!error)
		error = store_begin(options.size, server);
	if (!error)
		error = paging_begin();
	if (error)
		fail("start", error);
	c = child_new(*command, server, memory_pool(), &error);
	if (!c)
		fail(*command, error);
	status = nest_run(c, command);
	child_destroy(c);
	if (options.verbose)
		report();
	say_end();
	nest_end(status);
}
