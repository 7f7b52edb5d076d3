/* The port of each process: Parent and Process, /proc as a FileSystem, exceptions of its threads, signal bits from
 * timers.  Each message runs under the manager's lock.  The port's record outlives the process while a worker is in a
 * method of it; then, or when the last reference has gone, whichever comes later, it is freed. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/Parent.h>
#include <protocols/Parent_server.h>
#include <protocols/Process_server.h>
#include <protocols/FileSystem_server.h>
#include <nest/child.h>
#include <nest/nesting.h>
#include "manager.h"

enum { PORT_LIVE, PORT_UNREFERENCED, PORT_ENDED };

struct process_port {
	struct served	served;
	struct process	*process;	/* null: ended */
	volatile int	state;
};

struct server *server;
static const struct served_class process_class;

/* ---- life of the port */

int serve_process(struct process *p)
{
	struct process_port *port = calloc(1, sizeof *port);

	if (!port)
		return ENOMEM;
	if (served_init(&port->served, &process_class, server)) {
		free(port);
		return ENOMEM;
	}
	if (served_session(&port->served)) {
		served_done(&port->served);
		free(port);
		return ENOMEM;
	}
	port->process = p;
	p->port = port;
	return 0;
}

static void port_free_record(struct process_port *port)
{
	served_done(&port->served);
	free(port);
}

/* Nobody refers to it any more; the record is freed by whoever of this and unserve_process comes second. */
static void port_release(void *self)
{
	struct process_port *port = self;

	if (__sync_val_compare_and_swap(&port->state, PORT_LIVE, PORT_UNREFERENCED) != PORT_LIVE)
		port_free_record(port);
}

void unserve_process(struct process *p)
{
	struct process_port *port = p->port;

	p->port = NULL;
	if (!port)
		return;
	port->process = NULL;
	if (__sync_val_compare_and_swap(&port->state, PORT_LIVE, PORT_ENDED) == PORT_LIVE)
		served_end(&port->served);
	else
		port_free_record(port);
}

fluke_port_t *process_port(struct process *p)
{
	return p->port->served.port;
}

struct process *request_process(void *self)
{
	return ((struct process_port *)self)->process;
}

/* Runs a method under the lock.  Should the process be stopped by then, its answer is kept until it goes on. */
static int locked(int (*dispatch)(const void *, void *, struct request *), const void *methods, void *self,
	struct request *r)
{
	int error = ESRCH;
	struct process *p;

	manager_enter();
	p = request_process(self);
	if (p && p->doom)
		process_end(p, p->doom & 0xffff);	/* it must not fork in the meantime */
	if (p && p->body) {
		requester = p;
		error = dispatch(methods, self, r);
		if (request_process(self) == p && p->state == PROCESS_STOPPED && error != REQUEST_PARKED)
			error = request_hold(p, r, error);
	}
	manager_leave();
	return error;
}

/* An answer with a reference that is only this request's. */
static int answer_ref(struct request *r, fluke_ref_t *ref, int (*reply)(struct request *, void *))
{
	struct request *parked = request_park(r);

	if (parked) {
		manager_pause();
		reply(parked, ref);
		request_answer(parked, 0);
		manager_resume();
	}
	ref_free(ref);
	return parked ? REQUEST_PARKED : EAGAIN;
}

/* ---- Parent */

struct slot_copy { struct process *process; uint32_t slot; fluke_ref_t *ref; };

static int slot_copy(void *argument)
{
	struct slot_copy *copy = argument;

	fluke_ref_copy(body_object(copy->process->body, copy->slot), copy->ref);
	return fluke_ref_type(copy->ref) == FLUKE_NULL ? ENOENT : 0;
}

struct minting { struct process *process; fluke_ref_t *of, *to; };

static int mint(void *argument)
{
	struct minting *m = argument;

	return session_mint(m->process, m->of, m->to);
}

static int parent_lookup(void *self, struct request *r, const char *name, void **service)
{
	struct process *p = request_process(self);
	fluke_ref_t *ref, *ours = NULL;
	struct minting minting;
	int error;

	if (!strcmp(name, "process") || !strcmp(name, "proc")) {
		*service = process_port(p);
		return 0;
	}
	if (!strcmp(name, "session"))
		return ENOENT;
	if (!strcmp(name, "pool"))
		ours = &p->body->objects->pool;
	else if (!strcmp(name, "fs") || !strcmp(name, "clock") || !strcmp(name, "scheduler"))
		ours = *name == 'f' ? &manager->filesystem : *name == 'c' ? &manager->clock : &manager->scheduler;
	if (!strcmp(name, "nesting")) {		/* what /proc shows as well */
		ref = nesting_view();
		return ref ? answer_ref(r, ref, Parent_lookup_reply) : ENOENT;
	}
	ref = ref_new();
	if (!ref)
		return ENOMEM;
	minting = (struct minting){ p, ours, ref };
	if (ours)
		error = guarded(mint, &minting);
	else if (!strcmp(name, "cwd"))
		error = guarded(slot_copy, &(struct slot_copy){ p, IMAGE_REF_CWD, ref }) ? ENOENT : 0;
	else
		error = Parent_lookup(parent_ref(), name, ref);
	if (!error)
		return answer_ref(r, ref, Parent_lookup_reply);
	ref_free(ref);
	return error;
}

