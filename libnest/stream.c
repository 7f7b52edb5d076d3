/* See nest/stream.h.
 *
 * A request that can be served at once counts at once; a longer read, and any that was parked, replies from the
 * data in place, and its delivery decides whether they are taken: a client may have left a parked request. Requests that cannot be served are parked in order; whoever changes a source
 * queues it, and stream_run serves the parked ones of queued sources, sending outside the lock. */
#include <stdlib.h>
#include <string.h>
#include <nest/stream.h>
#include <linux_abi.h>

#define READ	1u		/* of in_flight */
#define WRITE	2u
#define SMALL	2048u		/* bytes of a read that are copied */
#define WATCHES	256u		/* of a stream: the oldest one is woken and forgotten for a further one */
#define PAGES(size)	((uint32_t)((size) / 4096))	/* that the data of a waiting write count as waits */

struct stream_wait {
	struct stream_wait *next;
	struct request	*request;
	struct stream	*stream;
	uint8_t		writing, nonblocking;	/* nonblocking: until the transfers on their way have ended */
	size_t		count;
	uint64_t	started;
	struct session	*payer;		/* of the data; null: not much */
	char		data[];		/* of a write */
};

struct stream_watch {
	struct stream_watch *next;
	fluke_ref_t	*port;
	unsigned	events;
};

struct fast_lock stream_lock;
uint64_t	(*stream_clock)(void);
void		(*stream_alarm)(uint64_t when);
void		(*stream_kick)(void);
static struct stream_source *changed_sources;

int stream_setup(void)
{
	return fast_lock_init(&stream_lock);
}

static uint64_t now(void)
{
	return stream_clock ? stream_clock() : 0;
}

/* ---- those who wait ---- */

static void wait_free(struct stream_wait *w)
{
	if (w->payer) {
		session_give(w->payer, HOLDS_WAITS, PAGES(w->count));
		session_put(w->payer);
	}
	free(w);
}

static struct stream_wait *wait_new(struct stream *s, int writing, size_t count)
{
	struct session *payer = writing && PAGES(count) ? s->served.session : 0;
	struct stream_wait *w;

	if (payer && !session_take(payer, HOLDS_WAITS, PAGES(count)))
		return 0;
	w = malloc(sizeof *w + (writing ? count : 0));
	if (w)
		w->payer = payer ? session_get(payer) : 0;
	else if (payer)
		session_give(payer, HOLDS_WAITS, PAGES(count));
	return w;
}

/* ---- life ---- */

static const struct served_class plain_class = { .name = "stream", .interfaces = stream_interfaces, .release = stream_release,
	.holding = HOLDS_FILES };

int stream_is(const struct served *object, const struct stream_ops *ops)
{
	return object->class == &plain_class && ((const struct stream *)object)->ops == ops;
}

struct stream *stream_new(struct server *server, const struct served_class *class, const struct stream_ops *ops,
	struct stream_source *source, void *owner, unsigned flags)
{
	struct stream *s = calloc(1, sizeof *s);

	if (!s || served_init(&s->served, class ? class : &plain_class, server)) {
		free(s);
		return 0;
	}
	s->ops = ops;
	s->source = source;
	s->owner = owner;
	s->flags = flags;
	s->users = 1;
	s->waits_end = &s->waits;
	s->next = source->streams;
	if (s->next)
		s->next->prev = s;
	source->streams = s;
	return s;
}

/* One user less; the memory goes with the last. */
static void stream_put(struct stream *s)
{
	if (__sync_sub_and_fetch(&s->users, 1) == 0)
		free(s);
}

void stream_release(void *self)
{
	struct stream *s = self;
	struct stream_wait *w, *waits;
	struct stream_watch *watch;

	fast_lock_take(&stream_lock);
	if (s->prev)
		s->prev->next = s->next;
	else
		s->source->streams = s->next;
	if (s->next)
		s->next->prev = s->prev;
	waits = s->waits;
	s->waits = 0;
	s->waits_end = &s->waits;
	/* what is on its way counts as delivered */
	if (s->in_flight & READ) {
		s->source->reading = 0;
		s->source->taking = 0;
		s->ops->take(s, s->reading, 1);
	}
	if (s->in_flight & WRITE) {
		s->source->writing = 0;
		s->ops->commit(s, s->writing);
	}
	stream_changed(s->source);
	s->ops->closed(s);
	s->closed = 1;
	fast_lock_drop(&stream_lock);
	while ((w = waits)) {
		waits = w->next;
		request_drop(w->request);
		wait_free(w);
	}
	while ((watch = s->watches)) {
		s->watches = watch->next;
		ref_free(watch->port);
		free(watch);
	}
	served_done(&s->served);
	stream_put(s);
	stream_run();
}

