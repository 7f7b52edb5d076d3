/* The view that a nester gives of what it holds (Nesting.idl), and asking others for theirs.
 *
 * nest_run makes it and gives it to the parent; others call nesting_begin.  It has a server of one thread of its own, so that it
 * answers whatever the nester waits for. */
#ifndef NEST_NESTING_H
#define NEST_NESTING_H

#include <native.h>
#include <protocols/Nesting.h>

#define NESTING_NAME	64u
enum nesting_state { NESTING_LIVES, NESTING_STOPPED, NESTING_ENDED };

struct nesting_child {
	uint32_t	number;			/* 0: there is none */
	char		name[NESTING_NAME];
	uint32_t	state;
	struct NestingNumbers numbers;
	fluke_ref_t	*view;			/* re-pointed, or cleared */
};

/* name: the nester's own.  0 or errno; that the parent does not want it is none. */
int	nesting_begin(const char *name);
fluke_ref_t *nesting_view(void);		/* a new ref; null before nesting_begin */

/* ---- weak: what a nester that holds something else than struct childs answers; run in the view's thread ---- */

/* The first child whose number is at least `from`. */
void	nest_child(uint32_t from, struct nesting_child *c);
/* Whose thread has that hash?  1: that child's; 0: the first child from `from` on that has a view.  Takes no lock that is held
 * while the nester waits for others. */
int	nest_whose(uint32_t hash, uint32_t from, struct nesting_child *c);
/* Its own objects and time are added. */
void	nest_own(struct NestingNumbers *numbers);

/* ---- for these ---- */

/* Adds what the pool holds and what the object segment that the region is over contains; what cannot be read counts as nothing. */
void	nesting_count(fluke_ref_t *region, fluke_ref_t *pool, struct NestingNumbers *numbers);
/* Is a thread with that hash in the object segment?  In our own memory? */
int	nesting_has_thread(fluke_ref_t *region, uint32_t hash);
int	nesting_is_own(uint32_t hash);
/* Adds the objects in [offset, offset+size) of a region of ours. */
void	nesting_search(fluke_region_t *region, uint32_t offset, uint32_t size, struct NestingNumbers *numbers);

/* The function's result, or EFAULT when an object that it works on has gone.  In the view's thread; may be nested. */
int	nesting_guarded(int (*function)(void *), void *argument);

/* ---- asking (nesting_ask.c) ---- */

/* The function's result, or ETIMEDOUT when a message in it has waited for a second or two: then the thread leaves it.  By one
 * thread of a program only. */
int	nesting_patiently(int (*function)(void *), void *argument);

#endif
