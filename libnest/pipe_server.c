/* Pipes and FIFOs as FileDescriptions: a ring of nest/pipe.h behind streams.  An end that has no
 * reference left closes by itself, which makes end of file and EPIPE. */
#include <stdlib.h>
#include <string.h>
#include <nest/stream.h>
#include <linux_abi.h>

struct fifo {
	struct stream_source source;
	struct pipe	pipe;
	struct fifo	**node;		/* where the owner's pointer to it is; null for a plain pipe */
	uint32_t	number, opens;	/* opens: ends made so far */
	struct session	*payer;
};

#define LARGE_PIPES	64		/* those that a session has beyond that stay small */

static uint32_t next_number = 1;

static int peek(struct stream *s, size_t count, uint64_t started, struct pipe_piece piece[2], uint64_t *wake)
{
	struct fifo *f = s->owner;

	(void)started, (void)wake;
	return pipe_peek(&f->pipe, count, piece);
}

static void take(struct stream *s, size_t count, int delivered)
{
	struct fifo *f = s->owner;

	(void)delivered;
	pipe_take(&f->pipe, count);
}

static int stage(struct stream *s, const void *data, size_t count, size_t *done)
{
	struct fifo *f = s->owner;

	return pipe_stage(&f->pipe, data, count, done);
}

static void commit(struct stream *s, size_t count)
{
	struct fifo *f = s->owner;

	pipe_commit(&f->pipe, count);
}

static unsigned poll(struct stream *s)
{
	struct fifo *f = s->owner;
	unsigned access = s->flags & O_ACCMODE;

	return (access != O_WRONLY ? pipe_poll(&f->pipe, 0, f->source.taking) : 0) |
		(access != O_RDONLY ? pipe_poll(&f->pipe, 1, f->source.taking) : 0);
}

static int stat(struct stream *s, struct FileStatus *status)
{
	struct fifo *f = s->owner;

	status->inode = f->number;
	status->mode = S_IFIFO | 0600;
	status->links = 1;
	status->size = pipe_available(&f->pipe) - f->source.taking;
	status->device = 0xc;
	status->block_size = 4096;
	return 0;
}

static void fifo_free(struct fifo *f)
{
	session_give(f->payer, HOLDS_BUFFERS, 1);
	session_put(f->payer);
	pipe_done(&f->pipe);
	free(f);
}

static void closed(struct stream *s)
{
	struct fifo *f = s->owner;
	unsigned access = s->flags & O_ACCMODE;

	f->pipe.readers -= access != O_WRONLY;
	f->pipe.writers -= access != O_RDONLY;
	if (f->pipe.readers || f->pipe.writers)
		return;
	if (f->node)
		*f->node = 0;
	stream_forget(&f->source);
	fifo_free(f);
}

static const struct stream_ops ops = {
	.peek = peek, .take = take, .stage = stage, .commit = commit, .poll = poll, .stat = stat, .closed = closed,
};

static struct fifo *fifo_new(struct server *server, struct fifo **node)
{
	struct session *payer = session_present(server);
	struct fifo *f;

	if (!payer || !session_take(payer, HOLDS_BUFFERS, 1)) {
		session_put(payer);
		return 0;
	}
	f = calloc(1, sizeof *f);
	if (!f || pipe_init(&f->pipe)) {
		free(f);
		session_give(payer, HOLDS_BUFFERS, 1);
		session_put(payer);
		return 0;
	}
	f->payer = payer;
	if (session_held(payer, HOLDS_BUFFERS) > LARGE_PIPES)
		f->pipe.most = f->pipe.ring_size;
	f->node = node;
	f->number = next_number++;
	if (node)
		*node = f;
	return f;
}

static void fifo_drop(struct fifo *f)
{
	if (f->pipe.readers || f->pipe.writers)
		return;
	if (f->node)
		*f->node = 0;
	fifo_free(f);
}

