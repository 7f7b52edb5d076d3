/* The processor as C sees it: selectors, control bits, instructions that C has no word for. */
#ifndef I386_CPU_H
#define I386_CPU_H

#define KERNEL_CS	0x08
#define KERNEL_DS	0x10
#define SELECTOR_TSS	0x28
#define SELECTOR_FAULT	0x38		/* task of the double fault */

#define EFLAGS_TF	0x100
#define EFLAGS_IF	0x200
/* what user code may have set: CF PF AF ZF SF TF DF OF RF AC ID */
#define EFLAGS_USER	0x00250dd5u
#define EFLAGS_FIXED	0x00000202u

#define CR0_MP		0x00000002
#define CR0_EM		0x00000004
#define CR0_TS		0x00000008
#define CR0_NE		0x00000020
#define CR0_WP		0x00010000
#define CR0_PG		0x80000000
#define CR4_PAE		0x020
#define CR4_PGE		0x080
#define CR4_OSFXSR	0x200
#define CR4_OSXMMEXCPT	0x400

#define CPUID_PAE	(1u << 6)
#define CPUID_MSR	(1u << 5)
#define CPUID_TSC	(1u << 4)
#define CPUID_APIC	(1u << 9)
#define CPUID_SEP	(1u << 11)
#define CPUID_PGE	(1u << 13)
#define CPUID_FXSR	(1u << 24)
#define CPUID_SSE	(1u << 25)

#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_EFER		0xc0000080

#define VECTOR_IRQ	0x20		/* 16 lines of the two interrupt controllers */
#define VECTOR_CALL	0x30		/* = FLUKE_INT; also put into the frame by sysenter */
#define VECTOR_TIMER	0xf0		/* local APIC */
#define VECTOR_SPURIOUS	0xff

#ifndef __ASSEMBLER__
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile ("outb %0, %1" : : "a" (v), "Nd" (port)); }
static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile ("outw %0, %1" : : "a" (v), "Nd" (port)); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile ("outl %0, %1" : : "a" (v), "Nd" (port)); }
static inline uint8_t inb(uint16_t port) { uint8_t v; __asm__ volatile ("inb %1, %0" : "=a" (v) : "Nd" (port)); return v; }

static inline uint64_t rdtsc(void) { uint64_t v; __asm__ volatile ("rdtsc" : "=A" (v)); return v; }
static inline uint64_t rdmsr(uint32_t msr) { uint64_t v; __asm__ volatile ("rdmsr" : "=A" (v) : "c" (msr)); return v; }
static inline void wrmsr(uint32_t msr, uint64_t v) { __asm__ volatile ("wrmsr" : : "c" (msr), "A" (v)); }

static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile ("cpuid" : "=a" (out[0]), "=b" (out[1]), "=c" (out[2]), "=d" (out[3]) : "a" (leaf), "c" (0));
}

#define READ_CR(n) ({ uint32_t cr_; __asm__ volatile ("movl %%cr" #n ", %0" : "=r" (cr_)); cr_; })
#define WRITE_CR(n, v) __asm__ volatile ("movl %0, %%cr" #n : : "r" ((uint32_t)(v)) : "memory")

static inline void interrupts_off(void) { __asm__ volatile ("cli" : : : "memory"); }

/* (a * b) / c without 64-bit division; the result is capped at 2^32 - 1. */
static inline uint32_t scale(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t product = (uint64_t)a * b;
	uint32_t quotient, rest;

	if ((uint32_t)(product >> 32) >= c)
		return 0xffffffffu;
	__asm__ ("divl %4" : "=a" (quotient), "=d" (rest) : "0" ((uint32_t)product), "1" ((uint32_t)(product >> 32)), "r" (c));
	return quotient;
}
#endif
#endif
