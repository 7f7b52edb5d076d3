/* Handlers of Linux's calls, by the file that has them, and what these files share.  Arguments come as the
 * caller's registers in order; pointers lead to user memory. */
#ifndef POSIX_CALLS_H
#define POSIX_CALLS_H

#include "posix.h"

struct kernel_action;
struct old_action;
struct stack32;
struct clone_arguments;
struct utsname_linux;
struct sysinfo_linux;
struct mask_argument;
struct event32;
struct epoll_event32;
struct statfs_linux;

extern void (*const posix_table[])(void);
extern const unsigned posix_table_size;

long	thread_clone(struct registers *r, uint32_t flags, uint32_t tls, int32_t *parent_tid, int32_t *child_tid);
void	vfork_ends(void);
void	thread_exit(int status) __attribute__((noreturn));
long	futex(uint32_t address, uint32_t operation, uint32_t value, uint64_t deadline, uint32_t other, uint32_t address2, uint32_t value3);
void	signal_mask_for_wait(uint64_t set);
bool	tty_is_ours(int file);
bool	tty_tostop(int file);
int	tty_background(uint32_t write);

/* clock.c */
long	posix_clock_gettime(int clock, struct timespec32 *to);
long	posix_clock_gettime64(int clock, struct timespec64 *to);
long	posix_clock_getres(int clock, struct timespec32 *to);
long	posix_clock_getres64(int clock, struct timespec64 *to);
long	posix_gettimeofday(struct timeval32 *to, int32_t *zone);
long	posix_time(int32_t *to);
long	posix_clock_settime(int clock, const struct timespec32 *from);
long	posix_clock_settime64(int clock, const struct timespec64 *from);
long	posix_settimeofday(const struct timeval32 *from);
long	posix_clock_nanosleep(int clock, uint32_t flags, const struct timespec32 *time, struct timespec32 *rest);
long	posix_clock_nanosleep64(int clock, uint32_t flags, const struct timespec64 *time, struct timespec64 *rest);
long	posix_nanosleep(const struct timespec32 *time, struct timespec32 *rest);

/* dir.c */
long	posix_openat(int dirfd, const char *path, uint32_t flags, uint32_t mode);
long	posix_open(const char *path, uint32_t flags, uint32_t mode);
long	posix_creat(const char *path, uint32_t mode);
long	posix_mkdirat(int dirfd, const char *path, uint32_t mode);
long	posix_mkdir(const char *path, uint32_t mode);
long	posix_mknodat(int dirfd, const char *path, uint32_t mode, uint32_t device);
long	posix_mknod(const char *path, uint32_t mode, uint32_t device);
long	posix_unlinkat(int dirfd, const char *path, uint32_t flags);
long	posix_unlink(const char *path);
long	posix_rmdir(const char *path);
long	posix_renameat2(int dirfd, const char *path, int new_dirfd, const char *new_path, uint32_t flags);
long	posix_renameat(int dirfd, const char *path, int new_dirfd, const char *new_path);
long	posix_rename(const char *path, const char *new_path);
long	posix_linkat(int dirfd, const char *path, int new_dirfd, const char *new_path, uint32_t flags);
long	posix_link(const char *path, const char *new_path);
long	posix_symlinkat(const char *target, int dirfd, const char *path);
long	posix_symlink(const char *target, const char *path);
long	posix_readlinkat(int dirfd, const char *path, char *to, uint32_t size);
long	posix_readlink(const char *path, char *to, uint32_t size);
long	posix_fchmodat(int dirfd, const char *path, uint32_t mode);
long	posix_chmod(const char *path, uint32_t mode);
long	posix_fchmod(int fd, uint32_t mode);
long	posix_fchown(int fd, uint32_t uid, uint32_t gid);
long	posix_fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid, uint32_t flags);
long	posix_chown(const char *path, uint32_t uid, uint32_t gid);
long	posix_lchown(const char *path, uint32_t uid, uint32_t gid);
long	posix_utimensat(int dirfd, const char *path, const struct timespec32 *times, uint32_t flags);
long	posix_utimensat64(int dirfd, const char *path, const struct timespec64 *times, uint32_t flags);
long	posix_futimesat(int dirfd, const char *path, const struct timeval32 *times);
long	posix_utimes(const char *path, const struct timeval32 *times);
long	posix_utime(const char *path, const int32_t *times);
long	posix_chdir(const char *path);
long	posix_fchdir(int fd);
long	posix_chroot(const char *path);
long	posix_getcwd(char *to, uint32_t size);
long	posix_umask(uint32_t mask);
long	posix_getdents64(int fd, void *to, uint32_t count);
long	posix_getdents(int fd, uint8_t *to, uint32_t count);

