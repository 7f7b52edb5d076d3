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

static void new_line(struct tty *tty)
{
	if (O(tty, ONLRET) || O(tty, ONLCR))
		tty->column = 0;
	if (O(tty, ONLCR))
		push(tty, '\r');
	tty->canon_column = tty->column;
	push(tty, '\n');
}

static void carriage_return(struct tty *tty)
{
	if (O(tty, ONOCR) && !tty->column)
		return;
	if (O(tty, OCRNL)) {
		if (O(tty, ONLRET))
			tty->canon_column = tty->column = 0;
		push(tty, '\n');
		return;
	}
	tty->canon_column = tty->column = 0;
	push(tty, '\r');
}

static void tab(struct tty *tty)
{
	unsigned spaces = 8 - tty->column % 8;

	tty->column += spaces;
	if (O(tty, TABDLY) != XTABS)
		push(tty, '\t');
	else
		while (spaces--)
			push(tty, ' ');
}

/* One character through OPOST; 0 = no room for all of it.  Without OPOST the column is not tracked, as on Linux. */
static int process(struct tty *tty, uint8_t c)
{
	if (room(tty) < 8)
		return 0;
	if (!O(tty, OPOST)) {
		push(tty, c);
		return 1;
	}
	switch (c) {
	case '\n':
		new_line(tty);
		return 1;
	case '\r':
		carriage_return(tty);
		return 1;
	case '\t':
		tab(tty);
		return 1;
	case '\b':
		tty->column -= tty->column > 0;
		break;
	default:
		if (O(tty, OLCUC) && c >= 'a' && c <= 'z')
			c &= 0xdf;
		if (c >= 32 && c != 127 && !((tty->termios.iflag & IUTF8) && (c & 0xc0) == 0x80))
			tty->column++;
	}
	push(tty, c);
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
		if (room(tty) < 8)
			return;
		push(tty, '^');
		push(tty, c ^ 0100);
		tty->column += 2;
		return;
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
