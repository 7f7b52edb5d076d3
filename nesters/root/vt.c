/* See vt.h.  States: plain text, after ESC, in a control sequence, in an operating-system command,
 * after ESC ( ) # %.  Control characters act in any state, as on a VT100. */
#include <string.h>
#include "vt.h"

enum { TEXT, ESCAPE, CONTROL, COMMAND, COMMAND_ESCAPE, CHARSET0, CHARSET1, SKIP, PALETTE };

static const uint16_t lines[32] = {	/* ESC ( 0: from ` on */
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c,
	0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3,
	0x00b7, 0x0020,
};

static uint8_t color_now(struct vt *vt)
{
	uint8_t f = vt->c.foreground, b = vt->c.background, t;

	if (vt->c.underline && f == 7)
		f = 15;
	if (vt->c.dim)
		f = 8;
	if (vt->c.bold && f < 8)
		f |= 8;
	if (vt->c.blink)
		b |= 8;
	if (!vt->c.reverse != !vt->reverse_screen) {
		t = f;
		f = b;
		b = (uint8_t)(t & 7);
		if (t & 8 && f == 0)
			b = (uint8_t)(t & 7);
	}
	return (uint8_t)(f | b << 4);
}

static void blank(struct vt *vt, unsigned y, unsigned x, unsigned count)
{
	struct vt_cell empty = { ' ', (uint8_t)(vt->c.background << 4 | 7), 0 };

	for (; count-- && x < vt->columns; x++)
		vt->cell[y][x] = empty;
}

static void scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
	unsigned y;

	if (n > bottom - top)
		n = bottom - top;
	memmove(vt->cell[top], vt->cell[top + n], (bottom - top - n) * sizeof vt->cell[0]);
	for (y = bottom - n; y < bottom; y++)
		blank(vt, y, 0, vt->columns);
}

static void scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
	unsigned y;

	if (n > bottom - top)
		n = bottom - top;
	memmove(vt->cell[top + n], vt->cell[top], (bottom - top - n) * sizeof vt->cell[0]);
	for (y = top; y < top + n; y++)
		blank(vt, y, 0, vt->columns);
}

static void line_feed(struct vt *vt)
{
	vt->wrap_pending = 0;
	if (vt->c.y + 1 == vt->bottom)
		scroll_up(vt, vt->top, vt->bottom, 1);
	else if (vt->c.y + 1 < vt->rows)
		vt->c.y++;
}

static void reverse_feed(struct vt *vt)
{
	vt->wrap_pending = 0;
	if (vt->c.y == vt->top)
		scroll_down(vt, vt->top, vt->bottom, 1);
	else if (vt->c.y)
		vt->c.y--;
}

static void go(struct vt *vt, int x, int y)
{
	int low = vt->origin ? (int)vt->top : 0, high = vt->origin ? (int)vt->bottom : (int)vt->rows;

	vt->wrap_pending = 0;
	vt->c.x = x < 0 ? 0 : x >= (int)vt->columns ? vt->columns - 1 : (unsigned)x;
	vt->c.y = (unsigned)(y < low ? low : y >= high ? high - 1 : y);
}

static void show(struct vt *vt, uint32_t code)
{
	struct vt_cell *cell;

	if (vt->c.charset[vt->c.shift] && code >= 0x60 && code < 0x80)
		code = lines[code - 0x60];
	/* combining characters and what has no width: nothing */
	if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || code == 0xfeff)
		return;
	if (vt->wrap_pending) {
		vt->c.x = 0;
		line_feed(vt);
	}
	cell = &vt->cell[vt->c.y][vt->c.x];
	if (vt->insert)
		memmove(cell + 1, cell, (vt->columns - vt->c.x - 1) * sizeof *cell);
	cell->code = code > 0xffff ? 0xfffd : (uint16_t)code;
	cell->color = color_now(vt);
	cell->underline = vt->c.underline;
	if (vt->c.x + 1 < vt->columns)
		vt->c.x++;
	else
		vt->wrap_pending = vt->autowrap;
}

static void tab(struct vt *vt)
{
	while (vt->c.x + 1 < vt->columns && !vt->tabs[++vt->c.x])
		;
}

