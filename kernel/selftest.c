/* The kernel checks its own books: page tables and chains, start bits, lists of links, trees of
 * mappings, lists of regions, every page-table entry against a walk up.  Panics at the first
 * thing that is wrong; changes nothing.  For Machine.check and the end of the system; the kernel
 * itself depends on none of it. */
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"
#include "mutex.h"
#include "port.h"
#include "selftest.h"
#include "sched.h"

static uint32_t live[FLUKE_TYPES], pending;	/* revokes not yet ended: entries may still be stale */

static void check_links(const struct object *o)
{
	const struct link *prev = 0;

	for (const struct link *l = o->links; l; prev = l, l = l->next) {
		assert(l->prev == prev);
		assert(link_real(l) == o);
	}
}

/* Nodes of a tree in order; returns the end of the last one. */
static uint32_t check_tree(const struct space *s, const struct mapping *m, uint32_t end)
{
	if (!m)
		return end;
	assert(m->in_tree && m->size && link_real(&m->space) == &s->obj);
	assert(!m->left || m->left->priority <= m->priority);
	assert(!m->right || m->right->priority <= m->priority);
	end = check_tree(s, m->left, end);
	assert(m->start >= end);
	return check_tree(s, m->right, m->start + m->size);
}

static void check_space(const struct space *s)
{
	struct region *const *slot = &s->regions;

	check_tree(s, s->mappings, 0);
	for (; *slot; slot = &(*slot)->next) {
		assert((*slot)->prev == slot);
		assert(link_real(&(*slot)->space) == &s->obj);
	}
}

/* Each connection is live, or set aside by its other end, in whose list it is then. */
static void check_connection(const struct thread *t, enum side side)
{
	const struct thread *peer = t->peer[side], *prev = NULL;

	if (peer && peer->peer[!side] != t) {
		assert((t->park_prev[side] ? t->park_prev[side]->park_next[side] : peer->parked[side]) == t);
		assert(!t->park_next[side] || t->park_next[side]->park_prev[side] == t);
	}
	for (const struct thread *other = t->parked[side]; other; prev = other, other = other->park_next[side])
		assert(other->peer[side] == t && t->peer[!side] != other && other->park_prev[side] == prev);
}

static void check_donations(const struct thread *t)
{
	const struct thread *prev = NULL;
	uint32_t far = 0;

	for (const struct thread *donor = t->donors; donor; prev = donor, donor = donor->donor_next)
		assert(donor->donee == t && donor->donor_prev == prev && donor->blocked);
	for (const struct thread *donee = t->donee; donee; donee = donee->donee, far++)
		assert(far < object_live[FLUKE_TYPE_THREAD]);	/* no circle */
	assert(!t->supplier || t->supplier->donee == t);
	assert(!t->donee || (t->donor_prev ? t->donor_prev->donor_next : t->donee->donors) == t);
}

/* A thread that is not blocked in a call is in no queue, lends to nobody and waits for nothing. */
static void check_thread(const struct thread *t)
{
	const struct mutex *prev = NULL;

	assert(t->blocked & (BLOCKED_WAIT | BLOCKED_KEEPER) ? t->wait_kind != WAIT_NONE :
		t->wait_kind == WAIT_NONE && !t->wait_side && !t->wait_queue && !t->donee && !t->stands_in);
	assert(!t->wait_queue || (t->wait_prev ? t->wait_prev->wait_next : t->wait_queue->head) == t);
	assert(!t->wait_queue || (t->wait_next ? t->wait_next->wait_prev : t->wait_queue->tail) == t);
	assert(t->wait_kind != WAIT_MESSAGE || !t->peer[SERVER]);
	assert(t->wait_kind != WAIT_CONNECT || !t->peer[CLIENT]);
	assert((!t->asked || t->asked->asker == t) && (!t->asker || t->asker->asked == t));
	assert(t->request_pending == (t->request_next != NULL) && (!t->request_next || t->request_next->request_prev == t));
	assert(!t->last_of || t->last_of->last == t);
	assert(!t->row_next || sched_rest);
	for (const struct mutex *m = t->owned; m; prev = m, m = m->owned_next)
		assert(m->owner == t && m->owned_prev == prev);
	check_connection(t, CLIENT);
	check_connection(t, SERVER);
	check_donations(t);
}

