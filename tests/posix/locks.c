/* Locks on files, seen by the process that has them and by others; prints what each call answered.  One argument chooses the
 * topic: owner, close, exec, end, ranges, errors, wait, circle, flock, ofd.  The same program runs on Linux; what it prints
 * must be the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GETLK32		5
#define SETLK32		6
#define SETLKW32	7
#define GETLK64		12
#define SETLK64		13
#define SETLKW64	14
#define OFD_GETLK	36
#define OFD_SETLK	37
#define OFD_SETLKW	38

struct lock64 { int16_t type, whence; int64_t start, length; int32_t pid; } __attribute__((packed, aligned(4)));
struct lock32 { int16_t type, whence; int32_t start, length, pid; };

static pid_t first;		/* process of this program */
static int file, ready[2], go[2];

static void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	fflush(stdout);
}

static const char *answer(long result)
{
	return result < 0 ? strerror(errno) : "ok";
}

static const char *who(int pid)
{
	return pid == -1 ? "a description" : pid == first ? "the first" : pid == getpid() ? "myself" : pid > 0 ? "another" : "nobody known";
}

static long lock64(int fd, int command, int type, int whence, int64_t start, int64_t length)
{
	struct lock64 l = { (int16_t)type, (int16_t)whence, start, length, 0 };

	return syscall(221, fd, command, &l);
}

static long lock32(int fd, int command, int type, int whence, int32_t start, int32_t length)
{
	struct lock32 l = { (int16_t)type, (int16_t)whence, start, length, 0 };

	return syscall(55, fd, command, &l);
}

static long take(int type, int64_t start, int64_t length)
{
	return lock64(file, SETLK64, type, SEEK_SET, start, length);
}

static void test64(const char *title, int fd, int command, int type, int64_t start, int64_t length)
{
	struct lock64 l = { (int16_t)type, SEEK_SET, start, length, 0 };
	long result = syscall(221, fd, command, &l);

	if (result < 0)
		say("%s: %s\n", title, strerror(errno));
	else if (l.type == F_UNLCK)
		say("%s: free\n", title);
	else
		say("%s: %s from %lld length %lld whence %d by %s\n", title, l.type == F_RDLCK ? "read" : "write", (long long)l.start,
			(long long)l.length, l.whence, who(l.pid));
}

static void test(const char *title, int type, int64_t start, int64_t length)
{
	test64(title, file, GETLK64, type, start, length);
}

/* What another process sees of the file, through the same description and through its own. */
static void others_see(const char *title, int type, int64_t start, int64_t length)
{
	if (fork() == 0) {
		test(title, type, start, length);
		_exit(0);
	}
	wait(NULL);
}

static void told(int to[2])
{
	char c = 0;

	if (write(to[1], &c, 1) != 1)
		_exit(9);
}

static void hears(int from[2])
{
	char c;

	if (read(from[0], &c, 1) != 1)
		_exit(9);
}

static void owner(void)
{
	say("take: %s\n", answer(take(F_WRLCK, 0, 0)));
	test("my own", F_WRLCK, 0, 0);
	if (fork() == 0) {
		struct lock32 l = { F_WRLCK, SEEK_SET, 0, 0, 0 };
		int again = open("f", O_RDWR);

		test("the child", F_WRLCK, 0, 0);
		test64("the child by its own description", again, GETLK64, F_RDLCK, 5, 1);
		syscall(55, file, GETLK32, &l);
		say("by the old call: type %d from %d length %d by %s\n", l.type, l.start, l.length, who(l.pid));
		say("the child takes: %s\n", answer(take(F_WRLCK, 0, 0)));
		say("the child takes by its own: %s\n", answer(lock64(again, SETLK64, F_RDLCK, SEEK_SET, 0, 1)));
		say("the child takes by the old call: %s\n", answer(lock32(again, SETLK32, F_RDLCK, SEEK_SET, 0, 1)));
		say("the child frees: %s\n", answer(take(F_UNLCK, 0, 0)));
		close(again);
		_exit(0);
	}
	wait(NULL);
	others_see("after the child's end", F_WRLCK, 0, 0);
	say("free: %s\n", answer(take(F_UNLCK, 0, 0)));
	others_see("freed", F_WRLCK, 0, 0);
}

