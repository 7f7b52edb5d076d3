/* Revoking: dropping the page-table entries that a changed mapping or region has made stale.
 *
 * The change is valid before anything is dropped, so nothing stale can come back, and progress
 * is monotone; dropping too much is harmless, soft faults bring it back.  A changed mapping
 * first loses the entries of its own space in the range.  Then, only if some region over that
 * space overlaps the range, and always for a changed region, every frame seen through the old
 * source loses all its entries, found by its chain: no walk down through the spaces above. */
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"

#define ENTRY_BUDGET	8	/* entries dropped in one step */
#define FRAME_BUDGET	48	/* frames looked at in one step; a walk counts as 8, and 8 for each of its levels */
#define FRAMES_LEAST	16	/* after a walk, however long */

struct budget { int entries, frames, at_once; };

static inline unsigned type_of(const struct object *o) { return o->word & 0xf; }

int space_exports(const struct space *s, uint32_t start, uint32_t size)
{
	int looked = 0;

	for (const struct region *r = s->regions; r; r = r->next)
		if (++looked > 128 || (r->importers && r->start < start + size && start < r->start + r->size))
			return 1;
	return 0;
}

/* Where the frames are seen: a space, an address in it, and how much of the range is left. */
static struct space *source_space(struct object *source, uint32_t *va, uint32_t *size)
{
	const struct region *region = (const struct region *)source;

	if (!source || type_of(source) == FLUKE_TYPE_SPACE)
		return (struct space *)source;
	if (*va >= region->size)
		return 0;
	if (*size > region->size - *va)
		*size = region->size - *va;
	*va += region->start;
	return (struct space *)link_real(&region->space);
}

/* The frames of one run; moves the position, charges the budgets.  A block's superpages go with the first frame looked at. */
static void drop_run(uint32_t phys, uint32_t bytes, uint32_t *position, struct budget *left)
{
	const uint32_t start = phys, end = phys + bytes;
	int frames = left->frames > FRAMES_LEAST ? left->frames : FRAMES_LEAST;

	for (struct frame *f = frame_of(phys); phys != end && --frames >= 0; phys += FLUKE_PAGE_SIZE, f++)
		if ((f->chain || phys == start || !(phys % SUPER_SIZE)) && !frame_drop_entries(f, &left->entries))
			break;
	*position += phys - start;
	left->frames = frames;
}

/* All entries of the frames seen through source at [va, va + size), from *position and *devices on; true when done. */
static int drop_frames(struct object *source, uint32_t va, uint32_t size, uint32_t *position, uint32_t *devices,
	struct budget *left)
{
	struct space *s = source_space(source, &va, &size);

	while (s && *position < size) {
		struct walk w;
		uint32_t run;
		int found;

		if (left->frames <= 0 || left->entries <= 0)
			return 0;
		w.pace = left->at_once ? WALK_AT_ONCE : WALK_STEPS;
		found = vm_walk_at(s, va + *position, 0, 0, &w);
		if (found < 0)
			return 0;
		left->frames -= 8 + 8 * (int)w.depth;
		if (!found)
			vm_hole_ends(&w);
		run = (w.after + FLUKE_PAGE_SIZE - 1) & -FLUKE_PAGE_SIZE;
		if (!run || run > size - *position)
			run = size - *position;
		if (found && !w.device) {
			drop_run(w.phys, run, position, left);
			continue;
		}
		if (found && !pmap_drop_devices(devices, &left->entries))
			return 0;
		*position += run;
	}
	return 1;
}

#define FEW	4	/* pages */

/* A small range is done with at once, before the change: nothing runs in between. */
static int revoke_few(struct space *space, uint32_t start, struct object *source, uint32_t offset, uint32_t size)
{
	struct budget left = { 2 * FEW, 32 + 8 * 12, 1 };
	uint32_t position = 0, devices = 0;

	if (size > FEW * FLUKE_PAGE_SIZE)
		return 0;
	if (space) {
		if (!pmap_drop_range(space, start, start + size, &position, &left.entries))
			return 0;
		if (!space_exports(space, start, size))
			return 1;
		position = 0;
	}
	return drop_frames(source, offset, size, &position, &devices, &left);
}

void revoke_begin(struct revoke *r, struct space *space, uint32_t start, struct object *source,
	uint32_t offset, uint32_t size)
{
	if (revoke_few(space, start, source, offset, size))
		return;
	r->start = start;
	r->offset = offset;
	r->size = size;
	r->position = r->devices = 0;
	link_set(&r->space, space ? &space->obj : 0);
	link_set(&r->source, source);
	if (source && type_of(source) == FLUKE_TYPE_REGION)
		((struct region *)source)->importers++;
}

static int revoke_end(struct revoke *r)
{
	struct object *source = link_real(&r->source);

	if (source && type_of(source) == FLUKE_TYPE_REGION)
		((struct region *)source)->importers--;
	link_clear(&r->space);
	link_clear(&r->source);
	r->size = 0;
	return 1;
}

static int one_step(struct revoke *r)
{
	struct space *s = (struct space *)link_real(&r->space);
	struct budget left = { ENTRY_BUDGET, FRAME_BUDGET, 0 };

	if (!s)
		return drop_frames(link_real(&r->source), r->offset, r->size, &r->position, &r->devices, &left) &&
			revoke_end(r);
	if (!pmap_drop_range(s, r->start, r->start + r->size, &r->position, &left.entries))
		return 0;
	r->position = 0;
	if (!space_exports(s, r->start, r->size))
		return revoke_end(r);
	link_clear(&r->space);
	return 0;
}

int revoke_step(struct revoke *r)
{
	return !r->size || one_step(r);
}

result_t revoke_go_on(struct revoke *r)
{
	while (!revoke_step(r))
		if (cpu_poll()) {
			current->attention |= ATTENTION_CALL;
			return RESTART;
		}
	return OK;
}

void revoke_moved(struct revoke *old, struct revoke *r)
{
	link_move(&old->space, &r->space);
	link_move(&old->source, &r->source);
}
