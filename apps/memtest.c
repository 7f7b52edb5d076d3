/* memtest: a heap of 4 MB is grown in steps of 64 KB; four passes write a pattern of their own to every byte and read all
 * back, counting wrong bits.  `memtest MB` takes another size.  The same source is a program for the Fluke API and a
 * static one for Linux i386.  Timed from the first step to the last check. */
#include <stdlib.h>
#include "measure.h"
#ifdef ON_LINUX
#include <unistd.h>
#include <sys/syscall.h>
#endif

#define STEP	0x10000u
#define PASSES	4u

/* The next STEP bytes, behind those before; null: there are no more. */
static uint8_t *grow(void)
{
#ifdef ON_LINUX
	static uintptr_t end;
	uintptr_t start = end ? end : ((uintptr_t)syscall(SYS_brk, 0) + 4095) & ~4095ul;

	end = start + STEP;
	return (uintptr_t)syscall(SYS_brk, end) == end ? (uint8_t *)start : NULL;
#else
	size_t size = STEP;

	return libc_heap_more(&size);
#endif
}

static uint32_t count_bits(uint32_t byte)
{
	uint32_t count = 0;

	for (; byte; byte &= byte - 1)
		count++;
	return count;
}

static uint32_t pass(volatile uint8_t *heap, uint32_t size, uint32_t number)
{
	static const uint8_t pattern[PASSES] = { 0x00, 0xff, 0x55, 0xaa };
	uint32_t wrong = 0;

	for (uint32_t n = 0; n < size; n++)
		heap[n] = (uint8_t)(pattern[number] ^ n);
	for (uint32_t n = 0; n < size; n++)
		if (heap[n] != (uint8_t)(pattern[number] ^ n))
			wrong += count_bits(heap[n] ^ (uint8_t)(pattern[number] ^ n));
	return wrong;
}

int main(int argc, char **argv)
{
	uint32_t size = (argc > 1 ? (uint32_t)atoi(argv[1]) : 4) << 20, wrong = 0, n;
	uint64_t start = measure_now();
	uint8_t *heap = NULL, *step;

	for (n = 0; n < size; n += STEP) {
		step = grow();
		if (!step || (heap && step != heap + n)) {
			printf("memtest: no memory\n");
			return 2;
		}
		heap = heap ? heap : step;
	}
	for (n = 0; n < PASSES; n++)
		wrong += pass(heap, size, n);
	start = measure_now() - start;
	printf("memtest %u wrong bits\n", (unsigned)wrong);
	measure_print("memtest", 1, start, start);
	return wrong != 0;
}
