/* execve: everything that can fail is done in the old process; the record at IMAGE_STARTUP is then the
 * process manager's, which makes the new process and hands the record to its image. */
#include "posix.h"
#include "calls.h"
#include "elf.h"
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/Process.h>

#define SCRIPT_DEPTH	4

bool exec_program_made;

/* ---- what the file is ---- */

static int open_program(const char *path)
{
	struct FileStatus s;
	int file = file_open(path, O_RDONLY, 0), error;
	uint32_t mode;

	if (file < 0)
		return file;
	error = fail(FileDescription_stat(file_ref(file), &s));
	mode = s.mode;
	if (!error && (!S_ISREG(mode) || !(mode & 0111)))
		error = -EACCES;
	if (error) {
		file_release(file);
		return error;
	}
	return file;
}

/* 0 = an ELF program for this machine; interpreter: its PT_INTERP, or "". */
int exec_check(int file, char *interpreter, size_t size)
{
	uint8_t head[1024];
	const struct elf_header *e = (const struct elf_header *)head;
	const struct elf_segment *s;
	int got = file_read_at(file, 0, head, sizeof(head)), n;

	*interpreter = 0;
	if (got < 0)
		return got;
	if (got < (int)sizeof(*e) || memcmp(e->ident, "\177ELF\1\1", 6) || e->machine != 3 || (e->type != 2 && e->type != 3) ||
	    e->segment_size != sizeof(*s) || e->segments == 0 || e->segment_offset + e->segments * sizeof(*s) > (uint32_t)got)
		return -ENOEXEC;
	s = (const struct elf_segment *)(head + e->segment_offset);
	for (n = 0; n < e->segments; n++)
		if (s[n].type == ELF_INTERP) {
			if (s[n].file_size < 2 || s[n].file_size > size)
				return -ENOEXEC;
			got = file_read_at(file, s[n].offset, interpreter, s[n].file_size);
			if (got < 0)
				return got;
			interpreter[s[n].file_size - 1] = 0;
		}
	return 0;
}

#define NATIVE_BASE	0x00400000u	/* libc/native.ld */

/* A program for the Fluke API: static, fixed, at the native programs' address. */
bool exec_is_native(int file)
{
	uint8_t head[1024];
	const struct elf_header *e = (const struct elf_header *)head;
	const struct elf_segment *s;
	uint32_t low = ~0u;
	int got = file_read_at(file, 0, head, sizeof(head)), n;

	if (got < (int)sizeof(*e) || e->type != 2 || e->segment_offset + e->segments * sizeof(*s) > (uint32_t)got)
		return false;
	s = (const struct elf_segment *)(head + e->segment_offset);
	for (n = 0; n < e->segments; n++) {
		if (s[n].type == ELF_INTERP)
			return false;
		if (s[n].type == ELF_LOAD && s[n].address < low)
			low = s[n].address;
	}
	return low == NATIVE_BASE;
}

static int check_interpreter(const char *path)
{
	char none[256];
	int file = open_program(path), error;

	if (file < 0)
		return file;
	error = exec_check(file, none, sizeof(none));
	file_release(file);
	return error == -ENOEXEC ? -80 : error;		/* ELIBBAD */
}

/* The line after #!: cuts it into interpreter and argument (null if none). */
static int script_line(char *line, char **interpreter, char **argument)
{
	char *p = line, *end;

	while (*p == ' ' || *p == '\t')
		p++;
	*interpreter = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	if (p == *interpreter)
		return -ENOEXEC;
	if (*p)
		*p++ = 0;
	while (*p == ' ' || *p == '\t')
		p++;
	end = p + strlen(p);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	*argument = *p ? p : NULL;
	return 0;
}

