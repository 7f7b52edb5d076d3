/* Ways into and out of the personality image.
 *
 * Invariant: user code keeps every register except eax over a call; the image runs on the thread's own
 * stack in its area (found from the sole thread's address, or by fluke_thread_self), never uses
 * gs and never touches the FPU, so these are the user's all the time.
 * The frame built at the top of the stack is struct registers (posix.h).
 * An interrupt inside the image sets a flag, looked at last between leave_check and leave_end;
 * what it does there, and in the cancel range, is in signal.c (image_interrupt). */

	.set	ENTRY, 0xbffff000
	.set	CALL_ENABLE, 7
	.set	CALL_DISCONNECT, 107
	.set	AREA, 0x10000
	.set	STACK, 0xc000

	/* struct thread, first words (checked in posix.h) */
	.set	T_FLAG, 0
	.set	T_CANCEL, 4
	.set	T_CANCELLED, 8
	.set	T_CANCEL_ESP, 12
	.set	T_FRAME, 16
	.set	T_GUARD, 20

	/* struct registers */
	.set	R_EBX, 0
	.set	R_ECX, 4
	.set	R_EDX, 8
	.set	R_ESI, 12
	.set	R_EDI, 16
	.set	R_EBP, 20
	.set	R_EAX, 24
	.set	R_ORIG, 28
	.set	R_EIP, 32
	.set	R_EFLAGS, 36
	.set	R_ESP, 40
	.set	R_SIZE, 44

/* esp = struct registers: what goes on from them is put under the esp that they name (edx afterwards): eip, eflags, eax, edx
 * downwards; ebx, esi, edi are loaded. */
	.macro	go_under
	movl	R_ESP(%esp), %edx
	movl	R_EIP(%esp), %eax
	movl	%eax, -4(%edx)
	movl	R_EFLAGS(%esp), %eax
	movl	%eax, -8(%edx)
	movl	R_EAX(%esp), %eax
	movl	%eax, -12(%edx)
	movl	R_EDX(%esp), %eax
	movl	%eax, -16(%edx)
	movl	R_EBX(%esp), %ebx
	movl	R_ESI(%esp), %esi
	movl	R_EDI(%esp), %edi
	.endm

	.section .entry, "ax", @progbits
	.globl	image_text
image_text:
	.p2align 4; jmp	image_start_entry
	.p2align 4; jmp	image_forked
	.p2align 4; jmp	image_syscall
	.p2align 4; jmp	image_trap_entry
	.p2align 4; jmp	image_interrupt_entry
	.p2align 4; jmp	image_thread_entry
	.p2align 4; ret				/* IMAGE_ENTRY_READY: a debugger stops here */
	.p2align 4

	.text

/* First thread of a start or exec, on its own stack. */
image_start_entry:
	cld
	xorl	%ebp, %ebp
	subl	$64, %esp		/* room for the first struct registers */
	call	image_start		/* noreturn */
	hlt

/* A system call: eip on the user's stack, all else the user's.  */
	.globl	image_syscall
image_syscall:
	pushfl
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	cld
	movl	image_sole_thread, %ecx
	testl	%ecx, %ecx
	jnz	1f
	call	image_find_thread	/* eax = area */
	movl	%eax, %ecx
1:	movl	%esp, %edx		/* eax, edx, ecx, eflags, eip of the user */
	leal	STACK - R_SIZE(%ecx), %esp
	movl	%ebx, R_EBX(%esp)
	movl	%esi, R_ESI(%esp)
	movl	%edi, R_EDI(%esp)
	movl	%ebp, R_EBP(%esp)
	movl	(%edx), %eax
	movl	%eax, R_EAX(%esp)
	movl	%eax, R_ORIG(%esp)
	movl	4(%edx), %eax
	movl	%eax, R_EDX(%esp)
	movl	8(%edx), %eax
	movl	%eax, R_ECX(%esp)
	movl	12(%edx), %eax
	movl	%eax, R_EFLAGS(%esp)
	movl	16(%edx), %eax
	movl	%eax, R_EIP(%esp)
	leal	20(%edx), %eax
	movl	%eax, R_ESP(%esp)
	movl	%esp, T_FRAME(%ecx)
	pushl	%esp
	call	image_dispatch
	addl	$4, %esp

