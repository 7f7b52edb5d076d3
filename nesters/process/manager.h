/* The process manager's records.  A *process* is what POSIX sees: number, parent, group, session,
 * pending signals, status.  A *body* is what runs: one sub-pool with object segment and data
 * segment, a space, threads.  fork makes both, exec gives the process another body, exit takes the
 * body away and leaves a zombie process.  Invariant: a process has a body iff it is ALIVE (running
 * or stopped).  All records are guarded by manager_lock; nothing here blocks for a child. */
#ifndef MANAGER_H
#define MANAGER_H

#include <fluke/fluke.h>
#include <linux_abi.h>
#include <protocols/Process.h>
#include <nest/guard.h>
#include <process.h>
#include <startup.h>

#define PROCESSES	1024	/* records: living and zombies */
#define BODIES		400	/* living ones, and two per exec in progress */
#define SESSIONS	64
#define PROCESS_THREADS	IMAGE_THREADS_MAX	/* index = the image's thread number */
#define SIGNALS		64
#define LIMITS		16
#define LOOK_SOONEST	4000000u	/* ns between two looks at what has been consumed */
#define LOOK_IDLE	40000000u
#define CLOCK_TIMERS	4	/* of a process: ITIMER_*, and one for all that timer_create made */
#define PID_INIT	1	/* the manager itself: reaps orphans */
#define PID_MAX		32768

#define SIGNAL_BIT(signal)	(1ull << ((signal) - 1))

enum process_state { PROCESS_FREE, PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_ZOMBIE };

struct signal_info {			/* of the last posting of a pending signal */
	int32_t		code;		/* SI_USER, SI_KERNEL, CLD_* ... */
	int32_t		sender;		/* pid; the faulting address has value */
	uint32_t	value;
};

struct thread {
	uint32_t	address;	/* of the thread object in the process; 0 = free slot */
	uint32_t	hash;
	int		tid;
	uint32_t	sched_val;	/* the scheduler's number for it; 0 = none yet */
};

struct session {
	int		id;		/* 0 = free */
	int		members;	/* processes, zombies included */
	int		living;		/* bodies that live from its pool */
	int		limit;		/* most of them */
	int		has_tty;
	int		foreground;	/* group */
};

struct body;

struct process {
	/* identity */
	int		index;		/* place in the table; alias of its port */
	int		pid;
	int		group;
	struct session	*session;
	struct process	*parent;	/* null: child of PID 1 */
	struct process	*children, *sibling;
	struct process	*hash_next;
	/* life */
	enum process_state state;
	int		status;		/* as wait shows it; valid for zombies */
	int		doom;		/* not 0: it is to end with this status, later */
	int		stop_signal;	/* STOPPED: by which */
	uint8_t		report_stop, report_continue;	/* not yet waited for */
	uint8_t		has_execed;	/* setpgid by the parent is over */
	uint8_t		being_reaped;	/* a wait is answering with it, outside the lock */
	struct body	*body;
	struct process_port *port;		/* serve.c; null for zombies */
	struct thread	thread[PROCESS_THREADS];
	int		threads;
	int		slots;			/* no thread from this slot on */
	/* signals: bit n-1 = signal n */
	uint64_t	pending;			/* of the process */
	uint64_t	thread_pending[PROCESS_THREADS];
	struct signal_info info[SIGNALS + 1];
	struct waiter	*waiters;		/* its parked waits */
	struct held	*held;			/* answers kept back while it is stopped */
	uint8_t		child_due;		/* SIGCHLD is to be posted when the lock is dropped */
	struct signal_info child_info;
	/* accounts */
	uint64_t	started;			/* ns */
	struct Usage	usage;
	struct { uint64_t soft, hard; } limit[LIMITS];
	uint8_t		has_facts, has_timer[CLOCK_TIMERS];
	uint8_t		has_session;			/* at the servers: PROCESS_SESSION is a reference of it */
	uint8_t		own_session;			/* ... begun for this process; else its parent's, until exec */
	uint64_t	timer_interval[3];
	uint64_t	timer_end[3];			/* VIRTUAL, PROF: when so much is consumed; 0 = off */
	uint64_t	timer_seen[3];			/* consumed when last looked at */
	struct posix_timer *timers;			/* timer.c */
	struct request	*vfork_wait;			/* the parent's, until exec or end */
	uint16_t	descriptor[3];			/* 1 + index in IMAGE_FILES of 0, 1, 2 at its start; 0 closed */
	char		name[16];			/* comm */
	char		executable[256];
	char		command_line[1024];
	uint32_t	command_line_length;
	uint32_t	environment, environment_size;	/* in its data segment: part of the start-up record */
};

