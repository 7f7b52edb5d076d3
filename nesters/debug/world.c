/* Who is below: threads, found by their objects; targets, the spaces that they run in.  A thread's space can be read only by
 * stopping it for a moment, so that is done once for each.  Threads of attached targets stay stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "debug.h"

#define FIRST_NATIVE	40001		/* gdb's numbers of what has no process number, or one that another has */

struct lock debug_lock;
struct target *targets;
struct thread *threads;
static fluke_ref_t *scratch;

/* ---- targets ---- */

struct target *target_by_pid(int pid)
{
	struct target *t;

	for (t = targets; t && t->pid != pid; t = t->next)
		;
	return t;
}

static int free_number(int wish)
{
	int n = wish ? wish : FIRST_NATIVE;

	if (target_by_pid(n))
		for (n = FIRST_NATIVE; target_by_pid(n); n++)
			;
	return n;
}

static struct target *target_of(fluke_ref_t *space)
{
	integer_t hash = fluke_ref_hash(space);
	struct target *t, **end;

	if (fluke_ref_type(space) != FLUKE_TYPE_SPACE)
		return NULL;
	for (t = targets; t; t = t->next)
		if (t->hash == hash)
			return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->hash = hash;
	t->space = ref_dup(space);
	t->next_tid = 1;
	target_look(t);
	t->pid = free_number(t->linux_pid);
	for (end = &targets; *end; end = &(*end)->next)
		;
	return *end = t;
}

/* Its number as a Linux process, and its program. */
void target_look(struct target *t)
{
	struct process_facts facts;
	uint32_t auxv, pair[2], thread, areas;

	memory_forget(t);
	t->linux_pid = 0;
	if (memory_read(t, START_FACTS, &facts, 20) == 20 && facts.magic == FACTS_MAGIC && memory_map(t, START_IMAGE))
		t->linux_pid = facts.pid;
	t->native = !t->linux_pid || (!memory_word(t, IMAGE_CONTROL + offsetof(struct process_control, slot[0].thread), &thread) && !thread &&
		!memory_word(t, IMAGE_CONTROL + offsetof(struct process_control, areas), &areas) && !areas);
	if (t->native || memory_word(t, IMAGE_CONTROL + offsetof(struct process_control, auxv), &auxv) || !auxv)
		return;
	for (; memory_read(t, auxv, pair, 8) == 8 && pair[0]; auxv += 8)
		if (pair[0] == 31) {
			t->path[memory_read(t, pair[1], t->path, sizeof t->path - 1)] = 0;
			return;
		}
}

static void target_free(struct target *t)
{
	struct target **link;

	if (t->attached) {		/* kept until gdb has been told; a Linux process may be in the middle of exec */
		t->lost = 1;
		if (!t->linux_pid)
			targets_lost();
		return;
	}
	for (link = &targets; *link != t; link = &(*link)->next)
		;
	*link = t->next;
	memory_clean(t);
	while (t->breakpoints) {
		struct breakpoint *b = t->breakpoints;

		t->breakpoints = b->next;
		free(b);
	}
	ref_free(t->space);
	free(t->maps);
	free(t);
}

/* ---- threads ---- */

struct thread *thread_by_hash(integer_t hash)
{
	struct thread *th;

	for (th = threads; th && th->hash != hash; th = th->next)
		;
	return th;
}

struct thread *thread_find(int pid, int tid)
{
	for (struct thread *th = threads; th; th = th->next)
		if (th->target && th->target->attached && (pid <= 0 || th->target->pid == pid) && (tid <= 0 || th->tid == tid))
			return th;
	return NULL;
}

static int state_get(void *argument)
{
	struct thread *th = argument;
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = scratch };

	fluke_thread_get_state(th->object, th->state, links);
	return 0;
}

static int state_put(void *argument)
{
	struct thread *th = argument;

	fluke_thread_set_state(th->object, th->state, NULL);
	return 0;
}

int thread_stop(struct thread *th)
{
	if (th->stopped)
		return 0;
	if (!th->state)
		th->state = calloc(1, sizeof *th->state);
	if (!th->state || guarded(state_get, th))
		return EFAULT;
	th->running = !(th->state->flags & FLUKE_THREAD_HELD);
	th->stopped = 1;
	th->dirty = 0;
	th->state->regs.eflags &= ~0x100u;	/* ours; a program's own steps are lost */
	return 0;
}

/* What happened to it while it stood (an interrupt, a peer that left) stays; what gdb wrote is put over it. */
void thread_go(struct thread *th)
{
	struct fluke_i386_state regs;
	struct fluke_i386_fpu fpu;
	uint32_t used;

	if (!th->stopped)
		return;
	regs = th->state->regs;
	fpu = th->state->fpu;
	used = th->state->flags & FLUKE_THREAD_FPU_USED;
	th->stopped = 0;
	if (!th->running && !th->dirty)
		return;			/* somebody else has stopped it, and may be about to let it go */
	if (guarded(state_get, th))
		return;
	if (th->dirty) {
		if (th->state->regs.eip == FLUKE_ENTRY && regs.eip != FLUKE_ENTRY)
			th->state->regs.min_msg_words = 0;
		memcpy(&th->state->regs, &regs, offsetof(struct fluke_i386_state, min_msg));
		th->state->regs.gs = regs.gs;
		th->state->regs.fs = regs.fs;
		if (used) {
			th->state->fpu = fpu;
			th->state->flags |= FLUKE_THREAD_FPU_USED;
		}
	}
	th->dirty = 0;
	th->state->regs.eflags &= ~0x100u;
	if (th->step || th->solo)
		th->state->regs.eflags |= 0x100;
	if (th->running)
		th->state->flags &= ~FLUKE_THREAD_STOPPED;
	guarded(state_put, th);
}

