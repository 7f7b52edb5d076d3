/* The RAM file system as FileSystem and FileDescription.  An open file or directory is a struct
 * file behind a port; FIFOs and terminals are streams.  Everything here runs under root_lock.
 *
 * A read replies from the file's pages in place.  Pages taken out of a file meanwhile wait in
 * limbo until no such reply is on its way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/FileDescription_server.h>
#include <protocols/FileSystem_server.h>
#include "root.h"
#include "device.h"
#include "pack.h"

/* An expression's value, 0 or errno, found under root_lock. */
#define LOCKED(expression) ({ root_lock(); int locked_ = (expression); root_unlock(); locked_; })

struct file {
	struct served	served;
	struct ramfs_node *node;
	unsigned	flags;
	int		shared;		/* the server keeps the offset */
	uint64_t	offset;
	int		direct;		/* a reply from the pages is on its way */
	struct ramfs_owner locks;	/* its own: flock's, F_OFD_SETLK's */
};

struct ramfs	ramfs;
static uint32_t	direct_replies;
static char	*limbo;			/* pages, linked through their first word */
static const struct served_class file_class, directory_class;

/* ---- what the file system asks of us ---- */

static char *page_alloc(struct ramfs *fs, char *near)
{
	(void)fs;
	return store_page(&store, near);
}

static void page_free(struct ramfs *fs, char *page)
{
	(void)fs;
	if (!direct_replies) {
		store_page_free(&store, page);
		return;
	}
	/* the reply may show a changed word: the page was cut off under its reader */
	*(char **)(void *)page = limbo;
	limbo = page;
}

static void limbo_clear(void)
{
	char *page;

	while ((page = limbo)) {
		limbo = *(char **)(void *)page;
		store_page_free(&store, page);
	}
}

static void pages_dropped(struct ramfs_node *node, uint32_t first, uint32_t count)
{
	if (node->data.lower)		/* all of it */
		pack_unmapped(node);
	if (node->map)
		segment_discard(node->map, first * RAMFS_PAGE, count > 0x7ffff ? 0x7ffff000u : count * RAMFS_PAGE);
}

static void node_forget(struct ramfs_node *node)
{
	if (S_ISFIFO(node->mode))
		fifo_detach((struct fifo **)&node->pipe);
	if (S_ISREG(node->mode) && node->data.lower)
		pack_unmapped(node);
	if (node->map)
		segment_destroy(node->map);
	node->map = 0;
}

static uint32_t file_frame(void *file, uint32_t page, int write, uint32_t *first, uint32_t *count)
{
	struct ramfs_node *node = file;
	uint32_t pages = (uint32_t)((node->size + RAMFS_PAGE - 1) / RAMFS_PAGE), low = page, high = page + 1;
	char *at;

	(void)write;
	if (page >= pages)
		return FRAMES_NONE;
	if (page == pages - 1 && ramfs_tail_own(&ramfs, node))
		return FRAMES_NONE;
	at = ramfs_page_make(&ramfs, node, page);
	if (!at)
		return FRAMES_NONE;
	/* a last page that is still the archive's is left out */
	if (node->data.tail_foreign && pages)
		pages--;
	while (low && page - low < 1024 && ramfs_page(node, low - 1) == at - (page - low + 1) * RAMFS_PAGE)
		low--;
	while (high < pages && high - page < 8192 && ramfs_page(node, high) == at + (high - page) * RAMFS_PAGE)
		high++;
	*first = low;
	*count = high - low;
	return store_frame(&store, at);
}

static const struct segment_source file_source = { .frame = file_frame };

static struct segment *map_new(struct ramfs_node *node)
{
	return node->data.lower ? pack_segment(node, file_frame) : segment_create_file(store.root, RAMFS_SIZE_MAX, &file_source, node);
}

/* ---- status ---- */

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

/* ---- open ---- */

static void file_sent(void *context, int delivered)
{
	struct file *f = context;

	if (!delivered)
		served_end(&f->served);
}

