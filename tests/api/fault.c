/* Faults: who is asked, with what, and what happens after the answer. */
#include <fluke/callnumbers.h>
#include <fluke/exception.h>
#include "check.h"

#define WINDOW	CHECK_WINDOW
#define PAGE	FLUKE_PAGE_SIZE
#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)

static fluke_portset_t *portset;
static struct { natural_t alias; struct fluke_exc_message m; } asked[16];
static uint32_t questions;
static natural_t answer;
static void (*mend)(const struct fluke_exc_message *);

/* A keeper: notes each question, mends, answers. */
static void keeper(void *unused)
{
	static struct fluke_exc_message m;
	natural_t alias, reply[2];
	fluke_ipc_params_t p = { .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		if (questions < 16) {
			asked[questions].alias = alias;
			asked[questions].m = m;
		}
		questions++;
		if (mend)
			mend(&m);
		reply[0] = answer;
		reply[1] = 0;
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = reply, .recv_words = FLUKE_EXC_WORDS, .recv_data = &m };
		fluke_ipc_reply_wait_receive(&p, &alias);
	}
}

static void start(void (*how)(const struct fluke_exc_message *))
{
	portset = check_portset_new();
	questions = 0;
	answer = 0;
	mend = how;
	check_thread_new(check_root_space, keeper, 0);
	check_run();
}

static uint32_t page;
static fluke_space_t *segment;

/* Puts the page into the segment where it is missing. */
static void put_page(const struct fluke_exc_message *m)
{
	fluke_region_t *r = check_region_new(check_root_space, page, PAGE, FLUKE_PROT_ALL, 0);

	check_mapping_new(r, 0, segment, 0x1000 + (m->subcode & -PAGE), PAGE, FLUKE_PROT_ALL);
}

/* An empty segment of 16 pages, mapped at WINDOW. */
static void segment_new(void)
{
	page = (uint32_t)check_pages(1);
	check_write(page + 8, 88);
	segment = check_space_new();
	check_mapping_new(check_region_new(segment, 0x1000, 16 * PAGE, FLUKE_PROT_ALL, check_port_new(portset, 7)), 0,
		check_root_space, WINDOW, 16 * PAGE, FLUKE_PROT_ALL);
}

CASE("fault-01", "a hole behind a region goes to the region's keeper with its offset")
{
	start(put_page);
	segment_new();
	CHECK_EQUAL(check_read(WINDOW + 5 * PAGE + 8), 88);
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].alias, 7);
	CHECK_EQUAL(asked[0].m.code, FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(asked[0].m.subcode, 5 * PAGE + 8);
	CHECK_EQUAL(asked[0].m.access, FLUKE_PROT_READ);
}

CASE("fault-02", "a write asks for WRITE")
{
	start(put_page);
	segment_new();
	check_write(WINDOW + 12, 3);
	CHECK_EQUAL(asked[0].m.access, FLUKE_PROT_WRITE);
	CHECK_EQUAL(check_read(page + 12), 3);
}

CASE("fault-03", "a keeper that mends nothing leaves the thread its exception")
{
	start(0);
	segment_new();
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 8));
	CHECK_EQUAL(check_caught.subcode, WINDOW + 8);
	CHECK_EQUAL(questions, 1);
}

CASE("fault-04", "a hole in the thread's own space is its own exception")
{
	start(put_page);
	segment_new();
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 16 * PAGE));
	CHECK_EQUAL(questions, 0);
}

CASE("fault-05", "a refusing mapping in the thread's own space is its own exception")
{
	fluke_mapping_t *m;
	fluke_region_t *r;

	start(0);
	r = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_ALL, check_port_new(portset, 1));
	m = check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, FLUKE_PROT_READ);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW, 1));
	CHECK_EQUAL(questions, 0);
	fluke_mapping_destroy(m);
}

CASE("fault-06", "a region's own protection goes to its keeper")
{
	fluke_region_t *r;

	start(0);
	r = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, FLUKE_PROT_READ, check_port_new(portset, 9));
	check_mapping_new(r, 0, check_root_space, WINDOW, PAGE, RW);
	CHECK_EQUAL(check_read(WINDOW), 0);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(WINDOW + 4, 1));
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].alias, 9);
	CHECK_EQUAL(asked[0].m.subcode, 4);
}

CASE("fault-07", "beyond the end of a region its keeper is asked")
{
	fluke_region_t *r;

	start(0);
	r = check_region_new(check_root_space, (uint32_t)check_pages(1), PAGE, RW, check_port_new(portset, 3));
	check_mapping_new(r, 0, check_root_space, WINDOW, 4 * PAGE, RW);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + 2 * PAGE));
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].m.subcode, 2 * PAGE);
}

