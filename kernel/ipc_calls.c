/* The reliable calls as sequences of stages.  The two with a fast path are in ipc_fast.c, which goes
 * to the stages too where that does not hold. */
#include "kernel.h"
#include "ipc.h"

#define CALL_IS(name, stage) result_t sys_ipc_##name(struct thread *t) { return stage; }

CALL_IS(client_connect_send,		ipc_stage_connect(t, FLUKE_CALL_ipc_client_send, THEN_DONE))
CALL_IS(client_send,			ipc_stage_send(t, CLIENT, THEN_DONE))
CALL_IS(client_send_over_receive,	ipc_stage_send(t, CLIENT, THEN_OVER))
CALL_IS(client_over_receive,		ipc_stage_over(t, CLIENT))
CALL_IS(client_receive,			ipc_stage_receive(t, CLIENT))
CALL_IS(client_ack_send,		ipc_stage_ack(t, CLIENT, FLUKE_CALL_ipc_client_send, THEN_DONE))
CALL_IS(client_ack_send_over_receive,	ipc_stage_ack(t, CLIENT, FLUKE_CALL_ipc_client_send_over_receive, THEN_OVER))

CALL_IS(server_send,			ipc_stage_send(t, SERVER, THEN_DONE))
CALL_IS(server_send_over_receive,	ipc_stage_send(t, SERVER, THEN_OVER))
CALL_IS(server_send_wait_receive,	ipc_stage_send(t, SERVER, THEN_WAIT))
CALL_IS(server_over_receive,		ipc_stage_over(t, SERVER))
CALL_IS(server_receive,			ipc_stage_receive(t, SERVER))
CALL_IS(server_ack_send,		ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send, THEN_DONE))
CALL_IS(server_ack_send_over_receive,	ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send_over_receive, THEN_OVER))
CALL_IS(wait_receive,			ipc_stage_wait(t))

/* The set at edi becomes the one that this thread serves. */
result_t sys_ipc_setup_wait_receive(struct thread *t)
{
	struct object *o;

	TRY(object_find(t->regs.edi, FLUKE_TYPE_PORTSET, FLUKE_PROT_OBJECT, &o));
	/* commit */
	t->server_portset = t->regs.edi;
	call_become(t, FLUKE_CALL_ipc_wait_receive);
	return ipc_stage_wait(t);
}
