/* Entry page of the stand-in kernel, and signal handlers that bring the host's gs back first. */
	.globl	hx_entry, hx_signal, hx_run
	.text
hx_entry:
	movl	%eax, K+0
	movl	%ebx, K+4
	movl	%ecx, K+8
	movl	%edx, K+12
	movl	%esi, K+16
	movl	%edi, K+20
	movl	%ebp, K+24
	movl	%esp, K+28
	movl	$1, in_kernel
	movl	%gs, %eax
	movl	%eax, user_gs
	movl	host_gs, %eax
	movl	%eax, %gs
	movl	$hx_stack_top, %esp
	call	hx_kernel
hx_run:
	movl	user_gs, %eax
	movl	%eax, %gs
	movl	K+0, %eax
	movl	K+4, %ebx
	movl	K+8, %ecx
	movl	K+12, %edx
	movl	K+16, %esi
	movl	K+20, %edi
	movl	K+24, %ebp
	movl	K+28, %esp
	movl	$0, in_kernel
	jmp	*K+32
hx_signal:
	movl	host_gs, %ecx
	movl	%ecx, %gs
	jmp	hx_signal_c
	.bss
	.p2align 12
	.space	0x40000
	.globl	hx_stack_top
hx_stack_top:
	.section .note.GNU-stack, "", @progbits
