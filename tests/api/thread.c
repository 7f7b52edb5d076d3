/* Threads: state in and out, stopping, interrupts, connections in hand. */
#include "type.h"
#include <fluke/callnumbers.h>

static fluke_thread_state_t state;
static fluke_thread_links_t none;
static uint32_t count, words[16];
static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*dest;

static void make_port(void)
{
	set = check_portset_new();
	port = check_port_new(set, 5);
	dest = check_port_ref_new(port);
	memset(words, 0, sizeof words);
	count = 0;
}

static void go_on(fluke_thread_t *thread)
{
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
}

static void once(void *unused)
{
	(void)unused;
	count++;
}

CASE("thread-01", "self is the address in the thread's own space")
{
	CHECK_EQUAL(fluke_thread_self(), check_first_thread);
}

CASE("thread-02", "a new thread is stopped and without links")
{
	fluke_thread_t *thread = check_object(sizeof *thread);
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = ref };

	CHECK_EQUAL(fluke_thread_create(thread), FLUKE_SUCCESS);
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(state.flags, FLUKE_THREAD_STOPPED | FLUKE_THREAD_HELD);
	CHECK_EQUAL(state.regs.eip, 0);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
}

CASE("thread-03", "set_state of a thread that runs is a race, of oneself an insanity")
{
	fluke_thread_t *thread = check_thread_new(check_root_space, once, 0);

	EXPECT_INSANITY(FLUKE_INSANITY_RACE_CONDITION, fluke_thread_set_state(thread, &state, none));
	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_thread_set_state(check_first_thread, &state, none));
	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_thread_get_state(check_first_thread, &state, none));
	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_thread_interrupt(check_first_thread));
	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_thread_destroy(check_first_thread));
}

CASE("thread-04", "get_state stops, set_state lets go")
{
	fluke_thread_t *thread;

	count = 0;
	thread = check_thread_new(check_root_space, once, 0);
	fluke_thread_get_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(count, 0);
	CHECK(state.flags & FLUKE_THREAD_STOPPED);
	go_on(thread);
	check_run();
	CHECK_EQUAL(count, 1);
}

CASE("thread-05", "state written is state read")
{
	fluke_thread_t *thread = check_object(sizeof *thread);
	static fluke_thread_state_t wrote;
	uint32_t *r = (uint32_t *)&wrote.regs;

	fluke_thread_create(thread);
	for (uint32_t i = 0; i < sizeof wrote.regs / 4; i++)
		r[i] = 0x1000 + i;
	wrote.flags = FLUKE_THREAD_STOPPED | FLUKE_THREAD_EXCEPTION_ENABLE;
	wrote.thread_va = (uint32_t)thread;
	wrote.sched_val = 99;
	wrote.regs.eflags = 0x202;
	wrote.regs.saved_eflags = 0x202;
	wrote.regs.min_msg_words = 3 | 1 << 8;
	wrote.regs.gs = FLUKE_USER_TLS;
	wrote.regs.fs = 0;
	fluke_thread_set_state(thread, &wrote, none);
	fluke_thread_get_state(thread, &state, none);
	wrote.regs.eflags = state.regs.eflags;
	wrote.regs.saved_eflags = state.regs.saved_eflags;
	CHECK(!memcmp(&state.regs, &wrote.regs, sizeof wrote.regs));
	CHECK_EQUAL(state.flags, wrote.flags | FLUKE_THREAD_HELD);
	CHECK_EQUAL(state.sched_val, 99);
	CHECK_EQUAL(state.thread_va, (uint32_t)thread);
}

CASE("thread-06", "flags, selectors and message counts out of range are refused")
{
	fluke_thread_t *thread = check_object(sizeof *thread);

	fluke_thread_create(thread);
	memset(&state, 0, sizeof state);
	state.flags = 0x80000000;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_state(thread, &state, none));
	state.flags = FLUKE_THREAD_STOPPED;
	state.regs.gs = 0x10;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_state(thread, &state, none));
	state.regs.gs = 0;
	state.regs.min_msg_words = 9;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_state(thread, &state, none));
}

CASE("thread-07", "links of the wrong type are refused")
{
	fluke_thread_t *thread = check_object(sizeof *thread);
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t space = { [FLUKE_LINK_SPACE] = ref }, client = { [FLUKE_LINK_CLIENT] = ref };

	fluke_thread_create(thread);
	fluke_mutex_reference(check_mutex_new(), ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_SPACE_REF, fluke_thread_set_state(thread, 0, space));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD_REF, fluke_thread_set_state(thread, 0, client));
}

static void sleeper(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 4, .recv_data = words };

	(void)unused;
	count = 1;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	count = 2;
}

