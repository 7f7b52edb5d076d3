/* What each IPC call returns, by what its peer does: turns the line, sends more than there is room
 * for, sends references nobody has room for, leaves. */
#include "ipc_peer.h"

/* ---- the calls that end in a receive */

enum how { TURNED, MORE_DATA, MORE_REFS, LEFT };

static const uint32_t wanted[] = {
	[TURNED] = FLUKE_SUCCESS, [MORE_DATA] = FLUKE_IPC_RECV_MORE_DATA, [MORE_REFS] = FLUKE_IPC_RECV_MORE_REFS,
	[LEFT] = FLUKE_IPC_RECV_DISCONNECTED,
};

/* The peer's next step after it was offered the turn. */
static struct step its_answer(const struct side *side, enum how how)
{
	struct step answer = { BLOCK, how == TURNED ? ITS(side, ack_send_over_receive) : ITS(side, ack_send),
		{ SEND(2), PEER_RECEIVE(64) }, NOT_YET };

	if (how == MORE_REFS) {
		answer.p.send_refs = 1;
		answer.p.send_ref_table = sent;
	}
	return answer;
}

/* Room for one word where the words shall not fit, for two else. */
static fluke_ipc_params_t mine(enum how how)
{
	return (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 10, .recv_words = how == MORE_DATA ? 1 : 2, .recv_data = in };
}

static void received(uint32_t status, const fluke_ipc_params_t *p, enum how how)
{
	CHECK_EQUAL(STATUS(status), wanted[how]);
	CHECK_EQUAL(p->recv_words, 0);
	CHECK_EQUAL(in[0], out[0]);
	if (how != MORE_DATA)
		CHECK_EQUAL(in[1], out[1]);
}

static void after_sender(const struct side *side, block_call *call)
{
	for (volatile enum how how = TURNED; how <= LEFT; how++) {
		fluke_ipc_params_t p = mine(how);

		me_sender(side, its_answer(side, how));
		steps[0][2] = how == LEFT ? ITS_LEAVE(side) : NOTHING;
		received(call(&p), &p, how);
		leave();
	}
}

/* The same by the side that has received a word, throws the rest away and sends its own. */
static void after_receiver(const struct side *side, block_call *call)
{
	for (volatile enum how how = TURNED; how <= LEFT; how++) {
		fluke_ipc_params_t p = mine(how);
		uint32_t next = side == &client_side ? 2 : 1;

		me_receiver(side, ROOM(64), its_answer(side, how));
		steps[0][next + 1] = how == LEFT ? ITS_LEAVE(side) : NOTHING;
		received(call(&p), &p, how);
		CHECK_EQUAL(peer_in[0], out[10]);
		leave();
	}
}

CASE("ipc_status-01", "client_over_receive: turned, more data, more references, left")
{
	after_sender(&client_side, fluke_ipc_client_over_receive);
}

CASE("ipc_status-02", "server_over_receive: turned, more data, more references, left")
{
	after_sender(&server_side, fluke_ipc_server_over_receive);
}

CASE("ipc_status-03", "client_send_over_receive: turned, more data, more references, left")
{
	after_sender(&client_side, fluke_ipc_client_send_over_receive);
}

CASE("ipc_status-04", "server_send_over_receive: turned, more data, more references, left")
{
	after_sender(&server_side, fluke_ipc_server_send_over_receive);
}

CASE("ipc_status-05", "client_ack_send_over_receive: turned, more data, more references, left")
{
	after_receiver(&client_side, fluke_ipc_client_ack_send_over_receive);
}

CASE("ipc_status-06", "server_ack_send_over_receive: turned, more data, more references, left")
{
	after_receiver(&server_side, fluke_ipc_server_ack_send_over_receive);
}

CASE("ipc_status-07", "client_connect_send_over_receive: turned, more data, more references, left")
{
	for (volatile enum how how = TURNED; how <= LEFT; how++) {
		fluke_ipc_params_t p = mine(how);

		make();
		PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), its_answer(&client_side, how),
			how == LEFT ? ITS_LEAVE(&client_side) : NOTHING);
		received(fluke_ipc_client_connect_send_over_receive(&p, dest), &p, how);
		leave();
	}
}

