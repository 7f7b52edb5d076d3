/* The part of the kernel's side that only a kernel built with PLACES=1 has: counts the visits of
 * each place by the test's subjects, and at one chosen visit makes the call stop there as the
 * chosen cause would, and wakes the watcher.  Invariant: between that moment and the watcher's
 * RELEASE no subject gets past a place; what it does then is what the kernel does at a fault or
 * at a preemption point, nothing else.  The requests are listed in tests/restart/places.h. */
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"
#include "port.h"
#include "vm.h"
#include "../tests/restart/places.h"

extern const struct place places_start[], places_end[];
#define PLACES_MAX	400u

static uint32_t visits[PLACES_MAX];
static struct link object[PLACES_OBJECTS];	/* watch port, spaces and regions of the subjects */
static struct { uint32_t place, visit, cause; } armed = { ~0u, 0, 0 };
static struct { uint32_t what, place, kind, thread, tsc; } fired;	/* what: PLACES_NOT, _SOON, _STOPPED */

static void *object_at(unsigned slot) { return link_target(&object[slot]); }

/* The entries of both subjects' spaces: all accesses fault softly. */
static void drop_entries(void)
{
	for (unsigned i = PLACES_SPACE; i < PLACES_SPACE + 2; i++) {
		struct space *s = object_at(i);
		uint32_t position = 0;
		int budget = 1 << 30;

		if (s)
			pmap_drop_range(s, 0, FLUKE_VM_MAX, &position, &budget);
	}
}

/* The regions through which they see anything lose their rights: all accesses fault hard. */
static void remove_memory(void)
{
	for (unsigned i = PLACES_REGION; i < PLACES_REGION + PLACES_REGIONS; i++) {
		struct region *r = object_at(i);

		if (!r || !r->prot)
			continue;
		r->prot = 0;
		vm_changes++;
		revoke_begin(&r->revoke, 0, 0, link_real(&r->space), r->start, r->size);
		while (!revoke_step(&r->revoke))
			;
	}
}

/* From here on nobody gets past a place until RELEASE. */
static void stop(void)
{
	struct object *port = object_at(PLACES_WATCH);

	fired.what = PLACES_STOPPED;
	fired.tsc = (uint32_t)clock_now();
	if (port)
		port_event(port, FLUKE_PENDING_IRQ);
}

static result_t unwind(const struct place *p, uint32_t va, unsigned access, result_t r)
{
	struct walk w;

	if (p->kind != PLACE_COPY && p->kind != PLACE_FIND)
		return RESTART;
	if (va) {
		current->fault.va = va;
		current->fault.access = access;
	}
	if (r == FAULT && va && va < FLUKE_VM_MAX && vm_walk(cpu()->loaded, va, access, ~0u, &w))
		return FAULT;
	if (current->regs.eip == FLUKE_ENTRY)
		current->attention |= ATTENTION_CALL;
	return RESTART;
}

static result_t fire(const struct place *p, uint32_t va, unsigned access)
{
	struct thread *t = current;
	uint32_t cause = armed.cause;

	fired.place = armed.place;
	fired.kind = p->kind;
	fired.thread = t->sched_val;
	armed.place = ~0u;
	if (p->kind == PLACE_PASS) {
		fired.what = PLACES_SOON;
		return OK;
	}
	if (cause == PLACES_SOFT)
		drop_entries();
	if (cause == PLACES_HARD && (va || p->kind == PLACE_TRY)) {
		remove_memory();
		fired.what = PLACES_SOON;	/* when the keeper is asked */
		return OK;
	}
	if (cause == PLACES_INTERRUPT) {
		t->flags |= FLUKE_THREAD_INTERRUPT_PENDING;
		thread_pending(t);
	}
	stop();
	return unwind(p, va, access, cause == PLACES_SOFT ? FAULT : RESTART);
}

result_t place_hook(const struct place *p, uint32_t va, unsigned access)
{
	uint32_t index = p - places_start;

	if (!current || current->sched_val >> 8 != PLACES_SUBJECT || index >= PLACES_MAX)
		return OK;
	if (fired.what == PLACES_SOON && (armed.cause != PLACES_HARD || p->kind == PLACE_WAIT)) {
		stop();
		return unwind(p, va, access, RESTART);
	}
	if (fired.what == PLACES_STOPPED)
		return unwind(p, va, access, RESTART);
	visits[index]++;
	if (index != armed.place || --armed.visit)
		return OK;
	return fire(p, va, access);
}

int place_request(unsigned method, const uint32_t *in, struct link **ref, unsigned refs, uint32_t *out)
{
	switch (method) {
	case PLACES_SET:
		if (in[0] >= PLACES_OBJECTS)
			return 22;
		link_set(&object[in[0]], refs ? link_target(ref[0]) : 0);
		return 0;
	case PLACES_ARM:
		armed.place = in[0], armed.visit = in[1], armed.cause = in[2];
		memset(&fired, 0, sizeof fired);
		memset(visits, 0, sizeof visits);
		return 0;
	case PLACES_FIRED:
		out[0] = fired.what, out[1] = fired.place, out[2] = fired.kind, out[3] = fired.thread, out[4] = fired.tsc;
		return 0;
	case PLACES_RELEASE:
		fired.what = PLACES_NOT;
		return 0;
	case PLACES_VISITS:
		out[0] = places_end - places_start;
		for (unsigned i = 1; i < 7; i++)
			out[i] = in[0] + i - 1 < PLACES_MAX ? visits[in[0] + i - 1] : 0;
		return 0;
	case PLACES_DROP:
		drop_entries();
		return 0;
	default:
		return 38;
	}
}
