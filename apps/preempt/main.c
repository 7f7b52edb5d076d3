/* preempt: how soon a thread of highest standing runs that the clock makes ready, every millisecond, while
 * flukeperf runs.  The cases of flukeperf are linked in and run unchanged by a thread of their own, a client of
 * the first thread, which is the scheduler here: the other client, urgent, goes first.  Latency: from the tick to
 * the urgent thread's first instruction, the scheduler's own run included.  Miss: at a tick it still runs or
 * is queued.  Prints `bench latavg`, `bench latmax`, and a line `late N interrupt M at ADDRESS ROW` for each of the ten
 * worst: M of the N passed until the interrupt came, at that place of the kernel (0 = user mode; tests/bench/run names it).
 * Command line: cases=PERIOD,ROUNDS (in instructions; of flukeperf's cases).
 *
 * Left out: the rows that set the one deadline themselves (irqoff-*), and the selftests between cases, which
 * are no calls but checks of the whole kernel in one go. */
#include "../flukeperf/flukeperf.h"

#define HIGH	(2 | FLUKE_SCHED_URGENT)
#define LOW	1u
#define WORST	10
#define STACK	(16 * FLUKE_PAGE_SIZE)
#define PAGES	64
#define BLOCK	0x200000u

uint32_t	__real_check_cases(int (*selected)(const char *id));
uint32_t	__wrap_check_cases(int (*selected)(const char *id));
void		__wrap_check_world_selftest(void);
extern char	check_thread_start[], check_trap_other[], check_interrupt_other[];

static uint32_t	storage, object_at;		/* memory of our own: the cases clear theirs, and revoke it */
static fluke_portset_t *tick_set, *empty_set;
static fluke_port_t *tick_port;
static struct scheduler {			/* lies in that memory */
	fluke_portset_t	*set;
	fluke_port_t	*port;
	fluke_thread_t	*high, *low, *self;
	volatile int	finished;
} *scheduler;
static fluke_thread_t *first;			/* the program's */
static uint32_t	period = 1000000, rounds = 4;
static uint32_t	runs, misses, longest;
static uint64_t	sum;
static const char *row;				/* the case of flukeperf */
static struct worst { uint32_t late, interrupt, where, run; const char *row; } worst[WORST];

void __wrap_check_world_selftest(void)
{
}

/* ---- objects that outlive cases */

static uint32_t page(void)
{
	storage -= FLUKE_PAGE_SIZE;
	return storage;
}

static void *place(uint32_t bytes)
{
	if ((object_at & (FLUKE_PAGE_SIZE - 1)) < bytes)
		object_at = page() + FLUKE_PAGE_SIZE;
	object_at = (object_at - bytes) & -bytes;
	return (void *)object_at;
}

static fluke_ref_t *ref_to(void)
{
	fluke_ref_t *ref = place(sizeof *ref);

	fluke_ref_create(ref);
	return ref;
}

static fluke_port_t *port_in(fluke_portset_t *set)
{
	fluke_port_t *port = place(sizeof *port);
	fluke_port_state_t state = { .alias = 0 };
	fluke_ref_t *ref = ref_to();

	fluke_port_create(port);
	fluke_portset_reference(set, ref);
	fluke_port_set_state(port, &state, ref);
	return port;
}

static fluke_thread_t *thread(void (*function)(void *), void *argument, uint32_t sched_val)
{
	static fluke_thread_state_t state;
	fluke_thread_t *t = place(sizeof *t);
	fluke_ref_t *space = ref_to(), *port = ref_to();
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = space, [FLUKE_LINK_SCHEDULER] = port };

	fluke_thread_create(t);
	check_space_reference(check_root_space, space);
	if (sched_val)
		fluke_port_reference(scheduler->port, port);
	memset(&state, 0, sizeof state);
	state.thread_va = (uint32_t)t;
	state.sched_val = sched_val;
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eax = (uint32_t)function;
	state.regs.ecx = (uint32_t)argument;
	state.regs.esp = page() + FLUKE_PAGE_SIZE;
	storage -= STACK - FLUKE_PAGE_SIZE;
	state.regs.eip = (uint32_t)check_thread_start;
	state.regs.trap_handler = (uint32_t)check_trap_other;
	state.regs.interrupt_handler = (uint32_t)check_interrupt_other;
	fluke_thread_set_state(t, &state, links);
	return t;
}

static void wait_for_ever(void)
{
	uint32_t message[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, empty_set, &alias);
}

/* ---- the thread of highest standing */

/* Of the last tick: answer[1] is the time to its interrupt, answer[2] the place in the kernel. */
static void ask(uint32_t answer[8])
{
	uint32_t send[2] = { 1u << 8 | LATENESS, 0 }, words = 8;

	check_call(check_kernel, send, 2, answer, &words);
}

static void tick_at(uint64_t when)
{
	uint32_t send[3] = { 1u << 8 | DEADLINE_SET, (uint32_t)when, (uint32_t)(when >> 32) }, answer[8];
	void *refs[1] = { tick_port };
	fluke_ipc_params_t p = {
		.send_refs = 1, .send_words = 3, .send_data = send, .send_ref_table = refs, .recv_words = 8, .recv_data = answer,
	};

	fluke_ipc_call(&p, check_kernel);
}

