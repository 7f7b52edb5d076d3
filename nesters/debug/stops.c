/* Why threads stop: breakpoints, steps, exceptions, signals, new and ended processes.
 *
 * Software breakpoints (Z0) are int3.  Hidden ones (Z1) and watchpoints (Z2-Z4) deny access to pages; the thread that misses it
 * makes that one instruction in a *solo* step: the page is let go, the target's other threads stand, a single step
 * brings it back.  Where somebody must come by without gdb's knowing (the end of a system call, the first instruction after exec)
 * there are internal breakpoints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/Process.h>
#include "debug.h"

#define PAGE	FLUKE_PAGE_SIZE

uint8_t signals_passed[65];
int	hold_first, hide;
static struct { fluke_ref_t *process; int pid, signal; integer_t space; } deliveries[16], let[16];
static unsigned delivery_count;

/* ---- breakpoints ---- */

static struct breakpoint *find(struct target *t, int type, uint32_t address)
{
	struct breakpoint *b;

	for (b = t->breakpoints; b && (b->type != type || b->address != address); b = b->next)
		;
	return b;
}

static int plant(struct target *t, struct breakpoint *b)
{
	static const uint8_t int3 = 0xcc;

	if (b->planted || memory_read(t, b->address, &b->old, 1) != 1 || memory_write(t, b->address, &int3, 1) != 1)
		return b->planted ? 0 : EFAULT;
	b->planted = 1;
	return 0;
}

static void unplant(struct target *t, struct breakpoint *b)
{
	uint8_t now;

	if (b->planted && memory_read(t, b->address, &now, 1) == 1 && now == 0xcc)
		memory_write(t, b->address, &b->old, 1);
	b->planted = 0;
}

/* What the breakpoints on the page deny. */
static int deny(struct target *t, uint32_t page)
{
	static const fluke_prot_t denied[5] = { 0, FLUKE_PROT_EXECUTE, FLUKE_PROT_WRITE, 7, 7 };
	fluke_prot_t prot = 0;

	for (struct breakpoint *b = t->breakpoints; b; b = b->next)
		if (b->address < page + PAGE && b->address + b->length > page)
			prot |= denied[b->type];
	return page_deny(t, page, prot);
}

static int deny_around(struct target *t, const struct breakpoint *b)
{
	int error = 0;

	for (uint32_t page = b->address & -PAGE; page < b->address + b->length && !error; page += PAGE)
		error = deny(t, page);
	return error;
}

static void drop(struct target *t, struct breakpoint *b)
{
	struct breakpoint **link = &t->breakpoints;

	while (*link != b)
		link = &(*link)->next;
	*link = b->next;
	if (b->type == 0)
		unplant(t, b);
	else
		deny_around(t, b);
	if (t->solo_over == b)
		t->solo_over = NULL;
	free(b);
}

/* user: USER_*, or 0: internal */
static int add(struct target *t, int type, uint32_t address, uint32_t length, int user)
{
	struct breakpoint *b = find(t, type, address);
	int error = 0;

	if (!b) {
		b = calloc(1, sizeof *b);
		if (!b)
			return ENOMEM;
		*b = (struct breakpoint){ .next = t->breakpoints, .type = type, .address = address, .length = type < 2 ? 1 : length };
		t->breakpoints = b;
		error = type == 0 ? plant(t, b) : deny_around(t, b);
		if (!error && type >= 2)
			memory_read(t, address, b->seen, length < sizeof b->seen ? length : sizeof b->seen);
	}
	if (!user)
		b->internal++;
	b->user |= (uint8_t)user;
	if (error)
		drop(t, b);
	return error;
}

int breakpoint_add(struct target *t, int type, uint32_t address, uint32_t length)
{
	if (!length || length > sizeof ((struct breakpoint *)0)->seen)
		return EINVAL;
	return add(t, type == 0 && hide ? 1 : type, address, length, type == 1 ? USER_HIDDEN : USER_PLAIN);
}

int breakpoint_remove(struct target *t, int type, uint32_t address, uint32_t length)
{
	uint8_t user = type == 1 ? USER_HIDDEN : USER_PLAIN;
	struct breakpoint *b = find(t, type, address);

	(void)length;
	if (!b && type == 0)
		b = find(t, 1, address);
	if (!b || !(b->user & user))
		return 0;
	b->user &= (uint8_t)~user;
	if (!b->internal && !b->user)
		drop(t, b);
	return 0;
}

