/* The screen half of the console: escape sequences of terminfo's `linux`, text mode or
 * framebuffer, and the PC keyboard. */
#ifndef ROOT_SCREEN_H
#define ROOT_SCREEN_H

#include <stdint.h>

int	screen_boot(void);		/* 0 = there is none */
void	screen_size(uint16_t *rows, uint16_t *columns);
void	screen_write(const uint8_t *data, unsigned count);
void	keyboard_boot(void);		/* keyboard.c */
int	screen_application_keys(void);	/* cursor keys send ESC O x */

#endif
