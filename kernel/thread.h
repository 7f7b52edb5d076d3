/* The thread object: registers, links, wait state, dispatcher state.  1024 bytes; what is not
 * FXSAVE area at most 512 (checked in thread.c).
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
struct mutex;

struct regs {			/* entry.S; ascending addresses = order of a push frame */
	uint32_t	edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
	uint32_t	vector, error;
	uint32_t	eip, cs, eflags, esp, ss;
};

struct waitq { struct thread *head, *tail; };	/* through thread.wait_next/prev; tail valid while there is a head */

/* thread.attention: what must happen before the thread's next user instruction. */
#define ATTENTION_CALL		0x01	/* registers name a call: dispatch it (again) */
#define ATTENTION_DISPATCH	0x02	/* cpu()->preempt is set: ask the dispatcher who runs */
#define ATTENTION_FAULT		0x04	/* fault holds a fault to resolve or raise (fault.c) */
#define ATTENTION_EXCEPTION	0x08	/* interrupt or alert pending and exceptions enabled: dispatch */

/* thread.blocked: reasons, as bits; the thread can run if and only if it is 0. */
#define BLOCKED_STOPPED		0x01	/* FLUKE_THREAD_STOPPED */
#define BLOCKED_NO_SPACE	0x02
#define BLOCKED_WAIT		0x04	/* on a waitq or for its peer; see wait_kind */
#define BLOCKED_EXCEPTION	0x08	/* exception with no handler and no keeper */
#define BLOCKED_KEEPER		0x10	/* client of an idempotent exception or fault IPC */
#define BLOCKED_DYING		0x20

/* thread.standing of a thread that is blocked in nothing but a wait, and due for nothing but its call. */
#define WAITS(kind, side) (ATTENTION_CALL | BLOCKED_WAIT << 8 | (kind) << 16 | (uint32_t)(side) << 24)

/* thread.wait_kind, valid while BLOCKED_WAIT or BLOCKED_KEEPER; else WAIT_NONE, and wait_side 0. */
enum wait_kind {
	WAIT_NONE,
	WAIT_QUEUE,		/* mutex, cond, ... */
	WAIT_SCHEDULE,		/* in thread_schedule, donating */
	WAIT_MESSAGE,		/* in wait_receive, on portset.servers; receive half loaded */
	WAIT_CONNECT,		/* on port.clients; send half loaded, its table in ebp */
	WAIT_CALL,		/* idempotent request not yet taken: on port.clients, or bound to `asked` */
	WAIT_ANSWER,		/* idempotent request taken */
	WAIT_REPLY,		/* long idempotent answer: the asker copies it */
	/* on the connection of wait_side: */
	WAIT_SEND,		/* send half loaded */
	WAIT_RECEIVE,		/* receive half loaded */
	WAIT_OVER,		/* turn offered; receive half loaded */
	WAIT_ACK,		/* turn wanted */
};

enum side { CLIENT, SERVER };	/* what the thread itself is on that connection */

struct fault {
	uint32_t	va;
	uint32_t	access;
	uint32_t	code;		/* FLUKE_EXC_PAGE_FAULT or FLUKE_EXC_OBJECT_PAGE */
	/* kept by fault.c while keepers are asked, all 0 when none is: */
	union {
		struct {
			uint16_t refused;	/* depth of the refusal that a keeper was last asked about */
			uint16_t asked;		/* depth of that keeper's region */
		};
		uint32_t depths;
	};
	union {
		struct {
			uint8_t	searching;	/* asked in a call that goes on itself, not for an access of the thread: SEARCH_* */
			uint8_t	answered;
			uint8_t	again;		/* times that the same keeper was asked again because something had changed */
		};
		uint32_t states;
	};
	uint32_t	answer;		/* first word of its reply */
	uint32_t	changes;	/* vm_changes when it was asked */
};

#define SEARCH_HOLE		1	/* region_search, region_clear */
#define SEARCH_FOR_SERVER	2	/* a client, for its server's buffer */

#define KEEPER_WORDS	6
#define WATCHED		2