/* ---- transfers ---- */

static void read_sent(struct stream *s, int delivered, size_t count)
{
	fast_lock_take(&stream_lock);
	if (!s->closed) {
		s->in_flight &= ~READ;
		s->source->reading = 0;
		s->source->taking = 0;
		s->ops->take(s, delivered ? count : 0, delivered);
		stream_changed(s->source);
	}
	fast_lock_drop(&stream_lock);
}

static void write_sent(struct stream *s, int delivered, size_t count)
{
	fast_lock_take(&stream_lock);
	if (!s->closed) {
		s->in_flight &= ~WRITE;
		s->source->writing = 0;
		s->ops->commit(s, delivered ? count : 0);
		stream_changed(s->source);
	}
	fast_lock_drop(&stream_lock);
}

/* The pieces as a bulk: only the last may have a part of a word. */
static size_t put_pieces(struct request *r, const struct pipe_piece piece[2])
{
	size_t size = piece[0].size;

	if (size % 4 && piece[1].size && size > 4)
		size &= ~(size_t)3;
	request_add_bulk(r, piece[0].data, size);
	if (size == piece[0].size && size % 4 == 0 && piece[1].size) {
		request_add_bulk(r, piece[1].data, piece[1].size);
		size += piece[1].size;
	}
	return size;
}

/* With the lock: starts a read into the reply; EAGAIN = not now.  *size is what it will have taken. */
static int read_start(struct stream *s, struct request *r, size_t count, uint64_t started, size_t *size)
{
	struct pipe_piece piece[2];
	uint64_t wake = 0;
	int error;

	*size = 0;
	if (s->source->reading)
		return EAGAIN;
	error = s->ops->peek(s, count, started, piece, &wake);
	if (error == EAGAIN && wake && stream_alarm)
		stream_alarm(wake);
	if (error)
		return error;
	*size = put_pieces(r, piece);
	s->source->reading = 1;
	s->source->taking = *size;
	s->in_flight |= READ;
	s->reading = *size;
	return 0;
}

void stream_drop_reads(struct stream_source *source)
{
	struct stream_wait **link, *w, *dropped = 0;
	struct stream *s;

	fast_lock_take(&stream_lock);
	for (s = source->streams; s; s = s->next) {
		for (link = &s->waits; (w = *link);) {
			if (w->writing) {
				link = &w->next;
				continue;
			}
			*link = w->next;
			w->next = dropped;
			dropped = w;
		}
		s->waits_end = link;
	}
	fast_lock_drop(&stream_lock);
	while ((w = dropped)) {
		dropped = w->next;
		request_drop(w->request);
		wait_free(w);
	}
}

static int write_start(struct stream *s, const void *data, size_t count, size_t *done)
{
	int error;

	*done = 0;
	if (s->source->writing)
		return EAGAIN;
	error = s->ops->stage(s, data, count, done);
	if (!error) {
		s->source->writing = 1;
		s->in_flight |= WRITE;
		s->writing = *done;
	}
	return error;
}

/* With the lock: those whose client thread has gone, or asks again since it left its former wait for a signal. */
static void forget_former(struct stream *s, struct request *r)
{
	struct stream_wait **link = &s->waits, *w;

	while ((w = *link)) {
		if (!request_gone(w->request) && !request_same_client(w->request, r)) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		request_drop(w->request);
		wait_free(w);
	}
	s->waits_end = link;
}

/* What is on its way decides whether there is anything to read, and room to write. */
static int undecided(const struct stream_source *source)
{
	return source->reading || source->writing;
}

