/* Exceptions and faults: codes, what a handler finds in its registers, what a keeper gets.
 *
 * A handler starts with eax = code, edx = subcode, ecx = access; exceptions are disabled; eax,
 * ecx, edx, esp, eip, eflags are in saved_*.  fluke_thread_return_from_exception goes back.
 *
 * A keeper gets an idempotent message of FLUKE_EXC_WORDS words (struct below) on its port and
 * mends, then replies (any content); the reply restarts the thread.  Stopped or interrupted before
 * that, the thread raises it again: its eip is at the instruction even after int3 and int $0x80.  A region keeper may
 * answer an OBJECT-only request of region_search/clear with a first reply word != 0: the
 * length in bytes to skip.
 *
 * Decided here, where the published documents are silent: the form of the message, one for
 * exceptions and for faults, so that a nester serves both by one loop; that exceptions are off in a
 * handler, so that its own fault reaches the keeper instead of itself; that the content of a reply says
 * nothing, since the kernel looks again at once. */
#ifndef FLUKE_EXCEPTION_H
#define FLUKE_EXCEPTION_H

#include <fluke/types.h>

/* Codes: i386 vectors 0-31 as they are; page fault (14): subcode = address, access = prot bits. */
#define FLUKE_EXC_DIVIDE	0
#define FLUKE_EXC_DEBUG		1
#define FLUKE_EXC_BREAKPOINT	3
#define FLUKE_EXC_OVERFLOW	4
#define FLUKE_EXC_BOUNDS	5
#define FLUKE_EXC_OPCODE	6
#define FLUKE_EXC_GENERAL	13	/* subcode = error code */
#define FLUKE_EXC_PAGE_FAULT	14
#define FLUKE_EXC_FPU		16
#define FLUKE_EXC_ALIGNMENT	17
#define FLUKE_EXC_SIMD		19
#define FLUKE_EXC_OBJECT_PAGE	32	/* user access to an object page; subcode = address */
#define FLUKE_EXC_INTERRUPT	33	/* interrupt handler: posted by thread_interrupt */
#define FLUKE_EXC_ALERT		34	/* alert handlers */
#define FLUKE_EXC_SYSCALL	35	/* int $0x80 without syscall_handler; subcode = eax */
#define FLUKE_EXC_INSANITY	0x100	/* | insanity code */

struct fluke_exc_message {
	natural_t	code;
	natural_t	subcode;	/* region keeper: offset in its region */
	natural_t	access;		/* FLUKE_PROT_* wanted */
	natural_t	sched_val;	/* of the thread */
	natural_t	thread_va;	/* space keeper only, else 0 */
	natural_t	thread_hash;	/* space keeper only, else 0 */
};
#define FLUKE_EXC_WORDS	6

#endif
