/* The i386 part of a thread's state, in and out: what user code may set of flags and selectors. */
#include "machine_local.h"

struct min_msg { uint32_t word[FLUKE_MAX_MIN_MSG]; };

/* In line: eight words are not worth a call. */
static inline void copy_min_msg(uint32_t *to, const uint32_t *from)
{
	*(struct min_msg *)to = *(const struct min_msg *)from;
}

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
	copy_min_msg(s->min_msg, t->min_msg);
	s->min_msg_words = t->min_msg_words;
	s->trap_handler = t->handler[0], s->interrupt_handler = t->handler[1];
	s->client_alert_handler = t->handler[2], s->server_alert_handler = t->handler[3];
	s->syscall_handler = t->syscall_handler;
	s->handler_esp = t->handler_esp;
	s->saved_eax = t->saved_eax, s->saved_ecx = t->saved_ecx, s->saved_edx = t->saved_edx;
	s->saved_esp = t->saved_esp, s->saved_eip = t->saved_eip;
	s->saved_eflags = t->saved_eflags & EFLAGS_USER;
	s->server_portset = t->server_portset, s->server_esp = t->server_esp;
	s->server_oneway_eip = t->server_eip[0], s->server_idempotent_eip = t->server_eip[1];
	s->server_reliable_eip = t->server_eip[2];
	s->tls_base = t->tls_base;
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
	copy_min_msg(t->min_msg, s->min_msg);
	t->min_msg_words = s->min_msg_words;
	t->handler[0] = s->trap_handler, t->handler[1] = s->interrupt_handler;
	t->handler[2] = s->client_alert_handler, t->handler[3] = s->server_alert_handler;
	t->syscall_handler = s->syscall_handler;
	t->handler_esp = s->handler_esp;
	t->saved_eax = s->saved_eax, t->saved_ecx = s->saved_ecx, t->saved_edx = s->saved_edx;
	t->saved_esp = s->saved_esp, t->saved_eip = s->saved_eip;
	t->saved_eflags = (s->saved_eflags & EFLAGS_USER) | EFLAGS_FIXED;
	t->server_portset = s->server_portset, t->server_esp = s->server_esp;
	t->server_eip[0] = s->server_oneway_eip, t->server_eip[1] = s->server_idempotent_eip;
	t->server_eip[2] = s->server_reliable_eip;
	t->tls_base = s->tls_base;
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
