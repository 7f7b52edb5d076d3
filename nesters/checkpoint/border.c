/* What leads out of the image.  Each capability that objects below hold to something outside becomes an entry: what it is
 * by number or name if it is ours or a service of our parent's; else the server is asked what it is (Checkpoint.idl).
 * After a restore the same questions are asked the other way.  What nobody has words for is lost: null. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <linux_abi.h>
#include <protocols/Checkpoint.h>
#include <protocols/FileDescription.h>
#include <protocols/Parent.h>
#include <protocols/Segment.h>
#include <protocols/Session.h>
#include "checkpoint.h"


static const char *const service_names[] = { "fs", "clock", "scheduler", "session", "console", "pipe", "cwd", "schedulers",
	"disk", "process", "checkpoint", "debug" };	/* images have their numbers: new ones at the end */
#define SERVICES	(sizeof service_names / sizeof service_names[0])
#define SERVER		10u		/* "checkpoint" */

struct outside *outside;
unsigned	outsides;
static unsigned	room;
static fluke_ref_t *service[SERVICES], *scratch, *other, *server, *scheduler_proxy, *control;

/* ---- entries ---- */

void border_forget(void)
{
	for (unsigned n = 0; n < outsides; n++) {
		free(outside[n].data);
		ref_free(outside[n].ref);
	}
	outsides = 0;
}

void border_release(void)
{
	for (unsigned n = 0; n < outsides; n++) {
		ref_free(outside[n].ref);
		outside[n].ref = NULL;
	}
}

static struct outside *entry_new(void)
{
	struct outside *larger;

	if (outsides == room) {
		larger = realloc(outside, (room + 128) * sizeof *outside);
		if (!larger)
			return NULL;
		outside = larger;
		room += 128;
	}
	memset(&outside[outsides], 0, sizeof *outside);
	return &outside[outsides++];
}

int border_begin(void)
{
	for (unsigned n = 0; n < SERVICES; n++)
		service[n] = service_lookup(service_names[n]);
	server = service[SERVER];
	scratch = ref_new();
	other = ref_new();
	scheduler_proxy = served_ref(time_service());
	control = served_ref(control_service());
	return scheduler_proxy && control && scratch && other ? 0 : ENOMEM;
}

/* ---- naming ---- */

static int same_as(fluke_ref_t *known, fluke_ref_t *ref, integer_t hash)
{
	return known && fluke_ref_hash(known) == hash && fluke_ref_compare(known, ref);
}

static int is_region(fluke_region_t *region, fluke_ref_t *ref, integer_t hash)
{
	fluke_region_state_t state;

	fluke_region_get_state(region, &state, NULL, NULL);
	if (state.hash != hash)
		return 0;
	fluke_region_reference(region, other);
	return (int)fluke_ref_compare(other, ref);
}

/* A region over one of our segments. */
static int name_region(struct outside *o, fluke_ref_t *ref)
{
	for (unsigned n = 0; n < world.segments; n++) {
		struct segment *s = world.segment[n];

		o->kind = BORDER_REGION;
		o->a = n;
		o->b = ~0u;
		if (is_region(s->region, ref, o->hash))
			return 1;
		for (struct segment_region *m = s->more; m; m = m->next) {
			o->b = m->prot;
			if (is_region(m->region, ref, o->hash))
				return 1;
		}
	}
	return 0;
}

/* A port of ours. */
static int name_own(struct outside *o, fluke_ref_t *ref)
{
	struct served *object = served_of(child->parent.server, ref);

	if (!object)
		return 0;
	o->kind = BORDER_SCHEDULER;
	if (object == time_service())
		return 1;
	o->kind = BORDER_CONTROL;
	if (object == control_service())
		return 1;
	o->kind = BORDER_PARENT;
	if (object == &child->parent)
		return 1;
	o->kind = BORDER_POOL;
	for (o->a = 0; o->a < world.pools; o->a++)
		if (world.pool[o->a]->served == object)
			return 1;
	o->kind = BORDER_SEGMENT;
	for (o->a = 0; o->a < world.segments; o->a++)
		if (world.segment[o->a]->served == object)
			return 1;
	return 0;
}

static int name_service(struct outside *o, fluke_ref_t *ref)
{
	o->kind = BORDER_FD;
	for (o->a = 0; o->a < 3; o->a++)
		if (same_as(descriptor((int)o->a), ref, o->hash))
			return 1;
	o->kind = BORDER_SERVICE;
	for (o->a = 0; o->a < SERVICES; o->a++)
		if (same_as(service[o->a], ref, o->hash)) {
			if (!strcmp(service_names[o->a], "scheduler"))
				o->kind = BORDER_SCHEDULER;
			return 1;
		}
	o->kind = BORDER_TIME;
	return same_as(time_port(), ref, o->hash);
}