static int control(struct vt *vt, uint8_t byte)
{
	switch (byte) {
	case 0:
	case 0x7f:
		return 1;
	case 7:
		if (vt->state == COMMAND)
			vt->state = TEXT;
		else if (vt->bell)
			vt->bell();
		return 1;
	case 8:
		vt->wrap_pending = 0;
		vt->c.x -= vt->c.x > 0;
		return 1;
	case 9:
		tab(vt);
		return 1;
	case 10:
	case 11:
	case 12:
		line_feed(vt);
		if (!vt->newline_mode)
			return 1;
		/* fall through */
	case 13:
		vt->wrap_pending = 0;
		vt->c.x = 0;
		return 1;
	case 14:
	case 15:
		vt->c.shift = byte == 14;
		return 1;
	case 24:
	case 26:
		vt->state = TEXT;
		return 1;
	case 27:
		vt->state = vt->state == COMMAND ? COMMAND_ESCAPE : ESCAPE;
		return 1;
	}
	return byte < 32;
}

static void attributes_reset(struct vt *vt)
{
	vt->c.foreground = 7;
	vt->c.background = vt->c.bold = vt->c.dim = vt->c.underline = vt->c.blink = vt->c.reverse = 0;
}

void vt_reset(struct vt *vt)
{
	unsigned i;

	memset(&vt->c, 0, sizeof vt->c);
	attributes_reset(vt);
	vt->saved = vt->c;
	vt->top = 0;
	vt->bottom = vt->rows;
	vt->wrap_pending = vt->insert = vt->origin = vt->hidden = vt->reverse_screen = vt->newline_mode = 0;
	vt->application_keys = 0;
	vt->autowrap = 1;
	vt->state = TEXT;
	vt->more = 0;
	for (i = 0; i < VT_COLUMNS; i++)
		vt->tabs[i] = i % 8 == 0;
	for (i = 0; i < vt->rows; i++)
		blank(vt, i, 0, vt->columns);
}

void vt_init(struct vt *vt, unsigned rows, unsigned columns)
{
	vt->rows = rows < VT_ROWS ? rows : VT_ROWS;
	vt->columns = columns < VT_COLUMNS ? columns : VT_COLUMNS;
	vt_reset(vt);
}

static void after_escape(struct vt *vt, uint8_t byte)
{
	vt->state = TEXT;
	switch (byte) {
	case '[':
		vt->state = CONTROL;
		vt->question = vt->parameters = 0;
		memset(vt->parameter, 0, sizeof vt->parameter);
		break;
	case ']':
		vt->state = COMMAND;
		vt->parameters = 0;
		break;
	case '(':
		vt->state = CHARSET0;
		break;
	case ')':
		vt->state = CHARSET1;
		break;
	case '#':
	case '%':
		vt->state = SKIP;
		break;
	case '7':
		vt->saved = vt->c;
		break;
	case '8':
		vt->c = vt->saved;
		go(vt, (int)vt->c.x, (int)vt->c.y);
		break;
	case 'D':
		line_feed(vt);
		break;
	case 'E':
		vt->c.x = 0;
		line_feed(vt);
		break;
	case 'H':
		vt->tabs[vt->c.x] = 1;
		break;
	case 'M':
		reverse_feed(vt);
		break;
	case 'Z':
		if (vt->reply)
			vt->reply("\033[?6c");
		break;
	case 'c':
		vt_reset(vt);
		break;
	}
}

/* 38;5;n and 38;2;r;g;b: the nearest of the 16; returns how many parameters went. */
static unsigned extended(struct vt *vt, unsigned i, uint8_t *to)
{
	unsigned *p = vt->parameter + i, n;

	if (i + 2 <= vt->parameters && p[1] == 5) {
		n = p[2];
		if (n >= 232)
			n = n < 238 ? 0 : n < 244 ? 8 : n < 250 ? 7 : 15;
		else if (n >= 16) {
			n -= 16;
			n = (n / 36 > 2 ? 1 : 0) | (n / 6 % 6 > 2 ? 2 : 0) | (n % 6 > 2 ? 4 : 0);
		}
		*to = (uint8_t)(n & 15);
		return 2;
	}
	if (i + 4 <= vt->parameters && p[1] == 2) {
		*to = (uint8_t)((p[2] > 127) | (p[3] > 127) << 1 | (p[4] > 127) << 2);
		return 4;
	}
	return 1;
}

