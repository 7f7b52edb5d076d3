/* Reliable IPC: connections, transfer of words and references, turns, ends. */
#include "check.h"
#include <fluke/callnumbers.h>

static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*dest;
static uint32_t		status[16];
static uint32_t		in[4096], out[4096];

static void make_port(void)
{
	set = check_portset_new();
	port = check_port_new(set, 0x1234);
	dest = check_port_ref_new(port);
	memset(status, 0xff, sizeof status);
	memset(in, 0, sizeof in);
	for (uint32_t i = 0; i < 4096; i++)
		out[i] = i * 3 + 1;
}

#define STATUS(call) FLUKE_IPC_STATUS(call)

static fluke_ipc_params_t server_block;
static uint32_t server_words, server_flavour, server_alias, server_served;

/* Doubles each word of a short request, until a request begins with 0. */
static void doubler(void *unused)
{
	static uint32_t buffer[64];
	natural_t alias;
	uint32_t result;

	(void)unused;
	server_block = (fluke_ipc_params_t){ .recv_words = 64, .recv_data = buffer };
	result = fluke_ipc_setup_wait_receive(&server_block, set, &alias);
	for (;;) {
		server_served++;
		server_words = 64 - server_block.recv_words;
		server_flavour = FLUKE_IPC_FLAVOUR(result);
		server_alias = alias;
		for (uint32_t i = 0; i < server_words; i++)
			buffer[i] *= 2;
		server_block = (fluke_ipc_params_t){ .send_words = server_words, .send_data = buffer,
			.recv_words = 64, .recv_data = buffer };
		if (!buffer[0])
			break;
		result = fluke_ipc_server_ack_send_wait_receive(&server_block, &alias);
	}
	fluke_ipc_server_ack_send(&server_block);
	fluke_ipc_server_disconnect();
}

static void rpc(uint32_t words, fluke_space_t *space)
{
	fluke_ipc_params_t block = { .send_words = words, .send_data = out, .recv_words = words + 5, .recv_data = in };

	server_served = 0;
	check_thread_new(space, doubler, 0);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, dest), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(block.recv_words, 5);
	for (uint32_t i = 0; i < words; i++)
		CHECK_EQUAL(in[i], out[i] * 2);
	CHECK_EQUAL(server_words, words);
	CHECK_EQUAL(server_flavour, FLUKE_IPC_RELIABLE);
	CHECK_EQUAL(server_alias, 0x1234);
}

CASE("ipc_reliable-01", "an RPC of two words carries them both ways, within one space")
{
	make_port();
	rpc(2, check_root_space);
}

CASE("ipc_reliable-02", "the same between two spaces")
{
	make_port();
	rpc(2, check_space_twin());
}

CASE("ipc_reliable-03", "eight words, the longest minimum message")
{
	make_port();
	rpc(8, check_space_twin());
}

CASE("ipc_reliable-04", "fifty words, copied from buffer to buffer")
{
	make_port();
	rpc(50, check_space_twin());
}

CASE("ipc_reliable-05", "a hundred calls in a row are served")
{
	make_port();
	check_thread_new(check_space_twin(), doubler, 0);
	check_run();
	server_served = 0;
	for (uint32_t i = 0; i < 100; i++) {
		fluke_ipc_params_t block = { .send_words = 2, .send_data = out + i, .recv_words = 2, .recv_data = in };

		CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, dest), FLUKE_IPC_RECV_DISCONNECTED);
		CHECK_EQUAL(in[1], out[i + 1] * 2);
	}
	CHECK_EQUAL(server_served, 100);
}

static void client(void *words)
{
	static uint32_t reply[64];
	fluke_ipc_params_t block = { .send_words = (uint32_t)words, .send_data = out, .recv_words = 64, .recv_data = reply };

	status[0] = fluke_ipc_client_connect_send_over_receive(&block, dest);
	status[1] = 64 - block.recv_words;
	status[2] = reply[1];
}

/* A client that sends so many words, taken by the first thread. */
static fluke_thread_t *serve_client(fluke_space_t *space, uint32_t words, fluke_ipc_params_t *block, uint32_t wanted)
{
	fluke_thread_t *thread;

	make_port();
	thread = check_thread_new(space, client, (void *)words);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(block, set, 0)), wanted);
	return thread;
}

