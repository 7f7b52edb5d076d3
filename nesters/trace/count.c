/* -c: how often each method was called, how often it failed, how long it took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trace.h"

#define METHODS	256u

struct entry { uint32_t word0, calls, errors; uint64_t time; };

static struct entry entry[METHODS];
static unsigned entries;
static uint32_t	lost;			/* beyond METHODS different ones */

void count(const struct message *m)
{
	uint32_t word0 = m->count ? m->words[0] : 0;
	unsigned n;

	for (n = 0; n < entries && entry[n].word0 != word0; n++)
		;
	if (n == METHODS) {
		lost++;
		return;
	}
	if (n == entries) {
		entries++;
		entry[n].word0 = word0;
	}
	entry[n].calls++;
	entry[n].errors += m->error != 0;
	entry[n].time += m->ended - m->began;
}

static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->time < y->time ? 1 : x->time > y->time ? -1 : 0;
}

static void line(struct out *o, uint64_t all, const struct entry *e, const char *name)
{
	char text[160];
	unsigned share = all ? (unsigned)(e->time * 10000 / all) : 0;
	int n = snprintf(text, sizeof(text), "%3u.%02u %7u.%06u %9u %9u %s\n", share / 100, share % 100,
		(unsigned)(e->time / 1000000000u), (unsigned)(e->time % 1000000000u / 1000), (unsigned)e->calls, (unsigned)e->errors, name);

	out_write(o, text, (size_t)n);
}

void count_print(struct out *o)
{
	static const char head[] = "% time        seconds     calls    errors method\n";
	struct entry all = { 0, 0, 0, 0 };
	char name[64];

	qsort(entry, entries, sizeof(entry[0]), by_time);
	for (unsigned n = 0; n < entries; n++) {
		all.calls += entry[n].calls;
		all.errors += entry[n].errors;
		all.time += entry[n].time;
	}
	out_write(o, head, sizeof(head) - 1);
	for (unsigned n = 0; n < entries; n++) {
		struct message m = { .words = &entry[n].word0, .count = 1 };

		decode_method(entry[n].word0, &m.interface, &m.method);
		decode_name(&m, name, sizeof(name));
		line(o, all.time, &entry[n], name);
	}
	line(o, all.time, &all, "total");
	if (lost) {
		int n = snprintf(name, sizeof(name), "%u calls of further methods\n", (unsigned)lost);

		out_write(o, name, (size_t)n);
	}
}
