/* Random callers: three threads in a space of their own make every kernel call of calls.def with
 * arguments made for its types, good ones mostly, so that what they do succeeds and builds on
 * what they did before, and bad ones among them.  They share their objects and may do to each
 * other whatever the calls allow.  The kernel must live, keep its books (checked after each
 * case) and leave the first thread alone. */
#include "check.h"
#include "call_table.h"

#define OBJECTS		0x10000000u	/* 8 pages with OBJECT */
#define OBJECT_PAGES	8u
#define DATA		0x20000000u	/* per caller CALLER_PAGES */
#define CALLER_PAGES	4u
#define CALLERS		4u		/* three, and one whose memory the threads that they make use */
#define MAIN		(CALLERS - 1)
#define WINDOWS		0x30000000u	/* where they map things */
#define SLOTS		12u
#define PAGE		FLUKE_PAGE_SIZE

/* ---- a caller; its code touches only this, its objects and its stack */

struct caller {
	uint32_t	random, left;
	uint32_t	more, then_random[4], then_left[4];	/* further parts of this life, the next one last */
	uint32_t	made[CALLS], good[CALLS];
	fluke_ipc_params_t block;
	uint32_t	table[16], words[16];
	fluke_thread_state_t state;
	uint8_t		out[2048];
	uint32_t	stack_top[1];	/* of exceptions: this address, holding this caller's */
};
#define STACK_OF(c)	((uint32_t)(c) + CALLER_PAGES * PAGE - 64)

static uint32_t next(struct caller *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 17;
	c->random ^= c->random << 5;
	return c->random >> 3;
}

static uint32_t below(struct caller *c, uint32_t n) { return next(c) % n; }

/* Where the i-th object of a type has its place; references are kept by what they lead to. */
static uint32_t place(unsigned type, uint32_t i)
{
	static const struct { uint16_t page, at, size; } where[FLUKE_TYPES] = {
		[FLUKE_TYPE_THREAD] = { 0, 0, 1024 }, [FLUKE_TYPE_SPACE] = { 4, 0, 256 }, [FLUKE_TYPE_REGION] = { 5, 0, 128 },
		[FLUKE_TYPE_MAPPING] = { 5, 2048, 128 }, [FLUKE_TYPE_MUTEX] = { 6, 0, 64 }, [FLUKE_TYPE_COND] = { 6, 1024, 64 },
		[FLUKE_TYPE_PORT] = { 6, 2048, 64 }, [FLUKE_TYPE_PORTSET] = { 6, 3072, 64 },
	};

	return OBJECTS + where[type].page * PAGE + where[type].at + where[type].size * i;
}

static uint32_t ref_place(unsigned to, uint32_t i) { return OBJECTS + 7 * PAGE + (to * SLOTS + i) * 32; }

static unsigned type_of(unsigned detail)
{
	switch (detail) {
	case D_client: case D_server: case D_inheritor: case D_owner: return FLUKE_TYPE_THREAD;
	case D_keeper: return FLUKE_TYPE_PORT;
	default: return detail;
	}
}

static uint32_t bad(struct caller *c)
{
	static const uint32_t odd[16] = {
		0, 0x70000000, DATA + PAGE - 1, DATA + CALLERS * CALLER_PAGES * PAGE - 4, 0xc0100000, OBJECTS + 6 * PAGE + 64,
		OBJECTS + 4 * PAGE + 4, 0xffffffff, FLUKE_ENTRY, FLUKE_VM_MAX - 4, 31, 0x80000000, OBJECTS + 7 * PAGE,
		OBJECTS + 5 * PAGE, FLUKE_ROOT_IMAGE, 1,
	};

	return odd[below(c, 16)];
}

static uint32_t ref_to(struct caller *c, unsigned type) { return ref_place(type % FLUKE_TYPES, below(c, 10)); }

static uint32_t some_pages(struct caller *c, uint32_t n) { return below(c, n) * PAGE; }

extern char random_begin[], random_trap[];

