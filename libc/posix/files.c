/* Descriptors and open files.
 *
 * files[n] is one open file description, its port in IMAGE_FILES slot n; several descriptors
 * (dup) may lead to it.  While the process is its only holder the offset is kept here; files_share
 * (before fork) hands it to the server.  A slot is free when uses is 0; its ref object
 * stays active, cleared.  fds and files are guarded by the image lock. */
#include "posix.h"
#include "calls.h"
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>

struct file files[IMAGE_FILES_MAX];
struct descriptor fds[FDS];
uint32_t image_fd_limit = FDS;	/* RLIMIT_NOFILE */

fluke_ref_t *file_ref(int n)
{
	return REF(IMAGE_FILES + (uint32_t)n * 32);
}

static fluke_ref_t *region_ref(int n)
{
	return REF(IMAGE_FILE_REGIONS + (uint32_t)n * 32);
}

int file_new(void)
{
	static uint16_t serial;
	int n;

	image_lock();
	for (n = 0; n < IMAGE_FILES_MAX; n++)
		if (files[n].uses == 0)
			break;
	if (n == IMAGE_FILES_MAX) {
		image_unlock();
		return -EMFILE;		/* as many as descriptors: the process's own limit */
	}
	files[n] = (struct file){ .uses = 1, .made = files[n].made, .region_made = files[n].region_made, .serial = ++serial };
	if (!files[n].made)
		fluke_ref_create(file_ref(n));
	files[n].made = 1;
	image_unlock();
	return n;
}

static void release_locked(int n)
{
	if (--files[n].uses)
		return;
	if (files[n].window)
		window_drop(n);
	if (files[n].special)
		epoll_closed(n);
	fluke_ref_clear(file_ref(n));
	if (files[n].region)
		fluke_ref_clear(region_ref(n));
	files[n].region = 0;
}

static void hold(struct thread *t, int n)
{
	if (t->holding < NELEM(t->held))
		t->held[t->holding++] = (int16_t)n;
}

static void let_go(struct thread *t, int n)
{
	uint32_t k = t->holding;

	while (k--)
		if (t->held[k] == n) {
			t->held[k] = t->held[--t->holding];
			return;
		}
}

void file_release(int n)
{
	let_go(self(), n);
	image_lock();
	release_locked(n);
	image_unlock();
}

/* A file's region ends with the last description of it: an area keeps the one that it was made of. */
void file_mapped(int n, int areas)
{
	files[n].areas = (uint16_t)(files[n].areas + areas);
	if (areas > 0)
		files[n].uses++;
	else
		release_locked(n);
}

void files_drop(struct thread *t)
{
	while (t->holding)
		file_release(t->held[t->holding - 1]);
}

int fd_file(int fd)
{
	int n = -EBADF;

	image_lock();
	if (fd >= 0 && fd < FDS && fds[fd].file) {
		n = fds[fd].file - 1;
		files[n].uses++;
		hold(self(), n);
	}
	image_unlock();
	return n;
}

int fd_install(int file, int least, bool cloexec)
{
	int fd;

	image_lock();
	for (fd = least; fd < FDS; fd++)
		if (!fds[fd].file)
			break;
	if (fd >= FDS || (uint32_t)fd >= image_fd_limit) {
		release_locked(file);
		fd = -EMFILE;
	} else {
		fds[fd] = (struct descriptor){ .file = (int16_t)(file + 1), .cloexec = cloexec };
	}
	image_unlock();
	return fd;
}

/* The file's pages as a region (READ, EXECUTE), asked for once. */
fluke_ref_t *file_region(int n, int *error)
{
	if (files[n].region)
		return region_ref(n);
	if (!files[n].region_made)
		fluke_ref_create(region_ref(n));
	files[n].region_made = 1;
	*error = FileDescription_map(file_ref(n), FLUKE_PROT_READ | FLUKE_PROT_EXECUTE, region_ref(n));
	if (*error) {
		*error = fail(*error);
		return NULL;
	}
	files[n].region = 1;
	return region_ref(n);
}

bool file_seekable(int n)
{
	return S_ISREG(files[n].mode) || S_ISBLK(files[n].mode) || S_ISDIR(files[n].mode);
}

/* Before another process gets the same descriptions. */
void files_share(void)
{
	int n;

	for (n = 0; n < IMAGE_FILES_MAX; n++) {
		if (files[n].uses == files[n].areas || files[n].shared || files[n].special || !file_seekable(n) || S_ISDIR(files[n].mode))
			continue;
		if (FileDescription_share(file_ref(n), files[n].offset) == 0)
			files[n].shared = 1;
	}
}

