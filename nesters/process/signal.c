/* Posting, taking and default actions of signals.  The rules are in rules.c; here is what they do to
 * processes.  A caught signal is made known by its bit in the facts page and an interrupt of a thread that
 * has it unblocked; everything else happens here, whether the process works along or not. */
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/Parent.h>
#include "manager.h"

/* ---- what the image says about itself */

struct view {				/* of a process's control page, read once */
	struct disposition disposition;
	uint64_t	blocked[PROCESS_THREADS];
	uint64_t	waiting[PROCESS_THREADS];
};

static void view_read(struct process *p, struct view *v)
{
	struct process_control *control = body_control(p->body);

	v->disposition = (struct disposition){ 0, 0 };
	memset(v->blocked, 0, p->slots * sizeof v->blocked[0]);
	memset(v->waiting, 0, p->slots * sizeof v->waiting[0]);
	if (!control)
		return;
	v->disposition.ignored = control->ignored;
	v->disposition.caught = control->caught;
	for (int i = 0; i < p->slots; i++)
		if (p->thread[i].address) {
			v->blocked[i] = control->slot[i].blocked;
			v->waiting[i] = control->slot[i].waiting;
		}
}

static int thread_takes(const struct process *p, const struct view *v, int slot, uint64_t bit)
{
	return p->thread[slot].address && (!(v->blocked[slot] & bit) || (v->waiting[slot] & bit));
}

/* The thread that shall take it, the first one before others; -1: all block it. */
static int thread_choose(const struct process *p, const struct view *v, uint64_t bit)
{
	int i;

	for (i = 0; i < p->slots; i++)
		if (v->waiting[i] & bit && p->thread[i].address)
			return i;
	for (i = 0; i < p->slots; i++)
		if (thread_takes(p, v, i, bit))
			return i;
	return -1;
}

static enum verdict judge(struct process *p, const struct view *v, int signal, int slot)
{
	struct disposition d = v->disposition;
	int orphaned = 0;

	if (slot >= 0 && (v->waiting[slot] & SIGNAL_BIT(signal)))
		d.caught |= SIGNAL_BIT(signal);
	if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
		orphaned = group_orphaned(p->group, p->session, NULL);
	return signal_judge(signal, d, slot < 0, orphaned);
}

/* ---- delivery */

static int interrupt(void *argument)
{
	fluke_thread_interrupt(argument);
	return 0;
}

static void thread_interrupt(struct process *p, int slot)
{
	guarded(interrupt, body_object(p->body, p->thread[slot].address));
}

static void pending_clear(struct process *p, int slot, uint64_t bits)
{
	if (slot < 0)
		p->pending &= ~bits;
	else
		p->thread_pending[slot] &= ~bits;
	facts_pending(p);
}

/* One pending signal of the process (slot -1) or of a thread.  1: it ended or stopped the process. */
static int deliver_one(struct process *p, const struct view *v, int slot, int signal)
{
	uint64_t bit = SIGNAL_BIT(signal);
	int target = slot < 0 ? thread_choose(p, v, bit) : thread_takes(p, v, slot, bit) ? slot : -1;

	switch (judge(p, v, signal, target)) {
	case VERDICT_PEND:
		if (target >= 0)
			thread_interrupt(p, target);
		return 0;
	case VERDICT_DROP:
		pending_clear(p, slot, bit);
		return 0;
	case VERDICT_STOP:
		pending_clear(p, slot, bit);
		process_stop(p, signal);
		return 1;
	case VERDICT_KILL:
		process_doom(p, status_signalled(signal));
		return 1;
	}
	return 0;
}

/* Does with all pending signals what is to be done now. */
void signal_deliver(struct process *p)
{
	static struct view view;

	if (p->state != PROCESS_RUNNING || p->doom)
		return;
	view_read(p, &view);
	for (int slot = -1; slot < p->slots; slot++) {
		uint64_t bits = slot < 0 ? p->pending : p->thread[slot].address ? p->thread_pending[slot] : 0;

		for (int signal = 1; bits >> (signal - 1) && signal <= SIGNALS; signal++)
			if (bits & SIGNAL_BIT(signal) && deliver_one(p, &view, slot, signal))
				return;
	}
}

static void discard(struct process *p, uint64_t bits)
{
	p->pending &= ~bits;
	for (int i = 0; bits && i < p->slots; i++)
		p->thread_pending[i] &= ~bits;
}

