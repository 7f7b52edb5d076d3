#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "words.h"

static void multiply(unsigned n, const double *a, const double *b, double *to)
{
	memset(to, 0, sizeof *to * n * n);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < n; k++)
			for (unsigned j = 0; j < n; j++)
				to[i * n + j] += a[i * n + k] * b[k * n + j];
}

/* Of a matrix whose rows add up to one, so that nothing grows. */
double matrix_trace_of_power(unsigned n, unsigned power)
{
	double *a = malloc(3 * sizeof *a * n * n), *b = a + n * n, *c = b + n * n, *swap, trace = 0;

	for (unsigned i = 0; i < n; i++) {
		double sum = 0;

		for (unsigned j = 0; j < n; j++)
			sum += a[i * n + j] = 1 + sin(i * 0.7 + j * 1.3) * cos(j * 0.2);
		for (unsigned j = 0; j < n; j++)
			a[i * n + j] /= sum;
	}
	memcpy(b, a, sizeof *a * n * n);
	while (--power) {
		multiply(n, a, b, c);
		swap = b;
		b = c;
		c = swap;
	}
	for (unsigned i = 0; i < n; i++)
		trace += b[i * n + i];
	free(a);
	return trace;
}
