/* The RAM file system: nodes, directories, paths.  Plain logic without a kernel call: whoever
 * uses it supplies pages, time and what happens when a page that may be mapped goes away, so
 * the same code runs in root and in the host's tests.  Not locked: the caller serialises.
 * Functions return 0 or a positive errno, as Linux i386 would. */
#ifndef ROOT_RAMFS_H
#define ROOT_RAMFS_H

#include <stddef.h>
#include <stdint.h>
#include "linux_abi.h"

#define RAMFS_PAGE		4096u
#define RAMFS_NAME_MAX		255
#define RAMFS_PATH_MAX		4096	/* with the NUL */
#define RAMFS_SYMLINKS		40
#define RAMFS_SIZE_MAX		0x7ffff000u	/* of one file */
#define RAMFS_DEVICE		0x12	/* st_dev of everything */

struct ramfs_node;

struct ramfs_entry {			/* a name in a directory */
	struct ramfs_entry *hash_next, *next, *prev;
	struct ramfs_node *node;
	uint64_t	position;	/* grows with each entry made: the getdents cookie */
	uint32_t	hash;
	uint16_t	length;
	char		name[];		/* with NUL */
};

struct ramfs_dir {
	struct ramfs_node *parent;
	struct ramfs_entry *first, *last, **table;
	uint32_t	table_size, count;
	uint64_t	next_position;
	struct ramfs_entry *cursor;	/* where the last getdents stopped, null = unknown */
	uint8_t		parent_held;	/* removed: parent is kept by an open of ours */
};

struct ramfs_data {
	char		**page;		/* null entry = hole; null table = extent alone */
	uint32_t	slots;
	char		*extent;	/* contiguous pages of a boot module, in place */
	uint32_t	extent_pages;
	uint8_t		tail_foreign;	/* the last page goes on with something else after size */
	uint32_t	lower;		/* its first page in the pack, plus 1; 0: not there.  Then there are no pages here */
};

struct ramfs_owner {			/* of locks: a process, or an open file description */
	struct ramfs_lock *locks;
	int		is_process;
	void		*payer;		/* whom its locks are counted with */
};

struct ramfs_claim {			/* what a lock is, or would be */
	struct ramfs_node *node;
	struct ramfs_owner *owner;
	const void	*via;		/* description that it was made through */
	uint64_t	start, end;	/* end exclusive, ~0 = to infinity */
	uint8_t		type, kind;	/* F_RDLCK...; RAMFS_RECORD, RAMFS_FLOCK */
};
enum { RAMFS_RECORD, RAMFS_FLOCK };

struct ramfs_lock {
	struct ramfs_lock *next;	/* of the node */
	struct ramfs_lock *next_owned;
	struct ramfs_claim c;
};

struct ramfs_node {
	uint32_t	number, mode, uid, gid, rdev;
	uint32_t	links;		/* names */
	uint32_t	opens;		/* holders: descriptions, walks, mappings */
	uint32_t	pages;		/* resident */
	uint64_t	size, atime, mtime, ctime;
	union {
		struct ramfs_data data;
		struct ramfs_dir dir;
		char	*target;
		void	*pipe;		/* a FIFO's pipe while somebody has it open */
	};
	struct ramfs_lock *locks;
	void		*map;		/* the adaptor's: segment through which clients map it */
	void		*watchers;
};

struct ramfs {
	struct ramfs_node *root;
	uint32_t	next_number, nodes;
	/* adaptor */
	char		*(*page_alloc)(struct ramfs *, char *near);	/* zeroed; near: previous page or null */
	void		(*page_free)(struct ramfs *, char *page);
	uint64_t	(*now)(void);
	void		(*dropped)(struct ramfs_node *, uint32_t first, uint32_t count);	/* pages taken away; may be null */
	void		(*forget)(struct ramfs_node *);	/* node about to be freed; may be null */
	char		path_a[2 * RAMFS_PATH_MAX], path_b[2 * RAMFS_PATH_MAX];	/* of the walk in hand */
};

/* A path's last step. */
struct ramfs_walk {
	struct ramfs_node *dir;		/* directory of the last component */
	struct ramfs_node *node;	/* what it names, or null */
	struct ramfs_entry *entry;	/* null for the root, "." and ".." */
	const char	*name;		/* not NUL-terminated; in the path buffer */
	unsigned	length;
	int		kind;		/* of the last component: */
	int		slash;		/* slashes follow it */
};
enum { RAMFS_LAST_NAME, RAMFS_LAST_DOT, RAMFS_LAST_DOTDOT, RAMFS_LAST_ROOT };

