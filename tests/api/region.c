/* Regions: protection, revoking, search, clear, usage. */
#include "type.h"

#define WINDOW	CHECK_WINDOW
#define PAGE	FLUKE_PAGE_SIZE
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static fluke_region_t *region_over(void *pages, uint32_t count)
{
	return check_region_new(check_root_space, (uint32_t)pages, count * PAGE, FLUKE_PROT_ALL, 0);
}

CASE("region-01", "protect revokes what was derived")
{
	fluke_region_t *r = region_over(check_pages(2), 2);

	check_mapping_new(r, 0, check_root_space, WINDOW, 2 * PAGE, RW);
	check_write(WINDOW + PAGE, 1);
	fluke_region_protect(r, FLUKE_PROT_NONE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + PAGE));
	fluke_region_protect(r, RW);
	CHECK_EQUAL(check_read(WINDOW + PAGE), 1);
}

CASE("region-02", "protect revokes through two further levels")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	fluke_space_t *middle = check_space_new();

	check_mapping_new(r, 0, middle, WINDOW, PAGE, RW);
	check_mapping_new(check_region_new(middle, WINDOW, PAGE, RW, 0), 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 1);
	fluke_region_protect(r, FLUKE_PROT_READ);
	CHECK_EQUAL(check_read(WINDOW), 1);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 2));
}

CASE("region-03", "beyond a shrunken region there is nothing")
{
	uint32_t pages = (uint32_t)check_pages(4);
	fluke_region_t *r = region_over((void *)pages, 4);
	fluke_region_state_t state = { .start_va = pages, .size = 2 * PAGE, .prot = RW };

	check_mapping_new(r, 0, check_root_space, WINDOW, 4 * PAGE, RW);
	check_write(WINDOW + 3 * PAGE, 1);
	fluke_region_set_state(r, &state, 0, 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 3 * PAGE));
	CHECK_EQUAL(check_read(WINDOW + PAGE), 0);
}

CASE("region-04", "get_state gives back what set_state was given")
{
	uint32_t pages = (uint32_t)check_pages(4);
	fluke_port_t *port = check_port_new(0, 0);
	fluke_region_t *r = check_region_new(check_root_space, pages, 4 * PAGE, RW, port);
	fluke_ref_t *space = check_ref_new(), *keeper = check_ref_new(), *want = check_ref_new();
	fluke_region_state_t state;

	fluke_region_get_state(r, &state, space, keeper);
	CHECK_EQUAL(state.start_va, pages);
	CHECK_EQUAL(state.size, 4 * PAGE);
	CHECK_EQUAL(state.prot, RW);
	check_space_reference(check_root_space, want);
	CHECK_EQUAL(fluke_ref_compare(space, want), 1);
	fluke_port_reference(port, want);
	CHECK_EQUAL(fluke_ref_compare(keeper, want), 1);
}

CASE("region-05", "bad states are insanities")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	fluke_region_state_t state = { .start_va = 4, .size = PAGE, .prot = RW };

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_region_set_state(r, &state, 0, 0));
	state.start_va = 0xb0000000;
	state.size = 0x20000000;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_ADDRESS, fluke_region_set_state(r, &state, 0, 0));
	state.prot = 0x100;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_region_set_state(r, &state, 0, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_region_protect(r, 0x100));
}

