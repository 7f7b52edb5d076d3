/* What the fast paths share (ipc_fast.c, ipc_fast_call.c): words of user memory, read and written at
 * the loaded space's own addresses, and the passing of the processor from one thread to another. */
#ifndef KERNEL_IPC_FAST_H
#define KERNEL_IPC_FAST_H

#include "kernel.h"
#include "ipc.h"
#include "machine.h"
#include "i386/load.h"

#define LIKELY(x)	__builtin_expect((x) != 0, 1)
#define ONLY_IF(x, label) do { if (!LIKELY(x)) goto label; } while (0)
#define NEITHER(a, b)	(!((uint32_t)(a) | (uint32_t)(b)))
#define INLINE static inline __attribute__((always_inline))

/* Reads, writes or copies words of the loaded space, checked to be below the kernel; goes to `label`
 * when a page does not allow it. */
#define FAULT_TO(label) "\n\t.pushsection .fault_exits_keep, \"a\"; .long 1b, %l[" #label "]; .popsection"
#define USER_READ(value, address, offset, label) do { \
	if (PLACE(TRY, (address) + (offset), FLUKE_PROT_READ) != OK) \
		goto label; \
	__asm__ goto volatile ("1: movl %c2(%1), %0" FAULT_TO(label) \
		: "=r" (value) : "r" (address), "i" (offset) : : label); \
} while (0)
#define USER_WRITE(address, offset, value, label) do { \
	if (PLACE(TRY, (address) + (offset), FLUKE_PROT_WRITE) != OK) \
		goto label; \
	__asm__ goto volatile ("1: movl %1, %c2(%0)" FAULT_TO(label) : : "r" (address), "r" (value), "i" (offset) : "memory" : label); \
} while (0)
/* `user` is the side that may fault, for the record of places. */
#define USER_COPY(to, from, words, user, access, label) do { \
	uint32_t to_ = (to), from_ = (from), words_ = (words); \
	if (PLACE(TRY, user, access) != OK) \
		goto label; \
	__asm__ goto volatile ("1: rep movsl" FAULT_TO(label) : "+D" (to_), "+S" (from_), "+c" (words_) : : "memory" : label); \
} while (0)

#define BLOCK_SEND	offsetof(fluke_ipc_params_t, send_words)
#define BLOCK_RECEIVE	offsetof(fluke_ipc_params_t, recv_words)

/* Nothing of n bytes from there reaches the kernel. */
#define BELOW_KERNEL(address, n) ((address) <= KERNEL_BASE - (n))

enum { RECENT_REF, RECENT_PORTSET, RECENT_PAGE };

/* The object at va, from the last look-up of that kind if it is still good; else null. */
INLINE struct object *quick_find(struct thread *t, unsigned kind, uint32_t va, unsigned type)
{
	struct recent *r = &t->recent[kind];
	struct object *o = r->object;

	if (PLACE(TRY, va, FLUKE_PROT_OBJECT) != OK)
		return 0;
	ONLY_IF(r->va == va, unknown);
	ONLY_IF(r->generation == object_generation, unknown);
	ONLY_IF(o->word == OBJECT_WORD(type), unknown);
	return o;
unknown:
	if ((object_find)(va, type, FLUKE_PROT_OBJECT, &o) != OK)
		return 0;
	*r = (struct recent){ va, object_generation, o };
	return o;
}

/* ipc_fast.c */
uint32_t	take_other(struct thread *t, struct thread *to, uint32_t call);
uint32_t	take_long(struct thread *t, struct thread *to, uint32_t words);

/* All words of one buffer into the first buffer of `to`, if they fit into its page and that is the one noted last. */
INLINE int copy_to_noted(struct thread *to, uint32_t data, uint32_t words)
{
	const struct recent *r = &to->recent[RECENT_PAGE];
	uint32_t at = to->regs.esi, first, second;

	ONLY_IF(words <= -(at | -FLUKE_PAGE_SIZE) / 4 && words <= to->regs.ecx, fault);
	ONLY_IF(r->va == (at & -FLUKE_PAGE_SIZE) && r->generation == page_changes, fault);
	USER_READ(first, data, 0, fault);
	USER_READ(second, data, 4, fault);
	to->min_msg[0] = first;
	to->min_msg[1] = second;
	USER_COPY((uint32_t)r->object + (at & (FLUKE_PAGE_SIZE - 1)), data, words, data, FLUKE_PROT_READ, fault);
	return 1;
fault:
	return 0;
}

/* The block at ebx of t, which sends to `to` and will wait in `call`.  Its send half, with one reference at most,
 * goes into min_msg of `to`, or, beyond 8 words, right into its buffer, with no effect that anybody could
 * see while `to` waits; its receive half goes to t's registers.  The number of words sent; 0 if
 * that cannot be: then t's call is still as it was. */
