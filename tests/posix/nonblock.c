/* Pipes that do not block: what one end has taken or given counts for the other at once.  A line `NAME right` or `NAME wrong: WHAT`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int p[2];
static char data[70000];

static int fill(size_t part)
{
	ssize_t done;
	int total = 0;

	while ((done = write(p[1], data, part)) > 0)
		total += (int)done;
	return total;
}

static int drain(size_t part)
{
	ssize_t done;
	int total = 0;

	while ((done = read(p[0], data, part)) > 0)
		total += (int)done;
	return total;
}

static int ready(int end, short events)
{
	struct pollfd f = { p[end], events, 0 };

	return poll(&f, 1, 0) == 1;
}

static void say(const char *name, const char *wrong)
{
	printf("%s %s%s\n", name, wrong ? "wrong: " : "right", wrong ? wrong : "");
}

int main(void)
{
	static const size_t sizes[] = { 16384, 9999, 4097, 5000, 65536, 70000, 1000, 73 };
	const char *drained = NULL, *room = NULL, *polled = NULL, *counted = NULL;

	if (pipe2(p, O_NONBLOCK))
		return 1;
	for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++) {
		int full = fill(sizes[n]);

		if (full < 40000 || drain(8192) != full)
			drained = "not all that was written is read";
		full = fill(sizes[n]);
		if (drain(sizeof data) != full)
			drained = "not all that was written is read at once";
		fill(sizes[n]);
		if (read(p[0], data, 9000) != 9000 || write(p[1], data, 4000) != 4000)
			room = "no room after a read";
		drain(8192);
		if (write(p[1], data, 5000) != 5000 || !ready(0, POLLIN) || read(p[0], data, 3000) != 3000 || !ready(0, POLLIN))
			polled = "data, and poll sees none";
		if (read(p[0], data, 9000) != 2000 || ready(0, POLLIN))
			polled = "no data, and poll sees some";
		while (write(p[1], data, 4096) == 4096)
			;
		if (ready(1, POLLOUT) || read(p[0], data, 20000) != 20000 || !ready(1, POLLOUT))
			polled = "room, and poll sees none";
		drain(100);
		if (write(p[1], data, 3210) != 3210 || ioctl(p[0], FIONREAD, &full) || full != 3210 || read(p[0], data, 3000) != 3000 ||
		    ioctl(p[0], FIONREAD, &full) || full != 210)
			counted = "FIONREAD tells another number";
		drain(100);
	}
	say("drained", drained);
	say("room", room);
	say("polled", polled);
	say("counted", counted);
	return 0;
}
