/* Idempotent requests and one-way messages. */
#include "check.h"

static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*dest;
uint32_t		status[16];	/* not static: used by the assembly below */
static uint32_t		in[4096], out[4096];

#define STATUS(call) FLUKE_IPC_STATUS(call)

static void make_port(void)
{
	set = check_portset_new();
	port = check_port_new(set, 77);
	dest = check_port_ref_new(port);
	memset(status, 0xff, sizeof status);
	memset(in, 0, sizeof in);
	for (uint32_t i = 0; i < 4096; i++)
		out[i] = i * 5 + 1;
}

/* Answers each idempotent request with as many words of `out` + 100 as its second word says. */
static void answerer(void *unused)
{
	static uint32_t buffer[2048];
	fluke_ipc_params_t block = { .recv_words = 2048, .recv_data = buffer };
	natural_t alias;
	uint32_t result = fluke_ipc_setup_wait_receive(&block, set, &alias);

	(void)unused;
	for (;;) {
		status[8] = result;
		status[9] = alias;
		status[10] = 2048 - block.recv_words;
		block = (fluke_ipc_params_t){ .send_words = buffer[1], .send_data = out + 100,
			.recv_words = 2048, .recv_data = buffer };
		result = fluke_ipc_reply_wait_receive(&block, &alias);
	}
}

static void call(uint32_t words, uint32_t answer)
{
	uint32_t got = answer;

	out[1] = answer;
	CHECK_EQUAL(check_call(dest, out, words, in, &got), FLUKE_SUCCESS);
	CHECK_EQUAL(got, answer);
	CHECK(!memcmp(in, out + 100, answer * 4));
	CHECK_EQUAL((status[8]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(status[9], 77);
	CHECK_EQUAL(status[10], words);
}

CASE("ipc_message-01", "an idempotent call is answered, short both ways")
{
	make_port();
	check_thread_new(check_space_twin(), answerer, 0);
	check_run();
	call(2, 2);
	call(8, 8);
	call(2, 0);
}

CASE("ipc_message-02", "a long request and a long answer")
{
	make_port();
	check_thread_new(check_space_twin(), answerer, 0);
	check_run();
	call(1500, 2);
	call(2, 1500);
	call(1500, 1500);
}

CASE("ipc_message-03", "an answer that is too long is cut silently")
{
	uint32_t got = 3;

	make_port();
	check_thread_new(check_root_space, answerer, 0);
	check_run();
	out[1] = 20;
	CHECK_EQUAL(check_call(dest, out, 2, in, &got), FLUKE_SUCCESS);
	CHECK_EQUAL(got, 3);
	out[1] = 7;
	CHECK_EQUAL(check_call(dest, out, 2, in, &got), FLUKE_SUCCESS);
	CHECK_EQUAL(got, 3);
	CHECK_EQUAL(in[3], 0);
}

static void caller(void *words)
{
	static uint32_t reply[64];
	uint32_t got = 64;

	out[1] = 2;
	status[0] = check_call(dest, out, (uint32_t)words, reply, &got);
	status[1] = got;
	status[2] = reply[0];
}

CASE("ipc_message-04", "a caller that comes first waits until a server takes its request")
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = in };

	make_port();
	check_thread_new(check_root_space, caller, (void *)3);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(block.recv_words, 61);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 40 };
	CHECK_EQUAL(fluke_ipc_reply(&block), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[1], 2);
	CHECK_EQUAL(status[2], out[40]);
}

static void abandoner(void *unused)
{
	static uint32_t words[8];
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };

	(void)unused;
	status[4] = fluke_ipc_setup_wait_receive(&block, set, 0);
	block = (fluke_ipc_params_t){ .recv_words = 8, .recv_data = words };
	status[5] = fluke_ipc_wait_receive(&block, 0);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 50 };
	fluke_ipc_reply(&block);
}

