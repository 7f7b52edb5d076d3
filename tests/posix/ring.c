/* ring SEED: threads hand a number round under one mutex, each by its condition variable; every 300 rounds a line.  Ends with
 * status 1 when the number is not what one thread alone would have made.  For tests of checkpoint. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RING	4u
#define STEPS	12u
#define ROUNDS	300u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn[RING] = { PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER,
	PTHREAD_COND_INITIALIZER };
static unsigned whose, rounds, token;

static void *member(void *number)
{
	unsigned n = (unsigned)(size_t)number;

	pthread_mutex_lock(&lock);
	while (rounds < STEPS * ROUNDS) {
		while (whose != n && rounds < STEPS * ROUNDS)
			pthread_cond_wait(&turn[n], &lock);
		if (rounds >= STEPS * ROUNDS)
			break;
		token = token * 69065u + n;
		whose = (n + 1) % RING;
		if (++rounds % ROUNDS == 0) {
			char line[64];
			int size = snprintf(line, sizeof line, "round %u: %08x\n", rounds, token);

			if (write(1, line, (size_t)size) != size)
				exit(2);
		}
		for (unsigned i = 0; i < RING; i++)
			if (i == whose || rounds >= STEPS * ROUNDS)
				pthread_cond_signal(&turn[i]);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned expected = token = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	pthread_t thread[RING];

	for (unsigned n = 0; n < STEPS * ROUNDS; n++)
		expected = expected * 69065u + n % RING;
	if (write(1, "begin\n", 6) != 6)
		return 2;
	for (unsigned n = 0; n < RING; n++)
		if (pthread_create(&thread[n], NULL, member, (void *)(size_t)n))
			return 2;
	for (unsigned n = 0; n < RING; n++)
		pthread_join(thread[n], NULL);
	printf("%s\n", token == expected ? "right" : "wrong");
	return token != expected;
}