/* In pieces: one word, the reference, the end. */
static void in_pieces(const struct side *side)
{
	fluke_ipc_params_t p;

	me_receiver(side, ROOM(64), NOTHING);
	fluke_ref_clear(good[0]);
	in[1] = 0;
	p = (fluke_ipc_params_t){ .recv_words = 0, .recv_data = in + 1 };
	CHECK_EQUAL(side->receive(&p), FLUKE_IPC_RECV_MORE_DATA);
	p = (fluke_ipc_params_t){ .recv_words = 5, .recv_data = in + 1 };
	CHECK_EQUAL(side->receive(&p), FLUKE_IPC_RECV_MORE_REFS);
	CHECK_EQUAL(p.recv_words, 4);
	CHECK_EQUAL(in[1], out[1]);
	p = (fluke_ipc_params_t){ .recv_words = 5, .recv_data = in + 2, .recv_refs = 2, .recv_ref_table = (fluke_ref_t **)good };
	CHECK_EQUAL(STATUS(side->receive(&p)), FLUKE_SUCCESS);
	CHECK_EQUAL(p.recv_refs, 1);
	CHECK_EQUAL(fluke_ref_compare(good[0], dest), 1);
	leave();
}

CASE("ipc_status-08", "client_receive in pieces: more data, more references, turned")
{
	in_pieces(&client_side);
}

CASE("ipc_status-09", "server_receive in pieces: more data, more references, turned")
{
	in_pieces(&server_side);
}

/* ---- the peer leaves while one sends, or where the turn was offered */

static void left_while_sending(const struct side *side, block_call *call)
{
	me_receiver(side, ROOM(1), ITS_LEAVE(side));
	CHECK_EQUAL(call(BLOCK_OF(SEND(20), RECEIVE(2))), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(peer_in[0], out[0]);
	leave();
}

CASE("ipc_status-10", "client_ack_send whose peer leaves after the first word: SEND_DISCONNECTED")
{
	left_while_sending(&client_side, fluke_ipc_client_ack_send);
}

CASE("ipc_status-11", "server_ack_send whose peer leaves after the first word: SEND_DISCONNECTED")
{
	left_while_sending(&server_side, fluke_ipc_server_ack_send);
}

CASE("ipc_status-12", "client_ack_send_over_receive whose peer leaves after the first word: SEND_DISCONNECTED")
{
	left_while_sending(&client_side, fluke_ipc_client_ack_send_over_receive);
}

CASE("ipc_status-13", "server_ack_send_over_receive whose peer leaves after the first word: SEND_DISCONNECTED")
{
	left_while_sending(&server_side, fluke_ipc_server_ack_send_over_receive);
}

CASE("ipc_status-14", "server_ack_send_wait_receive whose client leaves after the first word: SEND_DISCONNECTED, no wait")
{
	me_receiver(&server_side, ROOM(1), ITS_LEAVE(&server_side));
	CHECK_EQUAL(fluke_ipc_server_ack_send_wait_receive(BLOCK_OF(SEND(20), RECEIVE(2)), 0), FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("ipc_status-15", "client_connect_send_over_receive whose server leaves after the first word: SEND_DISCONNECTED")
{
	make();
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(1)), ITS_LEAVE(&client_side));
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(BLOCK_OF(SEND(20), RECEIVE(2)), dest), FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("ipc_status-16", "client_connect_send_over_receive whose server leaves at the turn: OVER_DISCONNECTED")
{
	make();
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), ITS_LEAVE(&client_side));
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(BLOCK_OF(SEND(20), RECEIVE(2)), dest), FLUKE_IPC_OVER_DISCONNECTED);
	CHECK(!memcmp(peer_in, out, 80));
}

static void left_at_turn(const struct side *side, block_call *call, int sender)
{
	me(side, sender, ITS_LEAVE(side));
	CHECK_EQUAL(call(BLOCK_OF(SEND(2), RECEIVE(2))), FLUKE_IPC_OVER_DISCONNECTED);
	leave();
}

CASE("ipc_status-17", "client_send_over_receive whose peer leaves at the turn: OVER_DISCONNECTED")
{
	left_at_turn(&client_side, fluke_ipc_client_send_over_receive, 1);
}

CASE("ipc_status-18", "server_send_over_receive whose peer leaves at the turn: OVER_DISCONNECTED")
{
	left_at_turn(&server_side, fluke_ipc_server_send_over_receive, 1);
}

CASE("ipc_status-19", "client_ack_send_over_receive whose peer leaves at the turn: OVER_DISCONNECTED")
{
	left_at_turn(&client_side, fluke_ipc_client_ack_send_over_receive, 0);
}

CASE("ipc_status-20", "server_ack_send_over_receive whose peer leaves at the turn: OVER_DISCONNECTED")
{
	left_at_turn(&server_side, fluke_ipc_server_ack_send_over_receive, 0);
}