static void select_attributes(struct vt *vt)
{
	/* ANSI counts red 1, blue 4; the palette of a PC the other way */
	static const uint8_t pc[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };
	unsigned i, n;
	uint8_t color;

	for (i = 0; i <= vt->parameters; i++) {
		n = vt->parameter[i];
		if (n == 0)
			attributes_reset(vt);
		else if (n == 1)
			vt->c.bold = 1;
		else if (n == 2)
			vt->c.dim = 1;
		else if (n == 4 || n == 21)
			vt->c.underline = 1;
		else if (n == 5)
			vt->c.blink = 1;
		else if (n == 7)
			vt->c.reverse = 1;
		else if (n == 22)
			vt->c.bold = vt->c.dim = 0;
		else if (n == 24)
			vt->c.underline = 0;
		else if (n == 25)
			vt->c.blink = 0;
		else if (n == 27)
			vt->c.reverse = 0;
		else if (n >= 30 && n <= 37)
			vt->c.foreground = pc[n - 30];
		else if (n >= 90 && n <= 97)
			vt->c.foreground = pc[n - 90] | 8;
		else if (n >= 40 && n <= 47)
			vt->c.background = pc[n - 40];
		else if (n >= 100 && n <= 107)
			vt->c.background = pc[n - 100];
		else if (n == 39)
			vt->c.foreground = 7;
		else if (n == 49)
			vt->c.background = 0;
		else if (n == 38 || n == 48) {
			color = n == 38 ? vt->c.foreground : vt->c.background;
			i += extended(vt, i, &color);
			color = (uint8_t)(pc[color & 7] | (color & 8));
			if (n == 38)
				vt->c.foreground = color;
			else
				vt->c.background = color & 7;
		}
	}
}

static void set_mode(struct vt *vt, unsigned n, int on)
{
	if (!vt->question) {
		if (n == 4)
			vt->insert = (uint8_t)on;
		else if (n == 20)
			vt->newline_mode = (uint8_t)on;
		return;
	}
	switch (n) {
	case 1:
		vt->application_keys = (uint8_t)on;
		break;
	case 5:
		vt->reverse_screen = (uint8_t)on;
		break;
	case 6:
		vt->origin = (uint8_t)on;
		go(vt, 0, on ? (int)vt->top : 0);
		break;
	case 7:
		vt->autowrap = (uint8_t)on;
		break;
	case 25:
		vt->hidden = (uint8_t)!on;
		break;
	}
}

static void erase_display(struct vt *vt, unsigned how)
{
	unsigned y;

	for (y = 0; y < vt->rows; y++)
		if (how >= 2 || (how == 0 && y > vt->c.y) || (how == 1 && y < vt->c.y))
			blank(vt, y, 0, vt->columns);
	if (how == 0)
		blank(vt, vt->c.y, vt->c.x, vt->columns);
	else if (how == 1)
		blank(vt, vt->c.y, 0, vt->c.x + 1);
}

static void report(struct vt *vt, unsigned n)
{
	char text[32], *p = text;
	unsigned value[2] = { vt->c.y + 1 - (vt->origin ? vt->top : 0), vt->c.x + 1 }, i;

	if (!vt->reply)
		return;
	if (n == 5)
		vt->reply("\033[0n");
	if (n != 6)
		return;
	*p++ = '\033';
	*p++ = '[';
	for (i = 0; i < 2; i++) {
		if (value[i] >= 100)
			*p++ = (char)('0' + value[i] / 100);
		if (value[i] >= 10)
			*p++ = (char)('0' + value[i] / 10 % 10);
		*p++ = (char)('0' + value[i] % 10);
		*p++ = i ? 'R' : ';';
	}
	*p = 0;
	vt->reply(text);
}

/* Insert, delete and erase within the line. */
static void edit(struct vt *vt, uint8_t final, unsigned n)
{
	struct vt_cell *cell = &vt->cell[vt->c.y][vt->c.x];
	unsigned left = vt->columns - vt->c.x;

	if (n > left)
		n = left;
	vt->wrap_pending = 0;
	if (final == '@') {
		memmove(cell + n, cell, (left - n) * sizeof *cell);
		blank(vt, vt->c.y, vt->c.x, n);
	} else if (final == 'P') {
		memmove(cell, cell + n, (left - n) * sizeof *cell);
		blank(vt, vt->c.y, vt->columns - n, n);
	} else {
		blank(vt, vt->c.y, vt->c.x, n);
	}
}