/* With the lock. */
static struct stream *end_new(struct server *server, struct fifo *f, unsigned flags)
{
	struct stream *s = stream_new(server, 0, &ops, &f->source, f, flags & (O_ACCMODE | O_NONBLOCK));
	unsigned access = flags & O_ACCMODE;

	if (!s)
		return 0;
	f->opens++;
	f->pipe.readers += access != O_WRONLY;
	if (access != O_RDONLY) {
		f->pipe.writers++;
		f->pipe.was_written = 0;	/* no hang-up until this one goes */
	}
	stream_changed(&f->source);
	return s;
}

int pipe_serve(struct server *server, fluke_ref_t *reader, fluke_ref_t *writer)
{
	struct stream *r = 0, *w = 0;
	struct fifo *f;

	fast_lock_take(&stream_lock);
	f = fifo_new(server, 0);
	if (f) {
		r = end_new(server, f, O_RDONLY);
		w = end_new(server, f, O_WRONLY);
		f->pipe.was_written = 1;	/* the writer is there: its going is a hang-up */
		if (r && w) {
			fluke_port_reference(r->served.port, reader);
			fluke_port_reference(w->served.port, writer);
		}
		if (!r && !w)
			fifo_drop(f);
	}
	fast_lock_drop(&stream_lock);
	if (r && w)
		return 0;
	if (r)
		stream_release(r);
	if (w)
		stream_release(w);
	return ENFILE;
}

int fifo_open(struct server *server, struct fifo **fifo, unsigned flags, struct stream **stream)
{
	struct fifo *f;
	int error = 0;

	fast_lock_take(&stream_lock);
	f = *fifo;
	if ((flags & O_ACCMODE) == O_WRONLY && flags & O_NONBLOCK && !(f && f->pipe.readers)) {
		error = ENXIO;
	} else if (!f && !(f = fifo_new(server, fifo))) {
		error = ENFILE;
	} else {
		*stream = end_new(server, f, flags);
		if (!*stream) {
			fifo_drop(f);
			error = EMFILE;
		}
	}
	fast_lock_drop(&stream_lock);
	return error;
}

uint32_t fifo_opens(struct fifo *fifo)
{
	return fifo->opens;
}

int fifo_alone(struct fifo *fifo, unsigned flags)
{
	unsigned access = flags & O_ACCMODE;

	if (flags & O_NONBLOCK)
		return 0;
	return (access == O_RDONLY && !fifo->pipe.writers) || (access == O_WRONLY && !fifo->pipe.readers);
}

void fifo_detach(struct fifo **fifo)
{
	fast_lock_take(&stream_lock);
	if (*fifo)
		(*fifo)->node = 0;
	fast_lock_drop(&stream_lock);
}

/* ---- images ---- */

int fifo_save(struct served *end, struct fifo ***fifo, uint32_t *flags, void *data, size_t *size)
{
	struct pipe_piece piece[2];
	struct fifo *f;
	size_t room = *size;

	if (!stream_is(end, &ops))
		return ENOENT;
	fast_lock_take(&stream_lock);
	f = ((struct stream *)end)->owner;
	*fifo = f->node;
	*flags = ((struct stream *)end)->flags;
	*size = pipe_available(&f->pipe);
	if (*size <= room) {
		pipe_pieces(&f->pipe, piece);
		memcpy(data, piece[0].data, piece[0].size);
		memcpy((char *)data + piece[0].size, piece[1].data, piece[1].size);
	}
	fast_lock_drop(&stream_lock);
	return *size <= room ? 0 : ENOSPC;
}

void fifo_fill(struct stream *end, const void *data, size_t size)
{
	struct fifo *f = end->owner;
	size_t done;

	fast_lock_take(&stream_lock);
	if (f->opens == 1) {
		f->pipe.readers++;		/* else nobody would get it */
		pipe_write(&f->pipe, data, size, &done);
		f->pipe.readers--;
		stream_changed(&f->source);
	}
	fast_lock_drop(&stream_lock);
	stream_run();
}
