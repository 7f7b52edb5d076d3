/* Atomicity: whenever a thread of a conversation blocks, it is stopped, read, written into a fresh
 * thread (which then takes the old one's address), and goes on.  The result must be the same. */
#include "check.h"

#define LONG 3000

static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*dest, *sent;
static fluke_thread_t	*who[2];
static fluke_space_t	*twin;
static uint32_t		replaced, status[16], out[LONG], there[LONG], back[LONG];
static fluke_ref_t	*got[2];
static fluke_mutex_t	*m;
static fluke_cond_t	*c;

/* The thread's state moves into a new object, which then moves to the old address. */
static void replace(fluke_thread_t *thread)
{
	static fluke_thread_state_t state;
	fluke_thread_t *fresh = check_object(sizeof *fresh);
	fluke_thread_links_t links;

	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		links[i] = check_ref_new();
	fluke_thread_get_state(thread, &state, links);
	fluke_thread_create(fresh);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(fresh, &state, links);
	fluke_thread_destroy(thread);
	fluke_thread_move(fresh, thread);
	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		fluke_ref_destroy(links[i]);
	replaced++;
}

/* Both threads run by turns until they block, replaced after every turn. */
static void torture(void (*first)(void *), void (*second)(void *))
{
	set = check_portset_new();
	port = check_port_new(set, 3);
	dest = check_port_ref_new(port);
	sent = check_port_ref_new(port);
	got[0] = check_ref_new();
	got[1] = check_ref_new();
	twin = check_space_twin();
	m = check_mutex_new();
	c = check_cond_new();
	memset(status, 0xff, sizeof status);
	memset(there, 0, sizeof there);
	memset(back, 0, sizeof back);
	for (uint32_t i = 0; i < LONG; i++)
		out[i] = i ^ 0x5a5a;
	who[0] = check_thread_new(check_root_space, first, 0);
	who[1] = check_thread_new(twin, second, 0);
	for (uint32_t turn = 0; turn < 24; turn++) {
		check_run_one(who[turn & 1]);
		replace(who[turn & 1]);
		if (turn % 3)		/* where its registers name a wait, it waits again */
			check_run_one(who[turn & 1]);
	}
}

static void rpc_client(void *unused)
{
	void *refs[2] = { sent, port };
	fluke_ipc_params_t block = { .send_refs = 2, .send_words = LONG, .send_data = out, .send_ref_table = refs,
		.recv_words = LONG, .recv_data = back };

	(void)unused;
	status[0] = fluke_ipc_client_connect_send_over_receive(&block, dest);
	status[1] = block.recv_words;
}

static void rpc_server(void *unused)
{
	fluke_ipc_params_t block = { .recv_refs = 2, .recv_words = LONG, .recv_data = there, .recv_ref_table = got };
	natural_t alias = 0;

	(void)unused;
	status[2] = fluke_ipc_setup_wait_receive(&block, set, &alias);
	status[3] = alias;
	status[4] = block.recv_words;
	block = (fluke_ipc_params_t){ .send_words = LONG, .send_data = there, .recv_words = 2, .recv_data = status + 10 };
	status[5] = fluke_ipc_server_ack_send_wait_receive(&block, 0);
}

static void rpc_checked(void)
{
	CHECK_EQUAL(status[0], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[1], 0);
	CHECK_EQUAL((status[2]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_RELIABLE << 8);
	CHECK_EQUAL(status[3], 3);
	CHECK_EQUAL(status[4], 0);
	CHECK_EQUAL(status[5], 0xffffffff);
	CHECK_EQUAL(fluke_ref_compare(got[0], dest), 1);
	CHECK_EQUAL(fluke_ref_compare(got[1], dest), 1);
	CHECK(!memcmp(there, out, sizeof out));
	CHECK(!memcmp(back, out, sizeof out));
	CHECK(replaced >= 24);
}

CASE("restart-01", "a long RPC with references, the client first, every thread replaced at every wait")
{
	torture(rpc_client, rpc_server);
	rpc_checked();
}

CASE("restart-02", "the same with the server first")
{
	torture(rpc_server, rpc_client);
	rpc_checked();
}

static void pieces_client(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 100, .send_data = out, .recv_words = 10, .recv_data = back };

	(void)unused;
	status[0] = fluke_ipc_client_connect_send(&block, dest);
	block.send_data = out + 100;
	status[1] = fluke_ipc_client_send(&block);
	block.send_data = out + 200;
	status[2] = fluke_ipc_client_send_over_receive(&block);
	block = (fluke_ipc_params_t){ .recv_words = LONG, .recv_data = back + 10 };
	status[3] = fluke_ipc_client_receive(&block);
	block = (fluke_ipc_params_t){ .send_words = 50, .send_data = out + 300 };
	status[4] = fluke_ipc_client_ack_send(&block);
	fluke_ipc_client_disconnect();
}

