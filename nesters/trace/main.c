/* trace: runs the program below it and shows every message that crosses.  See README.md.
 *
 *	trace [-fTycw] [-e LIST] [-s BYTES] [-o FILE] [--json FILE] [--fail RULE] [--delay RULE] [--] program [word ...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <startup.h>
#include <nest/child.h>
#include "trace.h"

#define WORKERS		4u
#define REFS_KEPT	64u
#define WORKERS_MAX	1024u		/* each request that waits above has one */

struct options options = { .string = 32 };

static void fail(const char *what, const char *why)
{
	eprintf("trace: %s: %s\n", what, why);
	exit(125);
}

static void check(const char *what, const char *wrong)
{
	if (wrong)
		fail(what, wrong);
}

static void letters(const char *word)
{
	for (word++; *word; word++)
		switch (*word) {
		case 'f':
			options.threads = 1;
			break;
		case 'T':
			options.times = 1;
			break;
		case 'y':
			options.paths = 1;
			break;
		case 'c':
			options.counts = 1;
			break;
		case 'w':
			options.waits = 1;
			break;
		default:
			fail(word, "unknown option; trace [-fTyc] [-e LIST] [-s BYTES] [-o FILE] [--json FILE] [--fail RULE] "
				"[--delay RULE] [--] program [word ...]");
		}
}

/* An option with a value. */
static void option(const char *name, const char *value)
{
	char *end;

	if (!value)
		fail(name, "its value is missing");
	if (!strcmp(name, "-e"))
		check(value, filter_add(value));
	else if (!strcmp(name, "--fail"))
		check(value, inject_add(value, 0));
	else if (!strcmp(name, "--delay"))
		check(value, inject_add(value, 1));
	else if (!strcmp(name, "-o"))
		options.output = value;
	else if (!strcmp(name, "--json"))
		options.json = value;
	else if (!strcmp(name, "-p"))
		options.follow = atoi(value);
	else if (!strcmp(name, "--given"))
		options.given = value;
	else {
		options.string = strtoul(value, &end, 10);
		if (*end)
			fail(value, "-s wants a number");
	}
}

static int has_value(const char *word)
{
	static const char *const names[] = { "-e", "-s", "-o", "-p", "--json", "--given", "--fail", "--delay" };

	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (!strcmp(word, names[n]))
			return 1;
	return 0;
}

static char **parse(char **word)
{
	for (; *word && **word == '-'; word++) {
		if (!strcmp(*word, "--"))
			return word + 1;
		if (has_value(*word)) {
			option(word[0], word[1]);
			word++;
		} else {
			letters(*word);
		}
	}
	return word;
}

/* The references to ports that a child has before it asks for any. */
static int interpose(struct child *c)
{
	static const struct { uint32_t slot; const char *name; } first[] = {
		{ START_REF_PARENT, "parent" }, { START_REF_DATA, "data" }, { START_REF_OBJSEG, "objects" },
	};
	int error = 0;

	for (unsigned n = 0; n < sizeof(first) / sizeof(first[0]) && !error; n++)
		error = proxy_replace((fluke_ref_t *)(void *)(c->window + (first[n].slot - START_OBJECTS)), first[n].name);
	if (!error)
		show_given(c->parent_port, "keeper");
	return error;
}

int main(int argc, char **argv)
{
	char **word = parse(argv + 1);
	fluke_ref_t *pool = service_lookup("pool");
	struct server *server;
	struct child *c;
	int error, status;

	(void)argc;
	if (options.follow) {
		check("-p", follow_process(options.follow, options.output));
		return 0;
	}
	if (!*word)
		fail("no program", "say what to run");
	if (options.output && !strcmp(options.output, "/dev/null") && !options.json && !options.counts)
		options.waits = 1;	/* lines that nobody can read are not made */
	refs_keep(REFS_KEPT);
	server_session_limit = WORKERS_MAX;	/* what one below may have at work is for those above to say */
	server = server_new(WORKERS, WORKERS_MAX, 0);
	error = server && pool ? proxies_begin(server) : ENOMEM;
	if (!error)
		error = paths_begin();
	if (!error)
		error = show_begin();
	if (error)
		fail("start", error_text(error));
	c = child_new(word[0], server, pool, &error);
	if (c)
		error = interpose(c);
	if (c && !error)
		error = follow_begin(server, c);
	if (error)
		fail(word[0], error_text(error));
	status = nest_run(c, word);
	show_end();
	child_destroy(c);
	nest_end(status);
}
