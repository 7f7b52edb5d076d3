/* The pack's head, index and clusters.
 *
 * Invariant, under root_lock: cluster[n].at is null, or a group of frames that holds what the drive has there, checked
 * against its sum.  Only segments of nodes on the list `mapped` show such frames to clients, and only replies that have
 * pinned the cluster are being sent from it; so it can be given up at any time when it is not pinned.  It is never changed.
 *
 * One cluster is read at a time, under `reading`; whoever wants one that is on its way waits there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/disk.h>
#include <protocols/Driver.h>
#include "files.h"
#include "pack.h"

#define LEAST		16u		/* clusters that are never too many */
#define SLACK		512u		/* free frames below which clusters are given up, ... */
#define KEPT		8u		/* all but so many */

struct cluster { char *at; uint32_t used, pins; };

static struct disk_file file;
static struct pack_head head;
static uint32_t	*sums;
static struct cluster *clusters;
static uint32_t	cluster_count, resident, most, tick;
static struct lock reading;
static struct ramfs_node **mapped;
static uint32_t	mapped_count, mapped_room;

fluke_ref_t *disk_service(void)
{
	return driver_service();
}

static uint32_t adler(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t a = 1, b = 0;

	while (size) {
		size_t part = size < 5552 ? size : 5552;

		for (size -= part; part--; b += a)
			a += *p++;
		a %= 65521;
		b %= 65521;
	}
	return b << 16 | a;
}

/* ---- giving up ---- */

static void count(int change)
{
	resident += (uint32_t)change;
	store.lent = resident > KEPT ? (resident - KEPT) * PACK_CLUSTER_PAGES : 0;
}

/* Nobody sees these frames any more. */
static void unmap(uint32_t n)
{
	uint32_t first = n * PACK_CLUSTER_PAGES, end = first + PACK_CLUSTER_PAGES;

	for (uint32_t i = 0; i < mapped_count; i++) {
		uint32_t start = mapped[i]->data.lower - 1, stop = start + mapped[i]->pages;
		uint32_t from = start > first ? start : first, to = stop < end ? stop : end;

		if (from < to)
			segment_discard(mapped[i]->map, (from - start) * RAMFS_PAGE, (to - from) * RAMFS_PAGE);
	}
}

/* The cluster that was used longest ago goes; 0: there is none that may. */
static int give_up(void)
{
	struct cluster *oldest = NULL;
	uint32_t frame;

	for (struct cluster *c = clusters; c < clusters + cluster_count; c++)
		if (c->at && !c->pins && (!oldest || tick - c->used > tick - oldest->used))
			oldest = c;
	if (!oldest)
		return 0;
	unmap((uint32_t)(oldest - clusters));
	frame = store_frame(&store, oldest->at);
	oldest->at = NULL;
	count(-1);
	for (uint32_t n = 0; n < PACK_CLUSTER_PAGES; n++)
		store_release(&store, frame + n);
	return 1;
}

static void squeeze(struct store *s)
{
	while (s->frames.free[FRAME_DATA] < SLACK && resident > KEPT && give_up())
		;
}

/* ---- bringing ---- */

char *pack_page(uint32_t page)
{
	struct cluster *c = &clusters[page / PACK_CLUSTER_PAGES];

	if (!c->at)
		return NULL;
	c->used = ++tick;
	return c->at + page % PACK_CLUSTER_PAGES * RAMFS_PAGE;
}

uint32_t pack_missing(const struct ramfs_node *node, uint64_t offset, uint32_t size)
{
	uint32_t first = node->data.lower - 1, n, last;

	if (!node->data.lower || offset >= node->size || !size)
		return 0;
	if (size > node->size - offset)
		size = (uint32_t)(node->size - offset);
	last = (first + (uint32_t)((offset + size - 1) / RAMFS_PAGE)) / PACK_CLUSTER_PAGES;
	for (n = (first + (uint32_t)(offset / RAMFS_PAGE)) / PACK_CLUSTER_PAGES; n <= last; n++)
		if (!clusters[n].at)
			return n + 1;
	return 0;
}

