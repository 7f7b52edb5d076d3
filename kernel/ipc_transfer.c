/* Moving words and references between the halves in the registers of two threads, one of
 * which is current.  Both threads' registers advance with every piece, so the transfer may
 * stop anywhere.  The current thread's own memory is looked at first: what is wrong with it is
 * then found by itself and not by its peer. */
#include "kernel.h"
#include "ipc.h"
#include "machine.h"
#include "mmu.h"

#define COPY_WORDS_MAX	(1u << 24)	/* per step, so that bytes fit a word */

static result_t load_block(struct thread *t, fluke_ipc_params_t *block)
{
	if (t->regs.ebx & 3)
		return INSANE(BUFFER_UNALIGNED);
	return user_read(block, t->regs.ebx, sizeof *block);
}

result_t ipc_load_send(struct thread *t, uint32_t *table)
{
	fluke_ipc_params_t block;

	TRY(load_block(t, &block));
	t->regs.eax = (t->regs.eax & 0xffff) | block.send_buffers << 16 | (uint32_t)block.send_refs << 24;
	t->regs.ecx = block.send_words;
	t->regs.esi = (uint32_t)block.send_data;
	*table = (uint32_t)block.send_buffer_table;
	t->regs.edx = (uint32_t)block.send_ref_table;
	return OK;
}

result_t ipc_load_receive(struct thread *t, uint32_t *table)
{
	fluke_ipc_params_t block;

	TRY(load_block(t, &block));
	t->regs.eax = (t->regs.eax & 0xffff) | block.recv_buffers << 16 | (uint32_t)block.recv_refs << 24;
	t->regs.ecx = block.recv_words;
	t->regs.esi = (uint32_t)block.recv_data;
	*table = (uint32_t)block.recv_buffer_table;
	t->regs.edx = (uint32_t)block.recv_ref_table;
	return OK;
}

/* What lies there in another space, in the direct map; null: not at once. */
static void *peer_memory(struct space *space, uint32_t va, uint32_t bits, unsigned access)
{
	void *p = space ? pmap_page(space, va, bits) : NULL;

	return p || !space || fault_soft(space, va, access) != OK ? p : pmap_page(space, va, bits);
}

/* Reads another space's memory; FAULT leaves no trace. */
static result_t peer_read(struct space *space, uint32_t va, uint32_t *to, unsigned words)
{
	TRY(PLACE(COPY, va, FLUKE_PROT_READ));
	for (; words--; va += 4, to++) {
		const uint32_t *from = va & 3 ? NULL : peer_memory(space, va, PTE_PRESENT | PTE_USER, FLUKE_PROT_READ);

		if (!from)
			return FAULT;
		*to = *from;
	}
	return OK;
}

static result_t read_words(struct thread *t, uint32_t va, uint32_t *to, unsigned words)
{
	if (t == current)
		return user_read(to, va, words * 4);
	return peer_read(thread_space(t), va, to, words);
}

static result_t next_buffer(struct stream s)
{
	uint32_t pair[2];

	TRY(read_words(s.t, *s.table, pair, 2));
	s.t->regs.ecx = pair[0];
	s.t->regs.esi = pair[1];
	*s.table += sizeof pair;
	s.t->regs.eax -= ONE_BUFFER;
	return OK;
}

/* A result for the thread t: its own goes up, a peer's makes the peer run. */
static enum transfer stopped(struct thread *t, result_t r, struct transfer_stop *stop, uint32_t va, uint32_t access)
{
	stop->self = r;
	stop->va = va;
	stop->access = r == FAULT ? access : 0;
	return t == current ? TRANSFER_SELF : TRANSFER_PEER;
}

static void advance(struct thread *t, uint32_t words)
{
	t->regs.ecx -= words;
	t->regs.esi += words * 4;
}

/* One piece: the rest of the sender's or of the receiver's buffer. */
static enum transfer copy_piece(struct thread *from, struct thread *to, struct transfer_stop *stop)
{
	uint32_t words = from->regs.ecx < to->regs.ecx ? from->regs.ecx : to->regs.ecx;
	uint32_t done = 0, va = 0;
	enum copy_stop how;