/* Leave to the user: esp = struct registers.  All registers are loaded from it; eip and eflags
 * travel on the user's stack, below its esp. */
	.globl	image_leave
image_leave:
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	.globl	leave_check, leave_end, leave_user
leave_check:
	cmpl	$0, T_FLAG(%ecx)
	jne	3f
	go_under
	movl	R_EBP(%esp), %ebp
	movl	R_ECX(%esp), %ecx
	leal	-16(%edx), %esp
leave_user:				/* from here esp is the user's: edx, eax, eflags, eip on it */
	popl	%edx
	popl	%eax
	popfl
	ret
leave_end:
3:	pushl	%esp
	call	image_signals		/* (struct registers *) */
	addl	$4, %esp
	jmp	image_leave

/* void image_leave_with(struct registers *): noreturn */
	.globl	image_leave_with
image_leave_with:
	movl	4(%esp), %esp
	jmp	image_leave

/* uint32_t image_find_thread(void): area of the current thread, any register but eax, ecx, edx kept. */
image_find_thread:
	call	fluke_thread_self
	pushl	%eax
	call	image_thread_of_object
	addl	$4, %esp
	ret

/* int image_call_user(struct registers *r): runs the handler's body; a bad user address met by it (or by
 * the kernel for it) unwinds to here and gives -EFAULT.  (struct registers *, function) */
	.globl	image_guarded
image_guarded:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	pushl	T_GUARD(%ecx)		/* nested */
	movl	%esp, T_GUARD(%ecx)
	pushl	24(%esp)		/* argument */
	call	*32(%esp)
	addl	$4, %esp
guard_out:
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	popl	T_GUARD(%ecx)
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
	.globl	guard_fault
guard_fault:				/* esp = T_GUARD, exceptions enabled by image_resume */
	movl	$-14, %eax
	jmp	guard_out

/* fluke_error_t image_blocking_call(call number, params, dest): an IPC that a signal may leave.
 * If the thread's flag is set before or during it, T_CANCELLED is set and 0xfe returned. */
	.globl	image_blocking_call, cancel_begin, cancel_end, cancel_out
image_blocking_call:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	movl	%esp, T_CANCEL_ESP(%ecx)
	movl	$1, T_CANCEL(%ecx)
cancel_begin:
	cmpl	$0, T_FLAG(%ecx)
	jne	cancel_out
	movl	20(%esp), %eax
	movl	24(%esp), %ebx
	movl	28(%esp), %edi
	movl	$ENTRY, %edx
	call	*%edx
cancel_end:
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	movl	$0, T_CANCEL(%ecx)
	movl	24(%esp), %edx
	movl	%eax, %ecx
	shrl	$16, %ecx
	movl	%ebx, 20(%edx)
	movw	%cx, 2(%edx)
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
cancel_out:				/* esp = T_CANCEL_ESP */
	movl	%esp, %ecx
	andl	$-AREA, %ecx
	movl	$0, T_CANCEL(%ecx)
	movl	$1, T_CANCELLED(%ecx)
	cmpl	$98, 20(%esp)
	jne	1f
	movl	$CALL_DISCONNECT, %eax
	movl	$ENTRY, %edx
	call	*%edx
1:	movl	$0xfe, %eax
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

/* Exceptions: on the thread's handler stack, exceptions disabled.  eax code, edx subcode, ecx
 * access; ebx, esi, edi, ebp the interrupted code's.  C decides by changing *registers, then
 * image_resume goes there. */
image_trap_entry:
	cld
	subl	$R_SIZE, %esp
	movl	%ebx, R_EBX(%esp)
	movl	%esi, R_ESI(%esp)
	movl	%edi, R_EDI(%esp)
	movl	%ebp, R_EBP(%esp)
	movl	%esp, %ebx
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	pushl	%ebx
	call	image_trap		/* (registers, code, subcode, access) */
	movl	%ebx, %esp
	jmp	image_resume

