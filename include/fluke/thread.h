/* Threads: state record and calls.
 *
 * Decided here, where the published documents are silent: flags for what may be pending or half done
 * (INTERRUPT_PENDING to ANSWERED), without which a state would not be whole.  set_state demands a thread
 * that is stopped: to write one that runs is a race.  waiting_for names the mutex, condition, port, port
 * set or peer; it cannot be set, since the registers name the wait.  thread_schedule returns why it ended
 * (the manual: nothing), since it has no buffer for a message.  get_client and set_client carry the
 * number of a connection, since a thread may serve the same client again. */
#ifndef FLUKE_THREAD_H
#define FLUKE_THREAD_H

#include <fluke/types.h>
#include <fluke/i386/thread.h>

/* flags */
#define FLUKE_THREAD_STOPPED		0x0001	/* set by get_state; clear in set_state to let it go */
#define FLUKE_THREAD_EXCEPTION_ENABLE	0x0002
#define FLUKE_THREAD_CLIENT_SENDER	0x0004	/* my client (I serve it) holds the line */
#define FLUKE_THREAD_SERVER_SENDER	0x0008	/* my server holds the line */
#define FLUKE_THREAD_INTERRUPT_PENDING	0x0010
#define FLUKE_THREAD_CLIENT_ALERT	0x0020	/* pending */
#define FLUKE_THREAD_SERVER_ALERT	0x0040	/* pending */
#define FLUKE_THREAD_FPU_USED		0x0080	/* fpu field valid; else it is not touched: initial FPU state */
#define FLUKE_THREAD_ACCEPTED		0x0300	/* server_receive receives a first message: FLUKE_IPC_* flavour << 8 */
#define FLUKE_THREAD_ACCEPTED_SHIFT	8
#define FLUKE_THREAD_ANSWERED		0x0400	/* ipc_call has its answer in min_msg */
#define FLUKE_THREAD_ASIDE		0x0800	/* my server has set me aside for nobody else: it does not work for me now */
#define FLUKE_THREAD_ALERTED		0x1000	/* I have alerted my server: ASIDE shall come with a software interrupt */
/* only read by get_state; a set_state with links looks at the two PARKED: */
#define FLUKE_THREAD_HELD		0x2000	/* it had been stopped before */
#define FLUKE_THREAD_CLIENT_PARKED	0x4000	/* that connection has been set aside by its other end, */
#define FLUKE_THREAD_SERVER_PARKED	0x8000	/* and is so again in a thread that gets flag and link */
#define FLUKE_THREAD_FLAGS		0xffff	/* all of them */

/* get_client, get_server: the flags word has the connection's number in bits 16-31; set_client and
 * set_server take a word with a number only for that connection (0 = any). */
#define FLUKE_CONNECTION_SHIFT		16

typedef struct fluke_thread_state {
	integer_t	hash;		/* read only */
	oskit_addr_t	thread_va;	/* address of the object in the thread's own space: what thread_self returns.  The
					 * manual makes running elsewhere an insanity; here a manager may keep the object
					 * where its thread cannot reach it, so nothing is checked */
	natural_t	sched_val;	/* scheduler's id for the thread; first word of requests */
	natural_t	flags;
	struct fluke_i386_state	regs;
	natural_t	connections;	/* made as client: the number in get_client's word */
	uint64_t	used;		/* what fluke_thread_used tells, but for a thread_schedule in progress; only
					 * raised by set_state */
	struct fluke_i386_fpu	fpu;
} fluke_thread_state_t;

/* Links, in the order of the table of five ref pointers (an entry may be null = leave). */
enum { FLUKE_LINK_SPACE, FLUKE_LINK_SCHEDULER, FLUKE_LINK_WAITING_FOR, FLUKE_LINK_CLIENT,
       FLUKE_LINK_SERVER, FLUKE_THREAD_LINKS };
typedef fluke_ref_t *fluke_thread_links_t[FLUKE_THREAD_LINKS];

