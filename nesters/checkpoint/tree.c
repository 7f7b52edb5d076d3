/* The files that are not as they came with the machine's tree, in the stream of an image that is to be restored elsewhere
 * (option -t): names, modes, times and contents.  Names of the tree that were removed are not said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/Checkpoint.h>
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include "checkpoint.h"
#include "store.h"

struct record { uint32_t length, mode; uint64_t size, mtime; };	/* length: of the path; 0: the end */

static char	path[4096], part[PROTO_BULK_MAX];
static fluke_ref_t *fs, *service;

static int begin(void)
{
	if (!fs)
		fs = service_lookup("fs");
	if (!service)
		service = service_lookup("checkpoint");
	return fs && service ? 0 : ENOENT;
}

static int put_content(uint64_t size)
{
	fluke_ref_t *file = ref_new();
	struct FileStatus status;
	uint64_t at = 0;
	size_t got;
	int error = file ? FileSystem_open(fs, path, O_RDONLY, 0, file, &status) : ENOMEM;

	while (!error && at < size) {
		got = size - at < sizeof part ? (size_t)(size - at) : sizeof part;
		error = FileDescription_read(file, at, (uint32_t)got, 0, part, &got);
		if (!error && !got)
			error = EIO;
		if (!error)
			error = image_put(part, got);
		at += got;
	}
	ref_free(file);
	return error;
}

static int put_file(const struct FileStatus *status)
{
	struct record r = { (uint32_t)strlen(path), status->mode, 0, status->mtime };

	if (S_ISLNK(status->mode)) {
		if (FileSystem_readlink(fs, path, part, sizeof part > 4096 ? 4096 : sizeof part))
			return 0;
		r.size = strlen(part);
	} else if (S_ISREG(status->mode)) {
		r.size = status->size;
	} else if (!S_ISDIR(status->mode) && !S_ISFIFO(status->mode)) {
		return 0;
	}
	image_put(&r, sizeof r);
	image_put(path, r.length);
	if (S_ISREG(status->mode))
		return put_content(r.size);
	return image_put(part, S_ISLNK(status->mode) ? (size_t)r.size : 0);
}

int tree_put(void)
{
	struct record end = { 0, 0, 0, 0 };
	struct FileStatus status;
	int error = 0;

	for (uint32_t n = 0; options.tree && !begin() && !error && !Checkpoint_changed(service, n, &status, path, sizeof path); n++)
		error = status.inode == store_inode ? 0 : put_file(&status);	/* the image itself does not go along */
	return error ? error : image_put(&end, sizeof end);
}

/* ---- reading ---- */

static int get_content(struct record *r, int wanted)
{
	fluke_ref_t *file = ref_new();
	struct FileStatus status;
	uint64_t at = 0, position;
	uint32_t size, written;
	int error = file ? 0 : ENOMEM;

	if (wanted && !error)
		error = FileSystem_open(fs, path, O_WRONLY | O_CREAT | O_TRUNC, r->mode & 07777, file, &status);
	for (; at < r->size; at += size) {
		size = r->size - at < sizeof part ? (uint32_t)(r->size - at) : sizeof part;
		if (image_get(part, size))
			break;
		for (uint32_t done = 0; wanted && !error && done < size; done += written)
			error = FileDescription_write(file, at + done, 0, part + done, size - done, &written, &position);
	}
	ref_free(file);
	return error;
}

static int get_file(struct record *r, int wanted)
{
	int error = 0;

	if (image_get(path, r->length))
		return 0;
	path[r->length] = 0;
	if (S_ISREG(r->mode)) {
		error = get_content(r, wanted);
	} else if (S_ISLNK(r->mode)) {
		if (image_get(part, (size_t)r->size))
			return 0;
		part[r->size] = 0;
		if (wanted)
			FileSystem_symlink(fs, part, path);
	} else if (wanted && S_ISFIFO(r->mode)) {
		FileSystem_mknod(fs, path, r->mode, 0);
	} else if (wanted) {
		FileSystem_mkdir(fs, path, r->mode & 07777);
	}
	if (wanted && !error && !S_ISLNK(r->mode)) {
		FileSystem_chmod(fs, path, r->mode & 07777, 0);
		FileSystem_utimens(fs, path, ~0ull - 1, r->mtime, 0);
	}
	return error;
}

/* wanted: else they are there, and only passed over. */
int tree_get(int wanted)
{
	struct record r;
	int error = 0;

	do {
		if (image_get(&r, sizeof r))
			return image_error;
		if (!r.length)
			break;
		if (r.length >= sizeof path || (S_ISLNK(r.mode) && r.size >= 4096) || begin())
			return EINVAL;
		error = get_file(&r, wanted);
		if (error)
			eprintf("checkpoint: file %s is not restored: %s\n", path, error_text(error));
	} while (!image_error);
	return image_error;
}
