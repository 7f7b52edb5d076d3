/* Memory pools and segments over one physical region (or any region that holds frames).
 *
 * A segment is a bare space in which each run of resident pages with consecutive frames is one
 * mapping of the store's region, and a region over it whose keeper is served by whoever calls
 * segment_fault.  The run array is sorted; it alone says what is resident.  A frame may be in
 * runs of several segments (copy-on-write): then none of those runs is writable.
 *
 * Not locked: the caller serialises all calls on one store. */
#ifndef NEST_SEGMENT_H
#define NEST_SEGMENT_H

#include <fluke/fluke.h>
#include <nest/frames.h>

#define SEGMENT_OBJECTS	1u		/* flag of MemPool.create_segment */
#define SEGMENT_BASE	0x1000u		/* offset 0 of a segment in its space: page 0 can hold nothing */
#define SEGMENT_MAX	(FLUKE_VM_MAX - SEGMENT_BASE)

struct store;
struct segment;

/* Whoever keeps pages elsewhere while their frames serve others.  All with the store's lock. */
struct pager {
	/* Makes frames free if few are left. */
	void		(*room)(struct store *store);
	/* The page is not resident.  1: now it is; 0: there is nothing of it elsewhere; else -errno. */
	int		(*bring)(struct segment *s, uint32_t page);
	int		(*holds)(struct segment *s, uint32_t page);
	/* What is elsewhere of these pages is given up; how many there were. */
	uint32_t	(*forget)(struct segment *s, uint32_t page, uint32_t count);
	int		(*share)(struct segment *from, struct segment *copy);	/* with a clone; 0 or ENOMEM */
	void		(*written)(uint32_t frame);	/* its only holder may write to it from now on */
	void		(*freed)(uint32_t frame);	/* no holder is left */
	uint64_t	(*spare)(void);			/* bytes that it could still take */
};

struct store {				/* where frames come from */
	struct frames	frames;
	fluke_ref_t	*region;	/* offset = frame number * 4096 */
	fluke_ref_t	*objects;	/* null: the same; else that of frames of objects, from objects_first on */
	uint32_t	objects_first;
	fluke_region_t	*region_object;	/* the same, to clear objects */
	char		*window;	/* all frames in the manager's own space */
	fluke_portset_t	*keepers;	/* keeper ports of segments go here */
	struct pool	*root;
	/* keeper ports' aliases: slot << 8 | generation */
	struct segment	**slot;
	uint8_t		*generation;
	uint32_t	slots, free_slot;
	fluke_ref_t	*null;		/* a null reference */
	uint64_t	hidden, shown;	/* pages, by segment_hide, by faults since */
	const struct pager *pager;	/* null: pages stay */
	int		frugal;		/* a fault brings one page only */
	int		dry[FRAME_KINDS];	/* what frames are left is for pages that come back */
	fluke_portset_t	*slow_keepers;	/* of sources whose pages must be brought; null: there are none */
	void		(*squeeze)(struct store *);	/* frees frames if few are left; null: nobody can */
	uint32_t	lent;		/* frames that it could free */
};

struct pool {
	struct store	*store;
	struct pool	*parent, *children, *next, *prev;	/* siblings */
	struct segment	*segments;
	uint64_t	limit, used;	/* bytes; limit 0 = only the parent's */
	void		*served;	/* the server's */
	void		(*gone)(struct pool *);	/* called when it is destroyed; may be null */
};

struct segment_run {
	uint32_t	page, count, frame;
	uint8_t		write;		/* the mapping grants WRITE */
	uint8_t		hot;		/* broken out of a shared run: copied at once by the next clone */
	fluke_mapping_t	*mapping;
	uint8_t		hidden;		/* no access until the next fault in it */
};

struct segment_region {			/* a further region over the segment */
	struct segment_region *next;
	fluke_region_t	*region;
	fluke_prot_t	prot;
};

/* A segment whose frames belong to somebody else, as a file's pages do. */
struct segment_source {
	/* The frame of the page; *first, *count: the run of consecutive frames around it that may be
	 * mapped with it.  FRAMES_NONE = no access. */
	uint32_t	(*frame)(void *file, uint32_t page, int write, uint32_t *first, uint32_t *count);
	/* Null, or: whether the page must be brought from *where before that, and what does it, without a lock: 0 or errno. */
	int		(*away)(void *file, uint32_t page, uint32_t *where);
	int		(*bring)(uint32_t where);
};

