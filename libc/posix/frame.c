/* Delivery of signals: frames on the user's stack in Linux's layouts, sigreturn, restarted calls.
 *
 * image_signals runs on the way out of the image while thread.flag is set.  FPU and SSE state, which
 * the image itself never touches, goes into the frame and comes back from it. */
#include "posix.h"
#include "calls.h"

void image_async_work(struct registers *r);

struct fpstate {
	uint32_t	legacy[28];		/* as fnsave leaves it */
	uint8_t		fxsave[512];
};

/* sigreturn finds these at esp - 4 (the handler's return popped pretcode); Linux's layouts */
struct frame {
	uint32_t	pretcode, signal;
	struct sigcontext32 context;
	uint8_t		old_fpstate[624];	/* unused, as in Linux */
	uint32_t	extramask;
	uint8_t		retcode[8];
};
struct rt_frame {
	uint32_t	pretcode, signal, info_address, context_address;
	struct siginfo32 info;
	struct ucontext32 uc;
	uint8_t		retcode[8];
};

static bool has_fxsr(void)
{
	uint32_t a = 1, b, c, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return d >> 24 & 1;
}

static void fpu_save(struct fpstate *f)
{
	if (!has_fxsr()) {
		__asm__ volatile("fnsave %0; frstor %0" : "=m"(*f));
		return;
	}
	__asm__ volatile("fxsave %0" : "=m"(f->fxsave));
	memset(f->legacy, 0, sizeof(f->legacy));
	f->legacy[0] = 0xffff0000u | (f->fxsave[0] | (uint32_t)f->fxsave[1] << 8);
	f->legacy[1] = 0xffff0000u;
	f->legacy[2] = 0xffffffffu;
	f->legacy[27] = 0;		/* status, magic 0: fxsave follows */
}

static void fpu_restore(const struct fpstate *f)
{
	if (has_fxsr())
		__asm__ volatile("fxrstor %0" : : "m"(f->fxsave));
	else
		__asm__ volatile("frstor %0" : : "m"(*f));
}

static uint32_t read_gs(void)
{
	uint32_t value;

	__asm__ volatile("movl %%gs, %0" : "=r"(value));
	return value & 0xffff;
}

static uint32_t read_fs(void)
{
	uint32_t value;

	__asm__ volatile("movl %%fs, %0" : "=r"(value));
	return value & 0xffff;
}

static void context_put(struct sigcontext32 *c, const struct registers *r, const struct thread *t, uint32_t fpstate, uint64_t mask)
{
	*c = (struct sigcontext32){ .gs = read_gs(), .fs = read_fs(), .es = FLUKE_USER_DS, .ds = FLUKE_USER_DS, .edi = r->edi,
		.esi = r->esi, .ebp = r->ebp, .esp = r->esp, .ebx = r->ebx, .edx = r->edx, .ecx = r->ecx, .eax = r->eax,
		.eip = r->eip, .cs = FLUKE_USER_CS, .eflags = r->eflags, .esp_at_signal = r->esp, .ss = FLUKE_USER_DS,
		.fpstate = fpstate, .oldmask = (uint32_t)mask, .cr2 = t->taken.address, .trapno = t->taken.address ? 14 : 0 };
}

static uint32_t info_put(struct siginfo32 *info, const struct thread *t)
{
	int number = t->taken.number;

	memset(info, 0, sizeof(*info));
	info->signo = number;
	info->code = t->taken.code;
	if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP) {
		info->rest[0] = (int32_t)t->taken.address;
	} else {
		info->rest[0] = t->taken.sender;
		info->rest[1] = 0;
		info->rest[2] = (int32_t)t->taken.value;
	}
	return (uint32_t)info;
}

bool signal_on_stack(const struct thread *t, uint32_t esp)
{
	return t->alt_size && esp > t->alt_stack && esp - t->alt_stack <= t->alt_size;
}

static uint32_t frame_stack(const struct thread *t, const struct action *a, uint32_t esp)
{
	if (a->flags & SA_ONSTACK && !(t->alt_flags & SS_DISABLE) && !signal_on_stack(t, esp))
		return t->alt_stack + t->alt_size;
	return esp;
}

static uint32_t put_rt_frame(struct thread *t, const struct action *a, const struct registers *r, uint32_t stack, uint32_t fp, uint64_t mask)
{
	struct rt_frame *f = (struct rt_frame *)(((stack - sizeof(*f) + 4) & ~15u) - 4);

	f->signal = (uint32_t)t->taken.number;
	f->info_address = info_put(&f->info, t);
	f->context_address = (uint32_t)&f->uc;
	f->uc.flags = f->uc.link = 0;
	f->uc.stack_sp = t->alt_stack;
	f->uc.stack_flags = signal_on_stack(t, r->esp) ? SS_ONSTACK : t->alt_flags;
	f->uc.stack_size = t->alt_size;
	context_put(&f->uc.context, r, t, fp, mask);
	f->uc.mask = mask;
	f->pretcode = a->flags & SA_RESTORER ? a->restorer : (uint32_t)image_rt_sigreturn;
	return (uint32_t)f;
}

