/* Common kernel declarations: start order, assertions, the processor's data. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdint.h>
#include <stddef.h>
#include <fluke/exception.h>
#include "thread.h"

struct cpu {			/* per processor; reached by cpu() */
	struct thread	*current;	/* runs now, or null: idle */
	struct space	*loaded;	/* whose page directories are in cr3; null = kernel's own */
	struct thread	*fpu_owner;	/* its FPU state is live in the processor; null = nobody's */
	struct thread	*thread_loaded;	/* whose entry stack, TLS and space are set (cpu_load) */
	struct thread	*root;		/* root scheduler */
	uint32_t	preempt;	/* something became ready that should run: checked at preemption points */
	uint32_t	rare;		/* RARE_* (i386/machine_local.h): what leaving the loaded thread must undo */
};
extern struct cpu boot_cpu;
static inline struct cpu *cpu(void) { return &boot_cpu; }
#define current (cpu()->current)

void	panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
int	kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define assert(x) ((x) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #x))

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

/* Direct map */
#define KERNEL_BASE	0xc0000000u
#define phys_to_virt(p)	((void *)((uint32_t)(p) + KERNEL_BASE))
#define virt_to_phys(v)	((uint32_t)(v) - KERNEL_BASE)
#define DIRECT_MAP_MAX	(1008u << 20)

void	*memset(void *, int, size_t);
void	*memcpy(void *, const void *, size_t);
int	memcmp(const void *, const void *, size_t);
size_t	strlen(const char *);
#define memset	__builtin_memset	/* in line where few bytes are known beforehand */
#define memcpy	__builtin_memcpy

/* entry.S -> C */
void	syscall_dispatch(struct thread *t);		/* syscall.c: the call in t->regs */
void	syscall_undone(result_t r);			/* the call of current returned this, not OK */
typedef result_t call_function(struct thread *t);
extern call_function *const call_table[256];
void	trap_dispatch(struct thread *t);		/* i386/trap.c: exception from user mode */
void	irq_dispatch(unsigned irq);			/* irq.c */
void	thread_attend(void);				/* thread.c: attention of current != 0, or no current */
/* and back, entry.S: t is current and loaded, its call finished, nothing else to do for it */
void	return_finished(struct thread *t) __attribute__((noreturn));
void	regs_return(void) __attribute__((noreturn));	/* current, whatever there is to do for it */

/* exception.c: what the way out does with a result */
void	exception_raise(struct thread *t, uint32_t code, uint32_t subcode, uint32_t access);
/* starts the idempotent keeper IPC of t, with its keeper_words, to the port; RESTART */
result_t keeper_call(struct thread *t, struct object *port);
/* port.c: events of the kernel */
void	port_event(struct object *port, uint32_t bits);

/* object.c: every thread object there is, for a panic */
void	each_thread(void (*visit)(struct thread *t));	/* long: for panics and what happens once in 2^32 times */

/* Each call: sys_NAME(t) reads t->regs and returns a result; generated table in syscall.c. */
#define CALL(number, name, class, source, result, arguments) result_t sys_##name(struct thread *t);
#include <fluke/calls.def>
#undef CALL

#endif
