/* cputop: the tree of schedulers and what each client of each has used: policy, parameters, share.
 *
 *	cputop [-n TIMES] [-d SECONDS] [--json]
 *
 * Live: every SECONDS (default 1) the shares since the last time, for ever or TIMES.  -n 1: since the start.  --json: once,
 * everything, as one object.  Shares are of all of the processor's time; a client that is a scheduler has
 * its own clients below it; the table leaves out who has used less than a thousandth.  Time that a thread lent on (to a server, to the holder of a lock) is its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <native.h>
#include <protocols/Scheduler.h>
#include "json.h"

#define CLIENTS		4096u
#define DEPTH		16u

struct row {
	unsigned	depth;
	uint32_t	number;		/* with depth and the rows above: which client */
	char		name[64], policy[16];
	int		is_scheduler;
	uint32_t	ready, weight, group, clients;
	int32_t		priority;
	uint64_t	used, before, ended, rounds;
};

static struct row *row, *old;
static unsigned rows, old_rows;

static void fail(const char *what, const char *why)
{
	eprintf("cputop: %s: %s\n", what, why);
	libc_exit(1);
}

/* ---- reading ---- */

static void read_scheduler(fluke_ref_t *view, struct row *self)
{
	uint64_t time;
	unsigned depth = self->depth + 1;
	uint32_t from = 1;

	if (SchedulerView_about(view, self->policy, sizeof self->policy, &time, &self->ended, &self->rounds, &self->clients))
		return;
	self->is_scheduler = 1;
	if (depth == 1)
		self->used = time;
	while (rows < CLIENTS && depth < DEPTH) {
		struct row *r = &row[rows];
		fluke_ref_t *below = ref_new();
		int error;

		memset(r, 0, sizeof *r);
		r->depth = depth;
		error = below ? SchedulerView_client(view, from, &r->number, r->name, sizeof r->name, &r->ready, &r->used, &r->priority,
			&r->weight, &r->group, below) : ENOMEM;
		if (!error && r->number) {
			rows++;
			from = r->number + 1;
			if (fluke_ref_type(below) != FLUKE_NULL)
				read_scheduler(below, r);
		}
		ref_free(below);
		if (error || !r->number)
			return;
	}
}

static void read_all(fluke_ref_t *base)
{
	struct row *swap = old;

	old = row;
	old_rows = rows;
	row = swap;
	memset(row, 0, sizeof *row);
	rows = 1;
	strlcpy(row->name, "all", sizeof row->name);
	read_scheduler(base, row);
}

/* What each had used the last time: rows come in the same order, with some gone and some new. */
static void match(void)
{
	uint32_t path[DEPTH] = { 0 }, old_path[DEPTH];
	unsigned at = 0;

	for (unsigned i = 0; i < rows; i++) {
		path[row[i].depth] = row[i].number;
		row[i].before = 0;
		memset(old_path, 0, sizeof old_path);
		for (at = 0; at < old_rows; at++) {
			old_path[old[at].depth] = old[at].number;
			if (old[at].depth == row[i].depth && !memcmp(path, old_path, (row[i].depth + 1) * sizeof path[0]) &&
			    old[at].used <= row[i].used) {
				row[i].before = old[at].used;
				break;
			}
		}
	}
}

/* ---- showing ---- */

static unsigned permille(const struct row *r)
{
	uint64_t all = row[0].used - row[0].before, part = r->used - r->before;

	while (all >> 40)
		all >>= 1, part >>= 1;
	return all ? (unsigned)(part * 1000 / all) : 0;
}

static void print_row(const struct row *r)
{
	unsigned share = permille(r);
	uint64_t ms = clock_of_counts(r->used) / 1000000;

	printf("%7u.%03u %4u.%u%% %c ", (unsigned)(ms / 1000), (unsigned)(ms % 1000), share / 10, share % 10, r->ready ? '*' : ' ');
	for (unsigned i = 0; i < r->depth; i++)
		printf("  ");
	printf("%s", r->name[0] ? r->name : "thread");
	if (!r->name[0])
		printf(" %u", (unsigned)r->number);
	if (r->is_scheduler)
		printf(": %s of %u, %llu rounds", r->policy, (unsigned)r->clients, (unsigned long long)r->rounds);
	if (r->priority)
		printf(", priority %d", (int)r->priority);
	if (r->weight)
		printf(", weight %u", (unsigned)r->weight);
	if (r->group)
		printf(", group %u", (unsigned)r->group);
	printf("\n");
}

static void print_table(void)
{
	printf("   seconds  share   client (* ready)\n");
	for (unsigned i = 0; i < rows; i++)
		if (i == 0 || row[i].is_scheduler || permille(&row[i]))
			print_row(&row[i]);
}

/* The row and all below it; the first row after them. */
static unsigned print_json(unsigned i)
{
	const struct row *r = &row[i];
	unsigned next = i + 1;

	printf("{\"name\": ");
	json_string(r->name);
	printf(", \"number\": %u, \"ready\": %s, \"used_ns\": %llu, \"share\": %u.%03u", (unsigned)r->number,
		r->ready ? "true" : "false", (unsigned long long)clock_of_counts(r->used), permille(r) / 1000, permille(r) % 1000);
	printf(", \"priority\": %d, \"weight\": %u, \"group\": %u", (int)r->priority, (unsigned)r->weight, (unsigned)r->group);
	if (r->is_scheduler) {
		printf(", \"policy\": ");
		json_string(r->policy);
		printf(", \"rounds\": %llu, \"ended_ns\": %llu, \"clients\": [", (unsigned long long)r->rounds,
			(unsigned long long)clock_of_tsc(r->ended));
		while (next < rows && row[next].depth > r->depth) {
			printf(next == i + 1 ? "\n%*s" : ",\n%*s", (int)r->depth + 1, "");
			next = print_json(next);
		}
		printf("]");
	}
	printf("}");
	return next;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text ? text : "", &end, 10);

	if (!text || !*text || *end || !value)
		fail("usage", "cputop [-n TIMES] [-d SECONDS] [--json]");
	return value;
}

int main(int argc, char **argv)
{
	fluke_ref_t *base = service_lookup("schedulers");
	unsigned long times = 0, seconds = 1;
	int json = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = 1;
		else if (!strcmp(argv[i], "-n"))
			times = number(argv[++i]);
		else if (!strcmp(argv[i], "-d"))
			seconds = number(argv[++i]);
		else
			number(NULL);
	}
	row = calloc(CLIENTS, sizeof *row);
	old = calloc(CLIENTS, sizeof *old);
	if (!base || !row || !old)
		fail("start", base ? "no memory" : "nobody here shows its schedulers");
	for (unsigned long n = 1;; n++) {
		read_all(base);
		match();
		if (json) {
			print_json(0);
			printf("\n");
			return 0;
		}
		if (times != 1)
			printf("\33[H\33[J");
		print_table();
		if (n == times)
			return 0;
		clock_sleep_until(clock_now() + seconds * 1000000000ull);
	}
}
