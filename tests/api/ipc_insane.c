/* What IPC calls refuse: bad blocks, bad destinations, bad references to send and to receive in, and
 * talking out of turn.  Every refused call is followed by the same one that succeeds. */
#include "ipc_peer.h"

/* The bad entries of a table of references, in turn: nothing there, no reference, no user address. */
enum { NOTHING_THERE, NO_REFERENCE, NO_ADDRESS, ENTRIES };

static void *bad[1];

static uint32_t bad_entry(uint32_t which)
{
	static const uint32_t insanity[ENTRIES] = { FLUKE_INSANITY_NO_OBJECT, FLUKE_INSANITY_NOT_REF, FLUKE_INSANITY_INVALID_OBJECT };

	bad[0] = which == NOTHING_THERE ? check_object(64) : which == NO_REFERENCE ? (void *)check_mutex_new() : KERNEL_ADDRESS;
	return insanity[which];
}

#define SEND_BAD	.send_refs = 1, .send_ref_table = bad
#define RECEIVE_BAD	.recv_refs = 1, .recv_ref_table = (fluke_ref_t **)bad
#define RECEIVE_GOOD	.recv_refs = 1, .recv_ref_table = (fluke_ref_t **)good

/* An entry to send may name any object, so that NO_REFERENCE is none of these. */
#define FOR_SENT(which) for (volatile uint32_t which = 0; which < ENTRIES; which += 2)
#define FOR_RECEIVED(which) for (volatile uint32_t which = 0; which < ENTRIES; which++)

/* ---- to a destination */

typedef fluke_error_t dest_call(fluke_ipc_params_t *, fluke_ref_t *);

static void refuses_destination(dest_call *call)
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, call(BLOCK_OF(SEND(2), RECEIVE(2)), check_object(64)));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, call(BLOCK_OF(SEND(2), RECEIVE(2)), KERNEL_ADDRESS));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, call(BLOCK_OF(SEND(2), RECEIVE(2)), (fluke_ref_t *)((char *)dest + 4)));
	CHECK_EQUAL(call(BLOCK_OF(SEND(2), RECEIVE(2)), (fluke_ref_t *)check_mutex_new()), FLUKE_IPC_CONNECT_INVALID_DEST);
}

CASE("ipc_insane-01", "call: a destination that is nothing, or no address; any object but a port is INVALID_DEST")
{
	refuses_destination(fluke_ipc_call);
}

CASE("ipc_insane-02", "send: the same")
{
	refuses_destination(fluke_ipc_send);
}

CASE("ipc_insane-03", "client_connect_send: the same")
{
	refuses_destination(fluke_ipc_client_connect_send);
}

CASE("ipc_insane-04", "client_connect_send_over_receive: the same")
{
	refuses_destination(fluke_ipc_client_connect_send_over_receive);
}

static void refuses_block(dest_call *call, struct step server)
{
	make();
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED, call(askew((fluke_ipc_params_t){ SEND(2), RECEIVE(2) }), dest));
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), server, ITS_LEAVE(&client_side));
	call(BLOCK_OF(SEND(2), RECEIVE(2)), (fluke_ref_t *)port);	/* a port may be named itself */
	leave();
	CHECK_EQUAL(peer_in[1], out[1]);
}

CASE("ipc_insane-05", "call: a block that is not aligned")
{
	refuses_block(fluke_ipc_call, (struct step)STEP(BLOCK, reply, SEND(2)));
	CHECK_EQUAL(in[1], out[1]);
}

CASE("ipc_insane-06", "send: a block that is not aligned")
{
	refuses_block(fluke_ipc_send, NOTHING);
}

CASE("ipc_insane-07", "client_connect_send: a block that is not aligned")
{
	refuses_block(fluke_ipc_client_connect_send, NOTHING);
}

CASE("ipc_insane-08", "client_connect_send_over_receive: a block that is not aligned")
{
	refuses_block(fluke_ipc_client_connect_send_over_receive, (struct step)STEP(BLOCK, server_ack_send, SEND(2)));
	CHECK_EQUAL(in[1], out[1]);
}

static void refuses_sent(dest_call *call, struct step server)
{
	FOR_SENT(which) {
		uint32_t insanity;

		make();
		insanity = bad_entry(which);
		PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)));
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), SEND_BAD, RECEIVE(2)), dest));
		leave();
	}
	make();
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), server, ITS_LEAVE(&client_side));
	call(BLOCK_OF(SEND(2), SEND_REF, RECEIVE(2)), dest);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	leave();
}