CASE("region-06", "the memory of a destroyed region is gone")
{
	fluke_region_t *r = region_over(check_pages(1), 1);

	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 1);
	fluke_region_destroy(r);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("region-07", "a moved region goes on")
{
	fluke_region_t *r = region_over(check_pages(1), 1), *to = check_object(sizeof *to);

	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 1);
	fluke_region_move(r, to);
	CHECK_EQUAL(check_read(WINDOW), 1);
	fluke_region_protect(to, FLUKE_PROT_NONE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

/* From the start; how many it found. */
static uint32_t search(fluke_region_t *r, uint32_t size, fluke_obspec_t *found, natural_t room)
{
	oskit_addr_t offset = 0;
	natural_t left = room;

	fluke_region_search(r, &offset, size, found, &left);
	return room - left;
}

CASE("region-08", "search lists the active objects in order")
{
	uint32_t pages = (uint32_t)check_pages(3);
	fluke_region_t *r = region_over((void *)pages, 3);
	fluke_obspec_t found[8];
	oskit_addr_t offset = 0;
	natural_t count = 8;

	fluke_ref_create((fluke_ref_t *)(pages + 64));
	fluke_thread_create((fluke_thread_t *)(pages + 2 * PAGE));
	fluke_mutex_create((fluke_mutex_t *)(pages + 2 * PAGE + 1024));
	fluke_region_search(r, &offset, 3 * PAGE, found, &count);
	CHECK_EQUAL(offset, 3 * PAGE);
	CHECK_EQUAL(count, 5);
	CHECK_EQUAL(found[0].ob, pages + 64);
	CHECK_EQUAL(found[0].type, FLUKE_TYPE_REF);
	CHECK_EQUAL(found[1].ob, pages + 2 * PAGE);
	CHECK_EQUAL(found[1].type, FLUKE_TYPE_THREAD);
	CHECK_EQUAL(found[2].ob, pages + 2 * PAGE + 1024);
	CHECK_EQUAL(found[2].type, FLUKE_TYPE_MUTEX);
}

CASE("region-09", "search stops behind the last object that the array could take")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	fluke_obspec_t found[2];
	oskit_addr_t offset = 0;
	natural_t count = 2;

	for (uint32_t i = 0; i < 3; i++)
		fluke_mutex_create((fluke_mutex_t *)(page + i * 128));
	fluke_region_search(r, &offset, PAGE, found, &count);
	CHECK_EQUAL(count, 0);
	CHECK(offset > 128 && offset <= 256);
	count = 2;
	fluke_region_search(r, &offset, PAGE - offset, found, &count);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(found[0].ob, page + 256);
	CHECK_EQUAL(offset, PAGE);
}

CASE("region-10", "clear destroys every object in the range and no other")
{
	uint32_t pages = (uint32_t)check_pages(3);
	fluke_region_t *r = region_over((void *)pages, 3);
	oskit_addr_t offset = PAGE;
	fluke_ref_t *ref = check_ref_new();

	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t at = 0; at < PAGE; at += 64)
			fluke_mutex_create((fluke_mutex_t *)(pages + i * PAGE + at));
	fluke_mutex_reference((fluke_mutex_t *)(pages + PAGE), ref);
	fluke_region_clear(r, &offset, PAGE);
	CHECK_EQUAL(offset, 2 * PAGE);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)(pages + PAGE + 4032)));
	fluke_mutex_lock((fluke_mutex_t *)(pages + 4032));
	fluke_mutex_lock((fluke_mutex_t *)(pages + 2 * PAGE));
}

CASE("region-11", "clear over the caller's own thread is an insanity")
{
	uint32_t page = (uint32_t)check_first_thread & -PAGE;
	fluke_region_t *r = region_over((void *)page, 1);
	oskit_addr_t offset = (uint32_t)check_first_thread - page;

	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_region_clear(r, &offset, PAGE - offset));
}

CASE("region-12", "usage tells what was touched and forgets it")
{
	uint32_t pages = (uint32_t)check_pages(3);
	fluke_region_t *r = region_over((void *)pages, 3);
	oskit_addr_t offset = 0;
	uint8_t bits[4];

	fluke_mutex_create((fluke_mutex_t *)(pages + 2 * PAGE));
	fluke_region_usage(r, &offset, 3 * PAGE, bits);
	CHECK_EQUAL(offset, 3 * PAGE);
	check_write(pages, 1);
	check_read(pages + PAGE);
	offset = 0;
	fluke_region_usage(r, &offset, 4 * PAGE, bits);
	CHECK_EQUAL(bits[0], FLUKE_USAGE_PRESENT | FLUKE_USAGE_REFERENCED | FLUKE_USAGE_DIRTY);
	CHECK_EQUAL(bits[1], FLUKE_USAGE_PRESENT | FLUKE_USAGE_REFERENCED);
	CHECK(bits[2] & FLUKE_USAGE_OBJECT);
	CHECK_EQUAL(bits[3], 0);
	offset = 0;
	fluke_region_usage(r, &offset, 2 * PAGE, bits);
	CHECK_EQUAL(bits[0], FLUKE_USAGE_PRESENT);
	CHECK_EQUAL(bits[1], FLUKE_USAGE_PRESENT);
}

CASE("region-13", "usage remembers what was written through an entry that is gone")
{
	uint32_t pages = (uint32_t)check_pages(1);
	fluke_region_t *r = region_over((void *)pages, 1);
	fluke_mapping_t *m = check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	oskit_addr_t offset = 0;
	uint8_t bits;

	fluke_region_usage(r, &offset, PAGE, &bits);
	check_write(WINDOW, 1);
	fluke_mapping_destroy(m);
	offset = 0;
	fluke_region_usage(r, &offset, PAGE, &bits);
	CHECK(bits & FLUKE_USAGE_DIRTY);
}

