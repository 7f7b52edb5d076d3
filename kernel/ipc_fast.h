/* What the fast paths share (ipc_fast.c, ipc_fast_call.c): words of user memory, read and written at
 * the loaded space's own addresses, and the passing of the processor from one thread to another. */
#ifndef KERNEL_IPC_FAST_H
#define KERNEL_IPC_FAST_H

#include "kernel.h"
#include "ipc.h"
#include "machine.h"
#include "i386/load.h"

/* Reads or writes a word of the loaded space, checked to be below the kernel; goes to `label`
 * when the page does not allow it. */
#define FAULT_TO(label) "\n\t.pushsection .fault_exits_keep, \"a\"; .long 1b, %l[" #label "]; .popsection"
#define USER_READ(value, address, offset, label) do { \
	if (PLACE(TRY, (address) + (offset), FLUKE_PROT_READ) != OK) \
		goto label; \
	__asm__ goto volatile ("1: movl %c2(%1), %0" FAULT_TO(label) \
		: "=r" (value) : "r" (address), "i" (offset) : : label); \
} while (0)
#define USER_WRITE(address, value, label) do { \
	if (PLACE(TRY, address, FLUKE_PROT_WRITE) != OK) \
		goto label; \
	__asm__ goto volatile ("1: movl %1, (%0)" FAULT_TO(label) : : "r" (address), "r" (value) : "memory" : label); \
} while (0)

#define BLOCK_SEND	offsetof(fluke_ipc_params_t, send_words)
#define BLOCK_RECEIVE	offsetof(fluke_ipc_params_t, recv_words)

static inline __attribute__((always_inline)) struct object *quick_find(uint32_t va, unsigned type)
{
	struct object *o = object_looked_up(cpu()->loaded, va, type);

	if (PLACE(TRY, va, FLUKE_PROT_OBJECT) != OK ||
	    (__builtin_expect(!o, 0) && (object_find)(va, type, FLUKE_PROT_OBJECT, &o) != OK))
		return 0;
	return o;
}

/* Blocked in nothing but a wait of that kind, and due for nothing but its call. */
static inline __attribute__((always_inline)) int only_waits(const struct thread *t, enum wait_kind kind)
{
	return t->blocked == BLOCKED_WAIT && t->wait_kind == kind && t->attention == ATTENTION_CALL && t->space.target;
}

/* The same for a send half in several buffers. */
static __attribute__((noinline, unused)) int take_scattered(uint32_t block, struct thread *to)
{
	uint32_t words, data, word, table, total = 0, left;

	USER_READ(left, block, 0, fault);
	USER_READ(words, block, BLOCK_SEND, fault);
	USER_READ(data, block, BLOCK_SEND + 4, fault);
	USER_READ(table, block, BLOCK_SEND + 8, fault);
	for (left &= 0xff;; left--, table += 8) {
		if (words > FLUKE_MAX_MIN_MSG - total || data >= KERNEL_BASE - 4 * FLUKE_MAX_MIN_MSG)
			return -1;
		for (; words; words--, data += 4) {
			USER_READ(word, data, 0, fault);
			to->min_msg[total++] = word;
		}
		if (!left)
			return (int)total - (total == 0);
		if (table >= KERNEL_BASE - 8)
			return -1;
		USER_READ(words, table, 0, fault);
		USER_READ(data, table, 4, fault);
	}
fault:
	return -1;
}

static inline int has_room(const struct thread *t, int words)
{
	return (uint32_t)words <= t->regs.ecx || HALF_BUFFERS(t->regs.eax) ? words : -1;
}

/* The send half of the block at ebx, at most 8 words without references: into min_msg of `to`,
 * with no effect that anybody could see while `to` waits.  Their number; -1 if that cannot be or
 * `to` has no room. */
static inline __attribute__((always_inline)) int take_words(const struct thread *t, struct thread *to)
{

	uint32_t block = t->regs.ebx, counts, words, data, word;

	if (block >= KERNEL_BASE - sizeof(fluke_ipc_params_t) || (block & 3))
		return -1;
	USER_READ(counts, block, 0, fault);
	USER_READ(words, block, BLOCK_SEND, fault);
	USER_READ(data, block, BLOCK_SEND + 4, fault);
	if (counts & 0xffff) {
		if (counts & 0xff00)
			return -1;
		to->min_msg[1] = 0;
		return has_room(to, take_scattered(block, to));
	}
	if (words - 1 > FLUKE_MAX_MIN_MSG - 1 || data >= KERNEL_BASE - 4 * FLUKE_MAX_MIN_MSG)
		return -1;
	USER_READ(word, data, 0, fault);
	to->min_msg[0] = word;
	word = 0;
	if (words > 1)
		USER_READ(word, data, 4, fault);
	to->min_msg[1] = word;
	for (uint32_t i = 2; i < words; i++) {
		USER_READ(word, data + 4 * i, 0, fault);
		to->min_msg[i] = word;
	}
	return has_room(to, (int)words);
fault:
	return -1;
}

