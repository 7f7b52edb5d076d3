/* Exceptions: own handler, keeper of the space, alerts, int $0x80. */
#include "check.h"
#include <fluke/callnumbers.h>

static fluke_thread_state_t state;
static fluke_thread_links_t none;
static fluke_portset_t	*set;
static fluke_port_t	*port;
static uint32_t		words[16], done;

static void make_keeper(fluke_space_t *space)
{
	fluke_ref_t *ref;

	set = check_portset_new();
	port = check_port_new(set, 21);
	ref = check_port_ref_new(port);
	fluke_space_set_state(space, 0, ref);
	memset(words, 0, sizeof words);
	done = 0;
}

static void change(fluke_thread_t *thread, uint32_t trap)
{
	fluke_thread_get_state(thread, &state, none);
	state.regs.trap_handler = trap;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
}

static uint32_t page;

static void toucher(void *unused)
{
	(void)unused;
	check_write(page, 5);
	done = 1;
}

CASE("exception-01", "without handler the keeper of the space gets the exception and its reply restarts")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };
	fluke_thread_t *thread;
	void *memory = check_pages(1);

	make_keeper(space);
	page = 0x00200000;
	thread = check_thread_new(space, toucher, 0);
	change(thread, 0);
	check_run();
	CHECK_EQUAL(done, 0);
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(block.recv_words, 8 - FLUKE_EXC_WORDS);
	CHECK_EQUAL(words[0], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(words[1], page);
	CHECK_EQUAL(words[2], FLUKE_PROT_WRITE);
	CHECK_EQUAL(words[4], (uint32_t)thread);
	check_mapping_new(check_physical, check_physical_of(memory), space, page, 4096, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = words };
	fluke_ipc_reply(&block);
	check_run();
	CHECK_EQUAL(done, 1);
	CHECK_EQUAL(*(uint32_t *)memory, 5);
}

static void insane(void *unused)
{
	(void)unused;
	fluke_mutex_lock((fluke_mutex_t *)page);
	done = 1;
}

CASE("exception-02", "an insanity goes to the keeper with the call's number; set_state ends it")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };
	fluke_thread_t *thread;

	make_keeper(space);
	page = (uint32_t)check_cond_new();
	thread = check_thread_new(space, insane, 0);
	change(thread, 0);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(words[0], FLUKE_EXC_INSANITY | FLUKE_INSANITY_NOT_MUTEX);
	CHECK_EQUAL(words[1], FLUKE_CALL_mutex_lock);
	fluke_thread_get_state(thread, &state, none);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	state.regs.eip = FLUKE_ENTRY_RET;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(done, 1);
}

CASE("exception-03", "no handler and no keeper: the thread stays where it is")
{
	fluke_thread_t *thread;

	done = 0;
	page = 0x00200000;
	thread = check_thread_new(check_space_twin(), toucher, 0);
	change(thread, 0);
	check_run();
	CHECK_EQUAL(done, 0);
	fluke_thread_get_state(thread, &state, none);
	CHECK_EQUAL(state.regs.eip, (uint32_t)check_write + (state.regs.eip - (uint32_t)check_write) % 32);
}

CASE("exception-04", "a keeper that dies leaves the thread blocked, not the system")
{
	fluke_space_t *space = check_space_twin();
	fluke_thread_t *thread;

	make_keeper(space);
	page = 0x00200000;
	thread = check_thread_new(space, toucher, 0);
	change(thread, 0);
	check_run();
	fluke_port_destroy(port);
	check_run();
	CHECK_EQUAL(done, 0);
}

CASE("exception-05", "the processor's exceptions come with their vector: divide, opcode, breakpoint")
{
	EXPECT_EXCEPTION(FLUKE_EXC_DIVIDE, __asm__ volatile ("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx"));
	EXPECT_EXCEPTION(FLUKE_EXC_OPCODE, __asm__ volatile ("ud2"));
	EXPECT_EXCEPTION(FLUKE_EXC_BREAKPOINT, __asm__ volatile ("int3"));
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("hlt"));
}

CASE("exception-06", "int $0x80 without syscall_handler is the exception SYSCALL with eax")
{
	EXPECT_EXCEPTION(FLUKE_EXC_SYSCALL, __asm__ volatile ("int $0x80" : : "a" (123)));
	CHECK_EQUAL(check_caught.subcode, 123);
}

extern char reflected[];
__asm__(".text; reflected: incl %ebx; ret");

static void caller(void *unused)
{
	uint32_t b = 41;

	(void)unused;
	__asm__ volatile ("int $0x80" : "+b" (b));
	words[0] = b;
}

