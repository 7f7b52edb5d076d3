/* Nodes of the RAM file system and the data of regular files.
 *
 * A file's pages are a table of pointers, or, as long as it is as the boot module had it, one
 * extent of the module's own pages.  Invariant: bytes of the last page after size are zero,
 * unless tail_foreign says that the page goes on with the archive's next header: such a page is
 * copied before anybody may map it or write to it. */
#include <stdlib.h>
#include <string.h>
#include "ramfs.h"

struct ramfs_node *ramfs_node_make(struct ramfs *fs, unsigned mode)
{
	struct ramfs_node *node = calloc(1, sizeof *node);

	if (!node)
		return 0;
	node->number = fs->next_number++;
	node->mode = mode;
	node->atime = node->mtime = node->ctime = fs->now();
	if (S_ISDIR(mode)) {
		node->size = RAMFS_PAGE;
		node->dir.next_position = 2;
	}
	fs->nodes++;
	return node;
}

static void data_free(struct ramfs *fs, struct ramfs_node *node)
{
	uint32_t i;

	for (i = 0; i < node->data.extent_pages; i++)
		fs->page_free(fs, node->data.extent + i * RAMFS_PAGE);
	for (i = 0; node->data.page && i < node->data.slots; i++)
		if (node->data.page[i])
			fs->page_free(fs, node->data.page[i]);
	free(node->data.page);
}

static void node_free(struct ramfs *fs, struct ramfs_node *node)
{
	if (fs->forget)
		fs->forget(node);
	if (S_ISREG(node->mode))
		data_free(fs, node);
	else if (S_ISLNK(node->mode))
		free(node->target);
	else if (S_ISDIR(node->mode)) {
		free(node->dir.table);
		if (node->dir.parent_held)
			ramfs_put(fs, node->dir.parent);
	}
	fs->nodes--;
	free(node);
}

void ramfs_get(struct ramfs_node *node)
{
	node->opens++;
}

void ramfs_put(struct ramfs *fs, struct ramfs_node *node)
{
	if (--node->opens == 0 && node->links == 0)
		node_free(fs, node);
}

void ramfs_link_dropped(struct ramfs *fs, struct ramfs_node *node)
{
	node->ctime = fs->now();
	if (node->opens == 0 && node->links == 0)
		node_free(fs, node);
}

char *(*ramfs_lower_page)(uint32_t page);

/* Reads of such a node come only for pages that are in memory, writes not at all: it is copied before. */
void ramfs_lower_drop(struct ramfs *fs, struct ramfs_node *node)
{
	if (fs->dropped)
		fs->dropped(node, 0, ~0u);
	node->data.lower = 0;
	node->pages = 0;
}

char *ramfs_page(struct ramfs_node *node, uint32_t index)
{
	if (node->data.lower)
		return index < node->pages ? ramfs_lower_page(node->data.lower - 1 + index) : 0;
	if (!node->data.page)
		return index < node->data.extent_pages ? node->data.extent + index * RAMFS_PAGE : 0;
	return index < node->data.slots ? node->data.page[index] : 0;
}

/* Makes the table reach count slots; the extent, if there is one, becomes table entries. */
static int table_grow(struct ramfs_node *node, uint32_t count)
{
	uint32_t slots = node->data.slots, i;
	char **table;

	if (node->data.page && count <= slots)
		return 0;
	slots = slots + slots / 2;
	if (slots < count)
		slots = count;
	if (slots < 4)
		slots = 4;
	if (slots < node->data.extent_pages)
		slots = node->data.extent_pages;
	table = realloc(node->data.page, slots * sizeof *table);
	if (!table)
		return ENOSPC;
	i = node->data.page ? node->data.slots : 0;
	memset(table + i, 0, (slots - i) * sizeof *table);
	for (i = 0; i < node->data.extent_pages; i++)
		table[i] = node->data.extent + i * RAMFS_PAGE;
	node->data.extent = 0;
	node->data.extent_pages = 0;
	node->data.page = table;
	node->data.slots = slots;
	return 0;
}

/* The last page, if it is shared with the archive, is replaced by one of our own. */
int ramfs_tail_own(struct ramfs *fs, struct ramfs_node *node)
{
	uint32_t last = (uint32_t)(node->size / RAMFS_PAGE), rest = (uint32_t)(node->size % RAMFS_PAGE);
	char *old, *page;

	if (!node->data.tail_foreign)
		return 0;
	if (rest && (old = ramfs_page(node, last))) {
		page = fs->page_alloc(fs, 0);
		if (!page)
			return ENOSPC;
		if (table_grow(node, last + 1)) {
			fs->page_free(fs, page);
			return ENOSPC;
		}
		memcpy(page, old, rest);
		node->data.page[last] = page;
		if (fs->dropped)
			fs->dropped(node, last, 1);
		fs->page_free(fs, old);
	}
	node->data.tail_foreign = 0;
	return 0;
}

char *ramfs_page_make(struct ramfs *fs, struct ramfs_node *node, uint32_t index)
{
	char *page;

	if (node->data.tail_foreign && index == node->size / RAMFS_PAGE && ramfs_tail_own(fs, node))
		return 0;
	page = ramfs_page(node, index);
	if (page)
		return page;
	if (table_grow(node, index + 1))
		return 0;
	page = fs->page_alloc(fs, index ? node->data.page[index - 1] : 0);
	if (!page)
		return 0;
	node->data.page[index] = page;
	node->pages++;
	return page;
}