image_interrupt_entry:
	cld
	subl	$R_SIZE, %esp
	movl	%ebx, R_EBX(%esp)
	movl	%esi, R_ESI(%esp)
	movl	%edi, R_EDI(%esp)
	movl	%ebp, R_EBP(%esp)
	movl	%esp, %ebx
	pushl	%ebx
	call	image_interrupt
	movl	%ebx, %esp

/* esp = struct registers on the handler stack: moves them to the stack they name, enables exceptions
 * there (another may come at once: it piles up on that stack) and goes on. */
image_resume:
	go_under
	movl	R_ECX(%esp), %eax
	movl	%eax, -20(%edx)
	movl	R_EBP(%esp), %eax
	movl	%eax, -24(%edx)
	leal	-24(%edx), %esp
	movl	$CALL_ENABLE, %eax
	movl	$ENTRY, %ecx
	call	*%ecx
	.globl	resume_enabled, resume_end
resume_enabled:				/* one byte each: see finish_resume */
	popl	%ebp
	popl	%ecx
	popl	%edx
	popl	%eax
	popfl
	ret
resume_end:

/* From an interrupt or trap outside the image, exceptions enabled again: esp = struct registers at the
 * top of the thread's stack. */
	.globl	image_async
image_async:
	pushl	%esp
	call	image_async_work
	addl	$4, %esp
	jmp	image_leave

/* long image_fork(void): the child returns 0 from it, on a copy of this stack. */
	.globl	image_fork
image_fork:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	pushl	%esp
	call	image_fork_call		/* (stack) */
	addl	$4, %esp
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
image_forked:				/* esp as pushed above */
	cld
	movl	$CALL_ENABLE, %eax
	movl	$ENTRY, %ecx
	call	*%ecx
	xorl	%eax, %eax
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

/* A further thread: its registers were put at the top of its stack by clone. */
image_thread_entry:
	cld
	subl	$R_SIZE, %esp
	movl	$CALL_ENABLE, %eax
	movl	$ENTRY, %ecx
	call	*%ecx
	call	image_thread_begin
	jmp	image_leave

/* Return trampolines of signal handlers. */
	.globl	image_sigreturn, image_rt_sigreturn
	.p2align 4
image_sigreturn:
	popl	%eax
	movl	$119, %eax
	int	$0x80
	.p2align 4
image_rt_sigreturn:
	movl	$173, %eax
	int	$0x80

/* What AT_SYSINFO_EHDR names: a flat ELF image with an empty symbol table. */
	.section .vdso, "a", @progbits
	.globl	image_vdso
	.p2align 12
image_vdso:
	.byte	0x7f, 'E', 'L', 'F', 1, 1, 1, 0
	.fill	8, 1, 0
	.short	3, 3			/* ET_DYN, EM_386 */
	.long	1, 0, vdso_ph - image_vdso, 0, 0
	.short	52, 32, 2, 0, 0, 0
vdso_ph:
	.long	1, 0, 0, 0, vdso_end - image_vdso, vdso_end - image_vdso, 5, 0x1000
	.long	2, vdso_dynamic - image_vdso, vdso_dynamic - image_vdso, 0, vdso_dynamic_end - vdso_dynamic
	.long	vdso_dynamic_end - vdso_dynamic, 4, 4
vdso_dynamic:
	.long	4, vdso_hash - image_vdso	/* DT_HASH */
	.long	5, vdso_strings - image_vdso	/* DT_STRTAB */
	.long	6, vdso_symbols - image_vdso	/* DT_SYMTAB */
	.long	10, 4				/* DT_STRSZ */
	.long	11, 16				/* DT_SYMENT */
	.long	0, 0
vdso_dynamic_end:
vdso_hash:
	.long	1, 1, 0, 0
vdso_symbols:
	.fill	16, 1, 0
vdso_strings:
	.long	0
vdso_end:

	.section .note.GNU-stack, "", @progbits
