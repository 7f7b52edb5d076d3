/* The channel to boot/run on COM3 (docs/design/channel.md): frames both ways, three streams with
 * credit, files out after the end.  Everything under stream_lock; the interrupt takes bytes in,
 * the transmit side has one frame in hand, then a list of small frames, then the streams. */
#include <stdlib.h>
#include <string.h>
#include <protocols/Machine.h>
#include <protocols/Tty_server.h>
#include "root.h"
#include "uart.h"
#include "pack.h"

#define COM3		0x3e8
#define COM3_IRQ	5

#define MARK		0xf5
#define PAYLOAD		4096u
#define WINDOW		0x10000u	/* credit of a stream at most */

enum { READY = 1, STDOUT, STDERR, EXIT, LOG, MISSING, FILE_DATA, FILE_END, CREDIT, CLOSED,
       STDIN = 16, WINDOW_SIZE, SIGNAL, GET, BYE, PING };

struct frame {				/* one that waits to be sent */
	struct frame	*next;
	unsigned	size;
	uint8_t		bytes[];	/* head and payload */
};

struct end {				/* one of the three streams */
	struct stream_source source;
	struct pipe	pipe;
	fluke_ref_t	*ref;
	uint32_t	credit;		/* 1, 2: bytes that we may send; 0: bytes that the host may send */
};

static struct end end[3];
static int	present;
static struct frame *frames, **frames_end = &frames;
static uint8_t	out[4 + PAYLOAD], in[4 + PAYLOAD];
static unsigned	out_size, out_at, in_at;
static int	exiting;		/* EXIT waits for the streams to run dry */
static uint32_t	exit_kind, exit_value;
static int	bye;
static char	*get_path;
static struct owners owners;
static struct served irq, waker;
static fluke_portset_t *end_set;	/* the thread in channel_exit waits here */
static fluke_ref_t *end_ref;

/* ---- sending ---- */

static uint8_t *frame_add(unsigned type, unsigned size)
{
	struct frame *f = malloc(sizeof *f + 4 + size);

	if (!f)
		return 0;
	f->next = 0;
	f->size = 4 + size;
	f->bytes[0] = MARK;
	f->bytes[1] = (uint8_t)type;
	f->bytes[2] = (uint8_t)size;
	f->bytes[3] = (uint8_t)(size >> 8);
	*frames_end = f;
	frames_end = &f->next;
	return f->bytes + 4;
}

static void frame_numbers(unsigned type, unsigned count, const uint32_t *numbers)
{
	uint8_t *p = frame_add(type, count * 4);

	if (p)
		memcpy(p, numbers, count * 4);
}

static void tell_end(void)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, end_ref);
}

/* The next frame into out; 0 = nothing to send. */
static int next_frame(void)
{
	struct frame *f = frames;
	struct pipe_piece piece[2];
	unsigned n, size;

	if (f) {
		frames = f->next;
		if (!frames)
			frames_end = &frames;
		memcpy(out, f->bytes, f->size);
		out_size = f->size;
		free(f);
		if (!frames && get_path)
			tell_end();
		return 1;
	}
	for (n = 1; n < 3; n++) {
		size = pipe_available(&end[n].pipe);
		if (size > end[n].credit)
			size = end[n].credit;
		if (size > PAYLOAD)
			size = PAYLOAD;
		if (!size)
			continue;
		pipe_peek(&end[n].pipe, size, piece);
		memcpy(out + 4, piece[0].data, piece[0].size);
		memcpy(out + 4 + piece[0].size, piece[1].data, piece[1].size);
		pipe_take(&end[n].pipe, size);
		out[0] = MARK;
		out[1] = (uint8_t)(STDOUT + n - 1);
		out[2] = (uint8_t)size;
		out[3] = (uint8_t)(size >> 8);
		out_size = 4 + size;
		end[n].credit -= size;
		stream_changed(&end[n].source);
		return 1;
	}
	if (exiting && (!pipe_available(&end[1].pipe) || !end[1].pipe.readers) &&
	    (!pipe_available(&end[2].pipe) || !end[2].pipe.readers)) {
		uint32_t numbers[2] = { exit_kind, exit_value };

		exiting = 0;
		frame_numbers(EXIT, 2, numbers);
		return next_frame();
	}
	return 0;
}

