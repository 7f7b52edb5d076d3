/* Processor time: a scheduler for each session, whose clients are the threads of its processes, by the policy
 * `posix`: jobs (process groups) share equally, nice values weigh, SCHED_FIFO and SCHED_RR go before.  The
 * sessions share by the policy of whoever gives us time.  A scheduler is made once per place in the table
 * of sessions and stays.  nice value and policy belong to the process, all threads of it alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <nest/schedule.h>
#include <nest/serve.h>
#include <protocols/Scheduler.h>
#include "manager.h"

#define QUANTUM		10000000u	/* ns */
#define STACK		8192u
#define RESERVED	48u		/* clients, so that an ordinary session's scheduler never grows */

static struct scheduler *times[SESSIONS];

/* Each step of nice is a tenth of the processor, so 1.25 in weight. */
static uint32_t nice_weight(int nice)
{
	uint32_t weight = 1024;

	for (; nice > 0; nice--)
		weight = weight * 4 / 5;
	for (; nice < 0; nice++)
		weight = weight * 5 / 4;
	return weight;
}

void priority_parameters(const struct process *p, struct policy_parameters *to)
{
	memset(to, 0, sizeof *to);
	to->group = (uint32_t)p->group;
	to->weight = p->policy == SCHED_IDLE ? 3 : nice_weight(p->nice);
	to->priority = p->priority;
	to->quantum = p->policy == SCHED_FIFO ? POLICY_FOREVER : 0;
}

/* ---- the sessions' schedulers */

static void describe(struct scheduler *s, natural_t sched_val, char *text, size_t size)
{
	manager_enter();
	for (struct process *p = process_next(NULL); p; p = process_next(p))
		for (int i = 0; i < p->slots; i++)
			if (p->thread[i].scheduler == s && p->thread[i].sched_val == sched_val)
				snprintf(text, size, p->threads > 1 ? "%s %d/%d" : "%s %d", p->name, p->pid, p->thread[i].tid);
	manager_leave();
}

static struct scheduler *starting;
static natural_t starting_val;

static int book(void *unused, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	int error = Scheduler_add(&manager->scheduler, thread, port, sched_val);

	(void)unused;
	starting_val = *sched_val;
	return error;
}

static void loop(void *scheduler)
{
	scheduler_loop(scheduler);
}

/* Makes the scheduler of the place in the table.  0 or ENOMEM. */
int session_time_create(struct session *s)
{
	struct scheduler **t = &times[session_number(s)];
	fluke_ref_t *view;
	char name[24];

	if (*t)
		return 0;
	starting = scheduler_new(policy_new(&policy_posix, clock_to_counts(QUANTUM), 1), &scheduler_real_clock);
	if (!starting || !thread_start_scheduled(loop, starting, STACK, book, NULL))
		return ENOMEM;
	*t = starting;
	scheduler_reserve(starting, RESERVED);
	scheduler_describe(starting, describe);
	view = scheduler_view(starting, server);
	snprintf(name, sizeof name, "session %d", s->id);
	if (view)
		Scheduler_show(&manager->scheduler, starting_val, name, view);
	ref_free(view);
	return 0;
}

struct scheduler *session_scheduler(struct session *s)
{
	return times[session_number(s)];
}

/* After the end of a process: records of threads that have gone are free again, those of now when the loop has seen it. */
void session_times_sweep(void)
{
	for (int i = 0; i < SESSIONS; i++)
		if (times[i])
			scheduler_sweep(times[i]);
}

/* ---- what a process is given */

void priority_changed(struct process *p)
{
	struct policy_parameters parameters;

	priority_parameters(p, &parameters);
	for (int i = 0; i < p->slots; i++)
		if (p->thread[i].scheduler)
			scheduler_set(p->thread[i].scheduler, p->thread[i].sched_val, &parameters);
}

/* Is p one of those that setpriority means? */
static int is_meant(const struct process *p, const struct process *caller, uint32_t which, int who)
{
	if (!p->body)
		return 0;
	switch (which) {
	case PRIO_PROCESS:
		return p->pid == (who ? who : caller->pid) || (who && thread_find_tid((struct process *)p, who));
	case PRIO_PGRP:
		return p->group == (who ? who : caller->group);
	default:
		return who == 0;		/* the one user */
	}
}

int priority_set(struct process *caller, uint32_t which, int who, int nice)
{
	int found = 0;

	if (which > PRIO_USER)
		return EINVAL;
	for (struct process *p = process_next(NULL); p; p = process_next(p)) {
		if (!is_meant(p, caller, which, who))
			continue;
		p->nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
		priority_changed(p);
		found = 1;
	}
	return found ? 0 : ESRCH;
}

/* The most favoured one's. */
int priority_get(struct process *caller, uint32_t which, int who, int *nice)
{
	int found = 0;

	if (which > PRIO_USER)
		return EINVAL;
	for (struct process *p = process_next(NULL); p; p = process_next(p))
		if (is_meant(p, caller, which, who)) {
			if (!found || p->nice < *nice)
				*nice = p->nice;
			found = 1;
		}
	return found ? 0 : ESRCH;
}

/* policy -1: as it is. */
int priority_set_policy(struct process *p, int policy, int priority)
{
	int reset = policy >= 0 && policy & SCHED_RESET_ON_FORK;

	policy = policy < 0 ? p->policy : policy & ~SCHED_RESET_ON_FORK;
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		if (priority < 1 || priority > 99)
			return EINVAL;
		break;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		if (priority)
			return EINVAL;
		break;
	default:
		return EINVAL;
	}
	p->policy = policy;
	p->priority = priority;
	p->policy_resets = reset;
	priority_changed(p);
	return 0;
}

void priority_inherit(const struct process *p, struct process *child)
{
	child->nice = p->nice;
	if (p->policy_resets) {
		child->nice = p->nice < 0 ? 0 : p->nice;
		return;
	}
	child->policy = p->policy;
	child->priority = p->priority;
}
