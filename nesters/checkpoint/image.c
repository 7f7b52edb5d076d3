/* The file of an image (docs/design/checkpoint.md): extents of 64 KB, filled with chunks of lz4.  The first extent has two
 * commit records, written in turn; what the newer good one leads to is the image.  Invariant: nothing that the last
 * committed generation needs is written over, so that whatever happens before the next commit, it is there. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "checkpoint.h"
#include "store.h"

#define COMMIT_MAGIC	0x43504b46u	/* FKPC */
#define CHUNK_PAGES	0x45474150u	/* PAGE */
#define CHUNK_STREAM	0x4154454du	/* META */
#define CHUNK_INDEX	0x58444e49u	/* INDX */
#define RAW_MAX		0x8000u		/* bytes of a chunk */
#define PAGES		(RAW_MAX / PAGE)
#define UNIT		16u		/* a place is counted in these, and its page in the chunk: 3 bits */
#define INDEX_MAX	(RAW_MAX / 4)

struct commit {
	uint32_t	magic, version, generation, identity, index, index_count, stream_size, sum;
	uint8_t		rest[SECTOR - 32];
};

struct chunk { uint32_t kind, raw, packed, sum; };	/* sum: of these three, place, identity, bytes */

int		image_error;
const char	*image_reason;

static struct commit present;		/* generation 0: none */
static uint8_t	*used, *using;		/* by extent: of the present generation, of the one being made */
static uint32_t	stream_place[INDEX_MAX], stream_chunks;
static uint32_t	extent, filled, stream_size, written, cursor;
static char	buffer[EXTENT], raw[RAW_MAX], packed[RAW_MAX + RAW_MAX / 128 + 64], pages[RAW_MAX];
static uint32_t	raw_size, pages_held, *page_place[PAGES];

static int refuse(const char *reason, int error)
{
	image_reason = reason;
	return image_error = error;
}

/* ---- chunks out ---- */

static int extent_flush(void)
{
	int error = filled ? store_write(extent, 0, buffer, (filled + SECTOR - 1) & -SECTOR) : 0;

	written += filled;
	filled = 0;
	return error ? refuse("the image cannot be written", error) : 0;
}

static int extent_new(void)
{
	uint32_t n;

	if (extent_flush())
		return image_error;
	for (n = 1; n < store_extents; n++, cursor++) {
		if (cursor < 1 || cursor >= store_extents)
			cursor = 1;
		if (!used[cursor] && !using[cursor])
			break;
	}
	if (n >= store_extents)
		return refuse("no room for the image", ENOSPC);
	extent = cursor++;
	using[extent] = 1;
	memset(buffer, 0, sizeof buffer);
	return 0;
}

static uint32_t chunk_sum(const struct chunk *c, uint32_t place, uint32_t identity, const void *data)
{
	uint32_t head[5] = { c->kind, c->raw, c->packed, place, identity };

	return crc32(crc32(0, head, sizeof head), data, c->packed);
}

/* Its place, 0 = image_error. */
static uint32_t chunk_put(uint32_t kind, const void *data, uint32_t size)
{
	struct chunk c = { kind, size, 0, 0 };
	uint32_t place;
	int count = LZ4_compress_default(data, packed, (int)size, (int)sizeof packed);

	if (count <= 0 || (uint32_t)count >= size)
		memcpy(packed, data, count = (int)size);
	c.packed = (uint32_t)count;
	if ((!filled || filled + sizeof c + c.packed > EXTENT) && extent_new())
		return 0;
	place = (extent * (EXTENT / UNIT) + filled / UNIT) << 3;
	c.sum = chunk_sum(&c, place, present.identity, packed);
	memcpy(buffer + filled, &c, sizeof c);
	memcpy(buffer + filled + sizeof c, packed, c.packed);
	filled = (filled + sizeof c + c.packed + UNIT - 1) & -UNIT;
	return place;
}

int image_page_flush(void)
{
	uint32_t place = pages_held && !image_error ? chunk_put(CHUNK_PAGES, pages, pages_held * PAGE) : 0;

	for (uint32_t n = 0; n < pages_held; n++)
		*page_place[n] = place ? place + n : 0;
	pages_held = 0;
	return image_error;
}