static void transmit(void)
{
	unsigned burst;

	if (!present)
		return;
	for (;;) {
		if (out_at == out_size) {
			out_at = out_size = 0;
			if (!next_frame()) {
				outb(COM3 + IER, IER_RECEIVE);
				return;
			}
		}
		if (!(inb(COM3 + LSR) & LSR_EMPTY)) {
			outb(COM3 + IER, IER_RECEIVE | IER_EMPTY);
			return;
		}
		for (burst = 0; burst < 16 && out_at < out_size; burst++)
			outb(COM3 + DATA, out[out_at++]);
	}
}

static void give_credit(void)
{
	uint32_t numbers[2] = { 0, 0 }, room = WINDOW - pipe_available(&end[0].pipe);

	if (room < end[0].credit + WINDOW / 4 || !end[0].pipe.writers || !end[0].pipe.readers)
		return;
	numbers[1] = room - end[0].credit;
	end[0].credit = room;
	frame_numbers(CREDIT, 2, numbers);
}

/* ---- receiving ---- */

static uint32_t number(unsigned i)
{
	uint32_t value;

	memcpy(&value, in + 4 + 4 * i, 4);
	return value;
}

static void signal_owner(uint32_t n)
{
	if (n < 24 || n == SIGWINCH)
		owner_signal(&owners, n);
}

static void stdin_frame(unsigned size)
{
	size_t done;

	if (!size)
		end[0].pipe.writers = 0;
	else if (end[0].pipe.writers && end[0].pipe.readers)
		pipe_write(&end[0].pipe, in + 4, size, &done);
	end[0].credit -= size < end[0].credit ? size : end[0].credit;
	stream_changed(&end[0].source);
}

static void frame_received(unsigned type, unsigned size)
{
	uint32_t n = size >= 4 ? number(0) : 0;

	switch (type) {
	case STDIN:
		stdin_frame(size);
		break;
	case CREDIT:
		if (size >= 8 && (n == 1 || n == 2))
			end[n].credit += number(1);
		break;
	case CLOSED:
		if (size >= 4 && (n == 1 || n == 2)) {
			end[n].pipe.readers = 0;
			end[n].pipe.tail = end[n].pipe.head;
			stream_changed(&end[n].source);
		}
		break;
	case WINDOW_SIZE:
		if (size >= 8)
			console_window(n, number(1));
		break;
	case SIGNAL:
		signal_owner(n);
		break;
	case GET:
		free(get_path);
		get_path = malloc(size + 1);
		if (get_path) {
			memcpy(get_path, in + 4, size);
			get_path[size] = 0;
		}
		tell_end();
		break;
	case BYE:
		bye = 1;
		tell_end();
		break;
	case PING:
		frame_add(LOG, 0);
		break;
	default:
		fatal("channel: unknown frame %u", type);
	}
}

static void receive(uint8_t c)
{
	unsigned size;

	in[in_at++] = c;
	if (in_at == 1 && c != MARK)
		fatal("channel: no frame begins with %u", c);
	if (in_at < 4)
		return;
	size = in[2] | in[3] << 8;
	if (size > PAYLOAD)
		fatal("channel: frame of %u bytes", size);
	if (in_at < 4 + size)
		return;
	in_at = 0;
	frame_received(in[1], size);
}

static void irq_event(void *self, uint32_t word0, uint32_t word1)
{
	unsigned rounds = 0;

	(void)self, (void)word0, (void)word1;
	/* until the line has gone down: a cause that stays would make no further edge */
	fast_lock_take(&stream_lock);
	do {
		while (inb(COM3 + LSR) & LSR_READY)
			receive(inb(COM3 + DATA));
		transmit();
	} while (!(inb(COM3 + IIR) & IIR_NONE) && ++rounds < 64);
	fast_lock_drop(&stream_lock);
	stream_kick();
}

/* ---- streams ---- */

static int peek(struct stream *s, size_t count, uint64_t started, struct pipe_piece piece[2], uint64_t *wake)
{
	struct end *e = s->owner;

	(void)started, (void)wake;
	if (e != &end[0])
		return EBADF;
	return pipe_peek(&e->pipe, count, piece);
}

