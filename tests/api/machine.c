/* The machine as seen from user code: registers, flags, FPU, TLS, single steps, and the kernel's
 * own port (Machine). */
#include "check.h"

#define METHOD(number)	(1u << 8 | (number))
enum { IRQ_ATTACH = 1, IO_ALLOW = 2, DEADLINE_SET = 4, CLOCK = 5, OBJECT_COUNT = 8 };

static uint64_t rdtsc(void)
{
	uint64_t now;

	__asm__ volatile ("rdtsc" : "=A" (now));
	return now;
}

/* A request with one reference; returns the answer's first word. */
static uint32_t machine(uint32_t method, uint32_t a, uint32_t b, void *reference)
{
	uint32_t send[3] = { METHOD(method), a, b }, answer[8] = { 99 };
	void *refs[1] = { reference };
	fluke_ipc_params_t p = {
		.send_refs = reference != 0, .send_words = 3, .send_data = send, .send_ref_table = refs,
		.recv_words = 8, .recv_data = answer,
	};

	CHECK_EQUAL(FLUKE_IPC_STATUS(fluke_ipc_call(&p, check_kernel)), FLUKE_SUCCESS);
	return answer[0];
}

CASE("machine-01", "a null call takes less than 120 instructions")
{
	uint64_t start, end, none;

	fluke_thread_self();
	start = rdtsc();
	none = rdtsc() - start;
	start = rdtsc();
	fluke_thread_self();
	end = rdtsc();
	check_print("null call: %u ticks of the time stamp counter (%u kHz), an empty pair %u\n", (uint32_t)(end - start),
		check_boot->tsc_khz, (uint32_t)none);
	CHECK((uint32_t)(end - start) < 120 * 4 || none > 16);	/* 4 ticks each with -icount shift=2 */
	CHECK_EQUAL(fluke_thread_self(), check_first_thread);
}

CASE("machine-02", "kernel addresses are not the user's")
{
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(0xc0100000));
	CHECK_EQUAL(check_caught.subcode, 0xc0100000);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(FLUKE_ENTRY, 1));
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("cli"));
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("hlt"));
	EXPECT_EXCEPTION(FLUKE_EXC_OPCODE, __asm__ volatile ("ud2"));
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("int $0x20"));
}

CASE("machine-03", "odd flags at a call harm nobody")
{
	uint32_t flags;

	__asm__ volatile ("pushfl; orl $0x44400, (%%esp); popfl" : : : "memory", "cc");	/* NT, AC, DF */
	fluke_thread_self();
	__asm__ volatile ("cld; pushfl; popl %0; pushl $2; popfl" : "=r" (flags));
	CHECK_EQUAL(fluke_thread_self(), check_first_thread);
}

static int sums[2];

static void fpu_user(void *argument)
{
	int me = (int)argument;
	int x = me + 1;

	for (int i = 0; i < 100; i++) {
		__asm__ volatile ("fildl %1; fiaddl %0; fistpl %1" : : "m" (x), "m" (sums[me]) : "memory");
		fluke_thread_self();
	}
}

static fluke_mutex_t *step_mutex;
static fluke_cond_t *step_cond;

static void fpu_keeper(void *argument)
{
	int kept, i;

	__asm__ volatile ("fninit; fildl %0" : : "m" (argument));
	for (i = 0; i < 3; i++) {
		fluke_mutex_lock(step_mutex);
		fluke_cond_wait(step_cond, step_mutex);
		fluke_mutex_unlock(step_mutex);
	}
	__asm__ volatile ("fistpl %0" : "=m" (kept));
	sums[(int)argument - 41] = kept;
}

CASE("machine-04", "the FPU state is each thread's own")
{
	step_mutex = check_mutex_new();
	step_cond = check_cond_new();
	sums[0] = sums[1] = 0;
	check_thread_new(check_root_space, fpu_keeper, (void *)41);
	check_thread_new(check_space_twin(), fpu_keeper, (void *)42);
	for (int i = 0; i < 4; i++) {
		check_run();
		fluke_cond_broadcast(step_cond);
	}
	check_run();
	CHECK(sums[0] == 41 && sums[1] == 42);
	sums[0] = sums[1] = 0;
	check_thread_new(check_root_space, fpu_user, (void *)0);
	check_thread_new(check_root_space, fpu_user, (void *)1);
	check_run();
	CHECK(sums[0] == 100 && sums[1] == 200);
}

