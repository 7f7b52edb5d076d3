/* For programs that are one source for the Fluke API and for Linux i386: which of the two it is, time, and the line
 * that tests/bench/run reads.  Times are in instructions under -icount 0. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>

#if __has_include(<native.h>)
#include <native.h>
#else
#define ON_LINUX
#endif

static inline uint64_t measure_now(void)
{
	uint64_t tsc;

	__asm__ volatile("rdtsc" : "=A"(tsc));
	return tsc;
}

/* n operations took so long, the longest of them `worst`. */
static inline void measure_print(const char *name, uint32_t n, uint64_t time, uint64_t worst)
{
	printf("bench %s %u %llu %llu\n", name, (unsigned)n, (unsigned long long)(time / n), (unsigned long long)worst);
}

/* Numbers from a seed, the same everywhere. */
static inline uint32_t measure_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#endif
