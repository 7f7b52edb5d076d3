/* A region: a window exported from a space; and the record of a revoke under way. */
#ifndef KERNEL_REGION_H
#define KERNEL_REGION_H

#include <fluke/region.h>
#include "object.h"
#include "space.h"

/* What must still be dropped because a mapping or region changed.  The new rights are valid
 * already.  Kept in the object itself, so that whoever comes next to the object goes on with
 * it, and a stopped call is simply run again. */
struct revoke {
	struct link	space;		/* first: entries of this space in [start, start + size); null = done */
	struct link	source;		/* then: all entries of the frames seen through this region or space */
	uint32_t	start, offset;	/* range in space; range in source */
	uint32_t	size;		/* 0 = nothing pending */
	uint32_t	position;	/* bytes of the range already done, of the part in hand */
	uint32_t	devices;	/* device entries already dropped, for the piece of device memory in hand: pmap_drop_devices */
};

struct region {
	struct object	obj;
	struct link	space;		/* exported from; null = no access */
	struct link	keeper;		/* port that gets the faults; may be null */
	uint32_t	start, size, prot;
	struct region	*next, **prev;	/* all regions over that space; prev null = in no list */
	uint32_t	importers;	/* mappings and their revokes that use it: 0 = nothing is derived */
	uint32_t	ending;		/* its space is being destroyed, its revoke has begun */
	struct revoke	revoke;
	uint8_t		room[128 - 112];
};
_Static_assert(sizeof(struct region) == sizeof(fluke_region_t), "region size is ABI");

/* What the calls on mappings and regions share (region.c): get_state's way out, the state to ecx and two links to the refs
 * at edx and esi, each if wanted; and what both ask of a new state. */
result_t	view_give(struct thread *t, const void *state, uint32_t bytes, struct object *first, struct object *second);
static inline result_t view_check(uint32_t addresses, uint32_t prot)
{
	return addresses & (FLUKE_PAGE_SIZE - 1) ? INSANE(NOT_ALIGNED) : prot & ~FLUKE_PROT_ALL ? INSANE(INVALID_PROT) : OK;
}

void		region_unlist(struct region *r);	/* leaves its space's list */

/* revoke.c.  Nothing may be pending.  space null: only the frames seen through source, which is
 * a region or a space, at [offset, offset + size). */
void		revoke_begin(struct revoke *r, struct space *space, uint32_t start, struct object *source,
			uint32_t offset, uint32_t size);
/* One bounded step; true when nothing is pending any more. */
int		revoke_step(struct revoke *r);
/* Steps until done, or RESTART (ATTENTION_CALL set) when something more urgent waits. */
result_t	revoke_go_on(struct revoke *r);
static inline result_t revoke_finish(struct revoke *r) { return r->size ? revoke_go_on(r) : OK; }
void		revoke_moved(struct revoke *old, struct revoke *r);
/* True if some region over the space overlaps the range (or there are too many to look at). */
int		space_exports(const struct space *s, uint32_t start, uint32_t size);

#endif
