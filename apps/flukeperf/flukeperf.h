/* What the rows of flukeperf share: the clock, the loop that measures, threads to measure with. */
#ifndef FLUKEPERF_H
#define FLUKEPERF_H

#include "check.h"

#define RW	(FLUKE_PROT_READ | FLUKE_PROT_WRITE)
#define PAGE	FLUKE_PAGE_SIZE
#define WINDOW	0x20000000u		/* where rows map things */

static inline uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile ("rdtsc" : "=a" (low), "=d" (high));
	return (uint64_t)high << 32 | low;
}

extern uint32_t overhead;		/* of an empty interval; taken off */
void	report(const char *name, uint32_t n, uint32_t sum, uint32_t worst);

/* Mean and worst of n runs of `statement`, after 4 that do not count; `after` runs untimed. */
#define MEASURE_AFTER(name, n, statement, after) \
	do { \
		uint32_t sum_ = 0, worst_ = 0; \
		for (uint32_t i_ = 0; i_ < (n) + 4u; i_++) { \
			uint64_t before_ = tsc(); \
			statement; \
			uint32_t took_ = (uint32_t)(tsc() - before_) - overhead; \
			after; \
			if (i_ < 4) \
				continue; \
			sum_ += took_; \
			if (took_ > worst_) \
				worst_ = took_; \
		} \
		report(name, n, sum_, worst_); \
	} while (0)
#define MEASURE(name, n, statement) MEASURE_AFTER(name, n, statement, (void)0)

/* A request to Machine with at most two words and a reference; the answer's second word. */
uint32_t	machine(uint32_t method, uint32_t a, uint32_t b, void *reference);

/* How long an interrupt waits: the deadline's event goes to late_port (memory.c). */
enum { DEADLINE_SET = 4, SCHEDULER_SET = 6, OBJECT_COUNT = 8, LATENESS = 11 };	/* of Machine */
extern fluke_port_t *late_port;

/* The deadline falls `step` instructions later into the statement at each run. */
#define IRQOFF(runs, step, statement) \
	do { \
		for (uint32_t i_ = 0; i_ < (runs); i_++) { \
			uint64_t at_ = tsc() + 3000 + i_ * (step); \
			machine(DEADLINE_SET, (uint32_t)at_, (uint32_t)(at_ >> 32), late_port); \
			statement; \
			while (tsc() < at_ + 100) \
				; \
		} \
	} while (0)

/* ipc.c: an echo server in that space, its port's reference; it returns what it gets. */
fluke_ref_t	*echo_start(fluke_space_t *space, uint32_t words);
void		echo(fluke_ref_t *dest, void *data, uint32_t words);

#endif
