/* See fastlock.h.  A waiter sets the word to 2 with the mutex held and sleeps; whoever drops
 * a 2 takes the mutex before it signals, so that the signal cannot come before the sleep. */
#include <native.h>
#include <fastlock.h>
#include <linux_abi.h>

int fast_lock_init(struct fast_lock *lock)
{
	lock->word = 0;
	lock->mutex = mutex_new();
	lock->cond = cond_new();
	return lock->mutex && lock->cond ? 0 : ENOMEM;
}

void fast_lock_wait(struct fast_lock *lock)
{
	fluke_mutex_lock(lock->mutex);
	while (__sync_lock_test_and_set(&lock->word, 2) != 0)
		fluke_cond_wait(lock->cond, lock->mutex);
	fluke_mutex_unlock(lock->mutex);
}

void fast_lock_wake(struct fast_lock *lock)
{
	fluke_mutex_lock(lock->mutex);
	fluke_cond_broadcast(lock->cond);
	fluke_mutex_unlock(lock->mutex);
}
