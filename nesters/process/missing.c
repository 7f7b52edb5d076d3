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

/* In lines of what fits into one string of a message. */
void missing_report(void)
{
	static char lines[3072];
	unsigned size = 0;

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
