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
#include "place.h"

struct thread;
struct space;

#define OBJECT_MAGIC		0x4b750000u
#define OBJECT_WORD(type)	(OBJECT_MAGIC | (type))
#define OBJECT_DEAD		0x0dead000u	/* | type: destroyed; being taken apart */
#define OBJECT_FORWARD		1u		/* word = new address (direct map) | 1: moved; links being rewritten */

struct link {			/* a capability: in a ref, or part of another object's state */
	struct object	*target;	/* null = null; target's word may be DEAD or FORWARD: use link_target */
	struct link	*next, *prev;	/* in the target's list */
};

struct object {			/* must be first in every object that can be a target; 16 bytes */
	uint32_t	word;
	integer_t	hash;		/* FORWARD: the type */
	struct link	*links;		/* all links to it, newest first.  FORWARD: next one to rewrite */
	struct object	*from;		/* old address while links to that are being rewritten, else null */
};

struct ref {			/* never a target: no header but the word */
	uint32_t	word;
	struct link	link;
	uint32_t	room[4];
};

static inline unsigned object_type(const struct object *o)
{
	return (o->word & 0xffff0000u) == OBJECT_MAGIC ? o->word & 0xffff : FLUKE_NULL;
}

/* Finds the active object of that type at the current thread's address va, with the rights
 * wanted (FLUKE_PROT_OBJECT [| WRITE]).  Soft faults are resolved in place; FAULT (sets
 * current->fault) when no entry can show it, INSANE otherwise. */
result_t	object_find(uint32_t va, unsigned type, unsigned access, struct object **found);
/* Forgets all cached look-ups: an entry of an object page went, or one became plain memory. */
extern uint32_t	object_generation;
void		object_generation_wrapped(void);
static inline void object_forget(void)
{
	if (!++object_generation)
		object_generation_wrapped();
}
/* What was found at an address before, still there and of that type; else null (object.c). */
#define LOOK_UP_ROWS	(FLUKE_PAGE_SIZE / 32)
#define LOOK_UP_WAYS	8u
extern struct look_up { uint32_t va; struct space *space; uint32_t generation; struct object *object; }
	looked_up[LOOK_UP_WAYS * LOOK_UP_ROWS];
static inline struct look_up *look_up_slot(const struct space *s, uint32_t va)
{
	return &looked_up[(va >> 5 ^ (uint32_t)s >> 1) % (LOOK_UP_WAYS * LOOK_UP_ROWS)];	/* spaces lie at multiples of 256 */
}
static inline struct object *object_looked_up(const struct space *s, uint32_t va, unsigned type)
{
	const struct look_up *l = look_up_slot(s, va);

	return l->va == va && l->space == s && l->generation == object_generation &&
		l->object->word == OBJECT_WORD(type) ? l->object : 0;
}
/* The same in any space; FAULT leaves no trace: the caller knows va and access. */
result_t	object_find_in(struct space *space, uint32_t va, unsigned type, unsigned access, struct object **found);
/* The same, but va may also hold a ref that leads to an object of the type (FLUKE_NULL = any type
 * but ref; send tables, thread_schedule's target).  *found = null for a null or dead ref. */
result_t	object_find_or_ref(uint32_t va, unsigned type, struct object **found);
result_t	object_find_or_ref_in(struct space *space, uint32_t va, unsigned type, struct object **found);

#define object_find(va, type, access, found)	PLACED(FIND, va, access, (object_find)(va, type, access, found))
#define object_find_in(space, va, type, access, found) \
	PLACED(FIND, va, access, (object_find_in)(space, va, type, access, found))
#define object_find_or_ref(va, type, found) \
	PLACED(FIND, va, FLUKE_PROT_OBJECT, (object_find_or_ref)(va, type, found))
#define object_find_or_ref_in(space, va, type, found) \
	PLACED(FIND, va, FLUKE_PROT_OBJECT, (object_find_or_ref_in)(space, va, type, found))

/* Links.  link_set and link_clear call port_norefs_changed when a port loses its last link or
 * gains its first. */
void		link_set(struct link *link, struct object *target);	/* clears first; target may be null */
void		link_clear(struct link *link);
void		link_move(struct link *from, struct link *to);		/* the link's storage moved: the copy `to` takes its place */
/* The object that a link leads to; null if null or dead. */
static inline struct object *link_target(const struct link *link)
{
	struct object *o = link->target;

	while (o && (o->word & 0xffff0000u) != OBJECT_MAGIC)
		o = o->word >= 0xc0000000u ? (struct object *)(o->word & ~OBJECT_FORWARD) : 0;
	return o;
}
/* The object whose list the link is in, even a dead one: for the files that take objects apart. */
struct object	*link_real(const struct link *link);
/* port.c: the list of links to the port became empty (none != 0) or not empty again. */
void		port_norefs_changed(struct object *port, int none);

/* The active ref at va, to be re-pointed (needs OBJECT | WRITE); in the current or any space. */
result_t	ref_find(uint32_t va, struct ref **ref);
result_t	ref_find_in(struct space *space, uint32_t va, struct ref **ref);
/* For the refs that set_state takes: 0 = leave that link alone (*ref = null); else the ref at va,
 * which must be null or lead to `type`; not_ref is the insanity otherwise. */
result_t	ref_check(uint32_t va, unsigned type, unsigned not_ref, struct ref **ref);
#define ref_find(va, ref)		PLACED(FIND, va, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, (ref_find)(va, ref))
#define ref_find_in(space, va, ref)	PLACED(FIND, va, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, (ref_find_in)(space, va, ref))
#define ref_check(va, type, not_ref, ref) \
	PLACED(FIND, va, FLUKE_PROT_OBJECT, (ref_check)(va, type, not_ref, ref))

/* One bounded step of ending an object (object.c); true when nothing of it is left and its
 * start bit is cleared.  Used by destroy, region_clear and by a create or move to its place. */
int		object_destroy_step(struct object *o);
/* All its steps; RESTART (with ATTENTION_CALL) when something more urgent waits. */
result_t	object_end(struct object *o);

/* Per-type hooks. */
struct object_type {
	const char	*name;
	uint16_t	size;
	void		(*init)(struct object *o);		/* after create: header is set, the rest zero */
	/* One bounded step of taking the object's own state apart (its links cleared, waiters woken with
	 * RESTART); true when done.  The word is already DEAD.  Links to it are taken apart after that. */
	int		(*destroy_step)(struct object *o);
	/* The storage has been copied from old to new: link_move each own link, rewrite all that points at
	 * the object besides links to it.  moved_step (may be null): the same for what may be many, a bounded
	 * step; true when done.  Waiters of old wake with RESTART. */
	void		(*moved)(struct object *old, struct object *new_object);
	int		(*moved_step)(struct object *old, struct object *new_object);
	uint32_t	insanity;				/* FLUKE_INSANITY_NOT_T */
};
/* Made by each type's file; object.c collects them in object_types[]. */
extern const struct object_type ref_type, space_type, region_type, mapping_type;
extern const struct object_type thread_type, port_type, portset_type, mutex_type, cond_type;
extern const struct object_type *const object_types[FLUKE_TYPES];
extern uint32_t object_live[FLUKE_TYPES];			/* counts, for Machine.object_count */

#endif
