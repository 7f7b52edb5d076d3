/* Windows on regular files: a read at a private offset copies from the file's own pages, without
 * entering the kernel.
 *
 * There are WINDOWS of them, 1 MB each, between image text and data; a file gets one at its second
 * read, moved along as it is read.  `size` is the file's size as last heard: what lies at or behind
 * it is asked of the server, so that growth is seen.  A truncation by others may show as zeros
 * up to the end of a page until then.  Guarded by the image lock, but for the copy itself. */
#include "posix.h"
#include <protocols/FileDescription.h>
#include <protocols/FileSystem.h>

#define WINDOWS		14
#define WINDOW_SIZE	0x00100000u
#define WINDOW_BASE	(START_IMAGE + 0x00100000u)
#define WORTH		(2 * PAGE)

struct window {
	int		file;		/* files index + 1; 0 = free */
	bool		made;
	uint32_t	start, used;	/* offset in the file, when used last */
};

static struct window windows[WINDOWS];
static uint32_t tick;

static fluke_mapping_t *mapping(int n)
{
	return (fluke_mapping_t *)(IMAGE_MAPPINGS + (IMAGE_MAPPINGS_MAX - WINDOWS + (uint32_t)n) * sizeof(fluke_mapping_t));
}

static void point(int n, int file, uint32_t start)
{
	fluke_mapping_state_t state = { .region_off = start, .start_va = WINDOW_BASE + (uint32_t)n * WINDOW_SIZE, .size = WINDOW_SIZE,
		.prot = FLUKE_PROT_READ };
	int error;

	if (!windows[n].made)
		fluke_mapping_create(mapping(n));
	windows[n].made = true;
	fluke_mapping_set_state(mapping(n), &state, file_region(file, &error), REF(START_REF_SPACE));
	windows[n].file = file + 1;
	windows[n].start = start;
}

void window_drop(int file)
{
	int n = files[file].window - 1;

	files[file].window = 0;
	if (n < 0)
		return;
	fluke_mapping_destroy(mapping(n));
	windows[n].made = false;
	windows[n].file = 0;
}

static int take(int file)
{
	int n, oldest = 0;

	for (n = 0; n < WINDOWS; n++) {
		if (!windows[n].file)
			break;
		if (windows[n].used < windows[oldest].used)
			oldest = n;
	}
	if (n == WINDOWS) {
		n = oldest;
		files[windows[n].file - 1].window = 0;
	}
	files[file].window = (uint8_t)(n + 1);
	return n;
}

/* Opens a window for the file if it pays. */
static bool open_window(int file)
{
	struct FileStatus status;
	int error;

	if (files[file].no_window)
		return false;
	files[file].no_window = 1;
	if (FileDescription_stat(file_ref(file), &status) || status.size < WORTH || status.size > 0x7fffffff || !file_region(file, &error))
		return false;
	files[file].no_window = 0;
	files[file].size_hint = (uint32_t)status.size;
	point(take(file), file, 0);
	return true;
}

/* uint32_t window_copy(void *to, const void *from, uint32_t count): 0; 1: a page of the window could not be had. */
extern char	window_copy_failed[];
__asm__(
	".pushsection .text\n"
	"window_copy:\n"
	"	pushl	%edi\n"
	"	pushl	%esi\n"
	"	movl	12(%esp), %edi\n"
	"	movl	16(%esp), %esi\n"
	"	movl	20(%esp), %ecx\n"
	"	movl	%ecx, %edx\n"
	"	shrl	$2, %ecx\n"
	"	rep movsl\n"
	"	movl	%edx, %ecx\n"
	"	andl	$3, %ecx\n"
	"	rep movsb\n"
	"	xorl	%eax, %eax\n"
	"window_copy_out:\n"
	"	popl	%esi\n"
	"	popl	%edi\n"
	"	ret\n"
	"window_copy_failed:\n"
	"	movl	$1, %eax\n"
	"	jmp	window_copy_out\n"
	".popsection");
uint32_t window_copy(void *to, const void *from, uint32_t count);

/* A fault of the image at the address: the copy's own, which goes on at the new eip? */
bool window_fault(uint32_t *eip, uint32_t address)
{
	if (*eip < (uint32_t)window_copy || *eip >= (uint32_t)window_copy_failed || address - WINDOW_BASE >= WINDOWS * WINDOW_SIZE)
		return false;
	*eip = (uint32_t)window_copy_failed;
	return true;
}

/* Bytes copied from the window, or 0: ask the server.  (One thread only: a window may move.) */
uint32_t window_read(int file, void *to, uint32_t count, uint64_t offset)
{
	struct file *f = &files[file];
	uint32_t at, part;
	int n;

	if (!image_sole_thread || !S_ISREG(f->mode))
		return 0;
	if (!f->window) {
		if (f->reads < 1) {
			f->reads++;
			return 0;
		}
		if (!open_window(file))
			return 0;
	}
	if (offset >= f->size_hint)
		return 0;
	n = f->window - 1;
	at = (uint32_t)offset;
	windows[n].used = ++tick;
	if (at - windows[n].start >= WINDOW_SIZE)
		point(n, file, at & ~(WINDOW_SIZE - 1));
	part = WINDOW_SIZE - (at - windows[n].start);
	if (part > f->size_hint - at)
		part = f->size_hint - at;
	if (part > count)
		part = count;
	if (!window_copy(to, (void *)(WINDOW_BASE + (uint32_t)n * WINDOW_SIZE + (at - windows[n].start)), part))
		return part;
	f->no_window = 1;		/* the server says what it is */
	window_drop(file);
	return 0;
}

/* The server gave bytes up to here. */
void window_grown(int file, uint64_t end)
{
	if (files[file].window && end > files[file].size_hint && end <= 0x7fffffff)
		files[file].size_hint = (uint32_t)end;
}
