/* Ports. */
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

CASE("port-01", "state: alias, flags, pending word and port set")
{
	fluke_ref_t *ref = check_ref_new(), *wanted = check_ref_new();
	fluke_port_state_t other = { .alias = 0x99, .flags = FLUKE_PORT_NOREFS_NOTIFY, .pending = 3 };

	make();
	fluke_portset_reference(set, wanted);
	fluke_port_get_state(port, &state, ref);
	CHECK_EQUAL(state.alias, 11);
	CHECK_EQUAL(state.flags, 0);
	CHECK_EQUAL(fluke_ref_compare(ref, wanted), 1);
	fluke_port_set_state(port, &other, 0);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.alias, 0x99);
	CHECK_EQUAL(state.flags, FLUKE_PORT_NOREFS_NOTIFY);
	CHECK_EQUAL(state.pending, 3);
}

CASE("port-02", "unknown flags and a reference to no port set are refused")
{
	fluke_ref_t *ref;

	make();
	ref = check_port_ref_new(port);
	state = (fluke_port_state_t){ .flags = 2 };
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_port_set_state(port, &state, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORTSET_REF, fluke_port_set_state(port, 0, ref));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORT, fluke_port_get_state((fluke_port_t *)set, &state, 0));
}

CASE("port-03", "NOREFS: the last reference going is a message, withdrawn by a new one")
{
	fluke_ref_t *ref;
	natural_t alias;

	make();
	state = (fluke_port_state_t){ .alias = 11, .flags = FLUKE_PORT_NOREFS_NOTIFY };
	fluke_port_set_state(port, &state, 0);
	ref = check_port_ref_new(port);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
	fluke_ref_clear(ref);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, FLUKE_PENDING_NOREFS);
	fluke_port_reference(port, ref);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
	fluke_ref_destroy(ref);
	CHECK_EQUAL((receive(set, &alias)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], FLUKE_PENDING_NOREFS);
	CHECK_EQUAL(alias, 11);
}

CASE("port-04", "a port moves between sets with what waits at it")
{
	fluke_portset_t *other = check_portset_new();
	fluke_ref_t *ref = check_ref_new();
	natural_t alias;

	make();
	send(check_port_ref_new(port));
	fluke_portset_reference(other, ref);
	fluke_port_set_state(port, 0, ref);
	CHECK_EQUAL((receive(other, &alias)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 6);
}

CASE("port-05", "a moved port keeps references, pending word and set")
{
	fluke_port_t *to;
	fluke_ref_t *ref;

	make();
	ref = check_port_ref_new(port);
	send(ref);
	to = check_object(sizeof *to);
	fluke_port_move(port, to);
	out[0] = 9;
	CHECK_EQUAL(send(ref), FLUKE_SUCCESS);
	CHECK_EQUAL((receive(set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 15);
}
