/* The switch from a loaded thread to another in line, for the path that matters: cpu_load does
 * the same for all cases. */
#ifndef I386_LOAD_H
#define I386_LOAD_H

#include "machine_local.h"
#include "../space.h"
#include "../vm.h"

/* from is loaded.  No FPU state is live, no selector or TLS base in use on either side: else cpu_load. */
static inline __attribute__((always_inline)) void cpu_load_other(const struct thread *from, struct thread *t)
{
	struct space *space = (struct space *)t->space.target;
	uint32_t gs, fs;

	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	if (__builtin_expect((gs | fs | from->gs_fs | t->gs_fs) || cpu()->fpu_owner || t->tls_base != segment_tls_base ||
	    space->obj.word != OBJECT_WORD(FLUKE_TYPE_SPACE), 0)) {
		cpu_load(t);
		return;
	}
	cpu()->thread_loaded = t;
	task.tss.esp0 = (uint32_t)(&t->regs + 1);
	if (space == cpu()->loaded)
		return;
	cpu()->loaded = space;
	WRITE_CR(3, virt_to_phys(space->pdpt));
	task.tss.iomap_base = io_space.target == &space->obj ? IOMAP_HERE : IOMAP_NONE;
}

#endif
