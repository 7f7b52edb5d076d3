/* A program that makes kernel calls with whatever is in its registers, in a space of its own: it
 * may harm itself, nothing else.  The kernel must live, keep its books (live objects are counted
 * after each case), and still run the first thread. */
#include "check.h"

#define OBJECTS		0x10000000u		/* in the adversary's space: pages with OBJECT */
#define OBJECT_PAGES	4u
#define DATA		0x20000000u		/* plain memory, the stack at its end */
#define DATA_PAGES	8u
#define DATA_END	(DATA + DATA_PAGES * FLUKE_PAGE_SIZE)

/* ---- the adversary: no memory but its own */

struct fuzz {				/* at DATA */
	uint32_t	random, left;
	uint32_t	resume_esp;
};

static inline uint32_t next_random(struct fuzz *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 17;
	f->random ^= f->random << 5;
	return f->random;
}

static uint32_t argument(struct fuzz *f)
{
	static const uint32_t odd[16] __attribute__((section(".rodata"))) = {
		0, 1, 3, 31, FLUKE_VM_MAX, FLUKE_ENTRY, 0xc0000000, 0xfffffff0, 0xffffffff, FLUKE_ROOT_IMAGE,
		FLUKE_PAGE_SIZE, 0x80000000, OBJECTS - 4, DATA_END - 4, 0x7fffffff, 8,
	};
	uint32_t r = next_random(f);

	switch (r >> 28) {
	default:	return OBJECTS + (r % (OBJECT_PAGES * FLUKE_PAGE_SIZE / 32)) * 32;
	case 6: case 7:	return OBJECTS + (r % (OBJECT_PAGES * 4)) * 1024;	/* where larger ones fit */
	case 8: case 9: case 10: case 11:
		return DATA + 64 + (r % 0x1800 & ~3u);
	case 12:	return r & 15;
	case 13:	return (r & 0xffff) << 12;
	case 14:	return odd[r & 15];
	case 15:	return r;
	}
}

/* Some words of the data become arguments too: parameter blocks, states, tables. */
static void scramble(struct fuzz *f)
{
	for (int i = 0; i < 12; i++) {
		uint32_t at = DATA + 64 + (next_random(f) % 0x1800 & ~3u), r = next_random(f);

		*(uint32_t *)at = r & 3 ? argument(f) : r >> 2 & 0x03ff00ff;
	}
}

/* The weights: creation often, or there is nothing to break. */
static uint32_t call_number(struct fuzz *f)
{
	static const uint8_t creates[16] __attribute__((section(".rodata"))) = {
		1, 23, 30, 41, 49, 56, 63, 73, 83, 83, 83, 53, 34, 27, 5, 86,
	};
	uint32_t r = next_random(f);

	return r & 0x300 ? r % 117 : r & 0x400 ? creates[r & 15] : r & 0xff;
}

void adversary_call(const uint32_t registers[6]);
__asm__ ("adversary_call: pushal; movl 36(%esp), %ebp; movl (%ebp), %eax; movl 4(%ebp), %ebx; movl 8(%ebp), %ecx;"
	"movl 12(%ebp), %edx; movl 16(%ebp), %esi; movl 20(%ebp), %edi; pushl $9f; pushl $0xbffff000; ret; 9: popal; ret");

void adversary_loop(void);
void adversary_loop(void)
{
	struct fuzz *f = (struct fuzz *)DATA;

	while (f->left) {
		uint32_t registers[6];

		f->left--;
		scramble(f);
		registers[0] = call_number(f) | (next_random(f) & 1 ? next_random(f) & 0x03030000 : 0);
		for (int i = 1; i < 6; i++)
			registers[i] = argument(f);
		adversary_call(registers);
	}
	fluke_thread_set_handlers(0, 0, 0, 0, 0);
	__asm__ volatile ("ud2");
	for (;;)
		;
}

/* Any exception: begins again with exceptions on, a fresh stack and nothing held in the image. */
void adversary_trap(void);
__asm__ ("adversary_trap: movl $0x20008000 - 64, %esp; call fluke_thread_enable_exceptions; jmp adversary_loop");

/* ---- the first thread */

/* Lives of at most `calls` calls, until `total` are made: a life ends early when the thread has
 * switched its exceptions off and takes one. */
static void fuzz(uint32_t seed, uint32_t total, uint32_t calls)
{
	static fluke_thread_state_t state;
	uint8_t *data = check_pages(DATA_PAGES);
	uint32_t objects = check_physical_of(check_pages(OBJECT_PAGES)), i, made = 0;
	fluke_space_t *space = check_space_new();
	fluke_region_t *image = check_region_new(check_root_space, FLUKE_ROOT_IMAGE, check_code_size, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, 0);
	fluke_thread_t *t = check_object(sizeof *t);
	fluke_ref_t *space_ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = space_ref };
	struct fuzz *f = (struct fuzz *)data;

	check_mapping_new(image, 0, space, FLUKE_ROOT_IMAGE, check_code_size, FLUKE_PROT_READ | FLUKE_PROT_EXECUTE);
	check_mapping_new(check_physical, check_physical_of(data), space, DATA, DATA_PAGES * FLUKE_PAGE_SIZE,
		FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	check_mapping_new(check_physical, objects, space, OBJECTS, OBJECT_PAGES * FLUKE_PAGE_SIZE,
		FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_OBJECT);
	fluke_space_reference(space, space_ref);
	fluke_thread_create(t);
	for (i = 0; made < total && i < total; i++) {
		f->random = seed * 2654435761u + i * 40503u + 1;
		f->left = calls;
		memset(&state, 0, sizeof state);
		state.thread_va = OBJECTS + 1024;
		state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
		state.regs.eip = (uint32_t)adversary_loop;
		state.regs.esp = DATA_END - 64;
		state.regs.trap_handler = state.regs.interrupt_handler = (uint32_t)adversary_trap;
		state.regs.client_alert_handler = state.regs.server_alert_handler = (uint32_t)adversary_trap;
		fluke_thread_set_state(t, &state, links);
		for (uint32_t left = 0; f->left && f->left != left; ) {
			left = f->left;
			check_run_for(t, 20000);
			fluke_thread_interrupt(t);	/* out of whatever it waits for */
		}
		made += calls - f->left;
		fluke_thread_get_state(t, &state, 0);
	}
	check_print("%u calls\n", made);
	fluke_region_clear(check_physical, &objects, OBJECT_PAGES * FLUKE_PAGE_SIZE);
	CHECK(made >= total);
	CHECK_EQUAL(fluke_thread_self(), check_first_thread);
}

CASE("adversary-01", "random calls, short lives")
{
	fuzz(1, 20000, 100);
}

CASE("adversary-02", "random calls, other numbers")
{
	fuzz(2, 20000, 100);
}

CASE("adversary-03", "random calls, long lives")
{
	fuzz(3, 20000, 3000);
}

CASE("adversary-04", "random calls, long lives, other numbers")
{
	fuzz(4, 20000, 3000);
}