void breakpoints_end(struct target *t)
{
	while (t->breakpoints)
		drop(t, t->breakpoints);
}

void breakpoints_hide(struct target *t, uint32_t at, uint8_t *bytes, uint32_t size)
{
	for (struct breakpoint *b = t->breakpoints; b; b = b->next)
		if (b->type == 0 && b->planted && b->address - at < size && bytes[b->address - at] == 0xcc)
			bytes[b->address - at] = b->old;
}

int breakpoints_write(struct target *t, uint32_t at, const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	int error = copy ? 0 : ENOMEM;

	if (copy) {
		memcpy(copy, bytes, size);
		for (struct breakpoint *b = t->breakpoints; b; b = b->next)
			if (b->type == 0 && b->planted && b->address - at < size) {
				b->old = bytes[b->address - at];
				copy[b->address - at] = 0xcc;
			}
		error = memory_write(t, at, copy, size) == size ? 0 : EFAULT;
	}
	free(copy);
	return error;
}

/* The child of a fork has its parent's int3 where that is its own memory, and none in the pages of files. */
void breakpoints_inherit(struct target *child, struct target *parent, int keep)
{
	uint8_t byte;

	memory_disown(child);
	for (struct breakpoint *b = parent->breakpoints; b; b = b->next) {
		if (b->type == 0 && b->planted && memory_read(child, b->address, &byte, 1) == 1 && byte == 0xcc && b->old != 0xcc)
			memory_write(child, b->address, &b->old, 1);
		if (keep && b->user)
			add(child, b->type, b->address, b->length, b->user);
	}
}

/* ---- going and stopping ---- */

void run_to(struct thread *th, uint32_t address, int goal)
{
	int type = hide && goal == GOAL_STEP;

	if (add(th->target, type, address, 1, 0))
		return;
	th->run_to = address;
	th->run_type = type;
	th->goal = goal;
}

static void run_ended(struct thread *th)
{
	struct breakpoint *b = th->run_to ? find(th->target, th->run_type, th->run_to) : NULL;

	th->run_to = 0;
	if (b && !--b->internal && !b->user)
		drop(th->target, b);
}

/* The pages and the breakpoint of a solo step are as they should be again. */
static void solo_end(struct target *t)
{
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t)
			th->solo = 0;
	if (t->solo_over)
		plant(t, t->solo_over);
	t->solo_over = NULL;
	while (t->solo_pages)
		deny(t, t->solo_page[--t->solo_pages]);
	t->solo = 0;
}

static void solo_begin(struct thread *th)
{
	th->solo = 1;
	th->target->solo = 1;
}

static void go(struct target *t)
{
	struct thread *th;

	if (!t->solo) {
		target_go(t);
		return;
	}
	for (th = threads; th; th = th->next)
		if (th->target == t && (th->solo || th->state->regs.eip == FLUKE_ENTRY))
			thread_go(th);
}

void go_all(void)
{
	for (struct target *t = targets; t; t = t->next)
		if (t->attached)
			go(t);
}

void stop_all(void)
{
	world_refresh();
	for (struct target *t = targets; t; t = t->next)
		if (t->attached && !t->ended) {
			target_stop(t);
			if (t->solo)
				solo_end(t);
		}
	for (struct thread *th = threads; th; th = th->next) {
		th->step = 0;
		if (th->goal == GOAL_STEP && th->target) {
			run_ended(th);
			th->goal = 0;
		}
	}
}

static void stopped(struct thread *th, int signal, const char *why)
{
	th->signal = signal;
	strlcpy(th->why, why, sizeof th->why);
	stop_all();
	gdb_stopped();
}

int something_to_tell(void)
{
	for (struct target *t = targets; t; t = t->next)
		if (t->attached && (t->ended || t->pending))
			return 1;
	for (struct thread *th = threads; th; th = th->next)
		if (th->target && th->target->attached && th->signal)
			return 1;
	return 0;
}

/* ---- watchpoints ---- */

/* 1: told. */
static int watched(struct thread *th)
{
	static const char *const names[] = { "", "", "watch", "rwatch", "awatch" };
	struct target *t = th->target;
	uint8_t now[64];
	char why[40];

	for (struct breakpoint *b = t->breakpoints; b; b = b->next) {
		int changed = 0, met;

		if (b->type < 2)
			continue;
		if (memory_read(t, b->address, now, b->length) == b->length) {
			changed = memcmp(now, b->seen, b->length) != 0;
			memcpy(b->seen, now, b->length);
		}
		met = t->accessed && t->accessed < b->address + b->length && t->accessed + 4 > b->address;
		if (!(b->type == 2 ? changed : met))
			continue;
		snprintf(why, sizeof why, "%s:%x;", names[b->type], (unsigned)b->address);
		stopped(th, SIGTRAP, why);
		return 1;
	}
	return 0;
}

