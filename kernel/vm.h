/* Memory: frames, the page-table cache, the walk from mapping to region, faults. */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "object.h"
#include "place.h"

struct space;
struct region;
struct mapping;
struct thread;

/* Frame records (frame.c): one per frame below the direct map's end. */
#define FRAME_OBJECT		0x01	/* holds or held active objects: entries are not present */
#define FRAME_DIRTY		0x02
#define FRAME_REFERENCED	0x04
#define FRAME_KERNEL		0x08	/* never given to anybody: a hole in the physical region */
struct frame {
	uint32_t	chain;		/* first of the page-table entries that hold it: entry id, 0 = none (pmap.h) */
	uint16_t	objects;	/* active objects in it */
	uint8_t		marks;
	uint8_t		dirty;		/* bit per reader of usage that has not been told of what marks told another */
	uint32_t	start[4];	/* start bit per 32 bytes */
};

/* Boot: carve the frame array and the page-table pool out of free memory.  All frames begin as
 * FRAME_KERNEL; frame_free_range gives those of a range to the physical region. */
void		frame_boot(uint32_t ram_end);
void		frame_free_range(uint32_t start, uint32_t size);
void		pmap_boot(void);
/* Machine.device_add: [start, start+size) of the physical region is device memory, uncached.  0 or -1. */
int		vm_device_add(uint32_t start, uint32_t size);

/* The first objects (machine.c); all addresses are of the direct map. */
void		object_boot(void *address, unsigned type);	/* frame mark, start bit, header, init */
void		region_boot(struct region *region, uint32_t size);	/* physical memory: its space is the kernel's */
void		mapping_boot(struct mapping *mapping, struct space *space, struct region *region,
			uint32_t offset, uint32_t va, uint32_t size, unsigned prot);

/* A walk from (space, va) towards memory: what it found, or who refused. */
struct walk {
	uint32_t	phys;		/* byte address, valid if found */
	unsigned	prot;		/* AND of everything passed */
	uint32_t	before, after;	/* bytes below va and from va on with the same outcome, by the levels passed */
	int		device;		/* no frame record: uncached, not chained */
	/* when refused: */
	int		hole;		/* nothing there; else some level lacks the right */
	struct space	*hole_in;	/* a hole between the mappings of this space, at hole_va: for vm_hole_ends; or null */
	uint32_t	hole_va;
	unsigned	depth;		/* regions passed, the refusing one included; 0 = the space itself.  Found: all of them */
	unsigned	keeper_depth;	/* of the region to ask, 0 = none: the thread's own exception */
	struct object	*keeper;	/* its port */
	uint32_t	keeper_offset;	/* va as that region's offset */
	enum { WALK_STEPS, WALK_AT_ONCE, WALK_WHOLE, WALK_GIVEN_UP } pace;
};
/* At most 256 levels.  1 when every level grants `access` (0: only holes refuse); 0 when one refuses.  Keepers are looked
 * for at depths below keeper_limit (~0u = any).  vm_walk has a preemption point every few levels, and is -1 when something
 * more urgent waits there; no memory changes meanwhile.  vm_walk_now has none, and is -1 at more than a few levels.
 * vm_walk_at takes what pace says. */
int		vm_walk_at(struct space *space, uint32_t va, unsigned access, unsigned keeper_limit, struct walk *walk);
static inline int vm_walk(struct space *space, uint32_t va, unsigned access, unsigned keeper_limit, struct walk *walk)
{
	walk->pace = WALK_STEPS;
	return vm_walk_at(space, va, access, keeper_limit, walk);
}
static inline int vm_walk_now(struct space *space, uint32_t va, unsigned access, unsigned keeper_limit, struct walk *walk)
{
	walk->pace = WALK_AT_ONCE;
	return vm_walk_at(space, va, access, keeper_limit, walk);
}

/* After a walk that was refused: before and after take the neighbours of the hole into account. */
void		vm_hole_ends(struct walk *walk);

extern uint32_t	vm_changes;	/* counts what mappings and regions are set to */
extern uint32_t	page_changes;	/* counts page-table entries taken away or cleared of marks (pmap.c); never 0 */

/* Derives the entry of (space, va) if every level grants the access, turning an object page
 * without objects into plain memory for a user access.  OK or FAULT, which may also mean that no table is
 * empty yet, or that the walk is long; never asks a keeper and leaves no trace when it fails.  access: FLUKE_PROT_*; OBJECT alone or with WRITE for objects. */
result_t	fault_soft(struct space *space, uint32_t va, unsigned access);

/* Resolves the fault of t at va: OK = the entry is derived, RESTART = t waits for a keeper (or,
 * t not being current, will raise the fault at its next turn: ATTENTION_FAULT), FAULT = it is
 * t's own exception: raise t->fault.{code, va, access}.  Called by the way out for FAULT results,
 * by trap.c, and again for t->fault when ATTENTION_FAULT is found set. */
result_t	fault_resolve(struct thread *t, uint32_t va, unsigned access);
/* The same for the current thread in its call, with no preemption point if it is OK. */
result_t	fault_at_once(struct thread *t, uint32_t va, unsigned access);
/* t, current, is to write into its server's buffer, at va in s: OK = the entry is derived, RESTART = t asks the keeper, on its own
 * time, and then makes its call again; FAULT = that is for the server to mend. */
result_t	fault_for_server(struct thread *t, struct space *s, uint32_t va);
/* The keeper that t asked has replied, with this first word (0 if none): sets up what t does next
 * (ATTENTION_FAULT: fault_resolve again, at once).  The caller unblocks t. */
void		fault_answered(struct thread *t, uint32_t word);

/* The directories of a space are loaded when a thread of it runs (pmap.c); null = the kernel's own. */
void		pmap_switch(struct space *space);
uint32_t	pmap_free_tables(void);

/* User memory of the current thread (usercopy.c): soft faults are resolved in place; FAULT sets
 * current->fault.{va, access}. */
result_t	user_read(void *to, uint32_t from, uint32_t bytes);
result_t	user_write(uint32_t to, const void *from, uint32_t bytes);
result_t	user_read_word(uint32_t *to, uint32_t from);
#define user_read(to, from, bytes)	PLACED(COPY, from, FLUKE_PROT_READ, (user_read)(to, from, bytes))
#define user_write(to, from, bytes)	PLACED(COPY, to, FLUKE_PROT_WRITE, (user_write)(to, from, bytes))
#define user_read_word(to, from)	PLACED(COPY, from, FLUKE_PROT_READ, (user_read_word)(to, from))
/* Between two spaces, or within one: copies bytes, soft faults of both resolved in place.  *done =
 * bytes copied; stops early at a hard fault of one side (*fault_va; WRITE for TO, READ for
 * FROM) or when something more urgent waits. */
enum copy_stop { COPY_DONE, COPY_FAULT_FROM, COPY_FAULT_TO, COPY_PREEMPT };
enum copy_stop	user_copy(struct space *from_space, uint32_t from, struct space *to_space, uint32_t to,
			uint32_t bytes, uint32_t *done, uint32_t *fault_va);

#endif
