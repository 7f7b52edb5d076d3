/* A child: its space, memory, first thread, and the Parent interface that it sees.
 *
 * child_new makes everything but the program; child_load (or load_program) fills it; child_start
 * lets it go; child_wait answers its status; child_destroy ends it with all it has made, by
 * destroying its pool.  Nothing of the child's memory is mapped here but the first page of its
 * object segment.  Whatever the child asks its Parent for is looked up in what child_provide gave,
 * and else asked of our own parent. */
#ifndef NEST_CHILD_H
#define NEST_CHILD_H

#include <native.h>
#include <startup.h>
#include <fluke/exception.h>
#include <nest/serve.h>

#define CHILD_SERVICES	16

struct child {
	struct served	parent;			/* its Parent port and the keeper of its space */
	char		name[32];
	fluke_ref_t	*parent_port;		/* keeps the port alive */
	fluke_ref_t	*null;
	fluke_ref_t	*pool;			/* its own sub-pool */
	fluke_space_t	*space;
	fluke_ref_t	*space_ref;
	fluke_ref_t	*data, *data_region, *objects, *objects_region;
	fluke_mapping_t	*window_mapping;
	char		*window;		/* our address of the page at START_OBJECTS */
	unsigned	mappings;		/* loader mappings in use */
	uint32_t	entry, stack;		/* of the first thread */
	struct { char name[16]; fluke_ref_t *ref; } service[CHILD_SERVICES];
	unsigned	services;
	fluke_ref_t	*fd[3];			/* null: ask our own parent */
	struct lock	lock;
	fluke_cond_t	*changed;
	int		ended, status;		/* as wait(2) shows it */
	struct request	*exit_request;		/* parked for ever */
	/* The child's thread took an exception that nobody handles; default: report it, end with the signal.  Returns
	 * 1 if it is mended and the thread may go on. */
	int		(*exception)(struct child *c, const struct fluke_exc_message *m);
	/* It called exit, or was ended.  Null is fine: child_wait sees it. */
	void		(*on_end)(struct child *c);
	void		*owner;			/* for the hooks */
	/* of all children of this program (child_hold) */
	struct child	*next;
	uint32_t	number;			/* from 1, never given again */
	fluke_ref_t	*nesting;		/* the view of what it nests itself, if it has given one (nest/nesting.h) */
};

/* pool: MemPool to take a sub-pool of.  0 or errno in *error. */
struct child	*child_new(const char *name, struct server *server, fluke_ref_t *pool, int *error);
/* Services and descriptors that the child gets from us (refs are copied). */
int	child_provide(struct child *c, const char *name, fluke_ref_t *ref);
int	child_provide_fd(struct child *c, int n, fluke_ref_t *ref);
/* Maps [offset, offset+size) of the region at va in the child, in one of its 16 loader slots.  0 or errno. */
int	child_map(struct child *c, fluke_ref_t *region, uint32_t offset, uint32_t va, uint32_t size, fluke_prot_t prot);
/* weak: what becomes of the child's Parent.log, missing, power; default: our parent's.  root has its own. */
int	nest_log(const char *text);
int	nest_missing(const char *lines);
int	nest_power(int how, int status);
int	nest_object_count(uint32_t type, uint32_t *count);
/* Bytes into the child's data segment, offset = address. */
int	child_write(struct child *c, uint32_t address, const void *data, size_t size);
/* Starts the first thread at c->entry, esp = c->stack. */
int	child_start(struct child *c);
/* Waits for its end. */
int	child_wait(struct child *c);
/* The child has ended with the status; what it still runs goes on until child_destroy. */
void	child_end(struct child *c, int status);
/* Ends it and frees everything, itself too. */
void	child_destroy(struct child *c);
/* The child with the lowest number that is at least `from`, which stays until child_let_go; null: there is none, and nothing is
 * held. */
struct child	*child_hold(uint32_t from);
void	child_let_go(void);
/* The signal that Linux would send for an exception. */
int	exception_signal(uint32_t code);

/* ---- programs (load.c) ---- */

struct load_source {
	/* *size bytes at offset, fewer only at the end; 0 or errno */
	int		(*read)(struct load_source *s, uint32_t offset, void *data, size_t *size);
	const void	*memory;		/* load_memory: the file itself */
	size_t		memory_size;
	fluke_ref_t	*file;			/* load_file: a FileDescription */
};
void	load_from_memory(struct load_source *s, const void *memory, size_t size);
void	load_from_file(struct load_source *s, fluke_ref_t *file);

/* Loads a static ELF program: segments into the data segment, mappings for text, data and heap, stack; sets entry.
 * ENOEXEC for anything else. */
int	load_elf(struct child *c, struct load_source *s);
/* Puts argc, argv, envp, auxv on the stack; null-ended arrays. */
int	load_arguments(struct child *c, char *const argv[], char *const envp[]);
/* Opens name along /fluke/nesters, /fluke/apps (a name with / as it is), loads it, starts it. */
int	load_program(struct child *c, fluke_ref_t *fs, const char *name, char *const argv[], char *const envp[]);

/* What every simple nester's main does after its own preparations: runs the rest of its command line as its child and
 * waits; its status as wait(2) shows it.  argv[0] is a native program; any other is given to a process manager of its own
 * (docs/design/nesting.md). */
int	nest_run(struct child *c, char *const argv[]);
/* The same without waiting: 0 or errno, which has been told. */
int	nest_start(struct child *c, char *const argv[]);
int	nest_is_native(const char *name);	/* is that a native program? */
/* Ends the nester with such a status. */
void	nest_end(int status) __attribute__((noreturn));

#endif