/* With the lock; the request waits at the end of the stream's queue. */
static int park(struct stream *s, struct request *r, int writing, int nonblocking, const void *data, size_t count)
{
	struct stream_wait *w = wait_new(s, writing, count);

	if (!w)
		return ENOMEM;
	if (writing)
		memcpy(w->data, data, count);
	w->next = 0;
	w->stream = s;
	w->writing = (uint8_t)writing;
	w->nonblocking = nonblocking != 0;
	w->count = count;
	w->started = now();
	w->request = request_park(r);
	if (!w->request) {
		wait_free(w);
		return ENOMEM;
	}
	if (s->waits)
		forget_former(s, w->request);
	*s->waits_end = w;
	s->waits_end = &w->next;
	return REQUEST_PARKED;
}

static int somebody_waits(struct stream_source *source, int writing)
{
	struct stream *s;
	struct stream_wait *w;

	for (s = source->streams; s; s = s->next)
		for (w = s->waits; w; w = w->next)
			if (w->writing == writing)
				return 1;
	return 0;
}

static void sent_read(void *context, int delivered)
{
	struct stream *s = context;

	read_sent(s, delivered, s->reading);
	stream_run();
}

/* With the lock: few bytes are copied and taken at once, so that the reply needs no second look. */
static int read_small(struct stream *s, struct request *r, size_t count, const void **data, size_t *data_size)
{
	struct pipe_piece piece[2];
	char *scratch = request_scratch(r);
	uint64_t wake = 0;
	int error;

	if (s->source->reading || !scratch)
		return EAGAIN;
	error = s->ops->peek(s, count, now(), piece, &wake);
	if (error == EAGAIN && wake && stream_alarm)
		stream_alarm(wake);
	if (error)
		return error;
	if (piece[0].size + piece[1].size > SMALL) {
		s->ops->take(s, 0, 0);
		return E2BIG;
	}
	memcpy(scratch, piece[0].data, piece[0].size);
	memcpy(scratch + piece[0].size, piece[1].data, piece[1].size);
	*data = scratch;
	*data_size = piece[0].size + piece[1].size;
	s->ops->take(s, *data_size, 1);
	stream_changed(s->source);
	return 0;
}

static int read_large(struct stream *s, struct request *r, size_t count, const void **data, size_t *data_size)
{
	int error = read_start(s, r, count, now(), data_size);

	if (error)
		return error;
	r->sent = sent_read;
	r->sent_context = s;
	*data = 0;
	return 0;
}

static int stream_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data,
	size_t *data_size)
{
	struct stream *s = self;
	int error, changed, nonblocking = (s->flags | flags) & O_NONBLOCK;

	(void)offset;
	if ((s->flags & O_ACCMODE) == O_WRONLY)
		return EBADF;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	fast_lock_take(&stream_lock);
	if (somebody_waits(s->source, 0) && !nonblocking)
		error = EAGAIN;
	else
		error = read_small(s, r, count, data, data_size);
	if (error == E2BIG)
		error = read_large(s, r, count, data, data_size);
	if (error == EAGAIN && (!nonblocking || undecided(s->source)))
		error = park(s, r, 0, nonblocking, 0, count);
	changed = changed_sources != 0;
	fast_lock_drop(&stream_lock);
	if (changed)
		stream_run();
	return error;
}

static int stream_write(void *self, struct request *r, uint64_t offset, uint32_t flags, const void *data, size_t data_size,
	uint32_t *written, uint64_t *position)
{
	struct stream *s = self;
	size_t done = 0;
	int error, changed, nonblocking = (s->flags | flags) & O_NONBLOCK;

	(void)offset;
	if ((s->flags & O_ACCMODE) == O_RDONLY)
		return EBADF;
	fast_lock_take(&stream_lock);
	if (s->source->writing || somebody_waits(s->source, 1))
		error = EAGAIN;
	else
		error = s->ops->stage(s, data, data_size, &done);
	if (!error) {
		s->ops->commit(s, done);
		stream_changed(s->source);
		*written = (uint32_t)done;
		*position = 0;
	}
	if (error == EAGAIN && (!nonblocking || undecided(s->source)))
		error = park(s, r, 1, nonblocking, data, data_size);
	changed = changed_sources != 0;
	fast_lock_drop(&stream_lock);
	if (changed)
		stream_run();	/* whoever waited is answered on the caller's time */
	return error;
}