static uint32_t tls_seen[2];

static void tls_user(void *argument)
{
	uint32_t me = (uint32_t)argument, word[2] = { 1000 + me, 0 }, value;

	fluke_thread_set_tls((uint32_t)word);
	__asm__ volatile ("movl %0, %%gs" : : "r" (FLUKE_USER_TLS));
	for (int i = 0; i < 3; i++) {
		fluke_mutex_lock(step_mutex);
		fluke_cond_wait(step_cond, step_mutex);
		fluke_mutex_unlock(step_mutex);
	}
	__asm__ volatile ("movl %%gs:0, %0" : "=r" (value));
	tls_seen[me] = value;
	word[1] = 7;
	fluke_thread_set_tls((uint32_t)&word[1]);
	__asm__ volatile ("movl %%gs:0, %0" : "=r" (value));
	tls_seen[me] += value;
}

CASE("machine-05", "the TLS base is each thread's own and changes at once")
{
	step_mutex = check_mutex_new();
	step_cond = check_cond_new();
	check_thread_new(check_root_space, tls_user, (void *)0);
	check_thread_new(check_root_space, tls_user, (void *)1);
	for (int i = 0; i < 4; i++) {
		check_run();
		fluke_cond_broadcast(step_cond);
	}
	check_run();
	CHECK_EQUAL(tls_seen[0], 1007);
	CHECK_EQUAL(tls_seen[1], 1008);
}

static uint32_t linux_calls;

void linux_entry(void);
__asm__ ("linux_entry: addl $1, linux_calls; addl $100, %eax; ret");

static void linux_user(void *unused)
{
	uint32_t result, b;

	(void)unused;
	__asm__ volatile ("int $0x80" : "=a" (result), "=b" (b) : "a" (20), "b" (77), "c" (1), "d" (2) : "memory");
	linux_calls += result == 120 && b == 77 ? 10 : 1000;
}

CASE("machine-06", "int 0x80 goes to the syscall handler, or is an exception")
{
	static fluke_thread_state_t state;
	fluke_thread_t *t = check_thread_new(check_root_space, linux_user, 0);

	__asm__ volatile ("" : : "m" (linux_calls));
	linux_calls = 0;
	fluke_thread_get_state(t, &state, 0);
	state.regs.syscall_handler = (uint32_t)linux_entry;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	check_run();
	CHECK_EQUAL(linux_calls, 11);
	EXPECT_EXCEPTION(FLUKE_EXC_SYSCALL, __asm__ volatile ("int $0x80" : : "a" (5) : "memory"));
	CHECK_EQUAL(check_caught.subcode, 5);
}

extern uint8_t step_after[];

CASE("machine-07", "a single step goes over a whole call")
{
	EXPECT_EXCEPTION(FLUKE_EXC_DEBUG, __asm__ volatile (
		"movl $15, %%eax; pushfl; orl $0x100, (%%esp); popfl; call *%0; .globl step_after; step_after: nop; nop"
		: : "r" (FLUKE_ENTRY) : "eax", "ecx", "edx", "memory"));
	CHECK_EQUAL(check_caught.eip, (uint32_t)step_after);
}

CASE("machine-08", "state that no thread may have is refused or filtered")
{
	static fluke_thread_state_t state;
	fluke_thread_t *t = check_thread_new(check_root_space, tls_user, 0);

	fluke_thread_get_state(t, &state, 0);
	state.regs.eflags = 0xffffffff;
	fluke_thread_set_state(t, &state, 0);
	fluke_thread_get_state(t, &state, 0);
	CHECK_EQUAL(state.regs.eflags & 0x3000, 0);		/* IOPL */
	CHECK_EQUAL(state.regs.eflags & 0x20000, 0);		/* VM */
	state.regs.gs = 0x10;
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_STATE, fluke_thread_set_state(t, &state, 0));
}

