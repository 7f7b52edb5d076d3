/* Linux's calls on names: open, make, remove, rename, link, permissions, times, directories.
 *
 * Each is one message to the FileSystem that place_find names; umask is applied here. */
#include "posix.h"
#include "calls.h"
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>

uint32_t image_umask = 022;

/* ---- open ---- */

static int open_place(struct place *p, uint32_t flags, uint32_t mode)
{
	struct FileStatus status;
	int file = file_new(), error;

	if (file < 0)
		return file;
	error = BLOCKING(FileSystem_open(p->dir, p->path, flags & ~(uint32_t)O_CLOEXEC, mode & ~image_umask, file_ref(file), &status));
	if (error) {
		file_release(file);
		return fail(error);
	}
	files[file].mode = status.mode;
	files[file].flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC);
	return file;
}

/* For the image's own use: path in its memory. */
int file_open(const char *path, uint32_t flags, uint32_t mode)
{
	struct place p;
	int error = place_find(&p, AT_FDCWD, path), file;

	if (error)
		return error;
	file = open_place(&p, flags, mode);
	place_end(&p);
	return file;
}

/* An open file by its name in /proc/self/fd or /dev/fd: a regular one gets a description of its own, others have one. */
static int reopen(int old, uint32_t flags)
{
	struct FileStatus status;
	int file, error;

	if (files[old].special || !(S_ISREG(files[old].mode) || S_ISDIR(files[old].mode)))
		return old;
	file = file_new();
	if (file >= 0) {
		error = FileDescription_reopen(file_ref(old), flags & ~(uint32_t)O_CLOEXEC, file_ref(file), &status);
		if (error) {
			file_release(file);
			file = fail(error);
		} else {
			files[file].mode = status.mode;
			files[file].flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC | O_LARGEFILE);
		}
	}
	file_release(old);
	return file;
}

long posix_openat(int dirfd, const char *path, uint32_t flags, uint32_t mode)
{
	struct place p;
	char name[4096];
	int file, error = (int)copy_path_at(name, dirfd, path);

	if (error < 0)
		return error;
	file = name[0] == '/' ? text_open(name) : -ENOENT;
	if (file == -ENOENT) {
		error = place_find(&p, dirfd, name);
		if (error)
			return error;
		file = open_place(&p, flags, mode);
		place_end(&p);
		if (file >= 0 && S_ISREG(files[file].mode))
			name_opened(file, name);
	} else if (file >= 0)
		file = reopen(file, flags);
	if (file < 0)
		return file;
	return fd_install(file, 0, (flags & O_CLOEXEC) != 0);
}

long posix_open(const char *path, uint32_t flags, uint32_t mode)
{
	return posix_openat(AT_FDCWD, path, flags, mode);
}

long posix_creat(const char *path, uint32_t mode)
{
	return posix_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- make and remove ---- */

#define AT_PLACE(dirfd, path, call) ({ \
	struct place p; \
	int error_ = place_find(&p, dirfd, path); \
	if (!error_) { \
		error_ = fail(call); \
		place_end(&p); \
	} \
	error_; \
})

long posix_mkdirat(int dirfd, const char *path, uint32_t mode)
{
	return AT_PLACE(dirfd, path, FileSystem_mkdir(p.dir, p.path, mode & ~image_umask));
}

long posix_mkdir(const char *path, uint32_t mode)
{
	return posix_mkdirat(AT_FDCWD, path, mode);
}

long posix_mknodat(int dirfd, const char *path, uint32_t mode, uint32_t device)
{
	return AT_PLACE(dirfd, path, FileSystem_mknod(p.dir, p.path, mode & ~image_umask, device));
}

long posix_mknod(const char *path, uint32_t mode, uint32_t device)
{
	return posix_mknodat(AT_FDCWD, path, mode, device);
}

long posix_unlinkat(int dirfd, const char *path, uint32_t flags)
{
	return AT_PLACE(dirfd, path, FileSystem_unlink(p.dir, p.path, flags));
}

long posix_unlink(const char *path)
{
	return posix_unlinkat(AT_FDCWD, path, 0);
}

