/* Memory against a model: random changes of mappings and regions over several levels; after each
 * one, what random accesses find is compared with a walk through the test's own copy of the
 * tree.  What a missed or late revoke leaves behind shows here. */
#include "check.h"

#define PAGE	FLUKE_PAGE_SIZE
#define WINDOW	CHECK_WINDOW
#define PAGES	32u		/* backing pages; also the size of each space */
#define SPACES	4u		/* the last is the first thread's own, seen at WINDOW */
#define REGIONS	8u
#define MAPPINGS 14u
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static struct { fluke_space_t *object; fluke_ref_t *ref; uint32_t base; } space[SPACES];
static struct { fluke_region_t *object; fluke_ref_t *ref; int space; uint32_t start, size, prot; } region[REGIONS];
static struct { fluke_mapping_t *object; int region, space; uint32_t start, size, offset, prot; } mapping[MAPPINGS];
static uint32_t backing, seed, hits, misses;	/* hits: probes that found memory */
static fluke_ref_t *null;

static uint32_t random(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 10) % below;
}

/* The backing page seen at a page of a space and the rights, or -1.  Region 0 is the backing. */
static int model_walk(int s, uint32_t page, uint32_t *prot)
{
	*prot = FLUKE_PROT_ALL;
	for (int level = 0; level < 300; level++) {
		uint32_t m, r, offset;

		for (m = 0; m < MAPPINGS; m++)
			if (mapping[m].space == s && page - mapping[m].start < mapping[m].size)
				break;
		if (m == MAPPINGS || mapping[m].region < 0)
			return -1;
		r = mapping[m].region;
		offset = page - mapping[m].start + mapping[m].offset;
		*prot &= mapping[m].prot & region[r].prot;
		if (offset >= region[r].size || region[r].space < 0)
			return -1;
		if (r == 0)
			return region[0].start + offset;
		s = region[r].space;
		page = region[r].start + offset;
	}
	return -1;
}

static void probe(uint32_t page)
{
	uint32_t prot, address = WINDOW + page * PAGE, value;
	int seen = model_walk(SPACES - 1, page, &prot);
	*(seen >= 0 ? &hits : &misses) += 1;

	if (check_try() == 0) {
		value = check_read(address);
		check_try_end();
		CHECK(seen >= 0 && (prot & FLUKE_PROT_READ));
		CHECK_EQUAL(value, (uint32_t)seen + 1);
	} else {
		CHECK(seen < 0 || !(prot & FLUKE_PROT_READ));
	}
	if (check_try() == 0) {
		check_write(address + 4, page);
		check_try_end();
		CHECK(seen >= 0 && (prot & RW) == RW);
	} else {
		CHECK(seen < 0 || (prot & RW) != RW);
	}
}

static uint32_t random_prot(void) { return random(6) ? FLUKE_PROT_ALL : random(2) ? FLUKE_PROT_READ : random(16); }

static void change_mapping(void)
{
	uint32_t i = random(MAPPINGS);
	fluke_mapping_state_t state;
	int to_region = random(16) == 0 ? -1 : random(2) ? 0 : (int)random(REGIONS);
	int to_space = random(16) == 0 ? -1 : random(2) ? (int)SPACES - 1 : (int)random(SPACES);
	uint32_t start = random(PAGES), size = random(6) ? 1 + random(16) : 0, offset = random(PAGES / 2), prot = random_prot();

	if (random(3) == 0) {		/* the same window, wider or narrower */
		to_region = mapping[i].region;
		to_space = mapping[i].space;
		prot = mapping[i].prot;
		offset = mapping[i].offset + (start - mapping[i].start);
		if (offset >= PAGES)
			return;
	}
	if (start + size > PAGES)
		size = PAGES - start;
	for (uint32_t m = 0; m < MAPPINGS; m++)
		if (m != i && to_space >= 0 && mapping[m].space == to_space && size && mapping[m].size &&
		    mapping[m].start < start + size && start < mapping[m].start + mapping[m].size)
			return;
	state = (fluke_mapping_state_t){ .region_off = offset * PAGE, .size = size * PAGE, .prot = prot,
		.start_va = start * PAGE + (to_space >= 0 ? space[to_space].base : WINDOW) };
	fluke_mapping_set_state(mapping[i].object, &state, to_region < 0 ? null : region[to_region].ref,
		to_space < 0 ? null : space[to_space].ref);
	mapping[i].region = to_region;
	mapping[i].space = to_space;
	mapping[i].start = start;
	mapping[i].size = size;
	mapping[i].offset = offset;
	mapping[i].prot = prot;
}

