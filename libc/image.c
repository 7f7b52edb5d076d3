/* The personality image: its start in a new process, and the dispatch of Linux's calls.
 *
 * image_start runs once per exec, on the image's own stack, takes the start-up record over and
 * leaves into the program.  From then on the image is entered by calls, interrupts and traps only
 * (posix/entry.S); image_dispatch finds the handler by number in posix/table.c. */
#include "posix/posix.h"
#include "posix/calls.h"
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/Parent.h>
#include <protocols/Process.h>
#include <stdio.h>

typedef long (*handler_t)(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

void image_start(void) __attribute__((noreturn));
void image_dispatch(struct registers *r);

static long run(struct registers *r)
{
	handler_t handler = (handler_t)posix_table[r->orig_eax];

	return handler(r->ebx, r->ecx, r->edx, r->esi, r->edi, r->ebp);
}

/* For docs/linux-calls.md: each call's first success and first failure in this process. */
static void count_call(uint32_t number, long result)
{
	static uint8_t seen[512];
	uint8_t bit = result < 0 && result >= -4095 ? 2 : 1;

	if (number >= sizeof seen || seen[number] & bit)
		return;
	seen[number] |= bit;
	Process_call_seen(REF_PROCESS, number, bit == 2 ? result : 0);
}

void image_dispatch(struct registers *r)
{
	uint32_t number = r->orig_eax;
	struct thread *t = self();
	long result;

	if (number >= posix_table_size || !posix_table[number]) {
		Process_missing_call(REF_PROCESS, number);
		r->eax = (uint32_t)-ENOSYS;
		return;
	}
	t->holding = 0;
	result = image_guarded(r, run);
	if (result == -EFAULT)
		files_drop(t);
	r = t->frame;
	r->eax = (uint32_t)result;
	if (FACTS->flags & FACTS_COUNT_CALLS)
		count_call(number, result);
	if (result != -ERESTART)
		t->restart = false;	/* a part was done before the signal: that is the answer */
	else
		t->flag = 1;
	if (t->taken.number || (FACTS->pending | FACTS->thread_pending[t->number]) & ~t->blocked)
		t->flag = 1;
}

/* ---- start ---- */

static void take_files(const struct startup *s)
{
	const struct startup_file *f = (const void *)((const char *)s + s->file_offset);
	const struct startup_fd *d = (const void *)((const char *)s + s->fd_offset);
	uint32_t n;

	for (n = 0; n < s->file_count; n++)
		files[f[n].file] = (struct file){ .made = 1, .shared = f[n].shared != 0, .flags = f[n].flags, .mode = f[n].mode,
			.offset = f[n].offset };
	for (n = 0; n < s->fd_count; n++) {
		fds[d[n].fd] = (struct descriptor){ .file = (int16_t)(d[n].file + 1), .cloexec = (d[n].flags & FD_CLOEXEC) != 0 };
		files[d[n].file].uses++;
	}
	locks_started((const uint32_t *)(const void *)((const char *)s + s->ref_offset), s->ref_count);
}

/* Files that the manager knew nothing about: ask the server. */
static void complete_files(void)
{
	struct FileStatus status;
	int n;

	for (n = 0; n < IMAGE_FILES_MAX; n++)
		if (files[n].uses && !files[n].mode && FileDescription_stat(file_ref(n), &status) == 0)
			files[n].mode = status.mode;
}

static const char *variable(const struct program *p, const char *name)
{
	const char *e = p->env;
	size_t length = strlen(name);
	uint32_t n;

	for (n = 0; n < p->env_count; n++, e += strlen(e) + 1)
		if (!strncmp(e, name, length) && e[length] == '=')
			return e + length + 1;
	return NULL;
}

/* First process: the program's path from args[0] and PATH, into name. */
static int search(const struct program *p, char *name, size_t size, char *prefix, size_t prefix_size, unsigned *count)
{
	const char *path = variable(p, "PATH"), *end;
	int file = -ENOENT;

	strlcpy(name, p->args, size);
	if (strchr(p->args, '/'))
		return exec_resolve(name, prefix, prefix_size, count);
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin:/sbin:/usr/sbin"; *path; path = *end ? end + 1 : end) {
		end = path + strcspn(path, ":");
		if ((size_t)(end - path) + strlen(p->args) + 2 > size)
			continue;
		memcpy(name, path, (size_t)(end - path));
		name[end - path] = '/';
		strlcpy(name + (end - path) + 1, p->args, size);
		file = exec_resolve(name, prefix, prefix_size, count);
		if (file >= 0)
			return file;
	}
	return file;
}

