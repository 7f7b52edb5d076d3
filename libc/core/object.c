/* Storage for kernel objects.  Object memory cannot be read, so what is used stands beside it:
 * per page the size class and a bit per 32 bytes.  Invariant: a page holds one size only; a page
 * without objects has class 0.  Objects are created here, except by object_reserve. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <fastlock.h>

#define PAGE		4096u
#define LOG2_MIN	5
#define LOG2_MAX	10

struct object_area {
	uint32_t	start, pages;
	struct object_page *page;
	uint32_t	hint[LOG2_MAX + 1];	/* no page before it has room for the class; [0]: no free page before it */
	struct object_area *next;
};

static struct object_area first_area, *areas;
static struct fast_lock object_lock;

static const uint8_t type_log2[FLUKE_TYPES] = { 0, 6, 6, 7, 7, 6, 6, 8, 10, 5 };

static void take(void)
{
	fast_lock_take(&object_lock);
}

static void drop(void)
{
	fast_lock_drop(&object_lock);
}

void objects_add(uint32_t start, uint32_t size, struct object_page *records)
{
	struct object_area *area = areas ? calloc(1, sizeof(*area)) : &first_area;

	if (!records)
		records = calloc(size / PAGE, sizeof(*records));
	if (!area || !records)
		abort();
	area->start = start;
	area->pages = size / PAGE;
	area->page = records;
	take();
	area->next = areas;
	areas = area;
	drop();
	if (!object_lock.mutex)
		fast_lock_init(&object_lock);
}

int objects_area(unsigned n, uint32_t *start, uint32_t *size)
{
	struct object_area *area = areas;

	while (area && n--)
		area = area->next;
	if (!area)
		return 0;
	*start = area->start;
	*size = area->pages * PAGE;
	return 1;
}

/* Free bits of a word at which an object of so many units may begin, if all its units are free. */
static const uint32_t starts[] = { 0xffffffff, 0x55555555, 0x11111111, 0x01010101, 0x00010001, 1 };

static int page_take(struct object_page *page, unsigned log2)
{
	unsigned units = 1u << (log2 - LOG2_MIN);
	uint32_t bits;

	for (unsigned word = 0; word < PAGE >> LOG2_MIN >> 5; word++) {
		bits = ~page->bits[word] & starts[log2 - LOG2_MIN];
		if (!bits)
			continue;
		bits &= -bits;
		page->bits[word] |= bits;	/* its first bit stands for all */
		page->used++;
		return (int)((word * 32 + (unsigned)__builtin_ctz(bits)) / units);
	}
	return -1;
}

static uint32_t area_take(struct object_area *area, unsigned log2)
{
	unsigned slots = PAGE >> log2;
	uint32_t p;

	for (p = area->hint[log2]; p < area->pages; p++)
		if (area->page[p].log2_size == log2 && area->page[p].used < slots)
			goto found;
	area->hint[log2] = area->pages;
	for (p = area->hint[0]; p < area->pages; p++)
		if (!area->page[p].log2_size)
			break;
	area->hint[0] = p;
	if (p == area->pages)
		return 0;
	area->page[p].log2_size = (uint8_t)log2;
found:
	area->hint[log2] = p;
	return area->start + p * PAGE + ((uint32_t)page_take(&area->page[p], log2) << log2);
}

__attribute__((weak)) int libc_objects_more(void)
{
	return 0;
}

static uint32_t reserve(unsigned log2)
{
	uint32_t found = 0;

	take();
	for (struct object_area *area = areas; area && !found; area = area->next)
		found = area_take(area, log2);
	drop();
	return found;
}

void *object_reserve(fluke_type_t type)
{
	uint32_t found = reserve(type_log2[type]);

	if (!found && libc_objects_more())
		found = reserve(type_log2[type]);
	return (void *)found;
}

void object_release(void *object, fluke_type_t type)
{
	uint32_t at = (uint32_t)object;
	unsigned log2 = type_log2[type];

	take();
	for (struct object_area *area = areas; area; area = area->next) {
		uint32_t p = (at - area->start) / PAGE, bit = at % PAGE >> LOG2_MIN;

		if (at < area->start || p >= area->pages)
			continue;
		area->page[p].bits[bit / 32] &= ~(1u << bit % 32);
		if (--area->page[p].used == 0) {
			area->page[p].log2_size = 0;
			if (p < area->hint[0])
				area->hint[0] = p;
		} else if (p < area->hint[log2]) {
			area->hint[log2] = p;
		}
		break;
	}
	drop();
}

#define SIMPLE(name, type_code) \
	fluke_##name##_t *name##_new(void) \
	{ \
		fluke_##name##_t *new_object = object_reserve(type_code); \
		\
		if (new_object) \
			fluke_##name##_create(new_object); \
		return new_object; \
	}
#define DONE(name, type_code) \
	void name##_free(fluke_##name##_t *object) \
	{ \
		if (!object) \
			return; \
		fluke_##name##_destroy(object); \
		object_release(object, type_code); \
	}

static fluke_ref_t **kept_ref;		/* null refs for the next ref_new, under the lock */
static unsigned	kept_refs, kept_most;

void refs_keep(unsigned most)
{
	fluke_ref_t **room = calloc(most, sizeof(*room));

	take();
	if (room && !kept_ref) {
		kept_ref = room;
		kept_most = most;
	}
	drop();
}