/* The first thread's client gets these two words, and is told them when it runs again. */
static void answer_client(uint32_t *words)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };

	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_SUCCESS);
	fluke_ipc_server_disconnect();
	check_run();
	CHECK_EQUAL(status[0], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[1], 2);
	CHECK_EQUAL(status[2], words[1]);
}

CASE("ipc_reliable-06", "a client that comes first queues, and its message is picked up")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	natural_t alias;

	make_port();
	check_thread_new(check_space_twin(), client, (void *)3);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, &alias)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_RELIABLE << 8);
	CHECK_EQUAL(block.recv_words, 61);
	CHECK_EQUAL(in[2], out[2]);
	answer_client(out);
}

CASE("ipc_reliable-07", "a queued client with a long message is served too")
{
	fluke_ipc_params_t block = { .recv_words = 4096, .recv_data = in };

	make_port();
	check_thread_new(check_space_twin(), client, (void *)2000);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_RELIABLE << 8);
	CHECK_EQUAL(block.recv_words, 4096 - 2000);
	CHECK(!memcmp(in, out, 8000));
}

CASE("ipc_reliable-08", "a receiver whose buffer is full gets MORE_DATA and goes on")
{
	fluke_ipc_params_t block = { .recv_words = 10, .recv_data = in };

	serve_client(check_root_space, 25, &block, FLUKE_IPC_RECV_MORE_DATA);
	CHECK_EQUAL(block.recv_words, 0);
	block = (fluke_ipc_params_t){ .recv_words = 10, .recv_data = in + 10 };
	CHECK_EQUAL(fluke_ipc_server_receive(&block), FLUKE_IPC_RECV_MORE_DATA);
	block = (fluke_ipc_params_t){ .recv_words = 10, .recv_data = in + 20 };
	CHECK_EQUAL(fluke_ipc_server_receive(&block), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 5);
	CHECK(!memcmp(in, out, 100));
}

CASE("ipc_reliable-09", "a short message to a receiver with less room gives MORE_DATA")
{
	fluke_ipc_params_t block = { .recv_words = 1, .recv_data = in };

	serve_client(check_root_space, 4, &block, FLUKE_IPC_RECV_MORE_DATA);
	block = (fluke_ipc_params_t){ .recv_words = 10, .recv_data = in + 1 };
	CHECK_EQUAL(fluke_ipc_server_receive(&block), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 7);
	CHECK(!memcmp(in, out, 16));
}

static void scattered_client(void *unused)
{
	fluke_ipc_buffer_t send[2] = { { 7, out + 3 }, { 90, out + 10 } };
	fluke_ipc_params_t block = { .send_buffers = 2, .send_words = 3, .send_data = out, .send_buffer_table = send };

	(void)unused;
	status[0] = fluke_ipc_client_connect_send(&block, dest);
	fluke_ipc_client_disconnect();
}

CASE("ipc_reliable-10", "several buffers on both sides are one stream of words")
{
	fluke_ipc_buffer_t receive[2] = { { 60, in + 5 }, { 100, in + 65 } };
	fluke_ipc_params_t block = { .recv_buffers = 2, .recv_words = 5, .recv_data = in, .recv_buffer_table = receive };

	make_port();
	check_thread_new(check_space_twin(), scattered_client, 0);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(block.recv_buffers, 0);
	CHECK_EQUAL(block.recv_words, 65);
	CHECK(!memcmp(in, out, 400));
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
}

static fluke_ref_t *sent_ref;
static fluke_mutex_t *sent_mutex;

static void ref_client(void *unused)
{
	void *refs[3] = { sent_ref, sent_mutex, sent_ref };
	fluke_ipc_params_t block = { .send_refs = 3, .send_words = 2, .send_data = out, .send_ref_table = refs };

	(void)unused;
	status[0] = fluke_ipc_client_connect_send(&block, dest);
	fluke_ipc_client_disconnect();
}