static void closing(void)
{
	int other = open("f", O_RDONLY);

	take(F_WRLCK, 0, 10);
	others_see("taken", F_WRLCK, 0, 0);
	close(other);
	others_see("another description closed", F_WRLCK, 0, 0);
	take(F_WRLCK, 0, 10);
	close(dup(file));
	others_see("a copy closed", F_WRLCK, 0, 0);
	take(F_WRLCK, 0, 10);
	other = open("f", O_RDONLY);
	dup2(0, other);
	others_see("another replaced by dup2", F_WRLCK, 0, 0);
	take(F_WRLCK, 0, 10);
	dup2(file, 50);
	syscall(SYS_close_range, 50, 60, 0);
	others_see("a copy closed by close_range", F_WRLCK, 0, 0);
	take(F_WRLCK, 0, 10);
	other = open("g", O_RDWR | O_CREAT, 0600);
	lock64(other, SETLK64, F_WRLCK, SEEK_SET, 0, 10);
	close(other);
	others_see("another file closed", F_WRLCK, 0, 0);
	if (fork() == 0)
		_exit(close(file));
	wait(NULL);
	others_see("closed by a child", F_WRLCK, 0, 0);
}

static void execs(const char *self)
{
	take(F_WRLCK, 3, 4);
	if (fork() == 0) {
		take(F_WRLCK, 10, 1);
		fcntl(file, F_SETFD, 0);
		close(ready[0]);
		close(go[1]);
		dup2(ready[1], 60);
		dup2(go[0], 61);
		execl(self, self, "held", NULL);
		_exit(9);
	}
	hears(ready);
	test("held over exec", F_WRLCK, 8, 0);
	told(go);
	hears(ready);
	test("after a close", F_WRLCK, 8, 0);
	told(go);
	hears(ready);
	test("after exec with close-on-exec", F_WRLCK, 8, 0);
	told(go);
	wait(NULL);
}

/* The program after exec; the lock's file is at 40. */
static void held(const char *self, int last)
{
	ready[1] = 60;
	go[0] = 61;
	told(ready);
	hears(go);
	if (last)
		return;
	close(open("f", O_RDONLY));
	told(ready);
	hears(go);
	take(F_WRLCK, 10, 1);
	fcntl(dup2(file, 41), F_SETFD, FD_CLOEXEC);
	execl(self, self, "held-last", NULL);
}

static void ends(void)
{
	int pid;

	if ((pid = fork()) == 0) {
		take(F_WRLCK, 0, 1);
		told(ready);
		pause();
	}
	hears(ready);
	say("a child has it: %s\n", answer(take(F_WRLCK, 0, 0)));
	kill(pid, SIGKILL);
	wait(NULL);
	say("killed: %s\n", answer(lock64(file, SETLKW64, F_WRLCK, SEEK_SET, 0, 0)));
	take(F_UNLCK, 0, 0);
	if (fork() == 0)
		_exit(take(F_WRLCK, 0, 1) != 0);
	wait(NULL);
	say("exited: %s\n", answer(lock64(file, SETLKW64, F_WRLCK, SEEK_SET, 0, 0)));
}

/* All ranges that others find taken. */
static void show(const char *title)
{
	struct lock64 l;
	int64_t at = 0;

	say("%s:", title);
	if (fork() == 0) {
		for (;;) {
			int64_t best = -1;

			/* the first one told need not be the lowest */
			for (int64_t length = 0; best != at; length = best - at) {
				l = (struct lock64){ F_WRLCK, SEEK_SET, at, length, 0 };
				syscall(221, file, GETLK64, &l);
				if (l.type == F_UNLCK)
					break;
				best = l.start;
			}
			if (best < 0)
				break;
			l = (struct lock64){ F_WRLCK, SEEK_SET, best, 1, 0 };
			syscall(221, file, GETLK64, &l);
			say(" %s %lld+%lld", l.type == F_RDLCK ? "read" : "write", (long long)l.start, (long long)l.length);
			if (!l.length)
				break;
			at = l.start + l.length;
		}
		_exit(0);
	}
	wait(NULL);
	say("\n");
}