static void take(struct stream *s, size_t count, int delivered)
{
	struct end *e = s->owner;

	(void)delivered;
	pipe_take(&e->pipe, count);
	give_credit();
	transmit();
}

static int stage(struct stream *s, const void *data, size_t count, size_t *done)
{
	struct end *e = s->owner;

	return e == &end[0] ? EBADF : pipe_stage(&e->pipe, data, count, done);
}

static void commit(struct stream *s, size_t count)
{
	struct end *e = s->owner;

	pipe_commit(&e->pipe, count);
	transmit();
}

static unsigned poll(struct stream *s)
{
	struct end *e = s->owner;

	return pipe_poll(&e->pipe, e != &end[0], e == &end[0] ? s->source->taking : 0);
}

static int status(struct stream *s, struct FileStatus *st)
{
	st->inode = 100 + (uint32_t)((struct end *)s->owner - end);
	st->mode = S_IFIFO | 0600;
	st->links = 1;
	st->size = pipe_available(&((struct end *)s->owner)->pipe) - (s->owner == &end[0] ? s->source->taking : 0);
	st->device = 0xc;
	st->block_size = 4096;
	return 0;
}

static void closed(struct stream *s)
{
	struct end *e = s->owner;
	uint32_t n = 0;

	if (e != &end[0])
		return;
	e->pipe.readers = 0;
	frame_numbers(CLOSED, 1, &n);
	transmit();
}

static const struct stream_ops ops = {
	.peek = peek, .take = take, .stage = stage, .commit = commit, .poll = poll, .stat = status, .closed = closed,
};

/* Not a terminal, but the host's signals go to an owner as a terminal's do. */
static int set_owner(void *self, struct request *r, uint32_t session, fluke_ref_t *port)
{
	int error;

	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	error = owner_set(&owners, port, session);
	fast_lock_drop(&stream_lock);
	return error;
}

static int not_tty(void)
{
	return ENOTTY;
}

static const struct Tty_methods tty_methods = {
	.get_attributes = (void *)not_tty, .set_attributes = (void *)not_tty, .get_window = (void *)not_tty,
	.set_window = (void *)not_tty, .set_owner = set_owner, .get_foreground = (void *)not_tty,
	.set_foreground = (void *)not_tty, .get_session = (void *)not_tty, .flush = (void *)not_tty,
	.drain = (void *)not_tty, .available = (void *)not_tty,
};
static const struct interface interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &stream_methods },
	{ Tty_INTERFACE, Tty_dispatch, &tty_methods }, { 0, 0, 0 },
};
static const struct served_class class = { .name = "channel", .interfaces = interfaces, .release = stream_release };

fluke_ref_t *channel_descriptor(int n)
{
	return end[n].ref;
}

/* ---- texts and the end ---- */

static void text_frames(unsigned type, const char *text, size_t size)
{
	size_t part;
	uint8_t *p;

	if (!present)
		return;
	fast_lock_take(&stream_lock);
	for (; size; size -= part, text += part) {
		part = size < PAYLOAD ? size : PAYLOAD;
		p = frame_add(type, (unsigned)part);
		if (p)
			memcpy(p, text, part);
	}
	transmit();
	fast_lock_drop(&stream_lock);
}

void channel_log(const char *text, size_t size)
{
	text_frames(LOG, text, size);
}

void channel_missing(const char *lines)
{
	text_frames(MISSING, lines, strlen(lines));
}

static void wait_told(void)
{
	uint32_t message[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, end_set, &alias);
}

