/* The root scheduler: the first thread's loop.  Clients take turns.  While a quantum runs, requests
 * of others wait in the kernel until the client blocks; at its end, if there are none, the client is
 * alone and runs on without a quantum until somebody asks, so an idle or single-minded machine
 * has no timer interrupts.  All events
 * come to one port: requests of clients that became ready, the deadline, and word CHANGED when
 * the clock has an earlier deadline.  One client, the idle thread, runs only when no other is
 * ready.
 *
 * The client table is written by whoever adds a client (client_lock) and read by the scheduler,
 * which knows a client only after it was filled in: its number comes with its first request. */
#include <stdlib.h>
#include <string.h>
#include <protocols/Machine.h>
#include <protocols/Scheduler_server.h>
#include "root.h"

#define QUANTUM		10000000ull	/* ns */
#define LEAD_MOST	20000u		/* ns */
#define LEAD_SPARE	200u
#define CLIENTS_MAX	8192u
#define CHANGED		2u		/* a request is {1, number} */
#define IDLE		1u		/* number of the idle thread */

struct shown { char name[24]; fluke_ref_t *view; };

struct client {
	fluke_ref_t	*thread;	/* null = free */
	uint32_t	next;		/* in the ready queue */
	uint32_t	next_ended;	/* in the list of those that end() was called for */
	uint8_t		ready, ended;
	uint64_t	base;		/* what its thread had used before */
	uint64_t	used;		/* tsc cycles supplied, when that was looked at last */
	uint8_t		own;		/* a thread of root */
	struct session	*payer;		/* has it among its threads; null: root's */
	struct shown	*shown;		/* null: nobody has said what it is */
};

struct scheduler_port { struct served served; };

static struct client *client;
static uint32_t clients;		/* entries ever used; 0 is none */
static uint32_t sweep = IDLE + 1;
static uint32_t ended;			/* list: likely to be free now */
static volatile int changed;		/* clients have come or gone since the last scheduler_sweep */
static struct lock client_lock;
static uint64_t	rounds, gone_used;
static uint32_t first, last, current;	/* ready queue; who has the processor */
static int	idle_ready;
static volatile int idle_critical, idle_yield;
static fluke_portset_t *portset;
static fluke_port_t *port;
static fluke_ref_t *port_ref;
static struct scheduler_port scheduler_port;
static uint64_t	armed;			/* the deadline that the kernel has (time stamp counter); 0 = none */
static uint64_t	came;			/* that deadline, once it has come; 0 = seen to */
static uint64_t	lead;			/* ns from a deadline's coming until a timer can be fired: timers are armed so much sooner */
static fluke_portset_t *idle_set;
static fluke_ref_t *idle_port;

/* ---- clients ---- */

static int has_gone(uint32_t i)
{
	return client[i].thread && !client[i].ready && fluke_ref_type(client[i].thread) == FLUKE_NULL;
}

static void shown_forget(uint32_t number)
{
	struct shown *shown = client[number].shown;

	client[number].shown = NULL;
	if (shown)
		ref_free(shown->view);
	free(shown);
}

/* With the lock. */
static void drop(uint32_t i)
{
	shown_forget(i);
	ref_free(client[i].thread);
	client[i].thread = NULL;
	if (client[i].payer) {
		session_give(client[i].payer, HOLDS_THREADS, 1);
		session_put(client[i].payer);
		client[i].payer = NULL;
	}
}

/* Two entries per call are looked at: those whose thread has gone are free again. */
static void sweep_some(void)
{
	int i;

	for (i = 0; i < 2 && clients > IDLE + 1; i++) {
		if (++sweep > clients)
			sweep = IDLE + 1;
		if (has_gone(sweep))
			drop(sweep);
	}
}

/* In the idle thread: the entries of all threads that have gone. */
void scheduler_sweep(void)
{
	if (!changed)
		return;
	changed = 0;
	for (uint32_t i = IDLE + 1; i <= clients; i++) {
		scheduler_idle_critical(1);
		lock_take(&client_lock);
		if (has_gone(i))
			drop(i);
		lock_drop(&client_lock);
		scheduler_idle_critical(0);
	}
}

