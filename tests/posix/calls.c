/* Linux i386 calls by their numbers, each brought to succeed and to fail where it can; prints what
 * each answered.  The same program runs on Linux, and the output must be the same.  One
 * argument chooses the topic: files, names, process, signals, time, memory, misc. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* musl hides the old ones. */
#define SYS_gettimeofday	78
#define SYS_clock_gettime	265
#define SYS_clock_getres	266
#define SYS_clock_nanosleep	267

/* Prints `name: value`, or the error. */
static long show(const char *name, long result)
{
	if (result == -1)
		printf("%s: %s\n", name, strerror(errno));
	else
		printf("%s: %ld\n", name, result);
	fflush(stdout);
	return result;
}

/* The same where the value itself is not to be compared. */
static long good(const char *name, long result)
{
	if (result == -1)
		printf("%s: %s\n", name, strerror(errno));
	else
		printf("%s: good\n", name);
	fflush(stdout);
	return result;
}

#define CALL(name, ...)	show(#name, syscall(SYS_##name, ##__VA_ARGS__))
#define GOOD(name, ...)	good(#name, syscall(SYS_##name, ##__VA_ARGS__))
#define BAD		((void *)8)

static char buffer[70000];
static long six[64];

/* A call that a bad address ends holds nothing back: the closed end is seen. */
static void bad_then_closed(void)
{
	int pair[2];

	pipe(pair);
	CALL(write, pair[1], BAD, 10);
	CALL(write, pair[1], "x", 1);
	CALL(read, pair[0], BAD, 10);
	close(pair[1]);
	GOOD(read, pair[0], buffer, 10);
	CALL(read, pair[0], buffer, 10);
	close(pair[0]);
}

static void files(void)
{
	struct iovec v[2] = { { buffer, 3 }, { buffer + 10, 4 } };
	int pair[2];
	loff_t where;

	CALL(open, "f", O_RDWR | O_CREAT, 0644);
	CALL(open, "none", O_RDONLY, 0);
	CALL(open, "f", O_RDWR | O_CREAT | O_EXCL, 0644);
	CALL(open, BAD, O_RDONLY, 0);
	CALL(open, "f", O_RDONLY | O_DIRECTORY, 0);
	CALL(open, ".", O_RDWR, 0);
	CALL(creat, "g", 0600);
	CALL(creat, "/none/g", 0600);
	CALL(write, 3, "hello world", 11);
	CALL(write, 99, "x", 1);
	CALL(write, 3, BAD, 5);
	CALL(lseek, 3, 0, SEEK_SET);
	CALL(lseek, 3, -1, SEEK_SET);
	CALL(lseek, 3, 0, 9);
	CALL(lseek, 99, 0, 0);
	CALL(_llseek, 3, 0, 6, &where, SEEK_SET);
	CALL(_llseek, 3, 0, 6, &where, 7);
	CALL(read, 3, buffer, 100);
	CALL(read, 3, buffer, 100);
	CALL(read, 99, buffer, 1);
	CALL(read, 3, BAD, 0);
	CALL(readv, 3, v, 2);
	CALL(lseek, 3, 0, SEEK_SET);
	CALL(readv, 3, v, 2);
	CALL(readv, 99, v, 2);
	CALL(readv, 3, v, -1);
	CALL(writev, 3, v, 2);
	CALL(writev, 99, v, 2);
	CALL(pread64, 3, buffer, 5, 1, 0);
	CALL(pread64, 99, buffer, 5, 1, 0);
	CALL(pread64, 3, buffer, 5, -1, -1);
	CALL(pwrite64, 3, "XY", 2, 1, 0);
	CALL(pwrite64, 99, "XY", 2, 1, 0);
	CALL(preadv, 3, v, 2, 0, 0);
	CALL(preadv, 99, v, 2, 0, 0);
	CALL(pwritev, 3, v, 2, 0, 0);
	CALL(pwritev, 99, v, 2, 0, 0);
	CALL(ftruncate, 3, 5);
	CALL(ftruncate, 99, 5);
	CALL(truncate, "f", 20);
	CALL(truncate, "none", 20);
	CALL(truncate, ".", 20);
	CALL(ftruncate64, 3, 30, 0);
	CALL(ftruncate64, 99, 30, 0);
	CALL(truncate64, "f", 40, 0);
	CALL(truncate64, "none", 40, 0);
	CALL(fallocate, 99, 0, 0, 0, 10, 0);
	CALL(fsync, 3);
	CALL(fsync, 99);
	CALL(fdatasync, 3);
	CALL(fdatasync, 99);
	CALL(dup, 3);
	CALL(dup, 99);
	CALL(dup2, 3, 20);
	CALL(dup2, 99, 20);
	CALL(dup2, 3, -1);
	CALL(dup3, 3, 21, O_CLOEXEC);
	CALL(dup3, 3, 3, 0);
	CALL(dup3, 3, 22, 77);
	CALL(fcntl64, 3, F_GETFL);
	CALL(fcntl64, 3, F_SETFL, O_APPEND);
	CALL(fcntl64, 3, F_GETFL);
	CALL(fcntl64, 21, F_GETFD);
	CALL(fcntl64, 20, F_SETFD, 1);
	CALL(fcntl64, 3, F_DUPFD, 30);
	CALL(fcntl64, 3, F_DUPFD_CLOEXEC, 30);
	CALL(fcntl64, 3, 4711);
	CALL(fcntl64, 99, F_GETFD);
	CALL(fcntl, 3, F_GETFD);
	CALL(fcntl, 99, F_GETFD);
	CALL(close, 30);
	CALL(close, 30);
	CALL(pipe, pair);
	CALL(pipe, BAD);
	CALL(pipe2, pair, O_CLOEXEC);
	CALL(pipe2, pair, 1);
	CALL(write, pair[1], "pipe", 4);
	CALL(read, pair[0], buffer, 10);
	CALL(lseek, pair[0], 0, SEEK_CUR);
	CALL(pread64, pair[0], buffer, 1, 0, 0);
	close(pair[1]);
	CALL(read, pair[0], buffer, 10);
	CALL(flock, 3, 2);
	CALL(flock, 99, 2);
	CALL(ioctl, 3, 0x5401, buffer);
	CALL(ioctl, 99, 0x5401, buffer);
	CALL(sendfile, 3, 99, 0, 5);
	CALL(fadvise64_64, 3, 0, 0, 0, 0, 0);
	CALL(fadvise64_64, 99, 0, 0, 0, 0, 0);
	CALL(fadvise64_64, pair[0], 0, 0, 0, 0, 0);
	CALL(readahead, 99, 0, 0, 10);
	CALL(fchmod, 3, 0600);
	CALL(fchmod, 99, 0600);
	CALL(fchown32, 3, 1, 2);
	CALL(fchown32, 99, 1, 2);
	CALL(fchown, 3, 0, 0);
	CALL(fchown, 99, 0, 0);
	bad_then_closed();
}

