/* Guest test programs: each tests/api/AREA.c is linked with check.c and check_bare.c into a program that
 * the kernel starts instead of root; most of them also with check_native.c into one native program that
 * runs under nesters.  A case is an id, a sentence and a body that makes one claim:
 *
 *	CASE("mutex-04", "unlock by a non-owner is an insanity")
 *	{
 *		...
 *		EXPECT_INSANITY(FLUKE_INSANITY_MUTEX_NOT_OWNER, fluke_mutex_unlock(m));
 *	}
 *
 * Cases run one after another on the first thread.  What check_object, check_pages and the
 * check_*_new calls gave is destroyed (region_clear) after each case, and live objects of every
 * type are counted before and after: a difference fails the case. */
#ifndef CHECK_H
#define CHECK_H

#include <fluke/fluke.h>
#include <fluke/boot.h>

struct check_case {
	const char	*id, *sentence;
	void		(*body)(void);
	const char	*file;
};

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define CASE(id, sentence) \
	static void CHECK_JOIN(case_, __LINE__)(void); \
	static const struct check_case CHECK_JOIN(entry_, __LINE__) \
		__attribute__((section("check_cases"), used, aligned(16))) = \
		{ id, sentence, CHECK_JOIN(case_, __LINE__), __FILE__ }; \
	static void CHECK_JOIN(case_, __LINE__)(void)

/* Claims.  A failed one is reported with file and line and ends the case; in another thread
 * than the first it only reports. */
#define CHECK(claim) \
	do { if (!(claim)) check_failed(__FILE__, __LINE__, #claim); } while (0)
#define CHECK_EQUAL(got, wanted) \
	do { \
		uint32_t got_ = (uint32_t)(got), wanted_ = (uint32_t)(wanted); \
		if (got_ != wanted_) \
			check_differs(__FILE__, __LINE__, #got, got_, wanted_); \
	} while (0)

/* The statement must raise that exception in the first thread; check_caught tells the rest. */
#define EXPECT_EXCEPTION(wanted, statement) \
	do { \
		if (check_try() == 0) { \
			statement; \
			check_try_end(); \
			check_failed(__FILE__, __LINE__, "no exception: " #statement); \
		} \
		CHECK_EQUAL(check_caught.code, wanted); \
	} while (0)
#define EXPECT_INSANITY(insanity, statement) EXPECT_EXCEPTION(FLUKE_EXC_INSANITY | (insanity), statement)

struct check_exception { uint32_t code, subcode, access, eip, esp; };
extern struct check_exception check_caught;	/* the last one, of any thread */

/* The world of a test program. */
extern fluke_space_t	*check_root_space;	/* its own space: only for check_* calls */
extern fluke_region_t	*check_physical;	/* memory, see check_physical_of */
extern fluke_thread_t	*check_first_thread;
extern uint32_t		check_memory, check_memory_size;	/* where check_pages and check_object take from */
extern uint32_t		check_code_size;	/* from FLUKE_ROOT_IMAGE on: code and constants of the program, at least */
extern uint32_t		check_part;		/* random callers make one in so many of their calls */
#define CHECK_WINDOW	0x50000000u		/* from here on nothing is mapped but by cases */
/* On the bare machine alone: */
extern struct fluke_boot_info *check_boot;
extern fluke_ref_t	*check_kernel;		/* Parent and Machine */

/* Storage, until the end of the case.  Objects of one size class share pages; memory is zero. */
void		*check_object(uint32_t bytes);		/* storage for one object, not yet created */
void		*check_object_page(void);		/* a page of its own, for objects */
void		*check_pages(uint32_t count);		/* plain contiguous memory */
uint32_t	check_physical_of(void *address);	/* offset in check_physical; of check_pages, check_object */

/* Created objects. */
fluke_ref_t	*check_ref_new(void);
fluke_mutex_t	*check_mutex_new(void);
fluke_cond_t	*check_cond_new(void);
fluke_port_t	*check_port_new(fluke_portset_t *portset, uint32_t alias);	/* portset may be null */
fluke_portset_t	*check_portset_new(void);
fluke_ref_t	*check_port_ref_new(fluke_port_t *port);
void		check_space_reference(fluke_space_t *space, fluke_ref_t *ref);	/* check_root_space too */
fluke_space_t	*check_space_new(void);			/* empty, no keeper */
fluke_space_t	*check_space_twin(void);		/* sees all of the first space at the same addresses */
fluke_region_t	*check_region_new(fluke_space_t *space, uint32_t start, uint32_t size, uint32_t prot, fluke_port_t *keeper);
fluke_mapping_t	*check_mapping_new(fluke_region_t *region, uint32_t offset, fluke_space_t *space, uint32_t start,
			uint32_t size, uint32_t prot);

/* Threads.  A new one has a stack of 8 KB, exceptions on (a trap handler that records in
 * check_caught and stops the thread for good, an interrupt handler that does nothing), a scheduler
 * port of the harness, and runs only while the first thread lends it time: check_run, or IPC with it. */
fluke_thread_t	*check_thread_new(fluke_space_t *space, void (*function)(void *), void *argument);
void		check_run(void);		/* until all threads of the case block or end */
int		check_run_one(fluke_thread_t *thread);	/* until it blocks; result of fluke_thread_schedule */
int		check_run_for(fluke_thread_t *thread, uint32_t microseconds);	/* the same, but no longer than that */
void		check_thread_end(void) __attribute__((noreturn));	/* a thread blocks for good */

/* Messages of up to 8 words by idempotent call; returns the status (FLUKE_IPC_STATUS). */
uint32_t	check_call(fluke_ref_t *port, const uint32_t *send, uint32_t send_words, uint32_t *receive,
			uint32_t *receive_words);
uint32_t	check_object_count(uint32_t type);	/* Machine.object_count */

/* One access to an address, by user code. */
uint32_t	check_read(uint32_t address);
void		check_write(uint32_t address, uint32_t value);

/* Output to the log, seen with tests/run -v; %s %d %u %x %c. */
void		check_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

void		*memcpy(void *to, const void *from, size_t size);
void		*memset(void *to, int byte, size_t size);
int		memcmp(const void *a, const void *b, size_t size);
size_t		strlen(const char *text);
int		strcmp(const char *a, const char *b);

/* Between check.c and the world: check_bare.c or check_native.c. */
extern uint32_t	check_memory_offset;			/* of check_memory in check_physical */
extern uint32_t	check_world_end;			/* end of all that a twin of the first space sees */
void		check_world_write(const char *text, uint32_t count);	/* at most 24 bytes */
void		check_world_count(uint32_t count[FLUKE_TYPES]);		/* live objects */
void		check_world_selftest(void);
uint32_t	check_cases(int (*selected)(const char *id));

/* What the macros use. */
void		check_failed(const char *file, int line, const char *what);
void		check_differs(const char *file, int line, const char *what, uint32_t got, uint32_t wanted);
int		check_try(void) __attribute__((returns_twice));
void		check_try_end(void);

#endif
