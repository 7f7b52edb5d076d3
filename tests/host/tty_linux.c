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

/* The kernel works the bytes in a thread of its own: wait until they are through. */
static void settle(void)
{
	usleep(300);
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

	for (tries = 0; tries < 100; tries++) {
		if (poll(&p, 1, got < expected ? 10 : 1) == 1 && (n = read(master, data + got, size - got)) > 0)
			got += (unsigned)n;
		else if (got >= expected)
			break;
	}
	return got;
}

int linux_read(uint8_t *data, unsigned count)
{
	settle();
	return (int)read(slave, data, count);
}

void linux_write(const char *data, unsigned count)
{
	if (write(slave, data, count) < 0)
		abort();
	settle();
}

void linux_flush(void)
{
	tcflush(slave, TCIFLUSH);
}
