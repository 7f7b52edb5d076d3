/* Opening: plain files, files of the pack that are copied before they are written, terminals, and FIFOs, whose
 * opens wait for the other side. */
#include <stdlib.h>
#include <string.h>
#include <protocols/FileDescription_server.h>
#include <protocols/FileSystem_server.h>
#include "files.h"
#include "device.h"
#include "pack.h"

void fill_status(struct ramfs_node *node, struct FileStatus *s)
{
	memset(s, 0, sizeof *s);
	s->inode = node->number;
	s->size = node->size;
	s->blocks = S_ISREG(node->mode) ? (uint64_t)node->pages * 8 : S_ISDIR(node->mode) ? 8 : 0;
	s->mode = node->mode;
	s->links = node->links;
	s->uid = node->uid;
	s->gid = node->gid;
	s->rdev = node->rdev;
	s->device = RAMFS_DEVICE;
	s->block_size = RAMFS_PAGE;
	s->atime = node->atime;
	s->mtime = node->mtime;
	s->ctime = node->ctime;
}

static void file_sent(void *context, int delivered)
{
	struct file *f = context;

	if (!delivered)
		served_end(&f->served);
}

int file_open_plain(struct request *r, struct ramfs_node *node, unsigned flags, void **port)
{
	struct file *f = calloc(1, sizeof *f);
	int error = f ? served_init(&f->served, S_ISDIR(node->mode) ? &directory_class : &file_class,
		flags & FILE_PAGING ? paging_server : server) : ENFILE;

	if (error) {
		free(f);
		return error == ENOMEM ? ENFILE : error;
	}
	f->locks.payer = f->served.session;
	f->node = node;
	f->flags = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_PATH | O_DIRECTORY);
	*port = f->served.port;
	r->sent = file_sent;
	r->sent_context = f;
	return 0;
}

/* ---- files of the pack that are opened for writing: they are copied first ---- */

static int must_copy(struct ramfs_node *node, unsigned flags)
{
	return S_ISREG(node->mode) && node->data.lower && (flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH);
}

static void answer_copied(struct pack_wait *w, int error, int (*reply)(struct request *, void *, const struct FileStatus *))
{
	struct file *f = w->object;
	struct FileStatus status;

	root_lock();
	fill_status(f->node, &status);
	ramfs_put(&ramfs, w->node);
	root_unlock();
	if (!error)
		reply(w->request, f->served.port, &status);
	if (request_answer(w->request, error) || error)
		served_end(&f->served);
	free(w);
}

static void answer_open(struct pack_wait *w)
{
	answer_copied(w, w->error, FileSystem_open_reply);
}

static void answer_reopen(struct pack_wait *w)
{
	answer_copied(w, w->error, FileDescription_reopen_reply);
}

/* With the lock: file_open_plain, for a node that may have to be copied.  An error leaves the node held. */
static int open_regular(struct request *r, struct ramfs_node *node, unsigned flags, void **port, void (*answer)(struct pack_wait *))
{
	int error = file_open_plain(r, node, flags, port);
	struct file *f = r->sent_context;

	if (error || !must_copy(node, flags))
		return error;
	r->sent = NULL;
	error = pack_park(r, node, 0, PACK_WHOLE, answer, f);
	if (error != REQUEST_PARKED) {
		ramfs_get(node);		/* the caller's */
		end_later(&f->served);
	}
	return error;
}

int file_open_again(struct request *r, struct ramfs_node *node, unsigned flags, void **port)
{
	return open_regular(r, node, flags, port, answer_reopen);
}

static void stream_sent(void *context, int delivered)
{
	struct stream *s = context;

	if (!delivered)
		served_end(&s->served);
}

int stream_give(struct request *r, struct stream *s, void **port)
{
	if (!s)
		return EMFILE;
	*port = s->served.port;
	r->sent = stream_sent;
	r->sent_context = s;
	return 0;
}

/* ---- FIFOs: an open waits for the other side ---- */

struct opener {
	struct opener	*next;
	struct request	*request;
	struct ramfs_node *node;
	struct stream	*stream;
	unsigned	flags;
	struct FileStatus status;
};

static struct opener *openers;

/* With the lock: takes those out of the list who wait no more. */
static struct opener *openers_ready(struct ramfs_node *node)
{
	struct opener **link = &openers, *o, *ready = 0;

