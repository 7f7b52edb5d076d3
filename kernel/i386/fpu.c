/* FPU and SSE state, loaded at a thread's first use.  It stays in the processor while others run
 * that do not use the FPU (a server during its client's call): fpu_owner is whose state it is,
 * and CR0.TS is clear if and only if that thread is loaded.  Whoever reads, moves or ends a
 * thread calls cpu_forget first, which puts the state into the thread. */
#include "machine_local.h"
#include "../object.h"

uint32_t	fpu_mxcsr_mask = 0xffbf;
const uint8_t	fpu_initial[512] __attribute__((aligned(16))) = {
	[0] = 0x7f, [1] = 0x03,		/* control word: all exceptions masked, extended precision */
	[24] = 0x80, [25] = 0x1f,	/* mxcsr */
};

static void trap_on(void)
{
	WRITE_CR(0, READ_CR(0) | CR0_TS);
	rare_set(RARE_FPU, 0);
}

static void trap_off(void)
{
	__asm__ volatile ("clts");
	rare_set(RARE_FPU, 1);
}

void fpu_boot(void)
{
	static uint8_t area[512] __attribute__((aligned(16)));
	uint32_t mask;

	WRITE_CR(4, READ_CR(4) | CR4_OSFXSR | ((cpu_features & CPUID_SSE) ? CR4_OSXMMEXCPT : 0));
	__asm__ volatile ("clts; fninit; fxsave %0" : "=m" (area));
	mask = *(uint32_t *)(area + 28);
	if (mask)
		fpu_mxcsr_mask = mask;
	trap_on();
}

void fpu_switch(struct thread *t)
{
	if (cpu()->fpu_owner == t)
		trap_off();
	else if (cpu()->rare & RARE_FPU)
		trap_on();
}

void fpu_save(void)
{
	struct thread *owner = cpu()->fpu_owner;

	if (!owner)
		return;
	if (!(cpu()->rare & RARE_FPU))
		trap_off();
	__asm__ volatile ("fxsave %0" : "=m" (owner->fxsave));
	cpu()->fpu_owner = 0;
	trap_on();
}

void fpu_use(struct thread *t)
{
	struct thread *owner = cpu()->fpu_owner;

	assert(owner != t);
	trap_off();
	if (owner)
		__asm__ volatile ("fxsave %0" : "=m" (owner->fxsave));
	if (!(t->flags & FLUKE_THREAD_FPU_USED)) {
		t->flags |= FLUKE_THREAD_FPU_USED;
		memcpy(t->fxsave, fpu_initial, sizeof t->fxsave);
	}
	__asm__ volatile ("fxrstor %0" : : "m" (t->fxsave));
	cpu()->fpu_owner = t;
}