CASE("ipc_reliable-11", "references and objects themselves are sent, overflow is MORE_REFS")
{
	fluke_ref_t *refs[2];
	fluke_ipc_params_t block = { .recv_refs = 2, .recv_words = 8, .recv_data = in, .recv_ref_table = refs };

	make_port();
	refs[0] = check_ref_new();
	refs[1] = check_ref_new();
	sent_ref = check_port_ref_new(port);
	sent_mutex = check_mutex_new();
	check_thread_new(check_space_twin(), ref_client, 0);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RECV_MORE_REFS);
	CHECK_EQUAL(block.recv_refs, 0);
	CHECK_EQUAL(fluke_ref_type(refs[0]), FLUKE_TYPE_PORT);
	CHECK_EQUAL(fluke_ref_compare(refs[0], dest), 1);
	CHECK_EQUAL(fluke_ref_type(refs[1]), FLUKE_TYPE_MUTEX);
	fluke_ref_clear(refs[0]);
	block = (fluke_ipc_params_t){ .recv_refs = 2, .recv_words = 8, .recv_data = in, .recv_ref_table = refs };
	CHECK_EQUAL(STATUS(fluke_ipc_server_receive(&block)), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(block.recv_refs, 1);
	CHECK_EQUAL(fluke_ref_compare(refs[0], dest), 1);
}

CASE("ipc_reliable-12", "a null, a dead and a non-port reference are invalid destinations")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 2, .recv_data = in };
	fluke_ref_t *ref;

	make_port();
	ref = check_ref_new();
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, ref), FLUKE_IPC_CONNECT_INVALID_DEST);
	fluke_mutex_reference(check_mutex_new(), ref);
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, ref), FLUKE_IPC_CONNECT_INVALID_DEST);
	fluke_port_destroy(port);
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, dest), FLUKE_IPC_CONNECT_INVALID_DEST);
}

CASE("ipc_reliable-13", "destroying a port gives its queued clients INVALID_DEST")
{
	make_port();
	check_thread_new(check_root_space, client, (void *)2);
	check_run();
	fluke_port_destroy(port);
	check_run();
	CHECK_EQUAL(status[0], FLUKE_IPC_CONNECT_INVALID_DEST);
}

static void talker(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 100, .recv_data = in };

	(void)unused;
	status[0] = fluke_ipc_client_connect_send(&block, dest);
	block.send_data = out + 2;
	block.send_words = 20;
	status[1] = fluke_ipc_client_send(&block);
	block.send_data = out + 22;
	status[2] = fluke_ipc_client_send_over_receive(&block);
	status[3] = 100 - block.recv_words;
	status[4] = in[0];
	block.send_data = out + 50;
	status[5] = fluke_ipc_client_ack_send_over_receive(&block);
	block.send_data = out;
	status[6] = fluke_ipc_client_ack_send(&block);
	status[7] = fluke_ipc_client_over_receive(&block);
}

CASE("ipc_reliable-14", "a conversation: several sends, turns both ways, at last a disconnect")
{
	static uint32_t got[100];
	fluke_ipc_params_t block = { .recv_words = 100, .recv_data = got };

	make_port();
	check_thread_new(check_space_twin(), talker, 0);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 58);
	CHECK(!memcmp(got, out, 42 * 4));
	block = (fluke_ipc_params_t){ .send_words = 3, .send_data = out + 200, .recv_words = 100, .recv_data = got };
	CHECK_EQUAL(fluke_ipc_server_ack_send_over_receive(&block), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 80);
	CHECK_EQUAL(got[0], out[50]);
	CHECK_EQUAL(status[2], FLUKE_SUCCESS);
	CHECK_EQUAL(status[3], 3);
	CHECK_EQUAL(status[4], out[200]);
	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ipc_server_over_receive(&block), FLUKE_SUCCESS);
	CHECK_EQUAL(status[5], FLUKE_SUCCESS);
	fluke_ipc_server_disconnect();
	check_run();
	CHECK_EQUAL(status[6], FLUKE_SUCCESS);
	CHECK_EQUAL(status[7], FLUKE_IPC_OVER_DISCONNECTED);
}

