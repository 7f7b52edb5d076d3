/* The world of a test program that the kernel starts in place of root: all physical memory is its
 * own, output goes to port 0xE9 through the kernel's Machine, which also counts objects and checks the
 * kernel's books before and after each case. */
#include "check.h"

struct fluke_boot_info	*check_boot;
fluke_space_t		*check_root_space;
fluke_region_t		*check_physical;
fluke_ref_t		*check_kernel;
fluke_thread_t		*check_first_thread;
uint32_t		check_memory, check_memory_size, check_memory_offset, check_world_end;
uint32_t		check_code_size = 0x10000, check_part = 1;

static fluke_port_t	*alarm_port;		/* of check_run_for */

void	check_main(struct fluke_boot_info *info) __attribute__((noreturn));

void *memcpy(void *to, const void *from, size_t size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	uint8_t *t = to;

	while (size--)
		*t++ = byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (; size--; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

/* Machine methods by number, in the order of Machine.idl. */
enum { DEBUG_WRITE, IRQ_ATTACH, IO_ALLOW, DEVICE_ADD, DEADLINE_SET, CLOCK, SCHEDULER_SET, POWER, OBJECT_COUNT, PANIC, SELFTEST };
#define MACHINE(method) (1u << 8 | (method))

void check_world_write(const char *text, uint32_t count)
{
	uint32_t send[8] = { MACHINE(DEBUG_WRITE), count }, reply[8], words = 8;

	memcpy(send + 2, text, count);
	check_call(check_kernel, send, 8, reply, &words);
}

static void __attribute__((noreturn)) power_off(uint32_t status)
{
	uint32_t send[3] = { MACHINE(POWER), 0, status }, reply[8], words = 8;

	check_call(check_kernel, send, 3, reply, &words);
	for (;;)
		;
}

uint32_t check_object_count(uint32_t type)
{
	uint32_t send[2] = { MACHINE(OBJECT_COUNT), type }, reply[8] = { 0 }, words = 8;

	check_call(check_kernel, send, 2, reply, &words);
	return reply[1];
}

/* The kernel panics when its books are wrong. */
void check_world_selftest(void)
{
	uint32_t send[2] = { MACHINE(SELFTEST), 0 }, reply[8], words = 8;

	check_call(check_kernel, send, 2, reply, &words);
}

void check_world_count(uint32_t count[FLUKE_TYPES])
{
	for (uint32_t type = 1; type < FLUKE_TYPES; type++)
		count[type] = check_object_count(type);
	alarm_port = 0;			/* between cases nothing lives */
}

void check_space_reference(fluke_space_t *space, fluke_ref_t *ref)
{
	fluke_space_reference(space, ref);
}

static void alarm_set(uint64_t at)
{
	uint32_t send[3] = { MACHINE(DEADLINE_SET), (uint32_t)at, (uint32_t)(at >> 32) }, answer[8];
	void *refs[1] = { alarm_port };
	fluke_ipc_params_t p = {
		.send_refs = 1, .send_words = 3, .send_data = send, .send_ref_table = refs, .recv_words = 8, .recv_data = answer,
	};

	fluke_ipc_call(&p, check_kernel);
}

static uint64_t rdtsc(void)
{
	uint64_t now;

	__asm__ volatile ("rdtsc" : "=A" (now));
	return now;
}

int check_run_for(fluke_thread_t *target, uint32_t microseconds)
{
	fluke_port_state_t state;
	int how;

	if (!alarm_port)
		alarm_port = check_port_new(check_portset_new(), 0);
	alarm_set(rdtsc() + (uint64_t)microseconds * (check_boot->tsc_khz / 1000));
	do {
		how = fluke_thread_schedule(target, alarm_port, FLUKE_WAKEUP_ON_BLOCK);
		fluke_port_get_state(alarm_port, &state, 0);
	} while (how == FLUKE_SCHED_MESSAGE && !(state.pending & FLUKE_PENDING_DEADLINE));
	alarm_set(~0ull >> 1);
	fluke_port_get_state(alarm_port, &state, 0);
	state.pending = 0;
	fluke_port_set_state(alarm_port, &state, 0);
	return how;
}


/* The largest free range. */
static void take_memory(void)
{
	for (uint32_t i = 0; i < check_boot->range_count; i++) {
		struct fluke_boot_range *r = &check_boot->range[i];
		if (r->kind == FLUKE_RANGE_FREE && r->size > check_memory_size) {
			check_memory_offset = r->start;
			check_memory_size = r->size;
		}
	}
	check_memory = FLUKE_ROOT_PHYSICAL + check_memory_offset;
	check_world_end = check_memory + check_memory_size;
}

/* Is id in the command line's cases=a,b,c?  All are, when the word is absent. */
static int selected(const char *id)
{
	const char *at = check_boot->command_line;
	size_t n = strlen(id);

	while (*at && memcmp(at, "cases=", 6))
		at++;
	if (!*at)
		return 1;
	for (at += 6; *at && *at != ' '; at++)
		if (!memcmp(at, id, n) && (at[n] == ',' || at[n] == ' ' || !at[n]) && (at[-1] == ',' || at[-1] == '='))
			return 1;
	return 0;
}

void check_main(struct fluke_boot_info *info)
{
	check_boot = info;
	check_root_space = (fluke_space_t *)(info->objects + FLUKE_ROOT_OBJ_SPACE);
	check_physical = (fluke_region_t *)(info->objects + FLUKE_ROOT_OBJ_REGION);
	check_kernel = (fluke_ref_t *)(info->objects + FLUKE_ROOT_OBJ_KERNEL);
	check_first_thread = (fluke_thread_t *)(info->objects + FLUKE_ROOT_OBJ_THREAD);
	take_memory();
	check_cases(selected);
	power_off(0);
}
