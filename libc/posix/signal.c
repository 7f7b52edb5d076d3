/* Signals: interrupts and traps of the kernel, delivery on the user's stack, Linux's calls on signals.
 *
 * An interrupt (fluke_thread_interrupt by the manager, or by a sibling thread) outside the image turns
 * into a visit of the image (image_async); inside, it sets thread.flag, which is looked at before
 * leaving, and cuts short a wait whose answer has not begun.  A signal that will run a handler is
 * taken from the manager (thread.taken) and delivered on the way out. */
#include "posix.h"
#include "calls.h"
#include <protocols/Parent.h>
#include <protocols/Process.h>
#include <stdio.h>

struct action actions[65];

#define CALL_NUMBER(eax)	((eax) & 0xff)
#define BIT(n)			(1ull << ((n) - 1))
#define UNBLOCKABLE		(BIT(SIGKILL) | BIT(SIGSTOP))
#define IMAGE_END		((uint32_t)image_data_load)

void image_interrupt(struct registers *r);
void image_trap(struct registers *r, uint32_t code, uint32_t subcode, uint32_t access);
void image_async_work(struct registers *r);

/* ---- from the kernel ---- */

static bool in_image(const struct registers *r)
{
	uint32_t eip = r->eip;

	if (eip >= FLUKE_ENTRY)
		return r->esp >= IMAGE_THREADS_AREA && r->esp < IMAGE_STARTUP;
	return eip >= START_IMAGE && eip < IMAGE_END;
}

static void complete(struct registers *r)
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(NULL, &saved);
	r->eax = r->orig_eax = saved.eax;
	r->ecx = saved.ecx;
	r->edx = saved.edx;
	r->esp = saved.esp;
	r->eip = saved.eip;
	r->eflags = saved.eflags & ~0x100u;
}

/* Caught in the last four instructions of image_leave: the registers as they will be after them. */
static void finish_leave(struct registers *r)
{
	uint32_t done = r->eip - (uint32_t)leave_user;
	uint32_t *stack = (uint32_t *)r->esp - done;

	if (done < 1)
		r->edx = stack[0];
	if (done < 2)
		r->eax = stack[1];
	if (done < 3)
		r->eflags = stack[2];
	r->eip = stack[3];
	r->esp = (uint32_t)(stack + 4);
}

/* Makes the interrupted user code's registers the frame of a visit: image_resume goes to image_async. */
static void visit(struct thread *t, struct registers *r)
{
	struct registers *frame = (struct registers *)(IMAGE_STACK_TOP(t->number) - sizeof(*frame));

	*frame = *r;
	frame->orig_eax = ~0u;
	t->frame = frame;
	r->eip = (uint32_t)image_async;
	r->esp = (uint32_t)frame;
	r->eflags = 0x202;
}

static bool may_cancel(const struct thread *t, const struct registers *r)
{
	uint32_t call = CALL_NUMBER(r->eax);

	if (!t->cancel)
		return false;
	if (r->eip >= (uint32_t)cancel_begin && r->eip < (uint32_t)cancel_end)
		return true;
	/* sending or waiting for the answer: connect_send_over_receive, its stages, wait_receive */
	return r->eip >= FLUKE_ENTRY && r->esp == t->cancel_esp - 4 &&
		(call == 98 || call == 104 || call == 103 || call == 95 || call == 96);
}

void image_interrupt(struct registers *r)
{
	struct thread *t = self();

	complete(r);
	if (r->eip >= (uint32_t)leave_user && r->eip < (uint32_t)leave_end)
		finish_leave(r);
	if (!in_image(r)) {
		visit(t, r);
		return;
	}
	t->flag = 1;
	if (r->eip >= (uint32_t)leave_check && r->eip < (uint32_t)leave_user) {
		r->eip = (uint32_t)image_leave;
		r->esp = (uint32_t)t->frame;
	} else if (may_cancel(t, r)) {
		r->eip = (uint32_t)cancel_out;
		r->esp = t->cancel_esp;
	}
}

