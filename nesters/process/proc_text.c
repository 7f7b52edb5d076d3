/* What the files under /proc say, made anew at each open, in Linux's formats as far as ps, top, free, uptime
 * and the shells read them. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <stdarg.h>
#include <native.h>
#include <protocols/MemPool.h>
#include <protocols/Parent.h>
#include <protocols/Segment.h>
#include "manager.h"

#define TEXT_MAX	4096
#define TEXT_LONG	0x10000	/* maps, environ */
#define TICK		10000000ull	/* ns: 100 ticks a second */

struct text { char *data; uint32_t size, most; };

static void add(struct text *t, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(t->data + t->size, t->most - t->size, format, arguments);
	va_end(arguments);
	if (length > 0)
		t->size += (uint32_t)length < t->most - t->size ? (uint32_t)length : t->most - t->size - 1;
}

static uint64_t cpu_time(void)
{
	struct process *p;
	uint64_t sum = 0;

	for (p = process_next(NULL); p; p = process_next(p))
		sum += p->usage.user;
	return sum;
}

static void uptime(struct text *t)
{
	uint64_t now = clock_now(), busy = cpu_time(), idle = now > busy ? now - busy : 0;

	add(t, "%u.%02u %u.%02u\n", (unsigned)(now / 1000000000), (unsigned)(now / TICK % 100),
		(unsigned)(idle / 1000000000), (unsigned)(idle / TICK % 100));
}

static void memory(uint32_t *total, uint32_t *free)
{
	uint32_t used;

	*total = *free = 0;
	MemPool_statistics(&manager->pool, total, &used, free);
}

static void meminfo(struct text *t)
{
	uint32_t total, free;

	memory(&total, &free);
	add(t, "MemTotal:       %8u kB\nMemFree:        %8u kB\nMemAvailable:   %8u kB\n", (unsigned)(total / 1024),
		(unsigned)(free / 1024), (unsigned)(free / 1024));
	add(t, "Buffers:        %8u kB\nCached:         %8u kB\nSwapCached:     %8u kB\n", 0, 0, 0);
	add(t, "Active:         %8u kB\nInactive:       %8u kB\nSwapTotal:      %8u kB\nSwapFree:       %8u kB\n",
		(unsigned)((total - free) / 1024), 0, 0, 0);
	add(t, "Shmem:          %8u kB\nSReclaimable:   %8u kB\n", 0, 0);
}

/* Ours: live kernel objects by type, and free memory, for the tests of leaks. */
static void objects(struct text *t)
{
	static const char *const names[FLUKE_TYPES] = {
		"free-tables", "mutex", "cond", "mapping", "region", "port", "portset", "space", "thread", "ref",
	};
	uint32_t total, free, count;

	for (unsigned type = 0; type < FLUKE_TYPES; type++)
		if (!Parent_object_count(parent_ref(), type, &count))
			add(t, "%s %u\n", names[type], (unsigned)count);
	memory(&total, &free);
	add(t, "free-pages %u\n", (unsigned)(free / FLUKE_PAGE_SIZE));
}

/* Only of the one that asks is it known that it runs. */
static int reader;

static char state_letter(struct process *p)
{
	if (p->pid == reader && p->state == PROCESS_RUNNING)
		return 'R';
	return p->state == PROCESS_ZOMBIE ? 'Z' : p->state == PROCESS_STOPPED ? 'T' : 'S';
}

static uint32_t used_memory(struct process *p)
{
	uint32_t limit, used = 0, free;

	if (p->body)
		MemPool_statistics(&p->body->objects->pool, &limit, &used, &free);
	return used;
}

static uint64_t user_time(struct process *p)
{
	struct Usage usage = p->usage;

	if (p->body)
		threads_account(p->thread, p->slots, 0, &usage);
	return usage.user;
}

