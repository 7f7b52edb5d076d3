/* Proxies: the ports that stand for others.
 *
 * A proxy holds one reference to what it stands for and is held by those on the other side; when they have given it up
 * it goes, and its reference with it, so NOREFS travels through.  The same object always has the same proxy as long as one
 * lives, so that references can be compared.  Found by the object's hash and a comparison, since hashes are only
 * unique within one server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/fastlock.h>
#include "trace.h"

#define BUCKETS	256u

static struct server *server;
static struct fast_lock lock;
static struct proxy *bucket[BUCKETS];
static uint32_t	numbers;

int proxies_begin(struct server *s)
{
	server = s;
	return fast_lock_init(&lock);
}

/* With the lock. */
static struct proxy *find(fluke_ref_t *ref, integer_t hash)
{
	struct proxy *p = bucket[hash % BUCKETS];

	while (p && !(p->hash == hash && fluke_ref_compare(p->target, ref)))
		p = p->next;
	return p;
}

static struct proxy *proxy_new(fluke_ref_t *ref, integer_t hash, enum direction direction, const char *name, const char *path)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p || !(p->target = ref_dup(ref)) || served_init(&p->served, &proxy_class, server) != 0) {
		if (p)
			ref_free(p->target);
		free(p);
		return NULL;
	}
	p->hash = hash;
	p->direction = direction;
	p->number = ++numbers;
	strlcpy(p->name, name ? name : "object", sizeof(p->name));
	p->path = path ? strdup(path) : NULL;
	p->next = bucket[hash % BUCKETS];
	bucket[hash % BUCKETS] = p;
	return p;
}

void proxy_label(const struct proxy *p, char label[LABEL])
{
	snprintf(label, LABEL, options.paths && p->path ? "%s#%u<%s>" : "%s#%u", p->name, (unsigned)p->number, p->path);
}

static const char *type_name(fluke_ref_t *ref)
{
	static const char *const names[] = { [FLUKE_NULL] = "null", [FLUKE_TYPE_REGION] = "region", [FLUKE_TYPE_MAPPING] = "mapping",
		[FLUKE_TYPE_PORT] = "port", [FLUKE_TYPE_PORTSET] = "portset", [FLUKE_TYPE_SPACE] = "space", [FLUKE_TYPE_THREAD] = "thread",
		[FLUKE_TYPE_MUTEX] = "mutex", [FLUKE_TYPE_COND] = "cond", [FLUKE_TYPE_REF] = "ref" };
	uint32_t type = fluke_ref_type(ref);

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "object";
}

__attribute__((weak)) int proxy_spares(const char *name)
{
	(void)name;
	return 0;
}

void *proxy_pass(fluke_ref_t *ref, enum direction direction, const char *name, const char *path, fluke_ref_t **made,
	char label[LABEL])
{
	struct proxy *p;
	integer_t hash;

	if (label)
		strlcpy(label, type_name(ref), LABEL);
	if (fluke_ref_type(ref) != FLUKE_TYPE_PORT || (name && proxy_spares(name)))
		return ref;
	p = (struct proxy *)served_of(server, ref);
	if (p && p->served.class == &proxy_class) {
		if (label)
			proxy_label(p, label);
		return p->target;	/* alive while `ref` is */
	}
	hash = fluke_ref_hash(ref);
	fast_lock_take(&lock);
	p = find(ref, hash);
	if (!p)
		p = proxy_new(ref, hash, direction, name, path);
	*made = p ? served_ref(&p->served) : NULL;
	if (*made)
		p->given++;
	if (p && label)
		proxy_label(p, label);
	fast_lock_drop(&lock);
	if (*made && label && direction == DOWN)
		show_given(*made, label);
	return *made;
}

fluke_ref_t *proxy_behind(fluke_ref_t *ref)
{
	struct proxy *p = (struct proxy *)served_of(server, ref);

	return p && p->served.class == &proxy_class ? p->target : ref;
}

int proxy_replace(fluke_ref_t *ref, const char *name)
{
	fluke_ref_t *made = NULL;
	char label[LABEL];
	void *proxy = proxy_pass(ref, DOWN, name, NULL, &made, label);

	if (!proxy)
		return ENOMEM;
	if (made)
		fluke_ref_copy(made, ref);
	ref_free(made);
	return 0;
}

/* Nobody holds it; unless somebody was given it again in the meantime, which is not so if it was given once only: that one
 * reference has gone. */
static void release(void *self)
{
	struct proxy *p = self, **link;

	fast_lock_take(&lock);
	if (p->given > 1 && served_revived(&p->served)) {
		fast_lock_drop(&lock);
		return;
	}
	for (link = &bucket[p->hash % BUCKETS]; *link != p; link = &(*link)->next)
		;
	*link = p->next;
	fast_lock_drop(&lock);
	ref_free(p->target);
	free(p->path);
	served_done(&p->served);
	free(p);
}

int	forward(void *self, struct request *r);
void	forward_event(void *self, uint32_t word0, uint32_t word1);
void	forward_idempotent(void *self, struct request *r);

const struct served_class proxy_class = {
	.name = "proxy", .other = forward, .event = forward_event, .idempotent = forward_idempotent, .release = release,
};