static void arrived(struct thread *th);

/* A hidden breakpoint at which the thread stands, and which is for it. */
static struct breakpoint *hidden_here(struct thread *th)
{
	struct breakpoint *b = find(th->target, 1, th->state->regs.eip);

	return b && (b->user || th->run_to == b->address) ? b : NULL;
}

static int hidden_met(struct thread *th)
{
	struct breakpoint *b = hidden_here(th);

	if (!b)
		return 0;
	if (th->run_to == b->address)
		arrived(th);
	else
		stopped(th, SIGTRAP, b->user & USER_HIDDEN ? "hwbreak:;" : "swbreak:;");
	return 1;
}

/* The access is denied by us: the page is let go for one instruction. */
static void denied(struct thread *th, uint32_t at, uint32_t access)
{
	struct target *t = th->target;

	if (access == FLUKE_PROT_EXECUTE && !th->solo && hidden_met(th))
		return;
	if (access != FLUKE_PROT_EXECUTE)
		t->accessed = at;
	if (t->solo_pages < 4) {
		t->solo_page[t->solo_pages++] = at & -PAGE;
		page_deny(t, at & -PAGE, 0);
	}
	solo_begin(th);
	go(t);
}

/* A solo step is over. */
static void solo_stepped(struct thread *th)
{
	struct target *t = th->target;
	uint32_t eip = th->state->regs.eip;
	int user = th->step;

	for (unsigned n = 0; n < t->solo_pages; n++)
		if (!user && t->solo_page[n] == (eip & -PAGE) && !t->solo_over && !t->accessed && !hidden_here(th)) {
			go(t);			/* still on a page with a hidden breakpoint: on, step by step */
			return;
		}
	solo_end(t);
	if (watched(th)) {
		t->accessed = 0;
		return;
	}
	t->accessed = 0;
	if (hidden_met(th))
		return;
	if (user)
		stopped(th, SIGTRAP, "");
	else
		go(t);
}

/* ---- exceptions ---- */

static void pass(struct thread *th, uint32_t code)
{
	th->pass_code = code + 1;
	go(th->target);
}

/* A step has led into the image: it ends where the system call does. */
static void stepped_into_call(struct thread *th)
{
	uint32_t back;

	th->step = 0;
	if (memory_word(th->target, th->state->regs.esp, &back)) {
		stopped(th, SIGTRAP, "");
		return;
	}
	run_to(th, back, GOAL_STEP);
	go(th->target);
}

static void debug_trap(struct thread *th)
{
	if (th->solo) {
		solo_stepped(th);
	} else if (th->step && !th->target->native && in_image(th->state) && th->state->regs.esp < START_STACK_TOP) {
		stepped_into_call(th);
	} else {
		th->stop_code = th->step ? 0 : FLUKE_EXC_DEBUG + 1;
		stopped(th, SIGTRAP, "");
	}
}

/* An internal breakpoint's thread is there. */
static void arrived(struct thread *th)
{
	char why[300] = "", *to = why;
	uint32_t at = th->run_to;
	int goal = th->goal;

	run_ended(th);
	th->goal = 0;
	if (at == IMAGE_ENTRY_READY && !memory_word(th->target, th->state->regs.esp + 4, &at)) {
		run_to(th, at, goal);
		go(th->target);
		return;
	}
	if (goal == GOAL_EXEC || goal == GOAL_START)
		target_look(th->target);
	if (goal == GOAL_START)
		gdb_ready();
	if (goal == GOAL_EXEC) {
		to += snprintf(to, sizeof why, "exec:");
		for (const char *p = th->target->path; *p && to < why + sizeof why - 4; p++)
			to += snprintf(to, 4, "%02x", (unsigned char)*p);
		strcpy(to, ";");
	}
	stopped(th, SIGTRAP, why);
}

