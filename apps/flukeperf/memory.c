/* Memory: faults that find their page, through some levels, that ask a manager, that the thread or
 * a keeper takes; and how long interrupts wait. */
#include "flukeperf.h"

#define PAGES	1024u

/* The chain of spaces: each level is a mapping of a region over the space before. */
static fluke_mapping_t *levels(uint32_t start, uint32_t count)
{
	fluke_space_t *from = check_root_space, *to;
	fluke_mapping_t *m = 0;

	for (uint32_t i = 1; i <= count; i++) {
		to = i == count ? check_root_space : check_space_new();
		m = check_mapping_new(check_region_new(from, start, PAGES * PAGE, FLUKE_PROT_ALL, 0), 0, to, WINDOW, PAGES * PAGE, RW);
		from = to;
		start = WINDOW;
	}
	return m;
}

/* Every 32nd page, so that no fault's neighbours matter. */
static void soft_row(const char *name, uint32_t count)
{
	uint32_t at = 0;
	fluke_mapping_t *m = levels((uint32_t)check_pages(PAGES), count);

	MEASURE_AFTER(name, 1000u, check_read(WINDOW + at), ({
		at += 32 * PAGE;
		if (at >= PAGES * PAGE) {
			at = 0;
			fluke_mapping_protect(m, FLUKE_PROT_NONE);
			fluke_mapping_protect(m, RW);
		} }));
}

CASE("bench-soft", "touch of a page that the parent has and the page table lacks")
{
	soft_row("soft", 1);
}

CASE("bench-soft2", "the same through two levels")
{
	soft_row("soft2", 2);
}

CASE("bench-soft4", "the same through four levels")
{
	soft_row("soft4", 4);
}

static fluke_portset_t *portset;
static fluke_mapping_t *supply;
static fluke_ref_t *supply_region, *supply_space;

/* Grows the run of pages that the segment has up to the one that is missing; or, told to move it, shows its one page there,
 * which takes away the page before. */
