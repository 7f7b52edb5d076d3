/* What happens at a trap: from user mode it becomes a soft fault resolved, FPU state loaded, or
 * the thread's exception; from the kernel it is a user copy's fault with an exit, or the end. */
#include <fluke/exception.h>
#include "load.h"

#define FAULT_WRITE	0x02
#define FAULT_EXECUTE	0x10

/* A thread between the entry page's start and its return is at its start: nothing has happened
 * but ebp = esp, and ebp is dead there. */
static void normalise(struct thread *t)
{
	if (t->regs.eip - (FLUKE_ENTRY + 1) < FLUKE_ENTRY_RET - FLUKE_ENTRY - 1)
		t->regs.eip = FLUKE_ENTRY;
}

static void page_fault(struct thread *t, uint32_t va, uint32_t error)
{
	unsigned access = error & FAULT_WRITE ? FLUKE_PROT_WRITE : error & FAULT_EXECUTE ? FLUKE_PROT_EXECUTE : FLUKE_PROT_READ;

	if (va >= KERNEL_BASE) {
		exception_raise(t, FLUKE_EXC_PAGE_FAULT, va, access);
		return;
	}
	if (result_kind(fault_resolve(t, va, access)) == FAULT)
		exception_raise(t, t->fault.code, t->fault.va, t->fault.access);
}

void trap_dispatch(struct thread *t)
{
	uint32_t va = READ_CR(2);

	normalise(t);
	if (t->regs.vector == 14) {
		page_fault(t, va, t->regs.error);
		return;
	}
	switch (t->regs.vector) {
	case 1:
		/* a step within the entry page: the call is made, the next trap comes after it */
		if (t->regs.eip == FLUKE_ENTRY && (t->regs.eflags & EFLAGS_TF)) {
			t->attention |= ATTENTION_CALL;
			return;
		}
		exception_raise(t, FLUKE_EXC_DEBUG, 0, 0);
		return;
	case 2:
		panic("NMI");
	case 7:
		fpu_use(t);
		return;
	case 13:
		if (!io_fault(link_target(&t->space)))
			exception_raise(t, FLUKE_EXC_GENERAL, t->regs.error, 0);
		return;
	default:
		exception_raise(t, t->regs.vector, t->regs.error, 0);
	}
}

void trap_kernel(struct regs *frame)
{
	static const struct fault_exit *last = fault_exits;	/* it is often that again */
	const struct fault_exit *f = last->from == frame->eip ? last : fault_exits;
	uint32_t va = READ_CR(2);

	for (; frame->vector == 14 && f < fault_exits_end; f++)
		if (f->from == frame->eip) {
			last = f;
			frame->eip = f->to;
			if (f < fault_exits_keep)
				frame->eax = va;
			return;
		}
	console_take();
	kprintf("\nTrap in the kernel:\n");
	debug_regs(frame);
	panic("vector %u, error %x, cr2 %08x", frame->vector, frame->error, va);
}

void irq_entry(unsigned vector, uint32_t where)
{
	if (vector == VECTOR_TIMER) {
		apic_end();
		timer_fired(where);
		return;
	}
	if (!pic_begin(vector - VECTOR_IRQ))
		return;
	if (vector == VECTOR_IRQ && timer_is_pit)
		timer_fired(where);
	else
		irq_dispatch(vector - VECTOR_IRQ);
}

void irq_user(unsigned vector)
{
	normalise(current);
	irq_entry(vector, 0);
}

/* gs, fs and the TLS selector become t's.  Those of the loaded thread are in the processor, and 0 in
 * the thread. */
static inline void load_selectors(struct thread *old, struct thread *t)
{
	uint32_t gs, fs;

	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	if (old)
		old->gs_fs = fs << 16 | (gs & 0xffff);
	if (t->tls_base != segment_tls_base)
		segment_tls(t->tls_base);
	gs = t->gs_fs;
	fs = gs >> 16;
	t->gs_fs = 0;
	__asm__ volatile ("movl %0, %%gs; movl %1, %%fs" : : "r" (gs), "r" (fs));
}

void cpu_load(struct thread *t)
{
	if (cpu()->thread_loaded == t)
		return;
	if (!t->space.target || (t->tls_base | cpu()->rare))
		cpu_load_slowly(t);
	else
		cpu_load_other(t);
}

void cpu_load_slowly(struct thread *t)
{
	struct space *space = (struct space *)link_target(&t->space);

	load_selectors(cpu()->thread_loaded, t);
	if ((cpu()->rare & RARE_FPU) || cpu()->fpu_owner == t)
		fpu_switch(t);
	cpu()->thread_loaded = t;
	task.tss.esp0 = (uint32_t)(&t->regs + 1);
	if (cpu()->loaded != space)
		pmap_switch(space);
	if ((cpu()->rare & RARE_IO) || io_space.target == &space->obj)
		io_show(space && io_space.target == &space->obj);
}

void (cpu_forget)(struct thread *t)
{
	uint32_t gs, fs;

	if (cpu()->fpu_owner == t)
		fpu_save();
	if (cpu()->thread_loaded != t)
		return;
	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	t->gs = (uint16_t)gs;
	t->fs = (uint16_t)fs;
	cpu()->thread_loaded = 0;
}
