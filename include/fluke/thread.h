/* Threads: state record and calls. */
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
#define FLUKE_THREAD_FPU_USED		0x0080	/* fpu field valid; else initial FPU state */
#define FLUKE_THREAD_ACCEPTED		0x0300	/* server_receive receives a first message: FLUKE_IPC_* flavour << 8 */
#define FLUKE_THREAD_ACCEPTED_SHIFT	8
#define FLUKE_THREAD_ANSWERED		0x0400	/* ipc_call has its answer, in min_msg */
#define FLUKE_THREAD_FLAGS		0x07ff	/* all of them */

/* get_client, get_server: the flags word has the connection's number in bits 16-31; set_client and
 * set_server take a word with a number only for that connection (0 = any). */
#define FLUKE_CONNECTION_SHIFT		16

typedef struct fluke_thread_state {
	integer_t	hash;		/* read only */
	oskit_addr_t	thread_va;	/* address of the object in the thread's own space */
	natural_t	sched_val;	/* scheduler's id for the thread; first word of requests */
	natural_t	flags;
	struct fluke_i386_state	regs;
	struct fluke_i386_fpu	fpu;
} fluke_thread_state_t;

/* Links, in the order of the table of five ref pointers (an entry may be null = leave). */
enum { FLUKE_LINK_SPACE, FLUKE_LINK_SCHEDULER, FLUKE_LINK_WAITING_FOR, FLUKE_LINK_CLIENT,
       FLUKE_LINK_SERVER, FLUKE_THREAD_LINKS };
typedef fluke_ref_t *fluke_thread_links_t[FLUKE_THREAD_LINKS];

/* fluke_thread_schedule */
enum fluke_wakeup { FLUKE_WAKEUP_ON_BLOCK, FLUKE_WAKEUP_ON_SWITCH, FLUKE_WAKEUP_ON_CONFLICT };
#define FLUKE_SCHED_MESSAGE	0	/* result: a message waits at sleep_port */
#define FLUKE_SCHED_BLOCKED	1	/* result: the target blocked without donating on, or ended */
#define FLUKE_SCHED_INVALID	2	/* result: the target cannot run (stopped, no space) */

/* A request to a scheduler port: one-way message of two words. */
#define FLUKE_SCHED_REQUEST	1	/* {FLUKE_SCHED_REQUEST, sched_val}: the client is ready */

fluke_error_t	fluke_thread_create(fluke_thread_t *new_thread);
fluke_error_t	fluke_thread_create_hash(fluke_thread_t *new_thread, integer_t *hash);
void		fluke_thread_destroy(fluke_thread_t *thread);
void		fluke_thread_move(fluke_thread_t *old, fluke_thread_t *new_thread);
void		fluke_thread_reference(fluke_thread_t *thread, fluke_ref_t *ref);
void		fluke_thread_disable_exceptions(fluke_thread_t *self);
void		fluke_thread_enable_exceptions(fluke_thread_t *self);
void		fluke_thread_get_client(fluke_thread_t *self, fluke_ref_t *client, natural_t *flags);
void		fluke_thread_get_server(fluke_thread_t *self, fluke_ref_t *server, natural_t *flags);
void		fluke_thread_set_client(fluke_thread_t *self, fluke_ref_t *client, natural_t flags);
void		fluke_thread_set_server(fluke_thread_t *self, fluke_ref_t *server, natural_t flags);
/* handlers[0..3] = trap, interrupt, client alert, server alert */
void		fluke_thread_get_handlers(fluke_thread_t *self, oskit_addr_t handlers[4]);
void		fluke_thread_set_handlers(fluke_thread_t *self, oskit_addr_t trap, oskit_addr_t interrupt,
			oskit_addr_t client_alert, oskit_addr_t server_alert);
void		fluke_thread_get_saved_state(fluke_thread_t *self, struct fluke_thread_saved_state *saved);
void		fluke_thread_set_saved_state(fluke_thread_t *self, struct fluke_thread_saved_state *saved);
void		fluke_thread_return_from_exception(fluke_thread_t *self) __attribute__((noreturn));
void		fluke_thread_get_state(fluke_thread_t *thread, fluke_thread_state_t *state, fluke_thread_links_t links);
void		fluke_thread_set_state(fluke_thread_t *thread, const fluke_thread_state_t *state, fluke_thread_links_t links);
void		fluke_thread_interrupt(fluke_thread_t *thread);
fluke_thread_t	*fluke_thread_self(void);
natural_t	fluke_thread_schedule(fluke_thread_t *thread, fluke_port_t *sleep_port, enum fluke_wakeup sensitivity);
void		fluke_thread_set_tls(oskit_addr_t base);

#endif
