/* The loop of a scheduler: one thread that gives its time to the client that the policy picks, and
 * learns from the result of thread_schedule, or from messages to its port, what has changed.
 *
 * While nobody who may come could go before the client, requests wait in the kernel until it blocks
 * (LAZY): a wake-up then costs no run of the scheduler of its own.  They are fetched before a
 * quantum ends, so that who has waited stands before who has run.  The client pays for the time
 * between two looks at the clock; a scheduler below another one looks at what that one gave it. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "sched.h"

#define TAKE	FLUKE_WAKEUP_TAKE_REQUEST

struct scheduler *scheduler_new(struct policy *policy, const struct scheduler_clock *clock)
{
	struct scheduler *s = calloc(1, sizeof *s);

	if (!s || !policy)
		return NULL;
	s->policy = policy;
	s->clock = clock;
	lock_init(&s->lock);
	s->portset = portset_new();
	s->port = s->portset ? port_new(s->portset, NULL, 0) : NULL;
	s->port_ref = ref_new();
	if (!s->lock.mutex || !s->port || !s->port_ref || (clock->open && clock->open(clock->self, s)))
		return NULL;
	fluke_port_reference(s->port, s->port_ref);
	return s;
}

void scheduler_look(struct scheduler *s)
{
	uint32_t message[2] = { SCHEDULER_LOOK, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, s->port_ref);
}

uint64_t scheduler_rounds(struct scheduler *s)
{
	return s->rounds;
}

static inline uint64_t clock_read(const struct scheduler *s)
{
	return s->clock == &scheduler_real_clock ? rdtsc() : s->clock->now(s->clock->self);
}

/* ---- what comes ---- */

static void requested(struct scheduler *s, uint32_t value, uint64_t now)
{
	struct scheduler_client *c = scheduler_client(s, value);

	if (!c || !c->known)
		return;
	if (value & FLUKE_SCHED_URGENT)
		s->urgent = c;
	policy_ready(s->policy, &c->policy, now);
}

static void received(struct scheduler *s, uint32_t status, const uint32_t *words, uint64_t now)
{
	if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_RELIABLE)
		fluke_ipc_server_disconnect();
	if (FLUKE_IPC_FLAVOUR(status) != FLUKE_IPC_ONEWAY)
		return;
	if (words[0] == FLUKE_SCHED_REQUEST)
		requested(s, words[1], now);
	else if (words[0] & SCHEDULER_LOOK)
		s->armed = 0;
}

/* Takes one message; waits for it if there is none. */
static void receive(struct scheduler *s)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], status;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias;

	status = fluke_ipc_wait_receive(&p, &alias);
	if (s->orders)
		scheduler_orders(s, clock_read(s));
	received(s, status, words, clock_read(s));
}

/* All that waits in the kernel. */
static void drain(struct scheduler *s, uint64_t now)
{
	natural_t result;

	for (;;) {
		result = fluke_thread_schedule(NULL, s->port, TAKE | FLUKE_WAKEUP_LAZY);
		if (s->orders)
			scheduler_orders(s, now);
		if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_REQUESTED)
			requested(s, FLUKE_SCHED_VALUE(result), now);
		else if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_MESSAGE)
			receive(s);
		else
			return;
	}
}

/* ---- time ---- */

/* A look at the clock is wanted at the end of the quantum, or when the policy says.  One that is armed for an
 * earlier time is left: it costs one more look. */
static void arm(struct scheduler *s, uint64_t now, uint64_t quantum)
{
	uint64_t wake = policy_wake(s->policy, now), when = quantum ? now + quantum : 0;

	if (wake && (!when || wake < when))
		when = wake;
	if (!when || !s->clock->arm || (s->armed && s->armed <= when && s->armed > now))
		return;
	s->armed = when;
	s->clock->arm(s->clock->self, s, when);
}

/* Time since `since`, own time; never more than went by on the clock. */
static uint64_t elapsed(struct scheduler *s, uint64_t now)
{
	uint64_t real = now - s->real_since, own;

	if (!s->above)
		return real;
	own = scheduler_now(s) - s->since;
	return own < real ? own : (int64_t)own < 0 ? 0 : real;
}

/* ---- the loop ---- */

static int has_blocked(natural_t result)
{
	return FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_BLOCKED || FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_INVALID ||
		FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_BLOCKED_REQUESTED;
}

