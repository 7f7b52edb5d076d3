/* The heap.  Each block has a header of 8 bytes.  Sizes up to 2 KB come from lists per size
 * class, refilled from chunks; larger ones from one list of free chunks sorted by address, in
 * which neighbours melt.  The heap grows by libc_heap_more and is never given back. */
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <native.h>
#include <fastlock.h>

#define CLASSES		20
#define CHUNK		16384u		/* what a class takes at once */
#define SMALL_MAX	2048u
#define USED		0x55u		/* mark in the header's low byte */
#define ALIGNED		0xaau		/* header of memalign: size = distance back to the real block */
#define FREE		0x11u

struct header {
	uint32_t	size;		/* of the whole block, header included */
	uint32_t	mark;		/* USED or ALIGNED; bits 8-15: class + 1, or 0 for a chunk */
};

struct chunk {				/* a free one */
	uint32_t	size, mark;
	struct chunk	*next;
};

static const uint16_t class_size[CLASSES] = { 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768,
	1024, 1280, 1536, 2048 + 8 };
static struct chunk *class_free[CLASSES];
static struct chunk *chunks;
static struct fast_lock heap_lock;

void	malloc_init(void);

void malloc_init(void)
{
	fast_lock_init(&heap_lock);
}

static void chunk_insert(struct chunk *c, uint32_t size)
{
	struct chunk **at = &chunks, *before = NULL;

	while (*at && *at < c) {
		before = *at;
		at = &(*at)->next;
	}
	c->size = size;
	c->mark = FREE;
	c->next = *at;
	*at = c;
	if (c->next && (char *)c + c->size == (char *)c->next) {
		c->size += c->next->size;
		c->next = c->next->next;
	}
	if (before && (char *)before + before->size == (char *)c) {
		before->size += c->size;
		before->next = c->next;
	}
}

static struct chunk *chunk_take(uint32_t size)
{
	struct chunk **at, *c;

	for (at = &chunks; (c = *at) != NULL; at = &c->next) {
		if (c->size < size)
			continue;
		if (c->size - size >= 4096) {		/* the rest stays, at the lower end */
			c->size -= size;
			c = (struct chunk *)(void *)((char *)c + c->size);
			c->size = size;
		} else {
			*at = c->next;
		}
		return c;
	}
	return NULL;
}

static struct chunk *chunk_get(uint32_t size)
{
	struct chunk *c = chunk_take(size);
	size_t more = size < 0x10000 ? 0x10000 : (size + 4095u) & ~4095u;

	if (c)
		return c;
	c = libc_heap_more(&more);
	if (!c)
		return NULL;
	chunk_insert(c, (uint32_t)more);
	return chunk_take(size);
}

static void *class_get(unsigned class)
{
	struct chunk *c = class_free[class];
	uint32_t size = class_size[class], at;

	if (!c) {
		char *fresh = (char *)chunk_get(CHUNK);

		if (!fresh)
			return NULL;
		for (at = 0; at + size <= CHUNK; at += size) {
			c = (struct chunk *)(void *)(fresh + at);
			c->next = class_free[class];
			class_free[class] = c;
		}
	}
	class_free[class] = c->next;
	c->size = size;
	c->mark = (class + 1) << 8 | USED;
	return (struct header *)c + 1;
}

void *malloc(size_t size)
{
	uint32_t whole = (uint32_t)((size + sizeof(struct header) + 7) & ~7u);
	void *block = NULL;
	struct chunk *c;
	unsigned class;

	if (size > 0x7fffffff)
		return NULL;
	fast_lock_take(&heap_lock);
	if (whole <= SMALL_MAX + 8) {
		for (class = 0; class_size[class] < whole; class++)
			;
		block = class_get(class);
	} else if ((c = chunk_get(whole)) != NULL) {
		c->mark = USED;
		block = (struct header *)c + 1;
	}
	fast_lock_drop(&heap_lock);
	return block;
}

static struct header *header_of(void *block)
{
	struct header *h = (struct header *)block - 1;

	if ((h->mark & 0xff) == ALIGNED)
		h = (struct header *)(void *)((char *)block - h->size) - 1;
	if ((h->mark & 0xff) != USED)
		abort();
	return h;
}

void free(void *block)
{
	struct header *h;
	struct chunk *c;
	unsigned class;

	if (!block)
		return;
	h = header_of(block);
	c = (struct chunk *)h;
	fast_lock_take(&heap_lock);
	class = h->mark >> 8;
	if (class) {
		c->mark = FREE;
		c->next = class_free[class - 1];
		class_free[class - 1] = c;
	} else {
		chunk_insert(c, h->size);
	}
	fast_lock_drop(&heap_lock);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	block = malloc(bytes);
	return block ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *old, size_t size)
{
	struct header *h;
	size_t room;
	void *block;

	if (!old)
		return malloc(size);
	h = header_of(old);
	room = h->size - (size_t)((char *)old - (char *)h);
	if (size <= room && (size >= room / 2 || room < 64))
		return old;
	block = malloc(size);
	if (!block)
		return NULL;
	memcpy(block, old, size < room ? size : room);
	free(old);
	return block;
}

void *memalign(size_t alignment, size_t size)
{
	char *block = malloc(size + alignment + sizeof(struct header)), *aligned;
	struct header *h;

	if (!block)
		return NULL;
	aligned = (char *)(((uintptr_t)block + alignment - 1) & ~(uintptr_t)(alignment - 1));
	if (aligned == block)
		return block;
	if (aligned - block < (int)sizeof(struct header))
		aligned += alignment;
	h = (struct header *)(void *)aligned - 1;
	h->size = (uint32_t)(aligned - block);
	h->mark = ALIGNED;
	return aligned;
}

char *strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = malloc(size);

	return copy ? memcpy(copy, s, size) : NULL;
}

char *strndup(const char *s, size_t size)
{
	size_t length = strnlen(s, size);
	char *copy = malloc(length + 1);

	if (copy) {
		memcpy(copy, s, length);
		copy[length] = 0;
	}
	return copy;
}
