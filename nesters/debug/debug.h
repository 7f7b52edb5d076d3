/* What the parts of the debugger share.  See README.md.
 *
 * Everything below lives in memory that came through our MemPool (supply.c), so all object memory is in our windows and
 * all data segments are known.  A *target* is a space with threads: what gdb calls a process.  Those that gdb is attached to
 * are watched: their exceptions come here first (Debug.watch), and their threads are the only ones that are ever held.
 *
 * debug_lock guards all of it.  Whoever holds it calls no one below. */
#ifndef DEBUG_H
#define DEBUG_H

#include <native.h>
#include <startup.h>
#include <process.h>
#include <linux_abi.h>
#include <fluke/exception.h>
#include <nest/child.h>
#include <nest/guard.h>

extern struct lock debug_lock;
extern struct server *server;
extern int talkative;			/* -v */

/* ---- supply.c: memory, schedulers and watches as those below see them ---- */

struct overlay;
struct pool;

struct segment {
	struct segment	*next;
	fluke_ref_t	*port, *region;		/* the true ones */
	uint32_t	size;
	/* of objects: where they are seen */
	uint32_t	window;
	fluke_mapping_t	*mapping;
	fluke_region_t	*search;
	struct segment	*next_window;
	struct overlay	*overlay;		/* of data: what is mapped in its place */
};

int	supply_begin(void);
fluke_ref_t *supply_pool(void), *supply_scheduler(void), *supply_debug(void);
extern struct segment *window_list;
extern int	gate_closed;		/* new threads come to gate_passed before they run */
/* The thread is there and has asked for time the first time: 1 = it may run.  With the lock. */
void	gate_let(integer_t hash);
/* Sets who is asked first about exceptions in the space: we, or nobody. */
int	watch_space(fluke_ref_t *space, int on);
/* What a debugger below says about an exception that is not ours; 1: nobody wants it. */
/* The hash of the space that it is a copy of (fork) or in the place of (exec); 0: of none that is known.  drop: it runs now. */
integer_t space_begun(integer_t space, int *exec, int drop);
uint32_t inner_answer(integer_t space, const uint32_t *words);
extern fluke_portset_t *events;		/* exceptions, requests for time, faults of overlays */
extern fluke_ref_t *overlay_keeper;
enum { GOAL_STEP = 1, GOAL_EXEC, GOAL_START };	/* end of a step over a system call; a program after exec; the first one */
enum { ALIAS_WATCH = 1, ALIAS_GATE, ALIAS_OVERLAY };

/* ---- guard.c: what may fault because somebody below has taken it away ---- */

int	copy_guarded(void *to, const void *from, size_t size);	/* 0 or EFAULT; with the lock */

/* ---- world.c: targets and threads ---- */

struct thread {
	struct thread	*next;
	integer_t	hash;
	fluke_thread_t	*object;		/* in a window */
	struct target	*target;		/* null: it has no space yet */
	int		tid;			/* in the target, from 1; 0: target not attached yet */
	int		seen;
	int		stopped;		/* by us */
	int		running;		/* it was not stopped by others when we stopped it */
	int		gated;			/* waits for gate_let */
	fluke_thread_state_t *state;		/* while stopped */
	int		dirty;			/* state is to be written */
	/* what it does when it goes on */
	int		step;			/* one instruction, then report */
	uint32_t	run_to;			/* 0, or an address where it stops (internal breakpoint) */
	int		run_type;		/* of that breakpoint */
	int		goal;			/* GOAL_*: why it runs there */
	uint32_t	pass_code;		/* 1 + code of an exception that goes past us next */
	int		stay;			/* gdb lets others go, but not it */
	int		solo;			/* a step with pages let go or a breakpoint taken out, for ourselves */
	/* stop to be told */
	int		signal;			/* as Linux numbers them; 0: none */
	uint32_t	stop_code;		/* 1 + code of the exception that it is for; 0: of none */
	char		why[300];		/* "swbreak:;", "watch:ADDR;", ... */
};

enum { USER_PLAIN = 1, USER_HIDDEN };	/* gdb: as one that may be seen, as a hidden one, bits */

struct breakpoint {
	struct breakpoint *next;
	int		type;			/* Z0-Z4: software, hardware, write, read, access */
	uint32_t	address, length;
	uint8_t		old;			/* type 0: the byte that was there */
	uint8_t		planted, internal, user;	/* who wants it; user: USER_* */
	uint8_t		seen[64];		/* watchpoints: the value */
};

struct target {
	struct target	*next;
	integer_t	hash;
	fluke_ref_t	*space;
	int		pid;			/* gdb's number */
	int		linux_pid;		/* 0: no Linux process */
	int		native;			/* no personality, though it may have such a number */
	int		attached;
	int		fresh;			/* held at its start until gdb comes */
	int		next_tid;
	int		seen;
	int		solo;			/* a thread of it is in a solo step: it runs alone */
	uint32_t	solo_page[4];		/* let go for it */
	unsigned	solo_pages;
	struct breakpoint *solo_over;		/* or taken out */
	uint32_t	accessed;		/* address that a read or access watchpoint met; 0: none */
	int		standing;		/* its threads are stopped, new ones too */
	int		lost;			/* it has no threads any more */
	int		greeted;		/* its first thread has passed the gate */
	uint64_t	pending;		/* signals posted while it stands */
	struct breakpoint *breakpoints;
	struct area_map	*maps;			/* its mappings, of this stop */
	unsigned	map_count, map_room;
	int		maps_known;
	int		ended, status;		/* to be told */
	char		path[256];
};