CASE("ipc_reliable-15", "a server that leaves early: the client's send is SEND_DISCONNECTED")
{
	fluke_ipc_params_t block = { .recv_words = 1, .recv_data = in };

	make_port();
	check_thread_new(check_root_space, talker, 0);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RECV_MORE_DATA);
	fluke_ipc_server_disconnect();
	check_run();
	CHECK_EQUAL(status[0], FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("ipc_reliable-16", "calls without a connection: the three kinds of DISCONNECTED")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 2, .recv_data = in };

	fluke_ipc_client_disconnect();
	fluke_ipc_server_disconnect();
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_send(&block), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_client_over_receive(&block), FLUKE_IPC_OVER_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_over_receive(&block), FLUKE_IPC_OVER_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_client_ack_send(&block), FLUKE_IPC_ACK_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_IPC_ACK_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_client_ack_send_over_receive(&block), FLUKE_IPC_ACK_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_ack_send_over_receive(&block), FLUKE_IPC_ACK_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_client_receive(&block), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_receive(&block), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_client_send_over_receive(&block), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_send_over_receive(&block), FLUKE_IPC_SEND_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_ack_send_wait_receive(&block, 0), FLUKE_IPC_ACK_DISCONNECTED);
	CHECK_EQUAL(fluke_ipc_server_send_wait_receive(&block, 0), FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("ipc_reliable-17", "sending out of turn is the insanity NOT_SENDER, receiving NOT_RECEIVER")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 64, .recv_data = in };

	serve_client(check_root_space, 2, &block, FLUKE_SUCCESS);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, fluke_ipc_server_send(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SENDER, fluke_ipc_server_over_receive(&block));
	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_SUCCESS);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, fluke_ipc_server_receive(&block));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_RECEIVER, fluke_ipc_server_ack_send(&block));
	fluke_ipc_server_disconnect();
}

CASE("ipc_reliable-18", "an unaligned block is an insanity")
{
	static uint8_t bytes[64] __attribute__((aligned(4)));

	make_port();
	EXPECT_INSANITY(FLUKE_INSANITY_BUFFER_UNALIGNED,
		fluke_ipc_client_connect_send((fluke_ipc_params_t *)(bytes + 2), dest));
}

static void ref_server(void *ref)
{
	static uint32_t words[4];
	fluke_ref_t *refs[1] = { ref };
	fluke_ipc_params_t block = { .recv_refs = 1, .recv_words = 4, .recv_data = words, .recv_ref_table = refs };

	status[0] = fluke_ipc_setup_wait_receive(&block, set, 0);
}

CASE("ipc_reliable-19", "a bad entry in the table of references is the caller's insanity")
{
	void *refs[1] = { in };
	fluke_ipc_params_t block = { .send_refs = 1, .send_words = 2, .send_data = out, .send_ref_table = refs,
		.recv_words = 2, .recv_data = in };

	make_port();
	check_thread_new(check_root_space, ref_server, check_ref_new());
	check_run();
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_ipc_client_connect_send(&block, dest));
	fluke_ipc_client_disconnect();
}

CASE("ipc_reliable-20", "acknowledging while the sender still sends throws its data away")
{
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = in };

	serve_client(check_root_space, 30, &block, FLUKE_IPC_RECV_MORE_DATA);
	answer_client(out + 7);
}

CASE("ipc_reliable-21", "a client set aside and taken up later gets its reply")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_ref_t *first;
	natural_t flags;

	make_port();
	first = check_ref_new();
	check_thread_new(check_root_space, client, (void *)3);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	fluke_thread_get_client(check_first_thread, first, &flags);
	CHECK_EQUAL(fluke_ref_type(first), FLUKE_TYPE_THREAD);
	CHECK_EQUAL(flags & 0xffff, FLUKE_THREAD_CLIENT_SENDER);
	fluke_thread_set_client(check_first_thread, 0, 0);
	check_thread_new(check_root_space, scattered_client, 0);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	block = (fluke_ipc_params_t){ .recv_words = 200, .recv_data = in };
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RECV_DISCONNECTED);
	fluke_thread_set_client(check_first_thread, first, flags);
	answer_client(out + 30);
}

CASE("ipc_reliable-22", "a client destroyed in the middle: its server's next call is DISCONNECTED")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_thread_t *thread;

	thread = serve_client(check_root_space, 3, &block, FLUKE_SUCCESS);
	fluke_thread_destroy(thread);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out };
	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_IPC_ACK_DISCONNECTED);
}

