/* A 16550: its registers, from the port's base, and how one is set up: 115200 8N1, FIFOs on, no interrupts yet. */
#pragma once
#include "root.h"

#define DATA		0
#define IER		1
#define IIR		2		/* read */
#define FCR		2		/* write */
#define LCR		3
#define MCR		4
#define LSR		5
#define SCRATCH		7
#define IIR_NONE	0x01
#define LSR_READY	0x01
#define LSR_EMPTY	0x20
#define IER_RECEIVE	0x01
#define IER_EMPTY	0x02

/* Is one there? */
static inline int uart_present(uint16_t base)
{
	outb(base + SCRATCH, 0x5a);
	return inb(base + SCRATCH) == 0x5a;
}

static inline void uart_set_up(uint16_t base)
{
	outb(base + IER, 0);
	outb(base + LCR, 0x80);		/* the divisor */
	outb(base + DATA, 1);
	outb(base + IER, 0);
	outb(base + LCR, 3);
	outb(base + FCR, 0x07);
	outb(base + MCR, 0x0b);
}