CASE("fault-08", "keepers are asked from the refusing region back towards the thread")
{
	fluke_space_t *far = check_space_new(), *near = check_space_new();
	fluke_region_t *r;

	start(0);
	r = check_region_new(far, 0x1000, PAGE, RW, check_port_new(portset, 1));
	check_mapping_new(r, 0, near, 0x5000, PAGE, RW);
	r = check_region_new(near, 0x4000, 4 * PAGE, RW, check_port_new(portset, 2));
	check_mapping_new(r, 0, check_root_space, WINDOW, 4 * PAGE, RW);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW + PAGE + 4));
	CHECK_EQUAL(questions, 2);
	CHECK_EQUAL(asked[0].alias, 1);
	CHECK_EQUAL(asked[0].m.subcode, 4);
	CHECK_EQUAL(asked[1].alias, 2);
	CHECK_EQUAL(asked[1].m.subcode, PAGE + 4);
}

CASE("fault-09", "a null keeper is passed over")
{
	fluke_space_t *far = check_space_new(), *near = check_space_new();

	start(0);
	check_mapping_new(check_region_new(far, 0x1000, PAGE, RW, 0), 0, near, 0x5000, PAGE, RW);
	check_mapping_new(check_region_new(near, 0x5000, PAGE, RW, check_port_new(portset, 2)), 0, check_root_space, WINDOW,
		PAGE, RW);
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(WINDOW));
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].alias, 2);
}

CASE("fault-10", "a fault within a call is served and the call goes on")
{
	fluke_mutex_t *m = check_mutex_new();
	fluke_mutex_state_t *state = (fluke_mutex_state_t *)(WINDOW + 2 * PAGE - 4);

	start(put_page);
	segment_new();
	fluke_mutex_lock(m);
	fluke_mutex_get_state(m, state, 0);	/* crosses a page: two faults */
	CHECK_EQUAL(questions, 2);
	CHECK_EQUAL(((volatile fluke_mutex_state_t *)state)->locked, 1);
}

CASE("fault-11", "an object behind a hole is fetched by a fault that asks for OBJECT")
{
	start(put_page);
	segment_new();
	fluke_mutex_create((fluke_mutex_t *)page);
	CHECK_EQUAL(fluke_mutex_trylock((fluke_mutex_t *)WINDOW), FLUKE_SUCCESS);
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].m.access, FLUKE_PROT_OBJECT);
	CHECK_EQUAL(fluke_mutex_trylock((fluke_mutex_t *)page), FLUKE_MUTEX_HELD);
}

CASE("fault-12", "a user access to objects behind a region is never the keeper's")
{
	start(put_page);
	segment_new();
	check_read(WINDOW);
	fluke_mutex_create((fluke_mutex_t *)page);
	questions = 0;
	EXPECT_EXCEPTION(FLUKE_EXC_OBJECT_PAGE, check_read(WINDOW));
	CHECK_EQUAL(questions, 0);
}

CASE("fault-13", "search asks the keeper of a hole above for objects")
{
	fluke_space_t *view = check_space_new();
	fluke_obspec_t found[2];
	oskit_addr_t offset = 0;
	natural_t count = 2;

	start(put_page);
	segment_new();
	fluke_mutex_create((fluke_mutex_t *)(page + 64));
	check_mapping_new(check_region_new(segment, 0x1000, 2 * PAGE, FLUKE_PROT_ALL, check_port_new(portset, 4)), 0, view,
		0x1000, PAGE, FLUKE_PROT_ALL);
	fluke_region_search(check_region_new(view, 0x1000, PAGE, FLUKE_PROT_ALL, 0), &offset, PAGE, found, &count);
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].alias, 4);
	CHECK_EQUAL(asked[0].m.access, FLUKE_PROT_OBJECT);
	CHECK_EQUAL(count, 1);
	CHECK_EQUAL(found[0].ob, 0x1000 + 64);
}

CASE("fault-14", "the keeper's answer tells search how much to skip")
{
	fluke_space_t *view = check_space_new();
	fluke_obspec_t found[2];
	oskit_addr_t offset = 0;
	natural_t count = 2;

	start(0);
	segment_new();
	answer = 0x100000;
	check_mapping_new(check_region_new(segment, 0x1000, 0x200000, FLUKE_PROT_ALL, check_port_new(portset, 4)), 0, view,
		0x1000, 0x200000, FLUKE_PROT_ALL);
	fluke_region_search(check_region_new(view, 0x1000, 0x200000, FLUKE_PROT_ALL, 0), &offset, 0x200000, found, &count);
	CHECK_EQUAL(questions, 2);
	CHECK_EQUAL(asked[1].m.subcode, 0x100000);
	CHECK_EQUAL(offset, 0x200000);
	CHECK_EQUAL(count, 2);
}