struct trap { uint8_t code, signal; int8_t si_code; };
static const struct trap traps[] = {
	{ FLUKE_EXC_DIVIDE, SIGFPE, FPE_INTDIV }, { FLUKE_EXC_DEBUG, SIGTRAP, TRAP_BRKPT },
	{ FLUKE_EXC_BREAKPOINT, SIGTRAP, TRAP_BRKPT }, { FLUKE_EXC_OVERFLOW, SIGSEGV, SI_KERNEL - 256 },
	{ FLUKE_EXC_BOUNDS, SIGSEGV, SI_KERNEL - 256 }, { FLUKE_EXC_OPCODE, SIGILL, ILL_ILLOPN },
	{ FLUKE_EXC_FPU, SIGFPE, 0 }, { FLUKE_EXC_SIMD, SIGFPE, 0 }, { FLUKE_EXC_ALIGNMENT, SIGBUS, 1 },
};

static uint32_t wanted(uint32_t access)
{
	return (access & FLUKE_PROT_WRITE ? PROT_WRITE : 0) | (access & FLUKE_PROT_READ ? PROT_READ : 0) |
		(access & FLUKE_PROT_EXECUTE ? PROT_EXEC : 0);
}

/* May the access go on, because another thread has just changed the map? */
static bool allowed(struct thread *t, uint32_t address, uint32_t access)
{
	struct area *a = address < START_STACK_TOP ? vm_area(address) : NULL;

	if (!a || a->start > address || (wanted(access) & ~a->prot))
		return false;
	if (t->fault_address == address && ++t->fault_count > 3)
		return false;
	if (t->fault_address != address)
		t->fault_count = 0;
	t->fault_address = address;
	return true;
}

static void fatal(int number)
{
	Process_exit(REF_PROCESS, number);
	for (;;)
		;
}

static void fault_in_image(struct thread *t, struct registers *r)
{
	if (!t->guard || (r->eip >= (uint32_t)leave_check && r->eip < (uint32_t)leave_end))
		fatal(SIGSEGV);
	image_unlock();
	t->cancel = t->blocking = 0;
	r->eip = (uint32_t)guard_fault;
	r->esp = t->guard;
}

/* An error of the image itself: said in the log, then treated like a bad address. */
static void insane(struct thread *t, const struct registers *r, uint32_t code)
{
	char text[160];

	snprintf(text, sizeof(text), "image: pid %d thread %u: insanity %u, call %u(%#x), from %#x in Linux call %u\n", FACTS->pid,
		t->number, code & 0xff, r->eax & 0xff, r->ebx, *(uint32_t *)r->esp, t->frame ? t->frame->orig_eax : 0);
	Parent_log(REF_PROCESS, text);
}

void image_trap(struct registers *r, uint32_t code, uint32_t subcode, uint32_t access)
{
	struct thread *t = self();
	struct area *a;
	unsigned n;

	complete(r);
	if (code == FLUKE_EXC_PAGE_FAULT && allowed(t, subcode, access))
		return;
	if (r->eip >= (uint32_t)leave_user && r->eip < (uint32_t)leave_end)
		fatal(SIGSEGV);
	if (in_image(r)) {
		if (code & FLUKE_EXC_INSANITY)
			insane(t, r, code);
		fault_in_image(t, r);
		return;
	}
	t->taken.number = SIGSEGV;
	t->taken.code = SI_KERNEL;
	t->taken.address = 0;
	t->taken.sender = 0;
	if (code == FLUKE_EXC_PAGE_FAULT || code == FLUKE_EXC_OBJECT_PAGE) {
		a = subcode < START_STACK_TOP ? vm_area(subcode) : NULL;
		t->taken.code = a && a->start <= subcode ? SEGV_ACCERR : SEGV_MAPERR;
		t->taken.address = subcode;
	}
	for (n = 0; n < NELEM(traps); n++)
		if (traps[n].code == code) {
			t->taken.number = traps[n].signal;
			t->taken.code = traps[n].si_code;
			t->taken.address = r->eip;
		}
	t->taken.value = 0xffffffff;	/* forced: see image_signals */
	visit(t, r);
}