/* table.c: plain logic, no kernel calls. */
extern struct process process_table[PROCESSES];
void		table_init(void);
struct process	*process_alloc(void);			/* with a fresh pid; null when full */
void		process_free(struct process *p);
struct process	*process_find(int pid);			/* any state but FREE */
struct process	*process_next(struct process *p);	/* iteration; null = first */
int		id_alloc(void);				/* for tids */
int		processes_living(void);
void		child_add(struct process *parent, struct process *child);
void		child_remove(struct process *child);
void		children_orphan(struct process *p);	/* to PID 1 */
struct thread	*thread_find(struct process *p, uint32_t address);
struct thread	*thread_find_tid(struct process *p, int tid);
struct thread	*thread_add(struct process *p, int slot, uint32_t address, int tid);
int		thread_slot(uint32_t address);			/* -1: not a place for a thread */
struct session	*session_alloc(int id);
struct session	*session_find(int id);
int		session_number(const struct session *s);
void		session_ended(struct session *s);	/* session.c (tests: a stub): the last member left; sets id 0 */
void		session_leave(struct process *p);
void		session_check(struct session *s);
void		session_enter(struct process *p, struct session *s);
int		group_exists(int group, struct session *s);	/* s null: in any */

/* rules.c: what POSIX decides, plain logic. */
enum default_action { ACTION_TERMINATE, ACTION_CORE, ACTION_STOP, ACTION_CONTINUE, ACTION_IGNORE };
enum default_action signal_default(int signal);
enum verdict { VERDICT_DROP, VERDICT_PEND, VERDICT_KILL, VERDICT_STOP };
struct disposition { uint64_t ignored, caught; };
enum verdict	signal_judge(int signal, struct disposition d, int blocked, int orphaned);
uint64_t	signal_discard_on_post(int signal);	/* pending ones that this one cancels */
int		wait_matches(const struct process *caller, const struct process *child, int id, uint32_t options);
enum wait_event { WAIT_NONE, WAIT_EXITED, WAIT_STOPPED, WAIT_CONTINUED };
enum wait_event	wait_find(struct process *caller, int id, uint32_t options, struct process **child, int *candidates);
int	wait_living(struct process *caller, int id);
int		status_exited(int code);
int		status_signalled(int signal);
int		status_stopped(int signal);
#define STATUS_CONTINUED 0xffff
int		group_orphaned(int group, struct session *s, struct process *except);
int		group_has_stopped(int group);
int		group_may_set(struct process *caller, struct process *target, int group);	/* errno */
int		session_may_create(struct process *caller);					/* errno */

/* ---- what follows calls the kernel ---- */

/* The manager's own objects, at fixed places in its object segment. */
#define BODY_OBJECTS(i)		(START_OBJECTS + 0x10000 + (i) * 0x1000)
#define PROCESS_OBJECTS(i)	(START_OBJECTS + 0x1a0000 + (i) * 0x100)
#define SESSION_OBJECTS(i)	(START_OBJECTS + 0x1e0000 + (i) * 0x80)
#define PROCESS_SESSION(i)	((fluke_ref_t *)(START_OBJECTS + 0x1e4000 + (i) * sizeof(fluke_ref_t)))
#define MANAGER_OBJECTS		(START_OBJECTS + 0x1ec000)

struct body_objects {
	fluke_space_t	space;		/* here, so that the process cannot reach its keeper */
	fluke_mapping_t	window;		/* of its object segment into the manager */
	fluke_mapping_t	control;	/* of its control page, made when first needed */
	fluke_ref_t	pool, data, data_region, objects, objects_region;
};

struct process_objects {
	fluke_region_t	facts;		/* read-only window on its facts page */
	fluke_ref_t	timer[CLOCK_TIMERS];
};

struct session_objects {
	fluke_ref_t	tty, pool;
};

