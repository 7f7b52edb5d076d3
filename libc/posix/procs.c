/* Processes: fork, clone, wait, exit, identities, groups, limits, usage.
 *
 * The process manager keeps all of it; what only reads the facts page costs no call. */
#include "posix.h"
#include "calls.h"
#include <protocols/Process.h>

long image_fork_call(uint32_t stack);

void image_exit(int status)
{
	Process_exit(REF_PROCESS, status);
	for (;;)
		Process_exit(REF_PROCESS, status);
}

long posix_exit_group(int status)
{
	vfork_ends();
	image_exit((status & 0xff) << 8);
}

/* ---- fork ---- */

/* From image_fork with esp: the child's thread starts at IMAGE_ENTRY_FORKED on that stack. */
long image_fork_call(uint32_t stack)
{
	int32_t pid = 0;
	int error = Process_fork(REF_PROCESS, IMAGE_THREAD_OBJECT(self()->number), 0, IMAGE_ENTRY_FORKED, stack, &pid);

	return error ? fail(error == ENOSYS ? ENOSYS : error) : pid;
}

/* vfork: the child runs on a copy, while the parent waits for its exec or end.  What it does to the parent's stack (an
 * error of exec is told so by posix_spawn) goes back when it ends. */
static uint32_t shared_stack;		/* in such a child: the parent's esp */

#define SHARED_SIZE	4096

void vfork_ends(void)
{
	struct area *a = shared_stack ? vm_area(shared_stack) : NULL;
	uint32_t size;

	if (!a || a->start > shared_stack || a->file)
		return;
	size = a->end - shared_stack < SHARED_SIZE ? a->end - shared_stack : SHARED_SIZE;
	Process_give_back(REF_PROCESS, shared_stack, (const void *)shared_stack, size);
	shared_stack = 0;
}

static long do_fork(uint32_t child_stack, uint32_t flags, uint32_t tls, uint32_t parent_tid, uint32_t child_tid)
{
	struct thread *t = self();
	uint32_t parent_stack = t->frame->esp;
	long pid;

	image_lock();
	files_share();
	pid = image_fork();
	if (pid) {
		image_unlock();
		if (pid > 0 && flags & CLONE_PARENT_SETTID)
			*(int32_t *)parent_tid = (int32_t)pid;
		if (pid > 0 && flags & CLONE_VFORK)
			Process_wait_vfork(REF_PROCESS, (int32_t)pid);
		return pid;
	}
	threads_forked();
	locks_forked();
	shared_stack = flags & CLONE_VFORK ? parent_stack : 0;
	t->flag = 0;
	t->restart = false;
	t->taken.number = 0;
	if (child_stack)
		t->frame->esp = child_stack;
	if (flags & CLONE_SETTLS) {
		t->tls_base = tls;
		fluke_thread_set_tls(tls);
	}
	if (flags & CLONE_CHILD_SETTID)
		*(int32_t *)child_tid = t->tid;
	t->clear_tid = flags & CLONE_CHILD_CLEARTID ? child_tid : 0;
	return 0;
}

long posix_fork(void)
{
	return do_fork(0, 0, 0, 0, 0);
}

long posix_vfork(void)
{
	return do_fork(0, CLONE_VFORK, 0, 0, 0);
}

/* Partial: clone: a process that shares memory (CLONE_VM without CLONE_VFORK or CLONE_THREAD); namespaces are ignored
 * Partial: clone3: as clone, pidfd */
static long clone(uint32_t flags, uint32_t stack, uint32_t parent_tid, uint32_t tls, uint32_t child_tid)
{
	struct registers r;

	if (!(flags & CLONE_THREAD)) {
		if (flags & CLONE_VM && !(flags & CLONE_VFORK))
			return -EINVAL;		/* a process that shares memory: not here */
		return do_fork(stack, flags, tls, parent_tid, child_tid);
	}
	if (!(flags & CLONE_VM) || !stack)
		return -EINVAL;
	r = *self()->frame;
	r.esp = stack;
	r.eax = 0;
	return thread_clone(&r, flags, flags & CLONE_SETTLS ? tls : self()->tls_base, (int32_t *)parent_tid, (int32_t *)child_tid);
}

static uint32_t tls_of(uint32_t flags, uint32_t descriptor)
{
	return flags & CLONE_SETTLS ? ((const struct user_desc *)descriptor)->base : 0;
}

long posix_clone(uint32_t flags, uint32_t stack, uint32_t parent_tid, uint32_t tls, uint32_t child_tid)
{
	return clone(flags & ~0xffu, stack, parent_tid, tls_of(flags, tls), child_tid);
}

struct clone_arguments { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; };

long posix_clone3(const struct clone_arguments *arguments, uint32_t size)
{
	struct clone_arguments a;
	uint32_t flags, stack;

	if (size < sizeof(a))
		return -EINVAL;
	memcpy(&a, arguments, sizeof(a));
	flags = (uint32_t)a.flags;
	stack = a.stack ? (uint32_t)(a.stack + a.stack_size) : 0;
	return clone(flags, stack, (uint32_t)a.parent_tid, tls_of(flags, (uint32_t)a.tls), (uint32_t)a.child_tid);
}

