/* epoll and eventfd, inside the process: an instance is a list of descriptors that epoll_wait hands to poll; an event counter is
 * a number, and who changes it wakes the threads that wait.  Neither is shared with a child (fork copies it) or survives
 * exec.  EPOLLET is taken as level-triggered: more wake-ups than on Linux, never fewer. */
#include "posix.h"
#include "calls.h"

#define INSTANCES	8
#define ITEMS		128
#define COUNTERS	32

#define EPOLLONESHOT	0x40000000u
#define EPOLL_MODES	0xf0000000u	/* not events */
#define EFD_SEMAPHORE	1

enum { CTL_ADD = 1, CTL_DEL, CTL_MOD };

struct epoll_event32 { uint32_t events, data[2]; };

struct item {
	int		fd, file;
	uint16_t	serial;		/* of files[file]: is it still the one that was added? */
	struct epoll_event32 event;
};

struct epoll {
	bool		used;
	int		count;
	struct item	item[ITEMS];
};

struct counter {
	bool		used, semaphore;
	uint64_t	value;
};

static struct epoll instances[INSTANCES];
static struct counter counters[COUNTERS];

static struct epoll *instance(int file)
{
	return files[file].own;
}

static struct counter *counter(int file)
{
	return files[file].own;
}

/* With the image lock: the last descriptor is closed. */
void epoll_closed(int file)
{
	if (files[file].special == FILE_EPOLL)
		instance(file)->used = false;
	else if (files[file].special == FILE_EVENT)
		counter(file)->used = false;
}

static long new_file(uint8_t special, void *what, uint32_t flags)
{
	int file;

	if (!what)
		return -EMFILE;
	file = file_new();
	if (file < 0)
		return file;
	files[file].special = special;
	files[file].own = what;
	files[file].mode = 0600;
	files[file].flags = O_RDWR | (flags & O_NONBLOCK);
	return fd_install(file, 0, (flags & O_CLOEXEC) != 0);
}

/* ---- epoll ---- */

long posix_epoll_create1(uint32_t flags)
{
	struct epoll *e = NULL;
	int n;

	if (flags & ~(uint32_t)O_CLOEXEC)
		return -EINVAL;
	image_lock();
	for (n = 0; n < INSTANCES && !e; n++)
		if (!instances[n].used)
			e = &instances[n];
	if (e) {
		e->used = true;
		e->count = 0;
	}
	image_unlock();
	return new_file(FILE_EPOLL, e, flags);
}

long posix_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : posix_epoll_create1(0);
}

/* Those whose file has been closed go. */
static void sweep(struct epoll *e)
{
	struct item *i = e->item;

	while (i < e->item + e->count)
		if (fds[i->fd].file - 1 != i->file || files[i->file].serial != i->serial)
			*i = e->item[--e->count];
		else
			i++;
}

static long change(struct epoll *e, uint32_t operation, int fd, int file, const struct epoll_event32 *event)
{
	struct item *i;

	sweep(e);
	for (i = e->item; i < e->item + e->count; i++)
		if (i->fd == fd)
			break;
	if (operation == CTL_ADD) {
		if (i < e->item + e->count)
			return -EEXIST;
		if (e->count == ITEMS)
			return -ENOSPC;
		*i = (struct item){ fd, file, files[file].serial, *event };
		e->count++;
		return 0;
	}
	if (i == e->item + e->count)
		return -ENOENT;
	if (operation == CTL_DEL)
		*i = e->item[--e->count];
	else
		i->event = *event;
	return 0;
}

/* Partial: epoll_ctl: an epoll file inside another; EPOLLET is level-triggered */
long posix_epoll_ctl(int fd, uint32_t operation, int target, const struct epoll_event32 *from)
{
	struct epoll_event32 event = { 0, { 0, 0 } };
	int file, other;
	long result;

	if (operation != CTL_DEL)
		memcpy(&event, from, sizeof(event));
	file = fd_file(fd);
	if (file < 0)
		return file;
	other = fd_file(target);
	if (other < 0) {
		file_release(file);
		return other;
	}
	if (files[file].special != FILE_EPOLL || file == other || files[other].special == FILE_EPOLL || operation < CTL_ADD ||
	    operation > CTL_MOD) {
		result = -EINVAL;
	} else if (S_ISREG(files[other].mode) || S_ISDIR(files[other].mode)) {
		result = -EPERM;
	} else {
		image_lock();
		result = change(instance(file), operation, target, other, &event);
		image_unlock();
	}
	file_release(other);
	file_release(file);
	return result;
}

static int list_of(struct epoll *e, struct pollfd32 *list)
{
	int n;

	image_lock();
	sweep(e);
	for (n = 0; n < e->count; n++)
		list[n] = (struct pollfd32){ e->item[n].event.events & ~EPOLL_MODES ? e->item[n].fd : -1,
			(int16_t)(e->item[n].event.events & 0xffff), 0 };
	image_unlock();
	return n;
}