	while ((o = *link)) {
		if (!request_gone(o->request) && (o->node != node || fifo_alone(node->pipe, o->flags))) {
			link = &o->next;
			continue;
		}
		*link = o->next;
		o->next = ready;
		ready = o;
	}
	return ready;
}

/* Without the lock; how many were still there. */
static int openers_answer(struct opener *o)
{
	struct opener *next;
	int answered = 0;

	for (; o; o = next) {
		next = o->next;
		FileSystem_open_reply(o->request, o->stream->served.port, &o->status);
		if (request_answer(o->request, 0))
			served_end(&o->stream->served);
		else
			answered++;
		root_lock();
		ramfs_put(&ramfs, o->node);
		root_unlock();
		free(o);
	}
	return answered;
}

/* With the lock: the one that this parked request's client left for a signal. */
static void forget_former(struct request *r)
{
	struct opener **link = &openers, *o;

	while ((o = *link) && !request_same_client(o->request, r))
		link = &o->next;
	if (!o)
		return;
	*link = o->next;
	request_drop(o->request);
	end_later(&o->stream->served);
	ramfs_put(&ramfs, o->node);
	free(o);
}

/* With the lock; keeps the node. */
static int opener_park(struct request *r, struct ramfs_node *node, struct stream *s, unsigned flags)
{
	struct opener *o = calloc(1, sizeof *o);

	if (o)
		o->request = request_park(r);
	if (!o || !o->request) {
		free(o);
		end_later(&s->served);
		ramfs_put(&ramfs, node);
		return ENOMEM;
	}
	o->node = node;
	o->stream = s;
	o->flags = flags;
	fill_status(node, &o->status);
	forget_former(o->request);
	o->next = openers;
	openers = o;
	return REQUEST_PARKED;
}

/* With the lock: those who can go on now, the ones whose client has gone among them, and an end for the caller. */
static int open_fifo(struct ramfs_node *node, unsigned flags, struct stream **s, struct opener **ready)
{
	struct opener **link = ready;
	int error;

	*ready = openers_ready(node);
	error = fifo_open(server, (struct fifo **)&node->pipe, flags, s);
	while (*link)
		link = &(*link)->next;
	*link = openers_ready(node);
	return error;
}

/* Without the lock; takes over the caller's hold on the node.  The caller waits if it has met nobody: partners who had left their
 * wait were none.  opens: of the FIFO when the caller's end was made; another one since is a partner, even if it is gone. */
static int meet(struct request *r, struct ramfs_node *node, struct stream *s, unsigned flags, uint32_t opens, struct opener *ready,
	void **port)
{
	int met = openers_answer(ready) > 0, error;

	root_lock();
	if (!met && fifo_alone(node->pipe, flags) && fifo_opens(node->pipe) == opens) {
		error = opener_park(r, node, s, flags);
	} else {
		ramfs_put(&ramfs, node);	/* a name keeps it; without one the pipe lives by its descriptions */
		error = stream_give(r, s, port);
	}
	root_unlock();
	return error;
}

int fs_open(void *self, struct request *r, const char *path, uint32_t flags, uint32_t mode, void **port,
	struct FileStatus *status)
{
	struct file *f = self;
	struct ramfs_node *node;
	struct opener *ready = 0;
	struct stream *s;
	uint32_t opens;
	int error;

	root_lock();
	error = ramfs_open(&ramfs, f->node, path, flags, mode, &node);
	if (error) {
		root_unlock();
		return error;
	}
	fill_status(node, status);
	if (flags & O_PATH || S_ISREG(node->mode) || S_ISDIR(node->mode)) {
		error = open_regular(r, node, flags, port, answer_open);
	} else if (S_ISFIFO(node->mode)) {
		error = open_fifo(node, flags, &s, &ready);
		opens = error ? 0 : fifo_opens(node->pipe);
		if (!error) {
			root_unlock();
			return meet(r, node, s, flags, opens, ready, port);
		}
	} else if (S_ISCHR(node->mode) && device_is_tty(node->rdev)) {
		error = stream_give(r, console_open(flags), port);
		ramfs_put(&ramfs, node);
		node = 0;
	} else if (S_ISCHR(node->mode) && device_known(node->rdev)) {
		error = file_open_plain(r, node, flags, port);
	} else {
		error = ENXIO;
	}
	if (error && error != REQUEST_PARKED && node)
		ramfs_put(&ramfs, node);
	root_unlock();
	openers_answer(ready);
	return error;
}
