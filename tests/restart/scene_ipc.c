/* Scenes of IPC: reliable with all its stages, short and long, with references and several
 * buffers; idempotent; one-way. */
#include <fluke/callnumbers.h>
#include "world.h"

static void note(uint32_t i, uint32_t status) { word[i] = 0x100 | FLUKE_IPC_STATUS(status); }

#define SHORT	8u
static uint32_t scratch[LONG + 16];

/* A long RPC with references and further buffers, then short ones. */
static void rpc_client(void *unused)
{
	void *refs[3] = { sent, port, dest };
	fluke_ipc_buffer_t more[2] = { { 20, out + LONG - 220 }, { 200, out + LONG - 200 } }, room[1] = { { 700, back + LONG - 700 } };
	fluke_ipc_params_t p = { .send_refs = 3, .send_words = LONG - 220, .send_data = out, .send_ref_table = refs,
		.send_buffers = 2, .send_buffer_table = more,
		.recv_words = LONG - 700, .recv_data = back, .recv_buffers = 1, .recv_buffer_table = room };

	uint32_t *across = (uint32_t *)(((uint32_t)back + 4495) & -4096) - 100;	/* a page ends 100 words on */

	(void)unused;
	note(0, fluke_ipc_client_connect_send_over_receive(&p, dest));
	word[1] = p.recv_words;
	for (uint32_t i = 0; i < SHORT; i++) {
		static const uint16_t length[SHORT] = { 1, 2, 4, 6, 300, 3, 20, 20 };	/* the last: into a page noted */
		fluke_ipc_buffer_t piece[2] = { { 2, out + 20 + i }, { i, out + 30 } }, rest[1] = { { 20, back + 350 } };

		p = (fluke_ipc_params_t){ .send_words = length[i], .send_data = out + i,
			.recv_words = i < 4 ? 8 : 300, .recv_data = i < 4 ? word + 20 + 8 * i : i == 4 ? across : back,
			.send_buffers = i == 2 ? 2 : 0, .send_buffer_table = piece,
			.recv_buffers = i == 5, .recv_buffer_table = rest, .send_refs = i == 7, .send_ref_table = refs };
		note(2 + i, fluke_ipc_client_connect_send_over_receive(&p, dest));
		word[10 + i] = p.recv_words;
	}
}

static void rpc_server(void *unused)
{
	fluke_ipc_buffer_t room[1] = { { LONG - 1300, there + 1300 } };
	fluke_ipc_params_t p = { .recv_words = 1300, .recv_data = there, .recv_buffers = 1, .recv_buffer_table = room,
		.recv_refs = 3, .recv_ref_table = got };
	natural_t alias = 0;

	(void)unused;
	note(60, fluke_ipc_setup_wait_receive(&p, set, &alias));
	word[61] = alias;
	word[62] = fluke_ref_compare(got[0], dest) + fluke_ref_compare(got[1], dest) + fluke_ref_compare(got[2], dest);
	p = (fluke_ipc_params_t){ .send_words = LONG, .send_data = there, .recv_words = 400, .recv_data = scratch,
		.recv_refs = 1, .recv_ref_table = got + 3 };
	for (uint32_t i = 0; i < SHORT; i++) {
		note(64 + i, fluke_ipc_server_ack_send_wait_receive(&p, &alias));
		word[63] += alias;
		p = (fluke_ipc_params_t){ .send_words = 400 - p.recv_words, .send_data = scratch, .recv_words = 400,
			.recv_data = scratch, .recv_refs = 1, .recv_ref_table = got + 3 };
	}
	note(64 + SHORT, fluke_ipc_server_ack_send(&p));
	word[65 + SHORT] = fluke_ref_compare(got[3], dest);
	fluke_ipc_server_disconnect();
}

SCENE(rpc, rpc_client, rpc_server, 0, 0);
SCENE(rpc_late, rpc_client, rpc_server, 1, 0);

/* A conversation in pieces: every stage of both sides. */
struct side {
	fluke_error_t (*send)(fluke_ipc_params_t *), (*receive)(fluke_ipc_params_t *), (*over)(fluke_ipc_params_t *);
	fluke_error_t (*send_over)(fluke_ipc_params_t *), (*ack)(fluke_ipc_params_t *), (*ack_over)(fluke_ipc_params_t *);
};
#define SIDE(s) { fluke_ipc_##s##_send, fluke_ipc_##s##_receive, fluke_ipc_##s##_over_receive, \
	fluke_ipc_##s##_send_over_receive, fluke_ipc_##s##_ack_send, fluke_ipc_##s##_ack_send_over_receive }
static const struct side client = SIDE(client), server = SIDE(server);

