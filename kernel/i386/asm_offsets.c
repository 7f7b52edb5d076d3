/* Not linked: compiled to assembly, from which the build makes offsets.h for the .S files. */
#include "../kernel.h"
#undef current

#define OFFSET(name, type, field) __asm__ volatile ("# ->" #name " %0" : : "i" (offsetof(type, field)))
#define VALUE(name, value) __asm__ volatile ("# ->" #name " %0" : : "i" (value))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(THREAD_REGS, struct thread, regs);
	VALUE(THREAD_REGS_END, offsetof(struct thread, regs) + sizeof(struct regs));
	OFFSET(THREAD_AL, struct thread, regs.eax);
	OFFSET(THREAD_EIP, struct thread, regs.eip);
	OFFSET(THREAD_EFLAGS, struct thread, regs.eflags);
	OFFSET(THREAD_ATTENTION, struct thread, attention);
	OFFSET(CPU_CURRENT, struct cpu, current);
	OFFSET(CPU_PREEMPT, struct cpu, preempt);
	OFFSET(CPU_THREAD, struct cpu, thread_loaded);
	VALUE(RESTART, RESTART);
	OFFSET(REGS_CS, struct regs, cs);
	OFFSET(REGS_EIP, struct regs, eip);
	OFFSET(REGS_ESP, struct regs, esp);
	OFFSET(REGS_VECTOR, struct regs, vector);
}