static void parking_server(void *unused)
{
	static uint32_t buffer[64];
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = buffer };
	fluke_ref_t *first = (fluke_ref_t *)sent_ref, *second = (fluke_ref_t *)sent_mutex;
	natural_t first_flags, second_flags;

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	fluke_thread_get_client(fluke_thread_self(), first, &first_flags);
	fluke_thread_set_client(fluke_thread_self(), 0, 0);
	block = (fluke_ipc_params_t){ .recv_words = 64, .recv_data = buffer };
	fluke_ipc_wait_receive(&block, 0);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 10 };
	status[4] = fluke_ipc_server_ack_send(&block);		/* to the second, whose connection stands */
	fluke_thread_get_client(fluke_thread_self(), second, &second_flags);
	fluke_thread_set_client(fluke_thread_self(), first, first_flags);
	block.send_data = out + 20;
	status[5] = fluke_ipc_server_ack_send(&block);
	fluke_ipc_server_disconnect();
	fluke_thread_set_client(fluke_thread_self(), second, second_flags);
	block = (fluke_ipc_params_t){ .recv_words = 64, .recv_data = buffer };
	fluke_ipc_wait_receive(&block, 0);
}

static void second_client(void *unused)
{
	static uint32_t reply[64];
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 64, .recv_data = reply };

	(void)unused;
	status[6] = fluke_ipc_client_connect_send_over_receive(&block, dest);
	status[7] = reply[1];
}

CASE("ipc_reliable-23", "a client whose reply went out is set aside for another one and ends normally")
{
	make_port();
	sent_ref = check_ref_new();
	sent_mutex = (fluke_mutex_t *)check_ref_new();
	check_thread_new(check_root_space, parking_server, 0);
	check_thread_new(check_space_twin(), client, (void *)3);
	check_thread_new(check_space_twin(), second_client, 0);
	check_run();
	CHECK_EQUAL(status[4], FLUKE_SUCCESS);
	CHECK_EQUAL(status[5], FLUKE_SUCCESS);
	CHECK_EQUAL(status[0], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[2], out[21]);
	CHECK_EQUAL(status[6], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[7], out[11]);
}

static void set_aside(fluke_ref_t *first, natural_t *flags)
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };

	check_thread_new(check_space_twin(), client, (void *)3);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	fluke_thread_get_client(check_first_thread, first, flags);
	fluke_thread_set_client(check_first_thread, 0, 0);
}

CASE("ipc_reliable-24", "server_answer answers a client set aside in one call")
{
	fluke_ipc_buffer_t more[1] = { { 3, out + 50 } };
	fluke_ipc_params_t block;
	fluke_ref_t *first;
	natural_t flags;

	make_port();
	first = check_ref_new();
	set_aside(first, &flags);
	block = (fluke_ipc_params_t){ .send_buffers = 1, .send_words = 2, .send_data = out + 40, .send_buffer_table = more,
		.recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_SUCCESS);
	CHECK_EQUAL(fluke_ref_type(first), FLUKE_NULL);
	check_run();
	CHECK_EQUAL(status[0], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[1], 5);
	CHECK_EQUAL(status[2], out[41]);
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_IPC_ACK_DISCONNECTED);
}

CASE("ipc_reliable-25", "server_answer: long, with references, or to a present client is NOT_NOW; another number is gone")
{
	void *refs[1] = { check_ref_new() };
	fluke_ipc_params_t block;
	fluke_ref_t *first;
	natural_t flags;

	make_port();
	first = check_ref_new();
	set_aside(first, &flags);
	block = (fluke_ipc_params_t){ .send_words = 9, .send_data = out, .recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_IPC_NOT_NOW);
	block = (fluke_ipc_params_t){ .send_refs = 1, .send_words = 2, .send_data = out, .send_ref_table = refs, .recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_IPC_NOT_NOW);
	fluke_thread_set_client(check_first_thread, first, flags);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out, .recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_IPC_NOT_NOW);
	block.recv_words = flags + (1 << FLUKE_CONNECTION_SHIFT);
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_IPC_ACK_DISCONNECTED);
	fluke_ipc_server_disconnect();
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_REF, fluke_ipc_server_answer(&block, (fluke_ref_t *)port));
}