static void names(void)
{
	long t[4] = { 1000, 5, 2000, 6 };	/* the old calls' times have 32 bits */
	long old[2] = { 1000, 2000 }, tv[4] = { 10, 0, 20, 0 };
	int d;

	CALL(mkdir, "d", 0755);
	CALL(mkdir, "d", 0755);
	CALL(mkdir, "none/d", 0755);
	CALL(mkdirat, AT_FDCWD, "d/e", 0700);
	CALL(mkdirat, 99, "e", 0700);
	CALL(mknod, "p", S_IFIFO | 0600, 0);
	CALL(mknod, "p", S_IFIFO | 0600, 0);
	CALL(mknodat, AT_FDCWD, "n", S_IFREG | 0644, 0);
	CALL(mknodat, 99, "n", S_IFREG | 0644, 0);
	CALL(link, "n", "m");
	CALL(link, "n", "m");
	CALL(link, "none", "x");
	CALL(link, "d", "x");
	CALL(linkat, AT_FDCWD, "n", AT_FDCWD, "d/m", 0);
	CALL(linkat, AT_FDCWD, "none", AT_FDCWD, "d/m", 0);
	CALL(symlink, "n", "s");
	CALL(symlink, "n", "s");
	CALL(symlink, "", "t");
	CALL(symlinkat, "loop", AT_FDCWD, "loop");
	CALL(symlinkat, "x", 99, "loop");
	CALL(readlink, "s", buffer, 10);
	CALL(readlink, "n", buffer, 10);
	CALL(readlink, "none", buffer, 10);
	CALL(readlinkat, AT_FDCWD, "s", buffer, 10);
	CALL(readlinkat, 99, "s", buffer, 10);
	CALL(open, "loop", O_RDONLY);
	CALL(open, "s", O_RDONLY | O_NOFOLLOW);
	CALL(rename, "m", "k");
	CALL(rename, "none", "k");
	CALL(rename, "d", "d/e/f");
	CALL(rename, "n", "d");
	CALL(rename, "d", "n");
	CALL(renameat, AT_FDCWD, "k", AT_FDCWD, "l");
	CALL(renameat, 99, "k", AT_FDCWD, "l");
	CALL(renameat2, AT_FDCWD, "l", AT_FDCWD, "n", 1);
	CALL(renameat2, AT_FDCWD, "l", AT_FDCWD, "o", 1);
	CALL(renameat2, AT_FDCWD, "l", AT_FDCWD, "o", 99);
	CALL(access, "n", R_OK | W_OK);
	CALL(access, "n", X_OK);
	CALL(access, "none", F_OK);
	CALL(access, "n", 99);
	CALL(faccessat, AT_FDCWD, "n", R_OK);
	CALL(faccessat, 99, "n", R_OK);
	CALL(faccessat2, AT_FDCWD, "n", R_OK, AT_EACCESS);
	CALL(faccessat2, AT_FDCWD, "n", R_OK, 1);
	CALL(chmod, "n", 0640);
	CALL(chmod, "none", 0640);
	CALL(fchmodat, AT_FDCWD, "n", 0604);
	CALL(fchmodat, 99, "n", 0604);
	CALL(chown32, "n", 5, 6);
	CALL(chown32, "none", 5, 6);
	CALL(chown, "n", 7, 8);
	CALL(chown, "none", 7, 8);
	CALL(lchown32, "s", 5, 6);
	CALL(lchown32, "none", 5, 6);
	CALL(lchown, "s", 5, 6);
	CALL(lchown, "none", 5, 6);
	CALL(fchownat, AT_FDCWD, "n", 0, 0, 0);
	CALL(fchownat, AT_FDCWD, "n", 0, 0, 1);
	CALL(stat, "n", buffer);
	CALL(stat, "none", buffer);
	CALL(lstat, "s", buffer);
	CALL(lstat, "none", buffer);
	CALL(fstat, 0, buffer);
	CALL(fstat, 99, buffer);
	CALL(stat64, "n", buffer);
	CALL(stat64, "none", buffer);
	CALL(stat64, "n", BAD);
	CALL(lstat64, "s", buffer);
	CALL(lstat64, "none", buffer);
	CALL(fstat64, 0, buffer);
	CALL(fstat64, 99, buffer);
	CALL(fstatat64, AT_FDCWD, "n", buffer, 0);
	CALL(fstatat64, AT_FDCWD, "n", buffer, 1);
	CALL(statx, AT_FDCWD, "n", 0, 0x7ff, buffer);
	CALL(statx, AT_FDCWD, "none", 0, 0x7ff, buffer);
	CALL(statx, AT_FDCWD, "n", 1, 0x7ff, buffer);
	CALL(statfs64, ".", 84, buffer);
	CALL(statfs64, "none", 84, buffer);
	CALL(statfs64, ".", 1, buffer);
	CALL(fstatfs64, 99, 84, buffer);
	CALL(statfs, ".", buffer);
	CALL(statfs, "none", buffer);
	CALL(fstatfs, 99, buffer);
	CALL(utimensat, AT_FDCWD, "n", t, 0);
	CALL(utimensat, AT_FDCWD, "none", t, 0);
	CALL(utimensat, AT_FDCWD, "n", t, 1);
	CALL(utime, "n", old);
	CALL(utime, "none", old);
	CALL(utimes, "n", tv);
	CALL(utimes, "none", tv);
	CALL(futimesat, AT_FDCWD, "n", tv);
	CALL(futimesat, 99, "n", tv);
	CALL(chdir, "d");
	GOOD(getcwd, buffer, 4096);
	CALL(getcwd, buffer, 2);
	CALL(chdir, "..");
	CALL(chdir, "none");
	CALL(chdir, "n");
	d = CALL(open, "d", O_RDONLY | O_DIRECTORY);
	CALL(fchdir, d);
	CALL(fchdir, 99);
	CALL(openat, d, "m", O_RDONLY, 0);
	CALL(openat, 99, "m", O_RDONLY, 0);
	CALL(openat, 0, "m", O_RDONLY, 0);
	GOOD(getdents64, d, buffer, 1000);
	CALL(getdents64, d, buffer, 1000);
	CALL(getdents64, 0, buffer, 1000);
	lseek(d, 0, SEEK_SET);
	GOOD(getdents, d, buffer, 1000);
	CALL(getdents, 0, buffer, 1000);
	lseek(d, 0, SEEK_SET);
	CALL(getdents64, d, buffer, 3);
	CALL(unlink, "m");
	CALL(unlink, "m");
	CALL(unlink, "e");
	CALL(unlinkat, AT_FDCWD, "e", 0);
	CALL(unlinkat, AT_FDCWD, "e", AT_REMOVEDIR);
	CALL(unlinkat, AT_FDCWD, "e", 1);
	CALL(chdir, "..");
	CALL(rmdir, "d");
	CALL(rmdir, "d");
	CALL(rmdir, "n");
	CALL(rmdir, ".");
	CALL(umask, 077);
	CALL(umask, 022);
	CALL(open, memset(buffer, 'a', 5000), O_RDONLY);
	buffer[300] = 0;
	CALL(open, buffer, O_RDONLY);
	CALL(open, "", O_RDONLY);
	CALL(sync);
}

