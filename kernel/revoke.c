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

#define ENTRY_BUDGET	28	/* entries dropped in one step */
#define FRAME_BUDGET	512	/* frames looked at in one step; a walk counts as 16 */

static inline unsigned type_of(const struct object *o) { return o->word & 0xf; }

void revoke_begin(struct revoke *r, struct space *space, uint32_t start, struct object *source,
	uint32_t offset, uint32_t size)
{
	r->start = start;
	r->offset = offset;
	r->size = size;
	r->position = 0;
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

int space_exports(const struct space *s, uint32_t start, uint32_t size)
{
	int looked = 0;

	for (const struct region *r = s->regions; r; r = r->next)
		if (++looked > 256 || (r->importers && r->start < start + size && start < r->start + r->size))
			return 1;
	return 0;
}

/* Where the frames are seen: a space, an address in it, and how much of the range is left. */
static struct space *revoke_source(const struct revoke *r, uint32_t *va, uint32_t *size)
{
	struct object *source = link_real(&r->source);
	const struct region *region = (const struct region *)source;

	*va = r->offset;
	*size = r->size;
	if (!source || type_of(source) == FLUKE_TYPE_SPACE)
		return (struct space *)source;
	if (r->offset >= region->size)
		return 0;
	if (*size > region->size - r->offset)
		*size = region->size - r->offset;
	*va += region->start;
	return (struct space *)link_real(&region->space);
}

/* The frames of one run; moves the position, charges the budgets. */
static void drop_run(struct revoke *r, uint32_t phys, uint32_t bytes, int *frames_left, int *entries_left)
{
	for (; bytes; bytes -= FLUKE_PAGE_SIZE, phys += FLUKE_PAGE_SIZE) {
		if (--*frames_left < 0 || !frame_drop_entries(frame_of(phys), entries_left))
			return;
		r->position += FLUKE_PAGE_SIZE;
	}
}

static int revoke_frames(struct revoke *r)
{
	int frames_left = FRAME_BUDGET, entries_left = ENTRY_BUDGET;
	uint32_t va, size;
	struct space *s = revoke_source(r, &va, &size);

	while (s && r->position < size) {
		struct walk w;
		uint32_t run;
		int found;

		if (frames_left <= 0 || entries_left <= 0)
			return 0;
		frames_left -= 16;
		found = vm_walk(s, va + r->position, 0, 0, &w);
		run = (w.after + FLUKE_PAGE_SIZE - 1) & -FLUKE_PAGE_SIZE;
		if (!run || run > size - r->position)
			run = size - r->position;
		if (found && !w.device) {
			drop_run(r, w.phys, run, &frames_left, &entries_left);
			continue;
		}
		if (found)
			pmap_drop_devices();
		r->position += run;
	}
	return revoke_end(r);
}

int revoke_step(struct revoke *r)
{
	struct space *s;
	int budget = ENTRY_BUDGET;

	if (!r->size)
		return 1;
	s = (struct space *)link_real(&r->space);
	if (!s)
		return revoke_frames(r);
	if (!pmap_drop_range(s, r->start, r->start + r->size, &r->position, &budget))
		return 0;
	r->position = 0;
	if (!space_exports(s, r->start, r->size))
		return revoke_end(r);
	link_clear(&r->space);
	return 0;
}

result_t revoke_finish(struct revoke *r)
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
