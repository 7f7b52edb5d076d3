/* FileDescription: open files and directories; the file system at boot. */
#include <stdlib.h>
#include <string.h>
#include <protocols/FileDescription_server.h>
#include <protocols/FileSystem_server.h>
#include "files.h"
#include "device.h"
#include "pack.h"

struct ramfs	ramfs;
uint32_t	files_own, files_pack, files_pack_end;
uint64_t	files_boot_time;

static int bad(struct file *f, int write)
{
	unsigned access = f->flags & O_ACCMODE;

	return f->flags & O_PATH || (write ? access == O_RDONLY : access == O_WRONLY);
}

/* With the lock.  Replies from the pages where they lie together, else through the scratch. */
static int read_data(struct file *f, struct request *r, uint64_t at, uint32_t count, const void **data, size_t *size)
{
	char *scratch;
	int error;

	*size = count;
	*data = NULL;
	if (f->node->data.lower && count) {
		error = pack_read(f->node, r, at, data, size);
		if (error != PACK_COPY)
			return error;
	} else {
		*data = ramfs_read_direct(f->node, at, size);
	}
	if (!*size)
		return 0;
	if (*data && *size >= 512) {
		if (f->node->atime <= f->node->mtime)
			f->node->atime = ramfs.now();
		file_send_direct(f, r);
		return 0;
	}
	scratch = request_scratch(r);
	if (!scratch)
		return ENOMEM;
	*size = ramfs_read(&ramfs, f->node, at, scratch, *size);
	*data = scratch;
	return 0;
}

static int file_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data,
	size_t *size)
{
	struct file *f = self;
	int error;

	(void)flags;
	*data = "";
	*size = 0;
	if (bad(f, 0))
		return EBADF;
	if (S_ISDIR(f->node->mode))
		return EISDIR;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	if (S_ISCHR(f->node->mode))
		return device_read(f->node->rdev, request_scratch(r), count, data, size);
	root_lock();
	error = read_data(f, r, offset == ~0ull ? f->offset : offset, count, data, size);
	if ((!error || error == REQUEST_PARKED) && offset == ~0ull)
		f->offset += *size;
	root_unlock();
	if (!*data)
		*data = "";
	return error;
}

static int file_write(void *self, struct request *r, uint64_t offset, uint32_t flags, const void *data, size_t size,
	uint32_t *written, uint64_t *position)
{
	struct file *f = self;
	uint64_t at;
	size_t done = 0;
	int error;

	(void)r;
	if (bad(f, 1))
		return EBADF;
	if (S_ISCHR(f->node->mode)) {
		*written = (uint32_t)size;
		*position = 0;
		return device_write(f->node->rdev, data, size);
	}
	root_lock();
	at = (f->flags | flags) & O_APPEND ? f->node->size : offset == ~0ull ? f->offset : offset;
	error = ramfs_write(&ramfs, f->node, at, data, size, &done);
	*written = (uint32_t)done;
	*position = at + done;
	if (!error && offset == ~0ull)
		f->offset = *position;
	root_unlock();
	return error;
}

static int file_share(void *self, struct request *r, uint64_t offset)
{
	struct file *f = self;

	(void)r;
	root_lock();
	if (!f->shared) {
		f->shared = 1;
		f->offset = offset;
	}
	root_unlock();
	return 0;
}

static int file_seek(void *self, struct request *r, int64_t offset, int32_t whence, uint64_t *position)
{
	struct file *f = self;
	int64_t base;
	int error = 0;

	(void)r;
	root_lock();
	base = whence == SEEK_CUR ? (int64_t)f->offset : whence == SEEK_END ? (int64_t)f->node->size : 0;
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0 || (uint64_t)offset >= f->node->size)
			error = ENXIO;
		else if (whence == SEEK_HOLE)
			offset = (int64_t)f->node->size;
	} else if (whence < 0 || whence > SEEK_HOLE) {
		error = EINVAL;
	} else {
		offset += base;
		if (offset < 0)
			error = EINVAL;
	}
	if (!error)
		f->offset = (uint64_t)offset;
	*position = f->offset;
	root_unlock();
	return error;
}

static int file_stat(void *self, struct request *r, struct FileStatus *status)
{
	struct file *f = self;

	(void)r;
	root_lock();
	fill_status(f->node, status);
	root_unlock();
	return 0;
}

static int file_truncate(void *self, struct request *r, uint64_t size)
{
	struct file *f = self;

	(void)r;
	if (bad(f, 1))
		return EINVAL;
	return LOCKED(ramfs_truncate(&ramfs, f->node, size));
}

