/* The input half of the line discipline and its state; the output half is tty_out.c.
 *
 * Canonical mode: [read_tail, canon_head) are complete lines, [canon_head, read_head) is the
 * line being typed, which erase and kill may change.  Otherwise canon_head means nothing. */
#include <string.h>
#include <nest/tty.h>
#include "tty_out.h"

#define AT(i)	((i) & (TTY_INPUT - 1))
#define L(tty, flag)	((tty)->termios.lflag & (flag))
#define I(tty, flag)	((tty)->termios.iflag & (flag))
#define CC(tty, which)	((tty)->termios.cc[which])
#define MARK_LINE	1
#define MARK_EOF	2

void tty_init(struct tty *tty)
{
	static const uint8_t cc[NCCS_KERNEL] = { 003, 034, 0177, 025, 004, 0, 1, 0, 021, 023, 032, 0, 022, 017, 027, 026, 0 };

	memset(tty, 0, offsetof(struct tty, signal));
	tty->termios.iflag = ICRNL | IXON | IUTF8 | IMAXBEL | BRKINT;
	tty->termios.oflag = OPOST | ONLCR;
	tty->termios.cflag = B38400 | CS8 | CREAD | HUPCL;
	tty->termios.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	memcpy(tty->termios.cc, cc, sizeof cc);
	tty->rows = 24;
	tty->columns = 80;
}

static int is(struct tty *tty, unsigned which, uint8_t c)
{
	return CC(tty, which) && CC(tty, which) == c;
}

static void changed(struct tty *tty)
{
	if (tty->changed)
		tty->changed(tty);
}

static void start(struct tty *tty)
{
	if (tty->stopped) {
		tty->stopped = 0;
		changed(tty);
	}
}

static void put(struct tty *tty, uint8_t c, uint8_t mark)
{
	tty->in[AT(tty->read_head)] = c;
	tty->mark[AT(tty->read_head)] = mark;
	tty->read_head++;
}

static unsigned room(struct tty *tty)
{
	return TTY_INPUT - (tty->read_head - tty->read_tail);
}

static void line_done(struct tty *tty)
{
	tty->canon_head = tty->read_head;
	changed(tty);
}

/* VINTR, VQUIT, VSUSP */
static int signal_character(struct tty *tty, uint8_t c)
{
	int number = is(tty, VINTR, c) ? SIGINT : is(tty, VQUIT, c) ? SIGQUIT : is(tty, VSUSP, c) ? SIGTSTP : 0;

	if (!number)
		return 0;
	if (!L(tty, NOFLSH))
		tty_flush(tty, TCIOFLUSH);
	if (I(tty, IXON))
		start(tty);
	if (L(tty, ECHO))
		tty_echo(tty, c);
	if (tty->signal)
		tty->signal(tty, number);
	changed(tty);
	return 1;
}

static int is_continuation(struct tty *tty, uint8_t c)
{
	return I(tty, IUTF8) && (c & 0xc0) == 0x80;
}

static unsigned width(struct tty *tty, uint8_t c)
{
	if (c < 32 || c == 127)
		return L(tty, ECHOCTL) ? 2 : 0;
	return is_continuation(tty, c) ? 0 : 1;
}

/* Takes the last character off the line and off the screen. */
static void erase_one(struct tty *tty)
{
	unsigned columns, count;
	uint32_t i;
	uint8_t c;

	do
		c = tty->in[AT(--tty->read_head)];
	while (is_continuation(tty, c) && tty->read_head != tty->canon_head);
	if (!L(tty, ECHO))
		return;
	if (c == '\t') {
		/* back to where the tab began: columns since the last tab, or since the line's start */
		columns = 0;
		for (i = tty->read_head; i != tty->canon_head && tty->in[AT(i - 1)] != '\t'; i--)
			columns += width(tty, tty->in[AT(i - 1)]);
		if (i == tty->canon_head)
			columns += tty->canon_column;
		for (count = 8 - columns % 8; count--;) {
			tty_echo_raw(tty, '\b');
		}
		return;
	}
	for (count = width(tty, c); count--;)
		tty_echo_text(tty, "\b \b");
}

static int is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		(c >= 0xc0 && c != 0xd7 && c != 0xf7);	/* Latin-1, as Linux has it */
}

