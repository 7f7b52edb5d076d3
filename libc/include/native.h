/* What the native C library offers beyond ISO C: kernel objects, threads, locks, time, services.
 *
 * Every program begins in crt0 (argc, argv, envp, auxv on the stack as Linux has them), which
 * calls libc_start.  root, which has no parent, calls libc_init itself and supplies its own
 * versions of the functions marked "weak". */
#ifndef NATIVE_H
#define NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <fluke/fluke.h>
#include <clock_record.h>

extern char	**environ;
extern const char *libc_program;	/* its name: argv[0] without folders */

/* ---- kernel objects: storage in object memory, created (empty) at the same time ---- */

/* Adds object memory.  The first call must come before any other function of this group;
 * records: one struct object_page per page of it, zero, or null: malloc. */
struct object_page { uint8_t log2_size, used, pad[2]; uint32_t bits[4]; };
void	objects_add(uint32_t start, uint32_t size, struct object_page *records);

/* The n-th piece of it, 0 behind the last. */
int	objects_area(unsigned n, uint32_t *start, uint32_t *size);

/* weak: adds object memory when all is used; 0 = there is none. */
int	libc_objects_more(void);

/* Storage for one object of the type code, without creating it; null when all is used. */
void	*object_reserve(fluke_type_t type);
/* The storage is free again; the object in it must have been destroyed or moved. */
void	object_release(void *object, fluke_type_t type);

fluke_ref_t	*ref_new(void);			/* a null ref */
void		refs_keep(unsigned most);	/* ref_free keeps so many for ref_new: for programs that make some per message */
void		ref_free(fluke_ref_t *ref);	/* null pointer: nothing */
fluke_ref_t	*ref_dup(fluke_ref_t *ref);
fluke_port_t	*port_new(fluke_portset_t *portset, void *alias, natural_t flags);
void		port_free(fluke_port_t *port);
fluke_portset_t	*portset_new(void);
void		portset_free(fluke_portset_t *portset);
fluke_mutex_t	*mutex_new(void);
void		mutex_free(fluke_mutex_t *mutex);
fluke_cond_t	*cond_new(void);
void		cond_free(fluke_cond_t *cond);
fluke_region_t	*region_new(fluke_ref_t *space, uint32_t start, uint32_t size, fluke_prot_t prot, fluke_ref_t *keeper);
void		region_free(fluke_region_t *region);
fluke_space_t	*space_new(fluke_ref_t *keeper);
void		space_free(fluke_space_t *space);
/* Maps region_off.. of the region at va of the space (null = the program's own). */
fluke_mapping_t	*mapping_new(fluke_ref_t *region, uint32_t region_off, fluke_ref_t *space, uint32_t va, uint32_t size,
			fluke_prot_t prot);
void		mapping_free(fluke_mapping_t *mapping);

/* The caller's own space. */
fluke_ref_t	*own_space(void);
/* Addresses for mappings in the program's own space: page aligned, in no other use. */
void	*address_reserve(size_t size);
void	address_release(void *start, size_t size);
int	address_is_window(uint32_t address);	/* among those that address_reserve gives: not the program's own data */
void	addresses_add(uint32_t start, uint32_t size);	/* by the start-up code */

/* ---- threads ---- */

#define THREAD_STACK	0x10000u
/* Starts a thread in the program's own space; its stack comes from malloc (size 0 = THREAD_STACK).  It gets a
 * scheduler from thread_scheduler().  Null when there is no memory. */
fluke_thread_t	*thread_start(void (*entry)(void *), void *argument, size_t stack);
/* The same, but without a scheduler: it runs on what its clients donate. */
fluke_thread_t	*thread_start_donated(void (*entry)(void *), void *argument, size_t stack);
/* The same with a scheduler that `booking` names (0 or errno); null if that fails. */
typedef int thread_booking(void *booker, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val);
fluke_thread_t	*thread_start_scheduled(void (*entry)(void *), void *argument, size_t stack, thread_booking *booking, void *booker);
void	thread_exit(void) __attribute__((noreturn));	/* the caller ends; storage is reused by a later thread_start */
/* A pointer of the calling thread's own; always null in threads that thread_start did not make. */
void	*thread_local_get(void);
void	thread_local_set(void *value);
/* A second one, for whoever carries other threads on it (nest/uthread.h). */
static inline void *thread_carrier_get(void)
{
	void *value;

	__asm__ volatile("movl %%gs:8, %0" : "=r"(value));
	return value;
}
static inline void thread_carrier_set(void *value)
{
	__asm__ volatile("movl %0, %%gs:8" : : "r"(value) : "memory");
}
/* weak: sets scheduler port ref and sched_val for a new thread; 0 or errno.  Asks Parent's "scheduler". */
int	thread_scheduler(fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val);

/* ---- locks: kernel mutexes, so that a waiter lends its time to the holder ---- */

struct lock { fluke_mutex_t *mutex; };
void	lock_init(struct lock *lock);
void	lock_done(struct lock *lock);
static inline void lock_take(struct lock *lock) { fluke_mutex_lock(lock->mutex); }
static inline void lock_drop(struct lock *lock) { fluke_mutex_unlock(lock->mutex); }

/* ---- time ---- */

void		clock_set_scale(uint32_t multiplier, uint32_t shift, uint64_t wall_offset);	/* by start-up or root */
uint64_t	clock_now(void);	/* monotonic ns; asks Parent's "clock" for the scale at first */
uint64_t	clock_of_tsc(uint64_t tsc);	/* the same for a reading of the time stamp counter */
uint64_t	clock_of_counts(uint64_t counts);	/* how long so many take */
uint64_t	clock_to_counts(uint32_t ns);	/* counts of it in that time */
uint64_t	clock_wall(void);	/* ns since 1970 */
uint64_t	clock_deadline(uint64_t ns);	/* that monotonic time as Timer.set takes it; 0 stays 0 */
const struct clock_record *clock_record(void);
/* Sleeps until the monotonic time, on a Timer of the Clock; 0 or errno. */
int		clock_sleep_until(uint64_t ns);
static inline uint64_t rdtsc(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/* ---- services ---- */

extern fluke_ref_t *libc_own_space, *libc_parent, *libc_clock;	/* root puts its own here */
fluke_ref_t	*parent_ref(void);			/* the Parent capability */
fluke_ref_t	*service_lookup(const char *name);	/* a new ref, or null */
fluke_ref_t	*descriptor(int n);			/* FileDescription n of the Parent, cached; null when not open */

/* Files through a window on their own pages: one copy and no message per read, however many nesters stand between.  What
 * has no pages to show is asked of the server.  file stays the caller's. */
struct file_window { fluke_ref_t *file, *region; fluke_mapping_t *mapping; char *at; uint32_t start, size; };
void	file_window_open(struct file_window *w, fluke_ref_t *file);
void	file_window_close(struct file_window *w);
int	file_window_read(struct file_window *w, uint64_t offset, void *data, size_t *size);	/* 0 or errno; fewer: the end */

/* weak: bytes to descriptor fd; default: FileDescription of Parent.get_fd, else Parent.log. */
void	libc_output(int fd, const char *data, size_t size);
/* weak: more heap, page aligned, zero; null when there is none.  *size: at least, at return what there is. */
void	*libc_heap_more(size_t *size);
/* weak: tells the parent that the program ended, and stops. */
void	libc_exit(int status) __attribute__((noreturn));

/* Start-up: locks and standard objects, after objects_add. */
void	libc_init(void);
void	libc_start(uint32_t *stack) __attribute__((noreturn));
const char *error_text(int error);	/* errno or transport error */

#endif
