/* Futexes of the process: a waiter's address stands in its thread record, a waker looks through them.
 *
 * All under the image lock; the wake-up itself is a message to the waiter's port (thread_wake). */
#include "posix.h"
#include "calls.h"

static long futex_wait(uint32_t address, uint32_t value, uint32_t bits, uint64_t deadline)
{
	struct thread *t = self();
	int result = 0;

	if (bits == 0)
		return -EINVAL;
	if (*(volatile uint32_t *)address != value)
		return -EAGAIN;
	image_lock();
	if (*(volatile uint32_t *)address != value) {
		image_unlock();
		return -EAGAIN;
	}
	t->futex = address;
	t->futex_bits = bits;
	t->woken = false;
	image_unlock();
	while (!t->woken && !result)
		result = thread_wait(deadline);
	image_lock();
	t->futex = 0;
	if (t->woken)
		result = 0;
	image_unlock();
	if (result == -EINTR && deadline == FOREVER) {
		t->restart = true;
		return -ERESTART;
	}
	return result;
}

static long futex_wake(uint32_t address, int32_t count, uint32_t bits)
{
	struct thread *t;
	long woken = 0;
	int n;

	if (image_sole_thread)
		return 0;
	image_lock();
	for (n = 0; n < IMAGE_THREADS_MAX && woken < count; n++) {
		t = THREAD(n);
		if (!image_thread_used[n] || t->futex != address || !(t->futex_bits & bits) || t->woken)
			continue;
		t->woken = true;
		t->futex = 0;
		thread_wake(t);
		woken++;
	}
	image_unlock();
	return woken;
}

static long futex_requeue(uint32_t address, int32_t wake, int32_t move, uint32_t to)
{
	long done = futex_wake(address, wake, ~0u);
	int n;

	image_lock();
	for (n = 0; n < IMAGE_THREADS_MAX && move > 0; n++)
		if (image_thread_used[n] && THREAD(n)->futex == address && !THREAD(n)->woken) {
			THREAD(n)->futex = to;
			move--;
			done++;
		}
	image_unlock();
	return done;
}

/* Partial: futex: wait, wake, requeue, bitsets within the process; priority inheritance, WAKE_OP */
long futex(uint32_t address, uint32_t operation, uint32_t value, uint64_t deadline, uint32_t other, uint32_t address2, uint32_t value3)
{
	if (address & 3)
		return -EINVAL;
	switch (operation & 0x7f) {
	case FUTEX_WAIT:
		return futex_wait(address, value, ~0u, deadline);
	case FUTEX_WAIT_BITSET:
		return futex_wait(address, value, value3, deadline);
	case FUTEX_WAKE:
		return futex_wake(address, (int32_t)value, ~0u);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, (int32_t)value, value3);
	case FUTEX_CMP_REQUEUE:
		if (*(volatile uint32_t *)address != value3)
			return -EAGAIN;
		/* fall through */
	case FUTEX_REQUEUE:
		return futex_requeue(address, (int32_t)value, (int32_t)other, address2);
	}
	return -ENOSYS;
}

/* Wait: relative unless BITSET; absolute on the real-time clock or the monotonic one. */
static uint64_t futex_deadline(uint32_t operation, int64_t seconds, int32_t ns)
{
	uint64_t time = (uint64_t)seconds * 1000000000u + (uint32_t)ns;

	if ((operation & 0x7f) == FUTEX_WAIT)
		return now_monotonic() + time;
	if (operation & FUTEX_REALTIME) {
		uint64_t offset = now_wall() - now_monotonic();

		return time > offset ? time - offset : 0;
	}
	return time;
}

static bool waits(uint32_t operation)
{
	return (operation & 0x7f) == FUTEX_WAIT || (operation & 0x7f) == FUTEX_WAIT_BITSET;
}

long posix_futex(uint32_t address, uint32_t operation, uint32_t value, uint32_t time, uint32_t address2, uint32_t value3)
{
	uint64_t deadline = FOREVER;

	if (waits(operation) && time) {
		const struct timespec32 *ts = (const struct timespec32 *)time;

		deadline = futex_deadline(operation, ts->sec, ts->nsec);
	}
	return futex(address, operation, value, deadline, time, address2, value3);
}

long posix_futex64(uint32_t address, uint32_t operation, uint32_t value, uint32_t time, uint32_t address2, uint32_t value3)
{
	uint64_t deadline = FOREVER;

	if (waits(operation) && time) {
		const struct timespec64 *ts = (const struct timespec64 *)time;

		deadline = futex_deadline(operation, ts->sec, ts->nsec);
	}
	return futex(address, operation, value, deadline, time, address2, value3);
}
