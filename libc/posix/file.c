/* Reading, writing, positions, sizes, pipes: Linux's calls on open files.
 *
 * A transfer of any length is a loop of messages of at most PROTO_BULK_MAX bytes.  A regular file with
 * a private offset is read through a window on its pages where that pays (window.c). */
#include "posix.h"
#include "calls.h"
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>
#include <protocols/Process.h>

#define SHARED_OFFSET	(~0ull)

static uint64_t offset_of(int file)
{
	return files[file].shared || !file_seekable(file) ? SHARED_OFFSET : files[file].offset;
}

/* One message; a background terminal read asks the process manager first. */
static long read_once(int file, void *to, uint32_t count, uint64_t offset)
{
	struct file *f = &files[file];
	size_t size;
	int error;

	if (f->special)
		return f->special == FILE_EVENT ? event_read(file, to, count) : -EINVAL;
	if (S_ISCHR(f->mode) && (FACTS->flags & (FACTS_TERMINAL | FACTS_FOREGROUND)) == FACTS_TERMINAL && tty_is_ours(file)) {
		error = tty_background(0);
		if (error)
			return error;
	}
	if (file_seekable(file)) {
		if (offset != SHARED_OFFSET && (size = window_read(file, to, count, offset)) != 0)
			return (long)size;
		size = count;
		error = FileDescription_read(file_ref(file), offset, count, 0, to, &size);
		if (!error && size && offset != SHARED_OFFSET)
			window_grown(file, offset + size);
	} else {
		/* a terminal drops the reads that wait when its foreground group changes */
		do
			error = BLOCKING((size = count, FileDescription_read(file_ref(file), offset, count, f->flags & O_NONBLOCK, to, &size)));
		while (error == PROTO_BROKEN);
	}
	return error ? fail(error) : (long)size;
}

static long read_file(int file, void *to, uint32_t count, uint64_t offset, bool advance)
{
	uint32_t done = 0, part;
	long got = 0;

	if ((files[file].flags & O_ACCMODE) == O_WRONLY || files[file].flags & O_PATH)
		return -EBADF;
	if (S_ISDIR(files[file].mode))
		return -EISDIR;
	if (count > 0x7ffff000)
		count = 0x7ffff000;
	while (done < count) {
		part = count - done < PROTO_BULK_MAX ? count - done : PROTO_BULK_MAX;
		got = read_once(file, (char *)to + done, part, offset == SHARED_OFFSET ? offset : offset + done);
		if (got < 0)
			break;
		done += (uint32_t)got;
		if (got == 0 || !file_seekable(file) || ((uint32_t)got < part && !files[file].window))
			break;
	}
	if (advance && offset != SHARED_OFFSET)
		files[file].offset = offset + done;
	return done || got >= 0 ? (long)done : got;
}

static long write_once(int file, const void *from, uint32_t count, uint64_t *offset)
{
	struct file *f = &files[file];
	uint32_t written = 0;
	uint64_t position = *offset;
	int error;

	if (f->special)
		return f->special == FILE_EVENT ? event_write(file, from, count) : -EINVAL;
	if (S_ISCHR(f->mode) && (FACTS->flags & (FACTS_TERMINAL | FACTS_FOREGROUND)) == FACTS_TERMINAL && tty_is_ours(file) &&
	    tty_tostop(file)) {
		error = tty_background(1);
		if (error)
			return error;
	}
	if (file_seekable(file))
		error = FileDescription_write(file_ref(file), *offset, f->flags & O_APPEND, from, count, &written, &position);
	else
		error = BLOCKING(FileDescription_write(file_ref(file), *offset, f->flags & O_NONBLOCK, from, count, &written, &position));
	if (error == EPIPE)
		signal_force(self(), SIGPIPE, SI_KERNEL, 0);
	if (error)
		return fail(error);
	if (*offset != SHARED_OFFSET)
		*offset = position;
	return (long)written;
}

static long write_file(int file, const void *from, uint32_t count, uint64_t offset, bool advance)
{
	uint32_t done = 0, part;
	long put = 0;

	if ((files[file].flags & O_ACCMODE) == O_RDONLY || files[file].flags & O_PATH)
		return -EBADF;
	if (count > 0x7ffff000)
		count = 0x7ffff000;
	do {
		part = count - done < PROTO_BULK_MAX ? count - done : PROTO_BULK_MAX;
		if (part == 0 && !S_ISREG(files[file].mode))
			break;
		put = write_once(file, (const char *)from + done, part, &offset);
		if (put < 0)
			break;
		done += (uint32_t)put;
		if (put == 0 || ((uint32_t)put < part && files[file].flags & O_NONBLOCK))
			break;
	} while (done < count);
	if (advance && offset != SHARED_OFFSET)
		files[file].offset = offset;
	return done || put >= 0 ? (long)done : put;
}

