/* The loader: maps a program and its interpreter into the fresh process and builds the first stack.
 *
 * Runs in the image of the new process, alone; what could fail has been checked before exec, so
 * an error here ends the process with status 127. */
#include "posix.h"
#include "calls.h"
#include "elf.h"
#include <protocols/FileDescription.h>

#define PIE_BASE	0x56555000u
#define STRINGS_MAX	0x00300000u

struct loaded { uint32_t base, entry, segments, segment_count, end; };

static uint32_t prot_of(uint32_t flags)
{
	return (flags & ELF_R ? PROT_READ : 0) | (flags & ELF_W ? PROT_WRITE : 0) | (flags & ELF_X ? PROT_EXEC : 0);
}

/* Writable: anonymous memory for all of it, then the file's bytes; else the file's pages. */
static int load_segment(int file, const struct elf_segment *s, uint32_t base)
{
	uint32_t start = PAGE_DOWN(base + s->address), end = PAGE_UP(base + s->address + s->memory_size);
	uint32_t skew = (base + s->address) - start, file_end = PAGE_UP(base + s->address + s->file_size);
	uint32_t done = 0, part, size = s->file_size + skew;
	fluke_ref_t *region;
	int error = 0, got;

	if (s->memory_size == 0)
		return 0;
	if (s->flags & ELF_W || s->offset < skew) {
		if ((error = vm_map_anonymous(start, end - start, prot_of(s->flags))) < 0)
			return error;
		vm_name(start, file, s->offset - skew);
		while (s->file_size && done < size) {
			part = size - done < 0x10000 ? size - done : 0x10000;
			got = file_read_at(file, s->offset - skew + done, (void *)(start + done), part);
			if (got <= 0)
				return -EIO;
			done += (uint32_t)got;
		}
		return 0;
	}
	region = file_region(file, &error);
	if (!region)
		return error;
	error = vm_map_file(start, file_end - start, prot_of(s->flags), region, s->offset - skew, file);
	if (!error && end > file_end)
		error = vm_map_anonymous(file_end, end - file_end, prot_of(s->flags));
	return error;
}

static int load_file(int file, struct loaded *l, char *interpreter, size_t size)
{
	uint8_t head[1024];
	const struct elf_header *e = (const struct elf_header *)head;
	const struct elf_segment *s;
	uint32_t low = ~0u, high = 0;
	int error = exec_check(file, interpreter, size), n;

	if (error)
		return error;
	if ((error = file_read_at(file, 0, head, sizeof(head))) < 0)
		return error;
	s = (const struct elf_segment *)(head + e->segment_offset);
	*l = (struct loaded){ .segment_count = e->segments };
	for (n = 0; n < e->segments; n++)
		if (s[n].type == ELF_LOAD) {
			low = s[n].address < low ? s[n].address : low;
			high = s[n].address + s[n].memory_size > high ? s[n].address + s[n].memory_size : high;
		}
	if (low > high || high > START_STACK_TOP)
		return -ENOEXEC;
	if (e->type == 3)
		l->base = *interpreter ? PIE_BASE : vm_find_free(PAGE_UP(high - PAGE_DOWN(low)));
	for (n = 0; n < e->segments; n++) {
		if (s[n].type == ELF_LOAD && (error = load_segment(file, &s[n], l->base)) < 0)
			return error;
		if (s[n].type == ELF_LOAD && e->segment_offset >= s[n].offset && e->segment_offset < s[n].offset + s[n].file_size)
			l->segments = l->base + s[n].address + e->segment_offset - s[n].offset;
	}
	for (n = 0; n < e->segments; n++)
		if (s[n].type == ELF_PHDR)
			l->segments = l->base + s[n].address;
	l->entry = l->base + e->entry;
	l->end = l->base + high;
	return 0;
}

/* ---- the first stack ---- */

struct stack { uint32_t top, *vector; };

static uint32_t push(struct stack *s, const void *data, uint32_t size)
{
	s->top -= size;
	memcpy((void *)s->top, data, size);
	return s->top;
}