/* fluke_thread_schedule */
enum fluke_wakeup {
	FLUKE_WAKEUP_ON_BLOCK,		/* the call ends when the target blocks, and when another client asks */
	FLUKE_WAKEUP_ON_SWITCH,		/* a target that blocks blocks its scheduler, and runs again without it */
	FLUKE_WAKEUP_ON_CONFLICT	/* the same, and one client that asks meanwhile runs in its stead */
};
#define FLUKE_SCHED_MESSAGE	0	/* result: a message waits at sleep_port */
#define FLUKE_SCHED_BLOCKED	1	/* result: the target blocked without donating on, or ended */
#define FLUKE_SCHED_INVALID	2	/* result: the target cannot run (stopped, no space) */

/* Flags or-ed into the sensitivity.
 * TAKE_REQUEST: the first request for time is consumed and returned with the result, in bits 8-31:
 *	REQUESTED instead of MESSAGE, BLOCKED_REQUESTED instead of BLOCKED.
 * LAZY: requests do not end the donation; they come with BLOCKED, or when asked for. */
#define FLUKE_SCHED_URGENT	0x800000	/* bit of sched_val: its requests end a LAZY donation too */
#define FLUKE_WAKEUP_TAKE_REQUEST	0x100
#define FLUKE_WAKEUP_LAZY		0x200
#define FLUKE_SCHED_REQUESTED		3
#define FLUKE_SCHED_BLOCKED_REQUESTED	4
#define FLUKE_SCHED_RESULT(word)	((word) & 0xff)
#define FLUKE_SCHED_VALUE(word)		((word) >> 8)

/* A request to a scheduler port: one-way message of two words. */
#define FLUKE_SCHED_REQUEST	1	/* {FLUKE_SCHED_REQUEST, sched_val}: the client is ready */

/* fluke_thread_create: makes a thread, stopped and without links, at that address of the caller's
 * space (1024 bytes, so aligned).  Short; faults (write, object) on the page.
 * Returns: SUCCESS, NO_MEMORY (the address is device memory).
 * Insanities: NOT_ALIGNED (1024 bytes), OBJECT_EXISTS (the place overlaps an active object),
 * INVALID_OBJECT (no user address). */
fluke_error_t	fluke_thread_create(fluke_thread_t *new_thread);

/* fluke_thread_create_hash: the same with a hash for fluke_ref_hash.  *hash 0 or hash null: the kernel
 * chooses; the value used is stored in *hash.  Never changes afterwards.
 * Returns: SUCCESS, NO_MEMORY.
 * Insanities: NOT_ALIGNED, OBJECT_EXISTS, INVALID_OBJECT. */
fluke_error_t	fluke_thread_create_hash(fluke_thread_t *new_thread, integer_t *hash);

/* fluke_thread_destroy: ends it; references to it read as null from then on.  Connections break: peers
 * get an alert, asking peers ask again; mutexes it holds become ABANDONED and pass on; who lends to it
 * lends no more.  Multi-stage: stops between any 32 links and goes on with itself.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, CURRENT_THREAD. */
void		fluke_thread_destroy(fluke_thread_t *thread);

/* fluke_thread_move: the same object from now on at another address; references and links stay valid.
 * It is rolled back to the start of its call and goes on there; what it waited for, it waits for
 * again.  Multi-stage.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, OBJECT_EXISTS, NOT_ALIGNED, CURRENT_THREAD. */
void		fluke_thread_move(fluke_thread_t *old, fluke_thread_t *new_thread);

/* fluke_thread_reference: points the active reference `ref` at it; what that led to before is dropped.
 * Short.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, NOT_REF. */
void		fluke_thread_reference(fluke_thread_t *thread, fluke_ref_t *ref);

/* fluke_thread_disable_exceptions: interrupts and alerts stay pending, other exceptions go to the
 * keeper of the space.  `self` is ignored.  Trivial.
 * Insanities: none. */
