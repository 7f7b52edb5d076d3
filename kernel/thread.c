/* Threads: birth and end, state in and out, the calls on oneself, and what must happen before
 * a thread's next user instruction (thread_attend).
 *
 * A stopped thread's registers and flags are its whole state; what a get_state reads at any
 * instant and a set_state writes into a fresh thread goes on to the same result. */
#include "kernel.h"
#include "machine.h"
#include "wait.h"
#include "sched.h"
#include "port.h"
#include "mutex.h"
#include "ipc.h"
#include "vm.h"

_Static_assert(sizeof(struct thread) == 1024, "the size of a thread is part of the ABI");
_Static_assert(offsetof(struct thread, fxsave) == 512, "state and links outgrew their half");

static void thread_init(struct object *o)
{
	struct thread *t = (struct thread *)o;

	t->flags = FLUKE_THREAD_STOPPED;
	t->blocked = BLOCKED_STOPPED | BLOCKED_NO_SPACE;
	t->fault.depths = t->fault.states = 0;
	regs_init(t);
}

/* Takes t, which waits no more, out of everything that others know it by, its connections and those who lend to it excepted. */
static void thread_detach(struct thread *t)
{
	if (t->asker)
		ipc_abandon(t);
	sched_thread_gone(t);
	cpu_forget(t);
	if (current == t)
		current = NULL;
}

static inline int connected(const struct thread *t)
{
	return t->peer[CLIENT] || t->peer[SERVER] || t->parked[CLIENT] || t->parked[SERVER];
}

static int thread_destroy_step(struct object *o)
{
	struct thread *t = (struct thread *)o;

	t->blocked |= BLOCKED_DYING;
	wait_cancel(t);
	if (t->owned && !mutex_abandon(t))
		return 0;
	thread_detach(t);
	if ((t->donors && !sched_donors_step(t, NULL)) || (connected(t) && !ipc_thread_destroyed(t)))
		return 0;
	if (cpu()->root == t)
		cpu()->root = NULL;
	link_clear(&t->space);
	link_clear(&t->scheduler);
	link_clear(&t->keeper);
	return 1;
}

static void thread_moved(struct object *old_object, struct object *new_object)
{
	struct thread *old = (struct thread *)old_object, *t = (struct thread *)new_object;

	wait_cancel(old);
	thread_detach(old);
	memcpy((char *)t + sizeof t->obj, (char *)old + sizeof old->obj, sizeof *t - sizeof t->obj);
	t->donors = NULL;
	old->blocked = BLOCKED_DYING;
	link_move(&old->space, &t->space);
	link_move(&old->scheduler, &t->scheduler);
	link_move(&old->keeper, &t->keeper);
	ipc_thread_moved(old, t);
	mutex_owner_moved(t);
	if (cpu()->root == old)
		cpu()->root = t;
}

static int thread_moved_step(struct object *old, struct object *new_object)
{
	struct thread *t = (struct thread *)new_object;

	if (!sched_donors_step((struct thread *)old, t))
		return 0;
	if (!t->blocked)
		sched_ready(t);
	return 1;
}

const struct object_type thread_type = {
	"thread", sizeof(struct thread), thread_init, thread_destroy_step, thread_moved, thread_moved_step, FLUKE_INSANITY_NOT_THREAD,
};

void thread_stop(struct thread *t)
{
	wait_cancel(t);
	if (t->asker)		/* no part of the state: it asks again */
		ipc_abandon(t);
	t->flags |= FLUKE_THREAD_STOPPED;
	t->blocked |= BLOCKED_STOPPED;
	t->blocked &= ~BLOCKED_EXCEPTION;
	if (t == current || t->request_pending || t->donors)
		sched_block(t);
	t->known = 0;
}

void thread_pending(struct thread *t)
{
	const uint32_t pending = FLUKE_THREAD_INTERRUPT_PENDING | FLUKE_THREAD_CLIENT_ALERT | FLUKE_THREAD_SERVER_ALERT;

	if ((t->flags & pending) && (t->flags & FLUKE_THREAD_EXCEPTION_ENABLE))
		t->attention |= ATTENTION_EXCEPTION;
	else
		t->attention &= ~ATTENTION_EXCEPTION;
}

