/* What the parts of root share.  Start order is in main.c.
 *
 * Locks, in order: root_lock (memory and files), stream_lock (nest/stream.h: terminals, pipes,
 * channel), clock_lock (timers; a kernel mutex, since the scheduler takes it).  None is held while
 * a message goes to a client.  The scheduler's thread takes clock_lock alone. */
#ifndef ROOT_ROOT_H
#define ROOT_ROOT_H

#include <fluke/boot.h>
#include <native.h>
#include <linux_abi.h>
#include <nest/fastlock.h>
#include <nest/memory_serve.h>
#include <nest/serve.h>
#include <nest/stream.h>
#include <protocols/FileSystem.h>
#include "ramfs.h"

/* main.c */
extern const struct fluke_boot_info *boot_info;
extern fluke_ref_t	*kernel, *physical;	/* Machine; the region of all memory */
extern struct server	*server;		/* serves everything but faults and devices */
extern struct server	*device_server;		/* interrupts: its workers never wait for a client */
extern struct server	*paging_server;		/* swap files: clients of `server` may wait for pages from there */
void	fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void	log_text(const char *text, size_t size);

/* words.c: the command line (docs/design/boot-line.md) */
struct words {
	const char	*stack, *command, *cwd, *term, *seed;
	const char	*env[16];
	unsigned	envs, rows, columns;
	int		nesting;		/* those below may see the whole tree */
	int		has_stack, channel, exit_test, console_serial, console_screen;
};
extern struct words words;
void	words_parse(const char *line);

/* memory.c */
extern struct store store;
void	memory_boot(void);
void	memory_start(void);			/* serves it; idle zeroing */
#define root_lock	memory_lock		/* memory and files have one lock */
#define root_unlock	memory_unlock
#define end_later	memory_end_later
#define pool_service	memory_pool

/* filelock.c; the claim's owner is its description's own, unless a reference to another is given */
void	filelock_boot(void);
int	filelock(struct request *r, struct ramfs_claim *c, fluke_ref_t *owner, int wait);
/* What is in the way, if anything; *badge: a copy of the owner's, for that may go while the answer is on its way. */
int	filelock_get(struct ramfs_claim *c, fluke_ref_t *owner, struct ramfs_claim *held, fluke_ref_t **badge);
int	filelock_owner(struct request *r, fluke_ref_t *badge, void **port);
void	filelock_close(struct ramfs_node *node, struct ramfs_owner *own, const void *via);

/* clock.c */
void	clock_boot(void);
struct timer *clock_due(uint64_t by, uint64_t *next);	/* scheduler's thread, which goes on to clock_fire at once */
void	clock_fire(struct timer *t, uint64_t count, uint64_t *next);
uint64_t clock_count(const struct timer *t);
fluke_ref_t *clock_service(void);
void	clock_call(uint64_t when, void (*function)(void));	/* function is called in a worker at about the time */
uint64_t clock_to_tsc(uint64_t ns);

/* scheduler.c */
void	scheduler_boot(void);
void	scheduler_run(void) __attribute__((noreturn));
void	scheduler_urgent(int on);		/* threads started now are not kept waiting by a running quantum */
void	scheduler_deadline_changed(void);	/* the clock's first deadline is sooner than before */
void	scheduler_idle_thread(void (*entry)(void *));	/* runs when nothing else does */
void	scheduler_sweep(void);			/* in that thread: forgets threads that have gone */
void	scheduler_idle_wait(void);		/* in that thread: nothing to do for a while */
void	scheduler_idle_critical(int on);	/* in that thread: it holds what others wait for */
fluke_ref_t *scheduler_service(void);
fluke_ref_t *scheduler_view_service(void);	/* of the whole tree, to be looked at only */

/* files.c: the file system's server */
extern struct ramfs ramfs;
void	files_boot(void);
fluke_ref_t *files_service(void);
void	fill_status(struct ramfs_node *node, struct FileStatus *status);

/* device.c: /dev */
void	device_boot(void);
void	entropy_fill(void *data, size_t size);
void	entropy_add(uint64_t event);

