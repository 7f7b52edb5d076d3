/* Programs that mean harm: pages of random and of chosen instructions, partners that vanish,
 * stall, answer garbage or take their memory away at each step of an exchange, bombs of every
 * kind of object, and circles.  What is claimed each time: the kernel lives with its books in
 * order (walked after each case), who meant no harm gets an answer or can leave, and goes on. */
#include <fluke/exception.h>
#include <fluke/callnumbers.h>
#include "check.h"

#define PAGE	FLUKE_PAGE_SIZE
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static uint32_t seed;

static uint32_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (next() >> 4) % n;
}

/* ---- pages of instructions, in a space that has nothing else but a stack */

#define CODE	CHECK_WINDOW
#define STACK	(CODE + 0x4000)	/* of two pages */
_Static_assert(CODE == 0x50000000, "as in the bytes of instructions below");

/* Whole instructions that a program has no business with, and some that it has. */
static const struct { uint8_t length, byte[8]; } chosen[] = {
	{ 2, { 0x0f, 0x34 } },			/* sysenter */
	{ 2, { 0x0f, 0x35 } },			/* sysexit */
	{ 2, { 0xcd, 0x80 } }, { 2, { 0xcd, 0x20 } }, { 2, { 0xcd, 0x0e } }, { 2, { 0xcd, 0x08 } }, { 2, { 0xcd, 0x81 } },
	{ 1, { 0xf4 } }, { 1, { 0xfa } }, { 1, { 0xfb } },	/* hlt cli sti */
	{ 1, { 0xcc } }, { 1, { 0xf1 } }, { 1, { 0xce } },	/* int3 int1 into */
	{ 1, { 0xcf } }, { 1, { 0xcb } }, { 1, { 0x9d } }, { 1, { 0x9c } },	/* iret lret popf pushf */
	{ 2, { 0x0f, 0x06 } }, { 2, { 0x0f, 0x08 } }, { 2, { 0x0f, 0x09 } },	/* clts invd wbinvd */
	{ 3, { 0x0f, 0x20, 0xc0 } }, { 3, { 0x0f, 0x22, 0xd8 } }, { 3, { 0x0f, 0x23, 0xf8 } },	/* cr0, cr3, dr7 */
	{ 2, { 0x0f, 0x30 } }, { 2, { 0x0f, 0x32 } }, { 2, { 0x0f, 0x31 } },	/* wrmsr rdmsr rdtsc */
	{ 3, { 0x0f, 0x00, 0xd8 } }, { 3, { 0x0f, 0x00, 0xd0 } }, { 3, { 0x0f, 0x01, 0xf0 } },	/* ltr lldt lmsw */
	{ 2, { 0x8e, 0xd8 } }, { 2, { 0x8e, 0xc1 } }, { 2, { 0x8e, 0xe2 } }, { 2, { 0x8e, 0xeb } }, { 2, { 0x8e, 0xd0 } },
	{ 1, { 0x1f } }, { 1, { 0x07 } }, { 1, { 0x17 } }, { 2, { 0x0f, 0xa9 } },	/* pop ds es ss gs */
	{ 7, { 0xea, 0, 0, 0, 0xc0, 0x08, 0 } }, { 7, { 0x9a, 0, 0, 0x10, 0xc0, 0x10, 0 } },	/* far jump, call */
	{ 2, { 0xe6, 0xf4 } }, { 2, { 0xe4, 0x60 } }, { 1, { 0xef } }, { 1, { 0x6e } },	/* out in outs */
	{ 5, { 0x68, 0xd7, 0x41, 0x24, 0 } },	/* push flags with IOPL, NT, AC, TF */
	{ 5, { 0x68, 0x02, 0x01, 0, 0 } },	/* push TF */
	{ 5, { 0xbc, 0, 0, 0, 0xc0 } }, { 5, { 0xbc, 0, 0xf0, 0xff, 0xbf } }, { 5, { 0xbc, 0, 0x60, 0, 0x50 } },	/* mov esp */
	{ 5, { 0xb8, 0, 0, 0, 0 } },		/* mov eax: the call's number is drawn */
	{ 5, { 0xbb, 0, 0x20, 0, 0x50 } }, { 5, { 0xb9, 0, 0x30, 0, 0x50 } }, { 5, { 0xbd, 0, 0x58, 0, 0x50 } },
	{ 5, { 0xbf, 0, 0xff, 0xff, 0xbf } }, { 5, { 0xbe, 0, 0, 0, 0xc0 } },
	{ 2, { 0xf3, 0xa4 } }, { 2, { 0xf3, 0xaa } }, { 1, { 0xfd } }, { 1, { 0xf0 } },	/* rep movs, stos, std, lock */
	{ 2, { 0xd9, 0xd0 } }, { 3, { 0x0f, 0xae, 0x06 } }, { 3, { 0x0f, 0x57, 0xc0 } }, { 2, { 0x0f, 0x77 } },	/* FPU, SSE */
	{ 2, { 0x0f, 0x0b } }, { 6, { 0x0f, 0x0f, 0xff, 0xff, 0xff, 0xff } },
};

