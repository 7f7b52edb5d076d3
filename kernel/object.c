/* Objects: look-up by user address, links, and what all types share: create, destroy, move,
 * reference.  What ends or moves an object is done in bounded steps that anybody who comes to
 * its address goes on with; until the last step the address keeps its start bit, with the
 * word DEAD or FORWARD.  The state behind the header belongs to each type's own file. */
#include "kernel.h"
#include "machine.h"
#include "mmu.h"
#include "selftest.h"

#define STEP	32		/* links taken apart or rewritten at a time */

const struct object_type *const object_types[FLUKE_TYPES] = {
	[FLUKE_TYPE_MUTEX] = &mutex_type, [FLUKE_TYPE_COND] = &cond_type, [FLUKE_TYPE_MAPPING] = &mapping_type,
	[FLUKE_TYPE_REGION] = &region_type, [FLUKE_TYPE_PORT] = &port_type, [FLUKE_TYPE_PORTSET] = &portset_type,
	[FLUKE_TYPE_SPACE] = &space_type, [FLUKE_TYPE_THREAD] = &thread_type, [FLUKE_TYPE_REF] = &ref_type,
};
uint32_t object_live[FLUKE_TYPES];
static integer_t hash_counter;

static inline int is_dead(const struct object *o) { return (o->word & ~0xfu) == OBJECT_DEAD; }
static inline int is_forward(const struct object *o) { return o->word >= KERNEL_BASE; }
static inline struct object *forward_of(const struct object *o) { return (struct object *)(o->word & ~OBJECT_FORWARD); }

/* ---- the cache of look-ups ---- */

/* The last look-ups, by address.  All hold only while object_generation stands: it moves on when
 * an entry of an object page goes or such a page becomes plain memory.  Only objects that may be
 * both used and changed through their address are kept, so that rights need no test.  The place
 * in its page chooses the row, the same for every address of an object, page and space the way. */
struct look_up looked_up[LOOK_UP_WAYS * LOOK_UP_ROWS];
uint32_t object_generation = 1;

static inline void look_up_forget(const struct object *o)
{
	struct look_up *l = &looked_up[(uint32_t)o >> 5 & (LOOK_UP_ROWS - 1)];

#pragma GCC unroll 8
	for (unsigned way = 0; way < LOOK_UP_WAYS; way++)
		if (l[way * LOOK_UP_ROWS].object == o)
			l[way * LOOK_UP_ROWS].va = ~0u;
}

/* ---- frames and start bits ---- */

static inline struct frame *object_frame(const struct object *o) { return frame_of(virt_to_phys(o)); }

static unsigned size_there(const struct object *o)
{
	unsigned type = is_forward(o) ? (unsigned)o->hash : o->word & 0xf;

	return object_types[type]->size;
}

static void start_set(struct object *o)
{
	uint32_t phys = virt_to_phys(o);

	frame_of(phys)->start[phys >> 10 & 3] |= 1u << (phys >> 5 & 31);
	frame_of(phys)->objects++;
}

static void start_clear(struct object *o)
{
	uint32_t phys = virt_to_phys(o);

	check_gone(o, size_there(o));
	o->word = 0;
	look_up_forget(o);
	frame_of(phys)->start[phys >> 10 & 3] &= ~(1u << (phys >> 5 & 31));
	frame_of(phys)->objects--;
}

/* The first thing with a start bit that overlaps [o, o + size), or null.  No object crosses a
 * multiple of 1024 bytes, which one word of start bits covers; what begins nearest below may
 * reach into the place. */
static struct object *overlap(struct object *o, unsigned size)
{
	uint32_t at = (uint32_t)o, block = at & ~1023u, first = at >> 5 & 31;
	uint32_t starts = object_frame(o)->start[at >> 10 & 3], inside = starts >> first, below = starts & ((1u << first) - 1);
	struct object *near;

	if (size < 1024)
		inside &= (1u << size / 32) - 1;
	if (inside)
		return (struct object *)(at + 32 * (uint32_t)__builtin_ctz(inside));
	if (!below)
		return 0;
	near = (struct object *)(block + 32 * (31 - (uint32_t)__builtin_clz(below)));
	return (uint32_t)near + size_there(near) > at ? near : 0;
}

