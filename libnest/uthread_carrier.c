/* The kernel threads that carry user threads, and the package's scheduler, which is the caller of uthread_run.
 *
 * The scheduler lends its processor to one carrier with WAKEUP_ON_BLOCK.  Its call ends when that carrier blocks in the
 * kernel (the user thread on it waits there; another carrier takes over the ready queue), or when another
 * carrier asks, which has come back from the kernel.  That one goes first if it used little time before it blocked, as
 * who drives a device does; else it goes behind those that wait for the processor.
 *
 * The scheduler takes no lock and no memory, since whoever holds them may be waiting for the processor:
 * so carriers are made by carriers, one ahead of need. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "uthread.h"

#define CARRIER_STACK	8192u
#define SHORT		200000u	/* counts of the time stamp counter: who uses less between two waits goes first */
#define GIVE_WAY	2u		/* word of a message to the scheduler: look again; a request is {1, number} */

static struct package *const p = &uthread_package;

static void append(struct carrier_list *list, struct carrier *c)
{
	c->next = NULL;
	if (list->head)
		list->tail->next = c;
	else
		list->head = c;
	list->tail = c;
}

static struct carrier *take(struct carrier_list *list)
{
	struct carrier *c = list->head;

	if (c)
		list->head = c->next;
	return c;
}

/* Takes it out of the list, if it is there. */
static int remove_from(struct carrier_list *list, struct carrier *c)
{
	struct carrier *before = NULL, *at = list->head;

	while (at && at != c) {
		before = at;
		at = at->next;
	}
	if (!at)
		return 0;
	if (before)
		before->next = c->next;
	else
		list->head = c->next;
	if (list->tail == c)
		list->tail = before;
	return 1;
}

static void notify(fluke_ref_t *to, uint32_t word)
{
	uint32_t message[2] = { word, 0 };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&params, to);
}

void uthread_give_way(void)
{
	p->wanted = 0;
	notify(p->port_ref, GIVE_WAY);
}

/* ---- carriers ---- */

static void carrier_free(struct carrier *c)
{
	ref_free(c->port_ref);
	port_free(c->port);
	portset_free(c->portset);
	free(c);
}

/* Until the scheduler has work for it. */
static void park(struct carrier *c)
{
	uint32_t words[FLUKE_MIN_MSG_SIZE];
	fluke_ipc_params_t params = { .recv_words = FLUKE_MIN_MSG_SIZE, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&params, c->portset, &alias);
}

static struct carrier *carrier_new(void);

static void make_ahead(void)
{
	if (p->idle.head || p->made->number >= p->most || !__sync_bool_compare_and_swap(&p->making, 0, 1))
		return;
	carrier_new();
	p->making = 0;
}

static void carrier_main(void *argument)
{
	struct carrier *c = argument;

	thread_carrier_set(c);
	uthread_enter();
	for (;;) {
		c->parked = 1;
		uthread_leave();
		park(c);
		if (c->end)
			break;
		make_ahead();
		uthread_enter();
		while (!c->retire && (c->current = uthread_take(&p->ready)) != NULL)
			uthread_switch(&c->esp, c->current->esp);
		c->retire = 0;
	}
	c->ended = 1;
}

/* Its requests for time go to our scheduler. */
static void adopt(struct carrier *c)
{
	fluke_thread_state_t state;
	fluke_thread_links_t links = { [FLUKE_LINK_SCHEDULER] = p->port_ref };

	fluke_thread_get_state(c->thread, &state, NULL);
	state.sched_val = c->number;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(c->thread, &state, links);
}

static struct carrier *carrier_new(void)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->portset = portset_new();
	c->port = c->portset ? port_new(c->portset, NULL, 0) : NULL;
	c->port_ref = ref_new();
	c->number = p->made ? p->made->number + 1 : 1;
	c->asleep = 1;
	if (c->port && c->port_ref) {
		fluke_port_reference(c->port, c->port_ref);
		c->thread = thread_start_donated(carrier_main, c, CARRIER_STACK);
	}
	if (!c->thread) {
		carrier_free(c);
		return NULL;
	}
	p->carrier[c->number] = c;
	c->next_made = p->made;
	p->made = c;
	uthread_statistics.carriers++;
	adopt(c);
	return c;
}

/* ---- the scheduler ---- */

static void requested(uint32_t number)
{
	struct carrier *c = p->carrier[number];

	if (!c || !c->asleep)
		return;
	c->asleep = 0;
	append(c->used < SHORT ? &p->woken : &p->runnable, c);
	c->used = 0;
}

/* Takes one message, for which it waits. */
static void receive(void)
{
	uint32_t words[FLUKE_MIN_MSG_SIZE] = { 0, 0 };
	fluke_ipc_params_t params = { .recv_words = FLUKE_MIN_MSG_SIZE, .recv_data = words };
	natural_t alias, status = fluke_ipc_setup_wait_receive(&params, p->portset, &alias);

	if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_ONEWAY && words[0] == FLUKE_SCHED_REQUEST)
		requested(words[1]);
}

