/* Status of files in Linux's layouts, access checks, file systems, extended attributes. */
#include "posix.h"
#include "calls.h"
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>

#define NS	1000000000u

#define AT_NO_AUTOMOUNT	0x800
#define AT_STATX_SYNC	0x6000
#define KNOWN_FLAGS	((uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))

static uint32_t seconds(uint64_t ns) { return (uint32_t)(ns / NS); }
static uint32_t nanos(uint64_t ns) { return (uint32_t)(ns % NS); }

static int status_of_file(int file, struct FileStatus *s)
{
	int error;

	if (files[file].special) {
		*s = (struct FileStatus){ .inode = 1, .mode = files[file].mode, .links = 1, .block_size = 4096, .device = 4 };
		return 0;
	}
	error = fail(FileDescription_stat(file_ref(file), s));
	if (!error && S_ISFIFO(s->mode))
		s->size = 0;		/* what is in it: FIONREAD tells */
	return error;
}

static int status_of_fd(int fd, struct FileStatus *s)
{
	int file = fd_file(fd), error;

	if (file < 0)
		return file;
	error = status_of_file(file, s);
	file_release(file);
	return error;
}

static int status_of_name(const char *name, struct FileStatus *s, uint32_t flags)
{
	int file = -ENOENT, error;

	if (flags & AT_SYMLINK_NOFOLLOW && name[0] == '/' && self_is_link(name)) {
		*s = (struct FileStatus){ .inode = 1, .mode = S_IFLNK | 0700, .links = 1, .block_size = 4096, .device = 4, .size = 64 };
		return 0;
	}
	if (!strncmp(name, "/proc/", 6) || !strncmp(name, "/dev/fd/", 8) || (!strncmp(name, "/dev/", 5) && !(flags & AT_SYMLINK_NOFOLLOW)))
		file = text_open(name);
	if (file < 0)
		return file;
	error = status_of_file(file, s);
	file_release(file);
	return error;
}

static int status_at(int dirfd, const char *path, uint32_t flags, struct FileStatus *s)
{
	char name[4096];
	struct place p;
	int error;

	if (flags & AT_EMPTY_PATH && (!path || *path == 0)) {
		if (dirfd == AT_FDCWD)
			return fail(FileSystem_stat(REF(IMAGE_REF_CWD), ".", 0, s));
		return status_of_fd(dirfd, s);
	}
	error = (int)copy_path_at(name, dirfd, path);
	if (error < 0)
		return error;
	if (name[0] == '/' && (error = status_of_name(name, s, flags)) != -ENOENT)
		return error;
	error = place_find(&p, dirfd, name);
	if (error)
		return error;
	error = FileSystem_stat(p.dir, p.path, flags & AT_SYMLINK_NOFOLLOW, s);
	place_end(&p);
	return fail(error);
}

static void put_stat64(struct stat64_linux *to, const struct FileStatus *s)
{
	struct stat64_linux st = {
		.dev = s->device, .ino32 = (uint32_t)s->inode, .mode = s->mode, .nlink = s->links, .uid = s->uid, .gid = s->gid,
		.rdev = s->rdev, .size = (int64_t)s->size, .blksize = s->block_size, .blocks = s->blocks,
		.atime = seconds(s->atime), .atime_ns = nanos(s->atime), .mtime = seconds(s->mtime),
		.mtime_ns = nanos(s->mtime), .ctime = seconds(s->ctime), .ctime_ns = nanos(s->ctime), .ino = s->inode,
	};

	memcpy(to, &st, sizeof(st));
}

long posix_fstatat64(int dirfd, const char *path, struct stat64_linux *to, uint32_t flags)
{
	struct FileStatus s;
	int error = flags & ~KNOWN_FLAGS ? -EINVAL : status_at(dirfd, path, flags, &s);

	if (!error)
		put_stat64(to, &s);
	return error;
}

long posix_stat64(const char *path, struct stat64_linux *to)
{
	return posix_fstatat64(AT_FDCWD, path, to, 0);
}