CASE("region-14", "a region of a null space is no access")
{
	fluke_region_t *r = region_over(check_pages(1), 1);

	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	check_write(WINDOW, 1);
	fluke_region_set_state(r, 0, check_ref_new(), 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
}

CASE("region-15", "search skips holes and pages without OBJECT")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_space_t *s = check_space_new();
	fluke_region_t *low = region_over((void *)page, 1), *r = check_region_new(s, 0x1000, 0x10000000, RW, 0);
	fluke_obspec_t found[2];
	oskit_addr_t offset = 0;
	natural_t count = 2;

	fluke_mutex_create((fluke_mutex_t *)page);
	check_mapping_new(low, 0, s, 0x400000, PAGE, RW);
	check_mapping_new(low, 0, s, 0x800000, PAGE, FLUKE_PROT_ALL);
	fluke_region_search(r, &offset, 0x10000000, found, &count);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(found[0].ob, 0x800000);
	CHECK_EQUAL(offset, 0x10000000);
}

CASE("region-16", "search finds and clear destroys an object in every place of two pages")
{
	uint32_t pages = (uint32_t)check_pages(3);
	fluke_region_t *r = region_over((void *)pages, 3);
	static fluke_obspec_t found[260];
	oskit_addr_t offset = 0;
	natural_t count = 260;

	for (uint32_t at = 0; at < 2 * PAGE; at += 32)
		fluke_ref_create((fluke_ref_t *)(pages + at));
	fluke_region_search(r, &offset, 3 * PAGE, found, &count);
	CHECK_EQUAL(count, 4);
	for (uint32_t i = 0; i < 256; i++)
		CHECK_EQUAL(found[i].ob, pages + i * 32);
	offset = 0;
	fluke_region_clear(r, &offset, 3 * PAGE);
	for (uint32_t at = 0; at < 2 * PAGE; at += 32)
		EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_ref_destroy((fluke_ref_t *)(pages + at)));
}

CASE("region-17", "search and clear begin and end anywhere, not only at pages")
{
	uint32_t pages = (uint32_t)check_pages(2);
	fluke_region_t *r = region_over((void *)pages, 2);
	fluke_obspec_t found[4];
	oskit_addr_t offset = 64;
	natural_t count = 4;

	for (uint32_t at = 0; at < 2 * PAGE; at += 32)
		fluke_ref_create((fluke_ref_t *)(pages + at));
	fluke_region_search(r, &offset, 64, found, &count);
	CHECK_EQUAL(count, 2);
	CHECK_EQUAL(offset, 128);
	CHECK_EQUAL(found[0].ob, pages + 64);
	offset = PAGE - 32;
	fluke_region_clear(r, &offset, 64);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_ref_type((fluke_ref_t *)(pages + PAGE - 32)));
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_ref_type((fluke_ref_t *)(pages + PAGE)));
	CHECK_EQUAL(fluke_ref_type((fluke_ref_t *)(pages + PAGE - 64)), FLUKE_NULL);
	CHECK_EQUAL(fluke_ref_type((fluke_ref_t *)(pages + PAGE + 32)), FLUKE_NULL);
}

/* What every type has in common: type.h. */
TYPE_CALLS(region, REGION, 2);