/* ---- the whole ---- */

static void thread_seen(fluke_thread_t *object)
{
	struct thread *th;
	integer_t hash;

	fluke_thread_reference(object, scratch);
	hash = fluke_ref_hash(scratch);
	th = thread_by_hash(hash);
	if (!th) {
		th = calloc(1, sizeof *th);
		if (!th)
			return;
		th->hash = hash;
		th->next = threads;
		threads = th;
	}
	th->object = object;
	th->seen = 1;
}

static int search(void *argument)
{
	struct segment *s = argument;
	fluke_obspec_t found[64];
	oskit_addr_t offset = 0;
	natural_t unused;

	while (offset < s->size) {
		unused = 64;
		fluke_region_search(s->search, &offset, s->size - offset, found, &unused);
		for (natural_t n = 0; n < 64 - unused; n++)
			if (found[n].type == FLUKE_TYPE_THREAD)
				thread_seen((fluke_thread_t *)found[n].ob);
	}
	return 0;
}

static void thread_forget(struct thread **link)
{
	struct thread *th = *link;

	*link = th->next;
	if (th->target && th->target->solo && th->solo)
		th->target->solo = 0;
	free(th->state);
	free(th);
}

/* A thread without a known space. */
static void thread_place(struct thread *th)
{
	if (thread_stop(th))
		return;
	th->target = target_of(scratch);
	if (!th->target || !th->target->standing)
		thread_go(th);
}

void targets_lost(void)
{
	for (struct target *t = targets; t; t = t->next)
		if (t->lost && !t->ended) {
			t->status = SIGKILL;
			t->ended = 1;
		}
}

/* What was seen while it was being made, or while the program before it in an exec still had their number, gets its own. */
static void target_settle(struct target *t)
{
	int exec = 0;

	if (t->attached || (t->path[0] && (t->pid == t->linux_pid || !space_begun(t->hash, &exec, 0) || !exec)))
		return;
	target_look(t);
	if (t->linux_pid && !target_by_pid(t->linux_pid))
		t->pid = t->linux_pid;
}

void world_refresh(void)
{
	struct target *t, *next;

	if (!scratch)
		scratch = ref_new();
	for (struct thread *th = threads; th; th = th->next)
		th->seen = 0;
	for (struct segment *s = window_list; s; s = s->next_window)
		guarded(search, s);
	for (struct thread **link = &threads; *link;)
		if ((*link)->seen)
			link = &(*link)->next;
		else
			thread_forget(link);
	for (struct thread *th = threads; th; th = th->next)
		if (!th->target)
			thread_place(th);
	for (t = targets; t; t = t->next)
		t->seen = 0;
	for (struct thread *th = threads; th; th = th->next)
		if (th->target) {
			th->target->seen = 1;
			th->target->lost = 0;
			if (th->target->attached && !th->tid)
				th->tid = th->target->next_tid++;
		}
	for (t = targets; t; t = next) {
		next = t->next;
		if (!t->seen)
			target_free(t);
	}
	for (t = targets; t; t = t->next)
		target_settle(t);
}

void target_free_all(struct segment *s)
{
	for (struct thread **link = &threads; *link;)
		if ((uint32_t)(*link)->object - s->window < s->size)
			thread_forget(link);
		else
			link = &(*link)->next;
}

void target_stop(struct target *t)
{
	t->standing = 1;
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t)
			thread_stop(th);
}

void target_go(struct target *t)
{
	t->standing = 0;
	memory_forget(t);
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t && th->stopped && !th->stay) {
			if (th->gated)
				gate_let(th->hash);
			thread_go(th);
		}
}

static void gate_set(void)
{
	gate_closed = hold_first;
	for (struct target *t = targets; t; t = t->next)
		gate_closed |= t->attached;
}

int target_attach(struct target *t)
{
	int error = watch_space(t->space, 1);

	if (error)
		return error;
	t->attached = 1;
	gate_set();
	world_refresh();
	target_stop(t);
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t && !th->tid)
			th->tid = t->next_tid++;
	target_look(t);
	return 0;
}

void target_detach(struct target *t)
{
	breakpoints_end(t);
	memory_clean(t);
	watch_space(t->space, 0);
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t) {
			th->step = th->solo = th->signal = th->stay = 0;
			th->run_to = th->pass_code = 0;
			th->tid = 0;
		}
	target_go(t);
	t->attached = t->fresh = t->solo = 0;
	t->next_tid = 1;
	gate_set();
}