long posix_rmdir(const char *path)
{
	return posix_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- two names ---- */

static long two_places(int dirfd, const char *path, int new_dirfd, const char *new_path, uint32_t flags, bool rename)
{
	struct place p, q;
	fluke_ref_t *directory;
	int error = place_find(&p, dirfd, path);

	if (error)
		return error;
	error = place_find(&q, new_dirfd, new_path);
	if (error) {
		place_end(&p);
		return error;
	}
	directory = q.dir == p.dir ? NULL : q.dir;
	if (rename)
		error = FileSystem_rename(p.dir, p.path, q.path, flags, directory);
	else
		error = FileSystem_link(p.dir, p.path, q.path, flags, directory);
	place_end(&p);
	place_end(&q);
	return fail(error);
}

long posix_renameat2(int dirfd, const char *path, int new_dirfd, const char *new_path, uint32_t flags)
{
	return two_places(dirfd, path, new_dirfd, new_path, flags, true);
}

long posix_renameat(int dirfd, const char *path, int new_dirfd, const char *new_path)
{
	return two_places(dirfd, path, new_dirfd, new_path, 0, true);
}

long posix_rename(const char *path, const char *new_path)
{
	return two_places(AT_FDCWD, path, AT_FDCWD, new_path, 0, true);
}

long posix_linkat(int dirfd, const char *path, int new_dirfd, const char *new_path, uint32_t flags)
{
	return two_places(dirfd, path, new_dirfd, new_path, flags, false);
}

long posix_link(const char *path, const char *new_path)
{
	return two_places(AT_FDCWD, path, AT_FDCWD, new_path, 0, false);
}

long posix_symlinkat(const char *target, int dirfd, const char *path)
{
	char text[4096];
	int error = (int)copy_path(text, target);

	if (error < 0)
		return error;
	return AT_PLACE(dirfd, path, FileSystem_symlink(p.dir, text, p.path));
}

long posix_symlink(const char *target, const char *path)
{
	return posix_symlinkat(target, AT_FDCWD, path);
}

long posix_readlinkat(int dirfd, const char *path, char *to, uint32_t size)
{
	char text[4096], name[4096];
	int error = (int)copy_path_at(name, dirfd, path);
	uint32_t length;

	if (error < 0)
		return error;
	if (size == 0)
		return -EINVAL;
	error = name[0] == '/' ? self_link(name, text, sizeof(text)) : -ENOENT;
	if (error == -ENOENT)
		error = AT_PLACE(dirfd, name, FileSystem_readlink(p.dir, p.path, text, sizeof(text)));
	if (error)
		return error;
	length = (uint32_t)strlen(text);
	if (length > size)
		length = size;
	memcpy(to, text, length);
	return (long)length;
}

long posix_readlink(const char *path, char *to, uint32_t size)
{
	return posix_readlinkat(AT_FDCWD, path, to, size);
}

/* ---- permissions, owner, times ---- */

#define ON_FD(fd, call) ({ \
	int file = fd_file(fd); \
	long result_ = file; \
	if (file >= 0) { \
		result_ = files[file].special ? 0 : fail(call); \
		file_release(file); \
	} \
	result_; \
})

long posix_fchmodat(int dirfd, const char *path, uint32_t mode)
{
	return AT_PLACE(dirfd, path, FileSystem_chmod(p.dir, p.path, mode, 0));
}

long posix_chmod(const char *path, uint32_t mode)
{
	return posix_fchmodat(AT_FDCWD, path, mode);
}

long posix_fchmod(int fd, uint32_t mode)
{
	return ON_FD(fd, FileDescription_chmod(file_ref(file), mode));
}

static bool empty_path(const char *path, uint32_t flags)
{
	return flags & AT_EMPTY_PATH && *path == 0;
}

long posix_fchown(int fd, uint32_t uid, uint32_t gid)
{
	return ON_FD(fd, FileDescription_chown(file_ref(file), uid, gid));
}

long posix_fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid, uint32_t flags)
{
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (empty_path(path, flags))
		return posix_fchown(dirfd, uid, gid);
	return AT_PLACE(dirfd, path, FileSystem_chown(p.dir, p.path, uid, gid, flags & AT_SYMLINK_NOFOLLOW));
}

