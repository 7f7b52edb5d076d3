/* rpcdemo: two programs and a protocol.  Started plainly it is the server: it makes a child from its own program
 * file, gives it a Demo object under the name "demo" and serves that; the child calls each method, checks what
 * comes back and tells what a call costs.  TAP lines; exit status 0 if all is well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/child.h>
#include <protocols/Demo.h>
#include <protocols/Demo_server.h>

#define ROUNDS	1000
#define PATIENCE	2000000000ull	/* cycles: for what happens when others run */

int main(int argc, char **argv);

/* ---- server ---- */

struct demo {
	struct served	served;		/* first */
};

static struct server *server;
static struct lock demo_lock;
static struct request *waiting[16];
static uint32_t waiting_tag[16], released_count, hint_bits;

static int demo_null(void *self, struct request *r)
{
	(void)self, (void)r;
	return 0;
}

static int demo_add(void *self, struct request *r, int32_t a, int32_t b, int32_t *sum)
{
	(void)self, (void)r;
	*sum = a + b;
	return 0;
}

static int demo_reverse(void *self, struct request *r, const char *text, const char **reversed)
{
	char *to = request_scratch(r);
	size_t length = strlen(text);

	(void)self;
	for (size_t n = 0; n < length; n++)
		to[n] = text[length - 1 - n];
	to[length] = 0;
	*reversed = to;
	return 0;
}

static int demo_increment(void *self, struct request *r, const void *data, size_t size, const void **result,
	size_t *result_size)
{
	char *to = request_scratch(r);

	(void)self;
	for (size_t n = 0; n < size; n++)
		to[n] = (char)(((const char *)data)[n] + 1);
	*result = to;
	*result_size = size;
	return 0;
}

static int demo_middle(void *self, struct request *r, int32_t before, const void *data, size_t size, int64_t after,
	int64_t *total, const void **result, size_t *result_size, uint32_t *odd)
{
	*total = before + after + (int64_t)size;
	*odd = size & 1;
	return demo_increment(self, r, data, size, result, result_size);
}

static int demo_scale(void *self, struct request *r, const struct DemoPoint *point, int32_t factor,
	struct DemoPoint *result)
{
	(void)self, (void)r;
	result->x = point->x * factor;
	result->y = point->y * factor;
	result->weight = point->weight * (uint32_t)factor;
	return 0;
}

static int demo_pass(void *self, struct request *r, fluke_ref_t *object, void **first, void **second)
{
	fluke_ref_t *copy = ref_dup(object);

	(void)self;
	request_free_ref(r, copy);
	*first = *second = copy;
	return 0;
}

static int demo_fail(void *self, struct request *r, int32_t number)
{
	(void)self, (void)r;
	return number;
}

static int demo_wait(void *self, struct request *r, uint32_t tag, uint32_t *same)
{
	int error = ENOMEM;

	(void)self, (void)same;
	lock_take(&demo_lock);
	for (unsigned n = 0; n < 16 && error == ENOMEM; n++) {
		if (waiting[n])
			continue;
		waiting[n] = request_park(r);
		waiting_tag[n] = tag;
		error = REQUEST_PARKED;
	}
	lock_drop(&demo_lock);
	return error;
}

static int demo_release(void *self, struct request *r, uint32_t *count, uint32_t *gone)
{
	(void)self, (void)r;
	for (unsigned n = 0; n < 16; n++) {
		struct request *parked;

		lock_take(&demo_lock);
		parked = waiting[n];
		waiting[n] = NULL;
		lock_drop(&demo_lock);
		if (!parked)
			continue;
		++*count;
		Demo_wait_reply(parked, waiting_tag[n]);
		if (request_answer(parked, 0) != 0)
			++*gone;
	}
	return 0;
}

static const struct served_class demo_class;

static int demo_create(void *self, struct request *r, void **out)
{
	struct demo *fresh = calloc(1, sizeof(*fresh));

	(void)self, (void)r;
	if (!fresh || served_init(&fresh->served, &demo_class, server) != 0) {
		free(fresh);
		return ENOMEM;
	}
	*out = fresh->served.port;
	return 0;
}

