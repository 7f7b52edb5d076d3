/* Ports. */
#include "port.h"

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

/* What every type has in common: type.h. */
TYPE_CALLS(port, PORT, 1);

CASE("port-06", "create makes a port with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("port-07", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("port-08", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("port-09", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("port-10", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("port-11", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("port-12", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("port-13", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("port-14", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("port-15", "reference refuses what is no port, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("port-16", "get_state refuses what is no port, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("port-17", "set_state refuses what is no port, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("port-18", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("port-19", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("port-20", "a port without a set queues its clients until it is given one")
{
	fluke_port_t *lone = check_port_new(0, 12);
	fluke_ref_t *ref = check_ref_new();
	natural_t alias;

	make();
	out[0] = 5;
	CHECK_EQUAL(send(check_port_ref_new(lone)), FLUKE_SUCCESS);
	fluke_portset_reference(set, ref);
	fluke_port_set_state(lone, 0, ref);
	CHECK_EQUAL(receive(set, &alias) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 5);
	CHECK_EQUAL(alias, 12);
}

CASE("port-21", "a pending word written by set_state is delivered")
{
	natural_t alias;

	make();
	state = (fluke_port_state_t){ .alias = 13, .pending = 0x40 };
	fluke_port_set_state(port, &state, 0);
	CHECK_EQUAL(receive(set, &alias) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 0x40);
	CHECK_EQUAL(alias, 13);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
}

CASE("port-22", "a port taken out of its set delivers nothing there, and keeps what waits")
{
	fluke_ref_t *null = check_ref_new();
	fluke_port_t *second;
	natural_t alias;

	make();
	second = check_port_new(set, 14);
	send(check_port_ref_new(port));
	fluke_port_set_state(port, 0, null);
	send(check_port_ref_new(second));
	receive(set, &alias);
	CHECK_EQUAL(alias, 14);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 6);
}

CASE("port-23", "the alias is the one at the time of delivery")
{
	natural_t alias;

	make();
	send(check_port_ref_new(port));
	fluke_port_get_state(port, &state, 0);
	state.alias = 99;
	fluke_port_set_state(port, &state, 0);
	receive(set, &alias);
	CHECK_EQUAL(alias, 99);
}

CASE("port-24", "without the flag the last reference going is no message")
{
	make();
	fluke_ref_destroy(check_port_ref_new(port));
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
}

static uint32_t status;

static void asker(void *to)
{
	static uint32_t reply[4];
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 4, .recv_data = reply };

	status = fluke_ipc_call(&block, to);
}

CASE("port-25", "the end of a port tells its waiting askers INVALID_DEST, and later ones too")
{
	fluke_ref_t *ref;

	make();
	ref = check_port_ref_new(port);
	status = 77;
	check_thread_new(check_root_space, asker, ref);
	check_run();
	CHECK_EQUAL(status, 77);
	fluke_port_destroy(port);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_STATUS(status), FLUKE_IPC_CONNECT_INVALID_DEST);
	CHECK_EQUAL(send(ref), FLUKE_IPC_CONNECT_INVALID_DEST);
}

static void connecter(void *to)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };

	status = fluke_ipc_client_connect_send(&block, to);
	fluke_ipc_client_disconnect();
}

CASE("port-26", "queued clients go with the port to another set")
{
	fluke_portset_t *other = check_portset_new();
	fluke_ref_t *ref = check_ref_new();

	make();
	status = 77;
	check_thread_new(check_root_space, connecter, check_port_ref_new(port));
	check_run();
	CHECK_EQUAL(status, 77);
	fluke_portset_reference(other, ref);
	fluke_port_set_state(port, 0, ref);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(receive(other, 0)), FLUKE_IPC_RELIABLE);
	check_run();
	CHECK_EQUAL(status, FLUKE_SUCCESS);
	fluke_ipc_server_disconnect();
}
