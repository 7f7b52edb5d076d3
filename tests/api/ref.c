/* References. */
#include "check.h"

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