CASE("ipc_insane-09", "call: bad references to send")
{
	refuses_sent(fluke_ipc_call, (struct step)STEP(BLOCK, reply, SEND(2)));
}

CASE("ipc_insane-10", "send: bad references to send")
{
	refuses_sent(fluke_ipc_send, NOTHING);
}

CASE("ipc_insane-11", "client_connect_send: bad references to send")
{
	refuses_sent(fluke_ipc_client_connect_send, NOTHING);
}

CASE("ipc_insane-12", "client_connect_send_over_receive: bad references to send")
{
	refuses_sent(fluke_ipc_client_connect_send_over_receive, (struct step)STEP(BLOCK, server_ack_send, SEND(2)));
}

static void refuses_received(dest_call *call, struct step server)
{
	FOR_RECEIVED(which) {
		uint32_t insanity;

		make();
		insanity = bad_entry(which);
		PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), server);
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), RECEIVE(64), RECEIVE_BAD), dest));
		leave();
	}
	make();
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), server, ITS_LEAVE(&client_side));
	fluke_ref_clear(good[0]);
	call(BLOCK_OF(SEND(2), RECEIVE(64), RECEIVE_GOOD), dest);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	CHECK_EQUAL(in[1], out[1]);
}

CASE("ipc_insane-13", "call: bad references to receive in")
{
	refuses_received(fluke_ipc_call, (struct step)STEP(BLOCK, reply, SEND(2), SEND_REF));
}

CASE("ipc_insane-14", "client_connect_send_over_receive: bad references to receive in")
{
	refuses_received(fluke_ipc_client_connect_send_over_receive, (struct step)STEP(BLOCK, server_ack_send, SEND(2), SEND_REF));
}

/* ---- on a connection, as client and as server */

static void send_refuses(const struct side *side)
{
	me_sender(side, NOTHING);
	FOR_SENT(which) {
		uint32_t insanity = bad_entry(which);

		EXPECT_INSANITY(insanity, side->send(BLOCK_OF(SEND(2), SEND_BAD)));
	}
	CHECK_EQUAL(side->send(BLOCK_OF(SEND(2), SEND_REF)), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	leave();
}

CASE("ipc_insane-15", "client_send: bad references to send")
{
	send_refuses(&client_side);
}

CASE("ipc_insane-16", "server_send: bad references to send")
{
	send_refuses(&server_side);
}

static void out_of_turn(const struct side *side)
{
	fluke_ipc_params_t block = { SEND(2), RECEIVE(2) };

	me_sender(side, NOTHING);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, side->receive(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, side->ack_send(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, side->ack_send_over_receive(&block));
	CHECK_EQUAL(side->send(&block), FLUKE_SUCCESS);
	leave();
	me_receiver(side, ROOM(64), NOTHING);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, side->send(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, side->over_receive(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, side->send_over_receive(&block));
	CHECK_EQUAL(side->receive(BLOCK_OF(RECEIVE(2), RECEIVE_GOOD)), FLUKE_SUCCESS);
	leave();
}

CASE("ipc_insane-17", "a client that sends receives nothing, one that receives sends nothing")
{
	out_of_turn(&client_side);
}

CASE("ipc_insane-18", "a server that sends receives nothing, one that receives sends nothing")
{
	out_of_turn(&server_side);
}

static void receive_refuses(const struct side *side)
{
	me_receiver(side, ROOM(64), NOTHING);
	fluke_ref_clear(good[0]);
	FOR_RECEIVED(which) {
		uint32_t insanity = bad_entry(which);

		EXPECT_INSANITY(insanity, side->receive(BLOCK_OF(RECEIVE(2), RECEIVE_BAD)));
	}
	CHECK_EQUAL(in[0], out[1]);
	CHECK_EQUAL(side->receive(BLOCK_OF(RECEIVE(2), RECEIVE_GOOD)), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	leave();
}

CASE("ipc_insane-19", "client_receive: bad references to receive in; the words stay received")
{
	receive_refuses(&client_side);
}

CASE("ipc_insane-20", "server_receive: bad references to receive in; the words stay received")
{
	receive_refuses(&server_side);
}

/* The calls that end in a receive.  Each bad entry needs a conversation of its own. */
static void turn_refuses_received(const struct side *side, block_call *call, int sender)
{
	FOR_RECEIVED(which) {
		uint32_t insanity;

		me(side, sender, ITS_STEP(side, ack_send, SEND(2), SEND_REF));
		insanity = bad_entry(which);
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), RECEIVE(64), RECEIVE_BAD)));
		leave();
	}
	me(side, sender, ITS_STEP(side, ack_send, SEND(2), SEND_REF));
	steps[0][sender ? 2 : side == &client_side ? 3 : 2] = ITS_LEAVE(side);
	fluke_ref_clear(good[0]);
	CHECK_EQUAL(call(BLOCK_OF(SEND(2), RECEIVE(64), RECEIVE_GOOD)), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	CHECK_EQUAL(in[1], out[1]);
}

CASE("ipc_insane-21", "client_over_receive: bad references to receive in")
{
	turn_refuses_received(&client_side, fluke_ipc_client_over_receive, 1);
}

CASE("ipc_insane-22", "server_over_receive: bad references to receive in")
{
	turn_refuses_received(&server_side, fluke_ipc_server_over_receive, 1);
}

CASE("ipc_insane-23", "client_send_over_receive: bad references to receive in")
{
	turn_refuses_received(&client_side, fluke_ipc_client_send_over_receive, 1);
}

CASE("ipc_insane-24", "server_send_over_receive: bad references to receive in")
{
	turn_refuses_received(&server_side, fluke_ipc_server_send_over_receive, 1);
}

CASE("ipc_insane-25", "client_ack_send_over_receive: bad references to receive in")
{
	turn_refuses_received(&client_side, fluke_ipc_client_ack_send_over_receive, 0);
}

CASE("ipc_insane-26", "server_ack_send_over_receive: bad references to receive in")
{
	turn_refuses_received(&server_side, fluke_ipc_server_ack_send_over_receive, 0);
}

static void refuses_sent_on(const struct side *side, block_call *call, int sender, uint32_t end)
{
	FOR_SENT(which) {
		uint32_t insanity;

		me(side, sender, NOTHING);
		insanity = bad_entry(which);
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), SEND_BAD, RECEIVE(2))));
		leave();
	}
	me(side, sender, ITS_LEAVE(side));
	fluke_ref_clear(good[0]);
	CHECK_EQUAL(call(BLOCK_OF(SEND(2), SEND_REF, RECEIVE(2))), end);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	leave();
}