/* The ports that it sends to: those that it will be given again, and those whose owners are told to look. */
static void name_links(unsigned number, fluke_ref_t *ref)
{
	uint32_t word;

	for (uint32_t index = 0; !Checkpoint_link(server, ref, index, &word, other); index++) {
		unsigned target = world_target(other);
		struct outside *o;

		if (target == ~0u)
			continue;
		if (!word) {
			outside[number].link = target + 1;
		} else if ((o = entry_new())) {
			o->kind = BORDER_WAKE;
			o->a = target + 1;
			o->b = word;
		}
	}
}

static int keep_data(unsigned number, const char *data, size_t size)
{
	outside[number].size = (uint32_t)size;
	outside[number].data = malloc(size + 1);
	if (!outside[number].data)
		return ENOMEM;
	memcpy(outside[number].data, data, size);
	return 0;
}

static char	words[BORDER_DATA];		/* of a server */

/* A descriptor is found again by its number; who gets its signals is told. */
static void describe_fd(unsigned number, fluke_ref_t *ref)
{
	size_t size = sizeof words;
	uint32_t kind = 0, group;

	if (!server || Checkpoint_save(server, ref, &kind, &group, other, words, &size) || !kind)
		return;
	outside[number].b = kind;
	if (keep_data(number, words, size))
		image_error = ENOMEM;
	name_links(number, ref);
}

/* A file without a name: what is in it goes along, once. */
static void name_content(unsigned number, fluke_ref_t *ref)
{
	struct outside *o = &outside[number];
	size_t size;

	if (Checkpoint_content(server, ref, ~0ull >> 1, &o->number, words, &size))
		return;
	o->b = 1;
	for (unsigned n = 0; n < number && !o->base; n++)
		if (outside[n].kind == BORDER_SERVER && outside[n].b && outside[n].number == o->number)
			o->base = n + 1;
	o->b = !o->base;
}

struct saved_lock { uint32_t type, flags; uint64_t start, length; };

/* The locks made through an open file are entries of their own: a is the file's, base the owner's. */
static void name_locks(unsigned number, fluke_ref_t *ref, uint32_t count)
{
	fluke_ref_t *owner = ref_new();
	struct saved_lock lock;
	uint32_t base;
	unsigned n;

	for (uint32_t index = 0; owner && index < count && !Checkpoint_lock(server, ref, index, &lock.type, &lock.start, &lock.length, &lock.flags, owner);
	     index++) {
		base = fluke_ref_type(owner) == FLUKE_NULL ? 0 : border_name(owner) & ~LINK_OUTSIDE;
		n = outsides;
		if (!entry_new() || keep_data(n, (const char *)&lock, sizeof lock)) {
			image_error = ENOMEM;
			break;
		}
		outside[n].kind = BORDER_LOCK;
		outside[n].a = number;
		outside[n].base = base;
	}
	ref_free(owner);
}

static int name_served(unsigned number, fluke_ref_t *ref)
{
	size_t size = sizeof words;
	fluke_ref_t *base = ref_new();
	uint32_t kind = 0, group = 0, name;
	int error = server && base ? Checkpoint_save(server, ref, &kind, &group, base, words, &size) : ENOENT;

	if (!error && !kind) {
		name = border_name(base) & ~LINK_OUTSIDE;	/* may move the table */
		outside[number].kind = BORDER_FACET;
		outside[number].base = name;
		outside[number].a = group;
	} else if (!error) {
		outside[number].kind = kind != CHECKPOINT_SERVICE ? BORDER_SERVER : strcmp(words, "scheduler") ? BORDER_NAMED :
			BORDER_SCHEDULER;
		outside[number].a = kind;
		outside[number].sent = group;
		if (keep_data(number, words, size))
			image_error = ENOMEM;
		name_links(number, ref);
		if (outside[number].kind == BORDER_SERVER)
			name_content(number, ref);
		if (outside[number].kind == BORDER_SERVER && group && !outside[number].link)
			name_locks(number, ref, group);
	}
	ref_free(base);
	return !error;
}

static void lose(struct outside *o, fluke_ref_t *ref)
{
	o->kind = BORDER_LOST;
	counts.lost++;
	if (options.verbose)
		eprintf("checkpoint: a reference to something outside is lost (type %u, hash %#x)\n", (unsigned)fluke_ref_type(ref),
			(unsigned)o->hash);
}