CASE("ipc_status-21", "client_over_receive, server_over_receive whose peer leaves at the turn: OVER_DISCONNECTED")
{
	left_at_turn(&client_side, fluke_ipc_client_over_receive, 1);
	left_at_turn(&server_side, fluke_ipc_server_over_receive, 1);
}

CASE("ipc_status-22", "send whose peer leaves meanwhile: SEND_DISCONNECTED, on both sides")
{
	me_sender(&client_side, ITS_LEAVE(&client_side));
	CHECK_EQUAL(fluke_ipc_client_send(BLOCK_OF(SEND(100))), FLUKE_IPC_SEND_DISCONNECTED);
	leave();
	me_sender(&server_side, ITS_LEAVE(&server_side));
	CHECK_EQUAL(fluke_ipc_server_send(BLOCK_OF(SEND(100))), FLUKE_IPC_SEND_DISCONNECTED);
	leave();
}

/* ---- waiting for messages */

typedef fluke_error_t wait_call(fluke_ipc_params_t *, natural_t *);

static fluke_error_t setup_wait(fluke_ipc_params_t *p, natural_t *alias)
{
	return fluke_ipc_setup_wait_receive(p, set, alias);
}

enum before { NO_PEER, AN_ASKER, A_CLIENT, A_RECEIVER };

static void come_to_wait(enum before before)
{
	make();
	if (before == NO_PEER)
		PEER(STEP(DEST, send, SEND(2)));
	else if (before == AN_ASKER)
		PEER(STEP(DEST, call, SEND(2), PEER_RECEIVE(8)));
	else
		PEER(STEP(DEST, client_connect_send_over_receive, SEND(2), PEER_RECEIVE(64)));
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(8)), set, 0)), FLUKE_SUCCESS);
	if (before == A_RECEIVER)
		CHECK_EQUAL(fluke_ipc_server_ack_send(BLOCK_OF(SEND(1))), FLUKE_SUCCESS);
}

static void wait_statuses(wait_call *call, enum before before)
{
	for (volatile enum how how = TURNED; how <= LEFT; how++) {
		fluke_ipc_params_t p = mine(how);
		natural_t alias = 0;
		uint32_t status;

		come_to_wait(before);
		if (how == TURNED)
			PEER(STEP(DEST, client_connect_send_over_receive, SEND(2), PEER_RECEIVE(64)));
		else if (how == MORE_REFS)
			PEER(STEP(DEST, client_connect_send, SEND(2), SEND_REF));
		else
			PEER(STEP(DEST, client_connect_send, SEND(2)), ITS_LEAVE(&server_side));
		status = call(&p, &alias);
		CHECK_EQUAL(FLUKE_IPC_FLAVOUR(status), FLUKE_IPC_RELIABLE);
		CHECK_EQUAL(alias, 0x77);
		received(status, &p, how);
		leave();
	}
}

CASE("ipc_status-23", "wait_receive: turned, more data, more references, left")
{
	wait_statuses(fluke_ipc_wait_receive, NO_PEER);
}

CASE("ipc_status-24", "setup_wait_receive: turned, more data, more references, left")
{
	wait_statuses(setup_wait, NO_PEER);
}

CASE("ipc_status-25", "reply_wait_receive: turned, more data, more references, left")
{
	wait_statuses(fluke_ipc_reply_wait_receive, AN_ASKER);
}

CASE("ipc_status-26", "server_ack_send_wait_receive: turned, more data, more references, left")
{
	wait_statuses(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
}

CASE("ipc_status-27", "server_send_wait_receive: turned, more data, more references, left")
{
	wait_statuses(fluke_ipc_server_send_wait_receive, A_RECEIVER);
}

/* The three flavours come through each of the calls, and are told apart. */
static void wait_flavours(wait_call *call, enum before before)
{
	come_to_wait(before);
	PEER(STEP(DEST, send, SEND(2)));
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(call(BLOCK_OF(SEND(2), RECEIVE(8)), 0)), FLUKE_IPC_ONEWAY);
	leave();
	come_to_wait(before);
	PEER(STEP(DEST, call, SEND(2), PEER_RECEIVE(8)));
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(call(BLOCK_OF(SEND(2), RECEIVE(8)), 0)), FLUKE_IPC_IDEMPOTENT);
	CHECK_EQUAL(fluke_ipc_reply(BLOCK_OF(SEND(2))), FLUKE_SUCCESS);
	leave();
	come_to_wait(before);
	PEER(STEP(DEST, client_connect_send, SEND(2)));
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(call(BLOCK_OF(SEND(2), RECEIVE(1)), 0)), FLUKE_IPC_RELIABLE);
	leave();
}

