/* User memory in and out.  The current thread's own memory is touched at its own addresses; a
 * transfer between two spaces goes through the direct map, page by page, after testing the
 * entries of both.  Soft faults are resolved in place; a hard one is the caller's result. */
#include "kernel.h"
#include "machine.h"
#include "mmu.h"

static result_t fail(uint32_t va, unsigned access)
{
	current->fault.va = va;
	current->fault.access = access;
	return FAULT;
}

static inline int below_kernel(uint32_t va, uint32_t bytes)
{
	return va < KERNEL_BASE && bytes <= KERNEL_BASE - va;
}

/* The user's side, at va, does not let the copy pass at once. */
static result_t __attribute__((noinline)) copy_slowly(void *to, const void *from, uint32_t va, uint32_t bytes, unsigned access)
{
	uint64_t r;

	if (!below_kernel(va, bytes))
		return fail(va < KERNEL_BASE ? KERNEL_BASE : va, access);
	while ((r = usercopy(to, from, bytes)))
		if (fault_soft(cpu()->loaded, (uint32_t)r, access) != OK)
			return fail((uint32_t)r, access);
	return OK;
}

result_t (user_read)(void *to, uint32_t from, uint32_t bytes)
{
	if (below_kernel(from, bytes) && !usercopy(to, (const void *)from, bytes))
		return OK;
	return copy_slowly(to, (const void *)from, from, bytes, FLUKE_PROT_READ);
}

result_t (user_write)(uint32_t to, const void *from, uint32_t bytes)
{
	if (below_kernel(to, bytes) && !usercopy((void *)to, from, bytes))
		return OK;
	return copy_slowly((void *)to, from, to, bytes, FLUKE_PROT_WRITE);
}

result_t (user_read_word)(uint32_t *to, uint32_t from)
{
	for (;;) {
		uint64_t r;

		if (from > KERNEL_BASE - 4)
			return fail(from, FLUKE_PROT_READ);
		r = usercopy_word(to, (const uint32_t *)from);
		if (!r)
			return OK;
		if (fault_soft(cpu()->loaded, (uint32_t)r, FLUKE_PROT_READ) != OK)
			return fail((uint32_t)r, FLUKE_PROT_READ);
	}
}

/* The page of one side in the direct map; null = hard fault, DEVICE = memory that is not in it. */
#define DEVICE	((void *)1)

static inline void *side(struct space *s, uint32_t va, uint32_t bits, unsigned access)
{
	void *p = pmap_page(s, va, bits);
	const uint32_t *e;

	if (p)
		return p;
	if (va >= KERNEL_BASE || fault_soft(s, va, access) != OK)
		return 0;
	p = pmap_page(s, va, bits);
	if (p)
		return p;
	e = pmap_entry(s, va);
	return e && *e & PTE_UNCHAINED ? DEVICE : 0;
}

/* A few bytes, one or both sides of which are device memory: through a buffer, each side at its
 * own address in its own space.  False when nothing was copied. */
static int copy_device(struct space *from_space, uint32_t from, void *source, struct space *to_space, uint32_t to,
	void *target, uint32_t bytes)
{
	uint8_t buffer[64];
	struct space *was = cpu()->loaded;
	uint64_t fault = 0;

	if (source == DEVICE) {
		pmap_switch(from_space);
		fault = usercopy(buffer, (const void *)from, bytes);
	} else {
		copy_words(buffer, source, bytes);
	}
	if (!fault && target == DEVICE) {
		pmap_switch(to_space);
		fault = usercopy((void *)to, buffer, bytes);
	} else if (!fault) {
		copy_words(target, buffer, bytes);
	}
	pmap_switch(was);
	return !fault;
}

static inline uint32_t page_rest(uint32_t va) { return FLUKE_PAGE_SIZE - (va & (FLUKE_PAGE_SIZE - 1)); }
static inline uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void mark_pages(void *target, void *source)
{
	if (target != DEVICE)
		frame_of(virt_to_phys(target))->marks |= FRAME_DIRTY | FRAME_REFERENCED;
	if (source != DEVICE)
		frame_of(virt_to_phys(source))->marks |= FRAME_REFERENCED;
}

#define PREEMPT_EVERY	4096u

/* One piece within a page of each side. */
static enum copy_stop copy_piece(struct space *from_space, uint32_t from, struct space *to_space, uint32_t to,
	uint32_t bytes, uint32_t *copied)
{
	void *source, *target;
	result_t r = PLACE(COPY, to, FLUKE_PROT_WRITE);

	if (r != OK)
		return r == FAULT ? COPY_FAULT_TO : COPY_PREEMPT;
	target = side(to_space, to, PTE_PRESENT | PTE_USER | PTE_WRITE, FLUKE_PROT_WRITE);
	if (!target)
		return COPY_FAULT_TO;
	r = PLACE(COPY, from, FLUKE_PROT_READ);
	if (r != OK)
		return r == FAULT ? COPY_FAULT_FROM : COPY_PREEMPT;
	source = side(from_space, from, PTE_PRESENT | PTE_USER, FLUKE_PROT_READ);
	if (!source)
		return COPY_FAULT_FROM;
	bytes = least(bytes, least(page_rest(to), page_rest(from)));
	mark_pages(target, source);
	if (source == DEVICE || target == DEVICE) {
		bytes = least(bytes, 64);
		if (!copy_device(from_space, from, source, to_space, to, target, bytes))
			bytes = 0;	/* lost its entry meanwhile: again */
	} else {
		copy_words(target, source, bytes);
	}
	*copied += bytes;
	return COPY_DONE;
}

enum copy_stop user_copy(struct space *from_space, uint32_t from, struct space *to_space, uint32_t to,
	uint32_t bytes, uint32_t *done, uint32_t *fault_va)
{
	uint32_t copied = 0, poll_at = PREEMPT_EVERY;
	enum copy_stop stop = COPY_DONE;

	pmap_pin(from_space == cpu()->loaded ? to_space : from_space);
	while (copied < bytes && stop == COPY_DONE) {
		if (copied >= poll_at) {
			poll_at = copied + PREEMPT_EVERY;
			if (cpu_poll()) {
				stop = COPY_PREEMPT;
				break;
			}
		}
		stop = copy_piece(from_space, from + copied, to_space, to + copied, bytes - copied, &copied);
	}
	pmap_pin(0);
	*done = copied;
	if (stop == COPY_FAULT_TO)
		*fault_va = to + copied;
	else if (stop == COPY_FAULT_FROM)
		*fault_va = from + copied;
	return stop;
}
