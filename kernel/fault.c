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
#define WALK_NEAR	12	/* levels: at most so many where nothing may come between */
#define WALK_STRETCH	16	/* levels between two preemption points */
#define ASK_AGAIN	8

uint32_t vm_changes;

/* The entry page is in every space, below all mappings. */
static int walk_entry_page(struct walk *w, uint32_t va, unsigned access)
{
	uint32_t page = va & (FLUKE_PAGE_SIZE - 1);

	w->prot = FLUKE_PROT_READ | FLUKE_PROT_EXECUTE;
	w->phys = entry_page_phys + page;
	w->before = page;
	w->after = FLUKE_PAGE_SIZE - page;
	w->device = 1;
	w->hole = 0;
	w->depth = 0;
	w->hole_in = 0;
	return va < KERNEL_BASE && !(access & ~w->prot);
}

static int __attribute__((noinline)) refuse(struct walk *w, uint32_t before, uint32_t after, unsigned depth, int hole)
{
	w->before = before;
	w->after = after;
	w->depth = depth;
	w->hole = hole;
	w->hole_in = 0;
	return 0;
}

void vm_hole_ends(struct walk *w)
{
	if (w->hole && w->hole_in)
		mapping_hole(w->hole_in, w->hole_va, &w->before, &w->after);
}

/* The object that a link of that type leads to: as link_target, quick for one that has never moved. */
static inline void *target_of(const struct link *link, unsigned type)
{
	struct object *o = link->target;

	return o && o->word == OBJECT_WORD(type) ? o : link_target(link);
}

static inline uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static inline void note_keeper(struct walk *w, const struct region *r, unsigned depth, unsigned limit, uint32_t offset)
{
	struct object *keeper;

	if (r->keeper.target && depth < limit && (keeper = target_of(&r->keeper, FLUKE_TYPE_PORT))) {
		w->keeper = keeper;
		w->keeper_depth = depth;
		w->keeper_offset = offset;
	}
}

/* A level that does not let the access pass: the mapping, else the region. */
static int __attribute__((noinline)) refuse_level(struct walk *w, const struct mapping *m, const struct region *r,
	unsigned access, unsigned limit, uint32_t offset)
{
	if (access & ~m->prot)
		return 0;
	w->hole = 1;
	if (!r)
		return 0;
	w->depth++;
	note_keeper(w, r, w->depth, limit, offset);
	if (offset < r->size)
		w->hole = (access & ~r->prot) == 0;	/* else it has no space */
	else
		w->before = least(w->before, offset - r->size);
	return 0;
}

/* Beyond the first levels: may the walk go on? */
static int __attribute__((noinline)) walk_on(struct walk *w, unsigned depth)
{
	if (depth >= WALK_LEVELS)
		return 0;
	if (w->pace == WALK_AT_ONCE || (w->pace == WALK_STEPS && depth % WALK_STRETCH == 0 && cpu_poll()))
		w->pace = WALK_GIVEN_UP;
	return w->pace != WALK_GIVEN_UP;
}

int vm_walk_at(struct space *s, uint32_t va, unsigned access, unsigned keeper_limit, struct walk *w)
{
	unsigned prot = FLUKE_PROT_ALL, depth = 0;
	uint32_t before = va, after = ~va, end;	/* as in *w, kept in registers */

	w->keeper_depth = 0;
	if (va >= FLUKE_VM_MAX && s != &kernel_space)
		return walk_entry_page(w, va, access);
	for (; s != &kernel_space; depth++) {
		struct mapping *m = s->last[va >> 31];
		struct region *r;
		uint32_t offset, size;

		if ((!m || va - m->start >= m->size) && !(m = mapping_find(s, va))) {
			w->hole_va = va;
			refuse(w, before, after, depth, 1);
			w->hole_in = s;
			return 0;
		}
		offset = va - m->start;
		before = least(before, offset);
		after = least(after, m->size - offset);
		r = target_of(&m->region, FLUKE_TYPE_REGION);
		offset += m->offset;	/* never less than before */
		s = 0;
		if (r && (__builtin_expect(depth < WALK_NEAR, 1) || walk_on(w, depth))) {
			size = r->size;
			if (offset < size && !(access & ~(m->prot & r->prot))) {
				after = least(after, size - offset);
				s = target_of(&r->space, FLUKE_TYPE_SPACE);
			}
		} else {
			r = 0;
		}
		if (!s) {
			refuse(w, before, after, depth, 0);
			if (w->pace == WALK_GIVEN_UP)
				return -1;
			return refuse_level(w, m, r, access, keeper_limit, offset);
		}
		prot &= m->prot & r->prot;
		note_keeper(w, r, depth + 1, keeper_limit, offset);
		va = r->start + offset;
	}
	w->prot = prot;
	w->depth = depth;
	w->before = before;
	end = frame_count << FLUKE_PAGE_SHIFT;
	if (va < end && !(frame_of(va)->marks & FRAME_KERNEL)) {
		w->after = least(after, end - va);
		w->phys = va;
		w->device = 0;
		return 1;
	}
	w->after = after;
	return frame_walk(va, w) || refuse(w, w->before, w->after, depth, 1);
}

/* An entry for WRITE or EXECUTE is of use only with READ. */
static inline unsigned wanted(unsigned access)
{
	return access & (FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE) && !(access & FLUKE_PROT_OBJECT) ?
		access | FLUKE_PROT_READ : access;
}

