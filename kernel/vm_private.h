/* Shared by frame.c, fault.c and i386/pmap.c only. */
#ifndef KERNEL_VM_PRIVATE_H
#define KERNEL_VM_PRIVATE_H

#include "vm.h"

struct chain { uint32_t next, prev; };	/* entry ids; prev 0 = first of its frame's chain */
extern struct chain	*chains;	/* by entry id */
extern uint16_t		*block_objects;

int		frame_walk(uint32_t phys, struct walk *w);
result_t	fault_search_hole(struct thread *t, struct space *s, uint32_t va, struct walk *w, uint32_t *skip);
#define fault_search_hole(t, s, va, w, skip) \
	PLACED(FIND, 0, 0, (fault_search_hole)(t, s, va, w, skip))

/* One entry, by id: drop it; not present and marked; present again; its marks. */
void		pmap_drop(uint32_t id);
void		pmap_hide(uint32_t id);
void		pmap_show(uint32_t id);
unsigned	pmap_harvest(uint32_t id, int clear);

#endif
