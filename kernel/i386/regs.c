/* The i386 part of a thread's state, in and out: what user code may set of flags and selectors. */
#include "machine_local.h"

/* From min_msg to tls_base, which lie in a thread as in its state: copied at once. */
#define BLOCK(type) (offsetof(type, tls_base) - offsetof(type, min_msg))
#define IN_ORDER(here, there) \
	_Static_assert(offsetof(struct thread, here) - offsetof(struct thread, min_msg) == \
		offsetof(struct fluke_i386_state, there) - offsetof(struct fluke_i386_state, min_msg), "in the order of the state")
IN_ORDER(min_msg_words, min_msg_words);
IN_ORDER(handler, trap_handler);
IN_ORDER(syscall_handler, syscall_handler);
IN_ORDER(saved_eax, saved_eax);
IN_ORDER(saved_eflags, saved_eflags);
IN_ORDER(server_portset, server_portset);
IN_ORDER(server_eip, server_oneway_eip);
IN_ORDER(tls_base, tls_base);
struct block { uint32_t word[BLOCK(struct thread) / 4 + 1]; };

void regs_init(struct thread *t)
{
	t->regs.cs = FLUKE_USER_CS;
	t->regs.ss = FLUKE_USER_DS;
	t->regs.eflags = EFLAGS_FIXED;
}

void regs_export(struct thread *t, struct fluke_i386_state *s, struct fluke_i386_fpu *fpu)
{
	const struct regs *r = &t->regs;
	int used;

	cpu_forget(t);
	used = t->flags & FLUKE_THREAD_FPU_USED;
	s->eax = r->eax, s->ebx = r->ebx, s->ecx = r->ecx, s->edx = r->edx;
	s->esi = r->esi, s->edi = r->edi, s->ebp = r->ebp, s->esp = r->esp;
	s->eip = r->eip;
	s->eflags = r->eflags & EFLAGS_USER;
	*(struct block *)s->min_msg = *(const struct block *)t->min_msg;
	s->saved_eflags &= EFLAGS_USER;
	s->gs = t->gs, s->fs = t->fs;
	if (used)
		memcpy(fpu, t->fxsave, sizeof *fpu);
}

static int selector_good(uint32_t selector)
{
	return selector == 0 || selector == FLUKE_USER_TLS || selector == FLUKE_USER_DS || selector == FLUKE_USER_CS;
}

int regs_message_good(uint32_t words)
{
	return (words & 0xff) <= FLUKE_MAX_MIN_MSG && (!words || words >> 8 < (words & 0xff));
}

/* fpu may be null: as if never used. */
result_t regs_import(struct thread *t, const struct fluke_i386_state *s, const struct fluke_i386_fpu *fpu)
{
	struct regs *r = &t->regs;

	if (!selector_good(s->gs) || !selector_good(s->fs) || !regs_message_good(s->min_msg_words))
		return INSANE(INVALID_STATE);
	/* commit */
	cpu_forget(t);
	r->eax = s->eax, r->ebx = s->ebx, r->ecx = s->ecx, r->edx = s->edx;
	r->esi = s->esi, r->edi = s->edi, r->ebp = s->ebp, r->esp = s->esp;
	r->eip = s->eip;
	r->eflags = (s->eflags & EFLAGS_USER) | EFLAGS_FIXED;
	r->cs = FLUKE_USER_CS;
	r->ss = FLUKE_USER_DS;
	*(struct block *)t->min_msg = *(const struct block *)s->min_msg;
	t->saved_eflags = (t->saved_eflags & EFLAGS_USER) | EFLAGS_FIXED;
	t->gs = (uint16_t)s->gs, t->fs = (uint16_t)s->fs;
	if (fpu) {
		memcpy(t->fxsave, fpu->fxsave, sizeof t->fxsave);
		*(uint32_t *)(t->fxsave + 24) &= fpu_mxcsr_mask;
	}
	return OK;
}

void regs_set_tls(struct thread *t, uint32_t base)
{
	t->tls_base = base;
	if (cpu()->thread_loaded != t)
		return;
	segment_tls(base);
	segment_reload_tls();
}