void		fluke_thread_disable_exceptions(fluke_thread_t *self);

/* fluke_thread_enable_exceptions: exceptions go to the thread's own handlers again; a pending one is
 * taken before the call returns.  Trivial.
 * Insanities: none. */
void		fluke_thread_enable_exceptions(fluke_thread_t *self);

/* fluke_thread_get_client, fluke_thread_get_server: the reference is pointed at the thread at the
 * other end of the caller's connection as server (client); null if it has none.  *flags:
 * FLUKE_THREAD_CLIENT_SENDER (FLUKE_THREAD_SERVER_SENDER) if that end holds the line, for a client
 * FLUKE_THREAD_ASIDE if so, and in bits 16-31 the number of the connection.  Short.
 * Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT. */
void		fluke_thread_get_client(fluke_thread_t *self, fluke_ref_t *client, natural_t *flags);
void		fluke_thread_get_server(fluke_thread_t *self, fluke_ref_t *server, natural_t *flags);

/* fluke_thread_set_client, fluke_thread_set_server: sets the present connection of that side aside
 * (its peer stays connected and waits) and takes up the one to the thread that `client` (`server`)
 * leads to, which this or another thread of the same space has set aside or holds.  Null reference or
 * null pointer: no connection.  If that connection has ended meanwhile, or `flags` carries another
 * number than it has, the caller has none afterwards.  Short.
 * Insanities: NO_OBJECT, INVALID_OBJECT, NOT_THREAD_REF (it leads to something else). */
void		fluke_thread_set_client(fluke_thread_t *self, fluke_ref_t *client, natural_t flags);
void		fluke_thread_set_server(fluke_thread_t *self, fluke_ref_t *server, natural_t flags);

/* fluke_thread_get_handlers, fluke_thread_set_handlers: the addresses of the caller's handlers for
 * traps, interrupts, alerts by its client, alerts by its server; 0 = none.  See exception.h.  Trivial
 * (get_handlers: faults on its buffer).
 * Insanities: none. */
void		fluke_thread_get_handlers(fluke_thread_t *self, oskit_addr_t handlers[4]);
void		fluke_thread_set_handlers(fluke_thread_t *self, oskit_addr_t trap, oskit_addr_t interrupt,
			oskit_addr_t client_alert, oskit_addr_t server_alert);

/* fluke_thread_get_saved_state: the registers saved when the last exception was dispatched, which
 * fluke_thread_return_from_exception loads, and a message that the interrupted call has taken and not
 * yet stored.  A handler that makes IPC calls and returns gets the saved state before and sets it after
 * them, or that message is lost to them; so it does with its connections (get_server).  Trivial.
 * Insanities: none. */
void		fluke_thread_get_saved_state(fluke_thread_t *self, struct fluke_thread_saved_state *saved);

/* fluke_thread_set_saved_state: writes them.  Trivial.
 * Insanities: INVALID_STATE (min_msg_words). */
void		fluke_thread_set_saved_state(fluke_thread_t *self, struct fluke_thread_saved_state *saved);

/* fluke_thread_return_from_exception: enables exceptions and loads the saved registers; does not
 * return.  A call that the exception interrupted goes on at its present stage.  Trivial.
 * Insanities: none. */
void		fluke_thread_return_from_exception(fluke_thread_t *self) __attribute__((noreturn));

/* fluke_thread_get_state: stops the thread (it is left with FLUKE_THREAD_STOPPED) and reads it. state:
 * null, or where the record is stored.  links: null, or a table of five active references (null
 * entries: not wanted), pointed at its space, scheduler port, what it waited for, client, server.  A
 * thread in a call shows eip = FLUKE_ENTRY and registers that name the rest of the call.  Waits for no
 * other thread.  Long.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, NOT_REF, CURRENT_THREAD. */
void		fluke_thread_get_state(fluke_thread_t *thread, fluke_thread_state_t *state, fluke_thread_links_t links);

