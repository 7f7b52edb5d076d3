/* First instructions of a native program: esp points at argc, as on Linux i386. */
	.text
	.globl	_start
_start:
	movl	%esp, %eax
	xorl	%ebp, %ebp
	andl	$-16, %esp
	subl	$12, %esp
	pushl	%eax
	call	libc_start
	ud2
	.section .note.GNU-stack, "", @progbits
