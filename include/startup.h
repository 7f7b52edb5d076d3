/* How a program finds its world: fixed addresses agreed between whoever makes a child
 * (libnest, root, process) and the start-up code of native programs and of the personality
 * image.  The stack at entry is laid out as Linux i386 does it: argc, argv, envp, auxv. */
#ifndef STARTUP_H
#define STARTUP_H

#include <fluke/types.h>

/* The object segment: the only memory of a process with OBJECT. */
#define START_OBJECTS		0xbe000000u
#define START_OBJECTS_SIZE	0x00400000u	/* reserved; the segment grows on touch */

/* Slots at its start, filled by the maker of the child. */
#define START_REF_PARENT	(START_OBJECTS + 0x000)	/* fluke_ref_t: Parent */
#define START_REF_SPACE		(START_OBJECTS + 0x020)	/* fluke_ref_t: the child's own space */
#define START_REF_DATA		(START_OBJECTS + 0x040)	/* fluke_ref_t: Segment port of the data segment */
#define START_REF_DATA_REGION	(START_OBJECTS + 0x060)	/* fluke_ref_t: its region */
#define START_REF_OBJSEG	(START_OBJECTS + 0x080)	/* fluke_ref_t: Segment port of the object segment */
#define START_THREAD		(START_OBJECTS + 0x400)	/* fluke_thread_t: the first thread */
#define START_LOADER_MAPPINGS	(START_OBJECTS + 0x800)	/* fluke_mapping_t[16]: made by the loader */
#define START_OWN_OBJECTS	(START_OBJECTS + 0x1000)	/* from here the program's own (image: to NATIVE) */
#define START_NATIVE_OBJECTS	(START_OBJECTS + 0x200000)	/* native libc's allocator begins here */

/* The data segment: one sparse anonymous segment in which offset == address, so that an
 * anonymous mapping is one kernel call and fork one copy-on-write clone. */
#define START_DATA_SIZE		0xbe000000u

/* A native program: linked at NATIVE_PROGRAM; its heap follows it in the data segment, its own mappings
 * (address_reserve) lie from NATIVE_MAPPINGS on, the stack of its first thread below START_STACK_TOP. */
#define NATIVE_PROGRAM		0x00400000u
#define NATIVE_HEAP_END		0x40000000u
#define NATIVE_MAPPINGS		0x60000000u	/* between the two: at the program's own disposal */
#define NATIVE_MAPPINGS_END	0xb0000000u
#define NATIVE_STACK_SIZE	0x00100000u

/* The personality image and what belongs to it (absent in plain native programs). */
#define START_IMAGE		0xb8000000u	/* text and data of the image (data in the data segment) */
#define START_FACTS		0xbd000000u	/* process facts page, read only */
#define START_STACK_TOP		0xb7fff000u	/* end of the first stack, which grows down */

#endif
