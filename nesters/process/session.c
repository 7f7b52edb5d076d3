/* Sessions: a sub-pool and a process limit each, so that no session starves another; the controlling
 * terminal and its foreground group.  The terminal itself only sends signal bits to the session's port; which group
 * is in front, and who may touch the terminal, is decided here. */
#include <stdlib.h>
#include <native.h>
#include <protocols/MemPool.h>
#include <protocols/Session.h>
#include <protocols/Tty.h>
#include <nest/serve.h>
#include "manager.h"

#define SIGNAL_BIT_WINDOW	23	/* the terminal's bit for SIGWINCH, as bits from 24 on are the kernel's */

/* Most processes of a session: more than this and the kernel's page tables (1/32 of the memory, about ten for each
 * process) are rebuilt at every switch. */
#define MEMORY_PER_BODY	(1u << 20)
#define BODIES_LEAST	48

struct session_port {
	struct served	served;
	struct session	*session;
};

static struct session_port *ports[SESSIONS];
static struct signal_info by_kernel = { SI_KERNEL, 0, 0 };

static struct session_objects *session_objects(struct session *s)
{
	return (struct session_objects *)SESSION_OBJECTS(session_number(s));
}

static void port_event(void *self, uint32_t word0, uint32_t word1)
{
	struct session_port *port = self;

	(void)word1;
	manager_enter();
	if (port->session->id)
		session_signals(port->session, word0);
	manager_leave();
}

static const struct served_class session_class = { .name = "session", .event = port_event };

/* A port is made once per place in the table and stays. */
static fluke_port_t *session_port(struct session *s)
{
	struct session_port **port = &ports[session_number(s)];

	if (!*port) {
		*port = calloc(1, sizeof **port);
		if (!*port || served_init(&(*port)->served, &session_class, server))
			return NULL;
		(*port)->session = s;
	}
	return (*port)->served.port;
}

/* Seven eighths of the memory that is free, and so many processes as it carries: the rest is for other sessions. */
int session_create(struct process *p)
{
	struct session *s = session_alloc(p->pid);
	uint32_t limit = 0, used, free = 0;
	struct session_objects *o;

	if (!s)
		return EAGAIN;
	o = session_objects(s);
	fluke_ref_create(&o->tty);
	fluke_ref_create(&o->pool);
	if (MemPool_statistics(&manager->pool, &limit, &used, &free))
		free = 0;
	s->limit = limit / MEMORY_PER_BODY;
	if (s->limit > BODIES * 7 / 8)
		s->limit = BODIES * 7 / 8;
	if (s->limit < BODIES_LEAST)
		s->limit = BODIES_LEAST;
	if (MemPool_create_sub(&manager->pool, free / 8 * 7, &o->pool)) {
		fluke_ref_destroy(&o->tty);
		fluke_ref_destroy(&o->pool);
		s->id = 0;
		return ENOMEM;
	}
	session_enter(p, s);
	p->group = p->pid;
	return 0;
}

/* Nobody is in it and no body lives from its pool (one that left for a session of its own still did, until its exec). */
void session_ended(struct session *s)
{
	struct session_objects *o = session_objects(s);

	fluke_ref_destroy(&o->tty);
	MemPool_destroy(&o->pool);
	fluke_ref_destroy(&o->pool);
	s->id = 0;
}

fluke_ref_t *session_pool(struct session *s)
{
	return &session_objects(s)->pool;
}

/* ---- terminal */

fluke_ref_t *session_tty(struct session *s)
{
	return s->has_tty ? &session_objects(s)->tty : NULL;
}

int session_is_tty(fluke_ref_t *file)
{
	struct WindowSize size;

	return Tty_get_window(file, &size) == 0;
}

int session_set_tty(struct process *p, fluke_ref_t *tty)
{
	struct session *s = p->session;
	fluke_port_t *port = session_port(s);

	if (s->id != p->pid)
		return EPERM;
	if (s->has_tty)
		return fluke_ref_compare(tty, session_tty(s)) ? 0 : EPERM;
	if (!port || Tty_set_owner(tty, s->id, port))
		return EPERM;
	fluke_ref_copy(tty, &session_objects(s)->tty);
	s->has_tty = 1;
	s->foreground = p->group;
	Tty_set_foreground(tty, p->group);
	facts_update_session(s);
	return 0;
}

