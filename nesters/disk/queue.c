/* Requests under way.  Each of the SLOTS has a buffer, a header and a status byte in frames that the device knows, and three
 * descriptors of the one queue: so nothing is allocated, and whatever number of slots is out at a time ends in any order.
 * The interrupt's worker takes the used ring's entries off and passes them to threads that answer clients: one of these may
 * be held up by a client, the interrupt's worker never.
 *
 * lock guards the rings and the lists of slots. */
#include <stdio.h>
#include <string.h>
#include <protocols/Driver.h>
#include "disk.h"

#define STATUS_KNOWN	3u		/* acknowledge, driver */
#define STATUS_WORKS	4u
#define FEATURE_READ_ONLY (1u << 5)
#define FEATURE_FLUSH	(1u << 9)
#define NEXT		1u		/* flags of a descriptor */
#define DEVICE_WRITES	2u
#define QUEUE_MOST	256u
#define QUEUE_PAGES	3u
#define HEADERS_AT	(QUEUE_PAGES * FLUKE_PAGE_SIZE)
#define BUFFERS_AT	(HEADERS_AT + FLUKE_PAGE_SIZE)
#define FRAMES		((BUFFERS_AT + SLOTS * SLOT_BYTES) / FLUKE_PAGE_SIZE)
#define ANSWERERS	4

struct descriptor { uint64_t address; uint32_t size; uint16_t flags, next; };
struct available { uint16_t flags, index, ring[]; };
struct used { uint16_t flags, index; struct { uint32_t id, size; } ring[]; };
struct header { uint32_t type, priority; uint64_t sector; uint8_t status, room[15]; };

uint64_t	disk_sectors;
int		disk_read_only;
struct queue_counts queue_counts;

static struct lock lock;
static fluke_cond_t *freed, *ended;
static struct slot slot[SLOTS], *free_slots, *done_slots, **done_end = &done_slots;
static char	*memory;			/* the frames */
static uint32_t	physical, queue_size;
static struct descriptor *descriptors;
static volatile struct available *available;
static volatile struct used *used;
static struct header *headers;
static uint16_t	seen;				/* of used->index */
static int	can_flush;
static void	(*slot_done)(struct slot *s);

/* ---- slots ---- */

struct slot *slot_take(void)
{
	struct slot *s;

	lock_take(&lock);
	while (!free_slots)
		fluke_cond_wait(freed, lock.mutex);
	s = free_slots;
	free_slots = s->next;
	lock_drop(&lock);
	return s;
}

void slot_free(struct slot *s)
{
	lock_take(&lock);
	s->request = NULL;
	s->next = free_slots;
	free_slots = s;
	fluke_cond_signal(freed);
	lock_drop(&lock);
}

/* ---- to the device ---- */

static void describe(uint32_t n, uint32_t at, uint32_t size, uint16_t flags)
{
	descriptors[n] = (struct descriptor){ physical + at, size, flags, (uint16_t)(n + 1) };
}

static void hand_over(struct slot *s, uint64_t sector, uint32_t bytes)
{
	uint32_t n = s->number, at = HEADERS_AT + n * (uint32_t)sizeof *headers, data = BUFFERS_AT + n * SLOT_BYTES;

	headers[n] = (struct header){ .type = s->operation, .sector = sector, .status = 0xff };
	describe(3 * n, at, 16, NEXT);
	if (bytes)
		describe(3 * n + 1, data, bytes, NEXT | (s->operation == DISK_READ ? DEVICE_WRITES : 0));
	else
		descriptors[3 * n].next = (uint16_t)(3 * n + 2);
	describe(3 * n + 2, at + offsetof(struct header, status), 1, DEVICE_WRITES);
	available->ring[available->index % queue_size] = (uint16_t)(3 * n);
	__sync_synchronize();
	available->index++;
	__sync_synchronize();
	if (++queue_counts.now > queue_counts.most)
		queue_counts.most = queue_counts.now;
}

void slot_submit(struct slot *s, enum disk_operation operation, uint64_t sector, uint32_t bytes)
{
	s->operation = operation;
	lock_take(&lock);
	if (operation == DISK_FLUSH && !can_flush) {	/* the device writes through */
		s->error = 0;
		s->next = NULL;
		*done_end = s;
		done_end = &s->next;
		fluke_cond_signal(ended);
	} else {
		hand_over(s, sector, bytes);
		transport->notify();
	}
	lock_drop(&lock);
}

/* Takes the next one off that the device has done with; null: none. */
static struct slot *take_used(void)
{
	struct slot *s;

