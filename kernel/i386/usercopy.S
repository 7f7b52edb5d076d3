/* Copies that may fault at a user address: the fault exit returns the address.  Arguments are in
 * eax, edx, ecx, as in all of the kernel. */
#include "asm.h"

	.text
/* uint64_t usercopy(void *to, const void *from, uint32_t bytes)
 * 0 when all is copied, else 1 << 32 | address that faulted (parts may have been copied). */
FUNCTION(usercopy)
	pushl	%esi
	pushl	%edi
	movl	%eax, %edi
	movl	%edx, %esi
	movl	%ecx, %edx
	shrl	$2, %ecx
1:	rep movsl
	movl	%edx, %ecx
	andl	$3, %ecx
2:	rep movsb
	xorl	%eax, %eax
	xorl	%edx, %edx
	popl	%edi
	popl	%esi
	ret
3:	movl	$1, %edx
	popl	%edi
	popl	%esi
	ret
FAULT_EXIT(1b, 3b)
FAULT_EXIT(2b, 3b)
END(usercopy)

/* uint64_t usercopy_word(uint32_t *to, const uint32_t *from): the same for one word read. */
FUNCTION(usercopy_word)
1:	movl	(%edx), %edx
	movl	%edx, (%eax)
	xorl	%eax, %eax
	xorl	%edx, %edx
	ret
2:	movl	$1, %edx
	ret
FAULT_EXIT(1b, 2b)
END(usercopy_word)

/* void copy_words(void *to, const void *from, uint32_t bytes): within the direct map. */
FUNCTION(copy_words)
	pushl	%esi
	pushl	%edi
	movl	%eax, %edi
	movl	%edx, %esi
	movl	%ecx, %edx
	shrl	$2, %ecx
	rep movsl
	movl	%edx, %ecx
	andl	$3, %ecx
	rep movsb
	popl	%edi
	popl	%esi
	ret
END(copy_words)

	.section .note.GNU-stack, "", @progbits
