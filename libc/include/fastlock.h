/* A lock that costs no kernel call while nobody waits: a word, and a mutex and condition
 * variable for those who find it taken.  Waiters lend no time to the holder, so a thread that
 * others get their time from (a scheduler) must not use it. */
#ifndef FASTLOCK_H
#define FASTLOCK_H

#include <stdint.h>
#include <fluke/fluke.h>

struct fast_lock {
	volatile uint32_t word;		/* 0 free, 1 held, 2 held and somebody waits */
	fluke_mutex_t	*mutex;
	fluke_cond_t	*cond;
};

int	fast_lock_init(struct fast_lock *lock);
void	fast_lock_wait(struct fast_lock *lock);		/* the slow halves */
void	fast_lock_wake(struct fast_lock *lock);

static inline void fast_lock_take(struct fast_lock *lock)
{
	if (!__sync_bool_compare_and_swap(&lock->word, 0, 1))
		fast_lock_wait(lock);
}

static inline void fast_lock_drop(struct fast_lock *lock)
{
	if (__sync_lock_test_and_set(&lock->word, 0) == 2)
		fast_lock_wake(lock);
}

#endif