static int open_plain(struct request *r, struct ramfs_node *node, unsigned flags, void **port)
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

/* With the lock: open_plain, for a node that may have to be copied.  An error leaves the node held. */
static int open_regular(struct request *r, struct ramfs_node *node, unsigned flags, void **port, void (*answer)(struct pack_wait *))
{
	int error = open_plain(r, node, flags, port);
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

static void stream_sent(void *context, int delivered)
{
	struct stream *s = context;

	if (!delivered)
		served_end(&s->served);
}

static int open_stream(struct request *r, struct stream *s, void **port)
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
		error = open_stream(r, s, port);
	}
	root_unlock();
	return error;
}

static int fs_open(void *self, struct request *r, const char *path, uint32_t flags, uint32_t mode, void **port,
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
		error = open_stream(r, console_open(flags), port);
		ramfs_put(&ramfs, node);
		node = 0;
	} else if (S_ISCHR(node->mode) && device_known(node->rdev)) {
		error = open_plain(r, node, flags, port);
	} else {
		error = ENXIO;
	}
	if (error && error != REQUEST_PARKED && node)
		ramfs_put(&ramfs, node);
	root_unlock();
	openers_answer(ready);
	return error;
}

static void file_release(void *self)
{
	struct file *f = self;

	filelock_close(f->node, &f->locks, f);
	root_lock();
	ramfs_put(&ramfs, f->node);
	root_unlock();
	served_done(&f->served);
	free(f);
}

/* ---- FileSystem ---- */

static int find(struct file *f, const char *path, unsigned flags, struct ramfs_node **node)
{
	if (!*path && flags & AT_EMPTY_PATH) {
		*node = f->node;
		return 0;
	}
	return ramfs_find(&ramfs, f->node, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : 1, node);
}

static int fs_stat(void *self, struct request *r, const char *path, uint32_t flags, struct FileStatus *status)
{
	struct ramfs_node *node;
	int error;

	(void)r;
	root_lock();
	error = find(self, path, flags, &node);
	if (!error)
		fill_status(node, status);
	root_unlock();
	return error;
}

/* A directory given as a second one: our own of the reference, null = the one asked. */
static int other_directory(struct file *f, fluke_ref_t *ref, struct ramfs_node **node);

static int fs_mkdir(void *self, struct request *r, const char *path, uint32_t mode)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_mkdir(&ramfs, f->node, path, mode));
}

static int fs_mknod(void *self, struct request *r, const char *path, uint32_t mode, uint32_t rdev)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_mknod(&ramfs, f->node, path, mode, rdev));
}

static int fs_unlink(void *self, struct request *r, const char *path, uint32_t flags)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_unlink(&ramfs, f->node, path, flags));
}

static int fs_rename(void *self, struct request *r, const char *path, const char *new_path, uint32_t flags,
	fluke_ref_t *directory)
{
	struct file *f = self;
	struct ramfs_node *other;

	(void)r;
	return LOCKED(other_directory(f, directory, &other) ?: ramfs_rename(&ramfs, f->node, path, other, new_path, flags));
}

static int fs_link(void *self, struct request *r, const char *path, const char *new_path, uint32_t flags,
	fluke_ref_t *directory)
{
	struct file *f = self;
	struct ramfs_node *other;

	(void)r;
	return LOCKED(other_directory(f, directory, &other) ?: ramfs_link(&ramfs, f->node, path, other, new_path, flags));
}

static int fs_symlink(void *self, struct request *r, const char *target, const char *path)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_symlink(&ramfs, f->node, target, path));
}

static int fs_readlink(void *self, struct request *r, const char *path, const char **target)
{
	struct file *f = self;
	char *copy = request_scratch(r);
	int error;

	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_readlink(&ramfs, f->node, path, target);
	if (!error)
		*target = strcpy(copy, *target);
	root_unlock();
	return error;
}

