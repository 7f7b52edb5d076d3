/* The world of the API cases under nesters: a native program whose memory for pages and objects is a
 * segment of its pool, mapped where nothing else is.  Its own space is known by a reference only.
 * Between cases no object lives in that memory; all of it is touched at first, so that no case meets
 * a fault that its parent has to serve.  Arguments: `not ID ...`, the cases to leave out. */
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <startup.h>
#include <protocols/Clock.h>
#include <protocols/MemPool.h>

#define MEMORY		NATIVE_HEAP_END		/* up to CHECK_WINDOW */
#define MEMORY_SIZE	0x00600000u

fluke_space_t		*check_root_space;
fluke_region_t		*check_physical;
fluke_thread_t		*check_first_thread;
struct fluke_boot_info	*check_boot;		/* null, and so is the reference: for cases that are left out */
fluke_ref_t		*check_kernel;
uint32_t		check_memory = MEMORY, check_memory_size = MEMORY_SIZE, check_memory_offset;
uint32_t		check_world_end = START_STACK_TOP;
uint32_t		check_code_size = 0x80000, check_part = 5;

static char		**left_out;
static uint32_t		left_out_count;

int	main(int argc, char **argv);

void check_world_write(const char *text, uint32_t count)
{
	static char line[300];
	static uint32_t length;

	for (; count--; text++) {
		line[length++] = *text;
		if (*text == '\n' || length == sizeof line) {
			libc_output(1, line, length);
			length = 0;
		}
	}
}

void check_world_count(uint32_t count[FLUKE_TYPES])
{
	static fluke_obspec_t found[256];
	oskit_addr_t offset = 0;
	natural_t left;

	memset(count, 0, FLUKE_TYPES * sizeof *count);
	while (offset < MEMORY_SIZE) {
		left = 256;
		fluke_region_search(check_physical, &offset, MEMORY_SIZE - offset, found, &left);
		for (uint32_t i = 0; i < 256 - left; i++)
			count[found[i].type]++;
	}
}

void check_world_selftest(void)
{
}

void check_space_reference(fluke_space_t *space, fluke_ref_t *ref)
{
	if (space == check_root_space)
		fluke_ref_copy(own_space(), ref);
	else
		fluke_space_reference(space, ref);
}

#define ALARM	1u		/* its word */
static fluke_port_t	*alarm_port;
static fluke_ref_t	*alarm_timer;

static void alarm_make(void)
{
	fluke_ref_t *clock = service_lookup("clock");

	alarm_timer = ref_new();
	alarm_port = port_new(portset_new(), NULL, 0);
	if (!clock || !alarm_port || Clock_create_timer(clock, alarm_port, ALARM, alarm_timer))
		check_failed(__FILE__, __LINE__, "no timer");
}

int check_run_for(fluke_thread_t *target, uint32_t microseconds)
{
	fluke_port_state_t state;
	int how;

	if (!alarm_port)
		alarm_make();
	Timer_set(alarm_timer, clock_deadline(clock_now() + (uint64_t)microseconds * 1000), 0, NULL);
	do {
		how = fluke_thread_schedule(target, alarm_port, FLUKE_WAKEUP_ON_BLOCK);
		fluke_port_get_state(alarm_port, &state, NULL);
	} while (how == FLUKE_SCHED_MESSAGE && !(state.pending & ALARM));
	Timer_set(alarm_timer, 0, 0, NULL);
	fluke_port_get_state(alarm_port, &state, NULL);
	state.pending = 0;
	fluke_port_set_state(alarm_port, &state, NULL);
	return how;
}

static int selected(const char *id)
{
	for (uint32_t i = 0; i < left_out_count; i++)
		if (!strcmp(left_out[i], id))
			return 0;
	return 1;
}

static int take_memory(void)
{
	fluke_ref_t *pool = service_lookup("pool"), *segment = ref_new(), *region = ref_new();

	if (!pool || MemPool_create_segment(pool, MEMORY_SIZE, 1, segment, region) != 0)
		return 0;
	if (!mapping_new(region, 0, NULL, MEMORY, MEMORY_SIZE, FLUKE_PROT_ALL))
		return 0;
	for (uint32_t at = 0; at < MEMORY_SIZE; at += FLUKE_PAGE_SIZE)
		check_write(MEMORY + at, 0);
	check_physical = region_new(own_space(), MEMORY, MEMORY_SIZE, FLUKE_PROT_ALL, NULL);
	return check_physical != NULL;
}

int main(int argc, char **argv)
{
	check_root_space = (fluke_space_t *)own_space();
	check_first_thread = fluke_thread_self();
	left_out = argv + 2;
	left_out_count = argc > 2 ? argc - 2 : 0;
	if (!take_memory()) {
		eprintf("api: no memory\n");
		return 1;
	}
	check_cases(selected);
	return 0;
}
