/* The personality image on a Linux host: a stand-in for kernel, file server and process manager, so that
 * the image's logic is tested with real programs before (and without) the real system.
 *
 * One thread.  A process is a host process; the data segment is host memory at the same addresses;
 * int $0x80 of the program is caught by seccomp and reflected into the image, as the kernel does it.
 *   image_host IMAGE ROOT COMMAND [ARGUMENT...] */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/ldt.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <time.h>
#include <fluke/fluke.h>
#include <fluke/callnumbers.h>
#include <startup.h>
#include <process.h>
#include <protocols/Clock.h>
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/Parent.h>
#include <protocols/Process.h>
#include <protocols/Segment.h>
#include <protocols/Tty.h>

#define UNKNOWN		(-1)
struct kregs { uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp, eip, eflags; };
struct kregs K, saved;
volatile uint32_t in_kernel;
uint32_t user_gs, host_gs;
static uint32_t handlers_on, thread_va;
static volatile sig_atomic_t interrupted;
static volatile uint64_t pending;
static struct process_facts *facts;
static int root_fd, verbose;
static sigjmp_buf fault_jump;
static uint64_t timer_deadline = ~0ull;
static struct termios_x { int x; } unused_termios __attribute__((unused));

void hx_kernel(void);
void hx_entry(void);
void hx_run(void) __attribute__((noreturn));
void hx_signal(int);
void hx_signal_c(int number, siginfo_t *info, void *context);

static void die(const char *format, ...)
{
	va_list a;

	va_start(a, format);
	fprintf(stderr, "host[%d]: ", getpid());
	vfprintf(stderr, format, a);
	fprintf(stderr, "\n");
	va_end(a);
	_exit(99);
}

/* ---- references ---- */

enum { NONE, DIR_, FILE_, PROCESS, CLOCK, TIMER, SEGMENT, DATA, REGION, SPACE, PORT };
struct object { int kind, fd, uses; };
static struct object objects[4096] = { { NONE, -1, 1 } };
struct slot { uint32_t address; int object; };
static struct slot slots[4096];
static int slot_count;

static int object_new(int kind, int fd)
{
	int n;

	for (n = 1; n < 4096; n++)
		if (!objects[n].uses) {
			objects[n] = (struct object){ kind, fd, 1 };
			return n;
		}
	die("no objects");
	return 0;
}

static void drop(int n)
{
	if (n && --objects[n].uses == 0 && objects[n].fd > 2)
		close(objects[n].fd);
}

static struct slot *slot(uint32_t address)
{
	int n;

	for (n = 0; n < slot_count; n++)
		if (slots[n].address == address)
			return &slots[n];
	die("no reference at %#x (call %u)", address, K.eax & 0xff);
	return NULL;
}

static void ref_create(uint32_t address)
{
	int n;

	for (n = 0; n < slot_count; n++)
		if (slots[n].address == address)
			die("reference %#x exists", address);
	slots[slot_count++] = (struct slot){ address, 0 };
}

static void point(uint32_t address, int object)
{
	struct slot *s = slot(address);

	if (object)
		objects[object].uses++;
	drop(s->object);
	s->object = object;
}

/* ---- mappings ---- */

struct map { uint32_t address; int made, mapped, object; fluke_mapping_state_t s; };
static struct map maps[IMAGE_MAPPINGS_MAX];

static struct map *map_at(uint32_t address)
{
	if (address < IMAGE_MAPPINGS || (address - IMAGE_MAPPINGS) / 128 >= IMAGE_MAPPINGS_MAX)
		die("mapping %#x", address);
	return &maps[(address - IMAGE_MAPPINGS) / 128];
}

static int host_prot(uint32_t p)
{
	return (p & 1 ? PROT_READ : 0) | (p & 2 ? PROT_WRITE : 0) | (p & 4 ? PROT_EXEC : 0);
}

