/* Mappings: the import of part of a region into a space.  The mappings of a space are the nodes
 * of a treap in the space object: ordered by start, with a random priority that keeps it
 * balanced whatever the caller does.  No two overlap. */
#include "kernel.h"
#include "mapping.h"
#include "vm.h"

/* ---- the tree ---- */

struct mapping *mapping_find(struct space *s, uint32_t va)
{
	struct mapping *m = s->near[NEAR_PLACE(va)];

	if (!m || va - m->start >= m->size) {
		m = s->mappings;
		while (m && va - m->start >= m->size)
			m = va < m->start ? m->left : m->right;
		if (!m)
			return 0;
		s->near[NEAR_PLACE(va)] = m;
	}
	return s->last[va >> 31] = m;
}

void mapping_hole(const struct space *s, uint32_t va, uint32_t *before, uint32_t *after)
{
	for (const struct mapping *m = s->mappings; m;)
		if (va < m->start) {
			if (m->start - va < *after)
				*after = m->start - va;
			m = m->left;
		} else {
			if (va - m->start - m->size < *before)
				*before = va - m->start - m->size;
			m = m->right;
		}
}

static void tree_insert(struct space *s, struct mapping *m)
{
	static uint32_t random = 2463534242u;
	struct mapping **slot = &s->mappings, *rest, **left = &m->left, **right = &m->right;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	m->priority = random;
	while (*slot && (*slot)->priority >= m->priority)
		slot = m->start < (*slot)->start ? &(*slot)->left : &(*slot)->right;
	rest = *slot;
	*slot = m;
	while (rest)		/* what hung here is split by m's start */
		if (rest->start < m->start) {
			*left = rest;
			left = &rest->right;
			rest = rest->right;
		} else {
			*right = rest;
			right = &rest->left;
			rest = rest->left;
		}
	*left = *right = 0;
	m->in_tree = 1;
}

static struct mapping **tree_slot(struct space *s, const struct mapping *m, uint32_t start)
{
	struct mapping **slot = &s->mappings;

	while (*slot != m)
		slot = start < (*slot)->start ? &(*slot)->left : &(*slot)->right;
	return slot;
}

static void slot_remove(struct mapping **slot)
{
	struct mapping *m = *slot, *left = m->left, *right = m->right;

	while (left && right)
		if (left->priority >= right->priority) {
			*slot = left;
			slot = &left->right;
			left = left->right;
		} else {
			*slot = right;
			slot = &right->left;
			right = right->left;
		}
	*slot = left ? left : right;
	m->in_tree = 0;
}

static void last_replace(struct space *s, const struct mapping *old, struct mapping *m)
{
	for (int half = 0; half < 2; half++)
		if (s->last[half] == old)
			s->last[half] = m;
#pragma GCC unroll 8
	for (int place = 0; place < SPACE_NEAR; place++)
		if (s->near[place] == old)
			s->near[place] = m;
}

static void tree_remove(struct mapping *m)
{
	struct space *s = (struct space *)link_real(&m->space);

	if (!m->in_tree)
		return;
	slot_remove(tree_slot(s, m, m->start));
	last_replace(s, m, 0);
}

int mapping_tree_take_apart(struct space *s)
{
	if (!s->mappings)
		return 0;
	s->last[0] = s->last[1] = 0;
	__builtin_memset(s->near, 0, sizeof(s->near));
	slot_remove(&s->mappings);
	return 1;
}

/* The last mapping that begins below an address. */
static struct mapping *tree_below(const struct space *s, uint32_t va)
{
	struct mapping *m = s->mappings, *best = 0;

	while (m)
		if (m->start < va) {
			best = m;
			m = m->right;
		} else {
			m = m->left;
		}
	return best;
}

static int overlaps(const struct space *s, uint32_t start, uint32_t size, const struct mapping *self)
{
	struct mapping *m = tree_below(s, start + size);

	if (m == self && m)
		m = tree_below(s, m->start);
	return m && m->start + m->size > start;
}

/* ---- the type ---- */

static void use_region(struct mapping *m, struct object *region)
{
	struct object *old = link_real(&m->region);

	if (old)
		((struct region *)old)->importers--;
	if (region)
		((struct region *)region)->importers++;
	link_set(&m->region, region);
}

/* What the mapping shows now in [start, start + size) must go. */
static void begin_revoke(struct mapping *m, uint32_t start, uint32_t size)
{
	if (m->in_tree && size)
		revoke_begin(&m->revoke, (struct space *)link_real(&m->space), start, link_real(&m->region),
			m->offset + (start - m->start), size);
}

static int mapping_destroy_step(struct object *o)
{
	struct mapping *m = (struct mapping *)o;

	if (!revoke_step(&m->revoke))
		return 0;
	if (m->in_tree) {
		begin_revoke(m, m->start, m->size);
		tree_remove(m);
		return 0;
	}
	use_region(m, 0);
	link_clear(&m->space);
	return 1;
}

static void mapping_moved(struct object *old_object, struct object *o)
{
	struct mapping *old = (struct mapping *)old_object, *m = (struct mapping *)o;
	struct space *s = (struct space *)link_real(&m->space);

	if (m->in_tree) {
		*tree_slot(s, old, m->start) = m;
		last_replace(s, old, m);
	}
	link_move(&old->region, &m->region);
	link_move(&old->space, &m->space);
	revoke_moved(&old->revoke, &m->revoke);
}

