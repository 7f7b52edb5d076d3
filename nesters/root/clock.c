/* Clock: the counter's scale, wall time from the RTC, timers.  Timers are a heap ordered by
 * deadline; the scheduler's thread fires what is due, since it is told of the kernel's one
 * deadline.  clock_lock is a kernel mutex, so that the scheduler lends its time to who holds it.  It
 * takes it only then: no other thread runs while the scheduler does. */
#include <stdlib.h>
#include <string.h>
#include <protocols/Clock_server.h>
#include <protocols/Machine.h>
#include "root.h"

struct timer {
	struct served	served;
	fluke_ref_t	*port;
	uint32_t	word;
	uint64_t	when, interval;		/* 0 = off */
	uint32_t	place;			/* in the heap, from 1; 0 = not there */
	uint32_t	fired;			/* how often */
};

static struct served clock_port;
static struct lock clock_lock;
static volatile int clock_held;			/* by another thread than the scheduler's */
static struct timer **heap;			/* heap[1] is due first */
static uint32_t timers, heap_room;
static uint32_t multiplier, shift;
static uint64_t wall_offset;
static const struct served_class timer_class;

static void clock_take(void)
{
	lock_take(&clock_lock);
	clock_held = 1;
}

static void clock_drop(void)
{
	clock_held = 0;
	lock_drop(&clock_lock);
}

/* ---- the heap ---- */

static void place(struct timer *t, uint32_t i)
{
	heap[i] = t;
	t->place = i;
}

static void sift(struct timer *t, uint32_t i)
{
	uint32_t child;

	while (i > 1 && heap[i / 2]->when > t->when) {
		place(heap[i / 2], i);
		i /= 2;
	}
	while ((child = 2 * i) <= timers) {
		if (child < timers && heap[child + 1]->when < heap[child]->when)
			child++;
		if (heap[child]->when >= t->when)
			break;
		place(heap[child], i);
		i = child;
	}
	place(t, i);
}

static void heap_remove(struct timer *t)
{
	struct timer *moved;
	uint32_t i = t->place;

	if (!i)
		return;
	t->place = 0;
	moved = heap[timers--];
	if (moved != t)
		sift(moved, i);
}

static int heap_insert(struct timer *t)
{
	struct timer **larger;

	if (timers + 1 >= heap_room) {
		larger = realloc(heap, (2 * heap_room + 64) * sizeof *heap);
		if (!larger)
			return ENOMEM;
		heap = larger;
		heap_room = 2 * heap_room + 64;
	}
	sift(t, ++timers);
	return 0;
}

/* ---- firing: the scheduler's thread ---- */

/* Takes the first timer out if it is due by that time.  *next: the time of the one behind it, 0 = none. */
struct timer *clock_due(uint64_t by, uint64_t *next)
{
	struct timer *t = 0;
	int held = clock_held;

	if (held)
		lock_take(&clock_lock);
	if (timers && heap[1]->when <= by)
		heap_remove(t = heap[1]);
	*next = timers ? heap[1]->when : 0;
	if (held)
		lock_drop(&clock_lock);
	return t;
}

/* The first count of the time stamp counter at which it is due. */
uint64_t clock_count(const struct timer *t)
{
	uint64_t count = clock_to_tsc(t->when), then;

	while ((then = clock_of_tsc(count)) < t->when)
		count += clock_to_counts((uint32_t)(t->when - then)) + 1;
	return count;
}

/* At its count, for which it waits; *next becomes its own next time, if that is sooner. */
void clock_fire(struct timer *t, uint64_t count, uint64_t *next)
{
	uint32_t message[2] = { t->word, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };
	uint64_t now;

	while (rdtsc() < count)
		;
	fluke_ipc_send(&p, t->port);
	t->fired++;
	if (!t->interval || fluke_ref_type(t->port) != FLUKE_TYPE_PORT) {
		t->when = 0;
		return;
	}
	now = clock_now();
	t->when += t->interval;
	if (t->when <= now)
		t->when = now + t->interval - (now - t->when) % t->interval;
	heap_insert(t);
	if (!*next || t->when < *next)
		*next = t->when;
}

/* ---- Timer ---- */

