/* Pools: who may hold how much.  What a segment holds is booked with its pool and with every
 * pool above; destroying a pool destroys its segments and sub-pools, with the kernel objects in
 * them.  Shared frames are booked with each holder, so that a write never fails for want of
 * booking. */
#include <stdlib.h>
#include <string.h>
#include <nest/segment.h>

#define OVERHEAD	512u		/* a sub-pool is booked with its parent as so much */

struct pool *pool_create(struct store *store, struct pool *parent, uint64_t limit)
{
	struct pool *pool;

	if (parent && !pool_charge(parent, OVERHEAD))
		return 0;
	pool = calloc(1, sizeof *pool);
	if (!pool) {
		if (parent)
			pool_refund(parent, OVERHEAD);
		return 0;
	}
	pool->store = store;
	pool->limit = limit;
	pool->parent = parent;
	if (parent) {
		pool->next = parent->children;
		if (pool->next)
			pool->next->prev = pool;
		parent->children = pool;
	}
	return pool;
}

void pool_destroy(struct pool *pool)
{
	while (pool->children)
		pool_destroy(pool->children);
	while (pool->segments)
		segment_destroy(pool->segments);
	if (pool->parent) {
		if (pool->prev)
			pool->prev->next = pool->next;
		else
			pool->parent->children = pool->next;
		if (pool->next)
			pool->next->prev = pool->prev;
		pool_refund(pool->parent, (uint32_t)pool->used + OVERHEAD);
	}
	if (pool->gone)
		pool->gone(pool);
	free(pool);
}

/* Books bytes with the pool and all above; 0 when one of them has no room. */
int pool_charge(struct pool *pool, uint32_t bytes)
{
	struct pool *p, *q;

	for (p = pool; p; p = p->parent) {
		if (p->limit && p->used + bytes > p->limit)
			break;
		p->used += bytes;
	}
	if (!p)
		return 1;
	for (q = pool; q != p; q = q->parent)
		q->used -= bytes;
	return 0;
}

void pool_refund(struct pool *pool, uint32_t bytes)
{
	for (; pool; pool = pool->parent)
		pool->used -= bytes;
}

int segment_zero_frame(struct store *store, uint32_t frame, int zero)
{
	if (!zero)
		memset(store->window + (size_t)frame * 4096, 0, 4096);
	return 1;
}

char *store_page(struct store *store, char *near)
{
	uint32_t like = near ? store_frame(store, near) + 1 : 0, frame = FRAMES_NONE;
	int zero = 0;

	store_squeeze(store);
	if (near)
		frame = frames_take_this(&store->frames, like, FRAME_DATA, &zero);
	if (frame == FRAMES_NONE)
		frame = frames_take(&store->frames, like, FRAME_DATA, &zero);
	if (frame == FRAMES_NONE)
		return 0;
	segment_zero_frame(store, frame, zero);
	return store->window + (size_t)frame * 4096;
}

void store_page_free(struct store *store, char *page)
{
	frames_release(&store->frames, store_frame(store, page));
}
