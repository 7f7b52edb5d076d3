/* All memory: the store of frames (served by libnest's memory_serve.c), frames zeroed on idle time, root's own heap
 * and objects. */
#include <stdlib.h>
#include <string.h>
#include "root.h"

#define OBJECT_BLOCK	(512u * FLUKE_PAGE_SIZE)	/* what root's own objects get at once */

struct store	store;

/* ---- boot ---- */

/* A leaf below everything: the heap grows wherever somebody calls malloc. */
static struct fast_lock frames_lock;

static void frames_lock_take(void)
{
	fast_lock_take(&frames_lock);
}

static void frames_lock_drop(void)
{
	fast_lock_drop(&frames_lock);
}

static uint32_t end_of_memory(void)
{
	uint32_t end = 0, i;

	for (i = 0; i < boot_info->range_count; i++)
		if (boot_info->range[i].start + boot_info->range[i].size > end)
			end = boot_info->range[i].start + boot_info->range[i].size;
	return end;
}

/* The largest free range gives its beginning to the bookkeeping. */
static uint32_t carve(uint32_t bytes, uint32_t *from)
{
	const struct fluke_boot_range *best = 0, *r;
	uint32_t i;

	for (i = 0; i < boot_info->range_count; i++) {
		r = &boot_info->range[i];
		if (r->kind == FLUKE_RANGE_FREE && (!best || r->size > best->size))
			best = r;
	}
	if (!best || best->size < bytes + (1u << 20))
		fatal("too little memory");
	*from = best->start;
	memset(store.window + best->start, 0, bytes);
	return best->start;
}

static void add_ranges(uint32_t carved, uint32_t bytes)
{
	const struct fluke_boot_range *r;
	uint32_t i, start, page;

	for (i = 0; i < boot_info->range_count; i++) {
		r = &boot_info->range[i];
		start = r->start == carved ? r->start + bytes : r->start;
		if (r->kind == FLUKE_RANGE_FREE)
			frames_add(&store.frames, start / FLUKE_PAGE_SIZE, (r->start + r->size - start) / FLUKE_PAGE_SIZE);
		else if (r->kind == FLUKE_RANGE_MODULE)
			for (page = r->start; page < r->start + r->size; page += FLUKE_PAGE_SIZE)
				frames_hold(&store.frames, page / FLUKE_PAGE_SIZE);
	}
}

/* weak in libc: root's objects lie in frames of their own. */
int libc_objects_more(void)
{
	uint32_t count = store.frames.free[FRAME_DATA] > 16384 ? OBJECT_BLOCK / FLUKE_PAGE_SIZE : 64, frame;

	frame = frames_take_row(&store.frames, count, count);
	if (frame == FRAMES_NONE)
		return 0;
	objects_add((uint32_t)store.window + frame * FLUKE_PAGE_SIZE, count * FLUKE_PAGE_SIZE, 0);
	return 1;
}

/* The heap takes whole groups of frames in a row. */
void *libc_heap_more(size_t *size)
{
	uint32_t count = (uint32_t)((*size + 0xffff) & ~(size_t)0xffff) / FLUKE_PAGE_SIZE, frame;

	frame = frames_take_row(&store.frames, count, 1);
	if (frame == FRAMES_NONE)
		return 0;
	*size = count * FLUKE_PAGE_SIZE;
	memset(store.window + frame * FLUKE_PAGE_SIZE, 0, *size);
	return store.window + frame * FLUKE_PAGE_SIZE;
}

void memory_boot(void)
{
	static struct object_page records[64];
	uint32_t end = end_of_memory(), count = end / FLUKE_PAGE_SIZE, carved, bytes, frame;

	store.window = (char *)FLUKE_ROOT_PHYSICAL;
	store.region = physical;
	store.region_object = (fluke_region_t *)(boot_info->objects + FLUKE_ROOT_OBJ_REGION);
	bytes = (frames_bookkeeping(count) + FLUKE_PAGE_SIZE - 1) & ~(FLUKE_PAGE_SIZE - 1);
	frames_init(&store.frames, count, store.window + carve(bytes, &carved));
	add_ranges(carved, bytes);
	frame = frames_take_row(&store.frames, 64, 64);
	if (frame == FRAMES_NONE)
		fatal("too little memory");
	objects_add((uint32_t)store.window + frame * FLUKE_PAGE_SIZE, 64 * FLUKE_PAGE_SIZE, records);
}

/* ---- zeroed frames ---- */

/* Runs only when nobody else would; with the lock it may run on ahead of others (scheduler.c). */
static void zero_main(void *argument)
{
	uint32_t frame;

	(void)argument;
	for (;;) {
		scheduler_idle_critical(1);
		memory_lock();
		frame = frames_take_dirty(&store.frames);
		memory_unlock();
		scheduler_idle_critical(0);
		if (frame == FRAMES_NONE) {
			scheduler_sweep();
			scheduler_idle_wait();
			continue;
		}
		memset(store.window + (size_t)frame * FLUKE_PAGE_SIZE, 0, FLUKE_PAGE_SIZE);
		scheduler_idle_critical(1);
		memory_lock();
		frames_zeroed(&store.frames, frame);
		memory_unlock();
		scheduler_idle_critical(0);
	}
}

void memory_start(void)
{
	if (fast_lock_init(&frames_lock))
		fatal("no memory");
	frames_enter = frames_lock_take;
	frames_leave = frames_lock_drop;
	if (memory_serve(&store, server))
		fatal("no memory");
	scheduler_idle_thread(zero_main);
}
