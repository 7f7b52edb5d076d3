/* What the hook in the kernel (hook.c) and the watcher (watch.c) agree on. */
#ifndef RESTART_PLACES_H
#define RESTART_PLACES_H

/* Requests: word 0 is PLACE_INTERFACE << 8 | method; the answer's word 0 an error. */
enum places_method {
	PLACES_SET,		/* in: slot; reference: an object */
	PLACES_ARM,		/* in: place, at its how manieth visit, cause; clears what was counted */
	PLACES_FIRED,		/* out: PLACES_NOT, _SOON or _STOPPED, place, kind, sched_val of the thread, time */
	PLACES_RELEASE,		/* subjects may go on */
	PLACES_VISITS,		/* in: first; out: number of places, visits of that one and the next five */
	PLACES_DROP,		/* both subjects lose all their page-table entries */
};
enum { PLACES_NOT, PLACES_SOON, PLACES_STOPPED };
enum places_cause { PLACES_INTERRUPT, PLACES_SOFT, PLACES_HARD, PLACES_PEER, PLACES_EXPORT, PLACES_CAUSES };

/* Slots: the port where the watcher sleeps, the subjects' two spaces, the regions they see through. */
enum { PLACES_WATCH, PLACES_SPACE, PLACES_REGION = 3, PLACES_REGIONS = 4, PLACES_OBJECTS = PLACES_REGION + PLACES_REGIONS };

#define PLACES_SUBJECT	0x5au		/* bits 8-23 of the sched_val of a thread that is looked at */

#endif
