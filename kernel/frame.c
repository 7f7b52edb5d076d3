/* Frame records: one per frame below the end of RAM.  A record knows all page-table entries that
 * hold the frame (the chain, kept by pmap.c), the objects that begin in it, and the marks
 * DIRTY and REFERENCED of entries that are gone.  A record per 2 MB does the same for superpage
 * entries: what changes for one frame changes for these too.  Also the ranges of device memory,
 * which has no records.  What entries look like is pmap.c's. */
#include "kernel.h"
#include "machine.h"
#include "mmu.h"
#include "vm_private.h"

struct frame	*frames;
uint32_t	frame_count;
struct block	*blocks;

#define DEVICE_RANGES	64
static struct { uint32_t start, size; } device[DEVICE_RANGES];
static unsigned device_count;

_Static_assert(sizeof(struct frame) == 24, "frame record");

void frame_boot(uint32_t ram_end)
{
	uint32_t count = (ram_end + SUPER_SIZE - 1) / SUPER_SIZE;

	frame_count = ram_end >> FLUKE_PAGE_SHIFT;
	frames = boot_alloc(frame_count * sizeof(struct frame));
	blocks = boot_alloc(count * sizeof(struct block));
	for (uint32_t i = 0; i < count; i++)
		blocks[i].objects = SUPER_FRAMES;
	for (uint32_t i = 0; i < frame_count; i++)
		frames[i].marks = FRAME_KERNEL;
}

void frame_free_range(uint32_t start, uint32_t size)
{
	for (uint32_t phys = start; phys - start < size && phys >> FLUKE_PAGE_SHIFT < frame_count; phys += FLUKE_PAGE_SIZE)
		if (frame_of(phys)->marks & FRAME_KERNEL) {
			frame_of(phys)->marks = 0;
			blocks[phys / SUPER_SIZE].objects--;
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

int frame_walk(uint32_t phys, struct walk *w)
{
	uint32_t page = phys & (FLUKE_PAGE_SIZE - 1), end;

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

static inline struct block *block_of(const struct frame *f) { return &blocks[(f - frames) / SUPER_FRAMES]; }

static int drop_supers(struct block *b, int *budget)
{
	for (; b->chain; pmap_drop_super(b->chain))
		if (--*budget < 0)
			return 0;
	return 1;
}

int frame_drop_entries(struct frame *f, int *budget)
{
	struct block *b = block_of(f);

	if (b->chain && !drop_supers(b, budget))
		return 0;
	if (f == frames + (b - blocks) * SUPER_FRAMES)
		b->fine = 0;	/* a new owner, perhaps */
	for (; f->chain; pmap_drop(f->chain))
		if (--*budget < 0)
			return 0;
	return 1;
}

#define KEPT	16u	/* entries of a chain that are changed in place; the others are dropped */

/* Drops all entries behind the first KEPT. */
static int cut_chain(struct frame *f, int *budget)
{
	unsigned kept = 0;

	for (uint32_t id = f->chain, next; id; id = next) {
		next = chains[id].next;
		if (++kept <= KEPT)
			continue;
		if (--*budget < 0)
			return 0;
		pmap_drop(id);
	}
	return 1;
}

int frame_hide(struct frame *f, int *budget)
{
	if (f->marks & FRAME_OBJECT)
		return 1;
	if (!drop_supers(block_of(f), budget) || !cut_chain(f, budget))
		return 0;
	f->marks |= FRAME_OBJECT;
	block_of(f)->objects++;
	for (uint32_t id = f->chain; id; id = chains[id].next)
		pmap_hide(id);
	return 1;
}

/* Becomes plain memory: zeroed, because what objects left behind is nobody's business.  Its
 * entries stay hidden until a fault renews them. */
void frame_show(struct frame *f)
{
	memset(phys_to_virt(frame_phys(f)), 0, FLUKE_PAGE_SIZE);
	f->marks = (f->marks & ~FRAME_OBJECT) | FRAME_DIRTY | FRAME_REFERENCED;
	block_of(f)->objects--;
	object_forget();
}

/* Marks of superpage entries go to each frame. */
static void spread_marks(struct block *b)
{
	struct frame *f = &frames[(b - blocks) * SUPER_FRAMES], *end = f + SUPER_FRAMES;
	uint8_t marks = b->marks;

	for (; f < end; f += 4) {
		f[0].marks |= marks;
		f[1].marks |= marks;
		f[2].marks |= marks;
		f[3].marks |= marks;
	}
	b->marks = 0;
}

int frame_harvest(struct frame *f, int *budget)
{
	struct block *b = block_of(f);

	b->fine = 1;
	if (!drop_supers(b, budget) || !cut_chain(f, budget))
		return -1;
	if (b->marks) {
		spread_marks(b);
		*budget -= SUPER_FRAMES / 16;
	}
	for (uint32_t id = f->chain; id; id = chains[id].next, --*budget)
		pmap_harvest(id);
	return f->marks & (FRAME_DIRTY | FRAME_REFERENCED);
}
