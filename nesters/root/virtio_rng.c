/* Entropy from a virtio entropy device (PCI, legacy interface), asked once at the start.  The
 * queue is polled, so no interrupt line is taken.  Whatever goes wrong (no device, no answer
 * within 20 ms) leaves the other sources as they are.  The pages given to the device are
 * given back only after it has been reset. */
#include <stdio.h>
#include <string.h>
#include <protocols/Machine.h>
#include "pci.h"
#include "root.h"

#define VIRTIO_RNG	0x10051af4u	/* device, vendor: transitional entropy device */

/* Legacy registers, from BAR 0. */
#define FEATURES	4
#define QUEUE_PAGE	8
#define QUEUE_SIZE	12
#define QUEUE_SELECT	14
#define QUEUE_NOTIFY	16
#define STATUS		18
#define STATUS_READY	7		/* acknowledge, driver, driver ok */

#define QUEUE_MOST	64
#define QUEUE_PAGES	2		/* descriptors and available ring; used ring */
#define WANTED		64		/* bytes */

struct descriptor { uint64_t address; uint32_t size; uint16_t flags, next; };
struct ring { uint16_t flags, index; };

static inline void outw(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* The device's first port, or 0. */
static uint16_t find(void)
{
	uint32_t device, bar;

	for (device = 0; device < 32; device++)
		if (pci_read(device, 0) == VIRTIO_RNG) {
			bar = pci_read(device, PCI_BAR0);
			if (!(bar & 1))
				return 0;
			pci_write(device, PCI_COMMAND, pci_read(device, PCI_COMMAND) | 5);	/* ports, bus master */
			return bar & 0xfffc;
		}
	return 0;
}

/* One buffer goes to the device; returns the bytes that it filled. */
static uint32_t ask(uint16_t port, char *queue, uint32_t page, unsigned size)
{
	struct descriptor *d = (struct descriptor *)queue;
	struct ring *available = (struct ring *)(d + size);
	volatile struct ring *used = (struct ring *)(queue + FLUKE_PAGE_SIZE);
	uint64_t end = rdtsc() + boot_info->tsc_khz * 20ull;

	d->address = (uint64_t)(page + QUEUE_PAGES) * FLUKE_PAGE_SIZE;
	d->size = WANTED;
	d->flags = 2;					/* the device writes */
	((uint16_t *)(available + 1))[0] = 0;
	available->flags = 1;				/* no interrupt */
	__asm__ volatile("" ::: "memory");
	available->index = 1;
	outl(port + QUEUE_PAGE, page);
	outb(port + STATUS, STATUS_READY);
	outw(port + QUEUE_NOTIFY, 0);
	while (used->index != 1)
		if (rdtsc() > end)
			return 0;
	return ((volatile uint32_t *)(used + 1))[1];	/* first element: id, bytes */
}

static void read_device(uint16_t port)
{
	uint32_t frame = frames_take_row(&store.frames, QUEUE_PAGES + 1, 1), n, i, *data;
	unsigned size;
	char *queue;

	if (frame == FRAMES_NONE)
		return;
	queue = store.window + frame * FLUKE_PAGE_SIZE;
	memset(queue, 0, (QUEUE_PAGES + 1) * FLUKE_PAGE_SIZE);
	outb(port + STATUS, 0);
	outb(port + STATUS, 3);
	outl(port + FEATURES, 0);
	outw(port + QUEUE_SELECT, 0);
	size = inw(port + QUEUE_SIZE);
	n = size && size <= QUEUE_MOST ? ask(port, queue, frame, size) : 0;
	outb(port + STATUS, 0);				/* reset: the pages are ours again */
	data = (uint32_t *)(queue + QUEUE_PAGES * FLUKE_PAGE_SIZE);
	for (i = 0; i < n / 4 && i < WANTED / 4; i++)
		entropy_add(data[i]);
	if (n)
		printf("root: %u bytes of entropy from the virtio device\n", n);
	for (i = 0; i <= QUEUE_PAGES; i++)
		frames_release(&store.frames, frame + i);
}

void virtio_rng_boot(void)
{
	uint16_t port;

	if (Machine_io_allow(kernel, libc_own_space, PCI_ADDRESS, 8))
		return;
	port = find();
	if (port && !Machine_io_allow(kernel, libc_own_space, port, 32))
		read_device(port);
}