	if (words > COPY_WORDS_MAX)
		words = COPY_WORDS_MAX;
	if (!thread_space(from))
		return stopped(from, RESTART, stop, 0, 0);
	if (!thread_space(to))
		return stopped(to, RESTART, stop, 0, 0);
	how = user_copy(thread_space(from), from->regs.esi, thread_space(to), to->regs.esi, words * 4, &done, &va);
	advance(from, done / 4);
	advance(to, done / 4);
	if (how == COPY_PREEMPT)
		return TRANSFER_PREEMPT;
	if (how == COPY_DONE)
		return TRANSFER_SENT;
	struct thread *faulting = how == COPY_FAULT_FROM ? from : to;

	if (faulting == current) {
		current->fault.va = va;
		current->fault.access = faulting == from ? FLUKE_PROT_READ : FLUKE_PROT_WRITE;
	}
	return stopped(faulting, FAULT, stop, va, faulting == from ? FLUKE_PROT_READ : FLUKE_PROT_WRITE);
}

static enum transfer move_words(struct stream from, struct stream to, struct transfer_stop *stop)
{
	for (;;) {
		result_t r;

		/* full: so without a look at the sender's table, which may not be there */
		if (!to.t->regs.ecx && !HALF_BUFFERS(to.t->regs.eax) && HALF_BUFFERS(from.t->regs.eax))
			return TRANSFER_FULL_DATA;
		if (!from.t->regs.ecx) {
			if (!HALF_BUFFERS(from.t->regs.eax))
				return TRANSFER_SENT;
			r = next_buffer(from);
			if (r != OK)
				return stopped(from.t, r, stop, *from.table, FLUKE_PROT_READ);
			continue;
		}
		if (!to.t->regs.ecx) {
			if (!HALF_BUFFERS(to.t->regs.eax))
				return TRANSFER_FULL_DATA;
			r = next_buffer(to);
			if (r != OK)
				return stopped(to.t, r, stop, *to.table, FLUKE_PROT_READ);
			continue;
		}
		enum transfer how = copy_piece(from.t, to.t, stop);

		if (how != TRANSFER_SENT)
			return how;
	}
}

static result_t find_sent(struct thread *t, struct object **found, uint32_t *va)
{
	*va = t->regs.edx;
	TRY(read_words(t, t->regs.edx, va, 1));
	if (t == current)
		return object_find_or_ref(*va, FLUKE_NULL, found);
	return object_find_or_ref_in(thread_space(t), *va, FLUKE_NULL, found);
}

static result_t find_wanted(struct thread *t, struct ref **found, uint32_t *va)
{
	*va = t->regs.edx;
	TRY(read_words(t, t->regs.edx, va, 1));
	if (t == current)
		return ref_find(*va, found);
	return ref_find_in(thread_space(t), *va, found);
}

static enum transfer move_ref(struct thread *from, struct thread *to, struct transfer_stop *stop)
{
	struct object *target = NULL;
	struct ref *ref = NULL;
	uint32_t va;
	result_t r;

	if (!thread_space(from))
		return stopped(from, RESTART, stop, 0, 0);
	if (!thread_space(to))
		return stopped(to, RESTART, stop, 0, 0);
	for (int turn = 0; turn < 2; turn++) {
		struct thread *t = (turn == 0) == (from == current) ? from : to;

		r = t == from ? find_sent(t, &target, &va) : find_wanted(t, &ref, &va);
		if (r != OK)
			return stopped(t, r, stop, va, FLUKE_PROT_OBJECT | (t == to ? FLUKE_PROT_WRITE : 0));
	}
	link_set(&ref->link, target);
	from->regs.edx += 4;
	to->regs.edx += 4;
	from->regs.eax -= ONE_REF;
	to->regs.eax -= ONE_REF;
	return TRANSFER_SENT;
}

enum transfer ipc_transfer(struct stream from, struct stream to, struct transfer_stop *stop)
{
	enum transfer data = move_words(from, to, stop);