static int file_getdents(void *self, struct request *r, uint64_t cookie, uint32_t count, uint64_t *next,
	const void **entries, size_t *size)
{
	struct file *f = self;
	char *scratch = request_scratch(r);
	int error;

	if (f->flags & O_PATH)
		return EBADF;
	if (!S_ISDIR(f->node->mode))
		return ENOTDIR;
	if (!scratch)
		return ENOMEM;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	root_lock();
	if (cookie == ~0ull)
		cookie = f->offset;
	*size = ramfs_getdents(&ramfs, f->node, &cookie, scratch, count, &error);
	f->offset = cookie;
	root_unlock();
	*next = cookie;
	*entries = scratch;
	return error;
}

static int file_map(void *self, struct request *r, uint32_t prot, void **region)
{
	struct file *f = self;
	fluke_prot_t most = FLUKE_PROT_READ | FLUKE_PROT_EXECUTE;

	(void)r;
	if (!S_ISREG(f->node->mode))
		return ENODEV;
	if (f->flags & O_PATH)
		return EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY || (prot & FLUKE_PROT_WRITE && (f->flags & O_ACCMODE) != O_RDWR))
		return EACCES;
	if ((f->flags & O_ACCMODE) == O_RDWR)
		most |= FLUKE_PROT_WRITE;
	root_lock();
	*region = file_segment(f->node) ? segment_region(f->node->map, prot & most) : 0;
	root_unlock();
	return *region ? 0 : ENOMEM;
}

static int file_chmod(void *self, struct request *r, uint32_t mode)
{
	struct file *f = self;

	(void)r;
	if (f->flags & O_PATH)
		return EBADF;
	return LOCKED(ramfs_chmod(&ramfs, f->node, mode));
}

static int file_chown(void *self, struct request *r, uint32_t uid, uint32_t gid)
{
	struct file *f = self;

	(void)r;
	if (f->flags & O_PATH)
		return EBADF;
	return LOCKED(ramfs_chown(&ramfs, f->node, uid, gid));
}

static int file_utimens(void *self, struct request *r, uint64_t atime, uint64_t mtime)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_utimens(&ramfs, f->node, atime, mtime));
}

static int file_sync(void *self, struct request *r)
{
	struct file *f = self;

	(void)r;
	return S_ISCHR(f->node->mode) ? EINVAL : 0;
}

/* Files and these devices are always ready. */
static int file_watch(void *self, struct request *r, uint32_t events, fluke_ref_t *port, uint32_t *ready)
{
	(void)self, (void)r, (void)port;
	*ready = events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	return 0;
}

#define OFFSET_MAX	0x7fffffffffffffffull

static int claim(struct file *f, uint32_t type, uint64_t start, uint64_t length, struct ramfs_claim *c)
{
	uint64_t end = start + length;

	if (f->flags & O_PATH)
		return EBADF;
	if (start > OFFSET_MAX || length > OFFSET_MAX)
		return EINVAL;
	if (end - 1 > OFFSET_MAX && length)
		return EOVERFLOW;
	if (!length || end > OFFSET_MAX)
		end = ~0ull;
	*c = (struct ramfs_claim){ .node = f->node, .owner = &f->locks, .via = f, .start = start, .end = end, .type = (uint8_t)type };
	return type > F_UNLCK ? EINVAL : 0;
}

static int file_lock(void *self, struct request *r, uint32_t type, uint64_t start, uint64_t length, uint32_t flags,
	fluke_ref_t *owner)
{
	struct file *f = self;
	struct ramfs_claim c;
	int error = claim(f, type, start, length, &c);

	if (error)
		return error;
	if (flags & 2)
		c.kind = RAMFS_FLOCK;
	else if (type != F_UNLCK && bad(f, type == F_WRLCK))
		return EBADF;
	return filelock(r, &c, owner, flags & 1);
}

static int file_get_lock(void *self, struct request *r, uint32_t type, uint64_t start, uint64_t length, fluke_ref_t *owner,
	uint32_t *held, uint64_t *held_start, uint64_t *held_length, void **badge)
{
	struct ramfs_claim c, in_the_way = { .type = F_UNLCK };
	int error = claim(self, type, start, length, &c);
	fluke_ref_t *whose = 0;

	if (!error)
		error = filelock_get(&c, owner, &in_the_way, &whose);
	request_free_ref(r, whose);
	*badge = whose;
	*held = in_the_way.type;
	*held_start = in_the_way.start;
	*held_length = in_the_way.end == ~0ull ? 0 : in_the_way.end - in_the_way.start;
	return error;
}

static int file_lock_owner(void *self, struct request *r, fluke_ref_t *badge, void **owner)
{
	(void)self;
	return filelock_owner(r, badge, owner);
}

