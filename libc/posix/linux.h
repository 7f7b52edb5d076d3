/* Linux i386 structures and numbers that only the image needs (the rest: include/linux_abi.h). */
#ifndef POSIX_LINUX_H
#define POSIX_LINUX_H

#include <stdint.h>

#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	0x01
#define MAP_PRIVATE	0x02
#define MAP_TYPE	0x0f
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20
#define MFD_CLOEXEC	1u
#define MFD_ALLOW_SEALING 2u
#define MAP_NORESERVE	0x4000
#define MAP_FIXED_NOREPLACE 0x100000
#define MREMAP_MAYMOVE	1
#define MREMAP_FIXED	2

#define FD_CLOEXEC	1
#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_GETLK		5
#define F_SETLK		6
#define F_SETLKW	7
#define F_GETLK64	12
#define F_SETLK64	13
#define F_SETLKW64	14
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_OFD_SETLKW	38
#define F_SETPIPE_SZ	1031
#define PIPE_MOST	65536		/* bytes; each pipe's size */
#define F_GETPIPE_SZ	1032
#define F_DUPFD_CLOEXEC	1030

#define AT_EACCESS	0x200
#define AT_STATX_MASK	0x7800

#define CLONE_VM	0x00000100
#define CLONE_VFORK	0x00004000
#define CLONE_THREAD	0x00010000
#define CLONE_SETTLS	0x00080000
#define CLONE_PARENT_SETTID 0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_CHILD_SETTID 0x01000000

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2
#define SIG_DFL		0
#define SIG_IGN		1
#define SA_NOCLDSTOP	1
#define SA_NOCLDWAIT	2
#define SA_SIGINFO	4
#define SA_RESTORER	0x04000000
#define SA_ONSTACK	0x08000000
#define SA_RESTART	0x10000000
#define SA_NODEFER	0x40000000
#define SA_RESETHAND	0x80000000u
#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define BUS_ADRERR	2
#define FPE_INTDIV	1
#define ILL_ILLOPN	2
#define TRAP_BRKPT	1

#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_REQUEUE	3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_PRIVATE	128
#define FUTEX_REALTIME	256

struct iovec32 { uint32_t base, size; };
struct timespec32 { int32_t sec, nsec; };
struct timespec64 { int64_t sec; int32_t nsec, pad; };
struct timeval32 { int32_t sec, usec; };
struct user_desc { uint32_t entry, base, limit, flags; };

struct stat_old {		/* struct stat (i386) */
	uint32_t dev, ino;
	uint16_t mode, nlink, uid, gid;
	uint32_t rdev, size, blksize, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, pad[2];
};
struct stat64_linux {
	uint64_t dev;
	uint32_t pad0, ino32, mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t pad3;
	int64_t size;
	uint32_t blksize;
	uint64_t blocks;
	uint32_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
	uint64_t ino;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct stat64_linux) == 96, "stat64");

struct statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct statx_linux {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare[14];
};
_Static_assert(sizeof(struct statx_linux) == 256, "statx");

struct statfs64_linux {
	uint32_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	uint32_t fsid[2], namelen, frsize, flags, spare[4];
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct statfs64_linux) == 84, "statfs64");

struct rusage_linux { struct timeval32 user, system; int32_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
	oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw; };

struct termios_kernel { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; };

struct siginfo32 { int32_t signo, error, code; int32_t rest[29]; };
struct sigcontext32 {
	uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip, cs, eflags, esp_at_signal, ss,
		fpstate, oldmask, cr2;
};
struct ucontext32 {
	uint32_t flags, link, stack_sp, stack_flags, stack_size;
	struct sigcontext32 context;
	uint64_t mask;
};

struct pollfd32 { int32_t fd; int16_t events, revents; };

#endif
