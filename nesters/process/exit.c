/* The end of a process: its body goes, its children become PID 1's, groups may be orphaned, the parent is
 * told.  All in one step under the lock; the zombie stays until it has been waited for. */
#include <string.h>
#include <native.h>
#include "manager.h"

struct process *first_process;

/* Groups that lose, by the end of p, their last link to the rest of the session. */
struct orphaned { int group[16]; int count; };

static void orphaned_add(struct orphaned *o, int group, struct session *s, struct process *p)
{
	for (int i = 0; i < o->count; i++)
		if (o->group[i] == group)
			return;
	if (o->count < 16 && !group_orphaned(group, s, NULL) && group_orphaned(group, s, p))
		o->group[o->count++] = group;
}

static void orphaned_find(struct orphaned *o, struct process *p)
{
	o->count = 0;
	orphaned_add(o, p->group, p->session, p);
	for (struct process *c = p->children; c; c = c->sibling)
		if (c->session == p->session && c->group != p->group)
			orphaned_add(o, c->group, p->session, p);
}

static void orphaned_tell(struct orphaned *o, struct session *s)
{
	struct signal_info info = { SI_KERNEL, 0, 0 };

	for (int i = 0; i < o->count; i++) {
		if (!group_has_stopped(o->group[i]))
			continue;
		signal_group(o->group[i], s, SIGHUP, info);
		signal_group(o->group[i], s, SIGCONT, info);
	}
	if (o->count)
		facts_update_session(s);
}

static void children_leave(struct process *p)
{
	struct process *c, *next;

	for (c = p->children; c; c = next) {
		next = c->sibling;
		child_remove(c);
		if (c->body)
			facts_update(c);
		else if (!c->being_reaped)
			process_free(c);
	}
}

static int parent_wants_zombies(struct process *parent)
{
	struct process_control *control = parent->body ? body_control(parent->body) : NULL;

	return !control || (!(control->ignored & SIGNAL_BIT(SIGCHLD)) && !(control->no_zombies & 1));
}

static void parent_tell(struct process *p)
{
	struct process *parent = p->parent;
	int code = p->status & 0x7f ? CLD_KILLED : CLD_EXITED;

	if (!parent) {
		process_free(p);
		return;
	}
	child_changed(p, code, code == CLD_EXITED ? p->status >> 8 & 0xff : p->status & 0x7f);
	if (!parent_wants_zombies(parent))
		process_free(p);
	wait_wake(parent);
}

/* status: as wait shows it. */
void process_end(struct process *p, int status)
{
	struct session *s = p->session;
	struct orphaned orphaned;

	if (!p->body)
		return;
	debugger_ended(p, status);
	if (p == first_process)
		system_ended(status);
	orphaned_find(&orphaned, p);
	threads_account(p->thread, p->slots, 1, &p->usage);
	body_destroy(p->body);
	p->body = NULL;
	memset(p->thread, 0, sizeof p->thread);
	p->threads = p->slots = 0;
	p->pending = 0;
	p->doom = 0;
	p->state = PROCESS_ZOMBIE;
	p->status = status;
	p->report_stop = p->report_continue = 0;
	facts_destroy(p);
	timers_drop(p);
	vfork_done(p);
	wait_abandon(p);
	children_leave(p);
	if (s->id == p->pid)
		session_leader_ended(s);
	orphaned_tell(&orphaned, s);
	parent_tell(p);
}