/* Sends the file; a few frames at a time are in memory. */
static void send_file(const char *path)
{
	struct ramfs_node *node = 0;
	uint32_t last[3] = { 0, 0, 0 };
	uint64_t offset = 0;
	size_t size;
	uint8_t *p;

	root_lock();
	last[0] = (uint32_t)ramfs_open(&ramfs, ramfs.root, path, O_RDONLY, 0, &node);
	if (!last[0] && !S_ISREG(node->mode))
		last[0] = S_ISDIR(node->mode) ? EISDIR : EINVAL;
	if (!last[0]) {
		last[1] = node->mode;
		last[2] = (uint32_t)(node->mtime / 1000000000u);
	}
	while (!last[0] && offset < node->size && !(last[0] = (uint32_t)pack_reach(node, offset, PAYLOAD))) {
		fast_lock_take(&stream_lock);
		size = node->size - offset < PAYLOAD ? (size_t)(node->size - offset) : PAYLOAD;
		p = frame_add(FILE_DATA, (unsigned)size);
		if (p)
			ramfs_read(&ramfs, node, offset, p, size);
		else
			last[0] = EIO;
		offset += size;
		transmit();
		while (frames) {		/* the line is behind: give others a turn */
			fast_lock_drop(&stream_lock);
			root_unlock();
			wait_told();
			root_lock();
			fast_lock_take(&stream_lock);
		}
		fast_lock_drop(&stream_lock);
	}
	if (node)
		ramfs_put(&ramfs, node);
	root_unlock();
	fast_lock_take(&stream_lock);
	frame_numbers(FILE_END, 3, last);
	transmit();
	fast_lock_drop(&stream_lock);
}

/* All is sent: the transmitter is empty. */
static int idle(void)
{
	return !exiting && !frames && out_at == out_size;
}

void channel_exit(unsigned kind, unsigned value)
{
	unsigned status = kind ? 128 + value : value;
	char *path;

	if (!present)
		power_off(0, status);
	fast_lock_take(&stream_lock);
	exit_kind = kind;
	exit_value = value;
	exiting = 1;
	transmit();
	while (words.channel ? !bye : !idle()) {
		path = get_path;
		fast_lock_drop(&stream_lock);
		if (path)
			send_file(path);
		fast_lock_take(&stream_lock);
		if (path == get_path && path) {
			get_path = 0;
			free(path);
		}
		if (!bye && !get_path && words.channel) {
			fast_lock_drop(&stream_lock);
			wait_told();
			fast_lock_take(&stream_lock);
		}
	}
	fast_lock_drop(&stream_lock);
	power_off(0, status);
}

/* ---- boot ---- */

static void end_boot(unsigned n)
{
	struct stream *s;

	if (pipe_init(&end[n].pipe))
		fatal("no memory for the channel");
	end[n].pipe.readers = end[n].pipe.writers = 1;
	end[n].credit = n ? WINDOW : 0;
	if (!words.channel)
		return;
	fast_lock_take(&stream_lock);
	s = stream_new(server, &class, &ops, &end[n].source, &end[n], n ? O_WRONLY : O_RDONLY);
	fast_lock_drop(&stream_lock);
	if (!s || !(end[n].ref = served_ref(&s->served)))
		fatal("no memory for the channel");
}

void channel_boot(void)
{
	static const struct served_class irq_class = { .name = "com3", .event = irq_event };
	uint32_t version = 1;
	unsigned n;

	(void)waker;
	if (!uart_present(COM3)) {
		if (words.channel)
			fatal("the command line asks for the channel, but there is no COM3");
		return;
	}
	end_set = portset_new();
	end_ref = ref_new();
	if (!end_set || !end_ref)
		fatal("no memory for the channel");
	fluke_port_reference(port_new(end_set, 0, 0), end_ref);
	for (n = 0; n < 3; n++)
		end_boot(n);
	uart_set_up(COM3);
	if (served_init(&irq, &irq_class, device_server) || Machine_irq_attach(kernel, COM3_IRQ, served_ref(&irq)))
		fatal("channel: interrupt %u is taken", COM3_IRQ);
	present = 1;
	fast_lock_take(&stream_lock);
	frame_numbers(READY, 1, &version);
	if (words.channel)
		give_credit();
	transmit();
	fast_lock_drop(&stream_lock);
}

int channel_save(struct served *object, char *data, size_t *size, fluke_ref_t **owner)
{
	return object->class == &class ? owners_save(&owners, (struct stream *)object, data, size, owner) : ENOENT;
}

void channel_restore(const uint32_t saved[3], fluke_ref_t *owner)
{
	owners_restore(&owners, saved, owner);
}