/* One that end() was called for and whose thread has gone; 0: none. */
static uint32_t find_ended(void)
{
	uint32_t *link, i;

	for (link = &ended; (i = *link); link = &client[i].next_ended) {
		if (client[i].ready || (client[i].thread && fluke_ref_type(client[i].thread) != FLUKE_NULL))
			continue;
		*link = client[i].next_ended;
		client[i].ended = 0;
		drop(i);
		return i;
	}
	return 0;
}

static uint32_t find_free(void)
{
	uint32_t i = find_ended();

	if (i)
		return i;

	if (sweep <= clients && !client[sweep].thread && !client[sweep].ready && !client[sweep].ended)
		return sweep;
	if (clients + 1 < CLIENTS_MAX)
		return ++clients;
	for (i = IDLE + 1; i <= clients; i++)
		if (!client[i].ready && !client[i].ended && (!client[i].thread || fluke_ref_type(client[i].thread) == FLUKE_NULL)) {
			drop(i);
			return i;
		}
	return 0;
}

/* Threads that have gone count until they are found. */
static void sweep_all(void)
{
	lock_take(&client_lock);
	for (uint32_t i = IDLE + 1; i <= clients; i++)
		if (has_gone(i))
			drop(i);
	lock_drop(&client_lock);
}

static uint64_t thread_used(fluke_ref_t *thread)
{
	natural_t low, high;

	fluke_thread_used((fluke_thread_t *)thread, &low, &high);
	return (uint64_t)high << 32 | low;
}

/* Supplied to the client in all; what is known of one whose thread has gone. */
static uint64_t client_used(struct client *c)
{
	uint64_t used = c->thread ? thread_used(c->thread) : 0;

	if (used > c->base + c->used)
		c->used = used - c->base;
	return c->used;
}

/* payer: taken over with the number; null: a thread of root. */
static uint32_t add_client(fluke_ref_t *thread, struct session *payer)
{
	fluke_ref_t *copy = ref_dup(thread);
	uint32_t number;

	if (!copy)
		return 0;
	lock_take(&client_lock);
	sweep_some();
	changed = 1;
	number = find_free();
	if (number) {
		gone_used += client[number].used;
		client[number].used = 0;
		client[number].own = !payer;
		client[number].payer = payer;
		client[number].thread = copy;
		client[number].base = thread_used(copy);
	}
	lock_drop(&client_lock);
	if (!number)
		ref_free(copy);
	return number;
}

/* ---- what clients are, for those who look (SchedulerView) ---- */

static int scheduler_show(void *self, struct request *r, uint32_t sched_val, const char *name, fluke_ref_t *view)
{
	struct shown *shown;

	(void)self, (void)r;
	if (sched_val <= IDLE || sched_val > clients || !(shown = calloc(1, sizeof *shown)))
		return sched_val <= IDLE || sched_val > clients ? ESRCH : ENOMEM;
	strlcpy(shown->name, name, sizeof shown->name);
	shown->view = view && fluke_ref_type(view) != FLUKE_NULL ? ref_dup(view) : NULL;
	lock_take(&client_lock);
	shown_forget(sched_val);
	client[sched_val].shown = shown;
	lock_drop(&client_lock);
	return 0;
}

static int view_about(void *self, struct request *r, const char **policy, uint64_t *time, uint64_t *gone, uint64_t *count,
	uint32_t *number)
{
	(void)self, (void)r;
	*policy = "rr";
	*time = rdtsc();
	*count = rounds;
	*gone = gone_used;
	for (uint32_t i = IDLE; i <= clients; i++)
		if (client[i].thread && !client[i].ended)
			++*number;
		else
			*gone += client[i].used;
	return 0;
}

