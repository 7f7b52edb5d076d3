/* Frame records: one per frame below the end of RAM.  A record knows all page-table entries that
 * hold the frame (the chain, kept by pmap.c), the objects that begin in it, and the marks
 * DIRTY and REFERENCED of entries that are gone.  Also the ranges of device memory, which has
 * no records.  What entries look like is pmap.c's. */
#include "kernel.h"
#include "machine.h"
#include "mmu.h"
#include "vm_private.h"

struct frame	*frames;
uint32_t	frame_count;
uint16_t	*block_objects;		/* per 2 MB: object frames and kernel frames; superpages only where 0 */

#define DEVICE_RANGES	64
static struct { uint32_t start, size; } device[DEVICE_RANGES];
static unsigned device_count;

_Static_assert(sizeof(struct frame) == 24, "frame record");

void frame_boot(uint32_t ram_end)
{
	uint32_t blocks = (ram_end + SUPER_SIZE - 1) / SUPER_SIZE;

	frame_count = ram_end >> FLUKE_PAGE_SHIFT;
	frames = boot_alloc(frame_count * sizeof(struct frame));
	block_objects = boot_alloc(blocks * sizeof(uint16_t));
	for (uint32_t i = 0; i < blocks; i++)
		block_objects[i] = SUPER_FRAMES;
	for (uint32_t i = 0; i < frame_count; i++)
		frames[i].marks = FRAME_KERNEL;
}

void frame_free_range(uint32_t start, uint32_t size)
{
	for (uint32_t phys = start; phys - start < size && phys >> FLUKE_PAGE_SHIFT < frame_count; phys += FLUKE_PAGE_SIZE)
		if (frame_of(phys)->marks & FRAME_KERNEL) {
			frame_of(phys)->marks = 0;
			block_objects[phys / SUPER_SIZE]--;
		}
}

int vm_device_add(uint32_t start, uint32_t size)
{
	uint32_t end = (start + size + FLUKE_PAGE_SIZE - 1) & -FLUKE_PAGE_SIZE;

	start &= -FLUKE_PAGE_SIZE;
	for (unsigned i = 0; i < device_count; i++)
		if (start >= device[i].start && end - device[i].start <= device[i].size)
			return 0;
	if (end <= start || device_count == DEVICE_RANGES)
		return -1;
	for (uint32_t phys = start; phys < end && phys >> FLUKE_PAGE_SHIFT < frame_count; phys += FLUKE_PAGE_SIZE)
		if (!(frame_of(phys)->marks & FRAME_KERNEL))
			return -1;
	device[device_count].start = start;
	device[device_count++].size = end - start;
	return 0;
}

static void narrow(struct walk *w, uint32_t before, uint32_t after)
{
	if (before < w->before)
		w->before = before;
	if (after < w->after)
		w->after = after;
}

/* The end of every walk: the physical region at this offset. */
int frame_walk(uint32_t phys, struct walk *w)
{
	uint32_t page = phys & (FLUKE_PAGE_SIZE - 1), end;

	if (phys >> FLUKE_PAGE_SHIFT < frame_count && !(frame_of(phys)->marks & FRAME_KERNEL)) {
		narrow(w, phys, (frame_count << FLUKE_PAGE_SHIFT) - phys);
		w->phys = phys;
		w->device = 0;
		return 1;
	}
	for (unsigned i = 0; i < device_count; i++)
		if (phys - device[i].start < device[i].size) {
			narrow(w, phys - device[i].start, device[i].start + device[i].size - phys);
			w->phys = phys;
			w->device = 1;
			return 1;
		}
	for (end = phys - page + FLUKE_PAGE_SIZE; end >> FLUKE_PAGE_SHIFT < frame_count && end - phys < SUPER_SIZE; end += FLUKE_PAGE_SIZE)
		if (!(frame_of(end)->marks & FRAME_KERNEL))
			break;
	narrow(w, page, end - phys);
	return 0;
}

int frame_drop_entries(struct frame *f, int *budget)
{
	while (f->chain && *budget > 0) {
		pmap_drop(f->chain);
		--*budget;
	}
	return !f->chain;
}

/* Becomes an object page.  The first entries of a long chain are changed, the rest dropped:
 * so each round leaves less to do. */
int frame_hide(struct frame *f, int *budget)
{
	uint32_t kept = 0, next;

	if (!(f->marks & FRAME_OBJECT)) {
		f->marks |= FRAME_OBJECT;
		block_objects[frame_phys(f) / SUPER_SIZE]++;
	}
	for (uint32_t id = f->chain; id && *budget > 0; id = next) {
		next = chains[id].next;
		if (kept++ < 16) {
			pmap_hide(id);
			continue;
		}
		pmap_drop(id);
		--*budget;
	}
	return *budget > 0;
}

/* Becomes plain memory: zeroed, because what objects left behind is nobody's business. */
void frame_show(struct frame *f)
{
	memset(phys_to_virt(frame_phys(f)), 0, FLUKE_PAGE_SIZE);
	f->marks = (f->marks & ~FRAME_OBJECT) | FRAME_DIRTY | FRAME_REFERENCED;
	block_objects[frame_phys(f) / SUPER_SIZE]--;
	object_forget();
	for (uint32_t id = f->chain; id; id = chains[id].next)
		pmap_show(id);
}

unsigned frame_harvest(struct frame *f, int clear)
{
	unsigned marks = f->marks;

	for (uint32_t id = f->chain; id; id = chains[id].next)
		marks |= pmap_harvest(id, clear);
	if (clear)
		f->marks &= ~(FRAME_DIRTY | FRAME_REFERENCED);
	return marks & (FRAME_DIRTY | FRAME_REFERENCED);
}
