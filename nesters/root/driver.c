/* Drivers that are programs of their own: looks the device up on the PCI bus, starts the program for it, gives it what
 * Driver.idl says, and starts it again when it ends.  Now there is one, `disk`, for the first virtio block device.
 *
 * Invariant: frames that the device may know are never given to anybody else.  A driver's end leaves them, and its
 * interrupt line masked; its successor resets the device before it uses either.  No IOMMU: a driver is trusted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/child.h>
#include <protocols/Driver_server.h>
#include <protocols/Machine.h>
#include "pci.h"
#include "root.h"

#define COMMAND_MASTER	0x4u
#define COMMAND_DECODE	0x3u
#define BARS		6
#define STARTS_IN_VAIN	3		/* in a row: then it is given up */
#define FRAMES_MOST	1024u
#define WAITS_MOST	64

struct bar { uint32_t start, size; int ports; };

static struct driver {
	struct served	served, service;	/* Driver; DriverService */
	const char	*program;
	uint32_t	device;			/* number on bus 0 */
	struct bar	bar[BARS];
	uint32_t	line;
	struct child	*child;			/* null: not running */
	uint32_t	frame, frames;		/* for the device */
	char		*memory[BARS];		/* where we see its own memory */
	fluke_region_t	*region[BARS], *frames_region;
	fluke_ref_t	*found;			/* the service of the program that runs */
	int		is_ready, given_up;
	struct request	*waiting[WAITS_MOST];	/* in find */
	unsigned	waits;
} driver;

static struct lock driver_lock;

/* ---- PCI ---- */

/* Sizes are found by writing ones, with the decoding off. */
static void read_bars(struct driver *d)
{
	uint32_t command = pci_read(d->device, PCI_COMMAND) & 0xffff;

	pci_write(d->device, PCI_COMMAND, command & ~(COMMAND_DECODE | COMMAND_MASTER));
	for (uint32_t n = 0; n < BARS; n++) {
		uint32_t at = PCI_BAR0 + 4 * n, old = pci_read(d->device, at), mask;

		pci_write(d->device, at, ~0u);
		mask = pci_read(d->device, at);
		pci_write(d->device, at, old);
		mask &= old & 1 ? ~3u : ~15u;
		d->bar[n] = (struct bar){ old & (old & 1 ? ~3u : ~15u), old & 1 ? -mask & 0xffff : -mask, old & 1 };
		if (!(old & 1) && (old & 6) == 4)
			n++;			/* 64 bits; the upper half is 0 below 4 GB */
	}
	pci_write(d->device, PCI_COMMAND, command & ~COMMAND_MASTER);
	d->line = pci_read(d->device, PCI_INTERRUPT) & 0xff;
}

static int find_device(struct driver *d)
{
	for (d->device = 0; d->device < 32; d->device++) {
		uint32_t id = pci_read(d->device, 0);

		if (id == 0x10011af4u || id == 0x10421af4u)	/* transitional, modern */
			return 1;
	}
	return 0;
}

/* ---- Driver ---- */

static int config_read(void *self, struct request *r, uint32_t offset, uint32_t *value)
{
	(void)self, (void)r;
	if (offset & 3 || offset > 252)
		return EINVAL;
	lock_take(&driver_lock);
	*value = pci_read(driver.device, offset);
	lock_drop(&driver_lock);
	return 0;
}

static int config_write(void *self, struct request *r, uint32_t offset, uint32_t value)
{
	(void)self, (void)r;
	if (offset != PCI_COMMAND)
		return EPERM;
	lock_take(&driver_lock);
	pci_write(driver.device, offset, value & 0xffff);
	lock_drop(&driver_lock);
	return 0;
}

static int ports(void *self, struct request *r, uint32_t bar, uint32_t *first, uint32_t *count)
{
	(void)self, (void)r;
	if (bar >= BARS || !driver.bar[bar].ports || !driver.bar[bar].size || !driver.child)
		return ENXIO;
	*first = driver.bar[bar].start;
	*count = driver.bar[bar].size;
	return Machine_io_allow(kernel, driver.child->space_ref, *first, *count);
}

static int memory(void *self, struct request *r, uint32_t bar, uint32_t *size, void **region)
{
	struct bar *b = &driver.bar[bar < BARS ? bar : 0];

	(void)self, (void)r;
	if (bar >= BARS || b->ports || b->size < FLUKE_PAGE_SIZE)
		return ENXIO;
	if (!driver.region[bar]) {
		driver.memory[bar] = address_reserve(b->size);
		if (!driver.memory[bar] || Machine_device_add(kernel, b->start, b->size) ||
		    !mapping_new(physical, b->start, NULL, (uint32_t)driver.memory[bar], b->size, FLUKE_PROT_READ | FLUKE_PROT_WRITE))
			return ENOMEM;
		driver.region[bar] = region_new(libc_own_space, (uint32_t)driver.memory[bar], b->size,
			FLUKE_PROT_READ | FLUKE_PROT_WRITE, NULL);
	}
	*size = b->size;
	*region = driver.region[bar];
	return driver.region[bar] ? 0 : ENOMEM;
}

static int interrupt(void *self, struct request *r, fluke_ref_t *port)
{
	(void)self, (void)r;
	return port ? Machine_irq_attach(kernel, driver.line, port) : EINVAL;
}

