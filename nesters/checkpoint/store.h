/* Between image.c and store.c: where the bytes of an image are. */
#ifndef CHECKPOINT_STORE_H
#define CHECKPOINT_STORE_H

#include <stdint.h>

#define EXTENT		0x10000u
#define SECTOR		512u

extern uint32_t	store_extents;		/* that there can be, the first one included */
extern uint64_t	store_inode;		/* of the file, if it is one of the file system: 0 = none */
int	store_open(const char *name);	/* null: memory.  0 or errno */
/* Within one extent, whole sectors.  0 or errno; what was never written reads as zeros or not at all (EIO). */
int	store_read(uint32_t extent, uint32_t offset, void *data, uint32_t size);
int	store_write(uint32_t extent, uint32_t offset, const void *data, uint32_t size);
int	store_sync(void);
uint32_t crc32(uint32_t sum, const void *data, uint32_t size);

/* lz4, of Debian's liblz4. */
int	LZ4_compress_default(const char *from, char *to, int size, int room);
int	LZ4_decompress_safe(const char *from, char *to, int size, int room);

#endif
