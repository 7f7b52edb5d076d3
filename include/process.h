/* The contract between the process manager (nesters/process) and the personality image
 * (libc/image.c, libc/posix): addresses, facts page, start-up record, what fork and exec do.
 * Beside it: include/startup.h (slots of every child) and include/protocols/Process.idl.
 *
 * The image is a flat file (build/image.bin, IMAGE_PATH in the file system; symbols in
 * build/image.elf).  It is mapped READ|EXECUTE at START_IMAGE and begins with a table of
 * jumps, 16 bytes each; its initialised data it copies itself.  A process looks like this:
 *
 *   address          what                                              made by
 *   START_IMAGE      the flat image file, R X, shared                  manager (loader mapping)
 *   IMAGE_DATA       .. START_FACTS: data segment at offset == address, manager (one loader mapping)
 *                    R W: image data, start-up record, thread areas
 *   START_FACTS      facts page, R                                     manager (loader mapping)
 *   START_OBJECTS    object segment, OBJECT|WRITE                      manager (loader mapping)
 *   everything below START_STACK_TOP                                   the image (its own mapping objects)
 *
 * Threads: every thread of the process has its object at IMAGE_THREAD_OBJECT(n), and its state holds
 *   syscall_handler = IMAGE_ENTRY_SYSCALL, trap_handler = IMAGE_ENTRY_TRAP,
 *   interrupt_handler = IMAGE_ENTRY_INTERRUPT, handler_esp = IMAGE_HANDLER_ESP(n), thread_va = its object;
 *   it begins with exceptions disabled, the image enables them; n = 0 is the one of a first start or exec.
 *   The image makes further ones (stopped), thread_started gives them tid, scheduler and sched_val,
 *   the image lets them go.  thread_ended destroys the calling thread.
 *
 * Start and exec: manager makes pool, space, data segment, object segment, facts page, the four
 *   loader mappings, the START_REF_* slots (START_REF_PARENT is the process port) and IMAGE_REF_CLOCK,
 *   IMAGE_REF_TTY; copies the refs that the record lists (same address; in a first process it
 *   makes them); writes the record to IMAGE_STARTUP in the data segment; starts thread 0 at
 *   eip IMAGE_ENTRY_START, esp IMAGE_STACK_TOP(0).
 * Fork: as above, but the data segment is a copy-on-write clone; of the objects from START_OWN_OBJECTS
 *   to START_OBJECTS + IMAGE_OBJECTS_SIZE each is made again in the child at the same address: refs (same
 *   target; active null refs too; not IMAGE_REF_LOCKS); mappings (same state; region = the child's data region where it
 *   was the parent's, else the same; space = the child's); mutexes (held by the child's
 *   thread if the caller held it, else free), conds, ports (with portset link), portsets.  Not threads, not
 *   regions.  The child's one thread is made at the address of the calling one, with the
 *   same registers (handlers, TLS, FPU) but eip = entry, esp = stack, eax = 0, no connection.
 * Signals: bit n - 1 = signal n.  To post one the manager sets its bit in facts.pending or in
 *   facts.thread_pending[n], then interrupts a thread that does not block it (struct
 *   process_control, written by the image).  The image calls take_signal for what is pending and not
 *   blocked; the manager clears the bit and answers.  Default and ignored actions are the
 *   manager's, so the image only gets caught (or waited-for) signals; the rest ends, stops or
 *   drops there: take_signal then answers 0, once the process goes on. */
#ifndef PROCESS_H
#define PROCESS_H

#include <fluke/types.h>
#include <startup.h>
#include <clock_record.h>

#define IMAGE_PATH		"/boot/image"

/* The jump table. */
#define IMAGE_ENTRY_START	(START_IMAGE + 0x00)
#define IMAGE_ENTRY_FORKED	(START_IMAGE + 0x10)
#define IMAGE_ENTRY_SYSCALL	(START_IMAGE + 0x20)
#define IMAGE_ENTRY_TRAP	(START_IMAGE + 0x30)
#define IMAGE_ENTRY_INTERRUPT	(START_IMAGE + 0x40)
#define IMAGE_ENTRY_THREAD	(START_IMAGE + 0x50)
#define IMAGE_ENTRY_READY	(START_IMAGE + 0x60)	/* does nothing: called with the program's entry when that has been loaded */