static void demo_gone(void *self)
{
	struct demo *d = self;

	served_done(&d->served);
	free(d);
	__sync_fetch_and_add(&released_count, 1);
}

static int demo_released(void *self, struct request *r, uint32_t *count)
{
	(void)self, (void)r;
	*count = released_count;
	return 0;
}

static int demo_end(void *self, struct request *r)
{
	struct demo *d = self;

	(void)r;
	served_end(&d->served);
	return 0;
}

static int demo_hint(void *self, struct request *r, uint32_t bits)
{
	(void)self, (void)r;
	hint_bits |= bits;
	return 0;
}

static int demo_hints(void *self, struct request *r, uint32_t *bits)
{
	(void)self, (void)r;
	*bits = hint_bits;
	return 0;
}

static const struct Demo_methods methods = {
	demo_null, demo_add, demo_reverse, demo_increment, demo_middle, demo_scale, demo_pass, demo_fail, demo_wait,
	demo_release, demo_create, demo_released, demo_end, demo_hint, demo_hints,
};
static const struct interface interfaces[] = { { Demo_INTERFACE, Demo_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class demo_class = { .name = "demo", .interfaces = interfaces, .release = demo_gone };

static int serve(char **argv)
{
	static char *const child_argv[] = { "rpcdemo", "client", NULL };
	struct demo *root = calloc(1, sizeof(*root));
	fluke_ref_t *pool = service_lookup("pool"), *ref;
	struct child *c;
	int error = 0, status;

	lock_init(&demo_lock);
	server = server_new(2, 4, 0);
	if (!pool || !server || served_init(&root->served, &demo_class, server) != 0)
		goto fail;
	ref = served_ref(&root->served);
	c = child_new(argv[0], server, pool, &error);
	if (!c)
		goto fail;
	child_provide(c, "demo", ref);
	status = nest_run(c, child_argv);
	child_destroy(c);
	printf("# %u demo objects released\n", released_count);
	return status >> 8;
fail:
	eprintf("rpcdemo: %s\n", error_text(error ? error : ENOMEM));
	return 1;
}

/* ---- client ---- */

static int cases, failed;
static fluke_ref_t *demo;

static void check(int good, const char *what)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++cases, what);
	failed += !good;
}

static void check_bulk(size_t size, unsigned offset)
{
	static char from[65600], to[65600];
	size_t got = size, bad = 0;
	int error;

	for (size_t n = 0; n < size; n++)
		from[offset + n] = (char)(n * 7 + size);
	memset(to, 0x55, sizeof(to));
	error = Demo_increment(demo, from + offset, size, to + 3 - offset % 4 + 4, &got);
	for (size_t n = 0; n < size; n++)
		bad += to[3 - offset % 4 + 4 + n] != (char)(from[offset + n] + 1);
	if (error || got != size || bad || to[3 - offset % 4 + 3] != 0x55 || to[3 - offset % 4 + 4 + size] != 0x55) {
		printf("# size %zu offset %u: error %d, got %zu, %zu bytes wrong\n", size, offset, error, got, bad);
		failed++;
	}
}

static void check_simple(void)
{
	struct DemoPoint point = { 3, -4, 5000000000ull }, scaled;
	int32_t sum = 0;
	char text[64], small[4];

	check(Demo_null(demo) == 0, "a call without parameters");
	check(Demo_add(demo, 40, 2, &sum) == 0 && sum == 42, "numbers in and out");
	check(Demo_reverse(demo, "nested", text, sizeof(text)) == 0 && strcmp(text, "detsen") == 0, "strings in and out");
	check(Demo_reverse(demo, "", text, sizeof(text)) == 0 && !*text, "an empty string");
	check(Demo_reverse(demo, "four", text, sizeof(text)) == 0 && strcmp(text, "ruof") == 0, "a string of whole words");
	check(Demo_reverse(demo, "too long", small, sizeof(small)) == ERANGE, "a string that does not fit");
	check(Demo_scale(demo, &point, 2, &scaled) == 0 && scaled.x == 6 && scaled.y == -8 && scaled.weight == 10000000000ull,
		"a struct in and out");
	check(Demo_fail(demo, ENOENT) == ENOENT, "an error from the server");
}

