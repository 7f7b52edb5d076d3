/* Entries of 2 MB: over blocks of memory without objects, where every level shows the whole block; what happens to one
 * page of the block happens to the entry. */
#include "check.h"

#define PAGE	FLUKE_PAGE_SIZE
#define BLOCK	0x200000u
#define WINDOW	0x20000000u
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static uint32_t free_tables(void) { return check_object_count(0); }

/* Memory that is `count` whole blocks; pages before it are lost. */
static uint32_t blocks(uint32_t count)
{
	uint32_t at = (uint32_t)check_pages(1), skip = (BLOCK - PAGE - at % BLOCK) / PAGE;

	if (at % BLOCK == 0)
		skip = 511;
	if (skip)
		check_pages(skip);
	at = (uint32_t)check_pages(count * BLOCK / PAGE);
	CHECK_EQUAL(at % BLOCK, 0);
	return at;
}

/* The block at WINDOW, through a space in between; the mapping of that space. */
static fluke_space_t *between;
static fluke_region_t *far_region, *near_region;
static fluke_mapping_t *near_mapping;

static fluke_mapping_t *chain(uint32_t memory, uint32_t size)
{
	fluke_mapping_t *m;

	between = check_space_new();
	far_region = check_region_new(check_root_space, memory, size, FLUKE_PROT_ALL, 0);
	m = check_mapping_new(far_region, 0, between, WINDOW, size, FLUKE_PROT_ALL);
	near_region = check_region_new(between, WINDOW, size, FLUKE_PROT_ALL, 0);
	near_mapping = check_mapping_new(near_region, 0, check_root_space, WINDOW, size, RW);
	return m;
}

static void set_state(fluke_mapping_t *m, uint32_t offset, uint32_t start, uint32_t size, uint32_t prot)
{
	fluke_mapping_state_t state = { .region_off = offset, .start_va = start, .size = size, .prot = prot };

	fluke_mapping_set_state(m, &state, 0, 0);
}

CASE("superpage-01", "whole blocks seen through the window of the first space need no page tables")
{
	uint32_t memory = blocks(4), before = free_tables();

	for (uint32_t at = 0; at < 4 * BLOCK; at += PAGE)
		check_write(memory + at, at);
	for (uint32_t at = 0; at < 4 * BLOCK; at += PAGE)
		CHECK_EQUAL(check_read(memory + at), at);
	CHECK(free_tables() >= before);
}

CASE("superpage-02", "a chain aligned at every level needs no page tables; one that is not, does")
{
	uint32_t memory = blocks(4), before;

	chain(memory, 4 * BLOCK);
	check_read(WINDOW);	/* the directory */
	before = free_tables();
	for (uint32_t at = 0; at < 4 * BLOCK; at += PAGE)
		check_write(WINDOW + at, at + 1);
	for (uint32_t at = 0; at < 4 * BLOCK; at += PAGE)
		CHECK_EQUAL(check_read(memory + at), at + 1);
	CHECK_EQUAL(free_tables(), before);
	check_mapping_new(far_region, PAGE, check_root_space, WINDOW + 8 * BLOCK, 2 * BLOCK, RW);
	for (uint32_t at = 0; at < 2 * BLOCK; at += PAGE)
		CHECK_EQUAL(check_read(WINDOW + 8 * BLOCK + at), at + PAGE + 1);
	CHECK_EQUAL(free_tables(), before - 2);
}

CASE("superpage-03", "an object made in a block: the other pages are as they were, its page is no memory")
{
	uint32_t memory = blocks(1), place = memory + 7 * PAGE;
	fluke_mutex_t *m = (fluke_mutex_t *)(place + 64);

	chain(memory, BLOCK);
	for (uint32_t at = 0; at < BLOCK; at += PAGE)
		check_write(WINDOW + at, ~at);
	fluke_mutex_create(m);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
	EXPECT_EXCEPTION(FLUKE_EXC_OBJECT_PAGE, check_read(WINDOW + 7 * PAGE));
	EXPECT_EXCEPTION(FLUKE_EXC_OBJECT_PAGE, check_write(place + 64, 0));
	for (uint32_t at = 0; at < BLOCK; at += PAGE)
		if (at != 7 * PAGE) {
			CHECK_EQUAL(check_read(WINDOW + at), ~at);
			CHECK_EQUAL(check_read(memory + at), ~at);
		}
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
	fluke_mutex_destroy(m);
	CHECK_EQUAL(check_read(place + 64), 0);
}

