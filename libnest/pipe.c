/* See pipe.h.  The ring starts with one page and doubles when a writer needs more, so that the
 * thousands of short-lived pipes of a shell stay small. */
#include <stdlib.h>
#include <string.h>
#include <nest/pipe.h>

int pipe_init(struct pipe *p)
{
	memset(p, 0, sizeof *p);
	p->ring_size = 4096;
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

static void copy_out(struct pipe *p, uint8_t *to, unsigned count)
{
	unsigned at = p->tail & (p->ring_size - 1), part = p->ring_size - at;

	if (part > count)
		part = count;
	memcpy(to, p->ring + at, part);
	memcpy(to + part, p->ring, count - part);
	p->tail += count;
}

static void copy_in(struct pipe *p, const uint8_t *from, unsigned count)
{
	unsigned at = p->head & (p->ring_size - 1), part = p->ring_size - at;

	if (part > count)
		part = count;
	memcpy(p->ring + at, from, part);
	memcpy(p->ring, from + part, count - part);
	p->head += count;
}

static void grow(struct pipe *p, unsigned need)
{
	unsigned size = p->ring_size, have = pipe_available(p);
	uint8_t *ring;

	while (size < need && size < PIPE_SIZE)
		size *= 2;
	if (size == p->ring_size || !(ring = malloc(size)))
		return;
	copy_out(p, ring, have);
	free(p->ring);
	p->ring = ring;
	p->ring_size = size;
	p->tail = 0;
	p->head = have;
}

int pipe_read(struct pipe *p, void *data, size_t count, size_t *done)
{
	unsigned have = pipe_available(p);

	*done = 0;
	if (!count)
		return 0;
	if (!have)
		return p->writers ? EAGAIN : 0;
	if (have > count)
		have = (unsigned)count;
	copy_out(p, data, have);
	if (p->head == p->tail)
		p->head = p->tail = 0;	/* the next write is one piece */
	*done = have;
	return 0;
}

int pipe_write(struct pipe *p, const void *data, size_t count, size_t *done)
{
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
	copy_in(p, data, part);
	p->was_written = 1;
	*done = part;
	return 0;
}

unsigned pipe_poll(const struct pipe *p, int writer)
{
	unsigned events = 0;

	if (writer) {
		if (!p->readers)
			events |= POLLERR;
		if (PIPE_SIZE - pipe_available(p) >= PIPE_ATOMIC)
			events |= POLLOUT | POLLWRNORM;
		return events;
	}
	if (pipe_available(p))
		events |= POLLIN | POLLRDNORM;
	if (!p->writers && p->was_written)
		events |= POLLHUP;
	return events;
}
