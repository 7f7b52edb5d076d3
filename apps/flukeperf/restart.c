/* What a fault inside a call costs: client_connect_send_over_receive with a KB of data whose page is
 * missing on one side, from the page table alone (soft) or held by a manager (hard).
 *
 * extra = the call with the fault less the call without: the remedy, and what the call does a
 * second time.  touch = the same fault met by a plain access of the same thread: the remedy alone.
 * rollback = extra - touch, 0 when the fault inside the call is the cheaper one. */
#include "flukeperf.h"

#define WORDS	256u
#define SIZE	(16 * PAGE)

static fluke_mapping_t *window;		/* of SIZE at WINDOW; its first page is the one missed */
static fluke_mapping_t *supply;
static fluke_ref_t *supply_region, *supply_space;
static fluke_portset_t *pager_set, *server_set;
static uint32_t served[WORDS];

/* ---- where the page comes from */

static void soft_window(void)
{
	uint32_t start = (uint32_t)check_pages(SIZE / PAGE);

	window = check_mapping_new(check_region_new(check_root_space, start, SIZE, FLUKE_PROT_ALL, 0), 0, check_root_space, WINDOW, SIZE, RW);
}

static void soft_miss(void)
{
	fluke_mapping_protect(window, FLUKE_PROT_NONE);
	fluke_mapping_protect(window, RW);
}

static void supply_at(uint32_t offset)
{
	const fluke_mapping_state_t state = { .start_va = 0x1000 + offset, .size = PAGE, .prot = FLUKE_PROT_ALL };

	fluke_mapping_set_state(supply, &state, supply_region, supply_space);
}

static void pager(void *unused)
{
	static struct fluke_exc_message m;
	natural_t alias, reply[2] = { 0, 0 };
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, pager_set, &alias);
	for (;;) {
		supply_at(m.subcode & -PAGE);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = reply, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

static void hard_window(void)
{
	fluke_space_t *segment = check_space_new();

	pager_set = check_portset_new();
	supply = check_object(sizeof *supply);
	fluke_mapping_create(supply);
	supply_region = check_ref_new();
	supply_space = check_ref_new();
	fluke_region_reference(check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_ALL, 0), supply_region);
	fluke_space_reference(segment, supply_space);
	window = check_mapping_new(check_region_new(segment, 0x1000, SIZE, FLUKE_PROT_ALL, check_port_new(pager_set, 1)), 0,
		check_root_space, WINDOW, SIZE, RW);
	check_thread_new(check_space_twin(), pager, 0);
	check_run();
}

/* The manager's one page goes to the window's last place. */
static void hard_miss(void)
{
	supply_at(SIZE - PAGE);
}

/* Elsewhere: what the kernel noted about entries is void after any of the three, and whoever is called has to look. */
static fluke_mapping_t *elsewhere;

static void no_miss(void)
{
	check_read(WINDOW + 2 * SIZE);
	fluke_mapping_protect(elsewhere, FLUKE_PROT_NONE);
	fluke_mapping_protect(elsewhere, RW);
}

static void elsewhere_make(void)
{
	uint32_t start = (uint32_t)check_pages(1);

	elsewhere = check_mapping_new(check_region_new(check_root_space, start, PAGE, FLUKE_PROT_ALL, 0), 0, check_root_space, WINDOW + 2 * SIZE,
		PAGE, RW);
}

/* ---- the server receives into `buffer`; told so, it touches the window before it answers */

static volatile uint32_t touching;

static void receiver(void *buffer)
{
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = WORDS, .recv_data = buffer };

	fluke_ipc_setup_wait_receive(&p, server_set, &alias);
	for (;;) {
		if (touching)
			check_write(WINDOW, 1);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = served, .recv_words = WORDS, .recv_data = buffer };
		fluke_ipc_server_ack_send_wait_receive(&p, &alias);
	}
}

static fluke_ref_t *receiver_start(void *buffer)
{
	fluke_ref_t *dest;

	server_set = check_portset_new();
	dest = check_port_ref_new(check_port_new(server_set, 1));
	check_thread_new(check_space_twin(), receiver, buffer);
	check_run();
	return dest;
}

static uint32_t call_cost(fluke_ref_t *dest, void *data, void (*miss)(void))
{
	uint32_t answer[2], sum = 0;
	uint64_t before;

	for (uint32_t i = 0; i < 104; i++) {
		fluke_ipc_params_t p = { .send_words = WORDS, .send_data = data, .recv_words = 2, .recv_data = answer };
		miss();
		before = tsc();
		fluke_ipc_client_connect_send_over_receive(&p, dest);
		if (i >= 4)
			sum += (uint32_t)(tsc() - before) - overhead;
	}
	return sum;
}

static uint32_t touch_cost(void (*miss)(void))
{
	uint32_t sum = 0;
	uint64_t before;

	for (uint32_t i = 0; i < 104; i++) {
		miss();
		before = tsc();
		check_write(WINDOW, 1);
		if (i >= 4)
			sum += (uint32_t)(tsc() - before) - overhead;
	}
	return sum;
}

static void rows(const char *extra_row, const char *rollback_row, uint32_t extra, uint32_t touch)
{
	report(extra_row, 100, extra, 0);
	report(rollback_row, 100, extra > touch ? extra - touch : 0, 0);
}

static void client_rows(const char *extra_row, const char *rollback_row, void (*miss)(void))
{
	fluke_ref_t *dest = receiver_start(check_pages(1));
	uint32_t plain, touch;

	check_write(WINDOW, 1);
	plain = call_cost(dest, (void *)WINDOW, no_miss);
	touch = touch_cost(miss) - touch_cost(no_miss);
	rows(extra_row, rollback_row, call_cost(dest, (void *)WINDOW, miss) - plain, touch);
}

static void server_rows(const char *extra_row, const char *rollback_row, void (*miss)(void))
{
	void *data = check_pages(1);
	fluke_ref_t *dest = receiver_start((void *)WINDOW), *other;
	uint32_t extra, touch;

	memset(data, 1, WORDS * 4);
	extra = call_cost(dest, data, no_miss);
	extra = call_cost(dest, data, miss) - extra;
	other = receiver_start(check_pages(1));
	touching = 1;
	touch = call_cost(other, data, no_miss);
	touch = call_cost(other, data, miss) - touch;
	touching = 0;
	rows(extra_row, rollback_row, extra, touch);
}

CASE("bench-restart-client", "a fault in the client's buffer inside a call")
{
	elsewhere_make();
	soft_window();
	client_rows("client-soft", "rollback-cs", soft_miss);
	fluke_mapping_destroy(window);
	hard_window();
	client_rows("client-hard", "rollback-ch", hard_miss);
}

CASE("bench-restart-server", "a fault in the server's buffer inside a call")
{
	elsewhere_make();
	soft_window();
	server_rows("server-soft", "rollback-ss", soft_miss);
	fluke_mapping_destroy(window);
	hard_window();
	server_rows("server-hard", "rollback-sh", hard_miss);
}