struct manager_objects {
	fluke_region_t	search;		/* moved over the range to be searched */
	fluke_mapping_t	wide;		/* a whole object segment, for a moment */
	fluke_ref_t	pool, filesystem, clock, scheduler, scheduler_port, image, cwd, later, region, scratch, thread, other, sessions,
			minted, debugger, debugged, debugged_from, null;
};
#define manager ((struct manager_objects *)MANAGER_OBJECTS)

struct body {
	int		index;
	struct body	*next_free;
	struct process	*process;
	struct session	*session;	/* whose pool it lives from */
	struct body_objects *objects;
	uint32_t	window;		/* START_OBJECTS of the process is here in the manager */
	uint32_t	parts;		/* of objects that exist (body.c) */
	struct process_control *control;	/* null until mapped */
	fluke_ref_t	*nesting;	/* the view that a nester gave of what it holds (nesting.c); null: none */
};

#define OBJECTS_PROT	(FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_OBJECT)

/* lock.c */
void		manager_enter(void);
void		manager_leave(void);
void		manager_pause(void);		/* the lock alone, for an answer that may take its time */
void		manager_resume(void);
/* Runs the function so that a fault that nobody mends (the child's pool is full, an object is not there) ends it
 * with EFAULT instead of ending the manager. */

/* body.c */
void		bodies_init(void);
struct body	*body_create(struct process *p, struct body *source, int *error);
void		body_destroy(struct body *b);
void		threads_account(const struct thread *threads, int slots, int ending, struct Usage *usage);
static inline void *body_object(struct body *b, uint32_t address)	/* where the manager has it */
{
	return (void *)(uintptr_t)(b->window + (address - START_OBJECTS));
}
int		body_is_object(uint32_t address, uint32_t size);	/* a place for one in the process's window */
struct process_control *body_control(struct body *b);		/* null: no image there */

/* facts.c */
void		facts_init(void);
int		facts_create(struct process *p);		/* also its port */
void		facts_destroy(struct process *p);		/* and port: with the body */
void		facts_update(struct process *p);
void		facts_update_session(struct session *s);
void		facts_pending(struct process *p);
struct process_objects *process_objects(struct process *p);

/* nesting.c: the live nesting as the manager sees it */
int		nesting_take(struct process *p, fluke_ref_t *view);	/* Parent.nests; errno */
void		nesting_forget(struct body *b);

/* threads.c */
int		thread_prepare(struct process *p, int slot, fluke_thread_state_t *state);
void		thread_release(struct process *p, int slot, fluke_thread_state_t *state);
int		thread_add_scheduler(struct process *p, int slot);
void		thread_remove(struct process *p, int slot);	/* ends it */
void		threads_stop(struct process *p);
void		threads_continue(struct process *p);

/* fork.c exec.c exit.c */
int		process_fork(struct process *p, uint32_t thread, uint32_t entry, uint32_t stack, int32_t *pid);
int		process_exec(struct process *p, uint32_t flags, const char *name, const struct startup *startup, uint32_t size);
struct process	*process_first(const char *name, const struct startup *startup, uint32_t size, fluke_ref_t *native,
			int *error);
int		native_load(struct process *p, fluke_ref_t *program, const struct startup *s, uint32_t size, uint32_t *entry,
			uint32_t *stack);
void		process_end(struct process *p, int status);

/* wait.c */
struct request;
int		wait_request(struct process *p, struct request *r, int id, uint32_t options, int32_t *pid);
void		wait_wake(struct process *parent);	/* a child has changed: parked waits that match get it */
void		wait_abandon(struct process *p);
int		vfork_request(struct process *p, struct request *r, int pid);
void		vfork_done(struct process *child);
void		child_changed(struct process *child, int code, int value);	/* SIGCHLD to the parent, later */
int		request_hold(struct process *p, struct request *r, int error);	/* answered once the process goes on */
void		request_release_held(struct process *p);
extern struct process *requester;
void		later_init(void);
void		process_doom(struct process *p, int status);
void		deferred_run(void);			/* with the lock, which it drops and takes again */

