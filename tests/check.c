/* Runs the cases of a guest test program and reports them in lines that the host turns into TAP:
 * `case ID`, `# text`, `ok ID sentence`, `not ok ID sentence`, at last `done N`.  Invariant: what a
 * case took is given back before the next one starts.  Memory, output and the count of what lives come
 * from check_bare.c or check_native.c; the list of ids and the time limit are the host's business. */
#include <stdarg.h>
#include "check.h"

#define THREADS		32
#define STACK		8192
#define PAGE_OF(a)	((uint32_t)(a) & ~(FLUKE_PAGE_SIZE - 1))

struct check_point { uint32_t ebx, esi, edi, ebp, esp, eip, armed; };

extern const struct check_case __start_check_cases[], __stop_check_cases[];
extern char check_trap_first[], check_trap_other[], check_interrupt_other[], check_thread_start[];
int	check_save(struct check_point *point) __attribute__((returns_twice));
void	check_jump(struct check_point *point) __attribute__((noreturn));
void	check_trapped(uint32_t code, uint32_t subcode, uint32_t access) __attribute__((noreturn));
void	check_other_trapped(uint32_t code, uint32_t subcode, uint32_t access) __attribute__((noreturn));
extern struct check_point check_point;

struct check_point	check_point;		/* of EXPECT_EXCEPTION */
static struct check_point case_point;		/* ends the case */
struct check_exception	check_caught;

static int		case_bad;		/* the case now running has failed */
static uint32_t		used;			/* of check_memory, by this case */
static uint32_t		object_page, object_used;	/* small objects are cut from this page */
static fluke_thread_t	*thread[THREADS];	/* of this case */
static fluke_mutex_t	*end_mutex[THREADS];	/* where they end */
static fluke_cond_t	*end_cond[THREADS];
static uint32_t		thread_count;
static fluke_port_t	*sched_port;
static fluke_ref_t	*sched_ref;
static fluke_portset_t	*sched_portset;
static fluke_thread_t	*sched_thread;
static char		thread_ready[THREADS];

/* ---- messages and output */

uint32_t check_call(fluke_ref_t *port, const uint32_t *send, uint32_t send_words, uint32_t *receive,
	uint32_t *receive_words)
{
	fluke_ipc_params_t p = { .send_words = send_words, .send_data = (void *)send,
		.recv_words = *receive_words, .recv_data = receive };
	uint32_t status = FLUKE_IPC_STATUS(fluke_ipc_call(&p, port));

	*receive_words -= p.recv_words;
	return status;
}

static char line[256];
static uint32_t line_length;

static void put(char c)
{
	line[line_length++] = c;
	if (c != '\n' && line_length < sizeof line)
		return;
	for (uint32_t at = 0; at < line_length; at += 24)
		check_world_write(line + at, line_length - at < 24 ? line_length - at : 24);
	line_length = 0;
}

static void put_text(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_number(uint32_t value, uint32_t base)
{
	char digit[12];
	int n = 0;

	do
		digit[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	while (n)
		put(digit[--n]);
}

void check_print(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 's': put_text(va_arg(list, const char *)); break;
		case 'c': put(va_arg(list, int)); break;
		case 'x': put_number(va_arg(list, uint32_t), 16); break;
		case 'u': put_number(va_arg(list, uint32_t), 10); break;
		case 'd': {
			int value = va_arg(list, int);
			if (value < 0)
				put('-');
			put_number(value < 0 ? -(uint32_t)value : (uint32_t)value, 10);
			break;
		}
		default: put(*format);
		}
	}
	va_end(list);
}

/* ---- failures and exceptions */

static void fail(void)
{
	case_bad = 1;
	if (fluke_thread_self() == check_first_thread)
		check_jump(&case_point);
}

void check_failed(const char *file, int at, const char *what)
{
	check_print("# %s:%d: %s\n", file, at, what);
	fail();
}

void check_differs(const char *file, int at, const char *what, uint32_t got, uint32_t wanted)
{
	check_print("# %s:%d: %s is 0x%x, not 0x%x\n", file, at, what, got, wanted);
	fail();
}

void check_try_end(void)
{
	check_point.armed = 0;
}

static void record(uint32_t code, uint32_t subcode, uint32_t access)
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(fluke_thread_self(), &saved);
	check_caught = (struct check_exception){ code, subcode, access, saved.eip, saved.esp };
}

void check_trapped(uint32_t code, uint32_t subcode, uint32_t access)
{
	record(code, subcode, access);
	fluke_thread_enable_exceptions(check_first_thread);
	if (check_point.armed) {
		check_point.armed = 0;
		check_jump(&check_point);
	}
	check_print("# exception 0x%x, subcode 0x%x, access %u at eip 0x%x, esp 0x%x\n", code, subcode, access,
		check_caught.eip, check_caught.esp);
	case_bad = 1;
	check_jump(&case_point);
}