static uint32_t state_for(struct caller *c, unsigned detail)
{
	uint32_t *w = c->words;

	memset(w, 0, sizeof c->words);
	switch (detail) {
	case D_region_state:
		w[1] = (below(c, 2) ? DATA : below(c, 2) ? WINDOWS : OBJECTS) + some_pages(c, 8);
		w[2] = some_pages(c, 8);
		w[3] = below(c, 3) ? FLUKE_PROT_ALL : below(c, 16);
		break;
	case D_mapping_state:
		w[1] = some_pages(c, 4);
		w[2] = WINDOWS + some_pages(c, 64);
		w[3] = some_pages(c, 6);
		w[4] = below(c, 3) ? FLUKE_PROT_ALL : below(c, 16);
		break;
	case D_mutex_state: case D_cond_state:
		w[1] = below(c, 4);
		w[2] = below(c, 2);
		break;
	case D_port_state:
		w[1] = next(c);
		w[2] = below(c, 2);
		w[3] = below(c, 4) ? 0 : next(c);
		break;
	case D_saved:
		w[3] = STACK_OF(c);
		w[4] = (uint32_t)random_trap;
		w[5] = 0x202;
		break;
	case D_thread_state: {
		struct caller *other = (struct caller *)(DATA + (CALLERS - 1) * CALLER_PAGES * PAGE);

		memset(&c->state, 0, sizeof c->state);
		c->state.flags = below(c, 4) ? FLUKE_THREAD_EXCEPTION_ENABLE : next(c) & 0x7f;
		c->state.regs.eip = (uint32_t)random_begin;
		c->state.regs.ecx = (uint32_t)other;
		c->state.regs.esp = STACK_OF(other);
		c->state.regs.eflags = 0x202;
		c->state.regs.trap_handler = c->state.regs.interrupt_handler = (uint32_t)random_trap;
		c->state.regs.handler_esp = (uint32_t)other->stack_top;
		return (uint32_t)&c->state;
	}
	}
	return (uint32_t)w;
}

static uint32_t block_for(struct caller *c)
{
	fluke_ipc_params_t *p = &c->block;

	memset(p, 0, sizeof *p);
	p->send_words = below(c, 8) ? 2 + below(c, 7) : below(c, 3000);
	p->send_data = (void *)(DATA + below(c, 256) * 4);
	p->recv_words = below(c, 8) ? below(c, 12) : below(c, 400);
	p->recv_data = c->out;
	for (int i = 0; i < 16; i++)
		c->table[i] = ref_to(c, 1 + below(c, FLUKE_TYPES - 1));
	if (below(c, 4) == 0)
		p->send_refs = below(c, 4);
	if (below(c, 2) == 0)
		p->recv_refs = below(c, 4);
	p->send_ref_table = (void **)c->table;
	p->recv_ref_table = (fluke_ref_t **)(c->table + 8);
	if (below(c, 16) == 0)
		((uint32_t *)p)[below(c, 9)] = bad(c);
	return (uint32_t)p;
}

static uint32_t word_for(struct caller *c, unsigned detail)
{
	switch (detail) {
	case D_size: return below(c, 2) ? some_pages(c, 9) : below(c, 0x8000);
	case D_flags: return below(c, 32);
	case D_sensitivity: return below(c, 8) ? 0 : below(c, 4);
	default: return next(c);
	}
}

static uint32_t value_for(struct caller *c, const struct argument *a, unsigned of_type)
{
	if (below(c, 12) == 0)
		return a->kind == CODE_ ? 0x70000000 : bad(c);	/* what can be run at the others would write anywhere */
	switch (a->kind) {
	case NEW_: case OBJ_:
		if (a->detail == D_ref)
			return ref_to(c, 1 + below(c, FLUKE_TYPES - 1));
		return place(a->detail, below(c, 3) ? below(c, a->detail == D_thread ? 4 : 10) : 0);	/* the first is popular */
	case REF_: return a->detail == D_ref ? ref_to(c, of_type) : below(c, 6) ? ref_to(c, type_of(a->detail)) : 0;
	case IN_: return state_for(c, a->detail);
	case OUT_: return (uint32_t)c->out;
	case PROT_: return below(c, 3) ? FLUKE_PROT_ALL : below(c, 16);
	case CODE_: return (uint32_t)random_trap;
	case BLOCK_: return block_for(c);
	case DEST_: return below(c, 4) ? ref_to(c, FLUKE_TYPE_PORT) : place(FLUKE_TYPE_PORT, below(c, 10));
	case REFS_:
		for (int i = 0; i < 5; i++)
			c->table[i] = below(c, 3) ? 0 : ref_to(c, i == 0 ? FLUKE_TYPE_SPACE : i == 1 ? FLUKE_TYPE_PORT : FLUKE_TYPE_THREAD);
		return (uint32_t)c->table;
	default: return word_for(c, a->detail);
	}
}