CASE("superpage-04", "a page that is not the block's first, cut off, is gone further up")
{
	fluke_mapping_t *m = chain(blocks(1), BLOCK);

	check_write(WINDOW + BLOCK - PAGE, 4);
	set_state(m, 0, WINDOW, BLOCK - PAGE, FLUKE_PROT_ALL);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + BLOCK - PAGE));
	check_write(WINDOW + BLOCK - 2 * PAGE, 5);
	set_state(m, 0, WINDOW, BLOCK, FLUKE_PROT_ALL);
	CHECK_EQUAL(check_read(WINDOW + BLOCK - PAGE), 4);
}

CASE("superpage-05", "a right taken away below is taken from the whole block above, and comes back")
{
	fluke_mapping_t *m = chain(blocks(1), BLOCK);

	check_write(WINDOW + 5 * PAGE, 1);
	fluke_mapping_protect(m, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW + 5 * PAGE), 1);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW + 5 * PAGE, 2));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW + 100 * PAGE, 2));
	fluke_mapping_protect(m, FLUKE_PROT_NONE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 511 * PAGE));
	fluke_mapping_protect(m, RW);
	check_write(WINDOW + 5 * PAGE, 3);
	CHECK_EQUAL(check_read(WINDOW + 5 * PAGE), 3);
}

CASE("superpage-06", "of its own mapping's range, only a part is taken away")
{
	uint32_t memory = blocks(1);

	chain(memory, BLOCK);
	check_write(WINDOW + 3 * PAGE, 33);
	set_state(near_mapping, 3 * PAGE, WINDOW + 3 * PAGE, 5 * PAGE, RW);
	CHECK_EQUAL(check_read(WINDOW + 3 * PAGE), 33);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 2 * PAGE));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 8 * PAGE));
}

CASE("superpage-07", "what was written through an entry of a block is dirty, all of it once, then page by page")
{
	static uint8_t bits[512];
	uint32_t memory = blocks(1);
	oskit_addr_t offset = 0;

	chain(memory, BLOCK);
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	fluke_mapping_protect(near_mapping, FLUKE_PROT_NONE);
	set_state(near_mapping, 0, WINDOW, BLOCK, RW);
	set_state(near_mapping, 0, WINDOW, 0, RW);	/* the block's first page is revoked: a superpage again */
	fluke_region_protect(far_region, FLUKE_PROT_NONE);
	fluke_region_protect(far_region, FLUKE_PROT_ALL);
	set_state(near_mapping, 0, WINDOW, BLOCK, RW);
	check_write(WINDOW + 9 * PAGE, 1);
	offset = 0;
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	CHECK(bits[9] & FLUKE_USAGE_DIRTY);
	CHECK(bits[9] & FLUKE_USAGE_REFERENCED);
	CHECK(bits[500] & FLUKE_USAGE_DIRTY);	/* it was one entry */
	offset = 0;
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	for (uint32_t i = 0; i < 512; i++)
		CHECK_EQUAL(bits[i], FLUKE_USAGE_PRESENT);
	check_write(WINDOW + 300 * PAGE, 1);
	check_read(WINDOW + 301 * PAGE);
	check_write(memory + 17 * PAGE, 1);
	offset = 0;
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	for (uint32_t i = 0; i < 512; i++)
		CHECK_EQUAL(bits[i], FLUKE_USAGE_PRESENT | (i == 300 || i == 17 ? FLUKE_USAGE_REFERENCED | FLUKE_USAGE_DIRTY :
			i == 301 ? FLUKE_USAGE_REFERENCED : 0));
}

CASE("superpage-08", "an entry of a block that is dropped leaves its marks with every page")
{
	static uint8_t bits[512];
	uint32_t memory = blocks(1);
	oskit_addr_t offset = 0;

	chain(memory, BLOCK);
	check_read(WINDOW + 8 * PAGE);
	fluke_mapping_destroy(near_mapping);
	fluke_region_protect(far_region, FLUKE_PROT_NONE);
	fluke_region_protect(far_region, FLUKE_PROT_ALL);
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	for (uint32_t i = 0; i < 512; i++)	/* filling the memory with zeros wrote it */
		CHECK_EQUAL(bits[i], FLUKE_USAGE_PRESENT | FLUKE_USAGE_REFERENCED | FLUKE_USAGE_DIRTY);
	offset = 0;
	fluke_region_usage(far_region, &offset, BLOCK, bits);
	for (uint32_t i = 0; i < 512; i++)
		CHECK_EQUAL(bits[i], FLUKE_USAGE_PRESENT);
}

static uint32_t seen;

static void look(void *at)
{
	seen = check_read((uint32_t)at);
}

