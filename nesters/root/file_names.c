/* FileSystem: what an open directory is asked by path. */
#include <string.h>
#include <protocols/FileSystem_server.h>
#include "files.h"

static int find(struct file *f, const char *path, unsigned flags, struct ramfs_node **node)
{
	if (!*path && flags & AT_EMPTY_PATH) {
		*node = f->node;
		return 0;
	}
	return ramfs_find(&ramfs, f->node, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : 1, node);
}

static int fs_stat(void *self, struct request *r, const char *path, uint32_t flags, struct FileStatus *status)
{
	struct ramfs_node *node;
	int error;

	(void)r;
	root_lock();
	error = find(self, path, flags, &node);
	if (!error)
		fill_status(node, status);
	root_unlock();
	return error;
}

/* A directory given as a second one: an open one of ours, found by its port's hash; null = the one asked. */
static int other_directory(struct file *f, fluke_ref_t *ref, struct ramfs_node **node)
{
	struct served *o;

	*node = f->node;
	if (!ref || fluke_ref_type(ref) == FLUKE_NULL)
		return 0;
	o = served_of(server, ref);
	if (!o)
		return EXDEV;
	if (o->class != &directory_class)
		return ENOTDIR;
	*node = ((struct file *)o)->node;
	return 0;
}

static int fs_mkdir(void *self, struct request *r, const char *path, uint32_t mode)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_mkdir(&ramfs, f->node, path, mode));
}

static int fs_mknod(void *self, struct request *r, const char *path, uint32_t mode, uint32_t rdev)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_mknod(&ramfs, f->node, path, mode, rdev));
}

static int fs_unlink(void *self, struct request *r, const char *path, uint32_t flags)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_unlink(&ramfs, f->node, path, flags));
}

static int fs_rename(void *self, struct request *r, const char *path, const char *new_path, uint32_t flags,
	fluke_ref_t *directory)
{
	struct file *f = self;
	struct ramfs_node *other;

	(void)r;
	return LOCKED(other_directory(f, directory, &other) ?: ramfs_rename(&ramfs, f->node, path, other, new_path, flags));
}

static int fs_link(void *self, struct request *r, const char *path, const char *new_path, uint32_t flags,
	fluke_ref_t *directory)
{
	struct file *f = self;
	struct ramfs_node *other;

	(void)r;
	return LOCKED(other_directory(f, directory, &other) ?: ramfs_link(&ramfs, f->node, path, other, new_path, flags));
}

static int fs_symlink(void *self, struct request *r, const char *target, const char *path)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_symlink(&ramfs, f->node, target, path));
}

static int fs_readlink(void *self, struct request *r, const char *path, const char **target)
{
	struct file *f = self;
	char *copy = request_scratch(r);
	int error;

	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_readlink(&ramfs, f->node, path, target);
	if (!error)
		*target = strcpy(copy, *target);
	root_unlock();
	return error;
}

static int fs_chmod(void *self, struct request *r, const char *path, uint32_t mode, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_chmod(&ramfs, node, mode));
}

static int fs_chown(void *self, struct request *r, const char *path, uint32_t uid, uint32_t gid, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_chown(&ramfs, node, uid, gid));
}

static int fs_utimens(void *self, struct request *r, const char *path, uint64_t atime, uint64_t mtime, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_utimens(&ramfs, node, atime, mtime));
}

static int fs_statfs(void *self, struct request *r, uint32_t *block_size, uint32_t *blocks, uint32_t *free_blocks,
	uint32_t *inodes, uint32_t *free_inodes, uint32_t *type)
{
	(void)self, (void)r;
	*block_size = RAMFS_PAGE;
	*blocks = store.frames.total;
	*free_blocks = store.frames.free[FRAME_DATA];
	*inodes = store.frames.total * 4;
	*free_inodes = *inodes - ramfs.nodes;
	*type = 0x01021994;	/* tmpfs */
	return 0;
}

int fs_path(void *self, struct request *r, const char **path)
{
	struct file *f = self;
	char *copy = request_scratch(r);
	int error;

	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_path(&ramfs, f->node, copy, RAMFS_PATH_MAX);
	root_unlock();
	*path = copy;
	return error;
}

/* There is one user: every session is the same view. */
static int fs_session(void *self, struct request *r, uint32_t uid, uint32_t gid, void **directory)
{
	struct file *f = self;
	int error;

	(void)uid, (void)gid;
	root_lock();
	ramfs_get(f->node);
	error = file_open_plain(r, f->node, O_RDONLY | O_DIRECTORY, directory);
	if (error)
		ramfs_put(&ramfs, f->node);
	root_unlock();
	return error;
}

const struct FileSystem_methods file_system_methods = {
	.open = fs_open, .stat = fs_stat, .mkdir = fs_mkdir, .mknod = fs_mknod, .unlink = fs_unlink, .rename = fs_rename,
	.link = fs_link, .symlink = fs_symlink, .readlink = fs_readlink, .chmod = fs_chmod, .chown = fs_chown,
	.utimens = fs_utimens, .statfs = fs_statfs, .path = fs_path, .session = fs_session,
};
