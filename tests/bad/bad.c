/* Cases that must be reported as failures: what proves that the harness can fail.  tests/run
 * boots each alone (group harness) and turns the results round. */
#include "check.h"

CASE("bad-01", "a false claim is reported")
{
	CHECK(1 == 2);
}

CASE("bad-02", "an exception that nobody expects is reported")
{
	check_write(8, 1);
}

CASE("bad-03", "an object left behind is reported")
{
	static char page[FLUKE_PAGE_SIZE] __attribute__((aligned(FLUKE_PAGE_SIZE)));

	fluke_mutex_create((fluke_mutex_t *)page);
}

CASE("bad-04", "a case that hangs is reported")
{
	for (;;)
		;
}

CASE("bad-05", "a case that ends the machine is reported")
{
	uint32_t send[3] = { 1u << 8 | 7, 0, 0 }, reply[8], words = 8;

	check_call(check_kernel, send, 3, reply, &words);
	for (;;)
		;
}

CASE("bad-06", "an id reported twice is a failure")
{
	check_print("ok bad-06 the first time\n");
}

CASE("bad-07", "an exception that does not come is reported")
{
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, check_print("# nothing happens\n"));
}

CASE("bad-08", "a wrong value is reported")
{
	CHECK_EQUAL(6 * 7, 43);
}

CASE("bad-09", "a panic of the kernel is reported")
{
	uint32_t send[5] = { 1u << 8 | 9, 10, 0x70206e6f, 0x6f707275, 0x6573 }, reply[8], words = 8;	/* "on purpose" */

	check_call(check_kernel, send, 5, reply, &words);
}