static void arrivals(struct scheduler *s, natural_t result, uint64_t now)
{
	if (FLUKE_SCHED_RESULT(result) >= FLUKE_SCHED_REQUESTED)
		requested(s, FLUKE_SCHED_VALUE(result), now);
	if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_MESSAGE)
		receive(s);
	if (FLUKE_SCHED_RESULT(result) == FLUKE_SCHED_MESSAGE ||
	    (FLUKE_SCHED_RESULT(result) >= FLUKE_SCHED_REQUESTED && !s->policy->class->arrival_order))
		drain(s, now);
}

/* The client has run, with that result.  Who came meanwhile stands before it if its turn is over; but if it has
 * blocked, it may have come back too. */
static uint64_t returned(struct scheduler *s, struct scheduler_client *c, natural_t result)
{
	uint64_t now = clock_read(s), time = elapsed(s, now);

	s->running = NULL;
	if (s->orders)
		scheduler_orders(s, now);
	if (!has_blocked(result)) {
		arrivals(s, result, now);
		policy_charge(s->policy, &c->policy, time);
		return now;
	}
	policy_charge(s->policy, &c->policy, time);
	policy_blocked(s->policy, &c->policy);
	if (s->urgent == c)
		s->urgent = NULL;
	arrivals(s, result, now);
	return now;
}

/* Does its turn end, or has it none?  One that is alone needs no alarm; but if one is armed still, it will do. */
static int looks_soon(const struct scheduler *s, const struct scheduler_client *c, uint64_t now)
{
	return s->armed > now || !s->clock->arm || !c->policy.turn;
}

static uint64_t run(struct scheduler *s, struct scheduler_client *c, uint64_t now)
{
	natural_t how = TAKE;

	if (s->urgent) {
		c = s->urgent;
		how |= FLUKE_WAKEUP_LAZY;
	} else {
		arm(s, now, policy_quantum(s->policy, &c->policy));
		if (looks_soon(s, c, now) && policy_patient(s->policy, &c->policy))
			how |= FLUKE_WAKEUP_LAZY;
	}
	s->real_since = now;
	s->since = s->above ? scheduler_now(s) : now;
	s->running = c;
	return returned(s, c, fluke_thread_schedule((fluke_thread_t *)c->thread, s->port, how));
}

void scheduler_loop(struct scheduler *s)
{
	uint32_t words[FLUKE_MAX_MIN_MSG], status;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	struct scheduler_client *c;
	natural_t alias;
	uint64_t now;

	status = fluke_ipc_setup_wait_receive(&p, s->portset, &alias);
	now = clock_read(s);
	scheduler_orders(s, now);
	received(s, status, words, now);
	for (;;) {
		s->rounds++;
		c = (struct scheduler_client *)policy_pick(s->policy, now);
		if (c) {
			now = run(s, c, now);
			continue;
		}
		arm(s, now, 0);
		receive(s);
		now = clock_read(s);
	}
}

/* ---- start ---- */

struct booking { struct scheduler *s, *starting; const struct policy_parameters *parameters; natural_t number; int error; };

static int book(void *booker, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	struct booking *b = booker;
	fluke_ref_t *ref = ref_new();

	if (!ref)
		return ENOMEM;
	fluke_thread_reference(thread, ref);
	b->error = scheduler_admit(b->s, ref, b->parameters, port, sched_val);
	ref_free(ref);
	b->number = *sched_val;
	if (b->starting && !b->error) {
		b->starting->above_val = b->number;
		b->starting->above = b->s;
		scheduler_client(b->s, b->number)->below = b->starting;
	}
	return b->error;
}

fluke_thread_t *scheduler_thread(struct scheduler *s, const struct policy_parameters *parameters, void (*entry)(void *),
	void *argument, size_t stack, natural_t *sched_val, int *error)
{
	struct booking b = { .s = s, .parameters = parameters, .error = ENOMEM };
	fluke_thread_t *thread = thread_start_scheduled(entry, argument, stack, book, &b);

	if (sched_val)
		*sched_val = b.number;
	if (error)
		*error = thread ? 0 : b.error ? b.error : ENOMEM;
	return thread;
}

static void start(void *s)
{
	scheduler_loop(s);
}

int scheduler_start(struct scheduler *s, struct scheduler *above, const struct policy_parameters *parameters)
{
	struct booking b = { .s = above, .starting = s, .parameters = parameters, .error = ENOMEM };

	if (!above)
		return thread_start(start, s, 0) ? 0 : ENOMEM;
	if (thread_start_scheduled(start, s, 0, book, &b))
		return 0;
	return b.error ? b.error : ENOMEM;
}