CASE("superpage-09", "spaces with nothing but entries of blocks give their directories when tables run out")
{
	uint32_t memory = blocks(2), count = 30;
	fluke_region_t *r = check_region_new(check_root_space, memory, 2 * BLOCK, FLUKE_PROT_ALL, 0);

	check_write(memory + PAGE, 5);
	for (uint32_t i = 0; i < count; i++) {
		fluke_space_t *s = check_space_new();
		fluke_region_t *all = check_region_new(check_root_space, FLUKE_ROOT_IMAGE, 0x3fc00000u - FLUKE_ROOT_IMAGE,
			FLUKE_PROT_ALL, 0), *window = check_region_new(check_root_space, FLUKE_ROOT_PHYSICAL, 64u << 20,
			FLUKE_PROT_ALL, 0);

		check_mapping_new(all, 0, s, FLUKE_ROOT_IMAGE, 0x1fc00000u, FLUKE_PROT_ALL);
		check_mapping_new(window, 0, s, FLUKE_ROOT_PHYSICAL, 64u << 20, FLUKE_PROT_ALL);
		for (uint32_t gigabyte = 0; gigabyte < 3; gigabyte++)
			check_mapping_new(r, 0, s, 0x30000000u + (gigabyte << 30), 2 * BLOCK, RW);
		seen = 0;
		check_thread_new(s, look, (void *)(0x30000000u + (i % 3 << 30) + PAGE));
		check_run();
		CHECK_EQUAL(seen, 5);
	}
	for (uint32_t i = 0; i < 600; i++)
		check_mapping_new(r, 0, check_root_space, WINDOW + i * BLOCK, PAGE, RW);
	for (uint32_t i = 0; i < 600; i++) {
		check_write(WINDOW + i * BLOCK, i);
		CHECK_EQUAL(check_read(memory), i);
	}
	CHECK_EQUAL(free_tables(), 0);
	CHECK_EQUAL(check_read(memory + PAGE), 5);
}

static fluke_portset_t *set;

static void taker(void *at)
{
	natural_t alias, first[2];
	fluke_ipc_buffer_t rest = { 600 * PAGE / 4, at };
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = first, .recv_buffers = 1, .recv_buffer_table = &rest };

	fluke_ipc_setup_wait_receive(&p, set, &alias);
	p = (fluke_ipc_params_t){ .send_words = 2, .send_data = first };
	fluke_ipc_server_ack_send(&p);
	fluke_ipc_server_disconnect();
	check_thread_end();
}

CASE("superpage-10", "a message between two spaces, from and into blocks")
{
	uint32_t memory = blocks(4), words = 600 * PAGE / 4;
	natural_t head[2] = { 1, 2 };
	fluke_ref_t *dest;
	fluke_ipc_buffer_t rest = { words, (void *)(memory + PAGE) };
	fluke_ipc_params_t p = {
		.send_words = 2, .send_data = head, .send_buffers = 1, .send_buffer_table = &rest, .recv_words = 2, .recv_data = head,
	};

	for (uint32_t i = 0; i < words; i++)
		check_write(memory + PAGE + i * 4, i * 7);
	set = check_portset_new();
	dest = check_port_ref_new(check_port_new(set, 1));
	check_thread_new(check_space_twin(), taker, (void *)(memory + 2 * BLOCK + 100));
	check_run();
	CHECK_EQUAL(FLUKE_IPC_STATUS(fluke_ipc_client_connect_send_over_receive(&p, dest)), FLUKE_IPC_RECV_DISCONNECTED);
	for (uint32_t i = 0; i < words; i++)
		CHECK_EQUAL(check_read(memory + 2 * BLOCK + 100 + i * 4), i * 7);
}

CASE("superpage-11", "a block without a right at one level: the walk decides, page by page where mappings differ")
{
	uint32_t memory = blocks(1);
	fluke_region_t *r = check_region_new(check_root_space, memory, BLOCK, FLUKE_PROT_ALL, 0);

	check_mapping_new(r, 0, check_root_space, WINDOW, BLOCK / 2, RW);
	check_mapping_new(r, BLOCK / 2, check_root_space, WINDOW + BLOCK / 2, BLOCK / 2, FLUKE_PROT_READ);
	check_write(WINDOW, 1);
	check_write(WINDOW + BLOCK / 2 - PAGE, 1);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW + BLOCK / 2, 1));
	CHECK_EQUAL(check_read(WINDOW + BLOCK - PAGE), 0);
}

CASE("superpage-12", "a block read first and written then has its write right at once")
{
	uint32_t memory = blocks(1);
	fluke_mapping_t *m = chain(memory, BLOCK);

	fluke_mapping_protect(m, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW + PAGE), 0);
	fluke_mapping_protect(m, FLUKE_PROT_ALL);
	check_write(WINDOW + PAGE, 9);
	CHECK_EQUAL(check_read(memory + PAGE), 9);
}
