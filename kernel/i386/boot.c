/* From what the Multiboot loader left to boot_info and page tables.  boot_early runs before
 * paging (see start.S): it checks the machine, so that each thing missing gets a message, keeps
 * the list of physical ranges, moves modules that lie badly, and builds the direct map.  After
 * it nothing reads the loader's memory. */
#include "machine_local.h"
#include "../vm.h"

#define MULTIBOOT_LOADED	0x2badb002u
#define MIN_MEMORY		(24u << 20)

#define PTE_PRESENT	0x001u
#define PTE_WRITE	0x002u
#define PTE_NO_CACHE	0x018u
#define PTE_SUPER	0x080u
#define PTE_GLOBAL	0x100u
#define SUPERPAGE	(2u << 20)
#define DIRECT_ENTRIES	(DIRECT_MAP_MAX / SUPERPAGE)

struct multiboot_info {
	uint32_t	flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t	mmap_length, mmap_addr, drives[2], config, name, apm, vbe[4];
	uint32_t	fb_address, fb_address_high, fb_pitch, fb_width, fb_height;
	uint8_t		fb_bpp, fb_type, fb_pad[2];	/* GRUB's record is aligned here, whatever the specification's table says */
	uint8_t		fb_red_pos, fb_red_size, fb_green_pos, fb_green_size, fb_blue_pos, fb_blue_size;
} __attribute__((packed));
struct multiboot_module { uint32_t start, end, cmdline, pad; };
struct multiboot_memory { uint32_t size; uint64_t start, length; uint32_t type; } __attribute__((packed));

uint64_t	kernel_pdpt[4] __attribute__((aligned(32)));
static uint64_t	kernel_directory[512] __attribute__((aligned(4096)));
static uint8_t	entry_page[4096] __attribute__((aligned(4096)));
uint64_t	nx_bit;
uint32_t	entry_page_phys;
uint32_t	cpu_features;
struct fluke_boot_info boot_info;

/* Words of the command line (docs/design/boot-line.md); those that end in = take a value.  The
 * first line is the kernel's, the others are root's. */
static const char *const known_words[] = {
	"log=serial", "nosysenter", "nolapic",
	"cases=", "stack=", "cmd=", "env=", "cwd=", "channel", "console=", "rows=", "columns=", "seed=", "term=", "exit-test", "nesting",
};

/* ---- physical ranges */

static void range_add(uint32_t start, uint32_t end, uint32_t kind)
{
	struct fluke_boot_range *r = &boot_info.range[boot_info.range_count];

	start = (start + 4095) & ~4095u;
	end &= ~4095u;
	if (end <= start || boot_info.range_count == FLUKE_BOOT_RANGES)
		return;
	r->start = start;
	r->size = end - start;
	r->kind = kind;
	boot_info.range_count++;
}

static void range_remove(unsigned i)
{
	boot_info.range[i] = boot_info.range[--boot_info.range_count];
}

/* Takes [start, end) out of the free ranges. */
static void range_cut(uint32_t start, uint32_t end)
{
	unsigned i = 0;

	start &= ~4095u;
	end = (end + 4095) & ~4095u;
	while (i < boot_info.range_count) {
		struct fluke_boot_range old = boot_info.range[i];
		uint32_t old_end = old.start + old.size;

		if (old.kind != FLUKE_RANGE_FREE || old.start >= end || old_end <= start) {
			i++;
			continue;
		}
		range_remove(i);
		if (old.start < start)
			range_add(old.start, start, old.kind);
		if (end < old_end)
			range_add(end, old_end, old.kind);
		i = 0;
	}
}

/* Physical memory from the top of the highest free range that has room; zeroed. */
uint32_t boot_take(uint32_t bytes, uint32_t kind)
{
	struct fluke_boot_range *r, *best = 0;
	uint32_t start;

	bytes = (bytes + 4095) & ~4095u;
	for (r = boot_info.range; r < boot_info.range + boot_info.range_count; r++)
		if (r->kind == FLUKE_RANGE_FREE && r->size >= bytes && (!best || r->start > best->start))
			best = r;
	if (!best)
		fatal("no room for %u KB of memory", bytes / 1024);
	start = best->start + best->size - bytes;
	range_cut(start, start + bytes);
	if (kind)
		range_add(start, start + bytes, kind);
	memset(phys_to_virt(start), 0, bytes);
	return start;
}

