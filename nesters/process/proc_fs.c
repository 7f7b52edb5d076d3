/* /proc as a FileSystem.  The root is the process's own port, so "self" needs no lookup; opened files and directories
 * are objects of their own, with the text as of the opening.  self/exe and self/fd are the image's
 * own knowledge and never asked here.  A path is resolved to a node {entry, pid}; a pid that has gone is ENOENT. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/FileSystem_server.h>
#include <protocols/FileDescription_server.h>
#include <nest/serve.h>
#include "manager.h"

#define SUPER_MAGIC	0x9fa0

enum place { ROOT, PID };			/* directories */

struct entry {
	const char	*name;
	uint8_t		in;			/* enum place */
	uint8_t		type;			/* DT_* */
	uint8_t		file;			/* enum proc_file */
};

static const struct entry entries[] = {
	{ "uptime", ROOT, DT_REG, PROC_UPTIME }, { "meminfo", ROOT, DT_REG, PROC_MEMINFO },
	{ "mounts", ROOT, DT_REG, PROC_MOUNTS }, { "filesystems", ROOT, DT_REG, PROC_FILESYSTEMS },
	{ "stat", ROOT, DT_REG, PROC_STAT }, { "loadavg", ROOT, DT_REG, PROC_LOADAVG },
	{ "version", ROOT, DT_REG, PROC_VERSION }, { "cpuinfo", ROOT, DT_REG, PROC_CPUINFO },
	{ "sys/kernel/osrelease", ROOT, DT_REG, PROC_OSRELEASE }, { "sys/kernel/pid_max", ROOT, DT_REG, PROC_PID_MAX },
	{ "objects", ROOT, DT_REG, PROC_OBJECTS }, { "self", ROOT, DT_LNK, 0 },
	{ "stat", PID, DT_REG, PROC_PID_STAT }, { "status", PID, DT_REG, PROC_PID_STATUS },
	{ "cmdline", PID, DT_REG, PROC_PID_CMDLINE }, { "comm", PID, DT_REG, PROC_PID_COMM },
	{ "statm", PID, DT_REG, PROC_PID_STATM }, { "mounts", PID, DT_REG, PROC_MOUNTS },
	{ "maps", PID, DT_REG, PROC_PID_MAPS }, { "environ", PID, DT_REG, PROC_PID_ENVIRON },
	{ "exe", PID, DT_LNK, 1 },
};
#define ENTRIES (sizeof entries / sizeof entries[0])

struct node {
	const struct entry *entry;		/* null: the directory itself */
	enum place	place;
	int		pid;			/* of PID */
};

struct file {
	struct served	served;
	struct process_port *root;		/* not followed once the opener has gone */
	struct node	node;
	int		opener;			/* pid */
	char		*data;			/* null: a directory */
	uint32_t	size;
	uint64_t	offset;			/* the shared one */
	uint32_t	flags;
	char		path[64];
};

/* ---- paths */

static const char *skip(const char *path)
{
	for (;;) {
		if (*path == '/')
			path++;
		else if (*path == '.' && (path[1] == '/' || !path[1]))
			path++;
		else
			return path;
	}
}

static int number(const char **path)
{
	const char *c = *path;
	int n = 0;

	while (*c >= '0' && *c <= '9' && n < PID_MAX)
		n = n * 10 + *c++ - '0';
	if (c == *path || (*c && *c != '/'))
		return 0;
	*path = c;
	return n;
}

static int entry_find(struct node *node, const char *path)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (entries[i].in == node->place && !strcmp(entries[i].name, path)) {
			node->entry = &entries[i];
			return 0;
		}
	return ENOENT;
}

/* self: the pid of whoever asks.  node: where to begin. */
static int resolve(struct node *node, int self, const char *path, int follow)
{
	int pid;

	path = skip(path);
	if (node->place == ROOT && !strncmp(path, "self", 4) && (path[4] == '/' || (!path[4] && follow))) {
		node->place = PID;
		node->pid = self;
		path = skip(path + 4);
	} else if (node->place == ROOT && (pid = number(&path))) {
		node->place = PID;
		node->pid = pid;
		path = skip(path);
	}
	if (node->place == PID && !process_find(node->pid))
		return ENOENT;
	node->entry = NULL;
	return *path ? entry_find(node, path) : 0;
}

static void status_fill(const struct node *node, struct FileStatus *status)
{
	uint32_t mode = !node->entry ? 040555 : node->entry->type == DT_LNK ? 0120777 : 0100444;
	uint64_t now = clock_wall();

	memset(status, 0, sizeof *status);
	status->inode = (uint64_t)(node->place == PID ? node->pid : 0) * 64 + (node->entry ? node->entry - entries + 2 : 1);
	status->mode = mode;
	status->links = node->entry ? 1 : 2;
	status->device = 20;
	status->block_size = 1024;
	status->atime = status->mtime = status->ctime = now;
}

/* ---- FileDescription */

static const struct served_class file_class;

static void file_release(void *self)
{
	struct file *f = self;

	served_done(&f->served);
	free(f->data);
	free(f);
}

