/* starve: a server, a client that opens hundreds of requests which it never ends, and one that behaves.  The first one's
 * bulk lies in memory whose keeper never answers, in part of the threads from the first word on, so that whoever
 * receives it stands still.  The other one must be answered at once, again and again.
 * `starve bad` takes the limit of requests per session away: then it must not be.  TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/child.h>
#include <protocols/Demo.h>
#include <protocols/Demo_server.h>

#define THREADS		200
#define CALLS		300
#define PATIENCE	1000000000ull	/* ns, for all of these calls */
#define SIZE		0x10000u
#define HOLE		0x70000000u	/* nothing is mapped there */

int main(int argc, char **argv);

static struct served demo;
static volatile uint32_t asked;

static int null(void *self, struct request *r)
{
	(void)self, (void)r;
	return 0;
}

static int increment(void *self, struct request *r, const void *data, size_t size, const void **result, size_t *result_size)
{
	(void)self, (void)r;
	asked++;
	*result = data;
	*result_size = size;
	return 0;
}

static const struct Demo_methods methods = { .null = null, .increment = increment };
static const struct interface interfaces[] = { { Demo_INTERFACE, Demo_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class class = { .name = "demo", .interfaces = interfaces };

/* ---- clients ---- */

static fluke_ref_t *service;
static char *silent;			/* memory that nobody will ever provide */

static void silence(void)
{
	fluke_portset_t *nobody = portset_new();
	fluke_port_t *keeper = port_new(nobody, NULL, 0);
	fluke_ref_t *keeper_ref = ref_new(), *region_ref = ref_new();
	fluke_region_t *region;

	fluke_port_reference(keeper, keeper_ref);
	region = region_new(own_space(), HOLE, SIZE, FLUKE_PROT_READ | FLUKE_PROT_WRITE, keeper_ref);
	fluke_region_reference(region, region_ref);
	silent = address_reserve(SIZE);
	mapping_new(region_ref, 0, NULL, (uint32_t)silent, SIZE, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
}

/* By the stub, and with nothing but the two words that no call goes without. */
static void hostile_thread(void *argument)
{
	static uint32_t first[2] = { Demo_INTERFACE << 8 | 3, SIZE };
	fluke_ipc_buffer_t further = { SIZE / 4, silent };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = first, .send_buffers = 1,
		.send_buffer_table = (uintptr_t)argument % 3 == 1 ? (void *)silent : &further };
	size_t size = SIZE;

	if ((uintptr_t)argument % 3 == 0)
		Demo_increment(service, silent, SIZE, silent, &size);
	else
		fluke_ipc_client_connect_send_over_receive(&params, service);
}

static int hostile(void)
{
	silence();
	for (uintptr_t n = 0; n < THREADS; n++)
		if (!thread_start(hostile_thread, (void *)n, 4096))
			return 3;
	clock_sleep_until(~0ull >> 1);
	return 0;
}

static int good(void)
{
	uint64_t start = clock_now(), longest = 0;

	for (int n = 0; n < CALLS; n++) {
		uint64_t before = clock_now();

		if (Demo_null(service) != 0)
			return 2;
		if (clock_now() - before > longest)
			longest = clock_now() - before;
		if (clock_now() - start > PATIENCE)
			return 1;
	}
	return 0;
}

/* ---- server ---- */

static struct child *start(struct server *server, fluke_ref_t *pool, const char *what)
{
	char *argv[] = { "starve", (char *)(uintptr_t)what, NULL };
	fluke_ref_t *fs = service_lookup("fs"), *ref = served_facet(&demo, NULL);
	int error = 0;
	struct child *c = ref ? child_new(what, server, pool, &error) : NULL;

	if (!c)
		return NULL;
	child_provide(c, "demo", ref);
	ref_free(ref);
	error = load_program(c, fs, "starve", argv, NULL);
	ref_free(fs);
	return error ? NULL : c;
}

/* Its status, or -1 if it has not ended in time. */
static int wait_for(struct child *c)
{
	uint64_t end = clock_now() + 2 * PATIENCE;

	while (c && !c->ended && clock_now() < end)
		clock_sleep_until(clock_now() + 10000000);
	return c && c->ended ? c->status : -1;
}

static int serve(int bad)
{
	struct server *parents = server_new(2, 4, 0), *server = server_new(4, 8, 0);
	fluke_ref_t *pool = service_lookup("pool");
	struct child *first, *second;
	uint64_t begun;
	int status;

	if (bad)
		server_session_limit = ~0u;
	if (!parents || !server || !pool || served_init(&demo, &class, server))
		return 1;
	first = start(parents, pool, "hostile");
	clock_sleep_until(clock_now() + 1500000000ull);	/* its threads have all asked by then */
	begun = clock_now();
	second = start(parents, pool, "good");
	if (!first || !second)
		return 1;
	status = wait_for(second);
	printf("%sok 1 the well-behaved client is answered at once\n", status ? "not " : "");
	printf("# status %d, %u ms\n", status, (unsigned)((clock_now() - begun) / 1000000));
	printf("%sok 2 none of the hostile requests has been\n", asked ? "not " : "");
	child_destroy(first);
	status = wait_for(start(parents, pool, "good"));
	printf("%sok 3 and so it is after the hostile one's end\n1..3\n", status ? "not " : "");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "bad"))
		return serve(argc > 1);
	service = service_lookup("demo");
	return !strcmp(argv[1], "good") ? good() : hostile();
}
