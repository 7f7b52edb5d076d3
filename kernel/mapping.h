/* A mapping: the import of part of a region into a space; a node in the space's tree. */
#ifndef KERNEL_MAPPING_H
#define KERNEL_MAPPING_H

#include <fluke/mapping.h>
#include "region.h"

struct mapping {
	struct object	obj;
	struct link	region;		/* source; null = no access */
	struct link	space;		/* destination; null = no effect */
	uint32_t	start, size, offset, prot;
	/* in the destination's tree (a treap: ordered by start, heap by priority) */
	struct mapping	*left, *right;
	uint32_t	priority;
	uint32_t	in_tree;
	struct revoke	revoke;
	uint8_t		room[128 - 116];
};
_Static_assert(sizeof(struct mapping) == sizeof(fluke_mapping_t), "mapping size is ABI");

/* The mapping that covers va, or null (the caller has tried s->last[va >> 31]). */
struct mapping	*mapping_find(struct space *s, uint32_t va);
/* The ends of a hole: the bytes to the neighbours below and above, if these are nearer than what *before and *after hold. */
void		mapping_hole(const struct space *s, uint32_t va, uint32_t *before, uint32_t *after);
/* Takes the root of a dying space's tree out; false when the tree is empty. */
int		mapping_tree_take_apart(struct space *s);

#endif