const struct object_type mapping_type = {
	.name = "mapping", .size = sizeof(struct mapping), .destroy_step = mapping_destroy_step,
	.moved = mapping_moved, .insanity = FLUKE_INSANITY_NOT_MAPPING,
};

/* The same view through a larger or smaller window: only what is cut off goes, and the place in
 * the tree stays, since the window has no neighbour between its old and its new ends. */
static void resize(struct mapping *m, uint32_t start, uint32_t end)
{
	uint32_t old_end = m->start + m->size;

	if (m->start < start && end < old_end)
		begin_revoke(m, m->start, m->size);
	else if (m->start < start)
		begin_revoke(m, m->start, start - m->start);
	else if (end < old_end)
		begin_revoke(m, end, old_end - end);
}

/* The new state, valid at once; what the old one showed is pending in m->revoke. */
static void mapping_commit(struct mapping *m, const fluke_mapping_state_t *state, struct object *region, struct object *space)
{
	uint32_t start = state->start_va, end = start + state->size;
	int same_view = m->in_tree && state->size && space == link_target(&m->space) && region == link_target(&m->region) &&
		state->region_off - start == m->offset - m->start && start < m->start + m->size && m->start < end;

	vm_changes++;
	if (same_view && !(m->prot & ~state->prot))
		resize(m, start, end);
	else
		begin_revoke(m, m->start, m->size);
	if (!same_view)
		tree_remove(m);
	m->start = start;
	m->size = state->size;
	m->offset = state->region_off;
	m->prot = state->prot;
	if (same_view)
		return;
	if (region != link_target(&m->region) || !region)
		use_region(m, region);
	link_set(&m->space, space);
	if (space && m->size)
		tree_insert((struct space *)space, m);
}

void mapping_boot(struct mapping *m, struct space *space, struct region *region, uint32_t offset, uint32_t va,
	uint32_t size, unsigned prot)
{
	fluke_mapping_state_t state = { 0, offset, va, size, prot };

	mapping_commit(m, &state, &region->obj, &space->obj);
}

/* ---- calls ---- */

static inline result_t mapping_find_object(uint32_t va, unsigned access, struct mapping **m)
{
	TRY(PLACE(FIND, va, access));
	*m = (struct mapping *)object_looked_up(cpu()->loaded, va, FLUKE_TYPE_MAPPING);
	return *m ? OK : (object_find)(va, FLUKE_TYPE_MAPPING, access, (struct object **)m);
}

result_t sys_mapping_get_state(struct thread *t)
{
	fluke_mapping_state_t state;
	struct mapping *m;

	TRY(mapping_find_object(t->regs.ebx, FLUKE_PROT_OBJECT, &m));
	state = (fluke_mapping_state_t){ m->obj.hash, m->offset, m->start, m->size, m->prot };
	return view_give(t, &state, sizeof state, link_target(&m->region), link_target(&m->space));
}

static result_t check_state(const struct mapping *m, const fluke_mapping_state_t *state, const struct object *space)
{
	TRY(view_check(state->start_va | state->size | state->region_off, state->prot));
	if (!state->size)
		return OK;
	if (state->start_va < FLUKE_VM_MIN || state->start_va >= FLUKE_VM_MAX || state->size > FLUKE_VM_MAX - state->start_va)
		return INSANE(INVALID_ADDRESS);
	if (state->region_off + state->size < state->size && state->region_off + state->size)
		return INSANE(INVALID_ADDRESS);
	return space && overlaps((const struct space *)space, state->start_va, state->size, m) ? INSANE(ADDRESS_OVERLAP) : OK;
}

/* resumes as: the same call, which finishes the revoke and then changes nothing. */
result_t sys_mapping_set_state(struct thread *t)
{
	fluke_mapping_state_t state;
	struct ref *region = 0, *space = 0;
	struct mapping *m;
	struct object *from, *to;

	if (t->regs.ecx)
		TRY(user_read(&state, t->regs.ecx, sizeof state));
	TRY(mapping_find_object(t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &m));
	TRY(revoke_finish(&m->revoke));
	if (!t->regs.ecx)
		state = (fluke_mapping_state_t){ m->obj.hash, m->offset, m->start, m->size, m->prot };
	if (t->regs.edx)
		TRY(ref_check(t->regs.edx, FLUKE_TYPE_REGION, FLUKE_INSANITY_NOT_REGION_REF, &region));
	if (t->regs.esi)
		TRY(ref_check(t->regs.esi, FLUKE_TYPE_SPACE, FLUKE_INSANITY_NOT_SPACE_REF, &space));
	from = region ? link_target(&region->link) : link_target(&m->region);
	to = space ? link_target(&space->link) : link_target(&m->space);
	TRY(check_state(m, &state, to));
	/* commit */
	mapping_commit(m, &state, from, to);
	TRY(revoke_finish(&m->revoke));
	t->regs.eax = 0;
	return OK;
}

result_t sys_mapping_protect(struct thread *t)
{
	struct mapping *m;
	uint32_t prot = t->regs.ecx;

	TRY(mapping_find_object(t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &m));
	TRY(revoke_finish(&m->revoke));
	if (prot & ~FLUKE_PROT_ALL)
		return INSANE(INVALID_PROT);
	/* commit */
	if (m->prot & ~prot)
		begin_revoke(m, m->start, m->size);
	vm_changes++;
	m->prot = prot;
	TRY(revoke_finish(&m->revoke));
	t->regs.eax = 0;
	return OK;
}
