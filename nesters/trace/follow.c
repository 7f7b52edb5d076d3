/* trace -p: what one process sends, shown by a tracer that stands around it already (trace -w).
 *
 * The side of the standing tracer: a service that those below find with their parent as "tracer".  A request names a process
 * by its number within the asker's own manager, so nobody sees what is beside or above; it stays parked, and who leaves it is
 * forgotten with the next message.  The other side, in `trace -p`: asks, and ends with the process.
 *
 * Invariant: followers is guarded by show.c's lock; a line is written with that lock held, as all others are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/Parent.h>
#include <protocols/Tracer.h>
#include <protocols/Tracer_server.h>
#include <nest/child.h>
#include "trace.h"

#define FOLLOWERS	16u

struct follower { struct request *request; fluke_ref_t *file; char manager[128], number[16]; };

static struct follower follower[FOLLOWERS];
static volatile uint32_t followers;
static struct served service;
static struct server *server;

/* ---- the standing tracer ---- */

/* The manager's path in front (with its slash), then a name and the number in brackets, perhaps with what that one nests behind. */
static int fits(const struct follower *f, const char *path)
{
	size_t length = strlen(f->manager);
	const char *end;

	if (strncmp(path, f->manager, length))
		return 0;
	path += length;
	end = strchr(path, '/');
	length = end ? (size_t)(end - path) : strlen(path);
	return length > strlen(f->number) && !strncmp(path + length - strlen(f->number), f->number, strlen(f->number));
}

static void forget(struct follower *f)
{
	request_drop(f->request);
	ref_free(f->file);
	f->request = NULL;
	__sync_sub_and_fetch(&followers, 1);
}

static void put(struct follower *f, const char *line, size_t size)
{
	while (size) {
		uint32_t written = 0;

		if (FileDescription_write(f->file, ~0ull, 0, line, size, &written, NULL) || !written)
			return;
		line += written;
		size -= written;
	}
}

int follow_any(void)
{
	return followers != 0;
}

void follow_line(const struct message *m, const char *line, size_t size)
{
	for (unsigned n = 0; followers && n < FOLLOWERS; n++) {
		struct follower *f = &follower[n];

		if (!f->request)
			continue;
		if (request_gone(f->request))
			forget(f);
		else if (fits(f, m->path))
			put(f, line, size);
	}
}

/* Who asks, by its path: its manager's path with the slash.  0: it is no process. */
static int manager_of_client(char *to, size_t size)
{
	fluke_ref_t *client = ref_new();
	natural_t flags;
	const char *path = "?";
	char *slash;

	if (!client)
		return 0;
	fluke_thread_get_client(NULL, client, &flags);
	path_of((uint32_t)fluke_ref_hash(client), &path);
	ref_free(client);
	strlcpy(to, path, size);
	slash = strrchr(to, '/');
	if (!slash || !strchr(slash, '['))
		return 0;
	slash[1] = 0;
	return 1;
}

static int follow(void *self, struct request *r, int32_t pid, fluke_ref_t *file)
{
	struct follower f = { .file = file ? ref_dup(proxy_behind(file)) : NULL }, *place = NULL;
	int error = 0;

	(void)self;
	if (!f.file || !manager_of_client(f.manager, sizeof f.manager)) {
		ref_free(f.file);
		return f.file ? ESRCH : EINVAL;
	}
	snprintf(f.number, sizeof f.number, "[%d]", (int)pid);
	show_lock();
	for (unsigned n = 0; n < FOLLOWERS && !place; n++)
		place = follower[n].request ? NULL : &follower[n];
	f.request = place ? request_park(r) : NULL;
	if (f.request) {
		*place = f;
		__sync_add_and_fetch(&followers, 1);
	} else {
		ref_free(f.file);
		error = EAGAIN;
	}
	show_unlock();
	return error ? error : REQUEST_PARKED;
}

static const struct Tracer_methods methods = { .follow = follow };
static const struct interface interfaces[] = { { Tracer_INTERFACE, Tracer_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class class = { .name = "tracer", .interfaces = interfaces };

int follow_begin(struct server *s, struct child *c)
{
	fluke_ref_t *ref;
	int error;

	server = s;
	error = served_init(&service, &class, server);
	if (error)
		return error;
	ref = served_ref(&service);
	error = ref ? child_provide(c, "tracer", ref) : ENOMEM;
	ref_free(ref);
	return error;
}

/* Our own service is the one port that goes down as it is: who asks there must be seen. */
int follow_is_service(fluke_ref_t *ref)
{
	return service.port && served_of(server, ref) == &service;
}

/* ---- trace -p ---- */

static struct { fluke_ref_t *tracer, *file, *proc; int32_t pid; } asked;

static int lives(fluke_ref_t *proc, int32_t pid)
{
	struct FileStatus status;
	char path[32];

	snprintf(path, sizeof path, "%d/stat", (int)pid);
	return FileSystem_stat(proc, path, 0, &status) == 0;
}

/* Ends the program when the process has ended. */
static void watch(void *unused)
{
	(void)unused;
	while (lives(asked.proc, asked.pid))
		clock_sleep_until(clock_now() + 50000000u);
	exit(0);
}

/* -o, with the offset that the server keeps; else descriptor 2. */
static fluke_ref_t *output_open(const char *path)
{
	fluke_ref_t *fs = path ? service_lookup("fs") : NULL, *file = fs ? ref_new() : NULL;
	struct FileStatus status;

	if (!path)
		return descriptor(2);
	if (!file || FileSystem_open(fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, file, &status) || FileDescription_share(file, 0))
		return NULL;
	return file;
}

const char *follow_process(int32_t pid, const char *output)
{
	fluke_ref_t *proc = service_lookup("proc");

	asked.tracer = service_lookup("tracer");
	asked.file = output_open(output);
	asked.pid = pid;
	if (!asked.file)
		return "no place to write to";
	if (!asked.tracer)
		return "no tracer stands around this (boot/run --stack \"trace -w process\", trace -w bash)";
	if (!proc || !lives(proc, pid))
		return "no such process";
	asked.proc = proc;
	if (!thread_start(watch, NULL, 0))
		return "no memory";
	/* by the first thread, which the manager knows by its number */
	return error_text(Tracer_follow(asked.tracer, asked.pid, asked.file));
}
