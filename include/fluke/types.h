/* Words, object storage and type codes, common to kernel and user.
 *
 * An object *is* the memory at its address: the C types below are its storage, with the size
 * and alignment that the kernel demands (powers of two, naturally aligned; part of the ABI).
 * While an object is active its bytes cannot be accessed: any touch of its page faults.
 *
 * Decided here, where the published documents are silent: an object never straddles a page, so that
 * one page-table entry and one frame record tell all about it; and its bytes cannot be touched at all,
 * so that nothing of the kernel's need be checked again. */
#ifndef FLUKE_TYPES_H
#define FLUKE_TYPES_H

#include <stdint.h>
#include <stddef.h>

typedef int32_t		integer_t;
typedef uint32_t	natural_t;
typedef uint32_t	oskit_addr_t;
typedef uint32_t	oskit_size_t;
typedef uint32_t	fluke_ipc_word_t;
typedef uint32_t	fluke_type_t;
typedef uint32_t	fluke_prot_t;
typedef uint32_t	fluke_error_t;

/* Type codes: fluke_ref_type and region_search. */
#define FLUKE_NULL		0	/* null or dead reference */
#define FLUKE_TYPE_MUTEX	1
#define FLUKE_TYPE_COND		2
#define FLUKE_TYPE_MAPPING	3
#define FLUKE_TYPE_REGION	4
#define FLUKE_TYPE_PORT		5
#define FLUKE_TYPE_PORTSET	6
#define FLUKE_TYPE_SPACE	7
#define FLUKE_TYPE_THREAD	8
#define FLUKE_TYPE_REF		9
#define FLUKE_TYPES		10

#define FLUKE_OBJECT(name, bytes) \
	typedef struct name { uint32_t opaque[(bytes) / 4]; } __attribute__((aligned(bytes))) name##_t

FLUKE_OBJECT(fluke_ref, 32);
FLUKE_OBJECT(fluke_mutex, 64);
FLUKE_OBJECT(fluke_cond, 64);
FLUKE_OBJECT(fluke_port, 64);
FLUKE_OBJECT(fluke_portset, 64);
FLUKE_OBJECT(fluke_region, 128);
FLUKE_OBJECT(fluke_mapping, 128);
FLUKE_OBJECT(fluke_space, 256);
FLUKE_OBJECT(fluke_thread, 1024);

/* Protection.  OBJECT alone names objects (reference, get_state, lock, IPC); create, destroy,
 * move, set_state and clear need OBJECT and WRITE. */
#define FLUKE_PROT_NONE		0x0
#define FLUKE_PROT_READ		0x1
#define FLUKE_PROT_WRITE	0x2
#define FLUKE_PROT_EXECUTE	0x4
#define FLUKE_PROT_OBJECT	0x8
#define FLUKE_PROT_ALL		0xf

/* Address layout (i386). */
#define FLUKE_PAGE_SIZE		4096u
#define FLUKE_PAGE_SHIFT	12
#define FLUKE_VM_MIN		0x00001000u	/* page 0 can be mapped by nobody */
#define FLUKE_VM_MAX		0xbffff000u	/* first address not usable by regions, mappings */
#define FLUKE_ENTRY		0xbffff000u	/* the entry page: eip of every thread in a call */

#endif
