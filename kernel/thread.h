/* The thread object: registers, links, wait state, dispatcher state.  1024 bytes; what is not
 * FXSAVE area at most 300 (checked in thread.c).
 *
 * Entries from user mode push straight into regs (TSS.esp0 = end of regs), so there is one
 * frame format and no copy.  While the thread is in a call, regs.eip == FLUKE_ENTRY and the
 * registers name a call that may be begun again at any time. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <fluke/thread.h>
#include "object.h"

struct space;
struct portset;

struct regs {			/* entry.S; ascending addresses = order of a push frame */
	uint32_t	edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
	uint32_t	vector, error;
	uint32_t	eip, cs, eflags, esp, ss;
};

struct waitq { struct thread *head, *tail; };	/* through thread.wait_next/prev */

/* thread.attention: what must happen before the thread's next user instruction. */
#define ATTENTION_CALL		0x01	/* registers name a call: dispatch it (again) */
#define ATTENTION_STORE		0x02	/* min_msg holds words to store in the receive buffer */
#define ATTENTION_FAULT		0x04	/* fault holds a hard fault to raise (posted by a peer) */
#define ATTENTION_EXCEPTION	0x08	/* interrupt or alert pending and exceptions enabled: dispatch */
#define ATTENTION_STOP		0x10	/* stopped: must not run */
#define ATTENTION_DESTROY	0x20

/* thread.blocked: reasons, as bits; the thread can run if and only if it is 0. */
#define BLOCKED_STOPPED		0x01	/* FLUKE_THREAD_STOPPED */
#define BLOCKED_NO_SPACE	0x02
#define BLOCKED_WAIT		0x04	/* on a waitq or for its peer; see wait_kind */
#define BLOCKED_EXCEPTION	0x08	/* exception with no handler and no keeper */
#define BLOCKED_KEEPER		0x10	/* client of an idempotent exception or fault IPC */
#define BLOCKED_DYING		0x20

struct fault {
	uint32_t	va;
	uint32_t	access;
	uint32_t	code;		/* FLUKE_EXC_PAGE_FAULT or FLUKE_EXC_OBJECT_PAGE */
};

struct thread {
	struct object	obj;
	struct regs	regs;
	uint32_t	attention;
	uint32_t	blocked;
	uint32_t	flags;		/* FLUKE_THREAD_*, exported */
	uint32_t	thread_va, sched_val;
	struct link	space, scheduler, waiting_for, client, server;	/* links of the state */
	/* exported i386 state */
	uint32_t	min_msg[FLUKE_MAX_MIN_MSG];
	uint32_t	min_msg_words;
	uint32_t	handler[4];	/* trap, interrupt, client alert, server alert */
	uint32_t	syscall_handler, handler_esp;
	uint32_t	saved_eax, saved_ecx, saved_edx, saved_esp, saved_eip, saved_eflags;
	uint32_t	server_portset, server_esp, server_eip[3];	/* one-way, idempotent, reliable */
	uint32_t	tls_base;
	uint16_t	gs, fs;
	/* waiting (wait.c) */
	struct thread	*wait_next, *wait_prev;
	struct waitq	*wait_queue;
	/* dispatcher (sched.c) */
	struct thread	*supplier;	/* who gives me the processor now */
	struct thread	*donee;		/* to whom I give mine */
	struct thread	*donor_next, *donor_prev, *donors;	/* all who would give to me */
	struct thread	*request_next;	/* in my scheduler port's request queue */
	uint8_t		request_pending, sensitivity, idempotent, wait_kind;
	struct thread	*idem_peer;	/* other end of an idempotent exchange */
	struct fault	fault;
	uint8_t		room[1024 - 512 - 436 + 0];	/* K3 adjusts; static assert 1024 and fpu at 512 */
	uint8_t		fxsave[512] __attribute__((aligned(16)));
} __attribute__((aligned(16)));

#endif
