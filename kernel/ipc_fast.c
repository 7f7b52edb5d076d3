/* The path that matters: client_connect_send_over_receive to a server that waits, and its
 * server_ack_send_wait_receive back, with at most 8 words and no references.
 * The processor passes from one thread to the other with no queue and no decision.
 *
 * Each call first looks, without effect, whether all of that holds, and if not goes to the
 * general stages, which do the same from the start.  After the commit both threads
 * stand where the stages would have left them; a fault when the receiver stores its words
 * leaves these pending in min_msg, as after a general short send. */
#include "kernel.h"
#include "ipc.h"
#include "irq.h"
#include "machine.h"
#include "wait.h"
#include "i386/load.h"


/* Reads or writes a word of the loaded space, checked to be below the kernel; goes to `label`
 * when the page does not allow it. */
#define FAULT_TO(label) "\n\t.pushsection .fault_exits_keep, \"a\"; .long 1b, %l[" #label "]; .popsection"
#define USER_READ(value, address, offset, label) \
	__asm__ goto volatile ("1: movl %c2(%1), %0" FAULT_TO(label) \
		: "=r" (value) : "r" (address), "i" (offset) : : label)
#define USER_WRITE(address, value, label) \
	__asm__ goto volatile ("1: movl %1, (%0)" FAULT_TO(label) : : "r" (address), "r" (value) : "memory" : label)

#define BLOCK_SEND	offsetof(fluke_ipc_params_t, send_words)
#define BLOCK_RECEIVE	offsetof(fluke_ipc_params_t, recv_words)

static inline __attribute__((always_inline)) struct object *quick_find(uint32_t va, unsigned type)
{
	struct object *o = object_looked_up(cpu()->loaded, va, type);

	if (__builtin_expect(!o, 0) && object_find(va, type, FLUKE_PROT_OBJECT, &o) != OK)
		return 0;
	return o;
}

/* Blocked in nothing but a wait of that kind, and due for nothing but its call. */
static inline __attribute__((always_inline)) int only_waits(const struct thread *t, enum wait_kind kind)
{
	return t->blocked == BLOCKED_WAIT && t->wait_kind == kind && t->attention == ATTENTION_CALL && t->space.target;
}

/* The same for a send half in several buffers. */
static __attribute__((noinline)) int take_scattered(uint32_t block, struct thread *to)
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

result_t sys_ipc_client_connect_send_over_receive(struct thread *t)
{
	struct object *ref = quick_find(t->regs.edi, FLUKE_TYPE_REF);
	struct port *port;
	struct portset *set;
	struct thread *s;
	int words;

	if (!ref || t->attention || cpu()->preempt || t->peer[CLIENT])
		goto slow;
	port = (struct port *)((struct ref *)ref)->link.target;
	if (!port || port->obj.word != OBJECT_WORD(FLUKE_TYPE_PORT) || port == &kernel_port)
		goto slow;
	set = (struct portset *)port->portset.target;
	if (!set || set->obj.word != OBJECT_WORD(FLUKE_TYPE_PORTSET))
		goto slow;
	s = set->servers.head;
	if (!s || !only_waits(s, WAIT_MESSAGE) || s->donee || s->server_eip[FLUKE_IPC_RELIABLE - 1])
		goto slow;
	words = take_words(t, s);
	if (words < 0 || !load_receive(t, FLUKE_CALL_ipc_client_over_receive))
		goto slow;
	/* commit: the server leaves its queue, connected, with the message */
	set->servers.head = s->wait_next;
	if (s->wait_next)
		s->wait_next->wait_prev = 0;
	else
		set->servers.tail = 0;
	s->wait_queue = 0;
	if (set->last != s)
		portset_served(set, s);
	t->peer[CLIENT] = s;
	s->peer[SERVER] = t;
	t->serial++;
	t->flags &= ~FLUKE_THREAD_SERVER_SENDER;
	s->flags = (s->flags & ~FLUKE_THREAD_ACCEPTED) | FLUKE_THREAD_CLIENT_SENDER |
		FLUKE_IPC_RELIABLE << FLUKE_THREAD_ACCEPTED_SHIFT;
	call_become(s, FLUKE_CALL_ipc_server_receive);
	s->regs.ebp = port->alias;
	/* the client waits, the turn offered, and lends its time */
	t->min_msg_words = 0;
	t->wait_side = CLIENT;
	block(t, WAIT_OVER, &s->obj);
	t->donee = s;
	t->donor_prev = 0;
	t->donor_next = s->donors;
	if (s->donors)
		s->donors->donor_prev = t;
	s->donors = t;
	s->supplier = t;
	return store_and_return(t, s, SERVER, (uint32_t)words,
		FLUKE_IPC_RELIABLE << 8 | FLUKE_SUCCESS | (set->servers.head ? 0 : FLUKE_IPC_LAST_BIT));
slow:
	return ipc_stage_connect(t, FLUKE_CALL_ipc_client_send_over_receive, THEN_OVER);
}