CASE("ipc_message-12", "a server that abandons a request gets it again")
{
	uint32_t got = 4;

	make_port();
	check_thread_new(check_space_twin(), abandoner, 0);
	check_run();
	CHECK_EQUAL(check_call(dest, out, 3, in, &got), FLUKE_SUCCESS);
	CHECK_EQUAL(in[0], out[50]);
	CHECK_EQUAL((status[4]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL((status[5]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
}

CASE("ipc_message-05", "a reply without a request is ignored")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };

	CHECK_EQUAL(fluke_ipc_reply(&block), FLUKE_SUCCESS);
}

CASE("ipc_message-06", "call and send to an invalid destination say so")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };
	fluke_ref_t *ref = check_ref_new();

	CHECK_EQUAL(fluke_ipc_call(&block, ref), FLUKE_IPC_CONNECT_INVALID_DEST);
	CHECK_EQUAL(fluke_ipc_send(&block, ref), FLUKE_IPC_CONNECT_INVALID_DEST);
}

CASE("ipc_message-07", "one-way messages of minimum size merge in the pending word, kernel bits cleared")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };
	fluke_port_state_t state;

	make_port();
	out[0] = 0xff000005;
	CHECK_EQUAL(fluke_ipc_send(&block, dest), FLUKE_SUCCESS);
	out[0] = 0x8000000a;
	CHECK_EQUAL(fluke_ipc_send(&block, dest), FLUKE_SUCCESS);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0xf);
	block = (fluke_ipc_params_t){ .recv_words = 2, .recv_data = in };
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(in[0], 0xf);
	CHECK_EQUAL(in[1], 0);
	CHECK_EQUAL(block.recv_words, 0);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
}

static void listener(void *words)
{
	fluke_ipc_params_t block = { .recv_words = (uint32_t)words, .recv_data = in };

	status[0] = fluke_ipc_setup_wait_receive(&block, set, &status[1]);
	status[2] = (uint32_t)words - block.recv_words;
}

static void send_to_listener(uint32_t room, uint32_t words)
{
	fluke_ipc_params_t block = { .send_words = words, .send_data = out };
	uint32_t arrive = room < words ? room : words;

	make_port();
	out[0] = 0x40000000 | 3;
	check_thread_new(check_space_twin(), listener, (void *)room);
	check_run();
	CHECK_EQUAL(fluke_ipc_send(&block, dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL((status[0]) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(status[1], 77);
	CHECK_EQUAL(status[2], arrive);
	CHECK_EQUAL(in[0], 3);
	CHECK(!memcmp(in + 1, out + 1, arrive * 4 - 4));
	CHECK_EQUAL(in[arrive], 0);
}

CASE("ipc_message-08", "a one-way message to a waiting server arrives, short or long, cut to its room")
{
	send_to_listener(10, 2);
	send_to_listener(10, 8);
	send_to_listener(3, 8);
	send_to_listener(1000, 900);
	send_to_listener(900, 1000);
}

CASE("ipc_message-09", "a long one-way message that nobody awaits vanishes")
{
	fluke_ipc_params_t block = { .send_words = 3, .send_data = out };
	fluke_port_state_t state;

	make_port();
	CHECK_EQUAL(fluke_ipc_send(&block, dest), FLUKE_SUCCESS);
	fluke_port_get_state(port, &state, 0);
	CHECK_EQUAL(state.pending, 0);
}

CASE("ipc_message-10", "references travel with idempotent requests and answers")
{
	fluke_ref_t *refs[1] = { check_ref_new() };
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };

	make_port();
	(void)refs;
	check_thread_new(check_root_space, caller, (void *)2);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	block = (fluke_ipc_params_t){ .send_refs = 1, .send_words = 2, .send_data = out, .send_ref_table = (void **)refs };
	CHECK_EQUAL(fluke_ipc_reply(&block), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[1], 2);
}

static void *entry_words;
extern char test_entry_oneway[];
__asm__(".text; .globl test_entry_oneway; test_entry_oneway: movl %esi, status+40; movl %eax, status+44;"
	"movl %ebp, status+48; movl %esp, status+52; 1: call check_thread_end; jmp 1b");

static void listener_with_entries(void *unused)
{
	listener((void *)4);
	(void)unused;
}

CASE("ipc_message-11", "a message starts the server at its entry of that flavour, on server_esp")
{
	static uint32_t stack[256];
	static fluke_thread_state_t state;
	fluke_thread_links_t links = { 0 };
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };
	fluke_thread_t *thread;

	make_port();
	entry_words = stack;
	thread = check_thread_new(check_root_space, listener_with_entries, 0);
	check_run();
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	state.regs.server_esp = (uint32_t)&stack[200];
	state.regs.server_oneway_eip = (uint32_t)test_entry_oneway;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	check_run();
	out[0] = 9;
	CHECK_EQUAL(fluke_ipc_send(&block, dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[10], 9);
	CHECK_EQUAL((status[11] & 0xffff) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(status[12], 77);
	CHECK_EQUAL(status[13], (uint32_t)&stack[200]);
}

static void asks_for_long(void *space_hole)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 1000, .recv_data = space_hole };

	fluke_thread_set_handlers(0, 0, 0, 0, 0);	/* and no keeper: it stays where it faults */
	fluke_ipc_call(&block, dest);
}

CASE("ipc_message-14", "a server with a long answer goes on when its asker, halted over it, is stopped or ends")
{
	fluke_thread_t *server, *asker;

	for (uint32_t stop = 1; stop < 2; stop--) {
		make_port();
		server = check_thread_new(check_space_twin(), answerer, 0);
		check_run();
		out[1] = 900;
		asker = check_thread_new(check_space_twin(), asks_for_long, (void *)0x1000);
		check_run();
		CHECK_EQUAL(status[10], 2);		/* the request has been taken */
		if (stop)
			fluke_thread_get_state(asker, 0, 0);
		else
			fluke_thread_destroy(asker);
		check_run_one(server);
		call(2, 2);
	}
}

static uint64_t rdtsc(void)
{
	uint64_t now;

	__asm__ volatile ("rdtsc" : "=A" (now));
	return now;
}

static void asks_once(void *unused)
{
	fluke_ipc_params_t block;

	(void)unused;
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out, .recv_words = 4096, .recv_data = in };
	status[0] = fluke_ipc_call(&block, dest);
	status[1] = 4096 - block.recv_words;
	status[2]++;
}

