/* The walk from mapping to region, and what happens at a fault: a soft one is resolved from a
 * higher level, a hard one goes to the keeper of the region that refused, then to those of the
 * regions back towards the thread, at last to the thread as its own exception. */
#include <fluke/exception.h>
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"
#include "vm_private.h"

#define WALK_LEVELS	256
#define ASK_AGAIN	8

uint32_t vm_changes;

static int refuse(struct walk *w, unsigned depth, int hole)
{
	w->depth = depth;
	w->hole = hole;
	return 0;
}

static inline void narrow(struct walk *w, uint32_t before, uint32_t after)
{
	if (before < w->before)
		w->before = before;
	if (after < w->after)
		w->after = after;
}

/* The entry page is in every space, below all mappings. */
static int walk_entry_page(struct walk *w, uint32_t va, unsigned access)
{
	uint32_t page = va & (FLUKE_PAGE_SIZE - 1);

	w->prot = FLUKE_PROT_READ | FLUKE_PROT_EXECUTE;
	w->phys = entry_page_phys + page;
	w->device = 1;
	narrow(w, page, FLUKE_PAGE_SIZE - page);
	return va < KERNEL_BASE && !(access & ~w->prot) ? 1 : refuse(w, 0, 0);
}

static int refuse_here(struct walk *w, uint32_t before, uint32_t after, unsigned depth, int hole)
{
	w->before = before;
	w->after = after;
	return refuse(w, depth, hole);
}

int vm_walk(struct space *s, uint32_t va, unsigned access, unsigned keeper_limit, struct walk *w)
{
	unsigned prot = FLUKE_PROT_ALL, depth = 0;
	uint32_t before = va, after = ~va;	/* as in *w, kept in registers */

	w->keeper_depth = 0;
	if (va >= FLUKE_VM_MAX && s != &kernel_space) {
		w->before = before;
		w->after = after;
		return walk_entry_page(w, va, access);
	}
	while (depth < WALK_LEVELS) {
		struct mapping *m;
		struct region *r;
		struct object *keeper;
		uint32_t offset;

		if (s == &kernel_space) {
			w->prot = prot;
			w->before = before;
			w->after = after;
			return frame_walk(va, w) ? 1 : refuse(w, depth, 1);
		}
		m = s->last;
		if (!m || va - m->start >= m->size) {
			m = mapping_find(s, va, &before, &after);
			if (!m)
				return refuse_here(w, before, after, depth, 1);
		}
		offset = va - m->start;
		before = offset < before ? offset : before;
		after = m->size - offset < after ? m->size - offset : after;
		if ((m->prot & access) != access)
			return refuse_here(w, before, after, depth, 0);
		prot &= m->prot;
		r = (struct region *)link_target(&m->region);
		if (!r)
			return refuse_here(w, before, after, depth, 1);
		offset += m->offset;
		depth++;
		if (r->keeper.target && depth < keeper_limit && (keeper = link_target(&r->keeper))) {
			w->keeper = keeper;
			w->keeper_depth = depth;
			w->keeper_offset = offset;
		}
		if (offset >= r->size)
			return refuse_here(w, offset - r->size < before ? offset - r->size : before, after, depth, 1);
		before = offset < before ? offset : before;
		after = r->size - offset < after ? r->size - offset : after;
		if ((r->prot & access) != access)
			return refuse_here(w, before, after, depth, 0);
		prot &= r->prot;
		s = (struct space *)link_target(&r->space);
		if (!s)
			return refuse_here(w, before, after, depth, 1);
		va = r->start + offset;
	}
	return refuse_here(w, before, after, depth, 1);
}

/* An entry for WRITE or EXECUTE is of use only with READ. */
static inline unsigned wanted(unsigned access)
{
	return access & (FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE) && !(access & FLUKE_PROT_OBJECT) ?
		access | FLUKE_PROT_READ : access;
}

/* The walk succeeded: enters what it found.  False when a user access meets active objects. */
static int derive(struct space *s, uint32_t va, unsigned access, const struct walk *w)
{
	if (!w->device && !(access & FLUKE_PROT_OBJECT)) {
		struct frame *f = frame_of(w->phys);

		if (f->marks & FRAME_OBJECT) {
			if (f->objects)
				return 0;
			frame_show(f);
		}
	}
	pmap_fill(s, va, w, !(access & FLUKE_PROT_OBJECT));
	return 1;
}