static int file_path(void *self, struct request *r, const char **path)
{
	struct file *f = self;

	char *copy;
	int error;

	if (S_ISDIR(f->node->mode))
		return fs_path(self, r, path);
	copy = request_scratch(r);
	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_name(&ramfs, f->node, copy, RAMFS_PATH_MAX);
	root_unlock();
	*path = error == ENOENT ? "/ (deleted)" : copy;
	return error == ENOENT ? 0 : error;
}

static int file_set_flags(void *self, struct request *r, uint32_t flags)
{
	struct file *f = self;

	(void)r;
	f->flags = (f->flags & ~(O_APPEND | O_NONBLOCK)) | (flags & (O_APPEND | O_NONBLOCK));
	return 0;
}

static int file_get_flags(void *self, struct request *r, uint32_t *flags)
{
	struct file *f = self;

	(void)r;
	*flags = f->flags;
	return 0;
}

static int file_reopen(void *self, struct request *r, uint32_t flags, void **port, struct FileStatus *status)
{
	struct file *f = self;
	int error = 0;

	if (flags & O_DIRECTORY && !S_ISDIR(f->node->mode))
		return ENOTDIR;
	root_lock();
	if (flags & O_TRUNC && S_ISREG(f->node->mode) && (flags & O_ACCMODE) != O_RDONLY)
		error = ramfs_truncate(&ramfs, f->node, 0);
	if (!error) {
		ramfs_get(f->node);
		fill_status(f->node, status);
		error = file_open_again(r, f->node, flags, port);
		if (error && error != REQUEST_PARKED)
			ramfs_put(&ramfs, f->node);
	}
	root_unlock();
	return error;
}

static const struct FileDescription_methods file_methods = {
	.read = file_read, .write = file_write, .share = file_share, .seek = file_seek, .stat = file_stat,
	.truncate = file_truncate, .getdents = file_getdents, .map = file_map, .chmod = file_chmod, .chown = file_chown,
	.utimens = file_utimens, .sync = file_sync, .watch = file_watch, .lock = file_lock, .path = file_path,
	.set_flags = file_set_flags, .get_flags = file_get_flags, .reopen = file_reopen, .get_lock = file_get_lock,
	.lock_owner = file_lock_owner,
};

static void file_release(void *self)
{
	struct file *f = self;

	filelock_close(f->node, &f->locks, f);
	root_lock();
	ramfs_put(&ramfs, f->node);
	root_unlock();
	served_done(&f->served);
	free(f);
}

static const struct interface file_interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &file_methods }, { 0, 0, 0 },
};
static const struct interface directory_interfaces[] = {
	{ FileSystem_INTERFACE, FileSystem_dispatch, &file_system_methods },
	{ FileDescription_INTERFACE, FileDescription_dispatch, &file_methods }, { 0, 0, 0 },
};
const struct served_class file_class = { .name = "file", .interfaces = file_interfaces, .release = file_release,
	.holding = HOLDS_FILES };
const struct served_class directory_class = {
	.name = "directory", .interfaces = directory_interfaces, .release = file_release, .holding = HOLDS_FILES,
};

/* ---- boot ---- */

static void load_modules(void)
{
	const struct fluke_boot_module *m;
	uint32_t i;
	int error;

	for (i = 1; i < boot_info->module_count; i++) {
		m = &boot_info->module[i];
		if (m->size < 110 || memcmp(store.window + m->start, "07070", 5))
			continue;
		if (!strcmp(m->name, "put.cpio"))
			files_own = ramfs.next_number;
		error = ramfs_load_cpio(&ramfs, store.window + m->start, m->size);
		if (error)
			fatal("boot module %s: broken archive (error %d)", m->name, error);
	}
}

static void make_directory(const char *path, unsigned mode)
{
	struct ramfs_node *node;

	if (!ramfs_mkdir(&ramfs, ramfs.root, path, mode) && !ramfs_find(&ramfs, ramfs.root, path, 1, &node))
		node->mode = S_IFDIR | mode;
}

void files_boot(void)
{
	root_lock();
	file_pages_boot();
	ramfs.now = clock_wall;
	if (ramfs_init(&ramfs))
		fatal("no memory for the file system");
	load_modules();
	if (!files_own)
		files_own = ramfs.next_number;
	files_boot_time = clock_wall();
	make_directory("dev", 0755);
	make_directory("dev/shm", 01777);
	make_directory("proc", 0555);
	make_directory("tmp", 01777);
	make_directory("root", 0700);
	root_unlock();
	filelock_boot();
}

fluke_ref_t *files_service(void)
{
	static fluke_ref_t *ref;
	struct file *f;

	if (ref)
		return ref;
	f = calloc(1, sizeof *f);
	if (!f || served_init(&f->served, &directory_class, server))
		fatal("no memory for the file system");
	f->node = ramfs.root;
	ramfs_get(f->node);
	f->flags = O_RDONLY | O_DIRECTORY;
	return ref = served_ref(&f->served);
}
