/* process: the process manager.  Started with
 *
 *	process [-v] [-c] [nester [word ...]] -- command [argument ...]
 *
 * it makes the first process, which is the command or the next nester (number 2, its own session, the terminal of its standard input as controlling terminal)
 * and serves until that ends; then it ends with its status.  Number 1 is the manager itself. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/Parent.h>
#include <protocols/Tty.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#include <nest/serve.h>
#include <nest/stream.h>
#include <nest/nesting.h>
#include "manager.h"

#define WORKERS		12
#define WORKERS_MOST	12
#define MESSAGE_MAX	(IMAGE_STARTUP_MAX / 2)
#define HEAP_RESERVE	0x80000
#define OBJECT_RESERVE	64		/* pages */
#define RECORD_MAX	0x10000

int manager_verbose, manager_counts;

static void fail(const char *what, int error)
{
	eprintf("process: %s: %s\n", what, error_text(error));
	libc_exit(126);
}

static void lookup(const char *name, fluke_ref_t *ref)
{
	int error = Parent_lookup(parent_ref(), name, ref);

	if (error)
		fail(name, error);
}

/* The image is a file like any other; its region is shared by all processes. */
static void image_open(void)
{
	static const char *const names[] = { IMAGE_PATH, "/fluke/image" };
	struct FileStatus status;
	int error = ENOENT;

	for (unsigned i = 0; i < 2 && error; i++)
		error = FileSystem_open(&manager->filesystem, names[i], O_RDONLY, 0, &manager->other, &status);
	if (!error)
		error = FileDescription_map(&manager->other, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, &manager->image);
	if (error)
		fail("personality image", error);
}

static void objects_create(void)
{
	fluke_ref_t *ref;

	fluke_region_create(&manager->search);
	for (ref = &manager->pool; ref <= &manager->null; ref++)
		fluke_ref_create(ref);
}

static void services_find(void)
{
	struct FileStatus status;
	const char *cwd = getenv("PWD");

	lookup("pool", &manager->pool);
	lookup("fs", &manager->filesystem);
	lookup("clock", &manager->clock);
	lookup("scheduler", &manager->scheduler);
	Parent_lookup(parent_ref(), "session", &manager->sessions);	/* a nested manager has none */
	if (!Parent_lookup(parent_ref(), "cwd", &manager->cwd))		/* ours, as a process of another manager */
		cwd = NULL;
	else
		fluke_ref_copy(&manager->filesystem, &manager->cwd);
	if (cwd && *cwd == '/')
		FileSystem_open(&manager->filesystem, cwd, O_RDONLY | O_DIRECTORY, 0, &manager->cwd, &status);
	debugger_find();
	image_open();
}

/* ---- the first process's start-up record */

struct record { union { struct startup head; char bytes[RECORD_MAX]; } u; uint32_t size; };

static void *record_room(struct record *record, uint32_t size)
{
	void *at = record->u.bytes + record->size;

	if (record->size + size > RECORD_MAX)
		fail("command line", E2BIG);
	record->size = (record->size + size + 7) & ~7u;
	return at;
}

static uint32_t record_strings(struct record *record, char *const *strings, uint32_t *count)
{
	uint32_t size = 0, n;
	char *to;

	for (n = 0; strings[n]; n++)
		size += strlen(strings[n]) + 1;
	*count = n;
	to = record_room(record, size + 1);
	for (n = 0, size = 0; strings[n]; n++, size += strlen(to + size) + 1)
		strcpy(to + size, strings[n]);
	return to - record->u.bytes;
}

static void record_files(struct record *record)
{
	struct startup *head = &record->u.head;
	struct startup_fd *fd = record_room(record, 3 * sizeof *fd);
	struct startup_file *file = record_room(record, 3 * sizeof *file);

	head->fd_offset = (char *)fd - record->u.bytes;
	head->file_offset = (char *)file - record->u.bytes;
	for (int n = 0; n < 3; n++) {
		struct FileStatus status;

		if (!descriptor(n))
			continue;
		fd[head->fd_count++] = (struct startup_fd){ n, n, 0 };
		file->file = n;
		file->shared = 1;
		file->flags = n ? O_WRONLY : O_RDONLY;
		if (!FileDescription_stat(descriptor(n), &status))
			file->mode = status.mode;
		if (session_is_tty(descriptor(n)))
			file->flags = O_RDWR;
		file++;
		head->file_count++;
	}
}