CASE("region-18", "create makes a region with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("region-19", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("region-20", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("region-21", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("region-22", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("region-23", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("region-24", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("region-25", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("region-26", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("region-27", "reference refuses what is no region, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("region-28", "get_state refuses what is no region, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("region-29", "set_state refuses what is no region, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("region-30", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("region-31", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("region-32", "protect refuses what is no region, and unknown bits")
{
	fluke_region_t *r = region_over(check_pages(1), 1);

	REFUSES_BAD(FLUKE_INSANITY_NOT_REGION, check_mutex_new(), fluke_region_protect(o, RW));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_PROT, fluke_region_protect(r, 0x10));
	fluke_region_protect(r, FLUKE_PROT_ALL);
	fluke_region_protect(r, FLUKE_PROT_NONE);
}

CASE("region-33", "search refuses what is no region")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	static oskit_addr_t offset;
	static natural_t count;
	fluke_obspec_t found[1];

	offset = 0;
	count = 1;
	REFUSES_BAD(FLUKE_INSANITY_NOT_REGION, check_mutex_new(), fluke_region_search(o, &offset, PAGE, found, &count));
	fluke_region_search(r, &offset, PAGE, found, &count);
	CHECK_EQUAL(offset, PAGE);
	CHECK_EQUAL(count, 1);
}

CASE("region-34", "clear refuses what is no region")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	static oskit_addr_t offset;

	offset = 0;
	REFUSES_BAD(FLUKE_INSANITY_NOT_REGION, check_mutex_new(), fluke_region_clear(o, &offset, PAGE));
	fluke_region_clear(r, &offset, PAGE);
	CHECK_EQUAL(offset, PAGE);
}

CASE("region-35", "usage refuses what is no region")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	static oskit_addr_t offset;
	uint8_t bits;

	offset = 0;
	REFUSES_BAD(FLUKE_INSANITY_NOT_REGION, check_mutex_new(), fluke_region_usage(o, &offset, PAGE, &bits));
	fluke_region_usage(r, &offset, PAGE, &bits);
	CHECK_EQUAL(offset, PAGE);
	CHECK(bits & FLUKE_USAGE_PRESENT);
}

CASE("region-36", "protect is the same as get_state, another prot, set_state")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	fluke_region_state_t state;

	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	fluke_region_protect(r, FLUKE_PROT_READ);
	fluke_region_get_state(r, &state, 0, 0);
	CHECK_EQUAL(state.prot, FLUKE_PROT_READ);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 1));
	state.prot = RW;
	fluke_region_set_state(r, &state, 0, 0);
	check_write(WINDOW, 1);
	state.prot = FLUKE_PROT_READ;
	fluke_region_set_state(r, &state, 0, 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 1));
}

CASE("region-37", "a region that moves over other memory shows that memory at once")
{
	uint32_t pages = (uint32_t)check_pages(2);
	fluke_region_t *r = region_over((void *)pages, 1);
	fluke_region_state_t state = { .start_va = pages + PAGE, .size = PAGE, .prot = RW };

	check_write(pages, 1);
	check_write(pages + PAGE, 2);
	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	CHECK_EQUAL(check_read(WINDOW), 1);
	fluke_region_set_state(r, &state, 0, 0);
	CHECK_EQUAL(check_read(WINDOW), 2);
}

CASE("region-38", "search with an array of no slots finds nothing and stays where it is")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	oskit_addr_t offset = 0;
	natural_t count = 0;

	fluke_mutex_create((fluke_mutex_t *)page);
	fluke_region_search(r, &offset, PAGE, 0, &count);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(offset, 0);
}

CASE("region-39", "search and clear beyond the region find nothing and end")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	fluke_obspec_t found[1];
	oskit_addr_t offset = PAGE;
	natural_t count = 1;

	fluke_mutex_create((fluke_mutex_t *)page);
	fluke_region_search(r, &offset, 4 * PAGE, found, &count);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(offset, 5 * PAGE);
	offset = PAGE;
	fluke_region_clear(r, &offset, 4 * PAGE);
	CHECK_EQUAL(offset, 5 * PAGE);
	CHECK_EQUAL(fluke_mutex_trylock((fluke_mutex_t *)page), FLUKE_SUCCESS);
}

CASE("region-40", "clear of the range that holds the region itself ends there")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = (fluke_region_t *)(page + 1024);
	fluke_region_state_t state = { .start_va = page, .size = PAGE, .prot = FLUKE_PROT_ALL };
	fluke_ref_t *space = check_ref_new();
	oskit_addr_t offset = 0;

	check_space_reference(check_root_space, space);
	fluke_region_create(r);
	fluke_region_set_state(r, &state, space, 0);
	fluke_mutex_create((fluke_mutex_t *)page);
	fluke_mutex_create((fluke_mutex_t *)(page + 2048));
	fluke_region_clear(r, &offset, PAGE);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)page));
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_region_clear(r, &offset, PAGE));
	CHECK_EQUAL(fluke_mutex_trylock((fluke_mutex_t *)(page + 2048)), FLUKE_SUCCESS);
}

CASE("region-41", "clear needs the right to write at the region object")
{
	fluke_region_t *r = region_over(check_pages(1), 1);
	uint32_t page = (uint32_t)r & -PAGE;
	fluke_region_t *there = (fluke_region_t *)(WINDOW + ((uint32_t)r - page));
	oskit_addr_t offset = 0;

	check_mapping_new(check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0), 0, check_root_space, WINDOW, PAGE,
		FLUKE_PROT_OBJECT | FLUKE_PROT_READ);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_region_clear(there, &offset, PAGE));
	CHECK_EQUAL(check_caught.access, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE);
	fluke_region_get_state(there, 0, 0, 0);
}