static void unmap(struct map *m)
{
	void *at = (void *)m->s.start_va;

	if (!m->mapped)
		return;
	m->mapped = 0;
	if (objects[m->object].kind == DATA)
		mprotect(at, m->s.size, PROT_NONE);
	else
		mmap(at, m->s.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static void map(struct map *m)
{
	void *at = (void *)m->s.start_va;
	int prot = host_prot(m->s.prot), n;

	for (n = 0; n < IMAGE_MAPPINGS_MAX; n++)
		if (maps[n].mapped && maps[n].s.start_va < m->s.start_va + m->s.size && m->s.start_va < maps[n].s.start_va + maps[n].s.size)
			die("mappings overlap: %#x+%#x %#x+%#x", maps[n].s.start_va, maps[n].s.size, m->s.start_va, m->s.size);
	m->mapped = 1;
	if (objects[m->object].kind == DATA) {
		if (m->s.region_off != m->s.start_va)
			die("data mapping with offset %#x at %#x", m->s.region_off, m->s.start_va);
		if (mprotect(at, m->s.size, prot) < 0)
			die("mprotect %p %#x: %s", at, m->s.size, strerror(errno));
	} else if (mmap(at, m->s.size, prot, (prot & PROT_WRITE ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, objects[m->object].fd,
			m->s.region_off) == MAP_FAILED) {
		die("mmap of file at %p %#x off %#x: %s", at, m->s.size, m->s.region_off, strerror(errno));
	}
}

static void mapping_call(uint32_t call)
{
	struct map *m = map_at(K.ebx);

	switch (call) {
	case FLUKE_CALL_mapping_create:
		if (m->made)
			die("mapping exists");
		*m = (struct map){ .made = 1 };
		K.eax = 0;
		return;
	case FLUKE_CALL_mapping_destroy:
		unmap(m);
		drop(m->object);
		m->made = 0;
		m->object = 0;
		return;
	case FLUKE_CALL_mapping_get_state:
		if (K.ecx)
			memcpy((void *)K.ecx, &m->s, sizeof(m->s));
		if (K.edx)
			point(K.edx, m->object);
		return;
	case FLUKE_CALL_mapping_protect:
		m->s.prot = K.ecx;
		if (mprotect((void *)m->s.start_va, m->s.size, host_prot(K.ecx)) < 0)
			die("mprotect: %s", strerror(errno));
		return;
	}
	if (!m->made)
		die("no mapping");
	unmap(m);
	if (K.edx) {
		int o = slot(K.edx)->object;

		objects[o].uses++;
		drop(m->object);
		m->object = o;
	}
	memcpy(&m->s, (void *)K.ecx, sizeof(m->s));
	map(m);
}

/* ---- messages ---- */

static uint32_t in[4096], in_words, *w;		/* request */
static const char *bulk_in;
static uint32_t bulk_in_size;
static uint32_t out[4096], out_words;		/* reply */
static char *bulk_out;
static uint32_t bulk_room, bulk_size;
static int refs_out[4], ref_out_count, bulk_used, ref_in[4];
static fluke_ipc_params_t params;
static int restart_call;			/* the call waits on and was interrupted */

static uint32_t word(void) { return *w++; }
static uint64_t word2(void) { uint64_t v = w[0] | (uint64_t)w[1] << 32; w += 2; return v; }
static void put(uint32_t v) { out[out_words++] = v; }
static void put2(uint64_t v) { put((uint32_t)v); put((uint32_t)(v >> 32)); }

static char *text(char *to)
{
	uint32_t n = *w++;

	memcpy(to, w, n);
	to[n] = 0;
	w += n / 4 + 1;
	return to;
}

static void put_text(const char *s)
{
	uint32_t n = (uint32_t)strlen(s);

	put(n);
	out[out_words + n / 4] = 0;
	memcpy(&out[out_words], s, n);
	out_words += n / 4 + 1;
}

static uint64_t ns_of(struct timespec t) { return (uint64_t)t.tv_sec * 1000000000u + (uint32_t)t.tv_nsec; }

static void put_status(const struct stat *s)
{
	put2(s->st_ino); put2((uint64_t)s->st_size); put2((uint64_t)s->st_blocks);
	put(s->st_mode); put(s->st_nlink); put(s->st_uid); put(s->st_gid); put((uint32_t)s->st_rdev); put((uint32_t)s->st_dev); put(4096);
	put2(ns_of(s->st_atim)); put2(ns_of(s->st_mtim)); put2(ns_of(s->st_ctim));
}

static int open_in_root(int dir, const char *path, uint32_t flags, uint32_t mode)
{
	struct open_how how = { .flags = flags & ~(uint32_t)0100000, .mode = flags & O_CREAT ? mode & 07777 : 0, .resolve = RESOLVE_IN_ROOT };
	char whole[8192];
	ssize_t n = 0;
	char link[64], base[4096], root[4096];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, base, sizeof(base) - 1);
	base[n > 0 ? n : 0] = 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
	n = readlink(link, root, sizeof(root) - 1);
	root[n > 0 ? n : 0] = 0;
	snprintf(whole, sizeof(whole), "%s/%s", strlen(root) > 1 && !strncmp(base, root, strlen(root)) ? base + strlen(root) : "", path);
	if (flags & O_DIRECTORY)
		how.flags &= ~(uint64_t)(O_CREAT | O_TRUNC);
	if (!strcmp(whole, "/dev/null") || !strcmp(whole, "/dev/tty") || !strcmp(whole, "/dev/zero"))
		fd = open(whole, (int)how.flags & ~O_CREAT);
	else
		fd = (int)syscall(SYS_openat2, root_fd, whole[1] ? whole + 1 : ".", &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* Parent directory and last name of a path, for calls that have no *in root* form. */
static int parent_of(int dir, const char *path, char *name)
{
	char copy[4096], *slash;

	strcpy(copy, path);
	while (strlen(copy) > 1 && copy[strlen(copy) - 1] == '/')
		copy[strlen(copy) - 1] = 0;
	slash = strrchr(copy, '/');
	strcpy(name, slash ? slash + 1 : copy);
	if (slash)
		*slash = 0;
	return open_in_root(dir, slash ? copy : ".", O_PATH | O_DIRECTORY, 0);
}

static void times_of(struct timespec t[2], uint64_t a, uint64_t m)
{
	uint64_t v[2] = { a, m };
	int n;

	for (n = 0; n < 2; n++)
		t[n] = v[n] == ~0ull ? (struct timespec){ 0, UTIME_NOW } : v[n] == ~0ull - 1 ? (struct timespec){ 0, UTIME_OMIT } :
			(struct timespec){ (time_t)(v[n] / 1000000000u), (long)(v[n] % 1000000000u) };
}

static void path_of(int fd, char *to)
{
	char link[64], base[4096], root[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, base, sizeof(base) - 1);
	base[n > 0 ? n : 0] = 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
	n = readlink(link, root, sizeof(root) - 1);
	root[n > 0 ? n : 0] = 0;
	if (strlen(root) > 1 && !strncmp(base, root, strlen(root)))
		snprintf(to, 4096, "%s", base[strlen(root)] ? base + strlen(root) : "/");
	else
		snprintf(to, 4096, "%s", base);
}

#define ERR(x) ((x) < 0 ? errno : 0)

static int file_system(int method, int dir)
{
	static char path[4096], path2[4096], name[4096], name2[4096];
	uint32_t a, b, c;
	struct stat st;
	int fd, fd2, error;

	switch (method) {
	case FileSystem_open_NUMBER:
		text(path);
		a = word();
		b = word();
		fd = open_in_root(dir, path, a, b);
		if (fd < 0)
			return -fd;
		fstat(fd, &st);
		refs_out[ref_out_count++] = object_new(S_ISDIR(st.st_mode) ? DIR_ : FILE_, fd);
		put_status(&st);
		return 0;
	case FileSystem_stat_NUMBER:
		text(path);
		a = word();
		fd = open_in_root(dir, path, O_PATH | (a & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
		if (fd < 0)
			return -fd;
		fstatat(fd, "", &st, AT_EMPTY_PATH);
		close(fd);
		put_status(&st);
		return 0;
	case FileSystem_path_NUMBER:
		path_of(dir, path);
		put_text(path);
		return 0;
	case FileSystem_statfs_NUMBER:
		for (a = 0; a < 6; a++)
			put(a == 0 ? 4096 : 1000);
		return 0;
	case FileSystem_symlink_NUMBER:
		text(path2);
		text(path);
		break;
	default:
		text(path);
	}
	fd = parent_of(dir, path, name);
	if (fd < 0)
		return -fd;
	error = ENOSYS;
	switch (method) {
	case FileSystem_mkdir_NUMBER:
		error = ERR(mkdirat(fd, name, word()));
		break;
	case FileSystem_mknod_NUMBER:
		a = word();
		error = ERR(mknodat(fd, name, a, word()));
		break;
	case FileSystem_unlink_NUMBER:
		error = ERR(unlinkat(fd, name, (int)word()));
		break;
	case FileSystem_rename_NUMBER:
	case FileSystem_link_NUMBER:
		text(path2);
		a = word();
		fd2 = parent_of(ref_in[0] ? objects[ref_in[0]].fd : dir, path2, name2);
		if (fd2 < 0)
			error = -fd2;
		else if (method == FileSystem_link_NUMBER)
			error = ERR(linkat(fd, name, fd2, name2, 0));
		else
			error = ERR(syscall(SYS_renameat2, fd, name, fd2, name2, a));
		if (fd2 >= 0)
			close(fd2);
		break;
	case FileSystem_symlink_NUMBER:
		error = ERR(symlinkat(path2, fd, name));
		break;
	case FileSystem_readlink_NUMBER: {
		ssize_t n = readlinkat(fd, *name ? name : ".", path2, sizeof(path2) - 1);

		error = ERR(n);
		if (n >= 0) {
			path2[n] = 0;
			put_text(path2);
		}
		break;
	}
	case FileSystem_chmod_NUMBER:
		error = ERR(fchmodat(fd, name, word(), 0));
		break;
	case FileSystem_chown_NUMBER:
		a = word(); b = word(); c = word();
		error = ERR(fchownat(fd, name, a, b, (int)c));
		break;
	case FileSystem_utimens_NUMBER: {
		struct timespec t[2];
		uint64_t x = word2(), y = word2();

		times_of(t, x, y);
		error = ERR(utimensat(fd, name, t, (int)word()));
		break;
	}
	}
	close(fd);
	return error;
}

static int file_description(int method, int fd)
{
	static char path[4096];
	uint64_t offset;
	uint32_t a, b;
	struct stat st;
	ssize_t n;

	switch (method) {
	case FileDescription_read_NUMBER:
		offset = word2();
		a = word();
		b = word();
		if (a > 0x10000)
			a = 0x10000;
		fstat(fd, &st);
		if (b & O_NONBLOCK) {
			struct pollfd p = { fd, POLLIN, 0 };

			if (poll(&p, 1, 0) == 0)
				return EAGAIN;
		}
		{
			/* bytes go through a buffer: the last 0-3 travel in the header */
			static char data[0x10000];

			n = S_ISREG(st.st_mode) && offset != ~0ull ? pread(fd, data, a, (off_t)offset) : read(fd, data, a);
			if (n < 0)
				return errno;
			if ((uint32_t)n / 4 * 4 > bulk_room)
				die("read: room %u for %zd", bulk_room, n);
			memcpy(bulk_out, data, (size_t)n / 4 * 4);
			bulk_size = (uint32_t)n;
			bulk_used = 1;
			put((uint32_t)n);
			a = 0;
			memcpy(&a, data + n / 4 * 4, (size_t)n & 3);
			put(a);
		}
		return 0;
	case FileDescription_write_NUMBER: {
		static char data[0x10000];

		offset = word2();
		a = word();
		b = word();		/* size, tail */
		memcpy(data, bulk_in, b / 4 * 4);
		memcpy(data + b / 4 * 4, w, b & 3);
		fstat(fd, &st);
		if (S_ISREG(st.st_mode) && offset != ~0ull && !(a & O_APPEND))
			n = pwrite(fd, data, b, (off_t)offset);
		else
			n = write(fd, data, b);
		if (n < 0)
			return errno;
		put((uint32_t)n);
		if (a & O_APPEND)
			fstat(fd, &st), put2((uint64_t)st.st_size);
		else
			put2(offset + (uint64_t)n);
		return 0;
	}
	case FileDescription_share_NUMBER:
		lseek(fd, (off_t)word2(), SEEK_SET);
		return 0;
	case FileDescription_seek_NUMBER:
		offset = word2();
		n = lseek(fd, (off_t)offset, (int)word());
		if (n < 0)
			return errno;
		put2((uint64_t)n);
		return 0;
	case FileDescription_stat_NUMBER:
		fstat(fd, &st);
		put_status(&st);
		return 0;
	case FileDescription_truncate_NUMBER:
		return ERR(ftruncate(fd, (off_t)word2()));
	case FileDescription_getdents_NUMBER: {
		static char data[0x10000];
		uint32_t tail = 0;

		offset = word2();
		a = word();
		lseek(fd, (off_t)offset, SEEK_SET);
		n = syscall(SYS_getdents64, fd, data, a);
		if (n < 0)
			return errno;
		if (n) {	/* the next cookie: of the last record */
			size_t at = 0, last = 0;

			while (at < (size_t)n) {
				last = at;
				at += *(uint16_t *)(data + at + 16);
			}
			memcpy(&offset, data + last + 8, 8);
		}
		memcpy(bulk_out, data, (size_t)n / 4 * 4);
		bulk_size = (uint32_t)n;
		bulk_used = 1;
		memcpy(&tail, data + n / 4 * 4, (size_t)n & 3);
		put2(offset);
		put((uint32_t)n);
		put(tail);
		return 0;
	}
	case FileDescription_map_NUMBER:
		refs_out[ref_out_count++] = object_new(REGION, dup(fd));
		return 0;
	case FileDescription_chmod_NUMBER:
		return ERR(fchmod(fd, word()));
	case FileDescription_chown_NUMBER:
		a = word();
		return ERR(fchown(fd, a, word()));
	case FileDescription_utimens_NUMBER: {
		struct timespec t[2];
		uint64_t x = word2(), y = word2();

		times_of(t, x, y);
		return ERR(futimens(fd, t));
	}
	case FileDescription_sync_NUMBER:
		return 0;
	case FileDescription_watch_NUMBER: {
		struct pollfd p = { fd, (short)word(), 0 };

		poll(&p, 1, 0);
		put((uint16_t)p.revents);
		return 0;
	}
	case FileDescription_lock_NUMBER:
		return 0;
	case FileDescription_path_NUMBER:
		path_of(fd, path);
		put_text(path);
		return 0;
	case FileDescription_set_flags_NUMBER:
		return 0;
	case FileDescription_get_flags_NUMBER:
		put((uint32_t)fcntl(fd, F_GETFL));
		return 0;
	}
	return ENOSYS;
}

static int tty(int method, int fd)
{
	uint32_t t[9];
	uint16_t ws[4];
	int n;

	switch (method) {
	case Tty_get_attributes_NUMBER:
		memset(t, 0, sizeof(t));
		if (syscall(SYS_ioctl, fd, 0x5401, t) < 0)
			return ENOTTY;
		for (n = 0; n < 4; n++)
			put(t[n]);
		for (n = 0; n < 5; n++) {
			uint32_t cc = 0;

			memcpy(&cc, (char *)t + 17 + 4 * n, n == 4 ? 3 : 4);
			put(cc);
		}
		put(*((uint8_t *)t + 16));
		return 0;
	case Tty_set_attributes_NUMBER:
		return 0;
	case Tty_get_window_NUMBER:
		if (ioctl(fd, TIOCGWINSZ, ws) < 0)
			return ENOTTY;
		for (n = 0; n < 4; n++)
			put(ws[n]);
		return 0;
	}
	return ENOSYS;
}

/* ---- processes ---- */

static void set_facts(void)
{
	facts->magic = FACTS_MAGIC;
	facts->pid = getpid();
	facts->ppid = getppid();
	facts->group = getpgrp();
	facts->session = getsid(0);
	facts->flags = FACTS_FOREGROUND;
	facts->pending = 0;
	facts->uid = getuid();
	facts->euid = geteuid();
	facts->gid = getgid();
	facts->egid = getegid();
	facts->memory_total = 128 << 20;
}

static void reserve(void)
{
	uint32_t at[] = { 0x00010000, 0x20000000, 0x28000000, START_FACTS };	/* all but this program */
	int n;

	for (n = 0; n < 4; n += 2)
		if (mmap((void *)at[n], at[n + 1] - at[n], PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
			die("reserve %#x: %s", at[n], strerror(errno));
}

static const char *image_path;

static void new_process(const void *startup, size_t size)
{
	int fd = open(image_path, O_RDONLY);
	struct stat st;

	reserve();
	fstat(fd, &st);
	if (mmap((void *)START_IMAGE, ((size_t)st.st_size + 4095) & ~4095u, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		die("image: %s", strerror(errno));
	close(fd);
	mprotect((void *)IMAGE_DATA, START_FACTS - IMAGE_DATA, PROT_READ | PROT_WRITE);
	memset(maps, 0, sizeof(maps));
	memcpy((void *)IMAGE_STARTUP, startup, size);
	set_facts();
	handlers_on = 0;
	thread_va = START_THREAD;
	K = (struct kregs){ .eip = IMAGE_ENTRY_START, .esp = IMAGE_STACK_TOP(0) };
	user_gs = 0;
	timer_deadline = ~0ull;
}

static void exec(void)
{
	const struct startup *s = (const void *)bulk_in;
	uint32_t size = bulk_in_size, n, m;
	char *copy = malloc(size);
	const uint32_t *list;
	struct slot keep[4096];
	int kept = 0, k;

	memcpy(copy, s, size / 4 * 4);
	memcpy(copy + size / 4 * 4, w, size & 3);
	s = (struct startup *)copy;
	list = (const uint32_t *)(copy + s->ref_offset);
	for (k = 0; k < slot_count; k++) {
		int wanted = slots[k].address < START_OWN_OBJECTS + 0x40;

		for (n = 0; n < s->ref_count && !wanted; n++)
			wanted = list[n] == slots[k].address;
		if (wanted)
			keep[kept++] = slots[k];
		else
			drop(slots[k].object);
	}
	for (n = 0; n < s->ref_count; n++) {
		for (m = 0; m < (uint32_t)kept; m++)
			if (keep[m].address == list[n])
				break;
		if (m == (uint32_t)kept)
			die("exec: no ref at %#x", list[n]);
	}
	for (n = 0; n < IMAGE_MAPPINGS_MAX; n++)
		if (maps[n].made)
			drop(maps[n].object);
	memcpy(slots, keep, sizeof(slots[0]) * (size_t)kept);
	slot_count = kept;
	new_process(copy, size);
	free(copy);
	hx_run();
}

static void host_signal(int number)
{
	struct sigaction a = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct process_control *c = (void *)IMAGE_CONTROL;
	uint64_t bit = 1ull << (number - 1);

	(void)c;
	(void)bit;
	sigemptyset(&a.sa_mask);
	a.sa_sigaction = (void (*)(int, siginfo_t *, void *))(void *)hx_signal;
	sigaction(number, &a, NULL);
}

static int process(int method)
{
	int32_t id, status = 0, got;
	uint32_t options, n;
	struct rusage ru;
	int fds[2];
	uint64_t x, y;

	switch (method) {
	case Process_fork_NUMBER: {
		word(); word();
		uint32_t entry = word(), stack = word();

		got = fork();
		if (got < 0)
			return errno;
		if (got == 0) {
			set_facts();
			handlers_on = 0;
			pending = 0;
			interrupted = 0;
			timer_deadline = ~0ull;
			K.eip = entry;
			K.esp = stack;
			K.eax = 0;
			hx_run();
		}
		put((uint32_t)got);
		return 0;
	}
	case Process_exec_NUMBER:
		word();
		{
			static char name[4096];

			text(name);
		}
		bulk_in_size = word();
		exec();
		return EIO;
	case Process_exit_NUMBER:
		status = (int32_t)word();
		fflush(stderr);
		if (status & 0x7f) {
			signal(status & 0x7f, SIG_DFL);
			kill(getpid(), status & 0x7f);
		}
		_exit(status >> 8 & 0xff);
	case Process_wait_NUMBER:
		id = (int32_t)word();
		options = word();
		memset(&ru, 0, sizeof(ru));
		got = wait4(id, &status, (int)(options & (WNOHANG | WUNTRACED | WCONTINUED)), &ru);
		if (got < 0)
			return errno;
		put((uint32_t)got);
		put((uint32_t)status);
		for (n = 0; n < 12; n++)
			put(0);
		return 0;
	case Process_kill_NUMBER:
		id = (int32_t)word();
		return ERR(kill(id, (int)word()));
	case Process_kill_thread_NUMBER:
		id = (int32_t)word();
		got = (int32_t)word();
		return ERR(kill(got, (int)word()));
	case Process_get_ids_NUMBER:
		id = (int32_t)word();
		if (getpgid(id) < 0)
			return ESRCH;
		put(0);
		put((uint32_t)getpgid(id));
		put((uint32_t)getsid(id));
		return 0;
	case Process_set_group_NUMBER:
		id = (int32_t)word();
		got = setpgid(id, (pid_t)word());
		facts->group = getpgrp();
		return ERR(got);
	case Process_set_session_NUMBER:
		got = setsid();
		if (got < 0)
			return errno;
		put((uint32_t)got);
		facts->session = facts->group = got;
		return 0;
	case Process_take_signal_NUMBER: {
		struct process_control *c = (void *)IMAGE_CONTROL;

		for (n = 1; n <= 64; n++)
			if ((pending & ~c->slot[0].blocked) >> (n - 1) & 1)
				break;
		if (n <= 64) {
			pending &= ~(1ull << (n - 1));
			facts->pending = pending;
			if (!((c->caught >> (n - 1)) & 1)) {
				if (!((c->ignored >> (n - 1)) & 1) && n != SIGCHLD && n != SIGWINCH && n != SIGCONT && n != SIGURG) {
					signal((int)n, SIG_DFL);
					sigset_t set;
					sigemptyset(&set);
					sigaddset(&set, (int)n);
					kill(getpid(), (int)n);
					sigprocmask(SIG_UNBLOCK, &set, NULL);
					host_signal((int)n);
				}
				n = 0;
			}
		} else {
			n = 0;
		}
		put(n);
		put(0);
		put(0);
		put(0);
		return 0;
	}
	case Process_usage_NUMBER:
		for (n = 0; n < 12; n++)
			put(0);
		return 0;
	case Process_set_limit_NUMBER:
		return 0;
	case Process_get_limit_NUMBER:
		word();
		n = word();
		put2(n == 3 ? 8 << 20 : n == 7 ? 1024 : ~0ull);
		put2(~0ull);
		return 0;
	case Process_set_name_NUMBER:
		return 0;
	case Process_missing_call_NUMBER:
		fprintf(stderr, "host: missing call %u\n", word());
		return 0;
	case Process_set_timer_NUMBER:
	case Process_get_timer_NUMBER: {
		struct itimerval it = { 0 }, old = { 0 };

		n = word();
		if (method == Process_set_timer_NUMBER) {
			x = word2();
			y = word2();
			it.it_value = (struct timeval){ (time_t)(x / 1000000000u), (suseconds_t)(x / 1000 % 1000000) };
			it.it_interval = (struct timeval){ (time_t)(y / 1000000000u), (suseconds_t)(y / 1000 % 1000000) };
			setitimer((int)n, &it, &old);
		}
		put2((uint64_t)old.it_value.tv_sec * 1000000000u);
		put2(0);
		return 0;
	}
	case Process_create_pipe_NUMBER:
		if (pipe2(fds, O_CLOEXEC) < 0)
			return errno;
		refs_out[ref_out_count++] = object_new(FILE_, fds[0]);
		refs_out[ref_out_count++] = object_new(FILE_, fds[1]);
		return 0;
	case Process_get_foreground_NUMBER:
		put((uint32_t)getpgrp());
		return 0;
	case Process_set_foreground_NUMBER:
		return 0;
	}
	return ENOSYS;
}

static uint64_t now(void)
{
	uint64_t tsc;

	__asm__ volatile("rdtsc" : "=A"(tsc));
	return (((tsc >> 32) * facts->clock.multiplier) << (32 - facts->clock.shift)) +
		((tsc & 0xffffffffu) * facts->clock.multiplier >> facts->clock.shift);
}

static int serve(struct object *o)
{
	int interface = (int)(in[0] >> 8), method = (int)(in[0] & 0xff);

	w = in + 1;
	if (verbose > 1)
		fprintf(stderr, "host[%d]: %d.%d on %d\n", getpid(), interface, method, o->kind);
	switch (interface) {
	case FileSystem_INTERFACE:
		return o->kind == PROCESS ? ENOENT : o->kind != DIR_ ? ENOTDIR : file_system(method, o->fd);
	case FileDescription_INTERFACE:
		return o->kind != FILE_ && o->kind != DIR_ ? EBADF : file_description(method, o->fd);
	case Tty_INTERFACE:
		return o->kind == FILE_ ? tty(method, o->fd) : ENOTTY;
	case Process_INTERFACE:
		return process(method);
	case Clock_INTERFACE:
		if (method != Clock_create_timer_NUMBER)
			return ENOSYS;
		refs_out[ref_out_count++] = object_new(TIMER, -1);
		return 0;
	case Timer_INTERFACE:
		timer_deadline = word2();
		put2(0);
		return 0;
	case Segment_INTERFACE:
		if (method == Segment_discard_NUMBER) {
			uint32_t a = word(), s = word();

			madvise((void *)a, s, MADV_DONTNEED);
			return 0;
		}
		return ENOSYS;
	case Parent_INTERFACE: {
		static char s[8192];

		if (method == Parent_lookup_NUMBER)
			return ENOENT;
		fprintf(stderr, "%s", text(s));
		return 0;
	}
	}
	die("message %d.%d", interface, method);
	return 0;
}

static void request(uint32_t object)
{
	uint32_t n, at = 0;
	int error;
	fluke_ref_t **table;

	memcpy(&params, (void *)K.ebx, sizeof(params));
	in_words = params.send_words;
	memcpy(in, params.send_data, in_words * 4);
	bulk_in = params.send_buffers ? params.send_buffer_table[0].data : NULL;
	for (n = 0; n < 4; n++)
		ref_in[n] = 0;
	for (n = 0; n < params.send_refs; n++)
		if ((uint32_t)params.send_ref_table[n] < IMAGE_SYNC_OBJECTS || (uint32_t)params.send_ref_table[n] >= IMAGE_MAPPINGS)
			ref_in[n] = slot((uint32_t)params.send_ref_table[n])->object;
	bulk_out = params.recv_buffers ? params.recv_buffer_table[0].data : NULL;
	bulk_room = params.recv_buffers ? params.recv_buffer_table[0].words * 4 : 0;
	out_words = 1;
	ref_out_count = 0;
	bulk_used = 0;
	bulk_size = 0;
	out[0] = 0;
	error = serve(&objects[object]);
	if (error == EINTR && interrupted) {
		restart_call = 103;
		return;
	}
	if (error) {
		out[0] = (uint32_t)error;
		out_words = 1;
		ref_out_count = 0;
	}
	if (out_words > params.recv_words)
		die("reply of %u words to %d.%d, room %u", out_words, in[0] >> 8, in[0] & 0xff, params.recv_words);
	memcpy(params.recv_data, out, out_words * 4);
	table = params.recv_ref_table;
	if (ref_out_count > params.recv_refs)
		die("refs");
	for (n = 0; n < (uint32_t)ref_out_count; n++) {
		point((uint32_t)table[n], refs_out[n]);
		drop(refs_out[n]);
	}
	at = bulk_used ? (bulk_room - bulk_size / 4 * 4) / 4 : params.recv_words - out_words;
	K.eax = FLUKE_IPC_RECV_DISCONNECTED | (params.recv_refs - (uint32_t)ref_out_count) << 24 |
		(params.recv_buffers - (bulk_used ? 1u : 0u)) << 16;
	K.ebx = at;
}

static void wait_receive(void)
{
	struct timespec t = { 0, 20000000 };	/* watched descriptors are looked at again every 20 ms */
	sigset_t set;

	if (timer_deadline != ~0ull) {
		uint64_t n = now(), left = timer_deadline > n ? timer_deadline - n : 0;

		if (left < 20000000)
			t.tv_nsec = (long)left;
		else if (left < 1000000000)
			t.tv_nsec = (long)left;
	}
	sigemptyset(&set);
	if (interrupted || ppoll(NULL, 0, &t, NULL) < 0) {
		if (interrupted) {
			restart_call = 95;
			return;
		}
	}
	K.eax = FLUKE_SUCCESS | FLUKE_IPC_ONEWAY << 8;
	K.ebx = 0;
}

static void set_tls(uint32_t base)
{
	struct user_desc d = { .entry_number = 13, .base_addr = base, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1 };

	if (syscall(SYS_set_thread_area, &d) < 0)
		die("set_thread_area: %s", strerror(errno));
}

static void dispatch(uint32_t entry, uint32_t code, uint32_t subcode, uint32_t access)
{
	saved = K;
	handlers_on = 0;
	K.eax = code;
	K.edx = subcode;
	K.ecx = access;
	K.eip = entry;
	K.esp = IMAGE_HANDLER_ESP(0);
}

static void call(uint32_t number)
{
	switch (number) {
	case FLUKE_CALL_thread_enable_exceptions:
		handlers_on = 1;
		break;
	case FLUKE_CALL_thread_self:
		K.eax = thread_va;
		break;
	case FLUKE_CALL_thread_get_saved_state: {
		struct fluke_thread_saved_state s = { saved.eax, saved.ecx, saved.edx, saved.esp, saved.eip, saved.eflags, .min_msg_words = 0 };

		memcpy((void *)K.ecx, &s, sizeof(s));
		break;
	}
	case FLUKE_CALL_thread_set_tls:
		set_tls(K.ebx);
		break;
	case FLUKE_CALL_mapping_create: case FLUKE_CALL_mapping_destroy: case FLUKE_CALL_mapping_get_state:
	case FLUKE_CALL_mapping_set_state: case FLUKE_CALL_mapping_protect:
		mapping_call(number);
		break;
	case FLUKE_CALL_ref_create:
		ref_create(K.ebx);
		K.eax = 0;
		break;
	case FLUKE_CALL_ref_copy:
		point(K.ecx, slot(K.ebx)->object);
		break;
	case FLUKE_CALL_ref_clear:
		point(K.ebx, 0);
		break;
	case FLUKE_CALL_ref_type:
		K.eax = slot(K.ebx)->object ? FLUKE_TYPE_PORT : 0;
		break;
	case FLUKE_CALL_port_reference: case FLUKE_CALL_portset_reference:
		slot(K.ecx);
		break;
	case FLUKE_CALL_mutex_create: case FLUKE_CALL_mutex_lock: case FLUKE_CALL_mutex_unlock: case FLUKE_CALL_port_create:
	case FLUKE_CALL_portset_create: case FLUKE_CALL_port_set_state: case FLUKE_CALL_port_destroy: case FLUKE_CALL_mutex_trylock:
	case FLUKE_CALL_ipc_client_disconnect:
		K.eax = 0;
		break;
	case FLUKE_CALL_ipc_client_connect_send_over_receive:
	case FLUKE_CALL_ipc_client_over_receive:
		request((uint32_t)slot(K.edi)->object);
		break;
	case FLUKE_CALL_ipc_setup_wait_receive:
		wait_receive();
		break;
	default:
		die("kernel call %u", number);
	}
}

void hx_kernel(void)
{
	struct kregs entry = K;
	uint32_t address;

	restart_call = 0;
	if ((address = (uint32_t)sigsetjmp(fault_jump, 1)) != 0) {
		K = entry;
		K.eip = FLUKE_ENTRY;
		dispatch(IMAGE_ENTRY_TRAP, FLUKE_EXC_PAGE_FAULT, address, FLUKE_PROT_WRITE);
		hx_run();
	}
	call(K.eax & 0xff);
	if (restart_call) {
		K = entry;
		K.eip = FLUKE_ENTRY;
		K.eax = (uint32_t)restart_call;
	} else {
		K.eip = *(uint32_t *)K.esp;
		K.esp += 4;
	}
	K.eflags = 0x202;
	if (interrupted && handlers_on) {
		interrupted = 0;
		dispatch(IMAGE_ENTRY_INTERRUPT, FLUKE_EXC_INTERRUPT, 0, 0);
	}
	hx_run();
}

/* ---- host signals ---- */

static void to_image(ucontext_t *u, uint32_t entry, uint32_t code, uint32_t subcode, uint32_t access)
{
	greg_t *g = u->uc_mcontext.gregs;

	saved = (struct kregs){ .eax = (uint32_t)g[REG_EAX], .ecx = (uint32_t)g[REG_ECX], .edx = (uint32_t)g[REG_EDX],
		.esp = (uint32_t)g[REG_ESP], .eip = (uint32_t)g[REG_EIP], .eflags = (uint32_t)g[REG_EFL] };
	handlers_on = 0;
	g[REG_EAX] = (greg_t)code;
	g[REG_EDX] = (greg_t)subcode;
	g[REG_ECX] = (greg_t)access;
	g[REG_EIP] = (greg_t)entry;
	g[REG_ESP] = (greg_t)IMAGE_HANDLER_ESP(0);
}

void hx_signal_c(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *g = u->uc_mcontext.gregs;
	uint32_t address = (uint32_t)info->si_addr;

	if (number == SIGSYS) {
		uint32_t *stack = (uint32_t *)((uint32_t)g[REG_ESP] - 4);

		*stack = (uint32_t)g[REG_EIP];
		g[REG_ESP] = (greg_t)stack;
		g[REG_EIP] = (greg_t)IMAGE_ENTRY_SYSCALL;
		g[REG_EAX] = info->si_syscall;
		return;
	}
	if (info->si_code > 0 && (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP)) {
		if (in_kernel) {
			if (address == 0)
				die("fault at 0 in the harness");
			siglongjmp(fault_jump, (int)address);
		}
		if (!handlers_on)
			die("fault %d at %#x, eip %#x esp %#x, exceptions off", number, address, g[REG_EIP], g[REG_ESP]);
		if (verbose)
			fprintf(stderr, "host[%d]: trap %d at %#x, eip %#x\n", getpid(), number, address, g[REG_EIP]);
		to_image(u, IMAGE_ENTRY_TRAP, number == SIGSEGV || number == SIGBUS ? 14 : number == SIGFPE ? 0 : number == SIGILL ? 6 : 3,
			address, g[REG_ERR] & 2 ? FLUKE_PROT_WRITE : FLUKE_PROT_READ);
		return;
	}
	pending |= 1ull << (number - 1);
	facts->pending = pending;
	if (in_kernel || !handlers_on || ((uint32_t)g[REG_EIP] >= 0x20000000 && (uint32_t)g[REG_EIP] < 0x28000000))
		interrupted = 1;
	else
		to_image(u, IMAGE_ENTRY_INTERRUPT, FLUKE_EXC_INTERRUPT, 0, 0);
}

static void install_filter(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),		/* instruction pointer, low half */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0xc0000000u, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x28000000u, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x20000000u, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		die("seccomp: %s", strerror(errno));
}

static uint32_t calibrate(void)
{
	struct timespec a, b;
	uint64_t t0, t1;

	clock_gettime(CLOCK_MONOTONIC, &a);
	__asm__ volatile("rdtsc" : "=A"(t0));
	usleep(20000);
	clock_gettime(CLOCK_MONOTONIC, &b);
	__asm__ volatile("rdtsc" : "=A"(t1));
	return (uint32_t)(((ns_of(b) - ns_of(a)) << 24) / (t1 - t0));
}

static void first(uint32_t address, int kind, int fd)
{
	ref_create(address);
	point(address, object_new(kind, fd));
}

int main(int argc, char **argv)
{
	static char record[0x10000];
	struct startup *s = (struct startup *)record;
	struct startup_fd *d;
	struct startup_file *f;
	struct timespec t;
	static uint8_t entry_code[6] = { 0xff, 0x25 };
	static void *entry_pointer = (void *)hx_entry;
	void *p;
	char *at;
	int n;
	stack_t alt = { .ss_size = 0x10000, .ss_sp = malloc(0x10000) };

	if (argc < 4)
		die("usage: image_host IMAGE ROOT COMMAND...");
	verbose = getenv("HOST_VERBOSE") ? atoi(getenv("HOST_VERBOSE")) : 0;
	image_path = argv[1];
	root_fd = fcntl(open(argv[2], O_PATH | O_DIRECTORY), F_DUPFD_CLOEXEC, 900);
	__asm__("movl %%gs, %0" : "=r"(host_gs));
	facts = mmap((void *)START_FACTS, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	p = mmap((void *)FLUKE_ENTRY, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED || (void *)facts == MAP_FAILED)
		die("fixed pages");
	memcpy(entry_code + 2, &(void *){ &entry_pointer }, 4);
	memcpy(p, entry_code, 6);
	facts->clock.shift = 24;
	facts->clock.multiplier = calibrate();
	clock_gettime(CLOCK_REALTIME, &t);
	facts->clock.wall_offset = 0;
	facts->clock.wall_offset = ns_of(t) - now();
	sigaltstack(&alt, NULL);
	for (n = 1; n < 32; n++)
		if (n != SIGKILL && n != SIGSTOP && n != SIGTSTP && n != SIGTTIN && n != SIGTTOU)
			host_signal(n);
	first(START_REF_PARENT, PROCESS, -1);
	first(START_REF_SPACE, SPACE, -1);
	first(START_REF_DATA, SEGMENT, -1);
	first(START_REF_DATA_REGION, DATA, -1);
	first(IMAGE_REF_CLOCK, CLOCK, -1);
	ref_create(IMAGE_REF_TTY);
	first(IMAGE_REF_ROOT, DIR_, root_fd);
	first(IMAGE_REF_CWD, DIR_, fcntl(root_fd, F_DUPFD_CLOEXEC, 901));
	s->magic = STARTUP_MAGIC;
	s->flags = STARTUP_RESOLVE;
	s->fd_offset = sizeof(*s);
	d = (struct startup_fd *)(record + s->fd_offset);
	s->file_offset = s->fd_offset + 3 * sizeof(*d);
	f = (struct startup_file *)(record + s->file_offset);
	for (n = 0; n < 3; n++) {
		first(IMAGE_FILES + (uint32_t)n * 32, FILE_, n);
		objects[slot(IMAGE_FILES + (uint32_t)n * 32)->object].uses++;
		d[n] = (struct startup_fd){ (uint16_t)n, (uint16_t)n, 0 };
		f[n] = (struct startup_file){ .file = (uint16_t)n, .shared = 1, .flags = O_RDWR };
	}
	s->fd_count = s->file_count = 3;
	at = (char *)(f + 3);
	s->arg_offset = (uint32_t)(at - record);
	s->arg_count = (uint32_t)argc - 3;
	for (n = 3; n < argc; n++)
		at = stpcpy(at, argv[n]) + 1;
	s->env_offset = (uint32_t)(at - record);
	s->env_count = 2;
	at = stpcpy(at, "PATH=/usr/bin:/bin:/usr/sbin:/sbin") + 1;
	at = stpcpy(at, "HOME=/root") + 1;
	s->mask = 022;
	s->size = (uint32_t)(at - record);
	install_filter();
	new_process(record, s->size);
	hx_run();
}