static int fs_chmod(void *self, struct request *r, const char *path, uint32_t mode, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_chmod(&ramfs, node, mode));
}

static int fs_chown(void *self, struct request *r, const char *path, uint32_t uid, uint32_t gid, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_chown(&ramfs, node, uid, gid));
}

static int fs_utimens(void *self, struct request *r, const char *path, uint64_t atime, uint64_t mtime, uint32_t flags)
{
	struct ramfs_node *node;

	(void)r;
	return LOCKED(find(self, path, flags, &node) ?: ramfs_utimens(&ramfs, node, atime, mtime));
}

static int fs_statfs(void *self, struct request *r, uint32_t *block_size, uint32_t *blocks, uint32_t *free_blocks,
	uint32_t *inodes, uint32_t *free_inodes, uint32_t *type)
{
	(void)self, (void)r;
	*block_size = RAMFS_PAGE;
	*blocks = store.frames.total;
	*free_blocks = store.frames.free[FRAME_DATA];
	*inodes = store.frames.total * 4;
	*free_inodes = *inodes - ramfs.nodes;
	*type = 0x01021994;	/* tmpfs */
	return 0;
}

static int fs_path(void *self, struct request *r, const char **path)
{
	struct file *f = self;
	char *copy = request_scratch(r);
	int error;

	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_path(&ramfs, f->node, copy, RAMFS_PATH_MAX);
	root_unlock();
	*path = copy;
	return error;
}

/* One user for now: any session is the same view. */
static int fs_session(void *self, struct request *r, uint32_t uid, uint32_t gid, void **directory)
{
	struct file *f = self;
	int error;

	(void)uid, (void)gid;
	root_lock();
	ramfs_get(f->node);
	error = open_plain(r, f->node, O_RDONLY | O_DIRECTORY, directory);
	if (error)
		ramfs_put(&ramfs, f->node);
	root_unlock();
	return error;
}

static const struct FileSystem_methods fs_methods = {
	.open = fs_open, .stat = fs_stat, .mkdir = fs_mkdir, .mknod = fs_mknod, .unlink = fs_unlink, .rename = fs_rename,
	.link = fs_link, .symlink = fs_symlink, .readlink = fs_readlink, .chmod = fs_chmod, .chown = fs_chown,
	.utimens = fs_utimens, .statfs = fs_statfs, .path = fs_path, .session = fs_session,
};

/* ---- FileDescription ---- */

static int bad(struct file *f, int write)
{
	unsigned access = f->flags & O_ACCMODE;

	return f->flags & O_PATH || (write ? access == O_RDONLY : access == O_WRONLY);
}

static void read_sent(void *context, int delivered)
{
	struct file *f = context;

	(void)delivered;
	root_lock();
	if (--direct_replies == 0)
		limbo_clear();
	f->direct--;
	root_unlock();
}

/* With the lock.  Replies from the pages where they lie together, else through the scratch. */
static int read_data(struct file *f, struct request *r, uint64_t at, uint32_t count, const void **data, size_t *size)
{
	char *scratch;
	int error;

	*size = count;
	*data = NULL;
	if (f->node->data.lower && count) {
		error = pack_read(f->node, r, at, data, size);
		if (error != PACK_COPY)
			return error;
	} else {
		*data = ramfs_read_direct(f->node, at, size);
	}
	if (!*size)
		return 0;
	if (*data && *size >= 512) {
		if (f->node->atime <= f->node->mtime)
			f->node->atime = ramfs.now();
		direct_replies++;
		f->direct++;
		r->sent = read_sent;
		r->sent_context = f;
		return 0;
	}
	scratch = request_scratch(r);
	if (!scratch)
		return ENOMEM;
	*size = ramfs_read(&ramfs, f->node, at, scratch, *size);
	*data = scratch;
	return 0;
}