long posix_read(int fd, void *to, uint32_t count)
{
	long result;
	int file;

	if (pipe_read(fd, to, count, &result))
		return result;
	file = fd_file(fd);
	if (file < 0)
		return file;
	result = read_file(file, to, count, offset_of(file), true);
	file_release(file);
	return result;
}

long posix_write(int fd, const void *from, uint32_t count)
{
	long result;
	int file;

	if (pipe_write(fd, from, count, &result))
		return result;
	file = fd_file(fd);
	if (file < 0)
		return file;
	result = write_file(file, from, count, offset_of(file), true);
	file_release(file);
	return result;
}

static long vector(int fd, const struct iovec32 *v, int count, uint64_t at, bool positioned, bool writing)
{
	int file = fd_file(fd), n;
	uint32_t total = 0;
	long result = 0;

	if (file < 0)
		return file;
	if (count < 0 || count > 1024 || (positioned && (int64_t)at < 0))
		result = -EINVAL;
	else if (positioned && !file_seekable(file))
		result = -ESPIPE;
	for (n = 0; n < count && result >= 0; n++) {
		void *base = (void *)v[n].base;
		uint32_t size = v[n].size;
		uint64_t offset = positioned ? at + total : offset_of(file);

		if (size == 0)
			continue;
		result = writing ? write_file(file, base, size, offset, !positioned) : read_file(file, base, size, offset, !positioned);
		if (result > 0)
			total += (uint32_t)result;
		if (result < (long)size)
			break;
	}
	file_release(file);
	return total ? (long)total : result;
}

long posix_readv(int fd, const struct iovec32 *v, int count)
{
	return vector(fd, v, count, 0, false, false);
}

long posix_writev(int fd, const struct iovec32 *v, int count)
{
	/* one message where it is small: lines of musl's stdio stay whole on a pipe */
	char buffer[1024];
	uint32_t total = 0;
	int n;

	for (n = 0; n < count && count <= 16; n++) {
		if (v[n].size > sizeof(buffer) - total)
			return vector(fd, v, count, 0, false, true);
		memcpy(buffer + total, (void *)v[n].base, v[n].size);
		total += v[n].size;
	}
	return count > 16 ? vector(fd, v, count, 0, false, true) : posix_write(fd, buffer, total);
}

long posix_preadv(int fd, const struct iovec32 *v, int count, uint32_t low, uint32_t high)
{
	return vector(fd, v, count, (uint64_t)high << 32 | low, true, false);
}

long posix_pwritev(int fd, const struct iovec32 *v, int count, uint32_t low, uint32_t high)
{
	return vector(fd, v, count, (uint64_t)high << 32 | low, true, true);
}

long posix_pread64(int fd, void *to, uint32_t count, uint32_t low, uint32_t high)
{
	struct iovec32 v = { (uint32_t)to, count };

	return vector(fd, &v, 1, (uint64_t)high << 32 | low, true, false);
}

long posix_pwrite64(int fd, const void *from, uint32_t count, uint32_t low, uint32_t high)
{
	struct iovec32 v = { (uint32_t)from, count };

	return vector(fd, &v, 1, (uint64_t)high << 32 | low, true, true);
}

static long seek(int file, int64_t offset, int whence, uint64_t *result)
{
	struct file *f = &files[file];
	struct FileStatus status;
	int64_t to = offset;
	int error;

	if (f->flags & O_PATH)
		return -EBADF;
	if (f->special && f->special != FILE_FDS)
		return -ESPIPE;
	if (!file_seekable(file) && !f->special) {
		if (!S_ISCHR(f->mode))
			return -ESPIPE;
		error = FileDescription_seek(file_ref(file), offset, whence, result);
		return error ? -ESPIPE : 0;
	}
	if (whence < 0 || whence > SEEK_HOLE)
		return -EINVAL;
	if (f->shared) {
		error = FileDescription_seek(file_ref(file), offset, whence, result);
		return fail(error);
	}
	if (whence == SEEK_CUR) {
		to += (int64_t)f->offset;
	} else if (whence != SEEK_SET) {
		status.size = 0;
		if (!f->special && (error = FileDescription_stat(file_ref(file), &status)) != 0)
			return fail(error);
		if (whence == SEEK_END)
			to += (int64_t)status.size;
		else if ((uint64_t)offset >= status.size)
			return -ENXIO;
		else if (whence == SEEK_HOLE)
			to = (int64_t)status.size;
	}
	if (to < 0)
		return -EINVAL;
	*result = f->offset = (uint64_t)to;
	return 0;
}

