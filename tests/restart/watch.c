/* The watcher: runs each scene, lets the kernel's hook stop a subject at every place that the scene
 * visits, by every cause, and then, while nothing of it is in the kernel any more, reads its
 * state, moves the old thread aside, makes a new one of it and lets that go on.  The end must be
 * that of the scene when nobody disturbs it; where the cause is the peer's end, that of the
 * scene when the peer ends at that place and nothing is replaced. */
#include <fluke/callnumbers.h>
#include "world.h"

#define PLACES_MAX	400u
#define RESULT		(WORDS + 8)

static uint32_t	visits[PLACES_MAX], hits[PLACES_MAX][PLACES_CAUSES][MODES], places;
static uint32_t	calm[RESULT], ending[RESULT], result[RESULT];
static int	long_run;	/* every visit of a place, not only the first and the last */
static uint32_t	runs, bad, unfired, longest_read, longest_way;
static const struct scene *playing;
static int	gone[2];		/* ended by the run */
static fluke_thread_t	*aside;
static fluke_ref_t	*to_old, *to_found;
static fluke_thread_links_t links, others_links;
static fluke_thread_state_t state;
static const char *const cause_name[] = { "interrupt", "soft", "hard", "peer", "export" };
static const char *const mode_name[] = { "left alone", "replaced", "its peer replaced", "all made again" };

/* Do the registers name a valid call, or a place in the program? */
static int valid(const fluke_thread_state_t *s)
{
	extern char __executable_start[], etext[];

	if (s->regs.eip == FLUKE_ENTRY)
		return (s->regs.eax & 0xff) - 1 < FLUKE_CALL_thread_used;
	return s->regs.eip == FLUKE_ENTRY_RET ||
		(s->regs.eip >= (uint32_t)__executable_start && s->regs.eip < (uint32_t)etext);
}

static void note_longest(uint32_t *longest, uint32_t took)
{
	if (took > *longest)
		*longest = took;
}

static int leads_to_old(fluke_ref_t *ref)
{
	return fluke_ref_compare(ref, to_old);
}

/* A connection that the old thread had set aside is known to its other end alone. */
static void point_thread(fluke_thread_t *other, fluke_thread_t *fresh)
{
	static fluke_thread_state_t others;
	static const int end[2] = { FLUKE_LINK_CLIENT, FLUKE_LINK_SERVER };

	fluke_thread_get_state(other, &others, others_links);
	for (uint32_t n = 0; n < 2; n++)
		if (leads_to_old(others_links[end[n]]))
			fluke_thread_reference(fresh, others_links[end[n]]);
	if (!(others.flags & FLUKE_THREAD_HELD))
		others.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(other, &others, others_links);
}

/* All that the subjects' objects say of the old thread, they say of the new one. */
static void point_at(fluke_thread_t *fresh)
{
	static fluke_obspec_t list[128];
	uint32_t count = child_list(list, 128);

	fluke_thread_reference(aside, to_old);
	for (uint32_t i = 0; i < count; i++) {
		fluke_mutex_state_t held;
		fluke_ref_t *r = to_found;
		void *o = (void *)list[i].ob;

		switch (list[i].type) {
		case FLUKE_TYPE_MUTEX:
			fluke_mutex_get_state(o, &held, to_found);
			if (held.locked && leads_to_old(to_found)) {
				fluke_thread_reference(fresh, to_found);
				fluke_mutex_set_state(o, &held, to_found);
			}
			break;
		case FLUKE_TYPE_COND:
			fluke_cond_get_state(o, 0, to_found);
			if (leads_to_old(to_found)) {
				fluke_thread_reference(fresh, to_found);
				fluke_cond_set_state(o, 0, to_found);
			}
			break;
		case FLUKE_TYPE_THREAD:
			if (o != fresh)
				point_thread(o, fresh);
			break;
		case FLUKE_TYPE_REF:
			r = o;
			if (leads_to_old(r))
				fluke_thread_reference(fresh, r);
			break;
		}
	}
}

