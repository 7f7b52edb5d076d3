/* Files read through a window on their own pages, so that the bytes are copied once and no message goes to the server, nor
 * through whoever stands between.
 *
 * The window is WINDOW bytes and moves along.  Only what lies below the size as last heard is read there; the rest, and
 * files that have no pages to show, are asked of the server as ever.  A truncation by others meanwhile is a fault, as with mmap. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <linux_abi.h>
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>

#define WINDOW	0x100000u

/* 0: the file can be read so.  What fails here leaves it to messages. */
static int open_pages(struct file_window *w)
{
	struct FileStatus status;

	if (FileDescription_stat(w->file, &status) || status.size > 0x7fffffff || !(w->region = ref_new()))
		return ENODEV;
	if (FileDescription_map(w->file, FLUKE_PROT_READ, w->region) || !(w->at = address_reserve(WINDOW)))
		return ENODEV;
	w->mapping = mapping_new(w->region, 0, NULL, (uint32_t)w->at, WINDOW, FLUKE_PROT_READ);
	w->size = w->mapping ? (uint32_t)status.size : 0;
	return w->mapping ? 0 : ENOMEM;
}

void file_window_open(struct file_window *w, fluke_ref_t *file)
{
	memset(w, 0, sizeof(*w));
	w->file = file;
	open_pages(w);
}

void file_window_close(struct file_window *w)
{
	mapping_free(w->mapping);
	if (w->at)
		address_release(w->at, WINDOW);
	ref_free(w->region);
	memset(w, 0, sizeof(*w));
}

static void move(struct file_window *w, uint32_t start)
{
	fluke_mapping_state_t state = { .region_off = start, .start_va = (uint32_t)w->at, .size = WINDOW, .prot = FLUKE_PROT_READ };

	fluke_mapping_set_state(w->mapping, &state, NULL, NULL);
	w->start = start;
}

/* What the window shows of these bytes at once; 0: nothing. */
static uint32_t from_window(struct file_window *w, uint64_t offset, char *to, size_t size)
{
	uint32_t at = (uint32_t)offset, part;

	if (offset >= w->size)
		return 0;
	if (at - w->start >= WINDOW)
		move(w, at & ~(WINDOW - 1));
	part = WINDOW - (at - w->start);
	if (part > w->size - at)
		part = w->size - at;
	if (part > size)
		part = (uint32_t)size;
	memcpy(to, w->at + (at - w->start), part);
	return part;
}

int file_window_read(struct file_window *w, uint64_t offset, void *data, size_t *size)
{
	size_t done = 0, part;
	int error = 0;

	while (done < *size && !error) {
		part = from_window(w, offset + done, (char *)data + done, *size - done);
		if (!part) {
			part = *size - done < PROTO_BULK_MAX ? *size - done : PROTO_BULK_MAX;
			error = FileDescription_read(w->file, offset + done, part, 0, (char *)data + done, &part);
			if (!error && !part)
				break;
			if (!error && w->mapping && offset + done + part <= 0x7fffffff)
				w->size = (uint32_t)(offset + done + part);	/* it has grown */
		}
		done += error ? 0 : part;
	}
	*size = done;
	return done ? 0 : error;
}
