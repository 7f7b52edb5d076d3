/* The font of the framebuffer console: 8 by 16, made by tools/mkfont. */
#ifndef ROOT_FONT_H
#define ROOT_FONT_H

#include <stdint.h>

struct font_run { uint32_t code, count, glyph; };	/* the list ends with count 0 */
extern const struct font_run font_runs[];
extern const uint8_t font_glyphs[][16];

#endif
