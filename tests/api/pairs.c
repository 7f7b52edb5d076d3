/* Every call with all pairs of good and bad values for its arguments, and for the fields of its
 * parameter block: null, unmapped, the last byte of a page, a kernel address, an object page, an
 * object of the wrong type, a dead one, a misaligned one, huge.  A caller in a space of its own makes
 * one call at a time in a world that the first thread sets up anew.  Claims: the caller comes back,
 * with a result or an exception, or waits; a call never succeeds on an object argument that is
 * none; nothing but the caller's own world changes. */
#include <fluke/callnumbers.h>
#include "check.h"
#include "call_table.h"

#define PAGE		FLUKE_PAGE_SIZE
#define OBJECTS		0x10000000u	/* two pages: threads; everything else */
#define DATA		0x20000000u	/* three pages, the stack at the end */
#define DATA_PAGES	3u
#define DATA_END	(DATA + DATA_PAGES * PAGE)
#define FREE		1024u		/* in the second page: places without an object from here on */

enum bad { GOOD, NULL_, UNMAPPED, LAST_BYTE, KERNEL, OBJECT_PAGE, WRONG_TYPE, DEAD, MISALIGNED, HUGE_, VALUES };

struct probe {			/* at DATA */
	uint32_t	registers[6], result, code, subcode;
	volatile uint32_t how;	/* 0: still in the call, 1: it returned, 2: an exception */
	fluke_ipc_params_t block;
	uint32_t	table[8], words[16], in[64];
	fluke_thread_state_t state;
};
#define PROBE		((struct probe *)DATA)
#define FIELD(name)	(DATA + __builtin_offsetof(struct probe, name))

/* ---- the caller */

extern char pairs_begin[], pairs_trap[];
__asm__ ("pairs_begin: movl $0x20000000, %ebp; movl (%ebp), %eax; movl 4(%ebp), %ebx; movl 8(%ebp), %ecx;"
	"movl 12(%ebp), %edx; movl 16(%ebp), %esi; movl 20(%ebp), %edi; pushl $9f; pushl $0xbffff000; ret; 9: "
	"movl $0x20000000, %ebp; movl %eax, 24(%ebp); movl $1, 36(%ebp); 1: hlt; jmp 1b\n"
	"pairs_trap: cmpl $0, 0x20000024; jne 1f; movl %eax, 0x2000001c; movl %edx, 0x20000020; movl $2, 0x20000024;"
	"1: ud2; jmp 1b");
_Static_assert(__builtin_offsetof(struct probe, how) == 36, "pairs_begin and pairs_trap know the fields");

/* ---- the world of a call: an object of each type, references to them, free places */

static struct {
	fluke_space_t	*space;
	fluke_thread_t	*caller;
	fluke_ref_t	*space_ref;
	uint32_t	objects, data;		/* where the first thread sees them */
	uint8_t		*canary;
	uint32_t	made, returned, trapped, waited, wrong;
} w;

static uint32_t place(unsigned type)
{
	static const uint16_t at[FLUKE_TYPES] = {
		[FLUKE_TYPE_SPACE] = PAGE, [FLUKE_TYPE_REGION] = PAGE + 256, [FLUKE_TYPE_MAPPING] = PAGE + 384,
		[FLUKE_TYPE_MUTEX] = PAGE + 512, [FLUKE_TYPE_COND] = PAGE + 576, [FLUKE_TYPE_PORT] = PAGE + 640,
		[FLUKE_TYPE_PORTSET] = PAGE + 704, [FLUKE_TYPE_REF] = PAGE + 768,
	};

	return OBJECTS + at[type];
}

static uint32_t ref_place(unsigned to) { return OBJECTS + PAGE + 2048 + 32 * to; }
static void *seen(uint32_t address) { return (void *)(address - OBJECTS + w.objects); }

static uint32_t free_place(unsigned type)
{
	return OBJECTS + (type == FLUKE_TYPE_THREAD ? 1024 : PAGE + FREE + 512);
}

#define MADE(type)	fluke_##type##_create(seen(place(D_##type)))
#define KNOWN(type)	fluke_##type##_reference(seen(place(D_##type)), seen(ref_place(D_##type)))

static void world_new(void)
{
	uint32_t offset = check_physical_of((void *)w.objects);

	fluke_region_clear(check_physical, &offset, 2 * PAGE);
	MADE(space); MADE(region); MADE(mapping); MADE(mutex); MADE(cond); MADE(port); MADE(portset); MADE(thread); MADE(ref);
	for (unsigned type = 1; type < FLUKE_TYPES; type++)
		fluke_ref_create(seen(ref_place(type)));
	KNOWN(space); KNOWN(region); KNOWN(mapping); KNOWN(mutex); KNOWN(cond); KNOWN(port); KNOWN(portset); KNOWN(thread);
	memset((void *)w.data, 0, PAGE);
}