CASE("machine-09", "I/O ports are the spaces' that were given them")
{
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("inb $0x71, %%al" : : : "eax"));
	CHECK_EQUAL(machine(IO_ALLOW, 0x70, 2, check_root_space), 0);
	__asm__ volatile ("inb $0x71, %%al" : : : "eax");
	EXPECT_EXCEPTION(FLUKE_EXC_GENERAL, __asm__ volatile ("inb $0x61, %%al" : : : "eax"));
	CHECK_EQUAL(machine(IO_ALLOW, 0x10000, 1, check_root_space), 22);
}

static uint32_t receive_event(fluke_portset_t *set)
{
	uint32_t words[2] = { 0 }, alias = 0, result;
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = words };

	result = fluke_ipc_setup_wait_receive(&p, set, &alias);
	CHECK_EQUAL(FLUKE_IPC_FLAVOUR(result), FLUKE_IPC_ONEWAY);
	CHECK_EQUAL(alias, 5);
	return words[0];
}

CASE("machine-10", "the deadline comes, and not before its time")
{
	fluke_portset_t *set = check_portset_new();
	fluke_port_t *port = check_port_new(set, 5);
	uint64_t at = rdtsc() + 3 * check_boot->tsc_khz;

	CHECK_EQUAL(machine(DEADLINE_SET, (uint32_t)at, (uint32_t)(at >> 32), port), 0);
	CHECK_EQUAL(receive_event(set), FLUKE_PENDING_DEADLINE);
	CHECK(rdtsc() >= at);
	CHECK(rdtsc() < at + 2000 * (uint64_t)check_boot->tsc_khz);
}

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile ("outb %0, %1" : : "a" (value), "Nd" (port));
}

CASE("machine-11", "an interrupt line is an event, again after the next wait")
{
	fluke_portset_t *set = check_portset_new();
	fluke_port_t *port = check_port_new(set, 5);

	CHECK_EQUAL(machine(IO_ALLOW, 0x3f8, 8, check_root_space), 0);
	CHECK_EQUAL(machine(IRQ_ATTACH, 4, 0, port), 0);
	outb(0x3fc, 0x0b);
	for (int i = 0; i < 3; i++) {
		outb(0x3f9, 0);
		outb(0x3f9, 2);			/* transmitter empty: fires at once */
		CHECK_EQUAL(receive_event(set), FLUKE_PENDING_IRQ);
	}
	outb(0x3f9, 0);
	CHECK_EQUAL(machine(IRQ_ATTACH, 16, 0, port), 22);
	CHECK_EQUAL(machine(IRQ_ATTACH, 4, 0, 0), 0);
}

CASE("machine-12", "a request that is no method, or lacks words, gets an error")
{
	uint32_t word = METHOD(77), answer[8], room = 8;

	CHECK_EQUAL(check_call(check_kernel, &word, 1, answer, &room), FLUKE_SUCCESS);
	CHECK_EQUAL(answer[0], 38);
	CHECK_EQUAL(machine(OBJECT_COUNT, 99, 0, 0), 22);
	CHECK_EQUAL(machine(IO_ALLOW, 0x70, 2, 0), 22);
}

extern uint8_t step_here[];

CASE("machine-13", "a single step into sysenter itself is recorded, not taken in the kernel")
{
	if (!(check_boot->cpu_features & 1u << 11))
		return;
	EXPECT_EXCEPTION(FLUKE_EXC_DEBUG, __asm__ volatile (
		"pushl $step_here; movl %%esp, %%ebp; movl $15, %%eax; pushfl; orl $0x100, (%%esp); popfl; sysenter;"
		".globl step_here; step_here: nop; nop" : : : "eax", "ecx", "edx", "memory"));	/* never gets past: ebp is lost */
	CHECK_EQUAL(check_caught.eip, (uint32_t)step_here);
}