CASE("exception-07", "int $0x80 calls the syscall_handler, which returns behind it")
{
	fluke_thread_t *thread = check_thread_new(check_root_space, caller, 0);

	words[0] = 0;
	fluke_thread_get_state(thread, &state, none);
	state.regs.syscall_handler = (uint32_t)reflected;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(words[0], 42);
}

static fluke_ref_t *dest;

static void client(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8, .recv_words = 2, .recv_data = words + 10 };

	(void)unused;
	words[4] = fluke_ipc_client_connect_send_over_receive(&block, dest);
}

void on_alert(uint32_t code, uint32_t subcode);
void on_alert(uint32_t code, uint32_t subcode)
{
	words[5] = code;
	words[6] = subcode;
	fluke_thread_return_from_exception(fluke_thread_self());
}
extern char alert_entry[];
__asm__(".text; alert_entry: pushl %ebx; pushl %esi; pushl %edi; pushl %ebp; pushl %edx; pushl %eax; call on_alert");

CASE("exception-08", "an alert runs the peer's handler and leaves the connection alone")
{
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words };
	fluke_thread_t *thread;

	set = check_portset_new();
	port = check_port_new(set, 0);
	dest = check_port_ref_new(port);
	memset(words, 0, sizeof words);
	thread = check_thread_new(check_root_space, client, 0);
	fluke_thread_get_state(thread, &state, none);
	state.regs.server_alert_handler = (uint32_t)alert_entry;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_RELIABLE << 8);
	fluke_ipc_server_alert();
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = words + 8 };
	CHECK_EQUAL(fluke_ipc_server_ack_send(&block), FLUKE_SUCCESS);
	fluke_ipc_server_disconnect();
	check_run();
	CHECK_EQUAL(words[5], FLUKE_EXC_ALERT);
	CHECK_EQUAL(words[6], 1);
	CHECK_EQUAL(words[4], FLUKE_IPC_RECV_DISCONNECTED);
}

CASE("exception-09", "handler_esp is loaded at dispatch, and esp saved")
{
	static uint32_t stack[512];
	fluke_thread_t *thread = check_thread_new(check_root_space, toucher, 0);
	uint32_t esp;

	page = 8;
	fluke_thread_get_state(thread, &state, none);
	state.regs.handler_esp = (uint32_t)&stack[500];
	esp = state.regs.esp;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_PAGE_FAULT);
	CHECK(esp - check_caught.esp < 256);
	fluke_thread_get_state(thread, &state, none);
	CHECK(state.regs.esp > (uint32_t)stack && state.regs.esp < (uint32_t)&stack[500]);
}

extern char breaks_here[];

static void breaks(void *unused)
{
	(void)unused;
	fluke_thread_set_handlers(0, 0, 0, 0, 0);
	__asm__ volatile (".globl breaks_here; breaks_here: int3");
}

CASE("exception-40", "a breakpoint that the keeper has not answered is raised again in a thread made of the state")
{
	fluke_space_t *space = check_space_twin();
	fluke_portset_t *portset = check_portset_new();
	fluke_port_t *keeper = check_port_new(portset, 0);
	fluke_thread_t *thread = check_thread_new(space, breaks, 0), *fresh = check_object(sizeof *fresh);
	static fluke_thread_state_t state;
	fluke_thread_links_t links;
	uint32_t message[FLUKE_EXC_WORDS];
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = message };

	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		links[i] = check_ref_new();
	fluke_space_set_state(space, 0, check_port_ref_new(keeper));
	check_run();
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(state.regs.eip, (uint32_t)breaks_here);
	fluke_thread_create(fresh);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(fresh, &state, links);
	fluke_thread_destroy(thread);
	fluke_thread_move(fresh, thread);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&p, portset, 0)), FLUKE_IPC_IDEMPOTENT);
	CHECK_EQUAL(message[0], FLUKE_EXC_BREAKPOINT);
	p = (fluke_ipc_params_t){ 0 };
	fluke_ipc_reply(&p);
	fluke_thread_get_state(thread, &state, links);
	CHECK_EQUAL(state.regs.eip, (uint32_t)breaks_here + 1);
}

static void exception_server(void *unused)
{
	static uint32_t got[16];
	fluke_ipc_params_t block = { .recv_words = 16, .recv_data = got };

	(void)unused;
	fluke_ipc_setup_wait_receive(&block, set, 0);
	words[7] = 16 - block.recv_words;
}