static int file_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data,
	size_t *size)
{
	struct file *f = self;
	int shared = offset == ~0ull;

	(void)r, (void)flags;
	if (!f->data)
		return EISDIR;
	if (shared)
		offset = f->offset;
	if (offset > f->size)
		offset = f->size;
	if (count > f->size - offset)
		count = f->size - offset;
	if (shared)
		f->offset = offset + count;
	*data = f->data + offset;
	*size = count;
	return 0;
}

static int file_share(void *self, struct request *r, uint64_t offset)
{
	(void)r;
	((struct file *)self)->offset = offset;
	return 0;
}

static int file_seek(void *self, struct request *r, int64_t offset, int32_t whence, uint64_t *position)
{
	struct file *f = self;

	(void)r;
	if (whence == SEEK_CUR)
		offset += f->offset;
	else if (whence != SEEK_SET)
		return EINVAL;
	if (offset < 0)
		return EINVAL;
	*position = f->offset = offset;
	return 0;
}

static int file_stat(void *self, struct request *r, struct FileStatus *status)
{
	(void)r;
	status_fill(&((struct file *)self)->node, status);
	return 0;
}

struct listing { uint8_t *data; uint32_t size, room; uint64_t cookie; };

/* 0 when it does not fit. */
static int list(struct listing *l, const char *name, uint8_t type, uint64_t inode, uint64_t next)
{
	uint32_t length = (sizeof(struct linux_dirent64) + strlen(name) + 1 + 7) & ~7u;
	struct linux_dirent64 *entry = (struct linux_dirent64 *)(l->data + l->size);

	if (l->size + length > l->room)
		return 0;
	entry->d_ino = inode;
	entry->d_off = next;
	entry->d_reclen = length;
	entry->d_type = type;
	strcpy(entry->d_name, name);
	l->size += length;
	l->cookie = next;
	return 1;
}

/* Cookies: 0 ".", 1 "..", 2 + i an entry, 2 + ENTRIES + pid a process. */
static void list_processes(struct listing *l)
{
	char name[12];

	for (int pid = l->cookie - 2 - ENTRIES; pid < PID_MAX; pid++) {
		struct process *p;
		int least = PID_MAX;

		for (p = process_next(NULL); p; p = process_next(p))
			if (p->pid >= pid && p->pid < least)
				least = p->pid;
		pid = least;
		if (pid == PID_MAX)
			break;
		snprintf(name, sizeof name, "%d", pid);
		if (!list(l, name, DT_DIR, (uint64_t)pid * 64 + 1, 2 + ENTRIES + pid + 1))
			return;
	}
}

static void list_all(struct listing *l, const struct node *node)
{
	if (l->cookie == 0 && !list(l, ".", DT_DIR, 1, 1))
		return;
	if (l->cookie == 1 && !list(l, "..", DT_DIR, 1, 2))
		return;
	while (l->cookie < 2 + ENTRIES) {
		const struct entry *entry = &entries[l->cookie - 2];

		if (entry->in != node->place || strchr(entry->name, '/'))
			l->cookie++;
		else if (!list(l, entry->name, entry->type, l->cookie, l->cookie + 1))
			return;
	}
	if (node->place == ROOT)
		list_processes(l);
}

static int file_getdents(void *self, struct request *r, uint64_t cookie, uint32_t count, uint64_t *next,
	const void **data, size_t *size)
{
	struct file *f = self;
	struct listing l = { request_scratch(r), 0, count < PROTO_BULK_MAX ? count : PROTO_BULK_MAX, cookie };

	if (f->data)
		return ENOTDIR;
	if (!l.data)
		return ENOMEM;
	manager_enter();
	if (cookie <= 2 + ENTRIES + PID_MAX)
		list_all(&l, &f->node);
	manager_leave();
	*next = l.cookie;
	*data = l.data;
	*size = l.size;
	return 0;
}

static int file_watch(void *self, struct request *r, uint32_t events, fluke_ref_t *port, uint32_t *ready)
{
	(void)self, (void)r, (void)port;
	*ready = events & (POLLIN | POLLRDNORM);
	return 0;
}

static int file_path(void *self, struct request *r, const char **path)
{
	(void)r;
	*path = ((struct file *)self)->path;
	return 0;
}

static int file_set_flags(void *self, struct request *r, uint32_t flags)
{
	(void)r;
	((struct file *)self)->flags = flags;
	return 0;
}

static int file_get_flags(void *self, struct request *r, uint32_t *flags)
{
	(void)r;
	*flags = ((struct file *)self)->flags;
	return 0;
}

static const struct FileDescription_methods file_methods = {
	.read = file_read, .share = file_share, .seek = file_seek, .stat = file_stat, .getdents = file_getdents,
	.watch = file_watch, .path = file_path, .set_flags = file_set_flags, .get_flags = file_get_flags,
};

/* ---- FileSystem, on the root and on opened directories */

static void path_of(const struct node *node, char *path, size_t size)
{
	char directory[20] = "";

	if (node->place == PID)
		snprintf(directory, sizeof directory, "/%d", node->pid);
	snprintf(path, size, "/proc%s%s%s", directory, node->entry ? "/" : "", node->entry ? node->entry->name : "");
}

