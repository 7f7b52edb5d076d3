/* mourn CALL FD: makes the call on the descriptor and says how it ended: read, write, poll, select, lock, map, close. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

static void on_bus(int signal)
{
	(void)signal;
	static const char text[] = "map SIGBUS\n";

	write(1, text, sizeof text - 1);
	_exit(0);
}

int main(int count, char **word)
{
	const char *call = count > 2 ? word[1] : "";
	int fd = count > 2 ? atoi(word[2]) : 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct flock l = { .l_type = F_WRLCK };
	fd_set set;
	char byte = 0;
	long result = -2;

	signal(SIGBUS, on_bus);
	errno = 0;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	if (!strcmp(call, "read"))
		result = read(fd, &byte, 1);
	else if (!strcmp(call, "write"))
		result = write(fd, &byte, 1);
	else if (!strcmp(call, "poll"))
		result = poll(&p, 1, -1);
	else if (!strcmp(call, "select"))
		result = select(fd + 1, &set, NULL, NULL, NULL);
	else if (!strcmp(call, "lock"))
		result = fcntl(fd, F_SETLKW, &l);
	else if (!strcmp(call, "map")) {
		volatile char *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

		if (map == MAP_FAILED)
			perror("mmap");
		else
			result = map[4096];
	}
	printf("%s %ld%s%s", call, result, errno == EIO ? " EIO" : errno ? " another error" : "", p.revents & POLLERR ? " POLLERR" : "");
	printf("\n");
	return 0;
}
