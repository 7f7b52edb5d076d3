/* The switch to another thread in line, for the path that matters: cpu_load does the same for all
 * cases. */
#ifndef I386_LOAD_H
#define I386_LOAD_H

#include "machine_local.h"
#include "../space.h"
#include "../vm.h"

void cpu_load_slowly(struct thread *t);

/* Another thread than t is loaded. */
static inline __attribute__((always_inline)) void cpu_load_other(struct thread *t)
{
	struct space *space = (struct space *)t->space.target;
	uint32_t gs, fs;

	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	if (__builtin_expect((gs | fs | t->gs_fs | t->tls_base | cpu()->rare) || cpu()->fpu_owner == t ||
			     space->obj.word != OBJECT_WORD(FLUKE_TYPE_SPACE), 0)) {
		cpu_load_slowly(t);
		return;
	}
	cpu()->thread_loaded = t;
	task.tss.esp0 = (uint32_t)(&t->regs + 1);
	if (space == cpu()->loaded)
		return;
	cpu()->loaded = space;
	WRITE_CR(3, virt_to_phys(space->pdpt));
}

#endif
