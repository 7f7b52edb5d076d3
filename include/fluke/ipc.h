/* Inter-process communication: the parameter block and the calls.
 *
 * A half of the block describes one message: a first buffer, a table of further buffers, a
 * table of pointers to references.  Sizes are in words of 4 bytes.  At return of a receiving
 * call the stub writes what is left back into the receive half: recv_words = words left in
 * the last buffer used, recv_buffers = further buffers not used, recv_refs = refs not used.
 *
 * Decided here, where the published documents are silent: the block comes first, as every call has one.
 * A sent reference is a copy.  A server that waits again without a reply abandons its request, which is
 * asked again.  setup_wait_receive is a call of the kernel, since it is the first stage of a restart.  An
 * alert has no arguments, and runs the handler named after the side it comes from.  Of a fault in a buffer
 * its owner is the one who faults, so that no server hangs on a client's pager.  The five calls that are
 * the middle of others: X_send_over_receive, X_over_receive, server_send_wait_receive. */
#ifndef FLUKE_IPC_H
#define FLUKE_IPC_H

#include <fluke/types.h>
#include <fluke/i386/thread.h>

typedef struct fluke_ipc_buffer {
	natural_t	words;
	void		*data;
} fluke_ipc_buffer_t;

typedef struct fluke_ipc_params {		/* 36 bytes, 4-aligned */
	uint8_t		send_buffers, send_refs, recv_buffers, recv_refs;
	natural_t	send_words;		/* first send buffer */
	void		*send_data;
	fluke_ipc_buffer_t *send_buffer_table;	/* send_buffers further ones */
	void		**send_ref_table;	/* each entry: an active ref, or the object itself */
	natural_t	recv_words;
	void		*recv_data;
	fluke_ipc_buffer_t *recv_buffer_table;
	fluke_ref_t	**recv_ref_table;	/* active refs, re-pointed in order */
} fluke_ipc_params_t;

/* What every call with a block has in common:
 * A send half must stay as it is until the call returns; a receive half is written at return.
 * Insanities: BUFFER_UNALIGNED: the block is not 4-aligned.  NO_OBJECT, INVALID_OBJECT: the destination,
 * or an entry of the caller's own table of references (a bad one of the peer is the peer's); NOT_REF:
 * an entry to receive in.  Faults in a buffer are taken by the thread whose buffer it is.
 * All return eax whole: FLUKE_IPC_STATUS(), and from *_wait_receive FLUKE_IPC_FLAVOUR().  All are
 * multi-stage, the stages being calls of this list; stopped or interrupted anywhere, the registers
 * name the call that does the rest.
 *
 * Connections.  A thread is client of at most one and server of at most one.  On each one end is
 * the sender (at first the client).  Ends: DISCONNECTED codes, by which step found the peer gone. */

/* fluke_ipc_call: idempotent request to the port that `dest` leads to; waits for the answer.  The
 * request may arrive several times.  What is too long is cut silently, both ways.  Stopped or
 * interrupted it starts over, unless the answer is there.
 * Returns: SUCCESS, IPC_CONNECT_INVALID_DEST (dest null, dead or no port).
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_call(fluke_ipc_params_t *params, fluke_ref_t *dest);

/* fluke_ipc_send: one-way message; never waits.  If a server waits it gets the message, cut to its
 * room; else a message of at most FLUKE_MIN_MSG_SIZE words without references is or-ed, its first word
 * alone, into the port's pending word, and any other vanishes.  Bits 24-31 of the first word are
 * cleared.
 * Returns: SUCCESS (no promise), IPC_CONNECT_INVALID_DEST.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_send(fluke_ipc_params_t *params, fluke_ref_t *dest);

/* fluke_ipc_reply: answers the idempotent request in hand; ignored if there is none (any more).
 * Returns: SUCCESS.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_reply(fluke_ipc_params_t *params);

/* fluke_ipc_reply_wait_receive: the same, then fluke_ipc_wait_receive.
 * Returns: SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_PORTSET. */
fluke_error_t	fluke_ipc_reply_wait_receive(fluke_ipc_params_t *params, natural_t *alias);

/* fluke_ipc_setup_wait_receive: the caller serves that port set from now on; then as
 * fluke_ipc_wait_receive.
 * Returns: SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_PORTSET. */
fluke_error_t	fluke_ipc_setup_wait_receive(fluke_ipc_params_t *params, fluke_portset_t *portset, natural_t *alias);

/* fluke_ipc_wait_receive: ends the present connection as server, abandons an unanswered request (its
 * asker asks again), waits for the next message to a port of the set of the last setup, and receives
 * it.  *alias: that of the port.  If the thread has an entry address for the flavour, it goes on there
 * with esp = server_esp and the results in registers (i386/thread.h) instead of returning.  A message
 * {word, 0} with one of FLUKE_PENDING_KERNEL set is an event of the kernel.
 * Returns: SUCCESS (complete; reliable: the client has offered the turn); reliable also
 * IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS (a half is full: go on with fluke_ipc_server_receive),
 * IPC_RECV_DISCONNECTED (complete, and the client has left).
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_PORTSET. */
fluke_error_t	fluke_ipc_wait_receive(fluke_ipc_params_t *params, natural_t *alias);