void *boot_alloc(uint32_t bytes)
{
	return phys_to_virt(boot_take(bytes, 0));
}

/* ---- what the loader says */

static void copy_string(char *to, const char *from, unsigned size)
{
	while (--size && *from)
		*to++ = *from++;
	*to = 0;
}

static struct { uint32_t start, end; } ram[FLUKE_BOOT_RANGES];	/* as the loader gave it */
static unsigned ram_ranges;

int boot_is_ram(uint32_t start, uint32_t size)
{
	unsigned i;

	for (i = 0; i < ram_ranges; i++)
		if (start < ram[i].end && (start >= ram[i].start || ram[i].start - start < size))
			return 1;
	return 0;
}

static void add_memory(uint64_t start, uint64_t end, uint32_t *unused_kb)
{
	if (start < 4096)
		start = 4096;
	if (end > DIRECT_MAP_MAX) {
		*unused_kb += (uint32_t)((end - (start > DIRECT_MAP_MAX ? start : DIRECT_MAP_MAX)) >> 10);
		end = DIRECT_MAP_MAX;
	}
	if (end <= start)
		return;
	if (ram_ranges < FLUKE_BOOT_RANGES) {
		ram[ram_ranges].start = (uint32_t)start;
		ram[ram_ranges++].end = (uint32_t)end;
	}
	boot_info.ram_total += (uint32_t)(end - start);
	range_add((uint32_t)start, (uint32_t)end, FLUKE_RANGE_FREE);
}

static void read_memory_map(const struct multiboot_info *info)
{
	uint32_t at, unused_kb = 0;
	const struct multiboot_memory *m;

	if (info->flags & 0x40) {
		for (at = info->mmap_addr; at < info->mmap_addr + info->mmap_length; at += m->size + 4) {
			m = phys_to_virt(at);
			if (m->type == 1)
				add_memory(m->start, m->start + m->length, &unused_kb);
		}
	} else if (info->flags & 1) {
		add_memory(0, (uint64_t)info->mem_lower << 10, &unused_kb);
		add_memory(1u << 20, (1u << 20) + ((uint64_t)info->mem_upper << 10), &unused_kb);
	} else {
		fatal("the boot loader gives no memory sizes");
	}
	if (boot_info.ram_total < MIN_MEMORY)
		fatal("%u MB of memory, %u MB are needed", boot_info.ram_total >> 20, MIN_MEMORY >> 20);
	if (unused_kb)
		kprintf("memory beyond %u MB is left unused: %u MB\n", DIRECT_MAP_MAX >> 20, unused_kb >> 10);
}

/* Name: the first word, without its path. */
static void module_name(char *to, const char *from, unsigned size)
{
	const char *p, *end = from, *start = from;

	while (*end && *end != ' ')
		end++;
	for (p = from; p < end; p++)
		if (*p == '/')
			start = p + 1;
	while (--size && start < end)
		*to++ = *start++;
	*to = 0;
}

static void read_modules(const struct multiboot_info *info)
{
	const struct multiboot_module *from = phys_to_virt(info->mods_addr);
	uint32_t count = info->flags & 8 ? info->mods_count : 0, i;

	if (!count)
		fatal("no boot module: the first must be root");
	if (count > FLUKE_BOOT_MODULES)
		fatal("%u boot modules, at most %u are possible", count, FLUKE_BOOT_MODULES);
	for (i = 0; i < count; i++) {
		struct fluke_boot_module *m = &boot_info.module[i];

		m->start = from[i].start;
		m->size = from[i].end - from[i].start;
		module_name(m->name, from[i].cmdline ? phys_to_virt(from[i].cmdline) : "", sizeof m->name);
		if (from[i].end <= from[i].start)
			fatal("boot module %u (%s) is empty", i, m->name);
		range_cut(m->start, m->start + m->size);
	}
	boot_info.module_count = count;
}

/* Modules get whole pages below the direct map's end, and a last page ended by zeros. */
static void place_modules(void)
{
	struct fluke_boot_module *m;

	for (m = boot_info.module; m < boot_info.module + boot_info.module_count; m++) {
		uint32_t end = m->start + m->size, to;

		if ((m->start & 4095) || end > DIRECT_MAP_MAX || end < m->start) {
			to = boot_take(m->size, FLUKE_RANGE_MODULE);
			memcpy(phys_to_virt(to), phys_to_virt(m->start), m->size);
			m->start = to;
			continue;
		}
		memset(phys_to_virt(end), 0, -end & 4095);
		range_add(m->start, (end + 4095) & ~4095u, FLUKE_RANGE_MODULE);
	}
}