static void fill(uint8_t *page, int of_chosen)
{
	uint32_t at = 0;

	while (at < PAGE - 16) {
		uint32_t which = below(sizeof chosen / sizeof chosen[0]);

		if ((int)below(100) >= of_chosen) {
			page[at++] = next() >> 8;
			continue;
		}
		memcpy(page + at, chosen[which].byte, chosen[which].length);
		if (chosen[which].byte[0] == 0xb8)
			page[at + 1] = below(128);
		at += chosen[which].length;
	}
}

/* A thread that the case owns, in `space`, with no scheduler and no handler. */
static fluke_thread_t *bare_thread(fluke_space_t *space, uint32_t eip, uint32_t esp, fluke_thread_t *t)
{
	static fluke_thread_state_t state;
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = ref };

	check_space_reference(space, ref);
	memset(&state, 0, sizeof state);
	state.thread_va = (uint32_t)t;
	state.regs.eip = eip;
	state.regs.esp = esp;
	state.regs.eflags = 0x202;
	fluke_thread_get_state(t, 0, 0);
	fluke_thread_set_state(t, &state, links);
	fluke_ref_destroy(ref);
	return t;
}

static void instruction_pages(uint32_t first_seed, uint32_t count, int of_chosen)
{
	uint8_t *code = check_pages(1), *stack = check_pages(2), *canary = check_pages(1);
	fluke_space_t *space = check_space_new();
	fluke_thread_t *t = check_object(sizeof *t);
	uint32_t ended = 0;

	memset(canary, 0x5a, PAGE);
	check_mapping_new(check_physical, check_physical_of(code), space, CODE, PAGE, FLUKE_PROT_ALL & ~FLUKE_PROT_OBJECT);
	check_mapping_new(check_physical, check_physical_of(stack), space, STACK, 2 * PAGE, RW);
	fluke_thread_create(t);
	for (uint32_t i = 0; i < count; i++) {
		fluke_thread_state_t end;

		seed = (first_seed + i) * 2654435761u | 1;
		fill(code, of_chosen);
		bare_thread(space, CODE + below(64), STACK + 2 * PAGE - 256, t);
		check_run_for(t, 100);
		fluke_thread_get_state(t, &end, 0);
		ended += end.regs.eip != CODE;
	}
	CHECK(ended > count * 9 / 10);
	for (uint32_t i = 0; i < PAGE; i++)
		CHECK_EQUAL(canary[i], 0x5a);
}

CASE("hostile-01", "pages of random bytes, run as programs")
{
	instruction_pages(1, 2000, 0);
}

CASE("hostile-02", "pages of privileged and odd instructions among random ones")
{
	instruction_pages(5000, 2000, 60);
}

CASE("hostile-03", "pages of such instructions alone")
{
	instruction_pages(9000, 2000, 100);
}

/* ---- threads of the case: they have no scheduler, so each runs only when it is lent time */

static void __attribute__((noreturn)) stay(void)
{
	for (;;)
		__asm__ volatile ("ud2");	/* with no handler: blocked for good */
}