CASE("ipc_reliable-26", "server_answer reaches a client that is stopped, which takes it when it goes on")
{
	static fluke_thread_state_t state;
	fluke_thread_links_t none = { 0 };
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_thread_t *thread;
	fluke_ref_t *first;
	natural_t flags;

	make_port();
	first = check_ref_new();
	thread = check_thread_new(check_space_twin(), client, (void *)3);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	fluke_thread_get_client(check_first_thread, first, &flags);
	fluke_thread_set_client(check_first_thread, 0, 0);
	fluke_thread_get_state(thread, &state, none);
	block = (fluke_ipc_params_t){ .send_words = 4, .send_data = out + 60, .recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, first), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	fluke_thread_get_state(thread, &state, none);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(status[0], FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(status[1], 4);
	CHECK_EQUAL(status[2], out[61]);
}

/* Connects, alerts its server, notes what get_server says, waits for the answer. */
static void alerting_client(void *ref)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 64, .recv_data = in };
	natural_t flags;

	fluke_ipc_client_connect_send(&block, dest);
	fluke_ipc_client_alert();
	fluke_thread_get_server(fluke_thread_self(), ref, &flags);
	status[4] = flags & 0xffff;
	status[5] = fluke_ipc_client_over_receive(&block);
}

static natural_t flags_of(fluke_thread_t *thread)
{
	static fluke_thread_state_t state;
	fluke_thread_links_t none = { 0 };

	fluke_thread_get_state(thread, &state, none);
	return state.flags & (FLUKE_THREAD_ALERTED | FLUKE_THREAD_ASIDE | FLUKE_THREAD_INTERRUPT_PENDING);
}

CASE("ipc_reliable-40", "a client that has alerted its server is interrupted when that sets it aside for nobody else, not for another")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_ref_t *first, *second;
	fluke_thread_t *thread, *other;
	natural_t flags, second_flags;

	make_port();
	first = check_ref_new();
	second = check_ref_new();
	other = check_thread_new(check_space_twin(), client, (void *)3);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	fluke_thread_get_client(check_first_thread, second, &second_flags);
	fluke_thread_set_client(check_first_thread, 0, 0);
	CHECK_EQUAL(flags_of(other), FLUKE_THREAD_ASIDE);
	thread = check_thread_new(check_root_space, alerting_client, check_ref_new());
	check_run();
	block = (fluke_ipc_params_t){ .recv_words = 64, .recv_data = in };
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(status[4], 0);
	fluke_thread_get_client(check_first_thread, first, &flags);
	fluke_thread_set_client(check_first_thread, second, second_flags);
	CHECK_EQUAL(flags_of(other), 0);
	CHECK_EQUAL(flags_of(thread), FLUKE_THREAD_ALERTED);
	fluke_thread_set_client(check_first_thread, first, flags);
	fluke_thread_set_client(check_first_thread, 0, 0);
	CHECK_EQUAL(flags_of(thread), FLUKE_THREAD_ASIDE | FLUKE_THREAD_INTERRUPT_PENDING);
}

/* The interrupt handler of a client that waits for its answer: alerts its server, and looks whether there is one still. */
static void __attribute__((used)) on_interrupt(void)
{
	natural_t flags;

	fluke_ipc_client_alert();
	fluke_thread_get_server(NULL, sent_ref, &flags);
	status[4] = fluke_ref_type(sent_ref);
}
extern char interrupt_entry[];
__asm__(".text; interrupt_entry: pushl %ebx; pushl %esi; pushl %edi; pushl %ebp; call on_interrupt; popl %ebp; popl %edi; popl %esi;"
	"popl %ebx; movl $14, %eax; movl $0xbffff000, %edx; call *%edx");
_Static_assert(FLUKE_CALL_thread_return_from_exception == 14 && FLUKE_ENTRY == 0xbffff000, "as in interrupt_entry");

static void interrupted_client(void *unused)
{
	fluke_thread_set_handlers(NULL, 0, (oskit_addr_t)interrupt_entry, 0, 0);
	fluke_thread_enable_exceptions(NULL);
	client(unused);
}

CASE("ipc_reliable-48", "an alert by a client that is set aside ends its connection: nobody can take it up any more")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_ref_t *client_ref;
	fluke_thread_t *thread;
	natural_t flags;

	make_port();
	client_ref = check_ref_new();
	sent_ref = check_ref_new();
	thread = check_thread_new(check_root_space, interrupted_client, (void *)3);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(status[4], FLUKE_TYPE_THREAD);
	fluke_thread_get_client(check_first_thread, client_ref, &flags);
	fluke_thread_set_client(check_first_thread, 0, 0);	/* it is interrupted again */
	check_run();
	CHECK_EQUAL(status[4], FLUKE_NULL);
	CHECK_EQUAL(status[0], FLUKE_IPC_OVER_DISCONNECTED);
	fluke_thread_set_client(check_first_thread, client_ref, flags);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out };
	CHECK_EQUAL(STATUS(fluke_ipc_server_ack_send(&block)), FLUKE_IPC_ACK_DISCONNECTED);
}

