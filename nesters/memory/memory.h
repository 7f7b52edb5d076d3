/* memory: what its parts share.  See README.md.
 *
 * A page of a data segment is resident (a run of the segment has it), away (the segment's table names its slot of the
 * swap file), or nothing.  A slot is in use while tables name it (refs) or a frame is known to hold the same bytes
 * (its copy).  Invariants: a frame with a copy whose slot has refs is in no writable run; a frame that is not DIRTY and
 * has a copy need not be written.  All of it is guarded by memory_lock. */
#ifndef MEMORY_H
#define MEMORY_H

#include <native.h>
#include <nest/child.h>
#include <nest/memory_serve.h>

struct options {
	uint64_t	size;		/* bytes of memory; 0 = what there is */
	const char	*swap;		/* file; null: one without a name */
	uint64_t	swap_size;	/* 0 and no size: no paging */
	const char	*defect;	/* what to forget */
	int		verbose;
};
extern struct options options;

struct counts {
	uint32_t	faults_in, pages_in, pages_out, writes, reads, clean, zero, kept, bad, full, packed, unpacked, empty;
};
extern struct counts counts;

/* ---- say.c ---- */

int	say_begin(void);				/* 0 or errno */
void	say(const char *format, ...) __attribute__((format(printf, 1, 2)));	/* a line, without its end */
void	say_end(void);					/* all has been written */

/* ---- store.c ---- */

extern struct store store;
int	store_begin(uint64_t size, struct server *server);	/* 0 or errno */

/* ---- swap.c: slots of the swap file ---- */

#define SLOT_NONE	(~0u)
#define SLOT_ZERO	(~0u - 1)	/* only in tables: the page is zero, and in no slot */
#define CLUSTER		16u		/* pages of one read or write */

int	swap_begin(void);				/* by the options; 0 or errno */
/* Pages of the window, from the frame on, to slots in a row; the first slot, SLOT_NONE: no room or an error.  *count: how
 * many were asked for, and written. */
uint32_t swap_write(uint32_t frame, uint32_t *count);
/* Slots in a row into frames in a row; how many pages are good, up to the first bad one. */
uint32_t swap_read(uint32_t slot, uint32_t frame, uint32_t count);
uint32_t swap_free(void);				/* slots */

void	slot_hold(uint32_t slot);			/* a table names it, once more */
uint32_t slot_drop(uint32_t slot);			/* once less; refs left */
uint32_t slot_frame(uint32_t slot);			/* that holds the same, or FRAMES_NONE */
uint32_t slot_of(uint32_t frame);			/* its copy, or SLOT_NONE */
void	slot_link(uint32_t slot, uint32_t frame);
void	slot_unlink(uint32_t frame);

/* ---- pages.c: the pager of libnest's segments ---- */

extern const struct pager pager;
int	page_away(struct segment *s, uint32_t page, uint32_t slot);	/* 0 or ENOMEM */
int	page_room(struct segment *s, uint32_t page);	/* page_away will not fail */
#define PAGE_TABLE	1024u		/* pages of one table of entries */
uint32_t *page_entry(struct segment *s, uint32_t page);	/* null: no table, so nothing is away there */

/* ---- objects.c: pages that hold kernel objects ---- */

void	objects_room(void);				/* frames for such pages, if few are left */
int	objects_bring(struct segment *s, uint32_t page, uint32_t *entry);	/* as pager.bring */
void	objects_forget(uint32_t entry);			/* the objects end */

/* ---- clock.c: replacement ---- */

#define MARK_REFERENCED	FLUKE_USAGE_REFERENCED
#define MARK_DIRTY	FLUKE_USAGE_DIRTY

extern uint8_t *marks;			/* per frame, beside what the kernel has not told yet */
int	clock_begin(void);
void	clock_room(struct store *store);
void	marks_read(uint32_t frame, uint32_t count);

#endif