long posix_llseek(int fd, uint32_t high, uint32_t low, uint64_t *to, int whence)
{
	int file = fd_file(fd);
	uint64_t result = 0;
	long error;

	if (file < 0)
		return file;
	error = seek(file, (int64_t)((uint64_t)high << 32 | low), whence, &result);
	file_release(file);
	if (!error)
		memcpy(to, &result, 8);
	return error;
}

long posix_lseek(int fd, int32_t offset, int whence)
{
	int file = fd_file(fd);
	uint64_t result = 0;
	long error;

	if (file < 0)
		return file;
	error = seek(file, offset, whence, &result);
	file_release(file);
	return error ? error : result > 0x7fffffff ? -EOVERFLOW : (long)result;
}

static long truncate_fd(int fd, uint64_t size)
{
	int file = fd_file(fd), error;

	if (file < 0)
		return file;
	if ((files[file].flags & O_ACCMODE) == O_RDONLY)
		error = EINVAL;
	else
		error = FileDescription_truncate(file_ref(file), size);
	file_release(file);
	return fail(error);
}

long posix_ftruncate64(int fd, uint32_t low, uint32_t high)
{
	return truncate_fd(fd, (uint64_t)high << 32 | low);
}

long posix_ftruncate(int fd, uint32_t size)
{
	return truncate_fd(fd, size);
}

static long truncate_path(const char *path, uint64_t size)
{
	char name[4096];
	int file, error;
	long length = (long)copy_path(name, path);

	if (length < 0)
		return length;
	file = file_open(name, O_WRONLY, 0);
	if (file < 0)
		return file;
	error = FileDescription_truncate(file_ref(file), size);
	file_release(file);
	return fail(error);
}

long posix_truncate64(const char *path, uint32_t low, uint32_t high)
{
	return truncate_path(path, (uint64_t)high << 32 | low);
}

long posix_truncate(const char *path, uint32_t size)
{
	return truncate_path(path, size);
}

/* Partial: fallocate: modes other than 0 */
long posix_fallocate(int fd, uint32_t mode, uint32_t low, uint32_t high, uint32_t length_low, uint32_t length_high)
{
	uint64_t end = ((uint64_t)high << 32 | low) + ((uint64_t)length_high << 32 | length_low);
	struct FileStatus status;
	int file, error;

	if (mode)
		return -EOPNOTSUPP;
	file = fd_file(fd);
	if (file < 0)
		return file;
	error = FileDescription_stat(file_ref(file), &status);
	if (!error && status.size < end)
		error = FileDescription_truncate(file_ref(file), end);
	file_release(file);
	return fail(error);
}

long posix_fsync(int fd)
{
	int file = fd_file(fd), error;

	if (file < 0)
		return file;
	error = files[file].special ? 0 : S_ISFIFO(files[file].mode) ? EINVAL : FileDescription_sync(file_ref(file));
	file_release(file);
	return fail(error == ENOSYS ? 0 : error);
}

long posix_sync(void)
{
	return 0;	/* every file server writes through */
}

long posix_fadvise64(int fd)
{
	int file = fd_file(fd);
	long result = 0;

	if (file < 0)
		return file;
	if (S_ISFIFO(files[file].mode))
		result = -ESPIPE;
	file_release(file);
	return result;
}

long posix_readahead(int fd)
{
	int file = fd_file(fd);
	long result = 0;

	if (file < 0)
		return file;
	if ((files[file].flags & O_ACCMODE) == O_WRONLY)
		result = -EBADF;
	else if (!S_ISREG(files[file].mode))
		result = -EINVAL;
	file_release(file);
	return result;
}

/* splice, tee: callers take EINVAL as "not for these files" and copy.
 * Partial: splice: always EINVAL */