/* The receive half of the block goes to the registers, with the number of the call that waits. */
static inline __attribute__((always_inline)) int load_receive(struct thread *t, uint32_t call)
{
	uint32_t block = t->regs.ebx, counts, words, data, table, refs;

	USER_READ(counts, block, 0, fault);
	USER_READ(words, block, BLOCK_RECEIVE, fault);
	USER_READ(data, block, BLOCK_RECEIVE + 4, fault);
	USER_READ(table, block, BLOCK_RECEIVE + 8, fault);
	USER_READ(refs, block, BLOCK_RECEIVE + 12, fault);
	t->regs.eax = (counts & 0xffff0000u) | call;
	t->regs.ecx = words;
	t->regs.esi = data;
	t->regs.edi = table;
	t->regs.edx = refs;
	return 1;
fault:
	return 0;
}

static inline __attribute__((always_inline)) void block(struct thread *t, enum wait_kind kind, struct object *object)
{
	(void)PLACE(PASS, 0, 0);
	t->attention = ATTENTION_CALL;
	t->wait_object = object;
	t->wait_kind = kind;
	t->blocked = BLOCKED_WAIT;
}

/* t, woken by `from` with `words` words in min_msg, stores them itself and returns with the status; at a
 * fault it is left in its receiving call. */
static inline __attribute__((always_inline)) result_t store_and_return(struct thread *from, struct thread *t,
	enum side side, uint32_t words, uint32_t status)
{
	uint32_t at = t->regs.esi, first = t->min_msg[0], second = t->min_msg[1];

	t->blocked = 0;
	t->wait_kind = WAIT_NONE;
	t->wait_object = 0;
	current = t;
	cpu_load_other(from, t);
	if (words > t->regs.ecx) {	/* goes on in its further buffers */
		t->min_msg_words = words;
		t->attention = 0;
		return ipc_stage_receive(t, side);
	}
	if (at >= KERNEL_BASE - 4 * FLUKE_MAX_MIN_MSG)
		goto fault;
	USER_WRITE(at, first, fault);
	if (words > 1)
		USER_WRITE(at + 4, second, fault);
	for (uint32_t i = 2; i < words; i++)
		USER_WRITE(at + 4 * i, t->min_msg[i], fault);
	t->attention = 0;
	t->flags &= ~FLUKE_THREAD_ACCEPTED;
	t->regs.eax = HALF_COUNTS(t->regs.eax) | status;
	t->regs.ebx = t->regs.ecx - words;
	t->regs.esi = first;
	t->regs.edi = second;
	t->regs.eip = FLUKE_ENTRY_RET;
	return OK;
fault:
	t->min_msg_words = words;
	return RESTART;		/* ATTENTION_CALL is set: ipc_X_receive stores them */
}

/* s leaves the queue where it waits for a message. */
static inline __attribute__((always_inline)) void leave_queue(struct portset *set, struct thread *s)
{
	set->servers.head = s->wait_next;
	if (s->wait_next)
		s->wait_next->wait_prev = 0;
	else
		set->servers.tail = 0;
	s->wait_queue = 0;
	if (set->last != s)
		portset_served(set, s);
}

/* t waits for the next message, at the end of the queue. */
static inline __attribute__((always_inline)) void enter_queue(struct portset *set, struct thread *t)
{
	block(t, WAIT_MESSAGE, &set->obj);
	t->wait_queue = &set->servers;
	t->wait_next = 0;
	t->wait_prev = set->servers.tail;
	if (set->servers.tail)
		set->servers.tail->wait_next = t;
	else
		set->servers.head = t;
	set->servers.tail = t;
}

/* t, blocked, lends its time to s, which ran on nobody's. */
static inline __attribute__((always_inline)) void lend(struct thread *t, struct thread *s)
{
	t->donee = s;
	t->donor_prev = 0;
	t->donor_next = s->donors;
	if (s->donors)
		s->donors->donor_prev = t;
	s->donors = t;
	s->supplier = t;
}

/* Told to a server that takes a message: nobody else waits in the set. */
static inline uint32_t last_bit(const struct portset *set)
{
	return set->servers.head ? 0 : FLUKE_IPC_LAST_BIT;
}

/* Does t run on the time of c, and on that alone, with nothing else to do? */
static inline __attribute__((always_inline)) int runs_for(const struct thread *t, const struct thread *c)
{
	return !t->attention && !cpu()->preempt && c->donee == t && t->supplier == c && t->donors == c &&
		!c->donor_next && !t->request_pending;
}

#endif