CASE("ipc_message-13", "a long answer that is preempted while it is copied goes on where it stopped")
{
	fluke_port_t *late = check_port_new(check_portset_new(), 0);
	const fluke_port_state_t nothing = { 0 };
	uint32_t preempted = 0;
	fluke_thread_t *asker;

	make_port();
	check_thread_new(check_space_twin(), answerer, 0);
	check_run();
	out[1] = 1900;
	for (uint32_t after = 2000; after < 44000; after += 1500) {
		uint64_t at;
		uint32_t send[3] = { 1u << 8 | 4 }, reply[8];
		void *refs[1] = { late };
		fluke_ipc_params_t p = { .send_refs = 1, .send_words = 3, .send_data = send, .send_ref_table = refs,
			.recv_words = 8, .recv_data = reply };

		asker = check_thread_new(check_root_space, asks_once, 0);
		status[2] = 0;
		at = rdtsc() + after;
		send[1] = (uint32_t)at;
		send[2] = (uint32_t)(at >> 32);
		fluke_ipc_call(&p, check_kernel);
		preempted += fluke_thread_schedule(asker, late, FLUKE_WAKEUP_ON_BLOCK) == FLUKE_SCHED_MESSAGE && !status[2];
		fluke_port_set_state(late, &nothing, 0);
		check_run();
		CHECK_EQUAL(status[1], 1900);
		CHECK(!memcmp(in, out + 100, 1900 * 4));
	}
	CHECK(preempted > 3);
}

static fluke_portset_t	*other_set;
static fluke_ref_t	*other_dest;

/* Answers one request at the other port with other words. */
static void other_answerer(void *unused)
{
	static uint32_t buffer[8];
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = buffer };

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, other_set, 0);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 1000 };
	fluke_ipc_reply(&block);
}

/* An answer that cannot be stored is the caller's exception; the next call gets its own answer. */
static void call_after_exception(uint32_t answer)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out, .recv_words = 2048, .recv_data = (void *)CHECK_WINDOW };
	uint32_t got = 2;

	make_port();
	other_set = check_portset_new();
	other_dest = check_port_ref_new(check_port_new(other_set, 78));
	check_thread_new(check_space_twin(), answerer, 0);
	check_thread_new(check_space_twin(), other_answerer, 0);
	check_run();
	out[1] = answer;
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_ipc_call(&block, dest));
	CHECK_EQUAL(check_call(other_dest, out, 2, in, &got), FLUKE_SUCCESS);
	CHECK_EQUAL(in[0], out[1000]);
	call(2, 4);
}