static void breakpoint_met(struct thread *th)
{
	struct target *t = th->target;
	uint32_t eip = th->state->regs.eip;
	struct breakpoint *b = find(t, 0, eip);
	uint8_t byte = 0;

	memory_read(t, eip, &byte, 1);
	if (byte != 0xcc) {
		go(t);			/* it has been taken out meanwhile */
	} else if (b && b->planted && th->run_to == eip && !th->run_type) {
		arrived(th);
	} else if (b && b->planted && b->user) {
		stopped(th, SIGTRAP, "swbreak:;");
	} else if (b && b->planted) {
		unplant(t, b);
		t->solo_over = b;
		solo_begin(th);
		go(t);
	} else {			/* the program's own */
		th->state->regs.eip++;
		th->dirty = 1;
		th->stop_code = FLUKE_EXC_BREAKPOINT + 1;
		stopped(th, SIGTRAP, "");
	}
}

static void exception(struct thread *th, const struct fluke_exc_message *m)
{
	struct target *t = th->target;
	uint32_t denied_now = m->code == FLUKE_EXC_PAGE_FAULT ? page_denied(t, m->subcode) : 0;

	th->stop_code = 0;
	if (talkative)
		eprintf("debug: %d.%d: exception %#x (%#x, %u) at %#x\n", t->pid, th->tid, (unsigned)m->code, (unsigned)m->subcode,
			(unsigned)m->access, (unsigned)th->state->regs.eip);
	if (m->code == FLUKE_EXC_BREAKPOINT) {
		breakpoint_met(th);
	} else if (m->code == FLUKE_EXC_DEBUG) {
		debug_trap(th);
	} else if (denied_now & (m->access & FLUKE_PROT_WRITE ? FLUKE_PROT_WRITE : m->access)) {
		denied(th, m->subcode, m->access);
	} else if (m->code == FLUKE_EXC_SYSCALL || (!t->native && in_image(th->state))) {
		pass(th, m->code);
	} else {
		th->stop_code = m->code + 1;
		stopped(th, exception_signal(m->code), "");
	}
}

uint32_t exception_came(const struct fluke_exc_message *m)
{
	struct thread *th;
	integer_t space;

	lock_take(&debug_lock);
	th = thread_by_hash((integer_t)m->thread_hash);
	if (!th || !th->target) {
		world_refresh();
		th = thread_by_hash((integer_t)m->thread_hash);
	}
	space = th && th->target ? th->target->hash : 0;
	if (!space || !th->target->attached || th->pass_code == m->code + 1) {
		if (th)
			th->pass_code = 0;
		lock_drop(&debug_lock);
		return space ? inner_answer(space, (const uint32_t *)m) : 1;
	}
	target_stop(th->target);
	if (!th->target->solo)
		memory_forget(th->target);
	if (th->stopped)
		exception(th, m);
	lock_drop(&debug_lock);
	return 0;
}

/* ---- signals ---- */

void deliver(struct thread *th, int signal)
{
	fluke_ref_t *process;

	if (th->stop_code && exception_signal(th->stop_code - 1) == signal) {
		if (th->stop_code - 1 == FLUKE_EXC_BREAKPOINT && th->dirty)
			th->state->regs.eip--;
		th->pass_code = th->stop_code;
		return;
	}
	if (!th->target->linux_pid || delivery_count == 16 || !(process = ref_new()))
		return;
	if (memory_ref(th->target, START_REF_PARENT, process)) {
		ref_free(process);
		return;
	}
	deliveries[delivery_count].process = process;
	deliveries[delivery_count].pid = th->target->linux_pid;
	deliveries[delivery_count].space = th->target->hash;
	deliveries[delivery_count++].signal = signal;
}

void deliver_now(void)
{
	while (delivery_count) {
		typeof(deliveries[0]) d = deliveries[--delivery_count];
		unsigned n;

		lock_take(&debug_lock);
		for (n = 0; n < 15 && let[n].space; n++)
			;
		let[n] = d;
		lock_drop(&debug_lock);
		Process_kill(d.process, d.pid, d.signal);
		lock_take(&debug_lock);
		let[n].space = 0;
		lock_drop(&debug_lock);
		ref_free(d.process);
	}
}

/* A process, attached: the one in that space, or the one in whose place that space is about to be. */
static struct target *target_of_space(integer_t space)
{
	integer_t old;
	struct target *t;
	int exec;

	for (t = targets; t && !(t->attached && t->linux_pid && t->hash == space); t = t->next)
		;
	if (!t && (old = space_begun(space, &exec, 0)) && exec)
		for (t = targets; t && !(t->attached && t->linux_pid && t->hash == old); t = t->next)
			;
	return t;
}

