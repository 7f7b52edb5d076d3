/* The screen of the console: shows a vt on VGA text memory or on a linear framebuffer.  What is
 * on the screen is remembered, and only cells that differ are drawn, since both memories are
 * slow to write and slower to read. */
#include <string.h>
#include <protocols/Machine.h>
#include "root.h"
#include "screen.h"
#include "font.h"
#include "vt.h"

#define TEXT_MEMORY	0xb8000u
#define CRTC		0x3d4

static struct vt vt;
static struct vt_cell drawn[VT_ROWS][VT_COLUMNS];
static unsigned	cursor_x, cursor_y, cursor_shown;
static volatile uint16_t *text;		/* null: framebuffer */
static volatile uint8_t *pixels;
static uint32_t	palette[16];

/* ---- VGA text ---- */

static const uint16_t code_page[128] = {	/* 437 */
	0xc7, 0xfc, 0xe9, 0xe2, 0xe4, 0xe0, 0xe5, 0xe7, 0xea, 0xeb, 0xe8, 0xef, 0xee, 0xec, 0xc4, 0xc5,
	0xc9, 0xe6, 0xc6, 0xf4, 0xf6, 0xf2, 0xfb, 0xf9, 0xff, 0xd6, 0xdc, 0xa2, 0xa3, 0xa5, 0x20a7, 0x192,
	0xe1, 0xed, 0xf3, 0xfa, 0xf1, 0xd1, 0xaa, 0xba, 0xbf, 0x2310, 0xac, 0xbd, 0xbc, 0xa1, 0xab, 0xbb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x3b1, 0xdf, 0x393, 0x3c0, 0x3a3, 0x3c3, 0xb5, 0x3c4, 0x3a6, 0x398, 0x3a9, 0x3b4, 0x221e, 0x3c6, 0x3b5, 0x2229,
	0x2261, 0xb1, 0x2265, 0x2264, 0x2320, 0x2321, 0xf7, 0x2248, 0xb0, 0x2219, 0xb7, 0x221a, 0x207f, 0xb2, 0x25a0, 0xa0,
};

static uint8_t to_code_page(unsigned code)
{
	unsigned i;

	if (code >= 0x20 && code < 0x7f)
		return (uint8_t)code;
	for (i = 0; i < 128; i++)
		if (code_page[i] == code)
			return (uint8_t)(128 + i);
	switch (code) {
	case 0x2018: case 0x2019: return '\'';
	case 0x201c: case 0x201d: return '"';
	case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2212: return '-';
	case 0x2022: return 7;
	case 0x2190: return 27;
	case 0x2191: return 24;
	case 0x2192: return 26;
	case 0x2193: return 25;
	case 0x25c6: return 4;
	}
	return '?';
}

static void draw_text(unsigned y, unsigned x, const struct vt_cell *c)
{
	text[y * vt.columns + x] = (uint16_t)(to_code_page(c->code) | (c->color & 0x7f) << 8);
}

static void text_cursor(void)
{
	unsigned at = vt.hidden ? 0xffff : vt.c.y * vt.columns + vt.c.x;

	outb(CRTC, 14);
	outb(CRTC + 1, (uint8_t)(at >> 8));
	outb(CRTC, 15);
	outb(CRTC + 1, (uint8_t)at);
}

/* ---- framebuffer ---- */

static const uint8_t *glyph_of(unsigned code)
{
	const struct font_run *r;

	for (r = font_runs; r->count; r++)
		if (code - r->code < r->count)
			return font_glyphs[r->glyph + (code - r->code)];
	return code == '?' ? font_glyphs[0] : glyph_of('?');
}

static void put_pixel(volatile uint8_t *at, uint32_t color)
{
	if (boot_info->fb_bpp == 32) {
		*(volatile uint32_t *)at = color;
		return;
	}
	at[0] = (uint8_t)color;
	at[1] = (uint8_t)(color >> 8);
	if (boot_info->fb_bpp == 24)
		at[2] = (uint8_t)(color >> 16);
}

static void draw_pixels(unsigned y, unsigned x, const struct vt_cell *c, int inverted)
{
	const uint8_t *glyph = glyph_of(c->code);
	uint32_t f = palette[inverted ? c->color >> 4 & 7 : c->color & 15], b = palette[inverted ? c->color & 15 : c->color >> 4 & 7];
	unsigned row, column, bytes = boot_info->fb_bpp / 8;
	volatile uint8_t *line = pixels + y * 16 * boot_info->fb_pitch + x * 8 * bytes;
	uint8_t bits;

	for (row = 0; row < 16; row++, line += boot_info->fb_pitch) {
		bits = c->underline && row == 15 ? 0xff : glyph[row];
		for (column = 0; column < 8; column++)
			put_pixel(line + column * bytes, bits & 0x80 >> column ? f : b);
	}
}

