/* The process's address space map: what is mapped below START_STACK_TOP.
 *
 * areas[] is sorted and without overlaps; each area is one fluke mapping object (slot): of the data
 * segment at offset == address (anonymous), or of a file's region.  It lives in the data
 * segment, so that fork copies it; the manager copies the mapping objects.  What an anonymous
 * area held is discarded when it is unmapped, so that a new one reads as zero.
 * All functions but the look-ups want the image lock. */
#include "posix.h"
#include <protocols/Process.h>
#include <protocols/Segment.h>

#define AREAS_MAX	(IMAGE_MAPPINGS_MAX - 16)	/* the last ones are window.c's */
#define MAP_TOP		0xb7000000u	/* mmap goes down from here; above it the stack */
#define MAP_BOTTOM	0x00010000u
#define STACK_SIZE	0x00800000u
#define BRK_STEP	0x00100000u

struct area areas[AREAS_MAX];
unsigned area_count;
uint32_t brk_start, brk_now;
static uint32_t brk_mapped;
static uint8_t slot_used[AREAS_MAX], slot_made[AREAS_MAX];
static uint32_t slot_next;

static fluke_mapping_t *mapping(int slot)
{
	return (fluke_mapping_t *)(IMAGE_MAPPINGS + (uint32_t)slot * sizeof(fluke_mapping_t));
}

static int slot_take(void)
{
	unsigned n, slot;

	for (n = 0; n < AREAS_MAX; n++) {
		slot = (slot_next + n) % AREAS_MAX;
		if (!slot_used[slot]) {
			slot_used[slot] = 1;
			slot_next = slot + 1;
			return (int)slot;
		}
	}
	return -ENOMEM;
}

static void slot_drop(int slot)
{
	if (slot_made[slot])
		fluke_mapping_destroy(mapping(slot));
	slot_made[slot] = slot_used[slot] = 0;
}

