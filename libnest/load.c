/* Loader of native programs: static ELF files for the i386, linked below NATIVE_HEAP_END.  The
 * program's bytes go into the data segment, where offset = address; the last writable segment's
 * mapping goes on to the end of the heap. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <nest/child.h>
#include <nest/nesting.h>
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#include <protocols/Parent.h>

#define PAGE		4096u
#define LOADS_MAX	8
#define ARGUMENTS_MAX	0x20000u	/* bytes of arguments and environment in all */

struct elf_header {
	uint8_t		ident[16];
	uint16_t	type, machine;
	uint32_t	version, entry, phoff, shoff, flags;
	uint16_t	ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t	type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

enum { PT_LOAD = 1, PT_DYNAMIC, PT_INTERP, PF_X = 1, PF_W = 2, PF_R = 4 };

static int memory_read(struct load_source *s, uint32_t offset, void *data, size_t *size)
{
	if (offset > s->memory_size)
		offset = (uint32_t)s->memory_size;
	if (*size > s->memory_size - offset)
		*size = s->memory_size - offset;
	memcpy(data, (const char *)s->memory + offset, *size);
	return 0;
}

static int file_read(struct load_source *s, uint32_t offset, void *data, size_t *size)
{
	size_t done = 0;

	while (done < *size) {
		size_t n = *size - done < PROTO_BULK_MAX ? *size - done : PROTO_BULK_MAX;
		int error = FileDescription_read(s->file, offset + done, n, 0, (char *)data + done, &n);

		if (error)
			return error;
		if (!n)
			break;
		done += n;
	}
	*size = done;
	return 0;
}

void load_from_memory(struct load_source *s, const void *memory, size_t size)
{
	memset(s, 0, sizeof(*s));
	s->read = memory_read;
	s->memory = memory;
	s->memory_size = size;
}

void load_from_file(struct load_source *s, fluke_ref_t *file)
{
	memset(s, 0, sizeof(*s));
	s->read = file_read;
	s->file = file;
}

static int read_exactly(struct load_source *s, uint32_t offset, void *data, size_t size)
{
	size_t got = size;
	int error = s->read(s, offset, data, &got);

	return error ? error : got == size ? 0 : ENOEXEC;
}

static int read_headers(struct load_source *s, struct elf_header *h, struct elf_segment *loads, unsigned *count)
{
	static const uint8_t magic[6] = { 0x7f, 'E', 'L', 'F', 1, 1 };
	int error = read_exactly(s, 0, h, sizeof(*h));

	*count = 0;
	if (error)
		return error;
	if (memcmp(h->ident, magic, sizeof(magic)) || h->type != 2 || h->machine != 3 || h->phentsize != sizeof(*loads) ||
	    h->phnum > 64)
		return ENOEXEC;
	for (unsigned n = 0; n < h->phnum; n++) {
		struct elf_segment p;

		error = read_exactly(s, h->phoff + n * sizeof(p), &p, sizeof(p));
		if (error)
			return error;
		if (p.type == PT_INTERP)
			return ENOEXEC;
		if (p.type != PT_LOAD || !p.memsz)
			continue;
		if (*count == LOADS_MAX || p.filesz > p.memsz || p.vaddr < PAGE || p.memsz > NATIVE_HEAP_END ||
		    p.vaddr > NATIVE_HEAP_END - p.memsz || (*count && p.vaddr < loads[*count - 1].vaddr))
			return ENOEXEC;
		loads[(*count)++] = p;
	}
	return *count ? 0 : ENOEXEC;
}

static int copy_segment(struct child *c, struct load_source *s, const struct elf_segment *p, char *buffer)
{
	for (uint32_t done = 0; done < p->filesz;) {
		uint32_t n = p->filesz - done < PROTO_BULK_MAX ? p->filesz - done : PROTO_BULK_MAX;
		int error = read_exactly(s, p->offset + done, buffer, n);

		if (!error)
			error = child_write(c, p->vaddr + done, buffer, n);
		if (error)
			return error;
		done += n;
	}
	return 0;
}

/* The pages of segment n that no earlier one has; the last one's go on to the end of the heap if it is writable. */
static int map_segment(struct child *c, const struct elf_segment *loads, unsigned n, unsigned count)
{
	const struct elf_segment *p = &loads[n];
	uint32_t start = p->vaddr & ~(PAGE - 1), end = (p->vaddr + p->memsz + PAGE - 1) & ~(PAGE - 1);
	fluke_prot_t prot = (p->flags & PF_R ? FLUKE_PROT_READ : 0) | (p->flags & PF_W ? FLUKE_PROT_WRITE : 0) |
		(p->flags & PF_X ? FLUKE_PROT_EXECUTE : 0);

	if (n && start < ((loads[n - 1].vaddr + loads[n - 1].memsz + PAGE - 1) & ~(PAGE - 1)))
		return ENOEXEC;		/* two in one page: link with aligned segments */
	if (n == count - 1 && p->flags & PF_W)
		end = NATIVE_HEAP_END;
	return child_map(c, c->data_region, start, start, end - start, prot);
}

int load_elf(struct child *c, struct load_source *s)
{
	struct elf_header header;
	struct elf_segment loads[LOADS_MAX];
	unsigned count;
	char *buffer = malloc(PROTO_BULK_MAX);
	int error = buffer ? read_headers(s, &header, loads, &count) : ENOMEM;

	for (unsigned n = 0; !error && n < count; n++) {
		error = copy_segment(c, s, &loads[n], buffer);
		if (!error)
			error = map_segment(c, loads, n, count);
	}
	free(buffer);
	if (error)
		return error;
	c->entry = header.entry;
	return child_map(c, c->data_region, START_STACK_TOP - NATIVE_STACK_SIZE, START_STACK_TOP - NATIVE_STACK_SIZE,
		NATIVE_STACK_SIZE, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
}

static uint32_t strings_size(char *const list[], unsigned *count)
{
	uint32_t size = 0;

	for (*count = 0; list && list[*count]; ++*count)
		size += strlen(list[*count]) + 1;
	return size;
}

static void put_strings(char *const list[], unsigned count, uint32_t **word, char **text, uint32_t offset)
{
	for (unsigned n = 0; n < count; n++) {
		size_t size = strlen(list[n]) + 1;

		*(*word)++ = (uint32_t)*text + offset;
		memcpy(*text, list[n], size);
		*text += size;
	}
	*(*word)++ = 0;
}

int load_arguments(struct child *c, char *const argv[], char *const envp[])
{
	enum { AT_NULL, AT_PAGESZ = 6 };
	unsigned argc, envc;
	uint32_t text_size = strings_size(argv, &argc) + strings_size(envp, &envc);
	uint32_t words = 1 + argc + 1 + envc + 1 + 4, size = (words * 4 + text_size + 15) & ~15u;
	uint32_t *block, *word;
	char *text;
	int error;

	if (size > ARGUMENTS_MAX)
		return E2BIG;
	block = calloc(1, size);
	if (!block)
		return ENOMEM;
	c->stack = START_STACK_TOP - size;
	word = block;
	text = (char *)(block + words);
	*word++ = argc;
	put_strings(argv, argc, &word, &text, c->stack - (uint32_t)block);
	put_strings(envp, envc, &word, &text, c->stack - (uint32_t)block);
	*word++ = AT_PAGESZ;
	*word++ = PAGE;
	*word++ = AT_NULL;
	*word++ = 0;
	error = child_write(c, c->stack, block, size);
	free(block);
	return error;
}

static int open_program(fluke_ref_t *fs, const char *name, fluke_ref_t *file)
{
	static const char *const folders[] = { "/fluke/nesters/", "/fluke/apps/" };
	struct FileStatus status;
	char path[256];
	int error;

	if (strchr(name, '/'))
		return FileSystem_open(fs, name, O_RDONLY, 0, file, &status);
	for (unsigned n = 0; n < 2; n++) {
		snprintf(path, sizeof(path), "%s%s", folders[n], name);
		error = FileSystem_open(fs, path, O_RDONLY, 0, file, &status);
		if (error != ENOENT)
			return error;
	}
	return error;
}

int load_program(struct child *c, fluke_ref_t *fs, const char *name, char *const argv[], char *const envp[])
{
	struct load_source source;
	fluke_ref_t *file = ref_new();
	int error = file ? open_program(fs, name, file) : ENOMEM;

	if (!error) {
		load_from_file(&source, file);
		error = load_elf(c, &source);
	}
	ref_free(file);
	if (!error)
		error = load_arguments(c, argv, envp);
	return error ? error : child_start(c);
}

/* Is argv[0] a program for the Fluke API?  Found as open_program finds it. */
static int is_native(fluke_ref_t *fs, const char *name)
{
	struct elf_segment loads[LOADS_MAX];
	struct elf_header header;
	struct load_source source;
	fluke_ref_t *file = ref_new();
	unsigned count;
	int yes = 0;

	if (file && !open_program(fs, name, file)) {
		load_from_file(&source, file);
		yes = !read_headers(&source, &header, loads, &count) && loads[0].vaddr == NATIVE_PROGRAM;
	}
	ref_free(file);
	return yes;
}

int nest_is_native(const char *name)
{
	fluke_ref_t *fs = service_lookup("fs");
	int yes = fs && is_native(fs, name);

	ref_free(fs);
	return yes;
}

/* Any other is for Linux (or not there): a process manager of its own runs it. */
static char *const *with_manager(fluke_ref_t *fs, char *const argv[])
{
	static char manager[] = "process", end[] = "--";
	unsigned count = 0;
	char **list;

	if (is_native(fs, argv[0]))
		return argv;
	while (argv[count])
		count++;
	list = calloc(count + 3, sizeof *list);
	if (!list)
		return argv;
	list[0] = manager;
	list[1] = end;
	memcpy(list + 2, argv, count * sizeof *list);
	return list;
}

int nest_start(struct child *c, char *const argv[])
{
	fluke_ref_t *fs = service_lookup("fs");

	char *const *command = fs ? with_manager(fs, argv) : argv;
	int error;

	if (command != argv)
		strlcpy(c->name, command[0], sizeof(c->name));
	nesting_begin(libc_program);
	error = fs ? load_program(c, fs, command[0], command, environ) : ENOENT;
	ref_free(fs);
	if (error)
		eprintf("%s: %s\n", command[0], error_text(error));
	return error;
}

int nest_run(struct child *c, char *const argv[])
{
	int error = nest_start(c, argv);

	return error ? (error == ENOENT ? 127 : 126) << 8 : child_wait(c);
}

void nest_end(int status)
{
	stdout_flush();
	Parent_exit(parent_ref(), status);
	for (;;)
		thread_exit();
}