/* An epoll file among others in a poll: is anything ready in it? */
uint32_t epoll_poll(int file, fluke_ref_t *port)
{
	struct pollfd32 list[ITEMS];

	return poll_check(list, (uint32_t)list_of(instance(file), list), port) ? POLLIN | POLLRDNORM : 0;
}

/* Into the image's memory: a bad address of the caller's must not lose a use of the file. */
static int give(struct epoll *e, const struct pollfd32 *list, int count, struct epoll_event32 *to, int most)
{
	int n, k, given = 0;

	for (n = 0; n < count && given < most; n++) {
		if (!list[n].revents || list[n].revents & POLLNVAL)
			continue;
		for (k = 0; k < e->count && e->item[k].fd != list[n].fd; k++)
			;
		if (k == e->count)
			continue;
		to[given++] = (struct epoll_event32){ (uint16_t)list[n].revents, { e->item[k].event.data[0], e->item[k].event.data[1] } };
		if (e->item[k].event.events & EPOLLONESHOT)
			e->item[k].event.events &= EPOLL_MODES;
	}
	return given;
}

static long wait_events(int fd, struct epoll_event32 *to, int most, uint64_t deadline)
{
	struct epoll_event32 events[ITEMS];
	struct pollfd32 list[ITEMS];
	struct epoll *e;
	int file = fd_file(fd), count;
	long result = 0;

	if (file < 0)
		return file;
	if (files[file].special != FILE_EPOLL || most <= 0)
		result = -EINVAL;
	e = instance(file);
	while (!result) {
		count = list_of(e, list);
		result = poll_wait(list, (uint32_t)count, deadline);
		if (result <= 0)
			break;
		result = give(e, list, count, events, most < ITEMS ? most : ITEMS);
	}
	file_release(file);
	if (result > 0)
		memcpy(to, events, (size_t)result * sizeof(events[0]));
	return result;
}

static uint64_t deadline_of(int32_t ms)
{
	return ms < 0 ? FOREVER : ms == 0 ? 0 : now_monotonic() + (uint64_t)ms * 1000000u;
}

long posix_epoll_wait(int fd, struct epoll_event32 *to, int most, int32_t ms)
{
	return wait_events(fd, to, most, deadline_of(ms));
}

long posix_epoll_pwait(int fd, struct epoll_event32 *to, int most, int32_t ms, const uint64_t *mask)
{
	long error = poll_masked(mask);

	return poll_unmasked(error ? error : wait_events(fd, to, most, deadline_of(ms)));
}

/* ---- eventfd ---- */

long posix_eventfd2(uint32_t value, uint32_t flags)
{
	struct counter *c = NULL;
	int n;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	image_lock();
	for (n = 0; n < COUNTERS && !c; n++)
		if (!counters[n].used)
			c = &counters[n];
	if (c)
		*c = (struct counter){ true, (flags & EFD_SEMAPHORE) != 0, value };
	image_unlock();
	return new_file(FILE_EVENT, c, flags);
}

long posix_eventfd(uint32_t value)
{
	return posix_eventfd2(value, 0);
}

uint32_t event_poll(int file)
{
	uint64_t value = counter(file)->value;

	return (value ? POLLIN | POLLRDNORM : 0) | (value < ~1ull ? POLLOUT | POLLWRNORM : 0);
}

/* Whoever waits for anything looks again. */
static void wake_all(void)
{
	int n;

	for (n = 0; n < IMAGE_THREADS_MAX; n++)
		if (image_thread_used[n] && THREAD(n) != self())
			thread_wake(THREAD(n));
}

static bool take(struct counter *c, uint64_t *value)
{
	image_lock();
	*value = c->semaphore && c->value ? 1 : c->value;
	c->value -= *value;
	image_unlock();
	return *value != 0;
}

static bool add(struct counter *c, uint64_t value)
{
	bool fits;

	image_lock();
	fits = value < ~0ull - c->value;
	if (fits)
		c->value += value;
	image_unlock();
	return fits;
}

static int wait_change(int file)
{
	int error = files[file].flags & O_NONBLOCK ? -EAGAIN : thread_wait(FOREVER);

	if (error == -EINTR) {
		self()->restart = true;
		return -ERESTART;
	}
	return error;
}

long event_read(int file, void *to, uint32_t count)
{
	uint64_t value;
	int error;

	if (count < 8)
		return -EINVAL;
	while (!take(counter(file), &value))
		if ((error = wait_change(file)) < 0)
			return error;
	wake_all();
	memcpy(to, &value, 8);
	return 8;
}

long event_write(int file, const void *from, uint32_t count)
{
	uint64_t value;
	int error;

	if (count < 8)
		return -EINVAL;
	memcpy(&value, from, 8);
	if (value == ~0ull)
		return -EINVAL;
	while (!add(counter(file), value))
		if ((error = wait_change(file)) < 0)
			return error;
	wake_all();
	return 8;
}