/* ---- taking ---- */

static uint64_t pending_now(struct thread *t)
{
	return (FACTS->pending | FACTS->thread_pending[t->number]);
}

/* Takes a signal to handle, if there is one.  (The manager ends, stops or drops for the rest.) */
bool signal_pending(void)
{
	struct thread *t = self();
	int32_t number = 0, code = 0, sender = 0;
	uint32_t value = 0;

	if (t->taken.number)
		return true;
	while (pending_now(t) & ~t->blocked) {
		if (Process_take_signal(REF_PROCESS, IMAGE_THREAD_OBJECT(t->number), &number, &code, &sender, &value) || !number)
			return false;
		if (number < 65 && actions[number].handler > SIG_IGN) {
			t->taken.number = number;
			t->taken.code = code;
			t->taken.sender = sender;
			t->taken.value = value;
			t->taken.address = 0;
			return true;
		}
	}
	return false;
}

void signal_set_blocked(struct thread *t, uint64_t set)
{
	t->blocked = set & ~UNBLOCKABLE;
	CONTROL->slot[t->number].blocked = t->blocked;
	if (pending_now(t) & ~t->blocked)
		t->flag = 1;
}

/* A signal from the image itself to the calling thread, SIGPIPE or the like. */
void signal_force(struct thread *t, int number, int code, uint32_t address)
{
	(void)address;
	(void)code;
	Process_kill_thread(REF_PROCESS, FACTS->pid, t->tid, number);
	t->flag = 1;
}

/* ---- frames on the user's stack ---- */

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

static bool on_alt_stack(const struct thread *t, uint32_t esp)
{
	return t->alt_size && esp > t->alt_stack && esp - t->alt_stack <= t->alt_size;
}

static uint32_t frame_stack(const struct thread *t, const struct action *a, uint32_t esp)
{
	if (a->flags & SA_ONSTACK && !(t->alt_flags & SS_DISABLE) && !on_alt_stack(t, esp))
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
	f->uc.stack_flags = on_alt_stack(t, r->esp) ? SS_ONSTACK : t->alt_flags;
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
	signal_set_blocked(t, t->blocked | a.mask | (a.flags & SA_NODEFER ? 0 : BIT(t->taken.number)));
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
		fatal(SIGSEGV);
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
		if (t->taken.value == 0xffffffff && (actions[number].handler <= SIG_IGN || t->blocked & BIT(number)))
			fatal(number);
		if (actions[number].handler <= SIG_IGN)
			fatal(number);
		if (image_guarded(r, build) < 0)
			fatal(SIGSEGV);
	}
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_blocked(t, t->saved_mask);
	}
	if (pending_now(t) & ~t->blocked && number)
		t->flag = 1;
}

/* After an interrupt or trap of user code. */
void image_async_work(struct registers *r)
{
	struct thread *t = self();

	t->restart = false;
	image_signals(r);
}

/* ---- calls ---- */

static void publish(int number)
{
	struct action *a = &actions[number];

	CONTROL->ignored &= ~BIT(number);
	CONTROL->caught &= ~BIT(number);
	if (a->handler == SIG_IGN)
		CONTROL->ignored |= BIT(number);
	else if (a->handler != SIG_DFL)
		CONTROL->caught |= BIT(number);
	if (number == SIGCHLD)
		CONTROL->no_zombies = (a->handler == SIG_IGN || a->flags & SA_NOCLDWAIT ? 1 : 0) | (a->flags & SA_NOCLDSTOP ? 2 : 0);
}