/* t->fault is to be resolved, at once or again. */
static void attend_fault(struct thread *t)
{
	t->attention &= ~ATTENTION_FAULT;
	if (fault_resolve(t, t->fault.va, t->fault.access) == FAULT)
		exception_raise(t, t->fault.code, t->fault.va, t->fault.access);
}

/* A change of who runs; a thread that lost the processor with no source of time asks for one. */
static void attend_dispatch(void)
{
	struct thread *old = current, *next;

	for (; sched_rest; (cpu_poll)())	/* no call is under way: no place */
		sched_look();
	next = sched_choose();
	cpu()->preempt = (uint32_t)sched_rest;
	sched_left = SCHED_STEP;
	if (old)
		old->attention &= ~ATTENTION_DISPATCH;
	current = next;
	if (next)
		sched_run(next);
	if (old && old != next && !old->blocked && !old->supplier)
		sched_request(old);
}

/* Until current is a thread that may run user instructions. */
void thread_attend(void)
{
	for (;;) {
		struct thread *t = current;

		if (!t || cpu()->preempt) {
			attend_dispatch();
			t = current;
			if (!t && !cpu()->preempt)
				cpu_idle();
			else if (t && !t->attention && !cpu()->preempt)
				return;
			continue;
		}
		if (t->attention & ATTENTION_DISPATCH) {
			t->attention &= ~ATTENTION_DISPATCH;
			if (!link_target(&t->space)) {
				(void)PLACE(WAIT, 0, 0);
				t->blocked |= BLOCKED_NO_SPACE;
				sched_block(t);
			}
		} else if (t->attention & ATTENTION_FAULT) {
			attend_fault(t);
			if (current == t && !t->attention && !cpu()->preempt)
				return;
		} else if ((t->attention & ATTENTION_EXCEPTION) && !message_first(t)) {
			exception_async(t);
		} else if (!t->space.target || !link_target(&t->space)) {
			t->attention |= ATTENTION_DISPATCH;
		} else if (t->attention & ATTENTION_CALL) {
			if (cpu_poll())
				continue;
			t->attention &= ~ATTENTION_CALL;
			syscall_dispatch(t);
		} else if (t->attention & ATTENTION_EXCEPTION) {
			exception_async(t);
		} else {
			return;
		}
	}
}

/* The thread at ebx, not the caller. */
static result_t find_other(struct thread *t, unsigned access, struct thread **found)
{
	struct object *o;

	TRY(PLACE(FIND, t->regs.ebx, access));
	o = object_looked_up(cpu()->loaded, t->regs.ebx, FLUKE_TYPE_THREAD);
	if (!o)
		TRY((object_find)(t->regs.ebx, FLUKE_TYPE_THREAD, access, &o));
	if (o == &t->obj)
		return INSANE(CURRENT_THREAD);
	*found = (struct thread *)o;
	return OK;
}

/* What t waits for: a thread, a portset, port, mutex or condition. */
static struct object *waits_for(const struct thread *t)
{
	const struct thread *peer = NULL;

	if (!(t->blocked & BLOCKED_WAIT))
		return NULL;
	switch (t->wait_kind) {
	case WAIT_QUEUE: case WAIT_SCHEDULE:
		return t->wait_object;
	case WAIT_MESSAGE:
		return &container_of(t->wait_queue, struct portset, servers)->obj;
	case WAIT_CONNECT: case WAIT_CALL: case WAIT_ANSWER:
		if (t->wait_queue)
			return &container_of(t->wait_queue, struct port, clients)->obj;
		peer = t->asked;
		break;
	case WAIT_REPLY:
		peer = t->asker;
		break;
	default:
		peer = t->peer[t->wait_side];
	}
	return peer ? (struct object *)&peer->obj : NULL;
}