static void erase_word(struct tty *tty)
{
	int seen = 0;
	uint32_t at;

	while ((at = tty->read_head) != tty->canon_head) {
		while (is_continuation(tty, tty->in[AT(--at)]) && at != tty->canon_head)
			;		/* the first byte of a character says what it is */
		if (is_word(tty->in[AT(at)]))
			seen = 1;
		else if (seen)
			break;
		erase_one(tty);
	}
}

static void erase_line(struct tty *tty)
{
	if (tty->read_head == tty->canon_head)
		return;
	if (!L(tty, ECHO)) {
		tty->read_head = tty->canon_head;
		return;
	}
	if (!L(tty, ECHOK) || !L(tty, ECHOKE) || !L(tty, ECHOE)) {
		tty->read_head = tty->canon_head;
		tty_echo(tty, CC(tty, VKILL));
		if (L(tty, ECHOK))
			tty_echo_raw(tty, '\n');
		return;
	}
	while (tty->read_head != tty->canon_head)
		erase_one(tty);
}

static void erase_character(struct tty *tty)
{
	if (tty->read_head == tty->canon_head)
		return;
	if (L(tty, ECHO) && !L(tty, ECHOE)) {
		do
			tty->read_head--;
		while (is_continuation(tty, tty->in[AT(tty->read_head)]) && tty->read_head != tty->canon_head);
		tty_echo(tty, CC(tty, VERASE));
		return;
	}
	erase_one(tty);
}

static void reprint(struct tty *tty, uint8_t c)
{
	uint32_t i;

	tty_echo(tty, c);
	tty_echo_raw(tty, '\n');
	for (i = tty->canon_head; i != tty->read_head; i++)
		tty_echo(tty, tty->in[AT(i)]);
}

/* Characters with a meaning in canonical mode; 1 = done. */
static int canonical_character(struct tty *tty, uint8_t c)
{
	if (is(tty, VERASE, c))
		erase_character(tty);
	else if (is(tty, VKILL, c))
		erase_line(tty);
	else if (is(tty, VWERASE, c) && L(tty, IEXTEN))
		erase_word(tty);
	else if (is(tty, VREPRINT, c) && L(tty, IEXTEN) && L(tty, ECHO))
		reprint(tty, c);
	else if (is(tty, VLNEXT, c) && L(tty, IEXTEN)) {
		tty->literal_next = 1;
		if (L(tty, ECHO) && L(tty, ECHOCTL))
			tty_echo_text(tty, "^\b");
	} else if (is(tty, VEOF, c)) {
		if (room(tty)) {
			put(tty, 0, MARK_EOF);
			line_done(tty);
		}
	} else if (c == '\n' || is(tty, VEOL, c) || (is(tty, VEOL2, c) && L(tty, IEXTEN))) {
		if (!room(tty))
			return 1;
		if (c == '\n') {
			if (L(tty, ECHO) || L(tty, ECHONL))
				tty_echo_raw(tty, '\n');
		} else if (L(tty, ECHO)) {
			tty_echo(tty, c);
		}
		put(tty, c, MARK_LINE);
		line_done(tty);
	} else {
		return 0;
	}
	changed(tty);
	return 1;
}

/* raw: a newline that was typed as a carriage return is echoed as one. */
static void plain_character(struct tty *tty, uint8_t c, int raw)
{
	if (room(tty) <= (L(tty, ICANON) ? 2u : 0u)) {
		if (I(tty, IMAXBEL))
			tty_echo_raw(tty, '\a');
		changed(tty);
		return;
	}
	if (L(tty, ECHO)) {
		if (L(tty, ICANON) && tty->canon_head == tty->read_head)
			tty->canon_column = tty->column;
		if (raw && c == '\n')
			tty_echo_raw(tty, c);
		else
			tty_echo(tty, c);
	}
	put(tty, c, 0);
	changed(tty);
}