static void pieces_server(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 120, .recv_data = there };

	(void)unused;
	status[5] = fluke_ipc_setup_wait_receive(&block, set, 0);
	block = (fluke_ipc_params_t){ .recv_words = 180, .recv_data = there + 120 };
	status[6] = fluke_ipc_server_receive(&block);
	block = (fluke_ipc_params_t){ .recv_words = 180, .recv_data = there + 300, .send_words = 20, .send_data = out };
	status[7] = fluke_ipc_server_ack_send(&block);
	status[8] = fluke_ipc_server_over_receive(&block);
	status[9] = block.recv_words;
}

static void pieces_checked(void)
{
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[1], FLUKE_SUCCESS);
	CHECK_EQUAL(status[2], FLUKE_IPC_RECV_MORE_DATA);
	CHECK_EQUAL(status[3], FLUKE_SUCCESS);
	CHECK_EQUAL(status[4], FLUKE_SUCCESS);
	CHECK_EQUAL(FLUKE_IPC_STATUS(status[5]), FLUKE_IPC_RECV_MORE_DATA);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(status[5]), FLUKE_IPC_RELIABLE);
	CHECK(status[6] == FLUKE_SUCCESS || status[6] == FLUKE_IPC_RECV_MORE_DATA);
	CHECK_EQUAL(status[7], FLUKE_SUCCESS);
	CHECK_EQUAL(status[8], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[9], 130);
	CHECK(!memcmp(there, out, 350 * 4));
	CHECK(!memcmp(back, out, 20 * 4));
}

CASE("restart-03", "a conversation in pieces, the client first")
{
	torture(pieces_client, pieces_server);
	pieces_checked();
}

CASE("restart-04", "the same with the server first")
{
	torture(pieces_server, pieces_client);
	pieces_checked();
}

static void call_client(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 700, .send_data = out, .recv_words = LONG, .recv_data = back };

	(void)unused;
	status[0] = fluke_ipc_call(&block, dest);
	status[1] = LONG - block.recv_words;
}

static void call_server(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = LONG, .recv_data = there };
	uint32_t result = fluke_ipc_setup_wait_receive(&block, set, 0);

	(void)unused;
	for (;;) {
		status[2] = result;
		status[3] = LONG - block.recv_words;
		block = (fluke_ipc_params_t){ .send_words = 900, .send_data = there, .recv_words = LONG, .recv_data = there };
		result = fluke_ipc_reply_wait_receive(&block, 0);
	}
}

CASE("restart-05", "a long idempotent exchange starts over until it is through")
{
	torture(call_client, call_server);
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[1], 900);
	CHECK_EQUAL((status[2]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(status[3], 700);
	CHECK(!memcmp(back, out, 2800));
}

static void cond_waiter(void *unused)
{
	(void)unused;
	fluke_mutex_lock(m);
	status[0] = fluke_cond_wait(c, m);
	status[1]++;
	fluke_mutex_unlock(m);
}

static void locker(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < 3; i++) {
		fluke_mutex_lock(m);
		status[2]++;
		fluke_mutex_unlock(m);
	}
}

CASE("restart-06", "cond_wait, stopped in its sleep, goes on as mutex_lock: a spurious wake-up")
{
	torture(cond_waiter, locker);
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[1], 0);
	CHECK_EQUAL(status[2], 2);
}
