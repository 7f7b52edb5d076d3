/* i386 registers as part of a thread's state, and the register convention of calls.
 *
 * Entry: al = call number, eax 16-23 buffer count, 24-31 reference count, ebx parameter block
 * or first argument, ecx words, esi address, edi buffer table or destination ref, edx
 * reference table.  Other calls: ebx, ecx, edx, esi, edi in order (calls.def).  The stub does
 * `call FLUKE_ENTRY`; the entry page at offset 0 is `mov %esp,%ebp; sysenter` (or `int
 * $FLUKE_INT`), at FLUKE_ENTRY_RET a `ret`.  A thread anywhere between is reported at
 * FLUKE_ENTRY with esp as at the call.
 * Return: eax status (bits 0-7), flavour (8-15), buffers left (16-23), refs left (24-31);
 * ebx words left in the last buffer; esi, edi words 0 and 1 of a minimum message (or INOUT
 * results); ebp alias.  ecx, edx, ebp and flags are dead; of ebx, esi and edi a call changes those that it
 * takes arguments in, IPC calls all three: the stub saves these. */
#ifndef FLUKE_I386_THREAD_H
#define FLUKE_I386_THREAD_H

#include <fluke/types.h>

#define FLUKE_INT	0x30		/* gate used where the processor lacks sysenter */
#define FLUKE_ENTRY_RET	(FLUKE_ENTRY + 0x10)
#define FLUKE_MIN_MSG_SIZE	2	/* words that every connecting send must have */
#define FLUKE_MAX_MIN_MSG	8	/* messages up to this travel in min_msg */

/* In eax, beside the number of a destroy or move call that stopped halfway: what is not there any
 * more has been dealt with. */
#define FLUKE_CALL_BEGUN	0x10000u
/* In eax, beside the number of client_over_receive: server_answer has put the answer into min_msg. */
#define FLUKE_CALL_ANSWERED	0x100u

/* User selectors. */
#define FLUKE_USER_CS	0x1b
#define FLUKE_USER_DS	0x23
#define FLUKE_USER_TLS	0x33		/* index 6: base set by fluke_thread_set_tls */

struct fluke_i386_fpu { uint8_t fxsave[512]; } __attribute__((aligned(16)));

struct fluke_i386_state {
	/* general registers; eip == FLUKE_ENTRY while in a call */
	uint32_t	eax, ebx, ecx, edx, esi, edi, ebp, esp, eip, eflags;
	/* a message taken from the sender, not yet stored in the receiver's buffer:
	 * valid while min_msg_words != 0 */
	uint32_t	min_msg[FLUKE_MAX_MIN_MSG];
	uint32_t	min_msg_words;		/* bits 0-7 words taken, 8-15 of these already stored */
	/* exception handlers, 0 = none */
	uint32_t	trap_handler, interrupt_handler, client_alert_handler, server_alert_handler;
	uint32_t	syscall_handler;	/* int $0x80: eip is pushed, control goes here */
	uint32_t	handler_esp;		/* loaded into esp at dispatch unless 0 */
	/* saved at exception dispatch */
	uint32_t	saved_eax, saved_ecx, saved_edx, saved_esp, saved_eip, saved_eflags;
	/* where messages are received (address in the thread's own space), and the
	 * entry addresses per flavour; 0 = return from the call instead */
	uint32_t	server_portset, server_esp;
	uint32_t	server_oneway_eip, server_idempotent_eip, server_reliable_eip;
	uint32_t	tls_base;
	uint32_t	gs, fs;			/* 0 or FLUKE_USER_TLS */
};

/* The subset that get/set_saved_state moves: what the last dispatch of an exception saved, and the
 * message that the call which it interrupted has still to store, as above. */
struct fluke_thread_saved_state {
	uint32_t	eax, ecx, edx, esp, eip, eflags;
	uint32_t	min_msg[FLUKE_MAX_MIN_MSG], min_msg_words;
};

#endif
