/* Page tables are a cache: with more of the address space in use than there are tables, everything
 * still works, only slower. */
#include "check.h"

#define BASE	0x20000000u
#define STRIDE	0x00200000u		/* one page table each */
#define COUNT	700u			/* more than the pool of a machine with 128 MB has (1/32 of memory) */
#define PAGES	64u

static uint32_t page_of(uint32_t i) { return BASE + i * STRIDE + (i * 37 % 512) * FLUKE_PAGE_SIZE; }

/* COUNT windows of one page in the space, on PAGES pages that hold their numbers. */
static uint8_t *windows(fluke_space_t *space)
{
	uint8_t *memory = check_pages(PAGES);
	fluke_region_t *region = check_region_new(check_root_space, (uint32_t)memory, PAGES * FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);

	for (uint32_t i = 0; i < PAGES; i++)
		*(uint32_t *)(memory + i * FLUKE_PAGE_SIZE) = 1000 + i;
	for (uint32_t i = 0; i < COUNT; i++)
		check_mapping_new(region, i % PAGES * FLUKE_PAGE_SIZE, space, page_of(i), FLUKE_PAGE_SIZE,
			FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	return memory;
}

CASE("tables-01", "one space touches more than all tables cover")
{
	windows(check_root_space);
	CHECK(check_object_count(0) < COUNT);
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < COUNT; i++)
			CHECK_EQUAL(check_read(page_of(round & 1 ? COUNT - 1 - i : i)), 1000 + (round & 1 ? COUNT - 1 - i : i) % PAGES);
}

CASE("tables-02", "what is written through dropped tables is there and marked dirty")
{
	uint8_t *memory = windows(check_root_space), bits[PAGES];
	fluke_region_t *region = check_region_new(check_root_space, (uint32_t)memory, PAGES * FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	oskit_addr_t offset = 0;

	fluke_region_usage(region, &offset, PAGES * FLUKE_PAGE_SIZE, bits);
	for (uint32_t i = 0; i < COUNT; i++)
		check_write(page_of(i) + 4 + i / PAGES * 4, i);
	for (uint32_t i = 0; i < COUNT; i++)
		CHECK_EQUAL(*(uint32_t *)(memory + i % PAGES * FLUKE_PAGE_SIZE + 4 + i / PAGES * 4), i);
	offset = 0;
	fluke_region_usage(region, &offset, PAGES * FLUKE_PAGE_SIZE, bits);
	for (uint32_t i = 0; i < PAGES; i++)
		CHECK(bits[i] & FLUKE_USAGE_DIRTY);
}

static uint32_t sum;

static void reader(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < COUNT; i++)
		sum += check_read(page_of(i));
}

CASE("tables-03", "two spaces take tables from each other")
{
	uint32_t wanted = 0;
	fluke_space_t *twin;

	windows(check_root_space);
	twin = check_space_twin();
	for (uint32_t i = 0; i < COUNT; i++)
		wanted += 1000 + i % PAGES;
	for (int round = 0; round < 2; round++) {
		sum = 0;
		check_thread_new(twin, reader, 0);
		check_run();
		CHECK_EQUAL(sum, wanted);
		sum = 0;
		reader(0);
		CHECK_EQUAL(sum, wanted);
	}
}

static fluke_portset_t *set;
static fluke_ipc_buffer_t server_table[200], client_table[200];

static void collector(void *unused)
{
	natural_t alias, first[2];
	fluke_ipc_params_t p = {
		.recv_words = 2, .recv_data = first, .recv_buffers = 200, .recv_buffer_table = server_table,
	};

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, set, &alias);
	first[0] = p.recv_buffers;
	p = (fluke_ipc_params_t){ .send_words = 2, .send_data = first };
	fluke_ipc_server_ack_send(&p);
	fluke_ipc_server_disconnect();
	check_thread_end();
}

CASE("tables-04", "a message gathered from, and scattered over, more tables than there are")
{
	natural_t head[2] = { 1, 2 };
	fluke_ref_t *dest;
	fluke_ipc_params_t p = {
		.send_words = 2, .send_data = head, .send_buffers = 200, .send_buffer_table = client_table,
		.recv_words = 2, .recv_data = head,
	};

	windows(check_root_space);
	set = check_portset_new();
	dest = check_port_ref_new(check_port_new(set, 1));
	for (uint32_t i = 0; i < 200; i++) {
		client_table[i] = (fluke_ipc_buffer_t){ 1, (void *)page_of(i * 3) };
		server_table[i] = (fluke_ipc_buffer_t){ 1, (void *)(page_of(i * 3 + 1) + 512) };
	}
	check_thread_new(check_space_twin(), collector, 0);
	check_run();
	for (uint32_t i = 0; i < COUNT; i++)	/* takes every table */
		check_read(page_of(i));
	CHECK_EQUAL(FLUKE_IPC_STATUS(fluke_ipc_client_connect_send_over_receive(&p, dest)), FLUKE_IPC_RECV_DISCONNECTED);
	/* a target page is that of several buffers: the last one stands */
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t last = i;

		for (uint32_t j = i; j < 200; j++)
			if ((j * 3 + 1) % PAGES == (i * 3 + 1) % PAGES)
				last = j;
		CHECK_EQUAL(check_read(page_of(i * 3 + 1) + 512), 1000 + last * 3 % PAGES);
	}
}

#define FULL_COUNT	300u		/* of 2 MB: more tables than there are, and each of them full */

