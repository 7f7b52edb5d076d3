/* FPU and SSE state, loaded at a thread's first use and saved when another thread is loaded:
 * CR0.TS is set unless the state of the running thread is live, and no state is ever live for
 * a thread that does not run. */
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

void fpu_save(void)
{
	struct thread *owner = cpu()->fpu_owner;

	if (!owner)
		return;
	__asm__ volatile ("fxsave %0" : "=m" (owner->fxsave));
	cpu()->fpu_owner = 0;
	trap_on();
}

void fpu_use(struct thread *t)
{
	assert(!cpu()->fpu_owner);
	__asm__ volatile ("clts");
	if (!(t->flags & FLUKE_THREAD_FPU_USED)) {
		t->flags |= FLUKE_THREAD_FPU_USED;
		memcpy(t->fxsave, fpu_initial, sizeof t->fxsave);
	}
	__asm__ volatile ("fxrstor %0" : : "m" (t->fxsave));
	cpu()->fpu_owner = t;
}
