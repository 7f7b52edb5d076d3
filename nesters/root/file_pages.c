/* Pages of the RAM file system: where they come from, mappings of files, replies sent from the pages in place.
 * Pages taken out of a file while such a reply is on its way wait in limbo until no such reply is left. */
#include "files.h"
#include "pack.h"

static uint32_t	direct_replies;
static char	*limbo;			/* pages, linked through their first word */

static char *page_alloc(struct ramfs *fs, char *near)
{
	(void)fs;
	return store_page(&store, near);
}

static void page_free(struct ramfs *fs, char *page)
{
	(void)fs;
	if (!direct_replies) {
		store_page_free(&store, page);
		return;
	}
	/* the reply may show a changed word: the page was cut off under its reader */
	*(char **)(void *)page = limbo;
	limbo = page;
}

static void limbo_clear(void)
{
	char *page;

	while ((page = limbo)) {
		limbo = *(char **)(void *)page;
		store_page_free(&store, page);
	}
}

static void pages_dropped(struct ramfs_node *node, uint32_t first, uint32_t count)
{
	if (node->data.lower)		/* all of it */
		pack_unmapped(node);
	if (node->map)
		segment_discard(node->map, first * RAMFS_PAGE, count > 0x7ffff ? 0x7ffff000u : count * RAMFS_PAGE);
}

static void node_forget(struct ramfs_node *node)
{
	if (S_ISFIFO(node->mode))
		fifo_detach((struct fifo **)&node->pipe);
	if (S_ISREG(node->mode) && node->data.lower)
		pack_unmapped(node);
	if (node->map)
		segment_destroy(node->map);
	node->map = 0;
}

static uint32_t file_frame(void *file, uint32_t page, int write, uint32_t *first, uint32_t *count)
{
	struct ramfs_node *node = file;
	uint32_t pages = (uint32_t)((node->size + RAMFS_PAGE - 1) / RAMFS_PAGE), low = page, high = page + 1;
	char *at;

	(void)write;
	if (page >= pages)
		return FRAMES_NONE;
	if (page == pages - 1 && ramfs_tail_own(&ramfs, node))
		return FRAMES_NONE;
	at = ramfs_page_make(&ramfs, node, page);
	if (!at)
		return FRAMES_NONE;
	/* a last page that is still the archive's is left out */
	if (node->data.tail_foreign && pages)
		pages--;
	while (low && page - low < 1024 && ramfs_page(node, low - 1) == at - (page - low + 1) * RAMFS_PAGE)
		low--;
	while (high < pages && high - page < 8192 && ramfs_page(node, high) == at + (high - page) * RAMFS_PAGE)
		high++;
	*first = low;
	*count = high - low;
	return store_frame(&store, at);
}

const struct segment_source file_source = { .frame = file_frame };

struct segment *file_segment(struct ramfs_node *node)
{
	if (!node->map)
		node->map = node->data.lower ? pack_segment(node, file_frame) :
			segment_create_file(store.root, RAMFS_SIZE_MAX, &file_source, node);
	return node->map;
}

static void direct_sent(void *context, int delivered)
{
	struct file *f = context;

	(void)delivered;
	root_lock();
	if (--direct_replies == 0)
		limbo_clear();
	f->direct--;
	root_unlock();
}

void file_send_direct(struct file *f, struct request *r)
{
	direct_replies++;
	f->direct++;
	r->sent = direct_sent;
	r->sent_context = f;
}

void file_pages_boot(void)
{
	ramfs.page_alloc = page_alloc;
	ramfs.page_free = page_free;
	ramfs.dropped = pages_dropped;
	ramfs.forget = node_forget;
}
