/* The console: one terminal on the serial line COM1 and on the screen with keyboard.  The line
 * discipline is libnest's; here are its streams, the Tty interface and the drivers' two ends:
 * console_input takes what is typed, output goes to every device at once.  All under
 * stream_lock. */
#include <stdlib.h>
#include <string.h>
#include <nest/tty.h>
#include <protocols/Machine.h>
#include <protocols/Tty_server.h>
#include "root.h"
#include "uart.h"
#include "screen.h"

#define COM1		0x3f8
#define COM1_IRQ	4

static struct tty tty;
static struct stream_source source;
static size_t	peeked;			/* what the read in hand takes */
static struct owners owners;		/* where signals go */
static int	serial;			/* there is a UART */
static struct served serial_irq, work;
static fluke_ref_t *work_ref;

/* ---- answers are sent by workers of the main server ---- */

static void work_event(void *self, uint32_t word0, uint32_t word1)
{
	(void)self, (void)word0, (void)word1;
	stream_run();
}

static void kick(void)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, work_ref);
}

static void timeout(void)
{
	fast_lock_take(&stream_lock);
	stream_changed(&source);
	fast_lock_drop(&stream_lock);
	stream_run();
}

static void alarm_at(uint64_t when)
{
	clock_call(when, timeout);
}

/* ---- devices ---- */

static void serial_write(const uint8_t *data, unsigned count)
{
	unsigned spins;

	for (; count--; data++) {
		for (spins = 0; !(inb(COM1 + LSR) & LSR_EMPTY) && spins < 100000; spins++)
			;
		outb(COM1 + DATA, *data);
	}
}

static void output(void)
{
	uint8_t data[256];
	unsigned count;

	while ((count = tty_output(&tty, data, sizeof data))) {
		if (serial && words.console_serial)
			serial_write(data, count);
		if (words.console_screen)
			screen_write(data, count);
	}
}

static void tty_changed(struct tty *t)
{
	(void)t;
	output();
	stream_changed(&source);
}

static void tty_signal(struct tty *t, int number)
{
	(void)t;
	owner_signal(&owners, (unsigned)number);
}

void console_input(uint8_t c)
{
	tty_input(&tty, c, clock_now());
}

static void serial_event(void *self, uint32_t word0, uint32_t word1)
{
	int any = 0;
	unsigned rounds = 0;

	(void)self, (void)word0, (void)word1;
	entropy_add(rdtsc());
	fast_lock_take(&stream_lock);
	do {		/* until the line has gone down: a cause that stays would make no further edge */
		while (inb(COM1 + LSR) & LSR_READY) {
			console_input(inb(COM1 + DATA));
			any = 1;
		}
	} while (!(inb(COM1 + IIR) & 1) && ++rounds < 64);
	fast_lock_drop(&stream_lock);
	if (any)
		kick();
}

static void serial_boot(void)
{
	static const struct served_class class = { .name = "serial", .event = serial_event };

	Machine_io_allow(kernel, libc_own_space, COM1 - 16, 24);	/* COM3 too, the channel's: ranges are few */
	if (!uart_present(COM1))
		return;
	uart_set_up(COM1);
	if (served_init(&serial_irq, &class, device_server) ||
	    Machine_irq_attach(kernel, COM1_IRQ, served_ref(&serial_irq)))
		return;
	outb(COM1 + IER, 1);
	serial = 1;
}

/* ---- streams ---- */

static int peek(struct stream *s, size_t count, uint64_t started, struct pipe_piece piece[2], uint64_t *wake)
{
	struct tty_piece p[2];
	int error = tty_peek(&tty, count, started, clock_now(), p, &peeked, wake);

	(void)s;
	piece[0] = (struct pipe_piece){ p[0].data, p[0].size };
	piece[1] = (struct pipe_piece){ p[1].data, p[1].size };
	return error;
}

/* A line whose two pieces could not go together is taken in part. */
static void take(struct stream *s, size_t count, int delivered)
{
	struct tty_piece p[2];
	uint64_t wake;
	size_t taken;

	(void)s;
	if (!delivered)
		return;
	if (count < peeked && !tty_peek(&tty, count, 0, clock_now(), p, &taken, &wake) && p[0].size + p[1].size == count)
		peeked = count + (taken > count);
	tty_take(&tty, peeked);
}