static int view_client(void *self, struct request *r, uint32_t from, uint32_t *number, const char **name, uint32_t *ready,
	uint64_t *used, int32_t *priority, uint32_t *weight, uint32_t *group, void **view)
{
	char *text = request_scratch(r);
	fluke_ref_t *ref = NULL;

	(void)self, (void)priority, (void)weight, (void)group;
	lock_take(&client_lock);
	for (*number = from ? from : 1; *number <= clients && (!client[*number].thread || client[*number].ended); ++*number)
		;
	if (*number <= clients) {
		struct client *c = &client[*number];

		strlcpy(text, c->shown ? c->shown->name : *number == IDLE ? "idle" : c->own ? "root" : "", 64);
		*used = client_used(c);
		*ready = c->ready;
		if (c->shown && c->shown->view)
			ref = ref_dup(c->shown->view);
	} else {
		*text = 0;
		*number = 0;
	}
	lock_drop(&client_lock);
	*name = text;
	request_free_ref(r, ref);
	*view = ref;
	return 0;
}

static int starting_idle, starting_urgent;	/* what threads are that are started now */

void scheduler_urgent(int on)
{
	starting_urgent = on;
}

int thread_scheduler(fluke_thread_t *thread, fluke_ref_t *to, natural_t *sched_val)
{
	fluke_ref_t *ref = ref_new();
	uint32_t number = starting_idle ? IDLE : 0;

	if (ref && !number) {
		fluke_thread_reference(thread, ref);
		number = add_client(ref, NULL);
		ref_free(ref);
	}
	if (!number)
		return ENOMEM;
	*sched_val = number | (starting_urgent ? FLUKE_SCHED_URGENT : 0);
	fluke_port_reference(port, to);
	return 0;
}

static int scheduler_add(void *self, struct request *r, fluke_ref_t *thread, void **to, uint32_t *sched_val)
{
	struct session *payer;

	(void)self, (void)r;
	if (!thread || fluke_ref_type(thread) != FLUKE_TYPE_THREAD)
		return EINVAL;
	payer = session_present(scheduler_port.served.server);
	if (!payer)
		return ENOMEM;
	if (!session_take(payer, HOLDS_THREADS, 1)) {
		sweep_all();
		if (!session_take(payer, HOLDS_THREADS, 1)) {
			session_put(payer);
			return session_error(HOLDS_THREADS);
		}
	}
	*to = port;
	*sched_val = add_client(thread, payer);
	if (*sched_val)
		return 0;
	session_give(payer, HOLDS_THREADS, 1);
	session_put(payer);
	return ENOMEM;
}

static int scheduler_get_usage(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	(void)self, (void)r;
	if (sched_val <= IDLE || sched_val > clients)
		return ESRCH;
	lock_take(&client_lock);
	*tsc = client_used(&client[sched_val]);
	lock_drop(&client_lock);
	return 0;
}

static int scheduler_end(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	int error = scheduler_get_usage(self, r, sched_val, tsc);

	if (error)
		return error;
	lock_take(&client_lock);
	changed = 1;
	if (!client[sched_val].ended) {
		client[sched_val].ended = 1;
		client[sched_val].next_ended = ended;
		ended = sched_val;
	}
	lock_drop(&client_lock);
	return 0;
}

static const struct Scheduler_methods methods = {
	.add = scheduler_add, .get_usage = scheduler_get_usage, .end = scheduler_end, .show = scheduler_show,
};
static const struct interface interfaces[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &methods }, { 0, 0, 0 } };
static const struct served_class class = { .name = "scheduler", .interfaces = interfaces };

fluke_ref_t *scheduler_service(void)
{
	static fluke_ref_t *ref;

	if (!ref && !served_init(&scheduler_port.served, &class, server))
		ref = served_ref(&scheduler_port.served);
	return ref;
}

fluke_ref_t *scheduler_view_service(void)
{
	static const struct SchedulerView_methods view_methods = { .about = view_about, .client = view_client };
	static const struct interface list[] = { { SchedulerView_INTERFACE, SchedulerView_dispatch, &view_methods }, { 0, 0, 0 } };
	static const struct served_class view_class = { .name = "scheduler view", .interfaces = list };
	static struct served view;

	return served_init(&view, &view_class, server) ? 0 : served_ref(&view);
}

void scheduler_boot(void)
{
	client = calloc(CLIENTS_MAX, sizeof *client);
	lock_init(&client_lock);
	clients = IDLE;
	portset = portset_new();
	port = port_new(portset, 0, 0);
	port_ref = ref_new();
	idle_set = portset_new();
	idle_port = ref_new();
	if (!client || !port || !port_ref || !idle_set || !idle_port)
		fatal("no memory for the scheduler");
	fluke_port_reference(port, port_ref);
	fluke_port_reference(port_new(idle_set, 0, 0), idle_port);
}

