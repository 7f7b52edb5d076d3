/* A hostile client: greedy KIND takes as many of one kind of thing as servers give it, says how many and which error ended it, and
 * keeps them until it is killed.  Kinds: see `kinds`.  All that it needs for itself, references foremost, is its own memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <linux_abi.h>
#include <protocols/Clock.h>
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/MemPool.h>
#include <protocols/Parent.h>
#include <protocols/Process.h>
#include <protocols/Scheduler.h>

#define MOST	60000u		/* of anything: more than any limit */

static fluke_ref_t *fs, *clock, *pool, *file, *ends[2];
static fluke_portset_t *portset;
static struct FileStatus status;

static fluke_ref_t *another(void)
{
	fluke_ref_t *ref = ref_new();

	if (!ref) {
		printf("greedy: no reference left\n");
		exit(1);
	}
	return ref;
}

static int open_file(unsigned n)
{
	(void)n;
	return FileSystem_open(fs, "/etc/passwd", O_RDONLY, 0, another(), &status);
}

static int open_directory(unsigned n)
{
	(void)n;
	return FileSystem_open(fs, "/etc", O_RDONLY | O_DIRECTORY, 0, another(), &status);
}

static int reopen(unsigned n)
{
	(void)n;
	return FileDescription_reopen(file, O_RDONLY, another(), &status);
}

static int open_terminal(unsigned n)
{
	(void)n;
	return FileSystem_open(fs, "/dev/console", O_RDWR | O_NOCTTY, 0, another(), &status);
}

static int open_fifo(unsigned n)
{
	if (!n)
		FileSystem_mknod(fs, "/tmp/greedy-fifo", S_IFIFO | 0600, 0);
	return FileSystem_open(fs, "/tmp/greedy-fifo", O_RDWR | O_NONBLOCK, 0, another(), &status);
}

static int open_proc(unsigned n)
{
	(void)n;
	return FileSystem_open(parent_ref(), "uptime", O_RDONLY, 0, another(), &status);
}

static int make_pipe(unsigned n)
{
	(void)n;
	return Process_create_pipe(parent_ref(), another(), another());
}

static int make_timer(unsigned n)
{
	fluke_port_t *port = port_new(portset, (void *)1, 0);
	fluke_ref_t *to = another();

	(void)n;
	fluke_port_reference(port, to);
	return Clock_create_timer(clock, to, 1, another());
}

static int take_lock(unsigned n)
{
	static fluke_ref_t *owner;

	if (!owner && FileDescription_lock_owner(file, NULL, owner = another()))
		return EPROTO;
	return FileDescription_lock(file, F_RDLCK, 2 * n, 1, 0, owner);
}

static int take_description_lock(unsigned n)
{
	return FileDescription_lock(file, F_RDLCK, 2 * n, 1, 0, NULL);
}

static int make_owner(unsigned n)
{
	(void)n;
	return FileDescription_lock_owner(file, NULL, another());
}

static int make_badge(unsigned n)
{
	(void)n;
	return Process_badge(parent_ref(), another());
}

static int look_up(unsigned n)
{
	return Parent_lookup(parent_ref(), n % 2 ? "fs" : "clock", another());
}

static int make_segment(unsigned n)
{
	(void)n;
	return MemPool_create_segment(pool, 4096, 0, another(), another());
}

static int make_pool(unsigned n)
{
	(void)n;
	return MemPool_create_sub(pool, 0, another());
}

static int make_interval(unsigned n)
{
	uint32_t id;

	(void)n;
	return Process_make_timer(parent_ref(), 1, 0, 14, 0, 0, &id);
}

/* The same thread again and again: each is a client of its own. */
static int add_thread(unsigned n)
{
	static fluke_ref_t *scheduler, *self, *port;
	uint32_t sched_val;

	if (!n) {
		scheduler = service_lookup("scheduler");
		fluke_thread_reference(fluke_thread_self(), self = another());
		port = another();
	}
	return Scheduler_add(scheduler, self, port, &sched_val);
}

/* The newest watch pushes the oldest one out, so no error ends this. */
static int watch(unsigned n)
{
	fluke_port_t *port = port_new(portset, (void *)(2 + n), 0);
	fluke_ref_t *to = another();
	uint32_t ready;

	fluke_port_reference(port, to);
	return n == 2000 ? -1 : FileDescription_watch(ends[0], POLLIN, to, &ready);
}

static void __attribute__((noreturn)) stay(void)
{
	fluke_cond_t *never = cond_new();
	struct lock lock;

	lock_init(&lock);
	lock_take(&lock);
	for (;;)
		fluke_cond_wait(never, lock.mutex);
}

static volatile int wait_error;
static volatile unsigned waiting;

static void wait_main(void *argument)
{
	char byte;
	size_t size = 1;
	int error;

	(void)argument;
	__sync_add_and_fetch(&waiting, 1);
	error = FileDescription_read(ends[0], ~0ull, 1, 0, &byte, &size);
	if (error != PROTO_BROKEN)
		wait_error = error ? error : EPROTO;
	stay();
}

/* A thread each. */
static int wait_for_ever(unsigned n)
{
	if (!thread_start(wait_main, NULL, 4096))
		return ENOMEM;
	while (waiting <= n && !wait_error)
		clock_sleep_until(clock_now() + 1000000);
	return wait_error;
}

static const struct { const char *name; int (*take)(unsigned n); } kinds[] = {
	{ "files", open_file }, { "directories", open_directory }, { "reopened", reopen }, { "terminals", open_terminal },
	{ "fifos", open_fifo }, { "proc", open_proc }, { "pipes", make_pipe }, { "timers", make_timer }, { "locks", take_lock },
	{ "description-locks", take_description_lock }, { "owners", make_owner }, { "badges", make_badge }, { "services", look_up },
	{ "segments", make_segment }, { "pools", make_pool }, { "intervals", make_interval }, { "watches", watch }, { "threads", add_thread },
	{ "waits", wait_for_ever },
};

int main(int argc, char **argv)
{
	unsigned i, n = 0;
	int error = 0;

	for (i = 0; i < sizeof kinds / sizeof *kinds && strcmp(kinds[i].name, argc > 1 ? argv[1] : ""); i++)
		;
	if (i == sizeof kinds / sizeof *kinds) {
		printf("greedy: no such kind\n");
		return 2;
	}
	fs = service_lookup("fs");
	clock = service_lookup("clock");
	pool = service_lookup("pool");
	file = another();
	ends[0] = another();
	ends[1] = another();
	portset = portset_new();
	if (FileSystem_open(fs, "/etc/passwd", O_RDONLY, 0, file, &status) || Process_create_pipe(parent_ref(), ends[0], ends[1]))
		return 2;
	while (n < MOST && !(error = kinds[i].take(n)))
		n++;
	printf("%s %u %s\n", argv[1], n, error < 0 ? "no error" : error_text(error));
	stay();
}