static uint32_t push_string(struct stack *s, const char *text)
{
	return push(s, text, (uint32_t)strlen(text) + 1);
}

static void aux(struct stack *s, uint32_t type, uint32_t value)
{
	*s->vector++ = type;
	*s->vector++ = value;
}

static uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return d;
}

static const char *string_after(const char *s)
{
	return s + strlen(s) + 1;
}

static uint32_t put_vector(struct stack *s, const char *text, uint32_t count)
{
	while (count--) {
		*s->vector++ = push_string(s, text);
		text = string_after(text);
	}
	*s->vector++ = 0;
	return s->top;
}

/* Linux's layout; returns esp. */
static uint32_t build_stack(const struct program *p, const struct loaded *main, uint32_t interpreter_base)
{
	struct stack s = { .top = START_STACK_TOP - 16 };
	uint32_t words = 1 + p->arg_count + 1 + p->env_count + 1 + 2 * 22, sizes = 0, n, esp, name, platform, random;
	const char *text;
	uint8_t bytes[16];

	for (n = 0, text = p->args; n < p->arg_count; n++, text = string_after(text))
		sizes += (uint32_t)strlen(text) + 1;
	for (n = 0, text = p->env; n < p->env_count; n++, text = string_after(text))
		sizes += (uint32_t)strlen(text) + 1;
	name = push_string(&s, p->name);
	platform = push_string(&s, "i686");
	posix_getrandom(bytes, 16, 0);
	random = push(&s, bytes, 16);
	esp = (s.top - sizes - 4 * words) & ~15u;
	s.vector = (uint32_t *)esp;
	*s.vector++ = p->arg_count;
	put_vector(&s, p->args, p->arg_count);
	put_vector(&s, p->env, p->env_count);
	CONTROL->auxv = (uint32_t)s.vector;
	aux(&s, 32, IMAGE_ENTRY_SYSCALL);		/* AT_SYSINFO */
	aux(&s, 33, (uint32_t)image_vdso);		/* AT_SYSINFO_EHDR */
	aux(&s, 51, 2048);				/* AT_MINSIGSTKSZ */
	aux(&s, 16, cpu_features());			/* AT_HWCAP */
	aux(&s, 6, PAGE);
	aux(&s, 17, 100);				/* AT_CLKTCK */
	aux(&s, 3, main->segments);			/* AT_PHDR */
	aux(&s, 4, sizeof(struct elf_segment));
	aux(&s, 5, main->segment_count);
	aux(&s, 7, interpreter_base);			/* AT_BASE */
	aux(&s, 8, 0);
	aux(&s, 9, main->entry);
	aux(&s, 11, FACTS->uid);
	aux(&s, 12, FACTS->euid);
	aux(&s, 13, FACTS->gid);
	aux(&s, 14, FACTS->egid);
	aux(&s, 23, 0);					/* AT_SECURE */
	aux(&s, 25, random);
	aux(&s, 26, 0);					/* AT_HWCAP2 */
	aux(&s, 31, name);				/* AT_EXECFN */
	aux(&s, 15, platform);
	aux(&s, 0, 0);
	return esp;
}

int load_program(const struct program *p, struct registers *r)
{
	struct loaded main, loader;
	char interpreter[256], none[256];
	int error = load_file(p->file, &main, interpreter, sizeof(interpreter)), file;
	uint32_t entry, base = 0;

	if (error)
		return error;
	entry = main.entry;
	/* a loader run by name lies among the mappings: its heap has a place of its own */
	brk_start = brk_now = PAGE_UP(main.base > PIE_BASE && !*interpreter ? PIE_BASE : main.end);
	if (*interpreter) {
		file = file_open(interpreter, O_RDONLY, 0);
		if (file < 0)
			return file;
		name_opened(file, interpreter);
		error = load_file(file, &loader, none, sizeof(none));
		file_release(file);
		if (error)
			return error;
		entry = loader.entry;
		base = loader.base;
	}
	memset(r, 0, sizeof(*r));
	r->eip = entry;
	r->esp = build_stack(p, &main, base);
	r->eflags = 0x202;
	r->orig_eax = ~0u;
	return 0;
}
