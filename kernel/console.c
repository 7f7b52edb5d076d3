/* Where the kernel's text goes: always port 0xE9 (the log of an emulator) and a ring in memory;
 * COM1 and the screen only while console_live, that is for messages of a boot that cannot go
 * on, for panics, and with the word `log=serial` until the
 * first process has the devices. */
#include "i386/machine_local.h"

#define LOG_SIZE	16384		/* power of two */

int		console_live;
static char	log_ring[LOG_SIZE];
static uint32_t	log_position;		/* characters ever written */

void console_putc(char c)
{
	log_ring[log_position++ & (LOG_SIZE - 1)] = c;
	outb(0xe9, (uint8_t)c);
	if (!console_live)
		return;
	if (c == '\n')
		serial_putc('\r');
	serial_putc(c);
	screen_putc(c);
}

void console_take(void)
{
	if (console_live)
		return;
	console_live = 1;
	serial_boot();
	console_putc('\n');
}
