/* The two 8259 interrupt controllers: every line masked until asked for, fully masked again
 * while its event is out. */
#include "machine_local.h"

#define PIC1	0x20
#define PIC2	0xa0

static uint16_t masked = 0xffff & ~(1u << 2);

static void write_mask(unsigned irq)
{
	if (irq < 8)
		outb(PIC1 + 1, (uint8_t)masked);
	else
		outb(PIC2 + 1, (uint8_t)(masked >> 8));
}

void pic_boot(void)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, VECTOR_IRQ);
	outb(PIC2 + 1, VECTOR_IRQ + 8);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	write_mask(0);
	write_mask(8);
}

void pic_mask(unsigned irq)
{
	masked |= 1u << irq;
	write_mask(irq);
}

void pic_unmask(unsigned irq)
{
	masked &= ~(1u << irq);
	write_mask(irq);
}

/* A line that went away before it was acknowledged shows as 7 or 15 without being in service. */
static int spurious(unsigned irq)
{
	uint16_t base = irq < 8 ? PIC1 : PIC2;

	if ((irq & 7) != 7)
		return 0;
	outb(base, 0x0b);
	if (inb(base) & 0x80)
		return 0;
	if (irq == 15)
		outb(PIC1, 0x20);
	return 1;
}

int pic_begin(unsigned irq)
{
	if (spurious(irq))
		return 0;
	pic_mask(irq);
	if (irq >= 8)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
	return 1;
}
