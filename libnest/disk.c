/* See nest/disk.h.  A server that has left (PROTO_DEAD, PROTO_BROKEN) is looked for again; root answers once there is a new
 * one, or says ENXIO when it has given it up. */
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/disk.h>
#include <protocols/Disk.h>
#include <protocols/Driver.h>
#include <protocols/FileDescription.h>

static int has_left(int error)
{
	return error == PROTO_DEAD || error == PROTO_BROKEN;
}

__attribute__((weak)) fluke_ref_t *disk_service(void)
{
	return service_lookup("disk");
}

/* The driver's Disk, a new ref in *disk. */
static int find(fluke_ref_t **disk)
{
	fluke_ref_t *service = disk_service();
	int error = ENXIO;

	*disk = service ? ref_new() : NULL;
	if (*disk)
		do
			error = DriverService_find(service, *disk);
		while (error == EAGAIN);
	ref_free(service);
	if (error && *disk) {
		ref_free(*disk);
		*disk = NULL;
	}
	return error;
}

static int open_again(struct disk_file *f)
{
	fluke_ref_t *disk;
	int error;

	do {
		error = find(&disk);
		if (error)
			return error;
		error = Disk_open(disk, f->name, f->port, &f->size, &f->flags);
		ref_free(disk);
	} while (has_left(error));
	return error;
}

int disk_open(struct disk_file *f, const char *name)
{
	int error;

	memset(f, 0, sizeof *f);
	if (strlcpy(f->name, name, sizeof f->name) >= sizeof f->name)
		return ENOENT;
	f->port = ref_new();
	error = f->port ? open_again(f) : ENOMEM;
	if (error)
		disk_close(f);
	return error;
}

void disk_close(struct disk_file *f)
{
	if (f->port)
		ref_free(f->port);
	f->port = NULL;
}

int disk_read(struct disk_file *f, uint64_t offset, void *data, size_t size)
{
	char *to = data;
	int error;

	while (size) {
		size_t count = size < PROTO_BULK_MAX ? size : PROTO_BULK_MAX;

		error = FileDescription_read(f->port, offset, (uint32_t)count, 0, to, &count);
		if (has_left(error))
			error = open_again(f);
		else if (!error && !count)
			error = EINVAL;
		else if (!error)
			to += count, offset += count, size -= count;
		if (error)
			return error;
	}
	return 0;
}

int disk_write(struct disk_file *f, uint64_t offset, const void *data, size_t size)
{
	const char *from = data;
	uint64_t position;
	uint32_t written;
	int error;

	while (size) {
		size_t count = size < PROTO_BULK_MAX ? size : PROTO_BULK_MAX;

		error = FileDescription_write(f->port, offset, 0, from, count, &written, &position);
		if (has_left(error))
			error = open_again(f);
		else if (!error)
			from += count, offset += count, size -= count;
		if (error)
			return error;
	}
	return 0;
}

int disk_sync(struct disk_file *f)
{
	int error;

	while (has_left(error = FileDescription_sync(f->port)))
		if ((error = open_again(f)))
			break;
	return error;
}

int disk_list(uint32_t index, char name[DISK_NAME], uint64_t *size, uint32_t *flags)
{
	fluke_ref_t *disk;
	int error;

	do {
		error = find(&disk);
		if (error)
			return error;
		error = Disk_list(disk, index, name, DISK_NAME, size, flags);
		ref_free(disk);
	} while (has_left(error));
	return error;
}

int disk_statistics(uint32_t *requests, uint32_t *most, uint32_t *interrupts)
{
	fluke_ref_t *disk;
	int error;

	do {
		error = find(&disk);
		if (error)
			return error;
		error = Disk_statistics(disk, requests, most, interrupts);
		ref_free(disk);
	} while (has_left(error));
	return error;
}

int disk_restart(void)
{
	fluke_ref_t *disk;
	int error = find(&disk);

	if (error)
		return error;
	error = Disk_restart(disk);
	ref_free(disk);
	return has_left(error) ? 0 : error ? error : EIO;
}