/* Windows of 512 pages each on the same memory, a page off any block, so that each needs a table. */
static uint32_t full_windows(void)
{
	uint32_t memory = (uint32_t)check_pages(1025);
	fluke_region_t *r;

	memory += memory % STRIDE ? 0 : FLUKE_PAGE_SIZE;
	r = check_region_new(check_root_space, memory, STRIDE, FLUKE_PROT_ALL, 0);
	for (uint32_t at = 0; at < STRIDE; at += FLUKE_PAGE_SIZE)
		check_write(memory + at, at);
	for (uint32_t i = 0; i < FULL_COUNT; i++)
		check_mapping_new(r, 0, check_root_space, BASE + i * STRIDE, STRIDE, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	return memory;
}

CASE("tables-05", "full tables are emptied in steps for new ones")
{
	uint32_t memory = full_windows();

	for (uint32_t i = 0; i < FULL_COUNT; i++)
		for (uint32_t at = 0; at < STRIDE; at += FLUKE_PAGE_SIZE)
			CHECK_EQUAL(check_read(BASE + i * STRIDE + at), at);
	CHECK(check_object_count(0) < 2);
	for (uint32_t i = 0; i < FULL_COUNT; i++)
		check_write(BASE + i * STRIDE + i * FLUKE_PAGE_SIZE, i);
	for (uint32_t i = 0; i < FULL_COUNT; i++)
		CHECK_EQUAL(check_read(memory + i * FLUKE_PAGE_SIZE), i);
}

CASE("tables-06", "an object seen through a table that was taken away goes with its mapping")
{
	fluke_mutex_t *m = check_object_page(), *window = (fluke_mutex_t *)0x70000000u;
	fluke_mapping_t *view = check_mapping_new(check_region_new(check_root_space, (uint32_t)m, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0),
		0, check_root_space, (uint32_t)window, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);

	fluke_mutex_create(m);
	CHECK_EQUAL(fluke_mutex_trylock(window), FLUKE_SUCCESS);
	full_windows();
	for (uint32_t i = 0; i < FULL_COUNT; i++)
		for (uint32_t at = 0; at < STRIDE; at += 8 * FLUKE_PAGE_SIZE)
			check_read(BASE + i * STRIDE + at);
	fluke_mapping_protect(view, FLUKE_PROT_NONE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_mutex_trylock(window));
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
}

static void refused(uint32_t code, uint32_t va)
{
	EXPECT_EXCEPTION(code, check_read(va));
	if (code == FLUKE_EXC_PAGE_FAULT)
		EXPECT_EXCEPTION(code, check_write(va, 1));
}

static void read_only(uint32_t va, uint32_t value)
{
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(va, 1));
	CHECK_EQUAL(check_read(va), value);
}

CASE("tables-07", "an object is made in a page that many entries show; each of them then shows none")
{
	uint32_t page = (uint32_t)check_pages(1), count = 150;
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mutex_t *m = (fluke_mutex_t *)page;

	for (uint32_t i = 0; i < count; i++) {
		check_mapping_new(r, 0, check_root_space, BASE + i * 16 * FLUKE_PAGE_SIZE, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
		check_write(BASE + i * 16 * FLUKE_PAGE_SIZE, i);
	}
	fluke_mutex_create(m);
	for (uint32_t i = 0; i < count; i++) {
		refused(FLUKE_EXC_OBJECT_PAGE, (BASE + i * 16 * FLUKE_PAGE_SIZE));
		CHECK_EQUAL(fluke_mutex_trylock((fluke_mutex_t *)(BASE + i * 16 * FLUKE_PAGE_SIZE)), i ? FLUKE_MUTEX_HELD : FLUKE_SUCCESS);
	}
	fluke_mutex_destroy(m);
	for (uint32_t i = 0; i < count; i++)
		CHECK_EQUAL(check_read(BASE + i * 16 * FLUKE_PAGE_SIZE), 0);
	fluke_mutex_create((fluke_mutex_t *)(BASE + 64));
	refused(FLUKE_EXC_OBJECT_PAGE, (BASE + 149 * 16 * FLUKE_PAGE_SIZE));
}

CASE("tables-08", "device memory: a mapping in between that loses its right takes it from all above, and from no one for good")
{
	uint32_t send[3] = { 0x103, 0xb8000, 0x8000 }, reply[8], words = 8, count = 40;	/* Machine.device_add */
	uint32_t memory = FLUKE_ROOT_PHYSICAL + 0xb8000, other = 0x70000000u;
	fluke_space_t *between = check_space_new();
	fluke_region_t *far = check_region_new(check_root_space, memory, 0x8000, FLUKE_PROT_ALL, 0), *near;
	fluke_mapping_t *m = check_mapping_new(far, 0, between, BASE, 0x8000, FLUKE_PROT_ALL);

	check_call(check_kernel, send, 3, reply, &words);
	near = check_region_new(between, BASE, 0x8000, FLUKE_PROT_ALL, 0);
	check_mapping_new(far, 0x1000, check_root_space, other, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	for (uint32_t i = 0; i < count; i++)
		check_mapping_new(near, 0x1000, check_root_space, BASE + i * STRIDE, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	check_write(other, 0x07410742);
	for (uint32_t i = 0; i < count; i++)
		CHECK_EQUAL(check_read(BASE + i * STRIDE), 0x07410742);
	fluke_mapping_protect(m, FLUKE_PROT_READ);
	for (uint32_t i = 0; i < count; i++)
		read_only(BASE + i * STRIDE, 0x07410742);
	fluke_mapping_destroy(m);
	for (uint32_t i = 0; i < count; i++)
		refused(FLUKE_EXC_PAGE_FAULT, BASE + i * STRIDE);
	check_write(other, 0x07430744);
	CHECK_EQUAL(check_read(memory + 0x1000), 0x07430744);
}
