/* All ways into the kernel and out of it, with one frame: struct regs.  From user mode the
 * processor's stack is the end of current->regs (TSS.esp0; for sysenter, SYSENTER_ESP points at
 * TSS.esp0 itself), so the frame is pushed into the thread, and the kernel then runs on its one
 * stack with interrupts off.  Interrupts inside the kernel come only from cpu_idle and cpu_poll.
 * regs_return is the only way out to user mode.  C functions take eax, edx, ecx (-mregparm=3). */
#include "asm.h"
#include "cpu.h"
#include "offsets.h"

#define USER_CS		0x1b
#define USER_DS		0x23
#define FLUKE_ENTRY	0xbffff000
#define FLUKE_ENTRY_RET	(FLUKE_ENTRY + 0x10)

/* ds, es, flags and stack of the kernel, after a frame from user mode. */
.macro KERNEL_STATE
	movl	$kernel_stack_top, %esp
	movl	$USER_DS, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	pushl	$2			/* DF, NT, AC, TF off */
	popfl
.endm

	.text
/* A kernel call by sysenter: ebp = user stack, return address on it. */
FUNCTION(entry_sysenter)
	movl	(%esp), %esp
	pushl	$USER_DS
	pushl	%ebp
	pushl	$0x202
	pushl	$USER_CS
	pushl	$FLUKE_ENTRY
	pushl	$0
	pushl	$VECTOR_CALL
	pushal
	KERNEL_STATE
call_dispatch:
#ifdef CHECK
	movl	boot_cpu + CPU_CURRENT, %eax
	call	check_entered
#endif
	movl	boot_cpu + CPU_CURRENT, %eax
	movzbl	THREAD_AL(%eax), %ecx
	call	*call_table(, %ecx, 4)
	testl	%eax, %eax
	jnz	5f
	movl	boot_cpu + CPU_CURRENT, %eax
	cmpl	$FLUKE_ENTRY, THREAD_EIP(%eax)
	jne	0f
	movl	$FLUKE_ENTRY_RET, THREAD_EIP(%eax)
0:	cmpb	$0, THREAD_ATTENTION(%eax)
	jne	2f
	cmpl	%eax, boot_cpu + CPU_THREAD
	jne	3f
1:	cmpl	$FLUKE_ENTRY_RET, THREAD_EIP(%eax)
	jne	4f
	/* void return_finished(struct thread *t): current and loaded, its call finished, nothing to attend to. */
	.globl	return_finished
return_finished:
#ifdef CHECK
	movl	%eax, %ebx
	call	check_left
	movl	%ebx, %eax
#endif
	testb	$(EFLAGS_TF >> 8), THREAD_EFLAGS + 1(%eax)
	.globl	sysexit_not
	.set	sysexit_not, . - 1	/* the constant above: made to hold IF too where there is no sysexit */
	jnz	4f
	leal	THREAD_REGS(%eax), %esp
	/* a finished call: ecx, edx and flags are dead */
	popal
	movl	$FLUKE_ENTRY_RET, %edx
	movl	REGS_ESP - REGS_VECTOR(%esp), %ecx
	sti
	sysexit
2:	call	thread_attend
	/* void regs_return(void): runs current, after whatever it has to attend to. */
	.globl	regs_return
regs_return:
	movl	$kernel_stack_top, %esp
	movl	boot_cpu + CPU_CURRENT, %eax
	testl	%eax, %eax
	jz	2b
	jmp	0b
3:	movl	%eax, %ebx
	call	cpu_load
	movl	%ebx, %eax
	jmp	1b
4:	leal	THREAD_REGS(%eax), %esp
	popal
	addl	$8, %esp
	iretl
5:	cmpl	$RESTART, %eax
	je	regs_return
	call	syscall_undone
	jmp	regs_return
END(entry_sysenter)

/* The same with TF set: the debug trap on entry_sysenter's first instruction leads here, so
 * that the thread steps on after the call. */
