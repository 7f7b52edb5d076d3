/* First instructions: from the Multiboot loader to C.  Until paging is on, the segments have a
 * base of 1 GB, so that addresses of the kernel (3 GB + x) wrap round to physical x and C runs
 * at its final addresses: boot_early makes all checks and builds the page tables so. */
#include "asm.h"
#include "cpu.h"

#define MULTIBOOT_MAGIC	0x1badb002
#define MULTIBOOT_FLAGS	0x3		/* modules page aligned, memory sizes; the video mode is the loader's choice */
#define PHYSICAL(x)	((x) - 0xc0000000)

	.section .multiboot, "ax"
	.p2align 2
	.long	MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.text
FUNCTION(start)
	cli
	cld
	lgdt	PHYSICAL(based_gdtr)
	ljmp	$KERNEL_CS, $1f
1:	movl	$KERNEL_DS, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	%ecx, %ss
	movl	$kernel_stack_top, %esp
	pushl	$2
	popfl
	movl	%ebx, %edx
	call	boot_early
	/* PAE on; the low gigabyte is mapped twice until boot_protect */
	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$PHYSICAL(kernel_pdpt), %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	andl	$~(CR0_EM | CR0_TS), %eax
	orl	$(CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
	movl	%eax, %cr0
	lgdt	flat_gdtr - 0x40000000	/* the base still applies */
	ljmp	$KERNEL_CS, $1f
1:	movl	$KERNEL_DS, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	%ecx, %ss
	xorl	%ecx, %ecx
	movl	%ecx, %fs
	movl	%ecx, %gs
	movl	$kernel_stack_top, %esp
	call	kernel_main
END(start)

	.section .rodata
	.p2align 3
based_gdt:
	.quad	0
	.quad	0x40cf9a000000ffff	/* code, base 1 GB */
	.quad	0x40cf92000000ffff
flat_gdt:
	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
based_gdtr:
	.word	flat_gdt - based_gdt - 1
	.long	PHYSICAL(based_gdt)
	.word	0
flat_gdtr:
	.word	23
	.long	flat_gdt

	.bss
	.p2align 12
	.globl	kernel_stack, kernel_stack_top
kernel_stack:
	.space	32768
kernel_stack_top:
	.section .note.GNU-stack, "", @progbits
