/* The swap file: slots of a page each, and what is known of each slot here, in memory: who names it, which frame holds the
 * same bytes, and a checksum of what was written.  Nothing in the file itself says what a slot is, so a block that
 * was lost, changed or put elsewhere is found out by its sum and by nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/FileSystem.h>
#include <protocols/FileDescription.h>
#include <nest/disk.h>
#include "memory.h"

#define PAGE		FLUKE_PAGE_SIZE
#define SWAP_SHARE	4u		/* the file's usual size, in memories */

struct slot {
	uint32_t	frame;		/* FRAMES_NONE: none holds the same */
	uint32_t	sum;
	uint16_t	refs;
};

static struct slot *slot;
static uint32_t slots, used, cursor;
static uint32_t *copy;			/* slot of each frame */
static fluke_ref_t *file;		/* null: it is a file of the disk's */
static struct disk_file disk;

/* ---- slots ---- */

static int is_free(uint32_t n)
{
	return !slot[n].refs && slot[n].frame == FRAMES_NONE;
}

uint32_t swap_free(void)
{
	return slots - used;
}

void slot_hold(uint32_t n)
{
	used += (uint32_t)is_free(n);
	slot[n].refs++;
}

uint32_t slot_drop(uint32_t n)
{
	slot[n].refs--;
	used -= (uint32_t)is_free(n);
	return slot[n].refs;
}

uint32_t slot_frame(uint32_t n)
{
	return slot[n].frame;
}

uint32_t slot_of(uint32_t frame)
{
	return slots ? copy[frame] : SLOT_NONE;
}

void slot_link(uint32_t n, uint32_t frame)
{
	used += (uint32_t)is_free(n);
	slot[n].frame = frame;
	copy[frame] = n;
}

void slot_unlink(uint32_t frame)
{
	uint32_t n = slot_of(frame);

	if (n == SLOT_NONE)
		return;
	slot[n].frame = FRAMES_NONE;
	copy[frame] = SLOT_NONE;
	used -= (uint32_t)is_free(n);
}

/* Slots that only repeat what a frame has are given back; the frames must be written again. */
static void reclaim(void)
{
	for (uint32_t n = 0; n < slots; n++)
		if (!slot[n].refs && slot[n].frame != FRAMES_NONE) {
			marks[slot[n].frame] |= MARK_DIRTY;
			slot_unlink(slot[n].frame);
		}
}

static uint32_t row_from(uint32_t first, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && first + n < slots && is_free(first + n))
		n++;
	return n;
}

/* Free slots in a row, from the cursor on: as many as wanted, else the first there are. */
static uint32_t find_row(uint32_t *count)
{
	uint32_t first, n, best = SLOT_NONE, most = 0;

	if (swap_free() < *count)
		reclaim();
	for (uint32_t looked = 0; looked < slots && most < *count; looked += n + 1) {
		first = (cursor + looked) % slots;
		n = row_from(first, *count);
		if (n > most) {
			best = first;
			most = n;
		}
	}
	*count = most;
	if (most)
		cursor = (best + most) % slots;
	return best;
}

/* ---- bytes ---- */

static uint32_t sum_of(uint32_t frame)
{
	const uint32_t *word = (const void *)(store.window + frame * PAGE);
	uint32_t a = 1, b = 0;

	for (unsigned n = 0; n < PAGE / 4; n++) {
		a = (a << 1 | a >> 31) + word[n];
		b += a;
	}
	return a ^ (b << 7 | b >> 25);
}

static void complain(const char *what, uint32_t n, int error)
{
	counts.bad++;
	say("swap: block %u: %s%s%s", (unsigned)n, what, error ? ": " : "", error ? error_text(error) : "");
}

static int write_all(uint32_t n, uint32_t frame, uint32_t count)
{
	uint32_t done = 0, written;
	uint64_t position;
	int error;

	if (!file)
		return disk_write(&disk, (uint64_t)n * PAGE, store.window + frame * PAGE, count * PAGE);
	for (; done < count * PAGE; done += written) {
		error = FileDescription_write(file, (uint64_t)n * PAGE + done, 0, store.window + frame * PAGE + done, count * PAGE - done,
			&written, &position);
		if (error || !written)
			return error ? error : EIO;
	}
	return 0;
}

