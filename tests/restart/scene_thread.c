/* Scenes of threads: the calls on another one and on oneself, exceptions and who mends them,
 * connections set aside. */
#include "world.h"

static void note(uint32_t i, uint32_t status) { word[i] = 0x100 | FLUKE_IPC_STATUS(status); }

static uint32_t place[2];
static fluke_thread_state_t state;

static void place_prepare(void)
{
	place[0] = (uint32_t)child_object(FLUKE_PAGE_SIZE);
	place[1] = (uint32_t)child_object(FLUKE_PAGE_SIZE);
}

/* A makes a third thread, lends it time, stops, reads, moves and ends it. */
static uint32_t third_stack[64];

static void third(void)
{
	for (;;) {
		word[40]++;
		fluke_mutex_lock(second);		/* never gets it */
	}
}

static void make_third(fluke_thread_t *t)
{
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = got[0], [FLUKE_LINK_SCHEDULER] = got[3] };
	integer_t hash = 0x444;

	word[0] = fluke_thread_create_hash(t, &hash) + (uint32_t)hash;
	memset(&state, 0, sizeof state);
	state.thread_va = (uint32_t)t;
	state.sched_val = 4;
	state.flags = FLUKE_THREAD_EXCEPTION_ENABLE;
	state.regs.eip = (uint32_t)third;
	state.regs.esp = (uint32_t)&third_stack[60];
	fluke_space_reference(subject_space[0], got[0]);
	fluke_thread_set_state(t, &state, links);
}

static void uses_third(void *unused)
{
	fluke_thread_t *t = (void *)place[0], *moved = (void *)place[1];
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = got[1], [FLUKE_LINK_WAITING_FOR] = got[2] };

	(void)unused;
	fluke_mutex_lock(second);
	make_third(t);
	word[1] = fluke_thread_schedule(t, 0, FLUKE_WAKEUP_ON_BLOCK);
	fluke_thread_get_state(t, &state, links);
	word[2] = (state.regs.eip == FLUKE_ENTRY) << 8 | (state.regs.eax & 0xff);
	word[3] = fluke_ref_compare(got[0], got[1]);
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(t, &state, 0);
	fluke_thread_interrupt(t);
	fluke_thread_reference(t, got[2]);
	fluke_thread_move(t, moved);
	word[4] = fluke_thread_schedule((void *)got[2], other_port, FLUKE_WAKEUP_ON_BLOCK);
	fluke_thread_get_state(moved, 0, 0);
	fluke_thread_destroy(moved);
	word[5] = fluke_ref_type(got[2]);
	fluke_mutex_unlock(second);
}

/* B: calls on itself. */
static void uses_itself(void *unused)
{
	oskit_addr_t handlers[4];
	uint32_t answer = 5;

	(void)unused;
	fluke_thread_get_handlers(0, handlers);
	fluke_thread_set_handlers(0, handlers[0], handlers[1], handlers[2], handlers[3]);
	word[50] = fluke_thread_self() == subject[1];
	fluke_thread_disable_exceptions(0);
	fluke_mutex_lock(mutex);
	fluke_thread_enable_exceptions(0);
	fluke_mutex_unlock(mutex);
	fluke_thread_set_tls(0x1000);
	__asm__ volatile ("int $0x80" : "+a" (answer) : : "memory");
	word[51] = answer;
	__asm__ volatile ("ud2");
}

SCENE(threads, uses_third, uses_itself, 0, place_prepare);

/* A hands a mutex to a third thread that waits for it, which then ends with it. */
static void hands_over(void *unused)
{
	fluke_thread_t *t = (void *)place[0];

	(void)unused;
	fluke_mutex_lock(second);
	make_third(t);
	word[1] = fluke_thread_schedule(t, 0, FLUKE_WAKEUP_ON_BLOCK);
	fluke_mutex_unlock(second);
	fluke_thread_destroy(t);
	fluke_mutex_lock(second);	/* OWNER_DIED, unless the third was made again and had no time to wait since */
	fluke_mutex_unlock(second);
	word[2] = fluke_mutex_trylock(second);
}

SCENE(handed_over, hands_over, uses_itself, 0, place_prepare);

/* A touches memory that is refused; B, the keeper of the region, grants it. */
static fluke_region_t *view;

static void keeper_prepare(void)
{
	fluke_region_state_t refused = { .start_va = pages, .size = FLUKE_PAGE_SIZE, .prot = 0 };
	fluke_mapping_state_t at = { .start_va = 0x20000000, .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };
	fluke_mapping_t *mapping = child_object(sizeof *mapping);

	view = child_object(sizeof *view);
	fluke_region_create(view);
	fluke_mapping_create(mapping);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_region_set_state(view, &refused, got[0], dest);
	fluke_region_reference(view, got[1]);
	fluke_mapping_set_state(mapping, &at, got[1], got[0]);
}