CASE("ipc_insane-27", "client_send_over_receive: bad references to send")
{
	refuses_sent_on(&client_side, fluke_ipc_client_send_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-28", "server_send_over_receive: bad references to send")
{
	refuses_sent_on(&server_side, fluke_ipc_server_send_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-29", "client_ack_send: bad references to send")
{
	refuses_sent_on(&client_side, fluke_ipc_client_ack_send, 0, FLUKE_SUCCESS);
}

CASE("ipc_insane-30", "server_ack_send: bad references to send")
{
	refuses_sent_on(&server_side, fluke_ipc_server_ack_send, 0, FLUKE_SUCCESS);
}

CASE("ipc_insane-31", "client_ack_send_over_receive: bad references to send")
{
	refuses_sent_on(&client_side, fluke_ipc_client_ack_send_over_receive, 0, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-32", "server_ack_send_over_receive: bad references to send")
{
	refuses_sent_on(&server_side, fluke_ipc_server_ack_send_over_receive, 0, FLUKE_IPC_OVER_DISCONNECTED);
}

static void refuses_block_on(const struct side *side, block_call *call, int sender, uint32_t end)
{
	me(side, sender, ITS_LEAVE(side));
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED, call(askew((fluke_ipc_params_t){ SEND(2), RECEIVE(2) })));
	CHECK_EQUAL(call(BLOCK_OF(SEND(2), RECEIVE(2))), end);
	leave();
}

CASE("ipc_insane-33", "client_over_receive: a block that is not aligned")
{
	refuses_block_on(&client_side, fluke_ipc_client_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-34", "server_over_receive: a block that is not aligned")
{
	refuses_block_on(&server_side, fluke_ipc_server_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-35", "client_send_over_receive: a block that is not aligned, seen when the turn is offered")
{
	refuses_block_on(&client_side, fluke_ipc_client_send_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-36", "server_send_over_receive: a block that is not aligned, seen when the turn is offered")
{
	refuses_block_on(&server_side, fluke_ipc_server_send_over_receive, 1, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-37", "client_ack_send: a block that is not aligned")
{
	refuses_block_on(&client_side, fluke_ipc_client_ack_send, 0, FLUKE_SUCCESS);
}

CASE("ipc_insane-38", "server_ack_send: a block that is not aligned")
{
	refuses_block_on(&server_side, fluke_ipc_server_ack_send, 0, FLUKE_SUCCESS);
}

CASE("ipc_insane-39", "client_ack_send_over_receive: a block that is not aligned")
{
	refuses_block_on(&client_side, fluke_ipc_client_ack_send_over_receive, 0, FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_insane-40", "server_ack_send_over_receive: a block that is not aligned")
{
	refuses_block_on(&server_side, fluke_ipc_server_ack_send_over_receive, 0, FLUKE_IPC_OVER_DISCONNECTED);
}

/* ---- waiting for messages */

typedef fluke_error_t wait_call(fluke_ipc_params_t *, natural_t *);

static fluke_error_t setup_wait(fluke_ipc_params_t *p, natural_t *alias)
{
	return fluke_ipc_setup_wait_receive(p, set, alias);
}

/* What comes before the wait: enough that each of the calls gets to it. */
enum before { NO_PEER, AN_ASKER, A_CLIENT, A_RECEIVER };

static void come_to_wait(enum before before)
{
	make();
	if (before == AN_ASKER) {
		PEER(STEP(DEST, call, SEND(2), PEER_RECEIVE(8)));
		CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(8)), set, 0)), FLUKE_SUCCESS);
	} else if (before != NO_PEER) {
		PEER(STEP(DEST, client_connect_send_over_receive, SEND(2), PEER_RECEIVE(64)));
		CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(8)), set, 0)), FLUKE_SUCCESS);
		if (before == A_RECEIVER)
			CHECK_EQUAL(fluke_ipc_server_ack_send(BLOCK_OF(SEND(1))), FLUKE_SUCCESS);
	} else {	/* the set is set up, and whoever sent this has gone */
		PEER(STEP(DEST, send, SEND(2)));
		CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(8)), set, 0)), FLUKE_SUCCESS);
	}
}

static void wait_refuses_block(wait_call *call, enum before before)
{
	come_to_wait(before);
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED, call(askew((fluke_ipc_params_t){ SEND(2), RECEIVE(8) }), 0));
	leave();
	come_to_wait(before);
	PEER(STEP(DEST, send, SEND(2)));
	CHECK_EQUAL(STATUS(call(BLOCK_OF(SEND(2), RECEIVE(8)), 0)), FLUKE_SUCCESS);
	leave();
}

CASE("ipc_insane-41", "wait_receive: a block that is not aligned")
{
	wait_refuses_block(fluke_ipc_wait_receive, NO_PEER);
}

CASE("ipc_insane-42", "setup_wait_receive: a block that is not aligned")
{
	wait_refuses_block(setup_wait, NO_PEER);
}

CASE("ipc_insane-43", "reply_wait_receive: a block that is not aligned")
{
	wait_refuses_block(fluke_ipc_reply_wait_receive, AN_ASKER);
}

CASE("ipc_insane-44", "server_ack_send_wait_receive: a block that is not aligned")
{
	wait_refuses_block(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
}

CASE("ipc_insane-45", "server_send_wait_receive: a block that is not aligned, seen when it waits")
{
	wait_refuses_block(fluke_ipc_server_send_wait_receive, A_RECEIVER);
}

static void wait_refuses_received(wait_call *call, enum before before)
{
	FOR_RECEIVED(which) {
		uint32_t insanity;

		come_to_wait(before);
		insanity = bad_entry(which);
		PEER(STEP(DEST, client_connect_send, SEND(2), SEND_REF));
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), RECEIVE(8), RECEIVE_BAD), 0));
		leave();
	}
	come_to_wait(before);
	PEER(STEP(DEST, client_connect_send, SEND(2), SEND_REF), ITS_LEAVE(&server_side));
	fluke_ref_clear(good[0]);
	CHECK_EQUAL(STATUS(call(BLOCK_OF(SEND(2), RECEIVE(8), RECEIVE_GOOD), 0)), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
}