void check_other_trapped(uint32_t code, uint32_t subcode, uint32_t access)
{
	record(code, subcode, access);
	fluke_thread_enable_exceptions(fluke_thread_self());
	check_thread_end();
}

/* ---- storage */

void *check_pages(uint32_t count)
{
	uint32_t at = used;

	if (count > (check_memory_size - at) / FLUKE_PAGE_SIZE)
		check_failed(__FILE__, __LINE__, "out of memory");
	used += count * FLUKE_PAGE_SIZE;
	return memset((void *)(check_memory + at), 0, count * FLUKE_PAGE_SIZE);
}

void *check_object_page(void)
{
	used += FLUKE_PAGE_SIZE;
	return (void *)(check_memory + used - FLUKE_PAGE_SIZE);
}

void *check_object(uint32_t bytes)
{
	object_used = (object_used + bytes - 1) & -bytes;
	if (!object_page || object_used + bytes > FLUKE_PAGE_SIZE) {
		object_page = (uint32_t)check_object_page();
		object_used = 0;
	}
	object_used += bytes;
	return (void *)(object_page + object_used - bytes);
}

uint32_t __attribute__((noinline)) check_read(uint32_t address)
{
	return *(volatile uint32_t *)address;
}

void __attribute__((noinline)) check_write(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

uint32_t check_physical_of(void *address)
{
	return (uint32_t)address - check_memory + check_memory_offset;
}

/* ---- objects */

#define NEW(type) ({ fluke_##type##_t *new_ = check_object(sizeof *new_); fluke_##type##_create(new_); new_; })

fluke_ref_t *check_ref_new(void)
{
	return NEW(ref);
}

fluke_mutex_t *check_mutex_new(void)
{
	return NEW(mutex);
}

fluke_cond_t *check_cond_new(void)
{
	return NEW(cond);
}

fluke_portset_t *check_portset_new(void)
{
	return NEW(portset);
}

fluke_space_t *check_space_new(void)
{
	return NEW(space);
}

fluke_port_t *check_port_new(fluke_portset_t *portset, uint32_t alias)
{
	fluke_port_t *port = NEW(port);
	fluke_port_state_t state = { .alias = alias };
	fluke_ref_t *ref = NEW(ref);

	if (portset)
		fluke_portset_reference(portset, ref);
	fluke_port_set_state(port, &state, ref);
	fluke_ref_destroy(ref);
	return port;
}

fluke_ref_t *check_port_ref_new(fluke_port_t *port)
{
	fluke_ref_t *ref = NEW(ref);

	fluke_port_reference(port, ref);
	return ref;
}

fluke_region_t *check_region_new(fluke_space_t *space, uint32_t start, uint32_t size, uint32_t prot, fluke_port_t *keeper)
{
	fluke_region_t *region = NEW(region);
	fluke_region_state_t state = { .start_va = start, .size = size, .prot = prot };
	fluke_ref_t *space_ref = NEW(ref), *keeper_ref = NEW(ref);

	check_space_reference(space, space_ref);
	if (keeper)
		fluke_port_reference(keeper, keeper_ref);
	fluke_region_set_state(region, &state, space_ref, keeper_ref);
	fluke_ref_destroy(space_ref);
	fluke_ref_destroy(keeper_ref);
	return region;
}

fluke_mapping_t *check_mapping_new(fluke_region_t *region, uint32_t offset, fluke_space_t *space, uint32_t start,
	uint32_t size, uint32_t prot)
{
	fluke_mapping_t *mapping = NEW(mapping);
	fluke_mapping_state_t state = { .region_off = offset, .start_va = start, .size = size, .prot = prot };
	fluke_ref_t *region_ref = NEW(ref), *space_ref = NEW(ref);

	fluke_region_reference(region, region_ref);
	check_space_reference(space, space_ref);
	fluke_mapping_set_state(mapping, &state, region_ref, space_ref);
	fluke_ref_destroy(region_ref);
	fluke_ref_destroy(space_ref);
	return mapping;
}

/* What the first space has but windows of cases, and nothing that is only reserved. */
fluke_space_t *check_space_twin(void)
{
	const uint32_t size = check_world_end - FLUKE_ROOT_IMAGE;
	fluke_space_t *space = NEW(space);
	fluke_region_t *all = check_region_new(check_root_space, FLUKE_ROOT_IMAGE, size, FLUKE_PROT_ALL, 0);

	check_mapping_new(all, 0, space, FLUKE_ROOT_IMAGE, size, FLUKE_PROT_ALL);
	return space;
}

/* ---- threads */

static fluke_thread_t *make_thread(fluke_space_t *space, fluke_ref_t *scheduler, uint32_t value, void (*function)(void *),
	void *argument)
{
	static fluke_thread_state_t state;
	fluke_thread_t *new_thread = NEW(thread);
	fluke_ref_t *space_ref = NEW(ref);
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = space_ref, [FLUKE_LINK_SCHEDULER] = scheduler };

	check_space_reference(space, space_ref);
	memset(&state, 0, sizeof state);
	state.thread_va = (uint32_t)new_thread;
	state.sched_val = value;
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eax = (uint32_t)function;
	state.regs.ecx = (uint32_t)argument;
	state.regs.esp = (uint32_t)check_pages(STACK / FLUKE_PAGE_SIZE) + STACK;
	state.regs.eip = (uint32_t)check_thread_start;
	state.regs.trap_handler = (uint32_t)check_trap_other;
	state.regs.interrupt_handler = (uint32_t)check_interrupt_other;
	fluke_thread_set_state(new_thread, &state, links);
	fluke_ref_destroy(space_ref);
	return new_thread;
}