result_t fault_soft(struct space *s, uint32_t va, unsigned access)
{
	struct walk w;

	if (!vm_walk(s, va, wanted(access), ~0u, &w))
		return FAULT;
	return derive(s, va, access, &w) ? OK : FAULT;
}

static void fault_forget(struct thread *t)
{
	t->fault.refused = t->fault.asked = 0;
	t->fault.searching = t->fault.answered = t->fault.again = 0;
}

static result_t own_exception(struct thread *t, uint32_t va, unsigned access, uint32_t code)
{
	fault_forget(t);
	t->fault.va = va;
	t->fault.access = access;
	t->fault.code = code;
	if (t == current)
		return FAULT;
	t->attention |= ATTENTION_FAULT;
	return RESTART;
}

/* Asks the keeper that the walk found.  Asked again about the same refusal at the same depth, the
 * thread goes to the next keeper back: that is what fault.asked remembers. */
static result_t ask_keeper(struct thread *t, uint32_t va, unsigned access, const struct walk *w)
{
	uint32_t words[FLUKE_EXC_WORDS] = { FLUKE_EXC_PAGE_FAULT, w->keeper_offset, access, t->sched_val, 0, 0 };

	t->fault.va = va;
	t->fault.access = access;
	t->fault.code = FLUKE_EXC_PAGE_FAULT;
	t->fault.refused = w->depth;
	t->fault.asked = w->keeper_depth;
	t->fault.answered = 0;
	t->fault.changes = vm_changes;
	return keeper_call(t, w->keeper, words, FLUKE_EXC_WORDS);
}

/* True if the thread has just been answered about this very refusal, and either nothing at all
 * has changed since it asked or it has asked too often.  (What a keeper mends may be gone again
 * before the thread runs: then the keeper is asked again.) */
static int answered_in_vain(struct thread *t, uint32_t va, const struct walk *w)
{
	if (!t->fault.answered || t->fault.va != va || t->fault.refused != w->depth)
		return 0;
	return t->fault.changes == vm_changes || ++t->fault.again >= ASK_AGAIN;
}

result_t fault_resolve(struct thread *t, uint32_t va, unsigned access)
{
	struct space *s = (struct space *)link_target(&t->space);
	struct walk w;
	int found;

	if (!s)
		return own_exception(t, va, access, FLUKE_EXC_PAGE_FAULT);
	found = vm_walk(s, va, wanted(access), ~0u, &w);
	if (found) {
		if (!derive(s, va, access, &w))
			return own_exception(t, va, access, FLUKE_EXC_OBJECT_PAGE);
		fault_forget(t);
		return OK;
	}
	if (!t->fault.searching && answered_in_vain(t, va, &w))
		vm_walk(s, va, wanted(access), t->fault.asked, &w);
	if (!w.keeper_depth)
		return own_exception(t, va, access, FLUKE_EXC_PAGE_FAULT);
	if (t != current) {
		fault_forget(t);
		t->fault.va = va;
		t->fault.access = access;
		t->attention |= ATTENTION_FAULT;
		return RESTART;
	}
	t->fault.searching = 0;
	return ask_keeper(t, va, access, &w);
}

void fault_answered(struct thread *t, uint32_t word)
{
	t->fault.answer = word;
	t->fault.answered = 1;
	if (!t->fault.searching)
		t->attention |= ATTENTION_FAULT;
}

/* For region_search and region_clear, in the thread's call: asks about a hole above the
 * searched region's own space.  OK = nobody is left to ask; *skip = bytes that a keeper
 * said to leave out. */
result_t (fault_search_hole)(struct thread *t, struct space *s, uint32_t va, struct walk *w, uint32_t *skip)
{
	*skip = 0;
	if (t->fault.searching && answered_in_vain(t, va, w)) {
		if (t->fault.answer) {
			*skip = t->fault.answer;
			fault_forget(t);
			return OK;
		}
		vm_walk(s, va, FLUKE_PROT_OBJECT, t->fault.asked, w);
	}
	if (!w->keeper_depth) {
		fault_forget(t);
		return OK;
	}
	t->fault.searching = 1;
	return ask_keeper(t, va, FLUKE_PROT_OBJECT, w);
}
