/* Calls that change names: open with O_CREAT, mkdir, mknod, link, symlink, unlink, rename; and
 * the attributes of a node.  Checks come in Linux's order, so that the errors are the same. */
#include <stdlib.h>
#include <string.h>
#include "ramfs.h"

/* Makes a node under the walk's last name. */
static int make(struct ramfs *fs, struct ramfs_walk *w, unsigned mode, struct ramfs_node **made)
{
	struct ramfs_node *node, *dir = w->dir;
	int error;

	if (dir->links == 0)
		return ENOENT;
	node = ramfs_node_make(fs, mode);
	if (!node)
		return ENOSPC;
	if (dir->mode & S_ISGID) {
		node->gid = dir->gid;
		if (S_ISDIR(mode))
			node->mode |= S_ISGID;
	}
	if (S_ISDIR(mode)) {
		node->links = 1;	/* its "." */
		node->dir.parent = dir;
	}
	error = ramfs_dir_add(fs, dir, w->name, w->length, node);
	if (error) {
		node->links = 0;
		ramfs_link_dropped(fs, node);
		return error;
	}
	*made = node;
	return 0;
}

static int open_existing(struct ramfs *fs, struct ramfs_walk *w, unsigned flags)
{
	struct ramfs_node *node = w->node;
	unsigned access = flags & O_ACCMODE;

	if (S_ISLNK(node->mode)) {
		if ((flags & O_PATH) && !(flags & O_DIRECTORY) && !w->slash)
			return 0;
		return flags & O_DIRECTORY || w->slash ? ENOTDIR : ELOOP;
	}
	if (!S_ISDIR(node->mode) && (w->slash || flags & O_DIRECTORY))
		return ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISDIR(node->mode) && (access != O_RDONLY || flags & (O_CREAT | O_TRUNC)))
		return EISDIR;
	if (S_ISSOCK(node->mode))
		return ENXIO;
	if (S_ISREG(node->mode) && flags & O_TRUNC && node->size)
		return ramfs_truncate(fs, node, 0);
	return 0;
}

/* What O_CREAT refuses as soon as the last name is seen, before a link there is followed. */
static int create_check(struct ramfs_walk *w, unsigned flags)
{
	if (w->kind == RAMFS_LAST_NAME && w->slash)
		return EISDIR;
	if (w->node && flags & O_EXCL)
		return EEXIST;
	return w->kind != RAMFS_LAST_NAME ? EISDIR : 0;
}

/* The walk of O_CREAT: links at the end one by one, since each target is looked at as a last name. */
static int walk_create(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags, int follow,
	struct ramfs_walk *w)
{
	int links = 0, error;

	for (;;) {
		error = ramfs_walk(fs, dir, path, -1, w);
		if (!error)
			error = create_check(w, flags);
		if (error || !follow || !w->node || !S_ISLNK(w->node->mode))
			return error;
		if (++links > RAMFS_SYMLINKS)
			return ELOOP;
		dir = w->dir;
		path = w->node->target;
	}
}

/* O_TMPFILE: a file without a name, in the directory's file system. */
static int open_nameless(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags, unsigned mode, struct ramfs_node **opened)
{
	struct ramfs_walk w;
	int error;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return EINVAL;
	error = ramfs_walk(fs, dir, path, 1, &w);
	if (error)
		return error;
	if (!w.node || !S_ISDIR(w.node->mode))
		return w.node ? ENOTDIR : ENOENT;
	*opened = ramfs_node_make(fs, S_IFREG | (mode & 07777));
	if (!*opened)
		return ENOSPC;
	ramfs_get(*opened);
	return 0;
}

int ramfs_open(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags, unsigned mode,
	struct ramfs_node **opened)
{
	struct ramfs_walk w;
	int error, follow = !(flags & O_NOFOLLOW), made = 0;

	if ((flags & O_TMPFILE) == O_TMPFILE && !(flags & O_PATH))
		return open_nameless(fs, dir, path, flags, mode, opened);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
	error = flags & O_CREAT ? walk_create(fs, dir, path, flags, follow, &w) : ramfs_walk(fs, dir, path, follow, &w);
	if (error)
		return error;
	if (!w.node) {
		if (!(flags & O_CREAT))
			return ENOENT;
		error = make(fs, &w, S_IFREG | (mode & 07777), &w.node);
		made = 1;
	}
	if (!error && !made)
		error = open_existing(fs, &w, flags);
	if (error)
		return error;
	ramfs_get(w.node);
	*opened = w.node;
	return 0;
}

/* The walk for a new name. */
static int walk_new(struct ramfs *fs, struct ramfs_node *dir, const char *path, int is_dir, struct ramfs_walk *w)
{
	int error = ramfs_walk(fs, dir, path, -1, w);

	if (error)
		return error;
	if (w->node || w->kind != RAMFS_LAST_NAME)
		return EEXIST;
	return w->slash && !is_dir ? ENOENT : 0;
}