	if (seen == used->index)
		return NULL;
	__sync_synchronize();
	s = &slot[used->ring[seen++ % queue_size].id / 3 % SLOTS];
	s->error = headers[s->number].status ? EIO : 0;
	queue_counts.now--;
	queue_counts.requests++;
	return s;
}

int slot_now(struct slot *s, enum disk_operation operation, uint64_t sector, uint32_t bytes)
{
	uint64_t end = clock_now() + 10000000000ull;

	slot_submit(s, operation, sector, bytes);
	while (!take_used())
		if (clock_now() > end)
			return EIO;
	transport->interrupts();
	return s->error;
}

/* ---- from the device ---- */

static void interrupted(void *self, uint32_t word0, uint32_t word1)
{
	struct slot *s;

	(void)self, (void)word0, (void)word1;
	lock_take(&lock);
	queue_counts.interrupts++;
	transport->interrupts();
	while ((s = take_used())) {
		s->next = NULL;
		*done_end = s;
		done_end = &s->next;
		fluke_cond_signal(ended);
	}
	lock_drop(&lock);
}

static void answer_main(void *unused)
{
	struct slot *s;

	(void)unused;
	for (;;) {
		lock_take(&lock);
		while (!done_slots)
			fluke_cond_wait(ended, lock.mutex);
		s = done_slots;
		done_slots = s->next;
		if (!done_slots)
			done_end = &done_slots;
		lock_drop(&lock);
		slot_done(s);
		slot_free(s);
	}
}

/* ---- start ---- */

static int take_frames(void)
{
	fluke_ref_t *region = ref_new();
	int error = region ? Driver_frames(driver, FRAMES, &physical, region) : ENOMEM;

	memory = error ? NULL : address_reserve(FRAMES * FLUKE_PAGE_SIZE);
	if (!error && (!memory || !mapping_new(region, 0, NULL, (uint32_t)memory, FRAMES * FLUKE_PAGE_SIZE,
			FLUKE_PROT_READ | FLUKE_PROT_WRITE)))
		error = ENOMEM;
	ref_free(region);
	return error;
}

/* Legacy places: descriptors, available ring, and the used ring on the next page. */
static int make_queue(void)
{
	uint32_t rings;

	queue_size = transport->queue_size();
	if (queue_size > QUEUE_MOST || queue_size < 3 * SLOTS)
		return ENOTSUP;
	memset(memory, 0, BUFFERS_AT);
	rings = queue_size * (uint32_t)sizeof(struct descriptor);
	descriptors = (struct descriptor *)(void *)memory;
	available = (void *)(memory + rings);
	rings = (rings + 6 + 2 * queue_size + FLUKE_PAGE_SIZE - 1) & -FLUKE_PAGE_SIZE;
	used = (void *)(memory + rings);
	headers = (struct header *)(void *)(memory + HEADERS_AT);
	return transport->set_queue(queue_size, physical, physical + (uint32_t)((char *)(uintptr_t)available - memory), physical + rings);
}

static int wake_device(void)
{
	uint32_t features;
	int error;

	transport->set_status(0);	/* reset: whatever it did for a program before us is over */
	for (unsigned n = 0; transport->status() && n < 1000000; n++)
		;
	transport->set_status(STATUS_KNOWN);
	features = transport->features();
	disk_read_only = (features & FEATURE_READ_ONLY) != 0;
	can_flush = (features & FEATURE_FLUSH) != 0;
	error = transport->accept(features & (FEATURE_READ_ONLY | FEATURE_FLUSH));
	if (!error)
		error = make_queue();
	if (error)
		return error;
	disk_sectors = transport->capacity();
	transport->set_status(transport->status() | STATUS_WORKS);
	return 0;
}

int queue_start(void (*done)(struct slot *s))
{
	int error = take_frames();

	lock_init(&lock);
	freed = cond_new();
	ended = cond_new();
	slot_done = done;
	if (!error && (!lock.mutex || !freed || !ended))
		error = ENOMEM;
	if (!error)
		error = wake_device();
	if (error)
		return error;
	for (unsigned n = SLOTS; n--; slot_free(&slot[n])) {
		slot[n].number = n;
		slot[n].buffer = memory + BUFFERS_AT + n * SLOT_BYTES;
	}
	for (unsigned n = 0; n < ANSWERERS; n++)
		if (!thread_start(answer_main, NULL, 0))
			return ENOMEM;
	return 0;
}

int queue_interrupts(void)
{
	static const struct served_class class = { .name = "interrupt", .event = interrupted };
	static struct served port;
	/* a port set of its own: whoever waits there lets the line in again */
	struct server *alone = server_new(1, 1, 4096);
	int error = alone ? served_init(&port, &class, alone) : ENOMEM;

	return error ? error : Driver_interrupt(driver, port.port);
}
