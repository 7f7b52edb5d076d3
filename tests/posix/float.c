/* float ROUNDS: holds values in all registers of the x87 and of SSE, and roundings of its own, while time passes in no
 * system call, and tells how many rounds found them as they were.  A compiler would spill them at once: so assembly. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image { uint16_t control, status; uint8_t tag, unused; uint16_t opcode; uint32_t rest[4], mxcsr, mask; uint8_t st[128], xmm[128], room[224]; }
	__attribute__((aligned(16)));

static void hold(struct image *before, struct image *after, const uint32_t value[32], uint32_t spins)
{
	static const uint16_t down = 0x077f;	/* rounding down, 64 bits */
	static const uint32_t up = 0x5f80;

	__asm__ volatile ("fninit; fldcw %3; ldmxcsr %4\n\t"
		"fldl (%2); fldl 8(%2); fldl 16(%2); fldl 24(%2); fldpi; fldl2e; fldln2; fld1\n\t"
		"movups (%2), %%xmm0; movups 16(%2), %%xmm1; movups 32(%2), %%xmm2; movups 48(%2), %%xmm3\n\t"
		"movups 64(%2), %%xmm4; movups 80(%2), %%xmm5; movups 96(%2), %%xmm6; movups 112(%2), %%xmm7\n\t"
		"fxsave (%0)\n"
		"1: decl %5; jnz 1b\n\t"
		"fxsave (%1); fninit"
		: : "r" (before), "r" (after), "r" (value), "m" (down), "m" (up), "r" (spins) : "memory", "cc");
}

int main(int count, char **word)
{
	static struct image before, after;
	static uint32_t value[32];
	int rounds = count > 1 ? atoi(word[1]) : 10, same = 0;

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 32; i++)
			value[i] = 0x3f800000u + 0x1234567u * (i + round) % 0x700000u;
		hold(&before, &after, value, 30000);
		same += before.control == after.control && before.tag == after.tag && before.mxcsr == after.mxcsr &&
			!memcmp(before.xmm, value, sizeof before.xmm) && !memcmp(before.st, after.st, sizeof before.st + sizeof before.xmm);
	}
	printf("float %d of %d\n", same, rounds);
	return same != rounds;
}
