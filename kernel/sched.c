/* The dispatcher (CPU inheritance scheduling).  Time comes from the root scheduler alone and
 * goes along donations: thread_schedule to a client, an RPC client to its server, a mutex waiter
 * to the holder.  Who runs is the first thread on that path that is not blocked.  If the path
 * ends in a blocked thread, the nearest scheduler on it that sleeps ON_BLOCK is told BLOCKED and runs
 * (the others sleep on as if blocked themselves); if there is none, the processor halts.
 *
 * `known`: the thread's scheduler has been asked for time and has not been told BLOCKED since.
 * So there is at most one request per thread, and none for a thread that its scheduler counts
 * as ready anyway. */
#include "kernel.h"
#include "sched.h"
#include "wait.h"
#include "port.h"
#include "machine.h"

void sched_preempt(void)
{
	cpu()->preempt = 1;
	if (current)
		current->attention |= ATTENTION_DISPATCH;
}

/* Is t on the path from the root scheduler? */
static int supplied(const struct thread *t)
{
	while (t && t != cpu()->root)
		t = t->supplier;
	return t != NULL;
}

/* Of a scheduler asleep in thread_schedule. */
static unsigned sensitivity(const struct thread *t)
{
	return t->regs.edx & 0xff;
}

/* t is asleep in thread_schedule, its target blocked: is there something to do for it? */
static int would_end(const struct thread *t)
{
	return sensitivity(t) == FLUKE_WAKEUP_ON_BLOCK || (t->wait_object && portset_busy((struct portset *)t->wait_object));
}

int sched_usable(const struct thread *t)
{
	while (t->blocked) {
		if (t->wait_kind == WAIT_SCHEDULE && would_end(t))
			return 1;
		t = t->donee;
		if (!t)
			return 0;
	}
	return 1;
}

/* The same, at once where it is plain. */
static inline int usable(const struct thread *t)
{
	if (!t->blocked)
		return 1;
	if (t->wait_kind == WAIT_SCHEDULE)
		return sensitivity(t) == FLUKE_WAKEUP_ON_BLOCK || sched_usable(t);
	return t->donee && sched_usable(t->donee);
}

/* ---- who asks ----
 * A thread that can use time asks its scheduler for it, and so do all who would lend to it; one that cannot takes back
 * what nobody has seen, and so do those who lend to it and cannot use it either.  They may be any number, and who is asked may
 * wake and ask in turn: after SCHED_STEP of them the rest stands in a row, whose turn is before anybody runs (thread_attend),
 * with interrupts let in between. */

int sched_rest, sched_left;
static struct thread *row, *row_end;	/* by row_next; the last one's is itself */

/* From `next` on, which is t or one who lends to it. */
static void line_up(struct thread *t, struct thread *next, int asks)
{
	sched_rest = 1;
	sched_preempt();
	t->row_asks |= asks;
	t->row_at = t->row_next ? t : next;
	if (t->row_next)
		return;
	if (row)
		row_end->row_next = t;
	else
		row = t;
	row_end = t->row_next = t;
}

static void leave_row(struct thread *t)
{
	struct thread *before = row;

	if (before == t) {
		row = row_end == t ? NULL : t->row_next;
	} else {
		while (before->row_next != t)
			before = before->row_next;
		before->row_next = row_end == t ? before : t->row_next;
		if (row_end == t)
			row_end = before;
	}
	t->row_next = t->row_at = NULL;
	t->row_asks = 0;
}

static void withdraw_path(struct thread *t);

/* What t asked for and nobody has seen is taken back; a scheduler that sleeps there may then have nothing left to
 * wake up for. */
static void __attribute__((noinline)) take_back(struct thread *t)
{
	struct port *port = (struct port *)link_target(&t->scheduler);
	struct portset *set = port ? port_set(port) : NULL;

	port_unrequest(port, t);
	t->known = 0;
	for (struct thread *sleeper = set ? set->sleepers.head : NULL; sleeper; sleeper = sleeper->wait_next)
		if (!usable(sleeper))
			withdraw_path(sleeper);
}

