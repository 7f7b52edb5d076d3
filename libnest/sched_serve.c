/* The ports of a scheduler: Scheduler for whoever gets time from it, in two kinds, and SchedulerView. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/serve.h>
#include <protocols/Scheduler_server.h>
#include "sched.h"

#define NAME_MOST	64u

struct scheduler_port {
	struct served	served;
	struct scheduler *scheduler;
};

/* ---- Scheduler ---- */

static struct scheduler *of(void *self)
{
	return ((struct scheduler_port *)self)->scheduler;
}

static int add(void *self, struct request *r, fluke_ref_t *thread, void **to, uint32_t *sched_val)
{
	struct scheduler *s = scheduler_last(of(self));
	natural_t number = 0;
	int error;

	(void)r;
	error = thread ? scheduler_admit(s, thread, NULL, NULL, &number) : EINVAL;
	*sched_val = number;
	*to = s->port;
	return error;
}

static int get_usage(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	struct scheduler *s = scheduler_last(of(self));

	(void)r;
	*tsc = scheduler_used(s, sched_val);
	return scheduler_client(s, sched_val) ? 0 : ESRCH;
}

static int end(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	int error = get_usage(self, r, sched_val, tsc);

	scheduler_end(scheduler_last(of(self)), sched_val);
	return error;
}

static uint64_t counts_of(uint64_t ns)
{
	return ns / 1000 * clock_to_counts(1000);
}

static int set(void *self, struct request *r, uint32_t sched_val, int32_t priority, uint32_t weight, uint32_t group,
	uint64_t period, uint64_t budget)
{
	struct policy_parameters p = { .priority = priority, .weight = weight, .group = group, .period = counts_of(period),
		.budget = counts_of(budget) };

	(void)r;
	return scheduler_set(scheduler_last(of(self)), sched_val, &p);
}

static const struct served_class class_all;

static int leaf(void *self, struct request *r, const char *policy, void **to)
{
	struct scheduler *s = scheduler_find(of(self), policy);
	fluke_ref_t *ref = s ? scheduler_serve(s, ((struct served *)self)->server, 1) : NULL;

	if (!ref)
		return s ? ENOMEM : ENOENT;
	request_free_ref(r, ref);
	*to = ref;
	return 0;
}

static int show(void *self, struct request *r, uint32_t sched_val, const char *name, fluke_ref_t *view)
{
	struct scheduler *s = scheduler_last(of(self));
	struct scheduler_client *c;
	int error = EINVAL;

	(void)r;
	lock_take(&s->lock);
	c = scheduler_client(s, sched_val);
	if (c && c->thread) {
		strlcpy(c->name, name, sizeof c->name);
		ref_free(c->view);
		c->view = view && fluke_ref_type(view) ? ref_dup(view) : NULL;
		error = 0;
	}
	lock_drop(&s->lock);
	return error;
}

static void release(void *self)
{
	served_done(self);
	free(self);
}

static const struct Scheduler_methods methods = { .add = add, .get_usage = get_usage, .end = end,
	.show = show };
static const struct Scheduler_methods methods_all = { .add = add, .get_usage = get_usage, .end = end, .set = set, .leaf = leaf,
	.show = show };
static const struct interface interfaces[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &methods }, { 0, 0, 0 } };
static const struct interface interfaces_all[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &methods_all }, { 0, 0, 0 } };
static const struct served_class class = { .name = "scheduler", .interfaces = interfaces, .release = release };
static const struct served_class class_all = { .name = "scheduler", .interfaces = interfaces_all, .release = release };

static fluke_ref_t *serve(struct scheduler *s, struct server *server, const struct served_class *as)
{
	struct scheduler_port *port = calloc(1, sizeof *port);

	if (!port || served_init(&port->served, as, server)) {
		free(port);
		return NULL;
	}
	port->scheduler = s;
	return served_ref(&port->served);
}

fluke_ref_t *scheduler_serve(struct scheduler *s, struct server *server, int all)
{
	return serve(s, server, all ? &class_all : &class);
}

/* ---- SchedulerView ---- */

static int about(void *self, struct request *r, const char **policy, uint64_t *time, uint64_t *ended, uint64_t *rounds,
	uint32_t *clients)
{
	struct scheduler *s = of(self);

	(void)r;
	*policy = s->policy->class->name;
	*time = s->above ? scheduler_now(s) : 0;
	*rounds = s->rounds;
	lock_take(&s->lock);
	*clients = s->policy->clients;
	*ended = s->ended_used;
	for (uint32_t i = 1; i <= s->clients; i++)
		if (!s->client[i]->thread || s->client[i]->ended)
			*ended += s->client[i]->policy.used;
	lock_drop(&s->lock);
	return 0;
}

static struct scheduler_client *client_from(struct scheduler *s, uint32_t from)
{
	for (; from <= s->clients; from++)
		if (from && s->client[from]->thread && !s->client[from]->ended)
			return s->client[from];
	return NULL;
}

static fluke_ref_t *view_of(struct served *self, struct request *r, struct scheduler_client *c)
{
	fluke_ref_t *ref = c->below ? scheduler_view(c->below, self->server) : c->view ? ref_dup(c->view) : NULL;

	request_free_ref(r, ref);
	return ref;
}

static int client(void *self, struct request *r, uint32_t from, uint32_t *number, const char **name, uint32_t *ready,
	uint64_t *used, int32_t *priority, uint32_t *weight, uint32_t *group, void **view)
{
	struct scheduler *s = of(self);
	struct scheduler_client *c;
	char *text = request_scratch(r);

	*text = 0;
	*name = text;
	lock_take(&s->lock);
	c = client_from(s, from);
	if (c) {
		*number = c->number;
		*ready = c->policy.ready;
		*used = scheduler_used(s, c->number);
		*priority = c->policy.wanted.priority;
		*weight = c->policy.wanted.weight;
		*group = c->policy.wanted.group;
		*view = view_of(self, r, c);
		strlcpy(text, c->name, NAME_MOST);
	}
	lock_drop(&s->lock);
	if (c && s->describe && !*text)
		s->describe(s, c->number, text, NAME_MOST);
	return 0;
}

static const struct SchedulerView_methods view_methods = { .about = about, .client = client };
static const struct interface view_interfaces[] = { { SchedulerView_INTERFACE, SchedulerView_dispatch, &view_methods }, { 0, 0, 0 } };
static const struct served_class view_class = { .name = "scheduler view", .interfaces = view_interfaces, .release = release };

fluke_ref_t *scheduler_view(struct scheduler *s, struct server *server)
{
	return serve(s, server, &view_class);
}

void scheduler_describe(struct scheduler *s, void (*describe)(struct scheduler *s, natural_t sched_val, char *text, size_t size))
{
	s->describe = describe;
}
