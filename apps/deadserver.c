/* deadserver MODE COUNT program [word ...]: what becomes of the clients of a server that dies.  A nester with two children: the
 * server (this program again), whose file answers nothing that may wait, and the program, which finds the file as
 * its standard input and error.  Once COUNT requests wait in the server it is destroyed with all it has; then each of
 * them must fail, and the program goes on.  MODE: fifo or file (what stat says).
 * deadserver read: a native client, reads its standard input and says how that ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/child.h>
#include <protocols/Demo.h>
#include <protocols/Demo_server.h>
#include <protocols/FileDescription.h>
#include <protocols/FileDescription_server.h>

int main(int argc, char **argv);

/* ---- the server ---- */

struct file { struct served served; struct served pages; };	/* first */

static uint32_t mode;
static struct lock lock;
static fluke_cond_t *changed;
static int wanted, waiting;

static void one_more(void)
{
	lock_take(&lock);
	waiting++;
	fluke_cond_broadcast(changed);
	lock_drop(&lock);
}

static int wait_for_ever(struct request *r)
{
	if (!request_park(r))
		return ENOMEM;
	one_more();
	return REQUEST_PARKED;
}

static int file_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data, size_t *size)
{
	(void)self, (void)offset, (void)count, (void)flags, (void)data, (void)size;
	return wait_for_ever(r);
}

static int file_write(void *self, struct request *r, uint64_t offset, uint32_t flags, const void *data, size_t size, uint32_t *written,
	uint64_t *position)
{
	(void)self, (void)offset, (void)flags, (void)data, (void)size, (void)written, (void)position;
	return wait_for_ever(r);
}

static int file_lock(void *self, struct request *r, uint32_t type, uint64_t start, uint64_t length, uint32_t flags, fluke_ref_t *owner)
{
	(void)self, (void)type, (void)start, (void)length, (void)flags, (void)owner;
	return wait_for_ever(r);
}

/* Any reference will do. */
static int file_lock_owner(void *self, struct request *r, fluke_ref_t *badge, void **owner)
{
	(void)r, (void)badge;
	*owner = ((struct file *)self)->served.port;
	return 0;
}

static int file_stat(void *self, struct request *r, struct FileStatus *status)
{
	(void)self, (void)r;
	memset(status, 0, sizeof *status);
	status->mode = mode;
	status->size = 8192;
	status->links = 1;
	return 0;
}

static int file_share(void *self, struct request *r, uint64_t offset)
{
	(void)self, (void)r, (void)offset;
	return 0;
}

/* Never ready, and never says so later. */
static int file_watch(void *self, struct request *r, uint32_t events, fluke_ref_t *port, uint32_t *ready)
{
	(void)self, (void)r, (void)events;
	*ready = 0;
	if (ref_dup(port))
		one_more();
	return 0;
}

/* A region of pages that its keeper does not bring. */
static int file_map(void *self, struct request *r, uint32_t prot, void **region)
{
	struct file *f = self;
	fluke_ref_t *keeper = served_ref(&f->pages);

	(void)r, (void)prot;
	*region = region_new(own_space(), (uint32_t)address_reserve(8192), 8192, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, keeper);
	return *region ? 0 : ENOMEM;
}

static void pages_fault(void *self, struct request *r)
{
	fluke_cond_t *never = cond_new();
	struct lock held;

	(void)self, (void)r;
	one_more();
	lock_init(&held);
	lock_take(&held);
	for (;;)
		fluke_cond_wait(never, held.mutex);
}

