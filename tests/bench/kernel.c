/* Measurements of the kernel alone: a guest test program (check.h) that prints lines
 * `bench CASE n mean worst`, in time stamp counts, which under -icount shift=0 are instructions.
 * What the loop and the two rdtsc cost is measured too and taken off. */
#include "check.h"

static uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static uint32_t overhead;

/* The mean and the worst of n runs of the statement. */
#define MEASURE(name, n, statement) \
	do { \
		uint32_t sum_ = 0, worst_ = 0; \
		for (uint32_t i_ = 0; i_ < (n) + 8u; i_++) { \
			uint64_t before_ = tsc(); \
			statement; \
			uint32_t took_ = (uint32_t)(tsc() - before_) - overhead; \
			if (i_ < 8) \
				continue; \
			sum_ += took_; \
			if (took_ > worst_) \
				worst_ = took_; \
		} \
		check_print("bench %s %u %u %u\n", name, n, (sum_ + (n) / 2) / (n), worst_); \
	} while (0)

CASE("bench-null", "thread_self")
{
	uint64_t before;

	overhead = 0;
	before = tsc();
	overhead = (uint32_t)(tsc() - before);
	MEASURE("null", 1000u, fluke_thread_self());
}

static fluke_portset_t *portset;
static fluke_ref_t *dest;

static void echo_server(void *unused)
{
	static uint32_t buffer[2];
	natural_t alias;
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = buffer };

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, portset, &alias);
	for (;;) {
		block = (fluke_ipc_params_t){ .send_words = 2, .send_data = buffer, .recv_words = 2, .recv_data = buffer };
		fluke_ipc_server_ack_send_wait_receive(&block, &alias);
	}
}

CASE("bench-rpc", "null RPC between two spaces, 8 bytes each way")
{
	uint32_t out[2] = { 1, 2 }, in[2];
	fluke_ipc_params_t block;

	portset = check_portset_new();
	dest = check_port_ref_new(check_port_new(portset, 1));
	check_thread_new(check_space_twin(), echo_server, 0);
	check_run();
	MEASURE("rpc", 1000u, ({
		block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out, .recv_words = 2, .recv_data = in };
		fluke_ipc_client_connect_send_over_receive(&block, dest); }));
}

/* Two threads of two spaces hand a token on through a mutex and two conditions. */
static fluke_mutex_t *mutex;
static fluke_cond_t *turn[2];
static volatile uint32_t token, passes;

static void player(void *self)
{
	uint32_t me = (uint32_t)self;

	fluke_mutex_lock(mutex);
	while (passes) {
		while (token != me && passes)
			fluke_cond_wait(turn[me], mutex);
		if (passes)
			passes--;
		token = !me;
		fluke_cond_signal(turn[!me]);
	}
	fluke_mutex_unlock(mutex);
}

CASE("bench-switch", "a token between two threads of two spaces, by their scheduler's hand")
{
	uint64_t before;

	mutex = check_mutex_new();
	turn[0] = check_cond_new();
	turn[1] = check_cond_new();
	token = 0;
	passes = 1000;
	check_thread_new(check_root_space, player, (void *)0);
	check_thread_new(check_space_twin(), player, (void *)1);
	before = tsc();
	check_run();
	CHECK_EQUAL(passes, 0);
	check_print("bench switch 1000 %u 0\n", (uint32_t)(tsc() - before) / 1000);
}

#define WINDOW	0x20000000u
#define PAGE	FLUKE_PAGE_SIZE
#define PAGES	1024u
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

/* Every 32nd page, so that no fault's neighbours matter. */
CASE("bench-soft", "touch of a page that the parent has and the page table lacks")
{
	uint32_t start = (uint32_t)check_pages(PAGES), at = 0;
	fluke_region_t *region = check_region_new(check_root_space, start, PAGES * PAGE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(region, 0, check_root_space, WINDOW, PAGES * PAGE, RW);

	MEASURE("soft", 1000u, ({
		check_read(WINDOW + at);
		at += 32 * PAGE;
		if (at >= PAGES * PAGE) {
			uint64_t away = tsc();
			at = 0;
			fluke_mapping_protect(m, FLUKE_PROT_NONE);
			fluke_mapping_protect(m, RW);
			before_ += tsc() - away + overhead;
		} }));
}

static fluke_mapping_t *supply;
static fluke_ref_t *supply_region, *supply_space;

static void pager(void *unused)
{
	static struct fluke_exc_message m;
	natural_t alias, reply[2] = { 0, 0 };
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
	fluke_mapping_state_t state = { .size = PAGE, .prot = FLUKE_PROT_ALL };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		state.start_va = 0x1000 + (m.subcode & -PAGE);
		fluke_mapping_set_state(supply, &state, supply_region, supply_space);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = reply, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

CASE("bench-hard", "touch of a page that a manager in another space supplies")
{
	fluke_space_t *segment = check_space_new();
	uint32_t page = (uint32_t)check_pages(1), at = 0;
	fluke_region_t *source = check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0);

	portset = check_portset_new();
	supply = check_object(sizeof *supply);
	fluke_mapping_create(supply);
	supply_region = check_ref_new();
	supply_space = check_ref_new();
	fluke_region_reference(source, supply_region);
	fluke_space_reference(segment, supply_space);
	check_mapping_new(check_region_new(segment, 0x1000, PAGES * PAGE, FLUKE_PROT_ALL, check_port_new(portset, 1)), 0,
		check_root_space, WINDOW, PAGES * PAGE, RW);
	check_thread_new(check_space_twin(), pager, 0);
	check_run();
	MEASURE("hard", 1000u, ({ check_read(WINDOW + at); at = (at + 32 * PAGE) % (PAGES * PAGE) + (at + 32 * PAGE) / (PAGES * PAGE) % 32 * PAGE; }));
}
