/* Linux calls that programs asked for and nobody has: counted, and reported when the system ends. */
#include <stdio.h>
#include <native.h>
#include <protocols/Parent.h>
#include "manager.h"

#define CALLS	512

static uint32_t counts[CALLS];

static const char *const names[CALLS] = {
#include <linux_call_names.h>
};

void missing_count(uint32_t number)
{
	counts[number < CALLS ? number : CALLS - 1]++;
}

/* Successes and failures of calls, by process, and the last errno: lines `=NAME successes failures errno`. */
static struct { uint16_t good, bad, error; } seen[CALLS];

void call_seen(uint32_t number, int32_t result)
{
	if (number >= CALLS)
		return;
	if (result < 0) {
		seen[number].bad++;
		seen[number].error = -result;
	} else {
		seen[number].good++;
	}
}

static unsigned seen_line(char *line, size_t size, unsigned i)
{
	if (!names[i] || (!seen[i].good && !seen[i].bad))
		return 0;
	return snprintf(line, size, "=%s %u %u %u\n", names[i], seen[i].good, seen[i].bad, seen[i].error);
}

static void seen_report(void)
{
	static char lines[3072];
	unsigned size = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		size += seen_line(lines + size, sizeof lines - size, i);
		if (size && (size >= sizeof lines - 64 || i == CALLS - 1)) {
			Parent_missing(parent_ref(), lines);
			size = 0;
		}
	}
}

/* In lines of what fits into one string of a message. */
void missing_report(void)
{
	static char lines[3072];
	unsigned size = 0;

	if (manager_counts)
		seen_report();
	for (unsigned i = 0; i < CALLS; i++) {
		if (!counts[i])
			continue;
		if (names[i])
			size += snprintf(lines + size, sizeof lines - size, "%s %u\n", names[i], (unsigned)counts[i]);
		else
			size += snprintf(lines + size, sizeof lines - size, "call_%u %u\n", i, (unsigned)counts[i]);
		counts[i] = 0;
		if (size < sizeof lines - 32)
			continue;
		Parent_missing(parent_ref(), lines);
		size = 0;
	}
	if (size)
		Parent_missing(parent_ref(), lines);
}