static int frames(void *self, struct request *r, uint32_t count, uint32_t *at, void **region)
{
	char *where;

	(void)self, (void)r;
	if (!count || count > FRAMES_MOST || (driver.frames && count != driver.frames))
		return EINVAL;
	if (!driver.frames) {
		uint32_t frame = frames_take_row(&store.frames, count, 1);

		if (frame == FRAMES_NONE)
			return ENOMEM;
		where = store.window + (size_t)frame * FLUKE_PAGE_SIZE;
		memset(where, 0, (size_t)count * FLUKE_PAGE_SIZE);
		driver.frame = frame;
		driver.frames = count;
		driver.frames_region = region_new(libc_own_space, (uint32_t)where, count * FLUKE_PAGE_SIZE,
			FLUKE_PROT_READ | FLUKE_PROT_WRITE, NULL);
	}
	*at = driver.frame * FLUKE_PAGE_SIZE;
	*region = driver.frames_region;
	return driver.frames_region ? 0 : ENOMEM;
}

/* ---- who looks for the service ---- */

/* Answers all that wait: with the service, or that there will be none. */
static void answer_waiting(void)
{
	struct request *list[WAITS_MOST];
	unsigned count;

	lock_take(&driver_lock);
	count = driver.waits;
	for (unsigned n = 0; n < count; n++)
		list[n] = driver.waiting[n];
	driver.waits = 0;
	lock_drop(&driver_lock);
	for (unsigned n = 0; n < count; n++) {
		fluke_ref_t *copy = ref_dup(driver.found);

		if (copy)
			DriverService_find_reply(list[n], copy);
		request_free_ref(list[n], copy);
		request_answer(list[n], driver.given_up ? ENXIO : copy ? 0 : ENOMEM);
	}
}

static int ready(void *self, struct request *r, fluke_ref_t *service)
{
	(void)self, (void)r;
	if (!service)
		return EINVAL;
	lock_take(&driver_lock);
	fluke_ref_copy(service, driver.found);
	driver.is_ready = 1;
	lock_drop(&driver_lock);
	answer_waiting();
	return 0;
}

static int find(void *self, struct request *r, void **service)
{
	struct request *parked = NULL;
	int error = 0;

	(void)self;
	lock_take(&driver_lock);
	if (driver.is_ready) {
		fluke_ref_t *copy = ref_dup(driver.found);

		request_free_ref(r, copy);
		*service = copy;
		error = copy ? 0 : ENOMEM;
	} else if (driver.given_up) {
		error = ENXIO;
	} else if (driver.waits == WAITS_MOST || !(parked = request_park(r))) {
		error = EAGAIN;
	} else {
		driver.waiting[driver.waits++] = parked;
		error = REQUEST_PARKED;
	}
	lock_drop(&driver_lock);
	return error;
}

static const struct Driver_methods driver_methods = {
	.config_read = config_read, .config_write = config_write, .ports = ports, .memory = memory, .interrupt = interrupt,
	.frames = frames, .ready = ready,
};
static const struct interface driver_interfaces[] = { { Driver_INTERFACE, Driver_dispatch, &driver_methods }, { 0, 0, 0 } };
static const struct served_class driver_class = { .name = "driver", .interfaces = driver_interfaces };
static const struct DriverService_methods service_methods = { .find = find };
static const struct interface service_interfaces[] = {
	{ DriverService_INTERFACE, DriverService_dispatch, &service_methods }, { 0, 0, 0 },
};
static const struct served_class service_class = { .name = "driver service", .interfaces = service_interfaces };

/* ---- the program ---- */

static int start_program(struct driver *d)
{
	char *arguments[] = { (char *)(uintptr_t)d->program, NULL }, *environment[] = { NULL };
	fluke_ref_t *ref = served_ref(&d->served);
	int error = ENOMEM;
	struct child *c = ref ? child_new(d->program, server, pool_service(), &error) : NULL;

	if (c) {
		child_provide(c, "driver", ref);
		child_provide(c, "clock", clock_service());
		child_provide(c, "scheduler", scheduler_service());
		d->child = c;
		error = load_program(c, files_service(), d->program, arguments, environment);
	}
	ref_free(ref);
	return error;
}

/* After its end: the device takes no part in anything until the next one has reset it. */
static int clean_up(struct driver *d)
{
	int was_ready = d->is_ready;

	lock_take(&driver_lock);
	d->is_ready = 0;
	fluke_ref_clear(d->found);
	pci_write(d->device, PCI_COMMAND, pci_read(d->device, PCI_COMMAND) & 0xffff & ~COMMAND_MASTER);
	lock_drop(&driver_lock);
	Machine_irq_attach(kernel, d->line, NULL);
	if (d->child)
		child_destroy(d->child);
	d->child = NULL;
	return was_ready;
}

static void driver_main(void *argument)
{
	struct driver *d = argument;
	int error, in_vain = 0;

	while (in_vain < STARTS_IN_VAIN) {
		error = start_program(d);
		if (error)
			printf("root: cannot start %s: %s\n", d->program, error_text(error));
		else
			child_wait(d->child);
		in_vain = clean_up(d) ? 0 : in_vain + 1;
		printf("root: %s has ended%s\n", d->program, in_vain < STARTS_IN_VAIN ? ", and is started again" : " too often");
	}
	d->given_up = 1;
	answer_waiting();
	thread_exit();
}

void driver_boot(void)
{
	struct driver *d = &driver;

	if (Machine_io_allow(kernel, libc_own_space, PCI_ADDRESS, 8) || !find_device(d))
		return;
	lock_init(&driver_lock);
	d->program = "disk";
	d->found = ref_new();
	read_bars(d);
	if (!d->found || served_init(&d->served, &driver_class, server) || served_init(&d->service, &service_class, server) ||
	    !thread_start(driver_main, d, 0))
		fatal("no memory for a driver");
}

fluke_ref_t *driver_service(void)
{
	return driver.program ? served_ref(&driver.service) : NULL;
}
