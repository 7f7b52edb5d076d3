/* Files in the words of a checkpoint's image (checkpoint.c): open files, regions over them, files made or changed
 * since the boot. */
#include <stdio.h>
#include <string.h>
#include "files.h"

struct saved_file { uint32_t flags, shared; uint64_t offset; uint32_t prot; };	/* then the path, if it has a name */

static const char *path_of(struct ramfs_node *node, char *buffer, size_t room)
{
	int error = S_ISDIR(node->mode) ? ramfs_path(&ramfs, node, buffer, room) : ramfs_name(&ramfs, node, buffer, room);

	return error ? NULL : buffer;
}

/* A path, or nothing: then `content` tells what is in it.  *size: room, then bytes. */
static int node_save(struct ramfs_node *node, const struct saved_file *head, char *data, size_t *size)
{
	char *rest = data + sizeof *head;
	int named = *size >= sizeof *head + RAMFS_PATH_MAX && path_of(node, rest, RAMFS_PATH_MAX);

	if (!named && !S_ISREG(node->mode))
		return ENOSYS;
	memcpy(data, head, sizeof *head);
	*size = sizeof *head + (named ? strlen(rest) + 1 : 0);
	return 0;
}

/* A new file without a name. */
static int nameless(struct ramfs_node **node)
{
	static uint32_t number;
	char path[40];
	int error;

	snprintf(path, sizeof path, "tmp/.restored-%u", (unsigned)++number);
	error = ramfs_open(&ramfs, ramfs.root, path, O_RDWR | O_CREAT | O_EXCL, 0600, node);
	if (!error)
		ramfs_unlink(&ramfs, ramfs.root, path, 0);
	return error;
}

static int is_region(fluke_region_t *region, fluke_ref_t *ref, fluke_ref_t *scratch)
{
	fluke_region_state_t state;

	fluke_region_get_state(region, &state, NULL, NULL);
	if (state.hash != fluke_ref_hash(ref))
		return 0;
	fluke_region_reference(region, scratch);
	return (int)fluke_ref_compare(scratch, ref);
}

/* The file's node that a region is over, with its protection. */
static struct ramfs_node *region_node(fluke_ref_t *region, uint32_t *prot)
{
	struct ramfs_node *node = NULL;
	fluke_ref_t *scratch = ref_new();

	for (uint32_t n = 0; n < store.slots && scratch && !node; n++) {
		struct segment *s = store.slot[n];
		struct segment_region *m;

		if (!s || !s->file || ((struct ramfs_node *)s->file)->map != s)		/* all files of segments are nodes */
			continue;
		for (m = s->more; m && !is_region(m->region, region, scratch); m = m->next)
			;
		if (!m && !is_region(s->region, region, scratch))
			continue;
		*prot = m ? m->prot : s->prot;
		node = s->file;
	}
	ref_free(scratch);
	return node;
}

/* Of a description or a region. */
static struct ramfs_node *node_of(fluke_ref_t *ref)
{
	struct served *object;
	uint32_t prot;

	if (!ref || fluke_ref_type(ref) == FLUKE_NULL)
		return NULL;
	if (fluke_ref_type(ref) == FLUKE_TYPE_REGION)
		return region_node(ref, &prot);
	object = served_of(server, ref);
	return object && object->class == &file_class ? ((struct file *)object)->node : NULL;
}

/* With root_lock. */
static int is_nameless(struct ramfs_node *node)
{
	static char path[RAMFS_PATH_MAX];

	return node && S_ISREG(node->mode) && !path_of(node, path, sizeof path);
}

int file_content(fluke_ref_t *of, uint64_t offset, uint32_t *number, char *data, size_t *size)
{
	struct ramfs_node *node;

	root_lock();
	node = node_of(of);
	if (!is_nameless(node))
		node = NULL;
	if (node) {
		*number = node->number;
		*size = ramfs_read(&ramfs, node, offset, data, *size);
	}
	root_unlock();
	return node ? 0 : ENOENT;
}

int file_fill(fluke_ref_t *of, uint64_t offset, const char *data, size_t size)
{
	struct ramfs_node *node;
	size_t done = 0;
	int error = ENOENT;

	root_lock();
	node = node_of(of);
	if (is_nameless(node))
		error = ramfs_write(&ramfs, node, offset, data, size, &done);
	root_unlock();
	return error ? error : done == size ? 0 : ENOSPC;
}

/* With the lock: what node_save wrote. */
static int node_find(const char *data, size_t size, fluke_ref_t *like, struct saved_file *head, struct ramfs_node **node)
{
	const char *rest = data + sizeof *head;

	if (size < sizeof *head)
		return EINVAL;
	memcpy(head, data, sizeof *head);
	size -= sizeof *head;
	if (!size) {
		*node = node_of(like);
		if (!*node)
			return nameless(node);
		ramfs_get(*node);
		return 0;
	}
	return rest[size - 1] ? EINVAL : ramfs_open(&ramfs, ramfs.root, rest, O_PATH, 0, node);
}

static struct ramfs_lock *lock_at(struct file *f, uint32_t index)
{
	struct ramfs_lock *l;

	for (l = f->node->locks; l && (l->c.via != f || index--); l = l->next)
		;
	return l;
}

int file_lock_get(fluke_ref_t *of, uint32_t index, struct ramfs_claim *lock)
{
	struct served *object = served_of(server, of);
	struct ramfs_lock *l = NULL;

	root_lock();
	if (object && object->class == &file_class && (l = lock_at((struct file *)object, index)))
		*lock = l->c;
	root_unlock();
	return l ? 0 : ENOENT;
}