result_t sys_ipc_server_ack_send_wait_receive(struct thread *t)
{
	struct thread *c = t->peer[SERVER];
	struct object *o;
	struct portset *set;
	int words;

	if (!c || c->peer[CLIENT] != t || !only_waits(c, WAIT_OVER) || t->attention || cpu()->preempt || t->asker || irq_fired)
		goto slow;
	if (c->donee != t || t->supplier != c || t->donors != c || c->donor_next || t->request_pending || c->wait_side != CLIENT)
		goto slow;
	o = quick_find(t->server_portset, FLUKE_TYPE_PORTSET);
	set = (struct portset *)o;
	if (!o || set->active)
		goto slow;
	words = take_words(t, c);
	if (words < 0 || !load_receive(t, FLUKE_CALL_ipc_wait_receive))
		goto slow;
	/* commit: the connection ends, the server waits for the next message */
	c->peer[CLIENT] = 0;
	t->peer[SERVER] = 0;
	c->flags &= ~FLUKE_THREAD_SERVER_SENDER;
	t->flags &= ~(FLUKE_THREAD_CLIENT_SENDER | FLUKE_THREAD_ACCEPTED);
	t->min_msg_words = 0;
	t->donors = t->supplier = 0;
	c->donee = 0;
	block(t, WAIT_MESSAGE, o);
	t->wait_queue = &set->servers;
	t->wait_next = 0;
	t->wait_prev = set->servers.tail;
	if (set->servers.tail)
		set->servers.tail->wait_next = t;
	else
		set->servers.head = t;
	set->servers.tail = t;
	/* the client goes on with what it had lent */
	call_become(c, FLUKE_CALL_ipc_client_receive);
	return store_and_return(t, c, CLIENT, (uint32_t)words, FLUKE_IPC_RECV_DISCONNECTED);
slow:
	return ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send_wait_receive, THEN_WAIT);
}

/* May t answer for the thread that holds c's connection, and is it still the one of that number? */
static int may_answer(const struct thread *t, const struct thread *c, uint32_t number)
{
	const struct thread *holder = c->peer[CLIENT];

	return holder && holder->space.target == t->space.target &&
		(!number || number >> FLUKE_CONNECTION_SHIFT == c->serial);
}

/* Block at ebx, reference to the client at edi. */
result_t sys_ipc_server_answer(struct thread *t)
{
	uint32_t block = t->regs.ebx, number;
	struct object *o;
	struct thread *c;
	struct ref *ref;
	int words;

	TRY(ref_find(t->regs.edi, &ref));
	if (block & 3)
		return INSANE(BUFFER_UNALIGNED);
	if (block >= KERNEL_BASE - sizeof(fluke_ipc_params_t))
		goto not_now;
	USER_READ(number, block, BLOCK_RECEIVE, not_now);
	o = link_target(&ref->link);
	c = o && object_type(o) == FLUKE_TYPE_THREAD ? (struct thread *)o : NULL;
	if (!c || !may_answer(t, c, number)) {
		link_clear(&ref->link);
		t->regs.eax = FLUKE_IPC_ACK_DISCONNECTED;
		return OK;
	}
	if (c->peer[CLIENT]->peer[SERVER] == c || !only_waits(c, WAIT_OVER) || c->wait_side != CLIENT || c->min_msg_words)
		goto not_now;
	words = take_words(t, c);
	if (words < 0)
		goto not_now;
	/* commit */
	link_clear(&ref->link);
	ipc_disconnect(c, CLIENT);
	c->min_msg_words = (uint32_t)words;
	call_become(c, FLUKE_CALL_ipc_client_receive);
	wait_wake(c);
	t->regs.eax = FLUKE_SUCCESS;
	return OK;
not_now:
	t->regs.eax = FLUKE_IPC_NOT_NOW;
	return OK;
}