/* A group of frames for a cluster, from our own oldest ones if there are enough or no others. */
static char *frames_for(void)
{
	uint32_t frame = FRAMES_NONE;

	if (resident < most && store.frames.free[FRAME_DATA] > SLACK + PACK_CLUSTER_PAGES)
		frame = frames_take_row(&store.frames, PACK_CLUSTER_PAGES, PACK_CLUSTER_PAGES);
	while (frame == FRAMES_NONE && give_up())
		frame = frames_take_row(&store.frames, PACK_CLUSTER_PAGES, PACK_CLUSTER_PAGES);
	if (frame == FRAMES_NONE)
		frame = frames_take_row(&store.frames, PACK_CLUSTER_PAGES, PACK_CLUSTER_PAGES);
	return frame == FRAMES_NONE ? NULL : store.window + (size_t)frame * RAMFS_PAGE;
}

static int read_cluster(uint32_t n, char *to)
{
	uint32_t pages = head.data_pages - n * PACK_CLUSTER_PAGES;
	uint32_t bytes = (pages < PACK_CLUSTER_PAGES ? pages : PACK_CLUSTER_PAGES) * RAMFS_PAGE;
	int error = disk_read(&file, (uint64_t)head.data_first * RAMFS_PAGE + (uint64_t)n * PACK_CLUSTER, to, bytes);

	if (!error && adler(to, bytes) != sums[n]) {
		printf("root: the drive's pack: the data around byte %llu are damaged\n",
			(unsigned long long)head.data_first * RAMFS_PAGE + (unsigned long long)n * PACK_CLUSTER);
		error = EIO;
	}
	return error;
}

int pack_bring(uint32_t n)
{
	char *at = NULL;
	int error = 0;

	lock_take(&reading);
	root_lock();
	if (!clusters[n].at && !(at = frames_for()))
		error = ENOMEM;
	root_unlock();
	if (at) {
		error = read_cluster(n, at);
		root_lock();
		if (error) {
			for (uint32_t i = 0; i < PACK_CLUSTER_PAGES; i++)
				store_release(&store, store_frame(&store, at) + i);
		} else {
			clusters[n].at = at;
			clusters[n].used = ++tick;
			count(1);
		}
		root_unlock();
	}
	lock_drop(&reading);
	return error == ENXIO ? EIO : error;
}

int pack_reach(struct ramfs_node *node, uint64_t offset, uint32_t size)
{
	uint32_t missing;
	int error;

	while ((missing = pack_missing(node, offset, size))) {
		root_unlock();
		error = pack_bring(missing - 1);
		root_lock();
		if (error)
			return error;
	}
	return 0;
}

uint32_t pack_pin(const struct ramfs_node *node, uint64_t offset)
{
	uint32_t n = (node->data.lower - 1 + (uint32_t)(offset / RAMFS_PAGE)) / PACK_CLUSTER_PAGES;

	clusters[n].pins++;
	return n;
}

void pack_unpin(uint32_t n)
{
	clusters[n].pins--;
}

/* ---- nodes ---- */

int pack_mapped(struct ramfs_node *node)
{
	if (mapped_count == mapped_room) {
		uint32_t room = mapped_room ? 2 * mapped_room : 64;
		struct ramfs_node **more = realloc(mapped, room * sizeof *more);

		if (!more)
			return ENOMEM;
		mapped = more;
		mapped_room = room;
	}
	mapped[mapped_count++] = node;
	return 0;
}

void pack_unmapped(struct ramfs_node *node)
{
	for (uint32_t n = 0; n < mapped_count; n++)
		if (mapped[n] == node) {
			mapped[n] = mapped[--mapped_count];
			return;
		}
}