struct segment {
	struct pool	*pool;
	struct segment	*next, *prev;	/* in the pool */
	uint32_t	pages, flags, resident;
	fluke_prot_t	prot;
	struct segment_run *run;
	uint32_t	runs, run_room;
	fluke_space_t	*space;
	fluke_ref_t	*space_ref, *keeper_ref;
	fluke_region_t	*region;
	fluke_port_t	*keeper;
	struct segment_region *more;
	uint8_t		hidden;		/* all regions refuse until the next fault */
	const struct segment_source *source;
	void		*file;
	uint32_t	slot;
	uint64_t	faults, copies;
	uint32_t	away;		/* pages at the pager, booked like resident ones */
	void		*paged;		/* the pager's */
	void		*served;
	void		(*gone)(struct segment *);
};

struct pool	*pool_create(struct store *store, struct pool *parent, uint64_t limit);
void		pool_destroy(struct pool *pool);
int		pool_charge(struct pool *pool, uint32_t bytes);
void		pool_refund(struct pool *pool, uint32_t bytes);

/* The segment whose keeper port has the alias, or null when it is gone. */
struct segment	*segment_by_alias(struct store *store, natural_t alias);

/* Null when memory is out.  size in bytes, rounded up to pages. */
struct segment	*segment_create(struct pool *pool, uint32_t size, uint32_t flags);
struct segment	*segment_create_file(struct pool *pool, uint32_t size, const struct segment_source *source, void *file);
struct segment	*segment_clone(struct segment *from, struct pool *pool);
void		segment_destroy(struct segment *s);
/* Mends a hard fault; 0, or an errno when it cannot be mended. */
int		segment_fault(struct segment *s, uint32_t offset, fluke_prot_t access);
/* Bytes from a hole at the offset to the next page there may be (for OBJECT-only questions); 0: there is a page now. */
uint32_t	segment_skip(struct segment *s, uint32_t offset);
void		segment_discard(struct segment *s, uint32_t offset, uint32_t size);
int		segment_resize(struct segment *s, uint32_t size);
fluke_region_t	*segment_region(struct segment *s, fluke_prot_t prot);
int		segment_read(struct segment *s, uint32_t offset, void *data, uint32_t count);
int		segment_write(struct segment *s, uint32_t offset, const void *data, uint32_t count);

/* Takes all access to a run (by its mapping), or to the whole segment (by its regions); the next fault there gives it
 * back.  Where there may be objects a run leaves its space instead: a search passes over pages that refuse, but asks
 * about holes.  The pages in it; 0: hidden already, or (segment_hide) there may be objects. */
uint32_t	segment_hide_run(struct segment *s, uint32_t index);
uint32_t	segment_hide(struct segment *s);
/* The page, resident, moves to another frame.  Its objects are moved by move_objects (frame to frame), which
 * is called only for segments that hold any, and tells how many; a page without objects is copied.  0 or errno. */
int		segment_relocate(struct segment *s, uint32_t page, unsigned (*move_objects)(struct store *, uint32_t, uint32_t));

/* For a pager.  Resident pages of one run leave it; their frames keep this holder.  0 or ENOMEM. */
int		segment_take(struct segment *s, uint32_t page, uint32_t count);
/* A frame becomes the page, which is not resident; the frame has been taken or held for it.  0 or ENOMEM. */
int		segment_add(struct segment *s, uint32_t page, uint32_t frame, int write);
void		store_release(struct store *store, uint32_t frame);	/* one holder less */

/* A zeroed page for the server itself, through the window. */
char		*store_page(struct store *store, char *near);
void		store_page_free(struct store *store, char *page);
static inline uint32_t store_frame(struct store *store, const void *p) { return (uint32_t)((const char *)p - store->window) / 4096; }

static inline void store_squeeze(struct store *store) { if (store->squeeze) store->squeeze(store); }

/* Between segment.c and cow.c. */
uint32_t	segment_find(struct segment *s, uint32_t page);	/* index of the run with the page, or ~0 */
int		segment_room(struct segment *s, uint32_t more);
struct segment_run *segment_insert(struct segment *s, uint32_t index);
void		segment_run_map(struct segment *s, struct segment_run *r);
void		segment_frames_release(struct segment *s, uint32_t frame, uint32_t count);
int		segment_break(struct segment *s, uint32_t index, uint32_t page);
int		segment_zero_frame(struct store *store, uint32_t frame, int zero);

#endif
