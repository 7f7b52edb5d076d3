/* Mappings. */
#include "type.h"

#define WINDOW	CHECK_WINDOW
#define PAGE	FLUKE_PAGE_SIZE
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static fluke_region_t *region_over(void *pages, uint32_t count)
{
	return check_region_new(check_root_space, (uint32_t)pages, count * PAGE, FLUKE_PROT_ALL, 0);
}

CASE("mapping-01", "a mapping shows the region's memory")
{
	uint32_t pages = (uint32_t)check_pages(2);

	check_mapping_new(region_over((void *)pages, 2), PAGE, check_root_space, WINDOW, PAGE, RW);
	check_write(pages + PAGE + 8, 5);
	CHECK_EQUAL(check_read(WINDOW + 8), 5);
	check_write(WINDOW + 8, 6);
	CHECK_EQUAL(check_read(pages + PAGE + 8), 6);
}

CASE("mapping-02", "protect takes the right to write away at once")
{
	fluke_mapping_t *m = check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, RW);

	check_write(WINDOW, 1);
	fluke_mapping_protect(m, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW), 1);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 2));
	CHECK_EQUAL(check_caught.subcode, WINDOW);
	CHECK_EQUAL(check_caught.access, FLUKE_PROT_WRITE);
}

CASE("mapping-03", "protect gives the right to write back")
{
	fluke_mapping_t *m = check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, FLUKE_PROT_READ);

	CHECK_EQUAL(check_read(WINDOW), 0);
	fluke_mapping_protect(m, RW);
	check_write(WINDOW, 2);
	CHECK_EQUAL(check_read(WINDOW), 2);
}

CASE("mapping-04", "two mappings of a space must not overlap")
{
	fluke_region_t *r = region_over(check_pages(4), 4);
	fluke_ref_t *region = check_ref_new(), *space = check_ref_new();
	fluke_mapping_t *second = check_object(sizeof *second);
	fluke_mapping_state_t state = { .start_va = WINDOW + 3 * PAGE, .size = 4 * PAGE, .prot = RW };

	check_mapping_new(r, 0, check_root_space, WINDOW, 4 * PAGE, RW);
	fluke_mapping_create(second);
	fluke_region_reference(r, region);
	check_space_reference(check_root_space, space);
	EXPECT_INSANITY(FLUKE_INSANITY_ADDRESS_OVERLAP, fluke_mapping_set_state(second, &state, region, space));
	state.start_va = WINDOW - PAGE;
	state.size = 6 * PAGE;
	EXPECT_INSANITY(FLUKE_INSANITY_ADDRESS_OVERLAP, fluke_mapping_set_state(second, &state, region, space));
	state.start_va = WINDOW + PAGE;
	state.size = PAGE;
	EXPECT_INSANITY(FLUKE_INSANITY_ADDRESS_OVERLAP, fluke_mapping_set_state(second, &state, region, space));
	state.start_va = WINDOW + 4 * PAGE;
	fluke_mapping_set_state(second, &state, region, space);
	CHECK_EQUAL(check_read(WINDOW + 4 * PAGE), 0);
}

CASE("mapping-05", "addresses must be page aligned")
{
	fluke_mapping_t *m = check_object(sizeof *m);
	fluke_mapping_state_t state = { .start_va = WINDOW + 4, .size = PAGE, .prot = RW };

	fluke_mapping_create(m);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = WINDOW;
	state.size = 100;
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_mapping_set_state(m, &state, 0, 0));
}

CASE("mapping-06", "page 0, the entry page and kernel addresses cannot be mapped")
{
	fluke_mapping_t *m = check_object(sizeof *m);
	fluke_mapping_state_t state = { .start_va = 0, .size = PAGE, .prot = RW };

	fluke_mapping_create(m);
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = FLUKE_ENTRY;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = FLUKE_ENTRY - PAGE;
	state.size = 2 * PAGE;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = 0xd0000000;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = WINDOW;
	state.size = -WINDOW;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
}

CASE("mapping-07", "unknown protection bits are refused")
{
	fluke_mapping_t *m = check_object(sizeof *m);
	fluke_mapping_state_t state = { .start_va = WINDOW, .size = PAGE, .prot = 0x10 };

	fluke_mapping_create(m);
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_mapping_set_state(m, &state, 0, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_mapping_protect(m, 0xffff));
}

