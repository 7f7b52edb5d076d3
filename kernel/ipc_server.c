/* The reliable calls of a server, and waiting for messages, as sequences of stages (the one with
 * a fast path is in ipc_fast.c). */
#include "kernel.h"
#include "ipc.h"

result_t sys_ipc_server_send(struct thread *t)
{
	return ipc_stage_send(t, SERVER, THEN_DONE);
}

result_t sys_ipc_server_send_over_receive(struct thread *t)
{
	return ipc_stage_send(t, SERVER, THEN_OVER);
}

result_t sys_ipc_server_send_wait_receive(struct thread *t)
{
	return ipc_stage_send(t, SERVER, THEN_WAIT);
}

result_t sys_ipc_server_over_receive(struct thread *t)
{
	return ipc_stage_over(t, SERVER);
}

result_t sys_ipc_server_receive(struct thread *t)
{
	return ipc_stage_receive(t, SERVER);
}

result_t sys_ipc_server_ack_send(struct thread *t)
{
	return ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send, THEN_DONE);
}

result_t sys_ipc_server_ack_send_over_receive(struct thread *t)
{
	return ipc_stage_ack(t, SERVER, FLUKE_CALL_ipc_server_send_over_receive, THEN_OVER);
}

result_t sys_ipc_wait_receive(struct thread *t)
{
	return ipc_stage_wait(t);
}

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