static const struct FileDescription_methods methods = {
	.read = file_read, .write = file_write, .lock = file_lock, .stat = file_stat, .share = file_share, .watch = file_watch,
	.map = file_map, .lock_owner = file_lock_owner,
};
static const struct interface interfaces[] = { { FileDescription_INTERFACE, FileDescription_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class file_class = { .name = "file", .interfaces = interfaces };
static const struct served_class pages_class = { .name = "pages", .idempotent = pages_fault };

static int serve(const char *what, int count)
{
	static struct file file;
	fluke_ref_t *nester = service_lookup("demo"), *ref, *back = ref_new(), *again = ref_new();
	struct server *server = server_new(4, 8, 0);
	uint32_t answered, gone;

	mode = strcmp(what, "fifo") ? S_IFREG | 0644 : S_IFIFO | 0600;
	wanted = count;
	lock_init(&lock);
	changed = cond_new();
	if (!nester || !server || served_init(&file.served, &file_class, server) || served_init(&file.pages, &pages_class, server))
		return 1;
	ref = served_ref(&file.served);
	if (Demo_pass(nester, ref, back, again))
		return 1;
	lock_take(&lock);
	while (waiting < wanted)
		fluke_cond_wait(changed, lock.mutex);
	lock_drop(&lock);
	Demo_release(nester, &answered, &gone);		/* does not return: it kills us */
	return 1;
}

/* ---- the nester ---- */

struct nester { struct served served; };	/* first */

static struct lock nester_lock;
static fluke_cond_t *nester_changed;
static fluke_ref_t *given;
static int may_kill;

static int nester_pass(void *self, struct request *r, fluke_ref_t *object, void **first, void **second)
{
	(void)self, (void)r;
	lock_take(&nester_lock);
	given = ref_dup(object);
	fluke_cond_broadcast(nester_changed);
	lock_drop(&nester_lock);
	*first = *second = given;
	return 0;
}

static int nester_release(void *self, struct request *r, uint32_t *count, uint32_t *gone)
{
	(void)self, (void)count, (void)gone;
	lock_take(&nester_lock);
	may_kill = 1;
	fluke_cond_broadcast(nester_changed);
	lock_drop(&nester_lock);
	return request_park(r) ? REQUEST_PARKED : ENOMEM;
}

static const struct Demo_methods nester_methods = { .pass = nester_pass, .release = nester_release };
static const struct interface nester_interfaces[] = { { Demo_INTERFACE, Demo_dispatch, &nester_methods }, { 0, NULL, NULL } };
static const struct served_class nester_class = { .name = "nester", .interfaces = nester_interfaces };

static void wait_until(int *flag, fluke_ref_t **ref)
{
	lock_take(&nester_lock);
	while (!(flag ? *flag : *ref != NULL))
		fluke_cond_wait(nester_changed, nester_lock.mutex);
	lock_drop(&nester_lock);
}

static struct child *start_server(struct server *server, struct nester *nester, fluke_ref_t *pool, fluke_ref_t *fs, char **argv)
{
	char *words[] = { "deadserver", "serve", argv[1], argv[2], NULL };
	fluke_ref_t *ref = served_ref(&nester->served);
	struct child *c;
	int error;

	c = child_new("server", server, pool, &error);
	if (!c || child_provide(c, "demo", ref) || load_program(c, fs, "deadserver", words, NULL))
		return NULL;
	wait_until(NULL, &given);
	return c;
}

static int nest(char **argv)
{
	static struct nester nester;
	struct server *server = server_new(4, 8, 0);
	fluke_ref_t *pool = service_lookup("pool"), *fs = service_lookup("fs");
	struct child *dead, *program;
	int error, status;

	lock_init(&nester_lock);
	nester_changed = cond_new();
	if (!server || !pool || !fs || served_init(&nester.served, &nester_class, server))
		return 125;
	dead = start_server(server, &nester, pool, fs, argv);
	program = dead ? child_new(argv[3], server, pool, &error) : NULL;
	if (!program)
		return 125;
	child_provide_fd(program, 0, given);
	child_provide_fd(program, 2, given);
	ref_free(given);
	error = load_program(program, fs, argv[3], argv + 3, environ);
	if (error) {
		eprintf("deadserver: %s: %s\n", argv[3], error_text(error));
		return 125;
	}
	wait_until(&may_kill, NULL);
	child_destroy(dead);
	printf("the server is dead\n");
	status = child_wait(program);
	child_destroy(program);
	return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

static int client(void)
{
	char data[8];
	size_t size = sizeof data;
	int error = FileDescription_read(descriptor(0), ~0ull, sizeof data, 0, data, &size);

	printf("native %s\n", error >= PROTO_DEAD ? "transport error" : error_text(error));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "read"))
		return client();
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], atoi(argv[3]));
	if (argc > 3)
		return nest(argv);
	eprintf("usage: deadserver fifo|file COUNT program [word ...] | deadserver read\n");
	return 2;
}