void tty_input(struct tty *tty, uint8_t c, uint64_t now)
{
	int raw = 0;

	tty->last_input = now;
	if (I(tty, ISTRIP))
		c &= 0x7f;
	if (I(tty, IUCLC) && L(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c |= 0x20;
	if (tty->literal_next) {
		tty->literal_next = 0;
		plain_character(tty, c, 0);
		return;
	}
	if (I(tty, IXON)) {
		if (is(tty, VSTART, c)) {
			start(tty);
			return;
		}
		if (is(tty, VSTOP, c)) {
			tty->stopped = 1;
			return;
		}
	}
	if (L(tty, ISIG) && signal_character(tty, c))
		return;
	if (tty->stopped && I(tty, IXON) && I(tty, IXANY))
		start(tty);
	if (c == '\r') {
		if (I(tty, IGNCR))
			return;
		if (I(tty, ICRNL)) {
			c = '\n';
			raw = 1;
		}
	} else if (c == '\n' && I(tty, INLCR)) {
		c = '\r';
	}
	if (!L(tty, ICANON) || !canonical_character(tty, c))
		plain_character(tty, c, raw);
}

void tty_hang_up(struct tty *tty)
{
	tty->hung_up = 1;
	if (tty->signal) {
		tty->signal(tty, SIGHUP);
		tty->signal(tty, SIGCONT);
	}
	changed(tty);
}

/* Bytes of the next line, up to count; *taken counts an end-of-file mark too. */
static size_t line_size(struct tty *tty, size_t count, size_t *taken)
{
	uint32_t at = tty->read_tail;
	size_t size = 0;
	uint8_t mark;

	while (at != tty->canon_head) {
		mark = tty->mark[AT(at)];
		if (mark & MARK_EOF) {		/* taken even when the buffer is just full */
			at++;
			break;
		}
		if (size == count)
			break;
		at++;
		size++;
		if (mark & MARK_LINE)
			break;
	}
	*taken = at - tty->read_tail;
	return size;
}

/* May a raw read of count bytes end now? */
static int raw_ready(struct tty *tty, size_t count, uint64_t started, uint64_t now, uint64_t *wake)
{
	unsigned have = tty->read_head - tty->read_tail, least = CC(tty, VMIN);
	uint64_t limit = CC(tty, VTIME) * 100000000ull, since;

	if (least > count)
		least = (unsigned)count;
	if (have >= least && (least || !limit || have))
		return 1;
	if (!limit || (least && !have))
		return 0;
	/* with VMIN the clock runs between bytes, without it from the start of the read */
	since = least && tty->last_input > started ? tty->last_input : started;
	if (now >= since + limit)
		return 1;
	*wake = since + limit;
	return 0;
}

int tty_peek(struct tty *tty, size_t count, uint64_t started, uint64_t now, struct tty_piece piece[2], size_t *taken,
	uint64_t *wake)
{
	uint32_t at = AT(tty->read_tail);
	size_t size = tty->read_head - tty->read_tail;

	piece[0] = piece[1] = (struct tty_piece){ tty->in, 0 };
	*taken = 0;
	*wake = 0;
	tty->peeked = tty->read_tail;
	if (!count)
		return 0;
	if (L(tty, ICANON)) {
		if (tty->read_tail == tty->canon_head)
			return tty->hung_up ? 0 : EAGAIN;
		size = line_size(tty, count, taken);
	} else {
		if (!raw_ready(tty, count, started, now, wake) && !tty->hung_up)
			return EAGAIN;
		if (size > count)
			size = count;
		*taken = size;
	}
	piece[0].data = tty->in + at;
	piece[0].size = size < TTY_INPUT - at ? size : TTY_INPUT - at;
	piece[1].size = size - piece[0].size;
	return 0;
}

void tty_take(struct tty *tty, size_t taken)
{
	if (tty->read_tail == tty->peeked)	/* else it was flushed meanwhile */
		tty->read_tail += (uint32_t)taken;
	tty->peeked = tty->read_tail;
}

int tty_read(struct tty *tty, void *data, size_t count, uint64_t started, uint64_t now, size_t *done, uint64_t *wake)
{
	struct tty_piece piece[2];
	size_t taken;
	int error = tty_peek(tty, count, started, now, piece, &taken, wake);

	*done = 0;
	if (error)
		return error;
	memcpy(data, piece[0].data, piece[0].size);
	memcpy((char *)data + piece[0].size, piece[1].data, piece[1].size);
	*done = piece[0].size + piece[1].size;
	tty_take(tty, taken);
	return 0;
}

unsigned tty_available(struct tty *tty)
{
	return (L(tty, ICANON) ? tty->canon_head : tty->read_head) - tty->read_tail;
}

unsigned tty_poll(struct tty *tty, size_t taking)
{
	unsigned events = 0, least = CC(tty, VTIME) || !CC(tty, VMIN) ? 1 : CC(tty, VMIN);

	if (tty->peeked != tty->read_tail)
		taking = 0;		/* flushed meanwhile */
	if (tty_available(tty) >= taking + (L(tty, ICANON) ? 1 : least))
		events |= POLLIN | POLLRDNORM;
	if (tty_output_pending(tty) < TTY_OUTPUT / 2 && !tty->stopped)
		events |= POLLOUT | POLLWRNORM;
	if (tty->hung_up)
		events |= POLLHUP | POLLIN | POLLRDNORM;
	return events;
}

void tty_set_termios(struct tty *tty, const struct tty_termios *termios)
{
	unsigned old = tty->termios.lflag;

	tty->termios = *termios;
	if (!(old & ICANON) && L(tty, ICANON)) {
		/* what came in raw mode can be read at once */
		tty->canon_head = tty->read_head;
		if (tty->read_head != tty->read_tail)
			tty->mark[AT(tty->read_head - 1)] |= MARK_LINE;
	}
	if (!I(tty, IXON))
		start(tty);
	changed(tty);
}

void tty_set_window(struct tty *tty, unsigned rows, unsigned columns, unsigned xpixel, unsigned ypixel)
{
	if (tty->rows == rows && tty->columns == columns && tty->xpixel == xpixel && tty->ypixel == ypixel)
		return;
	tty->rows = (uint16_t)rows;
	tty->columns = (uint16_t)columns;
	tty->xpixel = (uint16_t)xpixel;
	tty->ypixel = (uint16_t)ypixel;
	if (tty->signal)
		tty->signal(tty, SIGWINCH);
}

void tty_flush(struct tty *tty, unsigned queue)
{
	if (queue == TCIFLUSH || queue == TCIOFLUSH) {
		tty->read_tail = tty->canon_head = tty->read_head;
		tty->literal_next = 0;
	}
	if (queue == TCOFLUSH || queue == TCIOFLUSH)
		tty->out_tail = tty->out_head;
	changed(tty);
}

/* ---- images ---- */

struct saved { struct tty_termios termios; uint32_t typed, whole, held; uint8_t stopped, literal_next; };	/* then typed bytes, marks, held bytes */

static uint8_t *ring_get(uint8_t *to, const uint8_t *ring, uint32_t from, uint32_t count)
{
	while (count--)
		*to++ = ring[AT(from++)];
	return to;
}

static const uint8_t *ring_put(const uint8_t *from, uint8_t *ring, uint32_t to, uint32_t count)
{
	while (count--)
		ring[AT(to++)] = *from++;
	return from;
}

size_t tty_save(const struct tty *tty, void *data, size_t room)
{
	struct saved s = { tty->termios, tty->read_head - tty->read_tail, L(tty, ICANON) ? tty->canon_head - tty->read_tail : 0, tty->out_head - tty->out_tail,
		tty->stopped, tty->literal_next };
	uint8_t *at = (uint8_t *)data + sizeof s;

	if (room < sizeof s + 2 * s.typed + s.held)
		return 0;
	memcpy(data, &s, sizeof s);
	at = ring_get(at, tty->in, tty->read_tail, s.typed);
	at = ring_get(at, tty->mark, tty->read_tail, s.typed);
	at = ring_get(at, tty->out, tty->out_tail, s.held);
	return (size_t)(at - (uint8_t *)data);
}

int tty_restore(struct tty *tty, const void *data, size_t size, int elsewhere)
{
	const uint8_t *at = (const uint8_t *)data + sizeof(struct saved);
	struct saved s;

	if (size < sizeof s)
		return 0;
	memcpy(&s, data, sizeof s);
	if (s.typed > TTY_INPUT || s.whole > s.typed || s.held > TTY_OUTPUT || size != sizeof s + 2 * s.typed + s.held)
		return 0;
	tty->termios = s.termios;
	if (elsewhere && s.typed <= room(tty)) {
		tty->read_tail -= s.typed;
		at = ring_put(at, tty->in, tty->read_tail, s.typed);
		ring_put(at, tty->mark, tty->read_tail, s.typed);
		if (tty->canon_head == tty->read_tail + s.typed)	/* no whole line since */
			tty->canon_head = tty->read_tail + s.whole;
		tty->literal_next |= s.literal_next;
	}
	if (elsewhere && tty->out_tail == tty->out_head) {
		ring_put((const uint8_t *)data + size - s.held, tty->out, tty->out_tail, s.held);
		tty->out_head = tty->out_tail + s.held;
		tty->stopped = s.stopped;
	}
	changed(tty);
	return 1;
}
