/* Character devices without a driver: /dev/null and its kin. */
#ifndef ROOT_DEVICE_H
#define ROOT_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#define DEVICE(major, minor)	((uint32_t)(major) << 8 | (minor))

int	device_is_tty(uint32_t rdev);
int	device_known(uint32_t rdev);
/* scratch: PROTO_BULK_MAX bytes */
int	device_read(uint32_t rdev, void *scratch, uint32_t count, const void **data, size_t *size);
int	device_write(uint32_t rdev, const void *data, size_t size);

#endif