CASE("exception-20", "a client's alert runs the server's handler for alerts by its client")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8 };
	fluke_thread_t *thread;

	set = check_portset_new();
	dest = check_port_ref_new(check_port_new(set, 0));
	memset(words, 0, sizeof words);
	thread = check_thread_new(check_root_space, exception_server, 0);
	fluke_thread_get_state(thread, &state, none);
	state.regs.client_alert_handler = (uint32_t)alert_entry;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	fluke_ipc_client_alert();
	check_run();
	CHECK_EQUAL(words[5], FLUKE_EXC_ALERT);
	CHECK_EQUAL(words[6], 0);
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_SUCCESS);
	fluke_ipc_client_disconnect();
	check_run();
	CHECK_EQUAL(words[7], 4);
}

/* Exceptions off, although there is a handler: what the thread itself does goes to the keeper. */
static void disabled_toucher(void *unused)
{
	(void)unused;
	fluke_thread_disable_exceptions(fluke_thread_self());
	check_write(page, 5);
	done = 1;
}

CASE("exception-21", "with exceptions off a fault goes to the keeper, in spite of the handler")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };

	make_keeper(space);
	page = 0x00200000;
	memset(&check_caught, 0, sizeof check_caught);
	check_thread_new(space, disabled_toucher, 0);
	check_run();
	CHECK_EQUAL(check_caught.code, 0);
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(words[0], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(words[1], page);
	CHECK_EQUAL(done, 0);
}

extern char faulting_handler[];
__asm__(".text; faulting_handler: movl $1, 0x00200004; ud2");

CASE("exception-22", "a fault in the handler, which runs with exceptions off, goes to the keeper")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };
	fluke_thread_t *thread;

	make_keeper(space);
	page = 0x00200000;
	thread = check_thread_new(space, toucher, 0);
	change(thread, (uint32_t)faulting_handler);
	check_run();
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&block, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(words[0], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(words[1], 0x00200004);
	fluke_thread_get_state(thread, &state, none);
	CHECK(!(state.flags & FLUKE_THREAD_EXCEPTION_ENABLE));
	CHECK(state.regs.saved_eip - (uint32_t)check_write < 32);
}

CASE("exception-23", "the saved state is where the exception was, and can be changed")
{
	struct fluke_thread_saved_state saved;

	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(8, 1));
	fluke_thread_get_saved_state(check_first_thread, &saved);
	CHECK_EQUAL(saved.eip, check_caught.eip);
	CHECK_EQUAL(saved.esp, check_caught.esp);
	saved.ecx = 0x77;
	fluke_thread_set_saved_state(check_first_thread, &saved);
	fluke_thread_get_saved_state(check_first_thread, &saved);
	CHECK_EQUAL(saved.ecx, 0x77);
}

/* Threads whose receive buffer, or parameter block, is not there when a message is: their handler mends
 * that, and makes a call of its own. */
static uint32_t		*at_page;		/* where it is to be */
static void		*behind;		/* what the handler maps there */
static int		keeps;			/* the handler keeps the message */
static fluke_ref_t	*other_dest;
static fluke_thread_t	*asleep;
static uint32_t		other_answer[2];

void on_fault(uint32_t code, uint32_t subcode);
void on_fault(uint32_t code, uint32_t subcode)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8, .recv_words = 2, .recv_data = other_answer };
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(0, &saved);
	words[2] = code;
	words[3] = fluke_ipc_call(&block, other_dest);
	check_mapping_new(check_physical, check_physical_of(behind), check_root_space, subcode & -4096, 4096,
		FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	if (keeps)
		fluke_thread_set_saved_state(0, &saved);
}
extern char fault_entry[];
__asm__(".text; fault_entry: pushl %ebx; pushl %esi; pushl %edi; pushl %ebp; pushl %edx; pushl %eax; call on_fault;"
	"addl $8, %esp; popl %ebp; popl %edi; popl %esi; popl %ebx; movl $14, %eax; movl $0xbffff000, %ecx; call *%ecx");
_Static_assert(FLUKE_CALL_thread_return_from_exception == 14 && FLUKE_ENTRY == 0xbffff000, "as in fault_entry");

static void other_server(void *portset)
{
	static uint32_t answer[2] = { 71, 72 }, got[2];
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = got };

	fluke_ipc_setup_wait_receive(&block, portset, 0);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = answer };
	fluke_ipc_reply(&block);
}

static void page_receiver(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 4, .recv_data = at_page };

	(void)unused;
	fluke_thread_set_handlers(0, (uint32_t)fault_entry, 0, 0, 0);
	words[4] = fluke_ipc_setup_wait_receive(&block, set, 0);
	words[5] = block.recv_words;
}

