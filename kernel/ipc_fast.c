/* The path that matters: client_connect_send_over_receive to a server that waits, and its
 * server_ack_send_wait_receive back, with at most 1024 words and one reference.
 * The processor passes from one thread to the other with no queue and no decision.
 *
 * Each call first looks, without effect, whether all of that holds, and if not goes to the
 * general stages, which do the same from the start.  After the commit both threads
 * stand where the stages would have left them; a fault when the receiver stores its words
 * leaves these pending in min_msg, as after a general short send. */
#include "ipc_fast.h"
#include "irq.h"
#include "mmu.h"
#include "sched.h"
#include "wait.h"

#define DIRECT_WORDS	(FLUKE_PAGE_SIZE / 4)	/* at most: interrupts are off while they are copied */

/* A fault in a call that the fast path began is resolved in place if it is soft.  At a hard one the call is undone, with that
 * result, and waits for the keeper, to begin again. */
static void __attribute__((noreturn)) leave(result_t r)
{
	if (r != RESTART)
		syscall_undone(r);
	regs_return();
}

#define READABLE	(PTE_PRESENT | PTE_USER)
#define WRITABLE	(READABLE | PTE_WRITE)

#define GOOD(e, bits)	((e) && (*(e) & ((bits) | PTE_UNCHAINED)) == (bits))

/* The page of `to` behind the entry, noted as written. */
INLINE void *written(struct thread *to, uint32_t *e, uint32_t va)
{
	*e |= PTE_DIRTY | PTE_ACCESSED;
	to->recent[RECENT_PAGE] = (struct recent){ va & -FLUKE_PAGE_SIZE, page_changes, phys_to_virt(*e & PTE_FRAME) };
	return phys_to_virt((*e & PTE_FRAME) | (va & (FLUKE_PAGE_SIZE - 1)));
}

/* Superpages, and what is not there yet; e: its entry, null if it has no table. */
static void *__attribute__((noinline)) page_slowly(struct thread *t, struct thread *to, uint32_t va, uint32_t *e)
{
	struct space *space = (struct space *)to->space.target;
	void *page;

	if (e || !(e = pmap_super(space, va)) || (*e & WRITABLE) != WRITABLE) {
		result_t r = t->peer[SERVER] ? fault_soft(space, va, FLUKE_PROT_WRITE) : fault_for_server(t, space, va);

		if (r == RESTART)
			leave(r);
		if (r != OK)
			return 0;
		e = pmap_entry(space, va);
		if (GOOD(e, WRITABLE))
			return written(to, e, va);
	}
	page = pmap_page(space, va, WRITABLE);
	if (!page)
		return 0;
	frame_of(virt_to_phys(page))->marks |= FRAME_DIRTY | FRAME_REFERENCED;
	return page;
}

/* What lies at va of `to`, which is not loaded, to be written through the direct map, noted as
 * written; null: not at once. */
INLINE void *page_to_write(struct thread *t, struct thread *to, uint32_t va)
{
	uint32_t *e = pmap_entry((struct space *)to->space.target, va);

	return LIKELY(GOOD(e, WRITABLE)) ? written(to, e, va) : page_slowly(t, to, va, e);
}

static void __attribute__((noinline)) read_slowly(struct thread *t, uint32_t va, const uint32_t *e)
{
	result_t r;

	if (!e && (e = pmap_super(cpu()->loaded, va)) && (*e & READABLE) == READABLE)
		return;
	r = fault_at_once(t, va, FLUKE_PROT_READ);
	if (r == OK)
		return;
	t->attention |= ATTENTION_CALL;
	leave(r);
}

/* Sees to it that t's own page at va can be read.  Asked before it is: a trap here, and the way back, would cost more. */
INLINE void make_readable(struct thread *t, uint32_t va)
{
	uint32_t *e = pmap_entry(cpu()->loaded, va);

	if (!LIKELY(e && (*e & READABLE) == READABLE))
		read_slowly(t, va, e);
}

/* More words than fit into min_msg, out of one buffer into the first buffer of `to`. */
uint32_t __attribute__((noinline)) take_long(struct thread *t, struct thread *to, uint32_t words)
{
	uint32_t at = to->regs.esi, data, last, piece, first, second;
	struct space *space = (struct space *)to->space.target;
	void *page, *next = 0;

	USER_READ(data, t->regs.ebx, BLOCK_SEND + 4, fault);
	ONLY_IF(words <= DIRECT_WORDS && words <= to->regs.ecx, fault);
	ONLY_IF(!(at & 3) && at < FLUKE_VM_MAX - 4 * DIRECT_WORDS && BELOW_KERNEL(data, 4 * DIRECT_WORDS), fault);
	ONLY_IF(space->obj.word == OBJECT_WORD(FLUKE_TYPE_SPACE), fault);
	page = page_to_write(t, to, at);
	ONLY_IF(page, fault);
	piece = (FLUKE_PAGE_SIZE - (at & (FLUKE_PAGE_SIZE - 1))) / 4;
	if (LIKELY(words <= piece))
		piece = words;
	else if (!(next = page_to_write(t, to, at + 4 * piece)))
		return 0;
	last = data + 4 * words - 1;
	make_readable(t, data);
	if ((data ^ last) & -FLUKE_PAGE_SIZE)
		make_readable(t, last);
	USER_READ(first, data, 0, fault);
	USER_READ(second, data, 4, fault);
	to->min_msg[0] = first;
	to->min_msg[1] = second;
	USER_COPY((uint32_t)page, data, piece, data, FLUKE_PROT_READ, fault);
	if (next)
		USER_COPY((uint32_t)next, data + 4 * piece, words - piece, data, FLUKE_PROT_READ, fault);
	return words;
fault:
	return 0;
}

