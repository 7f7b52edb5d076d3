/* Operations on objects of those below may touch pages that nobody provides, or objects that they have destroyed
 * meanwhile.  Such a fault is an exception of the nester's own thread; while a guard is set, its handler leaves the
 * operation with EFAULT.  One thread at a time may be inside a guard: there is one lock around all of them. */
#ifndef NEST_GUARD_H
#define NEST_GUARD_H

#include <stdint.h>

/* The function's result, or EFAULT.  May be nested. */
int	guarded(int (*function)(void *), void *argument);
/* Called for an exception at another place of a thread that was once inside a guard; the instruction runs again without a handler.  A
 * nester whose space has no keeper has its own. */
void	guard_stray(uint32_t code, uint32_t subcode, uint32_t access, uint32_t eip);
extern int guard_verbose;		/* each such exception is told */

#endif