int file_read_at(int n, uint64_t offset, void *to, uint32_t count)
{
	size_t size = count;
	int error;

	error = FileDescription_read(file_ref(n), offset, count, 0, to, &size);
	return error ? fail(error) : (int)size;
}

/* ---- calls on descriptors ---- */

static int close_locked(int fd)
{
	int file;

	if (fd < 0 || fd >= FDS || !fds[fd].file)
		return -EBADF;
	file = fds[fd].file - 1;
	fds[fd].file = 0;
	release_locked(file);
	return 0;
}

long posix_close(int fd)
{
	int error;

	locks_forget(fd, fd);
	image_lock();
	error = close_locked(fd);
	image_unlock();
	return error;
}

long posix_close_range(uint32_t first, uint32_t last, uint32_t flags)
{
	uint32_t fd;

	if (first > last)
		return -EINVAL;
	if (!(flags & 4))
		locks_forget((int)first, last < FDS ? (int)last : FDS - 1);
	image_lock();
	for (fd = first; fd <= last && fd < FDS; fd++) {
		if (flags & 4)
			fds[fd].cloexec = 1;
		else
			close_locked((int)fd);
	}
	image_unlock();
	return 0;
}

static long dup_at_least(int fd, int least, bool cloexec)
{
	int file = fd_file(fd);

	if (file < 0)
		return file;
	if (least < 0 || least >= FDS || (uint32_t)least >= image_fd_limit) {
		file_release(file);
		return -EINVAL;
	}
	return fd_install(file, least, cloexec);
}

long posix_dup(int fd)
{
	return dup_at_least(fd, 0, false);
}

static long dup_to(int fd, int to, bool cloexec)
{
	int file = fd_file(fd);

	if (file < 0)
		return file;
	if (to < 0 || to >= FDS || (uint32_t)to >= image_fd_limit) {
		file_release(file);
		return -EBADF;
	}
	locks_forget(to, to);
	image_lock();
	close_locked(to);
	fds[to] = (struct descriptor){ .file = (int16_t)(file + 1), .cloexec = cloexec };
	image_unlock();
	return to;
}

long posix_dup2(int fd, int to)
{
	if (fd == to)
		return fd >= 0 && fd < FDS && fds[fd].file ? fd : -EBADF;
	return dup_to(fd, to, false);
}

long posix_dup3(int fd, int to, uint32_t flags)
{
	if (fd == to || flags & ~O_CLOEXEC)
		return -EINVAL;
	return dup_to(fd, to, (flags & O_CLOEXEC) != 0);
}

static long set_flags(int file, uint32_t flags)
{
	uint32_t mask = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

	files[file].flags = (files[file].flags & ~mask) | (flags & mask);
	if (!files[file].special)
		FileDescription_set_flags(file_ref(file), files[file].flags & (O_APPEND | O_NONBLOCK));
	return 0;
}

static uint32_t get_flags(int file)
{
	uint32_t flags;

	if (!files[file].special && !S_ISREG(files[file].mode) && !S_ISDIR(files[file].mode) &&
	    FileDescription_get_flags(file_ref(file), &flags) == 0)
		files[file].flags = (files[file].flags & ~(O_APPEND | O_NONBLOCK)) | (flags & (O_APPEND | O_NONBLOCK));
	return files[file].flags;
}

/* Partial: fcntl64: F_SETOWN, F_SETSIG, leases, seals; F_SETPIPE_SZ leaves 64 KB */
long posix_fcntl64(int fd, uint32_t command, uint32_t argument)
{
	int file = fd_file(fd);
	long result = 0;

	if (file < 0)
		return file;
	switch (command) {
	case F_DUPFD:
		result = dup_at_least(fd, (int)argument, false);
		break;
	case F_DUPFD_CLOEXEC:
		result = dup_at_least(fd, (int)argument, true);
		break;
	case F_GETFD:
		result = fds[fd].cloexec ? FD_CLOEXEC : 0;
		break;
	case F_SETFD:
		fds[fd].cloexec = argument & FD_CLOEXEC;
		break;
	case F_GETFL:
		result = (long)get_flags(file);
		break;
	case F_SETFL:
		result = set_flags(file, argument);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_GETLK64:
	case F_SETLK64:
	case F_SETLKW64:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		result = file_lock(file, command, (void *)argument);
		break;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		result = !S_ISFIFO(files[file].mode) ? -EBADF : command == F_SETPIPE_SZ && argument > PIPE_MOST ? -EPERM : PIPE_MOST;
		break;
	default:
		result = -EINVAL;
	}
	file_release(file);
	return result;
}