static int read_script(int file, char *line, size_t size)
{
	int got = file_read_at(file, 0, line, (uint32_t)size - 1), n;

	if (got < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	line[got] = 0;
	for (n = 2; n < got && line[n] != '\n'; n++)
		;
	line[n] = 0;
	memmove(line, line + 2, (size_t)n - 1);
	return 1;
}

/* Opens the program that the path leads to, through #! lines: a file, or -errno.  prefix gets the arguments
 * that come before argv[1] (strings one after the other), *count their number; 0 = argv[0] stays. */
int exec_resolve(const char *path, char *prefix, size_t size, unsigned *count)
{
	char line[256], name[4096], *interpreter, *argument;
	size_t used = 0, n;
	int file, depth, error;

	*count = 0;
	strlcpy(name, path, sizeof(name));
	for (depth = 0; ; depth++) {
		file = open_program(name);
		if (file < 0)
			return file;
		if (!read_script(file, line, sizeof(line)))
			break;
		file_release(file);
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		if ((error = script_line(line, &interpreter, &argument)) < 0)
			return error;
		/* in front: interpreter [argument] name; the former front word (its path) is `name` already */
		n = strlen(interpreter) + 1 + (argument ? strlen(argument) + 1 : 0);
		if (depth == 0) {
			used = strlen(name) + 1;
			memcpy(prefix, name, used);
			*count = 1;
		}
		if (used + n > size)
			return -E2BIG;
		memmove(prefix + n, prefix, used);
		strlcpy(prefix, interpreter, size);
		if (argument)
			strlcpy(prefix + strlen(interpreter) + 1, argument, size);
		used += n;
		*count += argument ? 2 : 1;
		strlcpy(name, interpreter, sizeof(name));
	}
	error = exec_check(file, line, sizeof(line));
	if (!error && line[0])
		error = check_interpreter(line);
	if (error) {
		file_release(file);
		return error;
	}
	return file;
}

/* ---- the record ---- */

struct writer { uint8_t *at, *end; };

static uint32_t put(struct writer *w, const void *data, uint32_t size)
{
	uint8_t *at = w->at;

	if (size > (uint32_t)(w->end - w->at))
		return 0;
	memcpy(at, data, size);
	w->at += size;
	return (uint32_t)(at - (uint8_t *)IMAGE_STARTUP);
}

/* Linux's limits: one string, and all with their pointers (a quarter of the usual stack). */
#define STRING_MAX	0x20000u
#define STRINGS_MAX	0x200000u

static int put_strings(struct writer *w, char *const *list, uint32_t *count)
{
	uint32_t size;

	for (; list && *list; list++, ++*count) {
		size = (uint32_t)strnlen(*list, STRING_MAX) + 1;
		if (size > STRING_MAX || (uint32_t)w->at - IMAGE_STARTUP + 4 * *count + size > STRINGS_MAX || !put(w, *list, size))
			return -E2BIG;
	}
	return 0;
}

static uint32_t here(struct writer *w)
{
	w->at = (uint8_t *)(((uint32_t)w->at + 7) & ~7u);
	return (uint32_t)(w->at - (uint8_t *)IMAGE_STARTUP);
}

static void put_files(struct writer *w, struct startup *s)
{
	static bool used[IMAGE_FILES_MAX];
	uint32_t ref;
	int n;

	memset(used, 0, sizeof(used));
	s->fd_offset = here(w);
	for (n = 0; n < FDS; n++) {
		struct startup_fd fd = { .fd = (uint16_t)n, .file = (uint16_t)(fds[n].file - 1) };

		if (!fds[n].file || fds[n].cloexec || files[fds[n].file - 1].special)
			continue;
		put(w, &fd, sizeof(fd));
		used[fd.file] = true;
		s->fd_count++;
	}
	s->file_offset = here(w);
	for (n = 0; n < IMAGE_FILES_MAX; n++) {
		struct startup_file f = { .file = (uint16_t)n, .shared = files[n].shared, .flags = files[n].flags,
			.mode = files[n].mode, .offset = files[n].offset };

		if (!used[n])
			continue;
		put(w, &f, sizeof(f));
		s->file_count++;
	}
	s->ref_offset = here(w);
	for (n = -3; n < IMAGE_FILES_MAX; n++) {
		if (n >= 0 && !used[n])
			continue;
		ref = n == -3 ? IMAGE_REF_ROOT : n == -2 ? IMAGE_REF_CWD : n == -1 ? IMAGE_REF_PROGRAM : (uint32_t)file_ref(n);
		put(w, &ref, 4);
		s->ref_count++;
	}
	for (n = 0; n < IMAGE_LOCK_OWNERS; n++)
		if ((ref = locks_owner((unsigned)n)) != 0) {
			put(w, &ref, 4);
			s->ref_count++;
		}
}

static int put_record(const char *path, const char *prefix, unsigned prefix_count, char *const *argv, char *const *envp)
{
	struct startup *s = (struct startup *)IMAGE_STARTUP;
	struct writer w = { (uint8_t *)(s + 1), (uint8_t *)IMAGE_STARTUP + IMAGE_STARTUP_MAX - 0x20000 };
	int number, error;

	memset(s, 0, sizeof(*s));
	s->magic = STARTUP_MAGIC;
	s->arg_offset = here(&w);
	for (; s->arg_count < prefix_count; s->arg_count++) {
		put(&w, prefix, (uint32_t)strlen(prefix) + 1);
		prefix += strlen(prefix) + 1;
	}
	if (prefix_count && argv && *argv)
		argv++;
	if ((error = put_strings(&w, argv, &s->arg_count)) < 0)
		return error;
	if (s->arg_count == 0) {
		put(&w, "", 1);
		s->arg_count = 1;
	}
	s->env_offset = here(&w);
	if ((error = put_strings(&w, envp, &s->env_count)) < 0)
		return error;
	s->name_offset = put(&w, path, (uint32_t)strlen(path) + 1);
	if (!s->name_offset)
		return -E2BIG;
	w.end += 0x20000;
	put_files(&w, s);
	s->mask = image_umask;
	s->limits[RLIMIT_NOFILE][0] = s->limits[RLIMIT_NOFILE][1] = image_fd_limit;
	s->limits[RLIMIT_AS][0] = s->limits[RLIMIT_AS][1] = image_space_limit;
	s->blocked = self()->blocked;
	for (number = 1; number <= 64; number++)
		if (actions[number].handler == SIG_IGN)
			s->ignored |= 1ull << (number - 1);
	s->size = (uint32_t)(w.at - (uint8_t *)IMAGE_STARTUP);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The record is complete: the manager takes over.  Returns only an error. */
static int hand_over(int file, const char *path)
{
	int error;

	image_lock();
	if (!exec_program_made)
		fluke_ref_create(REF(IMAGE_REF_PROGRAM));
	exec_program_made = true;
	fluke_ref_copy(file_ref(file), REF(IMAGE_REF_PROGRAM));
	image_unlock();
	locks_forget_cloexec();
	error = fail(Process_exec(REF_PROCESS, exec_is_native(file) ? EXEC_NATIVE : 0, base_name(path), (void *)IMAGE_STARTUP,
		startup_record()->size));
	fluke_ref_clear(REF(IMAGE_REF_PROGRAM));
	return error;
}

static long exec(const char *user_path, char *const *argv, char *const *envp)
{
	char path[4096], prefix[5000];
	unsigned count;
	int file, error = (int)copy_path(path, user_path);

	if (error < 0)
		return error;
	file = exec_resolve(path, prefix, sizeof(prefix), &count);
	if (file < 0)
		return file;
	error = put_record(path, prefix, count, argv, envp);
	if (!error)
		error = hand_over(file, path);
	file_release(file);
	return error;
}

static char **list_of(const char *text, uint32_t count, char **list)
{
	while (count--) {
		*list++ = (char *)text;
		text += strlen(text) + 1;
	}
	*list++ = NULL;
	return list;
}

/* The first program turned out to be native: the record is written anew from a copy of itself. */
int exec_first(const struct program *p)
{
	char **argv = (char **)(IMAGE_STARTUP + IMAGE_STARTUP_MAX / 2), **envp = list_of(p->args, p->arg_count, argv);
	char *copy = (char *)list_of(p->env, p->env_count, envp);
	uint32_t moved, n;

	moved = (uint32_t)copy - IMAGE_STARTUP;
	memcpy(copy, (void *)IMAGE_STARTUP, startup_record()->size);
	for (n = 0; n < p->arg_count; n++)
		argv[n] += moved;
	for (n = 0; n < p->env_count; n++)
		envp[n] += moved;
	n = (uint32_t)put_record(p->name, NULL, 0, argv, envp);
	return n ? (int)n : hand_over(p->file, p->name);
}

struct startup *startup_record(void)
{
	return (struct startup *)IMAGE_STARTUP;
}

long posix_execve(const char *path, char *const *argv, char *const *envp)
{
	return exec(path, argv, envp);
}

long posix_execveat(int dirfd, const char *path, char *const *argv, char *const *envp, uint32_t flags)
{
	char name[4096], whole[4096];
	int file, error = (int)copy_path(name, path);
	bool empty = flags & AT_EMPTY_PATH && path[0] == 0;

	if (!empty && error < 0)
		return error;
	if (dirfd == AT_FDCWD || name[0] == '/')
		return exec(name, argv, envp);
	file = fd_file(dirfd);
	if (file < 0)
		return file;
	error = fail(FileDescription_path(file_ref(file), whole, sizeof(whole)));
	file_release(file);
	if (error)
		return error;
	if (!empty) {
		strlcat(whole, "/", sizeof(whole));
		strlcat(whole, name, sizeof(whole));
	}
	return exec(whole, argv, envp);
}