int ramfs_mkdir(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned mode)
{
	struct ramfs_walk w;
	struct ramfs_node *node;
	int error = walk_new(fs, dir, path, 1, &w);

	return error ? error : make(fs, &w, S_IFDIR | (mode & 01777), &node);
}

int ramfs_mknod(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned mode, unsigned rdev)
{
	struct ramfs_walk w;
	struct ramfs_node *node;
	unsigned type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	int error;

	if (type == S_IFDIR)
		return EPERM;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
		return EINVAL;
	error = walk_new(fs, dir, path, 0, &w);
	if (!error)
		error = make(fs, &w, type | (mode & 07777), &node);
	if (!error && (type == S_IFCHR || type == S_IFBLK))
		node->rdev = rdev;
	return error;
}

int ramfs_symlink(struct ramfs *fs, struct ramfs_node *dir, const char *target, const char *path)
{
	struct ramfs_walk w;
	struct ramfs_node *node;
	size_t length = strlen(target);
	char *copy;
	int error;

	if (!length)
		return ENOENT;
	if (length >= RAMFS_PATH_MAX)
		return ENAMETOOLONG;
	error = walk_new(fs, dir, path, 0, &w);
	if (error)
		return error;
	copy = malloc(length + 1);
	if (!copy)
		return ENOSPC;
	memcpy(copy, target, length + 1);
	error = make(fs, &w, S_IFLNK | 0777, &node);
	if (error) {
		free(copy);
		return error;
	}
	node->target = copy;
	node->size = length;
	return 0;
}

int ramfs_link(struct ramfs *fs, struct ramfs_node *dir, const char *path, struct ramfs_node *new_dir,
	const char *new_path, unsigned flags)
{
	struct ramfs_walk w;
	struct ramfs_node *node;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	error = ramfs_find(fs, dir, path, flags & AT_SYMLINK_FOLLOW ? 1 : 0, &node);
	if (!error)
		error = walk_new(fs, new_dir, new_path, 0, &w);
	if (error)
		return error;
	if (S_ISDIR(node->mode))
		return EPERM;
	if (node->links == 0 || w.dir->links == 0)
		return ENOENT;
	return ramfs_dir_add(fs, w.dir, w.name, w.length, node);
}

static void entry_remove(struct ramfs *fs, struct ramfs_node *dir, struct ramfs_entry *entry)
{
	struct ramfs_node *node = entry->node;

	ramfs_dir_remove(fs, dir, entry);
	if (S_ISDIR(node->mode)) {
		node->links--;		/* its "." */
		ramfs_get(dir);		/* its ".." stays good while somebody has it open */
		node->dir.parent_held = 1;
	}
	ramfs_link_dropped(fs, node);
}

static int directory_remove(struct ramfs *fs, struct ramfs_walk *w)
{
	if (w->kind == RAMFS_LAST_DOT)
		return EINVAL;
	if (w->kind == RAMFS_LAST_DOTDOT)
		return ENOTEMPTY;
	if (w->kind == RAMFS_LAST_ROOT)
		return EBUSY;
	if (!w->node)
		return ENOENT;
	if (!S_ISDIR(w->node->mode))
		return ENOTDIR;
	if (w->node->dir.count)
		return ENOTEMPTY;
	entry_remove(fs, w->dir, w->entry);
	return 0;
}

int ramfs_unlink(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags)
{
	struct ramfs_walk w;
	int error;

	if (flags & ~AT_REMOVEDIR)
		return EINVAL;
	error = ramfs_walk(fs, dir, path, -1, &w);
	if (error)
		return error;
	if (flags & AT_REMOVEDIR)
		return directory_remove(fs, &w);
	if (w.kind != RAMFS_LAST_NAME)
		return EISDIR;
	if (!w.node)
		return ENOENT;
	if (S_ISDIR(w.node->mode))
		return EISDIR;
	if (w.slash)
		return ENOTDIR;
	entry_remove(fs, w.dir, w.entry);
	return 0;
}

static int is_ancestor(struct ramfs *fs, struct ramfs_node *node, struct ramfs_node *of)
{
	for (; of != node; of = of->dir.parent)
		if (of == fs->root)
			return 0;
	return 1;
}

