/* What stands on the disk: one header of 4 KB, then the files, each in one piece.  All numbers little-endian;
 * tools/mkdisk writes and checks it. */
#ifndef DISK_FORMAT_H
#define DISK_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC	"FlukeDsk"
#define FORMAT_VERSION	1
#define FORMAT_BYTES	4096u
#define FORMAT_FILES	63
#define FORMAT_NAME	44		/* bytes, a zero at the end */
#define FORMAT_READ_ONLY 1u		/* flag of a file */

struct format_file {			/* 64 bytes */
	char		name[FORMAT_NAME];
	uint32_t	start, sectors;	/* in sectors of 512 bytes */
	uint32_t	bytes_last;	/* of the last sector in use, 1 to 512 */
	uint32_t	flags;
	uint32_t	checksum;	/* CRC-32 of a read-only file's bytes; else 0 */
};

struct format_header {			/* 64 bytes, then the files */
	char		magic[8];
	uint32_t	version, sectors;	/* of the whole disk */
	uint32_t	files;
	uint32_t	checksum;		/* CRC-32 of the 4 KB with this word 0 */
	uint32_t	room[10];
};

struct format {
	struct format_header header;
	struct format_file file[FORMAT_FILES];
};

#endif