/* driver.c: drivers that are programs of their own */
void	driver_boot(void);
fluke_ref_t *driver_service(void);		/* a new ref; null: there is no such device */

/* virtio_rng.c */
void	virtio_rng_boot(void);

/* console.c */
void	console_boot(void);
struct stream *console_open(unsigned flags);
fluke_ref_t *console_service(void);
void	console_window(unsigned rows, unsigned columns);
void	console_input(uint8_t c);		/* a byte typed, from any driver; with stream_lock */

/* channel.c */
void	channel_boot(void);
fluke_ref_t *channel_descriptor(int n);
void	channel_log(const char *text, size_t size);
void	channel_missing(const char *lines);
void	channel_exit(unsigned kind, unsigned value) __attribute__((noreturn));	/* EXIT, then serves GETs until BYE */

/* checkpoint.c, and what the others say to it: ENOENT for an object of another class */
fluke_ref_t *checkpoint_service(void);
int	file_save(struct served *object, char *data, size_t *size, uint32_t *locks);
int	fifo_end_save(struct served *object, char *data, size_t *size);
int	fifo_end_restore(struct request *r, const char *data, size_t size, void **port);
int	file_lock_get(fluke_ref_t *of, uint32_t index, struct ramfs_claim *lock);	/* the index-th; ENOENT */
fluke_port_t *filelock_owner_port(struct ramfs_owner *owner);	/* null: the description's own */
int	file_restore(struct request *r, const char *data, size_t size, fluke_ref_t *like, void **port);
int	file_region_save(fluke_ref_t *region, char *data, size_t *size);
int	file_region_restore(const char *data, size_t size, fluke_ref_t *like, void **region);
int	file_content(fluke_ref_t *of, uint64_t offset, uint32_t *number, char *data, size_t *size);
int	file_fill(fluke_ref_t *of, uint64_t offset, const char *data, size_t size);
int	file_changed(uint32_t index, char *path, struct FileStatus *status);	/* since the boot: the index-th; ENOENT */
int	timer_save(struct served *object, char *data, size_t *size, fluke_ref_t **port, uint32_t *fired);
int	timer_restore(struct request *r, const char *data, size_t size, fluke_ref_t *port, void **timer);
int	lock_owner_save(struct served *object, size_t *size, fluke_ref_t **badge);
int	console_save(struct served *object, char *data, size_t *size, fluke_ref_t **owner);
int	channel_save(struct served *object, char *data, size_t *size, fluke_ref_t **owner);
int	console_restore(const char *data, size_t size, fluke_ref_t *owner, struct stream **s);
void	channel_restore(const uint32_t saved[3], fluke_ref_t *owner);
int	stream_give(struct request *r, struct stream *s, void **port);	/* the answer is its port; null: EMFILE */
/* nesting.c */
void	nesting_start(void);
/* line.c: serial lines for debuggers */
void	line_boot(void);
fluke_ref_t *line_service(unsigned n);		/* its stream; null: there is no such line */
void	line_drain(void);			/* all is sent */
fluke_ref_t *debug_service(void);

/* start.c */
fluke_ref_t *pipe_service(void);
fluke_ref_t *sessions_service(void);
void	start_stack(void) __attribute__((noreturn));
void	power_off(unsigned how, unsigned status) __attribute__((noreturn));

/* port I/O */
static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}


/* ---- owners of a terminal (owner.c) ---- */

#define OWNERS	16		/* of managers in each other */

struct owner { fluke_ref_t *port; uint32_t session; int32_t foreground; };
struct owners { struct owner entry[OWNERS]; unsigned count; };
struct owner *owner_of(struct owners *o);		/* null: nobody */
int	owner_set(struct owners *o, fluke_ref_t *port, uint32_t session);	/* port null: the one on top gives it up */
void	owner_signal(struct owners *o, unsigned number);
int	owners_save(struct owners *o, struct stream *s, char *data, size_t *size, fluke_ref_t **owner);	/* for an image */
void	owners_restore(struct owners *o, const uint32_t saved[3], fluke_ref_t *owner);

#endif