long posix_splice(int in, uint32_t in_offset, int out)
{
	int a = fd_file(in), b = fd_file(out);

	(void)in_offset;
	if (a >= 0)
		file_release(a);
	if (b >= 0)
		file_release(b);
	return a < 0 || b < 0 ? -EBADF : -EINVAL;
}

long posix_tee(int in, int out)
{
	return posix_splice(in, 0, out);
}

static long copy(int out, int in, uint64_t *in_offset, uint64_t *out_offset, uint32_t count, char *buffer, uint32_t size)
{
	uint32_t total = 0, part;
	long got, put;

	while (total < count) {
		part = count - total < size ? count - total : size;
		got = read_file(in, buffer, part, in_offset ? *in_offset : offset_of(in), !in_offset);
		if (got <= 0)
			return total ? (long)total : got;
		put = write_file(out, buffer, (uint32_t)got, out_offset ? *out_offset : offset_of(out), !out_offset);
		if (put < 0)
			return total ? (long)total : put;
		if (in_offset)
			*in_offset += (uint32_t)put;
		if (out_offset)
			*out_offset += (uint32_t)put;
		total += (uint32_t)put;
		if (put < got || (uint32_t)got < part)
			break;
	}
	return (long)total;
}

static __attribute__((noinline)) long copy_by_stack(int out, int in, uint64_t *in_offset, uint64_t *out_offset, uint32_t count)
{
	char buffer[0x2000];

	return copy(out, in, in_offset, out_offset, count, buffer, sizeof(buffer));
}

static long copy_fds(int out_fd, int in_fd, uint64_t *in_offset, uint64_t *out_offset, uint32_t count)
{
	static char buffer[0x8000];	/* of a process with one thread */
	int in = fd_file(in_fd), out;
	long result;

	if (in < 0)
		return in;
	out = fd_file(out_fd);
	if (out < 0) {
		file_release(in);
		return out;
	}
	if (image_sole_thread)
		result = copy(out, in, in_offset, out_offset, count, buffer, sizeof(buffer));
	else
		result = copy_by_stack(out, in, in_offset, out_offset, count);
	file_release(in);
	file_release(out);
	return result;
}

long posix_sendfile64(int out, int in, uint64_t *offset, uint32_t count)
{
	return copy_fds(out, in, offset, NULL, count);
}

long posix_sendfile(int out, int in, int32_t *offset, uint32_t count)
{
	uint64_t at = offset ? (uint32_t)*offset : 0;
	long result = posix_sendfile64(out, in, offset ? &at : NULL, count);

	if (offset && result >= 0)
		*offset = (int32_t)at;
	return result;
}

long posix_copy_file_range(int in, uint64_t *in_offset, int out, uint64_t *out_offset, uint32_t count, uint32_t flags)
{
	int file;

	if (flags)
		return -EINVAL;
	file = fd_file(in);
	if (file >= 0) {
		bool plain = S_ISREG(files[file].mode);

		file_release(file);
		if (!plain)
			return -EINVAL;
	}
	return copy_fds(out, in, in_offset, out_offset, count);
}

long posix_pipe2(int *result, uint32_t flags)
{
	int in, out, fd[2], error;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	in = file_new();
	if (in < 0)
		return in;
	out = file_new();
	if (out < 0) {
		file_release(in);
		return out;
	}
	error = Process_create_pipe(REF_PROCESS, file_ref(in), file_ref(out));
	if (error) {
		file_release(in);
		file_release(out);
		return fail(error);
	}
	files[in].mode = files[out].mode = S_IFIFO | 0600;
	files[in].flags = O_RDONLY | (flags & O_NONBLOCK);
	files[out].flags = O_WRONLY | (flags & O_NONBLOCK);
	if (flags & O_NONBLOCK) {
		FileDescription_set_flags(file_ref(in), O_NONBLOCK);
		FileDescription_set_flags(file_ref(out), O_NONBLOCK);
	}
	fd[0] = fd_install(in, 0, (flags & O_CLOEXEC) != 0);
	if (fd[0] < 0) {
		file_release(out);
		return fd[0];
	}
	fd[1] = fd_install(out, 0, (flags & O_CLOEXEC) != 0);
	if (fd[1] < 0) {
		posix_close(fd[0]);
		return fd[1];
	}
	result[0] = fd[0];
	result[1] = fd[1];
	return 0;
}

long posix_pipe(int *result)
{
	return posix_pipe2(result, 0);
}
