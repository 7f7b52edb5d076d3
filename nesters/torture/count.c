/* What has been done, and chance.  Pairs of (call, stage) are kept in a small table; the share of
 * each among the round trips is held below a sixth by refusing those that would go beyond. */
#include <stdio.h>
#include <string.h>
#include <fluke/callnumbers.h>
#include "torture.h"

#define PAIRS		512u
#define SHARE		6u

static const char *const names[256] = {
#define CALL(number, name, class, source, result, arguments) [number] = #name,
#include <fluke/calls.def>
#undef CALL
};

struct pair { uint32_t call, stage, count; };

struct counts	counts;
static struct pair pairs[PAIRS];
static uint64_t	state;

/* ---- chance: a multiplicative congruential generator, its high half ---- */

void chance_seed(uint32_t seed)
{
	state = (uint64_t)seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
	chance(1);
	chance(1);
}

uint32_t chance(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 32) * below >> 32);
}

/* ---- pairs ---- */

const char *call_name(uint32_t call)
{
	return call < 256 && names[call] ? names[call] : "user code";
}

static struct pair *find(uint32_t call, uint32_t stage)
{
	for (uint32_t n = 0; n < counts.pairs; n++)
		if (pairs[n].call == call && pairs[n].stage == stage)
			return &pairs[n];
	return NULL;
}

int count_wants(uint32_t call, uint32_t stage)
{
	struct pair *p = find(call, stage);

	return !p || p->count * SHARE < counts.trips + 24;
}

void count_trip(uint32_t call, uint32_t stage)
{
	struct pair *p = find(call, stage);

	counts.trips++;
	if (!p && counts.pairs < PAIRS) {
		p = &pairs[counts.pairs++];
		*p = (struct pair){ call, stage, 0 };
	}
	if (p && ++p->count > counts.largest)
		counts.largest = p->count;
}

static void print_pairs(void)
{
	for (uint32_t n = 0; n < counts.pairs; n++)
		eprintf("torture: pair %s %x %u %u.%u%%\n", call_name(pairs[n].call), (unsigned)pairs[n].stage, (unsigned)pairs[n].count,
			(unsigned)(pairs[n].count * 100 / counts.trips), (unsigned)(pairs[n].count * 1000 / counts.trips % 10));
}

void count_print(void)
{
	uint32_t trips = counts.trips ? counts.trips : 1;

	if (options.verbose)
		print_pairs();
	eprintf("torture: instants %u stopped %u trips %u left %u pairs %u largest %u.%u%% tables %u spaces %u revoked %u "
		"restored %u objects %u frames %u faults %u\n", (unsigned)counts.instants, (unsigned)counts.stopped,
		(unsigned)counts.trips, (unsigned)counts.left_alone, (unsigned)counts.pairs,
		(unsigned)((uint64_t)counts.largest * 100 / trips), (unsigned)((uint64_t)counts.largest * 1000 / trips % 10),
		(unsigned)counts.tables, (unsigned)counts.spaces, (unsigned)store.hidden, (unsigned)store.shown,
		(unsigned)counts.objects, (unsigned)counts.frames, (unsigned)counts.faults);
}
