/* What gdb reads by parts: lists of threads, processes and memory, the auxiliary vector, and the one file of the target's side that it
 * wants, /proc/PID/maps (`info proc mappings`).  Made anew whenever it is asked for; nothing here changes the target. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "debug.h"

static void put_part(const char *text, size_t size, char *range)
{
	uint32_t offset = number(&range), count;

	range++;
	count = number(&range);
	if (count > PACKET / 2)
		count = PACKET / 2;
	if (offset >= size) {
		put("l");
		return;
	}
	put(offset + count < size ? "m" : "l");
	put_binary(text + offset, offset + count < size ? count : size - offset);
}

static void put_auxv(char *range)
{
	static uint32_t auxv[128];
	struct thread *th = chosen();
	uint32_t at, n = 0;

	if (!th || !th->target->linux_pid || memory_word(th->target, IMAGE_CONTROL + offsetof(struct process_control, auxv), &at) || !at) {
		put("E01");
		return;
	}
	for (; n < 126 && memory_read(th->target, at + n * 4, auxv + n, 8) == 8; n += 2)
		if (!auxv[n]) {
			n += 2;
			break;
		}
	put_part((char *)auxv, n * 4, range);
}

static void put_threads(char *range)
{
	static char text[0x4000];
	char *p = text + snprintf(text, sizeof text, "<?xml version=\"1.0\"?><threads>");

	for (struct thread *th = threads; th; th = th->next)
		if (th->target && th->target->attached && !th->target->ended && p < text + sizeof text - 400)
			p += snprintf(p, 400, "<thread id=\"p%x.%x\" name=\"%s\"/>", (unsigned)th->target->pid, (unsigned)th->tid,
				strrchr(th->target->path, '/') ? strrchr(th->target->path, '/') + 1 : th->target->path);
	p += snprintf(p, 20, "</threads>");
	put_part(text, (size_t)(p - text), range);
}

static void put_processes(char *annex, char *range)
{
	static char text[0x8000];
	char *p = text + snprintf(text, sizeof text, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"osdata.dtd\">"
		"<osdata type=\"processes\">");

	if (strcmp(annex, "processes")) {
		put_part("<osdata type=\"types\"><item><column name=\"Type\">processes</column><column name=\"Description\">All below"
			"</column></item></osdata>", 135, range);
		return;
	}
	world_refresh();
	for (struct target *t = targets; t && p < text + sizeof text - 500; t = t->next) {
		p += snprintf(p, 500, "<item><column name=\"pid\">%d</column><column name=\"user\">root</column><column name=\"command\">%s"
			"</column></item>", t->pid, t->path[0] ? t->path : t->native ? "(native)" : "(starting)");
	}
	p += snprintf(p, 20, "</osdata>");
	put_part(text, (size_t)(p - text), range);
}

static int region(char *p, const char *type, uint32_t start, uint32_t size)
{
	return snprintf(p, 120, "<memory type=\"%s\" start=\"0x%x\" length=\"0x%x\"/>", type, (unsigned)start, (unsigned)size);
}

/* gdb asks once for each program and takes what is not listed for unreachable ever after, but programs map as they go: so all that a
 * program can have is listed, each mapping of now as a region of its own, and the kernel's entry, which is the same in all. */
static void put_memory_map(char *range)
{
	static char text[0x8000];
	struct thread *th = chosen();
	struct area_map *m;
	uint32_t at = 0;
	char *p = text + snprintf(text, sizeof text, "<?xml version=\"1.0\"?><memory-map>");

	if (!th) {
		put("E01");
		return;
	}
	memory_map(th->target, 0);
	for (m = th->target->maps; m < th->target->maps + th->target->map_count && p < text + sizeof text - 400; m++) {
		if (m->start > at)
			p += region(p, "ram", at, m->start - at);
		p += region(p, "ram", m->start, m->size);
		at = m->start + m->size;
	}
	if (at < FLUKE_VM_MAX)
		p += region(p, "ram", at, FLUKE_VM_MAX - at);
	p += region(p, "rom", FLUKE_VM_MAX, FLUKE_PAGE_SIZE);
	p += snprintf(p, 20, "</memory-map>");
	put_part(text, (size_t)(p - text), range);
}

static void put_file(char *annex, char *range)
{
	char *p = annex;
	struct target *t = *annex ? target_by_pid((int)number(&p)) : chosen() ? chosen()->target : NULL;

	if (t && t->path[0])
		put_part(t->path, strlen(t->path), range);
	else
		put("E01");
}