static int file_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data,
	size_t *size)
{
	struct file *f = self;
	int error;

	(void)flags;
	*data = "";
	*size = 0;
	if (bad(f, 0))
		return EBADF;
	if (S_ISDIR(f->node->mode))
		return EISDIR;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	if (S_ISCHR(f->node->mode))
		return device_read(f->node->rdev, request_scratch(r), count, data, size);
	root_lock();
	error = read_data(f, r, offset == ~0ull ? f->offset : offset, count, data, size);
	if ((!error || error == REQUEST_PARKED) && offset == ~0ull)
		f->offset += *size;
	root_unlock();
	if (!*data)
		*data = "";
	return error;
}

static int file_write(void *self, struct request *r, uint64_t offset, uint32_t flags, const void *data, size_t size,
	uint32_t *written, uint64_t *position)
{
	struct file *f = self;
	uint64_t at;
	size_t done = 0;
	int error;

	(void)r;
	if (bad(f, 1))
		return EBADF;
	if (S_ISCHR(f->node->mode)) {
		*written = (uint32_t)size;
		*position = 0;
		return device_write(f->node->rdev, data, size);
	}
	root_lock();
	at = (f->flags | flags) & O_APPEND ? f->node->size : offset == ~0ull ? f->offset : offset;
	error = ramfs_write(&ramfs, f->node, at, data, size, &done);
	*written = (uint32_t)done;
	*position = at + done;
	if (!error && offset == ~0ull)
		f->offset = *position;
	root_unlock();
	return error;
}

static int file_share(void *self, struct request *r, uint64_t offset)
{
	struct file *f = self;

	(void)r;
	root_lock();
	if (!f->shared) {
		f->shared = 1;
		f->offset = offset;
	}
	root_unlock();
	return 0;
}

static int file_seek(void *self, struct request *r, int64_t offset, int32_t whence, uint64_t *position)
{
	struct file *f = self;
	int64_t base;
	int error = 0;

	(void)r;
	root_lock();
	base = whence == SEEK_CUR ? (int64_t)f->offset : whence == SEEK_END ? (int64_t)f->node->size : 0;
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0 || (uint64_t)offset >= f->node->size)
			error = ENXIO;
		else if (whence == SEEK_HOLE)
			offset = (int64_t)f->node->size;
	} else if (whence < 0 || whence > SEEK_HOLE) {
		error = EINVAL;
	} else {
		offset += base;
		if (offset < 0)
			error = EINVAL;
	}
	if (!error)
		f->offset = (uint64_t)offset;
	*position = f->offset;
	root_unlock();
	return error;
}

static int file_stat(void *self, struct request *r, struct FileStatus *status)
{
	struct file *f = self;

	(void)r;
	root_lock();
	fill_status(f->node, status);
	root_unlock();
	return 0;
}

static int file_truncate(void *self, struct request *r, uint64_t size)
{
	struct file *f = self;

	(void)r;
	if (bad(f, 1))
		return EINVAL;
	return LOCKED(ramfs_truncate(&ramfs, f->node, size));
}

static int file_getdents(void *self, struct request *r, uint64_t cookie, uint32_t count, uint64_t *next,
	const void **entries, size_t *size)
{
	struct file *f = self;
	char *scratch = request_scratch(r);
	int error;

	if (f->flags & O_PATH)
		return EBADF;
	if (!S_ISDIR(f->node->mode))
		return ENOTDIR;
	if (!scratch)
		return ENOMEM;
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	root_lock();
	if (cookie == ~0ull)
		cookie = f->offset;
	*size = ramfs_getdents(&ramfs, f->node, &cookie, scratch, count, &error);
	f->offset = cookie;
	root_unlock();
	*next = cookie;
	*entries = scratch;
	return error;
}