uint32_t swap_write(uint32_t frame, uint32_t *count)
{
	uint32_t first = find_row(count);
	int error;

	if (first == SLOT_NONE) {
		if (!counts.full++)
			say("the swap file is full (%u pages)", (unsigned)slots);
		return SLOT_NONE;
	}
	for (uint32_t n = 0; n < *count; n++)
		slot[first + n].sum = sum_of(frame + n);
	error = write_all(first, frame, *count);
	if (error) {
		complain("cannot be written", first, error);
		return SLOT_NONE;
	}
	counts.writes++;
	counts.pages_out += *count;
	return first;
}

static int read_all(uint32_t n, uint32_t frame, uint32_t count)
{
	size_t done = 0, got;
	int error;

	if (!file)
		return disk_read(&disk, (uint64_t)n * PAGE, store.window + frame * PAGE, count * PAGE);
	for (; done < count * PAGE; done += got) {
		got = count * PAGE - done;
		error = FileDescription_read(file, (uint64_t)n * PAGE + done, (uint32_t)got, 0, store.window + frame * PAGE + done, &got);
		if (error || !got)
			return error ? error : EIO;
	}
	return 0;
}

/* A row that cannot be read as a whole is read block by block: the others may be good. */
uint32_t swap_read(uint32_t first, uint32_t frame, uint32_t count)
{
	int error = read_all(first, frame, count), each = error != 0;
	uint32_t n;

	counts.reads++;
	for (n = 0; n < count; n++) {
		error = each ? read_all(first + n, frame + n, 1) : 0;
		if (!error && (options.defect || sum_of(frame + n) == slot[first + n].sum))
			continue;
		if (!n)
			complain(error ? "cannot be read" : "is not what was written", first, error);
		break;
	}
	counts.pages_in += n;
	return n;
}

/* ---- start ---- */

static int open_file(void)
{
	fluke_ref_t *fs = service_lookup("fs"), *cwd = options.swap && *options.swap != '/' ? service_lookup("cwd") : NULL;
	struct FileStatus status;
	char unnamed[64];
	int error;

	snprintf(unnamed, sizeof unnamed, "/tmp/.swap-%x%x", (unsigned)clock_now(), (unsigned)rdtsc());
	file = ref_new();
	if (!fs || !file)
		return ENOENT;
	error = FileSystem_open(cwd ? cwd : fs, options.swap ? options.swap : unnamed, O_RDWR | O_CREAT | O_TRUNC | FILE_PAGING, 0600, file, &status);
	if (!error && !options.swap)
		error = FileSystem_unlink(fs, unnamed, 0);
	ref_free(fs);
	ref_free(cwd);
	return error;
}

/* No larger than the file is. */
static int open_disk(const char *name)
{
	int error = disk_open(&disk, name);

	if (!error && disk.flags & DISK_READ_ONLY)
		error = EROFS;
	if (!options.swap_size || options.swap_size > disk.size)
		options.swap_size = disk.size;
	return error;
}

int swap_begin(void)
{
	uint32_t frames = store.frames.count;
	int on_disk = options.swap && !strncmp(options.swap, "disk:", 5);
	int error = on_disk ? open_disk(options.swap + 5) : 0;

	if (error)
		return error;
	if (!options.swap_size)
		options.swap_size = SWAP_SHARE * (uint64_t)frames * PAGE;
	slots = (uint32_t)(options.swap_size / PAGE);
	slot = calloc(slots, sizeof *slot);
	copy = calloc(frames, sizeof *copy);
	if (!slots || !slot || !copy)
		return ENOMEM;
	for (uint32_t i = 0; i < frames; i++)
		copy[i] = SLOT_NONE;
	for (uint32_t i = 0; i < slots; i++)
		slot[i].frame = FRAMES_NONE;
	return on_disk ? 0 : open_file();
}
