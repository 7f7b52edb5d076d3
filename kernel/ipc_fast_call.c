/* The idempotent exchange that matters most: a thread's fault or exception, asked of a keeper that
 * waits, and the keeper's reply_wait_receive.  As in ipc_fast.c nothing happens before all is
 * known to hold; else the general code does it. */
#include "ipc_fast.h"
#include "irq.h"
#include "sched.h"
#include "vm.h"
#include "wait.h"

/* t, current and blocked as BLOCKED_KEEPER alone, asks the port; true when a server has taken it and runs. */
int ipc_fast_ask(struct thread *t, struct port *port)
{
	struct portset *set = (struct portset *)port->portset.target;
	struct thread *s;
	uint32_t status;

	if (!set || set->obj.word != OBJECT_WORD(FLUKE_TYPE_PORTSET) || cpu()->preempt || t->depth >= DONATION_MAX || t->asked || t->donee ||
	    t->blocked != BLOCKED_KEEPER || cpu()->thread_loaded != t)
		return 0;
	s = set->servers.head;
	if (!s || s->standing != WAITS(WAIT_MESSAGE, CLIENT) || !s->space.target || s->server_eip[FLUKE_IPC_IDEMPOTENT - 1] ||
	    s->donors || s->regs.ecx < KEEPER_WORDS)
		return 0;
	status = FLUKE_IPC_IDEMPOTENT << 8 | FLUKE_SUCCESS | leave_queue(set, s);
	s->regs.ebp = port->alias;
	__builtin_memcpy(s->min_msg, t->keeper_words, sizeof t->keeper_words);
	s->asker = t;
	t->asked = s;
	t->wait_kind = WAIT_ANSWER;
	lend(t, s);
	if (!pass_to(s, KEEPER_WORDS, status)) {
		call_become(s, FLUKE_CALL_ipc_server_receive);
		s->flags |= FLUKE_IPC_IDEMPOTENT << FLUKE_THREAD_ACCEPTED_SHIFT;
	}
	return 1;
}

/* The first word of a reply without references, or 0 if it has none; the receive half goes to the
 * registers, t's next call being wait_receive. */
static inline int reply_word(struct thread *t, uint32_t *word)
{
	uint32_t block = t->regs.ebx, counts, words, data, table, refs, first = 0;

	if (block >= KERNEL_BASE - sizeof(fluke_ipc_params_t) || (block & 3))
		return 0;
	USER_READ(counts, block, 0, fault);
	USER_READ(words, block, BLOCK_SEND, fault);
	USER_READ(data, block, BLOCK_SEND + 4, fault);
	if ((counts & 0xffff) || data >= KERNEL_BASE - 4)
		return 0;
	if (words)
		USER_READ(first, data, 0, fault);
	*word = first;
	USER_READ(words, block, BLOCK_RECEIVE, fault);
	USER_READ(data, block, BLOCK_RECEIVE + 4, fault);
	USER_READ(table, block, BLOCK_RECEIVE + 8, fault);
	USER_READ(refs, block, BLOCK_RECEIVE + 12, fault);
	t->regs.ecx = words;
	t->regs.esi = data;
	t->regs.edi = table;
	t->regs.edx = refs;
	t->regs.eax = HALF_COUNTS(counts) | FLUKE_CALL_ipc_wait_receive;
	return 1;
fault:
	return 0;
}

result_t sys_ipc_reply_wait_receive(struct thread *t)
{
	struct thread *asker = t->asker;
	struct portset *set;
	uint32_t word;

	if (!asker || asker->blocked != BLOCKED_KEEPER || asker->wait_kind != WAIT_ANSWER || !runs_for(t, asker) ||
	    irq_fired || t->peer[SERVER] || !asker->space.target)
		goto slow;
	set = (struct portset *)quick_find(t, RECENT_PORTSET, t->server_portset, FLUKE_TYPE_PORTSET);
	if (!set || set->active || asker->keeper_fault == WATCHED || !reply_word(t, &word))
		goto slow;
	/* commit: the server waits for the next message */
	t->asker = 0;
	asker->asked = 0;
	t->flags &= ~FLUKE_THREAD_ACCEPTED;
	t->min_msg_words = 0;
	give_back(t, asker);
	enter_queue(set, t);
	/* the asker goes on: its fault is looked at again, or its call made again */
	link_clear(&asker->keeper);
	if (asker->keeper_fault)
		fault_answered(asker, word);
	if (asker->regs.eip == FLUKE_ENTRY)
		asker->attention |= ATTENTION_CALL;
	asker->wait_kind = WAIT_NONE;
	asker->blocked = 0;
	current = asker;
	cpu_load_other(asker);
	return RESTART;
slow:
	return ipc_reply_then_wait(t);
}
