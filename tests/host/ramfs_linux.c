/* See ramfs_linux.h. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ramfs_linux.h"

static char home[] = "/tmp/ramfs-test-XXXXXX";

#define RESULT(e) ((e) < 0 ? errno : 0)

int host_start(void)
{
	umask(0);
	return mkdtemp(home) && !chdir(home) && !chroot(home) ? 0 : errno;
}
void host_end(void) { }
int host_open(const char *path, unsigned flags, unsigned mode)
{
	int fd = open(path, (int)(flags | O_NONBLOCK), mode);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}
int host_mkdir(const char *path, unsigned mode) { return RESULT(mkdir(path, mode)); }
int host_mkfifo(const char *path, unsigned mode) { return RESULT(mkfifo(path, mode)); }
int host_symlink(const char *target, const char *path) { return RESULT(symlink(target, path)); }
int host_link(const char *path, const char *new_path, int follow)
{
	return RESULT(linkat(AT_FDCWD, path, AT_FDCWD, new_path, follow ? AT_SYMLINK_FOLLOW : 0));
}
int host_unlink(const char *path) { return RESULT(unlink(path)); }
int host_rmdir(const char *path) { return RESULT(rmdir(path)); }
int host_rename(const char *path, const char *new_path, unsigned flags)
{
	return RESULT(renameat2(AT_FDCWD, path, AT_FDCWD, new_path, flags));
}
int host_chmod(const char *path, unsigned mode) { return RESULT(chmod(path, mode)); }
int host_truncate(const char *path, unsigned long long size) { return RESULT(truncate(path, (off_t)size)); }
int host_write(const char *path, unsigned long long offset, const void *data, unsigned count)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (pwrite(fd, data, count, (off_t)offset) < 0)
		error = errno;
	close(fd);
	return error;
}
int host_read(const char *path, unsigned long long offset, void *data, unsigned count, unsigned *done)
{
	int fd = open(path, O_RDONLY), error = 0;
	ssize_t n;

	*done = 0;
	if (fd < 0)
		return errno;
	n = pread(fd, data, count, (off_t)offset);
	if (n < 0)
		error = errno;
	else
		*done = (unsigned)n;
	close(fd);
	return error;
}
int host_readlink(const char *path, char *target, unsigned size)
{
	ssize_t n = readlink(path, target, size - 1);

	if (n < 0)
		return errno;
	target[n] = 0;
	return 0;
}
int host_stat(const char *path, int follow, struct host_status *status)
{
	struct stat st;

	if ((follow ? stat : lstat)(path, &st) < 0)
		return errno;
	status->mode = st.st_mode;
	status->links = st.st_nlink;
	status->size = st.st_size;
	return 0;
}