static void control_sequence(struct vt *vt, uint8_t final)
{
	unsigned first = vt->parameter[0], n = first ? first : 1, second = vt->parameter[1], i;
	int x = (int)vt->c.x, y = (int)vt->c.y, base = vt->origin ? (int)vt->top : 0;

	switch (final) {
	case 'A': go(vt, x, y - (int)n); break;
	case 'B': case 'e': go(vt, x, y + (int)n); break;
	case 'C': case 'a': go(vt, x + (int)n, y); break;
	case 'D': go(vt, x - (int)n, y); break;
	case 'E': go(vt, 0, y + (int)n); break;
	case 'F': go(vt, 0, y - (int)n); break;
	case 'G': case '`': go(vt, (int)n - 1, y); break;
	case 'd': go(vt, x, base + (int)n - 1); break;
	case 'H': case 'f': go(vt, (int)(second ? second : 1) - 1, base + (int)n - 1); break;
	case 'J': erase_display(vt, first); break;
	case 'K':
		if (first == 0)
			blank(vt, vt->c.y, vt->c.x, vt->columns);
		else
			blank(vt, vt->c.y, 0, first == 1 ? vt->c.x + 1 : vt->columns);
		break;
	case 'L':
		if (vt->c.y >= vt->top && vt->c.y < vt->bottom)
			scroll_down(vt, vt->c.y, vt->bottom, n);
		break;
	case 'M':
		if (vt->c.y >= vt->top && vt->c.y < vt->bottom)
			scroll_up(vt, vt->c.y, vt->bottom, n);
		break;
	case 'S': scroll_up(vt, vt->top, vt->bottom, n); break;
	case 'T': scroll_down(vt, vt->top, vt->bottom, n); break;
	case '@': case 'P': case 'X': edit(vt, final, n); break;
	case 'm': select_attributes(vt); break;
	case 'r':
		if (!second || second > vt->rows)
			second = vt->rows;
		if (n < second) {
			vt->top = n - 1;
			vt->bottom = second;
			go(vt, 0, vt->origin ? (int)vt->top : 0);
		}
		break;
	case 's': vt->saved = vt->c; break;
	case 'u': vt->c = vt->saved; go(vt, (int)vt->c.x, (int)vt->c.y); break;
	case 'h': case 'l':
		for (i = 0; i <= vt->parameters; i++)
			set_mode(vt, vt->parameter[i], final == 'h');
		break;
	case 'n': report(vt, first); break;
	case 'c':
		if (vt->reply && !vt->question)
			vt->reply("\033[?6c");
		break;
	case 'g':
		if (first == 3)
			memset(vt->tabs, 0, sizeof vt->tabs);
		else
			vt->tabs[vt->c.x] = 0;
		break;
	}
}

static void in_control(struct vt *vt, uint8_t byte)
{
	unsigned *p = &vt->parameter[vt->parameters];

	if (byte >= '0' && byte <= '9') {
		if (*p < 10000)
			*p = *p * 10 + byte - '0';
	} else if (byte == ';' || byte == ':') {
		if (vt->parameters + 1 < VT_PARAMETERS)
			vt->parameters++;
	} else if (byte == '?') {
		vt->question = 1;
	} else if (byte == '[') {
		vt->state = SKIP;		/* a function key echoed */
	} else if (byte >= 0x40) {
		vt->state = TEXT;
		control_sequence(vt, byte);
	}
}

static void text_byte(struct vt *vt, uint8_t byte)
{
	if (byte < 0x80) {
		if (vt->more)
			show(vt, 0xfffd);
		vt->more = 0;
		show(vt, byte);
	} else if (byte < 0xc0) {
		if (!vt->more) {
			show(vt, 0xfffd);
			return;
		}
		vt->code = vt->code << 6 | (byte & 0x3f);
		if (!--vt->more)
			show(vt, vt->code);
	} else {
		if (vt->more)
			show(vt, 0xfffd);
		vt->more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
		vt->code = byte & (0x3fu >> vt->more);
	}
}

void vt_put(struct vt *vt, uint8_t byte)
{
	if (byte < 32 || byte == 0x7f) {
		if (control(vt, byte))
			return;
	}
	switch (vt->state) {
	case ESCAPE:
		after_escape(vt, byte);
		break;
	case CONTROL:
		in_control(vt, byte);
		break;
	case COMMAND:
		if (!vt->parameters && byte == 'R')
			vt->state = TEXT;
		else if (!vt->parameters && byte == 'P') {
			vt->state = PALETTE;
			vt->parameters = 7;
		} else {
			vt->parameters = 1;
		}
		break;
	case PALETTE:
		if (!--vt->parameters)
			vt->state = TEXT;
		break;
	case COMMAND_ESCAPE:
	case SKIP:
		vt->state = TEXT;
		break;
	case CHARSET0:
	case CHARSET1:
		vt->c.charset[vt->state - CHARSET0] = byte == '0';
		vt->state = TEXT;
		break;
	default:
		text_byte(vt, byte);
	}
}