/* eax ebx ecx edx esi edi, as include/fluke/i386/thread.h has it. */
static void arguments(struct caller *c, unsigned number, uint32_t r[6])
{
	static const uint8_t plain[5] = { 1, 2, 3, 4, 5 };	/* ebx ecx edx esi edi */
	const struct argument *a = calls[number].argument;
	unsigned next_plain = 0, next_value = 4, of_type = a[0].detail;
	int ipc = calls[number].name[0] == 'i';

	r[0] = number;
	for (int i = 1; i < 6; i++)
		r[i] = next(c);
	for (; a->kind; a++) {
		uint32_t v;

		if (a->kind == SELF_) {
			next_plain++;
			continue;
		}
		if (a->kind == ALIAS_)
			continue;
		if (a->kind == HALF_) {
			block_for(c);
			r[0] |= a->detail == D_send ? (uint32_t)c->block.send_refs << 24 : (uint32_t)c->block.recv_refs << 24;
			r[1] = (uint32_t)&c->block;
			r[2] = a->detail == D_send ? c->block.send_words : c->block.recv_words;
			r[4] = (uint32_t)(a->detail == D_send ? c->block.send_data : c->block.recv_data);
			r[5] = 0;
			r[3] = (uint32_t)(c->table + (a->detail == D_send ? 0 : 8));
			continue;
		}
		v = value_for(c, a, of_type);
		if (a->kind == DEST_ || (ipc && a->kind == OBJ_))
			r[5] = v;
		else if (a->kind == BLOCK_)
			r[1] = v;
		else if (a->kind == INOUT_ || (a->kind == OUT_ && a->detail == D_word))
			r[next_value++] = a->detail == D_count ? below(c, 20) : a->detail == D_hash ? below(c, 2) * next(c) : word_for(c, D_size);
		else
			r[plain[next_plain++]] = v;
	}
}

/* Of a few drawn calls the one that has succeeded least often: so that all do in the end. */
static unsigned choose(struct caller *c)
{
	unsigned n = below(c, CALLS);

	for (int draws = 3; draws--; ) {
		unsigned other = below(c, CALLS);

		if (calls[other].name && c->good[other] < c->good[n])
			n = other;
	}
	if ((n == 6 || n == 14 || n == 17 || n == 39) && below(c, 8))	/* these end much */
		n = 83;
	return n;
}

uint32_t random_call(const uint32_t registers[6]);
static void prepare(struct caller *c, unsigned number, uint32_t r[6]);
__asm__ ("random_call: pushl %ebx; pushl %esi; pushl %edi; pushl %ebp; movl 20(%esp), %ebp; movl (%ebp), %eax;"
	"movl 4(%ebp), %ebx; movl 8(%ebp), %ecx; movl 12(%ebp), %edx; movl 16(%ebp), %esi; movl 20(%ebp), %edi;"
	"pushl $9f; pushl $0xbffff000; ret; 9: popl %ebp; popl %edi; popl %esi; popl %ebx; ret");

static void one_call(struct caller *c, unsigned number, uint32_t object)
{
	uint32_t r[6] = { number, object };

	c->made[number]++;
	random_call(r);
	c->good[number]++;
}

/* What some calls need before they can succeed: a free place, a mutex that is held. */
static void prepare(struct caller *c, unsigned number, uint32_t r[6])
{
	static const uint8_t destroy[FLUKE_TYPES] = { 0, 65, 75, 43, 32, 51, 58, 25, 3, 84 };
	const struct argument *a = calls[number].argument;
	int move = a[1].kind == NEW_;
	uint32_t mine = ((uint32_t)c - DATA) / (CALLER_PAGES * PAGE) % MAIN;

	if (below(c, 2))
		return;
	if (move || (a[0].kind == NEW_ && a[1].kind == INOUT_))
		one_call(c, destroy[a[move].detail], r[1 + move]);
	if (number == 72)
		one_call(c, 71, r[1]);		/* trylock before unlock */
	if (number == 80) {			/* and a lock of one's own before the wait */
		r[2] = place(FLUKE_TYPE_MUTEX, 6 + mine);
		one_call(c, 71, r[2]);
	}
	if (number >= 94 && number <= 96) {	/* a message that is found waiting */
		uint32_t send[6] = { 92, (uint32_t)&c->block, 0, 0, 0, ref_place(FLUKE_TYPE_PORT, mine) };

		block_for(c);
		c->block.send_words = 2;
		c->block.send_refs = c->block.send_buffers = 0;
		c->made[92]++;
		random_call(send);
		c->good[92]++;
		if (number == 95)
			r[5] = place(FLUKE_TYPE_PORTSET, mine);
	}
}