CASE("thread-08", "a thread stopped in wait_receive shows that call and waits again afterwards")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_thread_t *thread;

	make_port();
	thread = check_thread_new(check_space_twin(), sleeper, 0);
	check_run();
	CHECK_EQUAL(count, 1);
	fluke_thread_get_state(thread, &state, none);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.eax & 0xff, FLUKE_CALL_ipc_wait_receive);
	go_on(thread);
	check_run();
	CHECK_EQUAL(count, 1);
	words[0] = 3;
	fluke_ipc_send(&block, dest);
	check_run();
	CHECK_EQUAL(count, 2);
}

static uint32_t interrupts;
void on_interrupt(uint32_t code);

void on_interrupt(uint32_t code)
{
	interrupts++;
	words[8] = code;
	fluke_thread_return_from_exception(fluke_thread_self());
}

extern char interrupt_entry[];
__asm__(".text; interrupt_entry: pushl %ebx; pushl %esi; pushl %edi; pushl %ebp; pushl %eax; call on_interrupt");

static void set_interrupt_handler(fluke_thread_t *thread)
{
	fluke_thread_get_state(thread, &state, none);
	state.regs.interrupt_handler = (uint32_t)interrupt_entry;
	go_on(thread);
	interrupts = 0;
}

CASE("thread-09", "an interrupt wakes a waiting thread, runs its handler, and the call goes on")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_thread_t *thread;

	make_port();
	thread = check_thread_new(check_root_space, sleeper, 0);
	set_interrupt_handler(thread);
	check_run();
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(interrupts, 1);
	CHECK_EQUAL(words[8], FLUKE_EXC_INTERRUPT);
	CHECK_EQUAL(count, 1);
	words[0] = 1;
	fluke_ipc_send(&block, dest);
	check_run();
	CHECK_EQUAL(count, 2);
}

static void disabled(void *unused)
{
	(void)unused;
	fluke_thread_disable_exceptions(fluke_thread_self());
	fluke_mutex_lock((fluke_mutex_t *)words[0]);
	words[1] = interrupts;
	fluke_thread_enable_exceptions(fluke_thread_self());
	words[2] = interrupts;
}

CASE("thread-10", "an interrupt stays pending while exceptions are off")
{
	fluke_mutex_t *m = check_mutex_new();
	fluke_thread_t *thread;

	make_port();
	words[0] = (uint32_t)m;
	fluke_mutex_lock(m);
	thread = check_thread_new(check_root_space, disabled, 0);
	set_interrupt_handler(thread);
	check_run();
	fluke_thread_interrupt(thread);
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(interrupts, 0);
	fluke_mutex_unlock(m);
	check_run();
	CHECK_EQUAL(words[1], 0);
	CHECK_EQUAL(words[2], 1);
}

CASE("thread-11", "handlers are read back")
{
	oskit_addr_t old[4], got[4];

	fluke_thread_get_handlers(check_first_thread, old);
	fluke_thread_set_handlers(check_first_thread, old[0], 0x111, 0x222, 0x333);
	fluke_thread_get_handlers(check_first_thread, got);
	fluke_thread_set_handlers(check_first_thread, old[0], old[1], old[2], old[3]);
	CHECK_EQUAL(got[0], old[0]);
	CHECK_EQUAL(got[1], 0x111);
	CHECK_EQUAL(got[2], 0x222);
	CHECK_EQUAL(got[3], 0x333);
}

CASE("thread-12", "the saved state is read back, and return_from_exception loads it")
{
	struct fluke_thread_saved_state saved = { 1, 2, 3, 4, 5, 0x202, .min_msg_words = 0 }, got;

	fluke_thread_set_saved_state(check_first_thread, &saved);
	fluke_thread_get_saved_state(check_first_thread, &got);
	CHECK(!memcmp(&saved, &got, sizeof saved));
}

/* The example of the atomic interface: 8192 bytes from ...1800, a fault after 6144. */
static uint32_t big, big_status;

static void big_sender(void *to)
{
	fluke_ipc_params_t block = { .send_words = 2048, .send_data = (void *)big, .recv_words = 4, .recv_data = words };

	big_status = fluke_ipc_client_connect_send_over_receive(&block, to);
}

static uint32_t big_in[2048];

static void big_receiver(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 2048, .recv_data = big_in };

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	count = block.recv_words;
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = words, .recv_words = 4, .recv_data = words };
	fluke_ipc_server_ack_send_wait_receive(&block, 0);
}

/* A space that sees everything, and a window at 0x08000000 without its fourth page. */
static fluke_space_t *big_space;
static uint32_t big_pages;
static fluke_thread_t *big_thread, *big_server;

