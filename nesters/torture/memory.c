/* The memory of everything below: one large segment of our parent's, mapped here and divided into frames
 * like root's physical memory; pools and segments over it are served by libnest.  So every page and
 * every object below is in our window. */
#include <stdlib.h>
#include <linux_abi.h>
#include <protocols/MemPool.h>
#include "torture.h"

#define FIRST		16u		/* frames left out at the start: no frame is number 0 */
#define BLOCK		0x200000u
#define LEAVE		0x1000000u	/* bytes of the parent's pool that we do not ask for */

struct store	store;
fluke_region_t	*store_window;

static int make_store(uint32_t size, fluke_ref_t *region)
{
	void *book = calloc(1, frames_bookkeeping(size / FLUKE_PAGE_SIZE));

	store.window = address_reserve(size);
	if (!book || !store.window ||
	    !mapping_new(region, 0, NULL, (uint32_t)store.window, size, FLUKE_PROT_ALL))
		return ENOMEM;
	store_window = region_new(own_space(), (uint32_t)store.window, size, FLUKE_PROT_ALL, NULL);
	store.region = region;
	store.region_object = store_window;
	frames_init(&store.frames, size / FLUKE_PAGE_SIZE, book);
	frames_add(&store.frames, FIRST, size / FLUKE_PAGE_SIZE - FIRST);
	return store_window ? 0 : ENOMEM;
}

int memory_begin(uint32_t megabytes, struct server *server)
{
	fluke_ref_t *pool = service_lookup("pool"), *region = ref_new();
	static fluke_ref_t *segment;		/* keeps it */
	uint32_t limit, used, unused, size;
	int error;

	segment = ref_new();
	if (!pool || !region || !segment)
		return ENOMEM;
	error = MemPool_statistics(pool, &limit, &used, &unused);
	if (error)
		return error;
	size = unused > 2 * LEAVE ? unused - LEAVE : unused / 2;
	if (megabytes && size > megabytes << 20)
		size = megabytes << 20;
	size &= -BLOCK;
	error = size ? MemPool_create_segment(pool, size, SEGMENT_OBJECTS, segment, region) : ENOMEM;
	if (!error)
		error = make_store(size, region);
	ref_free(pool);
	return error ? error : memory_serve(&store, server);
}