/* The walk succeeded: enters what it found.  FAULT when a user access meets active objects, RESTART: not yet. */
static inline __attribute__((always_inline)) result_t derive(struct space *s, uint32_t va, unsigned access, const struct walk *w)
{
	if (!w->device && !(access & FLUKE_PROT_OBJECT)) {
		struct frame *f = frame_of(w->phys);

		if (f->marks & FRAME_OBJECT) {
			if (f->objects)
				return FAULT;
			frame_show(f);
		}
	}
	return pmap_fill(s, va, w, !(access & FLUKE_PROT_OBJECT)) ? OK : RESTART;
}

result_t fault_soft(struct space *s, uint32_t va, unsigned access)
{
	struct walk w;

	if (vm_walk_now(s, va, wanted(access), ~0u, &w) <= 0)
		return FAULT;
	return derive(s, va, access, &w) == OK ? OK : FAULT;
}

static void fault_forget(struct thread *t)
{
	t->fault.depths = t->fault.states = 0;
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
	uint32_t *words = t->keeper_words;

	words[0] = FLUKE_EXC_PAGE_FAULT;
	words[1] = w->keeper_offset;
	words[2] = access;
	words[3] = t->sched_val;
	words[4] = words[5] = 0;
	t->fault.va = va;
	t->fault.access = access;
	t->fault.code = FLUKE_EXC_PAGE_FAULT;
	t->fault.refused = w->depth;
	t->fault.asked = w->keeper_depth;
	t->fault.answered = 0;
	t->fault.changes = vm_changes;
	return keeper_call(t, w->keeper);
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

/* t is to resolve its fault itself, at its next turn. */
static result_t fault_later(struct thread *t, uint32_t va, unsigned access)
{
	fault_forget(t);
	t->fault.va = va;
	t->fault.access = access;
	t->attention |= ATTENTION_FAULT;
	return RESTART;
}

/* The page is there: its entry is made, perhaps after some steps that empty a table for it. */
static result_t enter(struct thread *t, struct space *s, uint32_t va, unsigned access, const struct walk *w)
{
	for (;;) {
		result_t r = derive(s, va, access, w);

		if (r == FAULT)
			return own_exception(t, va, access, FLUKE_EXC_OBJECT_PAGE);
		fault_forget(t);
		if (r == OK || cpu_poll())
			return OK;	/* without its entry it faults again, after what is more urgent */
	}
}

/* at_once: with no preemption point before OK. */
static inline __attribute__((always_inline)) result_t resolve(struct thread *t, uint32_t va, unsigned access, int at_once)
{
	struct space *s = (struct space *)link_target(&t->space);
	struct walk w;
	int found;

	if (!s)
		return own_exception(t, va, access, FLUKE_EXC_PAGE_FAULT);
	w.pace = at_once ? WALK_AT_ONCE : WALK_STEPS;
	found = vm_walk_at(s, va, wanted(access), ~0u, &w);
	if (found > 0 && !at_once)
		return enter(t, s, va, access, &w);
	if (found > 0 && derive(s, va, access, &w) != OK)
		return fault_later(t, va, access);
	if (found > 0) {
		fault_forget(t);
		return OK;
	}
	if (found == 0 && !t->fault.searching && answered_in_vain(t, va, &w))
		found = vm_walk_at(s, va, wanted(access), t->fault.asked, &w);
	assert(found <= 0);	/* nothing has come between */
	if (found == 0 && !w.keeper_depth)
		return own_exception(t, va, access, FLUKE_EXC_PAGE_FAULT);
	if (t != current)
		return fault_later(t, va, access);
	if (found < 0) {		/* what the thread has been told stays: it looks again at its next turn */
		t->fault.va = va;
		t->fault.access = access;
		t->attention |= ATTENTION_FAULT;
		return RESTART;
	}
	t->fault.searching = 0;
	return ask_keeper(t, va, access, &w);
}

result_t fault_resolve(struct thread *t, uint32_t va, unsigned access)
{
	return resolve(t, va, access, t != current);
}

result_t fault_at_once(struct thread *t, uint32_t va, unsigned access)
{
	return resolve(t, va, access, 1);
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
	if (t->fault.searching == SEARCH_HOLE && answered_in_vain(t, va, w)) {
		if (t->fault.answer) {
			*skip = t->fault.answer;
			fault_forget(t);
			return OK;
		}
		if (vm_walk(s, va, FLUKE_PROT_OBJECT, t->fault.asked, w) < 0) {
			t->attention |= ATTENTION_CALL;
			return RESTART;
		}
	}
	if (!w->keeper_depth) {
		fault_forget(t);
		return OK;
	}
	t->fault.searching = SEARCH_HOLE;
	return ask_keeper(t, va, FLUKE_PROT_OBJECT, w);
}

/* Only the first keeper is asked, and only once: after that the server meets its fault itself. */
result_t fault_for_server(struct thread *t, struct space *s, uint32_t va)
{
	struct walk w;
	int found = vm_walk_now(s, va, wanted(FLUKE_PROT_WRITE), ~0u, &w);

	if (found == 0 && w.keeper_depth && !(t->fault.searching == SEARCH_FOR_SERVER && t->fault.answered)) {
		t->fault.searching = SEARCH_FOR_SERVER;
		return ask_keeper(t, va, FLUKE_PROT_WRITE, &w);
	}
	fault_forget(t);
	return found > 0 && derive(s, va, FLUKE_PROT_WRITE, &w) == OK ? OK : FAULT;
}
