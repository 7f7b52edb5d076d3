/* selfcheck KIND SEED: a native program that checks itself, made to be interrupted anywhere (tests of checkpoint).
 * Kinds: fpu, threads, memory, rpc, sleep.  Prints a line per step with a sum that depends on all before; status 1
 * when it finds that something is not what it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <native.h>

#define STEPS	12u

int main(int argc, char **argv);

static uint32_t	state;
static uint32_t	sum = 1;

static uint32_t chance(void)
{
	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static void step(unsigned n, uint32_t value)
{
	sum = (sum << 5 | sum >> 27) ^ value;
	printf("step %u: %08x\n", n, (unsigned)sum);
}

static void wrong(const char *what)
{
	printf("wrong: %s\n", what);
	exit(1);
}

/* Sums that come out the same in any order of interruptions only if each register does. */
static uint32_t fpu_work(void)
{
	double x = (double)(chance() % 1000 + 1) / 7.0, y = 0;
	union { double d; uint32_t w[2]; } bits;

	for (unsigned n = 1; n < 8000; n++) {
		x = x * 1.0000001 + 1.0 / (double)n;
		y += x / (1.0 + (double)(n % 17));
	}
	bits.d = y;
	return bits.w[0] ^ bits.w[1];
}

static void fpu(void)
{
	for (unsigned n = 0; n < STEPS; n++)
		step(n, fpu_work());
}

/* ---- threads: a ring hands a number on, each under one lock; condition variables say whose turn it is */

#define RING	5u

static struct lock lock;
static fluke_cond_t *turn[RING], *done;
static unsigned whose, rounds;
static uint32_t	token;

static void member(void *number)
{
	unsigned n = (unsigned)number;

	lock_take(&lock);
	for (;;) {
		while (whose != n)
			fluke_cond_wait(turn[n], lock.mutex);
		token = token * 69069u + n + 1;
		for (volatile unsigned i = 0; i < 300; i++)
			;
		whose = (n + 1) % RING;
		rounds++;
		fluke_cond_signal(turn[whose]);
		fluke_cond_signal(done);
	}
}

static void threads(void)
{
	uint32_t expected = state;

	token = state;
	lock_init(&lock);
	done = cond_new();
	whose = RING;
	for (unsigned n = 0; n < RING; n++) {
		turn[n] = cond_new();
		if (!turn[n] || !thread_start(member, (void *)n, 0))
			wrong("no thread");
	}
	for (unsigned n = 0; n < STEPS; n++) {
		lock_take(&lock);
		if (whose == RING) {
			whose = 0;
			fluke_cond_signal(turn[0]);
		}
		while (rounds < (n + 1) * 400)
			fluke_cond_wait(done, lock.mutex);
		lock_drop(&lock);
		step(n, n);
	}
	lock_take(&lock);
	for (unsigned n = 0; n < rounds; n++)
		expected = expected * 69069u + n % RING + 1;
	if (expected != token)
		wrong("the token");
	lock_drop(&lock);
}

/* ---- memory: a heap of blocks, filled, checked, freed by chance */

static void memory(void)
{
	enum { BLOCKS = 64 };
	static uint8_t *block[BLOCKS];
	static uint32_t size[BLOCKS], fill[BLOCKS];

	for (unsigned n = 0; n < STEPS; n++) {
		for (unsigned i = 0; i < 50; i++) {
			unsigned at = chance() % BLOCKS;

			for (uint32_t k = 0; block[at] && k < size[at]; k++)
				if (block[at][k] != (uint8_t)(fill[at] + k))
					wrong("a block");
			free(block[at]);
			size[at] = chance() % 6000;
			fill[at] = chance();
			if (!(block[at] = malloc(size[at] + 1)))
				wrong("no memory");
			for (uint32_t k = 0; k < size[at]; k++)
				block[at][k] = (uint8_t)(fill[at] + k);
		}
		step(n, state);
	}
}

/* ---- rpc: clients ask a server thread over a port */

static fluke_portset_t *portset;
static fluke_ref_t *port;

static void server(void *unused)
{
	uint32_t words[8];
	fluke_ipc_params_t p = { .recv_words = 8, .recv_data = words };
	natural_t alias;

	(void)unused;
	fluke_ipc_setup_wait_receive(&p, portset, &alias);
	for (;;) {
		words[0] = words[0] * 3 + 1;
		p.send_words = 2;
		p.send_data = words;
		p.recv_words = 8;
		p.recv_data = words;
		fluke_ipc_server_ack_send_wait_receive(&p, &alias);
	}
}

static void rpc(void)
{
	fluke_port_t *object;

	portset = portset_new();
	object = port_new(portset, NULL, 0);
	port = ref_new();
	fluke_port_reference(object, port);
	if (!thread_start(server, NULL, 0))
		wrong("no thread");
	for (unsigned n = 0; n < STEPS; n++) {
		uint32_t last = 0;

		for (unsigned i = 0; i < 1500; i++) {
			uint32_t out[2] = { chance(), 1 }, in[8] = { 0 };
			fluke_ipc_params_t p = { .send_words = 2, .send_data = out, .recv_words = 8, .recv_data = in };

			fluke_ipc_client_connect_send_over_receive(&p, port);
			if (in[0] != out[0] * 3 + 1)
				wrong("an answer");
			last += in[0];
		}
		step(n, last);
	}
}

static void nap(void)
{
	for (unsigned n = 0; n < STEPS; n++) {
		uint64_t before = clock_now();

		clock_sleep_until(before + 1000000 + chance() % 1000000);
		if (clock_now() < before + 1000000)
			wrong("woken too soon");
		step(n, state);
	}
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } kinds[] = {
		{ "fpu", fpu }, { "threads", threads }, { "memory", memory }, { "rpc", rpc }, { "sleep", nap },
	};

	if (argc != 3)
		return 2;
	printf("begin\n");
	state = (uint32_t)strtoul(argv[2], NULL, 0) * 2654435761u + 1;
	for (unsigned n = 0; n < sizeof kinds / sizeof kinds[0]; n++)
		if (!strcmp(kinds[n].name, argv[1])) {
			kinds[n].run();
			printf("right %08x\n", (unsigned)sum);
			return 0;
		}
	return 2;
}
