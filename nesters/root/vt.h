/* A terminal as terminfo's `linux` describes it: bytes in, a grid of cells out.  Plain logic;
 * whoever shows it compares cells with what it has drawn. */
#ifndef ROOT_VT_H
#define ROOT_VT_H

#include <stdint.h>

#define VT_COLUMNS	256
#define VT_ROWS		128
#define VT_PARAMETERS	16

struct vt_cell {
	uint16_t	code;		/* Unicode */
	uint8_t		color;		/* foreground 0-15, background in the upper half */
	uint8_t		underline;
};

struct vt_cursor {
	unsigned	x, y;
	uint8_t		foreground, background, bold, dim, underline, blink, reverse;
	uint8_t		charset[2], shift;	/* charset: 1 = line drawing */
};

struct vt {
	unsigned	rows, columns;
	struct vt_cursor c, saved;
	unsigned	top, bottom;		/* scroll region, bottom exclusive */
	uint8_t		wrap_pending, autowrap, insert, origin, hidden, reverse_screen, newline_mode;
	uint8_t		application_keys;
	uint8_t		tabs[VT_COLUMNS];
	/* the sequence being read */
	uint8_t		state, question, parameters;
	unsigned	parameter[VT_PARAMETERS];
	uint32_t	code;			/* UTF-8 being put together */
	uint8_t		more;
	struct vt_cell	cell[VT_ROWS][VT_COLUMNS];
	void		(*reply)(const char *text);	/* answers to queries, as if typed */
	void		(*bell)(void);
};

void	vt_reset(struct vt *vt);
void	vt_init(struct vt *vt, unsigned rows, unsigned columns);
void	vt_put(struct vt *vt, uint8_t byte);

#endif
