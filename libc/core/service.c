/* What the program gets from its parent: services by name, descriptors, scheduler, clock.
 * The functions marked weak have other versions in root, whose parent is the kernel. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <startup.h>
#include <linux_abi.h>
#include <protocols/Parent.h>
#include <protocols/FileDescription.h>
#include <protocols/Clock.h>
#include <protocols/Scheduler.h>

fluke_ref_t	*libc_parent = (fluke_ref_t *)START_REF_PARENT;

fluke_ref_t	*libc_clock;		/* root puts its own here */
static fluke_ref_t *descriptors[3], *scheduler_ref;
static struct clock_record scale;

fluke_ref_t *parent_ref(void)
{
	return libc_parent;
}

fluke_ref_t *service_lookup(const char *name)
{
	fluke_ref_t *ref = ref_new();

	if (ref && Parent_lookup(parent_ref(), name, ref) == 0)
		return ref;
	ref_free(ref);
	return NULL;
}

fluke_ref_t *descriptor(int n)
{
	fluke_ref_t *ref;

	if (n < 0 || n > 2)
		return NULL;
	if (descriptors[n])
		return descriptors[n];
	ref = ref_new();
	if (!ref || Parent_get_fd(parent_ref(), n, ref) != 0) {
		ref_free(ref);
		return NULL;
	}
	return descriptors[n] = ref;
}

__attribute__((weak)) void libc_output(int fd, const char *data, size_t size)
{
	fluke_ref_t *file = descriptor(fd);
	uint32_t written;
	char text[256];

	while (file && size) {
		if (FileDescription_write(file, ~0ull, 0, data, size, &written, NULL) != 0 || !written)
			return;
		data += written;
		size -= written;
	}
	while (size) {		/* no such descriptor: to the log, in pieces */
		size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;

		memcpy(text, data, n);
		text[n] = 0;
		if (Parent_log(parent_ref(), text) != 0)
			return;
		data += n;
		size -= n;
	}
}

__attribute__((weak)) int thread_scheduler(fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	if (!scheduler_ref && !(scheduler_ref = service_lookup("scheduler")))
		return ENOENT;
	return Scheduler_add(scheduler_ref, thread, port, sched_val);
}

__attribute__((weak)) void libc_exit(int status)
{
	Parent_exit(parent_ref(), (status & 0xff) << 8);
	for (;;)
		__asm__ volatile("hlt");	/* the parent does not want us to end: a fault, its problem */
}

void clock_set_scale(uint32_t multiplier, uint32_t shift, uint64_t wall_offset)
{
	scale = (struct clock_record){ .magic = CLOCK_RECORD_MAGIC, .multiplier = multiplier, .shift = shift, .wall_offset = wall_offset };
}

static int clock_ready(void)
{
	uint32_t multiplier, shift;
	uint64_t offset;

	if (scale.multiplier)
		return 1;
	if (!libc_clock && !(libc_clock = service_lookup("clock")))
		return 0;
	if (Clock_scale(libc_clock, &multiplier, &shift, &offset) != 0)
		return 0;
	clock_set_scale(multiplier, shift, offset);
	return 1;
}

uint64_t clock_now(void)
{
	return clock_of_tsc(rdtsc());
}

uint64_t clock_to_counts(uint32_t ns)
{
	return clock_ready() ? ((uint64_t)ns << scale.shift) / scale.multiplier : ns;
}

uint64_t clock_of_tsc(uint64_t tsc)
{
	return clock_of_counts(tsc) + scale.ahead;
}

/* (tsc * multiplier) >> shift with a product of 96 bits */
uint64_t clock_of_counts(uint64_t tsc)
{
	uint64_t low, high;

	if (!clock_ready())
		return 0;
	low = (tsc & 0xffffffffu) * scale.multiplier;
	high = (tsc >> 32) * scale.multiplier + (low >> 32);
	if (scale.shift >= 32)
		return high >> (scale.shift - 32);
	return high << (32 - scale.shift) | (low & 0xffffffffu) >> scale.shift;
}

const struct clock_record *clock_record(void)
{
	clock_ready();
	return &scale;
}

uint64_t clock_deadline(uint64_t ns)
{
	return ns ? ns - scale.ahead : 0;
}

uint64_t clock_wall(void)
{
	return clock_now() + scale.wall_offset;
}

static void sleep_receive(fluke_portset_t *portset)
{
	fluke_ipc_params_t p;
	uint32_t words[8];
	natural_t alias;

	memset(&p, 0, sizeof(p));
	p.recv_words = 8;
	p.recv_data = words;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
}

int clock_sleep_until(uint64_t ns)
{
	fluke_portset_t *portset;
	fluke_port_t *port = NULL;
	fluke_ref_t *timer = NULL;
	int error = ENOENT;

	if (!clock_ready() || (!libc_clock && !(libc_clock = service_lookup("clock"))))
		return error;
	error = ENOMEM;
	portset = portset_new();
	timer = ref_new();
	if (portset)
		port = port_new(portset, NULL, 0);
	if (port && timer)
		error = Clock_create_timer(libc_clock, port, 1, timer);
	if (!error)
		error = Timer_set(timer, clock_deadline(ns), 0, NULL);
	if (!error)
		sleep_receive(portset);
	ref_free(timer);
	port_free(port);
	portset_free(portset);
	return error;
}

const char *error_text(int error)
{
	static const struct { int number; const char *text; } texts[] = {
		{ 0, "Success" }, { EPERM, "Operation not permitted" }, { ENOENT, "No such file or directory" },
		{ EINTR, "Interrupted system call" }, { EROFS, "Read-only file system" }, { ENXIO, "No such device or address" },
		{ EIO, "Input/output error" }, { ENOEXEC, "Exec format error" },
		{ EBADF, "Bad file descriptor" }, { EAGAIN, "Resource temporarily unavailable" },
		{ ENOMEM, "Cannot allocate memory" }, { EACCES, "Permission denied" }, { EBUSY, "Device or resource busy" },
		{ EEXIST, "File exists" }, { ENOTDIR, "Not a directory" }, { EISDIR, "Is a directory" },
		{ EINVAL, "Invalid argument" }, { ENOSPC, "No space left on device" }, { EPIPE, "Broken pipe" },
		{ ENFILE, "Too many open files in system" }, { EMFILE, "Too many open files" }, { EDEADLK, "Resource deadlock avoided" },
		{ ENOLCK, "No locks available" }, { ENOSYS, "Function not implemented" }, { PROTO_DEAD, "No such server" }, { PROTO_BROKEN, "Server gone" },
	};

	for (unsigned n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		if (texts[n].number == error)
			return texts[n].text;
	return "Unknown error";
}