static void ranges(void)
{
	take(F_WRLCK, 0, 100);
	show("0 to 100");
	take(F_UNLCK, 40, 20);
	show("without 40 to 60");
	take(F_RDLCK, 45, 10);
	show("read 45 to 55");
	take(F_WRLCK, 55, 5);
	show("joined behind");
	take(F_RDLCK, 90, 20);
	show("the end to read");
	take(F_WRLCK, 30, 30);
	show("joined all over");
	take(F_UNLCK, 0, 10);
	take(F_UNLCK, 80, 0);
	show("cut at both ends");
	take(F_WRLCK, 1000, 0);
	show("to the end");
	take(F_UNLCK, 2000, 10);
	show("a hole in it");
	take(F_RDLCK, 0, 0);
	show("all to read");
	take(F_UNLCK, 0, 0);
	show("none");
	say("far: %s\n", answer(take(F_WRLCK, 0x100000000ll, 0x100000000ll)));
	show("far");
	if (fork() == 0) {
		say("the old call cannot tell: %s\n", answer(lock32(file, GETLK32, F_WRLCK, SEEK_SET, 0, 0)));
		_exit(0);
	}
	wait(NULL);
	take(F_UNLCK, 0, 0);
	if (ftruncate(file, 100) || lseek(file, 50, SEEK_SET) != 50)
		say("no file\n");
	say("relative: %s", answer(lock64(file, SETLK64, F_WRLCK, SEEK_CUR, 5, 5)));
	say(" %s", answer(lock64(file, SETLK64, F_RDLCK, SEEK_END, -10, 5)));
	say(" %s\n", answer(lock32(file, SETLK32, F_WRLCK, SEEK_CUR, -20, -10)));
	show("they are");
}

static void errors(void)
{
	int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);

	say("write on a reader: %s\n", answer(lock64(reader, SETLK64, F_WRLCK, SEEK_SET, 0, 0)));
	say("read on a writer: %s\n", answer(lock64(writer, SETLK64, F_RDLCK, SEEK_SET, 0, 0)));
	say("test on a reader: %s\n", answer(lock64(reader, GETLK64, F_WRLCK, SEEK_SET, 0, 0)));
	say("free on a reader: %s\n", answer(lock64(reader, SETLK64, F_UNLCK, SEEK_SET, 0, 0)));
	say("type: %s\n", answer(take(3, 0, 0)));
	say("test of free: %s\n", answer(lock64(file, GETLK64, F_UNLCK, SEEK_SET, 0, 0)));
	say("whence: %s\n", answer(lock64(file, SETLK64, F_WRLCK, 7, 0, 0)));
	say("before the start: %s\n", answer(take(F_WRLCK, -1, 0)));
	say("length before the start: %s\n", answer(take(F_WRLCK, 5, -6)));
	say("behind the end: %s\n", answer(take(F_WRLCK, 0x7fffffffffffffffll, 2)));
	say("the last byte: %s\n", answer(take(F_WRLCK, 0x7fffffffffffffffll, 1)));
	say("closed: %s\n", answer(lock64(77, SETLK64, F_WRLCK, SEEK_SET, 0, 0)));
	say("address: %s\n", answer(syscall(221, file, SETLK64, 8)));
	say("flock by nobody: %s\n", answer(flock(77, LOCK_EX)));
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void waits(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int pid;

	sigaction(SIGALRM, &action, NULL);
	take(F_WRLCK, 0, 10);
	if ((pid = fork()) == 0) {
		told(ready);
		say("waits\n");
		say("then has it: %s\n", answer(lock64(file, SETLKW64, F_WRLCK, SEEK_SET, 0, 1)));
		_exit(0);
	}
	hears(ready);
	usleep(200000);
	say("freed\n");
	take(F_UNLCK, 0, 10);
	wait(NULL);
	take(F_WRLCK, 0, 10);
	if ((pid = fork()) == 0) {
		alarm(1);
		say("interrupted: %s\n", answer(lock32(file, SETLKW32, F_RDLCK, SEEK_SET, 5, 1)));
		_exit(0);
	}
	wait(NULL);
	say("two readers:");
	take(F_RDLCK, 0, 10);
	if ((pid = fork()) == 0) {
		say(" %s", answer(take(F_RDLCK, 5, 10)));
		told(ready);
		hears(go);
		_exit(0);
	}
	hears(ready);
	say(" to write: %s", answer(take(F_WRLCK, 0, 10)));
	say(" the part of one: %s\n", answer(take(F_WRLCK, 0, 5)));
	told(go);
	wait(NULL);
}