CASE("ipc_status-28", "wait_receive, setup_wait_receive: all three flavours")
{
	wait_flavours(fluke_ipc_wait_receive, NO_PEER);
	wait_flavours(setup_wait, NO_PEER);
}

CASE("ipc_status-29", "reply_wait_receive: all three flavours, and the asker has its answer")
{
	wait_flavours(fluke_ipc_reply_wait_receive, AN_ASKER);
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_SUCCESS);
}

CASE("ipc_status-30", "server_ack_send_wait_receive: all three flavours, and the client has its answer")
{
	wait_flavours(fluke_ipc_server_ack_send_wait_receive, A_CLIENT);
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_RECV_DISCONNECTED);
}

CASE("ipc_status-31", "server_send_wait_receive: all three flavours, and the client has its answer")
{
	wait_flavours(fluke_ipc_server_send_wait_receive, A_RECEIVER);
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_RECV_DISCONNECTED);
}

/* ---- ends and alerts */

static void disconnect_as_sender(const struct side *side)
{
	me_sender(side, ITS_STEP(side, receive, .recv_words = 8, .recv_data = peer_in));
	CHECK_EQUAL(side->send(BLOCK_OF(.send_words = 5, .send_data = out + 20)), FLUKE_SUCCESS);
	side->disconnect();
	check_run();
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(steps[0][1].result, FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(side->send(BLOCK_OF(SEND(2))), FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("ipc_status-32", "a client that disconnects as sender: the server gets all and then DISCONNECTED")
{
	disconnect_as_sender(&client_side);
}

CASE("ipc_status-33", "a server that disconnects as sender: the client gets all and then DISCONNECTED")
{
	disconnect_as_sender(&server_side);
}

static void disconnect_as_receiver(const struct side *side)
{
	me_receiver(side, ROOM(64), NOTHING);
	side->disconnect();
	check_run();
	CHECK_EQUAL(STATUS(steps[0][side == &client_side ? 1 : 0].result), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(side->receive(BLOCK_OF(RECEIVE(2))), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(side->ack_send(BLOCK_OF(SEND(2))), FLUKE_IPC_ACK_DISCONNECTED);
}

CASE("ipc_status-34", "a client that disconnects as receiver: the server's send is SEND_DISCONNECTED")
{
	disconnect_as_receiver(&client_side);
}

CASE("ipc_status-35", "a server that disconnects as receiver: the client's send is SEND_DISCONNECTED")
{
	disconnect_as_receiver(&server_side);
}

CASE("ipc_status-36", "a new connect drops the client's old connection, as disconnect does")
{
	me_sender(&client_side, NOTHING);
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)));
	CHECK_EQUAL(fluke_ipc_client_connect_send(BLOCK_OF(SEND(2)), dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(steps[1][0].result, NOT_YET);
	leave();
}

CASE("ipc_status-37", "a new wait drops the server's old connection, as disconnect does")
{
	come_to_wait(A_CLIENT);
	PEER(STEP(DEST, send, SEND(2)));
	CHECK_EQUAL(STATUS(fluke_ipc_wait_receive(BLOCK_OF(RECEIVE(8)), 0)), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(STATUS(steps[0][0].result), FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_status-38", "disconnect and alert without a connection do nothing")
{
	fluke_ipc_client_disconnect();
	fluke_ipc_server_disconnect();
	fluke_ipc_client_alert();
	fluke_ipc_server_alert();
	make();
	PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)));
	CHECK_EQUAL(fluke_ipc_client_connect_send(BLOCK_OF(SEND(2)), dest), FLUKE_SUCCESS);
	leave();
}

CASE("ipc_status-39", "an alert without a handler at the peer leaves it where it is")
{
	me_sender(&client_side, NOTHING);
	fluke_ipc_client_alert();
	check_run();
	CHECK_EQUAL(steps[0][0].result, NOT_YET);
	CHECK_EQUAL(fluke_ipc_client_send(BLOCK_OF(SEND(2))), FLUKE_SUCCESS);
	leave();
	me_sender(&server_side, NOTHING);
	fluke_ipc_server_alert();
	check_run();
	CHECK_EQUAL(steps[0][0].result, NOT_YET);
	CHECK_EQUAL(fluke_ipc_server_send(BLOCK_OF(SEND(2))), FLUKE_SUCCESS);
	leave();
}
