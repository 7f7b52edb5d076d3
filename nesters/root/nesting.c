/* Root's part of the view of the nesting (nest/nesting.h): its own objects lie in frames here and there, and the kernel has
 * made the first of them.  Its children are found as everybody's: the stack, drivers. */
#include <nest/nesting.h>
#include "root.h"

static void add_area(uint32_t start, uint32_t size, struct NestingNumbers *numbers)
{
	static fluke_region_t *region;
	fluke_region_state_t state = { .start_va = start, .size = size, .prot = FLUKE_PROT_OBJECT };

	if (!region && !(region = region_new(own_space(), start, size, FLUKE_PROT_OBJECT, NULL)))
		return;
	fluke_region_set_state(region, &state, NULL, NULL);
	nesting_search(region, 0, size, numbers);
}

void nest_own(struct NestingNumbers *numbers)
{
	uint32_t start, size;

	add_area(boot_info->objects, FLUKE_PAGE_SIZE, numbers);
	for (unsigned n = 0; objects_area(n, &start, &size); n++)
		add_area(start, size, numbers);
	numbers->memory = store.root->used;
	numbers->limit = (uint64_t)store.frames.total * FLUKE_PAGE_SIZE;
}

void nesting_start(void)
{
	if (nesting_begin("root"))
		fatal("no memory for the view of the nesting");
}