/* ---- look-up ---- */

static result_t object_fault(struct space *s, uint32_t va, unsigned access, int note)
{
	if (!s || va >= FLUKE_VM_MAX || va & 31)
		return INSANE(INVALID_OBJECT);
	if (fault_soft(s, va, access) == OK)
		return OK;
	if (note) {
		current->fault.va = va;
		current->fault.access = access;
	}
	return FAULT;
}

#define NEED(access)	((access) & FLUKE_PROT_WRITE ? PTE_OBJECT | PTE_WRITE : PTE_OBJECT)

/* What lies at va: *found = its place in the direct map, null when no object can be there. */
static result_t locate(struct space *s, uint32_t va, unsigned access, int note, struct object **found)
{
	uint32_t need = NEED(access), *e = 0;

	if (va < FLUKE_VM_MAX && !(va & 31) && s)
		e = pmap_entry(s, va);
	if (!e || (*e & need) != need) {
		TRY(object_fault(s, va, access, note));
		e = pmap_entry(s, va);
	}
	*found = 0;
	if (e && *e & PTE_MARK)
		*found = phys_to_virt((*e & PTE_FRAME) | (va & (FLUKE_PAGE_SIZE - 1)));
	if (*found && !frame_starts(object_frame(*found), (uint32_t)*found))
		*found = 0;
	return OK;
}

static result_t mismatch(const struct object *o, unsigned type)
{
	return INSANE_CODE(o && object_type(o) != FLUKE_NULL ? object_types[type]->insanity : FLUKE_INSANITY_NO_OBJECT);
}

static result_t find_slowly(struct space *s, uint32_t va, unsigned type, unsigned access, int note, struct object **found)
{
	TRY(locate(s, va, access, note, found));
	return *found && (*found)->word == OBJECT_WORD(type) ? OK : mismatch(*found, type);
}

void object_generation_wrapped(void)
{
	memset(looked_up, 0, sizeof looked_up);
	object_generation = 1;
	each_thread(thread_forget);
}

static result_t __attribute__((noinline)) find_and_keep(struct space *s, uint32_t va, unsigned type, unsigned access,
	struct object **found)
{
	const uint32_t *e;

	TRY(find_slowly(s, va, type, access, s == cpu()->loaded, found));
	e = pmap_entry(s, va);
	if ((*e & (PTE_OBJECT | PTE_WRITE)) == (PTE_OBJECT | PTE_WRITE))
		*look_up_slot(s, va) = (struct look_up){ va, s, object_generation, *found };
	return OK;
}

/* The hot path of every call. */
result_t (object_find_in)(struct space *s, uint32_t va, unsigned type, unsigned access, struct object **found)
{
	const struct look_up *l = look_up_slot(s, va);

	if (l->va == va && l->space == s && l->generation == object_generation && l->object->word == OBJECT_WORD(type)) {
		*found = l->object;
		return OK;
	}
	return find_and_keep(s, va, type, access, found);
}

result_t (object_find)(uint32_t va, unsigned type, unsigned access, struct object **found)
{
	const struct look_up *l = look_up_slot(cpu()->loaded, va);

	if (l->va == va && l->space == cpu()->loaded && l->generation == object_generation &&
	    l->object->word == OBJECT_WORD(type)) {
		*found = l->object;
		return OK;
	}
	return find_and_keep(cpu()->loaded, va, type, access, found);
}

/* What is at va, any type, from the cache if possible. */
static inline result_t locate_any(struct space *s, uint32_t va, unsigned access, int note, struct object **found)
{
	const struct look_up *l = look_up_slot(s, va);

	if (l->va == va && l->space == s && l->generation == object_generation) {
		*found = l->object;
		return OK;
	}
	TRY(locate(s, va, access, note, found));
	if (*found && (*pmap_entry(s, va) & (PTE_OBJECT | PTE_WRITE)) == (PTE_OBJECT | PTE_WRITE))
		*look_up_slot(s, va) = (struct look_up){ va, s, object_generation, *found };
	return OK;
}