/* Stops and reads it: the watcher's own memory, which the removal of the subjects' may have taken
 * from its page tables too, is touched first, so that the time is that of the call alone. */
static void read_state(uint32_t who)
{
	fluke_thread_t *t = subject[who];
	uint64_t start;

	for (uint32_t n = 0; n < FLUKE_THREAD_LINKS; n++)
		fluke_ref_clear(links[n]);
	fluke_thread_reference(t, to_found);
	memset(&state, 0, offsetof(fluke_thread_state_t, fpu));
	start = now();
	fluke_thread_get_state(t, &state, links);
	note_longest(&longest_read, (uint32_t)(now() - start));
	CHECK(valid(&state));
	if (who == 0 && playing->valid)
		CHECK(playing->valid(&state));
}

static void replace(uint32_t i)
{
	read_state(i);
	fluke_thread_move(subject[i], aside);
	fluke_thread_create(subject[i]);
	fluke_thread_set_state(subject[i], &state, links);
	point_at(subject[i]);
	fluke_thread_destroy(aside);
	if (!(state.flags & FLUKE_THREAD_HELD))
		state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(subject[i], &state, 0);
}

/* The subject has been stopped at its place. */
static void stopped(const struct stop *s, const uint32_t *fired)
{
	static const fluke_port_state_t nothing;
	uint32_t who = ((fired[4] & 0xff) - 1) & 1;

	fluke_port_set_state(watch_port, &nothing, 0);
	places_request(PLACES_RELEASE, 0, 0, 0, 0, 0);
	if (s->cause == PLACES_INTERRUPT)
		fluke_thread_interrupt(subject[who]);
	if (s->cause == PLACES_HARD)
		world_memory(0);
	if (s->cause == PLACES_PEER) {
		fluke_thread_destroy(subject[!who]);
		gone[!who] = 1;
	}
	if (s->mode == MODE_SELF)
		replace(who);
	else if (s->mode == MODE_OTHER && !gone[!who])
		replace(!who);
	else if (s->mode == MODE_TREE)
		tree_again();
	if (s->cause == PLACES_SOFT && s->mode)
		places_request(PLACES_DROP, 0, 0, 0, 0, 0);
}

/* One run; true if the thread was stopped at the place. */
static int run(const struct scene *scene, const struct stop *s, uint32_t *left)
{
	uint32_t who = scene->first, idle = 0, fired[8], done = 0;

	runs++;
	playing = scene;
	gone[0] = gone[1] = 0;
	world_new(scene);
	places_request(PLACES_ARM, s->place, s->visit, s->cause, 0, 0);
	for (uint32_t turn = 0; turn < 400 && idle < 6; turn++, who ^= 1) {
		uint32_t how = gone[who] ? FLUKE_SCHED_BLOCKED :
			fluke_thread_schedule(subject[who], watch_port, FLUKE_WAKEUP_ON_BLOCK);
		uint64_t since = now();

		idle = how == FLUKE_SCHED_BLOCKED || how == FLUKE_SCHED_INVALID ? idle + 1 : 0;
		if (s->place == ~0u || done)
			continue;
		places_request(PLACES_FIRED, 0, 0, 0, fired, 0);
		if (fired[1] == PLACES_STOPPED) {
			note_longest(&longest_way, (uint32_t)since - fired[5]);
			stopped(s, fired);
			done = 1;
			idle = 0;
		}
	}
	world_result(left);
	world_end();
	return (int)done;
}

static void complain(const struct scene *scene, const struct stop *s, const uint32_t *wanted)
{
	for (uint32_t i = 0; i < RESULT; i++)
		if (result[i] != wanted[i]) {
			if (++bad <= 40)
				check_print("# differs %s %u visit %u %s, %s: word %u is 0x%x, not 0x%x\n", scene->name, s->place,
					s->visit, cause_name[s->cause], mode_name[s->mode], i, result[i], wanted[i]);
			return;
		}
}