	if (data != TRANSFER_SENT && data != TRANSFER_FULL_DATA)
		return data;
	while (HALF_REFS(from.t->regs.eax)) {
		enum transfer how;

		if (!HALF_REFS(to.t->regs.eax))
			return data == TRANSFER_SENT ? TRANSFER_FULL_REFS : data;
		how = move_ref(from.t, to.t, stop);
		if (how != TRANSFER_SENT)
			return how;
		if (HALF_REFS(from.t->regs.eax) && cpu_poll())
			return TRANSFER_PREEMPT;
	}
	return data;
}

/* The first words, at most 8, of t's send half; missing ones are 0. */
result_t ipc_read_first(struct thread *t, uint32_t words[FLUKE_MAX_MIN_MSG])
{
	uint32_t count = t->regs.ecx < FLUKE_MAX_MIN_MSG ? t->regs.ecx : FLUKE_MAX_MIN_MSG;

	for (unsigned i = count; i < FLUKE_MIN_MSG_SIZE; i++)
		words[i] = 0;
	return count ? user_read(words, t->regs.esi, count * 4) : OK;
}

/* Stores what is pending in min_msg into t's receive half.  Stops silently when that is full. */
result_t ipc_store_min(struct thread *t, uint32_t *table)
{
	struct stream stream = { t, table };

	while (t->min_msg_words) {
		uint32_t total = MIN_MSG_TOTAL(t->min_msg_words), stored = MIN_MSG_STORED(t->min_msg_words);
		uint32_t words = total - stored < t->regs.ecx ? total - stored : t->regs.ecx;

		if (!words) {
			if (!HALF_BUFFERS(t->regs.eax))
				return OK;
			TRY(next_buffer(stream));
			continue;
		}
		TRY(user_write(t->regs.esi, &t->min_msg[stored], words * 4));
		advance(t, words);
		stored += words;
		t->min_msg_words = stored == total ? 0 : total | stored << 8;
	}
	return OK;
}

result_t ipc_check_refs(struct thread *t)
{
	for (unsigned i = 0; i < HALF_REFS(t->regs.eax); i++) {
		struct object *o;
		uint32_t va;

		TRY(user_read_word(&va, t->regs.edx + 4 * i));
		TRY(object_find_or_ref(va, FLUKE_NULL, &o));
		if (i % 2 && cpu_poll()) {
			t->attention |= ATTENTION_CALL;
			return RESTART;
		}
	}
	return OK;
}

/* Replaces a word just written to t's memory; false if that cannot be reached any more. */
int ipc_patch_first(struct thread *t, uint32_t va, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++, word >>= 8) {
		uint8_t *p = peer_memory(thread_space(t), va + i, PTE_PRESENT | PTE_USER | PTE_WRITE, FLUKE_PROT_WRITE);

		if (!p)
			return 0;
		*p = (uint8_t)word;
	}
	return 1;
}

result_t ipc_end(struct thread *t, unsigned status)
{
	t->regs.eax = HALF_COUNTS(t->regs.eax) | status;
	t->regs.ebx = t->regs.ecx;
	return OK;
}

/* Where a wait_receive goes on: at the server entry of its flavour, or behind the call. */
static void server_entry(struct thread *t, unsigned flavour)
{
	uint32_t eip = t->server_eip[flavour - 1];

	if (eip) {
		t->regs.eip = eip;
		t->regs.esp = t->server_esp;
	} else {
		t->regs.eip = FLUKE_ENTRY_RET;
	}
}

result_t ipc_receive_end(struct thread *t, unsigned status)
{
	unsigned flavour = (t->flags & FLUKE_THREAD_ACCEPTED) >> FLUKE_THREAD_ACCEPTED_SHIFT;

	t->regs.eax = HALF_COUNTS(t->regs.eax) | flavour << 8 | status;
	t->regs.ebx = t->regs.ecx;
	t->regs.esi = t->min_msg[0];
	t->regs.edi = t->min_msg[1];
	if (flavour) {
		if (t->last_of && !t->last_of->servers.head)
			t->regs.eax |= FLUKE_IPC_LAST_BIT;
		t->flags &= ~FLUKE_THREAD_ACCEPTED;
		server_entry(t, flavour);
	} else {
		t->regs.eip = FLUKE_ENTRY_RET;
	}
	return OK;
}
