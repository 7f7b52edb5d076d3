/* Spaces: birth and end of the record that mappings, regions, page tables and threads hang on.
 * A dead space is taken apart in the order in which nothing can come back: entries derived
 * through the regions over it, its tables, its tree of mappings; then the links to it, those
 * of its threads among them, which leaves these without a space to run in. */
#include "kernel.h"
#include "machine.h"
#include "mapping.h"
#include "mmu.h"

static void space_init(struct object *o) { pmap_space_init((struct space *)o); }

/* One step for the regions over a dead space; true when none is left. */
static int end_regions(struct space *s)
{
	struct region *r = s->regions;

	if (!r)
		return 1;
	if (!revoke_step(&r->revoke))
		return 0;
	if (r->ending) {
		region_unlist(r);
	} else {
		r->ending = 1;
		if (r->size && r->importers)
			revoke_begin(&r->revoke, 0, 0, &s->obj, r->start, r->size);
	}
	return 0;
}

static int space_destroy_step(struct object *o)
{
	struct space *s = (struct space *)o;

	if (cpu()->loaded == s) {
		if (cpu()->thread_loaded)
			cpu_forget(cpu()->thread_loaded);
		if (current)
			current->attention |= ATTENTION_DISPATCH;	/* perhaps it has no space now */
		pmap_switch(0);
	}
	if (!end_regions(s) || pmap_drop_table(s))
		return 0;
	for (int n = 0; n < 32; n++)
		if (!mapping_tree_take_apart(s)) {
			link_clear(&s->keeper);
			link_clear(&s->watcher);
			return 1;
		}
	return 0;
}

static void space_moved(struct object *old_object, struct object *o)
{
	struct space *old = (struct space *)old_object, *s = (struct space *)o;

	link_move(&old->keeper, &s->keeper);
	link_move(&old->watcher, &s->watcher);
	if (s->regions)
		s->regions->prev = &s->regions;
	pmap_space_moved(old, s);
}

const struct object_type space_type = {
	.name = "space", .size = sizeof(struct space), .init = space_init, .destroy_step = space_destroy_step,
	.moved = space_moved, .insanity = FLUKE_INSANITY_NOT_SPACE,
};

result_t sys_space_get_state(struct thread *t)
{
	fluke_space_state_t state;
	struct ref *keeper = 0;
	struct space *s;

	TRY(object_find(t->regs.ebx, FLUKE_TYPE_SPACE, FLUKE_PROT_OBJECT, (struct object **)&s));
	if (t->regs.edx)
		TRY(ref_find(t->regs.edx, &keeper));
	state.hash = s->obj.hash;
	if (t->regs.ecx)
		TRY(user_write(t->regs.ecx, &state, sizeof state));
	/* commit */
	if (keeper)
		link_set(&keeper->link, link_target(&s->keeper));
	t->regs.eax = 0;
	return OK;
}

result_t sys_space_set_state(struct thread *t)
{
	fluke_space_state_t state;
	struct ref *keeper;
	struct space *s;

	if (t->regs.ecx)
		TRY(user_read(&state, t->regs.ecx, sizeof state));	/* the hash in it is not set */
	TRY(object_find(t->regs.ebx, FLUKE_TYPE_SPACE, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, (struct object **)&s));
	TRY(ref_check(t->regs.edx, FLUKE_TYPE_PORT, FLUKE_INSANITY_NOT_PORT_REF, &keeper));
	/* commit */
	if (keeper)
		link_set(&s->keeper, link_target(&keeper->link));
	t->regs.eax = 0;
	return OK;
}
