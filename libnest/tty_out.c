/* The output half of the line discipline: what is written, and echo, pass OPOST and wait in a
 * ring until the device takes them.  The column is tracked for tabs and for erasing. */
#include "tty_out.h"

#define O(tty, flag)	((tty)->termios.oflag & (flag))

static unsigned room(struct tty *tty)
{
	return TTY_OUTPUT - (tty->out_head - tty->out_tail);
}

static void push(struct tty *tty, uint8_t c)
{
	tty->out[tty->out_head++ & (TTY_OUTPUT - 1)] = c;
}

static void advance(struct tty *tty, uint8_t c)
{
	if (c == '\r' || (c == '\n' && O(tty, ONLRET)))
		tty->column = 0;
	else if (c == '\b')
		tty->column -= tty->column > 0;
	else if (c == '\t')
		tty->column = (tty->column + 8) & ~7u;
	else if (c >= 32 && c != 127 && !((tty->termios.iflag & IUTF8) && (c & 0xc0) == 0x80))
		tty->column++;
}

/* One character through OPOST; 0 = no room for all of it. */
static int process(struct tty *tty, uint8_t c)
{
	if (room(tty) < 8)
		return 0;
	if (!O(tty, OPOST)) {
		push(tty, c);
		advance(tty, c);
		return 1;
	}
	if (c == '\n' && O(tty, ONLCR)) {
		push(tty, '\r');
		tty->column = 0;
	} else if (c == '\r' && O(tty, ONOCR) && !tty->column) {
		return 1;
	} else if (c == '\r' && O(tty, OCRNL)) {
		c = '\n';
	} else if (c == '\t' && O(tty, TABDLY) == XTABS) {
		do
			push(tty, ' ');
		while (++tty->column % 8);
		return 1;
	} else if (O(tty, OLCUC) && c >= 'a' && c <= 'z') {
		c &= 0xdf;
	}
	push(tty, c);
	advance(tty, c);
	return 1;
}

void tty_echo_raw(struct tty *tty, uint8_t c)
{
	process(tty, c);	/* dropped when the ring is full */
}

void tty_echo_text(struct tty *tty, const char *text)
{
	while (*text)
		process(tty, (uint8_t)*text++);
}

void tty_echo(struct tty *tty, uint8_t c)
{
	if ((tty->termios.lflag & ECHOCTL) && (c < 32 || c == 127) && c != '\t') {
		process(tty, '^');
		c ^= 0100;
	}
	process(tty, c);
}

int tty_write(struct tty *tty, const void *data, size_t count, size_t *done)
{
	const uint8_t *p = data;

	*done = 0;
	if (tty->hung_up)
		return EIO;
	while (*done < count && process(tty, p[*done]))
		++*done;
	if (*done && tty->changed)
		tty->changed(tty);
	return *done || !count ? 0 : EAGAIN;
}

unsigned tty_output(struct tty *tty, uint8_t *data, unsigned count)
{
	unsigned done = 0;

	if (tty->stopped)
		return 0;
	while (done < count && tty->out_tail != tty->out_head)
		data[done++] = tty->out[tty->out_tail++ & (TTY_OUTPUT - 1)];
	return done;
}

unsigned tty_output_pending(struct tty *tty)
{
	return tty->out_head - tty->out_tail;
}
