/* Lays a newc cpio archive over the tree.  Data of files that lie on whole pages of the archive
 * are used in place: the archive's pages become the file's.  The rest is copied.  Or lays the index of a
 * pack below it: then what exists stays. */
#include <stdlib.h>
#include <string.h>
#include "ramfs.h"

#define HEADER	110

struct member {
	unsigned ino, mode, uid, gid, links, mtime, size, rdev, name_size;
	const char *name;
	char *data;
};

struct hard_link {			/* members of one node; the last has the data */
	struct hard_link *next;
	unsigned ino;
	struct ramfs_node *node;
};

static unsigned hex(const char *p)
{
	unsigned value = 0, digit;
	int i;

	for (i = 0; i < 8; i++) {
		digit = (unsigned)(p[i] | 0x20) - '0';
		value = value << 4 | (digit <= 9 ? digit : digit - ('a' - '0') + 10);
	}
	return value;
}

/* Reads the member at *at and moves on; 0 = good, 1 = the end, else EINVAL. */
static int member_next(char *archive, size_t size, size_t *at, struct member *m)
{
	char *h = archive + *at;
	size_t data, next;

	if (*at + HEADER > size)
		return *at == size ? 1 : EINVAL;
	if (memcmp(h, "070701", 6) && memcmp(h, "070702", 6))
		return EINVAL;
	m->ino = hex(h + 6);
	m->mode = hex(h + 14);
	m->uid = hex(h + 22);
	m->gid = hex(h + 30);
	m->links = hex(h + 38);
	m->mtime = hex(h + 46);
	m->size = hex(h + 54);
	m->rdev = (hex(h + 78) & 0xfff) << 8 | (hex(h + 86) & 0xff) | (hex(h + 86) & ~0xffu) << 12;
	m->name_size = hex(h + 94);
	m->name = h + HEADER;
	data = (*at + HEADER + m->name_size + 3) & ~(size_t)3;
	next = (data + m->size + 3) & ~(size_t)3;
	if (m->name_size < 2 || m->name_size > size || data > size || m->size > size - data)
		return EINVAL;
	if (memchr(m->name, 0, m->name_size) == 0)
		return EINVAL;
	m->data = archive + data;
	*at = next < size ? next : size;
	return strcmp(m->name, "TRAILER!!!") == 0;
}

/* Directories that the archive does not name on the way are made.  The last member's are there. */
static int make_parents(struct ramfs *fs, const char *path, char *part)
{
	const char *slash = strrchr(path, '/');
	int error;

	if (!slash || ((size_t)(slash - path) == strlen(part) && !memcmp(part, path, (size_t)(slash - path))))
		return 0;
	slash = path;
	while ((slash = strchr(slash, '/'))) {
		if ((size_t)(slash - path) >= RAMFS_PATH_MAX)
			return ENAMETOOLONG;
		memcpy(part, path, (size_t)(slash - path));
		part[slash++ - path] = 0;
		if (!part[0])
			continue;
		error = ramfs_mkdir(fs, fs->root, part, 0755);
		if (error && error != EEXIST)
			return error;
	}
	return 0;
}

static int file_data(struct ramfs *fs, struct ramfs_node *node, struct member *m)
{
	size_t done = 0;
	int error = 0;

	if (!m->size)
		return 0;
	if ((uintptr_t)m->data % RAMFS_PAGE) {
		while (!error && node->size < m->size)
			error = ramfs_write(fs, node, node->size, m->data + node->size, m->size - (size_t)node->size, &done);
		return error;
	}
	node->data.extent = m->data;
	node->data.extent_pages = (m->size + RAMFS_PAGE - 1) / RAMFS_PAGE;
	node->data.tail_foreign = m->size % RAMFS_PAGE != 0;
	node->pages = node->data.extent_pages;
	node->size = m->size;
	return 0;
}

/* Removes what an earlier archive left under the name, unless both are directories, or a link leads to one: /bin is usr/bin. */
static int replace(struct ramfs *fs, const char *path, unsigned mode, struct ramfs_node **directory)
{
	struct ramfs_node *old;
	int error = ramfs_find(fs, fs->root, path, -1, &old);

	*directory = 0;
	if (error)
		return error == ENOENT ? 0 : error;
	if (S_ISLNK(old->mode) && S_ISDIR(mode) && !ramfs_find(fs, fs->root, path, 1, directory) && S_ISDIR((*directory)->mode))
		return 0;
	if (S_ISDIR(old->mode) && S_ISDIR(mode)) {
		*directory = old;
		return 0;
	}
	*directory = 0;
	return ramfs_unlink(fs, fs->root, path, S_ISDIR(old->mode) ? AT_REMOVEDIR : 0);
}