CASE("ipc_reliable-27", "a client interrupted while it awaits its reply stays connected and gets it")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };
	fluke_thread_t *thread;

	thread = serve_client(check_root_space, 3, &block, FLUKE_SUCCESS);
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	answer_client(out + 8);
}

CASE("ipc_reliable-28", "the sender of a reference keeps its own, and the receiver's old target is dropped")
{
	fluke_ref_t *refs[1] = { check_ref_new() };
	fluke_ipc_params_t block = { .recv_refs = 1, .recv_words = 8, .recv_data = in, .recv_ref_table = refs };

	make_port();
	fluke_cond_reference(check_cond_new(), refs[0]);
	sent_ref = check_port_ref_new(port);
	sent_mutex = check_mutex_new();
	check_thread_new(check_space_twin(), ref_client, 0);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RECV_MORE_REFS);
	CHECK_EQUAL(fluke_ref_compare(refs[0], sent_ref), 1);
	fluke_ref_destroy(refs[0]);
	CHECK_EQUAL(fluke_ref_compare(sent_ref, dest), 1);
	fluke_ipc_server_disconnect();
}

CASE("ipc_reliable-29", "clients are served in the order of their coming")
{
	static uint32_t first[64], second[64];
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = first };

	make_port();
	check_thread_new(check_space_twin(), client, (void *)3);
	check_run();
	check_thread_new(check_space_twin(), client, (void *)5);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 61);
	block = (fluke_ipc_params_t){ .recv_words = 64, .recv_data = second };
	CHECK_EQUAL(STATUS(fluke_ipc_wait_receive(&block, 0)), FLUKE_SUCCESS);
	CHECK_EQUAL(block.recv_words, 59);
	fluke_ipc_server_disconnect();
}

#define PAGE	FLUKE_PAGE_SIZE
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

/* Receives at the window what is longer than a short message, and answers each with two words. */
static void sink(void *unused)
{
	static uint32_t answer[2];
	fluke_ipc_params_t block = { .recv_words = 100, .recv_data = (void *)CHECK_WINDOW };

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	for (;;) {
		block = (fluke_ipc_params_t){ .send_words = 2, .send_data = answer, .recv_words = 100, .recv_data = (void *)CHECK_WINDOW };
		fluke_ipc_server_ack_send_wait_receive(&block, 0);
	}
}

static void to_sink(uint32_t *data)
{
	fluke_ipc_params_t block = { .send_words = 100, .send_data = data, .recv_words = 2, .recv_data = in };

	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, dest), FLUKE_IPC_RECV_DISCONNECTED);
}

/* Two pages for the sink, the first of them at the window, where messages have arrived. */
static fluke_mapping_t *sink_start(uint32_t *pages, fluke_region_t **region)
{
	fluke_mapping_t *m;

	make_port();
	*region = check_region_new(check_root_space, (uint32_t)pages, 2 * PAGE, FLUKE_PROT_ALL, 0);
	m = check_mapping_new(*region, 0, check_root_space, CHECK_WINDOW, PAGE, RW);
	check_thread_new(check_space_twin(), sink, 0);
	check_run();
	for (int i = 0; i < 3; i++)
		to_sink(out);
	CHECK_EQUAL(pages[99], out[99]);
	return m;
}

CASE("ipc_reliable-41", "words go into the page that is at the receiver's address now, whatever was there before")
{
	uint32_t *pages = check_pages(2);
	fluke_region_t *r;

	fluke_mapping_destroy(sink_start(pages, &r));
	check_mapping_new(r, PAGE, check_root_space, CHECK_WINDOW, PAGE, RW);
	to_sink(out + 1);
	CHECK_EQUAL(pages[99], out[99]);
	CHECK_EQUAL(pages[PAGE / 4 + 99], out[100]);
}