static void notify(fluke_ref_t *to, uint32_t word)
{
	uint32_t message[2] = { word, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, to);
}

void scheduler_deadline_changed(void)
{
	notify(port_ref, CHANGED);
}

/* ---- the idle thread ---- */

void scheduler_idle_thread(void (*entry)(void *))
{
	fluke_thread_t *thread;

	starting_idle = 1;
	thread = thread_start((void (*)(void *))entry, 0, 8192);
	starting_idle = 0;
	client[IDLE].thread = ref_new();
	if (thread && client[IDLE].thread) {
		fluke_thread_reference(thread, client[IDLE].thread);
		idle_ready = 1;
	}
}

void scheduler_idle_wait(void)
{
	uint32_t words[FLUKE_MAX_MIN_MSG];
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias;

	fluke_ipc_setup_wait_receive(&p, idle_set, &alias);
}

/* Preempted with a lock in hand it goes on ahead of the others, to the end of that section: until the scheduler has seen it
 * wait, since a notice of earlier may end the first wait at once. */
void scheduler_idle_critical(int on)
{
	idle_critical = on;
	while (!on && idle_yield)
		scheduler_idle_wait();
}

/* ---- the loop ---- */

static void enqueue(uint32_t number)
{
	if (client[number].ready || !client[number].thread)
		return;
	client[number].ready = 1;
	client[number].next = 0;
	if (last)
		client[last].next = number;
	else
		first = number;
	last = number;
}

static uint32_t dequeue(void)
{
	uint32_t number = first;

	if (number) {
		first = client[number].next;
		if (!first)
			last = 0;
	}
	return number;
}

/* The kernel's deadline becomes the earlier of the clock's and the end of the quantum.  One that
 * is armed for an earlier time than needed is left: it costs one look at the clock. */
static void arm(uint64_t now, uint64_t timers, uint64_t quantum)
{
	uint64_t wanted = timers;

	if (quantum && (!wanted || quantum < wanted))
		wanted = quantum;
	if (!wanted || (armed && armed <= wanted && armed > now))
		return;
	armed = wanted;
	Machine_deadline_set(kernel, wanted, port);
}

static void enqueue_front(uint32_t number)
{
	client[number].ready = 1;
	client[number].next = first;
	first = number;
	if (!last)
		last = number;
}

/* An urgent client goes ahead of the one that runs, which is next then. */
static void requested(uint32_t value)
{
	uint32_t number = value & ~FLUKE_SCHED_URGENT;

	if (number == IDLE)
		idle_ready = 1;
	if (number <= IDLE || number > clients || client[number].ready || !client[number].thread)
		return;
	if (!(value & FLUKE_SCHED_URGENT)) {
		enqueue(number);
		return;
	}
	if (current)
		enqueue_front(current);
	current = 0;
	enqueue_front(number);
}

/* One of the requests that wait in the kernel; 0: there is none, or a message before it. */
static int take_request(void)
{
	natural_t result = fluke_thread_schedule(0, port, FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY);

	if (FLUKE_SCHED_RESULT(result) != FLUKE_SCHED_REQUESTED)
		return 0;
	requested(FLUKE_SCHED_VALUE(result));
	return 1;
}

static void drain_requests(void)
{
	while (take_request())
		;
}

static uint64_t timer_tsc(uint64_t when)
{
	return !when ? 0 : clock_to_tsc(when > lead ? when - lead : 1);
}

/* Fires what is due; returns when to look again (time stamp counter; 0 = never).  What has to be done before the next
 * timer can be left alone is done ahead of the deadline: `lead` follows the time that this takes. */