void random_loop(struct caller *c);
void random_loop(struct caller *c)
{
	uint32_t r[6];

	while (c->left || c->more) {
		unsigned number;

		if (!c->left) {
			c->random = c->then_random[--c->more];
			c->left = c->then_left[c->more];
			continue;
		}
		number = choose(c);
		c->left--;
		c->made[number]++;
		arguments(c, number, r);
		prepare(c, number, r);
		random_call(r);
		c->good[number]++;
	}
	fluke_thread_set_handlers(0, 0, 0, 0, 0);
	__asm__ volatile ("ud2");
}

/* A thread begins with its caller in ecx; an exception finds it at handler_esp and begins again. */
__asm__ ("random_begin: pushl %ecx; call random_loop; 1: jmp 1b\n"
	"random_trap: movl (%esp), %esi; leal 4 * 4096 - 64(%esi), %esp; call fluke_thread_enable_exceptions;"
	"pushl %esi; call random_loop; 1: jmp 1b");

/* ---- the first thread */

/* Pages of the first space, seen in another through so many segments. */
static void show(uint32_t from, uint32_t pages, fluke_space_t *space, uint32_t at, uint32_t prot, int depth)
{
	fluke_region_t *r = check_region_new(check_root_space, from, pages * PAGE, FLUKE_PROT_ALL, 0);

	while (--depth) {
		fluke_space_t *segment = check_space_new();

		check_mapping_new(r, 0, segment, 0x1000, pages * PAGE, FLUKE_PROT_ALL);
		r = check_region_new(segment, 0x1000, pages * PAGE, FLUKE_PROT_ALL, 0);
	}
	check_mapping_new(r, 0, space, at, pages * PAGE, prot);
}

static struct world {
	fluke_space_t	*space;
	uint32_t	objects;	/* their pages, in the first space */
	uint8_t		*data;
	fluke_thread_t	*thread[MAIN];
	fluke_ref_t	*space_ref;
} w;

static struct caller *caller(uint32_t i) { return (struct caller *)(w.data + i * CALLER_PAGES * PAGE); }

static void world_new(int depth)
{
	w.objects = (uint32_t)check_pages(OBJECT_PAGES);
	w.data = check_pages(CALLERS * CALLER_PAGES);
	w.space = check_space_new();
	w.space_ref = check_ref_new();
	show(FLUKE_ROOT_IMAGE, check_code_size / PAGE, w.space, FLUKE_ROOT_IMAGE, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, depth);
	show((uint32_t)w.data, CALLERS * CALLER_PAGES, w.space, DATA, FLUKE_PROT_READ | FLUKE_PROT_WRITE, depth);
	show(w.objects, OBJECT_PAGES, w.space, OBJECTS, FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_OBJECT, depth);
	fluke_space_reference(w.space, w.space_ref);
	for (uint32_t i = 0; i < MAIN; i++)
		fluke_thread_create(w.thread[i] = check_object(sizeof(fluke_thread_t)));
}

/* A fresh life: their own space is known to them by references. */
static void life_new(uint32_t i, uint32_t seed, uint32_t length)
{
	static fluke_thread_state_t state;
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = w.space_ref };
	struct caller *c = caller(i), *there = (struct caller *)(DATA + i * CALLER_PAGES * PAGE);

	c->random = seed * 2654435761u | 1;
	c->left = length;
	c->more = 0;
	c->stack_top[0] = (uint32_t)there;
	memset(&state, 0, sizeof state);
	state.thread_va = 0x40000000 + i * 1024;
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eip = (uint32_t)random_begin;
	state.regs.ecx = (uint32_t)there;
	state.regs.esp = STACK_OF(there);
	state.regs.trap_handler = state.regs.interrupt_handler = (uint32_t)random_trap;
	state.regs.client_alert_handler = state.regs.server_alert_handler = (uint32_t)random_trap;
	state.regs.handler_esp = (uint32_t)there->stack_top;
	state.regs.server_portset = OBJECTS + 6 * PAGE + 3072 + 64 * i;
	if (i < MAIN) {
		fluke_thread_get_state(w.thread[i], 0, 0);
		fluke_thread_set_state(w.thread[i], &state, links);
	}
}