struct thread {
	struct object	obj;
	struct regs	regs;
	/* May it run, and if not, why.  One word, so that the IPC path compares and sets all at once. */
	union {
		struct { uint8_t attention, blocked, wait_kind, wait_side; };
		uint32_t standing;
	};
	uint32_t	flags;		/* FLUKE_THREAD_*, exported */
	uint32_t	thread_va, sched_val;
	struct link	space, scheduler;	/* links of the state */
	/* Reliable connections.  peer[CLIENT] = my server, peer[SERVER] = my client.  With p = peer[x]: the
	 * connection is live if p->peer[!x] is this thread; else p has put it aside (set_client of another)
	 * and this thread is in p->parked[x]. */
	struct thread	*peer[2], *parked[2], *park_next[2], *park_prev[2];
	uint16_t	serial;		/* counts connections made as client: bits 16-31 of get_client's word */
	/* Idempotent exchange: x->asked->asker == x. */
	struct thread	*asked;		/* who has taken my request */
	struct thread	*asker;		/* whose request I have taken */
	/* exported i386 state */
	uint32_t	min_msg[FLUKE_MAX_MIN_MSG];
	uint32_t	min_msg_words;
	uint32_t	handler[4];	/* trap, interrupt, client alert, server alert */
	uint32_t	syscall_handler, handler_esp;
	uint32_t	saved_eax, saved_ecx, saved_edx, saved_esp, saved_eip, saved_eflags;
	uint32_t	server_portset, server_esp, server_eip[3];	/* one-way, idempotent, reliable */
	uint32_t	tls_base;
	union {
		struct { uint16_t gs, fs; };
		uint32_t gs_fs;
	};
	/* waiting (wait.c) */
	struct thread	*wait_next, *wait_prev;
	struct waitq	*wait_queue;	/* null: not queued, then the two above are null too */
	struct object	*wait_object;	/* what it waits for, valid in a wait of kind QUEUE or SCHEDULE */
	/* dispatcher (sched.c) */
	uint8_t		known;		/* my scheduler has been asked and not yet been told BLOCKED */
	uint8_t		request_pending;	/* in my scheduler port's ring of requests */
	uint8_t		stands_in;	/* asleep in thread_schedule ON_CONFLICT, I lend to one who asked, not to my target */
	uint8_t		keeper_fault;	/* the keeper IPC is for `fault` (1), for an exception (0), or its watcher is asked (WATCHED) */
	uint8_t		made;		/* CHECK: the call that user code made; 0 = as the registers say */
	uint8_t		row_asks;
	uint8_t		depth;		/* links from the root scheduler to me when I was supplied last */
	uint64_t	used, since;	/* given to me by schedulers; begin of what my thread_schedule gives, 0 = nothing */
	struct thread	*supplier;	/* who gave me the processor last; supplier->donee == this, or null */
	struct thread	*donee;		/* to whom I give mine while blocked */
	struct thread	*donors, *donor_next, *donor_prev;	/* all whose donee I am; next and prev are null without a donee */
	struct thread	*request_next, *request_prev;
	struct thread	*row_next, *row_at;	/* sched.c: in the row of those to be seen to; the donor who comes next */
	struct portset	*last_of;	/* portset whose `last` I am */
	struct mutex	*owned;		/* mutexes that I hold */
	/* faults and exceptions */
	struct link	keeper;		/* port asked */
	/* from here on what a new thread holds means nothing */
	struct fault	fault;
	uint32_t	keeper_words[KEEPER_WORDS];
	uint32_t	passed;		/* eip of an exception that the watcher does not want, when it is raised again */
	/* The last look-ups of the IPC path: good while object_generation is as noted; the page in which words
	 * were last stored for this thread, in the direct map, while page_changes is. */
	struct recent { uint32_t va, generation; void *object; } recent[3];
	uint8_t		fxsave[512] __attribute__((aligned(512)));
} __attribute__((aligned(1024)));

static inline struct space *thread_space(const struct thread *t)
{
	return (struct space *)link_target(&t->space);
}

/* thread.c */
static inline void thread_forget(struct thread *t) { __builtin_memset(t->recent, 0, sizeof t->recent); }
void	thread_stop(struct thread *t);		/* not current: rolled back, left with STOPPED set */
void	thread_pending(struct thread *t);	/* flags changed: is an asynchronous exception due? */
void	thread_alert(struct thread *t);		/* the same, and a waiting thread wakes to take it */

/* exception.c */
result_t	exception_insane(struct thread *t, uint32_t code);
void	exception_async(struct thread *t);	/* ATTENTION_EXCEPTION */
void	keeper_retry(struct thread *t);		/* the exchange was cut: ask again */
void	exception_undone(const struct thread *t, uint32_t *eip, uint32_t *flags);
void	keeper_answered(struct thread *t, uint32_t word);
void	exception_syscall(struct thread *t);	/* int $0x80: to t->syscall_handler (entry.S) */

#endif
