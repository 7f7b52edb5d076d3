/* See tty_linux.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "tty_linux.h"

#define TRIES	1000		/* of 10 ms, for a loaded machine; only what fails takes so long */

static int master = -1, slave = -1;

int linux_start(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return 1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	return slave < 0;
}

void linux_mode(uint32_t iflag, uint32_t oflag, uint32_t lflag, const uint8_t *cc)
{
	struct termios t;

	tcgetattr(slave, &t);
	t.c_iflag = iflag;
	t.c_oflag = oflag;
	t.c_lflag = lflag;
	memcpy(t.c_cc, cc, 17);
	tcsetattr(slave, TCSANOW, &t);
}

/* The kernel works the bytes in a thread of its own.  A poll that finds nothing to read waits for that thread; where
 * there is something already, whoever expects more must ask again. */
static void settle(void)
{
	struct pollfd p = { .fd = slave, .events = POLLIN };

	usleep(poll(&p, 1, 0) == 1 ? 2000 : 300);
}

void linux_type(const uint8_t *data, unsigned count)
{
	if (write(master, data, count) < 0)
		abort();
	settle();
}

/* expected: so many bytes are waited for, a while at most; more may come. */
unsigned linux_output(uint8_t *data, unsigned size, unsigned expected)
{
	unsigned got = 0, tries;
	struct pollfd p = { .fd = master, .events = POLLIN };
	ssize_t n;

	for (tries = 0; tries < TRIES; tries++) {
		if (poll(&p, 1, got < expected ? 10 : 1) == 1 && (n = read(master, data + got, size - got)) > 0)
			got += (unsigned)n;
		else if (got >= expected)
			break;
	}
	return got;
}

/* expected: as above. */
unsigned linux_read(uint8_t *data, unsigned count, unsigned expected)
{
	unsigned got = 0, tries;
	ssize_t n;

	settle();
	for (tries = 0; tries < TRIES; tries++) {
		n = read(slave, data + got, count - got);
		if (n > 0)
			got += (unsigned)n;
		if (got >= expected)
			break;
		usleep(10000);
	}
	return got;
}

void linux_write(const char *data, unsigned count)
{
	if (write(slave, data, count) < 0)
		abort();
	settle();
}

void linux_flush(void)
{
	uint8_t rest[4096];

	usleep(300);
	tcflush(slave, TCIOFLUSH);
	while (read(master, rest, sizeof rest) > 0)
		;
}