static void big_start(void)
{
	make_port();
	big_pages = (uint32_t)check_pages(4);
	for (uint32_t i = 0; i < 4096; i++)
		((uint32_t *)big_pages)[i] = i;
	big_space = check_space_new();
	fluke_region_t *image = check_region_new(check_root_space, FLUKE_ROOT_IMAGE, 0x100000, FLUKE_PROT_ALL, 0);
	check_mapping_new(image, 0, big_space, FLUKE_ROOT_IMAGE, 0x100000, FLUKE_PROT_ALL);
	fluke_region_t *memory = check_region_new(check_root_space, check_memory, check_memory_size, FLUKE_PROT_ALL, 0);
	check_mapping_new(memory, 0, big_space, check_memory, check_memory_size, FLUKE_PROT_ALL);
	check_mapping_new(check_physical, check_physical_of((void *)big_pages), big_space, 0x08000000, 0x3000, FLUKE_PROT_READ);
	big = 0x08001800;
	count = 77;
	big_status = 77;
	memset(&check_caught, 0, sizeof check_caught);
	big_server = check_thread_new(check_root_space, big_receiver, 0);
	check_run();
	big_thread = check_thread_new(big_space, big_sender, dest);
	fluke_thread_get_state(big_thread, &state, none);
	state.regs.trap_handler = 0;		/* and no keeper: the thread stays where it is */
	go_on(big_thread);
	check_run();
}

CASE("thread-13", "8192 bytes from 0x08001800, a fault after 6144: 2048 bytes from 0x08003000 are left")
{
	big_start();
	fluke_thread_get_state(big_thread, &state, none);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.eax & 0xff, FLUKE_CALL_ipc_client_send_over_receive);
	CHECK_EQUAL(state.regs.ecx, 512);
	CHECK_EQUAL(state.regs.esi, 0x08003000);
	CHECK(!memcmp(big_in, (void *)(big_pages + 0x1800), 6144));
	fluke_thread_get_state(big_server, &state, none);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.eax & 0xff, FLUKE_CALL_ipc_server_receive);
	CHECK_EQUAL(state.regs.ecx, 512);
	CHECK_EQUAL(state.regs.esi, (uint32_t)big_in + 6144);
}

CASE("thread-14", "both, stopped there and written into fresh threads, go on to the same end")
{
	fluke_thread_t *fresh[2];
	static fluke_thread_state_t sender;
	fluke_ref_t *refs[2][5];

	big_start();
	for (uint32_t i = 0; i < 10; i++)
		refs[i / 5][i % 5] = check_ref_new();
	fluke_thread_get_state(big_thread, &sender, refs[0]);
	fluke_thread_get_state(big_server, &state, refs[1]);
	fresh[0] = check_object(sizeof(fluke_thread_t));
	fresh[1] = check_object(sizeof(fluke_thread_t));
	fluke_thread_create(fresh[0]);
	fluke_thread_create(fresh[1]);
	fluke_thread_reference(fresh[1], refs[0][FLUKE_LINK_SERVER]);
	fluke_thread_reference(fresh[0], refs[1][FLUKE_LINK_CLIENT]);
	sender.flags &= ~FLUKE_THREAD_STOPPED;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(fresh[0], &sender, refs[0]);
	fluke_thread_set_state(fresh[1], &state, refs[1]);
	fluke_thread_destroy(big_thread);
	fluke_thread_destroy(big_server);
	check_mapping_new(check_physical, check_physical_of((void *)(big_pages + 0x3000)), big_space, 0x08003000, 0x1000,
		FLUKE_PROT_READ);
	for (uint32_t i = 0; i < 4; i++) {
		check_run_one(fresh[0]);
		check_run_one(fresh[1]);
	}
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(big_status, FLUKE_IPC_RECV_DISCONNECTED);
	CHECK(!memcmp(big_in, (void *)(big_pages + 0x1800), 8192));
}

CASE("thread-15", "the FPU state is part of the state")
{
	fluke_thread_t *thread = check_object(sizeof *thread);

	fluke_thread_create(thread);
	memset(&state, 0, sizeof state);
	state.flags = FLUKE_THREAD_STOPPED | FLUKE_THREAD_FPU_USED;
	state.fpu.fxsave[40] = 0x5a;
	fluke_thread_set_state(thread, &state, none);
	state.fpu.fxsave[40] = 0;
	fluke_thread_get_state(thread, &state, none);
	CHECK_EQUAL(state.fpu.fxsave[40], 0x5a);
	CHECK(state.flags & FLUKE_THREAD_FPU_USED);
}

