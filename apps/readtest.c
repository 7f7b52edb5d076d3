/* readtest: 1024 reads of 8 KB from a file of 8 MB that the file system has in memory; after each read all words of the
 * buffer are added up, and the sum must be right.  Timed: the reads with their sums. */
#include <stdlib.h>
#include "measure.h"
#ifdef ON_LINUX
#include <fcntl.h>
#include <unistd.h>
#else
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#endif

#define NAME	"/tmp/readtest.data"
#define CHUNK	8192u
#define CHUNKS	1024u
#define WORDS	(CHUNK / 4)

static uint32_t buffer[WORDS];

#ifdef ON_LINUX
static int file;

static int start(void)
{
	file = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	return file < 0;
}

static int put(uint32_t n)
{
	return pwrite(file, buffer, CHUNK, n * CHUNK) != CHUNK;
}

static int get(uint32_t n)
{
	return n ? read(file, buffer, CHUNK) != CHUNK : lseek(file, 0, SEEK_SET) || read(file, buffer, CHUNK) != CHUNK;
}

static void end(void)
{
	unlink(NAME);
}
#else
static fluke_ref_t *file, *fs;
static struct file_window window;

static int start(void)
{
	struct FileStatus status;

	fs = service_lookup("fs");
	file = ref_new();
	return !fs || !file || FileSystem_open(fs, NAME, O_RDWR | O_CREAT | O_TRUNC, 0600, file, &status);
}

static int put(uint32_t n)
{
	uint32_t written;
	uint64_t position;

	return FileDescription_write(file, (uint64_t)n * CHUNK, 0, buffer, CHUNK, &written, &position) || written != CHUNK;
}

static int get(uint32_t n)
{
	size_t got = CHUNK;

	if (!n)
		file_window_open(&window, file);
	return file_window_read(&window, (uint64_t)n * CHUNK, buffer, &got) || got != CHUNK;
}

static void end(void)
{
	file_window_close(&window);
	FileSystem_unlink(fs, NAME, 0);
}
#endif

static uint32_t add_up(uint32_t sum)
{
	for (uint32_t i = 0; i < WORDS; i++)
		sum += buffer[i];
	return sum;
}

int main(void)
{
	uint32_t seed = 1, want = 0, sum = 0;
	uint64_t time, one, worst = 0;
	int failed = start();

	for (uint32_t n = 0; n < CHUNKS && !failed; n++) {
		for (uint32_t i = 0; i < WORDS; i++)
			buffer[i] = measure_random(&seed);
		want = add_up(want);
		failed = put(n);
	}
	time = measure_now();
	for (uint32_t n = 0; n < CHUNKS && !failed; n++) {
		one = measure_now();
		failed = get(n);
		sum = add_up(sum);
		one = measure_now() - one;
		worst = one > worst ? one : worst;
	}
	time = measure_now() - time;
	end();
	printf("readtest %s %x\n", !failed && sum == want ? "right" : "wrong", (unsigned)sum);
	measure_print("readtest", CHUNKS, time, worst);
	return failed || sum != want;
}
