/* Files of the pack as clients see them: mapped, and read in place.
 *
 * A segment over such a file stays one when the file has been copied to RAM: its faults then go the way of all files. */
#include <stdlib.h>
#include <protocols/FileDescription_server.h>
#include "root.h"
#include "pack.h"

/* ---- mapping ---- */

static uint32_t (*plain_frame)(void *file, uint32_t page, int write, uint32_t *first, uint32_t *count);

/* A page of the pack goes with those of its cluster, so that all of them can be taken away again in one piece. */
static uint32_t pack_frame(struct ramfs_node *node, uint32_t page, uint32_t *first, uint32_t *count)
{
	uint32_t start = node->data.lower - 1, low = (start + page) / PACK_CLUSTER_PAGES * PACK_CLUSTER_PAGES;
	char *at = page < node->pages ? pack_page(start + page) : NULL;

	if (!at)
		return FRAMES_NONE;
	*first = low > start ? low - start : 0;
	*count = low + PACK_CLUSTER_PAGES - start < node->pages ? low + PACK_CLUSTER_PAGES - start - *first : node->pages - *first;
	return store_frame(&store, at);
}

static uint32_t lower_frame(void *file, uint32_t page, int write, uint32_t *first, uint32_t *count)
{
	struct ramfs_node *node = file;

	return node->data.lower ? pack_frame(node, page, first, count) : plain_frame(file, page, write, first, count);
}

static int lower_away(void *file, uint32_t page, uint32_t *where)
{
	*where = pack_missing(file, (uint64_t)page * RAMFS_PAGE, 1);
	return *where != 0;
}

static int lower_bring(uint32_t where)
{
	return pack_bring(where - 1);
}

static const struct segment_source lower_source = { .frame = lower_frame, .away = lower_away, .bring = lower_bring };

struct segment *pack_segment(struct ramfs_node *node, uint32_t (*frame)(void *, uint32_t, int, uint32_t *, uint32_t *))
{
	plain_frame = frame;
	if (pack_mapped(node))
		return NULL;
	node->map = segment_create_file(store.root, RAMFS_SIZE_MAX, &lower_source, node);
	if (!node->map)
		pack_unmapped(node);
	return node->map;
}

/* ---- reading ---- */

static void lower_sent(void *context, int delivered)
{
	(void)delivered;
	root_lock();
	pack_unpin((uint32_t)(uintptr_t)context);
	root_unlock();
}

static int in_one_cluster(const struct ramfs_node *node, uint64_t at, size_t size)
{
	uint64_t from = (uint64_t)(node->data.lower - 1) * RAMFS_PAGE + at;

	return from / PACK_CLUSTER == (from + size - 1) / PACK_CLUSTER;
}

/* The range has been brought: sent in place, or as a copy where it is in two clusters. */
static void answer_read(struct pack_wait *w)
{
	char *copy = NULL;
	const char *data = NULL;
	uint32_t pin = 0;
	size_t size = w->size;

	root_lock();
	if (!w->error && pack_missing(w->node, w->at, w->size)) {
		root_unlock();
		pack_again(w);
		return;
	}
	if (!w->error && w->node->data.lower && in_one_cluster(w->node, w->at, size)) {
		pin = pack_pin(w->node, w->at) + 1;
		data = ramfs_read_direct(w->node, w->at, &size);
	} else if (!w->error) {
		data = copy = malloc(size);
		size = copy ? ramfs_read(&ramfs, w->node, w->at, copy, size) : 0;
	}
	root_unlock();
	if (data)
		FileDescription_read_reply(w->request, data, size);
	request_answer(w->request, w->error ? w->error : data ? 0 : ENOMEM);
	root_lock();
	if (pin)
		pack_unpin(pin - 1);
	ramfs_put(&ramfs, w->node);
	root_unlock();
	free(copy);
	free(w);
}

int pack_read(struct ramfs_node *node, struct request *r, uint64_t at, const void **data, size_t *size)
{
	if (at >= node->size) {
		*size = 0;
		return 0;
	}
	if (*size > node->size - at)
		*size = (size_t)(node->size - at);
	if (pack_missing(node, at, (uint32_t)*size))
		return pack_park(r, node, at, (uint32_t)*size, answer_read, NULL);
	if (!in_one_cluster(node, at, *size) || *size < 512)
		return PACK_COPY;
	r->sent = lower_sent;
	r->sent_context = (void *)(uintptr_t)pack_pin(node, at);
	*data = ramfs_read_direct(node, at, size);
	return 0;
}
