/* scheduler: gives the program below it processor time by policies of one's choice.  See README.md.
 *
 *	scheduler EXPRESSION program [word ...] [-- command ...]
 *
 * What is below gets everything from our own parent but its Scheduler, which is the stack that the
 * expression names; the base of it lives from the time that our parent's scheduler gives us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/child.h>
#include <nest/schedule.h>
#include <protocols/Scheduler.h>

#define WORKERS		2
#define WORKERS_MOST	16

static void fail(const char *what, const char *why)
{
	eprintf("scheduler: %s: %s\n", what, why);
	libc_exit(125);
}

static fluke_ref_t *parents;		/* Scheduler */
static natural_t base_val;		/* our base there */

static int book(void *unused, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	int error = Scheduler_add(parents, thread, port, sched_val);

	(void)unused;
	base_val = *sched_val;
	return error;
}

static void loop(void *base)
{
	scheduler_loop(base);
}

static struct scheduler *build(const char *expression)
{
	struct policy_mistake mistake;
	struct scheduler *base = scheduler_build(expression, &mistake);

	parents = service_lookup("scheduler");
	if (base && parents && thread_start_scheduled(loop, base, 0, book, NULL) && !scheduler_start_rest(base, &mistake))
		return base;
	if (mistake.column)
		eprintf("scheduler: %s\n%*s^ column %u: %s\n", expression, (int)(mistake.column + 10), "", mistake.column, mistake.what);
	else
		eprintf("scheduler: no memory\n");
	libc_exit(125);
	return NULL;
}

/* Whoever looks at our parent's scheduler finds us there. */
static void show(struct scheduler *base, struct server *server)
{
	fluke_ref_t *view = scheduler_view(base, server);

	if (view)
		Scheduler_show(parents, base_val, "scheduler", view);
	ref_free(view);
}

int main(int argc, char **argv)
{
	struct scheduler *base;
	struct server *server;
	fluke_ref_t *time;
	struct child *c;
	int error, status;

	if (argc < 3)
		fail("usage", "scheduler EXPRESSION program [word ...]");
	base = build(argv[1]);
	argv += strcmp(argv[2], "--") || !argv[3] ? 2 : 3;
	server = server_new(WORKERS, WORKERS_MOST, 0);
	time = server ? scheduler_serve(base, server, 1) : NULL;
	if (!time)
		fail("start", "no memory");
	c = child_new(argv[0], server, service_lookup("pool"), &error);
	if (c)
		error = child_provide(c, "scheduler", time);
	if (error)
		fail(argv[0], error_text(error));
	show(base, server);
	status = nest_run(c, argv);
	child_destroy(c);
	nest_end(status);
}