void signals_start(uint64_t ignored, uint64_t blocked)
{
	int number;

	memset(actions, 0, sizeof(actions));
	for (number = 1; number <= 64; number++) {
		if (ignored & BIT(number))
			actions[number].handler = SIG_IGN;
		publish(number);
	}
	signal_set_blocked(self(), blocked);
}

struct kernel_action { uint32_t handler, flags, restorer; uint64_t mask; } __attribute__((packed, aligned(4)));

static long set_action(int number, const struct action *new, struct action *old)
{
	if (number < 1 || number > 64)
		return -EINVAL;
	*old = actions[number];
	if (new) {
		if (BIT(number) & UNBLOCKABLE)
			return -EINVAL;
		actions[number] = *new;
		publish(number);
	}
	return 0;
}

long posix_rt_sigaction(int number, const struct kernel_action *new, struct kernel_action *old, uint32_t size)
{
	struct kernel_action k;
	struct action a, before;
	long error;

	if (size != 8)
		return -EINVAL;
	if (new) {
		memcpy(&k, new, sizeof(k));
		a = (struct action){ k.handler, k.flags, k.restorer, k.mask & ~UNBLOCKABLE };
	}
	error = set_action(number, new ? &a : NULL, &before);
	if (!error && old) {
		k = (struct kernel_action){ before.handler, before.flags, before.restorer, before.mask };
		memcpy(old, &k, sizeof(k));
	}
	return error;
}

struct old_action { uint32_t handler, mask, flags, restorer; };

long posix_sigaction(int number, const struct old_action *new, struct old_action *old)
{
	struct action a, before;
	long error;

	if (new)
		a = (struct action){ new->handler, new->flags, new->restorer, new->mask };
	error = set_action(number, new ? &a : NULL, &before);
	if (!error && old)
		*old = (struct old_action){ before.handler, (uint32_t)before.mask, before.flags, before.restorer };
	return error;
}

long posix_signal(int number, uint32_t handler)
{
	struct action a = { handler, SA_RESETHAND | SA_NODEFER, 0, 0 }, before;
	long error = set_action(number, &a, &before);

	return error ? error : (long)before.handler;
}

static long change_mask(uint32_t how, uint64_t set)
{
	struct thread *t = self();

	if (how == SIG_BLOCK)
		signal_set_blocked(t, t->blocked | set);
	else if (how == SIG_UNBLOCK)
		signal_set_blocked(t, t->blocked & ~set);
	else if (how == SIG_SETMASK)
		signal_set_blocked(t, set);
	else
		return -EINVAL;
	return 0;
}

long posix_rt_sigprocmask(uint32_t how, const uint64_t *set, uint64_t *old, uint32_t size)
{
	uint64_t before = self()->blocked, new;
	long error = 0;

	if (size != 8)
		return -EINVAL;
	if (set) {
		memcpy(&new, set, 8);
		error = change_mask(how, new);
	}
	if (!error && old)
		memcpy(old, &before, 8);
	return error;
}

long posix_sigprocmask(uint32_t how, const uint32_t *set, uint32_t *old)
{
	uint64_t before = self()->blocked;
	long error = 0;

	if (set)
		error = change_mask(how, how == SIG_SETMASK ? (before & ~0xffffffffull) | *set : *set);
	if (!error && old)
		*old = (uint32_t)before;
	return error;
}

long posix_rt_sigpending(uint64_t *set)
{
	uint64_t pending = pending_now(self()) & self()->blocked;

	memcpy(set, &pending, 8);
	return 0;
}

long posix_sigpending(uint32_t *set)
{
	*set = (uint32_t)(pending_now(self()) & self()->blocked);
	return 0;
}

/* Mask for the time of a wait; image_signals puts the old one back, after the handler's frame is built. */
void signal_mask_for_wait(uint64_t set)
{
	struct thread *t = self();

	t->saved_mask = t->blocked;
	t->restore_mask = true;
	signal_set_blocked(t, set);
}

