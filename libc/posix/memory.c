/* Linux's memory calls: mmap2, mmap, munmap, mprotect, mremap, madvise, msync, mlock (brk: vm.c). */
#include "posix.h"
#include "calls.h"
#include <protocols/FileDescription.h>
#include <protocols/Segment.h>

#define USER_TOP	START_STACK_TOP

/* All that mprotect may ask for later. */
static long map_shared(int file, uint32_t start, uint32_t size, uint32_t prot, uint64_t offset)
{
	fluke_ref_t *region = thread_ref(1);
	bool writable = (files[file].flags & O_ACCMODE) == O_RDWR;
	uint32_t want = FLUKE_PROT_READ | FLUKE_PROT_EXECUTE | (writable ? FLUKE_PROT_WRITE : 0);
	int error;

	if (prot & PROT_WRITE && !writable)
		return -EACCES;
	error = FileDescription_map(file_ref(file), want, region);
	if (error)
		return fail(error);
	error = vm_map_file(start, size, prot, region, (uint32_t)offset, file);
	if (error)
		return error;
	vm_area(start)->file = 2;	/* not made anonymous by mprotect */
	return (long)start;
}

static long map_locked(uint32_t start, uint32_t size, uint32_t prot, uint32_t flags, int file, uint64_t offset)
{
	int error;

	if (flags & MAP_FIXED) {
		if ((error = vm_unmap(start, size)) < 0)
			return error;
	} else {
		struct area *a = vm_area(start);

		if (start < 0x10000 || start + size > USER_TOP || (a && a->start < start + size)) {
			if (flags & MAP_FIXED_NOREPLACE)
				return -EEXIST;
			start = vm_find_free(size);
			if (!start)
				return -ENOMEM;
		}
	}
	if (file < 0) {
		error = vm_map_anonymous(start, size, prot);
		return error < 0 ? error : (long)start;
	}
	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		return vm_map_private(file, start, size, prot, offset);
	return map_shared(file, start, size, prot, offset);
}

static bool commits(uint32_t prot, uint32_t flags)
{
	return prot & PROT_WRITE && ((flags & MAP_TYPE) == MAP_PRIVATE || flags & MAP_ANONYMOUS) && !(flags & MAP_NORESERVE);
}

/* Memory that processes share: a file without a name. */
static int shared_memory(uint64_t size)
{
	int file = file_open("/", O_TMPFILE | O_RDWR | O_LARGEFILE, 0600), error;

	error = file < 0 ? file : size ? fail(FileDescription_truncate(file_ref(file), size)) : 0;
	if (error && file >= 0)
		file_release(file);
	return error ? error : file;
}

/* Partial: memfd_create: no seals */
long posix_memfd_create(const char *name, uint32_t flags)
{
	char path[7 + 4096] = "/memfd:";
	int length = *name ? (int)copy_path(path + 7, name) : 0, file;

	if (flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING) || length < 0 || length > 249)
		return -EINVAL;
	file = shared_memory(0);
	if (file < 0)
		return file;
	name_opened(file, path);
	return fd_install(file, 0, (flags & MFD_CLOEXEC) != 0);
}

static long map(uint32_t start, uint32_t size, uint32_t prot, uint32_t flags, int fd, uint64_t offset)
{
	int file = -1, waits = flags & MAP_ANONYMOUS && (flags & MAP_TYPE) != MAP_PRIVATE ? 20 : 0;
	bool may = true;
	long result;

	if (size == 0 || (start & (PAGE - 1) && flags & MAP_FIXED) || (flags & MAP_TYPE) == 0 || (flags & MAP_TYPE) > 3)
		return -EINVAL;
	size = PAGE_UP(size);
	if (size == 0 || size > USER_TOP || (flags & MAP_FIXED && (start < 0x1000 || start > USER_TOP - size)))
		return -ENOMEM;
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if (!(flags & MAP_ANONYMOUS) || (flags & MAP_TYPE) != MAP_PRIVATE) {
		file = flags & MAP_ANONYMOUS ? shared_memory(size) : fd_file(fd);
		if (file < 0)
			return file;
		if (flags & MAP_ANONYMOUS)
			offset = 0;
		if (files[file].mode && !S_ISREG(files[file].mode) && !S_ISCHR(files[file].mode)) {
			file_release(file);
			return -ENODEV;
		}
	}
	image_lock();
	while (commits(prot, flags) && !(may = vm_may_commit(size)) && waits--) {
		image_unlock();
		thread_wait(now_monotonic() + 5000000);		/* what was unmapped just now may be on its way back */
		image_lock();
	}
	result = vm_may_grow(size) && may ? map_locked(PAGE_DOWN(start), size, prot, flags, file, offset) : -ENOMEM;
	image_unlock();
	if (file >= 0)
		file_release(file);
	return result;
}

long posix_mmap2(uint32_t start, uint32_t size, uint32_t prot, uint32_t flags, int fd, uint32_t page)
{
	return map(start, size, prot, flags, fd, (uint64_t)page * PAGE);
}

long posix_mmap(const uint32_t *a)
{
	uint32_t args[6];

	memcpy(args, a, sizeof(args));
	if (args[5] & (PAGE - 1))
		return -EINVAL;
	return map(args[0], args[1], args[2], args[3], (int)args[4], args[5]);
}

