/* Where a path leads: which FileSystem is asked, and the names that the image itself answers.
 *
 * Absolute paths go to the root directory's server, relative ones to the working directory's or an open
 * directory's; /proc goes to the process manager (its port is the FileSystem of /proc), except what only
 * the image knows: /proc/self/{fd,exe}, /dev/fd, /dev/stdin ..., /dev/tty. */
#include "posix.h"
#include "calls.h"
#include <stdio.h>
#include <stdlib.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>

static char exe[4096];
static int exe_file = -1;

/* The program's file stays open: its name is looked for (which is dear) only when somebody asks. */
/* Names of mapped files.  The path of the file opened last is kept until that is mapped, which is mostly the next
 * that happens to it; a file mapped later shows none. */
char area_names[IMAGE_NAMES][IMAGE_NAME_SIZE];
static char opened_path[IMAGE_NAME_SIZE];
static uint16_t opened_serial;

void name_opened(int file, const char *path)
{
	opened_serial = files[file].serial;
	strlcpy(opened_path, path[0] == '/' ? path : "", sizeof(opened_path));
}

uint8_t name_of(int file)
{
	uint8_t n;

	if (files[file].name || files[file].serial != opened_serial || !opened_path[0])
		return files[file].name;
	for (n = 0; n < IMAGE_NAMES - 1 && area_names[n][0] && strcmp(area_names[n], opened_path); n++)
		;
	strlcpy(area_names[n], opened_path, sizeof(area_names[n]));
	return files[file].name = (uint8_t)(n + 1);
}

void exe_remember(int file, const char *name)
{
	files[file].name = AREA_PROGRAM;
	exe_file = file;
	files[file].shared = 1;		/* never read again: fork need not hand its offset over */
	strlcpy(exe, name, sizeof(exe));
}

static const char *exe_path(void)
{
	static bool known;
	char name[4096];

	if (known || exe_file < 0)
		return exe;
	known = true;
	if (FileDescription_path(file_ref(exe_file), name, sizeof(name)) == 0)
		strlcpy(exe, name, sizeof(exe));
	return exe;
}

uint32_t copy_path(char *to, const char *from)
{
	uint32_t n;

	for (n = 0; n < 4096; n++)
		if ((to[n] = from[n]) == 0)
			return n ? n : (uint32_t)-ENOENT;
	return (uint32_t)-ENAMETOOLONG;
}

/* The same; relative to a descriptor of /proc/self/fd the path becomes absolute. */
uint32_t copy_path_at(char *to, int dirfd, const char *from)
{
	static const char folder[] = "/proc/self/fd/";
	uint32_t length = copy_path(to, from);
	bool special = false;

	if ((int)length < 0 || to[0] == '/' || dirfd == AT_FDCWD)
		return length;
	image_lock();
	if (dirfd >= 0 && dirfd < FDS && fds[dirfd].file)
		special = files[fds[dirfd].file - 1].special == FILE_FDS;
	image_unlock();
	if (!special || length + sizeof(folder) > 4096)
		return length;
	memmove(to + sizeof(folder) - 1, to, length + 1);
	memcpy(to, folder, sizeof(folder) - 1);
	return length + sizeof(folder) - 1;
}

static const char *skip_slashes(const char *path)
{
	while (*path == '/')
		path++;
	return path;
}

/* "/proc" or "/proc/..." : what follows, else null */
static const char *below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(path, prefix, n) || (path[n] && path[n] != '/'))
		return NULL;
	return skip_slashes(path + n);
}

static int set_place(struct place *p, fluke_ref_t *dir, const char *rest)
{
	p->dir = dir;
	memmove(p->path, *rest ? rest : ".", strlen(rest) + 1 + (*rest == 0));
	return 0;
}

static int from_text(struct place *p, int dirfd)
{
	const char *rest;

	if (p->path[0] == '/') {
		rest = below(p->path, "/proc");
		if (rest)
			return set_place(p, REF_PROCESS, rest);
		return set_place(p, REF(IMAGE_REF_ROOT), skip_slashes(p->path));
	}
	if (dirfd == AT_FDCWD) {
		p->dir = REF(IMAGE_REF_CWD);
		return 0;
	}
	p->file = fd_file(dirfd);
	if (p->file < 0)
		return p->file;
	if (!S_ISDIR(files[p->file].mode))
		return -ENOTDIR;
	p->dir = file_ref(p->file);
	return 0;
}

/* path: in user memory.  The empty path stays empty (AT_EMPTY_PATH is the caller's). */
int place_find(struct place *p, int dirfd, const char *path)
{
	int length = (int)copy_path(p->path, path), error;

	p->file = -1;
	if (length < 0)
		return length;
	error = from_text(p, dirfd);
	if (error)
		place_end(p);
	return error;
}

void place_end(struct place *p)
{
	if (p->file >= 0)
		file_release(p->file);
	p->file = -1;
}