/* ---- wait ---- */

static struct timeval32 time_value(uint64_t ns)
{
	return (struct timeval32){ (int32_t)(ns / 1000000000u), (int32_t)(ns / 1000 % 1000000) };
}

static void put_usage(struct rusage_linux *to, uint64_t user, uint64_t system, const struct Usage *u)
{
	*to = (struct rusage_linux){ .user = time_value(user), .system = time_value(system), .maxrss = (int32_t)u->peak,
		.minflt = (int32_t)u->soft_faults, .majflt = (int32_t)u->faults, .nvcsw = (int32_t)u->switches };
}

long posix_wait4(int id, int *status, uint32_t options, struct rusage_linux *rusage)
{
	struct Usage u = { 0 };
	int32_t pid = 0, result = 0;
	int error;

	if (options & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000u))
		return -EINVAL;
	options = (options & (WNOHANG | WUNTRACED | WCONTINUED)) | WEXITED;
	if (options & WNOHANG)
		error = Process_wait(REF_PROCESS, id, options, &pid, &result, &u);
	else
		error = BLOCKING(Process_wait(REF_PROCESS, id, options, &pid, &result, &u));
	if (error)
		return fail(error);
	if (pid && status)
		*status = result;
	if (pid && rusage)
		put_usage(rusage, u.user, u.system, &u);
	return pid;
}

long posix_waitpid(int id, int *status, uint32_t options)
{
	return posix_wait4(id, status, options, NULL);
}

long posix_waitid(int type, int id, struct siginfo32 *info, uint32_t options, struct rusage_linux *rusage)
{
	struct Usage u = { 0 };
	int32_t pid = 0, status = 0;
	int error;

	if (type < 0 || type > 2)
		return -EINVAL;
	id = type == 0 ? -1 : type == 1 ? id : id ? -id : 0;
	error = BLOCKING(Process_wait(REF_PROCESS, id, options, &pid, &status, &u));
	if (error)
		return fail(error);
	if (rusage && pid)
		put_usage(rusage, u.user, u.system, &u);
	if (info) {
		memset(info, 0, sizeof(*info));
		if (pid) {
			info->signo = SIGCHLD;
			info->rest[0] = pid;
			info->rest[1] = (int32_t)FACTS->uid;
			if ((status & 0x7f) == 0) {
				info->code = CLD_EXITED;
				info->rest[2] = status >> 8 & 0xff;
			} else if ((status & 0xff) == 0x7f) {
				info->code = CLD_STOPPED;
				info->rest[2] = status >> 8 & 0xff;
			} else if (status == 0xffff) {
				info->code = CLD_CONTINUED;
				info->rest[2] = SIGCONT;
			} else {
				info->code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
				info->rest[2] = status & 0x7f;
			}
		}
	}
	return 0;
}

/* ---- identities ---- */

long posix_getpid(void) { return FACTS->pid; }
long posix_getppid(void) { return FACTS->ppid; }
long posix_getuid(void) { return (long)FACTS->uid; }
long posix_geteuid(void) { return (long)FACTS->euid; }
long posix_getgid(void) { return (long)FACTS->gid; }
long posix_getegid(void) { return (long)FACTS->egid; }
long posix_getpgrp(void) { return FACTS->group; }

long posix_getresuid(uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	*real = FACTS->uid;
	*effective = *saved = FACTS->euid;
	return 0;
}

long posix_getresgid(uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	*real = FACTS->gid;
	*effective = *saved = FACTS->egid;
	return 0;
}

static bool same(uint32_t id, uint32_t a, uint32_t b)
{
	return id == ~0u || id == a || id == b;
}

/* Partial: setresuid: to an identity that the process does not have
 * Partial: setresgid: to an identity that the process does not have */
/* Identities change only at exec of a set-id file; what is already so succeeds. */
long posix_setresuid(uint32_t real, uint32_t effective, uint32_t saved)
{
	return same(real, FACTS->uid, FACTS->euid) && same(effective, FACTS->uid, FACTS->euid) &&
		same(saved, FACTS->uid, FACTS->euid) ? 0 : -EPERM;
}

long posix_setresgid(uint32_t real, uint32_t effective, uint32_t saved)
{
	return same(real, FACTS->gid, FACTS->egid) && same(effective, FACTS->gid, FACTS->egid) &&
		same(saved, FACTS->gid, FACTS->egid) ? 0 : -EPERM;
}

long posix_setreuid(uint32_t real, uint32_t effective) { return posix_setresuid(real, effective, ~0u); }
long posix_setregid(uint32_t real, uint32_t effective) { return posix_setresgid(real, effective, ~0u); }
long posix_setuid(uint32_t uid) { return posix_setresuid(uid, ~0u, ~0u); }
long posix_setgid(uint32_t gid) { return posix_setresgid(gid, ~0u, ~0u); }
long posix_setfsuid(void) { return (long)FACTS->euid; }
long posix_setfsgid(void) { return (long)FACTS->egid; }

