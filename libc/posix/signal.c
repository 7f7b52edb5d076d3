/* Signals: what is pending, masks and dispositions, Linux's calls on signals.
 *
 * Posted signals stand in the facts page; the manager looks at the dispositions and masks in the
 * control page and does default actions itself.  A signal that will run a handler is taken
 * (thread.taken) and delivered on the way out (frame.c).  What the kernel brings is in trap.c. */
#include "posix.h"
#include "calls.h"
#include <protocols/Process.h>

struct action actions[65];

#define UNBLOCKABLE		(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Takes a signal to handle, if there is one.  (The manager ends, stops or drops for the rest.) */
bool signal_pending(void)
{
	struct thread *t = self();
	int32_t number = 0, code = 0, sender = 0;
	uint32_t value = 0;

	if (t->taken.number)
		return true;
	while (signals_now(t) & ~t->blocked) {
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
	if (signals_now(t) & ~t->blocked)
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

static void publish(int number)
{
	struct action *a = &actions[number];

	CONTROL->ignored &= ~SIGNAL_BIT(number);
	CONTROL->caught &= ~SIGNAL_BIT(number);
	if (a->handler == SIG_IGN)
		CONTROL->ignored |= SIGNAL_BIT(number);
	else if (a->handler != SIG_DFL)
		CONTROL->caught |= SIGNAL_BIT(number);
	if (number == SIGCHLD)
		CONTROL->no_zombies = (a->handler == SIG_IGN || a->flags & SA_NOCLDWAIT ? 1 : 0) | (a->flags & SA_NOCLDSTOP ? 2 : 0);
}

void signals_start(uint64_t ignored, uint64_t blocked)
{
	int number;

	memset(actions, 0, sizeof(actions));
	for (number = 1; number <= 64; number++) {
		if (ignored & SIGNAL_BIT(number))
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
		if (SIGNAL_BIT(number) & UNBLOCKABLE)
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
	uint64_t pending = signals_now(self()) & self()->blocked;

	memcpy(set, &pending, 8);
	return 0;
}

long posix_sigpending(uint32_t *set)
{
	*set = (uint32_t)(signals_now(self()) & self()->blocked);
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
		if (signals_now(t) & set)
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
	struct stack32 before = { t->alt_stack, signal_on_stack(t, esp) ? SS_ONSTACK : t->alt_flags, t->alt_size };

	if (new) {
		struct stack32 s = *new;

		if (signal_on_stack(t, esp))
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