int file_save(struct served *object, char *data, size_t *size, uint32_t *locks)
{
	struct file *f = (struct file *)object;
	struct saved_file head = { f->flags, (uint32_t)f->shared, f->offset, 0 };

	if (object->class != &file_class && object->class != &directory_class)
		return ENOENT;
	root_lock();
	for (*locks = 0; lock_at(f, *locks); ++*locks)
		;
	root_unlock();
	return LOCKED(node_save(f->node, &head, data, size));
}

int file_restore(struct request *r, const char *data, size_t size, fluke_ref_t *like, void **port)
{
	struct saved_file head;
	struct ramfs_node *node;
	struct file *f;
	int error;

	root_lock();
	error = node_find(data, size, like, &head, &node);
	if (!error && (error = file_open_plain(r, node, head.flags, port)))
		ramfs_put(&ramfs, node);
	if (!error) {
		f = r->sent_context;
		f->shared = (int)head.shared;
		f->offset = head.offset;
	}
	root_unlock();
	return error;
}

/* ---- FIFOs: the path, then what is in it ---- */

struct saved_end { uint32_t flags, path; };

int fifo_end_save(struct served *object, char *data, size_t *size)
{
	struct saved_end head = { 0, RAMFS_PATH_MAX };
	size_t part;
	char *path = data + sizeof head;
	struct fifo **fifo;
	int error;

	if (*size < sizeof head + RAMFS_PATH_MAX)
		return ENOSPC;
	part = *size - sizeof head - RAMFS_PATH_MAX;
	root_lock();
	error = fifo_save(object, &fifo, &head.flags, path + RAMFS_PATH_MAX, &part);
	if (!error && (!fifo || ramfs_name(&ramfs, (struct ramfs_node *)((char *)fifo - offsetof(struct ramfs_node, pipe)), path, RAMFS_PATH_MAX)))
		error = ENOSYS;
	root_unlock();
	if (error)
		return error;
	head.path = (uint32_t)strlen(path) + 1;
	memcpy(data, &head, sizeof head);
	memmove(path + head.path, path + RAMFS_PATH_MAX, part);
	*size = sizeof head + head.path + part;
	return 0;
}

/* An end is there at once: it had met its partner, or needed none. */
int fifo_end_restore(struct request *r, const char *data, size_t size, void **port)
{
	const char *path = data + sizeof(struct saved_end);
	struct saved_end head;
	struct ramfs_node *node;
	struct stream *s = NULL;
	int error;

	if (size < sizeof head)
		return EINVAL;
	memcpy(&head, data, sizeof head);
	if (!head.path || head.path > size - sizeof head || path[head.path - 1])
		return EINVAL;
	root_lock();
	error = ramfs_find(&ramfs, ramfs.root, path, 1, &node);
	if (!error)
		error = S_ISFIFO(node->mode) ? fifo_open(server, (struct fifo **)&node->pipe, head.flags & ~O_NONBLOCK, &s) : ENXIO;
	root_unlock();
	if (error)
		return error;
	s->flags = head.flags;
	fifo_fill(s, path + head.path, size - sizeof head - head.path);
	return stream_give(r, s, port);
}

/* A region over a file's pages. */
int file_region_save(fluke_ref_t *region, char *data, size_t *size)
{
	struct saved_file head = { 0 };
	struct ramfs_node *node;
	int error;

	root_lock();
	node = region_node(region, &head.prot);
	error = node ? node_save(node, &head, data, size) : ENOENT;
	root_unlock();
	return error;
}

int file_region_restore(const char *data, size_t size, fluke_ref_t *like, void **region)
{
	struct saved_file head;
	struct ramfs_node *node;
	int error;

	root_lock();
	error = node_find(data, size, like, &head, &node);
	if (!error && !(file_segment(node) && (*region = segment_region(node->map, head.prot))))
		error = ENOMEM;
	root_unlock();
	return error;		/* the node stays open: a file without a name lives for the region alone */
}

static int is_changed(const struct ramfs_node *node)
{
	if (node->number >= files_own && (node->number < files_pack || node->number >= files_pack_end))
		return 1;
	return node->ctime >= files_boot_time && node->ctime <= clock_wall();
}

/* Below the directory, parents first; the path is the buffer's. */
static struct ramfs_node *changed_below(struct ramfs_node *dir, uint32_t *index, char *path, size_t length)
{
	for (struct ramfs_entry *e = dir->dir.first; e; e = e->next) {
		struct ramfs_node *found = NULL;

		if (length + e->length + 2 > RAMFS_PATH_MAX || (!length && (!strcmp(e->name, "dev") || !strcmp(e->name, "proc"))))
			continue;
		strcpy(path + length, e->name);
		if (is_changed(e->node) && !(*index)--)
			return e->node;
		if (S_ISDIR(e->node->mode)) {
			path[length + e->length] = '/';
			found = changed_below(e->node, index, path, length + e->length + 1);
		}
		if (found)
			return found;
	}
	return NULL;
}

int file_changed(uint32_t index, char *path, struct FileStatus *status)
{
	struct ramfs_node *node;

	root_lock();
	*path = 0;
	node = changed_below(ramfs.root, &index, path, 0);
	if (node)
		fill_status(node, status);
	root_unlock();
	return node ? 0 : ENOENT;
}