static uint32_t put_frame(struct thread *t, const struct action *a, const struct registers *r, uint32_t stack, uint32_t fp, uint64_t mask)
{
	struct frame *f = (struct frame *)(((stack - sizeof(*f) + 4) & ~15u) - 4);

	f->signal = (uint32_t)t->taken.number;
	context_put(&f->context, r, t, fp, mask);
	f->extramask = (uint32_t)(mask >> 32);
	f->pretcode = a->flags & SA_RESTORER ? a->restorer : (uint32_t)image_sigreturn;
	return (uint32_t)f;
}

static long build(struct registers *r)
{
	struct thread *t = self();
	struct action a = actions[t->taken.number];
	uint64_t mask = t->restore_mask ? t->saved_mask : t->blocked;
	uint32_t stack = frame_stack(t, &a, r->esp);
	struct fpstate *fp = (struct fpstate *)((stack - sizeof(*fp)) & ~63u);
	uint32_t frame;

	fpu_save(fp);
	if (a.flags & SA_SIGINFO)
		frame = put_rt_frame(t, &a, r, (uint32_t)fp, (uint32_t)fp, mask);
	else
		frame = put_frame(t, &a, r, (uint32_t)fp, (uint32_t)fp, mask);
	t->restore_mask = false;
	signal_set_blocked(t, t->blocked | a.mask | (a.flags & SA_NODEFER ? 0 : SIGNAL_BIT(t->taken.number)));
	if (a.flags & SA_RESETHAND)
		actions[t->taken.number].handler = SIG_DFL;
	r->eax = (uint32_t)t->taken.number;
	r->edx = a.flags & SA_SIGINFO ? frame + offsetof(struct rt_frame, info) : 0;
	r->ecx = a.flags & SA_SIGINFO ? frame + offsetof(struct rt_frame, uc) : 0;
	r->esp = frame;
	r->eip = a.handler;
	r->eflags &= ~0x500u;		/* DF, TF */
	t->taken.number = 0;
	return 0;
}

/* The call that a signal cut short runs again: its return address goes back on the stack. */
static long again(struct registers *r)
{
	r->esp -= 4;
	*(uint32_t *)r->esp = r->eip;
	r->eip = IMAGE_ENTRY_SYSCALL;
	r->eax = r->orig_eax;
	return 0;
}

static void settle_restart(struct thread *t, struct registers *r)
{
	bool handler = t->taken.number != 0;

	if (!t->restart)
		return;
	t->restart = false;
	if (handler && !(actions[t->taken.number].flags & SA_RESTART)) {
		r->eax = (uint32_t)-EINTR;
	} else if (image_guarded(r, again) < 0) {
		signal_fatal(SIGSEGV);
	}
}

/* Called on the way out while thread.flag is set. */
void image_signals(struct registers *r)
{
	struct thread *t = self();
	int number;

	t->flag = 0;
	signal_pending();
	settle_restart(t, r);
	number = t->taken.number;
	if (number) {
		/* a trap whose signal is blocked, ignored or has no handler ends the process */
		if (t->taken.value == 0xffffffff && (actions[number].handler <= SIG_IGN || t->blocked & SIGNAL_BIT(number)))
			signal_fatal(number);
		if (actions[number].handler <= SIG_IGN)
			signal_fatal(number);
		if (image_guarded(r, build) < 0)
			signal_fatal(SIGSEGV);
	}
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_blocked(t, t->saved_mask);
	}
	if (signals_now(t) & ~t->blocked && number)
		t->flag = 1;
}

/* After an interrupt or trap of user code. */
void image_async_work(struct registers *r)
{
	struct thread *t = self();

	t->restart = false;
	image_signals(r);
}

static void context_get(struct registers *r, const struct sigcontext32 *c)
{
	r->ebx = c->ebx;
	r->ecx = c->ecx;
	r->edx = c->edx;
	r->esi = c->esi;
	r->edi = c->edi;
	r->ebp = c->ebp;
	r->eax = c->eax;
	r->eip = c->eip;
	r->esp = c->esp;
	r->eflags = (r->eflags & ~0xdd5u) | (c->eflags & 0xdd5u);
	r->orig_eax = ~0u;
	if (c->fpstate)
		fpu_restore((const struct fpstate *)c->fpstate);
}

/* Both return whatever eax the frame holds: dispatch stores it back into the registers. */
long posix_sigreturn(void)
{
	struct thread *t = self();
	const struct frame *f = (const struct frame *)(t->frame->esp - 8);	/* pretcode popped by ret, signal by the trampoline */
	uint64_t mask = f->context.oldmask | (uint64_t)f->extramask << 32;

	context_get(t->frame, &f->context);
	signal_set_blocked(t, mask);
	return (long)t->frame->eax;
}

long posix_rt_sigreturn(void)
{
	struct thread *t = self();
	const struct rt_frame *f = (const struct rt_frame *)(t->frame->esp - 4);

	context_get(t->frame, &f->uc.context);
	signal_set_blocked(t, f->uc.mask);
	return (long)t->frame->eax;
}
