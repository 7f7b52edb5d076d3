/* ELF, as much as a loader of i386 programs needs. */
#ifndef POSIX_ELF_H
#define POSIX_ELF_H

#include <stdint.h>

#define ELF_LOAD	1
#define ELF_INTERP	3
#define ELF_PHDR	6
#define ELF_X		1
#define ELF_W		2
#define ELF_R		4

struct elf_header {
	uint8_t		ident[16];
	uint16_t	type, machine;
	uint32_t	version, entry, segment_offset, section_offset, flags;
	uint16_t	size, segment_size, segments, section_size, sections, names;
};
struct elf_segment {
	uint32_t	type, offset, address, physical, file_size, memory_size, flags, align;
};

#endif