static void state_export(struct thread *t, fluke_thread_state_t *state)
{
	uint32_t flags = t->flags | FLUKE_THREAD_STOPPED;

	if (t->flags & FLUKE_THREAD_STOPPED)
		flags |= FLUKE_THREAD_HELD;
	if (t->peer[SERVER] && t->peer[SERVER]->peer[CLIENT] != t)
		flags |= FLUKE_THREAD_CLIENT_PARKED;
	if (t->peer[CLIENT] && t->peer[CLIENT]->peer[SERVER] != t)
		flags |= FLUKE_THREAD_SERVER_PARKED;
	state->hash = t->obj.hash;
	state->thread_va = t->thread_va;
	state->sched_val = t->sched_val;
	regs_export(t, &state->regs, &state->fpu);
	if (t->blocked & BLOCKED_KEEPER)
		exception_undone(t, &state->regs.eip, &flags);
	state->flags = flags;
	state->connections = t->serial;
	state->used = t->used;
}

/* The FPU's part is neither written nor read unless the flag says that it is valid. */
static uint32_t state_bytes(const fluke_thread_state_t *state)
{
	return state->flags & FLUKE_THREAD_FPU_USED ? sizeof *state : offsetof(fluke_thread_state_t, fpu);
}

/* Stops the thread at ebx and reads it: state to ecx, links to the refs in the table at edx. */
result_t sys_thread_get_state(struct thread *t)
{
	static fluke_thread_state_t state;
	uint32_t table[FLUKE_THREAD_LINKS] = { 0 };
	struct ref *ref[FLUKE_THREAD_LINKS] = { NULL };
	struct object *waiting = NULL, *target[FLUKE_THREAD_LINKS];
	uint32_t any = 0;
	struct thread *other;

	TRY(find_other(t, FLUKE_PROT_OBJECT, &other));
	if (t->regs.edx)
		TRY(user_read(table, t->regs.edx, sizeof table));
	for (unsigned i = 0; i < FLUKE_THREAD_LINKS; i++)
		if (table[i]) {
			TRY(PLACE(FIND, table[i], FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE));
			ref[i] = (struct ref *)object_looked_up(cpu()->loaded, table[i], FLUKE_TYPE_REF);
			if (!ref[i])
				TRY((ref_find)(table[i], &ref[i]));
			any = 1;
		}
	if (t->regs.ecx) {
		state_export(other, &state);
		TRY(user_write(t->regs.ecx, &state, state_bytes(&state)));
	}
	/* commit */
	if (ref[FLUKE_LINK_WAITING_FOR])
		waiting = waits_for(other);
	thread_stop(other);
	if (!any)
		return OK;
	target[FLUKE_LINK_SPACE] = link_target(&other->space);
	target[FLUKE_LINK_SCHEDULER] = link_target(&other->scheduler);
	target[FLUKE_LINK_WAITING_FOR] = waiting;
	target[FLUKE_LINK_CLIENT] = other->peer[SERVER] ? &other->peer[SERVER]->obj : NULL;
	target[FLUKE_LINK_SERVER] = other->peer[CLIENT] ? &other->peer[CLIENT]->obj : NULL;
	for (unsigned i = 0; i < FLUKE_THREAD_LINKS; i++)
		if (ref[i])
			link_set(&ref[i]->link, target[i]);
	return OK;
}

/* What set_state found in the refs of its table; null = leave that link alone. */
static result_t check_links(uint32_t va, struct ref *ref[FLUKE_THREAD_LINKS])
{
	static const struct { uint8_t type, insanity; } want[FLUKE_THREAD_LINKS] = {
		[FLUKE_LINK_SPACE]	 = { FLUKE_TYPE_SPACE, FLUKE_INSANITY_NOT_SPACE_REF },
		[FLUKE_LINK_SCHEDULER]	 = { FLUKE_TYPE_PORT, FLUKE_INSANITY_NOT_PORT_REF },
		[FLUKE_LINK_CLIENT]	 = { FLUKE_TYPE_THREAD, FLUKE_INSANITY_NOT_THREAD_REF },
		[FLUKE_LINK_SERVER]	 = { FLUKE_TYPE_THREAD, FLUKE_INSANITY_NOT_THREAD_REF },
	};
	uint32_t table[FLUKE_THREAD_LINKS] = { 0 };

	if (va)
		TRY(user_read(table, va, sizeof table));
#pragma GCC unroll 5
	for (unsigned i = 0; i < FLUKE_THREAD_LINKS; i++) {
		ref[i] = NULL;
		if (!table[i] || !want[i].type)
			continue;
		TRY(ref_check(table[i], want[i].type, want[i].insanity, &ref[i]));
	}
	return OK;
}

