/* Copies of memory of those below, who may have taken it away meanwhile: the fault leaves the copy with EFAULT (nest/guard.h).
 * Invariant: a guard is set only by the thread that holds debug_lock. */
#include <string.h>
#include "debug.h"

struct copy { void *to; const void *from; size_t size; };

static int copy(void *argument)
{
	struct copy *c = argument;

	memcpy(c->to, c->from, c->size);
	return 0;
}

int copy_guarded(void *to, const void *from, size_t size)
{
	return guarded(copy, &(struct copy){ to, from, size });
}
