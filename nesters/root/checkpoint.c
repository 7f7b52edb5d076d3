/* What root says of its capabilities to a checkpointer, and makes again from its own words (Checkpoint.idl).  A file is its
 * path, or its content if it has no name any more; a timer is what was left of its time; a terminal is its
 * settings, what was typed, and the owner of its signals.  Nothing is kept here. */
#include <stdlib.h>
#include <string.h>
#include <protocols/Checkpoint_server.h>
#include "root.h"

enum { FACET, FILE, REGION, TIMER, OWNER, CONSOLE, CHANNEL, SERVICE, FIFO };

static struct served port;

/* What Parent.lookup gives by name: a client of a client may have it by another port than its parent. */
static int save_service(struct served *o, char *data, size_t *size)
{
	static const struct { const char *name; fluke_ref_t *(*ref)(void); } services[] = {
		{ "fs", files_service }, { "clock", clock_service }, { "scheduler", scheduler_service },
		{ "schedulers", scheduler_view_service }, { "pipe", pipe_service }, { "session", sessions_service },
		{ "checkpoint", checkpoint_service }, { "debug", debug_service },
	};

	for (unsigned n = 0; n < sizeof services / sizeof services[0]; n++)
		if (served_of(server, services[n].ref()) == o) {
			*size = strlen(services[n].name) + 1;
			memcpy(data, services[n].name, *size);
			return 0;
		}
	return ENOENT;
}

/* The object's own words, and the port that it sends to. */
static int save_object(struct served *o, uint32_t *kind, char *data, size_t *size, fluke_ref_t **link, uint32_t *sent)
{
	size_t room = *size;

	*link = NULL;
	*kind = SERVICE;
	if (!save_service(o, data, size))
		return 0;
	*kind = FILE;
	if (!file_save(o, data, size, sent))
		return 0;
	*size = room;
	*kind = FIFO;
	if (!fifo_end_save(o, data, size))
		return 0;
	*size = room;
	*kind = TIMER;
	if (!timer_save(o, data, size, link, sent))
		return 0;
	*kind = OWNER;
	if (!lock_owner_save(o, size, link))
		return 0;
	*kind = CONSOLE;
	if (!console_save(o, data, size, link))
		return 0;
	*kind = CHANNEL;
	return channel_save(o, data, size, link) ? ENOSYS : 0;
}

static int save(void *self, struct request *r, fluke_ref_t *of, uint32_t *kind, uint32_t *group, void **base,
	const void **data, size_t *size)
{
	fluke_ref_t *own = ref_new(), *link;
	char *scratch = request_scratch(r);
	struct served *object;

	(void)self;
	*data = scratch;
	*size = 0;
	*kind = *group = 0;
	if (!own || !scratch)
		return ENOMEM;
	request_free_ref(r, own);
	if (served_facet_of(server, of, own, group)) {
		*base = own;
		return 0;
	}
	*size = PROTO_BULK_MAX - 4096;
	if (fluke_ref_type(of) == FLUKE_TYPE_REGION) {
		*kind = REGION;
		return file_region_save(of, scratch, size);
	}
	object = served_of(server, of);
	return object ? save_object(object, kind, scratch, size, &link, group) : ENOENT;
}

/* Index 0 is the argument of restore; then those who wait for events of a stream. */
static int links(void *self, struct request *r, fluke_ref_t *of, uint32_t index, uint32_t *word, void **to)
{
	struct served *object = served_of(server, of);
	size_t size = PROTO_BULK_MAX;
	fluke_ref_t *link, *own = ref_new();
	unsigned events = 0;
	uint32_t kind, sent;

	(void)self;
	request_free_ref(r, own);
	*word = 0;
	if (!object || !own || save_object(object, &kind, request_scratch(r), &size, &link, &sent))
		return ENOENT;
	if (!index) {
		*to = link;
		return 0;
	}
	if ((kind != CONSOLE && kind != CHANNEL && kind != FIFO) || !stream_watcher((struct stream *)object, index - 1, own, &events))
		return ENOENT;
	*word = events;
	*to = own;
	return 0;
}

static int restore(void *self, struct request *r, uint32_t kind, const void *data, size_t size, fluke_ref_t *link, void **to)
{
	uint32_t words[3];
	struct stream *s;
	int error;

	(void)self;
	switch (kind) {
	case FILE:
		return file_restore(r, data, size, link, to);
	case REGION:
		return file_region_restore(data, size, link, to);
	case FIFO:
		return fifo_end_restore(r, data, size, to);
	case TIMER:
		return timer_restore(r, data, size, link, to);
	case OWNER:
		return filelock_owner(r, link && fluke_ref_type(link) == FLUKE_TYPE_PORT ? link : NULL, to);
	case CONSOLE:
		error = console_restore(data, size, link, &s);
		return error ? error : stream_give(r, s, to);
	case CHANNEL:
		if (size != sizeof words)
			return EINVAL;
		memcpy(words, data, sizeof words);
		channel_restore(words, link);
		*to = NULL;
		return 0;
	}
	return EINVAL;
}

static int content(void *self, struct request *r, fluke_ref_t *of, uint64_t offset, uint32_t *number, const void **data, size_t *size)
{
	char *scratch = request_scratch(r);

	(void)self;
	*data = scratch;
	*size = PROTO_BULK_MAX;
	return scratch ? file_content(of, offset, number, scratch, size) : ENOMEM;
}

static int lock(void *self, struct request *r, fluke_ref_t *of, uint32_t index, uint32_t *type, uint64_t *start, uint64_t *length,
	uint32_t *flags, void **owner)
{
	struct ramfs_claim c;
	int error = file_lock_get(of, index, &c);

	(void)self, (void)r;
	if (error)
		return error;
	*type = c.type;
	*start = c.start;
	*length = c.end == ~0ull ? 0 : c.end - c.start;
	*flags = c.kind == RAMFS_FLOCK ? 2 : 0;
	*owner = filelock_owner_port(c.owner);
	return 0;
}

static int fill(void *self, struct request *r, fluke_ref_t *of, uint64_t offset, const void *data, size_t size)
{
	(void)self, (void)r;
	return file_fill(of, offset, data, size);
}

static int changed(void *self, struct request *r, uint32_t index, struct FileStatus *status, const char **path)
{
	char *scratch = request_scratch(r);

	(void)self;
	*path = scratch;
	return scratch ? file_changed(index, scratch, status) : ENOMEM;
}

fluke_ref_t *checkpoint_service(void)
{
	static const struct Checkpoint_methods methods = { .save = save, .link = links, .restore = restore, .content = content,
		.lock = lock, .fill = fill, .changed = changed };
	static const struct interface interfaces[] = { { Checkpoint_INTERFACE, Checkpoint_dispatch, &methods }, { 0, 0, 0 } };
	static const struct served_class class = { .name = "checkpoint", .interfaces = interfaces };
	static fluke_ref_t *ref;

	if (!ref && !served_init(&port, &class, server))
		ref = served_ref(&port);
	return ref;
}