static void import_links(struct thread *t, struct ref *ref[FLUKE_THREAD_LINKS], uint32_t flags)
{
	if (ref[FLUKE_LINK_SPACE]) {
		link_set(&t->space, link_target(&ref[FLUKE_LINK_SPACE]->link));
		cpu_forget(t);
		thread_forget(t);
	}
	if (ref[FLUKE_LINK_SCHEDULER]) {
		sched_withdraw(t);
		link_set(&t->scheduler, link_target(&ref[FLUKE_LINK_SCHEDULER]->link));
		t->known = 0;
	}
	if (ref[FLUKE_LINK_CLIENT])
		ipc_take_over(t, SERVER, (struct thread *)link_target(&ref[FLUKE_LINK_CLIENT]->link),
			flags & FLUKE_THREAD_CLIENT_PARKED);
	if (ref[FLUKE_LINK_SERVER])
		ipc_take_over(t, CLIENT, (struct thread *)link_target(&ref[FLUKE_LINK_SERVER]->link),
			flags & FLUKE_THREAD_SERVER_PARKED);
}

static result_t import_state(struct thread *t, const fluke_thread_state_t *state, const struct ref *scheduler)
{
	if (state->flags & ~FLUKE_THREAD_FLAGS)
		return INSANE(INVALID_STATE);
	TRY(regs_import(t, &state->regs, state->flags & FLUKE_THREAD_FPU_USED ? &state->fpu : NULL));
	t->thread_va = state->thread_va;
	if (scheduler || !link_target(&t->scheduler))
		t->sched_val = state->sched_val;
	t->flags = state->flags & ~(FLUKE_THREAD_HELD | FLUKE_THREAD_CLIENT_PARKED | FLUKE_THREAD_SERVER_PARKED);
	t->serial = (uint16_t)state->connections;
	if (state->used > t->used)
		t->used = state->used;
	t->made = 0;
	t->attention = t->regs.eip == FLUKE_ENTRY ? ATTENTION_CALL : 0;
	thread_pending(t);
	t->fault.depths = t->fault.states = 0;
	t->passed = 0;
	return OK;
}

/* Writes the stopped thread at ebx: state from ecx (0 = leave), links from the refs in the table at
 * edx (0 = leave), and lets it go unless the new flags say STOPPED. */
result_t sys_thread_set_state(struct thread *t)
{
	static fluke_thread_state_t state;
	struct ref *ref[FLUKE_THREAD_LINKS];
	struct thread *other;

	TRY(find_other(t, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &other));
	if (!(other->flags & FLUKE_THREAD_STOPPED))
		return INSANE(RACE_CONDITION);
	if (t->regs.ecx) {
		TRY(user_read(&state, t->regs.ecx, offsetof(fluke_thread_state_t, fpu)));
		TRY(PLACE(COPY, t->regs.ecx + offsetof(fluke_thread_state_t, fpu), FLUKE_PROT_READ));
		if (state.flags & FLUKE_THREAD_FPU_USED)
			TRY((user_read)(&state.fpu, t->regs.ecx + offsetof(fluke_thread_state_t, fpu), sizeof state.fpu));
	}
	TRY(check_links(t->regs.edx, ref));
	if (t->regs.ecx)
		TRY(import_state(other, &state, ref[FLUKE_LINK_SCHEDULER]));
	/* commit */
	import_links(other, ref, t->regs.ecx ? state.flags : 0);
	other->blocked = (other->flags & FLUKE_THREAD_STOPPED ? BLOCKED_STOPPED : 0) |
		(link_target(&other->space) ? 0 : BLOCKED_NO_SPACE);
	if (!other->blocked)
		sched_ready(other);
	return OK;
}

/* Posts a software interrupt to the thread at ebx; a waiting one wakes to take it. */
result_t sys_thread_interrupt(struct thread *t)
{
	struct thread *other;

	TRY(find_other(t, FLUKE_PROT_OBJECT, &other));
	other->flags |= FLUKE_THREAD_INTERRUPT_PENDING;
	thread_alert(other);
	return OK;
}

