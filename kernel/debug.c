/* What a panic prints besides its cause: registers, the back trace of the kernel's stack with
 * names, and the call of each thread there is.  The back trace lists the words
 * of the stack that follow a call instruction in the kernel's text: without frame pointers an
 * old word may be among them. */
#include "i386/machine_local.h"

struct symbol { uint32_t address, name; };
extern const struct symbol symbol_table[];
extern const char symbol_names[];

static const char *const call_names[256] = {
#define CALL(number, name, class, source, result, arguments) [number] = #name,
#include <fluke/calls.def>
#undef CALL
};

static int in_text(uint32_t address)
{
	return address >= (uint32_t)kernel_text_start && address < (uint32_t)kernel_text_end;
}

/* Prints an address of the kernel as name+offset. */
static void print_symbol(uint32_t address)
{
	const struct symbol *s = symbol_table;

	if (!in_text(address) || address < s->address)
		return;
	while (s[1].address <= address)
		s++;
	kprintf(" %s+%u", symbol_names + s->name, address - s->address);
}

/* Is there a call instruction right before the address? */
static int after_call(uint32_t address)
{
	const uint8_t *p = (const uint8_t *)address;

	return in_text(address - 7) && in_text(address) &&
		(p[-5] == 0xe8 || (p[-2] == 0xff && (p[-1] & 0x38) == 0x10) ||
		 (p[-3] == 0xff && (p[-2] & 0x38) == 0x10) || (p[-6] == 0xff && (p[-5] & 0x38) == 0x10) ||
		 (p[-7] == 0xff && (p[-6] & 0x38) == 0x10));
}

static void print_trace(uint32_t esp)
{
	unsigned lines = 0;

	for (esp &= ~3u; esp >= (uint32_t)kernel_stack && esp < (uint32_t)kernel_stack_top && lines < 24; esp += 4) {
		uint32_t word = *(uint32_t *)esp;

		if (!after_call(word))
			continue;
		kprintf("  %08x", word);
		print_symbol(word);
		kprintf("\n");
		lines++;
	}
}

void debug_regs(const struct regs *r)
{
	kprintf("  eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x\n",
		r->eax, r->ebx, r->ecx, r->edx, r->esi, r->edi, r->ebp);
	kprintf("  vector %u error %x eip %08x cs %x eflags %08x", r->vector, r->error, r->eip, r->cs & 0xffff, r->eflags);
	if (r->cs & 3)
		kprintf(" esp %08x", r->esp);
	print_symbol(r->eip);
	kprintf("\n");
}

void debug_thread(struct thread *t)
{
	const char *name = t->regs.eip == FLUKE_ENTRY ? call_names[t->regs.eax & 0xff] : 0;

	kprintf(" thread %p hash %d va %08x eip %08x", (void *)t, t->obj.hash, t->thread_va, t->regs.eip);
	if (name)
		kprintf(" in fluke_%s", name);
	kprintf(" attention %x blocked %x flags %x%s\n", t->attention, t->blocked, t->flags, t == current ? " CURRENT" : "");
}

void debug_state(void)
{
	uint32_t esp;

	__asm__ ("movl %%esp, %0" : "=r" (esp));
	kprintf("cr0 %08x cr2 %08x cr3 %08x cr4 %08x\n", READ_CR(0), READ_CR(2), READ_CR(3), READ_CR(4));
	if (current) {
		kprintf("Registers of the current thread:\n");
		debug_regs(&current->regs);
	}
	kprintf("Back trace:\n");
	print_trace(esp);
	kprintf("Threads:\n");
	each_thread(debug_thread);
}