/* What Linux refuses in a rename, in its order. */
static int rename_check(struct ramfs *fs, struct ramfs_walk *from, struct ramfs_walk *to, unsigned flags)
{
	int exchange = flags & RENAME_EXCHANGE;

	if (from->kind != RAMFS_LAST_NAME)
		return EBUSY;
	if (to->kind != RAMFS_LAST_NAME)
		return flags & RENAME_NOREPLACE ? EEXIST : EBUSY;
	if (!from->node)
		return ENOENT;
	if (to->node && flags & RENAME_NOREPLACE)
		return EEXIST;
	if (exchange && !to->node)
		return ENOENT;
	if (exchange && !S_ISDIR(to->node->mode) && to->slash)
		return ENOTDIR;
	if (!S_ISDIR(from->node->mode) && (from->slash || (!exchange && to->slash)))
		return ENOTDIR;
	if (S_ISDIR(from->node->mode) && is_ancestor(fs, from->node, to->dir))
		return EINVAL;
	if (to->node && S_ISDIR(to->node->mode) && is_ancestor(fs, to->node, from->dir))
		return exchange ? EINVAL : ENOTEMPTY;
	if (!to->node && to->dir->links == 0)
		return ENOENT;
	if (!to->node || exchange || to->node == from->node)
		return 0;
	if (S_ISDIR(from->node->mode) && !S_ISDIR(to->node->mode))
		return ENOTDIR;
	if (!S_ISDIR(from->node->mode) && S_ISDIR(to->node->mode))
		return EISDIR;
	return S_ISDIR(to->node->mode) && to->node->dir.count ? ENOTEMPTY : 0;
}

/* Two names change places: the entries keep their names and get each other's node. */
static void exchange_nodes(struct ramfs *fs, struct ramfs_walk *a, struct ramfs_walk *b)
{
	int difference = (S_ISDIR(b->node->mode) ? 1 : 0) - (S_ISDIR(a->node->mode) ? 1 : 0);

	a->entry->node = b->node;
	b->entry->node = a->node;
	a->dir->links += (unsigned)difference;
	b->dir->links -= (unsigned)difference;
	if (S_ISDIR(a->node->mode))
		a->node->dir.parent = b->dir;
	if (S_ISDIR(b->node->mode))
		b->node->dir.parent = a->dir;
	a->dir->mtime = a->dir->ctime = b->dir->mtime = b->dir->ctime = fs->now();
	a->node->ctime = b->node->ctime = fs->now();
}

int ramfs_rename(struct ramfs *fs, struct ramfs_node *dir, const char *path, struct ramfs_node *new_dir,
	const char *new_path, unsigned flags)
{
	struct ramfs_walk from, to;
	int error;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return EINVAL;
	error = ramfs_walk(fs, dir, path, -1, &from);
	if (!error)
		error = ramfs_walk(fs, new_dir, new_path, -1, &to);	/* from.name is stale from here */
	if (!error)
		error = rename_check(fs, &from, &to, flags);
	if (error || from.node == to.node)
		return error;
	if (flags & RENAME_EXCHANGE) {
		exchange_nodes(fs, &from, &to);
		return 0;
	}
	/* the new name first: it is what may fail */
	if (to.node) {
		ramfs_get(to.node);
		entry_remove(fs, to.dir, to.entry);
		ramfs_put(fs, to.node);
	}
	error = ramfs_dir_add(fs, to.dir, to.name, to.length, from.node);
	if (error)
		return error;
	ramfs_dir_remove(fs, from.dir, from.entry);
	from.node->ctime = fs->now();
	return 0;
}

int ramfs_readlink(struct ramfs *fs, struct ramfs_node *dir, const char *path, const char **target)
{
	struct ramfs_node *node;
	int error = ramfs_find(fs, dir, path, 0, &node);

	if (error)
		return error;
	if (!S_ISLNK(node->mode))
		return EINVAL;
	*target = node->target;
	return 0;
}

int ramfs_chmod(struct ramfs *fs, struct ramfs_node *node, unsigned mode)
{
	if (S_ISLNK(node->mode))
		return EOPNOTSUPP;
	node->mode = (node->mode & S_IFMT) | (mode & 07777);
	node->ctime = fs->now();
	return 0;
}

int ramfs_chown(struct ramfs *fs, struct ramfs_node *node, unsigned uid, unsigned gid)
{
	if (uid != ~0u)
		node->uid = uid;
	if (gid != ~0u)
		node->gid = gid;
	if (!S_ISDIR(node->mode)) {
		node->mode &= ~S_ISUID;
		if (node->mode & 010)
			node->mode &= ~S_ISGID;
	}
	node->ctime = fs->now();
	return 0;
}

int ramfs_utimens(struct ramfs *fs, struct ramfs_node *node, uint64_t atime, uint64_t mtime)
{
	uint64_t now = fs->now();

	if (atime == UTIME_OMIT_NS && mtime == UTIME_OMIT_NS)
		return 0;
	if (atime != UTIME_OMIT_NS)
		node->atime = atime == UTIME_NOW_NS ? now : atime;
	if (mtime != UTIME_OMIT_NS)
		node->mtime = mtime == UTIME_NOW_NS ? now : mtime;
	node->ctime = now;
	return 0;
}
