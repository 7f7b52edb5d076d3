/* The pack: a read-only file tree on the drive that lies below the RAM file system (docs/design/pack.md).
 *
 * Its names are loaded into the RAM file system at the start, below what is there already; only the files' bytes stay on the
 * drive and come in clusters of 64 KB when somebody wants them.  A node of it has data.lower set until it is written to;
 * then it becomes a plain file in RAM.  What stands here first is the format; tools/mkpack writes and checks it. */
#ifndef ROOT_PACK_H
#define ROOT_PACK_H

#include "ramfs.h"

#define PACK_NAME	"pack"		/* of the file on the drive */
#define PACK_MAGIC	"FlukePck"
#define PACK_VERSION	1u
#define PACK_CLUSTER	0x10000u
#define PACK_CLUSTER_PAGES (PACK_CLUSTER / RAMFS_PAGE)

struct pack_head {			/* little-endian, in the first page; sums are Adler-32 */
	char		magic[8];
	uint32_t	version;
	uint32_t	index_bytes, index_sum;	/* a newc archive from the second page on; a file's data: {first page, size} */
	uint32_t	sums_sum;	/* of the next pages: a sum per cluster of the data */
	uint32_t	data_first, data_pages;
	uint32_t	head_sum;	/* of all this with this word 0 */
};

struct request;
struct segment;

/* pack.c.  Mounts what is on the drive, if there is one; ends the system when it is damaged. */
void	pack_mount(void);
/* With root_lock: the page of the data if it is in memory. */
char	*pack_page(uint32_t page);
/* With root_lock: the first cluster of the range that is not in memory, plus 1; 0: all is there. */
uint32_t pack_missing(const struct ramfs_node *node, uint64_t offset, uint32_t size);
/* Without: brings the cluster.  0, EIO, ENOMEM. */
int	pack_bring(uint32_t cluster);
/* With root_lock, which is dropped meanwhile: afterwards the range is there. */
int	pack_reach(struct ramfs_node *node, uint64_t offset, uint32_t size);
/* With root_lock: a client is sent bytes from this cluster in place. */
uint32_t pack_pin(const struct ramfs_node *node, uint64_t offset);
void	pack_unpin(uint32_t cluster);
/* With root_lock: the node has a segment now, or none any more. */
int	pack_mapped(struct ramfs_node *node);
void	pack_unmapped(struct ramfs_node *node);
/* Without root_lock, the caller holds the node: its data become its own, in RAM. */
int	pack_copy_up(struct ramfs_node *node);

/* pack_wait.c: requests that wait for the pack.  `answer` runs in a worker, without a lock, and frees what it likes. */
struct pack_wait {
	struct pack_wait *next;
	struct request	*request;	/* parked */
	struct ramfs_node *node;	/* held */
	uint64_t	at;
	uint32_t	size;		/* of the range that must be there; PACK_WHOLE: the node becomes RAM's */
	int		error;
	void		(*answer)(struct pack_wait *w);
	void		*object;	/* the answer's */
};
#define PACK_WHOLE	(~0u)

int	pack_wait_boot(void);
/* With root_lock; REQUEST_PARKED or ENOMEM. */
int	pack_park(struct request *r, struct ramfs_node *node, uint64_t at, uint32_t size, void (*answer)(struct pack_wait *), void *object);
void	pack_again(struct pack_wait *w);	/* from answer: what was there has gone again */


/* pack_file.c, with root_lock.  frame: for when the file has been copied. */
struct segment *pack_segment(struct ramfs_node *node, uint32_t (*frame)(void *, uint32_t, int, uint32_t *, uint32_t *));
/* FileDescription.read: 0, REQUEST_PARKED, or an errno; PACK_COPY: all of it is there, to be copied by the caller. */
int	pack_read(struct ramfs_node *node, struct request *r, uint64_t at, const void **data, size_t *size);
#define PACK_COPY	(-2)

#endif
