/* The calls that go through the memory of a region: search lists objects, clear destroys them,
 * usage reads and clears what was touched.  All three keep their place in the registers only:
 * offset in esi, bytes left in ecx, array in edx, slots left in edi. */
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"
#include "vm_private.h"
#include <fluke/callnumbers.h>

static void advance(struct thread *t, uint32_t bytes)
{
	if (bytes > t->regs.ecx)
		bytes = t->regs.ecx;
	t->regs.esi += bytes;
	t->regs.ecx -= bytes;
}

static inline uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static result_t pause_here(void)
{
	current->attention |= ATTENTION_CALL;
	return RESTART;
}

/* Preemption points by work done: `work` counts down in instructions, roughly. */
#define WORK	1000
static result_t breathe(int *work, int cost)
{
	*work -= cost;
	if (*work > 0)
		return OK;
	*work = WORK;
	return cpu_poll() ? pause_here() : OK;
}

static result_t region_of(struct thread *t, unsigned access, struct region **r)
{
	return object_find(t->regs.ebx, FLUKE_TYPE_REGION, access, (struct object **)r);
}

#define RUN_FRAMES	128u		/* looked at before the next preemption point */

/* Within a run of frames: over those without objects; null if none in the run has any. */
static struct frame *skip_plain(struct thread *t, struct frame *f, uint32_t run)
{
	uint32_t rest = FLUKE_PAGE_SIZE - (t->regs.esi & (FLUKE_PAGE_SIZE - 1)), skipped = 0;

	for (; skipped < run && !f->objects; f++, rest = FLUKE_PAGE_SIZE)
		skipped += rest;
	advance(t, skipped);
	return skipped < run ? f : 0;
}

/* Goes to the next page of the rest of the range that holds objects and may show them (the
 * OBJECT right), leaving out holes and device memory: *f = its frame, or null at the end. */
static result_t next_page(struct thread *t, struct region *r, struct frame **f, int *work)
{
	struct space *s = (struct space *)link_target(&r->space);
	struct walk w;

	*f = 0;
	while (t->regs.ecx) {
		uint32_t offset = t->regs.esi, skip = 0, va, run;
		int found;

		TRY(breathe(work, 150));
		if (!s || offset >= r->size) {
			advance(t, t->regs.ecx);
			return OK;
		}
		va = r->start + offset;
		found = vm_walk(s, va, FLUKE_PROT_OBJECT, ~0u, &w);
		if (found < 0)
			return pause_here();
		*work -= 50 * (int)w.depth;
		if (found) {
			if (!w.device) {
				run = least(least(w.after, RUN_FRAMES * FLUKE_PAGE_SIZE), least(t->regs.ecx, r->size - offset));
				*f = skip_plain(t, frame_of(w.phys), run);
				*work -= (int)(t->regs.esi - offset) / (int)(FLUKE_PAGE_SIZE / 8);
				if (*f)
					return OK;
				continue;
			}
		} else if (vm_hole_ends(&w), w.hole && w.depth) {
			TRY(fault_search_hole(t, s, va, &w, &skip));
		}
		advance(t, skip ? skip : w.after ? w.after : FLUKE_PAGE_SIZE);
	}
	return OK;
}

/* The next start bit of the frame at or after the current offset, within the rest of the range;
 * the offset moves there.  Null: the offset is at the end of the page or of the range. */
static struct object *next_object(struct thread *t, const struct region *r, const struct frame *f)
{
	uint32_t at = (r->start + t->regs.esi) & (FLUKE_PAGE_SIZE - 1), first = at, limit = FLUKE_PAGE_SIZE;

	if (limit - at > t->regs.ecx)
		limit = at + t->regs.ecx;
	for (at = (at + 31) & ~31u; at < limit; at = (at & ~1023u) + 1024) {
		uint32_t bits = f->start[at >> 10] & ~0u << (at >> 5 & 31);

		if (bits) {
			at = (at & ~1023u) + 32 * (uint32_t)__builtin_ctz(bits);
			break;
		}
	}
	at = least(at, limit);
	advance(t, at - first);
	return at < limit ? phys_to_virt(frame_phys(f) + at) : 0;
}

/* Past an object: 0 when that was the last place of its page, where another frame begins. */
static int step_over(struct thread *t, const struct region *r)
{
	advance(t, 32);
	return ((r->start + t->regs.esi) & (FLUKE_PAGE_SIZE - 1)) != 0;
}

