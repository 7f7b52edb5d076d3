/* What POSIX decides about signals, waiting and job control: plain functions of the table's
 * records, without effects and kernel calls, so that tests/host can try every case. */
#include "manager.h"

/* ---- signals */

enum default_action signal_default(int signal)
{
	switch (signal) {
	case SIGCHLD: case SIGURG: case SIGWINCH:
		return ACTION_IGNORE;
	case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
		return ACTION_STOP;
	case SIGCONT:
		return ACTION_CONTINUE;
	case SIGQUIT: case SIGILL: case SIGTRAP: case SIGABRT: case SIGBUS: case SIGFPE: case SIGSEGV:
	case SIGXCPU: case SIGXFSZ: case SIGSYS:
		return ACTION_CORE;
	}
	return ACTION_TERMINATE;
}

/* What becomes of a signal that arrives, or that is taken from the pending set.  blocked: no thread
 * that may take it has it unblocked.  A blocked signal stays pending even if ignored, as sigwait may
 * want it.  The continuing effect of SIGCONT is the caller's, it does not depend on any of this. */
enum verdict signal_judge(int signal, struct disposition d, int blocked, int orphaned)
{
	uint64_t bit = SIGNAL_BIT(signal);

	if (signal == SIGKILL)
		return VERDICT_KILL;
	if (signal == SIGSTOP)
		return VERDICT_STOP;
	if (blocked || (d.caught & bit))
		return VERDICT_PEND;
	if (d.ignored & bit)
		return VERDICT_DROP;
	switch (signal_default(signal)) {
	case ACTION_IGNORE:
	case ACTION_CONTINUE:
		return VERDICT_DROP;
	case ACTION_STOP:
		return orphaned ? VERDICT_DROP : VERDICT_STOP;
	default:
		return VERDICT_KILL;
	}
}

/* A stop signal takes back a pending SIGCONT and the other way round. */
uint64_t signal_discard_on_post(int signal)
{
	if (signal == SIGCONT)
		return SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU);
	if (signal_default(signal) == ACTION_STOP)
		return SIGNAL_BIT(SIGCONT);
	return 0;
}

/* ---- waiting */

int status_exited(int code)
{
	return (code & 0xff) << 8;
}

int status_signalled(int signal)
{
	return signal & 0x7f;
}

int status_stopped(int signal)
{
	return (signal & 0xff) << 8 | 0x7f;
}

static int wait_id_matches(const struct process *caller, const struct process *child, int id)
{
	if (id > 0)
		return child->pid == id;
	if (id == -1)
		return 1;
	return child->group == (id == 0 ? caller->group : -id);
}

static enum wait_event wait_event_of(const struct process *child, uint32_t options)
{
	if (child->state == PROCESS_ZOMBIE)
		return (options & WEXITED) && !child->being_reaped ? WAIT_EXITED : WAIT_NONE;
	if (child->report_stop && (options & WUNTRACED))
		return WAIT_STOPPED;
	if (child->report_continue && (options & WCONTINUED))
		return WAIT_CONTINUED;
	return WAIT_NONE;
}

/* The oldest child of the caller with an event that is asked for.  *candidates counts the children that
 * id names at all: none is ECHILD. */
enum wait_event wait_find(struct process *caller, int id, uint32_t options, struct process **child, int *candidates)
{
	enum wait_event event;
	struct process *c;

	*candidates = 0;
	for (c = caller->children; c; c = c->sibling) {
		if (!wait_id_matches(caller, c, id))
			continue;
		++*candidates;		/* one whose status is on its way too: the caller may have left */
		event = wait_event_of(c, options);
		if (event != WAIT_NONE) {
			*child = c;
			return event;
		}
	}
	return WAIT_NONE;
}

/* Children that id names, but those whose status is on its way to somebody. */
int wait_living(struct process *caller, int id)
{
	struct process *c;
	int count = 0;

	for (c = caller->children; c; c = c->sibling)
		count += !c->being_reaped && wait_id_matches(caller, c, id);
	return count;
}

/* ---- job control */

/* A group is orphaned when no member has a parent in the same session but another group.
 * except: counts as gone (it is just exiting), and so do its children's links to it. */
int group_orphaned(int group, struct session *s, struct process *except)
{
	struct process *p;

	for (p = process_next(0); p; p = process_next(p)) {
		if (p->group != group || p->session != s || p == except || p->state == PROCESS_ZOMBIE)
			continue;
		if (p->parent && p->parent != except && p->parent->session == s && p->parent->group != group)
			return 0;
	}
	return 1;
}

int group_has_stopped(int group)
{
	struct process *p;

	for (p = process_next(0); p; p = process_next(p))
		if (p->group == group && p->state == PROCESS_STOPPED)
			return 1;
	return 0;
}

/* setpgid: 0 or an errno. */
int group_may_set(struct process *caller, struct process *target, int group)
{
	if (group < 0)
		return EINVAL;
	if (!target || (target != caller && target->parent != caller))
		return ESRCH;
	if (target != caller && target->has_execed)
		return EACCES;
	if (target->session != caller->session || target->session->id == target->pid)
		return EPERM;
	if (group != target->pid && !group_exists(group, caller->session))
		return EPERM;
	return 0;
}

/* setsid: not for a group leader. */
int session_may_create(struct process *caller)
{
	return group_exists(caller->pid, 0) ? EPERM : 0;
}