#define IMAGE_TEXT_MAX		0x00100000u	/* so much is mapped at START_IMAGE; behind it the image's file windows */
#define IMAGE_DATA		0xb9000000u	/* data segment from here to START_FACTS is mapped by the manager */
#define IMAGE_BSS		0xb9010000u	/* the image's own data */
#define IMAGE_THREADS_AREA	0xba000000u	/* one area per thread */
#define IMAGE_THREAD_SIZE	0x10000u	/* record and stacks; aligned to its size */
#define IMAGE_THREADS_MAX	64
#define IMAGE_STARTUP		0xbb000000u	/* the start-up record, up to IMAGE_STARTUP_MAX */
#define IMAGE_STARTUP_MAX	0x00400000u

#define IMAGE_THREAD_AREA(n)	(IMAGE_THREADS_AREA + (n) * IMAGE_THREAD_SIZE)
#define IMAGE_STACK_TOP(n)	(IMAGE_THREAD_AREA(n) + 0xc000u)	/* system calls run here */
#define IMAGE_HANDLER_ESP(n)	(IMAGE_THREAD_AREA(n) + IMAGE_THREAD_SIZE)	/* traps and interrupts run here */

/* Object slots of the image, all within the first IMAGE_OBJECTS_SIZE bytes. */
#define IMAGE_OBJECTS_SIZE	0x80000u
#define IMAGE_REF_CLOCK		(START_OWN_OBJECTS + 0x000)	/* made by the manager, null; the image asks for its Clock */
#define IMAGE_REF_TTY		(START_OWN_OBJECTS + 0x020)	/* by the manager: controlling terminal, or null */
#define IMAGE_REF_ROOT		(START_OWN_OBJECTS + 0x040)	/* FileSystem: root directory */
#define IMAGE_REF_CWD		(START_OWN_OBJECTS + 0x060)	/* FileSystem: working directory */
#define IMAGE_REF_PROGRAM	(START_OWN_OBJECTS + 0x080)	/* FileDescription: the program, during exec */
#define IMAGE_REF_LOCKS		(START_OWN_OBJECTS + 0x0a0)	/* fluke_ref_t[IMAGE_LOCK_OWNERS]: see below */
#define IMAGE_LOCK_OWNERS	3		/* owners of record locks, one per file server: fork does not copy them */
#define IMAGE_REF_OWN		(START_OWN_OBJECTS + 0x100)	/* the image's other single refs, to + 0x1000 */
#define IMAGE_FILES		(START_OBJECTS + 0x02000)	/* fluke_ref_t[IMAGE_FILES_MAX]: FileDescriptions */
#define IMAGE_FILES_MAX		1024
#define IMAGE_FILE_REGIONS	(START_OBJECTS + 0x0a000)	/* fluke_ref_t[]: region of file n, if mapped */
#define IMAGE_THREAD_OBJECTS	(START_OBJECTS + 0x20000)	/* fluke_thread_t[]; number 0 is START_THREAD */
#define IMAGE_THREAD_REFS	(START_OBJECTS + 0x30000)	/* fluke_ref_t[16] per thread */
#define IMAGE_SYNC_OBJECTS	(START_OBJECTS + 0x38000)	/* mutexes, ports, portsets */
#define IMAGE_MAPPINGS		(START_OBJECTS + 0x40000)	/* fluke_mapping_t[IMAGE_MAPPINGS_MAX] */
#define IMAGE_MAPPINGS_MAX	2048
#define IMAGE_THREAD_OBJECT(n)	((n) == 0 ? START_THREAD : IMAGE_THREAD_OBJECTS + (n) * 1024u)

/* Written by the image, read by the manager, at IMAGE_CONTROL in the data segment. */
#define IMAGE_CONTROL		IMAGE_DATA

/* The image's map of the process, in its data segment, as control.areas and so on tell; for /proc. */
struct area {
	uint32_t	start, end;
	uint8_t		prot, file;	/* file: 0 anonymous, 1 maps a file's region, 2 the same shared */
	int16_t		slot;		/* mapping object */
	uint32_t	offset;		/* in the file */
	uint8_t		name;		/* AREA_*, or 1 + index in names */
	uint8_t		pad;
	uint16_t	held;		/* file of its region, which lives as long as that is open: 1 + index in IMAGE_FILES */
};
#define AREA_STACK	255
#define AREA_HEAP	254
#define AREA_PROGRAM	253
#define IMAGE_NAMES	64
#define IMAGE_NAME_SIZE	128