CASE("mapping-08", "get_state gives back what set_state was given")
{
	fluke_region_t *r = region_over(check_pages(4), 4);
	fluke_mapping_t *m = check_mapping_new(r, PAGE, check_root_space, WINDOW, 2 * PAGE, RW);
	fluke_ref_t *region = check_ref_new(), *space = check_ref_new(), *want = check_ref_new();
	fluke_mapping_state_t state;

	fluke_mapping_get_state(m, &state, region, space);
	CHECK_EQUAL(state.region_off, PAGE);
	CHECK_EQUAL(state.start_va, WINDOW);
	CHECK_EQUAL(state.size, 2 * PAGE);
	CHECK_EQUAL(state.prot, RW);
	fluke_region_reference(r, want);
	CHECK_EQUAL(fluke_ref_compare(region, want), 1);
	check_space_reference(check_root_space, want);
	CHECK_EQUAL(fluke_ref_compare(space, want), 1);
}

CASE("mapping-09", "memory of a destroyed mapping is gone")
{
	fluke_mapping_t *m = check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, RW);

	check_write(WINDOW, 1);
	fluke_mapping_destroy(m);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("mapping-10", "a mapping can be widened at both ends")
{
	uint32_t pages = (uint32_t)check_pages(4);
	fluke_mapping_t *m = check_mapping_new(region_over((void *)pages, 4), PAGE, check_root_space, WINDOW + PAGE, PAGE, RW);
	fluke_mapping_state_t state = { .region_off = 0, .start_va = WINDOW, .size = 4 * PAGE, .prot = RW };

	check_write(pages, 10);
	check_write(pages + PAGE, 11);
	check_write(pages + 3 * PAGE, 13);
	CHECK_EQUAL(check_read(WINDOW + PAGE), 11);
	fluke_mapping_set_state(m, &state, 0, 0);
	CHECK_EQUAL(check_read(WINDOW), 10);
	CHECK_EQUAL(check_read(WINDOW + PAGE), 11);
	CHECK_EQUAL(check_read(WINDOW + 3 * PAGE), 13);
}

CASE("mapping-11", "what a narrowed mapping cuts off is gone, the rest stays")
{
	uint32_t pages = (uint32_t)check_pages(4);
	fluke_mapping_t *m = check_mapping_new(region_over((void *)pages, 4), 0, check_root_space, WINDOW, 4 * PAGE, RW);
	fluke_mapping_state_t state = { .region_off = PAGE, .start_va = WINDOW + PAGE, .size = 2 * PAGE, .prot = RW };

	for (uint32_t i = 0; i < 4; i++)
		check_write(WINDOW + i * PAGE, i);
	fluke_mapping_set_state(m, &state, 0, 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 3 * PAGE));
	CHECK_EQUAL(check_read(WINDOW + PAGE), 1);
	CHECK_EQUAL(check_read(WINDOW + 2 * PAGE), 2);
}

CASE("mapping-12", "a mapping can change its region and place")
{
	uint32_t a = (uint32_t)check_pages(1), b = (uint32_t)check_pages(1);
	fluke_mapping_t *m = check_mapping_new(region_over((void *)a, 1), 0, check_root_space, WINDOW, PAGE, RW);
	fluke_mapping_state_t state = { .start_va = WINDOW, .size = PAGE, .prot = RW };
	fluke_ref_t *ref = check_ref_new();

	check_write(a, 1);
	check_write(b, 2);
	CHECK_EQUAL(check_read(WINDOW), 1);
	fluke_region_reference(region_over((void *)b, 1), ref);
	fluke_mapping_set_state(m, &state, ref, 0);
	CHECK_EQUAL(check_read(WINDOW), 2);
	state.start_va = WINDOW + 0x1000000;
	fluke_mapping_set_state(m, &state, 0, 0);
	CHECK_EQUAL(check_read(WINDOW + 0x1000000), 2);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("mapping-13", "rights are the intersection of all levels")
{
	fluke_space_t *middle = check_space_new();
	fluke_region_t *over;

	check_mapping_new(region_over(check_pages(1), 1), 0, middle, WINDOW, PAGE, RW);
	over = check_region_new(middle, WINDOW, PAGE, FLUKE_PROT_READ, 0);
	check_mapping_new(over, 0, check_root_space, WINDOW, PAGE, RW);
	CHECK_EQUAL(check_read(WINDOW), 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 1));
}