static result_t find_or_ref(struct space *s, uint32_t va, unsigned type, int note, struct object **found)
{
	struct object *o;
	unsigned there;

	TRY(locate_any(s, va, FLUKE_PROT_OBJECT, note, &o));
	there = o ? object_type(o) : FLUKE_NULL;
	if (there == FLUKE_TYPE_REF) {
		o = link_target(&((struct ref *)o)->link);
		*found = o && (type == FLUKE_NULL || object_type(o) == type) ? o : 0;
		return OK;
	}
	if (there == FLUKE_NULL)
		return INSANE(NO_OBJECT);
	if (type != FLUKE_NULL && there != type)
		return INSANE_CODE(object_types[type]->insanity);
	*found = o;
	return OK;
}

result_t (object_find_or_ref)(uint32_t va, unsigned type, struct object **found)
{
	return find_or_ref(cpu()->loaded, va, type, 1, found);
}

result_t (object_find_or_ref_in)(struct space *s, uint32_t va, unsigned type, struct object **found)
{
	return find_or_ref(s, va, type, 0, found);
}

/* ---- links ---- */

/* The object whose list a link is in: dead ones too. */
struct object *link_real(const struct link *link)
{
	struct object *o = link->target;

	while (o && is_forward(o))
		o = forward_of(o);
	return o;
}

void link_clear(struct link *link)
{
	struct object *o = link->target;

	if (!o)
		return;
	for (; is_forward(o); o = forward_of(o))
		if (o->links == link)		/* next to be rewritten */
			o->links = link->next;
	if (link->prev)
		link->prev->next = link->next;
	else
		o->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	link->target = 0;
	if (!o->links && o->word == OBJECT_WORD(FLUKE_TYPE_PORT))
		port_norefs_changed(o, 1);
}

void link_set(struct link *link, struct object *target)
{
	if (link->target) {
		if (link->target == target)
			return;
		link_clear(link);
	}
	if (!target)
		return;
	link->target = target;
	link->prev = 0;
	link->next = target->links;
	if (target->links)
		target->links->prev = link;
	else if (target->word == OBJECT_WORD(FLUKE_TYPE_PORT))
		port_norefs_changed(target, 0);
	target->links = link;
}

void link_move(struct link *from, struct link *to)
{
	struct object *o = to->target;

	if (!o)
		return;
	for (; is_forward(o); o = forward_of(o))
		if (o->links == from)
			o->links = to;
	if (to->prev)
		to->prev->next = to;
	else
		o->links = to;
	if (to->next)
		to->next->prev = to;
}

/* ---- ending and moving, step by step ---- */

/* Rewrites links to an address that was moved from; true when done. */
static int forward_step(struct object *old)
{
	struct object *o = forward_of(old);
	const struct object_type *type = object_types[old->hash];

	if (type->moved_step && !type->moved_step(old, o))
		return 0;
	for (int n = 0; old->links && n < STEP; n++) {
		struct link *link = old->links;

		link->target = o;
		old->links = link->next;
	}
	if (old->links)
		return 0;
	o->from = 0;
	start_clear(old);
	return 1;
}

static int links_step(struct object *o)
{
	for (int n = 0; o->links && n < STEP; n++) {
		struct link *link = o->links;

		o->links = link->next;
		if (link->next)
			link->next->prev = 0;
		link->target = 0;
	}
	return !o->links;
}

int object_destroy_step(struct object *o)
{
	unsigned type = o->word & 0xf;

	if (is_forward(o))
		return forward_step(o);
	if (!is_dead(o)) {
		object_live[type]--;
		if (type == FLUKE_TYPE_REF) {
			link_clear(&((struct ref *)o)->link);
			start_clear(o);
			return 1;
		}
		if (o->from) {
			object_live[type]++;
			forward_step(o->from);
			return 0;
		}
		o->word = OBJECT_DEAD | type;
	}
	if (!object_types[type]->destroy_step(o) || !links_step(o))
		return 0;
	start_clear(o);
	return 1;
}