extern struct target *targets;
extern struct thread *threads;

/* All threads and targets as they are now; threads of attached targets are stopped by it.  */
void	world_refresh(void);
void	targets_lost(void);			/* those without threads have ended */
struct thread *thread_by_hash(integer_t hash);
struct target *target_by_pid(int pid);
struct thread *thread_find(int pid, int tid);		/* 0, -1: any */
int	thread_stop(struct thread *th);			/* 0 or EFAULT */
void	thread_go(struct thread *th);
void	target_stop(struct target *t);
void	target_go(struct target *t);
int	target_attach(struct target *t);
void	target_detach(struct target *t);
void	target_free_all(struct segment *s);		/* object memory s goes: forget what is there */
int	in_image(const fluke_thread_state_t *s);
void	target_look(struct target *t);			/* linux_pid, path */

/* ---- registers (regs.c) ---- */

struct user_regs { uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags, orig_eax; uint32_t frame; };
/* As the program sees them: of a thread in a system call, those that it made the call with (frame: where they are). */
void	user_regs(struct thread *th, struct user_regs *r);
#define REGISTERS	42u
#define REGISTERS_SIZE	312u
void	regs_get(struct thread *th, uint8_t bytes[REGISTERS_SIZE]);
void	regs_put(struct thread *th, const uint8_t bytes[REGISTERS_SIZE]);
unsigned reg_place(unsigned number, unsigned *size);
extern const char target_xml[];

/* ---- memory.c: the targets' memory ---- */

struct area_map {
	uint32_t	start, size, offset;
	fluke_prot_t	prot;
	fluke_mapping_t	*mapping;
};

uint32_t memory_read(struct target *t, uint32_t at, void *to, uint32_t size);	/* bytes that could be read */
uint32_t memory_write(struct target *t, uint32_t at, const void *from, uint32_t size);
int	memory_word(struct target *t, uint32_t at, uint32_t *word);	/* 0 or EFAULT */
int	memory_ref(struct target *t, uint32_t at, fluke_ref_t *to);	/* the same, of a reference object */
struct area_map *memory_map(struct target *t, uint32_t at);
void	memory_forget(struct target *t);		/* the list of mappings */
void	memory_clean(struct target *t);			/* overlays of files go */
void	memory_disown(struct target *t);		/* the child of a fork has none of its parent's overlays */
/* What its page at the address is denied, FLUKE_PROT_* (0: nothing).  0 or errno. */
int	page_deny(struct target *t, uint32_t at, fluke_prot_t prot);
fluke_prot_t page_denied(struct target *t, uint32_t at);
struct overlay *overlay_new(fluke_ref_t *source, uint32_t size);
void	overlay_free(struct overlay *o);
fluke_ref_t *overlay_region(struct overlay *o);

/* ---- stops.c: breakpoints, steps, exceptions ---- */

int	breakpoint_add(struct target *t, int type, uint32_t address, uint32_t length);
int	breakpoint_remove(struct target *t, int type, uint32_t address, uint32_t length);
void	breakpoints_end(struct target *t);
void	breakpoints_hide(struct target *t, uint32_t at, uint8_t *bytes, uint32_t size);	/* what was read there */
int	breakpoints_write(struct target *t, uint32_t at, const uint8_t *bytes, uint32_t size);
void	breakpoints_inherit(struct target *child, struct target *parent, int keep);
uint32_t exception_came(const struct fluke_exc_message *m);	/* answer to the kernel */
void	new_thread(struct thread *th);			/* at the gate, its target known */
void	stop_all(void);				/* all attached, with what they were about to do given up */
void	go_all(void);
void	run_to(struct thread *th, uint32_t address, int goal);
void	deliver(struct thread *th, int signal);	/* Linux number; what has to be asked of others is done by deliver_now */
void	deliver_now(void);			/* without the lock */
int	something_to_tell(void);
extern uint8_t	signals_passed[65];		/* not told to gdb */
extern int	hold_first;			/* the first program is to be held: 1 = a Linux one, 2 = any */
int	posted(integer_t space, int signal);		/* 1: it is ours now */
void	process_ended(integer_t space, int status);
extern int	hide;				/* no int3: whoever reads its text sees none */

/* ---- gdb.c: packets ---- */

#define PACKET	0x4000u

/* The answer that is being made. */
void	put(const char *text);
void	put_hex(const void *data, size_t size);
void	put_binary(const char *data, size_t size);	/* escaped */
void	put_error(int error);
uint32_t number(char **p);				/* hexadecimal, p behind it */
unsigned hex(const char *p, uint8_t *bytes, unsigned room);
struct thread *chosen(void);				/* whom gdb asks about */
/* transfer.c: what gdb reads by parts */
void	transfer(char *what);				/* qXfer: */
void	host_file(char *p);				/* vFile: */

int	gdb_begin(void);			/* opens the line; 0 or errno */
void	gdb_ready(void);			/* gdb may come now */
void	gdb_stopped(void);			/* something is to be told */
extern int	gdb_connected, gdb_waits;	/* gdb waits for a stop */
extern int	gdb_fork_events, gdb_exec_events;
int	signal_to_gdb(int signal), signal_from_gdb(int signal);
void	targets_end(int status);		/* all below has ended */

void	debug_kill_child(void);			/* main.c */

#endif