/* epoll.c; what it needs of poll.c */
int	poll_check(struct pollfd32 *list, uint32_t count, fluke_ref_t *port);
long	poll_wait(struct pollfd32 *list, uint32_t count, uint64_t deadline);
long	poll_masked(const uint64_t *mask);
long	poll_unmasked(long result);
long	posix_epoll_create(int size);
long	posix_epoll_create1(uint32_t flags);
long	posix_epoll_ctl(int fd, uint32_t operation, int target, const struct epoll_event32 *from);
long	posix_epoll_wait(int fd, struct epoll_event32 *to, int most, int32_t ms);
long	posix_epoll_pwait(int fd, struct epoll_event32 *to, int most, int32_t ms, const uint64_t *mask);
long	posix_eventfd(uint32_t value);
long	posix_eventfd2(uint32_t value, uint32_t flags);

/* exec.c */
long	posix_execve(const char *path, char *const *argv, char *const *envp);
long	posix_execveat(int dirfd, const char *path, char *const *argv, char *const *envp, uint32_t flags);

/* file.c */
long	posix_read(int fd, void *to, uint32_t count);
long	posix_write(int fd, const void *from, uint32_t count);
long	posix_readv(int fd, const struct iovec32 *v, int count);
long	posix_writev(int fd, const struct iovec32 *v, int count);
long	posix_preadv(int fd, const struct iovec32 *v, int count, uint32_t low, uint32_t high);
long	posix_pwritev(int fd, const struct iovec32 *v, int count, uint32_t low, uint32_t high);
long	posix_pread64(int fd, void *to, uint32_t count, uint32_t low, uint32_t high);
long	posix_pwrite64(int fd, const void *from, uint32_t count, uint32_t low, uint32_t high);
long	posix_llseek(int fd, uint32_t high, uint32_t low, uint64_t *to, int whence);
long	posix_lseek(int fd, int32_t offset, int whence);
long	posix_ftruncate64(int fd, uint32_t low, uint32_t high);
long	posix_ftruncate(int fd, uint32_t size);
long	posix_truncate64(const char *path, uint32_t low, uint32_t high);
long	posix_truncate(const char *path, uint32_t size);
long	posix_fallocate(int fd, uint32_t mode, uint32_t low, uint32_t high, uint32_t length_low, uint32_t length_high);
long	posix_fsync(int fd);
long	posix_sync(void);
long	posix_fadvise64(int fd);
long	posix_readahead(int fd);
long	posix_splice(int in, uint32_t in_offset, int out);
long	posix_tee(int in, int out);
long	posix_sendfile64(int out, int in, uint64_t *offset, uint32_t count);
long	posix_sendfile(int out, int in, int32_t *offset, uint32_t count);
long	posix_copy_file_range(int in, uint64_t *in_offset, int out, uint64_t *out_offset, uint32_t count, uint32_t flags);
long	posix_pipe2(int *result, uint32_t flags);
long	posix_pipe(int *result);

/* files.c */
long	posix_close(int fd);
long	posix_close_range(uint32_t first, uint32_t last, uint32_t flags);
long	posix_dup(int fd);
long	posix_dup2(int fd, int to);
long	posix_dup3(int fd, int to, uint32_t flags);
long	posix_fcntl64(int fd, uint32_t command, uint32_t argument);
long	posix_flock(int fd, uint32_t operation);

/* frame.c */
long	posix_sigreturn(void);
long	posix_rt_sigreturn(void);

/* futex.c */
long	posix_futex(uint32_t address, uint32_t operation, uint32_t value, uint32_t time, uint32_t address2, uint32_t value3);
long	posix_futex64(uint32_t address, uint32_t operation, uint32_t value, uint32_t time, uint32_t address2, uint32_t value3);

