/* The memory of everything below: two segments of our parent's, for data and for kernel objects, side by side in a window of
 * ours, which is divided into frames like root's physical memory; pools and segments over it are libnest's.  So every page
 * and every object below is in the window.  Objects have a fixed part, since only that segment may hold any, and data come
 * zeroed from the other. */
#include <stdlib.h>
#include <linux_abi.h>
#include <protocols/MemPool.h>
#include "checkpoint.h"

#define FIRST		FRAMES_GROUP	/* frames left out at the start: no frame is number 0 */
#define BLOCK		0x200000u
#define LEAVE		0x1000000u	/* bytes of the parent's pool that we do not ask for */
#define OBJECT_SHARE	8u		/* this part of the memory is for objects */
#define SIZE_LEAST	0x400000u
#define SIZE_MOST	0x40000000u	/* of our address space */

struct store	store;
uint32_t	*frame_place;

/* A segment of the parent's, mapped into the window; its region serves those below. */
static int part(fluke_ref_t *pool, uint32_t start, uint32_t size, uint32_t flags, fluke_ref_t **to)
{
	fluke_ref_t *segment = ref_new(), *region = *to = ref_new();		/* both stay */
	fluke_prot_t prot = flags & SEGMENT_OBJECTS ? FLUKE_PROT_ALL : FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE;
	int error = segment && region ? MemPool_create_segment(pool, size, flags, segment, region) : ENOMEM;

	if (!error && !mapping_new(region, 0, NULL, (uint32_t)store.window + start, size, prot))
		error = ENOMEM;
	return error;
}

static int make_store(fluke_ref_t *pool, uint32_t data, uint32_t objects)
{
	uint32_t frames = (data + objects) / PAGE;
	void *book = calloc(1, frames_bookkeeping(frames));
	char *room = address_reserve(data + objects + BLOCK);
	int error;

	frame_place = calloc(frames, sizeof *frame_place);
	if (!book || !room || !frame_place)
		return ENOMEM;
	store.window = (char *)(((uint32_t)room + BLOCK - 1) & -BLOCK);
	error = part(pool, 0, data, 0, &store.region);
	if (!error)
		error = part(pool, data, objects, SEGMENT_OBJECTS, &store.objects);
	if (error)
		return error;
	store.region_object = region_new(own_space(), (uint32_t)store.window, data + objects, FLUKE_PROT_ALL, NULL);
	store.objects_first = data / PAGE;
	frames_init(&store.frames, frames, book);
	frames_add(&store.frames, FIRST, data / PAGE - FIRST);
	frames_add_objects(&store.frames, data / PAGE, objects / PAGE);
	frames_all_zero(&store.frames);
	return store.region_object ? 0 : ENOMEM;
}

int memory_begin(struct server *server)
{
	fluke_ref_t *pool = service_lookup("pool");
	uint32_t limit, used, unused, size, objects;
	int error = pool ? MemPool_statistics(pool, &limit, &used, &unused) : ENOENT;

	if (error)
		return error;
	size = unused > 2 * LEAVE ? unused - LEAVE : unused / 2;
	if (size > SIZE_MOST)
		size = SIZE_MOST;
	if (size < SIZE_LEAST)
		return ENOMEM;
	objects = size / OBJECT_SHARE & -(FRAMES_GROUP * PAGE);
	size = (size - objects) & -(FRAMES_GROUP * PAGE);
	error = make_store(pool, size, objects);
	ref_free(pool);
	return error ? error : memory_serve(&store, server);
}
