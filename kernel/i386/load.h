/* The switch from a loaded thread to another in line, for the path that matters: cpu_load does
 * the same for all cases. */
#ifndef I386_LOAD_H
#define I386_LOAD_H

#include "machine_local.h"
#include "../space.h"
#include "../vm.h"

/* from is loaded. */
static inline __attribute__((always_inline)) void cpu_load_other(struct thread *from, struct thread *t)
{
	struct space *space = (struct space *)t->space.target;
	uint32_t gs, fs;

	if (__builtin_expect(space->obj.word != OBJECT_WORD(FLUKE_TYPE_SPACE), 0)) {
		cpu_load(t);
		return;
	}
	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	if (__builtin_expect((gs | fs | from->gs_fs | t->gs_fs) || t->tls_base != segment_tls_base, 0))
		segment_switch(from, t, fs << 16 | (gs & 0xffff));
	if (__builtin_expect(fpu_live || cpu()->fpu_owner == t, 0))
		fpu_switch(t);
	cpu()->thread_loaded = t;
	task.tss.esp0 = (uint32_t)(&t->regs + 1);
	if (space == cpu()->loaded)
		return;
	cpu()->loaded = space;
	WRITE_CR(3, virt_to_phys(space->pdpt));
	task.tss.iomap_base = io_space.target == &space->obj ? IOMAP_HERE : IOMAP_NONE;
}

#endif