void sched_withdraw(struct thread *t)
{
	if (t->request_pending)
		take_back(t);
}

static void ask(struct thread *t);

static void ask_donors(struct thread *t, struct thread *next)
{
	for (; next; next = next->donor_next) {
		if (sched_left <= 0) {
			line_up(t, next, 1);
			return;
		}
		ask(next);
	}
}

static void ask(struct thread *t)
{
	struct port *port;

	if (--sched_left < 0) {
		line_up(t, t, 1);
		return;
	}
	if (!t->known && t != cpu()->root) {
		port = (struct port *)link_target(&t->scheduler);
		if (port) {
			t->known = 1;
			port_request(port, t);
		}
	}
	if (t->donors)
		ask_donors(t, t->donors);
}

void sched_request(struct thread *t)
{
	ask(t);
}

static void withdraw_donors(struct thread *t, struct thread *next)
{
	for (; next; next = next->donor_next) {
		if (--sched_left < 0) {
			line_up(t, next, 0);
			return;
		}
		if (!usable(next))
			withdraw_path(next);
	}
}

/* t cannot use time any more, nor can those who lend to it. */
static void withdraw_path(struct thread *t)
{
	sched_withdraw(t);
	withdraw_donors(t, t->donors);
}

void sched_look(void)
{
	struct thread *t, *next;
	int asks;

	for (sched_left = SCHED_STEP; (t = row) && sched_left > 0;) {
		next = t->row_at;
		asks = t->row_asks;
		leave_row(t);
		if (!usable(t))
			next == t ? withdraw_path(t) : withdraw_donors(t, next);
		else if (asks)
			next == t ? ask(t) : ask_donors(t, next);
	}
	sched_rest = row != NULL;
}

void sched_ready(struct thread *t)
{
	if (supplied(t))
		sched_preempt();
	else
		sched_request(t);
}

/* All on the way to who could run: each may have a scheduler, and one suffices. */
static void request_path(struct thread *t)
{
	for (; t; t = t->blocked ? t->donee : NULL)
		sched_request(t);
}

/* Who runs on time given to t, as far as donations go. */
static struct thread *leads_to(struct thread *t)
{
	while (t->blocked && t->donee)
		t = t->donee;
	return t;
}

/* The donee has used what t, in thread_schedule, has given since then. */
static void charge(struct thread *t)
{
	t->donee->used += clock_now() - t->since;
	t->since = 0;
}

static void undonate(struct thread *t)
{
	struct thread *donee = t->donee;

	if (!donee)
		return;
	if (t->since)
		charge(t);
	if (donee->row_at == t)
		donee->row_at = t->donor_next;
	if (t->donor_prev)
		t->donor_prev->donor_next = t->donor_next;
	else
		donee->donors = t->donor_next;
	if (t->donor_next)
		t->donor_next->donor_prev = t->donor_prev;
	t->donee = t->donor_next = t->donor_prev = NULL;
	if (donee->supplier == t) {
		donee->supplier = NULL;
		if (leads_to(donee) == current)
			sched_preempt();
	}
	if (donee != current && usable(donee))
		request_path(donee);
}

/* May t lend to donee: neither a circle nor too long a path? */
static int may_donate(const struct thread *t, const struct thread *donee)
{
	unsigned depth = t->depth;

	for (; donee; donee = donee->blocked ? donee->donee : NULL)
		if (donee == t || ++depth > DONATION_MAX)
			return 0;
	return 1;
}

void sched_donate(struct thread *t, struct thread *donee)
{
	if (t->donee == donee)
		return;
	undonate(t);
	if (!donee || !may_donate(t, donee)) {
		if (t->blocked && t->request_pending)	/* lends no more, and cannot run */
			withdraw_path(t);
		return;
	}
	t->donee = donee;
	t->donor_next = donee->donors;
	if (donee->donors)
		donee->donors->donor_prev = t;
	donee->donors = t;
}

/* current = t.  Its space is loaded, so that its memory can be touched. */
void sched_run(struct thread *t)
{
	current = t;
	cpu_load(t);
}