long posix_getgroups(uint32_t size, uint32_t *to)
{
	uint32_t count = FACTS->group_count < 16 ? FACTS->group_count : 16;

	if (size == 0)
		return (long)count;
	if (size < count || (int32_t)size < 0)
		return -EINVAL;
	memcpy(to, FACTS->groups, count * 4);
	return (long)count;
}

/* Partial: setgroups: root's call succeeds without effect: no process has groups besides its own */
long posix_setgroups(void)
{
	return FACTS->euid == 0 ? 0 : -EPERM;
}

/* ---- groups and sessions ---- */

static long ids_of(int pid, int which)
{
	int32_t parent, group, session;
	int error;

	if (pid == 0 || pid == FACTS->pid)
		return which ? FACTS->session : FACTS->group;
	error = Process_get_ids(REF_PROCESS, pid, &parent, &group, &session);
	return error ? fail(error) : which ? session : group;
}

long posix_getpgid(int pid) { return ids_of(pid, 0); }
long posix_getsid(int pid) { return ids_of(pid, 1); }
long posix_setpgid(int pid, int group) { return fail(Process_set_group(REF_PROCESS, pid, group)); }

long posix_setsid(void)
{
	int32_t session = 0;
	int error = Process_set_session(REF_PROCESS, &session);

	return error ? fail(error) : session;
}

/* ---- limits and usage ---- */

static uint32_t limit32(uint64_t limit)
{
	return limit > 0xfffffffe ? 0xffffffff : (uint32_t)limit;
}

long posix_getrlimit(int resource, uint32_t *to)
{
	uint64_t soft, hard;
	int error = Process_get_limit(REF_PROCESS, 0, resource, &soft, &hard);

	if (error)
		return fail(error);
	to[0] = limit32(soft);
	to[1] = limit32(hard);
	return 0;
}

static uint64_t limit64(uint32_t limit)
{
	return limit == 0xffffffff ? RLIM_INFINITY : limit;
}

static int set_limit(int pid, int resource, uint64_t soft, uint64_t hard)
{
	int error = Process_set_limit(REF_PROCESS, pid, resource, soft, hard);

	if (!error && resource == RLIMIT_NOFILE && (pid == 0 || pid == FACTS->pid))
		image_fd_limit = soft < FDS ? (uint32_t)soft : FDS;
	if (!error && resource == RLIMIT_AS && (pid == 0 || pid == FACTS->pid))
		image_space_limit = soft;
	return error;
}

long posix_setrlimit(int resource, const uint32_t *from)
{
	return fail(set_limit(0, resource, limit64(from[0]), limit64(from[1])));
}

long posix_prlimit64(int pid, int resource, const uint64_t *new, uint64_t *old)
{
	uint64_t soft, hard, set[2];
	int error = 0;

	if (new)
		memcpy(set, new, 16);
	if (old) {
		error = Process_get_limit(REF_PROCESS, pid, resource, &soft, &hard);
		if (!error) {
			memcpy(old, &soft, 8);
			memcpy(old + 1, &hard, 8);
		}
	}
	if (!error && new)
		error = set_limit(pid, resource, set[0], set[1]);
	return fail(error);
}

/* 1: the calling thread */
long posix_getrusage(int who, struct rusage_linux *to)
{
	struct Usage u;
	uint64_t ns;
	int error;

	if (who < -1 || who > 1)
		return -EINVAL;
	error = Process_usage(REF_PROCESS, who, &u);
	if (!error && who == 1)
		error = Process_cpu_time(REF_PROCESS, clock_of_cpu(3), &ns);
	if (error)
		return fail(error);
	if (who == 1)
		put_usage(to, ns, 0, &u);
	else if (who == -1)
		put_usage(to, u.child_user, u.child_system, &u);
	else
		put_usage(to, u.user, u.system, &u);
	return 0;
}

long posix_times(int32_t *to)
{
	struct Usage u;
	int error = Process_usage(REF_PROCESS, 0, &u);

	if (error)
		return fail(error);
	if (to) {
		to[0] = (int32_t)(u.user / 10000000);
		to[1] = (int32_t)(u.system / 10000000);
		to[2] = (int32_t)(u.child_user / 10000000);
		to[3] = (int32_t)(u.child_system / 10000000);
	}
	return (long)(now_monotonic() / 10000000 & 0x7fffffff);
}

/* ---- prctl ---- */

/* Partial: prctl: names, dumpable; the rest is EINVAL */
long posix_prctl(uint32_t option, uint32_t argument)
{
	struct thread *t = self();

	switch (option) {
	case 15:		/* PR_SET_NAME */
		memcpy(t->name, (const char *)argument, 15);
		t->name[15] = 0;
		Process_set_name(REF_PROCESS, t->name);
		return 0;
	case 16:		/* PR_GET_NAME */
		memcpy((char *)argument, t->name, 16);
		return 0;
	case 1:			/* PR_SET_PDEATHSIG */
	case 4:			/* PR_SET_DUMPABLE */
	case 38:		/* PR_SET_NO_NEW_PRIVS */
		return 0;
	case 3:			/* PR_GET_DUMPABLE */
		return 1;
	}
	return -EINVAL;
}