/* *place is set by the time of the flush. */
int image_page(const void *page, uint32_t *place)
{
	memcpy(pages + pages_held * PAGE, page, PAGE);
	page_place[pages_held++] = place;
	return pages_held == PAGES ? image_page_flush() : image_error;
}

static int stream_flush(void)
{
	if (!raw_size || image_error)
		return image_error;
	if (stream_chunks == INDEX_MAX)
		return refuse("the image has too many objects", ENOSPC);
	stream_place[stream_chunks++] = chunk_put(CHUNK_STREAM, raw, raw_size);
	raw_size = 0;
	return image_error;
}

int image_put(const void *data, size_t size)
{
	size_t part;

	stream_size += (uint32_t)size;
	for (; size && !image_error; size -= part, data = (const char *)data + part) {
		part = size < RAW_MAX - raw_size ? size : RAW_MAX - raw_size;
		memcpy(raw + raw_size, data, part);
		raw_size += (uint32_t)part;
		if (raw_size == RAW_MAX)
			stream_flush();
	}
	return image_error;
}

/* ---- generations ---- */

void image_keep(uint32_t place)
{
	using[(place >> 3) / (EXTENT / UNIT)] = 1;
}

int image_begin(void)
{
	image_error = 0;
	image_reason = NULL;
	memset(using, 0, store_extents);
	filled = raw_size = pages_held = stream_chunks = stream_size = written = 0;
	if (!present.identity)
		present.identity = (uint32_t)rdtsc() | 1;
	return 0;
}

uint32_t image_written(void)
{
	return written;
}

static uint32_t commit_sum(const struct commit *c)
{
	return crc32(0, c, offsetof(struct commit, sum));
}

int image_commit(void)
{
	struct commit next = present;
	uint32_t index;

	if (stream_flush())
		return image_error;
	index = chunk_put(CHUNK_INDEX, stream_place, stream_chunks * 4);
	if (!index || extent_flush())
		return image_error;
	crash_point("written");
	next.magic = COMMIT_MAGIC;
	next.version = IMAGE_VERSION;
	next.generation++;
	next.index = index;
	next.index_count = stream_chunks;
	next.stream_size = stream_size;
	next.sum = commit_sum(&next);
	image_error = store_sync();
	crash_point("synced");
	if (!image_error)
		image_error = store_write(0, (next.generation & 1) * PAGE, &next, sizeof next);
	if (!image_error)
		image_error = store_sync();
	if (image_error)
		return refuse("the image cannot be written", image_error);
	crash_point("committed");
	present = next;
	memcpy(used, using, store_extents);
	return 0;
}

/* ---- reading ---- */

static struct chunk chunk;
static uint32_t chunk_place, stream_at, stream_left, stream_next;
static char	*chunk_data;		/* raw bytes of the chunk read last */

static int chunk_get(uint32_t place, uint32_t kind)
{
	static char sectors[RAW_MAX + RAW_MAX / 128 + 64 + 2 * SECTOR], unpacked[RAW_MAX];
	uint32_t at = place >> 3, from = at % (EXTENT / UNIT) * UNIT, low = from & -SECTOR, end = from + sizeof chunk;
	char *bytes;

	at /= EXTENT / UNIT;
	chunk_place = 0;
	if (!at || at >= store_extents || end > EXTENT)
		return refuse("a place beyond the image: it is truncated or altered", EIO);
	if (store_read(at, low, sectors, ((end + SECTOR - 1) & -SECTOR) - low))
		return refuse("the image is truncated", EIO);
	memcpy(&chunk, sectors + (from - low), sizeof chunk);
	end += chunk.packed;
	if (chunk.kind != kind || chunk.raw > RAW_MAX || chunk.packed > chunk.raw || end > EXTENT)
		return refuse("a chunk's head is altered", EIO);
	if (store_read(at, low, sectors, ((end + SECTOR - 1) & -SECTOR) - low))
		return refuse("the image is truncated", EIO);
	bytes = sectors + (from - low) + sizeof chunk;
	if (chunk.sum != chunk_sum(&chunk, place & ~7u, present.identity, bytes))
		return refuse("a chunk is altered", EIO);
	chunk_data = bytes;
	if (chunk.packed < chunk.raw) {
		if (LZ4_decompress_safe(bytes, unpacked, (int)chunk.packed, RAW_MAX) != (int)chunk.raw)
			return refuse("a chunk does not unpack", EIO);
		chunk_data = unpacked;
	}
	chunk_place = place & ~7u;
	return 0;
}