static bool range_bad(uint32_t start, uint32_t size)
{
	return start & (PAGE - 1) || start >= USER_TOP || size > USER_TOP - start;
}

long posix_munmap(uint32_t start, uint32_t size)
{
	int error;

	size = PAGE_UP(size);
	if (size == 0 || range_bad(start, size))
		return -EINVAL;
	image_lock();
	error = vm_unmap(start, size);
	image_unlock();
	return error;
}

long posix_mprotect(uint32_t start, uint32_t size, uint32_t prot)
{
	int error;

	size = PAGE_UP(size);
	if (start & (PAGE - 1))
		return -EINVAL;
	if (size == 0)
		return 0;
	if (range_bad(start, size))
		return -ENOMEM;
	image_lock();
	error = vm_protect(start, size, prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
	image_unlock();
	return error;
}

static long remap_grow(struct area *a, uint32_t start, uint32_t old_size, uint32_t size, uint32_t flags)
{
	struct area *next = vm_area(start + old_size);
	uint32_t prot = a->prot, to;
	int error;

	if (!vm_may_grow(size - old_size) || (prot & PROT_WRITE && !vm_may_commit(size - old_size)))
		return -ENOMEM;
	if ((!next || next->start >= start + size) && start + size <= USER_TOP)
		return (error = vm_map_anonymous(start + old_size, size - old_size, prot)) < 0 ? error : (long)start;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = vm_find_free(size);
	if (!to)
		return -ENOMEM;
	if ((error = vm_map_anonymous(to, size, PROT_READ | PROT_WRITE)) < 0)
		return error;
	memcpy((void *)to, (void *)start, old_size);
	if (prot != (PROT_READ | PROT_WRITE))
		vm_protect(to, size, prot);
	vm_unmap(start, old_size);
	return (long)to;
}

/* Is the range anonymous memory of one protection, without holes? */
static bool uniform(uint32_t start, uint32_t size)
{
	struct area *a = vm_area(start);
	uint32_t at = start, prot = a ? a->prot : 0;

	for (; a && at < start + size; a = vm_area(at)) {
		if (a->start > at || a->prot != prot)
			return false;
		at = a->end;
	}
	return at >= start + size;
}

/* Partial: mremap: MREMAP_FIXED, MREMAP_DONTUNMAP; growing a mapping of a file */
long posix_mremap(uint32_t start, uint32_t old_size, uint32_t size, uint32_t flags)
{
	struct area *a;
	long result = (long)start;

	old_size = PAGE_UP(old_size);
	size = PAGE_UP(size);
	if (size == 0 || range_bad(start, old_size) || flags & ~(uint32_t)MREMAP_MAYMOVE)
		return -EINVAL;
	image_lock();
	a = vm_area(start);
	if (!a || a->start > start || !uniform(start, old_size))
		result = -EFAULT;
	else if (size < old_size)
		result = vm_unmap(start + size, old_size - size) < 0 ? -ENOMEM : (long)start;
	else if (size > old_size && a->file)
		result = -ENOMEM;
	else if (size > old_size)
		result = remap_grow(a, start, old_size, size, flags);
	image_unlock();
	return result;
}

long posix_madvise(uint32_t start, uint32_t size, int advice)
{
	struct area *a;
	uint32_t end;

	size = PAGE_UP(size);
	if (start & (PAGE - 1) || !(advice <= 4 || (advice >= 8 && advice <= 25)) || advice < 0)
		return -EINVAL;
	if (range_bad(start, size))
		return -ENOMEM;
	if (advice != 4)		/* MADV_DONTNEED */
		return 0;
	image_lock();
	while (size && (a = vm_area(start)) && a->start < start + size) {
		if (a->start > start) {
			size -= a->start - start;
			start = a->start;
		}
		end = a->end < start + size ? a->end : start + size;
		if (!a->file)
			Segment_discard(REF(START_REF_DATA), start, end - start);
		size -= end - start;
		start = end;
	}
	image_unlock();
	return 0;
}

/* Is all of the range mapped? */
static bool mapped(uint32_t start, uint32_t size)
{
	bool whole = !range_bad(start, size);
	struct area *a;
	uint32_t at = start;

	image_lock();
	while (whole && at < start + size) {
		a = vm_area(at);
		whole = a && a->start <= at;
		at = whole ? a->end : at;
	}
	image_unlock();
	return whole;
}

/* Writes to a shared mapping are in the file at once. */
long posix_msync(uint32_t start, uint32_t size, uint32_t flags)
{
	if (start & (PAGE - 1) || flags & ~7u || (flags & 5) == 5)
		return -EINVAL;
	return mapped(start, PAGE_UP(size)) ? 0 : -ENOMEM;
}

/* Partial: mincore: every mapped page is said to be there */
long posix_mincore(uint32_t start, uint32_t size, uint8_t *to)
{
	size = PAGE_UP(size);
	if (start & (PAGE - 1))
		return -EINVAL;
	if (!mapped(start, size))
		return -ENOMEM;
	memset(to, 1, size / PAGE);
	return 0;
}

long posix_mlock(void) { return 0; }