/* A few words out of several buffers. */
static uint32_t take_scattered(uint32_t block, uint32_t left, struct thread *to)
{
	uint32_t words, data, word, table, total = 0;

	to->min_msg[1] = 0;
	USER_READ(words, block, BLOCK_SEND, fault);
	USER_READ(data, block, BLOCK_SEND + 4, fault);
	USER_READ(table, block, BLOCK_SEND + 8, fault);
	for (;; left--, table += 8) {
		if (words > FLUKE_MAX_MIN_MSG - total || !BELOW_KERNEL(data, 4 * FLUKE_MAX_MIN_MSG))
			return 0;
		for (; words; words--, data += 4) {
			USER_READ(word, data, 0, fault);
			to->min_msg[total++] = word;
		}
		if (!left)
			return total;
		if (!BELOW_KERNEL(table, 8))
			return 0;
		USER_READ(words, table, 0, fault);
		USER_READ(data, table, 4, fault);
	}
fault:
	return 0;
}

/* The send half of the block, without references and not long: into min_msg of `to`. */
static uint32_t take_words(uint32_t block, struct thread *to)
{
	uint32_t counts;

	USER_READ(counts, block, 0, fault);
	return counts & 0xff00 ? 0 : take_scattered(block, counts & 0xff, to);
fault:
	return 0;
}

/* One reference for `to`, unless a port would gain its first link by it or lose its last: that is told at once, and
 * might wake somebody. */
static int take_ref(uint32_t block, struct thread *to)
{
	struct space *space = (struct space *)to->space.target;
	uint32_t table, *slot;
	struct object *sent, *old;
	struct ref *ref;

	USER_READ(table, block, BLOCK_SEND + 12, fault);
	ONLY_IF(BELOW_KERNEL(table, 4), fault);
	USER_READ(table, table, 0, fault);
	if (PLACE(TRY, table, FLUKE_PROT_OBJECT) != OK || (object_find_or_ref)(table, FLUKE_NULL, &sent) != OK)
		return 0;
	ONLY_IF(HALF_REFS(to->regs.eax) && !(to->regs.edx & 3) && space->obj.word == OBJECT_WORD(FLUKE_TYPE_SPACE), fault);
	slot = pmap_page(space, to->regs.edx, PTE_PRESENT | PTE_USER);
	if (!slot || PLACE(TRY, *slot, FLUKE_PROT_OBJECT) != OK || (ref_find_in)(space, *slot, &ref) != OK)
		return 0;
	old = ref->link.target;
	ONLY_IF((!sent || sent->links) && (!old || old == sent || old->links != &ref->link || ref->link.next), fault);
	link_set(&ref->link, sent);
	to->regs.eax -= ONE_REF;
	to->regs.edx += 4;
	return 1;
fault:
	return 0;
}

/* What take_block leaves: other numbers of words, several buffers, a reference, room for references. */
uint32_t __attribute__((noinline)) take_other(struct thread *t, struct thread *to, uint32_t call)
{
	uint32_t block = t->regs.ebx, counts, words, table, refs, taken;

	USER_READ(counts, block, 0, fault);
	USER_READ(words, block, BLOCK_SEND, fault);
	if ((counts & 0xff00) > 0x100 || !words)
		return 0;
	if (!(counts & 0xff) && words > FLUKE_MAX_MIN_MSG)
		taken = take_long(t, to, words);
	else
		taken = take_scattered(block, counts & 0xff, to);
	USER_READ(table, block, BLOCK_RECEIVE + 8, fault);
	USER_READ(refs, block, BLOCK_RECEIVE + 12, fault);
	if (!taken || (counts & 0xff00 && !take_ref(block, to)))
		return 0;
	counts = HALF_COUNTS(counts);
	if (counts) {		/* else edi is still what it was */
		t->regs.edi = table;
		t->regs.edx = refs;
	}
	t->regs.eax = counts | call;
	return taken;
fault:
	return 0;
}