void transfer(char *what)
{
	char *annex = strstr(what, ":read:"), *range;

	if (!annex)
		return;
	*annex = 0;
	annex += 6;
	range = strchr(annex, ':');
	if (!range)
		return;
	*range++ = 0;
	if (!strcmp(what, "features"))
		put_part(target_xml, strlen(target_xml), range);
	else if (!strcmp(what, "auxv"))
		put_auxv(range);
	else if (!strcmp(what, "threads"))
		put_threads(range);
	else if (!strcmp(what, "osdata"))
		put_processes(annex, range);
	else if (!strcmp(what, "exec-file"))
		put_file(annex, range);
	else if (!strcmp(what, "memory-map"))
		put_memory_map(range);
}

/* ---- files ---- */

#define MAPS	0x10000u

static char	maps[MAPS];
static unsigned	maps_size;

static void maps_line(uint32_t start, uint32_t end, unsigned prot, int shared, uint32_t offset, const char *name)
{
	if (maps_size < MAPS - 200)
		maps_size += (unsigned)snprintf(maps + maps_size, 200, "%08x-%08x %c%c%c%c %08x 00:00 0 %30s\n", (unsigned)start, (unsigned)end,
			prot & 1 ? 'r' : '-', prot & 2 ? 'w' : '-', prot & 4 ? 'x' : '-', shared ? 's' : 'p', (unsigned)offset, name);
}

static const char *area_name(struct target *t, const struct area *a, uint32_t names)
{
	static char name[IMAGE_NAME_SIZE + 1];

	if (a->name >= AREA_PROGRAM)
		return a->name == AREA_STACK ? "[stack]" : a->name == AREA_HEAP ? "[heap]" : t->path;
	if (!a->name || a->name > IMAGE_NAMES ||
	    memory_read(t, names + (a->name - 1u) * IMAGE_NAME_SIZE, name, IMAGE_NAME_SIZE) != IMAGE_NAME_SIZE)
		return "";
	return name;
}

/* A Linux program's areas, as its image has them. */
static void maps_of_linux(struct target *t)
{
	struct { uint32_t areas, count, names; } at;
	struct area a;
	uint32_t count;

	if (memory_read(t, IMAGE_CONTROL + offsetof(struct process_control, areas), &at, sizeof at) != sizeof at ||
	    memory_word(t, at.count, &count) || count > IMAGE_MAPPINGS_MAX)
		return;
	for (uint32_t n = 0; n < count && memory_read(t, at.areas + n * sizeof a, &a, sizeof a) == sizeof a; n++)
		maps_line(a.start, a.end, a.prot, a.file == 2, a.offset, area_name(t, &a, at.names));
}

static void maps_make(struct target *t)
{
	maps_size = 0;
	memory_map(t, 0);
	if (!t->native)
		maps_of_linux(t);
	else
		for (struct area_map *m = t->maps; m < t->maps + t->map_count; m++)
			maps_line(m->start, m->start + m->size, m->prot, 0, m->offset, "");
}

/* vFile:open:NAME,... vFile:pread:FD,SIZE,OFFSET vFile:close:FD; the only file is /proc/PID/maps. */
void host_file(char *p)
{
	char name[64], text[24], *end;
	struct target *t;
	uint32_t size, offset;

	if (!strncmp(p, "open:", 5)) {
		name[hex(p + 5, (uint8_t *)name, sizeof name - 1)] = 0;
		t = strncmp(name, "/proc/", 6) ? NULL : target_by_pid((int)strtol(name + 6, &end, 10));
		if (!t || !t->attached || (strcmp(end, "/maps") && !strstr(end, "/task/"))) {
			put("F-1,2");
			return;
		}
		maps_make(t);
		put("F3");
	} else if (!strncmp(p, "pread:", 6)) {
		p += 6;
		number(&p);
		p++;
		size = number(&p);
		p++;
		offset = number(&p);
		offset = offset < maps_size ? offset : maps_size;
		size = size < maps_size - offset ? size : maps_size - offset;
		size = size < PACKET / 2 ? size : PACKET / 2;
		snprintf(text, sizeof text, "F%x;", (unsigned)size);
		put(text);
		put_binary(maps + offset, size);
	} else if (!strncmp(p, "close:", 6)) {
		put("F0");
	}
}