long posix_lstat64(const char *path, struct stat64_linux *to)
{
	return posix_fstatat64(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

long posix_fstat64(int fd, struct stat64_linux *to)
{
	struct FileStatus s;
	int error = status_of_fd(fd, &s);

	if (!error)
		put_stat64(to, &s);
	return error;
}

static long put_stat(struct stat_old *to, int error, const struct FileStatus *s)
{
	if (error)
		return error;
	*to = (struct stat_old){ .dev = s->device, .ino = (uint32_t)s->inode, .mode = (uint16_t)s->mode,
		.nlink = (uint16_t)s->links, .uid = (uint16_t)s->uid, .gid = (uint16_t)s->gid, .rdev = s->rdev,
		.size = (uint32_t)s->size, .blksize = s->block_size, .blocks = (uint32_t)s->blocks, .atime = seconds(s->atime),
		.atime_ns = nanos(s->atime), .mtime = seconds(s->mtime), .mtime_ns = nanos(s->mtime),
		.ctime = seconds(s->ctime), .ctime_ns = nanos(s->ctime) };
	return 0;
}

long posix_stat(const char *path, struct stat_old *to)
{
	struct FileStatus s;

	return put_stat(to, status_at(AT_FDCWD, path, 0, &s), &s);
}

long posix_lstat(const char *path, struct stat_old *to)
{
	struct FileStatus s;

	return put_stat(to, status_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &s), &s);
}

long posix_fstat(int fd, struct stat_old *to)
{
	struct FileStatus s;

	return put_stat(to, status_of_fd(fd, &s), &s);
}

static uint32_t major(uint32_t device) { return device >> 8 & 0xfff; }
static uint32_t minor(uint32_t device) { return (device & 0xff) | (device >> 12 & 0xfff00); }

long posix_statx(int dirfd, const char *path, uint32_t flags, uint32_t mask, struct statx_linux *to)
{
	struct FileStatus s;
	int error;

	if (flags & ~(KNOWN_FLAGS | AT_STATX_SYNC) || (flags & AT_STATX_SYNC) == AT_STATX_SYNC || mask >> 31)
		return -EINVAL;
	error = status_at(dirfd, path, flags, &s);
	if (error)
		return error;
	*to = (struct statx_linux){ .mask = 0x7ff, .blksize = s.block_size, .nlink = s.links, .uid = s.uid, .gid = s.gid,
		.mode = (uint16_t)s.mode, .ino = s.inode, .size = s.size, .blocks = s.blocks,
		.atime = { seconds(s.atime), nanos(s.atime), 0 }, .ctime = { seconds(s.ctime), nanos(s.ctime), 0 },
		.mtime = { seconds(s.mtime), nanos(s.mtime), 0 }, .rdev_major = major(s.rdev), .rdev_minor = minor(s.rdev),
		.dev_major = major(s.device), .dev_minor = minor(s.device) };
	return 0;
}

/* ---- access ---- */

static bool in_group(uint32_t gid)
{
	uint32_t n;

	for (n = 0; n < FACTS->group_count && n < 16; n++)
		if (FACTS->groups[n] == gid)
			return true;
	return FACTS->egid == gid;
}

long posix_faccessat2(int dirfd, const char *path, uint32_t mode, uint32_t flags)
{
	struct FileStatus s;
	int error;
	uint32_t rights;

	if (mode & ~7u || flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS))
		return -EINVAL;
	error = status_at(dirfd, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), &s);
	if (error)
		return error;
	if (FACTS->euid == 0)
		rights = 6 | ((s.mode & 0111 || S_ISDIR(s.mode)) ? 1 : 0);
	else if (FACTS->euid == s.uid)
		rights = s.mode >> 6;
	else if (in_group(s.gid))
		rights = s.mode >> 3;
	else
		rights = s.mode;
	return (mode & 7 & ~rights) ? -EACCES : 0;
}

long posix_faccessat(int dirfd, const char *path, uint32_t mode)
{
	return posix_faccessat2(dirfd, path, mode, 0);
}

long posix_access(const char *path, uint32_t mode)
{
	return posix_faccessat2(AT_FDCWD, path, mode, 0);
}

/* ---- file systems ---- */

static long put_statfs(fluke_ref_t *fs, struct statfs64_linux *to, uint32_t size)
{
	uint32_t block = 4096, blocks = 0, free_blocks = 0, inodes = 0, free_inodes = 0, type = 0x01021994;
	int error;

	if (size != sizeof(*to))
		return -EINVAL;
	error = FileSystem_statfs(fs, &block, &blocks, &free_blocks, &inodes, &free_inodes, &type);
	if (error && error != ENOSYS)
		return fail(error);
	struct statfs64_linux s = { .type = type, .bsize = block, .blocks = blocks, .bfree = free_blocks, .bavail = free_blocks,
		.files = inodes, .ffree = free_inodes, .namelen = 255, .frsize = block };
	memcpy(to, &s, sizeof(s));
	return 0;
}

long posix_statfs64(const char *path, uint32_t size, struct statfs64_linux *to)
{
	struct FileStatus s;
	struct place p;
	int error = place_find(&p, AT_FDCWD, path);

	if (error)
		return error;
	error = fail(FileSystem_stat(p.dir, p.path, 0, &s));
	if (!error)
		error = (int)put_statfs(p.dir, to, size);
	place_end(&p);
	return error;
}

long posix_fstatfs64(int fd, uint32_t size, struct statfs64_linux *to)
{
	int file = fd_file(fd);
	long result;

	if (file < 0)
		return file;
	file_release(file);
	result = put_statfs(REF(IMAGE_REF_ROOT), to, size);
	return result;
}

struct statfs_linux { uint32_t type, bsize, blocks, bfree, bavail, files, ffree, fsid[2], namelen, frsize, flags, spare[4]; };

static long old_statfs(struct statfs_linux *to, long error, const struct statfs64_linux *s)
{
	if (!error)
		*to = (struct statfs_linux){ .type = s->type, .bsize = s->bsize, .blocks = (uint32_t)s->blocks,
			.bfree = (uint32_t)s->bfree, .bavail = (uint32_t)s->bavail, .files = (uint32_t)s->files,
			.ffree = (uint32_t)s->ffree, .namelen = s->namelen, .frsize = s->frsize };
	return error;
}

long posix_statfs(const char *path, struct statfs_linux *to)
{
	struct statfs64_linux s;

	return old_statfs(to, posix_statfs64(path, sizeof(s), &s), &s);
}

long posix_fstatfs(int fd, struct statfs_linux *to)
{
	struct statfs64_linux s;

	return old_statfs(to, posix_fstatfs64(fd, sizeof(s), &s), &s);
}

/* Extended attributes: none anywhere. */
/* Partial: getxattr: always EOPNOTSUPP */
long posix_xattr(void)
{
	return -EOPNOTSUPP;
}
