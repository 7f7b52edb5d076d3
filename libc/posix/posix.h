/* The personality image, internally: threads, descriptor table, address space map, signals, waiting.
 *
 * One lock (image_lock) guards the descriptor table, the map and the thread table; it is a no-op
 * while the process has one thread.  User memory is touched only without it.  Handlers of calls
 * are plain C functions of up to six words that return a result or -errno. */
#ifndef POSIX_H
#define POSIX_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <fluke/fluke.h>
#include <linux_abi.h>
#include <startup.h>
#include <process.h>
#include "linux.h"

#define PAGE			4096u
#define PAGE_UP(x)		(((x) + PAGE - 1) & ~(PAGE - 1))
#define PAGE_DOWN(x)		((x) & ~(PAGE - 1))
#define NELEM(a)		(sizeof(a) / sizeof((a)[0]))

#define REF(address)		((fluke_ref_t *)(address))
#define REF_PROCESS		REF(START_REF_PARENT)
#define REF_CLOCK		clock_ref()
#define FACTS			((const struct process_facts *)START_FACTS)
#define CONTROL			((struct process_control *)IMAGE_CONTROL)

/* ---- threads ---- */

struct registers {		/* the user's; layout known to entry.S */
	uint32_t	ebx, ecx, edx, esi, edi, ebp, eax, orig_eax, eip, eflags, esp;
};

struct thread {			/* at the start of the thread's area */
	/* known to entry.S */
	uint32_t	flag;		/* look for signals before leaving */
	uint32_t	cancel;		/* in image_blocking_call */
	uint32_t	cancelled;	/* that was left because of flag */
	uint32_t	cancel_esp;
	struct registers *frame;
	uint32_t	guard;		/* where a fault of the image unwinds to */
	/* its own */
	uint32_t	number;
	int32_t		tid;
	uint32_t	blocking;	/* the next RPC may be left by a signal */
	uint32_t	locked;		/* holds the image lock */
	uint32_t	has_timer, has_watch;
	uint32_t	tls_base;
	uint32_t	clear_tid;	/* CLONE_CHILD_CLEARTID */
	uint64_t	blocked;
	uint64_t	saved_mask;	/* of sigsuspend, pselect, ppoll */
	bool		restore_mask;
	bool		restart;	/* result -ERESTART: the call may run again */
	uint32_t	alt_stack, alt_size, alt_flags;
	struct { int32_t number, code, sender; uint32_t value, address; } taken;	/* signal to deliver; 0 = none */
	/* futex: guarded by the image lock */
	uint32_t	futex, futex_bits;
	volatile bool	woken;
	uint32_t	fault_address, fault_count;
	int16_t		held[4];		/* files that the call in progress uses, for files_drop */
	uint32_t	holding;
	char		name[16];
};
_Static_assert(offsetof(struct thread, frame) == 16 && offsetof(struct thread, guard) == 20, "entry.S");
_Static_assert(sizeof(struct registers) == 44, "entry.S");

#define THREAD(n)	((struct thread *)IMAGE_THREAD_AREA(n))
static inline struct thread *self(void)
{
	uint32_t stack;

	__asm__("movl %%esp, %0" : "=r"(stack));
	return (struct thread *)(stack & ~(IMAGE_THREAD_SIZE - 1));
}

extern uint32_t image_sole_thread;	/* area of the only thread, or 0 */
extern bool	image_thread_used[IMAGE_THREADS_MAX];

void	image_lock(void);
void	image_unlock(void);
void	threads_start(void);		/* first thread, after start or exec */
void	threads_forked(void);		/* in the child */
void	thread_objects(unsigned number);	/* makes its refs, ports */
fluke_ref_t *thread_ref(int n);		/* scratch refs of the current thread, 0-7 */
void	thread_wake(struct thread *t);

/* ---- waiting ---- */

#define FOREVER		(~0ull)
/* Until woken (0), the monotonic time (-ETIMEDOUT) or a signal that will be handled (-EINTR). */
int	thread_wait(uint64_t deadline);
fluke_ref_t *wait_watch_port(void);	/* what watch() gets; events wake thread_wait until wait_watch_end */
void	wait_watch_end(void);

