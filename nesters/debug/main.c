/* debug: lets a gdb on the host debug any program or nester below it.  See README.md.
 *
 *	debug [-w] [-v] program [word ...] [-- command ...]
 *
 * -w: the first program waits for gdb before its first instruction; -v: says what happens below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "debug.h"

#define WORKERS		4
#define WORKERS_MOST	24

struct server *server;
int	talkative;
static struct child *child;

static void fail(const char *what, const char *why)
{
	eprintf("debug: %s: %s\n", what, why);
	libc_exit(126);
}

void debug_kill_child(void)
{
	child_end(child, SIGKILL);
}

/* Is there a process manager around the program to be held? */
static int is_linux(char **word)
{
	if (!strcmp(word[0], "process"))
		return 1;
	for (char **rest = word; *rest; rest++)
		if (!strcmp(*rest, "process"))
			return 1;
	return !nest_is_native(word[0]);
}

/* Services that we answer ourselves; a debugger below gets the next line. */
static int provide(struct child *c)
{
	fluke_ref_t *next = service_lookup("line1"), *scheduler = supply_scheduler(), *debug = supply_debug(), *none = ref_new();
	int error = scheduler && debug && none ? 0 : ENOMEM;

	if (!error)
		error = child_provide(c, "scheduler", scheduler);
	if (!error)
		error = child_provide(c, "debug", debug);
	if (!error)
		error = child_provide(c, "line0", next ? next : none);
	if (!error)
		error = child_provide(c, "line1", none);
	return error;
}

int main(int argc, char **argv)
{
	char **word = argv + 1;
	int error, status, wait = 0;

	(void)argc;
	for (; *word && **word == '-'; word++) {
		if (!strcmp(*word, "--")) {
			word++;
			break;
		}
		if (!strcmp(*word, "-v")) {
			talkative = 1;
			continue;
		}
		if (strcmp(*word, "-w"))
			fail(*word, "unknown option; debug [-w] [-v] program [word ...]");
		wait = 1;
	}
	if (!*word)
		fail("no program", "say what to run");
	server = server_new(WORKERS, WORKERS_MOST, 0);
	error = server ? supply_begin() : ENOMEM;
	if (error)
		fail("start", error_text(error));
	error = gdb_begin();
	if (error)
		eprintf("debug: no serial line for gdb: nothing can be debugged\n");
	if (wait && !error)
		hold_first = is_linux(word) ? 1 : 2;
	gate_closed = hold_first;
	if (!hold_first)
		gdb_ready();
	child = child_new(word[0], server, supply_pool(), &error);
	if (child)
		error = provide(child);
	if (error)
		fail(word[0], error_text(error));
	status = nest_run(child, word);
	lock_take(&debug_lock);
	targets_end(status);
	lock_drop(&debug_lock);
	child_destroy(child);
	nest_end(status);
}
