/* Files in the words of a checkpoint's image (checkpoint.c): open files, regions over them, files made or changed
 * since the boot. */
#include <stdio.h>
#include <string.h>
#include "files.h"

struct saved_file { uint32_t flags, shared; uint64_t offset; uint32_t prot, size; };	/* size: of what has no name; then the path */

static const char *path_of(struct ramfs_node *node, char *buffer, size_t room)
{
	int error = S_ISDIR(node->mode) ? ramfs_path(&ramfs, node, buffer, room) : ramfs_name(&ramfs, node, buffer, room);

	return error ? NULL : buffer;
}

/* A path, or what is in it.  *size: room, then bytes. */
static int node_save(struct ramfs_node *node, struct saved_file *head, char *data, size_t *size)
{
	size_t room = *size - sizeof *head;
	char *rest = data + sizeof *head;

	if (path_of(node, rest, room < RAMFS_PATH_MAX ? room : RAMFS_PATH_MAX)) {
		head->size = ~0u;
		*size = sizeof *head + strlen(rest) + 1;
	} else if (S_ISREG(node->mode) && node->size <= room) {
		head->size = (uint32_t)ramfs_read(&ramfs, node, 0, rest, room);
		*size = sizeof *head + head->size;
	} else {
		return EFBIG;
	}
	memcpy(data, head, sizeof *head);
	return 0;
}

/* A new node without a name, with that in it. */
static int nameless(const char *data, size_t size, struct ramfs_node **node)
{
	static uint32_t number;
	char path[40];
	size_t done = 0;
	int error;

	snprintf(path, sizeof path, "tmp/.restored-%u", (unsigned)++number);
	error = ramfs_open(&ramfs, ramfs.root, path, O_RDWR | O_CREAT | O_EXCL, 0600, node);
	if (error)
		return error;
	error = ramfs_write(&ramfs, *node, 0, data, size, &done);
	ramfs_unlink(&ramfs, ramfs.root, path, 0);
	return done == size ? 0 : error;
}

static int node_find(const struct saved_file *head, const char *rest, size_t size, struct ramfs_node **node)
{
	if (head->size != ~0u)
		return head->size == size ? nameless(rest, size, node) : EINVAL;
	if (!size || rest[size - 1])
		return EINVAL;
	return ramfs_open(&ramfs, ramfs.root, rest, O_PATH, 0, node);
}

int file_save(struct served *object, char *data, size_t *size)
{
	struct file *f = (struct file *)object;
	struct saved_file head = { f->flags, (uint32_t)f->shared, f->offset, 0, 0 };

	if (object->class != &file_class && object->class != &directory_class)
		return ENOENT;
	return LOCKED(node_save(f->node, &head, data, size));
}

int file_restore(struct request *r, const char *data, size_t size, void **port)
{
	struct saved_file head;
	struct ramfs_node *node;
	struct file *f;
	int error;

	if (size < sizeof head)
		return EINVAL;
	memcpy(&head, data, sizeof head);
	root_lock();
	error = node_find(&head, data + sizeof head, size - sizeof head, &node);
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

static int is_region(fluke_region_t *region, fluke_ref_t *ref, fluke_ref_t *scratch)
{
	fluke_region_state_t state;

	fluke_region_get_state(region, &state, NULL, NULL);
	if (state.hash != fluke_ref_hash(ref))
		return 0;
	fluke_region_reference(region, scratch);
	return (int)fluke_ref_compare(scratch, ref);
}

/* A region over a file's pages. */
int file_region_save(fluke_ref_t *region, char *data, size_t *size)
{
	struct saved_file head = { 0 };
	fluke_ref_t *scratch = ref_new();
	int error = ENOENT;

	root_lock();
	for (uint32_t n = 0; n < store.slots && scratch && error == ENOENT; n++) {
		struct segment *s = store.slot[n];
		struct segment_region *m = s && s->source == &file_source ? s->more : NULL;

		while (m && !is_region(m->region, region, scratch))
			m = m->next;
		if (!m && !(s && s->source == &file_source && is_region(s->region, region, scratch)))
			continue;
		head.prot = m ? m->prot : s->prot;
		error = node_save(s->file, &head, data, size);
	}
	root_unlock();
	ref_free(scratch);
	return error;
}

int file_region_restore(const char *data, size_t size, void **region)
{
	struct saved_file head;
	struct ramfs_node *node;
	int error;

	if (size < sizeof head)
		return EINVAL;
	memcpy(&head, data, sizeof head);
	root_lock();
	error = node_find(&head, data + sizeof head, size - sizeof head, &node);
	if (!error && !(file_segment(node) && (*region = segment_region(node->map, head.prot))))
		error = ENOMEM;
	root_unlock();
	return error;		/* the node stays open: a file without a name lives for the region alone */
}

static int is_changed(const struct ramfs_node *node)
{
	return node->number >= files_own || (node->ctime >= files_boot_time && node->ctime <= clock_wall());
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
