/* ckptload MB OBJECTS [wait]: touches so much memory, makes so many kernel objects, and asks the checkpointer below which
 * it runs for two images, one page written between them; with `wait` it only stays there.  For the figures of
 * tests/bench (ckpt-*). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <native.h>
#include <protocols/Checkpoint.h>

int main(int argc, char **argv);

static void take(fluke_ref_t *checkpointer, uint32_t wanted)
{
	uint32_t taken, restored, failed;

	Checkpointer_take(checkpointer);
	do
		clock_sleep_until(clock_now() + 1000000);
	while (!Checkpointer_count(checkpointer, &taken, &restored, &failed) && taken < wanted && !failed);
}

int main(int argc, char **argv)
{
	uint32_t size = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 0) << 20 : 0, objects = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0;
	fluke_ref_t *checkpointer = service_lookup("checkpoint");
	uint32_t *memory = malloc(size + 4096), state = 1;

	if (!memory || !checkpointer)
		return 2;
	for (uint32_t n = 0; n < size / 4; n++)		/* half noise, half the same: as data are */
		memory[n] = n & 1 ? state = state * 1664525u + 1013904223u : n >> 10;
	for (uint32_t n = 0; n < objects; n++)
		if (!mutex_new())
			return 2;
	if (argc > 3) {
		printf("ready\n");
		for (;;)
			clock_sleep_until(clock_now() + 1000000000);
	}
	take(checkpointer, 1);
	memory[0]++;
	take(checkpointer, 2);
	for (uint32_t n = 1; n < size / 4; n += 2)
		if (!memory[n] && memory[n + 2] == memory[n])
			return 1;
	return 0;
}
