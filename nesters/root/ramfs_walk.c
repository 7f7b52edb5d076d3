/* Paths of the RAM file system, as Linux resolves them: at most 40 symbolic links, ".." stops at
 * the root, a removed directory holds nothing.  The path in hand lives in one of the two
 * buffers of the file system; a link's target and what is left are put together in the other. */
#include <string.h>
#include "ramfs.h"

/* Loads the link's target and the rest of the path behind it; the start is dir or the root. */
static int splice(struct ramfs *fs, char **rest, const char *target)
{
	char *into = *rest >= fs->path_a && *rest < fs->path_a + sizeof fs->path_a ? fs->path_b : fs->path_a;
	size_t length = strlen(target), more = strlen(*rest);

	if (length + more + 1 > sizeof fs->path_a)
		return ENAMETOOLONG;
	memcpy(into, target, length);
	memcpy(into + length, *rest, more + 1);
	*rest = into;
	return 0;
}

static struct ramfs_node *step(struct ramfs *fs, struct ramfs_walk *w)
{
	w->entry = 0;
	if (w->length == 1 && w->name[0] == '.') {
		w->kind = RAMFS_LAST_DOT;
		return w->dir;
	}
	if (w->length == 2 && w->name[0] == '.' && w->name[1] == '.') {
		w->kind = RAMFS_LAST_DOTDOT;
		return w->dir == fs->root ? w->dir : w->dir->dir.parent;
	}
	w->kind = RAMFS_LAST_NAME;
	w->entry = ramfs_dir_find(w->dir, w->name, w->length);
	return w->entry ? w->entry->node : 0;
}

int ramfs_walk(struct ramfs *fs, struct ramfs_node *dir, const char *path, int follow, struct ramfs_walk *w)
{
	size_t length = strlen(path);
	char *p = fs->path_a;
	int links = 0, error;

	if (!length)
		return ENOENT;
	if (length >= RAMFS_PATH_MAX)
		return ENAMETOOLONG;
	memcpy(p, path, length + 1);
	w->dir = dir;
restart:
	w->node = w->dir;
	w->entry = 0;
	w->kind = RAMFS_LAST_DOT;
	w->slash = 0;
	if (*p == '/') {
		w->dir = w->node = fs->root;
		w->kind = RAMFS_LAST_ROOT;
		w->name = p;
		w->length = 0;
	}
	for (;;) {
		while (*p == '/')
			p++;
		if (!*p)
			return 0;
		/* another component: what came before must be a directory */
		if (!w->node)
			return ENOENT;
		if (!S_ISDIR(w->node->mode))
			return ENOTDIR;
		w->dir = w->node;
		w->name = p;
		while (*p && *p != '/')
			p++;
		w->length = (unsigned)(p - w->name);
		if (w->length > RAMFS_NAME_MAX)
			return ENAMETOOLONG;
		w->slash = *p == '/';
		w->node = step(fs, w);
		if (w->node && S_ISLNK(w->node->mode) && (follow > 0 || p[strspn(p, "/")] || (follow == 0 && w->slash))) {
			if (++links > RAMFS_SYMLINKS)
				return ELOOP;
			if ((error = splice(fs, &p, w->node->target)))
				return error;
			goto restart;
		}
		if (!w->node && *(p + strspn(p, "/")))
			return ENOENT;
	}
}

int ramfs_find(struct ramfs *fs, struct ramfs_node *dir, const char *path, int follow, struct ramfs_node **node)
{
	struct ramfs_walk w;
	int error = ramfs_walk(fs, dir, path, follow, &w);

	if (error)
		return error;
	if (!w.node)
		return ENOENT;
	if (w.slash && !S_ISDIR(w.node->mode))
		return ENOTDIR;
	*node = w.node;
	return 0;
}

static struct ramfs_entry *entry_of(struct ramfs_node *dir)
{
	struct ramfs_entry *e = dir->dir.parent->dir.first;

	while (e && e->node != dir)
		e = e->next;
	return e;
}

/* The absolute path of a directory; ENOENT when it has been removed. */
int ramfs_path(struct ramfs *fs, struct ramfs_node *dir, char *buffer, size_t size)
{
	size_t at = size, length;
	struct ramfs_entry *entry;

	if (size < 2)
		return ERANGE;
	buffer[--at] = 0;
	while (dir != fs->root) {
		entry = dir->links ? entry_of(dir) : 0;
		if (!entry)
			return ENOENT;
		length = entry->length;
		if (length + 1 > at)
			return ERANGE;
		at -= length;
		memcpy(buffer + at, entry->name, length);
		buffer[--at] = '/';
		dir = dir->dir.parent;
	}
	if (!buffer[at])
		buffer[--at] = '/';
	memmove(buffer, buffer + at, size - at);
	return 0;
}

/* A name of a node that is no directory, found by looking through the tree: rare, so nothing is kept for it. */
int ramfs_name(struct ramfs *fs, struct ramfs_node *node, char *buffer, size_t size)
{
	struct ramfs_node *dir = fs->root;
	struct ramfs_entry *e = dir->dir.first;
	size_t length;
	int error;

	while (e || dir != fs->root) {
		if (!e) {			/* the directory is done: on behind its own name */
			e = entry_of(dir)->next;
			dir = dir->dir.parent;
			continue;
		}
		if (e->node == node)
			break;
		if (S_ISDIR(e->node->mode)) {
			dir = e->node;
			e = dir->dir.first;
		} else {
			e = e->next;
		}
	}
	if (!e)
		return ENOENT;
	error = ramfs_path(fs, dir, buffer, size);
	length = error ? 0 : strlen(buffer);
	if (!error && length + e->length + 2 > size)
		error = ERANGE;
	if (error)
		return error;
	if (length > 1)
		buffer[length++] = '/';
	memcpy(buffer + length, e->name, e->length + 1u);
	return 0;
}
