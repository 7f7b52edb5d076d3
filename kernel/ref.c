/* References: one link each.  Nothing else is in them, and nothing can point at them. */
#include "kernel.h"

const struct object_type ref_type = {
	.name = "ref", .size = sizeof(struct ref), .insanity = FLUKE_INSANITY_NOT_REF,
};
_Static_assert(sizeof(struct ref) == sizeof(fluke_ref_t), "ref size is ABI");

/* The ref that was found there before; else null. */
static inline struct ref *quick_ref(uint32_t va)
{
	return (struct ref *)object_looked_up(cpu()->loaded, va, FLUKE_TYPE_REF);
}

result_t (ref_find)(uint32_t va, struct ref **ref)
{
	if ((*ref = quick_ref(va)))
		return OK;
	return (object_find)(va, FLUKE_TYPE_REF, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, (struct object **)ref);
}

result_t (ref_find_in)(struct space *s, uint32_t va, struct ref **ref)
{
	return (object_find_in)(s, va, FLUKE_TYPE_REF, FLUKE_PROT_OBJECT | FLUKE_PROT_WRITE, (struct object **)ref);
}

static result_t find_to_read(uint32_t va, struct ref **ref)
{
	return (object_find)(va, FLUKE_TYPE_REF, FLUKE_PROT_OBJECT, (struct object **)ref);
}
#define ref_find_to_read(va, ref) PLACED(FIND, va, FLUKE_PROT_OBJECT, find_to_read(va, ref))

result_t (ref_check)(uint32_t va, unsigned type, unsigned not_ref, struct ref **ref)
{
	struct object *target;

	*ref = 0;
	if (!va)
		return OK;
	*ref = quick_ref(va);
	if (!*ref)
		TRY(find_to_read(va, ref));
	target = (*ref)->link.target;
	if (!target || target->word == OBJECT_WORD(type))
		return OK;
	target = link_target(&(*ref)->link);
	return !target || object_type(target) == type ? OK : INSANE_CODE(not_ref);
}

result_t sys_ref_copy(struct thread *t)
{
	struct ref *from, *to;

	TRY(ref_find_to_read(t->regs.ebx, &from));
	TRY(ref_find(t->regs.ecx, &to));
	link_set(&to->link, link_target(&from->link));
	t->regs.eax = 0;
	return OK;
}

result_t sys_ref_clear(struct thread *t)
{
	struct ref *ref;

	TRY(ref_find(t->regs.ebx, &ref));
	link_clear(&ref->link);
	t->regs.eax = 0;
	return OK;
}

result_t sys_ref_compare(struct thread *t)
{
	struct ref *a, *b;

	TRY(ref_find_to_read(t->regs.ebx, &a));
	TRY(ref_find_to_read(t->regs.ecx, &b));
	t->regs.eax = link_target(&a->link) == link_target(&b->link);
	return OK;
}

result_t sys_ref_hash(struct thread *t)
{
	struct ref *ref;
	struct object *target;

	TRY(ref_find_to_read(t->regs.ebx, &ref));
	target = link_target(&ref->link);
	t->regs.eax = target ? target->hash : 0;
	return OK;
}

result_t sys_ref_type(struct thread *t)
{
	struct ref *ref;
	struct object *target;

	TRY(ref_find_to_read(t->regs.ebx, &ref));
	target = link_target(&ref->link);
	t->regs.eax = target ? object_type(target) : FLUKE_NULL;
	return OK;
}
