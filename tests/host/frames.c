/* The frame allocator: a long random sequence against a plain model.
 * Sources: libnest/frames.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nest/frames.h>

#define COUNT	4096u

static struct frames f;
static unsigned char refs[COUNT], lent[COUNT], zero[COUNT];
static unsigned seed = 99, failed, number;

static unsigned roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void check(int good, const char *what)
{
	if (!good && failed++ < 10)
		printf("# %s\n", what);
}

static void took(uint32_t frame, int is_zero)
{
	check(frame < COUNT && lent[frame] && !refs[frame], "a frame that was not free was given");
	check(!is_zero || zero[frame], "a frame is called zero that is not");
	refs[frame] = 1;
	zero[frame] = 0;
}

static void give_back(void)
{
	uint32_t frame = roll(COUNT), i;

	for (i = 0; i < COUNT && !refs[frame]; i++)
		frame = (frame + 1) % COUNT;
	if (!refs[frame])
		return;
	refs[frame]--;
	check(frames_release(&f, frame) == !refs[frame], "release tells wrongly whether the frame is free");
}

static void one_step(unsigned kinds)
{
	uint32_t frame, i;
	int is_zero = 0;

	switch (roll(kinds)) {
	case 0: case 1:
		frame = frames_take(&f, roll(COUNT), roll(6) ? FRAME_DATA : FRAME_OBJECTS, &is_zero);
		if (frame != FRAMES_NONE)
			took(frame, is_zero);
		break;
	case 2:
		frame = roll(COUNT);
		if (frames_take_this(&f, frame, FRAME_DATA, &is_zero) != FRAMES_NONE)
			took(frame, is_zero);
		break;
	case 3:
		frame = roll(COUNT);
		if (refs[frame] && refs[frame] < 200) {
			frames_hold(&f, frame);
			refs[frame]++;
		}
		break;
	case 4:
		give_back();
		break;
	case 6:
		frame = frames_take_dirty(&f);
		if (frame != FRAMES_NONE) {
			check(!refs[frame] && !zero[frame], "a frame to zero is in use or zero already");
			frames_zeroed(&f, frame);
			zero[frame] = 1;
		}
		break;
	case 5:
		if (roll(20))
			break;
		frame = frames_take_row(&f, 32, 32);
		for (i = 0; frame != FRAMES_NONE && i < 32; i++)
			took(frame + i, 0);
		check(frame == FRAMES_NONE || frame % 32 == 0, "a row is not aligned");
		break;
	default:
		give_back();
	}
}

static void result(const char *what)
{
	printf("%sok %u frames-%02u %s\n", failed ? "not " : "", number, number, what);
	failed = 0;
}

/* Lent memory, all of it zero at first: what has been used comes again before what has not. */
static void lent_memory(void *memory)
{
	uint32_t frame[8], fresh = 0, i;
	int is_zero;

	memset(memory, 0, frames_bookkeeping(COUNT));
	memset(refs, 0, sizeof(refs));
	frames_init(&f, COUNT, memory);
	frames_add(&f, 16, 2032);
	frames_add_objects(&f, 2048, 512);
	frames_all_zero(&f);
	for (i = 0; i < COUNT; i++)
		zero[i] = lent[i] = i >= 16 && i < 2560;
	for (unsigned round = 0; round < 100; round++) {
		for (i = 0; i < 8; i++) {
			frame[i] = frames_take(&f, roll(COUNT), FRAME_DATA, &is_zero);
			took(frame[i], is_zero);
			fresh += (uint32_t)is_zero;
		}
		for (i = 0; i < 8; i++)
			check(frames_release(&f, frame[i]), "a frame is not free"), refs[frame[i]] = 0;
	}
	check(fresh == 8, "a frame that has not been used was given before one that has");
	number = 4;
	result("of memory that is lent, frames that have been used come first");
	for (i = 0; i < 400000; i++)
		one_step(5);
	number = 5;
	result("400,000 random calls there agree with the model");
	for (i = 0; i < 4096; i++)
		one_step(3);		/* nearly all taken */
	while ((frame[0] = frames_take(&f, 7, FRAME_DATA, &is_zero)) != FRAMES_NONE)
		took(frame[0], is_zero);
	check(f.free[FRAME_DATA] == 0, "frames are left over");
	number = 6;
	result("all of it can be had");
}

int main(void)
{
	void *memory = calloc(1, frames_bookkeeping(COUNT));
	uint32_t i, free_count = 0, frame;
	int is_zero;

	printf("1..6\n");
	frames_init(&f, COUNT, memory);
	frames_add(&f, 100, 1500);
	frames_add(&f, 2000, 2000);
	for (i = 0; i < COUNT; i++)
		lent[i] = (i >= 100 && i < 1600) || (i >= 2000 && i < 4000);
	for (i = 0; i < 400000; i++)
		one_step(9);
	number = 1;
	result("400,000 random calls agree with the model");
	for (i = 0; i < COUNT; i++)
		while (refs[i]) {
			refs[i]--;
			frames_release(&f, i);
		}
	for (i = 0; i < COUNT; i++)
		free_count += lent[i];
	check(f.free[FRAME_DATA] + f.free[FRAME_OBJECTS] == free_count, "frames are missing at the end");
	number = 2;
	result("all that was given back is free");
	for (i = 0; (frame = frames_take(&f, i, FRAME_DATA, &is_zero)) != FRAMES_NONE; i++)
		took(frame, 0);
	number = 3;
	check(i + FRAMES_BLOCK >= free_count, "data cannot have nearly all of memory");
	result("nearly all of memory can become data");
	lent_memory(memory);
	return 0;
}