static fluke_thread_t *party(fluke_space_t *space, void (*function)(void))
{
	fluke_thread_t *t = check_object(sizeof *t);

	fluke_thread_create(t);
	return bare_thread(space, (uint32_t)function, (uint32_t)check_pages(1) + PAGE - 64, t);
}

static void lend(fluke_thread_t *a, fluke_thread_t *b)
{
	for (uint32_t i = 0; i < 4; i++) {
		check_run_for(a, 20000);
		check_run_for(b, 20000);
	}
}

/* ---- partners in an exchange */

#define LONG	(3 * PAGE / 4)		/* words of a long message: its buffer has borders in it */

enum act { VANISH, STALL, DISCONNECT, GARBAGE, REVOKE, ALERT, ACTS };
enum step { BEFORE_RECEIVE, IN_RECEIVE, AFTER_RECEIVE, IN_REPLY, STEPS };

static struct {
	fluke_portset_t	*set;
	fluke_ref_t	*dest;
	fluke_space_t	*here, *there;		/* the honest one's, the hostile one's */
	fluke_mapping_t	*window;		/* the hostile one's memory */
	uint32_t	*out, *in;
	volatile uint32_t status, ended, garbage;
	enum step	step;
	enum act	act;
} x;
static uint32_t outcome[3];	/* how often: -, by itself, left */

static void harm(enum step step)
{
	fluke_ipc_params_t junk = { .send_words = LONG, .send_data = (void *)CODE, .recv_words = 1, .recv_data = (void *)CODE };

	if (step != x.step)
		return;
	switch (x.act) {
	case VANISH: case STALL: case REVOKE:	/* done by the first thread, once this one stands */
		stay();
	case DISCONNECT:
		fluke_ipc_server_disconnect();
		fluke_ipc_client_disconnect();
		break;
	case ALERT:
		fluke_ipc_server_alert();
		fluke_ipc_client_alert();
		break;
	default:
		x.garbage++;
		fluke_ipc_server_ack_send(&junk);
		fluke_ipc_server_send(&junk);
		fluke_ipc_client_ack_send(&junk);
	}
}

/* Serves one long request with a long answer from CODE, which may go away. */
static void hostile_server(void)
{
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = LONG, .recv_data = (void *)CODE };

	harm(BEFORE_RECEIVE);
	if (x.step == IN_RECEIVE)
		p.recv_words = LONG / 2;	/* and the rest never, or later */
	fluke_ipc_setup_wait_receive(&p, x.set, &alias);
	harm(x.step == IN_RECEIVE ? IN_RECEIVE : AFTER_RECEIVE);
	p = (fluke_ipc_params_t){ .send_words = x.step == IN_REPLY ? LONG / 2 : LONG, .send_data = (void *)CODE };
	fluke_ipc_server_ack_send(&p);
	harm(IN_REPLY);
	fluke_ipc_server_disconnect();
	stay();
}

static void honest_client(void)
{
	fluke_ipc_params_t p = { .send_words = LONG, .send_data = x.out, .recv_words = LONG, .recv_data = x.in };

	x.status = fluke_ipc_client_connect_send_over_receive(&p, x.dest);
	fluke_ipc_client_disconnect();
	x.ended = 1;
	stay();
}

/* Client of one long request from CODE. */
static void hostile_client(void)
{
	fluke_ipc_params_t p = { .send_words = x.step == IN_RECEIVE ? LONG / 2 : LONG, .send_data = (void *)CODE };

	harm(BEFORE_RECEIVE);
	fluke_ipc_client_connect_send(&p, x.dest);
	harm(x.step == IN_RECEIVE ? IN_RECEIVE : AFTER_RECEIVE);
	p = (fluke_ipc_params_t){ .recv_words = x.step == IN_REPLY ? LONG / 2 : LONG, .recv_data = (void *)CODE };
	fluke_ipc_client_over_receive(&p);
	harm(IN_REPLY);
	fluke_ipc_client_disconnect();
	stay();
}

static void honest_server(void)
{
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = LONG, .recv_data = x.in };

	x.status = fluke_ipc_setup_wait_receive(&p, x.set, &alias);
	p = (fluke_ipc_params_t){ .send_words = LONG, .send_data = x.out };
	x.status = fluke_ipc_server_ack_send(&p);
	fluke_ipc_server_disconnect();
	x.ended = 1;
	stay();
}