/* Goes on until the place is free, or something more urgent waits. */
result_t object_end(struct object *o)
{
	while (!object_destroy_step(o))
		if (cpu_poll()) {
			current->attention |= ATTENTION_CALL;
			return RESTART;
		}
	return OK;
}

/* ---- create ---- */

#define NO_RECORD	0xffu		/* place_find: device memory */

/* The place of a new object: rights, alignment, the page made an object page, nothing active in the way. */
static result_t place_find(uint32_t va, unsigned size, struct object **place)
{
	uint32_t need = PTE_OBJECT | PTE_WRITE, *e = 0;
	struct object *o;

	if (va & (size - 1))
		return INSANE(NOT_ALIGNED);
	TRY(PLACE(FIND, va, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE));
	for (;;) {
		int budget = 20;

		if (va < FLUKE_VM_MAX && cpu()->loaded)
			e = pmap_entry(cpu()->loaded, va);
		if (!e || (*e & need) != need) {
			TRY(object_fault(cpu()->loaded, va, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, 1));
			e = pmap_entry(cpu()->loaded, va);
		}
		if (*e & PTE_UNCHAINED)
			return NO_RECORD;
		*place = phys_to_virt((*e & PTE_FRAME) | (va & (FLUKE_PAGE_SIZE - 1)));
		if (*e & PTE_MARK && object_frame(*place)->marks & FRAME_OBJECT)
			break;
		if (!frame_hide(object_frame(*place), &budget) && cpu_poll()) {
			current->attention |= ATTENTION_CALL;
			return RESTART;
		}
	}
	while ((o = overlap(*place, size))) {
		if (object_type(o) != FLUKE_NULL)
			return INSANE(OBJECT_EXISTS);
		TRY(object_end(o));
	}
	return OK;
}

static void object_make(struct object *o, unsigned type, integer_t hash)
{
	const struct object_type *ops = object_types[type];

	memset(o, 0, type == FLUKE_TYPE_THREAD ? offsetof(struct thread, fault) : ops->size);
	o->word = OBJECT_WORD(type);
	if (type != FLUKE_TYPE_REF)
		o->hash = hash ? hash : ++hash_counter ? hash_counter : ++hash_counter;
	start_set(o);
	object_live[type]++;
	if (ops->init)
		ops->init(o);
}

void object_boot(void *address, unsigned type)
{
	int budget = 1;

	frame_hide(object_frame(address), &budget);
	object_make(address, type, 0);
}

/* give_hash: create_hash, which returns it in esi; a plain create leaves esi to its caller. */
static result_t create(struct thread *t, unsigned type, integer_t hash, int give_hash)
{
	struct object *o;
	result_t r = place_find(t->regs.ebx, object_types[type]->size, &o);

	if (r == NO_RECORD) {
		t->regs.eax = FLUKE_NO_MEMORY;
		return OK;
	}
	TRY(r);
	/* commit */
	object_make(o, type, hash);
	*look_up_slot(cpu()->loaded, t->regs.ebx) = (struct look_up){ t->regs.ebx, cpu()->loaded, object_generation, o };
	t->regs.eax = FLUKE_SUCCESS;
	if (give_hash)
		t->regs.esi = o->hash;
	return OK;
}

/* ---- destroy, move, reference ---- */

static inline int begun(const struct thread *t) { return t->regs.eax & FLUKE_CALL_BEGUN; }

static result_t done(struct thread *t)
{
	t->regs.eax = 0;
	return OK;
}

/* The rest of a destroy or move that is committed: whoever finds nothing of it any more, be it that
 * another thread or another life of the object came between, is done. */
static result_t end_of(struct thread *t, struct object *o)
{
	result_t r = object_end(o);

	if (r == OK)
		return done(t);
	if (object_type(o) == FLUKE_NULL)
		t->regs.eax |= FLUKE_CALL_BEGUN;
	return r;
}

static result_t destroy(struct thread *t, unsigned type)
{
	struct object *o;

	TRY(PLACE(FIND, t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE));
	TRY(locate_any(cpu()->loaded, t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, 1, &o));
	if (begun(t) && (!o || !is_dead(o)))
		return done(t);
	if (o && is_forward(o)) {
		TRY(object_end(o));
		return INSANE(NO_OBJECT);
	}
	if (!o || (o->word != OBJECT_WORD(type) && !is_dead(o)))
		return mismatch(o, type);
	if (o == &t->obj)
		return INSANE(CURRENT_THREAD);
	/* commit; resumes as: the same call with CALL_BEGUN, once the word is DEAD */
	return end_of(t, o);
}

