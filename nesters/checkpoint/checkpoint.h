/* checkpoint: what its parts share.  See README.md.
 *
 * One thread, main's, takes and restores images.  memory_lock keeps our own servers out of the segments meanwhile.
 * Names in an image are places: segment number and offset.  A segment's number is its place in `world`. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <native.h>
#include <nest/child.h>
#include <nest/memory_serve.h>

#define PAGE		FLUKE_PAGE_SIZE

struct options {
	const char	*file;		/* "disk:NAME", a path, or null: memory */
	uint32_t	interval;	/* microseconds between images; 0: on demand */
	uint32_t	cycle;		/* destroy and restore after every so many-th image */
	const char	*instants;	/* list of microseconds since the start */
	int		restore;	/* begin with what the file holds */
	int		full;		/* images are never incremental */
	int		leave;		/* end after an image */
	int		tree;		/* files go along */
	int		verbose;
	const char	*crash;		/* point at which to die */
};
extern struct options options;

struct counts {
	uint32_t	taken, restored, failed, objects, threads, pages, written, lost, again, settles;
	uint64_t	stop_time, total_time, restore_time;	/* of the last one, ns */
	uint32_t	size;			/* bytes written for the last image */
};
extern struct counts counts;
/* For proof that a test notices: ends here if that is the point that the options name. */
void	crash_point(const char *name);

struct served *control_service(void);	/* Checkpointer, for those below */

/* ---- memory.c ---- */

extern struct store store;
int	memory_begin(struct server *server);		/* 0 or errno */

/* ---- world.c: all pools, segments and objects below ---- */

struct object {
	uint32_t	at;		/* address in our window */
	uint32_t	segment, offset;
	uint8_t		type;
	integer_t	hash;		/* 0: a reference */
	uint32_t	next;		/* of the same hash bucket, + 1 */
	uint32_t	state;		/* where its state stands, while an image is taken */
};

struct world {
	struct pool	**pool;		/* parents first */
	struct segment	**segment;
	struct object	*object;
	unsigned	pools, segments, objects;
	unsigned	pool_room, segment_room, object_room;
	uint32_t	*bucket;	/* index into object + 1, by hash */
	unsigned	buckets;
};
extern struct world world;
extern struct child *child;		/* the root of everything below */

/* Finds pools and segments (parents first, in the order of their making), and objects if asked.  With memory_lock. */
int	world_find(int objects);
void	world_forget(void);
/* Hashes of all objects; they must stand still.  0 or ENOMEM. */
int	world_index(void);
unsigned world_pool(const struct pool *pool);
int	world_room(unsigned pools, unsigned segments, unsigned objects);	/* so many, of no sense yet; 0 or ENOMEM */
/* Points the reference at the object. */
void	object_reference(unsigned number, fluke_ref_t *ref);
/* The object below that the reference leads to, or ~0. */
unsigned world_target(fluke_ref_t *ref);

/* ---- stop.c ---- */

/* All threads below stand still, and none is in the middle of a request to a server outside.  0, EAGAIN. */
int	stop_all(void);
/* Those that we stopped go on. */
void	stop_resume(void);
/* Was it running before we stopped it? */
int	stop_ran(const struct object *thread);

/* ---- border.c: what leads out of the image ---- */

enum border { BORDER_LOST, BORDER_SERVICE, BORDER_FD, BORDER_POOL, BORDER_SEGMENT, BORDER_REGION, BORDER_SPACE,
	BORDER_PARENT, BORDER_TIME, BORDER_SERVER, BORDER_FACET, BORDER_WAKE, BORDER_NAMED, BORDER_SCHEDULER,
	BORDER_CONTROL, BORDER_LOCK };

#define CHECKPOINT_SERVICE	7u	/* kind of Checkpoint.save: data is the name for Parent.lookup */
#define BORDER_DATA	0x10000u

struct outside {
	uint32_t	kind, a, b;	/* by kind: number of pool, segment, service, descriptor; rights, session */
	uint32_t	base, link;	/* the outside + 1 that a FACET is of, or that leads to the same file without a name as a SERVER
					 * object, or a LOCK's owner; the object + 1 that that calls */
	uint32_t	number;		/* of a file without a name; the first that leads there brings the content: b = 1 */
	uint32_t	sent;		/* messages, when last looked at */
	uint32_t	size;
	char		*data;
	fluke_ref_t	*ref;
	integer_t	hash;
};
extern struct outside *outside;
extern unsigned	outsides;

int	border_begin(void);
void	border_forget(void);
/* A link to what the reference leads to outside: its number + 1 and LINK_OUTSIDE. */
uint32_t border_name(fluke_ref_t *ref);
struct image_outside;
int	border_put(void);			/* all entries into the stream */
int	border_get(unsigned entries);
void	border_release(void);		/* all references made by border_bind */
int	border_look(void);
/* After a restore: references for all entries. */
int	border_bind(void);
/* Ports below that servers outside would have told of something: they are told to look again. */
void	border_wake(void);

/* ---- time.c ---- */

int	time_begin(struct server *server);
struct served *time_service(void);	/* our parent's scheduler as those restored see it */
fluke_ref_t *time_port(void);		/* where it takes requests */
uint32_t time_known(uint32_t real);	/* the number that those below remember */
void	time_forget(void);
int	time_restore(fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val);
uint64_t time_raw(void);		/* our parent's monotonic clock */
void	time_goes_on(uint64_t then);	/* from that reading of it on, in what is restored */
int	time_adapt(void *page);		/* its clock records; 1 if there are any */

/* ---- image.c: the file ---- */

int	image_open(void);
/* Writing: a generation begins; bytes are added; it is committed as a whole, or given up. */
int	image_begin(void);
int	image_put(const void *data, size_t size);
int	image_commit(void);
void	image_give_up(void);
uint32_t image_written(void);
/* A page, beside the stream; its place is known by the flush: 0 = no room or an error (image_error). */
int	image_page(const void *page, uint32_t *place);
int	image_page_flush(void);
extern int image_error;
extern const char *image_reason;	/* why an image was refused */
/* Reading. */
int	image_start(void);
int	image_get(void *data, size_t size);
int	image_get_page(uint32_t place, void *page);
void	image_loaded(void);
/* The place is in use by the generation being made. */
void	image_keep(uint32_t place);

/* ---- tree.c ---- */

int	tree_put(void);
int	tree_get(int wanted);

/* ---- save.c, restore.c ---- */

int	save(void);
int	restore(void);			/* into the new child; 0 or errno, image_reason says more */
void	restore_go(void);		/* all runs again */

struct restored_memory { fluke_ref_t **pool, **segment, **region; };
struct restored_memory *restored(void);		/* while it lasts: references by number */

/* Records of the image: struct image_head, pools, segments with their pages, outside, objects with their state. */
#define IMAGE_HEAD	0x4b434c46u		/* FLCK */
struct image_head { uint32_t magic, version, pools, segments, outsides, objects; uint64_t clock, wall; };
struct image_pool { uint32_t parent, parent_high; uint64_t limit; };	/* parent: number + 1 */
struct image_segment { uint32_t pool, size, flags, pages, named; };
struct image_page { uint32_t page, place; };
struct image_outside { uint32_t kind, a, b, base, link, size; };
struct image_object { uint32_t segment, offset, type; integer_t hash; };
#define IMAGE_VERSION	3u

/* A link: 0 = null, an object's number + 1, or an outside's with this bit. */
#define LINK_OUTSIDE	0x80000000u

/* Where page and frame are alike since the last image: by frame, place in the image; 0 = not. */
extern uint32_t *frame_place;

#endif
