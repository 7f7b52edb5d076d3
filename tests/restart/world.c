/* Makes and ends the world of a run (world.h).  The subjects' objects lie in pages of their own,
 * so that one region_clear ends them all. */
#include "world.h"
#include "../../kernel/place.h"

#define PAGED __attribute__((aligned(4096)))		/* so that every build meets the same borders */
uint32_t	word[WORDS], out[LONG + 16] PAGED, there[LONG + 16] PAGED, back[LONG + 16] PAGED;
uint32_t	interrupts, alerts, traps, ended[2];
fluke_thread_t	*subject[2], *keeper;
fluke_space_t	*subject_space[2];
fluke_portset_t	*set;
fluke_port_t	*port, *other_port, *watch_port;
fluke_ref_t	*dest, *sent, *got[4];
fluke_mutex_t	*mutex, *second;
fluke_ref_t	*keeper_dest;
fluke_region_t	*also_kept;
fluke_cond_t	*cond;
uint32_t	child_start, pages;
static uint32_t	child_used, stacks;
static fluke_portset_t *keeper_set;
static fluke_port_t *keeper_port;
static fluke_mutex_t *never;
static fluke_ref_t *spare;
static fluke_region_t *through[2][2];		/* per subject: the program; its pages */
static struct { uint32_t start, size; } window[2];

extern char subject_start[], subject_trap[], subject_interrupt[], subject_alert[], subject_syscall[];
void subject_trapped(uint32_t code);

/* The handlers change no register but what is restored: they go back by the gate, which, unlike
 * sysenter, leaves ebp alone. */
__asm__ (".text\n"
	"subject_start: xorl %ebp, %ebp; pushl %ecx; call *%eax; call subject_end\n"
	"subject_interrupt: incl interrupts; movl $14, %eax; int $0x30\n"
	"subject_alert: incl alerts; movl $14, %eax; int $0x30\n"
	"subject_trap: pushal; pushl %eax; call subject_trapped; popl %eax; popal; movl $14, %eax; int $0x30\n"
	"subject_syscall: incl %eax; ret\n");

/* ud2 is stepped over; nothing else is expected. */
void subject_trapped(uint32_t code)
{
	struct fluke_thread_saved_state saved;

	if (code != FLUKE_EXC_OPCODE) {
		word[WORDS - 1] = code | 0x80000000;
		subject_end();
	}
	traps++;
	fluke_thread_get_saved_state(0, &saved);
	saved.eip += 2;
	fluke_thread_set_saved_state(0, &saved);
}

void subject_end(void)
{
	ended[(fluke_thread_self() == subject[1])] = 1;
	for (;;)
		fluke_mutex_lock(never);
}

uint32_t places_request(uint32_t method, uint32_t a, uint32_t b, uint32_t c, uint32_t answer[8], void *object)
{
	uint32_t send[4] = { PLACE_INTERFACE << 8 | method, a, b, c }, here[8];
	void *refs[1] = { object };
	fluke_ipc_params_t p = { .send_refs = object ? 1 : 0, .send_words = 4, .send_data = send, .send_ref_table = refs,
		.recv_words = 8, .recv_data = answer ? answer : here };

	fluke_ipc_call(&p, check_kernel);
	return answer ? answer[0] : here[0];
}

static void clear(uint32_t *at, uint32_t words)
{
	__asm__ volatile ("rep stosl" : "+D" (at), "+c" (words) : "a" (0) : "memory");
}

void *child_object(uint32_t bytes)
{
	child_used = (child_used + bytes - 1) & -bytes;
	child_used += bytes;
	CHECK(child_used <= CHILD_PAGES * FLUKE_PAGE_SIZE);
	return (void *)(child_start + child_used - bytes);
}

#define NEW(type) ({ fluke_##type##_t *new_ = child_object(sizeof *new_); integer_t hash_ = 0x1000 + (int)child_used; \
	fluke_##type##_create_hash(new_, &hash_); new_; })

fluke_ref_t *child_ref(void)
{
	fluke_ref_t *ref = child_object(sizeof *ref);

	fluke_ref_create(ref);
	return ref;
}

fluke_port_t *child_port(fluke_portset_t *portset, uint32_t alias)
{
	fluke_port_t *p = NEW(port);
	fluke_port_state_t state = { .alias = alias };

	fluke_portset_reference(portset, spare);
	fluke_port_set_state(p, &state, spare);
	return p;
}

fluke_thread_t *world_thread(void *storage, fluke_space_t *space, uint32_t value, void (*function)(void *), uint32_t argument)
{
	static fluke_thread_state_t state;
	fluke_thread_t *t = storage;
	integer_t hash = 0x7000 + (int)value;
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = spare };

	fluke_thread_create_hash(t, &hash);
	fluke_space_reference(space, spare);
	memset(&state, 0, sizeof state);
	state.thread_va = (uint32_t)t;
	state.sched_val = value;
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eax = (uint32_t)function;
	state.regs.ecx = argument;
	state.regs.esp = stacks + FLUKE_PAGE_SIZE * 2 * ((value & 3) + 1) - 64;
	state.regs.eip = (uint32_t)subject_start;
	state.regs.trap_handler = (uint32_t)subject_trap;
	state.regs.interrupt_handler = (uint32_t)subject_interrupt;
	state.regs.client_alert_handler = state.regs.server_alert_handler = (uint32_t)subject_alert;
	state.regs.syscall_handler = (uint32_t)subject_syscall;
	fluke_thread_set_state(t, &state, links);
	return t;
}