static long suspend(uint64_t set)
{
	struct thread *t = self();

	signal_mask_for_wait(set);
	while (!signal_pending() && thread_wait(FOREVER) != -EINTR)
		;
	t->flag = 1;
	return -EINTR;
}

long posix_rt_sigsuspend(const uint64_t *set, uint32_t size)
{
	uint64_t mask;

	if (size != 8)
		return -EINVAL;
	memcpy(&mask, set, 8);
	return suspend(mask);
}

long posix_sigsuspend(uint32_t a, uint32_t b, uint32_t mask)
{
	(void)a;
	(void)b;
	return suspend(mask);
}

long posix_pause(void)
{
	return suspend(self()->blocked);
}

/* sigwait and sigtimedwait: the manager hands out what is in `waiting`. */
static long time_wait(uint64_t set, struct siginfo32 *info, uint64_t deadline)
{
	struct thread *t = self();
	int32_t number = 0, code = 0, sender = 0;
	uint32_t value = 0;
	int error = 0;

	CONTROL->slot[t->number].waiting = set;
	while (!number && !error) {
		if (pending_now(t) & set)
			Process_take_signal(REF_PROCESS, IMAGE_THREAD_OBJECT(t->number), &number, &code, &sender, &value);
		if (!number)
			error = thread_wait(deadline);
	}
	CONTROL->slot[t->number].waiting = 0;
	if (!number)
		return error == -ETIMEDOUT ? -EAGAIN : error;
	if (info) {
		memset(info, 0, sizeof(*info));
		info->signo = number;
		info->code = code;
		info->rest[0] = sender;
		info->rest[2] = (int32_t)value;
	}
	return number;
}

long posix_rt_sigtimedwait(const uint64_t *set, struct siginfo32 *info, const struct timespec32 *time)
{
	uint64_t mask;

	memcpy(&mask, set, 8);
	return time_wait(mask, info, time ? now_monotonic() + (uint64_t)time->sec * 1000000000u + (uint32_t)time->nsec : FOREVER);
}

long posix_rt_sigtimedwait64(const uint64_t *set, struct siginfo32 *info, const struct timespec64 *time)
{
	uint64_t mask;

	memcpy(&mask, set, 8);
	return time_wait(mask, info, time ? now_monotonic() + (uint64_t)time->sec * 1000000000u + (uint32_t)time->nsec : FOREVER);
}

struct stack32 { uint32_t sp, flags, size; };

long posix_sigaltstack(const struct stack32 *new, struct stack32 *old)
{
	struct thread *t = self();
	uint32_t esp = t->frame->esp;
	struct stack32 before = { t->alt_stack, on_alt_stack(t, esp) ? SS_ONSTACK : t->alt_flags, t->alt_size };

	if (new) {
		struct stack32 s = *new;

		if (on_alt_stack(t, esp))
			return -EPERM;
		if (s.flags & SS_DISABLE)
			s = (struct stack32){ 0, SS_DISABLE, 0 };
		else if (s.size < 2048)
			return -ENOMEM;
		t->alt_stack = s.sp;
		t->alt_size = s.size;
		t->alt_flags = s.flags & SS_DISABLE;
	}
	if (old)
		*old = before;
	return 0;
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

long posix_kill(int pid, int number)
{
	int error;

	if (number < 0 || number > 64)
		return -EINVAL;
	error = Process_kill(REF_PROCESS, pid, number);
	self()->flag = 1;
	return fail(error);
}

long posix_tgkill(int pid, int tid, int number)
{
	int error;

	if (number < 0 || number > 64 || tid <= 0)
		return -EINVAL;
	error = Process_kill_thread(REF_PROCESS, pid, tid, number);
	self()->flag = 1;
	return fail(error);
}

long posix_tkill(int tid, int number)
{
	return posix_tgkill(-1, tid, number);
}