/* fluke_ipc_client_connect_send: drops the present connection as client, waits for a server of the
 * port, connects to it and sends.  While queued the caller lends its time to the thread that last took
 * a message from the set.
 * Returns: SUCCESS (all has been taken), IPC_CONNECT_INVALID_DEST, IPC_SEND_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_client_connect_send(fluke_ipc_params_t *params, fluke_ref_t *dest);

/* fluke_ipc_client_connect_send_over_receive: the normal RPC: the same, then offers the turn and
 * receives, lending its time to the server.
 * Returns: IPC_RECV_DISCONNECTED (the normal end of an RPC), SUCCESS, IPC_RECV_MORE_DATA,
 * IPC_RECV_MORE_REFS as from fluke_ipc_client_receive, IPC_CONNECT_INVALID_DEST,
 * IPC_SEND_DISCONNECTED, IPC_OVER_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_client_connect_send_over_receive(fluke_ipc_params_t *params, fluke_ref_t *dest);

/* fluke_ipc_server_ack_send_wait_receive: the normal server loop: takes the turn (what the client
 * still sends is thrown away), sends, ends the connection, waits for the next message.
 * Returns: IPC_ACK_DISCONNECTED, IPC_SEND_DISCONNECTED (flavour 0: without having waited); or as
 * fluke_ipc_wait_receive SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_PORTSET, NOT_RECEIVER. */
fluke_error_t	fluke_ipc_server_ack_send_wait_receive(fluke_ipc_params_t *params, natural_t *alias);

/* fluke_ipc_server_send_wait_receive: the same for a server that has the turn.
 * Returns: IPC_SEND_DISCONNECTED; or as fluke_ipc_wait_receive SUCCESS, IPC_RECV_MORE_DATA,
 * IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_PORTSET, NOT_SENDER. */
fluke_error_t	fluke_ipc_server_send_wait_receive(fluke_ipc_params_t *params, natural_t *alias);

/* fluke_ipc_server_answer: answers a client that this or another thread of the space has set aside,
 * ends that connection and clears the reference `client`; the caller's own connections stay as they
 * are.  params: the send half, and in recv_words the flags word that get_client gave for that client.
 * Short.
 * Returns: SUCCESS; IPC_ACK_DISCONNECTED (the client has left; the reference is cleared); IPC_NOT_NOW
 * (nothing has been done: the answer is longer than FLUKE_MAX_MIN_MSG words or has references, or the
 * client is not set aside, waiting or stopped in its wait: then set_client and ack_send do it).
 * Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT. */
fluke_error_t	fluke_ipc_server_answer(fluke_ipc_params_t *params, fluke_ref_t *client);

/* The steps one by one, for either side of its connection:
 *
 * fluke_ipc_SIDE_send: sends, waiting for the receiver to take it all.
 *	Returns: SUCCESS, IPC_SEND_DISCONNECTED.
 *	Insanities: NO_OBJECT, INVALID_OBJECT, NOT_SENDER.
 * fluke_ipc_SIDE_receive: receives until the sender offers the turn (SUCCESS), a half is full (MORE)
 *	or the sender has left (DISCONNECTED).
 *	Returns: SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 *	Insanities: NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_RECEIVER.
 * fluke_ipc_SIDE_over_receive: offers the turn, waits until the peer takes it, receives.
 *	Returns: IPC_OVER_DISCONNECTED, or as receive SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS,
 *	IPC_RECV_DISCONNECTED.
 *	Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_SENDER.
 * fluke_ipc_SIDE_send_over_receive: send, then over_receive.
 *	Returns: IPC_SEND_DISCONNECTED, IPC_OVER_DISCONNECTED, or as receive SUCCESS,
 *	IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 *	Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_SENDER.
 * fluke_ipc_SIDE_ack_send: takes the turn, waiting for it to be offered and throwing away what is
 *	still sent, then sends.
 *	Returns: SUCCESS, IPC_ACK_DISCONNECTED, IPC_SEND_DISCONNECTED.
 *	Insanities: BUFFER_UNALIGNED, NO_OBJECT, INVALID_OBJECT, NOT_RECEIVER.
 * fluke_ipc_SIDE_ack_send_over_receive: ack_send, then over_receive.
 *	Returns: IPC_ACK_DISCONNECTED, IPC_SEND_DISCONNECTED, IPC_OVER_DISCONNECTED, or as receive
 *	SUCCESS, IPC_RECV_MORE_DATA, IPC_RECV_MORE_REFS, IPC_RECV_DISCONNECTED.
 *	Insanities: BUFFER_UNALIGNED, NO_OBJECT, NOT_REF, INVALID_OBJECT, NOT_RECEIVER.
 * fluke_ipc_SIDE_disconnect: ends the connection.  A sender's peer gets all that was sent and then
 *	DISCONNECTED; a receiver's peer finds out at its next step.  Short.
 *	Insanities: none.
 * fluke_ipc_SIDE_alert: the peer's alert handler runs (a client's alert: the server's
 *	client_alert_handler).  The connection stays.  Nothing without one.  When a
 *	client has alerted its server and that sets it aside and takes up no other (ASIDE, thread.h),
 *	it gets a software interrupt: nobody is at work for it now, it may leave.  An alert by a client that is
 *	set aside ends its connection: it has left before anybody can take it up.  Short.
 *	Insanities: none. */
#define FLUKE_IPC_SIDE(side) \
	fluke_error_t	fluke_ipc_##side##_send(fluke_ipc_params_t *params); \
	fluke_error_t	fluke_ipc_##side##_receive(fluke_ipc_params_t *params); \
	fluke_error_t	fluke_ipc_##side##_over_receive(fluke_ipc_params_t *params); \
	fluke_error_t	fluke_ipc_##side##_send_over_receive(fluke_ipc_params_t *params); \
	fluke_error_t	fluke_ipc_##side##_ack_send(fluke_ipc_params_t *params); \
	fluke_error_t	fluke_ipc_##side##_ack_send_over_receive(fluke_ipc_params_t *params); \
	void		fluke_ipc_##side##_disconnect(void); \
	void		fluke_ipc_##side##_alert(void);
FLUKE_IPC_SIDE(client)
FLUKE_IPC_SIDE(server)

#endif