static int word_known(const char *word)
{
	unsigned i, known;

	for (i = 0; i < sizeof known_words / sizeof known_words[0]; i++) {
		known = (unsigned)strlen(known_words[i]);
		if (strlen(word) >= known && !memcmp(word, known_words[i], known) &&
		    (!word[known] || known_words[i][known - 1] == '='))
			return 1;
	}
	return 0;
}

/* Next word of the line without its quotes, cut to the size; null at the end.  Double quotes
 * keep spaces, wherever in the word they begin; a backslash keeps the character behind it. */
static const char *next_word(const char *line, char *word, unsigned size)
{
	int quoted = 0;

	while (*line == ' ')
		line++;
	if (!*line)
		return 0;
	for (; *line && (quoted || *line != ' '); line++) {
		if (*line == '"') {
			quoted = !quoted;
			continue;
		}
		if (*line == '\\' && line[1])
			line++;
		if (size > 1) {
			*word++ = *line;
			size--;
		}
	}
	*word = 0;
	return line;
}

int boot_option(const char *wanted)
{
	const char *p = boot_info.command_line;
	char word[64];

	while ((p = next_word(p, word, sizeof word)))
		if (strlen(word) == strlen(wanted) && !memcmp(word, wanted, strlen(wanted)))
			return 1;
	return 0;
}

/* Loaders put the kernel's file name first. */
static void read_command_line(const struct multiboot_info *info)
{
	const char *line = info->flags & 4 ? phys_to_virt(info->cmdline) : "", *rest;
	char word[256];
	unsigned i;

	rest = next_word(line, word, sizeof word);
	for (i = 0; rest && word[i] && word[i] != '='; i++)
		if (word[i] == '/' || !memcmp(word + i, ".elf", 5)) {
			line = rest;
			break;
		}
	while (*line == ' ')
		line++;
	if (strlen(line) >= sizeof boot_info.command_line)
		fatal("the command line is longer than %u characters", (unsigned)sizeof boot_info.command_line - 1);
	copy_string(boot_info.command_line, line, sizeof boot_info.command_line);
}

static void check_command_line(void)
{
	const char *p = boot_info.command_line;
	char word[64] = "";

	while ((p = next_word(p, word, sizeof word)))
		if (!word_known(word))
			fatal("unknown word on the command line: %s", word);
}

static void read_framebuffer(const struct multiboot_info *info)
{
	if ((info->flags & 0x1000) && info->fb_type == 1 && !info->fb_address_high) {
		boot_info.fb_start = info->fb_address;
		boot_info.fb_pitch = info->fb_pitch;
		boot_info.fb_width = info->fb_width;
		boot_info.fb_height = info->fb_height;
		boot_info.fb_bpp = info->fb_bpp;
		boot_info.fb_red_pos = info->fb_red_pos;
		boot_info.fb_green_pos = info->fb_green_pos;
		boot_info.fb_blue_pos = info->fb_blue_pos;
		screen_framebuffer(phys_to_virt(info->fb_address), info->fb_pitch, info->fb_width, info->fb_height, info->fb_bpp);
	} else {
		screen_text();
	}
}

/* ---- processor and page tables */

static int has_cpuid(void)
{
	uint32_t before, after;

	__asm__ volatile ("pushfl; popl %0; movl %0, %1; xorl $0x200000, %1; pushl %1; popfl; pushfl; popl %1"
		: "=&r" (before), "=&r" (after));
	return ((before ^ after) & 0x200000) != 0;
}

static void check_processor(void)
{
	uint32_t id[4];

	if (!has_cpuid())
		fatal("the processor is too old (no CPUID)");
	cpuid(1, id);
	cpu_features = id[3];
	/* early family 6 processors show SEP without having it */
	if ((id[0] & 0xfff) < 0x633 && (id[0] >> 8 & 15) == 6 && !(id[0] >> 16 & 0xfff))
		cpu_features &= ~CPUID_SEP;
	if (!(cpu_features & CPUID_PAE))
		fatal("the processor has no physical address extension (PAE)");
	if (!(cpu_features & CPUID_FXSR))
		fatal("the processor has no FXSAVE (FXSR)");
	if (!(cpu_features & CPUID_TSC) || !(cpu_features & CPUID_MSR))
		fatal("the processor has no time stamp counter or no model specific registers");
	boot_info.cpu_features = cpu_features;
	cpuid(0x80000000u, id);
	if (id[0] < 0x80000001u || id[0] > 0x8000ffffu)
		return;
	cpuid(0x80000001u, id);
	if (id[3] & (1u << 20)) {
		nx_bit = 1ull << 63;
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x800);
	}
}