/* t runs on time of its donor. */
static void supply(struct thread *donor, struct thread *t)
{
	t->supplier = donor;
	t->depth = donor->depth < 2 * DONATION_MAX ? donor->depth + 1 : donor->depth;
}

void sched_block(struct thread *t)
{
	struct thread *donee = t->donee;

	if (!donee && (t->request_pending || t->donors))
		withdraw_path(t);
	if (t != current)
		return;
	t->attention &= ~ATTENTION_DISPATCH;
	if (donee && !donee->blocked && !cpu()->preempt && link_target(&donee->space)) {
		supply(t, donee);
		sched_run(donee);
	} else {
		current = NULL;
		if (donee && usable(donee) && !supplied(t))
			sched_request(donee);
	}
}

/* The result of a schedule whose target blocked, with a request that came meanwhile. */
static uint32_t blocked_result(struct thread *scheduler)
{
	return portset_request((struct portset *)scheduler->wait_object, scheduler, FLUKE_SCHED_BLOCKED_REQUESTED,
		FLUKE_SCHED_BLOCKED);
}

/* ON_CONFLICT: while the target cannot run, one client that asks runs in its stead, and its request stays
 * where it is: seen by nobody if the client blocks again, by the scheduler when its call ends.
 * That will be with BLOCKED, so the target asks again too, when it is ready. */
static int stand_in(struct thread *scheduler, const struct portset *set)
{
	struct thread *target = scheduler->donee, *t;

	if (!set || sensitivity(scheduler) != FLUKE_WAKEUP_ON_CONFLICT)
		return 0;
	t = portset_asker(set);
	if (!t || (!target && !scheduler->stands_in))
		return 0;
	if (target != t) {
		if ((target && usable(target)) || !may_donate(scheduler, t))
			return 0;
		if (!scheduler->stands_in)
			target->known = 0;
		scheduler->stands_in = 1;
		sched_donate(scheduler, t);
		scheduler->since = clock_now();
	}
	if (supplied(scheduler))
		sched_preempt();
	return 1;
}

int sched_message(struct thread *scheduler, struct portset *set, int urgent)
{
	int blocked = sensitivity(scheduler) != FLUKE_WAKEUP_ON_BLOCK && !(scheduler->donee && usable(scheduler->donee));

	if ((scheduler->regs.edx & FLUKE_WAKEUP_LAZY) && !urgent && !blocked)
		return 1;
	if (stand_in(scheduler, set))
		return 0;
	if (scheduler->stands_in || blocked)
		sched_end(scheduler, blocked_result(scheduler));
	else
		sched_end(scheduler, portset_announce(set, scheduler));
	return 1;
}

void sched_end(struct thread *scheduler, uint32_t result)
{
	if ((result == FLUKE_SCHED_BLOCKED || (result & 0xff) == FLUKE_SCHED_BLOCKED_REQUESTED) && scheduler->donee && !usable(scheduler->donee))
		scheduler->donee->known = 0;
	scheduler->regs.eax = result;
	wait_finish(scheduler);
}

/* A scheduler on the path: if nobody below can run, is it to be told?  A request that waited for that
 * may be settled without it. */
static int tell(struct thread *t)
{
	if (sensitivity(t) == FLUKE_WAKEUP_ON_BLOCK)
		return 1;
	return would_end(t) && !(t->donee && usable(t->donee)) &&
		!stand_in(t, (struct portset *)t->wait_object);
}

struct thread *sched_choose(void)
{
	struct thread *t = cpu()->root, *scheduler = NULL;

	while (t) {
		if (!t->blocked && !link_target(&t->space)) {
			t->blocked |= BLOCKED_NO_SPACE;
			sched_block(t);
		}
		if (!t->blocked)
			return t;
		if (t->wait_kind == WAIT_SCHEDULE && tell(t))
			scheduler = t;
		if (t->donee)
			supply(t, t->donee);
		t = t->donee;
	}
	if (scheduler)
		sched_end(scheduler, blocked_result(scheduler));
	return scheduler;
}

