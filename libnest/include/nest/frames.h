/* Frames of memory by number (physical address / 4096): which are free, which are zero already,
 * how many holders each has.  Plain logic; frames_enter and frames_leave,
 * where they are set, go around each call.
 *
 * Frames are kept in groups of 16.  A request may name the frame it would like (the one behind a
 * run that grows); a new run begins in a group that is free as a whole, so that it has room to
 * grow, unless few such groups are left: those are for objects.  Frames for kernel objects come from groups of their own, taken in blocks of 2 MB, so
 * that the other blocks can be mapped by superpages. */
#ifndef NEST_FRAMES_H
#define NEST_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAMES_NONE	(~0u)
#define FRAMES_GROUP	16u
#define FRAMES_BLOCK	512u		/* 2 MB */

enum frame_kind { FRAME_DATA, FRAME_OBJECTS, FRAME_KINDS };

struct frame_group {
	uint16_t	free, zero;	/* bit per frame; zero: free and known to be zero */
	uint8_t		kind, listed;
	uint32_t	next, prev;	/* group numbers, in the list of whole or of partial groups of its kind */
};

struct frames {
	uint32_t	count, groups;
	uint16_t	*refs;		/* per frame; 0 = free or nobody's */
	struct frame_group *group;
	uint32_t	whole[FRAME_KINDS], partial[FRAME_KINDS];	/* list heads */
	uint32_t	whole_groups[FRAME_KINDS];	/* how many are in whole */
	uint32_t	free[FRAME_KINDS], zeroed, total;	/* zeroed: of those for data */
	uint32_t	zero_cursor;
	int		fixed;			/* groups never change their kind */
};

extern void (*frames_enter)(void), (*frames_leave)(void);

/* Bytes of bookkeeping for frames [0, count); memory: that many zero bytes. */
size_t	frames_bookkeeping(uint32_t count);
void	frames_init(struct frames *f, uint32_t count, void *memory);
/* Gives [first, first+count) to the allocator. */
void	frames_add(struct frames *f, uint32_t first, uint32_t count);
/* The same for kernel objects, whole groups; from then on no group changes its kind. */
void	frames_add_objects(struct frames *f, uint32_t first, uint32_t count);
/* All that is free is zero. */
void	frames_all_zero(struct frames *f);

/* A frame with one holder, or FRAMES_NONE.  *zero: it is zero.  wish: this frame and no other. */
uint32_t frames_take_this(struct frames *f, uint32_t wish, enum frame_kind kind, int *zero);
/* Any; if possible at position `like` within its group, in a whole group. */
uint32_t frames_take(struct frames *f, uint32_t like, enum frame_kind kind, int *zero);
/* count frames in a row, for devices and blocks; aligned to align frames. */
uint32_t frames_take_row(struct frames *f, uint32_t count, uint32_t align);
/* The same with a holder count that somebody else began: boot modules. */
void	frames_hold(struct frames *f, uint32_t frame);
/* One holder less; 1 when it became free. */
int	frames_release(struct frames *f, uint32_t frame);

/* For the idle thread: takes a free frame that is not zero; frames_zeroed gives it back as zero. */
uint32_t frames_take_dirty(struct frames *f);
int	frames_zeroed(struct frames *f, uint32_t frame);	/* as frames_release */

#endif