static void move_commit(struct object *old, struct object *o, unsigned type)
{
	memcpy(o, old, object_types[type]->size);
	start_set(o);
	if (type == FLUKE_TYPE_REF) {
		link_move(&((struct ref *)old)->link, &((struct ref *)o)->link);
		start_clear(old);
		return;
	}
	o->from = old;
	old->word = (uint32_t)o | OBJECT_FORWARD;
	old->hash = type;		/* old->links: all are still to be rewritten */
	object_types[type]->moved(old, o);
}

static result_t move(struct thread *t, unsigned type)
{
	struct object *old, *o;
	result_t r;

	TRY(PLACE(FIND, t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE));
	TRY(locate(cpu()->loaded, t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, 1, &old));
	if (old && is_forward(old)) {
		if (begun(t))
			return end_of(t, old);
		TRY(object_end(old));
		return INSANE(NO_OBJECT);
	}
	if (begun(t))
		return done(t);
	if (!old || old->word != OBJECT_WORD(type))
		return mismatch(old, type);
	if (old == &t->obj)
		return INSANE(CURRENT_THREAD);
	if (type != FLUKE_TYPE_REF && old->from)
		TRY(object_end(old->from));
	r = place_find(t->regs.ecx, object_types[type]->size, &o);
	if (r == NO_RECORD)
		return INSANE(INVALID_OBJECT);
	TRY(r);
	/* commit; resumes as: the same call with CALL_BEGUN */
	move_commit(old, o, type);
	return type == FLUKE_TYPE_REF ? done(t) : end_of(t, old);
}

static result_t reference(struct thread *t, unsigned type)
{
	struct object *o;
	struct ref *ref;

	TRY(object_find(t->regs.ebx, type, FLUKE_PROT_OBJECT, &o));
	TRY(ref_find(t->regs.ecx, &ref));
	link_set(&ref->link, o);
	t->regs.eax = 0;
	return OK;
}

#define COMMON_CALLS(name, TYPE) \
	result_t sys_##name##_create(struct thread *t) { return create(t, TYPE, 0, 0); } \
	result_t sys_##name##_destroy(struct thread *t) { return destroy(t, TYPE); } \
	result_t sys_##name##_move(struct thread *t) { return move(t, TYPE); }
#define OBJECT_CALLS(name, TYPE) \
	COMMON_CALLS(name, TYPE) \
	result_t sys_##name##_create_hash(struct thread *t) { return create(t, TYPE, t->regs.esi, 1); } \
	result_t sys_##name##_reference(struct thread *t) { return reference(t, TYPE); }

OBJECT_CALLS(mutex, FLUKE_TYPE_MUTEX)
OBJECT_CALLS(cond, FLUKE_TYPE_COND)
OBJECT_CALLS(mapping, FLUKE_TYPE_MAPPING)
OBJECT_CALLS(region, FLUKE_TYPE_REGION)
OBJECT_CALLS(port, FLUKE_TYPE_PORT)
OBJECT_CALLS(portset, FLUKE_TYPE_PORTSET)
OBJECT_CALLS(space, FLUKE_TYPE_SPACE)
OBJECT_CALLS(thread, FLUKE_TYPE_THREAD)
COMMON_CALLS(ref, FLUKE_TYPE_REF)

void each_thread(void (*visit)(struct thread *t))
{
	for (uint32_t i = 0; i < frame_count; i++)
		for (uint32_t at = 0; frames[i].objects && at < FLUKE_PAGE_SIZE; at += sizeof(fluke_thread_t)) {
			struct object *o = phys_to_virt((i << FLUKE_PAGE_SHIFT) + at);

			if (frame_starts(&frames[i], at) && o->word == OBJECT_WORD(FLUKE_TYPE_THREAD))
				visit((struct thread *)o);
		}
}
