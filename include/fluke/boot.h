/* What the kernel hands to the first process (root), and the kernel's own port.
 *
 * The first thread starts with ebx = address of a struct fluke_boot_info in its own space,
 * esp = top of a 64 KB stack.  All memory of the machine is mapped at FLUKE_ROOT_PHYSICAL +
 * physical address (READ WRITE EXECUTE OBJECT); frames of the kernel are holes.
 *
 * One object page, at FLUKE_ROOT_OBJECTS in root's space, holds root's first objects. */
#ifndef FLUKE_BOOT_H
#define FLUKE_BOOT_H

#include <fluke/types.h>

#define FLUKE_ROOT_PHYSICAL	0x80000000u	/* root's window on physical memory, up to 1008 MB */
#define FLUKE_ROOT_IMAGE	0x00400000u	/* root's program is linked here */

/* Offsets in root's object page. */
#define FLUKE_ROOT_OBJ_SPACE	0x000	/* fluke_space_t: root's space */
#define FLUKE_ROOT_OBJ_REGION	0x100	/* fluke_region_t: physical memory, offset = physical address */
#define FLUKE_ROOT_OBJ_MAP_PHYS	0x180	/* fluke_mapping_t: the window */
#define FLUKE_ROOT_OBJ_MAP_IMG	0x200	/* fluke_mapping_t: root's program and stack */
#define FLUKE_ROOT_OBJ_KERNEL	0x280	/* fluke_ref_t: the kernel's own port (Parent, Machine) */
#define FLUKE_ROOT_OBJ_THREAD	0x400	/* fluke_thread_t: first thread, root scheduler of processor 0 */

#define FLUKE_BOOT_MAGIC	0x464c4b45u
#define FLUKE_BOOT_RANGES	32
#define FLUKE_BOOT_MODULES	32

enum { FLUKE_RANGE_FREE = 1, FLUKE_RANGE_MODULE, FLUKE_RANGE_ROOT };

struct fluke_boot_range {		/* physical, page aligned */
	uint32_t	start, size, kind, pad;
};

struct fluke_boot_module {
	uint32_t	start, size;	/* physical start (page aligned), size in bytes */
	char		name[56];	/* first word of its command line, path stripped */
};

struct fluke_boot_info {
	uint32_t	magic, size;
	uint32_t	objects;	/* address of the object page in root's space */
	uint32_t	ram_total;	/* bytes of memory in use by the system */
	uint32_t	tsc_khz;
	uint32_t	cpu_features;	/* cpuid 1 edx */
	uint32_t	range_count, module_count;
	struct fluke_boot_range range[FLUKE_BOOT_RANGES];
	struct fluke_boot_module module[FLUKE_BOOT_MODULES];
	/* linear framebuffer, 0 = VGA text mode at 0xb8000 */
	uint32_t	fb_start, fb_pitch, fb_width, fb_height, fb_bpp;
	uint8_t		fb_red_pos, fb_green_pos, fb_blue_pos, fb_pad;
	char		command_line[1024];
};

/* The kernel's own port answers Machine (include/protocols/Machine.idl): requests and replies
 * of at most FLUKE_MAX_MIN_MSG words and 2 references, as reliable RPC
 * (client_connect_send_over_receive) or idempotent call; the answer is immediate. */

#endif
