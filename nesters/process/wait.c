/* wait(2), and all that must happen outside the manager's lock: answers to parked requests may meet a client
 * that does not come to take them.  Every wait with a result is answered through the queue here, so
 * that a child is only gone once its parent has the status: when the answer does not arrive (the caller left
 * its wait for a signal), the zombie is there again for the next wait. */
#include <string.h>
#include <stdlib.h>
#include <native.h>
#include <protocols/Process_server.h>
#include <nest/serve.h>
#include "manager.h"

struct waiter {
	struct waiter	*next;
	struct request	*request;
	int		id;
	uint32_t	options;
};

struct held {
	struct held	*next;
	struct request	*request;
	int		error;
};

enum answer_kind { ANSWER_PLAIN, ANSWER_EVENT };

struct answer {
	struct answer	*next;
	struct request	*request;
	enum answer_kind kind;
	int		error;
	enum wait_event	event;
	int		keep;			/* WNOWAIT */
	struct process	*parent, *child;
	int		parent_pid, child_pid;
	int		status;
	struct Usage	usage;
};

static struct answer *answers, **answers_end = &answers;
static int children_due;		/* some process has child_due */
static int later_due;			/* something is left for later_run */
struct process *requester;		/* whose request is being served; null: nobody's */

static struct answer *answer_queue(struct request *r, enum answer_kind kind, int error)
{
	struct answer *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->request = r;
	a->kind = kind;
	a->error = error;
	*answers_end = a;
	answers_end = &a->next;
	return a;
}

/* The child's time is the parent's children's, or, sign -1, not after all. */
static void child_account(struct process *parent, const struct process *child, int sign)
{
	parent->usage.child_user += (uint64_t)sign * (child->usage.user + child->usage.child_user);
	parent->usage.child_system += (uint64_t)sign * (child->usage.system + child->usage.child_system);
}

/* Takes the event away from the child, for the time until the answer has arrived. */
static void answer_event(struct process *parent, struct request *r, struct process *child, enum wait_event event,
	uint32_t options)
{
	struct answer *a = answer_queue(r, ANSWER_EVENT, 0);

	if (!a)
		return;
	a->event = event;
	a->keep = (options & WNOWAIT) != 0;
	a->parent = parent;
	a->child = child;
	a->parent_pid = parent->pid;
	a->child_pid = child->pid;
	a->usage = child->usage;
	a->status = event == WAIT_EXITED ? child->status :
		event == WAIT_STOPPED ? status_stopped(child->stop_signal) : STATUS_CONTINUED;
	if (a->keep)
		return;
	if (event == WAIT_EXITED) {
		child->being_reaped = 1;
		child_account(parent, child, 1);	/* it may ask as soon as it has the answer */
	} else if (event == WAIT_STOPPED)
		child->report_stop = 0;
	else
		child->report_continue = 0;
}

/* The answer came through, or it did not. */
static void answer_done(struct answer *a, int failed)
{
	struct process *child = process_find(a->child_pid), *parent = process_find(a->parent_pid);

	if (a->kind != ANSWER_EVENT || a->keep || child != a->child || !child)
		return;
	if (a->event == WAIT_EXITED) {
		child->being_reaped = 0;
		if (failed && parent)
			child_account(parent, child, -1);
		if (!failed || !child->parent)
			process_free(child);
	} else if (failed && a->event == WAIT_STOPPED && child->state == PROCESS_STOPPED)
		child->report_stop = 1;
	else if (failed && a->event == WAIT_CONTINUED && child->state == PROCESS_RUNNING)
		child->report_continue = 1;
	if (parent && parent->body)
		wait_wake(parent);
}

/* Also of those whose last candidate has gone. */
void wait_wake(struct process *parent)
{
	struct waiter **link = &parent->waiters, *w;
	struct process *child;
	int candidates;

	if (parent->state != PROCESS_RUNNING)
		return;
	while ((w = *link)) {
		enum wait_event event = wait_find(parent, w->id, w->options, &child, &candidates);

		if (event == WAIT_NONE && candidates > 0) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		if (event == WAIT_NONE)
			answer_queue(w->request, ANSWER_PLAIN, ECHILD);
		else
			answer_event(parent, w->request, child, event, w->options);
		free(w);
	}
}

/* The same thread asks again: it left its former wait for a signal. */
static void forget_former(struct process *p, struct request *r)
{
	struct waiter **link = &p->waiters, *w;

	while ((w = *link)) {
		if (!request_same_client(w->request, r)) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		answer_queue(w->request, ANSWER_PLAIN, EINTR);
		free(w);
	}
}

