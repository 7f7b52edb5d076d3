/* The kernel as first parent: loads root, makes its first objects, and answers `Machine` on its
 * own port.  The wire format is that of include/protocols; every request is answered at once. */
#include "i386/machine_local.h"
#include "irq.h"
#include "mapping.h"
#include "place.h"
#include "port.h"
#include "sched.h"
#include "selftest.h"
#include "space.h"
#include "vm.h"

#define EPERM	1
#define EBADF	9
#define ENOENT	2
#define EBUSY	16
#define EINVAL	22
#define ENOSYS	38

#define INTERFACE_MACHINE	1
#define INTERFACE_PARENT	2
#define STACK_SIZE		65536u

/* ---- the first process */

struct elf_header {
	uint8_t		ident[16];
	uint16_t	type, machine;
	uint32_t	version, entry, phoff, shoff, flags;
	uint16_t	ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment { uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align; };

/* Its program headers, all checked: segments lie within the module and above the image's start. */
static const struct elf_segment *root_segments(const struct fluke_boot_module *m, const struct elf_header *h, uint32_t *end)
{
	const struct elf_segment *s = (const struct elf_segment *)((const uint8_t *)h + h->phoff);
	unsigned i;

	if (m->size < sizeof *h || memcmp(h->ident, "\177ELF\1\1", 6) || h->machine != 3 || h->type != 2)
		fatal("boot module 0 (%s) is no i386 ELF program", m->name);
	if (h->phoff > m->size || h->phnum * sizeof *s > m->size - h->phoff)
		fatal("boot module 0 (%s) is truncated", m->name);
	*end = FLUKE_ROOT_IMAGE;
	for (i = 0; i < h->phnum; i++) {
		if (s[i].type != 1)
			continue;
		if (s[i].offset > m->size || s[i].filesz > m->size - s[i].offset)
			fatal("boot module 0 (%s) is truncated", m->name);
		if (s[i].vaddr < FLUKE_ROOT_IMAGE || s[i].memsz > (64u << 20) || s[i].vaddr - FLUKE_ROOT_IMAGE > (64u << 20) ||
		    s[i].filesz > s[i].memsz)
			fatal("boot module 0 (%s) is not linked at %x", m->name, FLUKE_ROOT_IMAGE);
		if (s[i].vaddr + s[i].memsz > *end)
			*end = s[i].vaddr + s[i].memsz;
	}
	*end = (*end + 4095) & ~4095u;
	return s;
}

/* Image, boot info and stack lie in one contiguous run of frames, in this order. */
static uint32_t load_root(uint32_t *size, uint32_t *entry, uint32_t *info)
{
	const struct fluke_boot_module *m = &boot_info.module[0];
	const struct elf_header *h = phys_to_virt(m->start);
	uint32_t end, phys;
	const struct elf_segment *s = root_segments(m, h, &end);
	unsigned i;

	*info = end;
	*size = end - FLUKE_ROOT_IMAGE + ((sizeof boot_info + 4095) & ~4095u) + STACK_SIZE;
	*entry = h->entry;
	phys = boot_take(*size, FLUKE_RANGE_ROOT);
	for (i = 0; i < h->phnum; i++)
		if (s[i].type == 1)
			memcpy(phys_to_virt(phys + s[i].vaddr - FLUKE_ROOT_IMAGE), (const uint8_t *)h + s[i].offset, s[i].filesz);
	return phys;
}

/* Root's first objects, in one page of their own. */
void machine_boot(void)
{
	uint32_t size, entry, info, image, page;
	struct thread *t;
	struct space *space;
	struct region *region;
	uint8_t *objects;

	image = load_root(&size, &entry, &info);
	page = boot_take(FLUKE_PAGE_SIZE, FLUKE_RANGE_ROOT);
	objects = phys_to_virt(page);
	boot_publish();
	space = (struct space *)(objects + FLUKE_ROOT_OBJ_SPACE);
	region = (struct region *)(objects + FLUKE_ROOT_OBJ_REGION);
	t = (struct thread *)(objects + FLUKE_ROOT_OBJ_THREAD);
	object_boot(space, FLUKE_TYPE_SPACE);
	object_boot(region, FLUKE_TYPE_REGION);
	object_boot(objects + FLUKE_ROOT_OBJ_MAP_PHYS, FLUKE_TYPE_MAPPING);
	object_boot(objects + FLUKE_ROOT_OBJ_MAP_IMG, FLUKE_TYPE_MAPPING);
	object_boot(objects + FLUKE_ROOT_OBJ_KERNEL, FLUKE_TYPE_REF);
	object_boot(t, FLUKE_TYPE_THREAD);
	/* all that a 32-bit processor may address: RAM, and devices once Machine.device_add names them */
	region_boot(region, 0xfffff000u);
	mapping_boot((struct mapping *)(objects + FLUKE_ROOT_OBJ_MAP_PHYS), space, region, 0, FLUKE_ROOT_PHYSICAL,
		DIRECT_MAP_MAX, FLUKE_PROT_ALL);
	mapping_boot((struct mapping *)(objects + FLUKE_ROOT_OBJ_MAP_IMG), space, region, image, FLUKE_ROOT_IMAGE,
		size, FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE);
	link_set(&((struct ref *)(objects + FLUKE_ROOT_OBJ_KERNEL))->link, &kernel_port.obj);

	boot_info.objects = FLUKE_ROOT_PHYSICAL + page;
	memcpy(phys_to_virt(image + info - FLUKE_ROOT_IMAGE), &boot_info, sizeof boot_info);
	regs_init(t);
	t->regs.eip = entry;
	t->regs.esp = FLUKE_ROOT_IMAGE + size;
	t->regs.ebx = info;
	t->thread_va = boot_info.objects + FLUKE_ROOT_OBJ_THREAD;
	t->flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	link_set(&t->space, &space->obj);
	t->blocked = 0;
	sched_set_root(0, t);
	console_live = 0;
}

/* ---- Machine */

struct request {
	const uint32_t	*in;		/* after the method word */
	unsigned	words, refs;
	struct link	**ref;
	uint32_t	*out;		/* after the error word */
	unsigned	out_words;
};

static struct object *request_object(const struct request *r, unsigned i)
{
	return i < r->refs && r->ref[i] ? link_target(r->ref[i]) : 0;
}

/* The object, if it is null or of the type. */
static int typed(struct object *o, unsigned type)
{
	return !o || object_type(o) == type;
}

static int do_debug_write(struct request *r)
{
	const char *text = (const char *)(r->in + 1);
	uint32_t count = r->in[0], i;

	if (count > (r->words - 1) * 4)
		return EINVAL;
	for (i = 0; i < count; i++)
		console_putc(text[i]);
	return 0;
}

static int do_irq_attach(struct request *r)
{
	struct object *port = request_object(r, 0);

	return typed(port, FLUKE_TYPE_PORT) ? irq_attach(r->in[0], port) : EINVAL;
}

static int do_io_allow(struct request *r)
{
	struct object *space = request_object(r, 0);

	return space && typed(space, FLUKE_TYPE_SPACE) ? io_allow(space, r->in[0], r->in[1]) : EINVAL;
}

static int do_device_add(struct request *r)
{
	return boot_is_ram(r->in[0], r->in[1]) || vm_device_add(r->in[0], r->in[1]) ? EINVAL : 0;
}

static int do_deadline_set(struct request *r)
{
	struct object *port = request_object(r, 0);

	if (!typed(port, FLUKE_TYPE_PORT))
		return EINVAL;
	timer_deadline((uint64_t)r->in[1] << 32 | r->in[0], port);
	return 0;
}

static int do_clock(struct request *r)
{
	uint64_t now = clock_now();

	r->out[0] = (uint32_t)now;
	r->out[1] = (uint32_t)(now >> 32);
	r->out_words = 2;
	return 0;
}

static int do_scheduler_set(struct request *r)
{
	struct object *thread = request_object(r, 0);

	if (r->in[0] != 0 || !thread || !typed(thread, FLUKE_TYPE_THREAD))
		return EINVAL;
	sched_set_root(0, (struct thread *)thread);
	return 0;
}

static int do_power(struct request *r)
{
	selftest();		/* nothing else would notice broken books so late */
	check_report();
	machine_power(r->in[0], r->in[1]);
}

static int do_object_count(struct request *r)
{
	if (r->in[0] >= FLUKE_TYPES)
		return EINVAL;
	r->out[0] = r->in[0] ? object_live[r->in[0]] : pmap_free_tables();
	r->out_words = 1;
	return 0;
}

static int do_panic(struct request *r)
{
	char reason[32];
	uint32_t length = r->in[0];

	if (length > (r->words - 1) * 4)
		length = (r->words - 1) * 4;
	memcpy(reason, r->in + 1, length);
	reason[length] = 0;
	panic("the first process gives up: %s", reason);
}

static int do_check(struct request *r)
{
	(void)r;
	selftest();
	return 0;
}

static int do_lateness(struct request *r)
{
	r->out[0] = timer_worst;
	r->out[1] = timer_where;
	r->out_words = 2;
	timer_worst = 0;
	return 0;
}

static int do_watch(struct request *r)
{
	struct object *space = request_object(r, 0), *port = request_object(r, 1);

	if (!space || !typed(space, FLUKE_TYPE_SPACE) || !typed(port, FLUKE_TYPE_PORT))
		return EINVAL;
	link_set(&((struct space *)space)->watcher, port);
	return 0;
}

/* In the order of Machine.idl; words = at least so many. */
static const struct { int (*answer)(struct request *r); uint8_t words, refs; } methods[] = {
	{ do_debug_write, 1, 0 }, { do_irq_attach, 1, 0 }, { do_io_allow, 2, 1 }, { do_device_add, 2, 0 },
	{ do_deadline_set, 2, 0 }, { do_clock, 0, 0 }, { do_scheduler_set, 1, 1 }, { do_power, 2, 0 },
	{ do_object_count, 1, 0 }, { do_panic, 1, 0 }, { do_check, 0, 0 },
	{ do_lateness, 0, 0 }, { do_watch, 0, 1 },
};

/* Of Parent the kernel has little to give: no service, no descriptor, and the end. */
static int answer_parent(unsigned method, const struct request *r)
{
	switch (method) {
	case 0: return ENOENT;			/* lookup */
	case 1: return EBADF;			/* get_fd */
	case 2: if (r->words) machine_power(0, r->in[0] >> 8);	/* exit */
		return EINVAL;
	default: return ENOSYS;
	}
}

void machine_request(struct thread *t, const uint32_t words_in[], unsigned n, struct link *refs_in[],
	unsigned nrefs, uint32_t words_out[8], unsigned *n_out)
{
	struct request r = { words_in + 1, n ? n - 1 : 0, nrefs, refs_in, words_out + 1, 0 };
	unsigned interface = n ? words_in[0] >> 8 : 0, method = n ? words_in[0] & 0xff : 0;
	int error = ENOSYS;

	(void)t;
	if (interface == INTERFACE_PARENT)
		error = answer_parent(method, &r);
	else if (interface == PLACE_INTERFACE)
		error = place_request(method, words_in + 1, refs_in, nrefs, words_out + 1);
	else if (interface == INTERFACE_MACHINE && method < sizeof methods / sizeof methods[0])
		error = r.words < methods[method].words || nrefs < methods[method].refs ? EINVAL : methods[method].answer(&r);
	words_out[0] = (uint32_t)error;
	*n_out = interface == PLACE_INTERFACE ? FLUKE_MAX_MIN_MSG : 1 + (error ? 0 : r.out_words);
}

/* Each way is tried in turn: the emulators' ports, then the machine's own. */
void machine_power(unsigned how, unsigned status)
{
	static const char shutdown[] = "Shutdown";
	unsigned i;

	interrupts_off();
	if (how != 2)
		outl(0xf4, status & 0x7f);
	if (how == 0) {
		outw(0x604, 0x2000);
		outw(0xb004, 0x2000);
		for (i = 0; i < 8; i++)
			outb(0x8900, (uint8_t)shutdown[i]);
	} else if (how == 1) {
		outb(0xcf9, 6);
		for (i = 0; i < 100000 && (inb(0x64) & 2); i++)
			;
		outb(0x64, 0xfe);
	}
	console_take();
	kprintf("The system has ended; the power may be switched off.\n");
	for (;;)
		__asm__ volatile ("cli; hlt");
}