void sched_set_root(unsigned processor, struct thread *t)
{
	if (processor)
		return;
	cpu()->root = t;
	sched_preempt();
}

int sched_donors_step(struct thread *t, struct thread *heir)
{
	for (int n = 0; t->donors; n++) {
		struct thread *donor = t->donors;

		if (n == 8)
			return 0;
		if (donor->wait_kind != WAIT_SCHEDULE) {
			sched_donate(donor, heir);
		} else if (donor->stands_in) {
			sched_donate(donor, NULL);
		} else {
			sched_end(donor, FLUKE_SCHED_INVALID);
			(heir ? heir : t)->known = 0;
		}
	}
	return 1;
}

void sched_thread_gone(struct thread *t)
{
	if (t->donee)
		sched_donate(t, NULL);
	sched_withdraw(t);
	if (t->row_next)
		leave_row(t);
	if (t->last_of) {
		t->last_of->last = NULL;
		t->last_of = NULL;
	}
	t->supplier = NULL;
}

/* The thread at va or behind the reference there; null for 0 and for a null or dead reference. */
static result_t find_target(uint32_t va, struct thread **target)
{
	struct object *o;

	*target = NULL;
	if (!va)
		return OK;
	TRY(PLACE(FIND, va, FLUKE_PROT_OBJECT));
	o = object_looked_up(cpu()->loaded, va, FLUKE_TYPE_THREAD);
	if (!o)
		TRY((object_find_or_ref)(va, FLUKE_TYPE_THREAD, &o));
	*target = (struct thread *)o;
	return OK;
}

/* Donates to a thread while waiting for a message at a port: ebx thread (or a reference to one, or
 * 0), ecx port (or 0), edx sensitivity and flags. */
result_t sys_thread_schedule(struct thread *t)
{
	struct thread *client;
	struct object *object = NULL;
	struct portset *set = NULL;

	if ((t->regs.edx & ~(FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY)) > FLUKE_WAKEUP_ON_CONFLICT)
		return INSANE(INVALID_STATE);
	TRY(find_target(t->regs.ebx, &client));
	if (t->regs.ecx)
		TRY(object_find_or_ref(t->regs.ecx, FLUKE_TYPE_PORT, &object));
	if (client == t)
		return INSANE(CURRENT_THREAD);
	if (object)
		set = port_set((struct port *)object);
	/* commit */
	if (set && set->active && (client && t->regs.edx & FLUKE_WAKEUP_LAZY ? portset_urgent(set) : portset_busy(set))) {
		t->regs.eax = portset_announce(set, t);
		return OK;
	}
	if (!client || (client->blocked & (BLOCKED_STOPPED | BLOCKED_NO_SPACE | BLOCKED_DYING))) {
		if (client)
			client->known = 0;
		t->regs.eax = FLUKE_SCHED_INVALID;
		return OK;
	}
	if (client->blocked && (!usable(client) || !may_donate(t, client))) {
		client->known = 0;
		t->regs.eax = portset_request(set, t, FLUKE_SCHED_BLOCKED_REQUESTED, FLUKE_SCHED_BLOCKED);
		return OK;
	}
	sched_withdraw(client);
	client->known = 1;
	/* resumes as: fluke_thread_schedule(thread, port, sensitivity) */
	wait_on(set ? &set->sleepers : NULL, (struct object *)set, WAIT_SCHEDULE, client);
	t->since = t->donee ? clock_now() : 0;
	return RESTART;
}

/* Thread (or a reference to one) at ebx; what it has been given until now goes to esi and edi. */
result_t sys_thread_used(struct thread *t)
{
	struct thread *client, *donor;
	uint64_t used;

	TRY(find_target(t->regs.ebx, &client));
	used = client ? client->used : 0;
	for (donor = client ? client->donors : NULL; donor; donor = donor->donor_next)
		used += donor->since ? clock_now() - donor->since : 0;
	t->regs.esi = (uint32_t)used;
	t->regs.edi = (uint32_t)(used >> 32);
	return OK;
}