uint32_t border_name(fluke_ref_t *ref)
{
	integer_t hash = fluke_ref_hash(ref);
	fluke_type_t type = fluke_ref_type(ref);
	struct outside *o;
	unsigned n;
	int known = 0;

	for (n = 0; n < outsides; n++)
		if (outside[n].ref && outside[n].hash == hash && fluke_ref_compare(outside[n].ref, ref))
			return (n + 1) | LINK_OUTSIDE;
	o = entry_new();
	if (!o || !(o->ref = ref_dup(ref))) {
		image_error = ENOMEM;
		return 0;
	}
	o->hash = hash;
	if (type == FLUKE_TYPE_SPACE) {
		o->kind = BORDER_SPACE;
		known = same_as(child->space_ref, ref, hash);
	} else if (type == FLUKE_TYPE_REGION) {
		known = name_region(o, ref);
	} else if (type == FLUKE_TYPE_PORT) {
		known = name_own(o, ref) || name_service(o, ref);
	}
	if (known && o->kind == BORDER_FD)
		describe_fd(n, ref);
	if (!known && !(type == FLUKE_TYPE_REGION || type == FLUKE_TYPE_PORT ? name_served(n, ref) : 0))
		lose(&outside[n], ref);
	fluke_ref_clear(other);
	return (n + 1) | LINK_OUTSIDE;
}

/* What sends messages on its own (timers) is looked at once more; 1 if one has been sent since the last time. */
int border_look(void)
{
	uint32_t kind, sent;
	int news = 0;

	for (unsigned n = 0; n < outsides; n++) {
		struct outside *o = &outside[n];
		size_t size = sizeof words;

		if (o->kind != BORDER_SERVER || !o->link || Checkpoint_save(server, o->ref, &kind, &sent, other, words, &size) ||
		    size != o->size)
			continue;
		news |= sent != o->sent;
		o->sent = sent;
		memcpy(o->data, words, size);
	}
	fluke_ref_clear(other);
	return news;
}

/* ---- the stream ---- */

static void put_content(struct outside *o)
{
	uint32_t number, size;
	uint64_t at = 0;
	size_t got;

	do {
		got = sizeof words;
		if (Checkpoint_content(server, o->ref, at, &number, words, &got))
			got = 0;
		size = (uint32_t)got;
		image_put(&size, sizeof size);
		image_put(words, got);
		at += got;
	} while (got && !image_error);
}

int border_put(void)
{
	for (unsigned n = 0; n < outsides; n++) {
		struct outside *o = &outside[n];
		struct image_outside record = { o->kind, o->a, o->b, o->base, o->link, o->size };

		image_put(&record, sizeof record);
		image_put(o->data, o->size);
		if (o->kind == BORDER_SERVER && o->b)
			put_content(o);
	}
	return image_error;
}

static int bind_server(struct outside *o, uint32_t kind, fluke_ref_t *ref)
{
	fluke_ref_t *like = o->kind == BORDER_SERVER && o->base && o->base <= outsides ? outside[o->base - 1].ref : NULL;

	fluke_ref_clear(scratch);
	if (o->link)
		object_reference(o->link - 1, scratch);
	return server ? Checkpoint_restore(server, kind, o->data, o->size, like ? like : scratch, ref) : ENOENT;
}

/* Made now, to be filled. */
static int get_content(struct outside *o)
{
	uint32_t size;
	uint64_t at = 0;
	int error;

	if (!(o->ref = ref_new()))
		return ENOMEM;
	error = bind_server(o, o->a, o->ref);
	while (!image_get(&size, sizeof size) && size) {
		if (size > sizeof words || image_get(words, size))
			return EIO;
		if (!error)
			error = Checkpoint_fill(server, o->ref, at, words, size);
		at += size;
	}
	if (error)
		eprintf("checkpoint: a file without a name is not there again: %s\n", error_text(error));
	return 0;
}

int border_get(unsigned entries)
{
	struct image_outside r;
	struct outside *o;

	border_forget();
	while (outsides < entries) {
		if (image_get(&r, sizeof r))
			return image_error;
		if (r.size > BORDER_DATA || !(o = entry_new()))
			return EIO;
		*o = (struct outside){ .kind = r.kind, .a = r.a, .b = r.b, .base = r.base, .link = r.link, .size = r.size,
			.data = malloc(r.size + 1) };
		if (!o->data || image_get(o->data, r.size))
			return ENOMEM;
		if (o->kind == BORDER_SERVER && o->b && get_content(o))
			return EIO;
	}
	return image_error;
}

/* ---- after a restore ---- */

