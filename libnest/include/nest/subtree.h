/* Everything below a nester that holds all of its memory: find the objects there, stop the threads,
 * make a thread or a space again in its place, let them go.
 *
 * Works on a window: memory of the caller's own space in which all object pages of the subtree appear.
 * Nothing below may start or stop a thread between subtree_stop and subtree_resume: that all threads
 * there are stopped is what makes it so; nobody outside may clear the memory meanwhile, and none of our own servers may
 * copy a reference to a thread. */
#ifndef NEST_SUBTREE_H
#define NEST_SUBTREE_H

#include <native.h>

struct subtree_thread {
	fluke_thread_t	*thread;
	integer_t	hash;
	natural_t	flags;		/* as read by the get_state that stopped it */
	uint32_t	call;		/* number in its registers, ~0 = in no call */
	uint32_t	stage;		/* SUBTREE_STAGE_* */
	uint8_t		running;	/* subtree_resume lets it go */
};

/* A thread's stage: the type of what it waited for in bits 0-3, and these. */
#define SUBTREE_STAGE_CLIENT	0x0010	/* has a client, connected */
#define SUBTREE_STAGE_SERVER	0x0020	/* has a server, connected */
#define SUBTREE_STAGE_ASIDE	0x0040	/* one of them has set it aside */
#define SUBTREE_STAGE_MESSAGE	0x0080	/* part of a message taken, not yet stored */
#define SUBTREE_STAGE_ACCEPTED	0x0300	/* flavour of a first message that is being received */
#define SUBTREE_STAGE_SENDER	0x0400	/* a peer sends */

/* A link from an object below to a thread or space, by the target's hash. */
struct subtree_link {
	void		*holder;
	fluke_type_t	type;		/* of the holder */
	integer_t	hash;
};

struct subtree_links { struct subtree_link *link; unsigned count, room; };

struct subtree {
	fluke_region_t	*region;	/* over the window, in the caller's own space */
	uint32_t	window;
	fluke_obspec_t	*object;	/* addresses in the window */
	unsigned	count, room;
	/* Our own object memory: references there lead below too, those that came with a message in hand among them. */
	fluke_region_t	*own;
	fluke_obspec_t	*own_object;
	unsigned	own_count, own_room;
	struct subtree_thread *thread;
	unsigned	threads, thread_room;
	struct subtree_links to_threads, to_spaces;
	uint8_t		knows_threads, knows_spaces;	/* the lists are filled in, for this stop */
	fluke_ref_t	*link[FLUKE_THREAD_LINKS], *self, *other;	/* scratch */
	char		*aside;		/* a place for one object of any type */
	fluke_thread_state_t *state;
	/* for proof that a test would notice: null, or spoils what is about to be written */
	void		(*spoil)(fluke_thread_state_t *state, fluke_ref_t *links[]);
};

/* 0 or ENOMEM.  aside: 1024 bytes of object memory, so aligned. */
int	subtree_init(struct subtree *t, fluke_region_t *region, uint32_t window, void *aside);
/* The list is emptied; objects in [offset, offset+size) of the window are added. */
void	subtree_forget(struct subtree *t);
int	subtree_find(struct subtree *t, uint32_t offset, uint32_t size);
/* Stops all threads found; those that somebody below had stopped are left so by subtree_resume. */
void	subtree_stop(struct subtree *t);
void	subtree_resume(struct subtree *t);
/* Everything about its state and links as it is now, into t->state and t->link. */
void	subtree_read(struct subtree *t, unsigned thread);

/* Where its peers are: none outside; outside and connected; outside, one has set it aside (such a thread
 * cannot be made again: the peer's reference to it is out of reach). */
enum subtree_reach { SUBTREE_INSIDE, SUBTREE_OUTSIDE, SUBTREE_BEYOND };
enum subtree_reach subtree_reach(struct subtree *t, unsigned thread);
/* The thread, destroyed, is made again at its address: state, connections, mutexes that it holds, references to
 * it (our own too), conditions that it inherits from, clients and servers that it has set aside.  1: done; 0:
 * ENOMEM or SUBTREE_BEYOND. */
int	subtree_recreate_thread(struct subtree *t, unsigned thread);
/* The same for a space, by its place in t->object: keeper, mappings, regions, threads, references.  It loses
 * its page tables. */
int	subtree_recreate_space(struct subtree *t, unsigned object);
/* Moves an object of any type. */
void	subtree_move(fluke_type_t type, void *from, void *to);
/* Objects found in the page at `from` move to the page at `to`; the lists follow.  How many. */
unsigned subtree_move_page(struct subtree *t, uint32_t from, uint32_t to);

#endif
