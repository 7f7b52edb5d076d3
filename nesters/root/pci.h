/* PCI configuration space of bus 0, by its two I/O ports.  Whoever includes this has them from the kernel
 * (Machine.io_allow). */
#ifndef ROOT_PCI_H
#define ROOT_PCI_H

#include <stdint.h>

#define PCI_ADDRESS	0xcf8
#define PCI_DATA	0xcfc
#define PCI_COMMAND	0x04
#define PCI_BAR0	0x10
#define PCI_INTERRUPT	0x3c

static inline void outl(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t pci_read(uint32_t device, uint32_t offset)
{
	outl(PCI_ADDRESS, 0x80000000u | device << 11 | offset);
	return inl(PCI_DATA);
}

static inline void pci_write(uint32_t device, uint32_t offset, uint32_t value)
{
	outl(PCI_ADDRESS, 0x80000000u | device << 11 | offset);
	outl(PCI_DATA, value);
}

#endif