static void prepare_fault(void (*function)(void *))
{
	fluke_portset_t *others = check_portset_new();

	set = check_portset_new();
	dest = check_port_ref_new(check_port_new(set, 0));
	other_dest = check_port_ref_new(check_port_new(others, 0));
	memset(words, 0, sizeof words);
	memset(other_answer, 0, sizeof other_answer);
	words[8] = 81;
	words[9] = 82;
	behind = check_pages(1);
	at_page = (uint32_t *)CHECK_WINDOW;
	check_thread_new(check_root_space, other_server, others);
	asleep = check_thread_new(check_root_space, function, 0);
	check_run();
}

CASE("exception-24", "a handler that makes a call keeps the message that the interrupted receive has not stored, by the saved state")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8 };

	keeps = 1;
	prepare_fault(page_receiver);
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(words[2], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(other_answer[1], 72);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(words[4]), 0);	/* it waits for more */
	CHECK_EQUAL(check_read((uint32_t)at_page), 81);
	CHECK_EQUAL(check_read((uint32_t)at_page + 4), 82);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = words + 8 };
	CHECK_EQUAL(fluke_ipc_client_send(&block), FLUKE_SUCCESS);
	fluke_ipc_client_disconnect();
	check_run();
	CHECK_EQUAL(words[5], 0);
	CHECK_EQUAL(check_read((uint32_t)at_page + 12), 82);
}

CASE("exception-25", "a saved state with a message that no thread can have is an insanity")
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(check_first_thread, &saved);
	saved.min_msg_words = FLUKE_MAX_MIN_MSG + 1;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_saved_state(check_first_thread, &saved));
	saved.min_msg_words = 2 | 2 << 8;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_saved_state(check_first_thread, &saved));
	saved.min_msg_words = 0;
	fluke_thread_set_saved_state(check_first_thread, &saved);
}

/* Sends its request, then awaits the answer with a block that is taken away meanwhile. */
static void over_client(void *unused)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8 }, *there = (fluke_ipc_params_t *)at_page;

	(void)unused;
	fluke_thread_set_handlers(0, (uint32_t)fault_entry, 0, 0, 0);
	words[6] = fluke_ipc_client_connect_send(&block, dest);
	*there = (fluke_ipc_params_t){ .recv_words = 2, .recv_data = words + 10 };
	words[4] = fluke_ipc_client_over_receive(there);
}

static void answered_over(void)
{
	static uint32_t answer[2] = { 91, 92 };
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words + 12 };
	fluke_ref_t *client = check_ref_new();
	fluke_mapping_t *window;
	natural_t flags;

	prepare_fault(over_client);
	window = check_mapping_new(check_physical, check_physical_of(behind), check_root_space, CHECK_WINDOW, 4096,
		FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_RELIABLE);
	check_run();
	fluke_thread_get_client(0, client, &flags);
	fluke_thread_set_client(0, 0, 0);
	fluke_thread_get_state(asleep, &state, none);
	block = (fluke_ipc_params_t){ .send_words = 2, .send_data = answer, .recv_words = flags };
	CHECK_EQUAL(fluke_ipc_server_answer(&block, client), FLUKE_SUCCESS);
	fluke_mapping_destroy(window);
	fluke_thread_get_state(asleep, &state, none);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(asleep, &state, none);
	check_run();
	CHECK_EQUAL(words[2], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(other_answer[1], 72);		/* its own call was answered by its own server */
}

CASE("exception-26", "an answer put into a stopped client stays out of what its handler calls, and is there afterwards")
{
	keeps = 1;
	answered_over();
	CHECK_EQUAL(FLUKE_IPC_STATUS(words[4]), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(words[10], 91);
	CHECK_EQUAL(words[11], 92);
}

CASE("exception-27", "lost by a handler that does not keep it, it is an answer of no words, not of others")
{
	keeps = 0;
	answered_over();
	CHECK_EQUAL(FLUKE_IPC_STATUS(words[4]), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(words[10], 0);
}

static fluke_mutex_t *held;

void on_left(void);
void on_left(void)
{
	fluke_thread_enable_exceptions(0);
	fluke_mutex_lock(held);
	check_thread_end();
}
extern char left_entry[];
__asm__(".text; left_entry: call on_left");

static void leaver(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 4, .recv_data = at_page };

	(void)unused;
	fluke_thread_set_handlers(0, (uint32_t)left_entry, (uint32_t)alert_entry, 0, 0);
	fluke_ipc_setup_wait_receive(&block, set, 0);
}

CASE("exception-28", "who left a message in a handler for good and waits for a mutex is interrupted at once")
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8 };

	held = check_mutex_new();
	fluke_mutex_lock(held);
	prepare_fault(leaver);
	CHECK_EQUAL(fluke_ipc_client_connect_send(&block, dest), FLUKE_SUCCESS);
	check_run();
	CHECK_EQUAL(words[5], 0);
	fluke_thread_interrupt(asleep);
	check_run();
	CHECK_EQUAL(words[5], FLUKE_EXC_INTERRUPT);
	fluke_ipc_client_disconnect();
}