result_t sys_region_search(struct thread *t)
{
	struct region *r;
	struct frame *f;
	int work = WORK;

	TRY(region_of(t, FLUKE_PROT_OBJECT, &r));
	while (t->regs.edi) {
		struct object *o;

		TRY(next_page(t, r, &f, &work));
		if (!f)
			break;
		while (t->regs.edi && (o = next_object(t, r, f))) {
			TRY(breathe(&work, 120));
			fluke_obspec_t found = { r->start + t->regs.esi, object_type(o) };

			if (found.type != FLUKE_NULL) {
				TRY(user_write(t->regs.edx, &found, sizeof found));
				/* commit: a later stage is the same call with the rest */
				t->regs.edx += sizeof found;
				t->regs.edi--;
			}
			if (!step_over(t, r))
				break;
		}
	}
	t->regs.eax = 0;
	return OK;
}

/* What an earlier part of the call has left of the space that the region looked into: all links to it go last. */
static result_t end_space(const struct region *r)
{
	struct object *s = link_real(&r->space);

	return s && object_type(s) == FLUKE_NULL ? object_end(s) : OK;
}

/* The region itself, or the space that it looks into, may be among what is destroyed: then
 * the call ends there.  resumes as: itself; in the midst of its own region as region_destroy */
result_t sys_region_clear(struct thread *t)
{
	struct region *r;
	struct frame *f;
	int work = WORK;

	TRY(region_of(t, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &r));
	TRY(end_space(r));
	while (r->obj.word == OBJECT_WORD(FLUKE_TYPE_REGION)) {
		struct object *o;

		TRY(next_page(t, r, &f, &work));
		if (!f)
			break;
		while ((o = next_object(t, r, f))) {
			if (o == &t->obj)
				return INSANE(CURRENT_THREAD);
			TRY(breathe(&work, WORK));
			result_t ended = object_end(o);	/* commit: what is destroyed is found no more */

			if (ended != OK && o == &r->obj)
				t->regs.eax = FLUKE_CALL_region_destroy | FLUKE_CALL_BEGUN;
			TRY(ended);
			if (!cpu()->loaded)	/* it was the caller's own space */
				return pause_here();
			if (r->obj.word != OBJECT_WORD(FLUKE_TYPE_REGION) || !link_target(&r->space))
				break;
			if (!step_over(t, r))
				break;
		}
	}
	t->regs.eax = 0;
	return OK;
}

#define USAGE_PAGES	8u
#define USAGE_BUDGET	50	/* entries */

/* The bits of one page, its frame if it has one, and which reader asks: at each distance from physical memory, mod 8, there is
 * one; what one has been told the others have not.  -1: not yet. */
static int usage_of(struct region *r, struct space *s, uint32_t offset, struct frame **f, uint8_t *reader, int *budget)
{
	struct walk w;
	int marks, found;

	*budget -= 5;
	*f = 0;
	if (!s || offset >= r->size)
		return 0;
	found = vm_walk(s, r->start + offset, 0, 0, &w);
	*budget -= (int)w.depth;
	if (found <= 0 || w.device)
		return found;
	marks = frame_harvest(frame_of(w.phys), budget);
	if (marks < 0)
		return marks;
	*f = frame_of(w.phys);
	*reader = (uint8_t)(1u << w.depth % 8);
	return FLUKE_USAGE_PRESENT | (marks & FRAME_REFERENCED ? FLUKE_USAGE_REFERENCED : 0) |
		(marks & FRAME_DIRTY || (*f)->dirty & *reader ? FLUKE_USAGE_DIRTY : 0) | ((*f)->objects ? FLUKE_USAGE_OBJECT : 0);
}

/* Marks are cleared only when the user's bytes are written, so that none is lost when that faults. */
result_t sys_region_usage(struct thread *t)
{
	uint8_t bits[USAGE_PAGES], reader[USAGE_PAGES];
	struct frame *f[USAGE_PAGES];
	struct region *r;

	TRY(region_of(t, FLUKE_PROT_OBJECT, &r));
	while (t->regs.ecx) {
		struct space *s = (struct space *)link_target(&r->space);
		uint32_t pages = least((t->regs.ecx + FLUKE_PAGE_SIZE - 1) / FLUKE_PAGE_SIZE, USAGE_PAGES), done;
		int budget = USAGE_BUDGET, found;

		for (done = 0; done < pages && budget > 0; done++) {
			found = usage_of(r, s, t->regs.esi + done * FLUKE_PAGE_SIZE, &f[done], &reader[done], &budget);
			if (found < 0)
				break;
			bits[done] = (uint8_t)found;
		}
		TRY(user_write(t->regs.edx, bits, done));
		/* commit */
		for (uint32_t i = 0; i < done; i++) {
			if (!f[i])
				continue;
			if (f[i]->marks & FRAME_DIRTY)
				f[i]->dirty = 0xff;
			f[i]->dirty &= (uint8_t)~reader[i];
			f[i]->marks &= ~(FRAME_DIRTY | FRAME_REFERENCED);
		}
		t->regs.edx += done;
		advance(t, done * FLUKE_PAGE_SIZE);
		if (t->regs.ecx && cpu_poll())
			return pause_here();
	}
	t->regs.eax = 0;
	return OK;
}
