/* Objects: birth and end of each type, references, search, mappings. */
#include "flukeperf.h"

#define CREATE_ROW(type) do { \
		fluke_##type##_t *o_ = check_object(sizeof *o_); \
		MEASURE("create-" #type, 500u, ({ fluke_##type##_create(o_); fluke_##type##_destroy(o_); })); \
	} while (0)

CASE("bench-create", "create and destroy, per type")
{
	CREATE_ROW(ref);
	CREATE_ROW(mutex);
	CREATE_ROW(cond);
	CREATE_ROW(port);
	CREATE_ROW(portset);
	CREATE_ROW(mapping);
	CREATE_ROW(region);
	CREATE_ROW(space);
	CREATE_ROW(thread);
}

CASE("bench-ref", "the calls on a reference")
{
	fluke_ref_t *ref = check_object(sizeof *ref), *a = check_port_ref_new(check_port_new(0, 0)), *b = check_ref_new();
	fluke_port_t *port = check_port_new(0, 0);

	MEASURE_AFTER("ref-create", 500u, fluke_ref_create(ref), fluke_ref_destroy(ref));
	fluke_ref_create(ref);
	MEASURE("ref-copy", 500u, ({ fluke_ref_copy(a, ref); fluke_ref_copy(b, ref); }));
	MEASURE("ref-compare", 500u, fluke_ref_compare(a, b));
	MEASURE("ref-hash", 500u, fluke_ref_hash(a));
	MEASURE("ref-port", 500u, fluke_port_reference(port, ref));
	MEASURE_AFTER("ref-destroy", 500u, fluke_ref_destroy(ref), fluke_ref_create(ref));
}

CASE("bench-search", "region_search over 16 MB")
{
	const uint32_t size = 16u << 20;
	uint32_t start = (uint32_t)check_pages(size / PAGE), made = 0;
	fluke_region_t *r = check_region_new(check_root_space, start, size, FLUKE_PROT_ALL, 0);
	static fluke_obspec_t found[1100];

	for (uint32_t want = 0; want <= 1024; want = want ? want * 64 : 16) {
		for (; made < want; made++)
			fluke_ref_create((fluke_ref_t *)(start + made * (size / 1024)));
		MEASURE(want == 0 ? "search-0" : want == 16 ? "search-16" : "search-1024", 10u, ({
			oskit_addr_t offset = 0;
			natural_t count = 1100;
			fluke_region_search(r, &offset, size, found, &count);
			CHECK_EQUAL(1100 - count, made); }));
	}
	for (oskit_addr_t offset = 0; offset < size; )
		fluke_region_clear(r, &offset, size - offset);
}

static void map_rows(const char *set, const char *protect, uint32_t pages)
{
	uint32_t start = (uint32_t)check_pages(pages);
	fluke_region_t *r = check_region_new(check_root_space, start, pages * PAGE, FLUKE_PROT_ALL, 0);
	fluke_mapping_t *m = check_object(sizeof *m);
	fluke_ref_t *region = check_ref_new(), *space = check_ref_new();
	const fluke_mapping_state_t state = { .start_va = WINDOW, .size = pages * PAGE, .prot = RW };

	fluke_region_reference(r, region);
	fluke_space_reference(check_root_space, space);
	MEASURE(set, 200u, ({
		fluke_mapping_create(m);
		fluke_mapping_set_state(m, &state, region, space);
		fluke_mapping_destroy(m); }));
	fluke_mapping_create(m);
	fluke_mapping_set_state(m, &state, region, space);
	MEASURE_AFTER(protect, 200u, fluke_mapping_protect(m, FLUKE_PROT_READ), ({
		fluke_mapping_protect(m, RW);
		for (uint32_t i = 0; i < pages; i += 16)
			check_write(WINDOW + i * PAGE, 1); }));
	fluke_mapping_destroy(m);
}

CASE("bench-map", "create, set and destroy of a mapping; protection of touched pages")
{
	map_rows("map-1p", "protect-1p", 1);
	map_rows("map-1m", "protect-1m", 256);
}

/* Objects with their links, as a parent reads and puts them back. */
#define STATE_ROWS(type, object, ...) do { \
		fluke_##type##_state_t state_; \
		fluke_##type##_t *o_ = (object); \
		MEASURE("getstate-" #type, 500u, fluke_##type##_get_state(o_, &state_, ##__VA_ARGS__)); \
		MEASURE("setstate-" #type, 500u, fluke_##type##_set_state(o_, &state_, ##__VA_ARGS__)); \
	} while (0)

CASE("bench-states", "get_state and set_state of an object, per type")
{
	uint32_t start = (uint32_t)check_pages(1);
	fluke_region_t *r = check_region_new(check_root_space, start, PAGE, FLUKE_PROT_ALL, 0);
	fluke_ref_t *one = check_ref_new(), *two = check_ref_new();

	STATE_ROWS(mutex, check_mutex_new(), one);
	STATE_ROWS(cond, check_cond_new(), one);
	STATE_ROWS(port, check_port_new(check_portset_new(), 1), one);
	STATE_ROWS(portset, check_portset_new());
	STATE_ROWS(region, r, one, two);
	STATE_ROWS(mapping, check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW), one, two);
	STATE_ROWS(space, check_space_new(), one);
}