static int commit_read(unsigned which, struct commit *c)
{
	if (store_read(0, which * PAGE, c, sizeof *c) || c->magic != COMMIT_MAGIC || c->sum != commit_sum(c))
		return 0;
	return c->version == IMAGE_VERSION ? 1 : -1;
}

/* What was written is none, unless its commit record had gone out before things went wrong. */
void image_give_up(void)
{
	struct commit c;

	if (commit_read((present.generation + 1) & 1, &c) > 0 && c.identity == present.identity && c.generation == present.generation + 1) {
		present = c;
		memcpy(used, using, store_extents);
	}
	memset(using, 0, store_extents);
	filled = raw_size = pages_held = 0;
}

int image_open(void)
{
	struct commit c[2];
	int good[2], error = store_open(options.file);

	if (error)
		return refuse("the file cannot be opened", error);
	used = calloc(1, store_extents);
	using = calloc(1, store_extents);
	if (!used || !using)
		return refuse("no memory", ENOMEM);
	for (unsigned n = 0; n < 2; n++)
		good[n] = commit_read(n, &c[n]);
	if (!options.restore)
		return 0;
	if (good[0] < 0 || good[1] < 0)
		return refuse("the image has another version", EINVAL);
	if (!good[0] && !good[1])
		return refuse("there is no image, or its commit record is altered", EINVAL);
	present = c[good[1] && (!good[0] || c[1].generation > c[0].generation)];
	return 0;
}

/* From the present generation's first byte. */
int image_start(void)
{
	image_error = 0;
	image_reason = NULL;
	if (!present.generation)
		return refuse("there is no image", ENOENT);
	if (present.index_count > INDEX_MAX || chunk_get(present.index, CHUNK_INDEX) || chunk.raw != present.index_count * 4)
		return image_error ? image_error : refuse("the index is altered", EIO);
	memcpy(stream_place, chunk_data, chunk.raw);
	memset(using, 0, store_extents);
	image_keep(present.index);
	for (uint32_t n = 0; n < present.index_count; n++)
		if ((stream_place[n] >> 3) / (EXTENT / UNIT) < store_extents)
			image_keep(stream_place[n]);
	stream_chunks = present.index_count;
	stream_left = stream_next = raw_size = 0;
	return 0;
}

int image_get(void *data, size_t size)
{
	size_t part;

	for (; size && !image_error; size -= part, data = (char *)data + part, stream_left -= (uint32_t)part, stream_at += (uint32_t)part) {
		if (!stream_left) {
			if (stream_next == stream_chunks)
				return refuse("the image ends too soon", EIO);
			if (chunk_get(stream_place[stream_next++], CHUNK_STREAM))
				return image_error;
			memcpy(raw, chunk_data, chunk.raw);
			stream_left = chunk.raw;
			stream_at = 0;
		}
		part = size < stream_left ? size : stream_left;
		memcpy(data, raw + stream_at, part);
	}
	return image_error;
}

int image_get_page(uint32_t place, void *page)
{
	if ((place & ~7u) != chunk_place && chunk_get(place, CHUNK_PAGES))
		return image_error;
	if (chunk.kind != CHUNK_PAGES || (place & 7) * PAGE + PAGE > chunk.raw)
		return refuse("a page's place is altered", EIO);
	memcpy(page, chunk_data + (place & 7) * PAGE, PAGE);
	image_keep(place);
	return 0;
}

/* All of it has been read: what it uses stays. */
void image_loaded(void)
{
	memcpy(used, using, store_extents);
}