/* An RPC that a signal may leave: BLOCKING(call) is 0, an errno, or ERESTART. */
#define ERESTART	512
#define BLOCKING(call) ({ \
	int error_; \
	do { \
		blocking_begin(); \
		error_ = (call); \
	} while (blocking_again()); \
	blocking_end(error_); \
})
void	blocking_begin(void);
bool	blocking_again(void);
int	blocking_end(int error);

/* ---- time ---- */

uint64_t	now_monotonic(void);
uint64_t	now_wall(void);
fluke_ref_t	*clock_ref(void);	/* the Clock, asked for once */

/* Clocks of processor time as Linux numbers them; 0: the caller's. */
#define CLOCK_OF_PROCESS(pid)	((int)(~(unsigned)(pid) << 3 | 2))
#define CLOCK_OF_THREAD(tid)	((int)(~(unsigned)(tid) << 3 | 6))
int		clock_of_cpu(int clock);	/* 2 and 3 among them; others as they are */

/* ---- errors ---- */

int	fail(int error);		/* result of a stub as -errno; transport errors become EIO */

/* ---- descriptors ---- */

struct file {
	uint16_t	uses;		/* descriptors, areas and calls in progress; 0 = free slot */
	uint16_t	areas;		/* of these, areas that map it */
	uint8_t		made, region_made;	/* the refs are active objects */
	uint8_t		region;		/* the region ref is valid (READ EXECUTE) */
	uint8_t		shared;		/* the server keeps the offset */
	uint8_t		special;	/* FILE_* */
	uint8_t		window;		/* window.c: number + 1 */
	uint8_t		no_window, reads;
	uint16_t	serial;		/* of its opening */
	uint8_t		name;		/* as area.name, once it is known */
	uint32_t	flags, mode;
	uint64_t	offset;
	uint32_t	size_hint;	/* size as last heard, while there is a window */
	void		*own;		/* what epoll.c keeps */
};
enum { FILE_PLAIN, FILE_FDS, FILE_EPOLL, FILE_EVENT };	/* FDS: the folder /proc/self/fd */

#define FDS		1024
struct descriptor { int16_t file; uint16_t cloexec; };
extern struct file	files[IMAGE_FILES_MAX];
extern struct descriptor fds[FDS];
extern uint32_t	image_fd_limit;

int	file_new(void);			/* slot with uses 1, or -EMFILE */
void	file_release(int n);
void	files_drop(struct thread *t);	/* the call was left by a bad address: what it holds */
int	fd_file(int fd);		/* file with a use taken, or -EBADF */
void	file_mapped(int file, int areas);	/* so many areas more; with the image lock */
int	fd_install(int file, int least, bool cloexec);	/* takes the use over */
fluke_ref_t *file_ref(int n);
fluke_ref_t *file_region(int n, int *error);
void	files_share(void);
bool	file_seekable(int n);
int	file_open(const char *path, uint32_t flags, uint32_t mode);	/* internal; file or -errno */
int	file_read_at(int n, uint64_t offset, void *to, uint32_t count);	/* bytes or -errno */

long	file_lock(int file, uint32_t command, void *argument);	/* fcntl's */
void	locks_forget(int first, int last);	/* before these descriptors are closed */
void	locks_forget_cloexec(void);
void	locks_forked(void);
void	locks_started(const uint32_t *refs, uint32_t count);
uint32_t locks_owner(unsigned n);		/* address of a ref that exec is to keep; 0: none */

void	epoll_closed(int file);
uint32_t epoll_poll(int file, fluke_ref_t *port);
uint32_t event_poll(int file);
long	event_read(int file, void *to, uint32_t count);
long	event_write(int file, const void *from, uint32_t count);

/* A transfer of a pipe in short; false: nothing has happened, it is to be done in full. */
bool	pipe_read(int fd, void *to, uint32_t count, long *result);
bool	pipe_write(int fd, const void *from, uint32_t count, long *result);

uint32_t window_read(int file, void *to, uint32_t count, uint64_t offset);
void	window_grown(int file, uint64_t end);
void	window_drop(int file);
bool	window_fault(uint32_t *eip, uint32_t address);	/* a page of a window that cannot be had: the copy goes on at the new eip */

