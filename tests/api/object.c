/* What all object types share: birth and death of object pages, look-up, create, destroy, move. */
#include "check.h"

CASE("object-01", "user code cannot read a page that holds an object")
{
	fluke_mutex_t *m = check_mutex_new();

	EXPECT_EXCEPTION(FLUKE_EXC_OBJECT_PAGE, check_read((uint32_t)m + 512));
	CHECK_EQUAL(check_caught.subcode, (uint32_t)m + 512);
}

CASE("object-02", "a misaligned create is an insanity")
{
	uint32_t page = (uint32_t)check_object_page();

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_mutex_create((fluke_mutex_t *)(page + 32)));
}

CASE("object-03", "two objects cannot begin at one place")
{
	fluke_mutex_t *m = check_mutex_new();

	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_ref_create((fluke_ref_t *)m));
}

CASE("object-04", "an object cannot be created inside a larger one")
{
	uint32_t page = (uint32_t)check_object_page();

	fluke_thread_create((fluke_thread_t *)(page + 1024));
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_ref_create((fluke_ref_t *)(page + 1024 + 992)));
	CHECK_EQUAL(fluke_ref_create((fluke_ref_t *)(page + 992)), FLUKE_SUCCESS);
}

CASE("object-05", "a larger object cannot be created over a small one")
{
	uint32_t page = (uint32_t)check_object_page();

	fluke_ref_create((fluke_ref_t *)(page + 2048 + 992));
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_thread_create((fluke_thread_t *)(page + 2048)));
}

CASE("object-06", "using an object as another type is an insanity")
{
	fluke_mutex_t *m = check_mutex_new();
	fluke_ref_t *ref = check_ref_new();

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REGION, fluke_region_protect((fluke_region_t *)m, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SPACE, fluke_space_reference((fluke_space_t *)m, ref));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REF, fluke_ref_type((fluke_ref_t *)m));
}

CASE("object-07", "a destroyed object is no object")
{
	fluke_mutex_t *m = check_mutex_new();

	fluke_mutex_destroy(m);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_destroy(m));
}

CASE("object-08", "a page whose objects are gone reads as zeros")
{
	uint32_t page = (uint32_t)check_pages(1);

	check_write(page + 40, 0x1234);
	fluke_mutex_create((fluke_mutex_t *)(page + 64));
	fluke_mutex_destroy((fluke_mutex_t *)(page + 64));
	for (uint32_t at = 0; at < FLUKE_PAGE_SIZE; at += 4)
		CHECK_EQUAL(check_read(page + at), 0);
}

CASE("object-09", "stale bytes in a page are never taken for an object")
{
	uint32_t page = (uint32_t)check_pages(1);

	for (uint32_t at = 0; at < FLUKE_PAGE_SIZE; at += 32)
		check_write(page + at, 0x4b750000 | FLUKE_TYPE_MUTEX);
	fluke_ref_create((fluke_ref_t *)page);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)(page + 64)));
}

CASE("object-10", "an address above user memory is no place for an object")
{
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_mutex_create((fluke_mutex_t *)0xc0100000));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_mutex_lock((fluke_mutex_t *)0xc0100000));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_mutex_lock((fluke_mutex_t *)FLUKE_ENTRY));
}

CASE("object-11", "create_hash keeps the hash it is given")
{
	fluke_mutex_t *m = check_object(sizeof *m);
	fluke_mutex_state_t state;
	integer_t hash = 4711;

	fluke_mutex_create_hash(m, &hash);
	fluke_mutex_get_state(m, &state, 0);
	CHECK_EQUAL(hash, 4711);
	CHECK_EQUAL(state.hash, 4711);
}

CASE("object-12", "create_hash with zero chooses hashes that differ")
{
	integer_t a = 0, b = 0;

	fluke_mutex_create_hash(check_object(64), &a);
	fluke_mutex_create_hash(check_object(64), &b);
	CHECK(a != 0 && b != 0 && a != b);
}

#define MANY 100
static fluke_ref_t *many[MANY];