static int copy_page(struct ramfs_node *node, uint32_t n, char **table)
{
	int error;

	table[n] = ramfs.page_alloc(&ramfs, n ? table[n - 1] : NULL);
	if (!table[n])
		return ENOSPC;
	error = pack_reach(node, (uint64_t)n * RAMFS_PAGE, 1);
	if (!error && node->data.lower)
		memcpy(table[n], ramfs_page(node, n), RAMFS_PAGE);
	return error;
}

/* Several may do it at a time: the first one that is ready wins. */
int pack_copy_up(struct ramfs_node *node)
{
	uint32_t pages = node->pages, n;
	char **table = calloc(pages ? pages : 1, sizeof *table);
	int error = table ? 0 : ENOSPC;

	for (n = 0; !error && n < pages; n++) {
		root_lock();
		error = copy_page(node, n, table);
		root_unlock();
	}
	root_lock();
	if (!error && node->data.lower) {
		ramfs_lower_drop(&ramfs, node);
		node->data.page = table;
		node->data.slots = node->pages = pages;
		table = NULL;
	}
	for (n = 0; table && n < pages; n++)
		if (table[n])
			ramfs.page_free(&ramfs, table[n]);
	root_unlock();
	free(table);
	return error;
}

/* ---- mounting ---- */

static int head_is_good(void)
{
	uint32_t sum = head.head_sum;

	head.head_sum = 0;
	return !memcmp(head.magic, PACK_MAGIC, 8) && head.version == PACK_VERSION && adler(&head, sizeof head) == sum;
}

static void *read_part(uint32_t page, uint32_t bytes, uint32_t sum, const char *what)
{
	char *data = malloc(bytes + 1);
	int error = data ? disk_read(&file, (uint64_t)page * RAMFS_PAGE, data, bytes) : ENOMEM;

	if (error)
		fatal("the drive's pack: its %s cannot be read: %s", what, error_text(error));
	if (adler(data, bytes) != sum)
		fatal("the drive's pack: its %s is damaged", what);
	return data;
}

static void load_names(void)
{
	char *index = read_part(1, head.index_bytes, head.index_sum, "index");
	int error;

	root_lock();
	ramfs_lower_page = pack_page;
	files_pack = ramfs.next_number;
	error = ramfs_load_index(&ramfs, index, head.index_bytes, head.data_pages);
	files_pack_end = ramfs.next_number;
	root_unlock();
	free(index);
	if (error)
		fatal("the drive's pack: its index is not one (%s)", error_text(error));
}

void pack_mount(void)
{
	uint32_t sums_page;
	int error = disk_open(&file, PACK_NAME);

	if (error == ENOENT || error == ENXIO)
		return;			/* a drive without one, or none */
	if (!error)
		error = disk_read(&file, 0, &head, sizeof head);
	if (error)
		fatal("the drive's pack cannot be read: %s", error_text(error));
	if (!head_is_good())
		fatal("the drive's pack: its head is damaged");
	if (((uint64_t)head.data_first + head.data_pages) * RAMFS_PAGE > file.size)
		fatal("the drive's pack is cut off");
	cluster_count = (head.data_pages + PACK_CLUSTER_PAGES - 1) / PACK_CLUSTER_PAGES;
	clusters = calloc(cluster_count + 1, sizeof *clusters);
	sums_page = 1 + (head.index_bytes + RAMFS_PAGE - 1) / RAMFS_PAGE;
	sums = read_part(sums_page, cluster_count * 4, head.sums_sum, "list of sums");
	lock_init(&reading);
	if (!clusters || !reading.mutex || pack_wait_boot() || memory_serve_slow(4))
		fatal("no memory for the drive's pack");
	load_names();
	root_lock();
	most = store.frames.free[FRAME_DATA] / 2 / PACK_CLUSTER_PAGES;
	if (most < LEAST)
		most = LEAST;
	store.squeeze = squeeze;
	root_unlock();
}