static unsigned type_of(unsigned detail)
{
	switch (detail) {
	case D_client: case D_server: case D_inheritor: case D_owner: return FLUKE_TYPE_THREAD;
	case D_keeper: return FLUKE_TYPE_PORT;
	default: return detail;
	}
}

static uint32_t bad_value(enum bad bad, unsigned kind, unsigned type)
{
	switch (bad) {
	case NULL_: return 0;
	case UNMAPPED: return 0x70000000;
	case LAST_BYTE: return DATA_END - 1;
	case KERNEL: return 0xc0100000;
	case OBJECT_PAGE: return OBJECTS + PAGE + 3072;		/* no object there */
	case WRONG_TYPE: return type == FLUKE_TYPE_COND ? place(FLUKE_TYPE_MUTEX) : place(FLUKE_TYPE_COND);
	case DEAD: return OBJECTS + PAGE + 3584;	/* where one was destroyed */
	case MISALIGNED: return (kind == OBJ_ || kind == NEW_ ? place(type ? type : FLUKE_TYPE_PORT) : FIELD(in)) + 2;
	default: return 0xffffffff;
	}
}

static uint32_t block_good(struct probe *p)
{
	p->block = (fluke_ipc_params_t){
		.send_words = 3, .send_data = (void *)FIELD(words), .send_refs = 1, .send_ref_table = (void *)FIELD(table),
		.recv_words = 16, .recv_data = (void *)FIELD(in), .recv_refs = 1, .recv_ref_table = (void *)FIELD(table[4]),
	};
	p->table[0] = ref_place(FLUKE_TYPE_SPACE);
	p->table[4] = place(FLUKE_TYPE_REF);
	return FIELD(block);
}

static uint32_t good_value(struct probe *p, const struct argument *a)
{
	switch (a->kind) {
	case NEW_: return free_place(a->detail);
	case OBJ_: return place(a->detail);
	case REF_: return a->detail == D_ref ? place(FLUKE_TYPE_REF) : ref_place(type_of(a->detail));
	case DEST_: return ref_place(FLUKE_TYPE_PORT);
	case IN_:
		if (a->detail != D_thread_state)
			return FIELD(words);
		p->state.flags = FLUKE_THREAD_STOPPED;
		return FIELD(state);
	case OUT_: return FIELD(in);
	case BLOCK_: case HALF_: return block_good(p);
	case REFS_: return FIELD(in);
	case PROT_: return FLUKE_PROT_ALL;
	case CODE_: return (uint32_t)pairs_trap;
	case WORD_: return a->detail == D_size ? PAGE : 0;
	default: return 0;
	}
}

/* The register of each argument; returns how many there are.  ebx ecx edx esi edi = 1..5. */
static unsigned registers_of(unsigned number, uint8_t reg[6])
{
	unsigned n = 0, plain = 1, value = 4;

	for (const struct argument *a = calls[number].argument; a->kind; a++, n++) {
		if (calls[number].name[0] == 'i')
			reg[n] = a->kind == DEST_ || a->kind == OBJ_ ? 5 : a->kind == ALIAS_ ? 0 : 1;
		else if (a->kind == INOUT_ || (a->kind == OUT_ && a->detail == D_word))
			reg[n] = value++;
		else
			reg[n] = plain++;
	}
	return n;
}

/* ---- one call */

static void begin(struct probe *p)
{
	static fluke_thread_state_t state;
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = w.space_ref };

	p->how = 0;
	memset(&state, 0, sizeof state);
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eip = (uint32_t)pairs_begin;
	state.regs.esp = DATA_END - 64;
	state.regs.trap_handler = (uint32_t)pairs_trap;
	state.regs.server_portset = place(FLUKE_TYPE_PORTSET);
	fluke_thread_get_state(w.caller, 0, 0);
	fluke_thread_set_state(w.caller, &state, links);
	check_run_for(w.caller, 200);
}

/* thread_schedule takes null for "nobody" and "no port", thread_used for "nobody". */
static int must_fail(unsigned number, const struct argument *a, enum bad bad)
{
	if ((number == FLUKE_CALL_thread_schedule || number == FLUKE_CALL_thread_used) && bad == NULL_)
		return 0;
	return bad != GOOD && (a->kind == OBJ_ || a->kind == NEW_) && !(a->kind == NEW_ && (bad == OBJECT_PAGE || bad == DEAD));
}

static void judge(unsigned number, struct probe *p, int may_succeed, unsigned i, enum bad a, unsigned j, enum bad b)
{
	w.made++;
	if (p->how == 1)
		w.returned++;
	else if (p->how == 2)
		w.trapped++;
	else
		w.waited++;
	if (may_succeed || p->how != 1)
		return;
	w.wrong++;
	check_print("# %s: argument %u value %u, argument %u value %u: returned 0x%x\n", calls[number].name, i, a, j, b, p->result);
}

