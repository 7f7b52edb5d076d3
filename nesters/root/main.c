/* root, the first process: owns all memory, drives the devices, serves the Common Protocols to the
 * stack that it starts.  This file brings the parts up in order; the first thread then becomes
 * the scheduler.  See README.md. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/Machine.h>
#include <nest/guard.h>
#include "root.h"
#include "pack.h"

const struct fluke_boot_info *boot_info;
fluke_ref_t	*kernel, *physical;
struct server	*server, *device_server, *paging_server;

void	root_main(const struct fluke_boot_info *info) __attribute__((noreturn));

/* ---- what the C library asks of us ---- */

void log_text(const char *text, size_t size)
{
	uint32_t w[6];
	size_t part;

	for (; size; text += part, size -= part) {
		part = size < sizeof w ? size : sizeof w;
		memcpy(w, text, part);
		Machine_debug_write(kernel, (uint32_t)part, w[0], w[1], w[2], w[3], w[4], w[5]);
	}
}

void libc_output(int fd, const char *data, size_t size)
{
	(void)fd;
	log_text(data, size);
}

void libc_exit(int status)
{
	fatal("root ended with status %d", status);
}

/* Our space has no keeper. */
void guard_stray(uint32_t code, uint32_t subcode, uint32_t access, uint32_t eip)
{
	fatal("exception %#x (%#x, access %#x) at %#x", (unsigned)code, (unsigned)subcode, (unsigned)access, (unsigned)eip);
}

void fatal(const char *format, ...)
{
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	log_text("root: ", 6);
	log_text(text, strlen(text));
	log_text("\n", 1);
	Machine_panic(kernel, text);
	Machine_power(kernel, 0, 0x7e);
	for (;;)
		__asm__ volatile("hlt");
}

/* ---- start ---- */

static void first_objects(void)
{
	char *page = (char *)boot_info->objects;

	kernel = (fluke_ref_t *)(page + FLUKE_ROOT_OBJ_KERNEL);
	libc_parent = kernel;
	libc_own_space = (fluke_ref_t *)(page + 0x800);
	physical = (fluke_ref_t *)(page + 0x820);
	fluke_ref_create(libc_own_space);
	fluke_space_reference((fluke_space_t *)(page + FLUKE_ROOT_OBJ_SPACE), libc_own_space);
	fluke_ref_create(physical);
	fluke_region_reference((fluke_region_t *)(page + FLUKE_ROOT_OBJ_REGION), physical);
}

/* Everything that may send messages runs here; the first thread schedules. */
static void start_main(void *argument)
{
	(void)argument;
	libc_clock = clock_service();
	console_boot();
	channel_boot();
	line_boot();
	files_boot();
	device_boot();
	driver_boot();
	pack_mount();
	nesting_start();
	start_stack();
}

void root_main(const struct fluke_boot_info *info)
{
	boot_info = info;
	first_objects();
	if (info->magic != FLUKE_BOOT_MAGIC || info->size < sizeof *info)
		fatal("boot information is not ours");
	memory_boot();
	libc_init();
	words_parse(info->command_line);
	addresses_add(0x10000000, 0x40000000);
	if (stream_setup())
		fatal("no memory");
	scheduler_boot();
	clock_boot();
	server = server_new(10, 24, 0);	/* enough from the start, so that the pool seldom grows */
	scheduler_urgent(1);
	device_server = server_new(1, 1, 4096);
	paging_server = server_new(1, 16, 0);
	scheduler_urgent(0);
	if (!server || !device_server || !paging_server)
		fatal("no memory for the server");
	memory_start();
	if (!thread_start(start_main, 0, 0))
		fatal("no memory for a thread");
	scheduler_run();
}