CASE("mapping-14", "a mapping of lower levels limits those above it")
{
	fluke_space_t *middle = check_space_new();
	fluke_mapping_t *low;

	low = check_mapping_new(region_over(check_pages(1), 1), 0, middle, WINDOW, PAGE, RW);
	check_mapping_new(check_region_new(middle, WINDOW, PAGE, RW, 0), 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 1);
	fluke_mapping_protect(low, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW), 1);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 2));
	fluke_mapping_destroy(low);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("mapping-15", "a chain of 100 levels works")
{
	fluke_region_t *r = region_over(check_pages(1), 1);

	for (int i = 0; i < 100; i++) {
		fluke_space_t *s = check_space_new();
		check_mapping_new(r, 0, s, WINDOW, PAGE, RW);
		r = check_region_new(s, WINDOW, PAGE, RW, 0);
	}
	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 42);
	CHECK_EQUAL(check_read(WINDOW), 42);
}

CASE("mapping-16", "a circle of regions and mappings is no access")
{
	fluke_space_t *s = check_space_new();
	fluke_region_t *r = check_region_new(s, WINDOW, PAGE, RW, 0);

	check_mapping_new(r, 0, s, WINDOW, PAGE, RW);
	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("mapping-17", "a moved mapping goes on")
{
	fluke_mapping_t *m = check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, RW);
	fluke_mapping_t *to = check_object(sizeof *to);

	check_write(WINDOW, 3);
	fluke_mapping_move(m, to);
	CHECK_EQUAL(check_read(WINDOW), 3);
	fluke_mapping_protect(to, FLUKE_PROT_NONE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	fluke_mapping_destroy(to);
}

CASE("mapping-18", "two hundred mappings in random order are all found")
{
	uint32_t pages = (uint32_t)check_pages(256), random = 12345, order[200];
	fluke_region_t *r = region_over((void *)pages, 256);
	static fluke_mapping_t *m[256];

	for (uint32_t i = 0; i < 200; i++)
		order[i] = i;
	for (uint32_t i = 199; i; i--) {
		uint32_t other, keep = order[i];
		random = random * 1103515245 + 12345;
		other = (random >> 8) % (i + 1);
		order[i] = order[other];
		order[other] = keep;
	}
	for (uint32_t i = 0; i < 200; i++) {
		check_write(pages + order[i] * PAGE, order[i] + 1000);
		m[order[i]] = check_mapping_new(r, order[i] * PAGE, check_root_space, WINDOW + order[i] * 2 * PAGE, PAGE, RW);
	}
	for (uint32_t i = 0; i < 200; i++)
		CHECK_EQUAL(check_read(WINDOW + i * 2 * PAGE), i + 1000);
	for (uint32_t i = 0; i < 200; i += 2)
		fluke_mapping_destroy(m[order[i]]);
	for (uint32_t i = 0; i < 200; i++) {
		if (i % 2)
			CHECK_EQUAL(check_read(WINDOW + order[i] * 2 * PAGE), order[i] + 1000);
		else
			EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + order[i] * 2 * PAGE));
	}
}

CASE("mapping-19", "a mapping without a region is no access, without a space no effect")
{
	fluke_mapping_t *m = check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, RW);
	fluke_ref_t *null = check_ref_new();

	check_write(WINDOW, 3);
	fluke_mapping_set_state(m, 0, null, 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	fluke_mapping_set_state(m, 0, 0, null);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	check_mapping_new(region_over(check_pages(1), 1), 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 4);
}

CASE("mapping-20", "execution needs the EXECUTE right where the processor can tell")
{
	uint32_t code = (uint32_t)check_pages(1);

	check_write(code, 0xc3c3c3c3);		/* ret */
	check_mapping_new(region_over((void *)code, 1), 0, check_root_space, WINDOW, PAGE, RW | FLUKE_PROT_EXECUTE);
	((void (*)(void))WINDOW)();
}

/* What every type has in common: type.h. */
TYPE_CALLS(mapping, MAPPING, 2);

