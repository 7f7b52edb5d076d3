/* poll, ppoll, select, pselect6: each descriptor's server is asked by watch() for its present events and, while
 * nothing is ready, tells the thread's watch port of later ones. */
#include "posix.h"
#include "calls.h"
#include <protocols/FileDescription.h>

#define NS	1000000000u

static uint32_t events_of(int file, uint32_t events, fluke_ref_t *port)
{
	uint32_t ready = 0;
	int error;

	if (files[file].special == FILE_EPOLL)
		return epoll_poll(file, port) & events;
	if (files[file].special == FILE_EVENT)
		return event_poll(file) & events;
	if (files[file].special || S_ISREG(files[file].mode) || S_ISDIR(files[file].mode))
		return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	error = FileDescription_watch(file_ref(file), events | POLLERR | POLLHUP, port, &ready);
	if (error == ENOSYS)
		return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	return error ? POLLERR : ready & (events | POLLERR | POLLHUP);
}

static int check(struct pollfd32 *fd, fluke_ref_t *port)
{
	int file;

	fd->revents = 0;
	if (fd->fd < 0)
		return 0;
	file = fd_file(fd->fd);
	if (file < 0) {
		fd->revents = POLLNVAL;
		return 1;
	}
	fd->revents = (int16_t)events_of(file, (uint16_t)fd->events, port);
	file_release(file);
	return fd->revents != 0;
}

int poll_check(struct pollfd32 *list, uint32_t count, fluke_ref_t *port)
{
	int ready = 0;
	uint32_t n;

	for (n = 0; n < count; n++)
		ready += check(&list[n], ready ? NULL : port);
	return ready;
}

long poll_wait(struct pollfd32 *list, uint32_t count, uint64_t deadline)
{
	int ready = 0, error = 0;
	bool none = deadline != FOREVER && now_monotonic() >= deadline;

	if (none)
		return poll_check(list, count, NULL);
	for (;;) {
		ready = poll_check(list, count, wait_watch_port());
		if (ready || error)
			break;
		error = thread_wait(deadline);
		if (error == -EINTR)
			break;
		wait_watch_end();
	}
	wait_watch_end();
	return ready ? ready : error == -EINTR ? error : 0;
}

static uint64_t deadline_after(int64_t seconds, uint32_t ns)
{
	if (seconds < 0)
		return FOREVER;
	if (seconds == 0 && ns == 0)
		return 0;
	return now_monotonic() + (uint64_t)seconds * NS + ns;
}

long posix_poll(struct pollfd32 *list, uint32_t count, int32_t ms)
{
	uint64_t deadline = ms < 0 ? FOREVER : deadline_after(ms / 1000, (uint32_t)(ms % 1000) * 1000000);

	return count > FDS ? -EINVAL : poll_wait(list, count, deadline);
}

static bool bad_time(int64_t sec, int32_t nsec)
{
	return sec < 0 || nsec < 0 || nsec >= (int32_t)NS;
}

long poll_masked(const uint64_t *mask)
{
	uint64_t set;

	if (!mask)
		return 0;
	memcpy(&set, mask, 8);
	signal_mask_for_wait(set);
	self()->flag = 1;
	return signal_pending() ? -EINTR : 0;
}

long poll_unmasked(long result)
{
	self()->flag = 1;	/* image_signals puts the mask back */
	return result;
}

long posix_ppoll(struct pollfd32 *list, uint32_t count, const struct timespec32 *time, const uint64_t *mask)
{
	uint64_t deadline = time ? deadline_after(time->sec, (uint32_t)time->nsec) : FOREVER;
	long error;

	if (time && bad_time(time->sec, time->nsec))
		return -EINVAL;
	error = poll_masked(mask);
	return poll_unmasked(error ? error : count > FDS ? -EINVAL : poll_wait(list, count, deadline));
}

