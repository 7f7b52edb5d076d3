/* Everything that generic code may ask of the machine layer (kernel/i386, timer.c, machine.c). */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <fluke/boot.h>
#include "kernel.h"

struct space;
struct port;
struct portset;

/* Boot (boot.c).  Valid once boot_memory() has run. */
extern uint64_t	kernel_pdpt[4];		/* kernel's own: entry 3 is the directory that all spaces share */
extern uint64_t	nx_bit;			/* page-table bit for no-execute, 0 where the processor has none */
extern uint32_t	entry_page_phys;	/* the frame at FLUKE_ENTRY in every space, user READ EXECUTE */
extern uint32_t	cpu_features;		/* cpuid 1 edx */
extern struct fluke_boot_info boot_info;	/* becomes root's */
/* Page-aligned zeroed memory, the kernel's for ever.  Only during boot; panics when there is none. */
void	*boot_alloc(uint32_t bytes);
/* Does any of it belong to the memory of the machine (below the direct map's end)? */
int	boot_is_ram(uint32_t start, uint32_t size);
/* Kernel address of device memory (uncached); at most 16 MB in all. */
void	*device_map(uint32_t phys, uint32_t bytes);

/* Running threads (i386/trap.c, entry.S) */
void	cpu_load(struct thread *t);	/* t's space, entry stack, TLS, I/O ports; cheap when t is loaded */
void	cpu_forget(struct thread *t);	/* t is being destroyed or moved: its FPU state leaves the processor */
#define cpu_forget(t) (cpu()->thread_loaded == (t) || cpu()->fpu_owner == (t) ? (cpu_forget)(t) : (void)0)
void	cpu_idle(void);			/* interrupts on, halt until one comes, interrupts off */
uint32_t cpu_poll(void);		/* preemption point: lets interrupts in; cpu()->preempt */
#define cpu_poll() (PLACE(POLL, 0, 0), (cpu_poll)())
void	cpu_run(void) __attribute__((noreturn));	/* boot ends: the return path, for ever */

/* Thread registers (i386/regs.c) */
void	regs_init(struct thread *t);	/* new thread */
void	regs_export(struct thread *t, struct fluke_i386_state *regs, struct fluke_i386_fpu *fpu);
/* INSANE INVALID_STATE (nothing changed) for selectors that no thread may have.  Filters eflags. */
result_t regs_import(struct thread *t, const struct fluke_i386_state *regs, const struct fluke_i386_fpu *fpu);
int	regs_message_good(uint32_t min_msg_words);
void	regs_set_tls(struct thread *t, uint32_t base);	/* fluke_thread_set_tls, t may be current */

/* Time (timer.c, i386/pit.c) */
uint64_t clock_now(void);		/* time stamp counter */
extern uint32_t	tsc_khz;
void	timer_set(uint64_t tsc);	/* machine: one interrupt at or soon after that time */
extern uint32_t	timer_worst, timer_where;	/* timer.c: longest time from a deadline to its interrupt; what the last one came in */
void	timer_fired(uint32_t where);		/* timer.c: the machine's timer interrupt */
void	timer_deadline(uint64_t tsc, struct object *port);	/* Machine.deadline_set */

/* I/O ports of a space (i386/segment.c) */
int	io_allow(struct object *space, uint32_t first, uint32_t count);	/* 0 or errno */

/* The kernel's own port (machine.c): a whole request and its answer, at once.  words_in as
 * sent (word 0 = interface and method), refs_in = targets' links or null; returns through
 * words_out, at most 8. */
void	machine_request(struct thread *t, const uint32_t words_in[], unsigned n, struct link *refs_in[],
		unsigned nrefs, uint32_t words_out[8], unsigned *n_out);
void	machine_boot(void);		/* root's first objects; current = root's thread */
void	machine_power(unsigned how, unsigned status) __attribute__((noreturn));

#endif