static void drain(void)
{
	uint32_t result;

	while (FLUKE_SCHED_RESULT(result = fluke_thread_schedule(NULL, p->port, FLUKE_WAKEUP_TAKE_REQUEST)) == FLUKE_SCHED_REQUESTED)
		requested(FLUKE_SCHED_VALUE(result));
}

static void fell_asleep(struct carrier *c)
{
	c->asleep = 1;
	if (!c->parked)
		uthread_statistics.blocked++;
	else if (!p->ending)
		append(&p->idle, c);
}

/* Lends the processor to it, until something happens. */
static void run(struct carrier *c)
{
	uint64_t since = rdtsc();
	uint32_t result;

	uthread_statistics.donations++;
	result = fluke_thread_schedule(c->thread, p->port, FLUKE_WAKEUP_ON_BLOCK | FLUKE_WAKEUP_TAKE_REQUEST);
	since = rdtsc() - since;
	c->used = since < SHORT - c->used ? c->used + (uint32_t)since : SHORT;
	switch (FLUKE_SCHED_RESULT(result)) {
	case FLUKE_SCHED_MESSAGE:
		receive();
		append(&p->runnable, c);
		break;
	case FLUKE_SCHED_REQUESTED:
		requested(FLUKE_SCHED_VALUE(result));
		append(&p->runnable, c);
		break;
	case FLUKE_SCHED_BLOCKED_REQUESTED:
		fell_asleep(c);
		requested(FLUKE_SCHED_VALUE(result));
		break;
	default:
		fell_asleep(c);
		return;
	}
	drain();
	if (p->critical && p->woken.head) {
		p->wanted = 1;
		uthread_statistics.deferred++;
	}
}

/* Who runs now; null: nobody, or the first of the ready queue, which has every second turn. */
static struct carrier *choose(void)
{
	struct carrier *c = p->critical;

	if (c)
		return remove_from(&p->runnable, c) || remove_from(&p->woken, c) ? c : NULL;
	p->wanted = 0;
	c = take(&p->woken);
	if (c || (p->ready.head && p->idle.head && (p->turn = !p->turn)))
		return c;
	return take(&p->runnable);
}

/* A parked carrier shall look into the ready queue; its request for time follows. */
static int wake_idle(void)
{
	struct carrier *c = take(&p->idle);

	if (!c)
		return 0;
	c->parked = 0;
	c->used = 0;
	notify(c->port_ref, 1);
	return 1;
}

/* 0, or EDEADLK: all carriers are parked, and none has anything to do. */
static int schedule(void)
{
	struct carrier *c;
	uint32_t parked;

	while (p->live) {
		c = choose();
		if (c) {
			run(c);
			continue;
		}
		if (!p->critical && p->ready.head)
			wake_idle();
		parked = 0;
		for (c = p->idle.head; c; c = c->next)
			parked++;
		if (parked == p->made->number)
			return EDEADLK;
		receive();
	}
	return 0;
}

/* One round without a look at the ready queue. */
static void step(void)
{
	struct carrier *c = choose();

	if (c)
		run(c);
	else
		receive();
}

/* Carriers end as other threads do, so that their stacks are used again. */
static void end_carriers(void)
{
	struct carrier *c;

	p->ending = 1;
	p->idle.head = NULL;
	for (c = p->made; c; c = c->ended && c->asleep ? c->next_made : p->made) {
		if (!c->end) {
			c->end = 1;
			notify(c->port_ref, 1);
		}
		if (!c->ended || !c->asleep)
			step();
	}
	for (uint32_t n = 1; n <= p->most; n++)
		if (p->carrier[n])
			carrier_free(p->carrier[n]);
}

static void free_spare(void)
{
	struct uthread *t, *next;

	for (t = p->spare; t; t = next) {
		next = t->next;
		free((char *)t + ((sizeof(*t) + 15) & ~15u) - t->size);
	}
}

static int start(void (*entry)(void *), void *argument)
{
	struct uthread *t = uthread_create(entry, argument, 0);

	if (t)
		uthread_detach(t);
	return t != NULL;
}

int uthread_run(void (*entry)(void *), void *argument, unsigned carriers)
{
	int error = ENOMEM;

	memset(p, 0, sizeof(*p));
	memset(&uthread_statistics, 0, sizeof(uthread_statistics));
	p->most = carriers ? carriers : 1;
	p->carrier = calloc(p->most + 1, sizeof(*p->carrier));
	p->portset = portset_new();
	p->port = p->portset ? port_new(p->portset, NULL, 0) : NULL;
	p->port_ref = ref_new();
	if (p->carrier && p->port && p->port_ref) {
		fluke_port_reference(p->port, p->port_ref);
		if (carrier_new())
			error = start(entry, argument) ? schedule() : ENOMEM;
		end_carriers();
	}
	free_spare();
	ref_free(p->port_ref);
	port_free(p->port);
	portset_free(p->portset);
	free(p->carrier);
	return error;
}