/* Receives the rest, piece by piece, whatever has come already; its end and how much it was. */
static uint32_t drain(const struct side *s, uint32_t status, const fluke_ipc_params_t *p, uint32_t room, uint32_t *to, uint32_t i)
{
	uint32_t total = room - p->recv_words;

	while (FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_DATA) {
		fluke_ipc_params_t more = { .recv_words = 60, .recv_data = to + total };

		status = s->receive(&more);
		total += 60 - more.recv_words;
	}
	note(i, status);
	word[i + 1] = total;
	return total;
}

#define SEND(words, from)		(fluke_ipc_params_t){ .send_words = words, .send_data = from }
#define BOTH(words, from, room, to)	(fluke_ipc_params_t){ .send_words = words, .send_data = from, .recv_words = room, .recv_data = to }

static void pieces_client(void *unused)
{
	fluke_ipc_params_t p = SEND(100, out);

	(void)unused;
	note(0, fluke_ipc_client_connect_send(&p, dest));
	p = SEND(100, out + 100);
	note(1, client.send(&p));
	fluke_ipc_client_alert();
	p = BOTH(150, out + 200, 10, back);
	drain(&client, client.send_over(&p), &p, 10, back, 2);
	p = BOTH(40, out + 400, 10, back + 100);
	drain(&client, client.ack_over(&p), &p, 10, back + 100, 4);
	p = SEND(5, out + 500);
	note(6, client.ack(&p));
	p = BOTH(0, 0, 30, back + 200);
	drain(&client, client.over(&p), &p, 30, back + 200, 7);
	p = SEND(2, out + 600);
	note(9, fluke_ipc_client_connect_send(&p, dest));
	fluke_ipc_client_disconnect();
}

static void pieces_server(void *unused)
{
	fluke_ipc_params_t p = BOTH(0, 0, 120, there);
	natural_t alias;

	(void)unused;
	drain(&server, fluke_ipc_setup_wait_receive(&p, set, &alias), &p, 120, there, 20);
	p = SEND(20, out + 700);
	note(22, server.ack(&p));
	p = SEND(25, out + 720);
	note(23, server.send(&p));
	fluke_ipc_server_alert();
	p = BOTH(5, out + 745, 8, there + 400);
	drain(&server, server.send_over(&p), &p, 8, there + 400, 24);
	p = BOTH(25, out + 800, 2, there + 500);
	drain(&server, server.ack_over(&p), &p, 2, there + 500, 26);
	p = SEND(7, out + 900);
	note(28, server.ack(&p));
	p = BOTH(33, out + 907, 8, there + 600);
	drain(&server, fluke_ipc_server_send_wait_receive(&p, &alias), &p, 8, there + 600, 30);
	word[32] = alias;
}

SCENE(pieces, pieces_client, pieces_server, 0, 0);
SCENE(pieces_late, pieces_client, pieces_server, 1, 0);

/* The server takes the turn while the client still sends; then it offers the turn itself. */
static void long_client(void *unused)
{
	fluke_ipc_params_t p = BOTH(LONG, out, 20, back);

	(void)unused;
	drain(&client, fluke_ipc_client_connect_send_over_receive(&p, dest), &p, 20, back, 0);
	p = BOTH(30, out, 0, 0);
	note(2, client.ack(&p));
	p = BOTH(10, out + 30, 10, back + 100);
	note(3, client.send_over(&p));
}

static void impatient_server(void *unused)
{
	fluke_ipc_params_t p = BOTH(0, 0, 8, there);

	(void)unused;
	note(20, fluke_ipc_setup_wait_receive(&p, set, 0));
	p = BOTH(100, out + 50, 0, 0);
	note(21, server.ack(&p));
	p = BOTH(0, 0, 20, there + 8);
	drain(&server, server.over(&p), &p, 20, there + 8, 22);
	p = BOTH(3, out + 60, 0, 0);
	note(24, server.ack(&p));
	fluke_ipc_server_disconnect();
}

SCENE(impatient, long_client, impatient_server, 0, 0);
SCENE(impatient_late, long_client, impatient_server, 1, 0);

/* Idempotent requests, long and short, with references; one-way messages, which may be lost. */
static void call_client(void *unused)
{
	static const uint16_t length[] = { 700, 4, 2, 1, 8, 3 };
	void *refs[2] = { sent, other_port };
	fluke_ref_t *back_refs[1] = { got[3] };

	(void)unused;
	for (uint32_t i = 0; i < 6; i++) {
		fluke_ipc_params_t p = { .send_words = length[i], .send_data = out + i, .recv_words = i & 1 ? 8 : LONG - 200 * i,
			.recv_data = back + 200 * i, .send_refs = i == 2 ? 2 : 0, .send_ref_table = refs,
			.recv_refs = i == 0 ? 1 : 0, .recv_ref_table = back_refs };

		note(i, fluke_ipc_call(&p, dest));
		word[6 + i] = p.recv_words;
		if (i == 1) {
			p = SEND(2, out + 8);
			note(12, fluke_ipc_send(&p, dest));
		} else if (i == 3) {
			p = (fluke_ipc_params_t){ .send_words = 300, .send_data = out + 8, .send_refs = 2, .send_ref_table = refs };
			note(13, fluke_ipc_send(&p, dest));
		}
	}
	word[14] = fluke_ref_compare(got[3], dest);
}