static int bind_facet(unsigned number, fluke_ref_t *ref)
{
	struct outside *o = &outside[number];
	fluke_ref_t *like = NULL, *base = o->base && o->base <= outsides ? outside[o->base - 1].ref : NULL;
	int error;

	if (!base)
		return ENOENT;
	if (!service[3] || outside[o->base - 1].kind == BORDER_SCHEDULER) {	/* our parent makes none for us: all below share its session with us */
		fluke_ref_copy(base, ref);
		return 0;
	}
	for (unsigned n = 0; n < number && !like; n++)
		if (outside[n].kind == BORDER_FACET && outside[n].a == o->a)
			like = outside[n].ref;
	error = Session_create(service[3], base, like, ref);
	if (error == EXDEV) {
		fluke_ref_copy(base, ref);
		error = 0;
	}
	return error;
}

static int bind_region(struct outside *o, fluke_ref_t *ref)
{
	struct restored_memory *m = restored();

	if (o->b != ~0u)
		return Segment_map(m->segment[o->a], o->b, ref);
	fluke_ref_copy(m->region[o->a], ref);
	return 0;
}

static fluke_ref_t *known_of(const struct outside *o)
{
	struct restored_memory *m = restored();

	switch (o->kind) {
	case BORDER_SERVICE:	return o->a < SERVICES ? service[o->a] : NULL;
	case BORDER_FD:		return o->a < 3 ? descriptor((int)o->a) : NULL;
	case BORDER_TIME:	return time_port();
	case BORDER_SCHEDULER:	return scheduler_proxy;
	case BORDER_CONTROL:	return control;
	case BORDER_POOL:	return o->a < world.pools ? m->pool[o->a] : NULL;
	case BORDER_SEGMENT:	return o->a < world.segments ? m->segment[o->a] : NULL;
	case BORDER_SPACE:	return child->space_ref;
	case BORDER_PARENT:	return child->parent_port;
	}
	return NULL;
}

/* As our parent gives it to us: in a session of ours. */
static int bind_named(struct outside *o, fluke_ref_t *ref)
{
	o->data[o->size ? o->size - 1 : 0] = 0;
	return Parent_lookup(parent_ref(), o->data, ref);
}

static int bind_lock(const struct outside *o)
{
	struct saved_lock lock;

	if (o->size != sizeof lock || o->a >= outsides || o->base > outsides)
		return EINVAL;
	memcpy(&lock, o->data, sizeof lock);
	return FileDescription_lock(outside[o->a].ref, lock.type, lock.start, lock.length, lock.flags, o->base ? outside[o->base - 1].ref : NULL);
}

static void bind(unsigned n)
{
	struct outside *o = &outside[n];
	fluke_ref_t *known = known_of(o);
	int error = 0;

	if (!known && o->kind == BORDER_REGION && o->a < world.segments)
		error = bind_region(o, o->ref);
	else if (!known && o->kind == BORDER_NAMED)
		error = bind_named(o, o->ref);
	else if (!known && o->kind == BORDER_SERVER)
		error = o->b ? 0 : bind_server(o, o->a, o->ref);
	else if (!known && o->kind == BORDER_FACET)
		error = bind_facet(n, o->ref);
	else if (known)
		fluke_ref_copy(known, o->ref);
	else
		error = o->kind == BORDER_LOST || o->kind == BORDER_WAKE ? 0 : o->kind == BORDER_LOCK ? bind_lock(o) : ENOENT;
	if (known && o->kind == BORDER_FD && o->b)
		error = bind_server(o, o->b, other);
	if (error)
		eprintf("checkpoint: something outside is not there again (kind %u, %u): %s\n", (unsigned)o->kind, (unsigned)o->a,
			error_text(error));
}

int border_bind(void)
{
	for (unsigned n = 0; n < outsides; n++)
		if (!outside[n].ref && !(outside[n].ref = ref_new()))
			return ENOMEM;
	/* what facets are of comes before them, wherever it stands; whose a lock is, before it */
	for (int round = 0; round < 3; round++)
		for (unsigned n = 0; n < outsides; n++)
			if (round == (outside[n].kind == BORDER_FACET ? 1 : outside[n].kind == BORDER_LOCK ? 2 : 0))
				bind(n);
	fluke_ref_clear(scratch);
	return 0;
}

void border_wake(void)
{
	for (unsigned n = 0; n < outsides; n++) {
		uint32_t message[2] = { outside[n].b, 0 };
		fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

		if (outside[n].kind != BORDER_WAKE || outside[n].a > world.objects)
			continue;
		object_reference(outside[n].a - 1, scratch);
		fluke_ipc_send(&p, scratch);
		fluke_ref_clear(scratch);
	}
}