/* The first thread's view of an object of theirs; null unless one of that type stands there. */
static void *theirs(uint32_t address, uint32_t type)
{
	uint32_t at = w.objects + address - OBJECTS;
	oskit_addr_t offset = check_physical_of((void *)at);
	fluke_obspec_t found;
	natural_t one = 1;

	fluke_region_search(check_physical, &offset, 32, &found, &one);
	return !one && found.type == type ? (void *)at : 0;
}

/* The first thread's view of a place of theirs, emptied. */
static void *fresh(uint32_t address, uint32_t size)
{
	uint32_t at = w.objects + address - OBJECTS, offset = check_physical_of((void *)at);

	fluke_region_clear(check_physical, &offset, size);
	return (void *)at;
}

/* What they need to be served at all: references to their space, and a port set with a port, a
 * reference to it and a mutex for each, and a condition. */
static void give(void)
{
	for (uint32_t i = 0; i < 6; i++) {
		fluke_ref_t *ref = theirs(ref_place(FLUKE_TYPE_SPACE, i), FLUKE_TYPE_REF);

		if (ref)
			fluke_ref_copy(w.space_ref, ref);
	}
	for (uint32_t i = 0; i < MAIN; i++) {
		fluke_portset_t *set = fresh(place(FLUKE_TYPE_PORTSET, i), sizeof *set);
		fluke_port_t *port = fresh(place(FLUKE_TYPE_PORT, i), sizeof *port);
		fluke_ref_t *ref = fresh(ref_place(FLUKE_TYPE_PORT, i), sizeof *ref);
		fluke_port_state_t state = { .alias = i };

		fluke_mutex_create(fresh(place(FLUKE_TYPE_MUTEX, 6 + i), sizeof(fluke_mutex_t)));
		fluke_portset_create(set);
		fluke_port_create(port);
		fluke_ref_create(ref);
		fluke_portset_reference(set, ref);
		fluke_port_set_state(port, &state, ref);
		fluke_port_reference(port, ref);
	}
	if (!theirs(place(FLUKE_TYPE_COND, 0), FLUKE_TYPE_COND))
		fluke_cond_create(fresh(place(FLUKE_TYPE_COND, 0), sizeof(fluke_cond_t)));
}

static uint32_t sum(const struct caller *c, int good)
{
	uint32_t total = 0;

	for (uint32_t n = 0; n < CALLS; n++)
		total += good ? c->good[n] : c->made[n];
	return total;
}

static void run(uint32_t seed, int depth)
{
	const uint32_t total = 500000 / check_part, least = 250 / check_part;
	uint32_t made = 0, good = 0, scarce = 0, objects;

	world_new(depth);
	for (uint32_t round = 0; made < total && round < total / 20; round++) {
		give();
		for (uint32_t i = 0; i < CALLERS; i++)
			life_new(i, seed + round * 7 + i * 131, 200);
		for (uint32_t turn = 0; turn < 12; turn++)
			for (uint32_t i = 0; i < MAIN; i++)
				if (caller(i)->left) {
					check_run_for(w.thread[i], 1000 * (1 + (round + turn) % 3));
					if ((turn + i) % 3 == 2)
						fluke_thread_interrupt(w.thread[i]);
				}
		if (round % 100 == 99)
			check_world_selftest();
		for (made = 0, objects = 0; objects < CALLERS; objects++)
			made += sum(caller(objects), 0);
	}
	for (uint32_t i = 0; i < CALLERS; i++)
		good += sum(caller(i), 1);
	check_print("# %u calls, %u returned\n", made, good);
	for (uint32_t n = 0; n < CALLS; n++) {
		uint32_t of = 0, went = 0;

		for (uint32_t i = 0; i < CALLERS; i++) {
			of += caller(i)->made[n];
			went += caller(i)->good[n];
		}
		if (!calls[n].name || went >= least || n == 14)	/* 14: return_from_exception does not return */
			continue;
		check_print("# %s: %u of %u\n", calls[n].name, went, of);
		scarce++;
	}
	for (uint32_t i = 0; i < MAIN; i++)
		fluke_thread_destroy(w.thread[i]);
	objects = check_physical_of((void *)w.objects);
	fluke_region_clear(check_physical, &objects, OBJECT_PAGES * PAGE);
	CHECK(made >= total);
	CHECK(good >= made / 4);
	CHECK_EQUAL(scarce, 0);
}

CASE("random-01", "random calls with arguments made for them")
{
	run(1, 1);
}

CASE("random-02", "the same, the callers' memory three levels away")
{
	run(2, 3);
}