static void note(uint32_t late)
{
	uint32_t i = WORST - 1, answer[8] = { 99 };

	ask(answer);
	runs++;
	sum += late;
	if (late > longest)
		longest = late;
	if (late <= worst[i].late)
		return;
	for (; i && worst[i - 1].late < late; i--)
		worst[i] = worst[i - 1];
	worst[i] = (struct worst){ late, answer[1], answer[2], runs, row };
}

static void urgent(void *argument)
{
	struct scheduler *s = argument;
	uint32_t message[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
	uint64_t when = tsc() + period, now;
	natural_t alias;

	tick_at(when);
	fluke_ipc_setup_wait_receive(&p, tick_set, &alias);
	while (!s->finished) {
		now = tsc();
		note((uint32_t)(now - when));
		for (when += period, now = tsc(); when <= now; when += period)
			misses++;
		tick_at(when);
		p = (fluke_ipc_params_t){ .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
		fluke_ipc_wait_receive(&p, &alias);
	}
	wait_for_ever();
}

/* ---- flukeperf */

static int chosen(const char *id)
{
	row = id;
	return memcmp(id, "bench-irqoff", 12) != 0;
}

static void load(void *unused)
{
	(void)unused;
	while (rounds--)
		__real_check_cases(chosen);
	scheduler->finished = 1;
	wait_for_ever();
}

/* ---- the scheduler */

/* Gives the processor's time to the thread. */
static void root_thread(fluke_thread_t *thread)
{
	uint32_t send[3] = { 1u << 8 | SCHEDULER_SET, 0 }, answer[8];
	void *refs[1] = { thread };
	fluke_ipc_params_t p = {
		.send_refs = 1, .send_words = 3, .send_data = send, .send_ref_table = refs, .recv_words = 8, .recv_data = answer,
	};

	fluke_ipc_call(&p, check_kernel);
}

static void schedule(void *argument)
{
	struct scheduler *s = argument;
	uint32_t message[FLUKE_MAX_MIN_MSG], result;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
	natural_t alias;
	int ready = 1;

	fluke_thread_schedule(s->high, 0, FLUKE_WAKEUP_ON_BLOCK);		/* it sets its first tick */
	while (!s->finished) {
		if (ready) {
			result = fluke_thread_schedule(s->low, s->port, FLUKE_WAKEUP_ON_BLOCK | FLUKE_WAKEUP_TAKE_REQUEST |
				FLUKE_WAKEUP_LAZY);
		} else {
			fluke_ipc_setup_wait_receive(&p, s->set, &alias);
			result = message[1] << 8 | FLUKE_SCHED_BLOCKED_REQUESTED;
		}
		if (FLUKE_SCHED_VALUE(result) == HIGH)
			fluke_thread_schedule(s->high, 0, FLUKE_WAKEUP_ON_BLOCK);
		if (FLUKE_SCHED_RESULT(result) != FLUKE_SCHED_REQUESTED)
			ready = FLUKE_SCHED_VALUE(result) == LOW;
	}
	root_thread(first);
	wait_for_ever();
}

/* The number behind the mark, where there is one. */
static uint32_t number(const char *mark, uint32_t value)
{
	const char *at = check_boot->command_line;
	size_t n = strlen(mark);

	for (; *at; at++)
		if (!memcmp(at, mark, n))
			for (value = 0, at += n; *at >= '0' && *at <= '9'; at++)
				value = value * 10 + (uint32_t)(*at - '0');
	return value;
}

static fluke_portset_t *set(void)
{
	fluke_portset_t *new_set = place(sizeof *new_set);

	fluke_portset_create(new_set);
	return new_set;
}

static void make_world(void)
{
	scheduler = (struct scheduler *)page();
	scheduler->set = set();
	tick_set = set();
	empty_set = set();
	scheduler->port = port_in(scheduler->set);
	tick_port = port_in(tick_set);
	scheduler->high = thread(urgent, scheduler, HIGH);
	scheduler->low = thread(load, 0, LOW);
	scheduler->self = thread(schedule, scheduler, 0);
	first = check_first_thread;
	check_first_thread = scheduler->low;
}

uint32_t __wrap_check_cases(int (*selected)(const char *id))
{
	uint32_t keep;

	(void)selected;
	storage = check_world_end;
	keep = PAGES * FLUKE_PAGE_SIZE;		/* a block of its own: revoking a part of one drops the superpage over it */
	keep += (check_physical_of((void *)(check_world_end - keep))) % BLOCK;
	check_memory_size -= keep;
	check_world_end -= keep;
	memset((void *)(storage - PAGES * FLUKE_PAGE_SIZE), 0, PAGES * FLUKE_PAGE_SIZE);
	period = number("cases=", period);
	rounds = number(",", rounds);
	make_world();
	root_thread(scheduler->self);		/* until flukeperf has ended */
	check_print("\nbench latavg %u %u %u\n", runs, runs ? (uint32_t)(sum / runs) : 0, longest);
	check_print("bench latmax %u %u %u\n", runs, longest, misses);
	for (unsigned i = 0; i < WORST; i++)
		check_print("late %u interrupt %u at %x run %u %s\n", worst[i].late, worst[i].interrupt, worst[i].where, worst[i].run, worst[i].row);
	check_print("preempt: %u runs, %u misses\n", runs, misses);
	return 0;
}