static int file_map(void *self, struct request *r, uint32_t prot, void **region)
{
	struct file *f = self;
	fluke_prot_t most = FLUKE_PROT_READ | FLUKE_PROT_EXECUTE;

	(void)r;
	if (!S_ISREG(f->node->mode))
		return ENODEV;
	if (f->flags & O_PATH)
		return EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY || (prot & FLUKE_PROT_WRITE && (f->flags & O_ACCMODE) != O_RDWR))
		return EACCES;
	if ((f->flags & O_ACCMODE) == O_RDWR)
		most |= FLUKE_PROT_WRITE;
	root_lock();
	if (!f->node->map)
		f->node->map = map_new(f->node);
	*region = f->node->map ? segment_region(f->node->map, prot & most) : 0;
	root_unlock();
	return *region ? 0 : ENOMEM;
}

static int file_chmod(void *self, struct request *r, uint32_t mode)
{
	struct file *f = self;

	(void)r;
	if (f->flags & O_PATH)
		return EBADF;
	return LOCKED(ramfs_chmod(&ramfs, f->node, mode));
}

static int file_chown(void *self, struct request *r, uint32_t uid, uint32_t gid)
{
	struct file *f = self;

	(void)r;
	if (f->flags & O_PATH)
		return EBADF;
	return LOCKED(ramfs_chown(&ramfs, f->node, uid, gid));
}

static int file_utimens(void *self, struct request *r, uint64_t atime, uint64_t mtime)
{
	struct file *f = self;

	(void)r;
	return LOCKED(ramfs_utimens(&ramfs, f->node, atime, mtime));
}

static int file_sync(void *self, struct request *r)
{
	struct file *f = self;

	(void)r;
	return S_ISCHR(f->node->mode) ? EINVAL : 0;
}

/* Files and these devices are always ready. */
static int file_watch(void *self, struct request *r, uint32_t events, fluke_ref_t *port, uint32_t *ready)
{
	(void)self, (void)r, (void)port;
	*ready = events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	return 0;
}

#define OFFSET_MAX	0x7fffffffffffffffull

static int claim(struct file *f, uint32_t type, uint64_t start, uint64_t length, struct ramfs_claim *c)
{
	uint64_t end = start + length;

	if (f->flags & O_PATH)
		return EBADF;
	if (start > OFFSET_MAX || length > OFFSET_MAX)
		return EINVAL;
	if (end - 1 > OFFSET_MAX && length)
		return EOVERFLOW;
	if (!length || end > OFFSET_MAX)
		end = ~0ull;
	*c = (struct ramfs_claim){ .node = f->node, .owner = &f->locks, .via = f, .start = start, .end = end, .type = (uint8_t)type };
	return type > F_UNLCK ? EINVAL : 0;
}

static int file_lock(void *self, struct request *r, uint32_t type, uint64_t start, uint64_t length, uint32_t flags,
	fluke_ref_t *owner)
{
	struct file *f = self;
	struct ramfs_claim c;
	int error = claim(f, type, start, length, &c);

	if (error)
		return error;
	if (flags & 2)
		c.kind = RAMFS_FLOCK;
	else if (type != F_UNLCK && bad(f, type == F_WRLCK))
		return EBADF;
	return filelock(r, &c, owner, flags & 1);
}

static int file_get_lock(void *self, struct request *r, uint32_t type, uint64_t start, uint64_t length, fluke_ref_t *owner,
	uint32_t *held, uint64_t *held_start, uint64_t *held_length, void **badge)
{
	struct ramfs_claim c, in_the_way = { .type = F_UNLCK };
	int error = claim(self, type, start, length, &c);
	fluke_ref_t *whose = 0;

	if (!error)
		error = filelock_get(&c, owner, &in_the_way, &whose);
	request_free_ref(r, whose);
	*badge = whose;
	*held = in_the_way.type;
	*held_start = in_the_way.start;
	*held_length = in_the_way.end == ~0ull ? 0 : in_the_way.end - in_the_way.start;
	return error;
}

static int file_lock_owner(void *self, struct request *r, fluke_ref_t *badge, void **owner)
{
	(void)self;
	return filelock_owner(r, badge, owner);
}

