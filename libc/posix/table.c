/* Linux i386 call numbers and their handlers.  What is not here answers ENOSYS and is counted. */
#include "posix.h"
#include "calls.h"

#define CALL(number, name)	[number] = (void (*)(void))posix_##name,

void (*const posix_table[])(void) = {
	CALL(0, restart_syscall) CALL(1, exit) CALL(2, fork) CALL(3, read) CALL(4, write) CALL(5, open) CALL(6, close)
	CALL(7, waitpid) CALL(8, creat) CALL(9, link) CALL(10, unlink) CALL(11, execve) CALL(12, chdir) CALL(13, time)
	CALL(14, mknod) CALL(15, chmod) CALL(16, lchown) CALL(19, lseek) CALL(20, getpid) CALL(21, no_permission)
	CALL(22, no_permission) CALL(23, setuid) CALL(24, getuid) CALL(27, alarm) CALL(29, pause) CALL(30, utime)
	CALL(33, access) CALL(34, ok) CALL(36, sync) CALL(37, kill) CALL(38, rename) CALL(39, mkdir) CALL(40, rmdir)
	CALL(41, dup) CALL(42, pipe) CALL(43, times) CALL(45, brk) CALL(46, setgid) CALL(47, getgid) CALL(48, signal)
	CALL(49, geteuid) CALL(50, getegid) CALL(52, no_permission) CALL(54, ioctl) CALL(55, fcntl64) CALL(57, setpgid)
	CALL(60, umask) CALL(61, chroot) CALL(63, dup2) CALL(64, getppid) CALL(65, getpgrp) CALL(66, setsid)
	CALL(67, sigaction) CALL(70, setreuid) CALL(71, setregid) CALL(72, sigsuspend) CALL(73, sigpending)
	CALL(74, sethostname) CALL(75, setrlimit) CALL(76, getrlimit) CALL(77, getrusage) CALL(78, gettimeofday)
	CALL(79, settimeofday) CALL(80, getgroups) CALL(81, setgroups) CALL(82, select) CALL(83, symlink) CALL(85, readlink)
	CALL(88, reboot) CALL(90, mmap) CALL(91, munmap) CALL(92, truncate) CALL(93, ftruncate) CALL(94, fchmod)
	CALL(95, fchown) CALL(96, getpriority) CALL(97, setpriority) CALL(102, socketcall) CALL(104, setitimer) CALL(105, getitimer)
	CALL(99, statfs) CALL(100, fstatfs) CALL(106, stat) CALL(107, lstat) CALL(108, fstat) CALL(114, wait4) CALL(116, sysinfo) CALL(118, fsync)
	CALL(119, sigreturn) CALL(120, clone) CALL(122, uname) CALL(125, mprotect) CALL(126, sigprocmask) CALL(132, getpgid)
	CALL(133, fchdir) CALL(136, personality) CALL(138, setfsuid) CALL(139, setfsgid) CALL(140, llseek)
	CALL(141, getdents) CALL(142, newselect) CALL(143, flock) CALL(144, msync) CALL(145, readv) CALL(146, writev)
	CALL(147, getsid) CALL(148, fsync) CALL(150, mlock) CALL(151, mlock) CALL(152, mlock) CALL(153, mlock)
	CALL(154, sched_zero) CALL(155, sched_zero) CALL(156, sched_zero) CALL(157, sched_zero) CALL(158, ok)
	CALL(159, sched_get_priority_max) CALL(160, sched_get_priority_min) CALL(162, nanosleep) CALL(163, mremap)
	CALL(164, setresuid) CALL(165, getresuid) CALL(168, poll) CALL(170, setresgid) CALL(171, getresgid) CALL(172, prctl)
	CALL(173, rt_sigreturn) CALL(174, rt_sigaction) CALL(175, rt_sigprocmask) CALL(176, rt_sigpending)
	CALL(177, rt_sigtimedwait) CALL(179, rt_sigsuspend) CALL(180, pread64) CALL(181, pwrite64) CALL(182, chown)
	CALL(183, getcwd) CALL(186, sigaltstack) CALL(187, sendfile) CALL(190, vfork) CALL(191, getrlimit) CALL(192, mmap2)
	CALL(193, truncate64) CALL(194, ftruncate64) CALL(195, stat64) CALL(196, lstat64) CALL(197, fstat64) CALL(198, lchown)
	CALL(199, getuid) CALL(200, getgid) CALL(201, geteuid) CALL(202, getegid) CALL(203, setreuid) CALL(204, setregid)
	CALL(205, getgroups) CALL(206, setgroups) CALL(207, fchown) CALL(208, setresuid) CALL(209, getresuid)
	CALL(210, setresgid) CALL(211, getresgid) CALL(212, chown) CALL(213, setuid) CALL(214, setgid) CALL(215, setfsuid)
	CALL(216, setfsgid) CALL(218, mincore) CALL(219, madvise) CALL(220, getdents64) CALL(221, fcntl64) CALL(224, gettid)
	CALL(225, readahead) CALL(226, xattr) CALL(227, xattr) CALL(228, xattr) CALL(229, xattr) CALL(230, xattr) CALL(231, xattr)
	CALL(232, xattr) CALL(233, xattr) CALL(234, xattr) CALL(235, xattr) CALL(236, xattr) CALL(237, xattr)
	CALL(238, tkill) CALL(239, sendfile64) CALL(240, futex) CALL(241, ok) CALL(242, sched_getaffinity)
	CALL(243, set_thread_area) CALL(244, get_thread_area) CALL(250, fadvise64) CALL(252, exit_group) CALL(254, epoll_create) CALL(255, epoll_ctl)
	CALL(256, epoll_wait)
	CALL(258, set_tid_address) CALL(259, timer_create) CALL(260, timer_settime) CALL(261, timer_gettime)
	CALL(262, timer_getoverrun) CALL(263, timer_delete) CALL(264, clock_settime) CALL(265, clock_gettime) CALL(266, clock_getres)
	CALL(267, clock_nanosleep) CALL(268, statfs64) CALL(269, fstatfs64) CALL(270, tgkill) CALL(271, utimes)
	CALL(272, fadvise64) CALL(284, waitid) CALL(295, openat) CALL(296, mkdirat) CALL(297, mknodat) CALL(298, fchownat)
	CALL(299, futimesat) CALL(300, fstatat64) CALL(301, unlinkat) CALL(302, renameat) CALL(303, linkat)
	CALL(304, symlinkat) CALL(305, readlinkat) CALL(306, fchmodat) CALL(307, faccessat) CALL(308, pselect6)
	CALL(309, ppoll) CALL(311, set_robust_list) CALL(318, getcpu) CALL(319, epoll_pwait) CALL(320, utimensat) CALL(313, splice) CALL(315, tee) CALL(316, not_here) CALL(324, fallocate)
	CALL(323, eventfd) CALL(328, eventfd2) CALL(329, epoll_create1) CALL(330, dup3) CALL(331, pipe2) CALL(333, preadv) CALL(334, pwritev) CALL(340, prlimit64) CALL(353, renameat2)
	CALL(355, getrandom) CALL(356, memfd_create) CALL(358, execveat) CALL(359, socket) CALL(377, copy_file_range) CALL(383, statx) CALL(386, no_call)
	CALL(403, clock_gettime64) CALL(404, clock_settime64) CALL(406, clock_getres64) CALL(407, clock_nanosleep64)
	CALL(408, timer_gettime64) CALL(409, timer_settime64) CALL(412, utimensat64) CALL(413, pselect6_64) CALL(414, ppoll64) CALL(421, rt_sigtimedwait64) CALL(422, futex64)
	CALL(435, clone3) CALL(436, close_range) CALL(439, faccessat2)
};

const unsigned posix_table_size = NELEM(posix_table);

/* vmsplice: as splice. */
long posix_not_here(void)
{
	return -EINVAL;
}

/* rseq: known, and not there. */
long posix_no_call(void)
{
	return -ENOSYS;
}

/* Sleeps and the like are never restarted through it. */
long posix_restart_syscall(void)
{
	return -EINTR;
}