long posix_chown(const char *path, uint32_t uid, uint32_t gid)
{
	return posix_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long posix_lchown(const char *path, uint32_t uid, uint32_t gid)
{
	return posix_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

#define UTIME_NOW	0x3fffffff
#define UTIME_OMIT	0x3ffffffe

static uint64_t file_time(int64_t seconds, int32_t ns)
{
	if (ns == UTIME_NOW)
		return UTIME_NOW_NS;
	if (ns == UTIME_OMIT)
		return UTIME_OMIT_NS;
	return (uint64_t)seconds * 1000000000u + (uint32_t)ns;
}

static long set_times(int dirfd, const char *path, uint64_t access, uint64_t change, uint32_t flags)
{
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!path || empty_path(path, flags))
		return ON_FD(dirfd, FileDescription_utimens(file_ref(file), access, change));
	return AT_PLACE(dirfd, path, FileSystem_utimens(p.dir, p.path, access, change, flags & AT_SYMLINK_NOFOLLOW));
}

long posix_utimensat(int dirfd, const char *path, const struct timespec32 *times, uint32_t flags)
{
	if (!times)
		return set_times(dirfd, path, UTIME_NOW_NS, UTIME_NOW_NS, flags);
	return set_times(dirfd, path, file_time(times[0].sec, times[0].nsec), file_time(times[1].sec, times[1].nsec), flags);
}

long posix_utimensat64(int dirfd, const char *path, const struct timespec64 *times, uint32_t flags)
{
	if (!times)
		return set_times(dirfd, path, UTIME_NOW_NS, UTIME_NOW_NS, flags);
	return set_times(dirfd, path, file_time(times[0].sec, times[0].nsec), file_time(times[1].sec, times[1].nsec), flags);
}

long posix_futimesat(int dirfd, const char *path, const struct timeval32 *times)
{
	if (!times)
		return set_times(dirfd, path, UTIME_NOW_NS, UTIME_NOW_NS, 0);
	return set_times(dirfd, path, file_time(times[0].sec, times[0].usec * 1000), file_time(times[1].sec, times[1].usec * 1000), 0);
}

long posix_utimes(const char *path, const struct timeval32 *times)
{
	return posix_futimesat(AT_FDCWD, path, times);
}

long posix_utime(const char *path, const int32_t *times)
{
	if (!times)
		return set_times(AT_FDCWD, path, UTIME_NOW_NS, UTIME_NOW_NS, 0);
	return set_times(AT_FDCWD, path, file_time(times[0], 0), file_time(times[1], 0), 0);
}

/* ---- directories ---- */

static long enter(int file)
{
	if (!S_ISDIR(files[file].mode))
		return -ENOTDIR;
	image_lock();
	fluke_ref_copy(file_ref(file), REF(IMAGE_REF_CWD));
	image_unlock();
	return 0;
}

long posix_chdir(const char *path)
{
	char name[4096];
	long result = (long)copy_path(name, path);
	int file;

	if (result < 0)
		return result;
	file = file_open(name, O_RDONLY | O_DIRECTORY, 0);
	if (file < 0)
		return file;
	result = enter(file);
	file_release(file);
	return result;
}

long posix_fchdir(int fd)
{
	int file = fd_file(fd);
	long result;

	if (file < 0)
		return file;
	result = enter(file);
	file_release(file);
	return result;
}

long posix_chroot(const char *path)
{
	(void)path;
	return -EPERM;
}

long posix_getcwd(char *to, uint32_t size)
{
	char path[4096];
	uint32_t length;
	int error = FileSystem_path(REF(IMAGE_REF_CWD), path, sizeof(path));

	if (error)
		return fail(error);
	length = (uint32_t)strlen(path) + 1;
	if (length > size)
		return -ERANGE;
	memcpy(to, path, length);
	return (long)length;
}

long posix_umask(uint32_t mask)
{
	uint32_t old = image_umask;

	image_umask = mask & 0777;
	return (long)old;
}

static long entries(int file, void *to, uint32_t count)
{
	struct file *f = &files[file];
	uint64_t next = f->offset;
	size_t size = count < PROTO_BULK_MAX ? count : PROTO_BULK_MAX;
	int error;

	if (!S_ISDIR(f->mode))
		return -ENOTDIR;
	if (f->special == FILE_FDS)
		return fd_entries(&f->offset, to, count);
	error = FileDescription_getdents(file_ref(file), f->offset, (uint32_t)size, &next, to, &size);
	if (error)
		return fail(error);
	f->offset = next;
	return (long)size;
}

long posix_getdents64(int fd, void *to, uint32_t count)
{
	int file = fd_file(fd);
	long result;

	if (file < 0)
		return file;
	result = entries(file, to, count);
	file_release(file);
	return result;
}

/* Old records: 32-bit numbers, type in the last byte. */
long posix_getdents(int fd, uint8_t *to, uint32_t count)
{
	uint8_t buffer[2048];
	uint32_t at = 0, put = 0;
	long size = posix_getdents64(fd, buffer, count < sizeof(buffer) ? count : sizeof(buffer));

	while (size > 0 && at < (uint32_t)size) {
		struct linux_dirent64 *d = (struct linux_dirent64 *)(buffer + at);
		uint32_t length = (uint32_t)strlen(d->d_name), record = (10 + length + 2 + 3) & ~3u;
		uint32_t head[2] = { (uint32_t)d->d_ino, (uint32_t)d->d_off };
		uint16_t size16 = (uint16_t)record;

		if (put + record > count)
			break;
		memcpy(to + put, head, 8);
		memcpy(to + put + 8, &size16, 2);
		memcpy(to + put + 10, d->d_name, length + 1);
		to[put + record - 1] = d->d_type;
		put += record;
		at += d->d_reclen;
	}
	return size < 0 ? size : (long)put;
}
