/* torture: what its parts share.  See README.md.
 *
 * One thread, the scheduler of everything below, does all the torment between two donations of time:
 * so nothing below runs meanwhile.  memory_lock keeps our own servers out of the segments. */
#ifndef TORTURE_H
#define TORTURE_H

#include <native.h>
#include <nest/child.h>
#include <nest/memory_serve.h>
#include <nest/subtree.h>

/* ---- options (main.c) ---- */

#define KIND_THREADS	0x01	/* threads are made again */
#define KIND_OBJECTS	0x02	/* objects move away and back */
#define KIND_FRAMES	0x04	/* pages move to other frames */
#define KIND_TABLES	0x08	/* spaces are made again, without page tables */
#define KIND_REVOKE	0x10	/* memory loses its rights until somebody misses them */
#define KIND_BORDER	0x20	/* nothing is done; references across the child's border are noted (border.c) */

struct options {
	uint32_t	seed, runs;
	uint32_t	rate;		/* mean time between instants, microseconds; 0 = no torment */
	uint32_t	kinds, megabytes;
	const char	*defect;	/* what to forget, for proof that tests notice */
	int		verbose;
};
extern struct options options;

/* ---- counts (count.c) ---- */

struct counts {
	uint32_t	instants, stopped, trips, left_alone, pairs, largest;	/* largest: of the pairs */
	uint32_t	tables, spaces, revoked, restored, objects, frames, faults;
};
extern struct counts counts;
/* May a thread at that call and stage be made again now?  Not if its kind has had more than its share. */
int	count_wants(uint32_t call, uint32_t stage);
void	count_trip(uint32_t call, uint32_t stage);
void	count_print(void);
const char *call_name(uint32_t call);

/* ---- chance (count.c) ---- */

void	chance_seed(uint32_t seed);
uint32_t chance(uint32_t below);	/* 0 .. below - 1 */

/* ---- memory (memory.c) ---- */

extern struct store store;
extern fluke_region_t *store_window;	/* the same memory, in our own space */
int	memory_begin(uint32_t megabytes, struct server *server);

/* ---- time (time.c) ---- */

int	time_begin(struct server *server);
fluke_ref_t *time_service(void);	/* the Scheduler for those below */
void	time_torment(int on);		/* from now on there are instants, or none */
/* Lets all others run for a moment, but nobody below. */
void	time_settle(void);

/* ---- torment (torment.c, memory_torment.c) ---- */

int	torment_begin(void);
void	torment(void);			/* one instant; nothing below runs */
extern struct subtree below;
void	torment_frames(void);		/* with memory_lock, all stopped */
void	torment_revoke(void);		/* faults may be held up from now on */
void	torment_let_go(void);		/* they go on */
int	torment_holds(void);
void	torment_end(void);		/* the same, from another thread: the child has ended */
int	torment_find(void);		/* fills in `below` */
void	border_look(void);		/* the same, all stopped */
void	border_print(void);

#endif