CASE("mapping-21", "create makes a mapping with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("mapping-22", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("mapping-23", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("mapping-24", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("mapping-25", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("mapping-26", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("mapping-27", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("mapping-28", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("mapping-29", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("mapping-30", "reference refuses what is no mapping, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("mapping-31", "get_state refuses what is no mapping, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("mapping-32", "set_state refuses what is no mapping, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("mapping-33", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("mapping-34", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("mapping-35", "protect refuses what is no mapping, and unknown bits")
{
	fluke_region_t *r = check_region_new(check_root_space, (uint32_t)check_pages(1), FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_READ);

	REFUSES_BAD(FLUKE_INSANITY_NOT_MAPPING, r, fluke_mapping_protect(o, FLUKE_PROT_READ));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_mapping_protect(m, 0x20));
	fluke_mapping_protect(m, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	check_write(WINDOW, 3);
}

CASE("mapping-36", "a mapping of size 0 has no effect, and grows into one")
{
	uint32_t page = (uint32_t)check_pages(1);
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, 0, FLUKE_PROT_ALL);
	fluke_mapping_state_t state = { .start_va = WINDOW, .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_READ };

	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	fluke_mapping_set_state(m, &state, 0, 0);
	check_write(page, 9);
	CHECK_EQUAL(check_read(WINDOW), 9);
}

CASE("mapping-37", "region_off + size may not pass 4 GB, and may pass the region's end")
{
	fluke_region_t *r = check_region_new(check_root_space, (uint32_t)check_pages(1), FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, 4 * FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	fluke_mapping_state_t state = { .region_off = 0xfffff000, .start_va = WINDOW, .size = 2 * FLUKE_PAGE_SIZE };

	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	CHECK_EQUAL(check_read(WINDOW), 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + FLUKE_PAGE_SIZE));
}

CASE("mapping-38", "a refused set_state leaves the mapping as it was")
{
	uint32_t page = (uint32_t)check_pages(1);
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	fluke_mapping_state_t state = { .start_va = WINDOW + 1, .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };

	check_mapping_new(r, 0, check_root_space, WINDOW + 0x10000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = WINDOW + 0x10000;
	EXPECT_INSANITY(FLUKE_INSANITY_ADDRESS_OVERLAP, fluke_mapping_set_state(m, &state, 0, 0));
	state.start_va = 0;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_mapping_set_state(m, &state, 0, 0));
	check_write(WINDOW, 6);
	CHECK_EQUAL(check_read(page), 6);
	fluke_mapping_get_state(m, &state, 0, 0);
	CHECK_EQUAL(state.start_va, WINDOW);
}

CASE("mapping-39", "the place of a destroyed mapping can be mapped again")
{
	fluke_region_t *r = check_region_new(check_root_space, (uint32_t)check_pages(1), FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);

	fluke_mapping_destroy(m);
	check_mapping_new(r, 0, check_root_space, WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	check_write(WINDOW, 1);
}

#define LEVELS	200

static fluke_mapping_t *lowest;

/* Two pages at WINDOW, far away. */
static void far_away(void)
{
	fluke_region_t *r = region_over(check_pages(2), 2);

	for (int i = 0; i < LEVELS; i++) {
		fluke_space_t *s = check_space_new();
		fluke_mapping_t *m = check_mapping_new(r, 0, s, WINDOW, 2 * PAGE, FLUKE_PROT_ALL);

		lowest = i ? lowest : m;
		r = check_region_new(s, WINDOW, 2 * PAGE, FLUKE_PROT_ALL, 0);
	}
	check_mapping_new(r, 0, check_root_space, WINDOW, 2 * PAGE, FLUKE_PROT_ALL);
}

static fluke_portset_t *far_set;
static fluke_mutex_t *far_mutex;

/* Its words, its further buffer, its table of buffers and that of references lie far away, and so does its reference. */
static void far_server(void *unused)
{
	static natural_t answer[2];
	fluke_ipc_buffer_t *more = (fluke_ipc_buffer_t *)(WINDOW + 2048);
	fluke_ref_t **table = (fluke_ref_t **)(WINDOW + 2064);
	fluke_ipc_params_t p;

	(void)unused;
	for (;;) {
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = answer, .recv_words = 40, .recv_data = (void *)WINDOW,
			.recv_buffers = 1, .recv_buffer_table = more, .recv_refs = 1, .recv_ref_table = table };
		fluke_ipc_setup_wait_receive(&p, far_set, 0);
		fluke_ipc_server_ack_send(&p);
		fluke_ipc_server_disconnect();
	}
}

CASE("mapping-40", "memory 200 levels away serves in calls, on both sides of messages, for objects, search and usage")
{
	static natural_t data[100];
	fluke_ref_t *dest, *ref;
	fluke_mutex_state_t *state = (fluke_mutex_state_t *)(WINDOW + 512);
	fluke_region_t *window;
	oskit_addr_t offset = 0;
	natural_t count = 4;
	fluke_obspec_t found[4];
	uint8_t bits[2];
	void *table[1];

	far_away();
	far_mutex = check_mutex_new();
	fluke_mutex_get_state(far_mutex, state, 0);
	CHECK(state->hash);
	ref = (fluke_ref_t *)(WINDOW + PAGE);
	fluke_ref_create(ref);
	far_set = check_portset_new();
	dest = check_port_ref_new(check_port_new(far_set, 1));
	check_write(WINDOW + 2048, 60);
	check_write(WINDOW + 2052, WINDOW + 1024);
	check_write(WINDOW + 2064, (uint32_t)ref);
	table[0] = far_mutex;
	for (natural_t i = 0; i < 100; i++)
		data[i] = i * i;
	check_thread_new(check_space_twin(), far_server, 0);
	check_run();
	for (int round = 0; round < 3; round++) {
		fluke_ipc_params_t p = { .send_words = 100, .send_data = data, .send_refs = 1, .send_ref_table = table,
			.recv_words = 2, .recv_data = found };

		data[99] = (natural_t)round;
		fluke_ref_clear(ref);
		CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&p, dest), FLUKE_IPC_RECV_DISCONNECTED);
		CHECK_EQUAL(check_read(WINDOW + 4 * 39), 39 * 39);
		CHECK_EQUAL(check_read(WINDOW + 1024 + 4 * 59), (natural_t)round);
		CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_MUTEX);
	}
	window = check_region_new(check_root_space, WINDOW, 2 * PAGE, FLUKE_PROT_ALL, 0);
	fluke_region_search(window, &offset, 2 * PAGE, found, &count);
	CHECK_EQUAL(count, 3);
	CHECK_EQUAL(found[0].ob, WINDOW + PAGE);
	offset = 0;
	fluke_region_usage(window, &offset, 2 * PAGE, bits);
	CHECK(bits[0] & FLUKE_USAGE_DIRTY);
	CHECK(bits[1] & FLUKE_USAGE_OBJECT);
	fluke_ref_destroy(ref);
	fluke_mapping_protect(lowest, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW + 4 * 39), 39 * 39);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 1));
	CHECK_EQUAL(check_caught.subcode, WINDOW);
	fluke_mapping_destroy(lowest);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 4 * 39));
}