static fluke_ref_t *kept_take(void)
{
	fluke_ref_t *ref;

	take();
	ref = kept_refs ? kept_ref[--kept_refs] : NULL;
	drop();
	return ref;
}

static int kept_add(fluke_ref_t *ref)
{
	int room;

	fluke_ref_clear(ref);
	take();
	room = kept_refs < kept_most;
	if (room)
		kept_ref[kept_refs++] = ref;
	drop();
	return room;
}

fluke_ref_t *ref_new(void)
{
	fluke_ref_t *ref = kept_refs ? kept_take() : NULL;

	if (!ref && (ref = object_reserve(FLUKE_TYPE_REF)))
		fluke_ref_create(ref);
	return ref;
}

void ref_free(fluke_ref_t *ref)
{
	if (!ref || (kept_most && kept_add(ref)))
		return;
	fluke_ref_destroy(ref);
	object_release(ref, FLUKE_TYPE_REF);
}

SIMPLE(portset, FLUKE_TYPE_PORTSET)
DONE(portset, FLUKE_TYPE_PORTSET)
SIMPLE(mutex, FLUKE_TYPE_MUTEX)
DONE(mutex, FLUKE_TYPE_MUTEX)
SIMPLE(cond, FLUKE_TYPE_COND)
DONE(cond, FLUKE_TYPE_COND)
DONE(port, FLUKE_TYPE_PORT)
DONE(region, FLUKE_TYPE_REGION)
DONE(space, FLUKE_TYPE_SPACE)
DONE(mapping, FLUKE_TYPE_MAPPING)

fluke_ref_t *ref_dup(fluke_ref_t *ref)
{
	fluke_ref_t *copy = ref_new();

	if (copy)
		fluke_ref_copy(ref, copy);
	return copy;
}

fluke_port_t *port_new(fluke_portset_t *portset, void *alias, natural_t flags)
{
	fluke_port_t *port = object_reserve(FLUKE_TYPE_PORT);
	fluke_port_state_t state = { 0, (natural_t)alias, flags, 0 };
	fluke_ref_t *ref = ref_new();

	if (!port || !ref)
		goto fail;
	fluke_port_create(port);
	if (portset)
		fluke_portset_reference(portset, ref);
	fluke_port_set_state(port, &state, ref);
	ref_free(ref);
	return port;
fail:
	if (port)
		object_release(port, FLUKE_TYPE_PORT);
	ref_free(ref);
	return NULL;
}

fluke_region_t *region_new(fluke_ref_t *space, uint32_t start, uint32_t size, fluke_prot_t prot, fluke_ref_t *keeper)
{
	fluke_region_t *region = object_reserve(FLUKE_TYPE_REGION);
	fluke_region_state_t state = { 0, start, size, prot };

	if (!region)
		return NULL;
	fluke_region_create(region);
	fluke_region_set_state(region, &state, space, keeper);
	return region;
}

fluke_space_t *space_new(fluke_ref_t *keeper)
{
	fluke_space_t *space = object_reserve(FLUKE_TYPE_SPACE);
	fluke_space_state_t state = { 0 };

	if (!space)
		return NULL;
	fluke_space_create(space);
	if (keeper)
		fluke_space_set_state(space, &state, keeper);
	return space;
}

fluke_mapping_t *mapping_new(fluke_ref_t *region, uint32_t region_off, fluke_ref_t *space, uint32_t va, uint32_t size,
	fluke_prot_t prot)
{
	fluke_mapping_t *mapping = object_reserve(FLUKE_TYPE_MAPPING);
	fluke_mapping_state_t state = { 0, region_off, va, size, prot };

	if (!mapping)
		return NULL;
	fluke_mapping_create(mapping);
	fluke_mapping_set_state(mapping, &state, region, space ? space : own_space());
	return mapping;
}

/* ---- address ranges for mappings in the own space: a list of free ones, by address ---- */

struct range { uint32_t start, size; struct range *next; };
static struct range *ranges;
static uint32_t lowest = ~0u, highest;

int address_is_window(uint32_t address)
{
	return address >= lowest && address < highest;
}

void addresses_add(uint32_t start, uint32_t size)
{
	struct range *fresh = malloc(sizeof(*fresh)), **at, *before = NULL;

	if (!fresh)
		return;
	take();
	for (at = &ranges; *at && (*at)->start < start; at = &(*at)->next)
		before = *at;
	fresh->start = start;
	fresh->size = size;
	if (start < lowest)
		lowest = start;
	if (start + size > highest)
		highest = start + size;
	fresh->next = *at;
	*at = fresh;
	if (fresh->next && start + size == fresh->next->start) {
		struct range *next = fresh->next;

		fresh->size += next->size;
		fresh->next = next->next;
		free(next);
	}
	if (before && before->start + before->size == start) {
		before->size += fresh->size;
		before->next = fresh->next;
		free(fresh);
	}
	drop();
}

void *address_reserve(size_t size)
{
	struct range *r;
	uint32_t found = 0;

	size = (size + PAGE - 1) & ~(PAGE - 1);
	take();
	for (r = ranges; r; r = r->next) {
		if (r->size < size + PAGE)		/* never all of it: no list surgery here */
			continue;
		r->size -= size;
		found = r->start + r->size;
		break;
	}
	drop();
	return (void *)found;
}

void address_release(void *start, size_t size)
{
	addresses_add((uint32_t)start, (size + PAGE - 1) & ~(PAGE - 1));
}