static int file_path(void *self, struct request *r, const char **path)
{
	struct file *f = self;

	char *copy;
	int error;

	if (S_ISDIR(f->node->mode))
		return fs_path(self, r, path);
	copy = request_scratch(r);
	if (!copy)
		return ENOMEM;
	root_lock();
	error = ramfs_name(&ramfs, f->node, copy, RAMFS_PATH_MAX);
	root_unlock();
	*path = error == ENOENT ? "/ (deleted)" : copy;
	return error == ENOENT ? 0 : error;
}

static int file_set_flags(void *self, struct request *r, uint32_t flags)
{
	struct file *f = self;

	(void)r;
	f->flags = (f->flags & ~(O_APPEND | O_NONBLOCK)) | (flags & (O_APPEND | O_NONBLOCK));
	return 0;
}

static int file_get_flags(void *self, struct request *r, uint32_t *flags)
{
	struct file *f = self;

	(void)r;
	*flags = f->flags;
	return 0;
}

static int file_reopen(void *self, struct request *r, uint32_t flags, void **port, struct FileStatus *status)
{
	struct file *f = self;
	int error = 0;

	if (flags & O_DIRECTORY && !S_ISDIR(f->node->mode))
		return ENOTDIR;
	root_lock();
	if (flags & O_TRUNC && S_ISREG(f->node->mode) && (flags & O_ACCMODE) != O_RDONLY)
		error = ramfs_truncate(&ramfs, f->node, 0);
	if (!error) {
		ramfs_get(f->node);
		fill_status(f->node, status);
		error = open_regular(r, f->node, flags, port, answer_reopen);
		if (error && error != REQUEST_PARKED)
			ramfs_put(&ramfs, f->node);
	}
	root_unlock();
	return error;
}

static const struct FileDescription_methods file_methods = {
	.read = file_read, .write = file_write, .share = file_share, .seek = file_seek, .stat = file_stat,
	.truncate = file_truncate, .getdents = file_getdents, .map = file_map, .chmod = file_chmod, .chown = file_chown,
	.utimens = file_utimens, .sync = file_sync, .watch = file_watch, .lock = file_lock, .path = file_path,
	.set_flags = file_set_flags, .get_flags = file_get_flags, .reopen = file_reopen, .get_lock = file_get_lock,
	.lock_owner = file_lock_owner,
};

static const struct interface file_interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &file_methods }, { 0, 0, 0 },
};
static const struct interface directory_interfaces[] = {
	{ FileSystem_INTERFACE, FileSystem_dispatch, &fs_methods },
	{ FileDescription_INTERFACE, FileDescription_dispatch, &file_methods }, { 0, 0, 0 },
};
static const struct served_class file_class = { .name = "file", .interfaces = file_interfaces, .release = file_release,
	.holding = HOLDS_FILES };
static const struct served_class directory_class = {
	.name = "directory", .interfaces = directory_interfaces, .release = file_release, .holding = HOLDS_FILES,
};

/* The reference must lead to an open directory of ours: found by its port's hash. */
static int other_directory(struct file *f, fluke_ref_t *ref, struct ramfs_node **node)
{
	struct served *o;

	*node = f->node;
	if (!ref || fluke_ref_type(ref) == FLUKE_NULL)
		return 0;
	o = served_of(server, ref);
	if (!o)
		return EXDEV;
	if (o->class != &directory_class)
		return ENOTDIR;
	*node = ((struct file *)o)->node;
	return 0;
}

/* ---- boot ---- */

static uint32_t first_own;		/* nodes from this number on did not come with the tree */
static uint64_t boot_time;

static void load_modules(void)
{
	const struct fluke_boot_module *m;
	uint32_t i;
	int error;

	for (i = 1; i < boot_info->module_count; i++) {
		m = &boot_info->module[i];
		if (m->size < 110 || memcmp(store.window + m->start, "07070", 5))
			continue;
		if (!strcmp(m->name, "put.cpio"))
			first_own = ramfs.next_number;
		error = ramfs_load_cpio(&ramfs, store.window + m->start, m->size);
		if (error)
			fatal("boot module %s: broken archive (error %d)", m->name, error);
	}
}