static int timer_set(void *self, struct request *r, uint64_t deadline, uint64_t interval, uint64_t *old)
{
	struct timer *t = self;
	uint64_t now = clock_now();
	int error = 0, sooner;

	(void)r;
	clock_take();
	*old = t->when > now ? t->when - now : t->when ? 1 : 0;
	heap_remove(t);
	t->when = deadline;
	t->interval = interval;
	if (deadline)
		error = heap_insert(t);
	sooner = timers && heap[1] == t;
	clock_drop();
	if (sooner)
		scheduler_deadline_changed();
	return error;
}

static void timer_release(void *self)
{
	struct timer *t = self;

	clock_take();
	heap_remove(t);
	clock_drop();
	served_done(&t->served);
	ref_free(t->port);
	free(t);
}

static int timer_new(fluke_ref_t *port, uint32_t word, struct timer **made)
{
	struct timer *t = calloc(1, sizeof *t);
	int error = t && (t->port = ref_dup(port)) ? served_init(&t->served, &timer_class, server) : ENOMEM;

	*made = t;
	if (!error) {
		t->word = word & ~FLUKE_PENDING_KERNEL;
		return 0;
	}
	if (t)
		ref_free(t->port);
	free(t);
	*made = 0;
	return error;
}

struct saved_timer { uint32_t word, rest; uint64_t left, interval; };	/* left 0: off */

int timer_save(struct served *object, char *data, size_t *size, fluke_ref_t **port, uint32_t *fired)
{
	struct timer *t = (struct timer *)object;
	struct saved_timer saved = { 0 };
	uint64_t now = clock_now();

	if (object->class != &timer_class)
		return ENOENT;
	clock_take();
	saved.word = t->word;
	saved.left = t->when > now ? t->when - now : t->when ? 1 : 0;
	saved.interval = t->interval;
	*fired = t->fired;
	clock_drop();
	memcpy(data, &saved, *size = sizeof saved);
	*port = t->port;
	return 0;
}

static void timer_sent(void *context, int delivered);

int timer_restore(struct request *r, const char *data, size_t size, fluke_ref_t *port, void **timer)
{
	struct saved_timer saved;
	struct timer *t;
	uint64_t old;
	int error;

	if (size != sizeof saved || !port || fluke_ref_type(port) != FLUKE_TYPE_PORT)
		return EINVAL;
	memcpy(&saved, data, sizeof saved);
	error = timer_new(port, saved.word, &t);
	if (error)
		return error;
	if (saved.left)
		timer_set(t, NULL, clock_now() + saved.left, saved.interval, &old);
	*timer = t->served.port;
	r->sent = timer_sent;
	r->sent_context = t;
	return 0;
}

/* ---- Clock ---- */

static int clock_scale(void *self, struct request *r, uint32_t *m, uint32_t *s, uint64_t *wall)
{
	(void)self, (void)r;
	*m = multiplier;
	*s = shift;
	*wall = wall_offset;
	return 0;
}

static int clock_get(void *self, struct request *r, uint64_t *ns)
{
	(void)self, (void)r;
	*ns = clock_now();
	return 0;
}

static void timer_sent(void *context, int delivered)
{
	struct timer *t = context;

	if (!delivered)
		served_end(&t->served);
}

static int create_timer(void *self, struct request *r, fluke_ref_t *port, uint32_t word, void **timer)
{
	struct timer *t;
	int error;

	(void)self;
	if (!port || fluke_ref_type(port) != FLUKE_TYPE_PORT)
		return EINVAL;
	error = timer_new(port, word, &t);
	if (error)
		return error;
	*timer = t->served.port;
	r->sent = timer_sent;
	r->sent_context = t;
	return 0;
}

static int set_wall(void *self, struct request *r, uint64_t ns)
{
	(void)self, (void)r;
	wall_offset = ns - clock_now();
	clock_set_scale(multiplier, shift, wall_offset);
	return 0;
}

static const struct Timer_methods timer_methods = { .set = timer_set };
static const struct interface timer_interfaces[] = { { Timer_INTERFACE, Timer_dispatch, &timer_methods }, { 0, 0, 0 } };
static const struct served_class timer_class = { .name = "timer", .interfaces = timer_interfaces, .release = timer_release,
	.holding = HOLDS_TIMERS };