/* Are we a process of another manager that has its terminal in front of other processes? */
static int in_background(void)
{
	fluke_ref_t *outer = service_lookup("process");
	int32_t parent, group, session, front;
	int yes = outer && !Process_get_ids(outer, 0, &parent, &group, &session) &&
		!Process_get_foreground(outer, &front) && front != group;

	ref_free(outer);
	return yes;
}

/* A terminal becomes the controlling one; the channel of boot/run only sends the host's signals. */
void session_set_input(struct process *p, fluke_ref_t *file)
{
	struct session *s = p->session;

	if (in_background()) {
		s->foreground = p->group;
		return;
	}
	if (session_is_tty(file)) {
		session_set_tty(p, file);
		return;
	}
	s->foreground = p->group;
	if (session_port(s))
		Tty_set_owner(file, s->id, session_port(s));
}

/* The terminal is free again; whoever was in front is told. */
void session_leader_ended(struct session *s)
{
	if (!s->has_tty)
		return;
	signal_group(s->foreground, s, SIGHUP, by_kernel);
	signal_group(s->foreground, s, SIGCONT, by_kernel);
	Tty_set_owner(session_tty(s), 0, &manager->null);
	fluke_ref_clear(session_tty(s));
	s->has_tty = 0;
	facts_update_session(s);
}

/* Does the process have this signal ignored or blocked?  Then it is not stopped for touching the terminal. */
static int shields(struct process *p, int signal)
{
	struct process_control *control = body_control(p->body);

	if (!control)
		return 0;
	if (control->ignored & SIGNAL_BIT(signal))
		return 1;
	for (int i = 0; i < p->slots; i++)
		if (p->thread[i].address && !(control->slot[i].blocked & SIGNAL_BIT(signal)))
			return 0;
	return 1;
}

/* 0: go on; EIO; EINTR: the signal has been sent, try again afterwards. */
int session_background(struct process *p, int write)
{
	int signal = write ? SIGTTOU : SIGTTIN;
	struct session *s = p->session;

	if (!s->has_tty || s->foreground == p->group)
		return 0;
	if (shields(p, signal))
		return write ? 0 : EIO;
	if (group_orphaned(p->group, s, NULL))
		return EIO;
	signal_group(p->group, s, signal, by_kernel);
	return EINTR;
}

int session_set_foreground(struct process *p, int group)
{
	struct session *s = p->session;
	int error;

	if (!s->has_tty)
		return ENOTTY;
	if (group <= 0)
		return EINVAL;
	if (!group_exists(group, s))
		return group_exists(group, NULL) ? EPERM : ESRCH;
	error = session_background(p, 1);
	if (error)
		return error;
	s->foreground = group;
	Tty_set_foreground(session_tty(s), group);
	facts_update_session(s);
	return 0;
}

void session_signals(struct session *s, uint32_t bits)
{
	for (int bit = 1; bit < 24; bit++) {
		struct process *leader = process_find(s->id);

		if (!(bits & 1u << bit))
			continue;
		if (bit == SIGHUP && leader && leader->body)
			signal_post(leader, SIGHUP, by_kernel);
		signal_group(s->foreground, s, bit == SIGNAL_BIT_WINDOW ? SIGWINCH : bit, by_kernel);
	}
}

/* ---- the sessions that servers count by: one per process, from its exec to its end; a fork is its parent's until then */

int session_mint(struct process *p, fluke_ref_t *object, fluke_ref_t *to)
{
	fluke_ref_t *own = PROCESS_SESSION(p->index);
	int error;

	if (fluke_ref_type(&manager->sessions) == FLUKE_NULL) {
		fluke_ref_copy(object, to);
		return 0;
	}
	error = Session_create(&manager->sessions, object, p->has_session ? own : NULL, &manager->minted);
	if (error == EXDEV) {		/* another server's */
		fluke_ref_copy(object, to);
		return 0;
	}
	if (error)
		return error;
	if (!p->has_session) {
		fluke_ref_create(own);
		fluke_ref_copy(&manager->minted, own);
		p->has_session = 1;
	}
	fluke_ref_copy(&manager->minted, to);
	fluke_ref_clear(&manager->minted);
	return 0;
}

void session_share(struct process *p, struct process *child)
{
	if (!p->has_session)
		return;
	fluke_ref_create(PROCESS_SESSION(child->index));
	child->has_session = 1;
	fluke_ref_copy(PROCESS_SESSION(p->index), PROCESS_SESSION(child->index));
}

void session_drop(struct process *p)
{
	if (p->has_session)
		fluke_ref_destroy(PROCESS_SESSION(p->index));
	p->has_session = p->own_session = 0;
}
