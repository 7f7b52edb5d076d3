/* root's first instructions: ebx = struct fluke_boot_info, esp = top of a stack. */
	.section .text.start, "ax"
	.globl	_start
_start:
	xorl	%ebp, %ebp
	pushl	%ebp
	pushl	%ebx
	call	root_main
	ud2
	.section .note.GNU-stack, "", @progbits
