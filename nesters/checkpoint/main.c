/* checkpoint: takes images of everything below it, and makes them real again.  See README.md.
 *
 *	checkpoint [-f FILE] [-i MS] [-a US,US,...] [-c] [-r] [-l] [-t] [-F] [-v] [--crash=POINT] program [word ...] [-- command ...]
 *
 * The main thread waits for what makes an image due (a timer, a request from below) and for the end of the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/Checkpoint_server.h>
#include <protocols/Clock.h>
#include "checkpoint.h"

#define WORKERS		4
#define WORKERS_MOST	8
#define MESSAGE_MAX	0
#define US		1000u
#define TICK		1u		/* words of our port */
#define TAKE		2u
#define ENDED		4u

struct options options;
struct counts counts;
struct child *child;
static struct server *server;
static fluke_portset_t *portset;
static fluke_port_t *port;
static fluke_ref_t *port_ref, *timer;
static struct served control;
static uint64_t	started;

static void fail(const char *what, int error)
{
	eprintf("checkpoint: %s: %s\n", what, image_reason ? image_reason : error_text(error));
	libc_exit(126);
}

void crash_point(const char *name)
{
	if (!options.crash || strcmp(options.crash, name) || !counts.taken)
		return;
	options.crash = NULL;			/* once */
	__asm__ volatile("movl $0, 8" : : : "memory");
}

/* ---- options ---- */

static const char *value_of(char ***word)
{
	const char *value = *++*word;

	if (!value)
		fail("an option has no value", EINVAL);
	return value;
}

static char **options_take(char **word)
{
	for (; *word && (**word == '-'); word++) {
		if (!strcmp(*word, "--"))
			return word + 1;
		else if (!strcmp(*word, "-f"))
			options.file = value_of(&word);
		else if (!strcmp(*word, "-i"))
			options.interval = (uint32_t)strtoul(value_of(&word), NULL, 0) * 1000;
		else if (!strcmp(*word, "-a"))
			options.instants = value_of(&word);
		else if (!strcmp(*word, "-c"))
			options.cycle = 1;
		else if (!strcmp(*word, "-r"))
			options.restore = 1;
		else if (!strcmp(*word, "-F"))
			options.full = 1;
		else if (!strcmp(*word, "-l"))
			options.leave = 1;
		else if (!strcmp(*word, "-t"))
			options.tree = 1;
		else if (!strcmp(*word, "-v"))
			options.verbose = 1;
		else if (!strncmp(*word, "--crash=", 8))
			options.crash = *word + 8;
		else
			fail(*word, EINVAL);
	}
	return word;
}

/* ---- what makes an image due ---- */

static void tell(uint32_t word)
{
	uint32_t message[2] = { word, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, port_ref);
}

static void child_ended(struct child *c)
{
	if (c == child)
		tell(ENDED);
}

static int control_take(void *self, struct request *r)
{
	(void)self, (void)r;
	tell(TAKE);
	return 0;
}

static int control_count(void *self, struct request *r, uint32_t *taken, uint32_t *restored, uint32_t *failed)
{
	(void)self, (void)r;
	*taken = counts.taken;
	*restored = counts.restored;
	*failed = counts.failed;
	return 0;
}

static const struct Checkpointer_methods methods = { .take = control_take, .count = control_count };
static const struct interface interfaces[] = { { Checkpointer_INTERFACE, Checkpointer_dispatch, &methods }, { 0, 0, 0 } };
static const struct served_class control_class = { .name = "checkpointer", .interfaces = interfaces };

struct served *control_service(void)
{
	return &control;
}

/* The next instant of the list, or of the interval; the list's count from the start. */
static void arm(void)
{
	char *end;

	if (options.instants && *options.instants) {
		uint32_t us = (uint32_t)strtoul(options.instants, &end, 0);

		options.instants = *end == ',' ? end + 1 : end;
		Timer_set(timer, clock_deadline(started + (uint64_t)us * US), 0, NULL);
	} else if (options.interval) {
		Timer_set(timer, clock_deadline(clock_now() + (uint64_t)options.interval * US), 0, NULL);
	}
}

static uint32_t wait_word(void)
{
	uint32_t words[FLUKE_MAX_MIN_MSG] = { 0 }, status;
	fluke_ipc_params_t p = { .recv_words = FLUKE_MAX_MIN_MSG, .recv_data = words };
	natural_t alias;

	status = fluke_ipc_setup_wait_receive(&p, portset, &alias);
	if (FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_RELIABLE)
		fluke_ipc_server_disconnect();
	return FLUKE_IPC_FLAVOUR(status) == FLUKE_IPC_ONEWAY ? words[0] : 0;
}