struct process_control {
	uint64_t	ignored, caught;	/* dispositions; in neither set: default */
	uint32_t	no_zombies, pad;	/* SA_NOCLDWAIT; SA_NOCLDSTOP is bit 1 */
	struct {
		uint32_t	thread;		/* address of its object, 0 = free slot */
		uint32_t	tid;
		uint64_t	blocked;	/* sigprocmask */
		uint64_t	waiting;	/* blocked, but in sigtimedwait for these */
	} slot[IMAGE_THREADS_MAX];		/* index = thread number */
	uint32_t	areas, area_count, names;	/* addresses of: struct area[], unsigned, char[][IMAGE_NAME_SIZE] */
	uint32_t	auxv;			/* where the auxiliary vector begins; for a debugger */
};

/* The facts page. */
#define FACTS_MAGIC		0x46414354u
#define FACTS_FOREGROUND	0x1	/* its group is the terminal's, or it has no terminal */
#define FACTS_ORPHAN		0x2	/* its group is orphaned */
#define FACTS_TERMINAL		0x4	/* its session has a terminal */
#define FACTS_COUNT_CALLS	0x8	/* the image reports the first success and the first failure of each call */

struct process_facts {
	uint32_t	magic;
	int32_t		pid, ppid, group, session;
	volatile uint32_t flags;		/* FACTS_* */
	uint32_t	uid, euid, gid, egid;
	volatile uint64_t pending;		/* posted signals not yet taken */
	volatile uint64_t thread_pending[IMAGE_THREADS_MAX];
	struct clock_record clock;
	uint32_t	memory_total;		/* bytes, for sysinfo */
	uint32_t	group_count, groups[16];
	char		host_name[32];
};

/* Process.exec flags.  NATIVE: the program (IMAGE_REF_PROGRAM, among the refs of the record) is one for the Fluke
 * API: static, lowest segment at 0x00400000; the manager loads it, it runs without the image. */
#define EXEC_NATIVE		0x1

/* The start-up record: header, then arrays and strings at byte offsets from the header.
 * The manager needs of it `ref_*` only (exec), or makes one itself (first process). */
#define STARTUP_MAGIC		0x53545550u
#define STARTUP_RESOLVE		0x1	/* nobody has opened the program: open args[0], look along PATH, follow #! */
#define STARTUP_NAME_MAX	4096

struct startup_fd {
	uint16_t	fd, file;	/* file: index of IMAGE_FILES and of files[] */
	uint32_t	flags;		/* FD_CLOEXEC */
};

struct startup_file {		/* zeros but for `flags` will do for a terminal or pipe */
	uint16_t	file, shared;	/* shared: the server keeps the offset */
	uint32_t	flags;		/* O_RDONLY, O_WRONLY, O_RDWR | O_APPEND, O_NONBLOCK, O_DIRECTORY */
	uint32_t	mode;		/* st_mode, 0 = not known */
	uint32_t	pad;
	uint64_t	offset;
};

struct startup {
	uint32_t	magic, size;		/* bytes in all */
	uint32_t	flags;			/* STARTUP_* */
	uint32_t	ref_count, ref_offset;	/* uint32_t[]: addresses of refs to copy at exec */
	uint32_t	fd_count, fd_offset;	/* struct startup_fd[] */
	uint32_t	file_count, file_offset;	/* struct startup_file[], 8-aligned */
	uint32_t	arg_count, arg_offset;	/* arg_count strings, each ended by 0, one after the other */
	uint32_t	env_count, env_offset;
	uint32_t	name_offset;		/* string: the program's path (AT_EXECFN); 0 with STARTUP_RESOLVE */
	uint32_t	mask;			/* umask */
	uint32_t	pad;
	uint64_t	ignored, blocked;	/* signal sets */
	uint64_t	limits[16][2];		/* resource limits soft, hard; all zero = defaults */
};

#endif
