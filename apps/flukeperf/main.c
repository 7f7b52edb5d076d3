/* flukeperf: what the calls of the kernel cost, in instructions (under -icount shift=0).  Booted in
 * place of root; prints `bench ROW n mean worst`.  The rows are in ipc.c, sync.c, dispatch.c,
 * memory.c, waiters.c, objects.c and restart.c; tests/bench/run runs and judges them. */
#include "flukeperf.h"

uint32_t overhead;

void report(const char *name, uint32_t n, uint32_t sum, uint32_t worst)
{
	check_print("bench %s %u %u %u\n", name, n, (sum + n / 2) / n, worst);
}

uint32_t machine(uint32_t method, uint32_t a, uint32_t b, void *reference)
{
	uint32_t send[3] = { 1u << 8 | method, a, b }, answer[8] = { 99 };
	void *refs[1] = { reference };
	fluke_ipc_params_t p = {
		.send_refs = reference != 0, .send_words = 3, .send_data = send, .send_ref_table = refs,
		.recv_words = 8, .recv_data = answer,
	};

	fluke_ipc_call(&p, check_kernel);
	return answer[1];
}

/* First: what the loop and the two readings cost. */
CASE("bench-null", "thread_self")
{
	uint64_t before;

	overhead = 0;
	before = tsc();
	overhead = (uint32_t)(tsc() - before);
	MEASURE("null", 1000u, fluke_thread_self());
}