/* memory.c */
long	posix_mmap2(uint32_t start, uint32_t size, uint32_t prot, uint32_t flags, int fd, uint32_t page);
long	posix_memfd_create(const char *name, uint32_t flags);
long	posix_mmap(const uint32_t *a);
long	posix_munmap(uint32_t start, uint32_t size);
long	posix_mprotect(uint32_t start, uint32_t size, uint32_t prot);
long	posix_mremap(uint32_t start, uint32_t old_size, uint32_t size, uint32_t flags);
long	posix_madvise(uint32_t start, uint32_t size, int advice);
long	posix_msync(uint32_t start, uint32_t size, uint32_t flags);
long	posix_mincore(uint32_t start, uint32_t size, uint8_t *to);
long	posix_mlock(void);

/* misc.c */
long	posix_uname(struct utsname_linux *to);
long	posix_sysinfo(struct sysinfo_linux *to);
long	posix_sched_getaffinity(int pid, uint32_t size, uint32_t *set);
long	posix_sched_zero(void);
long	posix_sched_get_priority_max(int policy);
long	posix_sched_get_priority_min(int policy);
long	posix_getpriority(uint32_t which);
long	posix_setpriority(uint32_t which);
long	posix_getcpu(uint32_t *cpu, uint32_t *node);
long	posix_getrandom(uint8_t *to, uint32_t size, uint32_t flags);
long	posix_sethostname(void);
long	posix_personality(void);
long	posix_ok(void);
long	posix_socket(void);
long	posix_socketcall(uint32_t call);
long	posix_no_permission(void);
long	posix_reboot(uint32_t magic, uint32_t magic2, uint32_t command);

/* poll.c */
long	posix_poll(struct pollfd32 *list, uint32_t count, int32_t ms);
long	posix_ppoll(struct pollfd32 *list, uint32_t count, const struct timespec32 *time, const uint64_t *mask);
long	posix_ppoll64(struct pollfd32 *list, uint32_t count, const struct timespec64 *time, const uint64_t *mask);
long	posix_newselect(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timeval32 *time);
long	posix_select(const uint32_t *a);
long	posix_pselect6(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timespec32 *time, const struct mask_argument *m);
long	posix_pselect6_64(int count, uint32_t *in, uint32_t *out, uint32_t *except, const struct timespec64 *time, const struct mask_argument *m);

/* procs.c */
long	posix_exit_group(int status);
long	posix_fork(void);
long	posix_vfork(void);
long	posix_clone(uint32_t flags, uint32_t stack, uint32_t parent_tid, uint32_t tls, uint32_t child_tid);
long	posix_clone3(const struct clone_arguments *arguments, uint32_t size);
long	posix_wait4(int id, int *status, uint32_t options, struct rusage_linux *rusage);
long	posix_waitpid(int id, int *status, uint32_t options);
long	posix_waitid(int type, int id, struct siginfo32 *info, uint32_t options, struct rusage_linux *rusage);
long	posix_getpid(void);
long	posix_getppid(void);
long	posix_getuid(void);
long	posix_geteuid(void);
long	posix_getgid(void);
long	posix_getegid(void);
long	posix_getpgrp(void);
long	posix_getresuid(uint32_t *real, uint32_t *effective, uint32_t *saved);
long	posix_getresgid(uint32_t *real, uint32_t *effective, uint32_t *saved);
long	posix_setresuid(uint32_t real, uint32_t effective, uint32_t saved);
long	posix_setresgid(uint32_t real, uint32_t effective, uint32_t saved);
long	posix_setreuid(uint32_t real, uint32_t effective);
long	posix_setregid(uint32_t real, uint32_t effective);
long	posix_setuid(uint32_t uid);
long	posix_setgid(uint32_t gid);
long	posix_setfsuid(void);
long	posix_setfsgid(void);
long	posix_getgroups(uint32_t size, uint32_t *to);
long	posix_setgroups(void);
long	posix_getpgid(int pid);
long	posix_getsid(int pid);
long	posix_setpgid(int pid, int group);
long	posix_setsid(void);
long	posix_getrlimit(int resource, uint32_t *to);
long	posix_setrlimit(int resource, const uint32_t *from);
long	posix_prlimit64(int pid, int resource, const uint64_t *new, uint64_t *old);
long	posix_getrusage(int who, struct rusage_linux *to);
long	posix_times(int32_t *to);
long	posix_prctl(uint32_t option, uint32_t argument);

