/* The files: Disk gives them by name, each is a FileDescription.  A request is parked before it goes to the device; whoever
 * takes its end up answers it.  If this program ends meanwhile its clients see that their server has left, and ask the next
 * one (nest/disk.h): every request may be done twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/Disk_server.h>
#include <protocols/FileDescription_server.h>
#include "disk.h"

struct file {
	struct served	served;		/* first */
	const struct format_file *on_disk;
};

static struct format format;
static struct served disk_port;

/* ---- the header ---- */

static uint32_t crc32(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t crc = ~0u;

	while (size--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static int header_is_good(void)
{
	struct format_header *h = &format.header;
	uint32_t sum = h->checksum;

	h->checksum = 0;
	if (memcmp(h->magic, FORMAT_MAGIC, 8) || h->version != FORMAT_VERSION || crc32(&format, sizeof format) != sum ||
	    h->sectors > disk_sectors || h->files > FORMAT_FILES)
		return 0;
	for (uint32_t n = 0; n < h->files; n++) {
		const struct format_file *f = &format.file[n];

		if (f->start < FORMAT_BYTES / SECTOR || f->start > h->sectors || f->sectors > h->sectors - f->start || !f->sectors ||
		    !f->bytes_last || f->bytes_last > SECTOR || f->name[FORMAT_NAME - 1])
			return 0;
	}
	return 1;
}

/* A disk without a header of ours has one file, the whole. */
static void whole_disk(void)
{
	memset(&format, 0, sizeof format);
	format.header.files = 1;
	strlcpy(format.file[0].name, "disk", FORMAT_NAME);
	format.file[0].sectors = disk_sectors > ~0u ? ~0u : (uint32_t)disk_sectors;
	format.file[0].bytes_last = SECTOR;
}

static uint64_t size_of(const struct format_file *f)
{
	return (uint64_t)(f->sectors - 1) * SECTOR + f->bytes_last;
}

static uint32_t flags_of(const struct format_file *f)
{
	return disk_read_only || f->flags & FORMAT_READ_ONLY ? FORMAT_READ_ONLY : 0;
}

/* ---- FileDescription ---- */

/* The reply, when the device has done with it. */
void files_done(struct slot *s)
{
	if (!s->error && s->operation == DISK_READ)
		FileDescription_read_reply(s->request, s->buffer + s->skip, s->count);
	else if (!s->error && s->operation == DISK_WRITE)
		FileDescription_write_reply(s->request, s->count, 0);
	else if (!s->error)
		FileDescription_sync_reply(s->request);
	request_answer(s->request, s->error);
}

static int go(struct request *r, struct slot *s, enum disk_operation operation, uint64_t sector, uint32_t bytes)
{
	s->request = request_park(r);
	if (!s->request) {
		slot_free(s);
		return ENOMEM;
	}
	slot_submit(s, operation, sector, bytes);
	return REQUEST_PARKED;
}

static int file_read(void *self, struct request *r, uint64_t offset, uint32_t count, uint32_t flags, const void **data, size_t *size)
{
	const struct format_file *f = ((struct file *)self)->on_disk;
	uint64_t whole = size_of(f);
	struct slot *s;

	(void)flags;
	if (offset >= whole || !count) {
		*data = "";
		*size = 0;
		return 0;
	}
	if (count > PROTO_BULK_MAX)
		count = PROTO_BULK_MAX;
	if (count > whole - offset)
		count = (uint32_t)(whole - offset);
	s = slot_take();
	s->skip = (uint32_t)offset % SECTOR;
	s->count = count;
	return go(r, s, DISK_READ, f->start + offset / SECTOR, (s->skip + count + SECTOR - 1) & -SECTOR);
}

static int file_write(void *self, struct request *r, uint64_t offset, uint32_t flags, const void *data, size_t size,
	uint32_t *written, uint64_t *position)
{
	const struct format_file *f = ((struct file *)self)->on_disk;
	struct slot *s;

	(void)flags;
	*written = 0;
	*position = offset;
	if (flags_of(f))
		return EROFS;
	if (offset % SECTOR || size % SECTOR)
		return EINVAL;
	if (offset > (uint64_t)f->sectors * SECTOR || size > (uint64_t)f->sectors * SECTOR - offset)
		return ENOSPC;
	if (!size)
		return 0;
	s = slot_take();
	memcpy(s->buffer, data, size);
	s->count = (uint32_t)size;
	return go(r, s, DISK_WRITE, f->start + offset / SECTOR, (uint32_t)size);
}

static int file_sync(void *self, struct request *r)
{
	(void)self;
	return go(r, slot_take(), DISK_FLUSH, 0, 0);
}

static int file_stat(void *self, struct request *r, struct FileStatus *status)
{
	const struct format_file *f = ((struct file *)self)->on_disk;

	(void)r;
	memset(status, 0, sizeof *status);
	status->inode = (uint64_t)(f - format.file) + 1;
	status->size = size_of(f);
	status->blocks = f->sectors;
	status->mode = 0100000 | (flags_of(f) ? 0400 : 0600);
	status->links = 1;
	status->block_size = FLUKE_PAGE_SIZE;
	return 0;
}

static void file_release(void *self)
{
	struct file *file = self;

	served_done(&file->served);
	free(file);
}

static const struct FileDescription_methods file_methods = {
	.read = file_read, .write = file_write, .stat = file_stat, .sync = file_sync,
};
static const struct interface file_interfaces[] = { { FileDescription_INTERFACE, FileDescription_dispatch, &file_methods }, { 0, 0, 0 } };
static const struct served_class file_class = { .name = "disk file", .interfaces = file_interfaces, .release = file_release };

/* ---- Disk ---- */

static void file_sent(void *context, int delivered)
{
	struct file *file = context;

	if (!delivered)
		served_end(&file->served);
}

static int disk_open(void *self, struct request *r, const char *name, void **port, uint64_t *size, uint32_t *flags)
{
	const struct format_file *f = format.file, *end = f + format.header.files;
	struct file *file;

	(void)self;
	while (f < end && strcmp(f->name, name))
		f++;
	if (f == end)
		return ENOENT;
	file = calloc(1, sizeof *file);
	if (!file || served_init(&file->served, &file_class, server)) {
		free(file);
		return ENOMEM;
	}
	file->on_disk = f;
	*size = size_of(f);
	*flags = flags_of(f);
	*port = file->served.port;
	r->sent = file_sent;
	r->sent_context = file;
	return 0;
}

static int disk_list(void *self, struct request *r, uint32_t index, const char **name, uint64_t *size, uint32_t *flags)
{
	(void)self, (void)r;
	if (index >= format.header.files)
		return ENOENT;
	*name = format.file[index].name;
	*size = size_of(&format.file[index]);
	*flags = flags_of(&format.file[index]);
	return 0;
}

static int disk_statistics(void *self, struct request *r, uint32_t *requests, uint32_t *most, uint32_t *interrupts)
{
	(void)self, (void)r;
	*requests = queue_counts.requests;
	*most = queue_counts.most;
	*interrupts = queue_counts.interrupts;
	return 0;
}

static int disk_restart(void *self, struct request *r)
{
	(void)self, (void)r;
	__builtin_trap();
}

static const struct Disk_methods disk_methods = { .open = disk_open, .list = disk_list, .statistics = disk_statistics, .restart = disk_restart };
static const struct interface disk_interfaces[] = { { Disk_INTERFACE, Disk_dispatch, &disk_methods }, { 0, 0, 0 } };
static const struct served_class disk_class = { .name = "disk", .interfaces = disk_interfaces };

fluke_ref_t *files_service(void)
{
	return served_ref(&disk_port);
}

int files_start(void)
{
	struct slot *s = slot_take();
	int error = disk_sectors * SECTOR < FORMAT_BYTES ? EIO : slot_now(s, DISK_READ, 0, FORMAT_BYTES);

	if (!error)
		memcpy(&format, s->buffer, sizeof format);
	slot_free(s);
	if (error || !header_is_good()) {
		eprintf("disk: %s: one file, `disk`\n", error ? "its beginning cannot be read" : "no files of ours on it");
		whole_disk();
	}
	return served_init(&disk_port, &disk_class, server);
}