long posix_ppoll64(struct pollfd32 *list, uint32_t count, const struct timespec64 *time, const uint64_t *mask)
{
	uint64_t deadline = time ? deadline_after(time->sec, (uint32_t)time->nsec) : FOREVER;
	long error;

	if (time && bad_time(time->sec, time->nsec))
		return -EINVAL;
	error = poll_masked(mask);
	return poll_unmasked(error ? error : count > FDS ? -EINVAL : poll_wait(list, count, deadline));
}

/* ---- select ---- */

static bool has(const uint32_t *set, int fd)
{
	return set && (set[fd / 32] >> (fd % 32) & 1);
}

static void put(uint32_t *set, int fd, bool on)
{
	if (set && on)
		set[fd / 32] |= 1u << (fd % 32);
}

static int collect(struct pollfd32 *list, int count, const uint32_t *in, const uint32_t *out, const uint32_t *except)
{
	int fd, n = 0;

	for (fd = 0; fd < count; fd++) {
		int16_t events = (int16_t)((has(in, fd) ? POLLIN : 0) | (has(out, fd) ? POLLOUT : 0) | (has(except, fd) ? POLLPRI : 0));

		if (events)
			list[n++] = (struct pollfd32){ fd, events, 0 };
	}
	return n;
}

static long select(int count, uint32_t *in, uint32_t *out, uint32_t *except, uint64_t deadline)
{
	struct pollfd32 list[FDS];	/* 8 KB of the image stack */
	uint32_t size;
	long result, total = 0;
	int n, k;

	if (count < 0)
		return -EINVAL;
	if (count > FDS)
		count = FDS;
	n = collect(list, count, in, out, except);
	result = poll_wait(list, (uint32_t)n, deadline);
	if (result < 0)
		return result;
	for (k = 0; k < n; k++)
		if (list[k].revents & POLLNVAL)
			return -EBADF;
	size = (uint32_t)(count + 31) / 32 * 4;
	if (in)
		memset(in, 0, size);
	if (out)
		memset(out, 0, size);
	if (except)
		memset(except, 0, size);
	for (k = 0; k < n; k++) {
		bool r = list[k].events & POLLIN && list[k].revents & (POLLIN | POLLHUP | POLLERR);
		bool w = list[k].events & POLLOUT && list[k].revents & (POLLOUT | POLLERR);
		bool x = (list[k].events & list[k].revents & POLLPRI) != 0;

		put(in, list[k].fd, r);
		put(out, list[k].fd, w);
		put(except, list[k].fd, x);
		total += r + w + x;
	}
	return total;
}

long posix_newselect(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timeval32 *time)
{
	return select(count, in, out, except, time ? deadline_after(time->sec, (uint32_t)time->usec * 1000) : FOREVER);
}

long posix_select(const uint32_t *a)
{
	return posix_newselect((int)a[0], (uint32_t *)a[1], (uint32_t *)a[2], (uint32_t *)a[3], (const struct timeval32 *)a[4]);
}

struct mask_argument { uint32_t set, size; };

static long masked_select(int count, uint32_t *in, uint32_t *out, uint32_t *except, uint64_t deadline, const struct mask_argument *m)
{
	long error = poll_masked(m ? (const uint64_t *)m->set : NULL);

	return poll_unmasked(error ? error : select(count, in, out, except, deadline));
}

long posix_pselect6(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timespec32 *time, const struct mask_argument *m)
{
	if (time && bad_time(time->sec, time->nsec))
		return -EINVAL;
	return masked_select(count, in, out, except, time ? deadline_after(time->sec, (uint32_t)time->nsec) : FOREVER, m);
}

long posix_pselect6_64(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timespec64 *time, const struct mask_argument *m)
{
	if (time && bad_time(time->sec, time->nsec))
		return -EINVAL;
	return masked_select(count, in, out, except, time ? deadline_after(time->sec, (uint32_t)time->nsec) : FOREVER, m);
}