static void check_bulks(void)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 4095, 4096, 4097, 8192, 65535, 65536 };
	int before = failed;
	int64_t total = 0;
	uint32_t odd = 0;
	char out[8];
	size_t got = sizeof(out);

	for (unsigned n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++)
		for (unsigned offset = 0; offset < 4; offset++)
			check_bulk(sizes[n], offset);
	check(failed == before, "bulk of every size and alignment, both ways");
	check(Demo_middle(demo, 1, "abcde", 5, 1ll << 33, &total, out, &got, &odd) == 0 && total == (1ll << 33) + 6 &&
		got == 5 && odd == 1 && memcmp(out, "bcdef", 5) == 0, "bulk among other parameters");
}

static void wait_thread(void *argument)
{
	uint32_t same = 0;

	if (Demo_wait(demo, (uint32_t)argument, &same) == 0)
		*(volatile uint32_t *)argument = same;
}

static void check_objects(void)
{
	fluke_ref_t *first = ref_new(), *second = ref_new(), *own = ref_new();
	uint32_t count = 0, before = 0, gone = 0, bits = 0;
	volatile uint32_t tags[3] = { 0 };

	check(Demo_pass(demo, demo, first, second) == 0 && fluke_ref_compare(first, demo) && fluke_ref_compare(second, demo),
		"a reference goes there and back");
	fluke_ref_clear(first);
	fluke_ref_clear(second);
	check(Demo_create(demo, own) == 0 && Demo_null(own) == 0, "an object of our own");
	Demo_released(demo, &before);
	fluke_ref_clear(own);
	for (uint64_t end = rdtsc() + PATIENCE; rdtsc() < end && count <= before;)
		Demo_released(demo, &count);
	check(count == before + 1, "the server hears that the last reference went");
	Demo_create(demo, own);
	check(Demo_end(own) == 0 && Demo_null(own) == PROTO_DEAD, "an object that ended itself");
	for (int n = 0; n < 3; n++)
		thread_start(wait_thread, (void *)(uintptr_t)&tags[n], 0);
	count = 0;
	for (uint64_t end = rdtsc() + PATIENCE; rdtsc() < end && count < 3;) {
		uint32_t some = 0;

		Demo_release(demo, &some, &gone);
		count += some;
	}
	for (uint64_t end = rdtsc() + PATIENCE; rdtsc() < end && !(tags[0] && tags[1] && tags[2]);)
		Demo_null(demo);
	check(count == 3 && !gone && tags[0] == (uint32_t)&tags[0] && tags[2] == (uint32_t)&tags[2],
		"requests that wait are answered later");
	for (uint64_t end = rdtsc() + PATIENCE; rdtsc() < end && !bits;) {
		Demo_hint(demo, 4);		/* may be lost */
		Demo_hints(demo, &bits);
	}
	check(bits == 4, "a one-way message");
	ref_free(first);
	ref_free(second);
	ref_free(own);
}

static int client(void)
{
	uint64_t start;

	demo = service_lookup("demo");
	if (!demo) {
		eprintf("rpcdemo: no service \"demo\"\n");
		return 1;
	}
	check_simple();
	check_bulks();
	check_objects();
	printf("1..%d\n", cases);
	start = rdtsc();
	for (int n = 0; n < ROUNDS; n++)
		Demo_null(demo);
	printf("# a call between two programs: %u cycles\n", (uint32_t)((rdtsc() - start) / ROUNDS));
	return failed != 0;
}

int main(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "client") == 0 ? client() : serve(argv);
}