/* ---- children ---- */

static void make_child(const char *name)
{
	int error;

	child = child_new(name, server, memory_pool(), &error);
	if (!child)
		fail(name, error);
	child->on_end = child_ended;
	error = child_provide(child, "checkpoint", served_ref(&control));
	if (error)
		fail(name, error);
}

static void say(const char *what, int error)
{
	eprintf("checkpoint: %s: %s%s%s\n", what, image_reason ? image_reason : error_text(error),
		image_reason ? ": " : "", image_reason ? error_text(error) : "");
}

/* Everything below is gone and comes back as the image has it. */
static void restore_child(const char *name)
{
	uint64_t since = clock_now();
	int error;

	make_child(name);
	error = restore();
	if (error)
		fail("restore", error);
	counts.restored++;
	counts.restore_time = clock_now() - since;
	restore_go();
}

static void destroy_child(void)
{
	struct child *old = child;

	child = NULL;
	child_destroy(old);
}

static void take(void)
{
	uint64_t since = clock_now(), stopped = 0;
	int error = stop_all();

	if (!error) {
		stopped = clock_now();
		error = save();
		counts.stop_time = clock_now() - stopped;
		if (error || !(options.cycle || options.leave))
			stop_resume();
		memory_unlock();
	}
	counts.total_time = clock_now() - since;
	if (error) {
		counts.failed++;
		say("no image is taken", error);
		return;
	}
	counts.taken++;
	if (options.verbose)
		eprintf("checkpoint: image %u: %u objects, %u threads, %u pages, %u of them written, %u bytes, stopped %u us, in all %u us, "
			"%u requests again, %u lost, %u settles\n", (unsigned)counts.taken, (unsigned)counts.objects, (unsigned)counts.threads,
			(unsigned)counts.pages, (unsigned)counts.written, (unsigned)counts.size, (unsigned)(counts.stop_time / US),
			(unsigned)(counts.total_time / US), (unsigned)counts.again, (unsigned)counts.lost, (unsigned)counts.settles);
	if (options.leave)
		nest_end(0);
	if (options.cycle) {
		destroy_child();
		restore_child("again");
		if (options.verbose)
			eprintf("checkpoint: restored in %u us\n", (unsigned)(counts.restore_time / US));
	}
}

static int begin(void)
{
	fluke_ref_t *clock = service_lookup("clock");
	int error;

	server = server_new(WORKERS, WORKERS_MOST, MESSAGE_MAX);
	error = server ? memory_begin(server) : ENOMEM;
	if (!error)
		error = served_init(&control, &control_class, server);
	if (!error)
		error = time_begin(server);
	if (!error)
		error = border_begin();
	if (error)
		return error;
	portset = portset_new();
	port = port_new(portset, NULL, 0);
	port_ref = ref_new();
	timer = ref_new();
	if (!port || !port_ref || !timer)
		return ENOMEM;
	fluke_port_reference(port, port_ref);
	error = Clock_create_timer(clock, port, TICK, timer);
	ref_free(clock);
	return error ? error : image_open();
}

int main(int argc, char **argv)
{
	char **command = options_take(argv + 1);
	uint64_t since;
	uint32_t word;
	int error = begin(), status;

	(void)argc;
	if (error)
		fail("start", error);
	if (!*command && !options.restore)
		fail("no command", EINVAL);
	if (options.restore) {
		restore_child(*command ? *command : "restored");
	} else {
		make_child(*command);
		error = nest_start(child, command);
		if (error)
			nest_end((error == ENOENT ? 127 : 126) << 8);
	}
	started = clock_now();
	arm();
	for (;;) {
		word = wait_word();
		if (word & ENDED || child->ended)
			break;
		if (word & (TICK | TAKE)) {
			since = clock_now();
			take();
			started += clock_now() - since;		/* instants count the program's own time */
		}
		if (word & TICK)
			arm();
	}
	status = child_wait(child);
	destroy_child();
	if (options.verbose)
		eprintf("checkpoint: taken %u restored %u failed %u, ran %u us\n", (unsigned)counts.taken, (unsigned)counts.restored,
			(unsigned)counts.failed, (unsigned)((clock_now() - started) / US));
	nest_end(status);
}