int	ramfs_init(struct ramfs *fs);
int	ramfs_load_cpio(struct ramfs *fs, char *archive, size_t size);
/* The names of a pack (pack.h) of so many pages, below what there is: names that exist stay what they are. */
int	ramfs_load_index(struct ramfs *fs, char *archive, size_t size, uint32_t pages);
extern char *(*ramfs_lower_page)(uint32_t page);	/* a page of the pack, null: it must be brought first */
void	ramfs_lower_drop(struct ramfs *fs, struct ramfs_node *node);	/* the node has no data in the pack any more */

/* ramfs_walk.c; follow a symbolic link at the end: 1 always, 0 if slashes follow it, -1 never */
int	ramfs_walk(struct ramfs *fs, struct ramfs_node *dir, const char *path, int follow, struct ramfs_walk *walk);
int	ramfs_find(struct ramfs *fs, struct ramfs_node *dir, const char *path, int follow, struct ramfs_node **node);
int	ramfs_path(struct ramfs *fs, struct ramfs_node *dir, char *buffer, size_t size);
int	ramfs_name(struct ramfs *fs, struct ramfs_node *node, char *buffer, size_t size);

/* ramfs_name.c */
int	ramfs_open(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags, unsigned mode,
		struct ramfs_node **node);	/* the node with opens + 1 */
int	ramfs_mkdir(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned mode);
int	ramfs_mknod(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned mode, unsigned rdev);
int	ramfs_symlink(struct ramfs *fs, struct ramfs_node *dir, const char *target, const char *path);
int	ramfs_link(struct ramfs *fs, struct ramfs_node *dir, const char *path, struct ramfs_node *new_dir,
		const char *new_path, unsigned flags);
int	ramfs_unlink(struct ramfs *fs, struct ramfs_node *dir, const char *path, unsigned flags);
int	ramfs_rename(struct ramfs *fs, struct ramfs_node *dir, const char *path, struct ramfs_node *new_dir,
		const char *new_path, unsigned flags);
int	ramfs_readlink(struct ramfs *fs, struct ramfs_node *dir, const char *path, const char **target);
int	ramfs_chmod(struct ramfs *fs, struct ramfs_node *node, unsigned mode);
int	ramfs_chown(struct ramfs *fs, struct ramfs_node *node, unsigned uid, unsigned gid);
int	ramfs_utimens(struct ramfs *fs, struct ramfs_node *node, uint64_t atime, uint64_t mtime);

/* ramfs_dir.c */
uint32_t ramfs_hash(const char *name, unsigned length);
struct ramfs_entry *ramfs_dir_find(struct ramfs_node *dir, const char *name, unsigned length);
int	ramfs_dir_add(struct ramfs *fs, struct ramfs_node *dir, const char *name, unsigned length, struct ramfs_node *node);
void	ramfs_dir_remove(struct ramfs *fs, struct ramfs_node *dir, struct ramfs_entry *entry);
size_t	ramfs_getdents(struct ramfs *fs, struct ramfs_node *dir, uint64_t *cookie, char *buffer, size_t size, int *error);

/* ramfs_node.c */
struct ramfs_node *ramfs_node_make(struct ramfs *fs, unsigned mode);
void	ramfs_get(struct ramfs_node *node);			/* opens + 1 */
void	ramfs_put(struct ramfs *fs, struct ramfs_node *node);	/* opens - 1; freed when nothing holds it */
void	ramfs_link_dropped(struct ramfs *fs, struct ramfs_node *node);
char	*ramfs_page(struct ramfs_node *node, uint32_t index);	/* resident page or null */
char	*ramfs_page_make(struct ramfs *fs, struct ramfs_node *node, uint32_t index);
int	ramfs_tail_own(struct ramfs *fs, struct ramfs_node *node);
size_t	ramfs_read(struct ramfs *fs, struct ramfs_node *node, uint64_t offset, void *buffer, size_t count);
char	*ramfs_read_direct(struct ramfs_node *node, uint64_t offset, size_t *count);
int	ramfs_write(struct ramfs *fs, struct ramfs_node *node, uint64_t offset, const void *data, size_t count, size_t *done);
int	ramfs_truncate(struct ramfs *fs, struct ramfs_node *node, uint64_t size);

/* ramfs_lock.c */
int	ramfs_lock(const struct ramfs_claim *c);	/* EAGAIN: another owner is in the way */
struct ramfs_lock *ramfs_lock_conflict(const struct ramfs_claim *c);	/* that owner's, or null */
int	ramfs_holds(const struct ramfs_claim *c);	/* any of the range */
int	ramfs_unlock_all(struct ramfs_owner *owner);	/* whether there were any; this and the next */
int	ramfs_unlock_via(struct ramfs_node *node, const void *via);
extern int (*ramfs_lock_take)(void *payer);	/* 0: ENOLCK; both null: any number */
extern void (*ramfs_lock_give)(void *payer);

#endif
