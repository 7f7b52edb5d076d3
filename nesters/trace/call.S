/* The forwarded call, which an alert by the client may end, and the handler for alerts.  forward.c decides. */
#include <fluke/callnumbers.h>
#define ENTRY 0xbffff000

/* fluke_error_t forward_call(fluke_ipc_params_t *params, fluke_ref_t *dest, struct carrier *carrier):
 * fluke_ipc_client_connect_send_over_receive, or FORWARD_LEFT.  carrier: {esp, alerted}. */
	.globl	forward_call, forward_begin, forward_end, forward_out
forward_call:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	28(%esp), %ecx
	movl	%esp, 0(%ecx)
forward_begin:
	cmpl	$0, 4(%ecx)
	jne	forward_out
	movl	20(%esp), %ebx
	movl	24(%esp), %edi
	movl	$FLUKE_CALL_ipc_client_connect_send_over_receive, %eax
	movl	$ENTRY, %edx
	call	*%edx
forward_end:
	movl	28(%esp), %ecx
	movl	$0, 0(%ecx)
	movl	20(%esp), %edx
	movl	%eax, %ecx
	shrl	$16, %ecx
	movl	%ebx, 20(%edx)
	movw	%cx, 2(%edx)
	jmp	1f
forward_out:				/* esp = carrier->esp */
	movl	28(%esp), %ecx
	movl	$0, 0(%ecx)
	movl	$FLUKE_CALL_ipc_client_disconnect, %eax
	movl	$ENTRY, %edx
	call	*%edx
	movl	$0xfe, %eax
1:	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

	.globl	alert_handler
alert_handler:
	cld
	call	alert_came
	movl	$FLUKE_CALL_thread_return_from_exception, %eax
	int	$0x30			/* the entry page would change ebp */