CASE("machine-14", "what Machine refuses")
{
	fluke_port_t *port = check_port_new(0, 0), *other = check_port_new(0, 0);

	CHECK_EQUAL(machine(IRQ_ATTACH, 7, 0, port), 0);
	CHECK_EQUAL(machine(IRQ_ATTACH, 7, 0, other), 16);		/* EBUSY */
	CHECK_EQUAL(machine(IRQ_ATTACH, 2, 0, port), 22);		/* the cascade */
	CHECK_EQUAL(machine(IRQ_ATTACH, 7, 0, 0), 0);
	CHECK_EQUAL(machine(IRQ_ATTACH, 7, 0, check_root_space), 22);
	CHECK_EQUAL(machine(3, 0x100000, 0x1000, 0), 22);		/* device_add: memory in use */
	CHECK_EQUAL(machine(6, 1, 0, check_first_thread), 22);		/* scheduler_set: one processor */
	CHECK_EQUAL(machine(6, 0, 0, check_first_thread), 0);
	CHECK_EQUAL(machine(CLOCK, 0, 0, 0), 0);
}

CASE("machine-15", "a space may have eight ranges of I/O ports")
{
	fluke_space_t *space = check_space_new();

	for (uint32_t i = 0; i < 8; i++)
		CHECK_EQUAL(machine(IO_ALLOW, 0x100 + i, 1, space), 0);
	CHECK_EQUAL(machine(IO_ALLOW, 0x200, 1, space), 28);		/* ENOSPC */
}

extern uint8_t odd_int80[];

static void odd_stack(void *unused)
{
	(void)unused;
	__asm__ volatile ("movl $0x30000000, %%esp; movl $20, %%eax; .globl odd_int80; odd_int80: int $0x80" : : : "eax", "memory");
}

CASE("machine-16", "int 0x80 on a stack that is not there is a page fault at that instruction")
{
	static fluke_thread_state_t state;
	fluke_thread_t *t = check_thread_new(check_root_space, odd_stack, 0);

	fluke_thread_get_state(t, &state, 0);
	state.regs.syscall_handler = (uint32_t)linux_entry;
	state.regs.handler_esp = (uint32_t)check_pages(1) + FLUKE_PAGE_SIZE;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	memset(&check_caught, 0, sizeof check_caught);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(check_caught.subcode, 0x2ffffffc);
	CHECK_EQUAL(check_caught.eip, (uint32_t)odd_int80);
}

/* ---- Machine.watch ---- */

static fluke_portset_t *watch_set;
static fluke_port_t *watch_port;
static uint32_t watch_words[8], watch_done;

/* The machine's call with two references: the space, and the port or null. */
static uint32_t watch(void *space, void *to)
{
	uint32_t send[2] = { METHOD(12), 0 }, answer[8] = { 99 };
	void *refs[2] = { space, to };
	fluke_ipc_params_t p = { .send_refs = 2, .send_words = 2, .send_data = send, .send_ref_table = refs, .recv_words = 8,
		.recv_data = answer };

	CHECK_EQUAL(FLUKE_IPC_STATUS(fluke_ipc_call(&p, check_kernel)), FLUKE_SUCCESS);
	return answer[0];
}

extern uint8_t watch_int3[];

static void watch_trapped(void *unused)
{
	(void)unused;
	__asm__ volatile (".globl watch_int3; watch_int3: int3");
	watch_done = 1;
}

/* A thread in a space of its own that meets int3, its own handler in force; the space is watched. */
static fluke_thread_t *watched_thread(fluke_space_t **space)
{
	fluke_ref_t *ref = check_ref_new();
	fluke_thread_t *t;

	*space = check_space_twin();
	watch_set = check_portset_new();
	watch_port = check_port_new(watch_set, 22);
	fluke_space_reference(*space, ref);
	CHECK_EQUAL(watch(ref, check_port_ref_new(watch_port)), 0);
	watch_done = 0;
	memset(&check_caught, 0, sizeof check_caught);
	t = check_thread_new(*space, watch_trapped, 0);
	check_run();
	return t;
}