static fluke_prot_t kernel_prot(uint32_t prot)
{
	fluke_prot_t result = 0;

	if (prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		result |= FLUKE_PROT_READ;
	if (prot & PROT_WRITE)
		result |= FLUKE_PROT_WRITE;
	if (prot & PROT_EXEC)
		result |= FLUKE_PROT_EXECUTE;
	return result;
}

/* Index of the first area that ends above the address. */
static unsigned area_index(uint32_t address)
{
	unsigned low = 0, high = area_count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (areas[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct area *vm_area(uint32_t address)
{
	unsigned n = area_index(address);

	return n < area_count ? &areas[n] : NULL;
}

static struct area *area_insert(uint32_t start, uint32_t end, uint32_t prot, uint8_t file, int slot)
{
	unsigned n = area_index(start);

	memmove(&areas[n + 1], &areas[n], (area_count - n) * sizeof(areas[0]));
	area_count++;
	areas[n] = (struct area){ .start = start, .end = end, .prot = (uint8_t)prot, .file = file, .slot = (int16_t)slot };
	return &areas[n];
}

/* held: as in the area; 0: nothing any more. */
static void area_hold(struct area *a, int held)
{
	if (a->held)
		file_mapped(a->held - 1, -1);
	a->held = (uint16_t)held;
	if (held)
		file_mapped(held - 1, 1);
}

static void area_remove(unsigned n)
{
	area_count--;
	memmove(&areas[n], &areas[n + 1], (area_count - n) * sizeof(areas[0]));
}

uint64_t image_space_limit = RLIM_INFINITY;

/* May so many more bytes be mapped (RLIMIT_AS)? */
bool vm_may_grow(uint32_t size)
{
	uint64_t sum = size;
	unsigned n;

	if (image_space_limit == RLIM_INFINITY)
		return true;
	for (n = 0; n < area_count; n++)
		sum += areas[n].end == START_STACK_TOP ? 0x21000 : areas[n].end - areas[n].start;	/* a young stack */
	return sum <= image_space_limit;
}

#define COMMIT_FREE	0x00400000u	/* a process may map so much without asking */
#define COMMIT_MARGIN	0x00100000u	/* stays for stacks, other processes, fork */

/* Is there likely to be memory for so many more bytes that can be written?  Only what certainly cannot be had is
 * refused: the session's pool has less free.  Asked again when an eighth of that has been mapped. */
bool vm_may_commit(uint32_t size)
{
	static uint32_t allowance = COMMIT_FREE;
	uint32_t left = 0;

	if (size <= allowance) {
		allowance -= size;
		return true;
	}
	if (Process_memory_left(REF_PROCESS, &left))
		return true;
	if (left < COMMIT_MARGIN || size > left - COMMIT_MARGIN)
		return false;
	allowance = (left - size) / 8;
	return true;
}

static void mapping_make(int slot, uint32_t start, uint32_t size, uint32_t prot, fluke_ref_t *region, uint32_t offset)
{
	fluke_mapping_state_t state = { .region_off = offset, .start_va = start, .size = size, .prot = kernel_prot(prot) };

	if (!slot_made[slot])
		fluke_mapping_create(mapping(slot));
	slot_made[slot] = 1;
	fluke_mapping_set_state(mapping(slot), &state, region, REF(START_REF_SPACE));
}

static int map_new(uint32_t start, uint32_t size, uint32_t prot, fluke_ref_t *region, uint32_t offset, uint8_t file)
{
	int slot;

	if (area_count + 2 >= AREAS_MAX || (slot = slot_take()) < 0)
		return -ENOMEM;
	mapping_make(slot, start, size, prot, region, offset);
	area_insert(start, start + size, prot, file, slot);
	return 0;
}

void vm_name(uint32_t start, int file, uint32_t offset)
{
	struct area *a = vm_area(start);

	a->name = name_of(file);
	a->offset = offset;
}

int vm_map_anonymous(uint32_t start, uint32_t size, uint32_t prot)
{
	return map_new(start, size, prot, REF(START_REF_DATA_REGION), start, false);
}

int vm_map_file(uint32_t start, uint32_t size, uint32_t prot, fluke_ref_t *region, uint32_t offset, int file)
{
	int error = map_new(start, size, prot, region, offset, true);

	if (error)
		return error;
	vm_name(start, file, offset);
	area_hold(vm_area(start), file + 1);
	return 0;
}

/* Makes the address a border between areas, if it lies inside one. */
static int split(uint32_t address)
{
	unsigned n = area_index(address);
	struct area *a = &areas[n];
	fluke_mapping_state_t state;
	fluke_ref_t *region = thread_ref(0);
	uint32_t end, offset;
	int slot;

	if (n == area_count || a->start >= address)
		return 0;
	if (area_count + 2 >= AREAS_MAX || (slot = slot_take()) < 0)
		return -ENOMEM;
	fluke_mapping_get_state(mapping(a->slot), &state, region, NULL);
	end = a->end;
	offset = state.region_off + (address - a->start);
	state.size = address - a->start;
	fluke_mapping_set_state(mapping(a->slot), &state, NULL, NULL);
	mapping_make(slot, address, end - address, a->prot, region, offset);
	a->end = address;
	offset = a->name ? a->offset + (address - a->start) : 0;
	n = area_insert(address, end, a->prot, a->file, slot) - areas;
	areas[n].name = areas[n - 1].name;
	areas[n].offset = offset;
	area_hold(&areas[n], areas[n - 1].held);
	return 0;
}

int vm_unmap(uint32_t start, uint32_t size)
{
	uint32_t end = start + size, from = 0, to = 0;
	struct area a;
	unsigned n;
	int error;

	if ((error = split(start)) < 0 || (error = split(end)) < 0)
		return error;
	n = area_index(start);
	while (n < area_count && areas[n].start < end) {
		a = areas[n];
		slot_drop(a.slot);
		area_hold(&areas[n], 0);
		area_remove(n);
		if (a.file)
			continue;
		if (to == a.start) {
			to = a.end;
			continue;
		}
		if (to)
			Segment_discard(REF(START_REF_DATA), from, to - from);
		from = a.start;
		to = a.end;
	}
	if (to)
		Segment_discard(REF(START_REF_DATA), from, to - from);
	return 0;
}

/* A private file mapping that is to be written becomes anonymous memory with the same content. */
static int make_anonymous(struct area *a)
{
	uint32_t size = a->end - a->start, done, part;
	int error = 0;

	if (!(a->prot & PROT_READ))
		fluke_mapping_protect(mapping(a->slot), FLUKE_PROT_READ);
	for (done = 0; done < size && !error; done += part) {
		part = size - done < 0x10000 ? size - done : 0x10000;
		error = Segment_write(REF(START_REF_DATA), a->start + done, (void *)(a->start + done), part);
	}
	if (error)
		return -ENOMEM;
	slot_drop(a->slot);
	slot_used[a->slot] = 1;
	a->file = false;
	area_hold(a, 0);
	mapping_make(a->slot, a->start, size, a->prot, REF(START_REF_DATA_REGION), a->start);
	return 0;
}

int vm_protect(uint32_t start, uint32_t size, uint32_t prot)
{
	uint32_t end = start + size, at;
	unsigned n;
	int error;

	for (n = area_index(start), at = start; at < end; n++) {
		if (n == area_count || areas[n].start > at)
			return -ENOMEM;
		at = areas[n].end;
	}
	if ((error = split(start)) < 0 || (error = split(end)) < 0)
		return error;
	for (n = area_index(start); n < area_count && areas[n].start < end; n++) {
		if (areas[n].prot == prot)
			continue;
		if (prot & PROT_WRITE && !areas[n].prot && !areas[n].file && !vm_may_commit(areas[n].end - areas[n].start))
			return -ENOMEM;		/* was only reserved */
		if (areas[n].file == 1 && (prot & PROT_WRITE) && (error = make_anonymous(&areas[n])) < 0)
			return error;
		areas[n].prot = (uint8_t)prot;
		fluke_mapping_protect(mapping(areas[n].slot), kernel_prot(prot));
	}
	return 0;
}

/* The highest free range below the stack. */
uint32_t vm_find_free(uint32_t size)
{
	uint32_t top = MAP_TOP;
	unsigned n = area_index(MAP_TOP);

	if (n < area_count && areas[n].start < MAP_TOP)
		top = areas[n].start;
	while (n > 0) {
		struct area *a = &areas[n - 1];

		if (a->end < top && top - a->end >= size)
			return top - size;
		if (a->start < top)
			top = a->start;
		n--;
	}
	if (top > MAP_BOTTOM && top - MAP_BOTTOM >= size && top - size >= (brk_start ? PAGE_UP(brk_now) + 0x1000000 : MAP_BOTTOM))
		return top - size;
	return 0;
}

static int read_into(int file, uint32_t start, uint32_t size, uint64_t offset)
{
	uint32_t done = 0, part;
	int got;

	while (done < size) {
		part = size - done < 0x10000 ? size - done : 0x10000;
		got = file_read_at(file, offset + done, (void *)(start + done), part);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		done += (uint32_t)got;
	}
	return 0;
}

/* MAP_PRIVATE of a file at a free range: the file's own pages when it is not written, else a copy. */
long vm_map_private(int file, uint32_t start, uint32_t size, uint32_t prot, uint64_t offset)
{
	fluke_ref_t *region;
	int error = 0;

	if (!(prot & PROT_WRITE)) {
		region = file_region(file, &error);
		if (!region)
			return error;
		error = vm_map_file(start, size, prot, region, (uint32_t)offset, file);
		return error ? error : (long)start;
	}
	if ((error = vm_map_anonymous(start, size, PROT_READ | PROT_WRITE)) < 0)
		return error;
	vm_name(start, file, (uint32_t)offset);
	image_unlock();
	error = read_into(file, start, size, offset);
	image_lock();
	if (!error && prot != (PROT_READ | PROT_WRITE))
		error = vm_protect(start, size, prot);
	if (error) {
		vm_unmap(start, size);
		return error;
	}
	return (long)start;
}

/* The first stack and nothing else. */
void vm_start(void)
{
	area_count = 0;
	brk_start = brk_now = brk_mapped = 0;
	vm_map_anonymous(START_STACK_TOP - STACK_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE);
	areas[0].name = AREA_STACK;
	CONTROL->areas = (uint32_t)areas;
	CONTROL->area_count = (uint32_t)&area_count;
	CONTROL->names = (uint32_t)area_names;
}

static uint32_t brk_set(uint32_t to)
{
	uint32_t top = PAGE_UP(to), from = PAGE_UP(brk_now), map;
	unsigned n;

	if (to < brk_start || to > MAP_TOP)
		return brk_now;
	if (!brk_mapped)
		brk_mapped = PAGE_UP(brk_start);
	if (top > brk_mapped) {
		if (!vm_may_grow(top - brk_mapped) || !vm_may_commit(top - brk_mapped))
			return brk_now;
		map = (top + BRK_STEP - 1) & ~(BRK_STEP - 1);
		n = area_index(brk_mapped);
		if (!vm_may_grow(map - brk_mapped))
			map = top;
		if (n < area_count && areas[n].start < map)
			map = areas[n].start < top ? 0 : areas[n].start;
		if (!map)
			return brk_now;
		if (n > 0 && areas[n - 1].end == brk_mapped && !areas[n - 1].file && brk_mapped > PAGE_UP(brk_start) &&
		    areas[n - 1].prot == (PROT_READ | PROT_WRITE)) {
			areas[n - 1].end = map;
			mapping_make(areas[n - 1].slot, areas[n - 1].start, map - areas[n - 1].start, PROT_READ | PROT_WRITE,
				REF(START_REF_DATA_REGION), areas[n - 1].start);
		} else if (vm_map_anonymous(brk_mapped, map - brk_mapped, PROT_READ | PROT_WRITE) < 0) {
			return brk_now;
		}
		vm_area(brk_mapped)->name = AREA_HEAP;
		brk_mapped = map;
	}
	if (top < from)
		Segment_discard(REF(START_REF_DATA), top, from - top);
	return brk_now = to;
}

long posix_brk(uint32_t to);
long posix_brk(uint32_t to)
{
	uint32_t result;

	image_lock();
	result = brk_set(to);
	image_unlock();
	return (long)result;
}
