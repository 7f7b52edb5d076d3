/* Object header, links, look-up.  An object is the memory at its address; the kernel reaches
 * it through the direct map.  Invariants: a frame with active objects has its OBJECT mark and a
 * start bit per object; the first word of an active object is OBJECT_WORD(type); every link to
 * an object is in the list that begins in its header.  No pointer to an object survives a wait
 * or a preemption point: what must persist is a link. */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <fluke/types.h>
#include <fluke/errors.h>
#include "result.h"

struct thread;

#define OBJECT_MAGIC		0x4b750000u
#define OBJECT_WORD(type)	(OBJECT_MAGIC | (type))
#define OBJECT_DEAD		0x0dead000u	/* destroyed; its list of links is being taken apart */
#define OBJECT_FORWARD		1u		/* low bit set: moved; word & ~1 = new address; list being rewritten */

struct link {			/* a capability: in a ref, or part of another object's state */
	struct object	*target;	/* null = null; target's word may be DEAD or FORWARD: use link_target */
	struct link	*next, *prev;	/* in the target's list */
};

struct object {			/* must be first in every object that can be a target */
	uint32_t	word;
	integer_t	hash;
	struct link	*links;		/* all links to it */
};

struct ref {
	uint32_t	word;
	struct link	link;
};

static inline unsigned object_type(const struct object *o)
{
	return (o->word & 0xffff0000u) == OBJECT_MAGIC ? o->word & 0xffff : FLUKE_NULL;
}

/* Sizes by type code, all powers of two. */
extern const uint16_t object_size[FLUKE_TYPES];

/* Finds the active object of that type at the current thread's address va, with the rights
 * wanted (FLUKE_PROT_OBJECT [| WRITE]).  FAULT when no entry shows it, INSANE otherwise. */
result_t	object_find(uint32_t va, unsigned type, unsigned access, struct object **found);
/* The same, but va may also hold a ref that leads to an object of the type (send tables,
 * thread_schedule's target).  *found = null for a null or dead ref. */
result_t	object_find_or_ref(uint32_t va, unsigned type, struct object **found);

/* Links.  A port whose last link goes gets port_norefs(); link_set to it withdraws that. */
void		link_set(struct link *link, struct object *target);	/* clears first; target may be null */
void		link_clear(struct link *link);
struct object	*link_target(struct link *link);			/* null if null or dead */
void		link_move(struct link *from, struct link *to);		/* the link's storage moves */

/* find a ref at va and its link */
result_t	ref_find(uint32_t va, struct ref **ref);
/* Checks that a ref (0 = leave) is null or leads to `type`; not_ref is the insanity otherwise. */
result_t	ref_check(uint32_t va, unsigned type, unsigned not_ref, struct ref **ref);

/* Per-type hooks, a table in object.c: filled in by each type's file. */
struct object_type {
	const char	*name;
	uint16_t	size;
	void		(*init)(struct object *o);		/* after create: header is set, the rest zero */
	/* One bounded step of taking the object's own state apart; true when done. Waiters wake with RESTART. */
	int		(*destroy_step)(struct object *o);
	/* The storage has been copied from old to new: rewrite what points at it besides links. */
	void		(*moved)(struct object *old, struct object *new_object);
	uint32_t	insanity;				/* FLUKE_INSANITY_NOT_T */
};
extern const struct object_type object_types[FLUKE_TYPES];
extern uint32_t object_live[FLUKE_TYPES];			/* counts, for Machine.object_count */

#endif