/* The relatime rule of Linux. */
static void accessed(struct ramfs *fs, struct ramfs_node *node)
{
	if (node->atime <= node->mtime || node->atime <= node->ctime)
		node->atime = fs->now();
}

size_t ramfs_read(struct ramfs *fs, struct ramfs_node *node, uint64_t offset, void *buffer, size_t count)
{
	size_t done = 0, part;
	char *page;

	if (offset >= node->size)
		return 0;
	if (count > node->size - offset)
		count = node->size - offset;
	while (done < count) {
		part = RAMFS_PAGE - (offset + done) % RAMFS_PAGE;
		if (part > count - done)
			part = count - done;
		page = ramfs_page(node, (uint32_t)((offset + done) / RAMFS_PAGE));
		if (page)
			memcpy((char *)buffer + done, page + (offset + done) % RAMFS_PAGE, part);
		else
			memset((char *)buffer + done, 0, part);
		done += part;
	}
	accessed(fs, node);
	return done;
}

/* Where the bytes lie, if they lie together in memory: *count is cut to the end of the file.
 * Null (and *count the length) when they do not. */
char *ramfs_read_direct(struct ramfs_node *node, uint64_t offset, size_t *count)
{
	uint32_t first, last, i;
	char *page;

	if (offset >= node->size) {
		*count = 0;
		return 0;
	}
	if (*count > node->size - offset)
		*count = node->size - offset;
	if (!*count)
		return 0;
	first = (uint32_t)(offset / RAMFS_PAGE);
	last = (uint32_t)((offset + *count - 1) / RAMFS_PAGE);
	page = ramfs_page(node, first);
	for (i = first; page && i <= last; i++)
		if (ramfs_page(node, i) != page + (i - first) * RAMFS_PAGE)
			return 0;
	return page ? page + offset % RAMFS_PAGE : 0;
}

int ramfs_write(struct ramfs *fs, struct ramfs_node *node, uint64_t offset, const void *data, size_t count, size_t *done)
{
	size_t part;
	char *page;

	*done = 0;
	if (!count)
		return 0;
	if (node->data.lower)
		return EIO;
	if (offset >= RAMFS_SIZE_MAX)
		return EFBIG;
	if (count > RAMFS_SIZE_MAX - offset)
		count = (size_t)(RAMFS_SIZE_MAX - offset);
	if (offset + count > node->size && ramfs_tail_own(fs, node))
		return ENOSPC;
	while (*done < count) {
		part = RAMFS_PAGE - (offset + *done) % RAMFS_PAGE;
		if (part > count - *done)
			part = count - *done;
		page = ramfs_page_make(fs, node, (uint32_t)((offset + *done) / RAMFS_PAGE));
		if (!page)
			break;
		memcpy(page + (offset + *done) % RAMFS_PAGE, (const char *)data + *done, part);
		*done += part;
		if (offset + *done > node->size)
			node->size = offset + *done;
	}
	if (!*done)
		return ENOSPC;
	node->mtime = node->ctime = fs->now();
	return 0;
}

static void drop_pages(struct ramfs *fs, struct ramfs_node *node, uint32_t keep)
{
	uint32_t i;

	if (!node->data.page && node->data.extent_pages <= keep)
		return;
	if (fs->dropped)
		fs->dropped(node, keep, ~0u - keep);
	if (node->data.page) {
		for (i = keep; i < node->data.slots; i++)
			if (node->data.page[i]) {
				fs->page_free(fs, node->data.page[i]);
				node->data.page[i] = 0;
				node->pages--;
			}
		return;
	}
	for (i = keep; i < node->data.extent_pages; i++)
		fs->page_free(fs, node->data.extent + i * RAMFS_PAGE);
	node->pages -= node->data.extent_pages - keep;
	node->data.extent_pages = keep;
}

int ramfs_truncate(struct ramfs *fs, struct ramfs_node *node, uint64_t size)
{
	uint32_t keep = (uint32_t)((size + RAMFS_PAGE - 1) / RAMFS_PAGE);
	char *page;

	if (!S_ISREG(node->mode))
		return S_ISDIR(node->mode) ? EISDIR : EINVAL;
	if (size > RAMFS_SIZE_MAX)
		return EFBIG;
	if (node->data.lower && size)
		return EIO;
	if (node->data.lower)
		ramfs_lower_drop(fs, node);
	if (size > node->size && ramfs_tail_own(fs, node))
		return ENOSPC;
	if (size < node->size) {
		if (node->data.tail_foreign && keep == (node->size + RAMFS_PAGE - 1) / RAMFS_PAGE) {
			if (ramfs_tail_own(fs, node))
				return ENOSPC;
		}
		node->data.tail_foreign = 0;
		drop_pages(fs, node, keep);
		if (size % RAMFS_PAGE && (page = ramfs_page(node, keep - 1)))
			memset(page + size % RAMFS_PAGE, 0, RAMFS_PAGE - size % RAMFS_PAGE);
	}
	node->size = size;
	node->mtime = node->ctime = fs->now();
	return 0;
}

int ramfs_init(struct ramfs *fs)
{
	fs->next_number = 2;
	fs->root = ramfs_node_make(fs, S_IFDIR | 0755);
	if (!fs->root)
		return ENOMEM;
	fs->root->links = 2;
	fs->root->dir.parent = fs->root;
	return 0;
}