static void check_object(const struct object *o)
{
	unsigned type = object_type(o);

	if (o->word >= KERNEL_BASE)	/* moved, links still being rewritten */
		return;
	assert(type != FLUKE_NULL || (o->word & ~0xfu) == OBJECT_DEAD);
	pending += type == FLUKE_NULL;
	live[type]++;
	if (type == FLUKE_TYPE_REF || type == FLUKE_NULL)
		return;
	check_links(o);
	pending += type == FLUKE_TYPE_REGION ? ((const struct region *)o)->revoke.size != 0 :
		type == FLUKE_TYPE_MAPPING && ((const struct mapping *)o)->revoke.size != 0;
	if (type == FLUKE_TYPE_SPACE)
		check_space((const struct space *)o);
	if (type == FLUKE_TYPE_THREAD)
		check_thread((const struct thread *)o);
	if (type == FLUKE_TYPE_MAPPING && !((const struct mapping *)o)->in_tree)
		assert(!link_target(&((const struct mapping *)o)->space) || !((const struct mapping *)o)->size);
}

/* Every entry equals what a walk gives now, or less. */
static void check_entry(struct space *s, uint32_t va, uint32_t low, uint32_t high)
{
	struct walk w;

	w.pace = WALK_WHOLE;
	assert(vm_walk_at(s, va, 0, 0, &w));
	assert((w.phys & PTE_FRAME) == (low & PTE_FRAME));
	assert(!(low & PTE_SUPER) || w.after >= SUPER_SIZE);
	assert(!(low & PTE_USER) || w.prot & FLUKE_PROT_READ);
	assert(!(low & PTE_WRITE) || w.prot & FLUKE_PROT_WRITE);
	assert(!(low & PTE_OBJECT) || w.prot & FLUKE_PROT_OBJECT);
	assert(!nx_bit || high || w.prot & FLUKE_PROT_EXECUTE);
}

void selftest(void)
{
	pending = 0;
	memset(live, 0, sizeof live);
	pmap_check();
	for (uint32_t i = 0; i < frame_count; i++) {
		unsigned objects = 0;

		assert(!frames[i].objects || frames[i].marks & FRAME_OBJECT);
		for (uint32_t at = 0; frames[i].objects && at < FLUKE_PAGE_SIZE; at += 32)
			if (frame_starts(&frames[i], at)) {
				objects++;
				check_object(phys_to_virt((i << FLUKE_PAGE_SHIFT) + at));
			}
		assert(objects == frames[i].objects);
	}
	if (!pending)
		pmap_each(check_entry);
	for (unsigned type = 1; type < FLUKE_TYPES; type++)
		assert(live[type] == object_live[type]);
}

#ifdef CHECK

#define CHECK_EVERY	5000	/* calls */

uint32_t __stack_chk_guard = 0x5bd1e995;
void	__stack_chk_fail(void);
void __stack_chk_fail(void) { panic("a kernel function wrote beyond its stack frame"); }

void check_gone(void *object, uint32_t size) { memset(object, 0xdb, size); }

static uint8_t noted[2 * 256 * 64];	/* errors, insanities; by call; by code */

void check_entered(struct thread *t) { t->made = (uint8_t)t->regs.eax; }

void check_again(struct thread *t)
{
	static uint32_t calls;

	if (!t->made)
		t->made = (uint8_t)t->regs.eax;
	if (++calls % CHECK_EVERY == 0)
		selftest();
}

void check_left(struct thread *t)
{
	static const uint8_t returns_error[256] = {
#define CALL(number, name, class, source, result, arguments) [number] = #result[0] == 'e',
#include <fluke/calls.def>
#undef CALL
	};

	if (t->made && t->regs.eip == FLUKE_ENTRY_RET)
		noted[t->made * 64 + (returns_error[t->made] ? t->regs.eax & 63 : 0)] = 1;
	if (t->regs.eip != FLUKE_ENTRY)
		t->made = 0;
}

void check_insane(struct thread *t, uint32_t code) { noted[(256 + t->made) * 64 + (code & 63)] = 1; }

void check_report(void)
{
	for (unsigned i = 0; i < sizeof noted; i++)
		if (noted[i])
			kprintf("pair %u %s %u\n", i / 64 % 256, i < sizeof noted / 2 ? "error" : "insanity", i % 64);
}

#endif