static void post(struct process *p, int slot, int signal, struct signal_info info)
{
	uint64_t *pending = slot < 0 ? &p->pending : &p->thread_pending[slot];

	if (manager_verbose)
		printf("process: signal %d for %d (%s), group %d, from %d\n", signal, p->pid, p->name, p->group, (int)info.sender);
	if (!p->body || debugger_takes(p, slot, signal))
		return;
	if (signal == SIGKILL) {
		process_doom(p, status_signalled(SIGKILL));
		return;
	}
	discard(p, signal_discard_on_post(signal));
	if (signal == SIGCONT)
		process_continue(p);
	if (!(*pending & SIGNAL_BIT(signal)))
		p->info[signal] = info;
	*pending |= SIGNAL_BIT(signal);
	facts_pending(p);
	signal_deliver(p);
}

void signal_post(struct process *p, int signal, struct signal_info info)
{
	post(p, -1, signal, info);
}

void signal_post_thread(struct process *p, struct thread *t, int signal, struct signal_info info)
{
	post(p, t - p->thread, signal, info);
}

/* The next signal for the thread; those that are not its business any more are acted on here. */
int signal_take(struct process *p, struct thread *t, struct signal_info *info)
{
	static struct view view;
	int slot = t - p->thread;

	view_read(p, &view);
	for (int signal = 1; signal <= SIGNALS; signal++) {
		uint64_t bit = SIGNAL_BIT(signal);
		int from = p->thread_pending[slot] & bit ? slot : -1;

		if (!((p->pending | p->thread_pending[slot]) & bit) || !thread_takes(p, &view, slot, bit))
			continue;
		switch (judge(p, &view, signal, slot)) {
		case VERDICT_PEND:
			pending_clear(p, from, bit);
			*info = p->info[signal];
			return signal;
		case VERDICT_DROP:
			pending_clear(p, from, bit);
			break;
		case VERDICT_STOP:
			pending_clear(p, from, bit);
			process_stop(p, signal);
			return 0;
		case VERDICT_KILL:
			process_end(p, status_signalled(signal));
			return 0;
		}
	}
	return 0;
}

/* ---- stop and continue */

void process_stop(struct process *p, int signal)
{
	if (p->state != PROCESS_RUNNING)
		return;
	if (manager_verbose)
		printf("process: %d (%s) stops by %d\n", p->pid, p->name, signal);
	p->state = PROCESS_STOPPED;
	p->stop_signal = signal;
	p->report_stop = 1;
	p->report_continue = 0;
	threads_stop(p);
	child_changed(p, CLD_STOPPED, signal);
	if (p->parent)
		wait_wake(p->parent);
}

void process_continue(struct process *p)
{
	if (p->state != PROCESS_STOPPED)
		return;
	p->state = PROCESS_RUNNING;
	p->report_stop = 0;
	p->report_continue = 1;
	threads_continue(p);
	request_release_held(p);
	wait_wake(p);
	child_changed(p, CLD_CONTINUED, SIGCONT);
	if (p->parent)
		wait_wake(p->parent);
	signal_deliver(p);
}

/* ---- kill(2) */

static int send_one(struct process *p, int signal, struct signal_info info)
{
	if (signal && p->body)
		signal_post(p, signal, info);
	return 1;
}

void signal_group(int group, struct session *s, int signal, struct signal_info info)
{
	struct process *p;

	for (p = process_next(NULL); p; p = process_next(p))
		if (p->group == group && (!s || p->session == s))
			send_one(p, signal, info);
}

/* Number 1, the manager: the signals by which busybox's poweroff, halt and reboot ask init; it ignores all others. */
static int init_signal(int signal)
{
	int how = signal == SIGUSR2 ? 0 : signal == SIGTERM ? 1 : signal == SIGUSR1 ? 2 : -1;

	if (how < 0)
		return 0;
	missing_report();
	Parent_power(parent_ref(), how, 0);
	return 0;
}

/* The sender comes last, as it may not survive. */
int signal_send(struct process *from, int id, int signal)
{
	struct signal_info info = { SI_USER, from->pid, 0 };
	int group = id == 0 ? from->group : -id, sent = 0, own = 0;
	struct process *p;

	if (signal < 0 || signal > SIGNALS)
		return EINVAL;
	if (id > 0) {
		p = process_find(id);
		if (id == PID_INIT)
			return init_signal(signal);
		return p ? send_one(p, signal, info), 0 : ESRCH;
	}
	for (p = process_next(NULL); p; p = process_next(p)) {
		if (id == -1 ? p == from : p->group != group)
			continue;
		if (p == from)
			own = 1;
		else
			sent += send_one(p, signal, info);
	}
	if (own)
		send_one(from, signal, info);
	return sent || own ? 0 : ESRCH;
}