static void at_place(const struct scene *scene, uint32_t place, uint32_t visit)
{
	struct stop s = { place, visit, 0, 0 };

	for (s.cause = 0; s.cause < PLACES_CAUSES; s.cause++) {
		const uint32_t *wanted = calm;

		if (s.cause == PLACES_PEER) {
			s.mode = MODE_NONE;
			run(scene, &s, ending);
			wanted = ending;
		}
		for (s.mode = MODE_SELF; s.mode < MODES; s.mode++) {
			if (s.cause == PLACES_PEER && s.mode == MODE_OTHER)
				continue;
			if (!run(scene, &s, result)) {
				unfired++;
				check_print("# not stopped: %s %u visit %u %s\n", scene->name, place, visit, cause_name[s.cause]);
				continue;
			}
			hits[place][s.cause][s.mode]++;
			complain(scene, &s, wanted);
		}
	}
}

static void read_visits(void)
{
	uint32_t answer[8];

	places = 1;
	for (uint32_t i = 0; i < places && i < PLACES_MAX; i += 6) {
		places_request(PLACES_VISITS, i, 0, 0, answer, 0);
		places = answer[1];
		for (uint32_t n = 0; n < 6 && i + n < PLACES_MAX; n++)
			visits[i + n] = answer[2 + n];
	}
}

static void play(const struct scene *scene)
{
	static uint32_t again[RESULT];
	const struct stop none = { ~0u, 0, 0, 0 };
	uint32_t before = runs, visited = 0;
	uint64_t start = now();

	run(scene, &none, calm);
	read_visits();
	run(scene, &none, again);
	CHECK(!memcmp(calm, again, sizeof calm));
	CHECK(calm[WORDS + 3] && calm[WORDS + 4]);	/* both came to their end */
	for (uint32_t i = 0; i < places; i++) {
		if (!visits[i])
			continue;
		visited++;
		for (uint32_t visit = 1; visit <= visits[i]; visit++)
			if (visit == 1 || visit == visits[i] || long_run)
				at_place(scene, i, visit);
	}
	check_print("# scene %s: %u places, %u runs, %u instructions each\n", scene->name, visited, runs - before,
		(uint32_t)((now() - start) >> 8) / (runs - before) << 8);
}

/* Is the name among those of the command line's cases=a,b,c? */
static int named(const char *name)
{
	const char *at = check_boot->command_line;
	size_t length = strlen(name);

	for (; *at && *at != ' '; at++)
		if ((*at == '=' || *at == ',') && !memcmp(at + 1, name, length) && (at[1 + length] == ',' || !at[1 + length]))
			return 1;
	return 0;
}

/* cases=places-01,SCENE,SCENE: those scenes alone; cases=places-01,every-visit: longer. */
CASE("places-01", "stopped at any place by any cause, read, replaced: the same end")
{
	int chosen = 0;

	long_run = named("every-visit");
	for (const struct scene *s = __start_scenes; s < __stop_scenes; s++)
		chosen += named(s->name);
	world_begin();
	tree_begin();
	aside = check_object(sizeof *aside);
	to_old = check_ref_new();
	to_found = check_ref_new();
	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		links[i] = check_ref_new(), others_links[i] = check_ref_new();
	for (const struct scene *s = __start_scenes; s < __stop_scenes; s++)
		if (!chosen || named(s->name))
			play(s);
	for (uint32_t i = 0; i < places; i++)
		for (uint32_t c = 0; c < PLACES_CAUSES; c++)
			check_print("hits %u %s %u %u %u\n", i, cause_name[c], hits[i][c][MODE_SELF], hits[i][c][MODE_OTHER],
				hits[i][c][MODE_TREE]);
	check_print("runs %u differ %u unfired %u read %u way %u\n", runs, bad, unfired, longest_read, longest_way);
	CHECK_EQUAL(bad, 0);
}
