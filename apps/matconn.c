/* matconn: which nodes are connected.  Warshall's closure of the adjacency matrices of seeded random graphs with 2, 4, ...
 * 128 nodes; plain loops over ints, no row is skipped.  Timed: all sizes.  The sum over the closures must be right. */
#include "measure.h"

#define MOST	128
#define SUM	0x4b1b4e4au

static int matrix[MOST][MOST];

static void fill(int size, uint32_t *seed)
{
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			matrix[i][j] = measure_random(seed) % (uint32_t)size < 2;
}

static void closure(int size)
{
	for (int k = 0; k < size; k++)
		for (int i = 0; i < size; i++)
			for (int j = 0; j < size; j++)
				matrix[i][j] |= matrix[i][k] & matrix[k][j];
}

static uint32_t add_up(int size, uint32_t sum)
{
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			sum = sum * 31 + (uint32_t)matrix[i][j];
	return sum;
}

int main(void)
{
	uint32_t seed = 1, sum = 0;
	uint64_t start = measure_now();

	for (int size = 2; size <= MOST; size *= 2) {
		fill(size, &seed);
		closure(size);
		sum = add_up(size, sum);
	}
	start = measure_now() - start;
	printf("matconn %s %x\n", sum == SUM ? "right" : "wrong", (unsigned)sum);
	measure_print("matconn", 1, start, start);
	return sum != SUM;
}
