/* The Process interface: each method checks its arguments and hands on to the file that knows.  All run
 * under the manager's lock (serve.c). */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/MemPool.h>
#include <protocols/Segment.h>
#include <protocols/Process_server.h>
#include <nest/serve.h>
#include <nest/stream.h>
#include "manager.h"

static int method_fork(void *self, struct request *r, uint32_t thread, uint32_t flags, uint32_t entry, uint32_t stack,
	int32_t *pid)
{
	struct process *p = request_process(self);

	(void)r, (void)flags;
	return thread_find(p, thread) ? process_fork(p, thread, entry, stack, pid) : EINVAL;
}

static int method_exec(void *self, struct request *r, uint32_t flags, const char *name, const void *startup, size_t size)
{
	(void)r;
	return process_exec(request_process(self), flags, name, startup, size);
}

static int method_exit(void *self, struct request *r, int32_t status)
{
	(void)r;
	process_end(request_process(self), status & 0xffff);
	return 0;
}

static int method_wait(void *self, struct request *r, int32_t id, uint32_t options, int32_t *pid, int32_t *status,
	struct Usage *usage)
{
	*status = 0;
	memset(usage, 0, sizeof *usage);
	return wait_request(request_process(self), r, id, options, pid);
}

static int method_kill(void *self, struct request *r, int32_t id, int32_t signal)
{
	(void)r;
	return signal_send(request_process(self), id, signal);
}

/* pid -1: whichever process has the thread. */
static struct process *find_thread(int pid, int tid, struct thread **t)
{
	struct process *p = process_find(pid > 0 ? pid : tid);

	if (p && p->body && (*t = thread_find_tid(p, tid)))
		return p;
	if (pid > 0)
		return NULL;
	for (p = process_next(NULL); p; p = process_next(p))
		if (p->body && (*t = thread_find_tid(p, tid)))
			return p;
	return NULL;
}

static int method_kill_thread(void *self, struct request *r, int32_t pid, int32_t tid, int32_t signal)
{
	struct signal_info info = { SI_TKILL, request_process(self)->pid, 0 };
	struct thread *t;
	struct process *p = find_thread(pid, tid, &t);

	(void)r;
	if (tid <= 0 || signal < 0 || signal > SIGNALS)
		return EINVAL;
	if (!p)
		return ESRCH;
	if (signal)
		signal_post_thread(p, t, signal, info);
	return 0;
}

static struct process *target(void *self, int pid)
{
	return pid ? process_find(pid) : request_process(self);
}

static int method_get_ids(void *self, struct request *r, int32_t pid, int32_t *ppid, int32_t *group, int32_t *session)
{
	struct process *p = target(self, pid);

	(void)r;
	if (!p)
		return ESRCH;
	*ppid = p->parent ? p->parent->pid : PID_INIT;
	*group = p->group;
	*session = p->session->id;
	return 0;
}

static int method_set_group(void *self, struct request *r, int32_t pid, int32_t group)
{
	struct process *p = target(self, pid);
	int error;

	(void)r;
	if (p && group == 0)
		group = p->pid;
	error = group_may_set(request_process(self), p, group);
	if (error || p->group == group)
		return error;
	p->group = group;
	facts_update(p);
	for (struct process *c = p->children; c; c = c->sibling)
		if (c->body)
			facts_update(c);	/* orphaned or not may have changed */
	return 0;
}

static int method_memory_left(void *self, struct request *r, uint32_t *bytes)
{
	uint32_t limit, used;

	(void)r;
	return MemPool_statistics(&request_process(self)->body->objects->pool, &limit, &used, bytes);
}

static int method_set_session(void *self, struct request *r, int32_t *session)
{
	struct process *p = request_process(self);
	int error = session_may_create(p);

	(void)r;
	if (!error)
		error = session_create(p);
	if (error)
		return error;
	*session = p->session->id;
	facts_update(p);
	return 0;
}

/* ---- threads */

struct starting_thread { struct process *process; int slot; };

/* The image has made it, stopped; here it gets its scheduler. */
static int thread_give_scheduler(void *argument)
{
	static fluke_thread_state_t state;
	static fluke_ref_t *leave[FLUKE_THREAD_LINKS];
	struct starting_thread *s = argument;
	fluke_ref_t *links[FLUKE_THREAD_LINKS] = { NULL, &manager->scheduler_port };
	fluke_thread_t *thread = body_object(s->process->body, s->process->thread[s->slot].address);
	int error = thread_add_scheduler(s->process, s->slot);

	if (error)
		return error;
	fluke_thread_get_state(thread, &state, leave);
	state.sched_val = s->process->thread[s->slot].sched_val;
	fluke_thread_set_state(thread, &state, links);
	return 0;
}

