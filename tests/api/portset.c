/* Port sets. */
#include "check.h"

static fluke_portset_t	*set;
static fluke_port_t	*port;
static uint32_t		in[8], out[8];
static fluke_port_state_t state;

static void make(void)
{
	set = check_portset_new();
	port = check_port_new(set, 11);
	out[0] = 6;
	in[0] = in[1] = 0;
}

static uint32_t receive(fluke_portset_t *from, natural_t *alias)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };

	return fluke_ipc_setup_wait_receive(&block, from, alias);
}

static uint32_t send(fluke_ref_t *to)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };

	return fluke_ipc_send(&block, to);
}

CASE("portset-01", "several ports of a set are told apart by alias and served in turn")
{
	fluke_ref_t *first, *second;
	natural_t alias[3];

	make();
	first = check_port_ref_new(port);
	second = check_port_ref_new(check_port_new(set, 12));
	send(first);
	send(second);
	receive(set, &alias[0]);
	send(first);
	receive(set, &alias[1]);
	receive(set, &alias[2]);
	CHECK_EQUAL(alias[0], 11);
	CHECK_EQUAL(alias[1], 12);
	CHECK_EQUAL(alias[2], 11);
}

static uint32_t result;

static void waiter(void *unused)
{
	(void)unused;
	result = receive(set, 0);
}

CASE("portset-02", "destroying a set makes its waiting servers find no object")
{
	make();
	result = 77;
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	memset(&check_caught, 0, sizeof check_caught);
	fluke_portset_destroy(set);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_INSANITY | FLUKE_INSANITY_NO_OBJECT);
	CHECK_EQUAL(result, 77);
	fluke_port_get_state(port, &state, 0);
}

CASE("portset-03", "state is the hash, which set_state leaves alone")
{
	fluke_portset_state_t a, b = { .hash = 5 };

	make();
	fluke_portset_get_state(set, &a);
	fluke_portset_set_state(set, &b);
	fluke_portset_get_state(set, &b);
	CHECK_EQUAL(a.hash, b.hash);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORTSET, fluke_portset_get_state((fluke_portset_t *)port, &a));
}

CASE("portset-04", "waiting on what is no port set is an insanity")
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORTSET, receive((fluke_portset_t *)port, 0));
}

CASE("portset-05", "a thread waiting on a set that moves finds no object at the old address")
{
	fluke_portset_t *to;

	make();
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	to = check_object(sizeof *to);
	fluke_portset_move(set, to);
	send(check_port_ref_new(port));
	CHECK_EQUAL((receive(to, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
}