/* count processes, each with one byte, wait for the next one's; the last to come is refused. */
static void circle_of(int count)
{
	int n;

	take(F_WRLCK, 0, 1);
	for (n = 1; n < count; n++)
		if (fork() == 0) {
			take(F_WRLCK, n, 1);
			told(ready);
			hears(go);
			if (lock64(file, SETLKW64, F_WRLCK, SEEK_SET, (n + 1) % count, 1) < 0)
				say("unexpected: %s\n", strerror(errno));
			_exit(0);
		}
	for (n = 1; n < count; n++)
		hears(ready);
	for (n = 1; n < count; n++)
		told(go);
	usleep(300000);
	say("circle of %d: %s\n", count, answer(lock64(file, SETLKW64, F_WRLCK, SEEK_SET, 1, 1)));
	take(F_UNLCK, 0, 1);
	while (wait(NULL) > 0)
		;
}

static void flocks(void)
{
	int other = open("f", O_RDWR);

	say("flock: %s\n", answer(flock(file, LOCK_EX | LOCK_NB)));
	say("by another description: %s\n", answer(flock(other, LOCK_SH | LOCK_NB)));
	say("a record lock beside it: %s\n", answer(lock64(other, SETLK64, F_WRLCK, SEEK_SET, 0, 0)));
	test64("no record lock of others", other, GETLK64, F_WRLCK, 0, 0);
	if (fork() == 0) {
		say("the child frees the description's: %s\n", answer(flock(file, LOCK_UN)));
		_exit(0);
	}
	wait(NULL);
	say("by another description: %s\n", answer(flock(other, LOCK_EX | LOCK_NB)));
	if (fork() == 0) {
		close(other);
		_exit(0);
	}
	wait(NULL);
	say("closed by a child, still: %s\n", answer(flock(file, LOCK_EX | LOCK_NB)));
	close(other);
	say("closed here too: %s\n", answer(flock(file, LOCK_EX | LOCK_NB)));
}

static void ofd(void)
{
	int other = open("f", O_RDWR);
	struct lock64 l = { F_WRLCK, SEEK_SET, 0, 0, 7 };

	say("with a pid: %s\n", answer(syscall(221, file, OFD_SETLK, &l)));
	say("taken: %s\n", answer(lock64(file, OFD_SETLK, F_WRLCK, SEEK_SET, 10, 10)));
	say("by another description: %s\n", answer(lock64(other, OFD_SETLK, F_RDLCK, SEEK_SET, 15, 1)));
	test64("as it sees it", other, OFD_GETLK, F_WRLCK, 0, 0);
	say("by the process: %s\n", answer(take(F_WRLCK, 15, 1)));
	test("as that sees it", F_WRLCK, 0, 0);
	if (fork() == 0) {
		say("the child has it too: %s\n", answer(lock64(file, OFD_SETLK, F_WRLCK, SEEK_SET, 12, 2)));
		close(file);
		_exit(0);
	}
	wait(NULL);
	close(dup(file));
	say("closed by a child and as a copy, still: %s\n", answer(lock64(other, OFD_SETLK, F_WRLCK, SEEK_SET, 15, 1)));
	take(F_WRLCK, 0, 5);
	test64("the process's", other, OFD_GETLK, F_WRLCK, 0, 5);
	close(dup2(0, file));
	say("closed: %s\n", answer(lock64(other, OFD_SETLKW, F_WRLCK, SEEK_SET, 0, 0)));
}

int main(int count, char **word)
{
	const char *what = count > 1 ? word[1] : "";

	first = getpid();
	if (!strncmp(what, "held", 4)) {
		file = 40;
		held(word[0], what[4] != 0);
		return 0;
	}
	file = dup2(open("f", O_RDWR | O_CREAT, 0600), 40);
	close(3);
	if (pipe(ready) || pipe(go))
		return 9;
	if (!strcmp(what, "owner"))
		owner();
	else if (!strcmp(what, "close"))
		closing();
	else if (!strcmp(what, "exec"))
		execs(word[0]);
	else if (!strcmp(what, "end"))
		ends();
	else if (!strcmp(what, "ranges"))
		ranges();
	else if (!strcmp(what, "errors"))
		errors();
	else if (!strcmp(what, "wait"))
		waits();
	else if (!strcmp(what, "circle"))
		for (int n = 2; n < 5; n++)
			circle_of(n);
	else if (!strcmp(what, "flock"))
		flocks();
	else if (!strcmp(what, "ofd"))
		ofd();
	unlink("f");
	unlink("g");
	return 0;
}
