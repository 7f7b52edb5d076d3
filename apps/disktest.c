/* disktest: a file of the disk under load: disktest NAME [THREADS ROUNDS KILLS].  Each thread owns every THREADS-th block and
 * writes and reads blocks of its own in random order with contents that tell thread, block and round; what it reads must be
 * what it wrote last.  Meanwhile the driver is killed KILLS times.  At the end all blocks are looked at once more.  TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/disk.h>

#define BLOCK	16384u
#define THREADS	8
#define BLOCKS	64u			/* of each thread */

int main(int argc, char **argv);

static const char *name;
static unsigned threads = 6, rounds = 100, kills;
static struct lock lock;
static fluke_cond_t *changed;
static unsigned running, wrong, failed, done;
static uint32_t written[THREADS][BLOCKS];	/* the round of its last write, 0 = none */

static void fill(uint32_t *data, uint32_t thread, uint32_t block, uint32_t round)
{
	uint32_t x = thread * 0x9e3779b9u + block * 0x85ebca6bu + round * 0xc2b2ae35u;

	for (uint32_t n = 0; n < BLOCK / 4; n++)
		data[n] = x = x * 1664525u + 1013904223u;
}

static void count(unsigned *what, int error)
{
	lock_take(&lock);
	++*what;
	lock_drop(&lock);
	if (error)
		eprintf("disktest: %s\n", error_text(error));
}

static void look(struct disk_file *f, uint32_t thread, uint32_t block, uint32_t *data, uint32_t *wanted)
{
	int error = disk_read(f, (uint64_t)(block * threads + thread) * BLOCK, data, BLOCK);

	fill(wanted, thread, block, written[thread][block]);
	if (error)
		count(&failed, error);
	else if (memcmp(data, wanted, BLOCK))
		count(&wrong, 0);
}

static void work(void *argument)
{
	uint32_t self = (uint32_t)argument, random = self + 1, *data = malloc(BLOCK), *wanted = malloc(BLOCK);
	struct disk_file f;
	int error = data && wanted ? disk_open(&f, name) : ENOMEM;

	if (error)
		count(&failed, error);
	for (uint32_t round = 1; !error && round <= rounds; round++) {
		uint32_t block = (random = random * 1664525u + 1013904223u) >> 8 & (BLOCKS - 1);

		if (written[self][block] && random >> 30) {
			look(&f, self, block, data, wanted);
		} else {
			fill(data, self, block, round);
			error = disk_write(&f, (uint64_t)(block * threads + self) * BLOCK, data, BLOCK);
			if (error)
				count(&failed, error);
			written[self][block] = round;
		}
		count(&done, 0);
	}
	for (uint32_t block = 0; !error && block < BLOCKS; block++)
		if (written[self][block])
			look(&f, self, block, data, wanted);
	lock_take(&lock);
	running--;
	fluke_cond_broadcast(changed);
	lock_drop(&lock);
	thread_exit();
}

/* At even distances of the work. */
static unsigned kill_driver(void)
{
	unsigned killed = 0;

	while (killed < kills && running) {
		while (running && done < (killed + 1) * threads * rounds / (kills + 1))
			clock_sleep_until(clock_now() + 200000);
		if (running && !disk_restart())
			killed++;
	}
	return killed;
}

int main(int argc, char **argv)
{
	uint64_t start = clock_now();
	uint32_t requests = 0, most = 0, interrupts = 0;
	unsigned killed;

	name = argc > 1 ? argv[1] : "swap";
	threads = argc > 2 ? (unsigned)atoi(argv[2]) : threads;
	rounds = argc > 3 ? (unsigned)atoi(argv[3]) : rounds;
	kills = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
	threads = threads < 1 ? 1 : threads > THREADS ? THREADS : threads;
	lock_init(&lock);
	changed = cond_new();
	running = threads;
	for (uint32_t n = 0; n < threads; n++)
		if (!thread_start(work, (void *)n, 0))
			return 1;
	killed = kill_driver();
	lock_take(&lock);
	while (running)
		fluke_cond_wait(changed, lock.mutex);
	lock_drop(&lock);
	printf("%sok 1 no request failed\n", failed ? "not " : "");
	printf("%sok 2 what was read is what was written last\n", wrong || !done ? "not " : "");
	printf("%sok 3 the driver was killed %u times\n", killed == kills ? "" : "not ", kills);
	disk_statistics(&requests, &most, &interrupts);
	printf("# the driver now: %u requests, at most %u at a time, %u interrupts\n", requests, most, interrupts);
	printf("# %u requests, %u failed, %u wrong, %u kills, %u ms\n1..3\n", done, failed, wrong, killed,
		(unsigned)((clock_now() - start) / 1000000));
	return failed || wrong || killed != kills;
}
