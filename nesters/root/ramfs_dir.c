/* Directories of the RAM file system: names in a hash table and in one list in the order in
 * which they were made.  The list's growing positions are the cookies of getdents, so a name
 * that stays is neither lost nor seen twice while others come and go. */
#include <stdlib.h>
#include <string.h>
#include "ramfs.h"

uint32_t ramfs_hash(const char *name, unsigned length)
{
	uint32_t hash = 2166136261u;

	while (length--)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash ^ hash >> 15;
}

struct ramfs_entry *ramfs_dir_find(struct ramfs_node *dir, const char *name, unsigned length)
{
	uint32_t hash = ramfs_hash(name, length);
	struct ramfs_entry *e;

	if (!dir->dir.table)
		return 0;
	for (e = dir->dir.table[hash & (dir->dir.table_size - 1)]; e; e = e->hash_next)
		if (e->hash == hash && e->length == length && !memcmp(e->name, name, length))
			return e;
	return 0;
}

static int table_grow(struct ramfs_dir *dir)
{
	uint32_t size = dir->table_size ? dir->table_size * 4 : 8;
	struct ramfs_entry **table, *e;

	if (dir->count < dir->table_size)
		return 0;
	table = calloc(size, sizeof *table);
	if (!table)
		return dir->table ? 0 : ENOSPC;	/* a crowded table still works */
	for (e = dir->first; e; e = e->next) {
		e->hash_next = table[e->hash & (size - 1)];
		table[e->hash & (size - 1)] = e;
	}
	free(dir->table);
	dir->table = table;
	dir->table_size = size;
	return 0;
}

/* The name must not exist yet.  Counts a link of the node. */
int ramfs_dir_add(struct ramfs *fs, struct ramfs_node *node, const char *name, unsigned length, struct ramfs_node *child)
{
	struct ramfs_dir *dir = &node->dir;
	struct ramfs_entry *e;

	if (table_grow(dir) || !(e = malloc(sizeof *e + length + 1)))
		return ENOSPC;
	e->node = child;
	e->hash = ramfs_hash(name, length);
	e->length = (uint16_t)length;
	memcpy(e->name, name, length);
	e->name[length] = 0;
	e->position = dir->next_position++;
	e->next = 0;
	e->prev = dir->last;
	if (dir->last)
		dir->last->next = e;
	else
		dir->first = e;
	dir->last = e;
	e->hash_next = dir->table[e->hash & (dir->table_size - 1)];
	dir->table[e->hash & (dir->table_size - 1)] = e;
	dir->count++;
	child->links++;
	if (S_ISDIR(child->mode)) {
		child->dir.parent = node;
		node->links++;
	}
	node->mtime = node->ctime = child->ctime = fs->now();
	return 0;
}

/* Takes the name away; the node stays for the caller, who calls ramfs_link_dropped. */
void ramfs_dir_remove(struct ramfs *fs, struct ramfs_node *node, struct ramfs_entry *e)
{
	struct ramfs_dir *dir = &node->dir;
	struct ramfs_entry **link = &dir->table[e->hash & (dir->table_size - 1)];

	while (*link != e)
		link = &(*link)->hash_next;
	*link = e->hash_next;
	if (e->prev)
		e->prev->next = e->next;
	else
		dir->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		dir->last = e->prev;
	if (dir->cursor == e)
		dir->cursor = e->next;
	dir->count--;
	e->node->links--;
	if (S_ISDIR(e->node->mode))
		node->links--;
	node->mtime = node->ctime = fs->now();
	free(e);
}

static unsigned type_of(unsigned mode)
{
	return (mode & S_IFMT) >> 12;
}

/* One record; 0 when it does not fit. */
static size_t put_record(char *buffer, size_t room, struct ramfs_node *node, uint64_t next, const char *name, size_t length)
{
	size_t bytes = (offsetof(struct linux_dirent64, d_name) + length + 1 + 7) & ~(size_t)7;
	struct linux_dirent64 *d = (struct linux_dirent64 *)buffer;

	if (bytes > room)
		return 0;
	memset(buffer, 0, bytes);
	d->d_ino = node->number;
	d->d_off = (long long)next;
	d->d_reclen = (unsigned short)bytes;
	d->d_type = (unsigned char)type_of(node->mode);
	memcpy(d->d_name, name, length);
	return bytes;
}

static struct ramfs_entry *entry_at(struct ramfs_dir *dir, uint64_t position)
{
	struct ramfs_entry *e = dir->first;

	if (dir->cursor && dir->cursor->position <= position)
		e = dir->cursor;
	while (e && e->position < position)
		e = e->next;
	return e;
}

size_t ramfs_getdents(struct ramfs *fs, struct ramfs_node *node, uint64_t *cookie, char *buffer, size_t size, int *error)
{
	struct ramfs_dir *dir = &node->dir;
	struct ramfs_entry *e;
	size_t done = 0, bytes;

	*error = 0;
	if (node->links == 0) {
		*error = ENOENT;
		return 0;
	}
	while (*cookie < 2) {
		bytes = put_record(buffer + done, size - done, *cookie ? dir->parent : node, *cookie + 1, "..", *cookie + 1);
		if (!bytes)
			goto full;
		done += bytes;
		++*cookie;
	}
	for (e = entry_at(dir, *cookie); e; e = e->next) {
		bytes = put_record(buffer + done, size - done, e->node, e->position + 1, e->name, e->length);
		if (!bytes)
			break;
		done += bytes;
		*cookie = e->position + 1;
	}
	dir->cursor = e;
	if (!e || done) {
		node->atime = fs->now();
		return done;
	}
full:
	if (!done)
		*error = EINVAL;
	return done;
}
