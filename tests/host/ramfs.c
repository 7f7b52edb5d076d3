/* The RAM file system against the host's Linux: a long random sequence of calls is made on
 * both, and each error, status and content must be the same.  Needs root (chroot).
 * Sources: nesters/root/ramfs_*.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../../nesters/root/ramfs.h"
#include "ramfs_linux.h"

static struct ramfs fs;
static unsigned live_pages, seed = 12345, checks;

static char *page_alloc(struct ramfs *f, char *near)
{
	(void)f, (void)near;
	live_pages++;
	char *p = aligned_alloc(4096, 4096);
	memset(p, 0, 4096);
	return p;
}
static void page_free(struct ramfs *f, char *page) { (void)f; live_pages--; memset(page, 0xdd, 4096); free(page); }
static uint64_t now(void) { static uint64_t t = 1; return ++t; }

static unsigned roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* A random path of one to four components from a small set, with odd slashes and dots. */
static void random_path(char *path)
{
	static const char *const part[] = { "a", "b", "c", "dir", "dir2", "sub", "x", "link", "lnk2", ".", "..", "no" };
	unsigned n = 1 + roll(3), i;

	path[0] = 0;
	if (!roll(6))
		strcat(path, "/");
	for (i = 0; i < n; i++) {
		strcat(path, part[roll(sizeof part / sizeof *part)]);
		if (i + 1 < n || !roll(9))
			strcat(path, roll(9) ? "/" : "//");
	}
}

static int count_failed;
static int same(const char *what, const char *path, const char *path2, long long mine, long long host)
{
	checks++;
	if (mine == host)
		return 1;
	printf("# %s %s %s: ours %lld, Linux %lld\n", what, path, path2, mine, host);
	count_failed++;
	return 0;
}

static int ours_open(const char *path, unsigned flags, unsigned mode)
{
	struct ramfs_node *node;
	int error = ramfs_open(&fs, fs.root, path, flags, mode, &node);

	if (!error)
		ramfs_put(&fs, node);
	return error;
}

static void compare_status(const char *path)
{
	struct host_status h;
	struct ramfs_node *node;
	int follow = (int)roll(2), e1 = ramfs_find(&fs, fs.root, path, follow, &node), e2 = host_stat(path, follow, &h);

	if (!same("stat", path, follow ? "" : "(l)", e1, e2) || e1)
		return;
	same("mode", path, "", node->mode, h.mode);
	if (!S_ISDIR(h.mode)) {
		same("links", path, "", node->links, h.links);
		same("size", path, "", (long long)node->size, (long long)h.size);
	} else if (node != fs.root) {
		same("links", path, "(dir)", node->links, h.links);
	}
}

static void compare_data(const char *path)
{
	static char mine[20000], theirs[20000];
	unsigned offset = roll(30000), count = roll(sizeof mine), got = 0, done;
	struct ramfs_node *node;
	int error = ramfs_open(&fs, fs.root, path, O_RDONLY, 0, &node), host = host_read(path, offset, theirs, count, &done);

	if (!error && S_ISDIR(node->mode))
		error = EISDIR, ramfs_put(&fs, node);
	else if (!error && S_ISFIFO(node->mode)) {
		ramfs_put(&fs, node);
		return;
	}
	if (!same("read", path, "", error, host) || error)
		return;
	got = (unsigned)ramfs_read(&fs, node, offset, mine, count);
	same("read length", path, "", got, done);
	same("read data", path, "", memcmp(mine, theirs, got), 0);
	ramfs_put(&fs, node);
}

static void write_both(const char *path)
{
	static char data[9000];
	unsigned offset = roll(20000), count = roll(sizeof data), i;
	struct ramfs_node *node;
	size_t done;
	int error;

	for (i = 0; i < count; i++)
		data[i] = (char)roll(256);
	error = ramfs_open(&fs, fs.root, path, O_WRONLY, 0, &node);
	if (!error && S_ISFIFO(node->mode)) {
		ramfs_put(&fs, node);
		return;
	}
	if (!error) {
		error = ramfs_write(&fs, node, offset, data, count, &done);
		ramfs_put(&fs, node);
	}
	same("write", path, "", error, host_write(path, offset, data, count));
}

static int is_fifo(const char *path)
{
	struct host_status h;

	return !host_stat(path, 1, &h) && S_ISFIFO(h.mode);
}