static void one_call(unsigned number, unsigned i, enum bad a, unsigned j, enum bad b)
{
	const struct argument *argument = calls[number].argument;
	struct probe *p = (struct probe *)w.data;
	uint8_t reg[6];
	unsigned n = registers_of(number, reg);

	world_new();
	fluke_port_create(seen(OBJECTS + PAGE + 3584));
	fluke_port_destroy(seen(OBJECTS + PAGE + 3584));
	p->registers[0] = number;
	for (unsigned k = 0; k < n; k++)
		p->registers[reg[k]] = k == i && a ? bad_value(a, argument[k].kind, type_of(argument[k].detail)) :
			k == j && b ? bad_value(b, argument[k].kind, type_of(argument[k].detail)) : good_value(p, &argument[k]);
	p->registers[0] = number;		/* an ALIAS argument has no register */
	if (argument[0].kind == HALF_)
		p->registers[2] = 3, p->registers[4] = FIELD(words), p->registers[5] = 0;
	begin(p);
	judge(number, p, !must_fail(number, &argument[i], a) && !must_fail(number, &argument[j], b), i, a, j, b);
}

static void pairs_of(unsigned number)
{
	uint8_t reg[6];
	unsigned n = registers_of(number, reg);

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i; j < n; j++)
			for (enum bad a = GOOD; a < VALUES; a++)
				for (enum bad b = GOOD; b < VALUES; b++)
					if (i != j || a == b)
						one_call(number, i, a, j, b);
}

/* The nine words of a parameter block, in pairs, for each call that has one. */
static void block_pairs_of(unsigned number)
{
	struct probe *p = (struct probe *)w.data;
	uint8_t reg[6];
	unsigned n = registers_of(number, reg);

	for (unsigned i = 0; i < 9; i++)
		for (unsigned j = i + 1; j < 9; j++)
			for (enum bad a = NULL_; a < VALUES; a++)
				for (enum bad b = a; b < VALUES; b += 3) {
					world_new();
					for (unsigned k = 0; k < n; k++)
						p->registers[reg[k]] = good_value(p, &calls[number].argument[k]);
					p->registers[0] = number;
					((uint32_t *)&p->block)[i] = bad_value(a, WORD_, 0);
					((uint32_t *)&p->block)[j] = bad_value(b, WORD_, 0);
					begin(p);
					judge(number, p, 1, i, a, j, b);
				}
}

/* Pages of the first space, seen in another through so many segments. */
static void show(uint32_t from, uint32_t pages, uint32_t at, uint32_t prot, int depth)
{
	fluke_region_t *r = check_region_new(check_root_space, from, pages * PAGE, FLUKE_PROT_ALL, 0);

	while (--depth) {
		fluke_space_t *segment = check_space_new();

		check_mapping_new(r, 0, segment, 0x1000, pages * PAGE, FLUKE_PROT_ALL);
		r = check_region_new(segment, 0x1000, pages * PAGE, FLUKE_PROT_ALL, 0);
	}
	check_mapping_new(r, 0, w.space, at, pages * PAGE, prot);
}

static void all(int depth, int blocks)
{
	memset(&w, 0, sizeof w);
	w.objects = (uint32_t)check_pages(2);
	w.data = (uint32_t)check_pages(DATA_PAGES);
	w.canary = check_pages(1);
	memset(w.canary, 0xa5, PAGE);
	w.space = check_space_new();
	w.space_ref = check_ref_new();
	fluke_space_reference(w.space, w.space_ref);
	fluke_thread_create(w.caller = check_object(sizeof *w.caller));
	show(FLUKE_ROOT_IMAGE, check_code_size / PAGE, FLUKE_ROOT_IMAGE, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, depth);
	show(w.data, DATA_PAGES, DATA, FLUKE_PROT_READ | FLUKE_PROT_WRITE, depth);
	show(w.objects, 2, OBJECTS, FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_OBJECT, depth);
	for (unsigned number = 1; number < CALLS; number++)
		if (calls[number].name && !blocks)
			pairs_of(number);
		else if (calls[number].name && (calls[number].argument[0].kind == BLOCK_))
			block_pairs_of(number);
	check_print("# %u calls: %u returned, %u raised an exception, %u waited\n", w.made, w.returned, w.trapped, w.waited);
	CHECK_EQUAL(w.wrong, 0);
	CHECK(w.returned > w.made / 50 && w.trapped > w.made / 50);
	for (uint32_t i = 0; i < PAGE; i++)
		CHECK_EQUAL(w.canary[i], 0xa5);
	CHECK_EQUAL(fluke_thread_self(), check_first_thread);
}

CASE("pairs-01", "all pairs of values for the arguments of every call")
{
	all(1, 0);
}

CASE("pairs-02", "the same, the caller's memory three levels away")
{
	all(3, 0);
}

CASE("pairs-03", "pairs of values for the words of every parameter block")
{
	all(1, 1);
}
