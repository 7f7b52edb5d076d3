/* leftover: does anybody find in new memory what somebody else has left there?  A pool is filled, in several ways, with a
 * word that can be told from anything else, and destroyed; then another pool's memory must read as zero: memory for
 * data and memory for objects, which may be used as plain memory too.  Nor does anything get lost
 * there (`leftover stay`: only that).  TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <native.h>
#include <protocols/MemPool.h>
#include <protocols/Segment.h>
#include <nest/segment.h>

#define SIZE	(16u << 20)
#define MARK	0x5ec2e75eu
#define SPACING	1024u		/* objects: one per KB, of the largest kind */

static char *window;
static unsigned number, bad;

struct memory { fluke_ref_t *pool, *segment, *region; fluke_mapping_t *mapping; };

static struct memory take(uint32_t flags)
{
	struct memory m = { ref_new(), ref_new(), ref_new(), NULL };
	fluke_ref_t *pool = service_lookup("pool");
	int error = MemPool_create_sub(pool, 0, m.pool);

	if (!error)
		error = MemPool_create_segment(m.pool, SIZE, flags, m.segment, m.region);
	if (!error && !(m.mapping = mapping_new(m.region, 0, NULL, (uint32_t)window, SIZE, FLUKE_PROT_ALL)))
		error = ENOMEM;
	ref_free(pool);
	if (error) {
		eprintf("leftover: %s\n", error_text(error));
		libc_exit(1);
	}
	return m;
}

static void give(struct memory *m)
{
	mapping_free(m->mapping);
	MemPool_destroy(m->pool);
	ref_free(m->region);
	ref_free(m->segment);
	ref_free(m->pool);
}

static void write_marks(void)
{
	for (uint32_t at = 0; at < SIZE; at += 4)
		*(volatile uint32_t *)(void *)(window + at) = MARK;
}

/* Threads that hold the word in their registers. */
static void make_objects(void)
{
	static fluke_thread_state_t state;

	memset(&state, 0, sizeof state);
	state.flags = FLUKE_THREAD_STOPPED;
	state.regs.edi = state.regs.esi = state.regs.ebx = state.sched_val = MARK;
	for (uint32_t at = 0; at < SIZE; at += SPACING) {
		fluke_thread_create((fluke_thread_t *)(void *)(window + at));
		fluke_thread_set_state((fluke_thread_t *)(void *)(window + at), &state, NULL);
	}
}

static void destroy_objects(void)
{
	for (uint32_t at = 0; at < SIZE; at += SPACING)
		fluke_thread_destroy((fluke_thread_t *)(void *)(window + at));
}

/* Words that are not zero. */
static unsigned found(void)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < SIZE; at += 4)
		n += *(volatile uint32_t *)(void *)(window + at) != 0;
	return n;
}

static void judge(const char *what, unsigned words)
{
	bad += words != 0;
	printf("%sok %u %s\n", words ? "not " : "", ++number, what);
	if (words)
		printf("# %u words are wrong\n", words);
}

static unsigned left_in(uint32_t flags)
{
	struct memory m = take(flags);
	unsigned words = found();

	give(&m);
	return words;
}

static void leave(uint32_t flags, void (*fill)(void))
{
	struct memory m = take(flags);

	fill();
	give(&m);
}

/* Words that are no longer what they were. */
static unsigned lost(void)
{
	unsigned n = 0;

	for (int round = 0; round < 3; round++)
		for (uint32_t at = 0; at < SIZE; at += 4)
			n += *(volatile uint32_t *)(void *)(window + at) != MARK;
	return n;
}

static void stays(void)
{
	struct memory m = take(SEGMENT_OBJECTS);

	write_marks();
	judge("plain words in memory for objects stay", lost());
	give(&m);
}

static void in_its_own(void)
{
	struct memory m = take(SEGMENT_OBJECTS);

	make_objects();
	destroy_objects();
	judge("objects made and destroyed, then the page read", found());
	make_objects();
	Segment_discard(m.segment, 0, SIZE);
	judge("objects given back with their memory, then the same place read", found());
	write_marks();
	Segment_discard(m.segment, 0, SIZE);
	judge("plain words in memory for objects given back, then the same place read", found());
	give(&m);
}

static void whole(void)
{
	in_its_own();
	leave(0, write_marks);
	judge("another's data, in memory for objects", left_in(SEGMENT_OBJECTS));
	leave(SEGMENT_OBJECTS, write_marks);
	judge("another's plain words in memory for objects, in such memory", left_in(SEGMENT_OBJECTS));
	leave(SEGMENT_OBJECTS, write_marks);
	judge("the same, in memory for data", left_in(0));
	leave(SEGMENT_OBJECTS, make_objects);
	judge("another's objects, in memory for objects", left_in(SEGMENT_OBJECTS));
	leave(SEGMENT_OBJECTS, make_objects);
	judge("another's objects, in memory for data", left_in(0));
}

int main(int argc, char **argv)
{
	window = address_reserve(SIZE);
	stays();
	if (argc < 2 || strcmp(argv[1], "stay"))
		whole();
	printf("1..%u\n", number);
	return bad != 0;
}
