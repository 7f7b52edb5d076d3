/* IPC: connections, stages, transfer.
 *
 * Registers are the only record of progress.  A combined call is a sequence of stages; each
 * stage is itself a call, named by al, and the registers are rewritten to it before the thread
 * can block in it:
 *
 *   client_connect_send               -> client_send
 *   client_connect_send_over_receive  -> client_send_over_receive
 *   X_send_over_receive               -> X_over_receive
 *   X_over_receive                    -> X_receive		(when the peer takes the turn)
 *   X_ack_send                        -> X_send		(when the peer has offered it)
 *   X_ack_send_over_receive           -> X_send_over_receive
 *   server_ack_send_wait_receive      -> server_send_wait_receive
 *   server_send_wait_receive          -> wait_receive		(connection ended)
 *   reply_wait_receive                -> wait_receive
 *   setup_wait_receive                -> wait_receive
 *   wait_receive                      -> server_receive with flags ACCEPTED, alias in ebp
 *   (kernel port) client_connect_...  -> client_receive without connection, answer in min_msg
 *
 * A half of the block in registers: eax 16-23 buffers, 24-31 refs, ecx words, esi address, edx ref
 * table, and the buffer table in edi (in ebp where edi still holds the destination).
 *
 * Rendezvous: each stage first looks what the peer waits for.  If that fits, data move at once,
 * driven by the thread that runs; else the thread waits in its own stage, lends its time to the
 * peer, and the peer drives.  A fault in the driver's memory is its own.  At a hard fault in the
 * peer's memory the driver waits and the peer runs its stage: then it is the driver. */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include <fluke/ipc.h>
#include <fluke/callnumbers.h>
#include "thread.h"
#include "port.h"

enum then { THEN_DONE, THEN_OVER, THEN_WAIT };	/* what follows a send */

/* min_msg_words: total in bits 0-7, of these stored already in bits 8-15; 0 = none pending. */
#define MIN_MSG_TOTAL(w)	((w) & 0xff)
#define MIN_MSG_STORED(w)	(((w) >> 8) & 0xff)

#define HALF_COUNTS(eax)	((eax) & 0xffff0000u)
#define HALF_BUFFERS(eax)	(((eax) >> 16) & 0xff)
#define HALF_REFS(eax)		((eax) >> 24)
#define ONE_BUFFER		0x00010000u
#define ONE_REF			0x01000000u

static inline void call_become(struct thread *t, uint32_t number)
{
	t->regs.eax = HALF_COUNTS(t->regs.eax) | number;
}

/* A message that fits into min_msg: no further buffers, no refs. */
static inline int half_short(const struct thread *t)
{
	return !HALF_COUNTS(t->regs.eax) && t->regs.ecx <= FLUKE_MAX_MIN_MSG;
}

/* Has t taken a message that its call has still to store?  Asynchronous exceptions come after that; if
 * a handler has left that call for another kind of wait, at once. */
static inline int message_first(const struct thread *t)
{
	const uint32_t call = t->regs.eax & 0xff;

	return t->min_msg_words && call != FLUKE_CALL_mutex_lock && call != FLUKE_CALL_thread_schedule;
}

/* ipc_connect.c: connections */
void		ipc_connect(struct thread *client, struct thread *server);
void		ipc_disconnect(struct thread *t, enum side side);
struct thread	*ipc_live(struct thread *t, enum side side);	/* peer, unless none or set aside */
int		ipc_peer_waits(struct thread *t, enum side side, enum wait_kind kind);
void		ipc_take_over(struct thread *t, enum side side, struct thread *peer, uint32_t parked);
void		ipc_resume(struct thread *t, enum side side, struct thread *peer, uint32_t serial);
void		ipc_end_lending(struct thread *t);	/* t is about to wait for messages */
int		ipc_thread_destroyed(struct thread *t);	/* one bounded step; true when done */
void		ipc_thread_moved(struct thread *old, struct thread *t);
result_t	ipc_destination(struct thread *t, struct port **port);	/* at edi; *port null: INVALID_DEST */
/* s, no longer queued, takes a first message of that flavour (from that port, null: the kernel's):
 * it is in server_receive from now. */
void		ipc_accept(struct thread *s, unsigned flavour, struct port *port);

/* ipc_transfer.c */
struct stream {			/* one side of a transfer: the half in t's registers */
	struct thread	*t;
	uint32_t	*table;		/* the register that holds its buffer table */
};
enum transfer { TRANSFER_SENT, TRANSFER_FULL_DATA, TRANSFER_FULL_REFS, TRANSFER_SELF, TRANSFER_PEER, TRANSFER_PREEMPT };
struct transfer_stop { result_t self; uint32_t va, access; };	/* SELF: result; PEER: fault, access 0 = none */

enum transfer	ipc_transfer(struct stream from, struct stream to, struct transfer_stop *stop);
result_t	ipc_load_send(struct thread *t, uint32_t *table);	/* half from the block at ebx */
result_t	ipc_load_receive(struct thread *t, uint32_t *table);
result_t	ipc_read_first(struct thread *t, uint32_t words[FLUKE_MAX_MIN_MSG]);	/* of its send half */
result_t	ipc_store_min(struct thread *t, uint32_t *table);
result_t	ipc_check_refs(struct thread *t);	/* its own send table is sane */
int		ipc_patch_first(struct thread *t, uint32_t va, uint32_t word);
result_t	ipc_receive_end(struct thread *t, unsigned status);	/* results of a receiving call */
result_t	ipc_end(struct thread *t, unsigned status);		/* results of any other */

/* ipc_stage.c */
result_t	ipc_stage_connect(struct thread *t, uint32_t send_call, enum then then);
result_t	ipc_stage_send(struct thread *t, enum side side, enum then then);
result_t	ipc_stage_over(struct thread *t, enum side side);
result_t	ipc_stage_receive(struct thread *t, enum side side);
result_t	ipc_stage_ack(struct thread *t, enum side side, uint32_t send_call, enum then then);
result_t	ipc_stage_wait(struct thread *t);

/* ipc_message.c: idempotent and one-way */
void		ipc_cut(struct thread *asker);		/* ends its exchange without an answer */
void		ipc_abandon(struct thread *server);	/* the same from the other end: the asker asks again */
enum wait_kind	ipc_accept_call(struct thread *s, struct port *port, struct thread *asker);
void		ipc_enqueue(struct port *port, struct thread *t);	/* t, waiting, has keeper_words for it */
result_t	ipc_receive_call(struct thread *t);	/* server_receive of an accepted idempotent request */
result_t	ipc_kernel_call(struct thread *t, int idempotent);
result_t	ipc_reply_then_wait(struct thread *t);	/* reply_wait_receive where it is not fast (ipc_fast_call.c) */
int		ipc_fast_ask(struct thread *t, struct port *port);

#endif