void world_memory(uint32_t prot)
{
	for (uint32_t i = 0; i < 4; i++)
		fluke_region_protect(through[i / 2][i % 2], prot);
}

/* Gives the subjects their memory back when they ask for it. */
static void keep(void *unused)
{
	uint32_t message[FLUKE_EXC_WORDS], answer = 0;
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = message };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, keeper_set, 0);
	for (;;) {
		world_memory(FLUKE_PROT_ALL);
		if (also_kept)
			fluke_region_protect(also_kept, FLUKE_PROT_ALL);
		p = (fluke_ipc_params_t){ .send_words = 1, .send_data = &answer,
			.recv_words = FLUKE_EXC_WORDS, .recv_data = message };
		fluke_ipc_reply_wait_receive(&p, 0);
	}
}

void world_begin(void)
{
	child_start = (uint32_t)check_pages(CHILD_PAGES);
	stacks = (uint32_t)check_pages(8);
	pages = (uint32_t)check_pages(4);
	never = check_object_page();
	fluke_mutex_create(never);
	window[0].start = FLUKE_ROOT_IMAGE;
	window[0].size = 1 << 20;
	window[1].start = child_start;
	window[1].size = (uint32_t)never + FLUKE_PAGE_SIZE - child_start;
	fluke_mutex_lock(never);
	spare = check_ref_new();
	watch_port = check_port_new(check_portset_new(), 0);
	keeper_set = check_portset_new();
	keeper_port = check_port_new(keeper_set, 0);
	keeper_dest = check_port_ref_new(keeper_port);
	for (uint32_t i = 0; i < 4; i++) {
		through[i / 2][i % 2] = check_region_new(check_root_space, window[i % 2].start, window[i % 2].size,
			FLUKE_PROT_ALL, keeper_port);
		places_request(PLACES_SET, PLACES_REGION + i, 0, 0, 0, through[i / 2][i % 2]);
	}
	places_request(PLACES_SET, PLACES_WATCH, 0, 0, 0, watch_port);
	keeper = world_thread(check_object(sizeof *keeper), check_root_space, 3, keep, 0);
	fluke_thread_schedule(keeper, 0, FLUKE_WAKEUP_ON_BLOCK);
}

void world_hook(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		oskit_addr_t offset = check_physical_of(subject_space[i]);
		fluke_obspec_t found;
		natural_t room = 1;

		fluke_region_search(check_physical, &offset, 32, &found, &room);
		places_request(PLACES_SET, PLACES_SPACE + i, 0, 0, 0, room ? 0 : subject_space[i]);
	}
}

static fluke_space_t *child_space(uint32_t who)
{
	fluke_space_t *space = NEW(space);
	fluke_ref_t *to = child_ref();

	fluke_space_reference(space, to);
	for (uint32_t i = 0; i < 2; i++) {
		const fluke_mapping_state_t state = { .start_va = window[i].start, .size = window[i].size, .prot = FLUKE_PROT_ALL };
		fluke_mapping_t *mapping = NEW(mapping);

		fluke_region_reference(through[who][i], spare);
		fluke_mapping_set_state(mapping, &state, spare, to);
	}
	fluke_ref_destroy(to);
	return space;
}

void world_new(const struct scene *s)
{
	clear(word, WORDS);
	clear(there, LONG);
	clear(back, LONG);
	clear((uint32_t *)pages, FLUKE_PAGE_SIZE);
	interrupts = alerts = traps = ended[0] = ended[1] = 0;
	for (uint32_t i = 0; i < LONG; i++)
		out[i] = i ^ 0x5a5a;
	child_used = 0;
	also_kept = 0;
	set = NEW(portset);
	port = child_port(set, 3);
	other_port = child_port(set, 4);
	fluke_port_reference(port, dest = child_ref());
	fluke_port_reference(port, sent = child_ref());
	for (uint32_t i = 0; i < 4; i++)
		got[i] = child_ref();
	mutex = NEW(mutex);
	second = NEW(mutex);
	cond = NEW(cond);
	for (uint32_t i = 0; i < 2; i++)
		subject_space[i] = child_space(i);
	for (uint32_t i = 0; i < 2; i++)
		subject[i] = world_thread(child_object(sizeof(fluke_thread_t)), subject_space[i], PLACES_SUBJECT << 8 | (i + 1),
			s->program[i], i);
	if (s->prepare)
		s->prepare();
	world_hook();
}

void world_end(void)
{
	oskit_addr_t offset = check_physical_of((void *)child_start);

	fluke_region_clear(check_physical, &offset, CHILD_PAGES * FLUKE_PAGE_SIZE);
	world_memory(FLUKE_PROT_ALL);
}

static uint32_t sum(const uint32_t *at, uint32_t words)
{
	uint32_t total = 0;

	while (words--)
		total = total * 3 + *at++;
	return total;
}

uint32_t world_result(uint32_t result[WORDS + 8])
{
	memcpy(result, word, sizeof word);
	result += WORDS;
	result[0] = sum(there, LONG);
	result[1] = sum(back, LONG);
	result[2] = sum((uint32_t *)pages, FLUKE_PAGE_SIZE);
	result[3] = ended[0];
	result[4] = ended[1];
	result[5] = alerts;
	result[6] = traps;
	return WORDS + 7;
}