/* signal.c */
long	posix_rt_sigaction(int number, const struct kernel_action *new, struct kernel_action *old, uint32_t size);
long	posix_sigaction(int number, const struct old_action *new, struct old_action *old);
long	posix_signal(int number, uint32_t handler);
long	posix_rt_sigprocmask(uint32_t how, const uint64_t *set, uint64_t *old, uint32_t size);
long	posix_sigprocmask(uint32_t how, const uint32_t *set, uint32_t *old);
long	posix_rt_sigpending(uint64_t *set);
long	posix_sigpending(uint32_t *set);
long	posix_rt_sigsuspend(const uint64_t *set, uint32_t size);
long	posix_sigsuspend(uint32_t a, uint32_t b, uint32_t mask);
long	posix_pause(void);
long	posix_rt_sigtimedwait(const uint64_t *set, struct siginfo32 *info, const struct timespec32 *time);
long	posix_rt_sigtimedwait64(const uint64_t *set, struct siginfo32 *info, const struct timespec64 *time);
long	posix_sigaltstack(const struct stack32 *new, struct stack32 *old);
long	posix_kill(int pid, int number);
long	posix_tgkill(int pid, int tid, int number);
long	posix_tkill(int tid, int number);

/* stat.c */
long	posix_fstatat64(int dirfd, const char *path, struct stat64_linux *to, uint32_t flags);
long	posix_stat64(const char *path, struct stat64_linux *to);
long	posix_lstat64(const char *path, struct stat64_linux *to);
long	posix_fstat64(int fd, struct stat64_linux *to);
long	posix_stat(const char *path, struct stat_old *to);
long	posix_lstat(const char *path, struct stat_old *to);
long	posix_fstat(int fd, struct stat_old *to);
long	posix_statx(int dirfd, const char *path, uint32_t flags, uint32_t mask, struct statx_linux *to);
long	posix_faccessat2(int dirfd, const char *path, uint32_t mode, uint32_t flags);
long	posix_faccessat(int dirfd, const char *path, uint32_t mode);
long	posix_access(const char *path, uint32_t mode);
long	posix_statfs64(const char *path, uint32_t size, struct statfs64_linux *to);
long	posix_fstatfs64(int fd, uint32_t size, struct statfs64_linux *to);
long	posix_statfs(const char *path, struct statfs_linux *to);
long	posix_fstatfs(int fd, struct statfs_linux *to);
long	posix_xattr(void);

/* table.c */
long	posix_not_here(void);
long	posix_no_call(void);
long	posix_restart_syscall(void);

/* thread.c */
long	posix_exit(int status);
long	posix_gettid(void);
long	posix_set_tid_address(uint32_t address);
long	posix_set_robust_list(uint32_t head, uint32_t size);
long	posix_set_thread_area(struct user_desc *d);
long	posix_get_thread_area(struct user_desc *d);

/* timer.c */
long	posix_setitimer(uint32_t which, const struct timeval32 *new, struct timeval32 *old);
long	posix_getitimer(uint32_t which, struct timeval32 *to);
long	posix_alarm(uint32_t seconds);
long	posix_timer_create(uint32_t clock, const struct event32 *event, uint32_t *to);
long	posix_timer_settime(uint32_t id, uint32_t flags, const struct timespec32 *new, struct timespec32 *old);
long	posix_timer_settime64(uint32_t id, uint32_t flags, const struct timespec64 *new, struct timespec64 *old);
long	posix_timer_gettime(uint32_t id, struct timespec32 *to);
long	posix_timer_gettime64(uint32_t id, struct timespec64 *to);
long	posix_timer_getoverrun(uint32_t id);
long	posix_timer_delete(uint32_t id);

/* tty.c */
long	posix_ioctl(int fd, uint32_t request, uint32_t argument);

/* vm.c */
long	posix_brk(uint32_t to);

#endif
