/* COM1 for output alone, by polling: 115200 baud, 8N1. */
#include "machine_local.h"

#define COM1	0x3f8

void serial_boot(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 2, 0x07);
	outb(COM1 + 4, 0x03);
}

void serial_putc(char c)
{
	unsigned tries;

	for (tries = 0; tries < 100000 && !(inb(COM1 + 5) & 0x20); tries++)
		;
	outb(COM1, (uint8_t)c);
}