/* What the child of vfork writes, the parent sees: so posix_spawn learns why exec failed. */
static void shared_by_vfork(void)
{
	volatile int seen = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_execve, "none", 0, 0);
		seen = errno;
		_exit(0);
	}
	show("vfork's child tells", seen);
	waitpid(pid, NULL, 0);
}

static void process(void)
{
	struct rlimit limit;
	unsigned long long limit64[2];
	int status;
	long pid;

	GOOD(getpid);
	GOOD(getppid);
	GOOD(gettid);
	CALL(getuid32); CALL(geteuid32); CALL(getgid32); CALL(getegid32);
	CALL(getuid); CALL(geteuid); CALL(getgid); CALL(getegid);
	CALL(getgroups32, 0, 0);
	CALL(getgroups32, -1, buffer);
	CALL(getgroups, 0, 0);
	CALL(getgroups, -1, buffer);
	CALL(getresuid32, six, six + 1, six + 2);
	CALL(getresuid32, BAD, six + 1, six + 2);
	CALL(getresgid32, six, six + 1, six + 2);
	CALL(getresgid32, BAD, six + 1, six + 2);
	CALL(setresuid32, -1, -1, -1);
	CALL(setresgid32, -1, -1, -1);
	CALL(setuid32, 0); CALL(setgid32, 0); CALL(setreuid32, 0, 0); CALL(setregid32, 0, 0);
	CALL(setuid, 0); CALL(setgid, 0);
	GOOD(getpgrp);
	GOOD(getpgid, 0);
	CALL(getpgid, 999999);
	GOOD(getsid, 0);
	CALL(getsid, 999999);
	CALL(setpgid, 999999, 0);
	CALL(setpgid, 0, -1);
	CALL(wait4, -1, 0, 0, 0);
	pid = syscall(SYS_fork);
	if (pid == 0)
		syscall(SYS_exit, 7);
	good("fork", pid);
	shared_by_vfork();
	CALL(wait4, 999999, 0, 0, 0);
	CALL(wait4, -1, 0, 0x12345, 0);
	if (syscall(SYS_wait4, pid, &status, 0, 0) == pid)
		printf("status %x\n", status);
	pid = fork();
	if (pid == 0)
		_exit(8);
	if (syscall(SYS_waitpid, pid, &status, 0) == pid)
		printf("waitpid %x\n", status);
	CALL(waitpid, -1, &status, 0);
	pid = fork();
	if (pid == 0)
		_exit(9);
	GOOD(waitid, P_PID, pid, buffer, WEXITED | WNOWAIT, 0);
	GOOD(waitid, P_PID, pid, buffer, WEXITED, 0);
	CALL(waitid, P_PID, pid, buffer, WEXITED, 0);
	CALL(waitid, 77, pid, buffer, WEXITED, 0);
	pid = fork();
	if (pid == 0) {
		CALL(setpgid, 0, 0);
		CALL(setsid);
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	pid = fork();
	if (pid == 0) {
		GOOD(setsid);
		CALL(setsid);
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	CALL(kill, getpid(), 0);
	CALL(kill, 999999, 0);
	CALL(kill, getpid(), 99);
	CALL(tkill, syscall(SYS_gettid), 0);
	CALL(tkill, 999999, 0);
	CALL(tgkill, getpid(), syscall(SYS_gettid), 0);
	CALL(tgkill, 999999, 999999, 0);
	CALL(execve, "none", 0, 0);
	CALL(execve, ".", 0, 0);
	CALL(execveat, AT_FDCWD, "none", 0, 0, 0);
	CALL(getrusage, RUSAGE_SELF, buffer);
	CALL(getrusage, 77, buffer);
	CALL(getrlimit, RLIMIT_NOFILE, &limit);
	CALL(getrlimit, 77, &limit);
	CALL(ugetrlimit, RLIMIT_CORE, &limit);
	CALL(ugetrlimit, 77, &limit);
	limit = (struct rlimit){ 0, 0 };
	CALL(prlimit64, 0, RLIMIT_STACK, 0, limit64);
	CALL(prlimit64, 0, 77, 0, limit64);
	CALL(prlimit64, 999999, RLIMIT_STACK, 0, limit64);
	six[0] = 0, six[1] = 0;
	CALL(setrlimit, RLIMIT_CORE, six);
	CALL(setrlimit, 77, six);
	CALL(prctl, 15, "name", 0, 0, 0);
	CALL(prctl, 16, buffer, 0, 0, 0);
	CALL(prctl, 4711, 0, 0, 0, 0);
	CALL(getpriority, 0, 0);
	CALL(getpriority, 7, 0);
	CALL(setpriority, 0, 0, 1);
	CALL(setpriority, 7, 0, 1);
	CALL(sched_yield);
	GOOD(sched_getaffinity, 0, 128, buffer);
	CALL(sched_getaffinity, 0, 1, buffer);
	CALL(sched_getscheduler, 0);
	CALL(sched_getparam, 0, six);
	CALL(sched_get_priority_max, 0);
	CALL(sched_get_priority_max, 77);
	CALL(sched_get_priority_min, 0);
	CALL(sched_get_priority_min, 77);
}

static void nothing(int signal)
{
	(void)signal;
}

/* Timers by the old numbers: value and interval of 32 bits. */
#define SYS_timer_settime	260
#define SYS_timer_gettime	261

static void timers(void)
{
	int event[16] = { 77, SIGUSR1, 0 }, timer = -1, other = -1;
	long soon[4] = { 0, 20000000, 0, 30000000 }, bad[4] = { 0, -1, 0, 1 }, off[4] = { 0 }, left[4], minute[4] = { 5, 0, 60, 0 };
	struct timespec patience = { 10, 0 };
	unsigned long long set = 1ull << (SIGUSR1 - 1);
	siginfo_t info;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	CALL(timer_create, CLOCK_MONOTONIC, event, &timer);
	CALL(timer_create, 77, event, &other);
	CALL(timer_create, CLOCK_MONOTONIC, BAD, &other);
	CALL(timer_settime, timer, 0, soon, 0);
	CALL(timer_settime, timer, 0, bad, 0);
	CALL(timer_settime, timer + 100, 0, soon, 0);
	for (int n = 0; n < 3; n++) {
		CALL(rt_sigtimedwait, &set, &info, &patience, 8);
		printf("code %d, value %d\n", info.si_code, info.si_value.sival_int);
	}
	CALL(timer_settime, timer, 0, off, left);
	printf("interval %ld.%09ld\n", left[0], left[1]);
	CALL(timer_gettime, timer, left);
	printf("left %ld.%09ld\n", left[2], left[3]);
	CALL(timer_getoverrun, timer);
	CALL(timer_getoverrun, timer + 100);
	event[2] = 4;
	event[3] = syscall(SYS_gettid);
	CALL(timer_create, CLOCK_REALTIME, event, &other);
	soon[1] = 0;
	CALL(timer_settime, other, 0, soon, 0);
	CALL(rt_sigtimedwait, &set, &info, &patience, 8);
	CALL(timer_delete, other);
	CALL(timer_delete, other);
	event[2] = 1;
	CALL(timer_create, CLOCK_MONOTONIC, event, &other);
	CALL(timer_settime, other, 0, minute, 0);
	CALL(timer_gettime, other, left);
	printf("a minute: %s\n", left[0] == 5 && left[2] >= 50 && left[2] < 60 ? "yes" : "no");
	CALL(timer_delete, timer);
	CALL(timer_gettime, timer, left);
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

/* Timers of consumed time stand still in a sleep. */
static void cpu_timers(void)
{
	static const struct { int which, signal; const char *name; } kind[] = {
		{ ITIMER_VIRTUAL, SIGVTALRM, "virtual" }, { ITIMER_PROF, SIGPROF, "prof" },
	};
	long fifty[4] = { 0, 0, 0, 50000 };	/* 32 bits each */
	struct timespec sleep = { 0, 150000000 };

	for (unsigned n = 0; n < 2; n++) {
		ticks = 0;
		signal(kind[n].signal, tick);
		CALL(setitimer, kind[n].which, fifty, 0);
		nanosleep(&sleep, NULL);
		printf("%s: %d ticks in a sleep", kind[n].name, ticks);
		for (time_t end = time(NULL) + 20; !ticks && time(NULL) < end;)
			for (volatile int k = 0; k < 100000; k++)
				;
		printf(", %d at work\n", ticks);
	}
}

/* Timers of the clocks of processor time; a thread that sleeps uses none, another one that spins is not its. */
static void cpu_clocks(void)
{
	static const struct { int clock; const char *name; } kind[] = { { CLOCK_PROCESS_CPUTIME_ID, "process" }, { CLOCK_THREAD_CPUTIME_ID, "thread" } };
	int event[16] = { 77, SIGUSR1, 0 }, timer = -1, many[100], made = 0;
	long fifty[4] = { 0, 50000000, 0, 50000000 }, first[4] = { 0, 0, 0, 1 }, left[4];
	struct timespec sleep = { 0, 150000000 }, time_used;

	signal(SIGUSR1, tick);
	for (unsigned n = 0; n < 2; n++) {
		ticks = 0;
		CALL(timer_create, kind[n].clock, event, &timer);
		CALL(timer_settime, timer, 0, fifty, 0);
		nanosleep(&sleep, NULL);
		printf("%s: %d ticks in a sleep", kind[n].name, ticks);
		for (time_t end = time(NULL) + 20; ticks < 2 && time(NULL) < end;)
			for (volatile int k = 0; k < 100000; k++)
				;
		printf(", %s at work\n", ticks >= 2 ? "some" : "none");
		CALL(timer_gettime, timer, left);
		printf("interval %ld.%09ld, %s\n", left[0], left[1], !left[2] && left[3] > 0 && left[3] <= 50000000 ? "within it" : "not within it");
		CALL(timer_delete, timer);
	}
	ticks = 0;
	CALL(timer_create, ~(unsigned)getpid() << 3 | 2, event, &timer);
	CALL(timer_settime, timer, TIMER_ABSTIME, first, 0);	/* passed long ago */
	nanosleep(&sleep, NULL);
	printf("%d tick\n", ticks);
	CALL(timer_delete, timer);
	CALL(timer_create, ~30000u << 3 | 2, event, &timer);
	CALL(timer_create, ~30000u << 3 | 6, event, &timer);
	CALL(timer_create, ~(unsigned)getpid() << 3 | 3, event, &timer);
	CALL(clock_gettime, ~(unsigned)getpid() << 3 | 2, &time_used);
	CALL(clock_gettime, ~(unsigned)syscall(SYS_gettid) << 3 | 6, &time_used);
	CALL(clock_gettime, ~30000u << 3 | 2, &time_used);
	CALL(clock_gettime, ~30000u << 3 | 6, &time_used);
	for (int n = 0; n < 100; n++)
		made += !syscall(SYS_timer_create, CLOCK_MONOTONIC, event, &many[n]);
	for (int n = 0; n < made; n++)
		syscall(SYS_timer_delete, many[n]);
	printf("%d timers at a time\n", made);
	signal(SIGUSR1, SIG_DFL);
}

static void signals(void)
{
	struct { void (*handler)(int); unsigned long flags; void *restorer; unsigned long long mask; } action = { nothing, 0, 0, 0 }, old;
	unsigned long long set = 1ull << (SIGUSR1 - 1), before;
	unsigned long mask = 1ul << (SIGUSR1 - 1), mask_before;
	long soon[2] = { 0, 1000000 };
	stack_t stack = { .ss_sp = malloc(16384), .ss_size = 16384 };

	CALL(rt_sigaction, SIGUSR2, 0, &old, 8);
	CALL(rt_sigaction, SIGKILL, &action, 0, 8);
	CALL(rt_sigaction, 99, 0, &old, 8);
	CALL(rt_sigaction, SIGUSR2, 0, &old, 4);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &before, 8);
	CALL(rt_sigprocmask, 77, &set, &before, 8);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &before, 4);
	CALL(kill, getpid(), SIGUSR1);
	CALL(rt_sigpending, &set, 8);
	printf("pending %llx\n", set);
	CALL(rt_sigpending, BAD, 8);
	CALL(sigpending, &mask);
	CALL(sigpending, BAD);
	set = 1ull << (SIGUSR1 - 1);
	CALL(rt_sigtimedwait, &set, buffer, soon, 8);
	CALL(rt_sigtimedwait, &set, buffer, soon, 8);
	CALL(rt_sigtimedwait, BAD, buffer, soon, 8);
	CALL(sigprocmask, SIG_UNBLOCK, &mask, &mask_before);
	CALL(sigprocmask, 77, &mask, &mask_before);
	CALL(sigaltstack, &stack, 0);
	stack.ss_size = 10;
	CALL(sigaltstack, &stack, 0);
	CALL(sigaction, 99, 0, buffer);
	CALL(sigaction, SIGUSR2, 0, buffer);
	GOOD(signal, SIGUSR2, 1);
	CALL(signal, 99, 1);
	signal(SIGALRM, nothing);
	CALL(alarm, 100);
	CALL(alarm, 0);
	six[0] = 0, six[1] = 0, six[2] = 0, six[3] = 20000;
	CALL(setitimer, ITIMER_REAL, six, six + 4);
	CALL(setitimer, 77, six, six + 4);
	CALL(pause);
	CALL(getitimer, ITIMER_REAL, six);
	CALL(getitimer, 77, six);
	set = 0;
	signal(SIGALRM, nothing);
	six[0] = 0, six[1] = 0, six[2] = 0, six[3] = 20000;
	CALL(setitimer, ITIMER_REAL, six, 0);
	CALL(rt_sigsuspend, &set, 8);
	CALL(rt_sigsuspend, &set, 4);
	timers();
	cpu_timers();
	cpu_clocks();
}

static void times_(void)
{
	long t[2] = { 0, 1000000 }, bad[2] = { 0, 2000000000 };
	long long t64[2] = { 0, 1000000 }, bad64[2] = { -1, 0 };
	long tv[2] = { 0, 1000 };
	struct pollfd p = { .fd = 99, .events = POLLIN }, q = { .fd = 0, .events = POLLIN };
	fd_set set;
	int pair[2];

	GOOD(time, 0);
	GOOD(gettimeofday, six, 0);
	CALL(gettimeofday, BAD, 0);
	CALL(clock_gettime, CLOCK_MONOTONIC, six);
	CALL(clock_gettime, 77, six);
	CALL(clock_gettime64, CLOCK_REALTIME, six);
	CALL(clock_gettime64, 77, six);
	CALL(clock_getres, CLOCK_REALTIME, six);
	CALL(clock_getres, 77, six);
	CALL(clock_getres_time64, CLOCK_REALTIME, six);
	CALL(clock_getres_time64, 77, six);
	CALL(nanosleep, t, 0);
	CALL(nanosleep, bad, 0);
	CALL(clock_nanosleep, CLOCK_REALTIME, 0, t, 0);
	CALL(clock_nanosleep, 77, 0, t, 0);
	CALL(clock_nanosleep_time64, CLOCK_MONOTONIC, 0, t64, 0);
	CALL(clock_nanosleep_time64, CLOCK_MONOTONIC, 0, bad64, 0);
	GOOD(times, buffer);
	CALL(poll, &p, 1, 0);
	printf("revents %x\n", p.revents);
	CALL(poll, &q, 1, 0);
	CALL(poll, BAD, 1, 0);
	CALL(ppoll, &q, 1, t, 0, 8);
	CALL(ppoll, &q, 1, bad, 0, 8);
	CALL(ppoll_time64, &q, 1, t64, 0, 8);
	CALL(ppoll_time64, &q, 1, bad64, 0, 8);
	FD_ZERO(&set);
	FD_SET(0, &set);
	CALL(_newselect, 1, &set, 0, 0, tv);
	CALL(_newselect, -1, 0, 0, 0, tv);
	pipe(pair);
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	CALL(_newselect, pair[0] + 1, &set, 0, 0, tv);
	FD_SET(pair[0], &set);
	CALL(pselect6, pair[0] + 1, &set, 0, 0, t, 0);
	CALL(pselect6, -1, &set, 0, 0, t, 0);
	CALL(pselect6_time64, 0, 0, 0, 0, t64, 0);
	CALL(pselect6_time64, -1, 0, 0, 0, t64, 0);
	q.fd = pair[1], q.events = POLLOUT | POLLIN;
	CALL(poll, &q, 1, 0);
	printf("revents %x\n", q.revents);
	q.fd = pair[0];
	close(pair[1]);
	CALL(poll, &q, 1, 2000);
	printf("revents %x\n", q.revents);
	CALL(utimensat_time64, AT_FDCWD, "none", 0, 0);
	CALL(futex_time64, six, 129, 1, 0, 0, 0);
	CALL(futex, six, 129, 1, 0, 0, 0);
	CALL(futex, six, 128, six[0] + 1, 0, 0, 0);
	CALL(futex_time64, six, 128, six[0] + 1, 0, 0, 0);
	CALL(futex, six, 128, six[0], t, 0, 0);
}

static void memory(void)
{
	char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
	int f = open("/compare/driver.sh", O_RDONLY);

	p[5] = 1;
	GOOD(mmap2, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CALL(mmap2, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CALL(mmap2, 0, 4096, PROT_READ, MAP_PRIVATE, 99, 0);
	CALL(mmap2, 5, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CALL(mmap2, 0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0);
	GOOD(mmap2, 0, 4096, PROT_READ, MAP_PRIVATE, f, 0);
	q = mmap(0, 100, PROT_READ, MAP_PRIVATE, f, 0);
	printf("mapped %c, end %d\n", q[0], q[4095]);
	six[0] = 0, six[1] = 4096, six[2] = PROT_READ, six[3] = MAP_PRIVATE | MAP_ANONYMOUS, six[4] = -1, six[5] = 0;
	GOOD(mmap, six);
	six[1] = 0;
	CALL(mmap, six);
	CALL(mprotect, p, 4096, PROT_READ);
	CALL(mprotect, p + 1, 4096, PROT_READ);
	CALL(mprotect, 0x1000, 4096, PROT_READ);
	CALL(madvise, p, 65536, MADV_DONTNEED);
	printf("after %d\n", p[5]);
	CALL(madvise, p + 1, 100, MADV_DONTNEED);
	CALL(madvise, p, 4096, 4711);
	CALL(msync, p, 4096, MS_SYNC);
	CALL(msync, p + 1, 4096, MS_SYNC);
	CALL(mincore, p + 1, 4096, buffer);
	GOOD(mremap, p, 65536, 131072, MREMAP_MAYMOVE);
	CALL(mremap, p + 1, 4096, 8192, MREMAP_MAYMOVE);
	CALL(munmap, p, 4096);
	CALL(munmap, p + 1, 4096);
	CALL(munmap, p, 0);
	GOOD(brk, 0);
	CALL(mlock, q, 4096);
	CALL(munlock, q, 4096);
	CALL(write, 1, q, 0);
	CALL(read, f, (void *)0xc0100000, 10);
	CALL(read, f, q, 10);
}

static void show_events(const struct epoll_event *event, long count)
{
	for (long n = 0; n < count; n++)
		printf("event %x of %llx\n", event[n].events, (unsigned long long)event[n].data.u64);
}

static void epoll(void)
{
	struct epoll_event in = { EPOLLIN, { .u64 = 0x1122334455667788ull } }, out = { EPOLLOUT | EPOLLONESHOT, { .u64 = 2 } }, seen[4];
	int pair[2], ep, event;
	unsigned long long value = 5;
	char byte;
	pid_t child;

	pipe(pair);
	CALL(epoll_create, 0);
	CALL(epoll_create1, 77);
	ep = syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], &in);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], &in);
	CALL(epoll_ctl, ep, EPOLL_CTL_MOD, pair[1], &out);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, 99, &in);
	CALL(epoll_ctl, 99, EPOLL_CTL_ADD, pair[0], &in);
	CALL(epoll_ctl, pair[0], EPOLL_CTL_ADD, pair[1], &in);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ep, &in);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, pair[1], BAD);
	CALL(epoll_wait, ep, seen, 4, 0);
	CALL(epoll_wait, ep, seen, 4, 20);
	CALL(epoll_wait, ep, seen, 0, 0);
	CALL(epoll_wait, pair[0], seen, 4, 0);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, pair[1], &out);
	show_events(seen, CALL(epoll_wait, ep, seen, 4, -1));
	CALL(epoll_wait, ep, seen, 4, 0);
	child = fork();
	if (child == 0) {
		usleep(20000);
		_exit(write(pair[1], "x", 1) != 1);
	}
	show_events(seen, CALL(epoll_wait, ep, seen, 4, -1));
	waitpid(child, NULL, 0);
	read(pair[0], &byte, 1);
	CALL(epoll_pwait, ep, seen, 4, 0, 0, 8);
	CALL(epoll_ctl, ep, EPOLL_CTL_DEL, pair[1], 0);
	CALL(epoll_ctl, ep, EPOLL_CTL_DEL, pair[1], 0);
	close(pair[1]);
	show_events(seen, CALL(epoll_wait, ep, seen, 4, -1));
	close(pair[0]);
	CALL(epoll_wait, ep, seen, 4, 0);
	event = syscall(SYS_eventfd2, 0, EFD_NONBLOCK);
	CALL(eventfd2, 0, 0x777);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, event, &in);
	CALL(epoll_wait, ep, seen, 4, 0);
	CALL(read, event, &value, 8);
	CALL(write, event, &value, 8);
	CALL(write, event, &value, 8);
	CALL(write, event, &value, 4);
	show_events(seen, CALL(epoll_wait, ep, seen, 4, -1));
	CALL(read, event, &value, 8);
	printf("counted %llu\n", value);
	CALL(read, ep, &value, 8);
	close(event);
	event = syscall(SYS_eventfd2, 2, EFD_SEMAPHORE);
	CALL(read, event, &value, 8);
	CALL(read, event, &value, 4);
	printf("one: %llu\n", value);
	close(event);
	close(ep);
}