CASE("ipc_reliable-42", "a page that takes words is marked as written, each time anew")
{
	uint8_t bits[2];
	fluke_region_t *r;

	sink_start(check_pages(2), &r);
	for (int i = 0; i < 3; i++) {
		oskit_addr_t offset = 0;

		fluke_region_usage(r, &offset, 2 * PAGE, bits);
		CHECK(bits[0] & FLUKE_USAGE_DIRTY);
		CHECK(!i || !(bits[1] & FLUKE_USAGE_DIRTY));
		to_sink(out);
	}
}

/* Waits with room for one reference, as often as it gets one. */
static fluke_ref_t *slot[1];
static uint32_t served, last_word;

static void ref_sink(void *unused)
{
	static uint32_t answer[2], got[128];
	const fluke_ipc_params_t exchange = { .send_words = 2, .send_data = answer, .recv_refs = 1, .recv_words = 128,
		.recv_data = got, .recv_ref_table = slot };
	fluke_ipc_params_t block = exchange;

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	for (;;) {
		served++;
		last_word = got[0];
		block = exchange;
		if (STATUS(fluke_ipc_server_ack_send_wait_receive(&block, 0)) != FLUKE_IPC_ACK_DISCONNECTED)
			continue;
		block = exchange;
		fluke_ipc_wait_receive(&block, 0);
	}
}

static void ref_sink_start(void)
{
	make_port();
	served = 0;
	slot[0] = check_ref_new();
	check_thread_new(check_space_twin(), ref_sink, 0);
	check_run();
}

static void send_ref(void *object, uint32_t words)
{
	void *table[1] = { object };
	fluke_ipc_params_t block = { .send_refs = 1, .send_words = words, .send_data = out, .send_ref_table = table,
		.recv_words = 2, .recv_data = in };

	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&block, dest), FLUKE_IPC_RECV_DISCONNECTED);
}

CASE("ipc_reliable-43", "one reference goes with a message, named by a reference or by itself, live or null, into one with any target")
{
	fluke_mutex_t *mutex = check_mutex_new();
	fluke_ref_t *to_cond = check_ref_new();

	ref_sink_start();
	fluke_cond_reference(check_cond_new(), to_cond);
	send_ref(to_cond, 2);
	CHECK(fluke_ref_compare(slot[0], to_cond));
	send_ref(mutex, 8);
	CHECK_EQUAL(fluke_ref_type(slot[0]), FLUKE_TYPE_MUTEX);
	send_ref(to_cond, 1);
	CHECK(fluke_ref_compare(slot[0], to_cond));
	send_ref(check_ref_new(), 2);
	CHECK_EQUAL(fluke_ref_type(slot[0]), FLUKE_NULL);
	CHECK_EQUAL(served, 4);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, send_ref(check_object(32), 2));
	fluke_ipc_client_disconnect();
	check_run();
	send_ref(to_cond, 2);
	CHECK(fluke_ref_compare(slot[0], to_cond));
}

CASE("ipc_reliable-44", "a reference that takes the place of the last one to a port: the message arrives, and that it was the last")
{
	fluke_port_state_t state = { .alias = 11, .flags = FLUKE_PORT_NOREFS_NOTIFY };
	fluke_port_t *lost;

	ref_sink_start();
	lost = check_port_new(set, 11);
	fluke_port_set_state(lost, &state, 0);
	fluke_port_reference(lost, slot[0]);
	send_ref(dest, 2);
	check_run();
	CHECK(fluke_ref_compare(slot[0], dest));
	CHECK_EQUAL(served, 2);
	CHECK_EQUAL(last_word, FLUKE_PENDING_NOREFS);
}

CASE("ipc_reliable-45", "a buffer in the kernel is refused, short or long, with room for references or without")
{
	ref_sink_start();
	send_ref(dest, 100);
	for (uint32_t words = 2; words < 200; words += 100)
		for (uint8_t refs = 0; refs < 2; refs++) {
			fluke_ipc_params_t block = { .send_words = words, .send_data = (void *)0xc0100000, .recv_refs = refs,
				.recv_words = 2, .recv_data = in, .recv_ref_table = slot };

			EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_ipc_client_connect_send_over_receive(&block, dest));
			fluke_ipc_client_disconnect();
			check_run();
		}
}