INLINE uint32_t take_block(struct thread *t, struct thread *to, uint32_t call)
{
	uint32_t block = t->regs.ebx, counts, words, data, receive_words, receive_data, word;

	ONLY_IF((block >> 2 | block << 30) <= (KERNEL_BASE - sizeof(fluke_ipc_params_t)) >> 2, fault);	/* aligned, below the kernel */
	USER_READ(receive_words, block, BLOCK_RECEIVE, fault);
	USER_READ(receive_data, block, BLOCK_RECEIVE + 4, fault);
	t->regs.ecx = receive_words;	/* as yet dead, like esi */
	t->regs.esi = receive_data;
	USER_READ(counts, block, 0, fault);
	USER_READ(words, block, BLOCK_SEND, fault);
	USER_READ(data, block, BLOCK_SEND + 4, fault);
	ONLY_IF(!counts, other);
	ONLY_IF(BELOW_KERNEL(data, FLUKE_PAGE_SIZE), fault);
	if (LIKELY(words == 2)) {
		USER_READ(word, data, 0, fault);
		to->min_msg[0] = word;
		USER_READ(word, data, 4, fault);
		to->min_msg[1] = word;
	} else if (words > FLUKE_MAX_MIN_MSG) {
		if (!LIKELY(copy_to_noted(to, data, words)))
			ONLY_IF(take_long(t, to, words), fault);
	} else {
		ONLY_IF(words > 2, other);
		USER_COPY((uint32_t)to->min_msg, data, words, data, FLUKE_PROT_READ, fault);
	}
	t->regs.eax = call;
	return words;
other:
	return take_other(t, to, call);
fault:
	return 0;
}

/* t, which waited, gets the processor and stores `words` words itself: out of min_msg, unless there
 * are so many that they are stored already; its receiving call ends.  False if it must store them
 * in that call. */
INLINE int pass_to(struct thread *t, uint32_t words, uint32_t status)
{
	uint32_t at = t->regs.esi, first, second, left;

	t->regs.eax = HALF_COUNTS(t->regs.eax) | status;
	t->standing = 0;
	current = t;
	cpu_load_other(t);
	left = t->regs.ecx - words;
	ONLY_IF((int32_t)left >= 0, fault);
	ONLY_IF(BELOW_KERNEL(at, 4 * FLUKE_MAX_MIN_MSG), fault);
	first = t->min_msg[0];
	second = t->min_msg[1];
	if (LIKELY(words == 2)) {
		USER_WRITE(at, 0, first, fault);
		USER_WRITE(at, 4, second, fault);
	} else if (words <= FLUKE_MAX_MIN_MSG) {
		USER_COPY(at, (uint32_t)t->min_msg, words, at, FLUKE_PROT_WRITE, fault);
	}
	t->regs.ebx = left;
	t->regs.esi = first;
	t->regs.edi = second;
	t->regs.eip = FLUKE_ENTRY_RET;
	return 1;
fault:
	t->min_msg_words = words;
	t->attention = ATTENTION_CALL;
	return 0;
}

INLINE void wait_in(struct thread *t, enum wait_kind kind)
{
	(void)PLACE(PASS, 0, 0);
	t->standing = WAITS(kind, CLIENT);
}

/* s leaves the queue where it waits for a message; what it is told: does nobody else wait there? */
INLINE uint32_t leave_queue(struct portset *set, struct thread *s)
{
	struct thread *next = s->wait_next;

	set->servers.head = next;
	s->wait_queue = 0;
	if (!LIKELY(set->last == s))
		portset_served(set, s);
	if (LIKELY(!next))
		return FLUKE_IPC_LAST_BIT;
	next->wait_prev = s->wait_next = 0;
	return 0;
}

/* t waits for the next message, before those who waited already: it is the warm one. */
INLINE void enter_queue(struct portset *set, struct thread *t)
{
	wait_in(t, WAIT_MESSAGE);
	t->wait_queue = &set->servers;
	if (!LIKELY(!set->servers.head)) {
		t->wait_next = set->servers.head;
		set->servers.head->wait_prev = t;
	} else {
		set->servers.tail = t;
	}
	set->servers.head = t;
}

/* t, blocked, lends its time to s, to whom nobody else lends. */
INLINE void lend(struct thread *t, struct thread *s)
{
	t->donee = s;
	s->donors = t;
	s->supplier = t;
	s->depth = t->depth + 1;
}

/* Does t run on the time of c, and on that alone, with nothing else to do? */
INLINE int runs_for(const struct thread *t, const struct thread *c)
{
	return !t->attention && t->supplier == c && t->donors == c && !c->donor_next && !t->request_pending;
}

/* t, having run for c, gives the time back. */
INLINE void give_back(struct thread *t, struct thread *c)
{
	t->donors = t->supplier = 0;
	c->donee = 0;
}

#endif
