/* The lines of the trace, and where they go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#include <nest/fastlock.h>
#include "trace.h"

#define LINE	2048u
#define BUFFER	16384u

struct out {
	fluke_ref_t	*file;		/* null: descriptor 2 */
	uint64_t	position;
	size_t		filled;
	char		buffer[BUFFER];
};

static struct out *text, *json, *given;
static struct fast_lock lock;		/* of both, and of the counts */
static struct message *open_calls;	/* those that are to be shown and have no reply yet */
static int	over;

struct out *out_open(const char *path, int *error)
{
	struct out *o = calloc(1, sizeof(*o));
	fluke_ref_t *fs = path ? service_lookup("fs") : NULL;
	struct FileStatus status;

	*error = !o ? ENOMEM : path && !fs ? ENOENT : 0;
	if (!*error && path) {
		o->file = ref_new();
		*error = o->file ? FileSystem_open(fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, o->file, &status) : ENOMEM;
	}
	ref_free(fs);
	return *error ? NULL : o;
}

void out_flush(struct out *o)
{
	size_t done = 0;

	while (o->file && done < o->filled) {
		uint32_t written = 0;
		uint64_t position;

		if (FileDescription_write(o->file, o->position, 0, o->buffer + done, o->filled - done, &written, &position) != 0 || !written)
			break;		/* the file system is full, or gone: the rest is lost, not the program */
		done += written;
		o->position += written;
	}
	if (!o->file)
		libc_output(2, o->buffer, o->filled);
	o->filled = 0;
}

void out_write(struct out *o, const char *data, size_t size)
{
	while (size) {
		size_t n = size < BUFFER - o->filled ? size : BUFFER - o->filled;

		memcpy(o->buffer + o->filled, data, n);
		o->filled += n;
		data += n;
		size -= n;
		if (o->filled == BUFFER)
			out_flush(o);
	}
}

void show_lock(void)
{
	fast_lock_take(&lock);
}

void show_unlock(void)
{
	fast_lock_drop(&lock);
}

int show_begin(void)
{
	int error = 0;

	fast_lock_init(&lock);
	text = out_open(options.output, &error);
	if (!error && options.json)
		json = out_open(options.json, &error);
	if (!error && json)
		json_begin(json);
	if (!error && options.given)
		given = out_open(options.given, &error);
	return error;
}

int show_wants(const struct message *m)
{
	return (!options.waits || follow_any()) && filter_wants(m);
}

void show_call(struct message *m)
{
	if (!m->wanted)
		return;
	m->thread = path_of(m->thread, &m->path);
	fast_lock_take(&lock);
	m->next = open_calls;
	open_calls = m;
	m->began = clock_now();		/* under the lock: times rise in the file */
	if (json && !over)
		json_call(json, m);
	fast_lock_drop(&lock);
}

static void show_line(const struct message *m)
{
	char line[LINE];
	size_t n = 0;

	if (options.threads)
		n = (size_t)snprintf(line, sizeof(line), "[%u] ", (unsigned)m->thread);
	n += (size_t)snprintf(line + n, 160, "%s ", m->path);
	decode_call(m, line + n, LINE / 2);
	n = strlen(line);
	line[n++] = ' ';
	decode_result(m, line + n, LINE - n - 40);
	n += strlen(line + n);
	if (options.times)
		n += (size_t)snprintf(line + n, 32, " <%u.%06u>", (unsigned)((m->ended - m->began) / 1000000000u),
			(unsigned)((m->ended - m->began) % 1000000000u / 1000));
	line[n++] = '\n';
	follow_line(m, line, n);
	if (options.counts || options.waits || (json && !options.output))
		return;
	out_write(text, line, n);
	if (!options.output)
		out_flush(text);
}

static void put_reply(struct message *m)
{
	m->ended = clock_now();
	if (options.counts)
		count(m);
	if (follow_any() || (!options.counts && (!json || options.output)))
		show_line(m);
	if (json)
		json_reply(json, m);
}

void show_reply(struct message *m)
{
	struct message **link;

	if (!m->wanted)
		return;
	fast_lock_take(&lock);
	for (link = &open_calls; *link && *link != m; link = &(*link)->next)
		;
	if (*link)
		*link = m->next;
	if (!over)
		put_reply(m);
	fast_lock_drop(&lock);
}

int show_gives(void)
{
	return given != NULL;
}

void show_given(fluke_ref_t *ref, const char *label)
{
	char line[LABEL + 16];
	int n;

	if (!given)
		return;
	n = snprintf(line, sizeof(line), "%08x %s\n", (unsigned)fluke_ref_hash(ref), label);
	fast_lock_take(&lock);
	if (!over)
		out_write(given, line, (size_t)n);
	fast_lock_drop(&lock);
}

void show_end(void)
{
	fast_lock_take(&lock);
	for (; open_calls; open_calls = open_calls->next) {	/* exit, as a rule */
		open_calls->unfinished = 1;
		put_reply(open_calls);
	}
	over = 1;
	if (options.counts)
		count_print(text);
	out_flush(text);
	if (json) {
		json_end(json);
		out_flush(json);
	}
	if (given)
		out_flush(given);
	fast_lock_drop(&lock);
}
