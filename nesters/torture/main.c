/* torture: runs the program below it, again and again with the next seed, and torments all of it
 * meanwhile.  See README.md.
 *
 *	torture [seed=N] [runs=N] [rate=US] [kinds=LETTERS] [memory=MB] [defect=NAME] [-v] program [word ...] [-- command ...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "torture.h"

#define WORKERS		8
#define MESSAGE_MAX	0

struct options options = { .seed = 1, .runs = 1, .rate = 1000, .kinds = ~KIND_BORDER };
static struct server *server;

static void fail(const char *what, int error)
{
	eprintf("torture: %s: %s\n", what, error_text(error));
	libc_exit(126);
}

static uint32_t kinds_of(const char *letters)
{
	static const char all[] = "tofprb";	/* threads, objects, frames, page tables, rights, border; KIND_ bits in this order */
	uint32_t kinds = 0;

	for (; *letters; letters++)
		if (strchr(all, *letters))
			kinds |= 1u << (strchr(all, *letters) - all);
	return kinds;
}

/* True if the word is an option of ours. */
static int option(const char *word)
{
	static const struct { const char *name; uint32_t *value; } numbers[] = {
		{ "seed=", &options.seed }, { "runs=", &options.runs }, { "rate=", &options.rate }, { "memory=", &options.megabytes },
	};

	for (unsigned n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
		if (!strncmp(word, numbers[n].name, strlen(numbers[n].name))) {
			*numbers[n].value = (uint32_t)strtoul(word + strlen(numbers[n].name), NULL, 0);
			return 1;
		}
	if (!strncmp(word, "kinds=", 6))
		options.kinds = kinds_of(word + 6);
	else if (!strncmp(word, "defect=", 7))
		options.defect = word + 7;
	else if (!strcmp(word, "-v"))
		options.verbose = 1;
	else
		return 0;
	return 1;
}

static int run(uint32_t seed, char **argv)
{
	struct child *c;
	int error, status;

	chance_seed(seed);
	c = child_new(argv[0], server, memory_pool(), &error);
	if (!c)
		fail(argv[0], error);
	error = child_provide(c, "scheduler", time_service());
	if (error)
		fail(argv[0], error);
	time_torment(1);
	status = nest_run(c, argv);
	time_torment(0);
	torment_end();
	child_destroy(c);
	eprintf("torture: seed %u: status %d, %u round trips\n", (unsigned)seed, status & 0x7f ? 128 + (status & 0x7f) : status >> 8, (unsigned)counts.trips);
	return status;
}

int main(int argc, char **argv)
{
	char **word = argv + 1;
	int error, status = 0;

	(void)argc;
	while (*word && option(*word))
		word++;
	if (*word && !strcmp(*word, "--"))
		word++;
	if (!*word)
		fail("no command", EINVAL);
	server = server_new(WORKERS, WORKERS, MESSAGE_MAX);
	error = server ? memory_begin(options.megabytes, server) : ENOMEM;
	if (!error)
		error = torment_begin();
	if (!error)
		error = time_begin(server);
	if (error)
		fail("start", error);
	for (uint32_t n = 0; n < options.runs && !status; n++)
		status = run(options.seed + n, word);
	count_print();
	if (options.kinds & KIND_BORDER)
		border_print();
	nest_end(status);
}
