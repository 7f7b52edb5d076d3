/* For assembly: a fault of the kernel at `from` goes on at `to`, with eax = the address that
 * faulted and every other register as it was.  (In the section .fault_exits_keep: eax too.) */
#ifndef I386_ASM_H
#define I386_ASM_H

#define FAULT_EXIT(from, to) \
	.pushsection .fault_exits, "a"; .long from, to; .popsection

#define FUNCTION(name) .globl name; .type name, @function; .p2align 4; name:
#define END(name) .size name, . - name

#endif
