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

result_t user_read(void *to, uint32_t from, uint32_t bytes)
{
	if (!below_kernel(from, bytes))
		return fail(from < KERNEL_BASE ? KERNEL_BASE : from, FLUKE_PROT_READ);
	for (;;) {
		uint64_t r = usercopy(to, (const void *)from, bytes);

		if (!r)
			return OK;
		if (fault_soft(cpu()->loaded, (uint32_t)r, FLUKE_PROT_READ) != OK)
			return fail((uint32_t)r, FLUKE_PROT_READ);
	}
}

result_t user_write(uint32_t to, const void *from, uint32_t bytes)
{
	if (!below_kernel(to, bytes))
		return fail(to < KERNEL_BASE ? KERNEL_BASE : to, FLUKE_PROT_WRITE);
	for (;;) {
		uint64_t r = usercopy((void *)to, from, bytes);

		if (!r)
			return OK;
		if (fault_soft(cpu()->loaded, (uint32_t)r, FLUKE_PROT_WRITE) != OK)
			return fail((uint32_t)r, FLUKE_PROT_WRITE);
	}
}

result_t user_read_word(uint32_t *to, uint32_t from)
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

/* The page of one side in the direct map; null = hard fault. */
static inline void *side(struct space *s, uint32_t va, uint32_t bits, unsigned access)
{
	void *p = pmap_page(s, va, bits);

	if (!p && va < FLUKE_VM_MAX && fault_soft(s, va, access) == OK)
		p = pmap_page(s, va, bits);
	return p;
}

#define PREEMPT_EVERY	8192u

enum copy_stop user_copy(struct space *from_space, uint32_t from, struct space *to_space, uint32_t to,
	uint32_t bytes, uint32_t *done, uint32_t *fault_va)
{
	uint32_t copied = 0, since_poll = 0;
	enum copy_stop stop = COPY_DONE;

	pmap_pin(from_space == cpu()->loaded ? to_space : from_space);
	while (copied < bytes) {
		uint32_t piece = bytes - copied, left;
		void *source, *target;

		target = side(to_space, to + copied, PTE_PRESENT | PTE_USER | PTE_WRITE, FLUKE_PROT_WRITE);
		if (!target) {
			stop = COPY_FAULT_TO;
			break;
		}
		source = side(from_space, from + copied, PTE_PRESENT | PTE_USER, FLUKE_PROT_READ);
		if (!source) {
			stop = COPY_FAULT_FROM;
			break;
		}
		left = FLUKE_PAGE_SIZE - ((to + copied) & (FLUKE_PAGE_SIZE - 1));
		piece = piece < left ? piece : left;
		left = FLUKE_PAGE_SIZE - ((from + copied) & (FLUKE_PAGE_SIZE - 1));
		piece = piece < left ? piece : left;
		frame_of(virt_to_phys(target))->marks |= FRAME_DIRTY | FRAME_REFERENCED;
		frame_of(virt_to_phys(source))->marks |= FRAME_REFERENCED;
		copy_words(target, source, piece);
		copied += piece;
		since_poll += piece;
		if (since_poll >= PREEMPT_EVERY && copied < bytes) {
			since_poll = 0;
			if (cpu_poll()) {
				stop = COPY_PREEMPT;
				break;
			}
		}
	}
	pmap_pin(0);
	*done = copied;
	if (stop == COPY_FAULT_TO)
		*fault_va = to + copied;
	else if (stop == COPY_FAULT_FROM)
		*fault_va = from + copied;
	return stop;
}