static int method_thread_started(void *self, struct request *r, uint32_t thread, uint32_t slot, int32_t *tid)
{
	struct process *p = request_process(self);
	struct starting_thread starting = { p, slot };
	int error;

	(void)r;
	if (thread_slot(thread) != (int)slot)
		return EINVAL;
	if (!thread_add(p, slot, thread, id_alloc()))
		return EAGAIN;
	error = guarded(thread_give_scheduler, &starting);
	if (error) {
		thread_remove(p, slot);
		return error == EFAULT ? EINVAL : error;
	}
	*tid = p->thread[slot].tid;
	return 0;
}

/* The caller does not get an answer; the last one ends the process. */
static int method_thread_ended(void *self, struct request *r, uint32_t thread)
{
	struct process *p = request_process(self);
	struct thread *t = thread_find(p, thread);

	(void)r;
	if (!t)
		return EINVAL;
	if (p->threads == 1) {
		process_end(p, 0);
		return 0;
	}
	thread_remove(p, t - p->thread);
	signal_deliver(p);		/* what this one was to take, another may */
	return 0;
}

static int method_take_signal(void *self, struct request *r, uint32_t thread, int32_t *signal, int32_t *code,
	int32_t *sender, uint32_t *value)
{
	struct signal_info info = { 0, 0, 0 };
	struct process *p = request_process(self);
	struct thread *t = thread_find(p, thread);

	(void)r;
	if (!t)
		return EINVAL;
	*signal = signal_take(p, t, &info);
	*code = info.code;
	*sender = info.sender;
	*value = info.value;
	return 0;
}

/* ---- accounts, limits */

static int method_usage(void *self, struct request *r, int32_t who, struct Usage *usage)
{
	struct process *p = request_process(self);
	uint32_t limit, used = 0, free;

	(void)r, (void)who;
	*usage = p->usage;
	threads_account(p->thread, p->slots, 0, usage);
	if (!MemPool_statistics(&p->body->objects->pool, &limit, &used, &free) && used > usage->peak)
		usage->peak = used;
	p->usage.peak = usage->peak;
	return 0;
}

static int method_set_limit(void *self, struct request *r, int32_t pid, int32_t resource, uint64_t soft, uint64_t hard)
{
	struct process *p = target(self, pid);

	(void)r;
	if (!p)
		return ESRCH;
	if (resource < 0 || resource >= LIMITS || soft > hard)
		return EINVAL;
	p->limit[resource].soft = soft;
	p->limit[resource].hard = hard;
	return 0;
}

static int method_get_limit(void *self, struct request *r, int32_t pid, int32_t resource, uint64_t *soft, uint64_t *hard)
{
	struct process *p = target(self, pid);

	(void)r;
	if (!p)
		return ESRCH;
	if (resource < 0 || resource >= LIMITS)
		return EINVAL;
	*soft = p->limit[resource].soft;
	*hard = p->limit[resource].hard;
	return 0;
}

static int method_set_name(void *self, struct request *r, const char *name)
{
	struct process *p = request_process(self);

	(void)r;
	snprintf(p->name, sizeof p->name, "%s", name);
	return 0;
}

static int method_missing_call(void *self, struct request *r, uint32_t number)
{
	(void)self, (void)r;
	missing_count(number);
	return 0;
}

static int method_call_seen(void *self, struct request *r, uint32_t number, int32_t result)
{
	(void)self, (void)r;
	call_seen(number, result);
	return 0;
}

/* ---- terminal, timers, pipes */

static int method_set_terminal(void *self, struct request *r, fluke_ref_t *tty)
{
	(void)r;
	return tty ? session_set_tty(request_process(self), tty) : EINVAL;
}

static int method_get_terminal(void *self, struct request *r, void **tty)
{
	(void)r;
	*tty = session_tty(request_process(self)->session);
	return *tty ? 0 : ENXIO;
}

static int method_set_foreground(void *self, struct request *r, int32_t group)
{
	(void)r;
	return session_set_foreground(request_process(self), group);
}

static int method_get_foreground(void *self, struct request *r, int32_t *group)
{
	struct session *s = request_process(self)->session;

	(void)r;
	*group = s->foreground;
	return s->has_tty ? 0 : ENOTTY;
}

static int method_background_access(void *self, struct request *r, uint32_t write)
{
	(void)r;
	return session_background(request_process(self), write);
}

static int method_set_timer(void *self, struct request *r, uint32_t which, uint64_t value, uint64_t interval,
	uint64_t *old_value, uint64_t *old_interval)
{
	uint64_t old[2] = { 0, 0 };
	int error = timer_set(request_process(self), which, value, interval, old);

	(void)r;
	*old_value = old[0];
	*old_interval = old[1];
	return error;
}

static int method_get_timer(void *self, struct request *r, uint32_t which, uint64_t *value, uint64_t *interval)
{
	uint64_t now[2] = { 0, 0 };
	int error = timer_get(request_process(self), which, now);

	(void)r;
	*value = now[0];
	*interval = now[1];
	return error;
}

static int method_wait_vfork(void *self, struct request *r, int32_t pid)
{
	return vfork_request(request_process(self), r, pid);
}