static void refer(fluke_mutex_t *m)
{
	for (int i = 0; i < MANY; i++)
		fluke_mutex_reference(m, many[i] = check_ref_new());
}

CASE("object-13", "all references to a destroyed object are null")
{
	fluke_mutex_t *m = check_mutex_new();

	refer(m);
	fluke_mutex_destroy(m);
	for (int i = 0; i < MANY; i++)
		CHECK_EQUAL(fluke_ref_type(many[i]), FLUKE_NULL);
}

CASE("object-14", "all references follow an object that moves")
{
	fluke_mutex_t *m = check_mutex_new(), *to = check_object(sizeof *to);
	fluke_ref_t *ref = check_ref_new();

	refer(m);
	fluke_mutex_move(m, to);
	fluke_mutex_reference(to, ref);
	for (int i = 0; i < MANY; i++)
		CHECK_EQUAL(fluke_ref_compare(ref, many[i]), 1);
	fluke_mutex_destroy(to);
	for (int i = 0; i < MANY; i++)
		CHECK_EQUAL(fluke_ref_type(many[i]), FLUKE_NULL);
}

CASE("object-15", "the place that an object left is free")
{
	fluke_mutex_t *m = check_mutex_new(), *to = check_object(sizeof *to);

	fluke_mutex_move(m, to);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock(m));
	CHECK_EQUAL(fluke_mutex_create(m), FLUKE_SUCCESS);
}

CASE("object-16", "move onto an active object is an insanity and changes nothing")
{
	fluke_mutex_t *a = check_mutex_new(), *b = check_mutex_new();

	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_mutex_move(a, b));
	fluke_mutex_lock(a);
	fluke_mutex_unlock(a);
}

CASE("object-17", "create without the right to write is a fault that asks for OBJECT and WRITE")
{
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);

	check_mapping_new(r, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_READ | FLUKE_PROT_OBJECT);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_ref_create((fluke_ref_t *)CHECK_WINDOW));
	CHECK_EQUAL(check_caught.subcode, CHECK_WINDOW);
	CHECK_EQUAL(check_caught.access, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE);
}

CASE("object-18", "a page lent without OBJECT shows no object, only a fault")
{
	fluke_mutex_t *m = check_mutex_new();
	uint32_t page = (uint32_t)m & -FLUKE_PAGE_SIZE;
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mutex_t *there = (fluke_mutex_t *)(CHECK_WINDOW + ((uint32_t)m - page));

	check_mapping_new(r, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_mutex_lock(there));
	CHECK_EQUAL(check_caught.access, FLUKE_PROT_OBJECT);
}

CASE("object-19", "an object can be used through every mapping of its page")
{
	fluke_mutex_t *m = check_mutex_new();
	uint32_t page = (uint32_t)m & -FLUKE_PAGE_SIZE;
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mutex_t *there = (fluke_mutex_t *)(CHECK_WINDOW + ((uint32_t)m - page));

	check_mapping_new(r, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_OBJECT);
	fluke_mutex_lock(there);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_MUTEX_HELD);
}

CASE("object-20", "a call that would store its result in an object page is an exception")
{
	fluke_mutex_t *m = check_mutex_new();

	EXPECT_EXCEPTION(FLUKE_EXC_OBJECT_PAGE, fluke_mutex_get_state(m, (fluke_mutex_state_t *)m, 0));
}

CASE("object-21", "device memory holds no objects")
{
	uint32_t send[3] = { 0x103, 0xb8000, 0x8000 }, reply[8], words = 8;	/* Machine.device_add */
	fluke_mutex_t *m = (fluke_mutex_t *)(FLUKE_ROOT_PHYSICAL + 0xb8000);

	check_call(check_kernel, send, 3, reply, &words);
	check_write((uint32_t)m, 0x07200720);
	CHECK_EQUAL(fluke_mutex_create(m), FLUKE_NO_MEMORY);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock(m));
}

