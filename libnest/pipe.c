/* See pipe.h.  The ring starts with one page and doubles when a writer needs more, so that the
 * thousands of short-lived pipes of a shell stay small. */
#include <stdlib.h>
#include <string.h>
#include <nest/pipe.h>

int pipe_init(struct pipe *p)
{
	memset(p, 0, sizeof *p);
	p->ring_size = 4096;
	p->most = PIPE_SIZE;
	p->ring = malloc(p->ring_size);
	return p->ring ? 0 : ENOMEM;
}

void pipe_done(struct pipe *p)
{
	free(p->ring);
	p->ring = 0;
}

unsigned pipe_available(const struct pipe *p)
{
	return p->head - p->tail;
}

static void pieces(struct pipe *p, uint32_t from, size_t count, struct pipe_piece piece[2])
{
	uint32_t at = from & (p->ring_size - 1);

	piece[0].data = p->ring + at;
	piece[0].size = count < p->ring_size - at ? count : p->ring_size - at;
	piece[1].data = p->ring;
	piece[1].size = count - piece[0].size;
}

static void grow(struct pipe *p, unsigned need)
{
	unsigned size = p->ring_size, have = pipe_available(p);
	struct pipe_piece old[2];
	uint8_t *ring;

	while (size < need && size < p->most)
		size *= 2;
	if (p->peeked || size == p->ring_size || !(ring = malloc(size)))
		return;
	pieces(p, p->tail, have, old);
	memcpy(ring, old[0].data, old[0].size);
	memcpy(ring + old[0].size, old[1].data, old[1].size);
	free(p->ring);
	p->ring = ring;
	p->ring_size = size;
	p->tail = 0;
	p->head = have;
}

void pipe_pieces(struct pipe *p, struct pipe_piece piece[2])
{
	pieces(p, p->tail, pipe_available(p), piece);
}

int pipe_peek(struct pipe *p, size_t count, struct pipe_piece piece[2])
{
	unsigned have = pipe_available(p);

	piece[0] = piece[1] = (struct pipe_piece){ p->ring, 0 };
	if (!count)
		return 0;
	if (!have)
		return p->writers ? EAGAIN : 0;
	pieces(p, p->tail, count < have ? count : have, piece);
	p->peeked = 1;
	return 0;
}

void pipe_take(struct pipe *p, size_t count)
{
	p->peeked = 0;
	p->tail += (uint32_t)count;
	if (p->head == p->tail && !p->staged)
		p->head = p->tail = 0;	/* the next write is one piece */
}

int pipe_stage(struct pipe *p, const void *data, size_t count, size_t *done)
{
	struct pipe_piece piece[2];
	unsigned part;

	*done = 0;
	if (!p->readers)
		return EPIPE;
	if (!count)
		return 0;
	part = count > PIPE_SIZE ? PIPE_SIZE : (unsigned)count;
	if (pipe_available(p) + part > p->ring_size)
		grow(p, pipe_available(p) + part);
	if (part > p->ring_size - pipe_available(p)) {
		if (count <= PIPE_ATOMIC)
			return EAGAIN;
		part = p->ring_size - pipe_available(p);
	}
	if (!part)
		return EAGAIN;
	pieces(p, p->head, part, piece);
	memcpy((void *)(uintptr_t)piece[0].data, data, piece[0].size);
	memcpy(p->ring, (const char *)data + piece[0].size, piece[1].size);
	p->staged = part;
	*done = part;
	return 0;
}

void pipe_commit(struct pipe *p, size_t count)
{
	p->staged = 0;
	p->head += (uint32_t)count;
	if (count)
		p->was_written = 1;
}

int pipe_read(struct pipe *p, void *data, size_t count, size_t *done)
{
	struct pipe_piece piece[2];
	int error = pipe_peek(p, count, piece);

	*done = 0;
	if (error)
		return error;
	memcpy(data, piece[0].data, piece[0].size);
	memcpy((char *)data + piece[0].size, piece[1].data, piece[1].size);
	*done = piece[0].size + piece[1].size;
	pipe_take(p, *done);
	return 0;
}

int pipe_write(struct pipe *p, const void *data, size_t count, size_t *done)
{
	int error = pipe_stage(p, data, count, done);

	if (!error)
		pipe_commit(p, *done);
	return error;
}

unsigned pipe_poll(const struct pipe *p, int writer, size_t taking)
{
	unsigned have = pipe_available(p) + p->staged - (unsigned)taking;
	unsigned events = 0;

	if (writer) {
		if (!p->readers)
			events |= POLLERR;
		if (p->most - have >= PIPE_ATOMIC)
			events |= POLLOUT | POLLWRNORM;
		return events;
	}
	if (have)
		events |= POLLIN | POLLRDNORM;
	if (!p->writers && p->was_written)
		events |= POLLHUP;
	return events;
}
