/* The harness itself: cases that must pass.  Those that must fail are in tests/bad. */
#include "check.h"

CASE("harness-01", "the boot information is there")
{
	CHECK_EQUAL(check_boot->magic, FLUKE_BOOT_MAGIC);
	CHECK(check_boot->range_count > 0);
	CHECK(check_boot->ram_total > 16u << 20);
}

CASE("harness-02", "an expected exception is caught and the case goes on")
{
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(8, 1));
	CHECK_EQUAL(check_caught.subcode, 8);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, fluke_mutex_lock((fluke_mutex_t *)check_object_page()));
}

CASE("harness-03", "objects of a case are gone after it")
{
	check_mutex_new();
	check_ref_new();
	check_space_twin();
}

static int count;

static void add_one(void *by)
{
	count += (int)by;
}

CASE("harness-04", "threads run until they block, in the first space and in another")
{
	count = 0;
	check_thread_new(check_root_space, add_one, (void *)3);
	check_thread_new(check_space_twin(), add_one, (void *)4);
	check_run();
	CHECK_EQUAL(count, 7);
}

static void touch_null(void *unused)
{
	(void)unused;
	check_write(16, 1);
}

CASE("harness-05", "an exception of another thread is recorded")
{
	memset(&check_caught, 0, sizeof check_caught);
	check_thread_new(check_root_space, touch_null, 0);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(check_caught.subcode, 16);
}