CASE("thread-16", "a moved thread goes on at its new address")
{
	fluke_thread_t *thread, *to;
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };

	make_port();
	thread = check_thread_new(check_root_space, sleeper, 0);
	check_run();
	to = check_object(sizeof *to);
	fluke_thread_move(thread, to);
	check_run_one(to);
	words[0] = 1;
	fluke_ipc_send(&block, dest);
	check_run_one(to);
	CHECK_EQUAL(count, 2);
}

CASE("thread-17", "waiting_for leads to what a stopped thread waited for")
{
	fluke_mutex_t *m = check_mutex_new();
	fluke_ref_t *ref = check_ref_new(), *wanted = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_WAITING_FOR] = ref };
	fluke_thread_t *thread;

	make_port();
	words[0] = (uint32_t)m;
	fluke_mutex_lock(m);
	thread = check_thread_new(check_root_space, disabled, 0);
	check_run();
	fluke_thread_get_state(thread, &state, links);
	fluke_mutex_reference(m, wanted);
	CHECK_EQUAL(fluke_ref_compare(ref, wanted), 1);
}

CASE("thread-18", "an unknown call number is the insanity INVALID_CALL")
{
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_CALL, __asm__ volatile ("pushl %%ebp; call *%0; popl %%ebp"
		: : "r" (FLUKE_ENTRY), "a" (250) : "ecx", "edx", "memory"));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_CALL, __asm__ volatile ("pushl %%ebp; call *%0; popl %%ebp"
		: : "r" (FLUKE_ENTRY), "a" (0) : "ecx", "edx", "memory"));
}

CASE("thread-19", "a thread whose space is destroyed stops")
{
	fluke_space_t *space = check_space_twin();

	count = 0;
	check_thread_new(space, once, 0);
	fluke_space_destroy(space);
	check_run();
	CHECK_EQUAL(count, 0);
}

/* What every type has in common: type.h. */
TYPE_CALLS(thread, THREAD, FIVE);

CASE("thread-20", "create makes a thread with null links and a hash of its own")
{
	type_create(&calls);
}

CASE("thread-21", "create refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, (void *)calls.create);
}

CASE("thread-22", "create_hash keeps a hash that it is given, and chooses one for 0 and for a null pointer")
{
	type_create_hash(&calls);
}

CASE("thread-23", "create_hash refuses a misaligned, a taken and no user address")
{
	type_create_refuses(&calls, calls.create_hash);
}

CASE("thread-24", "destroy makes forty references null and the place free")
{
	type_destroy(&calls);
}

CASE("thread-25", "destroy refuses no object, a wrong one and a bad address")
{
	type_destroy_refuses(&calls);
}

CASE("thread-26", "move takes forty references and the hash along, there and back")
{
	type_move(&calls);
}

CASE("thread-27", "move refuses no object, a wrong one, and every place that create would")
{
	type_move_refuses(&calls);
}

CASE("thread-28", "reference drops what the reference led to before")
{
	type_reference(&calls);
}

CASE("thread-29", "reference refuses what is no thread, and what is no reference")
{
	type_reference_refuses(&calls);
}

CASE("thread-30", "get_state refuses what is no thread, and what is no reference")
{
	type_state_refuses(&calls, calls.get);
}

CASE("thread-31", "set_state refuses what is no thread, and what is no reference")
{
	type_state_refuses(&calls, (void *)calls.set);
}

CASE("thread-32", "null pointers leave every part of the state alone")
{
	type_state_null(&calls);
}

CASE("thread-33", "state written is state read, except the hash")
{
	type_state_again(&calls);
}

CASE("thread-34", "interrupt refuses what is no thread")
{
	REFUSES_BAD(FLUKE_INSANITY_NOT_THREAD, check_mutex_new(), fluke_thread_interrupt(o));
	fluke_thread_interrupt(check_thread_new(check_root_space, once, 0));
}

CASE("thread-35", "no thread moves itself")
{
	fluke_thread_t *to = check_object(sizeof *to);

	EXPECT_INSANITY(FLUKE_INSANITY_CURRENT_THREAD, fluke_thread_move(check_first_thread, to));
	CHECK_EQUAL(fluke_thread_create(to), FLUKE_SUCCESS);
}

CASE("thread-36", "a scheduler link must lead to a port")
{
	fluke_thread_t *thread = check_object(sizeof *thread);
	fluke_ref_t *ref = check_ref_new(), *read = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = ref }, got = { [FLUKE_LINK_SCHEDULER] = read };

	make_port();
	fluke_thread_create(thread);
	check_space_reference(check_root_space, ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_PORT_REF, fluke_thread_set_state(thread, 0, links));
	fluke_port_reference(port, ref);
	fluke_thread_set_state(thread, 0, links);
	fluke_thread_get_state(thread, 0, got);
	CHECK_EQUAL(fluke_ref_compare(read, ref), 1);
	fluke_ref_clear(ref);
	fluke_thread_set_state(thread, 0, links);
	fluke_thread_get_state(thread, 0, got);
	CHECK_EQUAL(fluke_ref_type(read), FLUKE_NULL);
}

