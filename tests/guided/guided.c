/* Sequences of random calls guided by the kernel's own coverage: a sequence that made the kernel go
 * a way that it had not gone before is kept, and later ones begin with a part of a kept one.  Each
 * begins in the same empty world, so that it is made again by its seeds alone.  Runs on a kernel
 * built with GUIDE=1, which counts its ways (hook.c); the callers are those of tests/api/random.c. */
#include "../api/random.c"

#define PARTS		4u		/* of a sequence, each with a seed and a length, per caller */
#define KEPT		512u
#define PLACE_INTERFACE	0x504cu		/* kernel/place.h */

struct part { uint32_t seed[CALLERS], length; };
struct sequence { uint32_t parts; struct part part[PARTS]; };

static struct sequence kept[KEPT];
static uint32_t kept_count, draw_state = 1;

static uint32_t draw(uint32_t n)
{
	draw_state = draw_state * 1664525u + 1013904223u;
	return (draw_state >> 8) % n;
}

/* method 0: ways gone; 1: forget them. */
static uint32_t ways(uint32_t method)
{
	uint32_t send[2] = { PLACE_INTERFACE << 8 | method }, answer[8] = { 0 }, words = 8;

	CHECK_EQUAL(check_call(check_kernel, send, 2, answer, &words), FLUKE_SUCCESS);
	CHECK_EQUAL(answer[0], 0);		/* else the kernel is an ordinary one */
	return answer[1];
}

static void part_new(struct part *p)
{
	p->length = 1 + draw(draw(3) ? 40 : 200);
	for (uint32_t i = 0; i < CALLERS; i++)
		p->seed[i] = draw(1 << 24) | 1;
}

/* A new sequence, or a beginning of a kept one with a new end. */
static void sequence_new(struct sequence *s, int guided)
{
	s->parts = 0;
	if (guided && kept_count && draw(3)) {
		*s = kept[(draw(2) ? kept_count - 1 - draw(kept_count > 32 ? 32 : kept_count) : draw(kept_count)) % KEPT];
		if (s->parts == PARTS || draw(3) == 0)
			s->parts = 1 + draw(PARTS - 1);
		if (draw(3) == 0)
			s->part[s->parts - 1].length = 1 + draw(s->part[s->parts - 1].length);
	}
	while (s->parts < PARTS && (!s->parts || draw(2)))
		part_new(&s->part[s->parts++]);
}

/* In a world without their objects and with their memory zeroed. */
static void play(const struct sequence *s)
{
	uint32_t offset = check_physical_of((void *)w.objects);

	for (uint32_t i = 0; i < MAIN; i++)
		fluke_thread_get_state(w.thread[i], 0, 0);
	fluke_region_clear(check_physical, &offset, OBJECT_PAGES * PAGE);
	for (uint32_t i = 0; i < CALLERS; i++) {
		uint32_t made[CALLS];
		struct caller *c = caller(i);

		memcpy(made, c->made, sizeof made);
		memset(c, 0, CALLER_PAGES * PAGE);	/* choose() looks at c->good: alike each time */
		memcpy(c->made, made, sizeof made);
	}
	give();
	for (uint32_t i = 0; i < CALLERS; i++) {
		struct caller *c = caller(i);

		life_new(i, s->part[0].seed[i], s->part[0].length);
		c->random = s->part[0].seed[i];
		for (uint32_t n = s->parts; n-- > 1; c->more++) {
			c->then_random[c->more] = s->part[n].seed[i];
			c->then_left[c->more] = s->part[n].length;
		}
	}
	for (uint32_t turn = 0; turn < 6; turn++)
		for (uint32_t i = 0; i < MAIN; i++)
			if (caller(i)->left || caller(i)->more) {
				check_run_for(w.thread[i], 1000 * (1 + turn % 3));
				if ((turn + i) % 3 == 2)
					fluke_thread_interrupt(w.thread[i]);
			}
}

/* Returns how many ways the kernel has gone by now. */
static uint32_t explore(uint32_t sequences, int guided)
{
	uint32_t before, after = 0;

	for (uint32_t n = 0; n < sequences; n++) {
		struct sequence s;

		sequence_new(&s, guided);
		before = ways(0);
		play(&s);
		after = ways(0);
		if (after > before)
			kept[kept_count++ % KEPT] = s;
		if (n % 50 == 49) {
			uint32_t send[2] = { 1u << 8 | 10 }, reply[8], words = 8;	/* the kernel walks its books */

			check_call(check_kernel, send, 2, reply, &words);
		}
	}
	return after;
}

CASE("guided-01", "sequences of calls, guided by what the kernel has not done yet")
{
	uint32_t first, then, calls_made = 0;

	world_new(1);
	ways(1);
	first = explore(800, 0);
	then = explore(1700, 1);
	for (uint32_t i = 0; i < CALLERS; i++)
		calls_made += sum(caller(i), 0);
	check_print("# %u calls; ways through the kernel: %u after the unguided, %u after the guided ones; %u sequences kept\n",
		calls_made, first, then, kept_count);
	for (uint32_t i = 0; i < MAIN; i++)
		fluke_thread_destroy(w.thread[i]);
	first = check_physical_of((void *)w.objects);
	fluke_region_clear(check_physical, &first, OBJECT_PAGES * PAGE);
	CHECK(kept_count > 100);
	CHECK(then > 5000);
	CHECK(calls_made > 300000);
}