static void pager(void *moves)
{
	static struct fluke_exc_message m;
	natural_t alias, reply[2] = { 0, 0 };
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
	fluke_mapping_state_t state = { .start_va = 0x1000, .size = PAGE, .prot = FLUKE_PROT_ALL };

	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		if (moves) {
			state.start_va = 0x1000 + (m.subcode & -PAGE);
			fluke_mapping_set_state(supply, &state, supply_region, supply_space);
		} else {
			state.size = (m.subcode & -PAGE) + PAGE;
			fluke_mapping_set_state(supply, &state, 0, 0);
		}
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = reply, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

/* A segment whose manager is in another space, at WINDOW; it has its first page. */
static void segment(int moves)
{
	fluke_space_t *segment = check_space_new();
	uint32_t page = (uint32_t)check_pages(PAGES);
	fluke_region_t *source = check_region_new(check_root_space, page, PAGES * PAGE, FLUKE_PROT_ALL, 0);
	fluke_mapping_state_t state = { .start_va = 0x1000, .size = PAGE, .prot = FLUKE_PROT_ALL };

	portset = check_portset_new();
	supply = check_object(sizeof *supply);
	fluke_mapping_create(supply);
	supply_region = check_ref_new();
	supply_space = check_ref_new();
	fluke_region_reference(source, supply_region);
	fluke_space_reference(segment, supply_space);
	check_mapping_new(check_region_new(segment, 0x1000, PAGES * PAGE, FLUKE_PROT_ALL, check_port_new(portset, 1)), 0,
		check_root_space, WINDOW, PAGES * PAGE, RW);
	fluke_mapping_set_state(supply, &state, supply_region, supply_space);
	check_thread_new(check_space_twin(), pager, (void *)moves);
	check_run();
	check_read(WINDOW);
}

CASE("bench-hard", "touch of a page that a manager in another space supplies")
{
	uint32_t at = 0;

	segment(0);
	MEASURE("hard", 1000u, ({ at += PAGE; check_read(WINDOW + at); }));
}

CASE("bench-hard-move", "the same, where the manager takes the page before away")
{
	uint32_t at = 0;

	segment(1);
	MEASURE("hard-move", 1000u, ({ check_read(WINDOW + at); at = (at + 32 * PAGE) % (PAGES * PAGE) + (at + 32 * PAGE) / (PAGES * PAGE) % 32 * PAGE; }));
}

/* ---- exceptions */

void skip(void);
__asm__ ("skip: movl fault_esp, %esp; pushl $0; call fluke_thread_enable_exceptions; jmp *fault_resume");
uint32_t fault_esp, fault_resume;

/* Touches an address that its own mapping lacks, `rounds` times; its handler goes on behind. */
static void faulting(void *rounds)
{
	uint64_t before;

	__asm__ volatile ("" : : "i" (skip), "m" (fault_esp), "m" (fault_resume));
	fluke_thread_set_handlers(fluke_thread_self(), (uint32_t)skip, 0, 0, 0);
	before = tsc();
	for (uint32_t i = 0; i < (uint32_t)rounds; i++)
		__asm__ volatile ("movl %%esp, fault_esp; movl $1f, fault_resume; movl (16), %%eax; 1:"
			: : : "eax", "ecx", "edx", "memory");
	report("trap", (uint32_t)rounds, (uint32_t)(tsc() - before), 0);
}

CASE("bench-trap", "an exception to the thread's own handler and back")
{
	check_thread_new(check_root_space, faulting, (void *)500);
	check_run();
}

/* The keeper of a space lets its thread go on behind a breakpoint, and maps the page that it misses, each time another. */
static fluke_mapping_t *mended;
static fluke_ref_t *mended_region, *mended_space;

static void keeper(void *set)
{
	static struct fluke_exc_message m;
	natural_t alias, reply[2] = { 0, 0 };
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
	fluke_mapping_state_t state = { .size = PAGE, .prot = FLUKE_PROT_ALL };

	fluke_ipc_setup_wait_receive(&p, set, &alias);
	for (;;) {
		state.start_va = m.subcode & -PAGE;
		if (m.code == FLUKE_EXC_PAGE_FAULT)
			fluke_mapping_set_state(mended, &state, mended_region, mended_space);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = reply, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

static uint32_t kept_plain, kept_mapping;

static void kept(void *rounds)
{
	uint64_t before;

	fluke_thread_disable_exceptions(fluke_thread_self());
	before = tsc();
	for (uint32_t i = 0; i < (uint32_t)rounds; i++)
		__asm__ volatile ("int3" : : : "memory");
	kept_plain = (uint32_t)(tsc() - before);
	before = tsc();
	for (uint32_t i = 0; i < (uint32_t)rounds; i++)
		check_read(WINDOW + i % 64 * 32 * PAGE);
	kept_mapping = (uint32_t)(tsc() - before);
	fluke_thread_enable_exceptions(fluke_thread_self());
}

CASE("bench-keeper", "an exception to the keeper of the space and back; the same where it maps a page, after taking it from where it was")
{
	fluke_portset_t *set = check_portset_new();
	fluke_port_t *port = check_port_new(set, 1);
	fluke_space_t *space = check_space_twin();
	fluke_region_t *source = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_ALL, 0);
	fluke_ref_t *keeper_ref = check_ref_new();

	mended = check_object(sizeof *mended);
	fluke_mapping_create(mended);
	mended_region = check_ref_new();
	mended_space = check_ref_new();
	fluke_region_reference(source, mended_region);
	fluke_space_reference(check_root_space, mended_space);	/* the twin sees it there */
	fluke_port_reference(port, keeper_ref);
	fluke_space_set_state(space, 0, keeper_ref);
	check_thread_new(check_root_space, keeper, set);
	check_run();
	check_thread_new(space, kept, (void *)500);
	check_run();
	report("keeper", 500, kept_plain, 0);
	report("keeper-map", 500, kept_mapping, 0);
}

/* ---- how long an interrupt waits */

fluke_port_t *late_port;

CASE("bench-irqoff", "how late a deadline's interrupt comes in the worst case, in long calls")
{
	uint32_t start = (uint32_t)check_pages(1024), worst, words = 64 << 8;
	fluke_region_t *r = check_region_new(check_root_space, start, 1024 * PAGE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = levels((uint32_t)check_pages(PAGES), 1);
	fluke_ref_t *dest;
	void *data = check_pages(17);

	late_port = check_port_new(check_portset_new(), 0);
	memset(data, 1, 17 * PAGE);
	dest = echo_start(check_space_twin(), words / 4);
	machine(LATENESS, 0, 0, 0);
	IRQOFF(100u, 557, echo(dest, data, words / 4));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-copy", 100, worst * 100, worst);
	IRQOFF(100u, 101, fluke_mapping_protect(m, FLUKE_PROT_NONE); fluke_mapping_protect(m, RW);
		for (uint32_t p = 0; p < PAGES; p += 16) check_write(WINDOW + p * PAGE, 1));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-revoke", 100, worst * 100, worst);
	IRQOFF(60u, 1009, ({
		oskit_addr_t offset = 0;
		for (uint32_t p = 0; p < 64; p++)
			for (uint32_t o = 0; o < 8; o++)
				fluke_ref_create((fluke_ref_t *)(start + p * PAGE + o * 512));
		fluke_region_clear(r, &offset, 1024 * PAGE); }));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-clear", 60, worst * 60, worst);
	IRQOFF(60u, 1009, ({
		static fluke_obspec_t found[16];
		oskit_addr_t offset = 0;
		natural_t count = 16;
		fluke_region_search(r, &offset, 1024 * PAGE, found, &count); }));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-search", 60, worst * 60, worst);
}

/* Windows of 2 MB that need a page table each. */
static uint32_t tables(uint32_t count)
{
	uint32_t memory = (uint32_t)check_pages(514);
	fluke_region_t *r;

	memory += memory % (512 * PAGE) ? 0 : PAGE;
	r = check_region_new(check_root_space, memory, 512 * PAGE, FLUKE_PROT_ALL, 0);
	for (uint32_t i = 0; i < count; i++)
		check_mapping_new(r, 0, check_root_space, WINDOW + i * 512 * PAGE, 512 * PAGE, RW);
	return memory;
}

static void fill_table(uint32_t i)
{
	for (uint32_t page = 0; page < 512; page += 4)
		check_read(WINDOW + i * 512 * PAGE + page * PAGE);
}

CASE("bench-irqoff-tables", "the same, where full page tables are emptied for new ones")
{
	uint32_t worst, next = 0, count = 640;

	late_port = check_port_new(check_portset_new(), 0);
	tables(count);
	while (machine(OBJECT_COUNT, 0, 0, 0) > 1)
		fill_table(next++ % count);
	machine(LATENESS, 0, 0, 0);
	for (uint32_t n = 0; n < 60; n++) {	/* far ahead: the call that sets it may need tables itself */
		uint64_t at = tsc() + 150000 + n * 409;

		machine(DEADLINE_SET, (uint32_t)at, (uint32_t)(at >> 32), late_port);
		while (tsc() < at + 100)
			fill_table(next++ % count);
	}
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-tables", 60, worst * 60, worst);
}

CASE("bench-irqoff-hide", "the same, where an object is made in a page with many entries")
{
	uint32_t worst, page = (uint32_t)check_pages(1);
	fluke_region_t *r = check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0);

	late_port = check_port_new(check_portset_new(), 0);
	for (uint32_t i = 0; i < 400; i++)
		check_mapping_new(r, 0, check_root_space, WINDOW + i * 2 * PAGE, PAGE, RW);
	machine(LATENESS, 0, 0, 0);
	for (uint32_t n = 0; n < 60; n++) {
		uint64_t at;

		for (uint32_t i = 0; i < 400; i++)
			check_read(WINDOW + i * 2 * PAGE);
		at = tsc() + 1500 + n * 257;
		machine(DEADLINE_SET, (uint32_t)at, (uint32_t)(at >> 32), late_port);
		fluke_ref_create((fluke_ref_t *)page);
		while (tsc() < at + 100)
			;
		fluke_ref_destroy((fluke_ref_t *)page);
	}
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-hide", 60, worst * 60, worst);
}

CASE("bench-irqoff-usage", "the same, where the marks of pages with many entries are read")
{
	uint32_t worst, page = (uint32_t)check_pages(2);
	fluke_region_t *r = check_region_new(check_root_space, page, 2 * PAGE, FLUKE_PROT_ALL, 0);
	static uint8_t bits[2];

	late_port = check_port_new(check_portset_new(), 0);
	for (uint32_t i = 0; i < 400; i++)
		check_mapping_new(r, 0, check_root_space, WINDOW + i * 4 * PAGE, 2 * PAGE, RW);
	machine(LATENESS, 0, 0, 0);
	IRQOFF(60u, 409, ({
		oskit_addr_t offset = 0;
		for (uint32_t i = 0; i < 400; i++)
			check_write(WINDOW + i * 4 * PAGE, 1);
		fluke_region_usage(r, &offset, 2 * PAGE, bits); }));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-usage", 60, worst * 60, worst);
}

CASE("bench-irqoff-walk", "the same, where a page lies 250 levels away: touched, protected, touched in a call, looked for")
{
	fluke_mapping_t *m = levels((uint32_t)check_pages(PAGES), 250);
	fluke_mutex_t *mutex = check_object(sizeof *mutex);
	fluke_region_t *r = check_region_new(check_root_space, WINDOW, PAGES * PAGE, FLUKE_PROT_ALL, 0);
	static uint8_t bits[8];
	uint32_t worst;

	late_port = check_port_new(check_portset_new(), 0);
	fluke_mutex_create(mutex);
	MEASURE_AFTER("walk", 100u, check_read(WINDOW), ({ fluke_mapping_protect(m, FLUKE_PROT_NONE); fluke_mapping_protect(m, RW); }));
	machine(LATENESS, 0, 0, 0);
	IRQOFF(200u, 409, ({
		oskit_addr_t offset = 0;

		fluke_mapping_protect(m, FLUKE_PROT_NONE);
		fluke_mapping_protect(m, RW);
		check_write(WINDOW, 1);
		fluke_mutex_get_state(mutex, (fluke_mutex_state_t *)(WINDOW + 32 * PAGE), 0);
		fluke_region_usage(r, &offset, 4 * PAGE, bits); }));
	worst = machine(LATENESS, 0, 0, 0);
	report("irqoff-walk", 200, worst * 200, worst);
}
