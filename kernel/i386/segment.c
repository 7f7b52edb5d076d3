/* GDT, IDT, TSS: the tables that say where each way into the kernel begins and on which stack,
 * what the TLS selector means, and which I/O ports the loaded space may use. */
#include "machine_local.h"
#include "../space.h"

struct task	task __attribute__((aligned(128)));
static struct tss	fault_task;
static uint8_t		fault_stack[4096] __attribute__((aligned(16)));
static uint64_t		gdt[8];
static uint64_t		idt[256];

struct link		io_space;		/* whose ports stand in the map */
uint32_t		segment_tls_base;

extern uint8_t	sysexit_not[];

static uint64_t segment(uint32_t base, uint32_t limit, uint32_t kind)
{
	return (uint64_t)(base & 0xff000000u) << 32 | (uint64_t)kind << 40 | (uint64_t)(limit & 0xf0000u) << 32 |
		(uint64_t)(base & 0xffffffu) << 16 | (limit & 0xffff);
}

static void gate(unsigned vector, const void *code, unsigned level)
{
	uint32_t address = (uint32_t)code;

	idt[vector] = (uint64_t)(address & 0xffff0000u) << 32 | (uint64_t)(0x8e00 | level << 13) << 32 |
		(uint32_t)KERNEL_CS << 16 | (address & 0xffff);
}

static void load_gdt(void)
{
	struct { uint16_t limit; uint32_t base; } __attribute__((packed)) where = { sizeof gdt - 1, (uint32_t)gdt };

	gdt[1] = segment(0, 0xfffff, 0xc09a);
	gdt[2] = segment(0, 0xfffff, 0xc092);
	gdt[3] = segment(0, 0xfffff, 0xc0fa);
	gdt[4] = segment(0, 0xfffff, 0xc0f2);
	gdt[5] = segment((uint32_t)&task.tss, sizeof task - offsetof(struct task, tss) - 1, 0x0089);
	gdt[6] = segment(0, 0xfffff, 0xc0f2);
	gdt[7] = segment((uint32_t)&fault_task, sizeof fault_task - 1, 0x0089);
	__asm__ volatile ("lgdt %0\n\tljmp %1, $1f\n1:\tmovl %2, %%ds\n\tmovl %2, %%es\n\tmovl %3, %%ss\n\tltr %w4"
		: : "m" (where), "i" (KERNEL_CS), "r" (FLUKE_USER_DS), "r" (KERNEL_DS), "r" (SELECTOR_TSS) : "memory");
}

static void load_idt(void)
{
	struct { uint16_t limit; uint32_t base; } __attribute__((packed)) where = { sizeof idt - 1, (uint32_t)idt };
	unsigned i;

	for (i = 0; i < 48; i++)
		gate(i, entry_table + 16 * i, i == 3 || i == 4 ? 3 : 0);
	gate(1, entry_debug, 0);
	idt[8] = (uint64_t)0x8500 << 32 | (uint32_t)SELECTOR_FAULT << 16;
	gate(VECTOR_CALL, entry_syscall, 3);
	gate(0x80, entry_reflect, 3);
	gate(VECTOR_TIMER, entry_timer, 0);
	gate(VECTOR_SPURIOUS, entry_spurious, 0);
	__asm__ volatile ("lidt %0" : : "m" (where));
}

void segment_boot(void)
{
	task.tss.ss0 = KERNEL_DS;
	task.tss.esp0 = (uint32_t)kernel_stack_top;
	task.tss.iomap_base = IOMAP_NONE;
	memset(task.iomap, 0xff, sizeof task.iomap);
	fault_task.cr3 = virt_to_phys(kernel_pdpt);
	fault_task.eip = (uint32_t)entry_double_fault;
	fault_task.esp = (uint32_t)(fault_stack + sizeof fault_stack);
	fault_task.eflags = 2;
	fault_task.cs = KERNEL_CS;
	fault_task.ss = fault_task.ds = fault_task.es = KERNEL_DS;
	fault_task.iomap_base = IOMAP_NONE;
	load_gdt();
	load_idt();
	if (cpu_features & CPUID_SEP) {
		wrmsr(MSR_SYSENTER_CS, KERNEL_CS);
		wrmsr(MSR_SYSENTER_ESP, (uint32_t)&task.tss.esp0);
		wrmsr(MSR_SYSENTER_EIP, (uint32_t)entry_sysenter);
	} else {
		sysexit_not[0] |= EFLAGS_IF >> 8;
	}
}

/* Registers of the task that a double fault interrupted. */
void trap_double_fault(void)
{
	kprintf("eip %08x esp %08x\n", task.tss.eip, task.tss.esp);
	panic("double fault");
}

void segment_tls(uint32_t base)
{
	uint32_t *descriptor = (uint32_t *)&gdt[FLUKE_USER_TLS >> 3];

	segment_tls_base = base;
	rare_set(RARE_TLS, base != 0);
	descriptor[0] = base << 16 | 0xffff;
	descriptor[1] = (base & 0xff000000u) | 0x00cff200u | (base >> 16 & 0xff);
}


void segment_reload_tls(void)
{
	uint32_t gs, fs;

	__asm__ volatile ("movl %%gs, %0; movl %%fs, %1" : "=r" (gs), "=r" (fs));
	if ((gs | fs) & ~3u)
		__asm__ volatile ("movl %0, %%gs; movl %1, %%fs" : : "r" (gs), "r" (fs));
}

static void io_bits(uint32_t first, uint32_t count)
{
	uint32_t port;

	for (port = first; port < first + count; port++)
		task.iomap[port / 8] &= (uint8_t)~(1u << port % 8);
}

/* Are the ports in the map allowed from now on? */
void io_show(int here)
{
	task.tss.iomap_base = here ? IOMAP_HERE : IOMAP_NONE;
	rare_set(RARE_IO, here);
}

/* The map is made at the first general protection fault of a space that has ports.  Whoever leaves
 * the space hides it; coming back by the fast way it is shown at the next such fault. */
int io_fault(struct object *object)
{
	struct space *space = (struct space *)object;
	unsigned i;

	if (!space || task.tss.iomap_base != IOMAP_NONE || !space->io[0].count)
		return 0;
	io_show(1);
	if (link_target(&io_space) == object)
		return 1;
	memset(task.iomap, 0xff, sizeof task.iomap);
	for (i = 0; i < SPACE_IO_RANGES; i++)
		io_bits(space->io[i].first, space->io[i].count);
	link_set(&io_space, object);
	return 1;
}

int io_allow(struct object *object, uint32_t first, uint32_t count)
{
	struct space *space = (struct space *)object;
	unsigned i;

	if (!space || !count || first > 0xffff || count > 0x10000 - first || count == 0x10000)
		return 22;
	for (i = 0; i < SPACE_IO_RANGES && space->io[i].count; i++)
		;
	if (i == SPACE_IO_RANGES)
		return 28;
	space->io[i].first = (uint16_t)first;
	space->io[i].count = (uint16_t)count;
	if (link_target(&io_space) == object)
		io_bits(first, count);
	return 0;
}
