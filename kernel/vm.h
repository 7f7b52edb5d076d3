/* Memory: frames, the page-table cache, the walk from mapping to region, faults. */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "object.h"

struct space;
struct region;
struct thread;
struct port;

/* Frame records (frame.c): one per frame below the direct map's end. */
#define FRAME_OBJECT		0x01	/* holds or held active objects: entries are not present */
#define FRAME_DIRTY		0x02
#define FRAME_REFERENCED	0x04
#define FRAME_KERNEL		0x08	/* never given to anybody: a hole in the physical region */
struct frame {
	uint32_t	chain;		/* head of the chain of page-table entries that hold it */
	uint16_t	objects;	/* active objects in it */
	uint8_t		marks;
	uint8_t		spare;
	uint32_t	start[4];	/* start bit per 32 bytes */
};

/* Boot: carve the frame array and the page-table pool out of free memory (K2 implements). */
void		frame_boot(uint32_t ram_end);
void		pmap_boot(void);

/* What a walk up found. */
struct walk {
	uint32_t	phys;		/* frame address, valid if prot != 0 */
	unsigned	prot;		/* AND of everything passed */
	uint32_t	run_before, run_after;	/* bytes around with the same outcome (fault-around) */
	int		device;		/* no frame record: uncached */
	/* when refused: */
	struct region	*keeper_region;	/* innermost region to ask, or null: the thread's own exception */
	uint32_t	keeper_offset;
};
/* Walks from (space, va) to memory for the access wanted.  Never waits, at most 256 levels. */
int		vm_walk(struct space *space, uint32_t va, unsigned access, struct walk *walk);

/* Resolves a fault of thread t at va: derives the entry (soft) and returns OK, or starts the
 * keeper IPC (hard) and returns RESTART, or makes it t's own exception and returns FAULT.
 * t need not be current: for a peer, hard faults are posted in peer->fault for its next turn. */
result_t	fault_resolve(struct thread *t, uint32_t va, unsigned access);

/* Makes all entries of (space, va) equal to a walk or less: called when a mapping or region
 * changed.  Bounded work per call; true when done, *position is where to go on. */
int		revoke_space_range(struct space *space, uint32_t start, uint32_t size, uint32_t *position);

/* The directories of a space are loaded when a thread of it runs (pmap.c). */
void		pmap_switch(struct space *space);
void		pmap_space_destroy(struct space *space);
uint32_t	pmap_free_tables(void);

/* User memory of the current space (usercopy.c): FAULT sets current->fault. */
result_t	user_read(void *to, uint32_t from, uint32_t bytes);
result_t	user_write(uint32_t to, const void *from, uint32_t bytes);
result_t	user_read_word(uint32_t *to, uint32_t from);
/* Between two spaces (usercopy.c): copies words from (from_space, from) to (to_space, to), soft
 * faults of both resolved in place.  One of the two is the loaded space.  *done = bytes copied;
 * stops early with FAULT_FROM, FAULT_TO (a hard fault of that side) or PREEMPT (something waits). */
enum copy_stop { COPY_DONE, COPY_FAULT_FROM, COPY_FAULT_TO, COPY_PREEMPT };
enum copy_stop	user_copy(struct space *from_space, uint32_t from, struct space *to_space, uint32_t to,
			uint32_t bytes, uint32_t *done, uint32_t *fault_va);

#endif
