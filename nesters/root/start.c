/* Starts the stack that the command line names, waits for its end and powers off.  The child's
 * Parent is libnest's; what it asks beyond that is answered here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/child.h>
#include <nest/nesting.h>
#include <protocols/Machine.h>
#include <protocols/Pipe_server.h>
#include "root.h"

#define ARGUMENTS	256

void power_off(unsigned how, unsigned status)
{
	line_drain();
	Machine_power(kernel, how, status);
	for (;;)
		__asm__ volatile("hlt");
}

/* ---- what a Parent does for its child (weak in libnest) ---- */

int nest_log(const char *text)
{
	size_t size = strlen(text);

	log_text(text, size);
	if (!size || text[size - 1] != '\n')
		log_text("\n", 1);
	return 0;
}

int nest_missing(const char *lines)
{
	log_text("missing calls:\n", 15);
	log_text(lines, strlen(lines));
	channel_missing(lines);
	return 0;
}

int nest_power(int how, int status)
{
	if (how == 0 || words.channel)
		channel_exit(0, (unsigned)status & 0xff);
	power_off((unsigned)how, (unsigned)status & 0xff);
}

int nest_object_count(uint32_t type, uint32_t *count)
{
	return Machine_object_count(kernel, type, count);
}

/* ---- Pipe ---- */

static int pipe_create(void *self, struct request *r, void **reader, void **writer)
{
	fluke_ref_t *ends[2] = { ref_new(), ref_new() };
	int error = ends[0] && ends[1] ? pipe_serve(server, ends[0], ends[1]) : ENOMEM;

	(void)self;
	request_free_ref(r, ends[0]);
	request_free_ref(r, ends[1]);
	*reader = ends[0];
	*writer = ends[1];
	return error;
}

fluke_ref_t *pipe_service(void)
{
	static fluke_ref_t *ref;
	static const struct Pipe_methods methods = { .create = pipe_create };
	static const struct interface interfaces[] = { { Pipe_INTERFACE, Pipe_dispatch, &methods }, { 0, 0, 0 } };
	static const struct served_class class = { .name = "pipe", .interfaces = interfaces };
	static struct served port;

	if (!ref && !served_init(&port, &class, server))
		ref = served_ref(&port);
	return ref;
}

/* ---- the command ---- */

/* Words separated by blanks, single quotes around words that hold blanks; null-ended. */
static unsigned split(const char *text, char **to, unsigned room)
{
	unsigned count = 0;
	char *word, *p;
	int quoted;

	while (text && count + 1 < room) {
		while (*text == ' ')
			text++;
		if (!*text)
			break;
		word = p = malloc(strlen(text) + 1);
		if (!word)
			break;
		for (quoted = 0; *text && (quoted || *text != ' '); text++) {
			if (*text == '\'')
				quoted = !quoted;
			else if (*text == '\\' && !quoted && text[1])
				*p++ = *++text;
			else
				*p++ = *text;
		}
		*p = 0;
		to[count++] = word;
	}
	to[count] = 0;
	return count;
}

static int exists(const char *path)
{
	struct ramfs_node *node;
	int error;

	root_lock();
	error = ramfs_find(&ramfs, ramfs.root, path, 1, &node);
	root_unlock();
	return !error;
}

/* From cmd=, the module `command`, or a shell. */
static unsigned command(char **to, unsigned room)
{
	const struct fluke_boot_module *m;
	unsigned count = words.command ? split(words.command, to, room) : 0;
	uint32_t i, at;
	const char *text;

	if (count)
		return count;
	for (i = 1; i < boot_info->module_count; i++) {
		m = &boot_info->module[i];
		if (strcmp(m->name, "command"))
			continue;
		text = store.window + m->start;
		for (at = 0; at < m->size && count + 1 < room; at += (uint32_t)strlen(text + at) + 1)
			to[count++] = (char *)text + at;
		to[count] = 0;
		if (count)
			return count;
	}
	return split(exists("/bin/bash") ? "/bin/bash -l" : "/bin/sh", to, room);
}

static char **environment(void)
{
	static char *list[24], term[64], pwd[256], path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	unsigned n = 0, i;

	list[n++] = path;
	snprintf(term, sizeof term, "TERM=%s", words.term);
	list[n++] = term;
	list[n++] = "HOME=/root";
	list[n++] = "USER=root";
	list[n++] = "LOGNAME=root";
	list[n++] = "SHELL=/bin/bash";
	snprintf(pwd, sizeof pwd, "PWD=%s", words.cwd ? words.cwd : exists("/root") ? "/root" : "/");
	list[n++] = pwd;
	for (i = 0; i < words.envs && n < 23; i++)
		list[n++] = (char *)words.env[i];
	list[n] = 0;
	return list;
}

fluke_ref_t *sessions_service(void)
{
	static struct served sessions;
	static fluke_ref_t *ref;

	if (!ref && !session_service(&sessions, server))
		ref = served_ref(&sessions);
	return ref;
}

static void provide(struct child *c)
{
	fluke_ref_t *console = console_service(), *disk = driver_service(), *view = nesting_view();
	int n;

	if (line_service(0))
		child_provide(c, "line0", line_service(0));
	if (line_service(1))
		child_provide(c, "line1", line_service(1));
	child_provide(c, "debug", debug_service());
	child_provide(c, "fs", files_service());
	child_provide(c, "clock", clock_service());
	child_provide(c, "scheduler", scheduler_service());
	child_provide(c, "schedulers", scheduler_view_service());
	child_provide(c, "pipe", pipe_service());
	child_provide(c, "checkpoint", checkpoint_service());
	child_provide(c, "session", sessions_service());
	if (words.nesting && view)
		child_provide(c, "nesting-all", view);
	ref_free(view);
	if (console)
		child_provide(c, "console", console);
	if (disk)
		child_provide(c, "disk", disk);
	ref_free(disk);
	for (n = 0; n < 3; n++)
		if (words.channel)
			child_provide_fd(c, n, channel_descriptor(n));
		else if (console)
			child_provide_fd(c, n, console);
}

static void could_not_start(const char *what, int error)
{
	char text[200];

	snprintf(text, sizeof text, "root: cannot start %s: %s\n", what, error_text(error));
	log_text(text, strlen(text));
	channel_exit(2, (unsigned)error);
}

void start_stack(void)
{
	static char *arguments[ARGUMENTS];
	char *banner = "Fluke\n";
	const char *stack = words.has_stack ? words.stack : "process";
	unsigned count = split(stack, arguments, ARGUMENTS - 4), status;
	struct child *c;
	int error;

	(void)banner;
	if (count)
		arguments[count++] = "--";
	command(arguments + count, ARGUMENTS - count);
	c = child_new(arguments[0], server, pool_service(), &error);
	if (!c)
		could_not_start(arguments[0], error);
	provide(c);
	error = load_program(c, files_service(), arguments[0], arguments, environment());
	if (error)
		could_not_start(arguments[0], error);
	status = (unsigned)child_wait(c);
	child_destroy(c);
	if (status & 0x7f)
		channel_exit(1, status & 0x7f);
	channel_exit(0, status >> 8 & 0xff);
}
