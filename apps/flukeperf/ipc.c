/* Messages: round trips of every flavour, by size, with references. */
#include "flukeperf.h"

static fluke_portset_t *portset;
static uint32_t echo_words;

#define BUFFER_WORDS	(2u << 18)

static void echo_server(void *buffer)
{
	natural_t alias;
	fluke_ipc_params_t p = { .send_words = echo_words, .send_data = buffer, .recv_words = BUFFER_WORDS, .recv_data = buffer };

	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		p.recv_words = BUFFER_WORDS;	/* the call left there what it did not use */
		fluke_ipc_server_ack_send_wait_receive(&p, &alias);
	}
}

static fluke_ref_t *serve(fluke_space_t *space, void (*server)(void *), void *argument)
{
	fluke_ref_t *dest;

	portset = check_portset_new();
	dest = check_port_ref_new(check_port_new(portset, 1));
	check_thread_new(space, server, argument);
	check_run();
	return dest;
}

fluke_ref_t *echo_start(fluke_space_t *space, uint32_t words)
{
	echo_words = words;
	return serve(space, echo_server, check_pages((words * 4 + PAGE) / PAGE));
}

void echo(fluke_ref_t *dest, void *data, uint32_t words)
{
	fluke_ipc_params_t p = { .send_words = words, .send_data = data, .recv_words = words, .recv_data = data };

	fluke_ipc_client_connect_send_over_receive(&p, dest);
}

/* Round trips of one client that keeps its block, as the server does. */
static void echo_row(const char *name, uint32_t n, fluke_ref_t *dest, void *data, uint32_t words)
{
	fluke_ipc_params_t p = { .send_words = words, .send_data = data, .recv_words = words, .recv_data = data };

	MEASURE(name, n, ({ p.recv_words = words; fluke_ipc_client_connect_send_over_receive(&p, dest); }));
}

CASE("bench-rpc", "null RPC between two spaces, 8 bytes each way")
{
	uint32_t data[2] = { 1, 2 };

	echo_row("rpc", 1000, echo_start(check_space_twin(), 2), data, 2);
}

CASE("bench-rpc-same", "the same inside one space")
{
	uint32_t data[2] = { 1, 2 };

	echo_row("rpc-same", 1000, echo_start(check_root_space, 2), data, 2);
}

CASE("bench-rpc8w", "RPC with 8 words each way")
{
	uint32_t data[8] = { 1, 2 };

	echo_row("rpc8w", 1000, echo_start(check_space_twin(), 8), data, 8);
}

static void size_row(const char *name, uint32_t bytes, uint32_t n)
{
	fluke_ref_t *dest = echo_start(check_space_twin(), bytes / 4);
	void *data = check_pages(bytes / PAGE + 1);

	memset(data, 1, bytes);
	echo_row(name, n, dest, data, bytes / 4);
}

CASE("bench-size", "echo by size, buffers resident")
{
	static const struct { const char *name; uint32_t bytes; } row[] = {
		{ "size-8", 8 }, { "size-16", 16 }, { "size-128", 128 }, { "rpc63w", 63 * 4 }, { "rpc120w", 120 * 4 }, { "size-1k", 1024 }, { "size-4k", 4096 },
		{ "size-8k", 8192 }, { "size-64k", 65536 },
	};

	for (uint32_t i = 0; i < sizeof row / sizeof row[0]; i++)
		size_row(row[i].name, row[i].bytes, 200);
}

/* One way: the answer is two words. */
static void long_row(const char *name, uint32_t bytes, uint32_t shift, fluke_ref_t *dest, uint8_t *data)
{
	uint32_t answer[2];

	MEASURE(name, 10u, ({
		fluke_ipc_params_t p = { .send_words = bytes / 4, .send_data = data + shift, .recv_words = 2, .recv_data = answer };
		fluke_ipc_client_connect_send_over_receive(&p, dest); }));
}

CASE("bench-long", "long messages one way, page aligned and not")
{
	fluke_ref_t *dest;
	uint8_t *data = check_pages(513);

	echo_words = 2;
	dest = serve(check_space_twin(), echo_server, check_pages(513));
	memset(data, 1, 513 * PAGE);
	long_row("long-256k", 256 << 10, 0, dest, data);
	long_row("long-1m", 1 << 20, 0, dest, data);
	long_row("long-2m", 2 << 20, 0, dest, data);
	long_row("long-2m-odd", 2 << 20, 0x800, dest, data);
}

static void idempotent_server(void *unused)
{
	static uint32_t buffer[2];
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = buffer };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = buffer, .recv_words = 2, .recv_data = buffer };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

CASE("bench-rpc-idem", "idempotent call, 8 bytes each way")
{
	uint32_t data[2] = { 1, 2 };
	fluke_ref_t *dest = serve(check_space_twin(), idempotent_server, 0);

	MEASURE("rpc-idem", 1000u, ({
		fluke_ipc_params_t p = { .send_words = 2, .send_data = data, .recv_words = 2, .recv_data = data };
		fluke_ipc_call(&p, dest); }));
}

CASE("bench-send", "one-way message to a port where nobody waits")
{
	uint32_t data[2] = { 1, 2 };
	fluke_ref_t *dest = check_port_ref_new(check_port_new(check_portset_new(), 1));

	MEASURE("send", 1000u, ({
		fluke_ipc_params_t p = { .send_words = 2, .send_data = data };
		fluke_ipc_send(&p, dest); }));
}

#define REFS	8
static fluke_ref_t *server_refs[REFS];

static void refs_server(void *unused)
{
	static uint32_t buffer[2];
	natural_t alias;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = buffer, .recv_refs = REFS, .recv_ref_table = server_refs };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = buffer, .recv_words = 2, .recv_data = buffer,
			.recv_refs = REFS, .recv_ref_table = server_refs };
		fluke_ipc_server_ack_send_wait_receive(&p, &alias);
	}
}

CASE("bench-refs", "null RPC that carries references")
{
	uint32_t data[2] = { 1, 2 };
	void *table[REFS];
	fluke_ref_t *dest;

	for (int i = 0; i < REFS; i++) {
		server_refs[i] = check_ref_new();
		table[i] = check_port_ref_new(check_port_new(0, 0));
	}
	dest = serve(check_space_twin(), refs_server, 0);
	for (uint32_t n = 1; n <= REFS; n += REFS - 1)
		MEASURE(n == 1 ? "refs-1" : "refs-8", 500u, ({
			fluke_ipc_params_t p = { .send_words = 2, .send_data = data, .send_refs = (uint8_t)n, .send_ref_table = table,
				.recv_words = 2, .recv_data = data };
			fluke_ipc_client_connect_send_over_receive(&p, dest); }));
}