#define NO_MEMORY(type) \
	do { \
		fluke_##type##_t *o = (fluke_##type##_t *)(FLUKE_ROOT_PHYSICAL + 0xb9000); \
		CHECK_EQUAL(fluke_##type##_create(o), FLUKE_NO_MEMORY); \
	} while (0)
#define NO_MEMORY_HASH(type) \
	do { \
		fluke_##type##_t *o = (fluke_##type##_t *)(FLUKE_ROOT_PHYSICAL + 0xb9000); \
		integer_t hash = 5; \
		CHECK_EQUAL(fluke_##type##_create_hash(o, &hash), FLUKE_NO_MEMORY); \
		NO_MEMORY(type); \
	} while (0)

CASE("object-23", "no type of object can be made in device memory, with or without a hash")
{
	uint32_t send[3] = { 0x103, 0xb8000, 0x8000 }, reply[8], words = 8;	/* Machine.device_add */

	check_call(check_kernel, send, 3, reply, &words);
	NO_MEMORY_HASH(thread);
	NO_MEMORY_HASH(space);
	NO_MEMORY_HASH(region);
	NO_MEMORY_HASH(mapping);
	NO_MEMORY_HASH(port);
	NO_MEMORY_HASH(portset);
	NO_MEMORY_HASH(mutex);
	NO_MEMORY_HASH(cond);
	NO_MEMORY(ref);
}

CASE("object-22", "a moved space goes on with its mappings and regions")
{
	uint32_t page = (uint32_t)check_pages(1);
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_space_t *middle = check_space_new(), *to = check_object(sizeof *to);
	fluke_region_t *over = check_region_new(middle, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);

	check_mapping_new(r, 0, middle, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	check_mapping_new(over, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	check_write(page, 77);
	CHECK_EQUAL(check_read(CHECK_WINDOW), 77);
	fluke_space_move(middle, to);
	CHECK_EQUAL(check_read(CHECK_WINDOW), 77);
	fluke_space_destroy(to);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(CHECK_WINDOW));
}

static uint32_t ended;

static void destroys(void *doomed)
{
	fluke_port_destroy(doomed);
	ended++;
}

static uint64_t rdtsc(void)
{
	uint64_t now;

	__asm__ volatile ("rdtsc" : "=A" (now));
	return now;
}

/* Lets the thread run until it blocks, or for so many ticks; true if these were over first. */
static int run_for(fluke_thread_t *thread, uint32_t ticks, fluke_port_t *late)
{
	uint64_t at = rdtsc() + ticks;
	uint32_t send[3] = { 1u << 8 | 4, (uint32_t)at, (uint32_t)(at >> 32) }, reply[8];
	const fluke_port_state_t nothing = { 0 };
	void *refs[1] = { late };
	fluke_ipc_params_t p = { .send_refs = 1, .send_words = 3, .send_data = send, .send_ref_table = refs,
		.recv_words = 8, .recv_data = reply };
	int over;

	fluke_ipc_call(&p, check_kernel);
	over = fluke_thread_schedule(thread, late, FLUKE_WAKEUP_ON_BLOCK) == FLUKE_SCHED_MESSAGE;
	fluke_port_set_state(late, &nothing, 0);
	return over;
}

CASE("object-40", "a destroy that is stopped halfway leaves alone what is made at the place meanwhile")
{
	fluke_port_t *late = check_port_new(check_portset_new(), 0), *doomed;
	uint32_t halfway = 0;

	for (uint32_t after = 2000; after < 26000; after += 1000) {
		fluke_thread_t *thread;
		fluke_ref_t *ref = 0;
		int made = 0;

		doomed = check_port_new(0, 0);
		for (uint32_t i = 0; i < 300; i++)
			ref = check_port_ref_new(doomed);
		thread = check_thread_new(check_root_space, destroys, doomed);
		ended = 0;
		run_for(thread, after, late);
		if (fluke_ref_type(ref) == FLUKE_NULL && !ended) {
			made = 1;
			halfway++;
			CHECK_EQUAL(fluke_port_create(doomed), FLUKE_SUCCESS);
			fluke_port_reference(doomed, ref);
		}
		check_run();
		CHECK_EQUAL(ended, 1);
		if (made)
			CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_PORT);
	}
	CHECK(halfway > 3);
}
