/* tree: the live nesting: who holds whom, with memory, threads, time and objects of each.
 *
 *	tree [--json]
 *
 * Of all (boot/run --nesting), else of what the program's parent lets it see: below a process manager, its processes and what they nest.
 * Memory is what is booked to the pool, with all below it; objects are those in its own object memory; time is that of its living
 * threads.  Each nester answers for what it holds; one that does not answer for a second or two is shown so, and the rest goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <native.h>
#include <nest/nesting.h>
#include <protocols/Parent.h>
#include "json.h"

#define DEPTH	32u
#define NODES	2048u
#define LOOKS	6u

struct node {
	unsigned	depth;
	uint32_t	number;
	char		name[NESTING_NAME];
	uint32_t	state;
	struct NestingNumbers n;
	int		nester, silent;		/* it has a view; which does not answer */
};

static struct node node[NODES];
static fluke_ref_t *below[NODES];		/* of each node its view; they stay, so that a second look changes nothing */
static unsigned	nodes;

static void fail(const char *what, const char *why)
{
	eprintf("tree: %s: %s\n", what, why);
	libc_exit(1);
}

/* ---- reading ---- */

struct question { fluke_ref_t *view, *below; uint32_t from; struct node *to; };

static int ask_about(void *argument)
{
	struct question *q = argument;

	return Nesting_about(q->view, q->to->name, sizeof q->to->name, &q->to->n);
}

static int ask_child(void *argument)
{
	struct question *q = argument;

	return Nesting_child(q->view, q->from, &q->to->number, q->to->name, sizeof q->to->name, &q->to->state, &q->to->n, q->below);
}

static void read_view(fluke_ref_t *view, struct node *self)
{
	struct question q = { .view = view, .from = 1 };

	self->nester = 1;
	while (nodes < NODES && self->depth + 1 < DEPTH) {
		struct node *n = q.to = &node[nodes];
		fluke_ref_t **kept = &below[nodes];

		memset(n, 0, sizeof *n);
		n->depth = self->depth + 1;
		if (!*kept)
			*kept = ref_new();
		q.below = *kept;
		self->silent = !q.below || nesting_patiently(ask_child, &q);
		if (!self->silent && n->number) {
			nodes++;
			q.from = n->number + 1;
			if (fluke_ref_type(q.below) != FLUKE_NULL)
				read_view(q.below, n);
		}
		if (self->silent || !n->number)
			return;
	}
}

static void read_all(fluke_ref_t *view)
{
	struct question q = { .view = view, .to = node };

	memset(node, 0, sizeof node[0]);
	nodes = 1;
	if (nesting_patiently(ask_about, &q)) {
		strlcpy(node[0].name, "?", sizeof node[0].name);
		node[0].silent = 1;
		return;
	}
	read_view(view, &node[0]);
}

static int any_silent(void)
{
	for (unsigned n = 0; n < nodes; n++)
		if (node[n].silent)
			return 1;
	return 0;
}

static uint32_t objects(const struct NestingNumbers *n)
{
	return n->threads + n->spaces + n->regions + n->mappings + n->ports + n->portsets + n->mutexes + n->conds + n->refs;
}

/* ---- the kernel's own counts ---- */

static const uint8_t types[] = { FLUKE_TYPE_THREAD, FLUKE_TYPE_SPACE, FLUKE_TYPE_REGION, FLUKE_TYPE_MAPPING, FLUKE_TYPE_PORT,
	FLUKE_TYPE_PORTSET, FLUKE_TYPE_MUTEX, FLUKE_TYPE_COND, FLUKE_TYPE_REF };
static const char *const type_names[] = { "threads", "spaces", "regions", "mappings", "ports", "portsets", "mutexes", "conds", "refs" };
#define TYPES	(sizeof types / sizeof types[0])

static void kernel_counts(uint32_t count[TYPES])
{
	for (unsigned n = 0; n < TYPES; n++)
		if (Parent_object_count(parent_ref(), types[n], &count[n]))
			count[n] = 0;
}

/* Reads until nothing has come or gone meanwhile, as far as the kernel's counts say, or LOOKS times. */
static void look(fluke_ref_t *view, uint32_t count[TYPES])
{
	uint32_t before[TYPES];

	for (unsigned n = 0; n < LOOKS && !any_silent(); n++) {
		kernel_counts(before);
		read_all(view);
		kernel_counts(count);
		if (!memcmp(before, count, sizeof before))
			return;
	}
	kernel_counts(count);
}

/* ---- showing ---- */

static const char *state_text(const struct node *n)
{
	static const char *const texts[2][3] = { { "", " (stopped)", " (ended)" }, { " (does not answer)", " (stopped, does not answer)", " (ended)" } };

	return texts[n->silent != 0][n->state < 3 ? n->state : 0];
}

static void print_table(void)
{
	printf(" memory KB  threads  objects     seconds  who\n");
	for (unsigned i = 0; i < nodes; i++) {
		const struct node *n = &node[i];
		unsigned us = (unsigned)(clock_of_counts(n->n.time) / 1000);

		printf("%10u %8u %8u %4u.%06u  ", (unsigned)(n->n.memory / 1024), (unsigned)n->n.threads, (unsigned)objects(&n->n), us / 1000000,
			us % 1000000);
		for (unsigned d = 0; d < n->depth; d++)
			printf("  ");
		printf("%s%s\n", n->name, state_text(n));
	}
}

static void print_counts(const uint32_t *count)
{
	for (unsigned n = 0; n < TYPES; n++)
		printf("%s\"%s\": %u", n ? ", " : "", type_names[n], (unsigned)count[n]);
}

/* The node and all below it; the first node after them. */
static unsigned print_json(unsigned i)
{
	static const char *const states[] = { "alive", "stopped", "ended" };
	const struct node *n = &node[i];
	unsigned next = i + 1;

	printf("{\"name\": ");
	json_string(n->name);
	printf(", \"number\": %u, \"state\": \"%s\", \"answers\": %s, \"memory\": %llu, \"limit\": %llu, \"time_ns\": %llu, ", (unsigned)n->number,
		states[n->state < 3 ? n->state : 0], n->silent ? "false" : "true", (unsigned long long)n->n.memory, (unsigned long long)n->n.limit,
		(unsigned long long)clock_of_counts(n->n.time));
	print_counts(&n->n.threads);
	if (n->nester) {
		printf(", \"holds\": [");
		while (next < nodes && node[next].depth > n->depth) {
			printf(next == i + 1 ? "\n%*s" : ",\n%*s", (int)n->depth + 1, "");
			next = print_json(next);
		}
		printf("]");
	}
	printf("}");
	return next;
}

int main(int argc, char **argv)
{
	fluke_ref_t *view = service_lookup("nesting-all");
	uint32_t count[TYPES];
	int json = argc == 2 && !strcmp(argv[1], "--json");

	if (argc > 2 || (argc == 2 && !json))
		fail("usage", "tree [--json]");
	if (!view && !(view = service_lookup("nesting")))
		fail("start", "nobody here shows what it nests");
	read_all(view);		/* once, so that all is there that the looking itself needs, in nesters between too */
	look(view, count);
	if (json) {
		printf("{\"kernel\": {");
		print_counts(count);
		printf("},\n\"tree\": ");
		print_json(0);
		printf("}\n");
	} else {
		print_table();
	}
	return 0;
}