static void one_step(void)
{
	static const unsigned open_flags[] = { O_RDONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDWR | O_CREAT | O_EXCL,
		O_WRONLY | O_TRUNC, O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_PATH, O_PATH | O_NOFOLLOW,
		O_PATH | O_DIRECTORY, O_RDONLY | O_NOFOLLOW | O_DIRECTORY, O_RDWR | O_CREAT | O_TRUNC, O_CREAT | O_NOFOLLOW };
	static const unsigned rename_flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	char a[200], b[200], text[4096], text2[4096];
	const char *target;
	struct ramfs_node *node;
	unsigned n, mode;
	int e;

	random_path(a);
	random_path(b);
	switch (roll(16)) {
	case 0: case 1:
		n = open_flags[roll(sizeof open_flags / sizeof *open_flags)];
		mode = roll(512);
		if (is_fifo(a))
			break;
		if (!same("open", a, "", ours_open(a, n, mode), host_open(a, n, mode)))
			printf("# flags %o\n", n);
		break;
	case 2:
		same("mkdir", a, "", ramfs_mkdir(&fs, fs.root, a, 0755), host_mkdir(a, 0755));
		break;
	case 3:
		same("symlink", b, a, ramfs_symlink(&fs, fs.root, b, a), host_symlink(b, a));
		break;
	case 4:
		n = roll(2);
		same("link", a, b, ramfs_link(&fs, fs.root, a, fs.root, b, n ? AT_SYMLINK_FOLLOW : 0), host_link(a, b, (int)n));
		break;
	case 5:
		same("unlink", a, "", ramfs_unlink(&fs, fs.root, a, 0), host_unlink(a));
		break;
	case 6:
		same("rmdir", a, "", ramfs_unlink(&fs, fs.root, a, AT_REMOVEDIR), host_rmdir(a));
		break;
	case 7: case 8:
		n = rename_flags[roll(5)];
		if (!same("rename", a, b, ramfs_rename(&fs, fs.root, a, fs.root, b, n), host_rename(a, b, n)))
			printf("# flags %u\n", n);
		break;
	case 9:
		mode = roll(512) | 0600;
		e = ramfs_find(&fs, fs.root, a, 1, &node);
		same("chmod", a, "", e ? e : ramfs_chmod(&fs, node, mode), host_chmod(a, mode));
		break;
	case 10:
		n = roll(20000);
		e = ramfs_find(&fs, fs.root, a, 1, &node);
		same("truncate", a, "", e ? e : ramfs_truncate(&fs, node, n), host_truncate(a, n));
		break;
	case 11: case 12:
		if (!is_fifo(a))
			write_both(a);
		break;
	case 13:
		if (!is_fifo(a))
			compare_data(a);
		break;
	case 14:
		e = ramfs_readlink(&fs, fs.root, a, &target);
		same("readlink", a, "", e, host_readlink(a, text2, sizeof text2));
		if (!e)
			same("target", a, "", strcmp(target, text2), 0);
		break;
	default:
		if (!roll(8))
			same("mkfifo", a, "", ramfs_mknod(&fs, fs.root, a, S_IFIFO | 0644, 0), host_mkfifo(a, 0644));
	}
	(void)text;
	compare_status(a);
	compare_status(b);
}

static void remove_all(struct ramfs_node *dir)
{
	while (dir->dir.first) {
		struct ramfs_entry *e = dir->dir.first;
		char path[4096];

		if (S_ISDIR(e->node->mode))
			remove_all(e->node);
		ramfs_path(&fs, dir, path, sizeof path - 300);
		strcat(path, "/");
		strcat(path, e->name);
		ramfs_unlink(&fs, fs.root, path, S_ISDIR(e->node->mode) ? AT_REMOVEDIR : 0);
	}
}

static int many_names(void)
{
	static char buffer[32768];
	char name[32];
	uint64_t cookie = 0;
	unsigned i, seen = 0;
	size_t bytes, at;
	int error;

	ramfs_mkdir(&fs, fs.root, "many", 0755);
	for (i = 0; i < 12000; i++) {
		sprintf(name, "many/name-%u", i);
		ours_open(name, O_CREAT, 0644);
	}
	struct ramfs_node *dir;
	ramfs_find(&fs, fs.root, "many", 1, &dir);
	while ((bytes = ramfs_getdents(&fs, dir, &cookie, buffer, sizeof buffer, &error)) && !error) {
		for (at = 0; at < bytes; at += ((struct linux_dirent64 *)(buffer + at))->d_reclen)
			seen++;
		sprintf(name, "many/name-%u", seen / 2);	/* removed while listing */
		ramfs_unlink(&fs, fs.root, name, 0);
	}
	return seen == 12002;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 200000, i;
	unsigned before;

	fs.page_alloc = page_alloc;
	fs.page_free = page_free;
	fs.now = now;
	ramfs_init(&fs);
	before = fs.nodes;
	printf("1..3\n");
	if (host_start()) {
		printf("ok 1 ramfs-01 # SKIP needs root\n");
	} else {
		for (i = 0; i < rounds && count_failed < 20; i++)
			one_step();
		printf("%sok 1 ramfs-01 %u random calls answer as Linux does (%u checks)\n", count_failed ? "not " : "", i, checks);
	}
	printf("%sok 2 ramfs-02 12,000 names are each listed once while some are removed\n", many_names() ? "" : "not ");
	remove_all(fs.root);
	printf("%sok 3 ramfs-03 no node or page is left when all is removed (%u nodes, %u pages)\n",
		fs.nodes == before && !live_pages ? "" : "not ", fs.nodes - before, live_pages);
	return 0;
}