static void make_directory(const char *path, unsigned mode)
{
	struct ramfs_node *node;

	if (!ramfs_mkdir(&ramfs, ramfs.root, path, mode) && !ramfs_find(&ramfs, ramfs.root, path, 1, &node))
		node->mode = S_IFDIR | mode;
}

void files_boot(void)
{
	root_lock();
	ramfs.page_alloc = page_alloc;
	ramfs.page_free = page_free;
	ramfs.now = clock_wall;
	ramfs.dropped = pages_dropped;
	ramfs.forget = node_forget;
	if (ramfs_init(&ramfs))
		fatal("no memory for the file system");
	load_modules();
	if (!first_own)
		first_own = ramfs.next_number;
	boot_time = clock_wall();
	make_directory("dev", 0755);
	make_directory("proc", 0555);
	make_directory("tmp", 01777);
	make_directory("root", 0700);
	root_unlock();
	filelock_boot();
}

fluke_ref_t *files_service(void)
{
	static fluke_ref_t *ref;
	struct file *f;

	if (ref)
		return ref;
	f = calloc(1, sizeof *f);
	if (!f || served_init(&f->served, &directory_class, server))
		fatal("no memory for the file system");
	f->node = ramfs.root;
	ramfs_get(f->node);
	f->flags = O_RDONLY | O_DIRECTORY;
	return ref = served_ref(&f->served);
}

/* ---- in an image's words (checkpoint.c) ---- */

struct saved_file { uint32_t flags, shared; uint64_t offset; uint32_t prot, size; };	/* size: of what has no name; then the path */

static const char *path_of(struct ramfs_node *node, char *buffer, size_t room)
{
	int error = S_ISDIR(node->mode) ? ramfs_path(&ramfs, node, buffer, room) : ramfs_name(&ramfs, node, buffer, room);

	return error ? NULL : buffer;
}

/* A path, or what is in it.  *size: room, then bytes. */
static int node_save(struct ramfs_node *node, struct saved_file *head, char *data, size_t *size)
{
	size_t room = *size - sizeof *head;
	char *rest = data + sizeof *head;

	if (path_of(node, rest, room < RAMFS_PATH_MAX ? room : RAMFS_PATH_MAX)) {
		head->size = ~0u;
		*size = sizeof *head + strlen(rest) + 1;
	} else if (S_ISREG(node->mode) && node->size <= room) {
		head->size = (uint32_t)ramfs_read(&ramfs, node, 0, rest, room);
		*size = sizeof *head + head->size;
	} else {
		return EFBIG;
	}
	memcpy(data, head, sizeof *head);
	return 0;
}

/* A new node without a name, with that in it. */
static int nameless(const char *data, size_t size, struct ramfs_node **node)
{
	static uint32_t number;
	char path[40];
	size_t done = 0;
	int error;

	snprintf(path, sizeof path, "tmp/.restored-%u", (unsigned)++number);
	error = ramfs_open(&ramfs, ramfs.root, path, O_RDWR | O_CREAT | O_EXCL, 0600, node);
	if (error)
		return error;
	error = ramfs_write(&ramfs, *node, 0, data, size, &done);
	ramfs_unlink(&ramfs, ramfs.root, path, 0);
	return done == size ? 0 : error;
}

static int node_find(const struct saved_file *head, const char *rest, size_t size, struct ramfs_node **node)
{
	if (head->size != ~0u)
		return head->size == size ? nameless(rest, size, node) : EINVAL;
	if (!size || rest[size - 1])
		return EINVAL;
	return ramfs_open(&ramfs, ramfs.root, rest, O_PATH, 0, node);
}

int file_save(struct served *object, char *data, size_t *size)
{
	struct file *f = (struct file *)object;
	struct saved_file head = { f->flags, (uint32_t)f->shared, f->offset, 0, 0 };

	if (object->class != &file_class && object->class != &directory_class)
		return ENOENT;
	return LOCKED(node_save(f->node, &head, data, size));
}