CASE("ipc_insane-46", "wait_receive: bad references to receive in")
{
	wait_refuses_received(fluke_ipc_wait_receive, NO_PEER);
}

CASE("ipc_insane-47", "setup_wait_receive: bad references to receive in")
{
	wait_refuses_received(setup_wait, NO_PEER);
}

CASE("ipc_insane-48", "reply_wait_receive: bad references to receive in")
{
	wait_refuses_received(fluke_ipc_reply_wait_receive, AN_ASKER);
}

CASE("ipc_insane-49", "server_ack_send_wait_receive: bad references to receive in")
{
	wait_refuses_received(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
}

CASE("ipc_insane-50", "server_send_wait_receive: bad references to receive in")
{
	wait_refuses_received(fluke_ipc_server_send_wait_receive, A_RECEIVER);
}

static void wait_refuses_sent(wait_call *call, enum before before)
{
	FOR_SENT(which) {
		uint32_t insanity;

		come_to_wait(before);
		insanity = bad_entry(which);
		EXPECT_INSANITY(insanity, call(BLOCK_OF(SEND(2), SEND_BAD, RECEIVE(8)), 0));
		leave();
	}
	come_to_wait(before);
	PEER(STEP(DEST, send, SEND(2)));
	CHECK_EQUAL(STATUS(call(BLOCK_OF(SEND(2), SEND_REF, RECEIVE(8)), 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
}

CASE("ipc_insane-51", "reply_wait_receive: bad references to send")
{
	wait_refuses_sent(fluke_ipc_reply_wait_receive, AN_ASKER);
}

CASE("ipc_insane-52", "server_ack_send_wait_receive: bad references to send")
{
	wait_refuses_sent(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
}

CASE("ipc_insane-53", "server_send_wait_receive: bad references to send")
{
	wait_refuses_sent(fluke_ipc_server_send_wait_receive, A_RECEIVER);
}

/* The set of the last setup has gone, or something else lies in its place. */
static void wait_refuses_set(wait_call *call, enum before before)
{
	come_to_wait(before);
	fluke_portset_destroy(set);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, call(BLOCK_OF(SEND(2), RECEIVE(8)), 0));
	leave();
	come_to_wait(before);
	fluke_portset_destroy(set);
	fluke_cond_create((fluke_cond_t *)set);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORTSET, call(BLOCK_OF(SEND(2), RECEIVE(8)), 0));
	leave();
}

CASE("ipc_insane-54", "wait_receive: the set of the last setup is gone, or another object")
{
	wait_refuses_set(fluke_ipc_wait_receive, NO_PEER);
}

CASE("ipc_insane-55", "reply_wait_receive: the set of the last setup is gone, or another object")
{
	wait_refuses_set(fluke_ipc_reply_wait_receive, AN_ASKER);
}

CASE("ipc_insane-56", "server_ack_send_wait_receive: the set of the last setup is gone, or another object")
{
	wait_refuses_set(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
}

CASE("ipc_insane-57", "server_send_wait_receive: the set of the last setup is gone, or another object")
{
	wait_refuses_set(fluke_ipc_server_send_wait_receive, A_RECEIVER);
}

CASE("ipc_insane-58", "setup_wait_receive: a set that is none")
{
	make();
	REFUSES_BAD(FLUKE_INSANITY_NOT_PORTSET, port, fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(8)), o, 0));
	come_to_wait(NO_PEER);
}

CASE("ipc_insane-59", "server_ack_send_wait_receive by the sender, server_send_wait_receive by the receiver")
{
	come_to_wait(A_RECEIVER);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, fluke_ipc_server_ack_send_wait_receive(BLOCK_OF(SEND(2), RECEIVE(8)), 0));
	leave();
	come_to_wait(A_CLIENT);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, fluke_ipc_server_send_wait_receive(BLOCK_OF(SEND(2), RECEIVE(8)), 0));
	leave();
}

