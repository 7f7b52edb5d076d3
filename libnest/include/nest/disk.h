/* Files on the disk, for native programs: nesters/disk through the Parent's "disk".  The driver may end at any time; what
 * it had not answered is asked again of the next one, so calls wait rather than fail. */
#ifndef NEST_DISK_H
#define NEST_DISK_H

#include <native.h>

#define DISK_SECTOR	512u
#define DISK_NAME	44
#define DISK_READ_ONLY	1u		/* flag */

struct disk_file {
	char		name[DISK_NAME];
	fluke_ref_t	*port;		/* FileDescription */
	uint64_t	size;
	uint32_t	flags;
};

/* All: 0 or errno.  ENXIO: there is no disk; EIO: the medium's error. */
int	disk_open(struct disk_file *f, const char *name);
void	disk_close(struct disk_file *f);
int	disk_read(struct disk_file *f, uint64_t offset, void *data, size_t size);	/* EINVAL beyond the end */
int	disk_write(struct disk_file *f, uint64_t offset, const void *data, size_t size);	/* whole sectors */
int	disk_sync(struct disk_file *f);
/* The index-th file; ENOENT beyond the last. */
int	disk_list(uint32_t index, char name[DISK_NAME], uint64_t *size, uint32_t *flags);
/* Of the driver that runs now: requests done, the most at a time, interrupts. */
int	disk_statistics(uint32_t *requests, uint32_t *most, uint32_t *interrupts);
fluke_ref_t *disk_service(void);	/* weak: a new ref to the DriverService; null: there is none */
int	disk_restart(void);		/* the driver ends in the middle of everything; another is started */

#endif
