/* Shared by frame.c, fault.c and i386/pmap.c only. */
#ifndef KERNEL_VM_PRIVATE_H
#define KERNEL_VM_PRIVATE_H

#include "vm.h"

struct chain { uint32_t next, prev; };	/* entry ids; prev 0 = first of its frame's chain */
extern struct chain	*chains;	/* by entry id */

/* Per 2 MB of memory.  One entry for the whole of it hangs in its chain, not in that of a frame. */
struct block {
	uint32_t	chain;		/* first of the superpage entries that hold it: entry id, 0 = none */
	uint16_t	objects;	/* object frames and kernel frames: superpage entries only where 0 */
	uint8_t		marks;		/* FRAME_DIRTY, FRAME_REFERENCED of superpage entries: good for each of its frames */
	uint8_t		fine;		/* region_usage reads it page by page: no superpage entries */
};
extern struct block	*blocks;

int		frame_walk(uint32_t phys, struct walk *w);	/* what is at an offset of the physical region that is no frame */
result_t	fault_search_hole(struct thread *t, struct space *s, uint32_t va, struct walk *w, uint32_t *skip);
#define fault_search_hole(t, s, va, w, skip) \
	PLACED(FIND, 0, 0, (fault_search_hole)(t, s, va, w, skip))

/* One entry, by id: drop it; not present and marked; its marks into the frame record. */
void		pmap_drop(uint32_t id);
void		pmap_drop_super(uint32_t id);
void		pmap_hide(uint32_t id);
void		pmap_harvest(uint32_t id);

#endif