static void change_region(void)
{
	uint32_t i = random(REGIONS), start = random(PAGES / 4), size = PAGES - start - random(PAGES / 4);
	fluke_region_state_t state = { .start_va = start * PAGE, .size = size * PAGE, .prot = random_prot() };
	int to = random(10) ? (int)random(SPACES - 1) : -1;

	if (i == 0) {
		to = 0;
		state.start_va += backing;
	} else if (to >= 0) {
		state.start_va += space[to].base;
	}
	fluke_region_set_state(region[i].object, &state, i == 0 ? 0 : to < 0 ? null : space[to].ref, 0);
	region[i].space = to;
	region[i].start = start;
	region[i].size = size;
	region[i].prot = state.prot;
}

static void change_rights(void)
{
	uint32_t i, prot = random_prot();

	if (random(3) == 0) {
		i = random(REGIONS);
		fluke_region_protect(region[i].object, prot);
		region[i].prot = prot;
	} else {
		i = random(MAPPINGS);
		fluke_mapping_protect(mapping[i].object, prot);
		mapping[i].prot = prot;
	}
}

/* A mapping or region to another address, or destroyed and made anew. */
static void change_object(void)
{
	if (random(2)) {
		uint32_t i = random(MAPPINGS);
		static fluke_mapping_t *spare;

		spare = check_object(sizeof *spare);
		if (random(2)) {
			fluke_mapping_move(mapping[i].object, spare);
		} else {
			fluke_mapping_destroy(mapping[i].object);
			fluke_mapping_create(spare);
			mapping[i].region = mapping[i].space = -1;
			mapping[i].start = mapping[i].size = mapping[i].offset = 0;
		}
		mapping[i].object = spare;
	} else {
		uint32_t i = 1 + random(REGIONS - 1);
		fluke_region_t *spare = check_object(sizeof *spare);

		if (random(2)) {
			fluke_region_move(region[i].object, spare);
		} else {
			fluke_region_destroy(region[i].object);
			fluke_region_create(spare);
			fluke_region_reference(spare, region[i].ref);
			for (uint32_t m = 0; m < MAPPINGS; m++)
				if (mapping[m].region == (int)i)
					mapping[m].region = -1;
			region[i].space = -1;
			region[i].size = region[i].start = 0;
		}
		region[i].object = spare;
	}
}

static void begin(uint32_t with)
{
	seed = with;
	backing = (uint32_t)check_pages(PAGES);
	null = check_ref_new();
	for (uint32_t i = 0; i < PAGES; i++)
		check_write(backing + i * PAGE, i + 1);
	for (uint32_t i = 0; i < SPACES; i++) {
		space[i].object = i == SPACES - 1 ? check_root_space : check_space_new();
		space[i].base = i == SPACES - 1 ? WINDOW : 0x1000;
		space[i].ref = check_ref_new();
		check_space_reference(space[i].object, space[i].ref);
	}
	for (uint32_t i = 0; i < REGIONS; i++) {
		uint32_t to = i == 0 ? SPACES - 1 : i % (SPACES - 1);

		region[i].object = check_region_new(space[to].object, i == 0 ? backing : 0x1000, PAGES * PAGE, FLUKE_PROT_ALL, 0);
		region[i].ref = check_ref_new();
		fluke_region_reference(region[i].object, region[i].ref);
		region[i].space = i == 0 ? 0 : to;
		region[i].start = 0;
		region[i].size = PAGES;
		region[i].prot = FLUKE_PROT_ALL;
	}
	for (uint32_t i = 0; i < MAPPINGS; i++) {
		mapping[i].object = check_object(sizeof *mapping[i].object);
		fluke_mapping_create(mapping[i].object);
		mapping[i].region = mapping[i].space = -1;
		mapping[i].start = mapping[i].size = mapping[i].offset = 0;
	}
}

static void rounds(uint32_t count)
{
	while (count--) {
		uint32_t what = random(16);

		if (what < 9)
			change_mapping();
		else if (what < 11)
			change_region();
		else if (what < 15)
			change_rights();
		else
			change_object();
		for (int i = 0; i < 6; i++)
			probe(random(PAGES));
	}
}

CASE("model-01", "random trees of mappings and regions show what a model says")
{
	begin(1);
	hits = misses = 0;
	rounds(4000);
	CHECK(hits > 1000 && misses > 1000);
}

CASE("model-02", "the same from another seed")
{
	begin(20261122);
	rounds(4000);
	CHECK(hits > 1000 && misses > 1000);
}
