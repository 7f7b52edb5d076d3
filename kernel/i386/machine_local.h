/* What the files of the machine layer share among themselves. */
#ifndef I386_MACHINE_LOCAL_H
#define I386_MACHINE_LOCAL_H

#include "../machine.h"
#include "cpu.h"

/* entry.S */
extern uint8_t	entry_sysenter[], entry_table[];	/* entry_table: 16 bytes of code per vector 0-47 */
extern uint8_t	entry_debug[], entry_syscall[], entry_reflect[], entry_timer[], entry_spurious[], entry_double_fault[];
extern uint8_t	kernel_stack[], kernel_stack_top[];
extern uint8_t	kernel_text_start[], kernel_text_end[], kernel_end[];	/* kernel.ld */
struct fault_exit { uint32_t from, to; };
extern struct fault_exit fault_exits[], fault_exits_keep[], fault_exits_end[];

void	trap_kernel(struct regs *frame);	/* a trap in the kernel itself; returns only after a fault exit */
void	irq_entry(unsigned vector, uint32_t where);	/* where: who called cpu_poll or cpu_idle, 0 = in user mode */
void	irq_user(unsigned vector);		/* from user mode */
void	trap_double_fault(void) __attribute__((noreturn));

/* cpu()->rare: the processor is as most threads do not need it. */
#define RARE_TLS	1u		/* the TLS selector has a base */
#define RARE_FPU	2u		/* CR0.TS is clear */
#define RARE_IO		4u		/* I/O ports are allowed */
static inline void rare_set(uint32_t bit, int on) { cpu()->rare = on ? cpu()->rare | bit : cpu()->rare & ~bit; }

/* segment.c */
struct tss {
	uint32_t	link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	uint32_t	eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
	uint16_t	trap, iomap_base;
};
struct task {
	uint32_t	scratch[64];	/* a debug trap on the first instruction after sysenter pushes here */
	struct tss	tss;		/* esp0: end of the loaded thread's regs */
	uint8_t		iomap[8192 + 1];
};
extern struct task	task;
extern struct link	io_space;	/* whose ports stand in iomap */
#define IOMAP_HERE	(offsetof(struct task, iomap) - offsetof(struct task, tss))
#define IOMAP_NONE	0xffff		/* beyond the limit: no port allowed */
void	io_show(int here);
void	segment_boot(void);
extern uint32_t	segment_tls_base;
void	segment_tls(uint32_t base);		/* what the TLS selector means */
void	segment_reload_tls(void);		/* gs and fs, where they hold the TLS selector */
int	io_fault(struct object *space);		/* general protection: 1 when ports were allowed in time */

/* fpu.c */
void	fpu_boot(void);
void	fpu_save(void);				/* the state in the processor, if any, goes to its thread */
void	fpu_switch(struct thread *t);		/* t is being loaded; needed if RARE_FPU or t is the owner */
void	fpu_use(struct thread *t);		/* t used an FPU instruction */
extern uint32_t	fpu_mxcsr_mask;
extern const uint8_t fpu_initial[512];

/* pic.c, pit.c */
void	pic_boot(void);
int	pic_begin(unsigned irq);		/* 0 = spurious; else masks and acknowledges */
void	pic_mask(unsigned irq);
void	pic_unmask(unsigned irq);
void	pit_boot(void);
void	pit_timer_irq(void);
void	apic_end(void);
extern int	timer_is_pit;

/* boot.c */
void	boot_early(uint32_t magic, uint32_t info);	/* start.S, before paging */
void	boot_protect(void);				/* drops the low mapping */
int	boot_option(const char *word);			/* on the command line? */
void	boot_publish(void);				/* free memory into boot_info and to frame_free_range */
uint32_t boot_take(uint32_t bytes, uint32_t kind);	/* physical; FLUKE_RANGE_*, 0 = kernel's */
void	kernel_main(void) __attribute__((noreturn));	/* main.c */

/* console.c, serial.c, vga.c */
extern int	console_live;		/* COM1 and the screen too: fatal messages, panics, word `verbose` */
void	console_putc(char c);
void	console_take(void);		/* for a panic: as if nobody else had the devices */
void	serial_boot(void);
void	serial_putc(char c);
void	screen_text(void);
void	screen_framebuffer(uint8_t *base, uint32_t pitch, uint32_t width, uint32_t height, uint32_t bpp);
void	screen_putc(char c);
void	fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));	/* cannot boot */

/* debug.c */
void	debug_state(void);			/* registers, back trace, threads */
void	debug_regs(const struct regs *r);
void	debug_thread(struct thread *t);		/* one line */

#endif
