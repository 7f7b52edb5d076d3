/* How the virtio block device is reached: by I/O ports (legacy), or by registers in device memory that PCI capabilities
 * name (modern, which is taken where there is one).  Everything above this file is the same for both. */
#include <stdio.h>
#include <protocols/Driver.h>
#include "disk.h"

const struct transport *transport;

/* ---- legacy: base address 0, ports ---- */

#define FEATURES	0
#define ACCEPTED	4
#define QUEUE_PAGE	8
#define QUEUE_SIZE	12
#define QUEUE_SELECT	14
#define QUEUE_NOTIFY	16
#define STATUS		18
#define INTERRUPTS	19
#define CAPACITY	20

static uint16_t base;

static inline uint8_t in8(uint16_t at) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"((uint16_t)(base + at))); return v; }
static inline uint16_t in16(uint16_t at) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"((uint16_t)(base + at))); return v; }
static inline uint32_t in32(uint16_t at) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"((uint16_t)(base + at))); return v; }
static inline void out8(uint16_t at, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"((uint16_t)(base + at))); }
static inline void out16(uint16_t at, uint16_t v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"((uint16_t)(base + at))); }
static inline void out32(uint16_t at, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"((uint16_t)(base + at))); }

static uint8_t legacy_status(void) { return in8(STATUS); }
static void legacy_set_status(uint8_t status) { out8(STATUS, status); }
static uint32_t legacy_features(void) { return in32(FEATURES); }
static void legacy_notify(void) { out16(QUEUE_NOTIFY, 0); }
static uint8_t legacy_interrupts(void) { return in8(INTERRUPTS); }
static uint64_t legacy_capacity(void) { return in32(CAPACITY) | (uint64_t)in32(CAPACITY + 4) << 32; }

static int legacy_accept(uint32_t features)
{
	out32(ACCEPTED, features);
	return 0;
}

static uint32_t legacy_queue_size(void)
{
	out16(QUEUE_SELECT, 0);
	return in16(QUEUE_SIZE);
}

/* The device computes the other two addresses itself. */
static int legacy_set_queue(uint32_t size, uint32_t descriptors, uint32_t available, uint32_t used)
{
	(void)size, (void)available, (void)used;
	out16(QUEUE_SELECT, 0);
	out32(QUEUE_PAGE, descriptors / FLUKE_PAGE_SIZE);
	return 0;
}

static const struct transport legacy = {
	.name = "legacy",
	.status = legacy_status, .set_status = legacy_set_status, .features = legacy_features, .accept = legacy_accept,
	.set_queue = legacy_set_queue, .queue_size = legacy_queue_size, .notify = legacy_notify, .interrupts = legacy_interrupts,
	.capacity = legacy_capacity,
};

/* ---- modern: structures in device memory ---- */

struct common {
	uint32_t	device_feature_select, device_feature, driver_feature_select, driver_feature;
	uint16_t	config_vector, queues;
	uint8_t		status, generation;
	uint16_t	queue_select, queue_size, queue_vector, queue_enable, queue_notify;
	uint32_t	descriptors[2], available[2], used[2];
};

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_INTERRUPTS, CAP_DEVICE, CAPS };
#define CAPABILITIES	0x34
#define CAP_VENDOR	9
#define STATUS_FEATURES_OK 8

static volatile struct common *common;
static volatile uint8_t *interrupts;
static volatile uint32_t *device;
static volatile uint16_t *notify;

static uint8_t modern_status(void) { return common->status; }
static void modern_set_status(uint8_t status) { common->status = status; }
static void modern_notify(void) { *notify = 0; }
static uint8_t modern_interrupts(void) { return *interrupts; }
static uint64_t modern_capacity(void) { return device[0] | (uint64_t)device[1] << 32; }

static uint32_t modern_features(void)
{
	common->device_feature_select = 0;
	return common->device_feature;
}

/* Bit 32, VERSION_1, is what makes it modern. */
static int modern_accept(uint32_t features)
{
	common->driver_feature_select = 0;
	common->driver_feature = features;
	common->driver_feature_select = 1;
	common->driver_feature = 1;
	common->status |= STATUS_FEATURES_OK;
	return common->status & STATUS_FEATURES_OK ? 0 : ENOTSUP;
}

static uint32_t modern_queue_size(void)
{
	common->queue_select = 0;
	return common->queue_size;
}

static int modern_set_queue(uint32_t size, uint32_t descriptors, uint32_t available, uint32_t used)
{
	common->queue_select = 0;
	common->queue_size = (uint16_t)size;
	common->descriptors[0] = descriptors;
	common->available[0] = available;
	common->used[0] = used;
	common->descriptors[1] = common->available[1] = common->used[1] = 0;
	common->queue_enable = 1;
	return 0;
}

static const struct transport modern = {
	.name = "modern",
	.status = modern_status, .set_status = modern_set_status, .features = modern_features, .accept = modern_accept,
	.set_queue = modern_set_queue, .queue_size = modern_queue_size, .notify = modern_notify, .interrupts = modern_interrupts,
	.capacity = modern_capacity,
};

/* A base address's memory in our space, mapped once. */
static char *bar_memory(uint32_t bar, uint32_t end)
{
	static char *mapped[6];
	static uint32_t sizes[6];
	fluke_ref_t *region = ref_new();

	if (bar >= 6 || !region)
		return NULL;
	if (!mapped[bar] && !Driver_memory(driver, bar, &sizes[bar], region)) {
		mapped[bar] = address_reserve(sizes[bar]);
		if (mapped[bar] && !mapping_new(region, 0, NULL, (uint32_t)mapped[bar], sizes[bar], FLUKE_PROT_READ | FLUKE_PROT_WRITE))
			mapped[bar] = NULL;
	}
	ref_free(region);
	return mapped[bar] && end <= sizes[bar] ? mapped[bar] : NULL;
}

/* The PCI capabilities of virtio: kind, base address, offset, length. */
static int find_modern(void)
{
	uint32_t word, at, offset, length, multiplier = 0;
	char *found[CAPS] = { 0 };

	if (Driver_config_read(driver, CAPABILITIES, &at))
		return 0;
	for (at &= 0xfc; at; at = word >> 8 & 0xfc) {
		uint32_t kind, bar;

		if (Driver_config_read(driver, at, &word) || Driver_config_read(driver, at + 4, &bar) ||
		    Driver_config_read(driver, at + 8, &offset) || Driver_config_read(driver, at + 12, &length))
			return 0;
		kind = word >> 24;
		if ((word & 0xff) != CAP_VENDOR || kind < CAP_COMMON || kind >= CAPS || found[kind])
			continue;
		if (bar_memory(bar & 0xff, offset + length))
			found[kind] = bar_memory(bar & 0xff, offset + length) + offset;
		if (kind == CAP_NOTIFY)
			Driver_config_read(driver, at + 16, &multiplier);
	}
	if (!found[CAP_COMMON] || !found[CAP_NOTIFY] || !found[CAP_INTERRUPTS] || !found[CAP_DEVICE])
		return 0;
	common = (volatile struct common *)found[CAP_COMMON];
	interrupts = (volatile uint8_t *)found[CAP_INTERRUPTS];
	device = (volatile uint32_t *)found[CAP_DEVICE];
	common->queue_select = 0;
	notify = (volatile uint16_t *)(found[CAP_NOTIFY] + common->queue_notify * multiplier);
	return 1;
}

int transport_find(void)
{
	uint32_t command, first, count;
	int error = Driver_config_read(driver, 4, &command);

	if (!error)
		error = Driver_config_write(driver, 4, command | 7);	/* ports, memory, bus master */
	if (error)
		return error;
	if (find_modern()) {
		transport = &modern;
		return 0;
	}
	error = Driver_ports(driver, 0, &first, &count);
	if (error || count < CAPACITY + 8)
		return error ? error : ENXIO;
	base = (uint16_t)first;
	transport = &legacy;
	return 0;
}