CASE("region-42", "search reports a destroyed object no more and a moved one at its new place")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	fluke_obspec_t found[4];

	fluke_cond_create((fluke_cond_t *)page);
	fluke_cond_create((fluke_cond_t *)(page + 64));
	fluke_cond_destroy((fluke_cond_t *)page);
	fluke_cond_move((fluke_cond_t *)(page + 64), (fluke_cond_t *)(page + 2048));
	CHECK_EQUAL(search(r, PAGE, found, 4), 1);
	CHECK_EQUAL(found[0].ob, page + 2048);
	CHECK_EQUAL(found[0].type, FLUKE_TYPE_COND);
}

CASE("region-43", "search tells every type")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	fluke_obspec_t found[10];

	fluke_thread_create((fluke_thread_t *)page);
	fluke_space_create((fluke_space_t *)(page + 1024));
	fluke_region_create((fluke_region_t *)(page + 1280));
	fluke_mapping_create((fluke_mapping_t *)(page + 1408));
	fluke_port_create((fluke_port_t *)(page + 1536));
	fluke_portset_create((fluke_portset_t *)(page + 1600));
	fluke_mutex_create((fluke_mutex_t *)(page + 1664));
	fluke_cond_create((fluke_cond_t *)(page + 1728));
	fluke_ref_create((fluke_ref_t *)(page + 1792));
	CHECK_EQUAL(search(r, PAGE, found, 10), 9);
	const fluke_type_t types[9] = { FLUKE_TYPE_THREAD, FLUKE_TYPE_SPACE, FLUKE_TYPE_REGION, FLUKE_TYPE_MAPPING, FLUKE_TYPE_PORT,
		FLUKE_TYPE_PORTSET, FLUKE_TYPE_MUTEX, FLUKE_TYPE_COND, FLUKE_TYPE_REF };
	for (uint32_t i = 0; i < 9; i++)
		CHECK_EQUAL(found[i].type, types[i]);
}

CASE("region-44", "usage of holes, and beyond the region, is 0")
{
	uint32_t pages = (uint32_t)check_pages(1);
	fluke_space_t *s = check_space_new();
	fluke_region_t *r = check_region_new(s, 0x1000, 3 * PAGE, FLUKE_PROT_ALL, 0);
	oskit_addr_t offset = 0;
	uint8_t bits[4] = { 99, 99, 99, 99 };

	check_mapping_new(region_over((void *)pages, 1), 0, s, 0x2000, PAGE, RW);
	fluke_region_usage(r, &offset, 4 * PAGE, bits);
	CHECK_EQUAL(bits[0], 0);
	CHECK(bits[1] & FLUKE_USAGE_PRESENT);
	CHECK_EQUAL(bits[2], 0);
	CHECK_EQUAL(bits[3], 0);
	CHECK_EQUAL(offset, 4 * PAGE);
}

CASE("region-45", "search shows an object that is seen twice in the range at both addresses")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_space_t *s = check_space_new();
	fluke_region_t *low = region_over((void *)page, 1), *r = check_region_new(s, 0x1000, 0x10000, FLUKE_PROT_ALL, 0);
	fluke_obspec_t found[4];

	fluke_mutex_create((fluke_mutex_t *)(page + 64));
	check_mapping_new(low, 0, s, 0x2000, PAGE, FLUKE_PROT_ALL);
	check_mapping_new(low, 0, s, 0x5000, PAGE, FLUKE_PROT_ALL);
	CHECK_EQUAL(search(r, 0x10000, found, 4), 2);
	CHECK_EQUAL(found[0].ob, 0x2040);
	CHECK_EQUAL(found[1].ob, 0x5040);
}

CASE("region-46", "clear through a region destroys what another space created there")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = region_over((void *)page, 1);
	fluke_ref_t *ref = check_ref_new();
	oskit_addr_t offset = 0;

	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, FLUKE_PROT_ALL);
	fluke_mutex_create((fluke_mutex_t *)(WINDOW + 128));
	fluke_mutex_reference((fluke_mutex_t *)(WINDOW + 128), ref);
	fluke_region_clear(r, &offset, PAGE);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)(WINDOW + 128)));
}

static int cleared;