/* Only while the parent waits in vfork, and only its own memory. */
static int method_give_back(void *self, struct request *r, uint32_t address, const void *data, size_t size)
{
	struct process *p = request_process(self);

	(void)r;
	if (!p->vfork_wait || !p->parent || !p->parent->body)
		return EPERM;
	return Segment_write(&p->parent->body->objects->data, address, data, size);
}

static int method_make_timer(void *self, struct request *r, int32_t clock, uint32_t notify, uint32_t signal, uint32_t tid,
	uint32_t value, uint32_t *id)
{
	(void)r;
	return timer_make(request_process(self), clock, notify, signal, tid, value, id);
}

static int method_cpu_time(void *self, struct request *r, int32_t clock, uint64_t *ns)
{
	(void)r;
	*ns = 0;
	return timer_cpu_time(request_process(self), clock, ns);
}

static int method_arm_timer(void *self, struct request *r, uint32_t id, uint32_t absolute, uint64_t value, uint64_t interval,
	uint64_t *old_value, uint64_t *old_interval)
{
	uint64_t old[2] = { 0, 0 };
	int error = timer_arm(request_process(self), id, absolute != 0, value, interval, old);

	(void)r;
	*old_value = old[0];
	*old_interval = old[1];
	return error;
}

static int method_read_timer(void *self, struct request *r, uint32_t id, uint64_t *value, uint64_t *interval, uint32_t *overrun)
{
	uint64_t now[2] = { 0, 0 };
	int error = timer_read(request_process(self), id, now, overrun);

	(void)r;
	*value = now[0];
	*interval = now[1];
	return error;
}

static int method_drop_timer(void *self, struct request *r, uint32_t id)
{
	(void)r;
	return timer_drop(request_process(self), id);
}

/* The ends must have no other reference, so that a closed end is seen: the answer goes out from two of our
 * own, which are gone then. */
static int method_create_pipe(void *self, struct request *r, void **reader, void **writer)
{
	fluke_ref_t *ends[2] = { ref_new(), ref_new() };
	struct request *parked = NULL;
	int error = ends[0] && ends[1] ? pipe_serve(server, ends[0], ends[1]) : ENOMEM;

	(void)self, (void)reader, (void)writer;
	if (!error)
		parked = request_park(r);
	if (parked) {
		manager_pause();
		Process_create_pipe_reply(parked, ends[0], ends[1]);
		request_answer(parked, 0);
		manager_resume();
	}
	ref_free(ends[0]);
	ref_free(ends[1]);
	return parked ? REQUEST_PARKED : error ? error : ENOMEM;
}

/* ---- badges: who holds a lock, to be shown to strangers.  One is nobody's any more once its process has gone. */

struct badge {
	struct served	served;
	int		pid;
	uint64_t	started;
};

static void badge_release(void *self)
{
	struct badge *b = self;

	served_done(&b->served);
	free(b);
}

static const struct served_class badge_class = { .name = "badge", .release = badge_release };

static void badge_sent(void *context, int delivered)
{
	if (!delivered)
		served_end(context);
}

static int method_badge(void *self, struct request *r, void **badge)
{
	struct process *p = request_process(self);
	struct badge *b = calloc(1, sizeof *b);
	int error = b ? served_init(&b->served, &badge_class, server) : ENOMEM;

	if (error) {
		free(b);
		return error;
	}
	b->pid = p->pid;
	b->started = p->started;
	*badge = b->served.port;
	r->sent = badge_sent;
	r->sent_context = &b->served;
	return 0;
}

static int method_whose(void *self, struct request *r, fluke_ref_t *badge, int32_t *pid)
{
	struct served *o = served_of(server, badge);
	struct badge *b = o && o->class == &badge_class ? (struct badge *)o : NULL;
	struct process *p = b ? process_find(b->pid) : NULL;

	(void)self, (void)r;
	*pid = p && p->started == b->started ? b->pid : 0;
	return 0;
}

const struct Process_methods process_methods = {
	.fork = method_fork, .exec = method_exec, .exit = method_exit, .wait = method_wait, .kill = method_kill,
	.kill_thread = method_kill_thread, .get_ids = method_get_ids, .set_group = method_set_group,
	.set_session = method_set_session, .thread_started = method_thread_started, .thread_ended = method_thread_ended,
	.take_signal = method_take_signal, .usage = method_usage, .set_limit = method_set_limit,
	.get_limit = method_get_limit, .set_name = method_set_name, .missing_call = method_missing_call, .memory_left = method_memory_left,
	.call_seen = method_call_seen,
	.set_terminal = method_set_terminal, .get_terminal = method_get_terminal,
	.set_foreground = method_set_foreground, .get_foreground = method_get_foreground,
	.background_access = method_background_access, .set_timer = method_set_timer, .get_timer = method_get_timer,
	.wait_vfork = method_wait_vfork, .give_back = method_give_back, .make_timer = method_make_timer, .arm_timer = method_arm_timer,
	.read_timer = method_read_timer, .drop_timer = method_drop_timer, .cpu_time = method_cpu_time, .create_pipe = method_create_pipe,
	.badge = method_badge, .whose = method_whose,
};
