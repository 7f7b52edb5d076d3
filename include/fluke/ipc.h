/* Inter-process communication: the parameter block and the calls.
 *
 * A half of the block describes one message: a first buffer, a table of further buffers, a
 * table of pointers to references.  Sizes are in words of 4 bytes.  At return of a receiving
 * call the stub writes what is left back into the receive half: recv_words = words left in
 * the last buffer used, recv_buffers = further buffers not used, recv_refs = refs not used.  */
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

/* All return eax whole: FLUKE_IPC_STATUS(), and from *_wait_receive FLUKE_IPC_FLAVOUR(). */
fluke_error_t	fluke_ipc_call(fluke_ipc_params_t *params, fluke_ref_t *dest);
fluke_error_t	fluke_ipc_send(fluke_ipc_params_t *params, fluke_ref_t *dest);
fluke_error_t	fluke_ipc_reply(fluke_ipc_params_t *params);
fluke_error_t	fluke_ipc_reply_wait_receive(fluke_ipc_params_t *params, natural_t *alias);
fluke_error_t	fluke_ipc_setup_wait_receive(fluke_ipc_params_t *params, fluke_portset_t *portset, natural_t *alias);
fluke_error_t	fluke_ipc_wait_receive(fluke_ipc_params_t *params, natural_t *alias);
fluke_error_t	fluke_ipc_client_connect_send(fluke_ipc_params_t *params, fluke_ref_t *dest);
fluke_error_t	fluke_ipc_client_connect_send_over_receive(fluke_ipc_params_t *params, fluke_ref_t *dest);
fluke_error_t	fluke_ipc_server_ack_send_wait_receive(fluke_ipc_params_t *params, natural_t *alias);
fluke_error_t	fluke_ipc_server_send_wait_receive(fluke_ipc_params_t *params, natural_t *alias);
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