static void take_requests(void *unused);

fluke_thread_t *check_thread_new(fluke_space_t *space, void (*function)(void *), void *argument)
{
	CHECK(thread_count < THREADS);
	if (!sched_port) {
		sched_portset = check_portset_new();
		sched_port = check_port_new(sched_portset, 0);
		sched_ref = check_port_ref_new(sched_port);
		sched_thread = make_thread(check_root_space, 0, 0, take_requests, 0);
	}
	end_mutex[thread_count] = NEW(mutex);
	end_cond[thread_count] = NEW(cond);
	thread[thread_count] = make_thread(space, sched_ref, thread_count + 1, function, argument);
	return thread[thread_count++];
}

/* Receives what threads ask of their scheduler, so that the first thread's own receiving is left
 * alone.  It has no scheduler: the first thread lets it run after every other. */
static void take_requests(void *unused)
{
	uint32_t message[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
	natural_t alias;

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, sched_portset, &alias);
	for (;;) {
		if (message[0] == FLUKE_SCHED_REQUEST && message[1] - 1 < thread_count)
			thread_ready[message[1] - 1] = 1;
		p = (fluke_ipc_params_t){ .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = message };
		fluke_ipc_wait_receive(&p, &alias);
	}
}

/* Lends time to the thread until it blocks. */
int check_run_one(fluke_thread_t *target)
{
	int result = fluke_thread_schedule(target, 0, FLUKE_WAKEUP_ON_BLOCK);

	fluke_thread_schedule(sched_thread, 0, FLUKE_WAKEUP_ON_BLOCK);
	return result;
}

/* Until nobody is ready. */
void check_run(void)
{
	uint32_t i = 0;

	memset(thread_ready, 1, thread_count);
	while (i < thread_count) {
		if (!thread_ready[i]) {
			i++;
			continue;
		}
		thread_ready[i] = 0;
		check_run_one(thread[i]);
		i = 0;
	}
}

/* Waits on a condition that nobody signals; a stop and a restart end the wait, so again. */
void check_thread_end(void)
{
	fluke_thread_t *self = fluke_thread_self();
	uint32_t i = 0;

	while (i < thread_count && thread[i] != self)
		i++;
	fluke_mutex_trylock(end_mutex[i]);
	for (;;)
		fluke_cond_wait(end_cond[i], end_mutex[i]);
}

/* ---- cases */

static void destroy_all(void)
{
	uint32_t offset = check_memory_offset;

	if (used)
		fluke_region_clear(check_physical, &offset, used);
	used = 0;
	object_page = object_used = thread_count = 0;
	sched_port = 0;
}

static void compare_counts(const uint32_t *before)
{
	uint32_t after[FLUKE_TYPES];

	check_world_count(after);
	for (uint32_t type = 1; type < FLUKE_TYPES; type++)
		if (after[type] != before[type]) {
			check_print("# objects of type %u: %u before, %u after\n", type, before[type], after[type]);
			case_bad = 1;
		}
}

static void run_case(const struct check_case *c)
{
	static uint32_t before[FLUKE_TYPES];

	check_print("case %s\n", c->id);
	case_bad = 0;
	check_point.armed = 0;
	check_world_count(before);
	if (check_save(&case_point) == 0)
		c->body();
	check_world_selftest();
	if (check_save(&case_point) == 0)
		destroy_all();
	else
		check_print("# the end of the case raised an exception\n");
	check_world_selftest();
	compare_counts(before);
	check_print("%s %s %s\n", case_bad ? "not ok" : "ok", c->id, c->sentence);
}

uint32_t check_cases(int (*selected)(const char *id))
{
	uint32_t ran = 0;

	fluke_thread_set_handlers(check_first_thread, (uint32_t)check_trap_first, 0, 0, 0);
	fluke_thread_enable_exceptions(check_first_thread);
	for (const struct check_case *c = __start_check_cases; c < __stop_check_cases; c++)
		if (selected(c->id)) {
			run_case(c);
			ran++;
		}
	check_print("done %u\n", ran);
	return ran;
}
