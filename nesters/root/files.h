/* The RAM file system as FileSystem and FileDescription, in parts: pages and mappings (file_pages.c), opening
 * (file_open.c), names (file_names.c), open files (files.c), files in a checkpoint's image (file_image.c).
 * An open file or directory is a struct file behind a port; all of it is used under root_lock. */
#pragma once
#include "root.h"

/* An expression's value, 0 or errno, found under root_lock. */
#define LOCKED(expression) ({ root_lock(); int locked_ = (expression); root_unlock(); locked_; })

struct file {
	struct served	served;
	struct ramfs_node *node;
	unsigned	flags;
	int		shared;		/* the server keeps the offset */
	uint64_t	offset;
	int		direct;		/* a reply from the pages is on its way */
	struct ramfs_owner locks;	/* its own: flock's, F_OFD_SETLK's */
};

/* ---- files.c ---- */
extern const struct served_class file_class, directory_class;
extern uint32_t	files_own;		/* nodes from this number on did not come with the tree */
extern uint32_t	files_pack, files_pack_end;	/* but these: the pack's */
extern uint64_t	files_boot_time;

/* ---- file_pages.c ---- */
extern const struct segment_source file_source;
void	file_pages_boot(void);
struct segment *file_segment(struct ramfs_node *node);		/* its pages, for mappings; null: no memory */
void	file_send_direct(struct file *f, struct request *r);	/* the reply comes from the pages: they stay until it is sent */

/* ---- file_open.c: these take over the caller's hold on the node when they give 0 or REQUEST_PARKED ---- */
int	file_open_plain(struct request *r, struct ramfs_node *node, unsigned flags, void **port);
int	file_open_again(struct request *r, struct ramfs_node *node, unsigned flags, void **port);	/* a FileDescription's reopen */
int	fs_open(void *self, struct request *r, const char *path, uint32_t flags, uint32_t mode, void **port, struct FileStatus *status);

/* ---- file_names.c ---- */
extern const struct FileSystem_methods file_system_methods;
int	fs_path(void *self, struct request *r, const char **path);