/* ---- names ---- */

struct FileStatus;
/* Where a path leads: server in ref, rest of the path; -errno, or 0. */
struct place { fluke_ref_t *dir; char path[4096]; int file; };
int	place_find(struct place *p, int dirfd, const char *path);
void	place_end(struct place *p);
int	text_open(const char *path);	/* /proc/self/maps ...: file, -ENOENT = none of these */
int	self_link(const char *path, char *to, size_t size);	/* /proc/self/exe, fd/N */
bool	self_is_link(const char *path);
long	fd_entries(uint64_t *cookie, uint8_t *to, uint32_t count);
uint32_t copy_path_at(char *to, int dirfd, const char *from);
uint32_t copy_path(char *to, const char *from);	/* length, or -errno */
void	name_opened(int file, const char *path);	/* for /proc/PID/maps: an absolute path */
uint8_t	name_of(int file);
extern char area_names[IMAGE_NAMES][IMAGE_NAME_SIZE];
void	exe_remember(int file, const char *name);	/* for /proc/self/exe */

/* ---- address space ---- */

extern struct area areas[];
extern unsigned	area_count;
extern uint32_t	brk_start, brk_now;

void	vm_start(void);
uint32_t vm_find_free(uint32_t size);		/* or 0 */
extern uint64_t	image_space_limit;		/* RLIMIT_AS */
bool	vm_may_grow(uint32_t size);
bool	vm_may_commit(uint32_t size);
int	vm_map_anonymous(uint32_t start, uint32_t size, uint32_t prot);
int	vm_map_file(uint32_t start, uint32_t size, uint32_t prot, fluke_ref_t *region, uint32_t offset, int file);
void	vm_name(uint32_t start, int file, uint32_t offset);	/* the area shows what the file does */
int	vm_unmap(uint32_t start, uint32_t size);
int	vm_protect(uint32_t start, uint32_t size, uint32_t prot);
struct area *vm_area(uint32_t address);		/* that contains or follows it, or null */
long	vm_map_private(int file, uint32_t start, uint32_t size, uint32_t prot, uint64_t offset);

/* ---- signals ---- */

struct action { uint32_t handler, flags, restorer; uint64_t mask; };
extern struct action actions[65];

#define SIGNAL_BIT(n)	(1ull << ((n) - 1))
static inline uint64_t signals_now(const struct thread *t)
{
	return FACTS->pending | FACTS->thread_pending[t->number];
}
bool	signal_pending(void);		/* one that will be handled (it is taken), or the end */
void	signal_set_blocked(struct thread *t, uint64_t set);
void	signal_fatal(int number);			/* the process ends by it */
bool	signal_on_stack(const struct thread *t, uint32_t esp);	/* the alternate one */
void	signals_start(uint64_t ignored, uint64_t blocked);
void	image_signals(struct registers *r);
void	image_leave_with(struct registers *r) __attribute__((noreturn));
void	signal_force(struct thread *t, int number, int code, uint32_t address);

/* ---- exec ---- */

struct startup *startup_record(void);
struct program {			/* strings one after the other */
	int		file;
	const char	*name, *args, *env;
	uint32_t	arg_count, env_count;
};
int	load_program(const struct program *p, struct registers *r);
int	exec_resolve(const char *path, char *prefix, size_t size, unsigned *count);
extern bool exec_program_made;
bool	exec_is_native(int file);
int	exec_first(const struct program *p);
int	exec_check(int file, char *interpreter, size_t size);
void	image_exit(int status) __attribute__((noreturn));
extern uint32_t image_umask;

/* ---- entry.S ---- */

long	image_guarded(struct registers *r, long (*body)(struct registers *));
fluke_error_t image_blocking_call(uint32_t number, fluke_ipc_params_t *params, void *dest);
long	image_fork(void);
extern char	image_text[], image_data[], image_data_end[], image_data_load[], image_bss_end[];
extern char	image_vdso[], image_sigreturn[], image_rt_sigreturn[], image_syscall[];
extern char	leave_check[], leave_user[], leave_end[], resume_enabled[], resume_end[], guard_fault[], image_async[], image_leave[];
extern char	cancel_begin[], cancel_end[], cancel_out[];

#endif