int file_restore(struct request *r, const char *data, size_t size, void **port)
{
	struct saved_file head;
	struct ramfs_node *node;
	struct file *f;
	int error;

	if (size < sizeof head)
		return EINVAL;
	memcpy(&head, data, sizeof head);
	root_lock();
	error = node_find(&head, data + sizeof head, size - sizeof head, &node);
	if (!error && (error = open_plain(r, node, head.flags, port)))
		ramfs_put(&ramfs, node);
	if (!error) {
		f = r->sent_context;
		f->shared = (int)head.shared;
		f->offset = head.offset;
	}
	root_unlock();
	return error;
}

static int is_region(fluke_region_t *region, fluke_ref_t *ref, fluke_ref_t *scratch)
{
	fluke_region_state_t state;

	fluke_region_get_state(region, &state, NULL, NULL);
	if (state.hash != fluke_ref_hash(ref))
		return 0;
	fluke_region_reference(region, scratch);
	return (int)fluke_ref_compare(scratch, ref);
}

/* A region over a file's pages. */
int file_region_save(fluke_ref_t *region, char *data, size_t *size)
{
	struct saved_file head = { 0 };
	fluke_ref_t *scratch = ref_new();
	int error = ENOENT;

	root_lock();
	for (uint32_t n = 0; n < store.slots && scratch && error == ENOENT; n++) {
		struct segment *s = store.slot[n];
		struct segment_region *m = s && s->source == &file_source ? s->more : NULL;

		while (m && !is_region(m->region, region, scratch))
			m = m->next;
		if (!m && !(s && s->source == &file_source && is_region(s->region, region, scratch)))
			continue;
		head.prot = m ? m->prot : s->prot;
		error = node_save(s->file, &head, data, size);
	}
	root_unlock();
	ref_free(scratch);
	return error;
}

int file_region_restore(const char *data, size_t size, void **region)
{
	struct saved_file head;
	struct ramfs_node *node;
	int error;

	if (size < sizeof head)
		return EINVAL;
	memcpy(&head, data, sizeof head);
	root_lock();
	error = node_find(&head, data + sizeof head, size - sizeof head, &node);
	if (!error && !node->map && !(node->map = segment_create_file(store.root, RAMFS_SIZE_MAX, &file_source, node)))
		error = ENOMEM;
	if (!error && !(*region = segment_region(node->map, head.prot)))
		error = ENOMEM;
	root_unlock();
	return error;		/* the node stays open: a file without a name lives for the region alone */
}

static int is_changed(const struct ramfs_node *node)
{
	return node->number >= first_own || (node->ctime >= boot_time && node->ctime <= clock_wall());
}

/* Below the directory, parents first; the path is the buffer's. */
static struct ramfs_node *changed_below(struct ramfs_node *dir, uint32_t *index, char *path, size_t length)
{
	for (struct ramfs_entry *e = dir->dir.first; e; e = e->next) {
		struct ramfs_node *found = NULL;

		if (length + e->length + 2 > RAMFS_PATH_MAX || (!length && (!strcmp(e->name, "dev") || !strcmp(e->name, "proc"))))
			continue;
		strcpy(path + length, e->name);
		if (is_changed(e->node) && !(*index)--)
			return e->node;
		if (S_ISDIR(e->node->mode)) {
			path[length + e->length] = '/';
			found = changed_below(e->node, index, path, length + e->length + 1);
		}
		if (found)
			return found;
	}
	return NULL;
}

int file_changed(uint32_t index, char *path, struct FileStatus *status)
{
	struct ramfs_node *node;

	root_lock();
	*path = 0;
	node = changed_below(ramfs.root, &index, path, 0);
	if (node)
		fill_status(node, status);
	root_unlock();
	return node ? 0 : ENOENT;
}
