/* A space: the root of its tree of mappings, the list of regions over it, and its page tables,
 * which are only a cache of what a walk from mapping to region would give. */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include <fluke/space.h>
#include "object.h"

struct mapping;
struct region;
struct table;

#define SPACE_IO_RANGES	8

#define SPACE_NEAR	8
#define NEAR_PLACE(va)	((va) >> 16 & (SPACE_NEAR - 1))

struct space {
	struct object	obj;
	struct link	keeper;		/* port for exceptions */
	struct mapping	*mappings;	/* root of the tree, ordered by start; no two overlap */
	uint64_t	pdpt[4] __attribute__((aligned(32)));	/* what cr3 points at; entry 3 is the kernel's */
	struct mapping	*last[2];	/* found last below and above 2 GB; may be null */
	struct mapping	*near[SPACE_NEAR];	/* found last at addresses of that NEAR_PLACE; may be null */
	struct region	*regions;	/* all regions over this space */
	struct table	*tables;	/* ring of its page tables and directories; the clock's hand */
	uint32_t	table_count;
	struct { uint16_t first, count; } io[SPACE_IO_RANGES];	/* I/O ports granted by Machine */
	struct link	watcher;	/* port that is asked before all handlers (Machine.watch); seen by nobody */
	uint8_t		room[256 - 128 - 32];
};
_Static_assert(sizeof(struct space) == sizeof(fluke_space_t), "space size is ABI");

/* Owns physical memory: the walk ends here (offset = physical address).  No reference ever
 * leads user code to it. */
extern struct space kernel_space;

#endif