/* ---- idempotent answers, and answering aside */

CASE("ipc_insane-60", "reply: a block that is not aligned, and bad references to send")
{
	come_to_wait(AN_ASKER);
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED, fluke_ipc_reply(askew((fluke_ipc_params_t){ SEND(2) })));
	FOR_SENT(which) {
		uint32_t insanity = bad_entry(which);

		EXPECT_INSANITY(insanity, fluke_ipc_reply(BLOCK_OF(SEND(2), SEND_BAD)));
	}
	fluke_ref_clear(good[0]);
	CHECK_EQUAL(fluke_ipc_reply(BLOCK_OF(SEND(2), SEND_REF)), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
}

CASE("ipc_insane-61", "server_answer: a block that is not aligned, and no reference to the client")
{
	fluke_ref_t *client = check_ref_new();
	natural_t flags;

	come_to_wait(A_CLIENT);
	fluke_thread_get_client(fluke_thread_self(), client, &flags);
	fluke_thread_set_client(fluke_thread_self(), 0, 0);
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED,
		fluke_ipc_server_answer(askew((fluke_ipc_params_t){ SEND(2), .recv_words = flags }), client));
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_ipc_server_answer(BLOCK_OF(SEND(2), .recv_words = flags), o));
	CHECK_EQUAL(fluke_ipc_server_answer(BLOCK_OF(SEND(2), .recv_words = flags), client), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_RECV_DISCONNECTED);
}
