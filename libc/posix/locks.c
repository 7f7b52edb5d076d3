/* Locks on files: fcntl's and flock's.
 *
 * Record locks are the process's: at each file server it has an owner (FileDescription.lock_owner), a reference that fork does not
 * copy and exec keeps, and what is locked in its name goes when that reference goes.  That any close of the file drops them is
 * done here, before the descriptor is closed; a process that never locked pays nothing for it.  The server knows
 * an owner's badge, not its number: whose that is, our own process manager says. */
#include "posix.h"
#include "calls.h"
#include <protocols/FileDescription.h>
#include <protocols/Process.h>

#define LOCK_WAIT	1u		/* FileDescription.lock */
#define LOCK_FLOCK	2u
#define OFFSET_MAX	0x7fffffffffffffffll

static struct { bool made, valid; } owners[IMAGE_LOCK_OWNERS];	/* the ref is an active object; leads to an owner */
static bool any_owner;

static fluke_ref_t *owner_ref(unsigned n)
{
	return REF(IMAGE_REF_LOCKS + n * 32);
}

/* The owner at the file's server, to be asked for once. */
static int owner_make(unsigned n, int file)
{
	fluke_ref_t *badge = thread_ref(0);
	int error = 0;

	image_lock();
	if (!owners[n].made)
		fluke_ref_create(owner_ref(n));
	owners[n].made = true;
	if (!owners[n].valid && !(error = Process_badge(REF_PROCESS, badge))) {
		error = FileDescription_lock_owner(file_ref(file), badge, owner_ref(n));
		fluke_ref_clear(badge);
	}
	owners[n].valid |= !error;
	any_owner |= !error;
	image_unlock();
	return error;
}

void locks_forked(void)
{
	memset(owners, 0, sizeof(owners));
	any_owner = false;
}

/* After exec: the record lists the owners that there were. */
void locks_started(const uint32_t *refs, uint32_t count)
{
	unsigned n;

	for (; count--; refs++) {
		n = (*refs - IMAGE_REF_LOCKS) / 32;
		if (*refs >= IMAGE_REF_LOCKS && n < IMAGE_LOCK_OWNERS)
			owners[n].made = owners[n].valid = any_owner = true;
	}
}

uint32_t locks_owner(unsigned n)
{
	return owners[n].valid ? IMAGE_REF_LOCKS + n * 32 : 0;
}

/* Before descriptors are closed: none of the process's locks on their files stays. */
void locks_forget(int first, int last)
{
	unsigned n;
	int file;

	for (; any_owner && first <= last; first++) {
		file = fd_file(first);
		if (file < 0)
			continue;
		for (n = 0; n < IMAGE_LOCK_OWNERS && !files[file].special; n++)
			if (owners[n].valid)
				FileDescription_lock(file_ref(file), F_UNLCK, 0, 0, 0, owner_ref(n));
		file_release(file);
	}
}

void locks_forget_cloexec(void)
{
	int fd;

	for (fd = 0; any_owner && fd < FDS; fd++)
		if (fds[fd].file && fds[fd].cloexec)
			locks_forget(fd, fd);
}

/* ---- fcntl ---- */

struct flock64_linux { int16_t type, whence; int64_t start, length; int32_t pid; } __attribute__((packed, aligned(4)));
struct flock_linux { int16_t type, whence; int32_t start, length, pid; };

static int base_offset(int file, int whence, int64_t *base)
{
	struct FileStatus status;
	uint64_t at = 0;
	int error = 0;

	if (whence == SEEK_CUR && files[file].shared)
		error = FileDescription_seek(file_ref(file), 0, SEEK_CUR, &at);
	else if (whence == SEEK_CUR)
		at = files[file].offset;
	else if (whence == SEEK_END && !(error = FileDescription_stat(file_ref(file), &status)))
		at = status.size;
	else if (whence != SEEK_SET)
		error = EINVAL;
	*base = (int64_t)at;
	return error;
}

/* Start and length from the beginning of the file, as Linux sees them. */
static int normalize(int file, struct flock64_linux *l)
{
	int64_t base;
	int error = base_offset(file, l->whence, &base);

	if (error)
		return error;
	if (l->start > OFFSET_MAX - base)
		return EOVERFLOW;
	l->start += base;
	if (l->start < 0)
		return EINVAL;
	if (l->length < 0) {
		if (l->start + l->length < 0)
			return EINVAL;
		l->start += l->length;
		l->length = -l->length;
	} else if (l->length && l->start > OFFSET_MAX - (l->length - 1)) {
		return EOVERFLOW;
	}
	l->whence = SEEK_SET;
	return 0;
}

