/* The jump out of an exception: int check_try(void) returns 0, then 1 when one was caught; void
 * check_jump(struct check_point *).  Trap handlers, and the start of a thread. */
	.text
	.globl	check_try
check_try:
	movl	$check_point, %eax
	movl	$1, %ecx
	movl	%ecx, 24(%eax)		/* armed */
	jmp	save
	.globl	check_save		/* int check_save(struct check_point *) */
check_save:
	movl	4(%esp), %eax
save:	movl	%ebx, 0(%eax)
	movl	%esi, 4(%eax)
	movl	%edi, 8(%eax)
	movl	%ebp, 12(%eax)
	leal	4(%esp), %ecx
	movl	%ecx, 16(%eax)
	movl	(%esp), %ecx
	movl	%ecx, 20(%eax)
	xorl	%eax, %eax
	ret

	.globl	check_jump
check_jump:
	movl	4(%esp), %edx
	movl	0(%edx), %ebx
	movl	4(%edx), %esi
	movl	8(%edx), %edi
	movl	12(%edx), %ebp
	movl	16(%edx), %esp
	movl	$1, %eax
	jmp	*20(%edx)

/* Trap handlers: eax code, edx subcode, ecx access, on the stack of the thread that trapped. */
	.globl	check_trap_first
check_trap_first:
	cld
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	call	check_trapped
	.globl	check_trap_other
check_trap_other:
	cld
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	call	check_other_trapped

/* An interrupt that the case did not provide for is dropped. */
	.globl	check_interrupt_other
check_interrupt_other:
	pushl	$0
	call	fluke_thread_return_from_exception

/* A new thread: eax function, ecx argument (set in its state). */
	.globl	check_thread_start
check_thread_start:
	xorl	%ebp, %ebp
	pushl	%ecx
	call	*%eax
	call	check_thread_end

	.section .note.GNU-stack, "", @progbits
