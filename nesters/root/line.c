/* Serial lines for debuggers, COM2 and COM4: a stream each, bytes as they are.  What came in before anybody reads is kept
 * (a debugger on the host may be early).  And the service "debug", which passes watches on to the kernel.
 * All under stream_lock, as the channel. */
#include <stdlib.h>
#include <protocols/Debug_server.h>
#include <protocols/Machine.h>
#include "root.h"
#include "uart.h"

#define FIFO		16

static struct line {
	uint16_t	port;
	uint8_t		irq;
	struct served	interrupt;
	struct stream_source source;
	struct pipe	in, out;
	fluke_ref_t	*ref;
} lines[2] = { { .port = 0x2f8, .irq = 3 }, { .port = 0x2e8, .irq = 7 } };	/* COM4's: boot/run wires it so */

static void transmit(struct line *l)
{
	struct pipe_piece piece[2];
	const uint8_t *data;

	if (!pipe_available(&l->out)) {
		outb(l->port + IER, IER_RECEIVE);
		return;
	}
	if (inb(l->port + LSR) & LSR_EMPTY) {
		pipe_peek(&l->out, FIFO, piece);
		data = piece[0].data;
		for (size_t n = 0; n < piece[0].size; n++)
			outb(l->port + DATA, data[n]);
		pipe_take(&l->out, piece[0].size);
		stream_changed(&l->source);
	}
	outb(l->port + IER, IER_RECEIVE | IER_EMPTY);
}

static void interrupted(void *self, uint32_t word0, uint32_t word1)
{
	struct line *l = (struct line *)((char *)self - offsetof(struct line, interrupt));
	unsigned rounds = 0;
	uint8_t c;
	size_t done;

	(void)word0, (void)word1;
	fast_lock_take(&stream_lock);
	do {
		while (inb(l->port + LSR) & LSR_READY) {
			c = inb(l->port + DATA);
			pipe_write(&l->in, &c, 1, &done);
			stream_changed(&l->source);
		}
		transmit(l);
	} while (!(inb(l->port + IIR) & IIR_NONE) && ++rounds < 64);
	fast_lock_drop(&stream_lock);
	stream_kick();
}

/* ---- the stream ---- */

static int peek(struct stream *s, size_t count, uint64_t started, struct pipe_piece piece[2], uint64_t *wake)
{
	(void)started, (void)wake;
	return pipe_peek(&((struct line *)s->owner)->in, count, piece);
}

static void take(struct stream *s, size_t count, int delivered)
{
	(void)delivered;
	pipe_take(&((struct line *)s->owner)->in, count);
}

static int stage(struct stream *s, const void *data, size_t count, size_t *done)
{
	return pipe_stage(&((struct line *)s->owner)->out, data, count, done);
}

static void commit(struct stream *s, size_t count)
{
	struct line *l = s->owner;

	pipe_commit(&l->out, count);
	transmit(l);
}

static unsigned poll(struct stream *s)
{
	struct line *l = s->owner;

	return pipe_poll(&l->in, 0, s->source->taking) | pipe_poll(&l->out, 1, 0);
}

static int status(struct stream *s, struct FileStatus *st)
{
	st->inode = 110 + (uint32_t)((struct line *)s->owner - lines);
	st->mode = S_IFCHR | 0600;
	st->links = 1;
	st->device = 0xc;
	st->block_size = 4096;
	return 0;
}

static void closed(struct stream *s)
{
	(void)s;		/* we keep a reference */
}

static const struct stream_ops ops = {
	.peek = peek, .take = take, .stage = stage, .commit = commit, .poll = poll, .stat = status, .closed = closed,
};

/* ---- the service ---- */

static int watch(void *self, struct request *r, fluke_ref_t *space, fluke_ref_t *port)
{
	(void)self, (void)r;
	return space ? Machine_watch(kernel, space, port) : EINVAL;
}


fluke_ref_t *debug_service(void)
{
	static const struct Debug_methods methods = { .watch = watch };
	static const struct interface interfaces[] = { { Debug_INTERFACE, Debug_dispatch, &methods }, { 0, 0, 0 } };
	static const struct served_class class = { .name = "debug", .interfaces = interfaces };
	static struct served port;
	static fluke_ref_t *ref;

	if (!ref && !served_init(&port, &class, server))
		ref = served_ref(&port);
	return ref;
}

fluke_ref_t *line_service(unsigned n)
{
	return lines[n].ref;
}

void line_drain(void)
{
	for (unsigned n = 0; n < 2; n++)
		for (unsigned spins = 0; lines[n].ref && pipe_available(&lines[n].out) && spins < 1000000; spins++) {
			fast_lock_take(&stream_lock);
			transmit(&lines[n]);
			fast_lock_drop(&stream_lock);
		}
}

static void line_begin(struct line *l)
{
	static const struct served_class class = { .name = "line", .event = interrupted };
	struct stream *s;

	if (!uart_present(l->port))
		return;
	if (pipe_init(&l->in) || pipe_init(&l->out))
		fatal("no memory for a line");
	l->in.readers = l->in.writers = l->out.readers = l->out.writers = 1;
	uart_set_up(l->port);
	if (served_init(&l->interrupt, &class, device_server) ||
	    Machine_irq_attach(kernel, l->irq, served_ref(&l->interrupt)))
		return;			/* the line is somebody else's */
	fast_lock_take(&stream_lock);
	s = stream_new(server, NULL, &ops, &l->source, l, O_RDWR);
	fast_lock_drop(&stream_lock);
	l->ref = s ? served_ref(&s->served) : NULL;
	outb(l->port + IER, IER_RECEIVE);
}

void line_boot(void)
{
	Machine_io_allow(kernel, libc_own_space, lines[1].port, lines[0].port + 8 - lines[1].port);	/* one range: they are few */
	for (unsigned n = 0; n < 2; n++)
		line_begin(&lines[n]);
}