static void touches(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < 3; i++) {
		((volatile uint32_t *)0x20000000)[i] = i + 1;
		fluke_region_protect(view, 0);
	}
}

static void grants(void *unused)
{
	uint32_t message[FLUKE_EXC_WORDS], answer = 7;
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = message };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, set, 0);
	for (;;) {
		word[20] = message[0];
		ended[1] = 1;
		fluke_region_protect(view, FLUKE_PROT_ALL);
		p = (fluke_ipc_params_t){ .send_words = 1, .send_data = &answer,
			.recv_words = FLUKE_EXC_WORDS, .recv_data = message };
		fluke_ipc_reply_wait_receive(&p, 0);
	}
}

SCENE(kept, touches, grants, 1, keeper_prepare);
SCENE(kept_late, touches, grants, 0, keeper_prepare);

/* A stops at breakpoints, and takes interrupts, without handlers; B, the keeper of its space, lets it
 * go on. */
static void space_keeper_prepare(void)
{
	fluke_space_set_state(subject_space[0], 0, dest);
}

static void breaks(void *unused)
{
	uint32_t answer = 9;

	(void)unused;
	fluke_thread_set_handlers(0, 0, 0, 0, 0);
	for (uint32_t i = 0; i < 3; i++) {
		__asm__ volatile ("int3");
		word[0]++;
	}
	fluke_thread_interrupt(subject[1]);
	__asm__ volatile ("int $0x80" : "+a" (answer) : : "memory");
	word[1] = answer;
}

static void lets_go_on(void *unused)
{
	uint32_t message[FLUKE_EXC_WORDS], answer = 7;
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = message };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, set, 0);
	for (;;) {
		ended[1] = 1;
		p = (fluke_ipc_params_t){ .send_words = 1, .send_data = &answer,
			.recv_words = FLUKE_EXC_WORDS, .recv_data = message };
		fluke_ipc_reply_wait_receive(&p, 0);
	}
}

SCENE(breakpoints, breaks, lets_go_on, 1, space_keeper_prepare);
SCENE(breakpoints_late, breaks, lets_go_on, 0, space_keeper_prepare);

/* A halts at what nobody mends; B lends it its time, then reads it and sets it behind. */
extern char halts_here[];

static void halts(void *unused)
{
	(void)unused;
	fluke_thread_set_handlers(0, 0, 0, 0, 0);
	__asm__ volatile (".globl halts_here; halts_here: ud2");
	word[0] = 1;
}

static void rescues(void *unused)
{
	(void)unused;
	while (!word[0]) {
		fluke_thread_schedule(subject[0], 0, FLUKE_WAKEUP_ON_BLOCK);
		if (word[0])
			break;
		fluke_thread_get_state(subject[0], &state, 0);
		if (state.regs.eip == (uint32_t)halts_here)
			state.regs.eip += 2;
		state.flags &= ~FLUKE_THREAD_STOPPED;
		fluke_thread_set_state(subject[0], &state, 0);
	}
}

SCENE(halted, halts, rescues, 0, 0);

/* A ends its own space; B gives it another to go on in. */
static void loses_space(void *unused)
{
	(void)unused;
	fluke_space_destroy(subject_space[0]);
	word[0] = 1;
}

static void gives_space(void *unused)
{
	fluke_thread_links_t links = { [FLUKE_LINK_SPACE] = got[0] };

	(void)unused;
	while (!word[0]) {
		fluke_thread_schedule(subject[0], 0, FLUKE_WAKEUP_ON_BLOCK);
		if (word[0])
			break;
		fluke_thread_get_state(subject[0], &state, links);
		if (fluke_ref_type(got[0]) == FLUKE_NULL)
			fluke_space_reference(subject_space[1], got[0]);
		state.flags &= ~FLUKE_THREAD_STOPPED;
		fluke_thread_set_state(subject[0], &state, links);
	}
}

SCENE(homeless, loses_space, gives_space, 0, 0);

/* B sets its client aside, answers it without taking it up again, or takes it up and answers. */
static void asks_twice(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < 3; i++) {
		fluke_ipc_params_t p = { .send_words = 2, .send_data = out + i, .recv_words = 8, .recv_data = back + 8 * i };

		note(2 * i, fluke_ipc_client_connect_send_over_receive(&p, dest));
		word[2 * i + 1] = p.recv_words;
	}
}

