/* Where an image is kept: a file of the disk's, a file of the file system, or our own memory.  And its checksum. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#include <nest/disk.h>
#include "checkpoint.h"
#include "store.h"

#define MEMORY_EXTENTS	4096u
#define FILE_EXTENTS	0x8000u		/* 2 GB */

static enum { MEMORY, FILE, DISK } kind;
static struct disk_file disk;
static fluke_ref_t *file;
static char	*memory[MEMORY_EXTENTS];
uint32_t	store_extents;
uint64_t	store_inode;

static int open_file(const char *name)
{
	fluke_ref_t *fs = service_lookup("fs"), *cwd = *name != '/' ? service_lookup("cwd") : NULL;
	struct FileStatus status;
	int error;

	file = ref_new();
	error = fs && file ? FileSystem_open(cwd ? cwd : fs, name, O_RDWR | (options.restore ? 0 : O_CREAT), 0600, file, &status) : ENOENT;
	store_inode = error ? 0 : status.inode;
	ref_free(cwd);
	ref_free(fs);
	return error;
}

int store_open(const char *name)
{
	int error;

	if (!name) {
		kind = MEMORY;
		store_extents = MEMORY_EXTENTS;
		return 0;
	}
	if (strncmp(name, "disk:", 5)) {
		kind = FILE;
		store_extents = FILE_EXTENTS;
		return open_file(name);
	}
	kind = DISK;
	error = disk_open(&disk, name + 5);
	store_extents = (uint32_t)(disk.size / EXTENT);
	return error ? error : store_extents < 4 ? ENOSPC : 0;
}

static int read_file(uint64_t at, char *data, uint32_t size)
{
	size_t got;
	int error;

	for (; size; size -= got, data += got, at += got) {
		got = size;
		error = FileDescription_read(file, at, size, 0, data, &got);
		if (error || !got)
			return error ? error : EIO;
	}
	return 0;
}

static int write_file(uint64_t at, const char *data, uint32_t size)
{
	uint64_t position;
	uint32_t put;
	int error;

	for (; size; size -= put, data += put, at += put) {
		error = FileDescription_write(file, at, 0, data, size, &put, &position);
		if (error || !put)
			return error ? error : EIO;
	}
	return 0;
}

int store_read(uint32_t extent, uint32_t offset, void *data, uint32_t size)
{
	uint64_t at = (uint64_t)extent * EXTENT + offset;

	if (extent >= store_extents)
		return EIO;
	if (kind == DISK)
		return disk_read(&disk, at, data, size);
	if (kind == FILE)
		return read_file(at, data, size);
	if (!memory[extent])
		return EIO;
	memcpy(data, memory[extent] + offset, size);
	return 0;
}

int store_write(uint32_t extent, uint32_t offset, const void *data, uint32_t size)
{
	uint64_t at = (uint64_t)extent * EXTENT + offset;

	if (extent >= store_extents)
		return ENOSPC;
	if (kind == DISK)
		return disk_write(&disk, at, data, size);
	if (kind == FILE)
		return write_file(at, data, size);
	if (!memory[extent] && !(memory[extent] = calloc(1, EXTENT)))
		return ENOSPC;
	memcpy(memory[extent] + offset, data, size);
	return 0;
}

int store_sync(void)
{
	return kind == DISK ? disk_sync(&disk) : 0;
}

/* The polynomial of zip and Ethernet. */
uint32_t crc32(uint32_t sum, const void *data, uint32_t size)
{
	static uint32_t table[256];
	const uint8_t *byte = data;

	for (uint32_t n = 0; !table[255] && n < 256; n++) {
		uint32_t value = n;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
		table[n] = value;
	}
	for (sum = ~sum; size--; byte++)
		sum = sum >> 8 ^ table[(sum ^ *byte) & 0xff];
	return ~sum;
}

/* lz4.o was compiled with stack guards. */
void	__stack_chk_fail_local(void);

void __stack_chk_fail_local(void)
{
	abort();
}