/* ---- both ---- */

static void draw(unsigned y, unsigned x, int inverted)
{
	if (text)
		draw_text(y, x, &drawn[y][x]);
	else
		draw_pixels(y, x, &drawn[y][x], inverted);
}

static int differ(const struct vt_cell *a, const struct vt_cell *b)
{
	return a->code != b->code || a->color != b->color || a->underline != b->underline;
}

static void refresh(void)
{
	unsigned x, y;

	if (cursor_shown && !text)
		draw(cursor_y, cursor_x, 0);
	for (y = 0; y < vt.rows; y++)
		for (x = 0; x < vt.columns; x++)
			if (differ(&drawn[y][x], &vt.cell[y][x])) {
				drawn[y][x] = vt.cell[y][x];
				draw(y, x, 0);
			}
	cursor_x = vt.c.x;
	cursor_y = vt.c.y;
	cursor_shown = !vt.hidden;
	if (text)
		text_cursor();
	else if (cursor_shown)
		draw(cursor_y, cursor_x, 1);
}

void screen_write(const uint8_t *data, unsigned count)
{
	while (count--)
		vt_put(&vt, *data++);
	refresh();
}

void screen_size(uint16_t *rows, uint16_t *columns)
{
	*rows = (uint16_t)vt.rows;
	*columns = (uint16_t)vt.columns;
}

int screen_application_keys(void)
{
	return vt.application_keys;
}

static void reply(const char *answer)
{
	while (*answer)
		console_input((uint8_t)*answer++);
}

static uint32_t scale(unsigned value, unsigned bits, unsigned position)
{
	return (value >> (8 - bits)) << position;
}

static int framebuffer_boot(void)
{
	static const uint8_t rgb[16][3] = {
		{ 0, 0, 0 }, { 0, 0, 170 }, { 0, 170, 0 }, { 0, 170, 170 }, { 170, 0, 0 }, { 170, 0, 170 }, { 170, 85, 0 }, { 170, 170, 170 },
		{ 85, 85, 85 }, { 85, 85, 255 }, { 85, 255, 85 }, { 85, 255, 255 }, { 255, 85, 85 }, { 255, 85, 255 }, { 255, 255, 85 },
		{ 255, 255, 255 },
	};
	uint32_t start = boot_info->fb_start & ~(FLUKE_PAGE_SIZE - 1);
	uint32_t size = (boot_info->fb_pitch * boot_info->fb_height + (boot_info->fb_start - start) + FLUKE_PAGE_SIZE - 1) &
		~(FLUKE_PAGE_SIZE - 1);
	unsigned i, small = boot_info->fb_bpp == 16;
	char *at;

	if (boot_info->fb_bpp != 32 && boot_info->fb_bpp != 24 && boot_info->fb_bpp != 16)
		return 0;
	if (Machine_device_add(kernel, start, size))
		return 0;
	at = address_reserve(size);
	if (!at || !mapping_new(physical, start, 0, (uint32_t)at, size, FLUKE_PROT_READ | FLUKE_PROT_WRITE))
		return 0;
	pixels = (volatile uint8_t *)at + (boot_info->fb_start - start);
	for (i = 0; i < 16; i++)
		palette[i] = scale(rgb[i][0], small ? 5 : 8, boot_info->fb_red_pos) |
			scale(rgb[i][1], small ? 6 : 8, boot_info->fb_green_pos) | scale(rgb[i][2], small ? 5 : 8, boot_info->fb_blue_pos);
	vt_init(&vt, boot_info->fb_height / 16, boot_info->fb_width / 8);
	return 1;
}

static int text_boot(void)
{
	if (Machine_io_allow(kernel, libc_own_space, CRTC, 2) || Machine_device_add(kernel, TEXT_MEMORY, 0x8000))
		return 0;
	text = (volatile uint16_t *)(FLUKE_ROOT_PHYSICAL + TEXT_MEMORY);
	vt_init(&vt, 25, 80);
	return 1;
}

int screen_boot(void)
{
	if (boot_info->fb_start ? !framebuffer_boot() : !text_boot())
		return 0;
	vt.reply = reply;
	refresh();
	keyboard_boot();
	return 1;
}
