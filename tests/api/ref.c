/* References. */
#include "type.h"

CASE("ref-01", "a new reference is null")
{
	fluke_ref_t *ref = check_ref_new();

	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	CHECK_EQUAL(fluke_ref_hash(ref), 0);
}

CASE("ref-02", "a reference tells type and hash of its target")
{
	fluke_ref_t *ref = check_ref_new();
	fluke_region_t *region = check_object(sizeof *region);
	fluke_mapping_t *mapping = check_object(sizeof *mapping);
	fluke_space_t *space = check_object(sizeof *space);
	integer_t one = 101, two = 102, three = 103;

	fluke_region_create_hash(region, &one);
	fluke_mapping_create_hash(mapping, &two);
	fluke_space_create_hash(space, &three);
	fluke_region_reference(region, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_REGION);
	CHECK_EQUAL(fluke_ref_hash(ref), 101);
	fluke_mapping_reference(mapping, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_MAPPING);
	CHECK_EQUAL(fluke_ref_hash(ref), 102);
	fluke_space_reference(space, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_SPACE);
	CHECK_EQUAL(fluke_ref_hash(ref), 103);
}

CASE("ref-03", "a copy leads to the same object")
{
	fluke_ref_t *a = check_ref_new(), *b = check_ref_new();

	fluke_mutex_reference(check_mutex_new(), a);
	CHECK_EQUAL(fluke_ref_compare(a, b), 0);
	fluke_ref_copy(a, b);
	CHECK_EQUAL(fluke_ref_compare(a, b), 1);
}

CASE("ref-04", "a copy of a reference to itself changes nothing")
{
	fluke_ref_t *a = check_ref_new();

	fluke_mutex_reference(check_mutex_new(), a);
	fluke_ref_copy(a, a);
	CHECK_EQUAL(fluke_ref_type(a), FLUKE_TYPE_MUTEX);
}

CASE("ref-05", "a cleared reference is null and the target lives on")
{
	fluke_mutex_t *m = check_mutex_new();
	fluke_ref_t *a = check_ref_new();

	fluke_mutex_reference(m, a);
	fluke_ref_clear(a);
	CHECK_EQUAL(fluke_ref_type(a), FLUKE_NULL);
	CHECK_EQUAL(fluke_mutex_trylock(m), FLUKE_SUCCESS);
}

CASE("ref-06", "two null references compare equal")
{
	CHECK_EQUAL(fluke_ref_compare(check_ref_new(), check_ref_new()), 1);
}

CASE("ref-07", "references to different objects compare unequal")
{
	fluke_ref_t *a = check_ref_new(), *b = check_ref_new();

	fluke_mutex_reference(check_mutex_new(), a);
	fluke_mutex_reference(check_mutex_new(), b);
	CHECK_EQUAL(fluke_ref_compare(a, b), 0);
}

CASE("ref-08", "a moved reference leads to the same object")
{
	fluke_ref_t *a = check_ref_new(), *to = check_object(sizeof *to), *c = check_ref_new();
	fluke_mutex_t *m = check_mutex_new();

	fluke_mutex_reference(m, a);
	fluke_mutex_reference(m, c);
	fluke_ref_move(a, to);
	CHECK_EQUAL(fluke_ref_compare(to, c), 1);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_ref_type(a));
	fluke_mutex_destroy(m);
	CHECK_EQUAL(fluke_ref_type(to), FLUKE_NULL);
}

CASE("ref-09", "an operation on what is no reference is an insanity")
{
	fluke_mutex_t *m = check_mutex_new();

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REF, fluke_mutex_reference(m, (fluke_ref_t *)m));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REF, fluke_ref_destroy((fluke_ref_t *)m));
}

CASE("ref-10", "a reference of the wrong type is refused by set_state")
{
	fluke_ref_t *a = check_ref_new();
	fluke_mapping_t *mapping = check_object(sizeof *mapping);
	fluke_region_t *region = check_object(sizeof *region);

	fluke_mutex_reference(check_mutex_new(), a);
	fluke_mapping_create(mapping);
	fluke_region_create(region);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REGION_REF, fluke_mapping_set_state(mapping, 0, a, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SPACE_REF, fluke_mapping_set_state(mapping, 0, 0, a));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SPACE_REF, fluke_region_set_state(region, 0, a, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORT_REF, fluke_region_set_state(region, 0, 0, a));
}