/* The window at CODE is the hostile one's memory, which the first thread can take away. */
static void parties_new(void)
{
	x.here = check_space_twin();
	x.there = check_space_twin();
	x.out = check_pages(4);
	x.in = check_pages(4);
}

static void window_new(void)
{
	x.window = check_mapping_new(check_region_new(check_root_space, (uint32_t)check_pages(4), 4 * PAGE, RW, 0), 0,
		check_root_space, CODE, 4 * PAGE, RW);
}

/* An interrupt is what takes an honest party out of a wait; it disconnects then. */
static void leave(fluke_thread_t *honest)
{
	static fluke_thread_state_t state;

	if (x.ended)
		return;
	fluke_thread_get_state(honest, &state, 0);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);	/* in a call that can be left or begun again */
	fluke_thread_destroy(honest);
	x.ended = 2;
}

/* One exchange with a hostile party; then one with a well-behaved one over the same port. */
static void exchange(enum step step, enum act act, void (*hostile)(void), void (*honest)(void))
{
	fluke_thread_t *bad, *good;

	x.step = step;
	x.act = act;
	x.ended = 0;
	window_new();
	x.set = check_portset_new();
	x.dest = check_port_ref_new(check_port_new(x.set, 1));
	bad = party(x.there, hostile);
	good = party(x.here, honest);
	lend(bad, good);
	if (act == VANISH)
		fluke_thread_destroy(bad);
	else if (act == STALL)
		fluke_thread_get_state(bad, 0, 0);
	else if (act == REVOKE)
		fluke_mapping_destroy(x.window);
	check_run_for(good, 3000);
	if (act == REVOKE)
		lend(bad, good);
	leave(good);
	if (act != REVOKE)
		fluke_mapping_destroy(x.window);
	if (act != VANISH)
		fluke_thread_destroy(bad);
	if (x.ended == 1)
		fluke_thread_destroy(good);
	outcome[x.ended]++;
}

static void partners(void (*hostile)(void), void (*honest)(void))
{
	memset(outcome, 0, sizeof outcome);
	parties_new();
	for (enum step step = BEFORE_RECEIVE; step < STEPS; step++)
		for (enum act act = VANISH; act < ACTS; act++)
			exchange(step, act, hostile, honest);
	check_print("# %u exchanges ended by themselves, %u were left\n", outcome[1], outcome[2]);
	CHECK_EQUAL(outcome[1] + outcome[2], STEPS * ACTS);
}

CASE("hostile-04", "servers that vanish, stall, leave, answer garbage, lose their memory or alert, at each step")
{
	partners(hostile_server, honest_client);
}

CASE("hostile-05", "clients that do the same")
{
	partners(hostile_client, honest_server);
}

/* Is the world as it was?  A short exchange between two new threads. */
static void world_goes_on(void)
{
	window_new();
	x.step = STEPS;
	x.ended = 0;
	x.set = check_portset_new();
	x.dest = check_port_ref_new(check_port_new(x.set, 1));
	x.out = check_pages(4);
	x.in = check_pages(4);
	for (uint32_t i = 0; i < LONG; i++)
		x.out[i] = i * 5 + 1;
	lend(party(check_space_twin(), honest_server), party(check_space_twin(), hostile_client));	/* harmless without a step */
	CHECK_EQUAL(x.ended, 1);
	CHECK_EQUAL(x.status, FLUKE_SUCCESS);
	CHECK_EQUAL(check_read(CODE + 4 * (LONG - 1)), (LONG - 1) * 5 + 1);
	fluke_mapping_destroy(x.window);
}

CASE("hostile-06", "and the same parties without harm are served")
{
	world_goes_on();
}

/* ---- bombs */