result_t sys_ipc_client_connect_send_over_receive(struct thread *t)
{
	struct ref *ref = (struct ref *)quick_find(t, RECENT_REF, t->regs.edi, FLUKE_TYPE_REF);
	struct port *port;
	struct portset *set;
	struct thread *s;
	uint32_t status, words;

	ONLY_IF(ref, slow);
	ONLY_IF(!t->attention, slow);
	ONLY_IF(!t->peer[CLIENT], slow);
	ONLY_IF(t->depth < DONATION_MAX, slow);
	port = (struct port *)ref->link.target;
	ONLY_IF(port, slow);
	ONLY_IF(port->obj.word == OBJECT_WORD(FLUKE_TYPE_PORT), slow);
	set = (struct portset *)port->portset.target;	/* null: the kernel's port too */
	ONLY_IF(set, slow);
	s = set->servers.head;		/* nobody waits in a set that is dead or has moved */
	ONLY_IF(s, slow);
	ONLY_IF(s->standing == WAITS(WAIT_MESSAGE, CLIENT), slow);
	ONLY_IF(s->space.target, slow);
	ONLY_IF(NEITHER(s->donors, s->server_eip[FLUKE_IPC_RELIABLE - 1]), slow);
	ONLY_IF(s->regs.ecx, slow);	/* no room: all stays with the client, who may take long */
	s->regs.ebp = port->alias;	/* dead while it waits */
	words = take_block(t, s, FLUKE_CALL_ipc_client_over_receive);
	ONLY_IF(words, slow);
	/* commit: the server leaves its queue, connected, with the message */
	status = FLUKE_IPC_RELIABLE << 8 | FLUKE_SUCCESS | leave_queue(set, s);
	t->peer[CLIENT] = s;
	s->peer[SERVER] = t;
	t->serial++;
	t->flags &= ~(FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_ASIDE | FLUKE_THREAD_ALERTED);
	s->flags |= FLUKE_THREAD_CLIENT_SENDER;
	/* the client waits, the turn offered, and lends its time */
	t->min_msg_words = 0;
	wait_in(t, WAIT_OVER);
	lend(t, s);
	if (pass_to(s, words, status))
		return_finished(s);
	call_become(s, FLUKE_CALL_ipc_server_receive);
	s->flags |= FLUKE_IPC_RELIABLE << FLUKE_THREAD_ACCEPTED_SHIFT;
	return RESTART;
slow:
	return ipc_stage_connect(t, FLUKE_CALL_ipc_client_send_over_receive, THEN_OVER);
}

result_t sys_ipc_server_ack_send_wait_receive(struct thread *t)
{
	struct thread *c = t->peer[SERVER];
	struct portset *set;
	uint32_t words;

	ONLY_IF(c, slow);
	ONLY_IF(c->peer[CLIENT] == t, slow);
	ONLY_IF(c->standing == WAITS(WAIT_OVER, CLIENT), slow);
	ONLY_IF(c->space.target, slow);
	ONLY_IF(runs_for(t, c), slow);
	ONLY_IF(NEITHER(t->asker, irq_fired), slow);
	set = (struct portset *)quick_find(t, RECENT_PORTSET, t->server_portset, FLUKE_TYPE_PORTSET);
	ONLY_IF(set, slow);
	ONLY_IF(!set->active, slow);
	words = take_block(t, c, FLUKE_CALL_ipc_wait_receive);
	ONLY_IF(words, slow);
	/* commit: the connection ends, the server waits for the next message */
	c->peer[CLIENT] = 0;
	t->peer[SERVER] = 0;
	t->flags &= ~(FLUKE_THREAD_CLIENT_SENDER | FLUKE_THREAD_ACCEPTED);
	t->min_msg_words = 0;
	give_back(t, c);
	enter_queue(set, t);
	/* the client goes on with what it had lent */
	if (pass_to(c, words, FLUKE_IPC_RECV_DISCONNECTED))
		return_finished(c);
	call_become(c, FLUKE_CALL_ipc_client_receive);
	return RESTART;
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

/* Stopped where its turn was offered: it takes the answer from min_msg when it goes on. */
static int stopped_over(const struct thread *c)
{
	return c->blocked == BLOCKED_STOPPED && c->regs.eip == FLUKE_ENTRY && !c->min_msg_words &&
		(c->regs.eax & 0x1ff) == FLUKE_CALL_ipc_client_over_receive && !(c->flags & FLUKE_THREAD_SERVER_SENDER);
}

/* Block at ebx, reference to the client at edi. */
result_t sys_ipc_server_answer(struct thread *t)
{
	uint32_t block = t->regs.ebx, number, words;
	struct object *o;
	struct thread *c;
	struct ref *ref;
	int stopped;

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
	stopped = stopped_over(c);
	if (c->peer[CLIENT]->peer[SERVER] == c ||
	    (!stopped && (c->standing != WAITS(WAIT_OVER, CLIENT) || c->min_msg_words)))
		goto not_now;
	words = take_words(block, c);
	if (!words)
		goto not_now;
	/* commit */
	link_clear(&ref->link);
	ipc_disconnect(c, CLIENT);
	c->min_msg_words = words;
	if (stopped) {
		c->regs.eax |= FLUKE_CALL_ANSWERED;
	} else {
		call_become(c, FLUKE_CALL_ipc_client_receive);
		wait_wake(c);
	}
	t->regs.eax = FLUKE_SUCCESS;
	return OK;
not_now:
	t->regs.eax = FLUKE_IPC_NOT_NOW;
	return OK;
}