CASE("ref-11", "create refuses a misaligned, a taken and no user address")
{
	char *place = check_object(64);

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_ref_create((fluke_ref_t *)(place + 16)));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_ref_create(KERNEL_ADDRESS));
	CHECK_EQUAL(fluke_ref_create((fluke_ref_t *)place), FLUKE_SUCCESS);
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_ref_create((fluke_ref_t *)place));
	CHECK_EQUAL(fluke_ref_create((fluke_ref_t *)(place + 32)), FLUKE_SUCCESS);
}

CASE("ref-12", "destroy refuses what is no reference")
{
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_destroy(o));
	fluke_ref_destroy(check_ref_new());
}

CASE("ref-13", "move refuses what is no reference, and every place that create would")
{
	char *place = check_object(64);
	fluke_ref_t *ref = check_ref_new(), *taken = check_ref_new();

	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_move(o, (fluke_ref_t *)place));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, fluke_ref_move(ref, (fluke_ref_t *)(place + 16)));
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, fluke_ref_move(ref, taken));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, fluke_ref_move(ref, KERNEL_ADDRESS));
	fluke_ref_move(ref, (fluke_ref_t *)place);
	CHECK_EQUAL(fluke_ref_type((fluke_ref_t *)place), FLUKE_NULL);
}

CASE("ref-14", "copy refuses what is no reference on either side")
{
	fluke_ref_t *ref = check_ref_new();

	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_copy(o, ref));
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_copy(ref, o));
	fluke_ref_copy(ref, check_ref_new());
}

CASE("ref-15", "clear refuses what is no reference")
{
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_clear(o));
	fluke_ref_clear(check_ref_new());
}

CASE("ref-16", "compare refuses what is no reference on either side")
{
	fluke_ref_t *ref = check_ref_new();

	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_compare(o, ref));
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_compare(ref, o));
	CHECK_EQUAL(fluke_ref_compare(ref, ref), 1);
}

CASE("ref-17", "hash and type refuse what is no reference")
{
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_hash(o));
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ref_type(o));
	CHECK_EQUAL(fluke_ref_hash(check_ref_new()), 0);
}

CASE("ref-18", "copying a dead reference makes a null one")
{
	fluke_ref_t *a = check_ref_new(), *b = check_ref_new();
	fluke_mutex_t *m = check_mutex_new();

	fluke_mutex_reference(m, a);
	fluke_mutex_destroy(m);
	fluke_cond_reference(check_cond_new(), b);
	fluke_ref_copy(a, b);
	CHECK_EQUAL(fluke_ref_type(b), FLUKE_NULL);
}

CASE("ref-19", "references to one mutex through two addresses compare equal")
{
	fluke_mutex_t *m = check_mutex_new();
	uint32_t page = (uint32_t)m & -FLUKE_PAGE_SIZE;
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_ref_t *a = check_ref_new(), *b = check_ref_new();

	check_mapping_new(r, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_OBJECT);
	fluke_mutex_reference(m, a);
	fluke_mutex_reference((fluke_mutex_t *)(CHECK_WINDOW + ((uint32_t)m - page)), b);
	CHECK_EQUAL(fluke_ref_compare(a, b), 1);
}

CASE("ref-20", "a reference follows an object into another space's memory and back")
{
	fluke_mutex_t *m = check_mutex_new(), *there;
	uint32_t page = (uint32_t)check_object_page();
	fluke_region_t *r = check_region_new(check_root_space, page, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	fluke_ref_t *a = check_ref_new(), *b = check_ref_new();

	check_mapping_new(r, 0, check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	fluke_mutex_reference(m, a);
	there = (fluke_mutex_t *)(CHECK_WINDOW + 64);
	fluke_mutex_move(m, there);
	fluke_mutex_reference((fluke_mutex_t *)(page + 64), b);
	CHECK_EQUAL(fluke_ref_compare(a, b), 1);
}

CASE("ref-21", "the type code of every type")
{
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_t *thread = check_object(sizeof *thread);
	fluke_region_t *region = check_object(sizeof *region);

	fluke_thread_create(thread);
	fluke_region_create(region);
	fluke_thread_reference(thread, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_THREAD);
	fluke_space_reference(check_space_new(), ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_SPACE);
	fluke_region_reference(region, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_REGION);
	fluke_port_reference(check_port_new(0, 0), ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_PORT);
	fluke_portset_reference(check_portset_new(), ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_PORTSET);
	fluke_mutex_reference(check_mutex_new(), ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_MUTEX);
	fluke_cond_reference(check_cond_new(), ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_TYPE_COND);
}