static uint32_t watch_receive(void)
{
	fluke_ipc_params_t p = { .recv_words = 8, .recv_data = watch_words };

	return fluke_ipc_setup_wait_receive(&p, watch_set, 0) & ~FLUKE_IPC_LAST_BIT;
}

static void watch_answer(uint32_t word)
{
	uint32_t words[2] = { word, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = words };

	fluke_ipc_reply(&p);
	check_run();
}

CASE("machine-17", "a space's watcher is asked about an exception before the thread's own handler, which is shown unchanged")
{
	static fluke_thread_state_t state;
	fluke_space_t *space;
	fluke_thread_t *t = watched_thread(&space);
	fluke_ref_t *keeper = check_ref_new();

	CHECK_EQUAL(check_caught.code, 0);
	CHECK_EQUAL(watch_receive(), FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(watch_words[0], FLUKE_EXC_BREAKPOINT);
	CHECK_EQUAL(watch_words[4], (uint32_t)t);
	fluke_space_get_state(space, 0, keeper);
	CHECK_EQUAL(fluke_ref_type(keeper), FLUKE_NULL);
	fluke_thread_get_state(t, &state, 0);
	CHECK_EQUAL(state.regs.eip, (uint32_t)watch_int3);	/* as before the instruction */
	CHECK(state.regs.trap_handler != 0);
	state.regs.eip++;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	watch_answer(0);
	CHECK_EQUAL(check_caught.code, 0);
	CHECK_EQUAL(watch_done, 1);
}

CASE("machine-18", "answered with 1 the exception goes to the thread's handler, as without a watcher")
{
	fluke_space_t *space;

	watched_thread(&space);
	watch_receive();
	watch_answer(1);
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_BREAKPOINT);
	CHECK_EQUAL(check_caught.eip, (uint32_t)watch_int3 + 1);
	CHECK_EQUAL(watch_done, 0);
}

CASE("machine-19", "answered with 1 and without a handler it goes to the keeper of the space")
{
	fluke_space_t *space;
	fluke_portset_t *set = check_portset_new();
	fluke_thread_t *t = watched_thread(&space);
	static fluke_thread_state_t state;
	fluke_ipc_params_t p = { .recv_words = 8, .recv_data = watch_words };

	fluke_space_set_state(space, 0, check_port_ref_new(check_port_new(set, 23)));
	fluke_thread_get_state(t, &state, 0);
	state.regs.trap_handler = 0;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	check_run();
	CHECK_EQUAL(watch_receive(), FLUKE_IPC_IDEMPOTENT << 8);
	watch_answer(1);
	CHECK_EQUAL((fluke_ipc_setup_wait_receive(&p, set, 0)) & ~FLUKE_IPC_LAST_BIT, FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(watch_words[0], FLUKE_EXC_BREAKPOINT);
}

CASE("machine-20", "a watcher whose port goes, or that is taken away, is as none")
{
	fluke_ref_t *ref = check_ref_new();
	fluke_space_t *space;

	watched_thread(&space);
	fluke_port_destroy(watch_port);
	check_run();
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_BREAKPOINT);
	watched_thread(&space);
	watch_receive();
	fluke_space_reference(space, ref);
	CHECK_EQUAL(watch(ref, check_ref_new()), 0);
	watch_answer(0);		/* again: now there is none */
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_BREAKPOINT);
	CHECK_EQUAL(watch(check_port_ref_new(check_port_new(watch_set, 1)), check_ref_new()), 22);	/* EINVAL: no space */
}

CASE("machine-21", "the watcher follows its space when that moves")
{
	fluke_space_t *space, *to = check_object_page();
	fluke_thread_t *t = watched_thread(&space);
	static fluke_thread_state_t state;

	fluke_thread_get_state(t, &state, 0);
	fluke_space_move(space, to);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	check_run();
	CHECK_EQUAL(watch_receive(), FLUKE_IPC_IDEMPOTENT << 8);
	CHECK_EQUAL(watch_words[0], FLUKE_EXC_BREAKPOINT);
	watch_answer(1);
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_BREAKPOINT);
}