int posted(integer_t space, int signal)
{
	struct target *t = target_of_space(space);
	struct thread *th;

	if (!t || signal < 1 || signal > 64 || signals_passed[signal] || signal == SIGKILL || signal == SIGSTOP || signal == SIGCONT ||
	    !gdb_connected)
		return 0;
	for (unsigned n = 0; n < 16; n++)
		if (let[n].space == t->hash && let[n].signal == signal)
			return 0;
	t->pending |= 1ull << (signal - 1);
	th = thread_find(t->pid, 0);
	if (gdb_waits && th) {
		stop_all();
		gdb_stopped();
	}
	return 1;
}

/* ---- processes begin and end ---- */

void process_ended(integer_t space, int status)
{
	struct target *t = target_of_space(space);

	if (!t)
		return;
	stop_all();
	t->ended = 1;
	t->status = status;
	gdb_stopped();
}

void targets_end(int status)
{
	for (struct target *t = targets; t; t = t->next)
		if (t->attached && !t->ended) {
			stop_all();
			t->ended = 1;
			t->status = status;
			gdb_stopped();
		}
}

/* fork: the new process's first thread; its parent is attached. */
static void forked(struct thread *th, struct target *parent)
{
	struct target *t = th->target;
	struct thread *caller, *any = NULL;
	char why[40];

	world_refresh();
	target_stop(parent);
	breakpoints_inherit(t, parent, gdb_fork_events);
	if (!gdb_fork_events || target_attach(t))
		return;
	for (caller = threads; caller; caller = caller->next)
		if (caller->target == parent && caller->state) {
			any = caller;
			if (caller->state->thread_va == th->state->thread_va)
				break;
		}
	if (!caller)
		caller = any;
	if (!th->tid)
		th->tid = t->next_tid++;
	if (!caller)
		return;
	snprintf(why, sizeof why, "fork:p%x.%x;", (unsigned)t->pid, (unsigned)th->tid);
	stopped(caller, SIGTRAP, why);
}

/* exec: the same process in another space. */
static void execed(struct thread *th, struct target *old)
{
	struct target *t = th->target, **link;

	watch_space(old->space, 0);
	while (old->breakpoints) {
		struct breakpoint *b = old->breakpoints;

		old->breakpoints = b->next;
		free(b);
	}
	memory_clean(old);
	for (struct thread *o = threads; o; o = o->next)
		if (o->target == old) {
			o->target = NULL;
			o->tid = 0;
			o->run_to = o->goal = 0;
			thread_go(o);
		}
	ref_free(old->space);
	old->space = t->space;
	old->hash = t->hash;
	old->next_tid = 1;
	old->greeted = 1;
	old->native = t->native;
	for (link = &targets; *link != t; link = &(*link)->next)
		;
	*link = t->next;
	free(t->maps);
	free(t);
	memory_forget(old);
	th->target = old;
	th->tid = old->next_tid++;
	watch_space(old->space, 1);
	if (!th->stopped)
		thread_stop(th);
	if (gdb_exec_events && !old->native)
		run_to(th, IMAGE_ENTRY_READY, GOAL_EXEC);
}

/* A thread is about to run the first time. */
void new_thread(struct thread *th)
{
	struct target *t = th->target, *other;
	integer_t from;
	int exec;

	if (talkative)
		eprintf("debug: %d: new thread at %#x%s\n", t->pid, (unsigned)th->state->regs.eip, t->attached ? ", attached" : "");
	th->gated = 1;
	if (!t->greeted) {
		t->greeted = 1;
		thread_stop(th);
		target_look(t);
		from = space_begun(t->hash, &exec, 1);
		other = from ? target_of_space(from) : NULL;
		if (other && !exec) {
			forked(th, other);
			if (!t->attached)
				go(other);
		} else if (other) {
			execed(th, other);
			t = other;
		} else if (hold_first && (hold_first == 2 || t->linux_pid)) {
			hold_first = 0;
			if (!target_attach(t)) {
				t->fresh = 1;
				if (!t->native)
					run_to(th, IMAGE_ENTRY_READY, GOAL_START);
				else {
					stopped(th, SIGTRAP, "");
					gdb_ready();
				}
			}
		}
	}
	if (t->attached && (th->signal || (!gdb_waits && !th->run_to) || something_to_tell()))
		return;			/* it goes with the others */
	gate_let(th->hash);
	thread_go(th);
}