FUNCTION(entry_sysenter_step)
	movl	(%esp), %esp
	pushl	$USER_DS
	pushl	%ebp
	pushl	$(0x202 | EFLAGS_TF)
	pushl	$USER_CS
	pushl	$FLUKE_ENTRY
	pushl	$0
	pushl	$VECTOR_CALL
	pushal
	KERNEL_STATE
	jmp	call_dispatch
END(entry_sysenter_step)

/* A kernel call by int $FLUKE_INT. */
FUNCTION(entry_syscall)
	pushl	$0
	pushl	$VECTOR_CALL
	pushal
	movl	$FLUKE_ENTRY, REGS_EIP(%esp)
	KERNEL_STATE
	jmp	call_dispatch
END(entry_syscall)

/* int $0x80: see exception_syscall. */
FUNCTION(entry_reflect)
	pushl	$0
	pushl	$0x80
	pushal
	KERNEL_STATE
	movl	boot_cpu + CPU_CURRENT, %eax
	call	exception_syscall
	jmp	regs_return
END(entry_reflect)

/* Vector and error code are pushed; where to depends on whom it interrupted. */
trap_common:
	pushal
	testb	$3, REGS_CS(%esp)
	jz	1f
	KERNEL_STATE
	movl	boot_cpu + CPU_CURRENT, %eax
	call	trap_dispatch
	jmp	regs_return
1:	cld
	movl	%esp, %eax
	call	trap_kernel
	popal
	addl	$8, %esp
	iretl

irq_common:
	pushal
	testb	$3, REGS_CS(%esp)
	jz	1f
	movl	REGS_VECTOR(%esp), %ebx
	KERNEL_STATE
	movl	%ebx, %eax
	call	irq_user
	jmp	regs_return
1:	cld
	movl	REGS_VECTOR(%esp), %eax
	movl	52(%esp), %edx		/* under the frame: the return address of cpu_poll */
	call	irq_entry
	popal
	addl	$8, %esp
	iretl

FUNCTION(entry_timer)
	pushl	$0
	pushl	$VECTOR_TIMER
	jmp	irq_common
END(entry_timer)

FUNCTION(entry_spurious)
	iretl
END(entry_spurious)

/* A single step onto the kernel's first instruction is not the kernel's, only recorded; the
 * frame is on the scratch stack below the TSS. */
FUNCTION(entry_debug)
	testb	$3, 4(%esp)
	jnz	1f
	cmpl	$entry_sysenter, (%esp)
	jne	1f
	movl	$entry_sysenter_step, (%esp)
	andl	$~EFLAGS_TF, 8(%esp)
	iretl
1:	pushl	$0
	pushl	$1
	jmp	trap_common
END(entry_debug)

/* Task of vector 8: the kernel's stack may be gone.  Prints the interrupted task's state. */
FUNCTION(entry_double_fault)
	call	trap_double_fault
END(entry_double_fault)

/* entry_table: vectors 0 to 47, 16 bytes of code each. */
	.p2align 4
	.globl	entry_table
entry_table:
	.set	vector, 0
	.rept	48
	.p2align 4
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	.else
	pushl	$0
	.endif
	pushl	$vector
	.if vector < VECTOR_IRQ
	jmp	trap_common
	.else
	jmp	irq_common
	.endif
	.set	vector, vector + 1
	.endr

/* void cpu_run(void): boot ends. */
FUNCTION(cpu_run)
	jmp	regs_return
END(cpu_run)

/* void cpu_idle(void): an interrupt between sti and hlt is not lost. */
FUNCTION(cpu_idle)
	sti
	hlt
	cli
	ret
END(cpu_idle)

/* uint32_t cpu_poll(void) */
FUNCTION(cpu_poll)
	sti
	nop
	cli
	movl	boot_cpu + CPU_PREEMPT, %eax
	ret
END(cpu_poll)

	.section .note.GNU-stack, "", @progbits