/* 200 levels up to a region whose keeper grants what it is asked for. */
static fluke_region_t *granted;
static uint32_t asked[2];

static void far_keeper(void *unused)
{
	static struct fluke_exc_message m;
	natural_t answer[2] = { 0, 0 };
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, far_set, 0);
	for (;;) {
		asked[0]++;
		asked[1] = m.subcode;
		fluke_region_protect(granted, FLUKE_PROT_ALL);
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = answer, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, 0);
	}
}

CASE("mapping-41", "a keeper 200 levels away is asked once, for an access and in a call")
{
	fluke_region_t *r;
	fluke_mutex_t *mutex = check_mutex_new();

	far_set = check_portset_new();
	asked[0] = 0;
	granted = r = check_region_new(check_root_space, (uint32_t)check_pages(2), 2 * PAGE, 0, check_port_new(far_set, 1));
	for (int i = 0; i < LEVELS; i++) {
		fluke_space_t *s = check_space_new();
		check_mapping_new(r, 0, s, WINDOW, 2 * PAGE, FLUKE_PROT_ALL);
		r = check_region_new(s, WINDOW, 2 * PAGE, FLUKE_PROT_ALL, 0);
	}
	check_mapping_new(r, 0, check_root_space, WINDOW, 2 * PAGE, FLUKE_PROT_ALL);
	check_thread_new(check_space_twin(), far_keeper, 0);
	check_run();
	check_write(WINDOW + PAGE + 8, 3);
	CHECK_EQUAL(asked[0], 1);
	CHECK_EQUAL(asked[1], PAGE + 8);
	fluke_region_protect(granted, FLUKE_PROT_NONE);
	fluke_mutex_get_state(mutex, (fluke_mutex_state_t *)WINDOW, 0);
	CHECK_EQUAL(asked[0], 2);
	CHECK_EQUAL(check_read(WINDOW + PAGE + 8), 3);
}