/* ---- changes ---- */

void stream_changed(struct stream_source *source)
{
	if (source->queued)
		return;
	source->queued = 1;
	source->next = changed_sources;
	changed_sources = source;
}

/* With the lock.  A waiting request that can be served is unlinked and made ready; null = none. */
static struct stream_wait *serve_one(struct stream *s, int *error, size_t *size)
{
	struct stream_wait **link, *w;
	int tried[2] = { 0, 0 };

	for (link = &s->waits; (w = *link); link = &w->next) {
		if (!w->nonblocking && tried[w->writing]++)
			continue;	/* in order */
		if (w->writing)
			*error = write_start(s, w->data, w->count, size);
		else
			*error = read_start(s, w->request, w->count, w->started, size);
		if (*error == EAGAIN && (!w->nonblocking || undecided(s->source)))
			continue;
		*link = w->next;
		if (!w->next)
			s->waits_end = link;
		return w;
	}
	return 0;
}

void stream_forget(struct stream_source *source)
{
	struct stream_source **link = &changed_sources;

	while (*link && *link != source)
		link = &(*link)->next;
	if (*link)
		*link = source->next;
}

static void tell_watchers(struct stream *s)
{
	struct stream_watch **link = &s->watches, *watch;
	unsigned ready = s->watches ? s->ops->poll(s) : 0;
	uint32_t message[2];

	while ((watch = *link)) {
		unsigned events = ready & (watch->events | POLLERR | POLLHUP);
		fluke_ipc_params_t params = { .send_words = 2, .send_data = message };

		message[0] = events;
		message[1] = 0;
		if (fluke_ref_type(watch->port) != FLUKE_TYPE_PORT) {
			*link = watch->next;
			ref_free(watch->port);
			free(watch);
			continue;
		}
		if (events)
			fluke_ipc_send(&params, watch->port);
		link = &watch->next;
	}
}

/* Sends the answer of a request that was waiting; takes the lock only for the outcome. */
static void answer(struct stream_wait *w, int error, size_t size)
{
	struct stream *s = w->stream;
	int delivered;

	if (!error) {
		if (w->writing)
			FileDescription_write_reply(w->request, (uint32_t)size, 0);
		else
			FileDescription_read_reply(w->request, 0, size);
	}
	delivered = request_answer(w->request, error) == 0;
	if (!error) {
		if (w->writing)
			write_sent(s, delivered, size);
		else
			read_sent(s, delivered, size);
	}
	wait_free(w);
	stream_put(s);
}

void stream_run(void)
{
	struct stream_source *source;
	struct stream *s;
	struct stream_wait *w = 0;
	int error = 0;
	size_t size = 0;

	fast_lock_take(&stream_lock);
	while ((source = changed_sources)) {
		for (s = source->streams; s && !w; s = s->next) {
			tell_watchers(s);
			w = serve_one(s, &error, &size);
			if (w)
				__sync_add_and_fetch(&s->users, 1);
		}
		if (!w) {
			changed_sources = source->next;
			source->queued = 0;
			continue;
		}
		s = w->stream;
		fast_lock_drop(&stream_lock);
		answer(w, error, size);
		w = 0;
		fast_lock_take(&stream_lock);
	}
	fast_lock_drop(&stream_lock);
}

/* ---- the rest of FileDescription ---- */

static int stream_stat(void *self, struct request *r, struct FileStatus *status)
{
	struct stream *s = self;
	int error;

	(void)r;
	memset(status, 0, sizeof *status);
	fast_lock_take(&stream_lock);
	error = s->ops->stat ? s->ops->stat(s, status) : EINVAL;
	fast_lock_drop(&stream_lock);
	return error;
}

static int stream_seek(void *self, struct request *r, int64_t offset, int32_t whence, uint64_t *position)
{
	(void)self, (void)r, (void)offset, (void)whence, (void)position;
	return ESPIPE;
}

static int stream_share(void *self, struct request *r, uint64_t offset)
{
	(void)self, (void)r, (void)offset;
	return 0;
}

