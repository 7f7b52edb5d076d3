/* What a reader of the time stamp counter knows of it: ns of the monotonic clock = (tsc * multiplier >> shift, a product of 96 bits) + ahead;
 * ns since 1970 = that + wall_offset.  Timers take times without `ahead`.
 *
 * `ahead` is 0 until a checkpointer has restored the reader on another machine, whose counter stands elsewhere: before anything runs
 * there it finds each record, aligned as here, by its magic, and changes it.  So the monotonic clock goes on where it stood. */
#ifndef CLOCK_RECORD_H
#define CLOCK_RECORD_H

#include <stdint.h>

#define CLOCK_RECORD_ALIGN	64u
#define CLOCK_RECORD_MAGIC	{ 0x636f6c43u, 0x9d1be27bu, 0x5ac84f16u, 0x52a7f30eu }	/* set at run time: no program's file has one */

struct clock_record {
	uint32_t	magic[4];
	uint32_t	multiplier, shift;
	uint64_t	wall_offset, ahead;
} __attribute__((aligned(CLOCK_RECORD_ALIGN)));

#endif
