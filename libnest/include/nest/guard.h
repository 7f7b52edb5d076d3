/* Operations on objects of those below may touch pages that nobody provides, or objects that they have destroyed
 * meanwhile.  Such a fault is an exception of the nester's own thread; while a guard is set, its handler leaves the
 * operation with EFAULT.  One thread at a time may be inside a guard: there is one lock around all of them. */
#ifndef NEST_GUARD_H
#define NEST_GUARD_H

/* The function's result, or EFAULT.  May be nested. */
int	guarded(int (*function)(void *), void *argument);
extern int guard_verbose;		/* each such exception is told */

#endif
