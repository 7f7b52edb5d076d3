/* The world of one run: two subjects, A and B, each in its own space, which see the program
 * and their own pages at the same addresses as the first space, but through regions that a keeper serves;
 * and the objects of their scene.  A scene is a program for each and what both leave in `word` and
 * in the buffers, which must be the same however they are stopped. */
#ifndef RESTART_WORLD_H
#define RESTART_WORLD_H

#include "../check.h"
#include "places.h"

#define LONG		1500u		/* words of a long message: more than a page */
#define WORDS		96u
#define CHILD_PAGES	20u		/* of the subjects' objects */

struct scene {
	const char	*name;
	void		(*program[2])(void *);
	int		first;		/* who runs first */
	void		(*prepare)(void);	/* more objects; may be null */
	int		(*valid)(const fluke_thread_state_t *a);	/* what A's registers may say; may be null */
};
#define SCENE_VALID(id, a, b, who, more, check) \
	static const struct scene id __attribute__((section("scenes"), used, aligned(4))) = { #id, { a, b }, who, more, check }
#define SCENE(id, a, b, who, more) SCENE_VALID(id, a, b, who, more, 0)
extern const struct scene __start_scenes[], __stop_scenes[];

/* What the subjects leave. */
extern uint32_t	word[WORDS], out[LONG + 16], there[LONG + 16], back[LONG + 16];
extern uint32_t	interrupts, alerts, traps;	/* handlers that ran */
extern uint32_t	ended[2];			/* the program came to its end */

/* The subjects' objects. */
extern fluke_thread_t	*subject[2];
extern fluke_space_t	*subject_space[2];
extern fluke_portset_t	*set;
extern fluke_port_t	*port, *other_port;	/* aliases 3 and 4 */
extern fluke_ref_t	*dest, *sent, *got[4];	/* dest and sent lead to port */
extern fluke_mutex_t	*mutex, *second;
extern fluke_cond_t	*cond;
void		*child_object(uint32_t bytes);	/* storage for one more */
fluke_ref_t	*child_ref(void);
fluke_port_t	*child_port(fluke_portset_t *portset, uint32_t alias);
extern uint32_t	pages;				/* plain memory of the scenes: 4 pages */

/* world.c */
void		world_begin(void);		/* once a case: the watcher's own objects */
void		world_new(const struct scene *s);
void		world_end(void);
void		world_hook(void);		/* the kernel's hook knows the subjects' spaces */
uint32_t	world_result(uint32_t result[WORDS + 8]);	/* what the run has left; number of words */
uint32_t	places_request(uint32_t method, uint32_t a, uint32_t b, uint32_t c, uint32_t answer[8], void *object);
extern fluke_port_t	*watch_port;
void		world_memory(uint32_t prot);	/* what the subjects may do with all that they see */
extern uint32_t	child_start;			/* of the subjects' objects */
extern fluke_thread_t	*keeper;
extern fluke_region_t	*also_kept;			/* of the scene: gets its rights back too; may be null */
extern fluke_ref_t	*keeper_dest;			/* leads to the keeper's port */
fluke_thread_t	*world_thread(void *storage, fluke_space_t *space, uint32_t value, void (*function)(void *), uint32_t argument);
void		subject_end(void) __attribute__((noreturn));

/* watch.c */
struct stop {			/* what a run is to do at its place */
	uint32_t	place, visit, cause, mode;
};
enum { MODE_NONE, MODE_SELF, MODE_OTHER, MODE_TREE, MODES };	/* whom the watcher replaces */

/* tree.c */
void		tree_begin(void);
void		tree_again(void);		/* all objects of the subjects, destroyed and made again */
uint32_t	child_list(fluke_obspec_t *list, uint32_t room);

static inline uint64_t now(void)
{
	uint64_t tsc;

	__asm__ volatile ("rdtsc" : "=A" (tsc));
	return tsc;
}
#endif