/* 0 with *pid 0 for WNOHANG, REQUEST_PARKED, or an errno. */
int wait_request(struct process *p, struct request *r, int id, uint32_t options, int32_t *pid)
{
	struct process *child;
	struct waiter *w;
	int candidates;
	enum wait_event event;

	if (!(options & (WEXITED | WUNTRACED | WCONTINUED)))
		options |= WEXITED;
	event = wait_find(p, id, options, &child, &candidates);
	*pid = 0;
	if (event == WAIT_NONE && candidates == 0)
		return ECHILD;
	/* whether one on its way is still a child is known when its status has arrived: wait for that */
	if (event == WAIT_NONE && (options & WNOHANG) && wait_living(p, id) > 0)
		return 0;
	w = malloc(sizeof *w);
	if (!w)
		return EAGAIN;
	r = request_park(r);
	if (!r) {
		free(w);
		return EAGAIN;
	}
	forget_former(p, r);
	*w = (struct waiter){ p->waiters, r, id, options };
	p->waiters = w;
	if (event != WAIT_NONE)
		wait_wake(p);
	return REQUEST_PARKED;
}

/* The callers are gone with the body; their requests are answered into the void. */
void wait_abandon(struct process *p)
{
	struct waiter *w;

	while ((w = p->waiters)) {
		p->waiters = w->next;
		answer_queue(w->request, ANSWER_PLAIN, EINTR);
		free(w);
	}
	request_release_held(p);
}

/* The parent of a vfork waits for the child's exec or end. */
int vfork_request(struct process *p, struct request *r, int pid)
{
	struct process *child = process_find(pid);

	if (!child || child->parent != p)
		return ECHILD;
	if (!child->body || child->has_execed)
		return 0;
	child->vfork_wait = request_park(r);
	return child->vfork_wait ? REQUEST_PARKED : EAGAIN;
}

void vfork_done(struct process *child)
{
	if (child->vfork_wait)
		answer_queue(child->vfork_wait, ANSWER_PLAIN, 0);
	child->vfork_wait = NULL;
}

/* The method has run and made its reply; the process was stopped meanwhile, so that a worker that answered now
 * would be stopped with it.  The new answer of the method. */
int request_hold(struct process *p, struct request *r, int error)
{
	struct held *h = malloc(sizeof *h);
	struct request *parked;
	uint32_t words = r->reply_words < REQUEST_PARKED_REPLY ? r->reply_words : REQUEST_PARKED_REPLY;

	if (!h || !(parked = request_park(r))) {
		free(h);
		return error;
	}
	memcpy(parked->reply, r->reply, words * 4);
	parked->reply_words = words;
	*h = (struct held){ p->held, parked, error };
	p->held = h;
	return REQUEST_PARKED;
}

void request_release_held(struct process *p)
{
	struct held *h;

	while ((h = p->held)) {
		p->held = h->next;
		answer_queue(h->request, ANSWER_PLAIN, h->error);
		free(h);
	}
}

void child_changed(struct process *child, int code, int value)
{
	struct process *parent = child->parent;

	if (!parent)
		return;
	parent->child_due |= code == CLD_STOPPED || code == CLD_CONTINUED ? 2 : 1;
	parent->child_info = (struct signal_info){ code, child->pid, value };
	children_due = 1;
}

static void children_post(void)
{
	struct process *p;

	children_due = 0;
	for (p = process_next(NULL); p; p = process_next(p)) {
		int due = p->child_due;
		struct process_control *control;

		if (due && p == requester) {
			later_due = 1;
			continue;
		}
		p->child_due = 0;
		if (!due || !p->body)
			continue;
		control = body_control(p->body);
		if (due == 2 && control && (control->no_zombies & 2))
			continue;
		signal_post(p, SIGCHLD, p->child_info);
	}
}

static void later_send(void);

static int answer_send(struct answer *a)
{
	if (a->kind == ANSWER_EVENT)
		Process_wait_reply(a->request, a->child_pid, a->status, &a->usage);
	return request_answer(a->request, a->error);
}

/* Answers first, then SIGCHLD: so a parked wait has its result before its thread is interrupted. */
void deferred_run(void)
{
	while (answers || children_due) {
		struct answer *a = answers;
		int failed;

		if (!a) {
			children_post();
			continue;
		}
		answers = a->next;
		if (!answers)
			answers_end = &answers;
		manager_pause();
		failed = answer_send(a);
		manager_resume();
		answer_done(a, failed);
		free(a);
	}
	if (later_due)
		later_send();
	later_due = 0;
}

/* ---- later: what a process does to others by a signal takes effect once it goes on itself, as on a system where the
 * others must run for it.  A message to ourselves, which another worker takes when it gets the processor. */

struct later { struct served served; };

static void later_event(void *self, uint32_t word0, uint32_t word1)
{
	struct process *p;

	(void)self, (void)word0, (void)word1;
	manager_enter();
	for (p = process_next(NULL); p; p = process_next(p))
		if (p->doom)
			process_end(p, p->doom & 0xffff);
	children_due = 1;
	manager_leave();
}

static const struct served_class later_class = { .name = "later", .event = later_event };
static struct later later;

static void later_send(void)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&params, &manager->later);
}

void later_init(void)
{
	if (!served_init(&later.served, &later_class, server))
		fluke_port_reference(later.served.port, &manager->later);
}

/* The end by a signal: at once if it is the requester itself, or nobody's request. */
void process_doom(struct process *p, int status)
{
	if (!requester || requester == p) {
		process_end(p, status);
		return;
	}
	p->doom = status | 0x10000;
	later_due = 1;
}
