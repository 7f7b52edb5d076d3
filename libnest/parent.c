/* The Parent interface as a child of ours sees it: its own services first, then our parent's,
 * whose references are passed on untouched, so that a layer without interest costs nothing.
 * The same port is the keeper of the child's space. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <linux_abi.h>
#include <protocols/Parent.h>
#include <protocols/Parent_server.h>
#include "parent.h"

__attribute__((weak)) int nest_log(const char *text)
{
	return Parent_log(parent_ref(), text);
}

__attribute__((weak)) int nest_missing(const char *lines)
{
	return Parent_missing(parent_ref(), lines);
}

__attribute__((weak)) int nest_power(int how, int status)
{
	return Parent_power(parent_ref(), how, status);
}

__attribute__((weak)) int nest_object_count(uint32_t type, uint32_t *count)
{
	return Parent_object_count(parent_ref(), type, count);
}

int child_provide(struct child *c, const char *name, fluke_ref_t *ref)
{
	fluke_ref_t *copy;

	if (c->services == CHILD_SERVICES || strlen(name) >= sizeof(c->service[0].name))
		return ENOMEM;
	copy = ref_dup(ref);
	if (!copy)
		return ENOMEM;
	strcpy(c->service[c->services].name, name);
	c->service[c->services++].ref = copy;
	return 0;
}

int child_provide_fd(struct child *c, int n, fluke_ref_t *ref)
{
	ref_free(c->fd[n]);
	c->fd[n] = ref_dup(ref);
	return c->fd[n] ? 0 : ENOMEM;
}

static int lookup(void *self, struct request *r, const char *name, void **service)
{
	struct child *c = self;
	fluke_ref_t *ref;
	int error;

	for (unsigned n = 0; n < c->services; n++)
		if (strcmp(c->service[n].name, name) == 0) {
			*service = c->service[n].ref;
			return 0;
		}
	if (strcmp(name, "pool") == 0) {	/* never more than its own */
		*service = c->pool;
		return 0;
	}
	if (strcmp(name, "nesting") == 0) {	/* never more than what is below it */
		*service = c->nesting;
		return c->nesting ? 0 : ENOENT;
	}
	ref = ref_new();
	if (!ref)
		return ENOMEM;
	error = Parent_lookup(parent_ref(), name, ref);
	if (error == ENOSYS || error >= PROTO_DEAD)
		error = ENOENT;
	request_free_ref(r, ref);
	*service = ref;
	return error;
}

static int get_fd(void *self, struct request *r, int32_t n, void **file)
{
	struct child *c = self;

	(void)r;
	if (n < 0 || n > 2)
		return EBADF;
	*file = c->fd[n] ? c->fd[n] : descriptor(n);
	return *file ? 0 : EBADF;
}

static int parent_exit(void *self, struct request *r, int32_t status)
{
	struct child *c = self;
	struct request *parked = request_park(r);

	lock_take(&c->lock);
	if (!c->exit_request)
		c->exit_request = parked;
	else if (parked)
		request_drop(parked);		/* a second thread, too late */
	lock_drop(&c->lock);
	child_end(c, status);
	return parked ? REQUEST_PARKED : 0;
}

static int parent_log(void *self, struct request *r, const char *text)
{
	(void)self, (void)r;
	return nest_log(text);
}

static int missing(void *self, struct request *r, const char *lines)
{
	(void)self, (void)r;
	return nest_missing(lines);
}

static int power(void *self, struct request *r, int32_t how, int32_t status)
{
	(void)self, (void)r;
	return nest_power(how, status);
}

static int object_count(void *self, struct request *r, uint32_t type, uint32_t *count)
{
	(void)self, (void)r;
	return nest_object_count(type, count);
}

static int nests(void *self, struct request *r, fluke_ref_t *view)
{
	struct child *c = self;
	fluke_ref_t *copy = view && fluke_ref_type(view) == FLUKE_TYPE_PORT ? ref_dup(view) : NULL;

	(void)r;
	if (!copy)
		return EINVAL;
	lock_take(&c->lock);
	if (!c->nesting) {
		c->nesting = copy;
		copy = NULL;
	}
	lock_drop(&c->lock);
	ref_free(copy);
	return copy ? EBUSY : 0;
}

static const struct Parent_methods methods = {
	.lookup = lookup, .get_fd = get_fd, .exit = parent_exit, .log = parent_log, .missing = missing, .power = power,
	.object_count = object_count, .nests = nests,
};

static void keeper(void *self, struct request *r)
{
	struct child *c = self;
	const struct fluke_exc_message *m = (const void *)r->words;

	if (r->count >= FLUKE_EXC_WORDS)
		c->exception(c, m);
}

static void released(void *self)
{
	child_free(self);
}

static const struct interface interfaces[] = { { Parent_INTERFACE, Parent_dispatch, &methods }, { 0, NULL, NULL } };

const struct served_class child_parent_class = {
	.name = "parent", .interfaces = interfaces, .release = released, .idempotent = keeper,
};