static const struct Clock_methods clock_methods = {
	.scale = clock_scale, .now = clock_get, .create_timer = create_timer, .set_wall = set_wall,
};
static const struct interface clock_interfaces[] = { { Clock_INTERFACE, Clock_dispatch, &clock_methods }, { 0, 0, 0 } };
static const struct served_class clock_class = { .name = "clock", .interfaces = clock_interfaces };

fluke_ref_t *clock_service(void)
{
	static fluke_ref_t *ref;

	if (!ref && !served_init(&clock_port, &clock_class, server))
		ref = served_ref(&clock_port);
	return ref;
}

/* ---- callbacks at a time, for root itself ---- */

struct callback {
	struct served	served;
	void		(*function)(void);
	struct timer	*timer;
};

static void callback_event(void *self, uint32_t word0, uint32_t word1)
{
	struct callback *c = self;

	(void)word0, (void)word1;
	c->function();
}

void clock_call(uint64_t when, void (*function)(void))
{
	static const struct served_class class = { .name = "callback", .event = callback_event };
	static struct callback callback[8];
	struct callback *c = callback;
	uint64_t old;

	while (c->function && c->function != function)
		c++;
	if (!c->function) {
		fluke_ref_t *ref;

		if (served_init(&c->served, &class, server))
			return;
		ref = served_ref(&c->served);
		timer_new(ref, 1, &c->timer);
		c->function = function;
	}
	if (c->timer && (!c->timer->when || when < c->timer->when || c->timer->when <= clock_now()))
		timer_set(c->timer, 0, when, 0, &old);
}

/* ---- boot ---- */

static uint8_t cmos(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

static unsigned from_bcd(unsigned value, int bcd)
{
	return bcd ? (value >> 4) * 10 + (value & 15) : value;
}

/* Seconds since 1970 of the civil date. */
static uint64_t seconds_of(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second)
{
	uint32_t days;

	year -= month <= 2;
	month = month <= 2 ? month + 9 : month - 3;	/* from March */
	days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719468;
	return (uint64_t)days * 86400 + hour * 3600 + minute * 60 + second;
}

static uint64_t read_rtc(void)
{
	uint8_t now[6], before[6];
	static const uint8_t index[6] = { 0, 2, 4, 7, 8, 9 };
	unsigned i, tries, hour;
	int bcd, pm;

	for (tries = 0; tries < 1000; tries++) {	/* twice the same, with no update between */
		while (cmos(10) & 0x80 && tries < 1000)
			tries++;
		for (i = 0; i < 6; i++)
			before[i] = cmos(index[i]);
		for (i = 0; i < 6; i++)
			now[i] = cmos(index[i]);
		if (!memcmp(now, before, 6))
			break;
	}
	bcd = !(cmos(11) & 4);
	pm = !(cmos(11) & 2) && now[2] & 0x80;
	hour = from_bcd(now[2] & 0x7f, bcd);
	if (!(cmos(11) & 2))
		hour = hour % 12 + (pm ? 12 : 0);
	return seconds_of(2000 + from_bcd(now[5], bcd), from_bcd(now[4], bcd), from_bcd(now[3], bcd), hour,
		from_bcd(now[1], bcd), from_bcd(now[0], bcd));
}

/* (value * by) / divisor with a product of 96 bits */
static uint64_t scaled(uint64_t value, uint32_t by, uint32_t divisor)
{
	uint64_t high = (value >> 32) * by, low = (value & 0xffffffffu) * by;

	high += low >> 32;
	low &= 0xffffffffu;
	return (high / divisor) << 32 | ((high % divisor) << 32 | low) / divisor;
}

uint64_t clock_to_tsc(uint64_t ns)
{
	return scaled(ns, boot_info->tsc_khz, 1000000) + 1;
}

void clock_boot(void)
{
	uint32_t khz = boot_info->tsc_khz ? boot_info->tsc_khz : 1000000;

	lock_init(&clock_lock);
	for (shift = 32; scaled(1ull << shift, 1000000, khz) > 0xffffffffu; shift--)
		;
	multiplier = (uint32_t)scaled(1ull << shift, 1000000, khz);
	Machine_io_allow(kernel, libc_own_space, 0x70, 2);
	clock_set_scale(multiplier, shift, 0);
	wall_offset = read_rtc() * 1000000000ull - clock_now();
	clock_set_scale(multiplier, shift, wall_offset);
}