static uint32_t ram_end(void)
{
	uint32_t end = 0;
	unsigned i;

	for (i = 0; i < boot_info.range_count; i++)
		if (boot_info.range[i].start + boot_info.range[i].size > end)
			end = boot_info.range[i].start + boot_info.range[i].size;
	return end;
}

static uint32_t direct_end;

static void map_kernel(void)
{
	uint64_t global = cpu_features & CPUID_PGE ? PTE_GLOBAL : 0;
	uint32_t i;

	direct_end = ram_end();
	for (i = 0; i < (direct_end + SUPERPAGE - 1) / SUPERPAGE; i++)
		kernel_directory[i] = (uint64_t)i * SUPERPAGE | PTE_PRESENT | PTE_WRITE | PTE_SUPER | global |
			(i * SUPERPAGE >= virt_to_phys(kernel_text_end) ? nx_bit : 0);
	kernel_pdpt[3] = kernel_pdpt[0] = virt_to_phys(kernel_directory) | PTE_PRESENT;
}

/* The entry page: mov %esp, %ebp; sysenter (or int); at 0x10 ret; int3 between. */
static void make_entry_page(void)
{
	static const uint8_t with_sysenter[] = { 0x89, 0xe5, 0x0f, 0x34 }, with_int[] = { 0x89, 0xe5, 0xcd, FLUKE_INT };

	if (boot_option("nosysenter"))
		cpu_features &= ~CPUID_SEP;
	memset(entry_page, 0xcc, sizeof entry_page);
	memcpy(entry_page, cpu_features & CPUID_SEP ? with_sysenter : with_int, 4);
	entry_page[FLUKE_ENTRY_RET - FLUKE_ENTRY] = 0xc3;
	entry_page_phys = virt_to_phys(entry_page);
}

void boot_early(uint32_t magic, uint32_t info_phys)
{
	const struct multiboot_info *info = phys_to_virt(info_phys);

	serial_boot();
	screen_text();
	if (magic != MULTIBOOT_LOADED)
		fatal("not loaded by a Multiboot loader");
	read_framebuffer(info);
	read_command_line(info);
	console_live = boot_option("log=serial");
	kprintf("Fluke\n");
	check_processor();
	check_command_line();
	boot_info.magic = FLUKE_BOOT_MAGIC;
	boot_info.size = sizeof boot_info;
	read_memory_map(info);
	range_cut(0x100000, virt_to_phys(kernel_end));
	read_modules(info);
	place_modules();
	map_kernel();
	make_entry_page();
}

void boot_protect(void)
{
	kernel_pdpt[0] = 0;
	if (cpu_features & CPUID_PGE)
		WRITE_CR(4, READ_CR(4) | CR4_PGE);
	WRITE_CR(3, virt_to_phys(kernel_pdpt));
	if (boot_info.fb_start)
		screen_framebuffer(device_map(boot_info.fb_start, boot_info.fb_pitch * boot_info.fb_height), boot_info.fb_pitch,
			boot_info.fb_width, boot_info.fb_height, boot_info.fb_bpp);
	frame_boot(direct_end);
	pmap_boot();
}

void boot_publish(void)
{
	unsigned i;

	for (i = 0; i < boot_info.range_count; i++)
		frame_free_range(boot_info.range[i].start, boot_info.range[i].size);
}

void *device_map(uint32_t phys, uint32_t bytes)
{
	static uint32_t used = DIRECT_ENTRIES;
	uint32_t first = phys / SUPERPAGE, count = (phys % SUPERPAGE + bytes + SUPERPAGE - 1) / SUPERPAGE, i;
	uint32_t at = used;

	if (count > 512 - used)
		return 0;
	for (i = 0; i < count; i++)
		kernel_directory[used++] = (uint64_t)(first + i) * SUPERPAGE | PTE_PRESENT | PTE_WRITE | PTE_NO_CACHE | PTE_SUPER | nx_bit;
	return (void *)(KERNEL_BASE + at * SUPERPAGE + phys % SUPERPAGE);
}
