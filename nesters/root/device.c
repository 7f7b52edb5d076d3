/* /dev: the nodes, the devices that are only a rule (null, zero, full, random), and entropy: a
 * ChaCha-like stream keyed from RDRAND, the counter's jitter and events, or from seed= alone. */
#include <stdlib.h>
#include <string.h>
#include "root.h"
#include "device.h"

#define NODE_NULL	DEVICE(1, 3)
#define NODE_ZERO	DEVICE(1, 5)
#define NODE_FULL	DEVICE(1, 7)
#define NODE_RANDOM	DEVICE(1, 8)
#define NODE_URANDOM	DEVICE(1, 9)
#define NODE_TTY	DEVICE(5, 0)
#define NODE_CONSOLE	DEVICE(5, 1)

static uint32_t key[16];
static int	seeded;			/* by seed=: nothing else is mixed in */
static struct fast_lock entropy_lock;

int device_is_tty(uint32_t rdev)
{
	return rdev == NODE_TTY || rdev == NODE_CONSOLE || (rdev & ~0x3fu) == DEVICE(4, 0);
}

int device_known(uint32_t rdev)
{
	return rdev == NODE_NULL || rdev == NODE_ZERO || rdev == NODE_FULL || rdev == NODE_RANDOM || rdev == NODE_URANDOM;
}

int device_read(uint32_t rdev, void *scratch, uint32_t count, const void **data, size_t *size)
{
	if (!scratch)
		return ENOMEM;
	*data = scratch;
	*size = rdev == NODE_NULL ? 0 : count;
	if (rdev == NODE_ZERO || rdev == NODE_FULL)
		memset(scratch, 0, count);
	else if (rdev != NODE_NULL)
		entropy_fill(scratch, count);
	return 0;
}

int device_write(uint32_t rdev, const void *data, size_t size)
{
	uint32_t word = 0;

	if (rdev == NODE_FULL)
		return size ? ENOSPC : 0;
	if (rdev == NODE_RANDOM || rdev == NODE_URANDOM)
		for (; size >= 4; size -= 4, data = (const char *)data + 4) {
			memcpy(&word, data, 4);
			entropy_add(word);
		}
	return 0;
}

/* ---- entropy ---- */

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

static void block(uint32_t out[16])
{
	int i;

	memcpy(out, key, sizeof key);
	for (i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (i = 0; i < 16; i++)
		out[i] += key[i];
	if (!++key[12])
		key[13]++;
}

/* After each answer the key is replaced, so that what was given out cannot be found from it. */
void entropy_fill(void *data, size_t size)
{
	uint32_t out[16];
	size_t part;

	fast_lock_take(&entropy_lock);
	for (; size; size -= part, data = (char *)data + part) {
		block(out);
		part = size < sizeof out ? size : sizeof out;
		memcpy(data, out, part);
	}
	block(out);
	memcpy(key + 4, out, 8 * sizeof *key);
	fast_lock_drop(&entropy_lock);
}

void entropy_add(uint64_t event)
{
	static unsigned at;

	if (seeded)
		return;
	key[4 + at % 8] ^= (uint32_t)event ^ rotate((uint32_t)(event >> 32), 13) ^ (uint32_t)rdtsc();
	at++;
}

static int rdrand(uint32_t *value)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;
	uint8_t good;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (!(ecx & 1u << 30))
		return 0;
	__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(good));
	return good;
}

static void entropy_boot(void)
{
	uint32_t out[16], value;
	const char *p;
	unsigned i;

	fast_lock_init(&entropy_lock);
	memcpy(key, "expand 32-byte k", 16);
	if (words.seed) {
		for (p = words.seed, i = 0; *p; p++, i++)
			key[4 + i % 8] = rotate(key[4 + i % 8], 5) ^ (uint8_t)*p;
		seeded = 1;
		return;
	}
	entropy_add((uint64_t)clock_wall());
	for (i = 0; i < 64; i++) {
		if (rdrand(&value))
			entropy_add(value);
		entropy_add(rdtsc());
	}
	virtio_rng_boot();
	block(out);
	memcpy(key + 4, out, 8 * sizeof *key);
}

/* ---- nodes ---- */

static void node(const char *path, unsigned mode, uint32_t rdev)
{
	ramfs_unlink(&ramfs, ramfs.root, path, 0);
	ramfs_mknod(&ramfs, ramfs.root, path, S_IFCHR | mode, rdev);
}

void device_boot(void)
{
	static const struct { const char *path, *target; } links[] = {
		{ "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" }, { "dev/stdout", "/proc/self/fd/1" },
		{ "dev/stderr", "/proc/self/fd/2" },
	};
	unsigned i;

	entropy_boot();
	root_lock();
	node("dev/null", 0666, NODE_NULL);
	node("dev/zero", 0666, NODE_ZERO);
	node("dev/full", 0666, NODE_FULL);
	node("dev/random", 0666, NODE_RANDOM);
	node("dev/urandom", 0666, NODE_URANDOM);
	node("dev/tty", 0666, NODE_TTY);
	node("dev/console", 0600, NODE_CONSOLE);
	for (i = 0; i < sizeof links / sizeof *links; i++) {
		ramfs_unlink(&ramfs, ramfs.root, links[i].path, 0);
		ramfs_symlink(&ramfs, ramfs.root, links[i].target, links[i].path);
	}
	root_unlock();
}