/* signal.c */
void		signal_post(struct process *p, int signal, struct signal_info info);
void		signal_post_thread(struct process *p, struct thread *t, int signal, struct signal_info info);
void		signal_deliver(struct process *p);
int		signal_take(struct process *p, struct thread *t, struct signal_info *info);	/* 0 = none */
int		signal_send(struct process *from, int id, int signal);			/* kill(2); errno */
void		signal_group(int group, struct session *s, int signal, struct signal_info info);
void		process_stop(struct process *p, int signal);
void		process_continue(struct process *p);

/* session.c */
void		sessions_init(void);
int		session_create(struct process *p);
fluke_ref_t	*session_pool(struct session *s);
int		session_is_tty(fluke_ref_t *file);
void		session_set_input(struct process *p, fluke_ref_t *file);	/* of the first process */
int		session_set_tty(struct process *p, fluke_ref_t *tty);
fluke_ref_t	*session_tty(struct session *s);			/* null: has none */
void		session_leader_ended(struct session *s);
int		session_set_foreground(struct process *p, int group);
int		session_background(struct process *p, int write);
void		session_signals(struct session *s, uint32_t bits);

/* limit.c */
void		limits_init(struct process *p);
int		timer_set(struct process *p, uint32_t which, uint64_t value, uint64_t interval, uint64_t old[2]);
int		timer_get(struct process *p, uint32_t which, uint64_t now[2]);
void		process_signals(struct process *p, uint32_t bits);	/* one-way to its port */
uint64_t	process_consumed(struct process *p);	/* ns */
int		timer_cpu_time(struct process *p, int32_t clock, uint64_t *ns);	/* clock: negative, as Linux numbers them */
int		clock_timer_set(struct process *p, int which, uint64_t deadline, uint64_t interval, uint64_t *old);

/* timer.c */
int		timer_make(struct process *p, int32_t clock, uint32_t notify, uint32_t signal, uint32_t tid, uint32_t value, uint32_t *id);
int		timer_arm(struct process *p, uint32_t id, int absolute, uint64_t value, uint64_t interval, uint64_t old[2]);
int		timer_read(struct process *p, uint32_t id, uint64_t now[2], uint32_t *overrun);
int		timer_drop(struct process *p, uint32_t id);
void		timers_due(struct process *p);
void		timers_drop(struct process *p);

extern struct process *first_process;

/* session.c: the object's reference in the process's session (a server counts what it has in work, and what is kept for it);
 * where the server has no such thing, the same reference.  Guarded. */
int		session_mint(struct process *p, fluke_ref_t *object, fluke_ref_t *to);
void		session_share(struct process *p, struct process *child);
void		session_drop(struct process *p);

/* debugged.c: what a debugger above is told */
void		debugger_find(void);
void		debugger_begun(struct body *b, struct body *from, int exec);	/* no thread of it has run */
void		debugger_ended(struct process *p, int status);
int		debugger_takes(struct process *p, int slot, int signal);	/* 1: the signal is not to be delivered */

/* serve.c */
int		serve_process(struct process *p);		/* makes its port */
fluke_port_t	*process_port(struct process *p);
void		unserve_process(struct process *p);
void		system_ended(int status) __attribute__((noreturn));
extern struct server *server;
extern int manager_verbose;					/* -v */
extern int manager_counts;					/* -c: calls seen are reported */
extern const struct FileSystem_methods proc_methods;		/* proc_fs.c */
extern const struct Process_methods process_methods;		/* methods.c */
struct process	*request_process(void *port);			/* whose port it is; null: gone */
void		missing_count(uint32_t number);			/* missing.c */
void	call_seen(uint32_t number, int32_t result);
void		missing_report(void);

/* proc_text.c: contents of files under /proc, malloced; null: no memory */
enum proc_file { PROC_UPTIME, PROC_MEMINFO, PROC_MOUNTS, PROC_FILESYSTEMS, PROC_STAT, PROC_LOADAVG, PROC_VERSION, PROC_CPUINFO,
	PROC_OSRELEASE, PROC_PID_MAX, PROC_OBJECTS, PROC_PID_STAT, PROC_PID_STATUS, PROC_PID_CMDLINE, PROC_PID_COMM, PROC_PID_STATM, PROC_PID_MAPS, PROC_PID_ENVIRON };
char		*proc_text(enum proc_file file, struct process *p, int by, uint32_t *size);	/* by: pid of who reads */

#endif
