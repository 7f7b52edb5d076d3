/* diskfile: files on the disk (nesters/disk).
 *	diskfile list				names, sizes
 *	diskfile read NAME			to standard output
 *	diskfile write NAME			from standard input, rounded up to sectors with zeros
 *	diskfile restart			the driver is killed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <nest/disk.h>
#include <protocols/FileDescription.h>

#define PIECE	0x10000u

int main(int argc, char **argv);

static char buffer[PIECE];

static int fail(const char *what, int error)
{
	eprintf("diskfile: %s: %s\n", what, error_text(error));
	return 1;
}

static int list(void)
{
	char name[DISK_NAME];
	uint64_t size;
	uint32_t flags, n = 0;
	int error;

	while (!(error = disk_list(n, name, &size, &flags))) {
		printf("%-20s %10llu%s\n", name, (unsigned long long)size, flags & DISK_READ_ONLY ? " read-only" : "");
		n++;
	}
	return error == ENOENT ? 0 : fail("list", error);
}

static int read_file(const char *name)
{
	struct disk_file f;
	int error = disk_open(&f, name);

	for (uint64_t at = 0; !error && at < f.size; at += PIECE) {
		size_t count = f.size - at < PIECE ? (size_t)(f.size - at) : PIECE;

		error = disk_read(&f, at, buffer, count);
		if (!error)
			libc_output(1, buffer, count);
	}
	return error ? fail(name, error) : 0;
}

/* A full piece, or what there is before the end. */
static int fill(size_t *count)
{
	int error = 0;

	for (*count = 0; *count < PIECE && !error; ) {
		size_t got = PIECE - *count;

		error = FileDescription_read(descriptor(0), ~0ull, (uint32_t)got, 0, buffer + *count, &got);
		if (!got)
			break;
		*count += error ? 0 : got;
	}
	return error;
}

static int write_file(const char *name)
{
	struct disk_file f;
	uint64_t at = 0;
	size_t count;
	int error = disk_open(&f, name);

	while (!error && !(error = fill(&count)) && count) {
		memset(buffer + count, 0, PIECE - count);
		error = disk_write(&f, at, buffer, (count + DISK_SECTOR - 1) & -DISK_SECTOR);
		at += count;
	}
	if (!error)
		error = disk_sync(&f);
	return error ? fail(name, error) : 0;
}

int main(int argc, char **argv)
{
	int error;

	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_file(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_file(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "restart"))
		return (error = disk_restart()) ? fail("restart", error) : 0;
	eprintf("usage: diskfile list | read NAME | write NAME | restart\n");
	return 2;
}