static void call_server(void *unused)
{
	void *refs[1] = { port };
	fluke_ref_t *taken[2] = { got[0], got[1] };
	fluke_ipc_params_t p = { .recv_words = LONG, .recv_data = scratch, .recv_refs = 2, .recv_ref_table = taken };
	uint32_t result = fluke_ipc_setup_wait_receive(&p, set, 0);

	(void)unused;
	for (;;) {
		uint32_t n = scratch[0] ^ 0x5a5a;	/* the request's number */

		p = (fluke_ipc_params_t){ .send_words = n < 2 ? 900 : 5, .send_data = out + 10 * n,
			.send_refs = n == 0, .send_ref_table = refs,
			.recv_words = LONG, .recv_data = scratch, .recv_refs = 2, .recv_ref_table = taken };
		if (FLUKE_IPC_FLAVOUR(result) != FLUKE_IPC_IDEMPOTENT || n > 5) {
			result = fluke_ipc_wait_receive(&p, 0);
			continue;
		}
		if (n == 5)
			ended[1] = 1;
		if (n & 1)
			fluke_ipc_reply(&p);
		result = fluke_ipc_reply_wait_receive(&p, 0);
	}
}

SCENE(call, call_client, call_server, 0, 0);
SCENE(call_late, call_client, call_server, 1, 0);

/* The kernel's own port. */
static fluke_ref_t *kernel;

static void kernel_prepare(void)
{
	fluke_ref_copy(check_kernel, kernel = child_ref());
}

static void kernel_client(void *unused)
{
	uint32_t irq_attach[2] = { 1u << 8 | 1, 5 };
	void *refs[1] = { got[0] };
	fluke_ipc_params_t p = { .send_refs = 1, .send_words = 2, .send_data = irq_attach, .send_ref_table = refs,
		.recv_words = 8, .recv_data = word + 10 };

	(void)unused;
	word[10] = word[20] = 77;
	note(0, fluke_ipc_call(&p, kernel));
	p.recv_words = 8;
	p.recv_data = word + 20;
	note(1, fluke_ipc_client_connect_send_over_receive(&p, kernel));
}

static void nobody(void *unused)
{
	(void)unused;
}

SCENE(machine, kernel_client, nobody, 0, kernel_prepare);

/* Locks. */
static void locks_first(void *unused)
{
	fluke_mutex_state_t held = { 0, FLUKE_MUTEX_MULTISPACE, 1 };
	fluke_cond_state_t waits = { 0, FLUKE_COND_MULTISPACE };

	(void)unused;
	note(0, fluke_mutex_lock(mutex));
	while (!word[20])
		fluke_cond_wait(cond, mutex);
	fluke_mutex_set_state(mutex, &held, 0);
	fluke_mutex_get_state(mutex, &held, got[0]);
	word[2] = held.flags << 4 | held.locked;
	fluke_thread_reference(subject[0], got[1]);
	word[3] = fluke_ref_compare(got[0], got[1]);
	fluke_cond_set_state(cond, &waits, got[1]);
	fluke_cond_get_state(cond, &waits, got[2]);
	word[4] = waits.flags + fluke_ref_compare(got[2], got[1]);
	fluke_cond_set_state(cond, 0, got[3]);
	note(5, fluke_mutex_trylock(mutex));	/* held; whether the second is depends on who was delayed */
	fluke_mutex_unlock(mutex);
	note(6, fluke_mutex_lock(second));
	fluke_mutex_unlock(second);
	note(7, fluke_mutex_trylock(second));
	fluke_mutex_set_state(second, 0, got[3]);	/* nobody's */
	note(8, fluke_mutex_trylock(second));
	fluke_cond_broadcast(cond);
}

static void locks_second(void *unused)
{
	(void)unused;
	note(21, fluke_mutex_lock(second));
	note(22, fluke_mutex_lock(mutex));
	word[20] = 1;
	fluke_cond_signal(cond);
	fluke_mutex_unlock(mutex);
	note(23, fluke_mutex_lock(mutex));
	fluke_cond_broadcast(cond);
	fluke_mutex_unlock(mutex);
	fluke_mutex_unlock(second);
}