static int node_open(struct node *node, int self, const char *path, uint32_t flags, void **object, struct FileStatus *status)
{
	int error = resolve(node, self, path, !(flags & O_NOFOLLOW));
	struct file *f;

	if (!error && (flags & O_ACCMODE) != O_RDONLY)
		error = node->entry ? EACCES : EISDIR;
	if (!error && node->entry && node->entry->type == DT_LNK)
		error = ELOOP;			/* exe: the image follows it */
	if (!error && node->entry && (flags & O_DIRECTORY))
		error = ENOTDIR;
	if (error)
		return error;
	f = calloc(1, sizeof *f);
	if (f && node->entry)
		f->data = proc_text(node->entry->file, process_find(node->place == PID ? node->pid : self), self, &f->size);
	error = f && (f->data || !node->entry) ? served_init(&f->served, &file_class, server) : ENOMEM;
	if (error) {
		if (f)
			free(f->data);
		free(f);
		return error;
	}
	f->node = *node;
	f->opener = self;
	path_of(node, f->path, sizeof f->path);
	status_fill(node, status);
	*object = f->served.port;
	return 0;
}

static int node_stat(struct node *node, int self, const char *path, uint32_t flags, struct FileStatus *status)
{
	int error = resolve(node, self, path, !(flags & AT_SYMLINK_NOFOLLOW));

	if (!error)
		status_fill(node, status);
	return error;
}

static int node_readlink(struct node *node, int self, const char *path, const char **target)
{
	static char text[12];
	int error = resolve(node, self, path, 0);

	if (error)
		return error;
	if (!node->entry || node->entry->type != DT_LNK)
		return EINVAL;
	if (node->entry->file) {
		*target = process_find(node->pid)->executable;
		return 0;
	}
	snprintf(text, sizeof text, "%d", self);
	*target = text;
	return 0;
}

static int any_statfs(void *self, struct request *r, uint32_t *block_size, uint32_t *blocks, uint32_t *free_blocks,
	uint32_t *inodes, uint32_t *free_inodes, uint32_t *type)
{
	(void)self, (void)r;
	*block_size = FLUKE_PAGE_SIZE;
	*blocks = *free_blocks = *inodes = *free_inodes = 0;
	*type = SUPER_MAGIC;
	return 0;
}

static int root_open(void *self, struct request *r, const char *path, uint32_t flags, uint32_t mode, void **object,
	struct FileStatus *status)
{
	struct node node = { NULL, ROOT, 0 };

	(void)r, (void)mode;
	return node_open(&node, request_process(self)->pid, path, flags, object, status);
}

static int root_stat(void *self, struct request *r, const char *path, uint32_t flags, struct FileStatus *status)
{
	struct node node = { NULL, ROOT, 0 };

	(void)r;
	return node_stat(&node, request_process(self)->pid, path, flags, status);
}

static int root_readlink(void *self, struct request *r, const char *path, const char **target)
{
	struct node node = { NULL, ROOT, 0 };

	(void)r;
	return node_readlink(&node, request_process(self)->pid, path, target);
}

static int root_path(void *self, struct request *r, const char **path)
{
	(void)self, (void)r;
	*path = "/proc";
	return 0;
}

const struct FileSystem_methods proc_methods = {
	.open = root_open, .stat = root_stat, .readlink = root_readlink, .statfs = any_statfs, .path = root_path,
};

static int directory_open(void *self, struct request *r, const char *path, uint32_t flags, uint32_t mode, void **object,
	struct FileStatus *status)
{
	struct file *f = self;
	struct node node = f->node;
	int error;

	(void)r, (void)mode;
	manager_enter();
	error = f->data ? ENOTDIR : node_open(&node, f->opener, path, flags, object, status);
	manager_leave();
	return error;
}

static int directory_stat(void *self, struct request *r, const char *path, uint32_t flags, struct FileStatus *status)
{
	struct file *f = self;
	struct node node = f->node;
	int error;

	(void)r;
	manager_enter();
	error = f->data ? ENOTDIR : node_stat(&node, f->opener, path, flags, status);
	manager_leave();
	return error;
}

static int directory_readlink(void *self, struct request *r, const char *path, const char **target)
{
	struct file *f = self;
	struct node node = f->node;
	int error;

	(void)r;
	manager_enter();
	error = f->data ? ENOTDIR : node_readlink(&node, f->opener, path, target);
	manager_leave();
	return error;
}

static const struct FileSystem_methods directory_methods = {
	.open = directory_open, .stat = directory_stat, .readlink = directory_readlink, .statfs = any_statfs,
	.path = file_path,
};

static const struct interface file_interfaces[] = {
	{ FileDescription_INTERFACE, FileDescription_dispatch, &file_methods },
	{ FileSystem_INTERFACE, FileSystem_dispatch, &directory_methods },
	{ 0, NULL, NULL }
};

static const struct served_class file_class = {
	.name = "proc file", .interfaces = file_interfaces, .release = file_release, .holding = HOLDS_BUFFERS,
};