CASE("hostile-07", "4,000 mappings of one page: revoked by one call, and destroyed by one")
{
	fluke_space_t *space = check_space_new();
	fluke_region_t *region = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_ALL, 0);
	fluke_thread_t *t = check_object(sizeof *t);
	uint8_t *code = check_pages(1);

	for (uint32_t i = 0; i < 4000; i++)
		check_mapping_new(region, 0, space, 0x30000000 + i * PAGE, PAGE, RW);
	check_mapping_new(check_physical, check_physical_of(code), space, CODE, PAGE, FLUKE_PROT_ALL);
	fluke_thread_create(t);
	/* mov $0x30000000, %ecx; 1: incl (%ecx); add $0x1000, %ecx; cmp $0x30fa0000, %ecx; jne 1b; ud2 */
	memcpy(code, "\xb9\0\0\0\x30\xff\x01\x81\xc1\0\x10\0\0\x81\xf9\0\0\xfa\x30\x75\xf0\x0f\x0b", 23);
	bare_thread(space, CODE, 0, t);
	CHECK_EQUAL(check_run_for(t, 2000000), FLUKE_SCHED_BLOCKED);
	fluke_region_protect(region, FLUKE_PROT_READ);
	bare_thread(space, CODE, 0, t);
	CHECK_EQUAL(check_run_for(t, 2000000), FLUKE_SCHED_BLOCKED);
	fluke_region_destroy(region);
	world_goes_on();
}

CASE("hostile-08", "3,000 regions over one page, with a thread at work in it")
{
	uint32_t page = (uint32_t)check_pages(1);
	fluke_region_t *first = check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(first, 0, check_root_space, CODE, PAGE, RW);

	for (uint32_t i = 0; i < 3000; i++)
		check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0);
	check_write(CODE, 4711);
	fluke_region_protect(first, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(CODE), 4711);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(CODE, 1));
	fluke_mapping_destroy(m);
	world_goes_on();
}

CASE("hostile-09", "20,000 references to an object that is moved and then destroyed")
{
	fluke_port_t *port = check_port_new(check_portset_new(), 0), *moved = check_object(sizeof *moved);
	fluke_ref_t *first = check_port_ref_new(port), *last = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		last = check_ref_new();
		fluke_ref_copy(first, last);
	}
	fluke_port_move(port, moved);
	CHECK_EQUAL(fluke_ref_type(last), FLUKE_TYPE_PORT);
	fluke_port_destroy(moved);
	CHECK_EQUAL(fluke_ref_type(first), FLUKE_NULL);
	CHECK_EQUAL(fluke_ref_type(last), FLUKE_NULL);
	world_goes_on();
}

CASE("hostile-10", "600 threads that wait for one mutex, which ends")
{
	static const uint8_t lock[] = { 0xb8, FLUKE_CALL_mutex_lock, 0, 0, 0, 0xbb, 0, 0, 0, 0, 0x68, 0, 0, 0, 0x50, 0xb9, 0, 0xf0, 0xff, 0xbf,
		0xff, 0xe1 };	/* mov $lock, %eax; mov $m, %ebx; push $CODE; mov $entry, %ecx; jmp *%ecx */
	fluke_mutex_t *m = check_mutex_new();
	uint32_t at = (uint32_t)m;
	uint8_t *code = check_pages(1);
	fluke_space_t *space = check_space_twin();
	fluke_mapping_t *window;

	memcpy(code, lock, sizeof lock);
	memcpy(code + 6, &at, 4);
	window = check_mapping_new(check_physical, check_physical_of(code), check_root_space, CODE, PAGE, FLUKE_PROT_ALL & ~FLUKE_PROT_OBJECT);
	fluke_mutex_lock(m);
	for (uint32_t i = 0; i < 600; i++) {
		fluke_thread_t *t = check_object(sizeof *t);

		fluke_thread_create(t);
		bare_thread(space, CODE, (uint32_t)check_pages(1) + PAGE, t);
		CHECK_EQUAL(check_run_for(t, 50000), FLUKE_SCHED_BLOCKED);
	}
	fluke_mutex_destroy(m);
	fluke_mapping_destroy(window);
	world_goes_on();
}