static int parent_get_fd(void *self, struct request *r, int32_t n, void **file)
{
	struct slot_copy copy = { request_process(self), 0, NULL };

	(void)file;
	if (n < 0 || n > 2 || !copy.process->descriptor[n])
		return EBADF;
	copy.slot = IMAGE_FILES + (copy.process->descriptor[n] - 1) * sizeof(fluke_ref_t);
	copy.ref = ref_new();
	if (!copy.ref)
		return ENOMEM;
	if (!guarded(slot_copy, &copy))
		return answer_ref(r, copy.ref, Parent_get_fd_reply);
	ref_free(copy.ref);
	return EBADF;
}

static int process_exit(void *self, struct request *r, int32_t status)
{
	(void)r;
	process_end(request_process(self), status & 0xffff);
	return 0;
}

static int parent_log(void *self, struct request *r, const char *text)
{
	(void)self, (void)r;
	return Parent_log(parent_ref(), text);
}

static int parent_missing(void *self, struct request *r, const char *lines)
{
	(void)self, (void)r;
	return Parent_missing(parent_ref(), lines);
}

/* reboot(2): the reports first, as after this nothing follows. */
static int parent_power(void *self, struct request *r, int32_t how, int32_t status)
{
	(void)self, (void)r;
	missing_report();
	return Parent_power(parent_ref(), how, status);
}

static int parent_object_count(void *self, struct request *r, uint32_t type, uint32_t *count)
{
	(void)self, (void)r;
	return Parent_object_count(parent_ref(), type, count);
}

static int parent_nests(void *self, struct request *r, fluke_ref_t *view)
{
	(void)r;
	return nesting_take(request_process(self), view);
}

static const struct Parent_methods parent_methods = {
	.lookup = parent_lookup, .get_fd = parent_get_fd, .exit = process_exit, .log = parent_log,
	.missing = parent_missing, .power = parent_power, .object_count = parent_object_count,
	.nests = parent_nests,
};

/* ---- interfaces */

static int dispatch_parent(const void *methods, void *self, struct request *r)
{
	return locked(Parent_dispatch, methods, self, r);
}

static int dispatch_process(const void *methods, void *self, struct request *r)
{
	return locked(Process_dispatch, methods, self, r);
}

static int dispatch_proc(const void *methods, void *self, struct request *r)
{
	return locked(FileSystem_dispatch, methods, self, r);
}

/* ---- exceptions and signal bits */

/* The image's own pages are all allowed: one that fails is memory that the pool does not have, as when the image's handler for
 * the same wants a page of stack itself. */
static int ending_signal(struct process *p, uint32_t code, uint32_t address)
{
	char text[80];

	if (code != FLUKE_EXC_PAGE_FAULT || address < IMAGE_DATA || address >= START_FACTS)
		return exception_signal(code);
	snprintf(text, sizeof text, "process: pid %d: no memory for the page at %#x: killed\n", p->pid, (unsigned)address);
	Parent_log(parent_ref(), text);
	return SIGKILL;
}

/* A thread had no handler for it, or was in one: nothing in the process can mend that. */
static void process_exception(void *self, struct request *r)
{
	struct process *p;

	manager_enter();
	p = request_process(self);
	if (p && p->body && r->count >= 1) {
		if (manager_verbose)
			printf("process %d (%s): exception %x, %x, access %x, thread %x\n", p->pid, p->name,
				(unsigned)r->words[0], r->count > 1 ? (unsigned)r->words[1] : 0,
				r->count > 2 ? (unsigned)r->words[2] : 0, r->count > 4 ? (unsigned)r->words[4] : 0);
		process_end(p, status_signalled(ending_signal(p, r->words[0], r->words[1])));
	}
	manager_leave();
}

static void process_event(void *self, uint32_t word0, uint32_t word1)
{
	struct process *p;

	(void)word1;
	manager_enter();
	p = request_process(self);
	if (p && p->body)
		process_signals(p, word0);
	manager_leave();
}

static const struct interface interfaces[] = {
	{ Process_INTERFACE, dispatch_process, &process_methods },
	{ Parent_INTERFACE, dispatch_parent, &parent_methods },
	{ FileSystem_INTERFACE, dispatch_proc, &proc_methods },
	{ 0, NULL, NULL }
};

static const struct served_class process_class = {
	.name = "process", .interfaces = interfaces, .release = port_release, .event = process_event,
	.idempotent = process_exception,
};
