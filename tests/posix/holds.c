/* Holds a record lock, one of flock and one of an open file description while time passes, which a child tries to take before and
 * after; then lets them go.  What it prints is the same whatever happens to it in between.  Used by nest/checkpoint. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int try(int file, int command, short type, off_t start, pid_t *pid)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 10 };
	int error = fcntl(file, command, &l) ? errno : 0;

	*pid = l.l_type == F_UNLCK ? 0 : l.l_pid;
	return error;
}

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT, 0600);
}

/* In a child, who opens the files anew. */
static void look(const char *when, pid_t parent)
{
	int a, b, c, status;
	pid_t pid, holder;

	if (!fork()) {
		a = open_file("/tmp/record");
		b = open_file("/tmp/whole");
		c = open_file("/tmp/description");
		status = try(a, F_GETLK, F_WRLCK, 5, &holder);
		printf("%s: holder %s, error %d", when, holder == parent ? "the parent" : holder ? "another" : "none", status);
		printf(", beside it %d, on it %d", try(a, F_SETLK, F_WRLCK, 40, &pid), try(a, F_SETLK, F_RDLCK, 15, &pid));
		printf(", flock %d, open file %d\n", flock(b, LOCK_EX | LOCK_NB) ? errno : 0, try(c, F_OFD_SETLK, F_WRLCK, 0, &pid));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
}

int main(void)
{
	int a = open_file("/tmp/record"), b = open_file("/tmp/whole"), c = open_file("/tmp/description");
	pid_t pid, self = getpid();

	if (try(a, F_SETLK, F_WRLCK, 10, &pid) || flock(b, LOCK_EX) || try(c, F_OFD_SETLK, F_WRLCK, 0, &pid))
		return 1;
	look("before", self);
	usleep(1000000);
	look("after", self);
	if (try(a, F_SETLK, F_UNLCK, 10, &pid) || flock(b, LOCK_UN) || try(c, F_OFD_SETLK, F_UNLCK, 0, &pid))
		return 2;
	look("free", self);
	return 0;
}
