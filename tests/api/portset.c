/* Port sets. */
#include "port.h"

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

/* What every type has in common: type.h. */
TYPE_CALLS(portset, PORTSET, 0);

CASE("portset-06", "create makes a port set with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("portset-07", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("portset-08", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("portset-09", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("portset-10", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("portset-11", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("portset-12", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("portset-13", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("portset-14", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("portset-15", "reference refuses what is no port set, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("portset-16", "get_state refuses what is no port set")
{
	type_state_refuses(&calls, calls.get);
}

CASE("portset-17", "set_state refuses what is no port set")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("portset-18", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("portset-19", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("portset-20", "a destroyed set leaves its ports without one; given another they deliver there")
{
	fluke_portset_t *other = check_portset_new();
	fluke_ref_t *ref = check_ref_new();

	make();
	fluke_portset_destroy(set);
	fluke_port_get_state(port, &state, ref);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	CHECK_EQUAL(send(check_port_ref_new(port)), FLUKE_SUCCESS);
	fluke_portset_reference(other, ref);
	fluke_port_set_state(port, 0, ref);
	CHECK_EQUAL(receive(other, 0) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 6);
}

CASE("portset-21", "two servers of a set take one message each, in the order of their coming")
{
	fluke_thread_t *second;

	make();
	result = 77;
	check_thread_new(check_root_space, waiter, 0);
	check_run();
	second = check_thread_new(check_root_space, waiter, 0);
	check_run();
	send(check_port_ref_new(port));
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(result), FLUKE_IPC_ONEWAY);
	CHECK_EQUAL(FLUKE_IPC_LAST(result), 0);
	result = 77;
	check_run_one(second);
	CHECK_EQUAL(result, 77);
	send(check_port_ref_new(port));
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(result), FLUKE_IPC_ONEWAY);
}

CASE("portset-22", "a moved set keeps its ports and what waits at them")
{
	fluke_portset_t *to = check_object(sizeof *to);
	fluke_ref_t *got = check_ref_new(), *wanted = check_ref_new();

	make();
	send(check_port_ref_new(port));
	fluke_portset_move(set, to);
	fluke_port_get_state(port, &state, got);
	fluke_portset_reference(to, wanted);
	CHECK_EQUAL(fluke_ref_compare(got, wanted), 1);
	CHECK_EQUAL(receive(to, 0) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
}
