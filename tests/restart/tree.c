#include "world.h"

void tree_again(void)
{
}

uint32_t child_list(fluke_obspec_t *list, uint32_t room)
{
	oskit_addr_t offset = check_physical_of((void *)child_start);
	natural_t left = room;

	fluke_region_search(check_physical, &offset, CHILD_PAGES * FLUKE_PAGE_SIZE, list, &left);
	for (uint32_t i = 0; i < room - left; i++)
		list[i].ob += FLUKE_ROOT_PHYSICAL;
	return room - left;
}