/* The prefix that a script's #! line asks for goes before the arguments, in a new list behind the record. */
static void put_prefix(struct program *p, struct startup *s, const char *prefix, unsigned count)
{
	char *at = (char *)s + ((s->size + 15) & ~15u);
	const char *old = p->args + strlen(p->args) + 1;
	uint32_t n;

	p->args = at;
	for (n = 0; n < count + p->arg_count - 1; n++) {
		const char *text = n < count ? prefix : old;
		size_t length = strlen(text) + 1;

		memcpy(at, text, length);
		at += length;
		if (n < count)
			prefix += length;
		else
			old += length;
	}
	p->arg_count += count - 1;
}

/* Standard error of the start-up record, or null. */
static fluke_ref_t *record_error(void)
{
	const struct startup *s = (const struct startup *)IMAGE_STARTUP;
	const struct startup_fd *fd = (const struct startup_fd *)((const char *)s + s->fd_offset);

	for (uint32_t n = 0; s->magic == STARTUP_MAGIC && n < s->fd_count; n++)
		if (fd[n].fd == 2)
			return (fluke_ref_t *)IMAGE_FILES + fd[n].file;
	return NULL;
}

static void die(const char *what, int error)
{
	fluke_ref_t *standard_error = record_error();
	char text[4300];
	uint32_t written;

	snprintf(text, sizeof(text), error == -ENOENT ? "%.4096s: not found\n" : "%.4096s: cannot be run (error %d)\n", what, -error);
	if (!standard_error || FileDescription_write(standard_error, ~0ull, 0, text, strlen(text), &written, NULL))
		Parent_log(REF_PROCESS, text);
	image_exit(127 << 8);
}

void image_start(void)
{
	static char name[4096], prefix[5000];
	static struct registers registers;
	struct startup *s = startup_record();
	struct program p;
	unsigned count = 0;
	int error;

	memcpy(image_data, image_data_load, (size_t)(image_data_end - image_data));
	threads_start();
	fluke_thread_enable_exceptions(NULL);
	if (s->magic != STARTUP_MAGIC)
		die("no start-up record", -EINVAL);
	signals_start(s->ignored, s->blocked);
	image_umask = s->mask;
	if (s->limits[RLIMIT_AS][0])
		image_space_limit = s->limits[RLIMIT_AS][0];
	image_fd_limit = s->limits[RLIMIT_NOFILE][0] ? (uint32_t)s->limits[RLIMIT_NOFILE][0] : FDS;
	if (image_fd_limit > FDS)
		image_fd_limit = FDS;
	take_files(s);
	vm_start();
	complete_files();
	p = (struct program){ .args = (char *)s + s->arg_offset, .env = (char *)s + s->env_offset, .arg_count = s->arg_count,
		.env_count = s->env_count };
	if (s->flags & STARTUP_RESOLVE) {
		p.file = search(&p, name, sizeof(name), prefix, sizeof(prefix), &count);
		if (p.file < 0)
			die(p.args, p.file);
		if (count)
			put_prefix(&p, s, prefix, count);
		p.name = name;
		if (!count && exec_is_native(p.file))
			die(name, exec_first(&p));
	} else {
		p.file = file_new();
		fluke_ref_copy(REF(IMAGE_REF_PROGRAM), file_ref(p.file));
		fluke_ref_clear(REF(IMAGE_REF_PROGRAM));
		files[p.file].mode = S_IFREG | 0755;
		exec_program_made = true;
		p.name = (char *)s + s->name_offset;
	}
	exe_remember(p.file, p.name);
	error = load_program(&p, &registers);
	if (error)
		image_exit(SIGSEGV);	/* as Linux: too late for an error from execve */
	struct registers *frame = (struct registers *)(IMAGE_STACK_TOP(0) - sizeof(*frame));
	self()->frame = frame;
	*frame = registers;
	self()->flag = 0;
	((void (*)(uint32_t))IMAGE_ENTRY_READY)(registers.eip);
	image_leave_with(frame);
}