/* The published example: a cond_wait that sleeps, or has slept, is a mutex_lock of its mutex. */
static int locks_valid(const fluke_thread_state_t *a)
{
	if (a->regs.eip != FLUKE_ENTRY || ended[0])
		return 1;
	if ((a->regs.eax & 0xff) == FLUKE_CALL_cond_wait)
		return a->regs.ebx == (uint32_t)cond && a->regs.ecx == (uint32_t)mutex;
	return (a->regs.eax & 0xff) != FLUKE_CALL_mutex_lock || a->regs.ebx == (uint32_t)mutex || a->regs.ebx == (uint32_t)second;
}

SCENE_VALID(locks, locks_first, locks_second, 0, 0, locks_valid);

/* The other one: 8,192 bytes from 0x08001800; wherever it stops, registers say what is left. */
static fluke_mapping_t *window;

static void eight_prepare(void)
{
	fluke_mapping_state_t at = { .region_off = check_physical_of((void *)pages), .start_va = 0x08001000, .size = 0x3000,
		.prot = FLUKE_PROT_READ };

	for (uint32_t i = 0; i < 3072; i++)
		((uint32_t *)pages)[i] = i * 3;
	window = child_object(sizeof *window);
	fluke_mapping_create(window);
	fluke_region_reference(check_physical, got[1]);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_mapping_set_state(window, &at, got[1], got[0]);
}

static void sends_eight(void *unused)
{
	fluke_ipc_params_t p = BOTH(2048, (void *)0x08001800, 8, back);

	(void)unused;
	note(0, fluke_ipc_client_connect_send_over_receive(&p, dest));
	word[1] = p.recv_words;
}

static void takes_eight(void *unused)
{
	fluke_ipc_params_t p = BOTH(0, 0, 700, there);
	uint32_t status = fluke_ipc_setup_wait_receive(&p, set, 0), total = 700 - p.recv_words, sum = there[0] + there[699];

	(void)unused;
	while (FLUKE_IPC_STATUS(status) == FLUKE_IPC_RECV_MORE_DATA) {
		p = BOTH(0, 0, 1400, there);
		status = server.receive(&p);
		total += 1400 - p.recv_words;
		for (uint32_t i = 0; i < 1400 - p.recv_words; i++)
			sum = sum * 3 + there[i];
	}
	note(20, status);
	word[21] = total;
	word[22] = sum;
	p = BOTH(4, out, 0, 0);
	note(23, server.ack(&p));
	fluke_ipc_server_disconnect();
}

static int eight_valid(const fluke_thread_state_t *a)
{
	uint32_t call = a->regs.eax & 0xff;

	if (a->regs.eip != FLUKE_ENTRY || call != FLUKE_CALL_ipc_client_send_over_receive)
		return 1;
	return a->regs.ecx <= 2048 && a->regs.esi + 4 * a->regs.ecx == 0x08003800 && a->regs.esi >= 0x08001800 &&
		!(a->regs.eax >> 16);
}

SCENE_VALID(eight, sends_eight, takes_eight, 0, eight_prepare, eight_valid);
SCENE_VALID(eight_late, sends_eight, takes_eight, 1, eight_prepare, eight_valid);

/* Memory so many levels away that the walk to it has preemption points; one chain, the watcher's, for all runs. */
#define LEVELS	40
#define DEEP	0x20000000u

static void deep_prepare(void)
{
	static fluke_region_t *deep;
	fluke_mapping_state_t at = { .start_va = DEEP, .size = 2 * FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };
	uint32_t made = deep ? LEVELS : 0, offset = check_physical_of((void *)pages);

	for (; made < LEVELS; made++) {
		fluke_space_t *s = check_space_new();

		check_mapping_new(made ? deep : check_physical, made ? 0 : offset, s, DEEP, 2 * FLUKE_PAGE_SIZE, FLUKE_PROT_ALL);
		deep = check_region_new(s, DEEP, 2 * FLUKE_PAGE_SIZE, FLUKE_PROT_ALL, 0);
	}
	window = child_object(sizeof *window);
	fluke_mapping_create(window);
	fluke_region_reference(deep, got[1]);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_mapping_set_state(window, &at, got[1], got[0]);
}

static void reaches_deep(void *unused)
{
	volatile uint32_t *there_ = (uint32_t *)DEEP;
	fluke_ipc_params_t p = BOTH(60, (void *)(DEEP + FLUKE_PAGE_SIZE), 8, back);

	(void)unused;
	for (uint32_t i = 0; i < 60; i++)
		there_[i] = i * 5;
	word[0] = there_[59];
	there_[FLUKE_PAGE_SIZE / 4] = 7;
	fluke_mapping_protect(window, FLUKE_PROT_ALL & ~FLUKE_PROT_WRITE);
	note(1, fluke_ipc_client_connect_send_over_receive(&p, dest));
}

SCENE(deep, reaches_deep, takes_eight, 0, deep_prepare);