CASE("thread-37", "get_client and get_server refuse what is no reference")
{
	natural_t flags;

	fluke_ipc_client_disconnect();
	fluke_ipc_server_disconnect();
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_thread_get_client(check_first_thread, o, &flags));
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, check_mutex_new(), fluke_thread_get_server(check_first_thread, o, &flags));
	fluke_thread_get_client(check_first_thread, check_ref_new(), &flags);
	CHECK_EQUAL(flags, 0);
	fluke_thread_get_server(check_first_thread, check_ref_new(), &flags);
	CHECK_EQUAL(flags, 0);
}

/* The reference may also be the thread itself; anything else is refused. */
static void set_peer_refuses(void (*set_peer)(fluke_thread_t *, fluke_ref_t *, natural_t))
{
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_t *other = check_object(sizeof *other);

	fluke_thread_create(other);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, set_peer(check_first_thread, check_object(64), 0));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, set_peer(check_first_thread, KERNEL_ADDRESS, 0));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD_REF, set_peer(check_first_thread, (fluke_ref_t *)check_mutex_new(), 0));
	fluke_mutex_reference(check_mutex_new(), ref);
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_THREAD_REF, set_peer(check_first_thread, ref, 0));
	fluke_ref_clear(ref);
	set_peer(check_first_thread, ref, 0);
	set_peer(check_first_thread, 0, 0);
	set_peer(check_first_thread, (fluke_ref_t *)other, 0);
	fluke_thread_reference(other, ref);
	set_peer(check_first_thread, ref, 0);
}

CASE("thread-38", "set_client refuses what leads to no thread")
{
	fluke_ipc_server_disconnect();
	set_peer_refuses(fluke_thread_set_client);
}

CASE("thread-39", "set_server refuses what leads to no thread")
{
	fluke_ipc_client_disconnect();
	set_peer_refuses(fluke_thread_set_server);
}

static void listener(void *room)
{
	static uint32_t got[64];
	fluke_ipc_params_t block = { .recv_words = (uint32_t)room, .recv_data = got };

	words[10] = fluke_ipc_setup_wait_receive(&block, set, 0);
	words[11] = (uint32_t)room - block.recv_words;
}

CASE("thread-40", "a client sets its server aside for another one, and takes it up again")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_ref_t *first = check_ref_new(), *second = check_ref_new(), *wanted = check_ref_new();
	natural_t first_flags, flags;
	fluke_thread_t *server;

	make_port();
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_thread_get_server(check_first_thread, first, &first_flags);
	CHECK_EQUAL(first_flags & 0xffff, 0);
	fluke_thread_reference(server, wanted);
	CHECK_EQUAL(fluke_ref_compare(first, wanted), 1);
	fluke_thread_set_server(check_first_thread, 0, 0);
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_IPC_SEND_DISCONNECTED);
	check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_thread_get_server(check_first_thread, second, &flags);
	CHECK_EQUAL(fluke_ref_compare(first, second), 0);
	fluke_ipc_client_disconnect();
	check_run();
	CHECK_EQUAL(words[11], 2);
	fluke_thread_set_server(check_first_thread, first, 0);
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_SUCCESS);
	fluke_ipc_client_disconnect();
	check_run();
	CHECK_EQUAL(words[11], 4);
}

CASE("thread-41", "return_from_exception loads the registers that set_saved_state wrote")
{
	fluke_thread_t *thread;

	make_port();
	thread = check_thread_new(check_root_space, sleeper, 0);
	set_interrupt_handler(thread);
	check_run();
	fluke_thread_interrupt(thread);
	fluke_thread_interrupt(thread);		/* two before the first is taken are one */
	check_run();
	CHECK_EQUAL(interrupts, 1);
	fluke_thread_interrupt(thread);
	check_run();
	CHECK_EQUAL(interrupts, 2);
	CHECK_EQUAL(count, 1);
}

CASE("thread-42", "an interrupt of a thread that is stopped is taken when it goes on")
{
	fluke_thread_t *thread;

	make_port();
	thread = check_thread_new(check_root_space, sleeper, 0);
	set_interrupt_handler(thread);
	fluke_thread_get_state(thread, &state, none);
	fluke_thread_interrupt(thread);
	fluke_thread_get_state(thread, &state, none);
	CHECK(state.flags & FLUKE_THREAD_INTERRUPT_PENDING);
	check_run();
	CHECK_EQUAL(interrupts, 0);
	go_on(thread);
	check_run();
	CHECK_EQUAL(interrupts, 1);
	CHECK_EQUAL(count, 1);
}