CASE("fault-15", "page 0 cannot be touched and kernel addresses neither")
{
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(0));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_read(0xc0100000));
	EXPECT_EXCEPTION(FLUKE_EXC_PAGE_FAULT, check_write(FLUKE_ENTRY, 1));
}

CASE("fault-16", "more memory than all page tables can hold at once stays usable")
{
	uint32_t pages = (uint32_t)check_pages(1), count = 300;
	fluke_region_t *r = check_region_new(check_root_space, pages, PAGE, RW, 0);

	for (uint32_t i = 0; i < count; i++)
		check_mapping_new(r, 0, check_root_space, WINDOW + i * 0x200000, PAGE, RW);
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t i = 0; i < count; i++) {
			check_write(WINDOW + i * 0x200000, i + round);
			CHECK_EQUAL(check_read(pages), i + round);
		}
}

/* ---- a client's message into a server's buffer that a keeper has to bring */

static fluke_portset_t *served_set;
static uint32_t served_words, sent[100], sent_status;
static fluke_ref_t *served_dest;

static void window_server(void *unused)
{
	static uint32_t done[2];
	fluke_ipc_params_t p = { .recv_words = 100, .recv_data = (void *)WINDOW };

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, served_set, 0);
	for (;;) {
		served_words = 100 - p.recv_words;
		p = (fluke_ipc_params_t){ .send_words = 2, .send_data = done, .recv_words = 100, .recv_data = (void *)WINDOW };
		fluke_ipc_server_ack_send_wait_receive(&p, 0);
	}
}

static void window_client(void *unused)
{
	static uint32_t back[2];
	fluke_ipc_params_t p = { .send_words = 100, .send_data = sent, .recv_words = 2, .recv_data = back };

	(void)unused;
	sent_status = fluke_ipc_client_connect_send_over_receive(&p, served_dest);
}

/* The server's thread; the client's with that sched_val is where it cannot go on. */
static fluke_thread_t *meet(fluke_thread_t **client)
{
	fluke_thread_t *server;

	served_set = check_portset_new();
	served_dest = check_port_ref_new(check_port_new(served_set, 1));
	served_words = 0;
	sent_status = ~0u;
	for (uint32_t i = 0; i < 100; i++)
		sent[i] = 3 * i;
	server = check_thread_new(check_space_twin(), window_server, 0);
	check_run();
	*client = check_thread_new(check_space_twin(), window_client, 0);
	check_run();
	return server;
}

CASE("fault-17", "a message into a server's buffer that is missing: the keeper is asked once, and the message arrives whole")
{
	fluke_thread_t *client;

	start(put_page);
	segment_new();
	meet(&client);
	CHECK_EQUAL(sent_status, FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(served_words, 100);
	CHECK_EQUAL(questions, 1);
	CHECK_EQUAL(asked[0].m.subcode, 0);
	CHECK_EQUAL(asked[0].m.access, FLUKE_PROT_WRITE);
	CHECK_EQUAL(((uint32_t *)page)[99], 297);
}

CASE("fault-18", "the same, where the keeper mends nothing: it is the server that takes the exception, not its client")
{
	fluke_thread_t *client;

	start(0);
	segment_new();
	meet(&client);
	CHECK(questions >= 1);
	CHECK_EQUAL(check_caught.code, FLUKE_EXC_PAGE_FAULT);
	CHECK_EQUAL(check_caught.subcode, WINDOW);
	CHECK_EQUAL(sent_status, ~0u);
}

static void never(void *set)
{
	fluke_ipc_params_t p = { .recv_words = 8, .recv_data = asked };

	fluke_ipc_setup_wait_receive(&p, set, 0);
	asked[0].alias = 77;
	check_thread_end();
}

CASE("fault-19", "the same, where the keeper never answers: the client can be stopped and read, and the server serves others")
{
	static fluke_thread_state_t state;
	fluke_thread_links_t none = { 0 };
	fluke_thread_t *client;
	uint32_t two[2] = { 5, 6 }, back[2];
	fluke_ipc_params_t p = { .send_words = 2, .send_data = two, .recv_words = 2, .recv_data = back };

	portset = check_portset_new();
	check_thread_new(check_root_space, never, portset);
	check_run();
	segment_new();
	meet(&client);
	CHECK_EQUAL(asked[0].alias, 77);
	fluke_thread_get_state(client, &state, none);
	CHECK_EQUAL(state.regs.eip, FLUKE_ENTRY);
	CHECK_EQUAL(state.regs.eax & 0xff, FLUKE_CALL_ipc_client_connect_send_over_receive);
	put_page(&(struct fluke_exc_message){ .subcode = 0 });
	CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(&p, served_dest), FLUKE_IPC_RECV_DISCONNECTED);
	CHECK_EQUAL(served_words, 2);
}
