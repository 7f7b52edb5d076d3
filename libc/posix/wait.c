/* The two ways in which a call of the process may wait.
 *
 * thread_wait: on the thread's own portset, for a wake-up message (futex, watch, signal), or its
 * timer.  BLOCKING: inside an RPC that the server answers late.  Both go through
 * image_blocking_call, which a signal can leave only before the answer came; signal.c says when. */
#include "posix.h"
#include <protocols/Clock.h>

#define SYNC(n, offset)		(IMAGE_SYNC_OBJECTS + 0x4000u + (n) * 256u + (offset))
#define PORTSET(n)		((fluke_portset_t *)SYNC(n, 0))
#define WAKE_PORT(n)		((fluke_port_t *)SYNC(n, 64))
#define WATCH_PORT(n)		((fluke_port_t *)SYNC(n, 128))
#define REF_TIMER		thread_ref(9)

#define CALL_SETUP_WAIT_RECEIVE	95
#define CALL_CONNECT_SEND_OVER_RECEIVE 98

fluke_error_t image_call(fluke_ipc_params_t *params, fluke_ref_t *dest);

/* What the protocol stubs call (PROTO_CALL). */
fluke_error_t image_call(fluke_ipc_params_t *params, fluke_ref_t *dest)
{
	struct thread *t = self();

	if (!t->blocking)
		return fluke_ipc_client_connect_send_over_receive(params, dest);
	t->blocking = 0;
	return image_blocking_call(CALL_CONNECT_SEND_OVER_RECEIVE, params, dest);
}

void blocking_begin(void)
{
	struct thread *t = self();

	t->blocking = 1;
	t->cancelled = 0;
}

/* After a call: true = a signal left it, but nothing is to be handled; once more. */
bool blocking_again(void)
{
	struct thread *t = self();

	t->blocking = 0;
	if (!t->cancelled)
		return false;
	t->flag = 0;
	return !signal_pending();
}

int blocking_end(int error)
{
	struct thread *t = self();

	if (!t->cancelled)
		return error;
	t->cancelled = 0;
	t->restart = true;
	return ERESTART;
}

int fail(int error)
{
	if (error == 0)
		return 0;
	return error >= 1000 ? -EIO : -error;
}

static int set_timer(struct thread *t, uint64_t deadline)
{
	fluke_ref_t *port = thread_ref(11);

	if (!t->has_timer) {
		fluke_port_reference(WAKE_PORT(t->number), port);
		if (Clock_create_timer(REF_CLOCK, port, 1, REF_TIMER))
			return -EIO;
		t->has_timer = 1;
	}
	return fail(Timer_set(REF_TIMER, deadline ? deadline - FACTS->clock.ahead : 0, 0, NULL));
}

int thread_wait(uint64_t deadline)
{
	struct thread *t = self();
	uint32_t message[8];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = message };
	int error;

	if (deadline != FOREVER) {
		if (now_monotonic() >= deadline)
			return -ETIMEDOUT;
		error = set_timer(t, deadline);
		if (error)
			return error;
	}
	t->cancelled = 0;
	image_blocking_call(CALL_SETUP_WAIT_RECEIVE, &p, PORTSET(t->number));
	if (t->cancelled) {
		t->cancelled = 0;
		t->flag = 0;
		if (signal_pending())
			return -EINTR;
	}
	if (deadline != FOREVER && now_monotonic() >= deadline)
		return -ETIMEDOUT;
	return 0;
}

/* The port itself, to be sent: only servers have references to it, so that it tells when all of them have gone. */
fluke_ref_t *wait_watch_port(void)
{
	struct thread *t = self();
	fluke_port_state_t state = { .alias = 2, .flags = FLUKE_PORT_NOREFS_NOTIFY };
	fluke_ref_t *portset = thread_ref(0);

	if (!t->has_watch) {
		fluke_port_create(WATCH_PORT(t->number));
		fluke_portset_reference(PORTSET(t->number), portset);
		fluke_port_set_state(WATCH_PORT(t->number), &state, portset);
		t->has_watch = 1;
	}
	return (fluke_ref_t *)WATCH_PORT(t->number);
}

void wait_watch_end(void)
{
	struct thread *t = self();

	if (!t->has_watch)
		return;
	t->has_watch = 0;
	fluke_port_destroy(WATCH_PORT(t->number));
}