CASE("thread-43", "a thread without a space does not run until it is given one")
{
	fluke_thread_t *thread;
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = ref };

	count = 0;
	thread = check_thread_new(check_root_space, once, 0);
	fluke_thread_get_state(thread, &state, none);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	check_run();
	CHECK_EQUAL(count, 0);
	fluke_thread_get_state(thread, &state, none);
	fluke_space_reference(check_space_twin(), ref);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	check_run();
	CHECK_EQUAL(count, 1);
}

CASE("thread-44", "get_state without record and links just stops")
{
	fluke_thread_t *thread;

	count = 0;
	thread = check_thread_new(check_root_space, once, 0);
	fluke_thread_get_state(thread, 0, 0);
	check_run();
	CHECK_EQUAL(count, 0);
	fluke_thread_get_state(thread, &state, none);
	go_on(thread);
	check_run();
	CHECK_EQUAL(count, 1);
}

CASE("thread-45", "stopping a stopped thread again changes nothing")
{
	fluke_thread_t *thread;
	static fluke_thread_state_t again;

	thread = check_thread_new(check_root_space, once, 0);
	fluke_thread_get_state(thread, &state, none);
	fluke_thread_get_state(thread, &again, none);
	CHECK(!memcmp(&state.regs, &again.regs, sizeof state.regs));
	CHECK_EQUAL(state.flags | FLUKE_THREAD_HELD, again.flags);	/* which says no more */
}

CASE("thread-46", "destroying a thread alerts its client and its server")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	oskit_addr_t old[4];
	fluke_thread_t *server;

	make_port();
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_thread_get_handlers(check_first_thread, old);
	fluke_thread_set_handlers(check_first_thread, old[0], 0, 0, (uint32_t)interrupt_entry);
	interrupts = 0;
	fluke_thread_destroy(server);
	fluke_thread_set_handlers(check_first_thread, old[0], old[1], old[2], old[3]);
	CHECK_EQUAL(interrupts, 1);
	CHECK_EQUAL(words[8], FLUKE_EXC_ALERT);
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_IPC_SEND_DISCONNECTED);
}

CASE("thread-47", "set_state with a server link takes the connection over")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_thread_t *server, *heir = check_object(sizeof *heir);
	fluke_ref_t *me = check_ref_new(), *got = check_ref_new(), *wanted = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_CLIENT] = me };
	natural_t flags;

	make_port();
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_thread_create(heir);
	fluke_thread_reference(check_first_thread, me);
	fluke_thread_set_state(heir, 0, links);
	fluke_thread_get_server(check_first_thread, got, &flags);
	fluke_thread_reference(heir, wanted);
	CHECK_EQUAL(fluke_ref_compare(got, wanted), 1);
	fluke_thread_destroy(server);
	CHECK_EQUAL(fluke_ref_type(got), FLUKE_TYPE_THREAD);
	fluke_ipc_client_disconnect();
}

CASE("thread-48", "the TLS base is state, and set_tls sets it")
{
	fluke_thread_t *thread = check_object(sizeof *thread);

	fluke_thread_create(thread);
	memset(&state, 0, sizeof state);
	state.flags = FLUKE_THREAD_STOPPED;
	state.regs.tls_base = 0x12345000;
	state.regs.gs = FLUKE_USER_TLS;
	fluke_thread_set_state(thread, &state, none);
	memset(&state, 0, sizeof state);
	fluke_thread_get_state(thread, &state, none);
	CHECK_EQUAL(state.regs.tls_base, 0x12345000);
	CHECK_EQUAL(state.regs.gs, FLUKE_USER_TLS);
}

CASE("thread-60", "get_state tells whether the thread had been stopped before, and set_state takes the flag back")
{
	fluke_thread_t *thread = check_thread_new(check_root_space, 0, 0);
	fluke_thread_state_t held;

	fluke_thread_get_state(thread, &held, none);
	CHECK_EQUAL(held.flags & (FLUKE_THREAD_STOPPED | FLUKE_THREAD_HELD), FLUKE_THREAD_STOPPED);
	fluke_thread_get_state(thread, &held, none);
	CHECK_EQUAL(held.flags & (FLUKE_THREAD_STOPPED | FLUKE_THREAD_HELD), FLUKE_THREAD_STOPPED | FLUKE_THREAD_HELD);
	held.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &held, none);
	fluke_thread_get_state(thread, &held, none);
	CHECK_EQUAL(held.flags & FLUKE_THREAD_HELD, 0);
}

