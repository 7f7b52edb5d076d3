/* What the parts of the disk driver share: requests to the device (queue.c), how the device is reached (transport.c),
 * and the files on it (files.c). */
#ifndef DISK_H
#define DISK_H

#include <linux_abi.h>
#include <native.h>
#include <nest/serve.h>
#include "format.h"

/* ---- transport.c: legacy and modern PCI ---- */

struct transport {
	const char	*name;
	uint8_t		(*status)(void);
	void		(*set_status)(uint8_t status);
	uint32_t	(*features)(void);		/* bits 0-31 of the device's */
	int		(*accept)(uint32_t features);	/* 0 or errno; sets FEATURES_OK where there is one */
	/* Queue 0 with so many entries at these physical addresses.  0 or errno. */
	int		(*set_queue)(uint32_t size, uint32_t descriptors, uint32_t available, uint32_t used);
	uint32_t	(*queue_size)(void);
	void		(*notify)(void);
	uint8_t		(*interrupts)(void);		/* reading it takes the interrupt line back */
	uint64_t	(*capacity)(void);		/* sectors */
};

extern const struct transport *transport;
extern fluke_ref_t *driver;			/* Driver */
int	transport_find(void);			/* 0 or errno */

/* ---- queue.c: requests under way ---- */

#define SECTOR		512u
#define SLOTS		16u			/* requests at a time */
#define SLOT_BYTES	0x11000u		/* of each one's buffer: PROTO_BULK_MAX, and what rounding to sectors adds */

enum disk_operation { DISK_READ = 0, DISK_WRITE = 1, DISK_FLUSH = 4 };

struct slot {
	struct slot	*next;
	unsigned	number;
	char		*buffer;
	enum disk_operation operation;
	int		error;			/* 0 or errno, once done */
	struct request	*request;		/* parked; answered by `done` */
	uint32_t	skip, count;		/* of the buffer, what a read asked for */
};

extern uint64_t	disk_sectors;
extern int	disk_read_only;
extern struct queue_counts { uint32_t requests, now, most, interrupts; } queue_counts;
int		queue_start(void (*done)(struct slot *s));	/* done: in a thread of its own, for each one that has ended */
int		queue_interrupts(void);			/* from then on, no slot_now */
/* A free one; waits for it. */
struct slot	*slot_take(void);
void		slot_free(struct slot *s);
/* Hands it to the device; `done` is called later, perhaps before this returns. */
void		slot_submit(struct slot *s, enum disk_operation operation, uint64_t sector, uint32_t bytes);
/* At the start, when nothing is served yet: the same, and waits. */
int		slot_now(struct slot *s, enum disk_operation operation, uint64_t sector, uint32_t bytes);

/* ---- files.c ---- */

int	files_start(void);			/* reads the header; 0 or errno */
void	files_done(struct slot *s);
fluke_ref_t *files_service(void);

extern struct server *server;

#endif
