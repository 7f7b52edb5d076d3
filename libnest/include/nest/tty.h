/* The line discipline of a terminal, as Linux's n_tty: what is typed becomes lines, echo and
 * signals; what is written becomes what the device shows.  Plain logic without a kernel call:
 * the driver puts bytes in with tty_input and takes bytes out with tty_output; not locked. */
#ifndef NEST_TTY_H
#define NEST_TTY_H

#include <stddef.h>
#include <stdint.h>
#include "linux_abi.h"

#define TTY_INPUT	4096	/* a power of two */
#define TTY_OUTPUT	4096

struct tty_termios {
	uint32_t	iflag, oflag, cflag, lflag;
	uint8_t		line, cc[NCCS_KERNEL];
};

struct tty {
	struct tty_termios termios;
	uint16_t	rows, columns, xpixel, ypixel;
	/* input: indices grow without end; the ring holds [read_tail, read_head) */
	uint32_t	read_tail, canon_head, read_head;
	uint8_t		in[TTY_INPUT];
	uint8_t		mark[TTY_INPUT];	/* 1 = ends a line, 2 = end of file pushed here */
	uint8_t		literal_next, stopped, hung_up;
	uint32_t	peeked;			/* read_tail at the last peek */
	uint64_t	last_input;		/* time of the last byte, for VTIME */
	/* output */
	uint32_t	out_tail, out_head;
	uint8_t		out[TTY_OUTPUT];
	unsigned	column, canon_column;	/* of the cursor; where the line being typed began */
	/* the owner */
	void		(*signal)(struct tty *, int number);
	void		(*changed)(struct tty *);	/* something to read, room to write, or output to take */
	void		*owner;
};

void	tty_init(struct tty *tty);
/* A byte from the device. */
void	tty_input(struct tty *tty, uint8_t c, uint64_t now);
void	tty_hang_up(struct tty *tty);
/* Bytes for the device: at most count, 0 while stopped. */
unsigned tty_output(struct tty *tty, uint8_t *data, unsigned count);
unsigned tty_output_pending(struct tty *tty);

/* A read in two steps, as nest/pipe.h has it: *size bytes in place at piece[0] and piece[1]; tty_take with *taken
 * (it may count an end-of-file mark too) when they have been delivered. */
struct tty_piece { const void *data; size_t size; };
int	tty_peek(struct tty *tty, size_t count, uint64_t started, uint64_t now, struct tty_piece piece[2], size_t *taken,
		uint64_t *wake);
void	tty_take(struct tty *tty, size_t taken);
/* EAGAIN: nothing yet; *wake = when to ask again at the latest (0 = only after changed). */
int	tty_read(struct tty *tty, void *data, size_t count, uint64_t started, uint64_t now, size_t *done, uint64_t *wake);
/* EAGAIN: no room at all. */
int	tty_write(struct tty *tty, const void *data, size_t count, size_t *done);
unsigned tty_poll(struct tty *tty, size_t taking);	/* taking: what a read between peek and take is about to take */
unsigned tty_available(struct tty *tty);
void	tty_set_termios(struct tty *tty, const struct tty_termios *termios);
void	tty_set_window(struct tty *tty, unsigned rows, unsigned columns, unsigned xpixel, unsigned ypixel);
void	tty_flush(struct tty *tty, unsigned queue);	/* TCIFLUSH ... */

/* For images: settings, what was typed and not read, what ^S holds back.  Bytes put, 0: no room. */
size_t	tty_save(const struct tty *tty, void *data, size_t room);
/* The settings; if elsewhere, before all else what was typed, and what was held back.  0: that was not tty_save's.  The window is the
 * device's. */
int	tty_restore(struct tty *tty, const void *data, size_t size, int elsewhere);

#endif