CASE("hostile-11", "a space that touches a page under every table that it can have")
{
	fluke_space_t *space = check_space_new();
	uint8_t *code = check_pages(1);
	fluke_region_t *page = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_ALL, 0);
	fluke_thread_t *t = check_object(sizeof *t);

	/* mov $0x200000, %ecx; 1: incl (%ecx); add $0x200000, %ecx; cmp $0xbfe00000, %ecx; jne 1b; jmp 0 */
	memcpy(code, "\xb9\0\0\x20\0\xff\x01\x81\xc1\0\0\x20\0\x81\xf9\0\0\xe0\xbf\x75\xf0\xeb\xe9", 23);
	for (uint32_t i = 1; i < 1535; i++)
		check_mapping_new(page, 0, space, i << 21, PAGE, RW);
	check_mapping_new(check_physical, check_physical_of(code), space, CODE + PAGE, PAGE, FLUKE_PROT_ALL & ~FLUKE_PROT_OBJECT);
	fluke_thread_create(t);
	bare_thread(space, CODE + PAGE, 0, t);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK_EQUAL(check_run_for(t, 2000), FLUKE_SCHED_MESSAGE);
		if (i % 5 == 0)
			world_goes_on();
	}
}

/* ---- circles */

CASE("hostile-12", "a space that maps itself shows no more than it has")
{
	fluke_space_t *space = check_space_new();
	uint32_t page = (uint32_t)check_pages(1);
	fluke_region_t *all = check_region_new(space, 0, 0x40000000, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m;

	check_mapping_new(check_physical, check_physical_of((void *)page), space, 0x1000, PAGE, RW);
	check_mapping_new(all, 0, space, 0x2000, 0x100000, RW);		/* each page is the one two before it */
	m = check_mapping_new(all, 0, check_root_space, CODE, 0x100000, RW);
	check_write(page, 99);
	for (uint32_t i = 1; i < 0x80; i += 2)
		CHECK_EQUAL(check_read(CODE + i * PAGE), 99);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(CODE));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(CODE + 0x80 * PAGE));
	fluke_mapping_destroy(m);
	world_goes_on();
}

static fluke_mutex_t *fork_[3], *gate;
static volatile uint32_t at_table;

static void philosopher(void)
{
	uint32_t i = at_table++;

	fluke_mutex_lock(fork_[i]);
	fluke_mutex_lock(gate);
	fluke_mutex_unlock(gate);
	fluke_mutex_lock(fork_[(i + 1) % 3]);
	at_table += 100;
	stay();
}