static void sets_aside(void *unused)
{
	fluke_ipc_params_t p = { .recv_words = 4, .recv_data = there };
	natural_t flags;

	(void)unused;
	note(20, fluke_ipc_setup_wait_receive(&p, set, 0));
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t status = FLUKE_IPC_NOT_NOW;

		fluke_thread_get_client(0, got[0], &flags);
		fluke_thread_set_client(0, 0, 0);
		if (i == 1) {
			p = (fluke_ipc_params_t){ .send_words = 2, .send_data = out + 30 };
			note(27, fluke_ipc_send(&p, dest));
			p = (fluke_ipc_params_t){ .recv_words = 2, .recv_data = there + 40 };
			note(28, fluke_ipc_wait_receive(&p, 0));
		}
		p = (fluke_ipc_params_t){ .send_words = 3 + i, .send_data = there, .recv_words = flags };
		if (i < 2)
			status = fluke_ipc_server_answer(&p, got[0]);
		if (status == FLUKE_IPC_NOT_NOW) {
			fluke_thread_set_client(0, got[0], flags);
			status = fluke_ipc_server_ack_send(&p);
			fluke_ipc_server_disconnect();
		}
		note(21 + 2 * i, status);
		p = (fluke_ipc_params_t){ .recv_words = 4, .recv_data = there + 10 + 10 * i };
		if (i < 2)
			note(22 + 2 * i, fluke_ipc_wait_receive(&p, 0));
	}
}

SCENE(aside, asks_twice, sets_aside, 0, 0);
SCENE(aside_late, asks_twice, sets_aside, 1, 0);

/* A sets its server aside and comes back to it. */
static void leaves_server(void *unused)
{
	fluke_ipc_params_t p = { .send_words = 2, .send_data = out };
	natural_t flags;

	(void)unused;
	note(0, fluke_ipc_client_connect_send(&p, dest));
	fluke_thread_get_server(0, got[1], &flags);
	fluke_thread_set_server(0, 0, 0);
	note(1, fluke_mutex_trylock(mutex));
	fluke_thread_set_server(0, got[1], flags);
	p = (fluke_ipc_params_t){ .send_words = 20, .send_data = out + 20 };
	note(2, fluke_ipc_client_send(&p));
	fluke_ipc_client_disconnect();
}

static void left_alone(void *unused)
{
	fluke_ipc_params_t p = { .recv_words = 30, .recv_data = there };
	uint32_t status = fluke_ipc_setup_wait_receive(&p, set, 0);

	(void)unused;
	word[20] = 30 - p.recv_words;
	while (FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_DATA || FLUKE_IPC_STATUS(status) == FLUKE_SUCCESS) {
		p = (fluke_ipc_params_t){ .recv_words = 30, .recv_data = there + word[20] };
		status = fluke_ipc_server_receive(&p);
		word[20] += 30 - p.recv_words;
	}
	note(21, status);
}

SCENE(other_aside, leaves_server, left_alone, 0, 0);

/* B answers with what the keeper has to bring first. */
static void far_prepare(void)
{
	fluke_region_state_t refused = { .start_va = pages, .size = FLUKE_PAGE_SIZE, .prot = 0 };
	fluke_mapping_state_t at = { .start_va = 0x20000000, .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };
	fluke_mapping_t *mapping = child_object(sizeof *mapping);

	for (uint32_t i = 0; i < 1000; i++)
		((uint32_t *)pages)[i] = 7 * i;
	view = child_object(sizeof *view);
	fluke_region_create(view);
	fluke_mapping_create(mapping);
	fluke_space_reference(subject_space[1], got[0]);
	fluke_region_set_state(view, &refused, got[0], keeper_dest);
	fluke_region_reference(view, got[1]);
	fluke_mapping_set_state(mapping, &at, got[1], got[0]);
	also_kept = view;
}

static void asks_far(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < 3; i++) {
		fluke_ipc_params_t p = { .send_words = 2, .send_data = out, .recv_words = 1000, .recv_data = back };

		note(2 * i, fluke_ipc_call(&p, dest));
		word[2 * i + 1] = p.recv_words;
	}
}

static void answers_far(void *unused)
{
	uint32_t message[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = message };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, set, 0);
	for (;;) {
		fluke_ipc_buffer_t far = { 900, (void *)0x20000000 };

		ended[1] = 1;
		fluke_region_protect(view, 0);
		p = (fluke_ipc_params_t){ .send_words = 8, .send_data = out + 8, .send_buffers = 1, .send_buffer_table = &far,
			.recv_words = 2, .recv_data = message };
		fluke_ipc_reply_wait_receive(&p, 0);
	}
}

SCENE(far, asks_far, answers_far, 0, far_prepare);