static int stage(struct stream *s, const void *data, size_t count, size_t *done)
{
	const char *p = data;
	size_t part;
	int error = 0;

	(void)s;
	/* the devices take everything at once unless the terminal is stopped */
	for (*done = 0; *done < count && !error; *done += part)
		error = tty_write(&tty, p + *done, count - *done, &part);
	return *done ? 0 : error;
}

static void commit(struct stream *s, size_t count)
{
	(void)s, (void)count;
}

static unsigned poll(struct stream *s)
{
	unsigned events = tty_poll(&tty, s->source->reading ? peeked : 0);

	if ((s->flags & O_ACCMODE) == O_WRONLY)
		events &= ~(POLLIN | POLLRDNORM);
	return events;
}

static int status(struct stream *s, struct FileStatus *st)
{
	(void)s;
	st->inode = 3;
	st->mode = S_IFCHR | 0600;
	st->links = 1;
	st->rdev = 5 << 8 | 1;
	st->device = RAMFS_DEVICE;
	st->block_size = 1024;
	st->atime = st->mtime = st->ctime = clock_wall();
	return 0;
}

static const char *path(struct stream *s)
{
	(void)s;
	return "/dev/console";
}

static void closed(struct stream *s)
{
	(void)s;
}

static const struct stream_ops ops = {
	.peek = peek, .take = take, .stage = stage, .commit = commit, .poll = poll, .stat = status, .path = path,
	.closed = closed,
};

/* ---- Tty ---- */

static int get_attributes(void *self, struct request *r, struct Termios *t)
{
	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	memset(t, 0, sizeof *t);
	t->iflag = tty.termios.iflag;
	t->oflag = tty.termios.oflag;
	t->cflag = tty.termios.cflag;
	t->lflag = tty.termios.lflag;
	t->line = tty.termios.line;
	memcpy(&t->cc0, tty.termios.cc, NCCS_KERNEL);
	fast_lock_drop(&stream_lock);
	return 0;
}

static int set_attributes(void *self, struct request *r, const struct Termios *t, uint32_t when)
{
	struct tty_termios termios = { t->iflag, t->oflag, t->cflag, t->lflag, (uint8_t)t->line, { 0 } };

	(void)self, (void)r;
	memcpy(termios.cc, &t->cc0, NCCS_KERNEL);
	fast_lock_take(&stream_lock);
	if (when == TCSAFLUSH)
		tty_flush(&tty, TCIFLUSH);
	tty_set_termios(&tty, &termios);
	fast_lock_drop(&stream_lock);
	stream_run();
	return 0;
}

static int get_window(void *self, struct request *r, struct WindowSize *size)
{
	(void)self, (void)r;
	size->rows = tty.rows;
	size->columns = tty.columns;
	size->xpixel = tty.xpixel;
	size->ypixel = tty.ypixel;
	return 0;
}

static int set_window(void *self, struct request *r, const struct WindowSize *size)
{
	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	tty_set_window(&tty, size->rows, size->columns, size->xpixel, size->ypixel);
	fast_lock_drop(&stream_lock);
	return 0;
}

void console_window(unsigned rows, unsigned columns)
{
	tty_set_window(&tty, rows, columns, 0, 0);
}

static int set_owner(void *self, struct request *r, uint32_t session, fluke_ref_t *port)
{
	int error;

	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	error = owner_set(&owners, port, session);
	fast_lock_drop(&stream_lock);
	return error;
}

static int get_foreground(void *self, struct request *r, int32_t *group)
{
	struct owner *top;

	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	top = owner_of(&owners);
	*group = top ? top->foreground : 0;
	fast_lock_drop(&stream_lock);
	return 0;
}

static int set_foreground(void *self, struct request *r, int32_t group)
{
	struct owner *top;
	int changes;

	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	top = owner_of(&owners);
	changes = top && top->foreground != group;
	if (changes)
		top->foreground = group;
	fast_lock_drop(&stream_lock);
	if (changes)
		stream_drop_reads(&source);	/* a stopped reader must not have the line that another waits for */
	return 0;
}

static int get_session(void *self, struct request *r, int32_t *number)
{
	struct owner *top;

	(void)self, (void)r;
	fast_lock_take(&stream_lock);
	top = owner_of(&owners);
	*number = top ? (int32_t)top->session : 0;
	fast_lock_drop(&stream_lock);
	return 0;
}