/* ---- names of the image ---- */

static int number_of(const char *text)
{
	int n = 0;

	if (*text == 0)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > FDS)
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n;
}

static const char *self_name(const char *path)
{
	char own[32];
	const char *rest = below(path, "/proc/self");

	if (rest)
		return rest;
	snprintf(own, sizeof(own), "/proc/%d", FACTS->pid);
	return below(path, own);
}

/* Descriptor that the path stands for, or -1. */
static int fd_name(const char *path)
{
	const char *rest = below(path, "/dev/fd"), *mine;

	if (rest && *rest)
		return number_of(rest);
	if (!strcmp(path, "/dev/stdin"))
		return 0;
	if (!strcmp(path, "/dev/stdout"))
		return 1;
	if (!strcmp(path, "/dev/stderr"))
		return 2;
	mine = self_name(path);
	if (mine && (rest = below(mine, "fd")) && *rest)
		return number_of(rest);
	return -1;
}

/* Links of the tree itself: /dev/stdin and so on. */
static bool device_link(const char *path)
{
	return !strncmp(path, "/dev/std", 8);
}

/* The folder of the descriptors itself. */
static bool fd_folder(const char *path)
{
	const char *mine = self_name(path), *rest = below(path, "/dev/fd");

	if (!rest && mine)
		rest = below(mine, "fd");
	return rest && *rest == 0;
}

/* Status of a name that is a link of the image: true = it is one. */
bool self_is_link(const char *path)
{
	const char *mine = self_name(path);
	int fd = device_link(path) ? -1 : fd_name(path);

	return (mine && !strcmp(mine, "exe")) || (fd >= 0 && fd < FDS && fds[fd].file);
}

/* getdents64 of the folder; *cookie: next descriptor + 2. */
long fd_entries(uint64_t *cookie, uint8_t *to, uint32_t count)
{
	uint32_t put = 0, n, length, record;
	char name[12];

	for (n = (uint32_t)*cookie; n < FDS + 2; n++) {
		struct linux_dirent64 d = { .d_ino = n + 1, .d_off = n + 1, .d_type = n < 2 ? DT_DIR : DT_LNK };

		if (n >= 2 && !fds[n - 2].file)
			continue;
		if (n < 2)
			strlcpy(name, n ? ".." : ".", sizeof(name));
		else
			snprintf(name, sizeof(name), "%u", n - 2);
		length = (uint32_t)strlen(name) + 1;
		record = (sizeof(d) + length + 7) & ~7u;
		if (put + record > count)
			break;
		d.d_reclen = (uint16_t)record;
		memcpy(to + put, &d, sizeof(d));
		memcpy(to + put + sizeof(d), name, length);
		put += record;
	}
	*cookie = n;
	return put || n >= FDS + 2 ? (long)put : -EINVAL;
}

static int open_folder(void)
{
	int file = file_new();

	if (file < 0)
		return file;
	files[file].special = FILE_FDS;
	files[file].mode = S_IFDIR | 0500;
	return file;
}

int self_link(const char *path, char *to, size_t size)
{
	const char *mine = self_name(path);
	int fd = device_link(path) ? -1 : fd_name(path), file, error = 0;

	if (mine && !strcmp(mine, "exe")) {
		strlcpy(to, exe_path(), size);
		return 0;
	}
	if (fd < 0)
		return -ENOENT;
	file = fd_file(fd);
	if (file < 0)
		return -ENOENT;
	if (S_ISFIFO(files[file].mode))
		snprintf(to, size, "pipe:[%d]", file + 1);
	else if (files[file].special >= FILE_EPOLL)
		strlcpy(to, files[file].special == FILE_EPOLL ? "anon_inode:[eventpoll]" : "anon_inode:[eventfd]", size);
	else if (files[file].special)
		snprintf(to, size, "/proc/%d/fd", FACTS->pid);
	else
		error = FileDescription_path(file_ref(file), to, size);
	file_release(file);
	return fail(error);
}

/* Opens a name of the image: a file, or -ENOENT when it is none. */
int text_open(const char *path)
{
	const char *mine = self_name(path);
	int fd = fd_name(path), file;

	if (fd >= 0)
		return fd_file(fd) >= 0 ? fds[fd].file - 1 : -ENOENT;
	if (fd_folder(path))
		return open_folder();
	if (mine && !strcmp(mine, "exe"))
		return file_open(exe_path(), O_RDONLY, 0);
	if (!strcmp(path, "/dev/tty")) {
		if (!(FACTS->flags & FACTS_TERMINAL) || fluke_ref_type(REF(IMAGE_REF_TTY)) == FLUKE_NULL)
			return -ENXIO;
		file = file_new();
		if (file < 0)
			return file;
		fluke_ref_copy(REF(IMAGE_REF_TTY), file_ref(file));
		files[file].mode = S_IFCHR | 0666;
		return file;
	}
	return -ENOENT;
}
