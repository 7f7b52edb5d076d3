/* First instructions of a test program on the bare machine: ebx = boot info, esp = top of the stack. */
	.text
	.globl	_start
_start:
	xorl	%ebp, %ebp
	pushl	$0
	pushl	%ebx
	call	check_main
1:	jmp	1b

	.section .note.GNU-stack, "", @progbits