static void busy_server(void *unused)
{
	exception_server(unused);
	for (;;)
		;
}

CASE("exception-29", "a thread whose keeper's port ends lends its time to nobody")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .send_words = 2, .send_data = words + 8 };
	fluke_thread_t *thread, *server;

	make_keeper(space);
	server = check_thread_new(check_root_space, busy_server, 0);
	CHECK_EQUAL(check_run_one(server), FLUKE_SCHED_BLOCKED);
	CHECK_EQUAL(fluke_ipc_send(&block, check_port_ref_new(port)), FLUKE_SUCCESS);
	page = 0x00200000;
	thread = check_thread_new(space, toucher, 0);
	change(thread, 0);
	CHECK_EQUAL(check_run_for(thread, 1000), FLUKE_SCHED_MESSAGE);	/* queued, it lends to who served last */
	CHECK_EQUAL(words[7], 2);
	fluke_port_destroy(port);
	CHECK_EQUAL(check_run_for(thread, 1000), FLUKE_SCHED_BLOCKED);
}

static void small_keeper(void *unused)
{
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words };

	(void)unused;
	words[7] = fluke_ipc_setup_wait_receive(&block, set, 0);
}

static void locks_held(void *unused)
{
	(void)unused;
	fluke_mutex_lock(held);
}

static void linux_call(void *unused)
{
	(void)unused;
	__asm__ volatile ("int $0x80" : : "a" (20));
}

CASE("exception-30", "a keeper with room for two words gets the first two; when it ends the next one is asked")
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 2, .recv_data = words };
	fluke_thread_t *thread, *keeper;

	make_keeper(space);
	words[2] = words[3] = 99;
	page = 0x00200000;
	keeper = check_thread_new(check_root_space, small_keeper, 0);
	check_run();
	thread = check_thread_new(space, toucher, 0);
	change(thread, 0);
	check_run();
	CHECK_EQUAL(words[0], FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(words[1], page);
	CHECK_EQUAL(words[2], 99);
	CHECK_EQUAL(words[7], FLUKE_IPC_IDEMPOTENT << 8 | FLUKE_IPC_LAST_BIT);
	fluke_thread_destroy(keeper);
	words[0] = 0;
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_IDEMPOTENT);	/* asked again */
	CHECK_EQUAL(words[0], FLUKE_EXC_PAGE_FAULT);
	block = (fluke_ipc_params_t){ 0 };
	fluke_ipc_reply(&block);
}

/* The exception's code as the keeper sees it, when the asker has been read and written back meanwhile. */
static uint32_t asked_again(void (*function)(void *), int interrupt)
{
	fluke_space_t *space = check_space_twin();
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = words };
	fluke_thread_t *thread;

	make_keeper(space);
	thread = check_thread_new(space, function, 0);
	change(thread, 0);
	check_run();
	if (interrupt) {
		fluke_thread_get_state(thread, &state, none);
		state.regs.interrupt_handler = 0;
		state.flags &= ~FLUKE_THREAD_STOPPED;
		fluke_thread_set_state(thread, &state, none);
		fluke_thread_interrupt(thread);
		check_run();
	}
	fluke_thread_get_state(thread, &state, none);
	if (interrupt)
		CHECK(state.flags & FLUKE_THREAD_INTERRUPT_PENDING);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, none);
	check_run();
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(fluke_ipc_setup_wait_receive(&block, set, 0)), FLUKE_IPC_IDEMPOTENT);
	return words[0];
}

CASE("exception-31", "an interrupt without handler, and int $0x80, that the keeper has not answered are raised again")
{
	held = check_mutex_new();
	fluke_mutex_lock(held);
	CHECK_EQUAL(asked_again(locks_held, 1), FLUKE_EXC_INTERRUPT);
	CHECK_EQUAL(asked_again(linux_call, 0), FLUKE_EXC_SYSCALL);
	CHECK_EQUAL(words[1], 20);
}