/* An asynchronous exception is pending: if it can be taken, the thread leaves its wait. */
void thread_alert(struct thread *t)
{
	thread_pending(t);
	if (!(t->attention & ATTENTION_EXCEPTION) || !(t->blocked & (BLOCKED_WAIT | BLOCKED_KEEPER)))
		return;
	wait_cancel(t);
	if (!t->blocked)
		sched_ready(t);
}

/* Calls on oneself.  The argument `self` (ebx) is ignored. */

result_t sys_thread_self(struct thread *t)
{
	t->regs.eax = t->thread_va;
	return OK;
}

result_t sys_thread_set_tls(struct thread *t)
{
	regs_set_tls(t, t->regs.ebx);
	return OK;
}

result_t sys_thread_disable_exceptions(struct thread *t)
{
	t->flags &= ~FLUKE_THREAD_EXCEPTION_ENABLE;
	thread_pending(t);
	return OK;
}

result_t sys_thread_enable_exceptions(struct thread *t)
{
	t->flags |= FLUKE_THREAD_EXCEPTION_ENABLE;
	thread_pending(t);
	return OK;
}

result_t sys_thread_get_handlers(struct thread *t)
{
	return user_write(t->regs.ecx, t->handler, sizeof t->handler);
}

result_t sys_thread_set_handlers(struct thread *t)
{
	t->handler[0] = t->regs.ecx;
	t->handler[1] = t->regs.edx;
	t->handler[2] = t->regs.esi;
	t->handler[3] = t->regs.edi;
	return OK;
}

result_t sys_thread_get_saved_state(struct thread *t)
{
	struct fluke_thread_saved_state saved = {
		t->saved_eax, t->saved_ecx, t->saved_edx, t->saved_esp, t->saved_eip, t->saved_eflags, .min_msg_words = t->min_msg_words,
	};

	memcpy(saved.min_msg, t->min_msg, sizeof saved.min_msg);
	return user_write(t->regs.ecx, &saved, sizeof saved);
}

result_t sys_thread_set_saved_state(struct thread *t)
{
	struct fluke_thread_saved_state saved;

	TRY(user_read(&saved, t->regs.ecx, sizeof saved));
	if (!regs_message_good(saved.min_msg_words))
		return INSANE(INVALID_STATE);
	memcpy(t->min_msg, saved.min_msg, sizeof saved.min_msg);
	t->min_msg_words = saved.min_msg_words;
	t->saved_eax = saved.eax;
	t->saved_ecx = saved.ecx;
	t->saved_edx = saved.edx;
	t->saved_esp = saved.esp;
	t->saved_eip = saved.eip;
	t->saved_eflags = saved.eflags;
	return OK;
}

/* The caller's connection of a side into the ref at ecx, who sends and its number into esi. */
static result_t get_peer(struct thread *t, enum side side, uint32_t flags)
{
	struct thread *peer = t->peer[side];
	struct ref *ref;

	TRY(ref_find(t->regs.ecx, &ref));
	link_set(&ref->link, peer ? &peer->obj : NULL);
	t->regs.esi = t->flags & flags;
	if (peer)
		t->regs.esi |= (uint32_t)(side == CLIENT ? t : peer)->serial << FLUKE_CONNECTION_SHIFT;
	return OK;
}

static result_t set_peer(struct thread *t, enum side side)
{
	struct object *o;

	if (!t->regs.ecx) {
		o = NULL;
	} else {
		TRY(object_find_or_ref(t->regs.ecx, FLUKE_NULL, &o));
		if (o && object_type(o) != FLUKE_TYPE_THREAD)
			return INSANE(NOT_THREAD_REF);
	}
	ipc_resume(t, side, (struct thread *)o, t->regs.edx >> FLUKE_CONNECTION_SHIFT);
	return OK;
}

result_t sys_thread_get_client(struct thread *t)
{
	return get_peer(t, SERVER, FLUKE_THREAD_CLIENT_SENDER);
}

result_t sys_thread_get_server(struct thread *t)
{
	return get_peer(t, CLIENT, FLUKE_THREAD_SERVER_SENDER | FLUKE_THREAD_ASIDE);
}

result_t sys_thread_set_client(struct thread *t)
{
	return set_peer(t, SERVER);
}

result_t sys_thread_set_server(struct thread *t)
{
	return set_peer(t, CLIENT);
}
