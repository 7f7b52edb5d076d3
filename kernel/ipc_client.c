/* The reliable calls of a client, as sequences of stages (the one with a fast path is in
 * ipc_fast.c). */
#include "kernel.h"
#include "ipc.h"

result_t sys_ipc_client_connect_send(struct thread *t)
{
	return ipc_stage_connect(t, FLUKE_CALL_ipc_client_send, THEN_DONE);
}

result_t sys_ipc_client_send(struct thread *t)
{
	return ipc_stage_send(t, CLIENT, THEN_DONE);
}

result_t sys_ipc_client_send_over_receive(struct thread *t)
{
	return ipc_stage_send(t, CLIENT, THEN_OVER);
}

result_t sys_ipc_client_over_receive(struct thread *t)
{
	return ipc_stage_over(t, CLIENT);
}

result_t sys_ipc_client_receive(struct thread *t)
{
	return ipc_stage_receive(t, CLIENT);
}

result_t sys_ipc_client_ack_send(struct thread *t)
{
	return ipc_stage_ack(t, CLIENT, FLUKE_CALL_ipc_client_send, THEN_DONE);
}

result_t sys_ipc_client_ack_send_over_receive(struct thread *t)
{
	return ipc_stage_ack(t, CLIENT, FLUKE_CALL_ipc_client_send_over_receive, THEN_OVER);
}