/* fluke_thread_set_state: writes a stopped thread; it may run as soon as the flags say so and it has a
 * space.  state: null, or the record (hash ignored; flags and selectors are checked, eflags filtered;
 * sched_val, a name from its scheduler, is taken only with a link to that, or by a thread without any).
 * links: null, or a table of references (null entries: leave; a null reference: no link); waiting_for
 * is ignored.  A client or server link takes that connection over from the thread that held it, whose
 * later end alerts nobody.  Long.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, CURRENT_THREAD, RACE_CONDITION (not stopped),
 * INVALID_STATE (flags, selectors, min_msg_words), NOT_REF, NOT_SPACE_REF, NOT_PORT_REF,
 * NOT_THREAD_REF. */
void		fluke_thread_set_state(fluke_thread_t *thread, const fluke_thread_state_t *state, fluke_thread_links_t links);

/* fluke_thread_interrupt: posts a software interrupt.  A waiting thread wakes and takes it in its
 * interrupt handler, its registers naming the rest of the call (a message already taken is stored
 * first); while its exceptions are off it stays pending.  Without handler it goes to the keeper of the
 * space, or is dropped.  Several before the first is taken are one.  Long.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, CURRENT_THREAD. */
void		fluke_thread_interrupt(fluke_thread_t *thread);

/* fluke_thread_self: the thread_va of the caller's state.  Trivial.
 * Insanities: none. */
fluke_thread_t	*fluke_thread_self(void);

/* fluke_thread_used: how much time schedulers have given to a thread (or the target of a reference), in counts of the time
 * stamp counter: from each thread_schedule for it, or the moment when it began to run in another target's stead, to the end.
 * It is a client's own account: what it lent on (to a server, to a mutex's holder) is its own, what others lent it, theirs.
 * *low, *high: the two words.  Null reference or 0: 0.  Short.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT. */
void		fluke_thread_used(fluke_thread_t *thread, natural_t *low, natural_t *high);

/* fluke_thread_schedule: lends the caller's processor time to a thread while waiting for a message.
 * thread: a thread, or a reference to one; 0 = only look whether something waits (INVALID: nothing).
 * sleep_port: null, or a port (or a reference to one): the wait ends when any port of its set has
 * something to receive.  sensitivity: see fluke_wakeup.  Weaker than ON_BLOCK, the target's block does not
 * end the call: the caller counts as blocked itself, and when its own scheduler gives it time again,
 * that passes on.  ON_CONFLICT: while the target is blocked, a single request does not end the call
 * either: that client runs directly, its request being kept for the caller, or taken back if it
 * blocks first; the call ends when a second one asks.  A call that so ends after its target has
 * blocked returns BLOCKED, whatever else waits.  Returns FLUKE_SCHED_MESSAGE (fetch it by wait_receive; the thread may still
 * be ready), FLUKE_SCHED_BLOCKED (neither the thread nor anybody it lends to can run; it asks again
 * when that changes), FLUKE_SCHED_INVALID (null or dead, stopped, or without space).  Requests come to
 * the scheduler port as one-way {FLUKE_SCHED_REQUEST, sched_val}, one per thread until its scheduler
 * has been told BLOCKED or INVALID.  If all that MESSAGE announced has gone meanwhile (a thread that
 * asked was destroyed), the next wait_receive gets {0, 0} and alias 0.  Long; stopped, the donation
 * ends, and repeating the call makes it again.
 * Insanities: NO_OBJECT, NOT_THREAD, INVALID_OBJECT, NOT_PORT, CURRENT_THREAD, INVALID_STATE
 * (sensitivity). */
natural_t	fluke_thread_schedule(fluke_thread_t *thread, fluke_port_t *sleep_port, natural_t sensitivity);

/* fluke_thread_set_tls: the base of the segment FLUKE_USER_TLS for the caller.  Trivial.
 * Insanities: none. */
void		fluke_thread_set_tls(oskit_addr_t base);

#endif