static uint64_t look_at_timers(void)
{
	uint64_t by, next, then, at, cost, count;
	struct timer *t;

	do {
		by = clock_now() + lead;
		t = clock_due(by, &next);
		at = timer_tsc(next);
		if (!t)
			break;
		if (next > by)
			arm(rdtsc(), at, 0);
		count = clock_count(t);
		cost = came ? clock_of_counts(rdtsc() - came) + LEAD_SPARE : 0;
		if (cost && cost < LEAD_MOST)
			lead = cost > lead ? cost : lead - (lead - cost) / 8;
		came = 0;
		then = next;
		clock_fire(t, count, &next);
		if (next != then)
			at = timer_tsc(next);
		take_request();
	} while (next && next <= by);
	came = 0;
	return at;
}

static void got_message(uint32_t status, const uint32_t *words, int *again)
{
	if (FLUKE_IPC_FLAVOUR(status) != FLUKE_IPC_ONEWAY) {
		if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_RELIABLE)
			fluke_ipc_server_disconnect();
		return;
	}
	if (words[0] == FLUKE_SCHED_REQUEST) {
		requested(words[1]);
		return;
	}
	if (words[0] & FLUKE_PENDING_DEADLINE) {
		came = armed;
		armed = 0;
	}
	if (words[0] & (FLUKE_PENDING_DEADLINE | CHANGED))
		*again = 1;
}

/* Takes one message; waits for it if there is none. */
static void take_message(fluke_ipc_params_t *p, uint32_t *words, int *again)
{
	natural_t alias;

	p->recv_words = FLUKE_MAX_MIN_MSG;
	p->recv_buffers = p->recv_refs = 0;
	got_message(fluke_ipc_wait_receive(p, &alias), words, again);
}

void scheduler_run(void)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], number, result;
	fluke_ipc_params_t p;
	uint64_t now, timers = 0, quantum_end = 0, quantum = clock_to_tsc(QUANTUM);	/* all in counts of the tsc */
	natural_t alias;
	int look_at_clock = 1, alone = 0;

	memset(&p, 0, sizeof p);
	p.recv_words = FLUKE_MAX_MIN_MSG;
	p.recv_data = words;
	got_message(fluke_ipc_setup_wait_receive(&p, portset, &alias), words, &look_at_clock);	/* somebody is ready already */
	for (;;) {
		now = rdtsc();
		rounds++;
		if (look_at_clock) {
			look_at_clock = 0;
			timers = look_at_timers();
		}
		if (current && now >= quantum_end) {
			drain_requests();
			alone = !first;
			if (first && current) {	/* the next one's turn */
				number = current;
				client[number].ready = 0;
				enqueue(number);
				current = 0;
			}
		}
		if (!current && (current = dequeue())) {
			quantum_end = now + quantum;
			alone = !first && !(armed > now && armed <= quantum_end);	/* else the quantum costs nothing */
		}
		arm(now, timers, current && !alone ? quantum_end : 0);
		number = current ? current : idle_ready ? IDLE : 0;
		if (current && idle_ready && idle_critical) {
			number = IDLE;
			idle_yield = 1;
		}
		if (!number) {
			take_message(&p, words, &look_at_clock);
			continue;
		}
		result = fluke_thread_schedule((fluke_thread_t *)client[number].thread, port,
			number == IDLE || alone ? FLUKE_WAKEUP_TAKE_REQUEST :
			FLUKE_WAKEUP_TAKE_REQUEST | FLUKE_WAKEUP_LAZY);
		switch (FLUKE_SCHED_RESULT(result)) {
		case FLUKE_SCHED_MESSAGE:
			take_message(&p, words, &look_at_clock);
			continue;
		case FLUKE_SCHED_REQUESTED:
			requested(FLUKE_SCHED_VALUE(result));
			drain_requests();
			if (alone) {
				alone = 0;
				quantum_end = now + quantum;
			}
			continue;
		}
		/* blocked, or cannot run: it asks again */
		if (number == IDLE) {
			idle_ready = idle_yield = 0;
		} else {
			client[current].ready = 0;
			current = 0;
		}
		if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_BLOCKED_REQUESTED)
			requested(FLUKE_SCHED_VALUE(result));
		if (number == IDLE)
			continue;
		if (!first && store.frames.zeroed < store.frames.free[FRAME_DATA])
			idle_ready = 1, notify(idle_port, 1);
	}
}