static int member_make(struct ramfs *fs, const char *path, struct member *m, struct ramfs_node **node)
{
	unsigned type = m->mode & S_IFMT;
	char *target;
	int error;

	error = replace(fs, path, m->mode, node);
	if (error || *node)
		return error;
	if (type == S_IFDIR) {
		error = ramfs_mkdir(fs, fs->root, path, m->mode & 07777);
	} else if (type == S_IFLNK) {
		target = malloc(m->size + 1);
		if (!target)
			return ENOSPC;
		memcpy(target, m->data, m->size);
		target[m->size] = 0;
		error = ramfs_symlink(fs, fs->root, target, path);
		free(target);
	} else {
		error = ramfs_mknod(fs, fs->root, path, m->mode, m->rdev);
	}
	return error ? error : ramfs_find(fs, fs->root, path, -1, node);
}

static void attributes(struct ramfs_node *node, struct member *m)
{
	node->mode = m->mode;
	node->uid = m->uid;
	node->gid = m->gid;
	node->atime = node->mtime = node->ctime = m->mtime * 1000000000ull;
}

/* A file of the pack: where its data lie. */
static int lower_data(struct ramfs_node *node, struct member *m, uint32_t limit)
{
	uint32_t place[2];

	if (!m->size)
		return 0;
	if (m->size != sizeof place)
		return EINVAL;
	memcpy(place, m->data, sizeof place);
	node->pages = place[1] / RAMFS_PAGE + (place[1] % RAMFS_PAGE != 0);
	if (!place[1] || place[1] > RAMFS_SIZE_MAX || place[0] >= limit || node->pages > limit - place[0])
		return EINVAL;
	node->size = place[1];
	node->data.lower = place[0] + 1;
	return 0;
}

struct load {
	struct hard_link *links;
	uint32_t	pages;		/* of the pack, ... */
	int		below;		/* if it is one */
	char		parent[RAMFS_PATH_MAX];	/* of the member before */
};

/* What is there hides a member of the pack. */
static int hidden(struct ramfs *fs, struct load *l, const char *path, int error)
{
	struct ramfs_node *old;

	return l->below && (error == ENOTDIR || (!error && ramfs_find(fs, fs->root, path, -1, &old) != ENOENT));
}

static int member_load(struct ramfs *fs, struct member *m, struct load *load)
{
	struct hard_link **links = &load->links;
	const char *path = m->name;
	struct ramfs_node *node = 0;
	struct hard_link *l = 0;
	int error;

	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	if (!*path || !strcmp(path, ".")) {
		attributes(fs->root, m);
		return 0;
	}
	error = make_parents(fs, path, load->parent);
	if (hidden(fs, load, path, error))
		return 0;
	if (error)
		return error;
	if (S_ISREG(m->mode) && m->links > 1)
		for (l = *links; l && l->ino != m->ino; l = l->next)
			;
	if (l) {
		struct ramfs_walk w;

		error = replace(fs, path, m->mode, &node);
		if (!error)
			error = ramfs_walk(fs, fs->root, path, -1, &w);
		if (!error)
			error = ramfs_dir_add(fs, w.dir, w.name, w.length, l->node);
		node = l->node;
	} else {
		error = member_make(fs, path, m, &node);
		if (!error && S_ISREG(m->mode) && m->links > 1 && (l = malloc(sizeof *l))) {
			*l = (struct hard_link){ *links, m->ino, node };
			*links = l;
		}
	}
	if (!error && S_ISREG(m->mode) && !node->size)
		error = load->below ? lower_data(node, m, load->pages) : file_data(fs, node, m);
	if (!error)
		attributes(node, m);
	return error;
}

static int load_all(struct ramfs *fs, char *archive, size_t size, int below, uint32_t pages)
{
	struct load *load = calloc(1, sizeof *load);
	struct hard_link *links, *next;
	struct member m;
	size_t at = 0;
	int error;

	if (!load)
		return ENOMEM;
	load->below = below;
	load->pages = pages;
	while (!(error = member_next(archive, size, &at, &m)) && !(error = member_load(fs, &m, load)))
		;
	for (links = load->links; links; links = next) {
		next = links->next;
		free(links);
	}
	free(load);
	return error == 1 ? 0 : error;
}

int ramfs_load_cpio(struct ramfs *fs, char *archive, size_t size)
{
	return load_all(fs, archive, size, 0, 0);
}

int ramfs_load_index(struct ramfs *fs, char *archive, size_t size, uint32_t pages)
{
	return load_all(fs, archive, size, 1, pages);
}