static void pid_stat(struct text *t, struct process *p)
{
	struct session *s = p->session;

	add(t, "%d (%s) %c %d %d %d %d %d 4194304 0 0 0 0 ", p->pid, p->name, state_letter(p),
		p->parent ? p->parent->pid : PID_INIT, p->group, s->id, s->has_tty ? 0x501 : 0,
		s->has_tty ? s->foreground : -1);
	add(t, "%u 0 %u 0 20 0 %d 0 ", (unsigned)(user_time(p) / TICK), (unsigned)(p->usage.child_user / TICK),
		p->threads ? p->threads : 1);
	add(t, "%u %u %u 4294967295 0 0 0 0 0 %u 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
		(unsigned)(p->started / TICK), (unsigned)used_memory(p), (unsigned)(used_memory(p) / FLUKE_PAGE_SIZE),
		(unsigned)p->pending, p->status);
}

static void pid_status(struct text *t, struct process *p)
{
	static const struct { char letter; const char *text; } words[] = {
		{ 'R', "R (running)" }, { 'S', "S (sleeping)" }, { 'T', "T (stopped)" }, { 'Z', "Z (zombie)" },
	};
	unsigned state = 0;
	struct process_control *control = p->body ? body_control(p->body) : NULL;
	int ppid = p->parent ? p->parent->pid : PID_INIT;

	while (words[state].letter != state_letter(p))
		state++;
	add(t, "Name:\t%s\nUmask:\t0022\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p->name,
		words[state].text, p->pid, p->pid, ppid);
	add(t, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0\n");
	add(t, "VmPeak:\t%8u kB\nVmSize:\t%8u kB\nVmRSS:\t%8u kB\nThreads:\t%d\n", (unsigned)used_memory(p) / 1024,
		(unsigned)used_memory(p) / 1024, (unsigned)used_memory(p) / 1024, p->threads ? p->threads : 1);
	add(t, "SigPnd:\t%08x%08x\nShdPnd:\t%08x%08x\n", 0, 0, (unsigned)(p->pending >> 32), (unsigned)p->pending);
	add(t, "SigBlk:\t%08x%08x\nSigIgn:\t%08x%08x\nSigCgt:\t%08x%08x\n",
		control ? (unsigned)(control->slot[0].blocked >> 32) : 0, control ? (unsigned)control->slot[0].blocked : 0,
		control ? (unsigned)(control->ignored >> 32) : 0, control ? (unsigned)control->ignored : 0,
		control ? (unsigned)(control->caught >> 32) : 0, control ? (unsigned)control->caught : 0);
}

static void stat(struct text *t)
{
	uint64_t now = clock_now(), busy = cpu_time(), idle = now > busy ? now - busy : 0;

	add(t, "cpu  %u 0 0 %u 0 0 0 0 0 0\ncpu0 %u 0 0 %u 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime %u\n",
		(unsigned)(busy / TICK), (unsigned)(idle / TICK), (unsigned)(busy / TICK), (unsigned)(idle / TICK),
		(unsigned)((clock_wall() - now) / 1000000000));
	add(t, "processes %d\nprocs_running 1\nprocs_blocked 0\n", processes_living());
}

/* Bytes of the process's data segment; as many as there is room for. */
static int process_read(struct process *p, uint32_t address, void *to, uint32_t size, uint32_t most, uint32_t *got)
{
	uint32_t done = 0;
	int error = 0;

	if (size > most)
		size = most;
	while (done < size && !error) {
		size_t part = size - done < PROTO_BULK_MAX ? size - done : PROTO_BULK_MAX;

		error = Segment_read(&p->body->objects->data, address + done, part, (char *)to + done, &part);
		if (!error && !part)
			error = EIO;
		done += (uint32_t)part;
	}
	*got = error ? 0 : done;
	return error;
}

static const char *area_name(struct process *p, const struct process_control *control, const struct area *a)
{
	static char name[IMAGE_NAME_SIZE + 1];
	uint32_t got;

	if (a->name == AREA_STACK || a->name == AREA_HEAP)
		return a->name == AREA_STACK ? "[stack]" : "[heap]";
	if (a->name == AREA_PROGRAM)
		return p->executable;
	if (!a->name || a->name > IMAGE_NAMES || process_read(p, control->names + (a->name - 1u) * IMAGE_NAME_SIZE, name, IMAGE_NAME_SIZE,
	    IMAGE_NAME_SIZE, &got))
		return "";
	return name;
}

static void maps(struct text *t, struct process *p)
{
	struct process_control *control = p->body ? body_control(p->body) : NULL;
	uint32_t count = 0, got;
	struct area *areas;

	if (!control || !control->areas || process_read(p, control->area_count, &count, 4, 4, &got) || count > IMAGE_MAPPINGS_MAX)
		return;
	areas = malloc(count * sizeof *areas + 1);
	if (areas && !process_read(p, control->areas, areas, count * sizeof *areas, count * sizeof *areas, &got))
		for (struct area *a = areas; a < areas + count; a++) {
			const char *name = area_name(p, control, a);
			uint32_t begin = t->size;

			add(t, "%08x-%08x %c%c%c%c %08x 00:00 0", (unsigned)a->start, (unsigned)a->end, a->prot & 1 ? 'r' : '-',
				a->prot & 2 ? 'w' : '-', a->prot & 4 ? 'x' : '-', a->file == 2 ? 's' : 'p', (unsigned)a->offset);
			while (*name && t->size - begin < 73)
				add(t, " ");
			add(t, "%s\n", name);
		}
	free(areas);
}

static void fill(struct text *t, enum proc_file file, struct process *p)
{
	switch (file) {
	case PROC_UPTIME:
		uptime(t);
		break;
	case PROC_MEMINFO:
		meminfo(t);
		break;
	case PROC_MOUNTS:
		add(t, "rootfs / rootfs rw 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n");
		break;
	case PROC_FILESYSTEMS:
		add(t, "nodev\trootfs\nnodev\tproc\nnodev\ttmpfs\n");
		break;
	case PROC_STAT:
		stat(t);
		break;
	case PROC_LOADAVG:
		add(t, "0.00 0.00 0.00 1/%d 1\n", processes_living());
		break;
	case PROC_VERSION:
		add(t, "Linux version 6.1.0-fluke (fluke) #1 Fluke\n");
		break;
	case PROC_OBJECTS:
		objects(t);
		break;
	case PROC_OSRELEASE:
		add(t, "6.1.0-fluke\n");
		break;
	case PROC_PID_MAX:
		add(t, "%d\n", PID_MAX);
		break;
	case PROC_CPUINFO:
		add(t, "processor\t: 0\nvendor_id\t: i386\nmodel name\t: i686\ncpu MHz\t\t: 0\n\n");
		break;
	case PROC_PID_STAT:
		pid_stat(t, p);
		break;
	case PROC_PID_STATUS:
		pid_status(t, p);
		break;
	case PROC_PID_CMDLINE:
		memcpy(t->data, p->command_line, p->command_line_length);
		t->size = p->state == PROCESS_ZOMBIE ? 0 : p->command_line_length;
		break;
	case PROC_PID_COMM:
		add(t, "%s\n", p->name);
		break;
	case PROC_PID_STATM:
		add(t, "%u %u 0 0 0 %u 0\n", (unsigned)used_memory(p) / FLUKE_PAGE_SIZE,
			(unsigned)used_memory(p) / FLUKE_PAGE_SIZE, (unsigned)used_memory(p) / FLUKE_PAGE_SIZE);
		break;
	case PROC_PID_MAPS:
		maps(t, p);
		break;
	case PROC_PID_ENVIRON:
		if (p->body && p->environment_size)
			process_read(p, p->environment, t->data, p->environment_size, t->most, &t->size);
		break;
	}
}

char *proc_text(enum proc_file file, struct process *p, int by, uint32_t *size)
{
	uint32_t most = file == PROC_PID_MAPS || file == PROC_PID_ENVIRON ? TEXT_LONG : TEXT_MAX;
	struct text text = { malloc(most), 0, most };

	reader = by;

	if (!text.data)
		return NULL;
	fill(&text, file, p);
	*size = text.size;
	return text.data;
}