static void misc(void)
{
	GOOD(uname, buffer);
	CALL(uname, BAD);
	GOOD(sysinfo, buffer);
	CALL(sysinfo, BAD);
	CALL(getrandom, buffer, 16, 0);
	CALL(getrandom, buffer, 16, 77);
	CALL(personality, 0xffffffff);
	CALL(ioctl, 0, 4711, buffer);
	CALL(splice, 99, 0, 1, 0, 10, 0);
	CALL(tee, 99, 1, 10, 0);
	CALL(copy_file_range, 99, 0, 1, 0, 10, 0);
	CALL(set_robust_list, buffer, 12);
	CALL(set_robust_list, buffer, 13);
	GOOD(set_tid_address, buffer);
	CALL(socketcall, 1, six);
	CALL(close_range, 50, 60, 0);
	CALL(close_range, 60, 50, 0);
	CALL(nice, 0);
	show("unknown", syscall(600));
	epoll();
}

int main(int count, char **word)
{
	static const struct { const char *name; void (*run)(void); } topics[] = {
		{ "files", files }, { "names", names }, { "process", process }, { "signals", signals }, { "time", times_ },
		{ "memory", memory }, { "misc", misc },
	};

	setvbuf(stdout, NULL, _IOFBF, 65536);
	for (unsigned i = 0; i < sizeof topics / sizeof *topics; i++)
		if (count > 1 && !strcmp(word[1], topics[i].name))
			topics[i].run();
	return 0;
}