CASE("ipc_message-15", "a short answer that cannot be stored is not the answer of the next call")
{
	call_after_exception(2);
}

CASE("ipc_message-16", "a long answer that cannot be stored is not the answer of the next call")
{
	call_after_exception(100);
}

static fluke_thread_t *first_server, *the_asker;

/* The request is in the hands of first_server, the first thread has not been answered. */
static void served_by_first(void)
{
	make_port();
	the_asker = check_thread_new(check_root_space, caller, (void *)3);
	check_run();
	first_server = check_thread_new(check_space_twin(), listener, (void *)8);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(status[0]), FLUKE_IPC_IDEMPOTENT);
	status[0] = 77;
}

static void answered_by_me(void)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };

	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_IDEMPOTENT);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 40 };
	CHECK_EQUAL(fluke_ipc_reply(&block), FLUKE_SUCCESS);
	check_run_one(the_asker);
	CHECK_EQUAL(status[0], FLUKE_SUCCESS);
	CHECK_EQUAL(status[2], out[40]);
}

CASE("ipc_message-17", "when the server is destroyed its asker asks again, and another server answers")
{
	served_by_first();
	fluke_thread_destroy(first_server);
	check_run_one(the_asker);
	answered_by_me();
}

CASE("ipc_message-18", "when the server is stopped its asker asks again, and another server answers")
{
	served_by_first();
	fluke_thread_get_state(first_server, 0, 0);
	check_run_one(the_asker);
	answered_by_me();
}

CASE("ipc_message-19", "an interrupted asker starts over")
{
	static uint32_t request[8];
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = request };

	make_port();
	the_asker = check_thread_new(check_root_space, caller, (void *)3);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_IDEMPOTENT);
	fluke_thread_interrupt(the_asker);
	check_run();
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 60 };
	CHECK_EQUAL(fluke_ipc_reply(&block), FLUKE_SUCCESS);	/* nobody waits for this one */
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	answered_by_me();
}

/* Awaits one message where no memory is, then another where there is. */
static void late_receiver(void *at)
{
	fluke_ipc_params_t block = { .recv_words = 64, .recv_data = at };

	status[0] = fluke_ipc_setup_wait_receive(&block, set, 0);
	status[1] = 64 - block.recv_words;
}

CASE("ipc_message-20", "a long one-way message to a server whose buffer is not there is lost, and the next one arrives")
{
	fluke_ipc_params_t block = { .send_words = 40, .send_data = out };
	void *memory = check_pages(1);
	fluke_port_t *keeper = check_port_new(check_portset_new(), 0);
	fluke_space_t *segment = check_space_new();
	fluke_mapping_t *window = check_mapping_new(check_region_new(segment, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, keeper), 0,
		check_root_space, CHECK_WINDOW, FLUKE_PAGE_SIZE, FLUKE_PROT_READ | FLUKE_PROT_WRITE);

	make_port();
	check_thread_new(check_root_space, late_receiver, (void *)CHECK_WINDOW);
	check_run();
	CHECK_EQUAL(STATUS(fluke_ipc_send(&block, dest)), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	check_mapping_new(check_physical, check_physical_of(memory), segment, 0x1000, FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
	fluke_port_destroy(keeper);
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	CHECK_EQUAL(STATUS(fluke_ipc_send(&block, dest)), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[0] & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_ONEWAY << 8);
	CHECK_EQUAL(status[1], 40);
	CHECK_EQUAL(*(uint32_t *)memory, out[0]);
	fluke_mapping_destroy(window);
}

CASE("ipc_message-21", "a long one-way message whose second buffer is not there is the sender's exception, and the server waits on")
{
	fluke_ipc_buffer_t more[1] = { { 30, (void *)CHECK_WINDOW } };
	fluke_ipc_params_t block = { .send_buffers = 1, .send_words = 20, .send_data = out, .send_buffer_table = more };

	make_port();
	check_thread_new(check_root_space, late_receiver, in);
	check_run();
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, fluke_ipc_send(&block, dest));
	check_run();
	CHECK_EQUAL(status[0], 0xffffffff);
	more[0].data = out + 100;
	CHECK_EQUAL(STATUS(fluke_ipc_send(&block, dest)), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(status[1], 50);
	CHECK_EQUAL(in[20], out[100]);
}
