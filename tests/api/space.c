/* Spaces. */
#include "type.h"

CASE("space-01", "get_state tells the hash, set_state does not change it")
{
	fluke_space_t *s = check_object(sizeof *s);
	fluke_space_state_t state = { .hash = 9 };
	integer_t hash = 55;

	fluke_space_create_hash(s, &hash);
	fluke_space_set_state(s, &state, 0);
	fluke_space_get_state(s, &state, 0);
	CHECK_EQUAL(state.hash, 55);
}

CASE("space-02", "the keeper set is the keeper read")
{
	fluke_space_t *s = check_space_new();
	fluke_ref_t *port = check_port_ref_new(check_port_new(0, 0)), *got = check_ref_new();

	fluke_space_set_state(s, 0, port);
	fluke_space_get_state(s, 0, got);
	CHECK_EQUAL(fluke_ref_compare(port, got), 1);
	fluke_space_set_state(s, 0, check_ref_new());
	fluke_space_get_state(s, 0, got);
	CHECK_EQUAL(fluke_ref_type(got), FLUKE_NULL);
}

CASE("space-03", "a keeper must be a port")
{
	fluke_ref_t *ref = check_ref_new();

	fluke_mutex_reference(check_mutex_new(), ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORT_REF, fluke_space_set_state(check_space_new(), 0, ref));
}

CASE("space-04", "mappings of a destroyed space have no space")
{
	fluke_space_t *s = check_space_new();
	fluke_region_t *r = check_region_new(check_root_space, (uint32_t)check_pages(1), FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m[40];
	fluke_ref_t *got = check_ref_new();

	for (uint32_t i = 0; i < 40; i++)
		m[i] = check_mapping_new(r, 0, s, 0x1000 + i * FLUKE_PAGE_SIZE, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	fluke_space_destroy(s);
	for (uint32_t i = 0; i < 40; i++) {
		fluke_mapping_get_state(m[i], 0, 0, got);
		CHECK_EQUAL(fluke_ref_type(got), FLUKE_NULL);
		fluke_mapping_destroy(m[i]);
	}
}

static int ran;

static void touch(void *unused)
{
	(void)unused;
	ran = 1;
	for (;;)
		fluke_mutex_lock((fluke_mutex_t *)check_mutex_new());
}

CASE("space-05", "a thread whose space is destroyed does not run on")
{
	fluke_space_t *s = check_space_twin();

	ran = 0;
	check_thread_new(s, touch, 0);
	fluke_space_destroy(s);
	check_run();
	CHECK_EQUAL(ran, 0);
}

/* What every type has in common: type.h. */
TYPE_CALLS(space, SPACE, 1);

CASE("space-06", "create makes a space with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("space-07", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("space-08", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("space-09", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("space-10", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("space-11", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("space-12", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("space-13", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("space-14", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("space-15", "reference refuses what is no space, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("space-16", "get_state refuses what is no space, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("space-17", "set_state refuses what is no space, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("space-18", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("space-19", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("space-20", "regions over a destroyed space show a null space and no access")
{
	fluke_space_t *s = check_space_new();
	fluke_region_t *r = check_region_new(check_root_space, (uint32_t)check_pages(1), FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0), *over;
	fluke_ref_t *got = check_ref_new();

	check_mapping_new(r, 0, s, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	over = check_region_new(s, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	check_mapping_new(over, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	check_write(CHECK_WINDOW, 1);
	fluke_space_destroy(s);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(CHECK_WINDOW));
	check_space_reference(check_root_space, got);
	fluke_region_get_state(over, 0, got, 0);
	CHECK_EQUAL(fluke_ref_type(got), FLUKE_NULL);
}

CASE("space-21", "the end of the keeper's port leaves the space without one")
{
	fluke_space_t *s = check_space_new();
	fluke_port_t *port = check_port_new(0, 0);
	fluke_ref_t *ref = check_port_ref_new(port);

	fluke_space_set_state(s, 0, ref);
	fluke_port_destroy(port);
	fluke_port_reference(check_port_new(0, 0), ref);
	fluke_space_get_state(s, 0, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
}

static void add_one(void *page)
{
	check_write((uint32_t)page, check_read((uint32_t)page) + 1);
	ran++;
}

CASE("space-22", "two spaces that map one region see each other's writing")
{
	uint32_t page = (uint32_t)check_pages(1);

	ran = 0;
	check_write(page, 5);
	check_thread_new(check_space_twin(), add_one, (void *)page);
	check_run();
	CHECK_EQUAL(ran, 1);
	CHECK_EQUAL(check_read(page), 6);
}

static void ends_its_space(void *space)
{
	ran++;
	fluke_space_destroy(space);
	ran += 100;
}

CASE("space-23", "a thread that destroys its own space stops there, and goes on when it gets another one")
{
	fluke_space_t *space = check_space_twin();
	fluke_ref_t *other = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = other };
	static fluke_thread_state_t state;
	fluke_thread_t *thread;

	ran = 0;
	thread = check_thread_new(space, ends_its_space, space);
	check_run();
	CHECK_EQUAL(ran, 1);
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(fluke_ref_type(other), FLUKE_NULL);
	check_space_reference(check_root_space, other);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	check_run();
	CHECK_EQUAL(ran, 101);
}