CASE("hostile-13", "three threads that wait for each other's mutex block, and nobody else")
{
	fluke_thread_t *t[3];

	at_table = 0;
	gate = check_mutex_new();
	fluke_mutex_lock(gate);
	for (uint32_t i = 0; i < 3; i++)
		fork_[i] = check_mutex_new();
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQUAL(check_run_for(t[i] = party(check_space_twin(), philosopher), 50000), FLUKE_SCHED_BLOCKED);
	fluke_mutex_unlock(gate);
	for (uint32_t i = 0; i < 9; i++)
		CHECK_EQUAL(check_run_for(t[i % 3], 50000), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(at_table, 3);
	world_goes_on();
	fluke_thread_destroy(t[1]);		/* who held what another waits for */
	CHECK_EQUAL(check_run_for(t[0], 50000), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(at_table, 103);
}

static fluke_thread_t *pair[2];

static void each_other(void)
{
	for (;;) {
		at_table++;
		fluke_thread_schedule(pair[fluke_thread_self() == pair[0]], 0, FLUKE_WAKEUP_ON_BLOCK);
	}
}

CASE("hostile-14", "two threads that schedule each other for ever give the time back when it is over")
{
	at_table = 0;
	pair[0] = party(check_space_twin(), each_other);
	pair[1] = party(check_space_twin(), each_other);
	for (uint32_t i = 0; i < 20; i++)
		check_run_for(pair[i & 1], 500);
	CHECK(at_table >= 2);
	fluke_thread_destroy(pair[0]);
	fluke_thread_destroy(pair[1]);
	world_goes_on();
}

static void self_caller(void)
{
	fluke_ipc_params_t p = { .send_words = LONG, .send_data = x.out, .recv_words = LONG, .recv_data = x.in };

	fluke_ipc_client_connect_send_over_receive(&p, x.dest);
	at_table++;
	stay();
}

CASE("hostile-15", "a thread that faults on memory of which it is the keeper, and one that calls itself, hurt themselves alone")
{
	fluke_portset_t *set = check_portset_new();
	fluke_port_t *port = check_port_new(set, 0);
	fluke_space_t *segment = check_space_new();
	fluke_region_t *region = check_region_new(segment, 0x1000, PAGE, FLUKE_PROT_ALL, port);
	fluke_mapping_t *m = check_mapping_new(region, 0, check_root_space, CODE, PAGE, RW);
	fluke_thread_t *t[2];

	at_table = 0;
	x.out = x.in = (uint32_t *)CODE;
	x.dest = check_port_ref_new(port);
	t[0] = party(check_space_twin(), self_caller);
	check_run_for(t[0], 1000);
	x.out = x.in = check_pages(4);
	t[1] = party(check_space_twin(), self_caller);
	check_run_for(t[1], 1000);
	CHECK_EQUAL(at_table, 0);
	for (int i = 0; i < 2; i++) {
		fluke_thread_state_t state;

		fluke_thread_get_state(t[i], &state, 0);
		fluke_thread_destroy(t[i]);
	}
	fluke_mapping_destroy(m);
	world_goes_on();
}

CASE("hostile-16", "a space that is its own keeper's only home, and a condition that inherits from its own waiter")
{
	fluke_portset_t *set = check_portset_new();
	fluke_space_t *space = check_space_twin();
	fluke_ref_t *port = check_port_ref_new(check_port_new(set, 0)), *self = check_ref_new();
	fluke_cond_t *cond = check_cond_new();
	fluke_space_state_t state;
	fluke_cond_state_t cond_state;
	fluke_thread_t *t = check_object(sizeof *t);

	fluke_space_get_state(space, &state, 0);
	fluke_space_set_state(space, &state, port);
	fluke_thread_create(t);
	bare_thread(space, 0x10, 0x10, t);	/* a fault at once, with no handler: to the keeper, where nobody is */
	CHECK_EQUAL(check_run_for(t, 50000), FLUKE_SCHED_BLOCKED);
	fluke_thread_reference(t, self);
	fluke_cond_get_state(cond, &cond_state, 0);
	fluke_cond_set_state(cond, &cond_state, self);
	fluke_thread_destroy(t);
	world_goes_on();
}

static void awaits_request(void)
{
	uint32_t message[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };

	fluke_ipc_wait_receive(&p, 0);
	at_table++;
	stay();
}

#define CHAIN	1500u

CASE("hostile-17", "1,500 schedulers, each awaiting the one before: the first that wakes asks, and all the others in turn")
{
	static fluke_port_t *port[CHAIN + 1];
	fluke_space_t *space = check_space_twin();
	fluke_ref_t *of_space = check_ref_new(), *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = of_space, [FLUKE_LINK_SCHEDULER] = ref };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = check_pages(1) };
	fluke_portset_t *set = check_portset_new(), *next_set;
	static fluke_thread_state_t state;
	fluke_thread_t *t, *last = 0;
	uint32_t stack = 0;

	at_table = 0;
	fluke_space_reference(space, of_space);
	port[0] = check_port_new(set, 0);
	for (uint32_t i = 0; i < CHAIN; i++, set = next_set) {
		next_set = check_portset_new();
		port[i + 1] = check_port_new(next_set, 0);
		fluke_port_reference(port[i + 1], ref);
		fluke_thread_create(t = check_object(sizeof *t));
		memset(&state, 0, sizeof state);
		state.regs.eip = (uint32_t)awaits_request;
		if (i % 8 == 0)
			stack = (uint32_t)check_pages(1);
		state.regs.esp = stack += PAGE / 8;
		state.regs.server_portset = (uint32_t)set;
		fluke_thread_set_state(t, &state, links);
		CHECK_EQUAL(check_run_for(t, 50000), FLUKE_SCHED_BLOCKED);
		last = t;
	}
	fluke_port_reference(port[0], ref);
	fluke_ipc_send(&p, ref);
	CHECK_EQUAL(at_table, 0);
	check_run_for(last, 50000);
	CHECK_EQUAL(at_table, 1);
	world_goes_on();
}