static int stream_invalid(void *self, struct request *r)
{
	(void)self, (void)r;
	return EINVAL;
}

static int stream_truncate(void *self, struct request *r, uint64_t size)
{
	(void)size;
	return stream_invalid(self, r);
}

static int stream_map(void *self, struct request *r, uint32_t prot, void **region)
{
	(void)self, (void)r, (void)prot, (void)region;
	return ENODEV;
}

static int stream_getdents(void *self, struct request *r, uint64_t cookie, uint32_t count, uint64_t *next,
	const void **entries, size_t *entries_size)
{
	(void)self, (void)r, (void)cookie, (void)count, (void)next, (void)entries, (void)entries_size;
	return ENOTDIR;
}

/* The port is told as if all had happened, so that who waits for it looks again. */
static void watch_end(struct stream_watch **link)
{
	struct stream_watch *watch = *link;
	uint32_t message[2] = { watch->events, 0 };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = message };

	*link = watch->next;
	if (fluke_ref_type(watch->port) == FLUKE_TYPE_PORT)
		fluke_ipc_send(&params, watch->port);
	ref_free(watch->port);
	free(watch);
}

/* A watch for a port replaces the one that the port has; events 0 ends it.  The list begins with the newest. */
static int stream_watch(void *self, struct request *r, uint32_t events, fluke_ref_t *port, uint32_t *ready)
{
	struct stream *s = self;
	struct stream_watch **link = &s->watches, **oldest = 0, *watch;
	unsigned count = 0;

	(void)r;
	fast_lock_take(&stream_lock);
	*ready = s->ops->poll(s) & (events | POLLERR | POLLHUP);
	while ((watch = *link) && !(port && fluke_ref_compare(watch->port, port))) {
		if (fluke_ref_type(watch->port) == FLUKE_NULL) {
			*link = watch->next;
			ref_free(watch->port);
			free(watch);
		} else {
			oldest = link;
			link = &watch->next;
			count++;
		}
	}
	if (!watch && count >= WATCHES)
		watch_end(oldest);
	if (watch && events) {
		watch->events = events;
	} else if (watch) {
		*link = watch->next;
		ref_free(watch->port);
		free(watch);
	} else if (events && port && fluke_ref_type(port) == FLUKE_TYPE_PORT && (watch = calloc(1, sizeof *watch))) {
		watch->port = ref_dup(port);
		watch->events = events;
		watch->next = s->watches;
		s->watches = watch;
		if (!watch->port) {
			s->watches = watch->next;
			free(watch);
		}
	}
	fast_lock_drop(&stream_lock);
	return 0;
}

static int stream_path(void *self, struct request *r, const char **path)
{
	struct stream *s = self;

	(void)r;
	*path = s->ops->path ? s->ops->path(s) : "pipe:[1]";
	return 0;
}

static int stream_set_flags(void *self, struct request *r, uint32_t flags)
{
	struct stream *s = self;

	(void)r;
	s->flags = (s->flags & O_ACCMODE) | (flags & (O_APPEND | O_NONBLOCK));
	return 0;
}

static int stream_get_flags(void *self, struct request *r, uint32_t *flags)
{
	struct stream *s = self;

	(void)r;
	*flags = s->flags;
	return 0;
}

const struct FileDescription_methods stream_methods = {
	.read = stream_read, .write = stream_write, .share = stream_share, .seek = stream_seek, .stat = stream_stat,
	.truncate = stream_truncate, .getdents = stream_getdents, .map = stream_map, .sync = stream_invalid,
	.watch = stream_watch, .path = stream_path, .set_flags = stream_set_flags, .get_flags = stream_get_flags,
};

const struct interface stream_interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &stream_methods },
	{ 0 },
};

int stream_watcher(struct stream *s, uint32_t index, fluke_ref_t *port, unsigned *events)
{
	struct stream_watch *w;

	fast_lock_take(&stream_lock);
	for (w = s->watches; w && index; w = w->next)
		index--;
	if (w) {
		fluke_ref_copy(w->port, port);
		*events = w->events;
	}
	fast_lock_drop(&stream_lock);
	return w != NULL;
}