/* A server that sets its client aside, waits for the mutex, and then answers it. */
static fluke_ref_t *put_aside;
static fluke_mutex_t *until;
static uint32_t aside_status[4], aside_words[2] = { 7, 8 }, aside_answer[2];

static void aside_server(void *portset)
{
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = aside_answer };
	natural_t flags;

	aside_status[0] = fluke_ipc_setup_wait_receive(&block, portset, 0);
	fluke_thread_get_client(0, put_aside, &flags);
	fluke_thread_set_client(0, 0, 0);
	fluke_mutex_lock(until);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = aside_words, .recv_words = flags };
	aside_status[1] = fluke_ipc_server_answer(&block, put_aside);
}

static void aside_client(void *to)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = aside_words, .recv_words = 2, .recv_data = aside_answer };

	aside_status[2] = fluke_ipc_client_connect_send_over_receive(&block, to);
	aside_status[3] = block.recv_words;
}

CASE("thread-61", "a client that its server has set aside, written into a fresh thread, is so still, under its number")
{
	fluke_portset_t *portset = check_portset_new();
	fluke_thread_t *client, *fresh = check_object(sizeof *fresh);
	fluke_thread_links_t links;
	static fluke_thread_state_t parked;

	put_aside = check_ref_new();
	until = check_mutex_new();
	fluke_mutex_lock(until);
	memset(aside_status, 0xff, sizeof aside_status);
	check_thread_new(check_root_space, aside_server, portset);
	client = check_thread_new(check_root_space, aside_client, check_port_ref_new(check_port_new(portset, 0)));
	check_run();
	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		links[i] = check_ref_new();
	fluke_thread_get_state(client, &parked, links);
	CHECK_EQUAL(parked.flags & FLUKE_THREAD_SERVER_PARKED, FLUKE_THREAD_SERVER_PARKED);
	CHECK_EQUAL(parked.connections, 1);
	fluke_thread_create(fresh);
	parked.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(fresh, &parked, links);
	fluke_thread_reference(fresh, put_aside);
	fluke_thread_destroy(client);
	fluke_thread_move(fresh, client);
	check_run_one(client);
	fluke_mutex_unlock(until);
	check_run();
	CHECK_EQUAL(aside_status[1], FLUKE_SUCCESS);
	CHECK_EQUAL(FLUKE_IPC_STATUS(aside_status[2]), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(aside_status[3], 0);
}

static void queued(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };

	(void)unused;
	fluke_ipc_client_connect_send(&block, dest);
}

static fluke_cond_t *awaited;

static void awaiting(void *m)
{
	fluke_mutex_lock(m);
	fluke_cond_wait(awaited, m);
}

static fluke_type_t waits_for(fluke_thread_t *thread, fluke_ref_t *ref)
{
	fluke_thread_links_t links = { [FLUKE_LINK_WAITING_FOR] = ref };

	fluke_thread_get_state(thread, 0, links);
	return fluke_ref_type(ref);
}

CASE("thread-62", "waiting_for: a condition, a port where one queues, a port set, a peer; null of who does not wait")
{
	fluke_ref_t *ref = check_ref_new(), *wanted = check_ref_new();
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_thread_t *waiting, *client, *server, *idle;

	make_port();
	awaited = check_cond_new();
	waiting = check_thread_new(check_root_space, awaiting, check_mutex_new());
	client = check_thread_new(check_root_space, queued, 0);
	check_run();
	CHECK_EQUAL(waits_for(waiting, ref), FLUKE_TYPE_COND);
	CHECK_EQUAL(waits_for(client, ref), FLUKE_TYPE_PORT);
	fluke_port_reference(port, wanted);
	CHECK_EQUAL(fluke_ref_compare(ref, wanted), 1);
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(waits_for(server, ref), FLUKE_TYPE_PORTSET);
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(waits_for(server, ref), FLUKE_TYPE_THREAD);
	fluke_thread_reference(check_first_thread, wanted);
	CHECK_EQUAL(fluke_ref_compare(ref, wanted), 1);
	idle = check_thread_new(check_root_space, once, 0);
	CHECK_EQUAL(waits_for(idle, ref), FLUKE_NULL);
	fluke_ipc_client_disconnect();
}

/* set_state with links that say what is not so: whatever comes of it for those threads, the kernel's
 * books stay right (walked after each case), and others are served. */
static void forge(fluke_thread_t *liar, uint32_t link, fluke_thread_t *peer, natural_t flags)
{
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { 0 };

	fluke_thread_reference(peer, ref);
	links[link] = ref;
	fluke_thread_get_state(liar, &state, none);
	state.flags |= flags;
	fluke_thread_set_state(liar, &state, links);
}

