/* standstill: a server with two workers at most, and clients that are stopped in the middle of a call, as by a
 * debugger.  Two of them hold both workers; the third one's call must be answered all the same, after the
 * watchdog's five seconds, and the two, let go, see that their server has left.
 * `standstill line`: the pool is large, but all three are one session, of which two may be in work.  The third one is answered
 * soon, and the two, let go, have their replies.  TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/child.h>
#include <protocols/Demo.h>
#include <protocols/Demo_server.h>

#define CHILDREN	3

int main(int argc, char **argv);

struct session {
	struct served	served;		/* first */
	struct child	*child;
	fluke_thread_state_t state;
};

static struct session session[CHILDREN];
static uint64_t first_freeze;		/* when */

/* Stops the caller, which waits for this very reply. */
static int freeze(void *self, struct request *r, int32_t number)
{
	struct session *s = self;
	fluke_thread_links_t links = { 0 };

	(void)r, (void)number;
	if (!first_freeze)
		first_freeze = clock_now();
	fluke_thread_get_state((fluke_thread_t *)(void *)(s->child->window + (START_THREAD - START_OBJECTS)), &s->state, links);
	return 0;
}

static int null(void *self, struct request *r)
{
	(void)self, (void)r;
	return 0;
}

static const struct Demo_methods methods = { .null = null, .fail = freeze };
static const struct interface interfaces[] = { { Demo_INTERFACE, Demo_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class session_class = { .name = "session", .interfaces = interfaces };

static void let_go(struct session *s)
{
	fluke_thread_links_t links = { 0 };

	s->state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state((fluke_thread_t *)(void *)(s->child->window + (START_THREAD - START_OBJECTS)), &s->state, links);
}

/* `line`: in the session of the first one. */
static fluke_ref_t *port_of(struct session *s, int line)
{
	return line ? served_facet(&s->served, session[0].served.session) : served_ref(&s->served);
}

static int start(struct session *s, int line, struct server *server, struct server *parent_server, fluke_ref_t *pool, const char *what)
{
	char *argv[] = { "standstill", (char *)(uintptr_t)what, NULL };
	fluke_ref_t *fs = service_lookup("fs"), *ref;
	int error = served_init(&s->served, &session_class, server);

	s->child = error ? NULL : child_new(what, parent_server, pool, &error);
	if (!s->child)
		return error;
	ref = port_of(s, line);
	child_provide(s->child, "demo", ref);
	ref_free(ref);
	error = load_program(s->child, fs, "standstill", argv, NULL);
	ref_free(fs);
	return error;
}

static void judge_used_up(const int status[], uint64_t stood)
{
	printf("%sok 1 the third client is answered\n", status[2] ? "not " : "");
	printf("%sok 2 not before five seconds have passed\n", stood >= 5000000000ull ? "" : "not ");
	printf("%sok 3 a stopped one has lost its server, and goes on\n", status[0] + status[1] == 1 << 8 ||
		status[0] + status[1] == 2 << 8 ? "" : "not ");
}

static void judge_line(const int status[], uint64_t stood)
{
	printf("%sok 1 the third client is answered\n", status[2] ? "not " : "");
	printf("%sok 2 within two seconds\n", stood <= 2000000000ull ? "" : "not ");
	printf("%sok 3 the stopped ones have their replies\n", status[0] + status[1] == 0 ? "" : "not ");
}

static int serve(int line)
{
	struct server *server = server_new(1, line ? 16 : 2, 0), *parent_server = server_new(2, 4, 0);
	fluke_ref_t *pool = service_lookup("pool");
	uint64_t stood;
	int status[CHILDREN], error = server && parent_server && pool ? 0 : ENOMEM;

	for (int n = 0; n < 2 && !error; n++) {
		error = start(&session[n], line, server, parent_server, pool, "frozen");
		clock_sleep_until(clock_now() + 600000000);	/* it is in its call by then */
	}
	if (!error)
		error = start(&session[2], line, server, parent_server, pool, "free");
	if (error) {
		eprintf("standstill: %s\n", error_text(error));
		return 1;
	}
	status[2] = child_wait(session[2].child);
	stood = clock_now() - first_freeze;
	printf("# %u ms\n", (unsigned)(stood / 1000000));
	for (int n = 0; n < 2; n++) {
		let_go(&session[n]);
		status[n] = child_wait(session[n].child);
	}
	(line ? judge_line : judge_used_up)(status, stood);
	printf("1..3\n");
	return 0;
}

/* Exit status 1 = the server left during the call. */
static int client(const char *what)
{
	fluke_ref_t *demo = service_lookup("demo");
	int error = strcmp(what, "frozen") == 0 ? Demo_fail(demo, 0) : Demo_null(demo);

	return error == PROTO_BROKEN ? 1 : error ? 2 : 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "line"))
		return client(argv[1]);
	return serve(argc > 1);
}
