/* The one lock of the manager.  Operations on a child's objects run under it and inside guarded() (nest/guard.h). */
#include <native.h>
#include "manager.h"

static struct lock lock;

void manager_enter(void)
{
	if (!lock.mutex)
		lock_init(&lock);	/* first by main, alone */
	lock_take(&lock);
	requester = NULL;
}

/* Answers and signals that had to wait for the end of the operation go out first. */
void manager_leave(void)
{
	deferred_run();
	requester = NULL;
	lock_drop(&lock);
}

void manager_pause(void)
{
	requester = NULL;
	lock_drop(&lock);
}

void manager_resume(void)
{
	lock_take(&lock);
}