CASE("thread-63", "a thread that claims the connection to a server which awaits its next client has none, and the next is served")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words };
	fluke_thread_t *liar = check_object(sizeof *liar), *server;
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_SERVER] = ref };

	make_port();
	server = check_thread_new(check_root_space, listener, (void *)64);
	check_run();
	fluke_thread_create(liar);
	forge(liar, FLUKE_LINK_SERVER, server, 0);
	fluke_thread_get_state(liar, 0, links);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_thread_destroy(liar);
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_SUCCESS);
	fluke_ipc_client_disconnect();
}

CASE("thread-64", "a thread that claims a client which still looks for a server has none, and that client is served")
{
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words };
	fluke_thread_t *liar = check_object(sizeof *liar), *client;
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_links_t links = { [FLUKE_LINK_CLIENT] = ref };

	make_port();
	client = check_thread_new(check_root_space, aside_client, dest);
	check_run();
	fluke_thread_create(liar);
	forge(liar, FLUKE_LINK_CLIENT, client, 0);
	fluke_thread_get_state(liar, 0, links);
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RELIABLE);
	fluke_thread_destroy(liar);
	check_world_selftest();
	fluke_ipc_server_disconnect();
}

CASE("thread-65", "a thread that says of the client it has set aside that it was set aside by it has it back")
{
	fluke_portset_t *portset = check_portset_new();
	fluke_thread_t *client, *server;

	put_aside = check_ref_new();
	until = check_mutex_new();
	fluke_mutex_lock(until);
	server = check_thread_new(check_root_space, aside_server, portset);
	client = check_thread_new(check_root_space, aside_client, check_port_ref_new(check_port_new(portset, 0)));
	check_run();
	forge(server, FLUKE_LINK_CLIENT, client, FLUKE_THREAD_CLIENT_PARKED);
	check_world_selftest();
	fluke_thread_destroy(server);
	check_world_selftest();
	fluke_thread_destroy(client);
}

CASE("thread-66", "a thread whose connection another one claims leaves its wait and is told that it has ended")
{
	fluke_thread_t *client, *heir = check_object(sizeof *heir);
	fluke_portset_t *portset = check_portset_new();
	fluke_ref_t *to = check_port_ref_new(check_port_new(portset, 0));
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words };

	memset(aside_status, 0xff, sizeof aside_status);
	client = check_thread_new(check_root_space, aside_client, to);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, portset, 0)), FLUKE_IPC_RELIABLE);
	fluke_thread_create(heir);
	forge(heir, FLUKE_LINK_SERVER, check_first_thread, 0);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_STATUS(aside_status[2]), FLUKE_IPC_OVER_DISCONNECTED);
	(void)client;
	fluke_ipc_server_disconnect();
}

static uint32_t told;

static void one_of_many(void *to)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = aside_words, .recv_words = 2, .recv_data = aside_answer };

	told += FLUKE_IPC_STATUS(fluke_ipc_client_connect_send_over_receive(&block, to)) == FLUKE_IPC_OVER_DISCONNECTED;
}

static void many_server(void *portset)
{
	for (uint32_t i = 0; i < 28; i++) {
		fluke_ipc_params_t block = { .recv_words = 2, .recv_data = aside_answer };

		if (i)
			fluke_ipc_wait_receive(&block, 0);
		else
			fluke_ipc_setup_wait_receive(&block, portset, 0);
		fluke_thread_set_client(0, 0, 0);
	}
}

/* A server with 28 clients set aside, of which the middle ones leave or are moved. */
CASE("thread-67", "clients set aside leave and move in any order, their server moves, and its end tells those that are left")
{
	fluke_portset_t *portset = check_portset_new();
	fluke_ref_t *to = check_port_ref_new(check_port_new(portset, 0));
	fluke_thread_t *server, *client[28], *away = check_object(sizeof *away);

	told = 0;
	server = check_thread_new(check_root_space, many_server, portset);
	for (uint32_t i = 0; i < 28; i++)
		client[i] = check_thread_new(check_root_space, one_of_many, to);
	check_run();
	CHECK_EQUAL(told, 0);
	fluke_thread_destroy(client[10]);
	fluke_thread_destroy(client[27]);
	fluke_thread_destroy(client[0]);
	for (uint32_t i = 1; i < 27; i++)
		if (i != 10) {
			fluke_thread_move(client[i], away);
			fluke_thread_move(away, client[i]);
		}
	fluke_thread_move(server, away);
	check_world_selftest();
	fluke_thread_destroy(away);
	check_world_selftest();
	for (uint32_t i = 1; i < 27; i++)
		if (i != 10)
			check_run_one(client[i]);
	CHECK_EQUAL(told, 25);
}