static void clears_itself(void *region)
{
	oskit_addr_t offset = 0;

	fluke_region_clear(region, &offset, PAGE);
	cleared = 1;
}

/* Such a clear by another thread, stopped after so many microseconds, then gone on with; was it halfway?  That ends what `first` leads to. */
static int stopped_clear(fluke_region_t *r, uint32_t page, uint32_t after, fluke_ref_t *first)
{
	int halfway;

	check_caught.code = cleared = 0;
	check_run_for(check_thread_new(check_root_space, clears_itself, r), after);
	halfway = fluke_ref_type(first) == FLUKE_NULL && !cleared;
	check_run();
	CHECK_EQUAL(check_caught.code, 0);
	CHECK_EQUAL(cleared, 1);
	check_write(page, 1);		/* nothing of it is left: plain memory again */
	return halfway;
}

/* Of the range that holds the region itself. */
static int clear_halfway(uint32_t after, fluke_ref_t **refs, uint32_t count)
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = (fluke_region_t *)page;
	fluke_region_state_t state = { .start_va = page, .size = PAGE, .prot = FLUKE_PROT_ALL };
	fluke_ref_t *space = check_ref_new();

	check_space_reference(check_root_space, space);
	fluke_region_create(r);
	fluke_region_set_state(r, &state, space, 0);
	for (uint32_t i = 0; i < count; i++)
		fluke_region_reference(r, refs[i]);
	return stopped_clear(r, page, after, refs[0]);
}

CASE("region-47", "clear of the range that holds the region, stopped while that is being ended, ends it when it goes on")
{
	static fluke_ref_t *refs[200];
	uint32_t halfway = 0;

	for (uint32_t i = 0; i < 200; i++)
		refs[i] = check_ref_new();
	for (uint32_t after = 6; after < 60; after += 2)
		halfway += clear_halfway(after, refs, 200);
	CHECK(halfway > 3);
}

/* Of a range that holds the space which the region looks into. */
static int clear_space_halfway(uint32_t after, fluke_ref_t **refs, uint32_t count)
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_space_t *s = (fluke_space_t *)page;
	fluke_region_t *r;

	fluke_space_create(s);
	check_mapping_new(region_over((void *)page, 1), 0, s, 0x1000, PAGE, FLUKE_PROT_ALL);
	r = check_region_new(s, 0x1000, PAGE, FLUKE_PROT_ALL, 0);
	for (uint32_t i = 0; i < count; i++)
		fluke_space_reference(s, refs[i]);
	return stopped_clear(r, page, after, refs[0]);
}

CASE("region-48", "clear of the range that holds the space looked into, stopped while that is being ended, ends it when it goes on")
{
	static fluke_ref_t *refs[200];
	uint32_t halfway = 0;

	for (uint32_t i = 0; i < 200; i++)
		refs[i] = check_ref_new();
	for (uint32_t after = 6; after < 60; after += 2)
		halfway += clear_space_halfway(after, refs, 200);
	CHECK(halfway > 3);
}

static unsigned dirty(fluke_region_t *r)
{
	oskit_addr_t offset = 0;
	uint8_t bits = 0;

	fluke_region_usage(r, &offset, PAGE, &bits);
	return bits & FLUKE_USAGE_DIRTY;
}

CASE("region-60", "readers of usage at different distances from memory are each told what is DIRTY, once")
{
	uint32_t pages = (uint32_t)check_pages(1);
	fluke_region_t *upper = region_over((void *)pages, 1), *lower;
	fluke_mapping_t *m = check_mapping_new(upper, 0, check_root_space, WINDOW, PAGE, RW);

	lower = check_region_new(check_root_space, WINDOW, PAGE, FLUKE_PROT_ALL, 0);
	check_write(WINDOW, 1);
	dirty(upper);
	dirty(lower);
	CHECK(!dirty(upper) && !dirty(lower));
	check_write(WINDOW, 2);
	CHECK(dirty(upper));
	CHECK(!dirty(upper));
	CHECK(dirty(lower));
	CHECK(!dirty(lower) && !dirty(upper));
	check_write(pages, 3);
	CHECK(dirty(lower));
	CHECK(dirty(upper));
	CHECK(!dirty(lower) && !dirty(upper));
	check_write(WINDOW, 4);
	CHECK(dirty(upper));
	check_write(WINDOW, 5);
	CHECK(dirty(upper));
	fluke_mapping_protect(m, FLUKE_PROT_READ);
	CHECK(dirty(lower));
	CHECK(!dirty(lower) && !dirty(upper));
}
