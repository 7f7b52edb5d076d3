/* The memory of everything below: one large segment of our parent's, mapped here and divided into frames like root's
 * physical memory; pools and segments over it are libnest's.  So every page and every object below is in our window. */
#include <stdlib.h>
#include <linux_abi.h>
#include <protocols/MemPool.h>
#include "checkpoint.h"

#define FIRST		FRAMES_GROUP	/* frames left out at the start: no frame is number 0 */
#define BLOCK		0x200000u
#define LEAVE		0x1000000u	/* bytes of the parent's pool that we do not ask for */
#define SIZE_MOST	0x40000000u	/* of our address space */

struct store	store;
uint32_t	*frame_place;

static int make_store(uint32_t size, fluke_ref_t *region)
{
	void *book = calloc(1, frames_bookkeeping(size / PAGE));
	char *room = address_reserve(size + BLOCK);

	frame_place = calloc(size / PAGE, sizeof *frame_place);
	if (!book || !room || !frame_place)
		return ENOMEM;
	store.window = (char *)(((uint32_t)room + BLOCK - 1) & -BLOCK);
	if (!mapping_new(region, 0, NULL, (uint32_t)store.window, size, FLUKE_PROT_ALL))
		return ENOMEM;
	store.region = region;
	store.region_object = region_new(own_space(), (uint32_t)store.window, size, FLUKE_PROT_ALL, NULL);
	frames_init(&store.frames, size / PAGE, book);
	frames_add(&store.frames, FIRST, size / PAGE - FIRST);
	return store.region_object ? 0 : ENOMEM;
}

int memory_begin(struct server *server)
{
	static fluke_ref_t *segment;		/* keeps it */
	fluke_ref_t *pool = service_lookup("pool"), *region = ref_new();
	uint32_t limit, used, unused, size;
	int error;

	segment = ref_new();
	if (!pool || !region || !segment)
		return ENOMEM;
	error = MemPool_statistics(pool, &limit, &used, &unused);
	if (error)
		return error;
	size = unused > 2 * LEAVE ? unused - LEAVE : unused / 2;
	if (size > SIZE_MOST)
		size = SIZE_MOST;
	size &= -BLOCK;
	error = size ? MemPool_create_segment(pool, size, SEGMENT_OBJECTS, segment, region) : ENOMEM;
	if (!error)
		error = make_store(size, region);
	ref_free(pool);
	return error ? error : memory_serve(&store, server);
}
