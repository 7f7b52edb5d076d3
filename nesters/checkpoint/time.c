/* Time for those below comes from our parent's scheduler directly, until they have been restored: then their threads have
 * other numbers there than those that programs below remember (they ask for a thread's account by its number, and say its
 * end).  So what leads to the scheduler in an image leads to us afterwards, and we translate.  In an image a thread's number is
 * the one that is remembered, 0 if its end has been said.  Invariant: from then on `map` has all threads below that are known by a
 * number, each number once; another one means nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/Scheduler.h>
#include <protocols/Scheduler_server.h>
#include <nest/fastlock.h>
#include "checkpoint.h"

#define MOST	4096u
#define TRIES	64u

static struct { uint32_t known, real; } map[MOST];
static unsigned	count;
static int	translating;		/* they have been restored */
static struct fast_lock lock;
static fluke_ref_t *scheduler, *time_ref;
static struct served proxy;

fluke_ref_t *time_port(void)
{
	return time_ref;
}

/* weak in libc: so we know the port where our parent's scheduler takes requests. */
int thread_scheduler(fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	int error;

	if (!scheduler && !(scheduler = service_lookup("scheduler")))
		return ENOENT;
	error = Scheduler_add(scheduler, thread, port, sched_val);
	if (!error && !time_ref && (time_ref = ref_new()))
		fluke_ref_copy(port, time_ref);
	return error;
}

static unsigned find(uint32_t known)
{
	unsigned n = 0;

	while (n < count && map[n].known != known)
		n++;
	return n;
}

/* The real number; 0: none. */
static uint32_t real_of(uint32_t known)
{
	unsigned n = find(known);

	return !translating ? known : n < count ? map[n].real : 0;
}

uint32_t time_known(uint32_t real)
{
	for (unsigned n = 0; n < count; n++)
		if (map[n].real == real)
			return map[n].known;
	return translating ? 0 : real;
}

void time_forget(void)
{
	count = 0;
	translating = 1;
}

/* A number that is given out anew was that of a thread that has gone without a word. */
static int enter(uint32_t known, uint32_t real)
{
	for (unsigned n = 0; n < count; n++)
		if (map[n].real == real)
			map[n--] = map[--count];
	if (count == MOST)
		return EAGAIN;
	map[count].known = known;
	map[count++].real = real;
	return 0;
}

/* A restored thread: *sched_val is the number remembered, then the real one. */
int time_restore(fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	uint32_t known = *sched_val;
	int error = thread_scheduler(thread, port, sched_val);

	return error || !known ? error : enter(known, *sched_val);
}

/* ---- the Scheduler of those restored ---- */

/* Numbers that are translated are passed over: they are held until there is another. */
static int add(void *self, struct request *r, fluke_ref_t *thread, void **port, uint32_t *sched_val)
{
	uint32_t held[TRIES];
	fluke_ref_t *to = ref_new();
	unsigned tries = 0;
	uint64_t used;
	int error;

	(void)self;
	if (!to)
		return ENOMEM;
	request_free_ref(r, to);
	fast_lock_take(&lock);
	for (error = Scheduler_add(scheduler, thread, to, sched_val); !error && find(*sched_val) < count; error = Scheduler_add(scheduler, thread, to, sched_val)) {
		held[tries++] = *sched_val;
		if (tries == TRIES)
			error = EAGAIN;
		if (error)
			break;
	}
	if (!error)
		error = enter(*sched_val, *sched_val);
	while (tries)
		Scheduler_end(scheduler, held[--tries], &used);
	fast_lock_drop(&lock);
	*port = to;
	return error;
}

static int get_usage(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	(void)self, (void)r;
	fast_lock_take(&lock);
	sched_val = real_of(sched_val);
	fast_lock_drop(&lock);
	return sched_val ? Scheduler_get_usage(scheduler, sched_val, tsc) : ESRCH;
}

static int end(void *self, struct request *r, uint32_t sched_val, uint64_t *tsc)
{
	uint32_t real;
	unsigned n;

	(void)self, (void)r;
	fast_lock_take(&lock);
	real = real_of(sched_val);
	n = find(sched_val);
	if (n < count)
		map[n] = map[--count];
	fast_lock_drop(&lock);
	return real ? Scheduler_end(scheduler, real, tsc) : ESRCH;
}

static int set(void *self, struct request *r, uint32_t sched_val, int32_t priority, uint32_t weight, uint32_t group, uint64_t period,
	uint64_t budget)
{
	uint32_t real = real_of(sched_val);

	(void)self, (void)r;
	return !real ? ESRCH : Scheduler_set(scheduler, real, priority, weight, group, period, budget);
}

static int leaf(void *self, struct request *r, const char *policy, void **to)
{
	fluke_ref_t *ref = ref_new();

	(void)self;
	request_free_ref(r, ref);
	*to = ref;
	return ref ? Scheduler_leaf(scheduler, policy, ref) : ENOMEM;
}

static int show(void *self, struct request *r, uint32_t sched_val, const char *name, fluke_ref_t *view)
{
	uint32_t real = real_of(sched_val);

	(void)self, (void)r;
	return real ? Scheduler_show(scheduler, real, name, view) : ESRCH;
}

struct served *time_service(void)
{
	return &proxy;
}

int time_begin(struct server *server)
{
	static const struct Scheduler_methods methods = { .add = add, .get_usage = get_usage, .end = end, .set = set, .leaf = leaf, .show = show };
	static const struct interface interfaces[] = { { Scheduler_INTERFACE, Scheduler_dispatch, &methods }, { 0, 0, 0 } };
	static const struct served_class class = { .name = "scheduler", .interfaces = interfaces };

	if (!scheduler && !(scheduler = service_lookup("scheduler")))
		return ENOENT;
	return fast_lock_init(&lock) || served_init(&proxy, &class, server) ? ENOMEM : 0;
}

/* ---- the clock: programs read the time stamp counter, and each has a record of what to make of it ---- */

static uint64_t forward;		/* by which their clocks are ahead of ours in what is restored */

uint64_t time_raw(void)
{
	return clock_deadline(clock_now());
}

void time_goes_on(uint64_t then)
{
	forward = then - time_raw();
}

int time_adapt(void *page)
{
	static const uint32_t magic[4] = CLOCK_RECORD_MAGIC;
	const struct clock_record *ours = clock_record();
	struct clock_record *r = page, *end = (struct clock_record *)((char *)page + PAGE);
	int any = 0;

	for (; r < end; r++) {
		if (r->magic[0] != magic[0] || memcmp(r->magic, magic, sizeof magic))
			continue;
		r->multiplier = ours->multiplier;
		r->shift = ours->shift;
		r->ahead += forward;
		r->wall_offset = ours->wall_offset + ours->ahead - r->ahead;
		any = 1;
	}
	return any;
}