static int set_lock(int file, const struct flock64_linux *l, uint32_t flags, bool of_process)
{
	unsigned n;
	int error = EXDEV;

	if (!of_process)
		return BLOCKING(FileDescription_lock(file_ref(file), (uint32_t)l->type, (uint64_t)l->start, (uint64_t)l->length, flags, NULL));
	for (n = 0; n < IMAGE_LOCK_OWNERS && error == EXDEV; n++) {
		if (!owners[n].valid && (error = owner_make(n, file)))
			return error;
		error = BLOCKING(FileDescription_lock(file_ref(file), (uint32_t)l->type, (uint64_t)l->start, (uint64_t)l->length, flags,
			owner_ref(n)));
	}
	return error == EXDEV ? ENOLCK : error;
}

/* Who has no owner at the server asks as a stranger. */
static int get_lock(int file, struct flock64_linux *l, bool of_process)
{
	fluke_ref_t *badge = thread_ref(0);
	uint64_t start, length;
	uint32_t type;
	unsigned n = 0;
	int error;

	fluke_ref_clear(badge);
	do {
		bool stranger = !of_process || n == IMAGE_LOCK_OWNERS || !owners[n].valid;

		error = BLOCKING(FileDescription_get_lock(file_ref(file), (uint32_t)l->type, (uint64_t)l->start, (uint64_t)l->length,
			stranger ? NULL : owner_ref(n), &type, &start, &length, badge));
	} while (error == EXDEV && n++ < IMAGE_LOCK_OWNERS);
	if (error)
		return error;
	l->type = (int16_t)type;
	if (type != F_UNLCK) {
		l->start = (int64_t)start;
		l->length = (int64_t)length;
		l->pid = -1;
		if (fluke_ref_type(badge) != FLUKE_NULL && Process_whose(REF_PROCESS, badge, &l->pid))
			l->pid = 0;
	}
	fluke_ref_clear(badge);
	return 0;
}

static void take_argument(struct flock64_linux *l, const void *argument, bool wide)
{
	struct flock_linux s;

	if (wide) {
		memcpy(l, argument, sizeof(*l));
		return;
	}
	memcpy(&s, argument, sizeof(s));
	*l = (struct flock64_linux){ s.type, s.whence, s.start, s.length, s.pid };
}

static int put_argument(const struct flock64_linux *l, void *argument, bool wide)
{
	struct flock_linux s = { l->type, l->whence, (int32_t)l->start, (int32_t)l->length, l->pid };

	if (wide) {
		memcpy(argument, l, sizeof(*l));
		return 0;
	}
	if (s.start != l->start || s.length != l->length)
		return EOVERFLOW;
	memcpy(argument, &s, sizeof(s));
	return 0;
}

/* Pipes, terminals and what the process manager serves have no locks. */
static long result(int error)
{
	return fail(error == ENOSYS ? EINVAL : error);
}

long file_lock(int file, uint32_t command, void *argument)
{
	bool of_process = command < F_OFD_GETLK, wide = command > F_SETLKW, get;
	struct flock64_linux l, asked;
	int error;

	take_argument(&l, argument, wide);
	get = command == F_GETLK || command == F_GETLK64 || command == F_OFD_GETLK;
	if ((!of_process && l.pid) || (get && l.type == F_UNLCK) || l.type < F_RDLCK || l.type > F_UNLCK)
		return -EINVAL;
	if (files[file].special)
		return -EINVAL;
	asked = l;
	if ((error = normalize(file, &l)))
		return fail(error);
	if (!get)
		return result(set_lock(file, &l, command == F_SETLKW || command == F_SETLKW64 || command == F_OFD_SETLKW ? LOCK_WAIT : 0,
			of_process));
	error = get_lock(file, &l, of_process);
	if (!error && l.type == F_UNLCK) {	/* nothing but the type changes */
		asked.type = F_UNLCK;
		l = asked;
	}
	return error ? result(error) : fail(put_argument(&l, argument, wide));
}

long posix_flock(int fd, uint32_t operation)
{
	struct flock64_linux l = { .type = F_WRLCK };
	int file = fd_file(fd);
	long done;

	if (file < 0)
		return file;
	l.type = operation & 8 ? F_UNLCK : operation & 1 ? F_RDLCK : F_WRLCK;
	done = files[file].special ? -EINVAL : result(set_lock(file, &l, LOCK_FLOCK | (operation & 4 ? 0 : LOCK_WAIT), false));
	file_release(file);
	return done;
}