static struct record *record_make(char **command)
{
	static struct record record;
	struct startup *head = &record.u.head;

	record.size = sizeof *head;
	head->magic = STARTUP_MAGIC;
	head->flags = STARTUP_RESOLVE;
	head->mask = 022;
	record_files(&record);
	head->arg_offset = record_strings(&record, command, &head->arg_count);
	head->env_offset = record_strings(&record, environ, &head->env_count);
	head->size = record.size;
	return &record;
}

/* The next nester of the stack is a native program in its folder. */
static fluke_ref_t *nester_open(const char *name)
{
	struct FileStatus status;
	char path[128];
	int error;

	snprintf(path, sizeof path, "/fluke/nesters/%s", name);
	error = FileSystem_open(&manager->filesystem, path, O_RDONLY, 0, &manager->other, &status);
	if (error)
		fail(path, error);
	return ref_dup(&manager->other);
}

static void first_start(char **command, int is_nester)
{
	struct record *record = record_make(command);
	fluke_ref_t *native = is_nester ? nester_open(command[0]) : NULL;
	struct process *p;
	int error;

	manager_enter();
	p = process_first(command[0], &record->u.head, record->size, native, &error);
	if (!p)
		fail(command[0], error);
	manager_leave();
}

/* The first process has ended, and with it the system. */
void system_ended(int status)
{
	missing_report();
	Parent_exit(parent_ref(), status);
	for (;;)
		thread_exit();
}

/* Our own options, then the next nester's words up to "--", or at once the command. */
static char **arguments(char **argv, int *is_nester)
{
	char **word = argv + 1;

	*is_nester = 0;
	for (; *word && **word == '-'; word++) {
		if (!strcmp(*word, "-v"))
			manager_verbose = guard_verbose = 1;
		else if (!strcmp(*word, "-c"))
			manager_counts = 1;
		if (!strcmp(*word, "--"))
			return word + 1;
	}
	for (char **rest = word; *rest; rest++)
		if (!strcmp(*rest, "--"))
			*is_nester = 1;
	return word;
}

static int object_page_touch(void *page)
{
	fluke_mutex_t *last = (fluke_mutex_t *)((char *)page + FLUKE_PAGE_SIZE) - 1;

	fluke_mutex_create(last);	/* faults harmlessly if something is there already */
	fluke_mutex_destroy(last);
	return 0;
}

/* Memory that must be there when processes have taken all they may: heap, and pages for objects. */
static void memory_reserve(void)
{
	char *heap = malloc(HEAP_RESERVE);

	for (uint32_t i = 0; heap && i < HEAP_RESERVE; i += FLUKE_PAGE_SIZE)
		((volatile char *)heap)[i] = 0;
	free(heap);
	for (uint32_t i = 0; i < OBJECT_RESERVE; i++)
		guarded(object_page_touch, (char *)START_NATIVE_OBJECTS + i * FLUKE_PAGE_SIZE);
}

int main(int argc, char **argv)
{
	int is_nester;
	char **command = arguments(argv, &is_nester);

	(void)argc;
	if (!*command)
		fail("no command", EINVAL);
	memory_reserve();
	objects_create();
	services_find();
	table_init();
	bodies_init();
	facts_init();
	server = server_new(WORKERS, WORKERS_MOST, MESSAGE_MAX);
	if (!server)
		fail("workers", ENOMEM);
	if (stream_setup())
		fail("pipes", ENOMEM);
	later_init();
	if (nesting_begin("process"))
		fail("view of the nesting", ENOMEM);
	first_start(command, is_nester);
	server_run(server);
}