static int flush(void *self, struct request *r, uint32_t queue)
{
	(void)self, (void)r;
	if (queue > TCIOFLUSH)
		return EINVAL;
	fast_lock_take(&stream_lock);
	tty_flush(&tty, queue);
	fast_lock_drop(&stream_lock);
	stream_run();
	return 0;
}

static int drain(void *self, struct request *r)
{
	(void)self, (void)r;
	return 0;
}

static int available(void *self, struct request *r, uint32_t *input, uint32_t *unsent)
{
	(void)self, (void)r;
	*input = tty_available(&tty);
	*unsent = tty_output_pending(&tty);
	return 0;
}

static const struct Tty_methods tty_methods = {
	.get_attributes = get_attributes, .set_attributes = set_attributes, .get_window = get_window,
	.set_window = set_window, .set_owner = set_owner, .get_foreground = get_foreground,
	.set_foreground = set_foreground, .get_session = get_session, .flush = flush, .drain = drain,
	.available = available,
};
static const struct interface interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &stream_methods },
	{ Tty_INTERFACE, Tty_dispatch, &tty_methods }, { 0, 0, 0 },
};
static const struct served_class class = { .name = "console", .interfaces = interfaces, .release = stream_release,
	.holding = HOLDS_FILES };

struct stream *console_open(unsigned flags)
{
	struct stream *s;

	fast_lock_take(&stream_lock);
	s = stream_new(server, &class, &ops, &source, 0, flags & (O_ACCMODE | O_NONBLOCK));
	fast_lock_drop(&stream_lock);
	return s;
}

fluke_ref_t *console_service(void)
{
	static fluke_ref_t *ref;
	struct stream *s;

	if (!ref && (s = console_open(O_RDWR)))
		ref = served_ref(&s->served);
	return ref;
}

void console_boot(void)
{
	static const struct served_class work_class = { .name = "work", .event = work_event };

	if (served_init(&work, &work_class, server))
		fatal("no memory for the console");
	work_ref = served_ref(&work);
	stream_kick = kick;
	stream_clock = clock_now;
	stream_alarm = alarm_at;
	tty_init(&tty);
	tty.changed = tty_changed;
	tty.signal = tty_signal;
	serial_boot();
	if (words.console_screen)
		words.console_screen = screen_boot();
	if (words.console_screen)
		screen_size(&tty.rows, &tty.columns);
	if (words.rows)
		tty.rows = (uint16_t)words.rows;
	if (words.columns)
		tty.columns = (uint16_t)words.columns;
}

/* The owner's words, the window's size, a number of this boot, then the terminal itself. */
struct saved_window { uint32_t owner[3]; uint16_t rows, columns; uint64_t boot; };

static uint64_t boot_number(void)
{
	static uint64_t number;

	if (!number)
		entropy_fill(&number, sizeof number);
	return number;
}

int console_save(struct served *object, char *data, size_t *size, fluke_ref_t **owner)
{
	struct saved_window w;
	size_t room = *size, part = sizeof w.owner;

	if (object->class != &class)
		return ENOENT;
	owners_save(&owners, (struct stream *)object, (char *)w.owner, &part, owner);
	fast_lock_take(&stream_lock);
	w.rows = tty.rows;
	w.columns = tty.columns;
	w.boot = boot_number();
	memcpy(data, &w, sizeof w);
	*size = sizeof w + tty_save(&tty, data + sizeof w, room - sizeof w);
	fast_lock_drop(&stream_lock);
	return 0;
}

int console_restore(const char *data, size_t size, fluke_ref_t *owner, struct stream **s)
{
	struct saved_window w;
	int good;

	if (size < sizeof w)
		return EINVAL;
	memcpy(&w, data, sizeof w);
	owners_restore(&owners, w.owner, owner);
	fast_lock_take(&stream_lock);
	good = tty_restore(&tty, data + sizeof w, size - sizeof w, w.boot != boot_number());
	if (w.rows != tty.rows || w.columns != tty.columns)
		owner_signal(&owners, SIGWINCH);
	fast_lock_drop(&stream_lock);
	stream_run();
	*s = console_open(w.owner[0]);
	return !good ? EINVAL : *s ? 0 : EMFILE;
}
