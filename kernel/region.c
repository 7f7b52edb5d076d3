/* Regions: a window exported from a space, its keeper, and its place in the list of all regions
 * over that space.  region_search.c has the calls that go through a region's memory. */
#include "kernel.h"
#include "mapping.h"
#include "vm.h"

static void region_list(struct region *r, struct space *s)
{
	r->next = s->regions;
	r->prev = &s->regions;
	if (r->next)
		r->next->prev = &r->next;
	s->regions = r;
}

void region_unlist(struct region *r)
{
	if (!r->prev)
		return;
	*r->prev = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = 0;
	r->ending = 0;
}

void region_boot(struct region *r, uint32_t size)
{
	r->size = size;
	r->prot = FLUKE_PROT_ALL;
	link_set(&r->space, &kernel_space.obj);
	region_list(r, &kernel_space);
}

/* What is derived from the region as it is now, from this offset on, must go. */
static void begin_revoke(struct region *r, uint32_t offset)
{
	struct object *space = link_real(&r->space);

	if (space && r->size > offset && r->importers)
		revoke_begin(&r->revoke, 0, 0, space, r->start + offset, r->size - offset);
}

static int region_destroy_step(struct object *o)
{
	struct region *r = (struct region *)o;

	if (!revoke_step(&r->revoke))
		return 0;
	if (r->size) {
		begin_revoke(r, 0);
		r->size = 0;
		return 0;
	}
	region_unlist(r);
	link_clear(&r->space);
	link_clear(&r->keeper);
	return 1;
}

static void region_moved(struct object *old_object, struct object *o)
{
	struct region *old = (struct region *)old_object, *r = (struct region *)o;

	link_move(&old->space, &r->space);
	link_move(&old->keeper, &r->keeper);
	revoke_moved(&old->revoke, &r->revoke);
	if (!r->prev)		/* in no list; next is stale */
		return;
	*r->prev = r;
	if (r->next)
		r->next->prev = &r->next;
}

const struct object_type region_type = {
	.name = "region", .size = sizeof(struct region), .destroy_step = region_destroy_step,
	.moved = region_moved, .insanity = FLUKE_INSANITY_NOT_REGION,
};

static result_t region_find(uint32_t va, unsigned access, struct region **r)
{
	return object_find(va, FLUKE_TYPE_REGION, access, (struct object **)r);
}

result_t view_give(struct thread *t, const void *state, uint32_t bytes, struct object *first, struct object *second)
{
	struct ref *to_first = 0, *to_second = 0;

	if (t->regs.edx)
		TRY(ref_find(t->regs.edx, &to_first));
	if (t->regs.esi)
		TRY(ref_find(t->regs.esi, &to_second));
	if (t->regs.ecx)
		TRY(user_write(t->regs.ecx, state, bytes));
	/* commit */
	if (to_first)
		link_set(&to_first->link, first);
	if (to_second)
		link_set(&to_second->link, second);
	t->regs.eax = 0;
	return OK;
}

result_t sys_region_get_state(struct thread *t)
{
	fluke_region_state_t state;
	struct region *r;

	TRY(region_find(t->regs.ebx, FLUKE_PROT_OBJECT, &r));
	state = (fluke_region_state_t){ r->obj.hash, r->start, r->size, r->prot };
	return view_give(t, &state, sizeof state, r->space.target == &kernel_space.obj ? 0 : link_target(&r->space),
		link_target(&r->keeper));
}

static result_t check_state(const struct region *r, const fluke_region_state_t *state, int of_kernel)
{
	TRY(view_check(state->start_va | state->size, state->prot));
	if (of_kernel)		/* physical memory: never more than it was */
		return state->start_va >= r->start && state->start_va <= r->start + r->size &&
			state->size <= r->start + r->size - state->start_va ? OK : INSANE(INVALID_ADDRESS);
	return state->start_va <= FLUKE_VM_MAX && state->size <= FLUKE_VM_MAX - state->start_va ? OK : INSANE(INVALID_ADDRESS);
}

static void region_commit(struct region *r, const fluke_region_state_t *state, struct object *space)
{
	struct object *old = link_target(&r->space);

	if (space != old || state->start_va != r->start || r->prot & ~state->prot)
		begin_revoke(r, 0);
	else
		begin_revoke(r, state->size);
	vm_changes++;
	r->start = state->start_va;
	r->size = state->size;
	r->prot = state->prot;
	if (space == old)
		return;
	region_unlist(r);
	link_set(&r->space, space);
	if (space)
		region_list(r, (struct space *)space);
}

/* resumes as: the same call, which finishes the revoke and then changes nothing. */
result_t sys_region_set_state(struct thread *t)
{
	fluke_region_state_t state;
	struct ref *space, *keeper;
	struct region *r;
	struct object *to;

	if (t->regs.ecx)
		TRY(user_read(&state, t->regs.ecx, sizeof state));
	TRY(region_find(t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &r));
	TRY(revoke_finish(&r->revoke));
	if (!t->regs.ecx)
		state = (fluke_region_state_t){ r->obj.hash, r->start, r->size, r->prot };
	TRY(ref_check(t->regs.edx, FLUKE_TYPE_SPACE, FLUKE_INSANITY_NOT_SPACE_REF, &space));
	TRY(ref_check(t->regs.esi, FLUKE_TYPE_PORT, FLUKE_INSANITY_NOT_PORT_REF, &keeper));
	to = space ? link_target(&space->link) : link_target(&r->space);
	TRY(check_state(r, &state, to == &kernel_space.obj));
	/* commit */
	if (keeper)
		link_set(&r->keeper, link_target(&keeper->link));
	region_commit(r, &state, to);
	TRY(revoke_finish(&r->revoke));
	t->regs.eax = 0;
	return OK;
}

result_t sys_region_protect(struct thread *t)
{
	struct region *r;
	uint32_t prot = t->regs.ecx;

	TRY(region_find(t->regs.ebx, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, &r));
	TRY(revoke_finish(&r->revoke));
	if (prot & ~FLUKE_PROT_ALL)
		return INSANE(INVALID_PROT);
	/* commit */
	if (r->prot & ~prot)
		begin_revoke(r, 0);
	vm_changes++;
	r->prot = prot;
	TRY(revoke_finish(&r->revoke));
	t->regs.eax = 0;
	return OK;
}
