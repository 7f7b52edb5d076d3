/* exec: another body under the same number and port.  The image has opened and checked the program; the new
 * one finds the start-up record in its data segment and the references that the record lists at the same
 * addresses.  Until the new body is complete the old one goes on and a failure is just an errno; then the
 * old pool goes with all its threads, the caller among them.  The first process is made the same way. */
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <protocols/Segment.h>
#include "manager.h"

#define RECORD_CHUNK	0x8000u

struct starting {
	struct process	*process;
	struct body	*old;		/* null: the first process */
	const struct startup *startup;
	uint32_t	size;
	fluke_ref_t	*native;	/* the program, if it is one for the Fluke API; null: the image loads it */
};

static int record_write(struct starting *s)
{
	for (uint32_t done = 0; done < s->size; done += RECORD_CHUNK) {
		uint32_t part = s->size - done < RECORD_CHUNK ? s->size - done : RECORD_CHUNK;
		int error = Segment_write(&s->process->body->objects->data, IMAGE_STARTUP + done,
			(const char *)s->startup + done, part);

		if (error)
			return error;
	}
	return 0;
}

/* What signals do to the new program until its image has set its own table up: nothing is caught, the rest as the
 * record says. */
static int control_write(struct starting *s)
{
	struct { uint64_t ignored, caught; uint32_t no_zombies, pad, thread, tid; uint64_t blocked, waiting; } control = {
		.ignored = s->startup->ignored, .thread = START_THREAD, .tid = s->process->pid,
		.blocked = s->startup->blocked,
	};

	_Static_assert(sizeof control == offsetof(struct process_control, slot[1]), "head of process_control");
	return Segment_write(&s->process->body->objects->data, IMAGE_CONTROL, &control, sizeof control);
}

static int is_managers(uint32_t address)
{
	return address == IMAGE_REF_CLOCK || address == IMAGE_REF_TTY;
}

static void refs_own(struct starting *s)
{
	struct body *b = s->process->body;
	fluke_ref_t *tty = session_tty(s->process->session);
	fluke_ref_t *slot = body_object(b, IMAGE_REF_CLOCK);

	fluke_ref_create(slot);		/* asked for when it is wanted */
	slot = body_object(b, IMAGE_REF_TTY);
	fluke_ref_create(slot);
	if (tty)
		fluke_ref_copy(tty, slot);
}

static int refs_copy(struct starting *s)
{
	const uint32_t *address = (const uint32_t *)((const char *)s->startup + s->startup->ref_offset);

	int error = 0;

	for (uint32_t i = 0; i < s->startup->ref_count && !error; i++) {
		fluke_ref_t *to;

		if (is_managers(address[i]))
			continue;
		if (!body_is_object(address[i], sizeof *to) || address[i] < START_OWN_OBJECTS)
			return EINVAL;
		to = body_object(s->process->body, address[i]);
		fluke_ref_create(to);
		if (!s->process->own_session && (address[i] == IMAGE_REF_ROOT || address[i] == IMAGE_REF_CWD))
			error = session_mint(s->process, body_object(s->old, address[i]), to);
		else
			fluke_ref_copy(body_object(s->old, address[i]), to);
	}
	return error;
}

/* The first process: root directory, working directory, descriptors 0 to 2 at their index in IMAGE_FILES. */
static int refs_first(struct starting *s)
{
	struct body *b = s->process->body;
	fluke_ref_t *root = body_object(b, IMAGE_REF_ROOT), *cwd = body_object(b, IMAGE_REF_CWD);
	int error;

	fluke_ref_create(root);
	fluke_ref_create(cwd);
	error = session_mint(s->process, &manager->filesystem, root);
	if (!error)
		error = session_mint(s->process, &manager->cwd, cwd);
	if (error)
		return error;
	for (int n = 0; n < 3; n++) {
		fluke_ref_t *file = body_object(b, IMAGE_FILES + n * sizeof(fluke_ref_t));

		if (!descriptor(n))
			continue;
		fluke_ref_create(file);
		fluke_ref_copy(descriptor(n), file);
	}
	return 0;
}

static void state_start(fluke_thread_state_t *state, int native)
{
	memset(state, 0, sizeof *state);
	state->regs.eflags = 0x202;
	if (native)
		return;
	state->regs.eip = IMAGE_ENTRY_START;
	state->regs.esp = IMAGE_STACK_TOP(0);
	state->regs.syscall_handler = IMAGE_ENTRY_SYSCALL;
	state->regs.trap_handler = IMAGE_ENTRY_TRAP;
	state->regs.interrupt_handler = IMAGE_ENTRY_INTERRUPT;
	state->regs.handler_esp = IMAGE_HANDLER_ESP(0);
}

static int start(void *argument)
{
	static fluke_thread_state_t state;
	struct starting *s = argument;
	int error;

	refs_own(s);
	if (!s->process->own_session)
		session_drop(s->process);
	error = s->old ? refs_copy(s) : refs_first(s);
	state_start(&state, s->native != NULL);
	if (!error && s->native)
		error = native_load(s->process, s->native, s->startup, s->size, &state.regs.eip, &state.regs.esp);
	else if (!error && !(error = record_write(s)))
		error = control_write(s);
	if (error)
		return error;
	error = thread_prepare(s->process, 0, &state);
	if (!error)
		thread_release(s->process, 0, &state);
	return error;
}

static uint32_t strings_size(const struct startup *s, uint32_t size)
{
	const char *start = (const char *)s + s->env_offset, *end = (const char *)s + size, *at = start;

	for (uint32_t left = s->env_count; left && s->env_offset <= size; left--) {
		const char *zero = memchr(at, 0, (size_t)(end - at));

		if (!zero)
			break;
		at = zero + 1;
	}
	return (uint32_t)(at - start);
}

/* What ps and /proc show. */
static void remember_program(struct process *p, const char *name, const struct startup *startup, uint32_t size)
{
	const char *base = strrchr(name, '/');
	const char *args = (const char *)startup + startup->arg_offset;
	uint32_t length = startup->env_offset > startup->arg_offset ? startup->env_offset - startup->arg_offset :
		size - startup->arg_offset;
	uint32_t i = 0, left = startup->arg_count;

	snprintf(p->name, sizeof p->name, "%s", base ? base + 1 : name);
	if (startup->name_offset && startup->name_offset < size)
		name = (const char *)startup + startup->name_offset;
	snprintf(p->executable, sizeof p->executable, "%s", name);
	if (length > sizeof p->command_line)
		length = sizeof p->command_line;
	while (i < length && left)
		left -= !args[i++];
	memcpy(p->command_line, args, i);
	p->command_line_length = i;
	p->environment = IMAGE_STARTUP + startup->env_offset;
	p->environment_size = strings_size(startup, size);
}

/* get_fd of a native program answers by the descriptor table in the record. */
static void remember_descriptors(struct process *p, const struct startup *startup)
{
	const struct startup_fd *fd = (const struct startup_fd *)((const char *)startup + startup->fd_offset);

	memset(p->descriptor, 0, sizeof p->descriptor);
	for (uint32_t i = 0; i < startup->fd_count; i++)
		if (fd[i].fd < 3 && fd[i].file < IMAGE_FILES_MAX)
			p->descriptor[fd[i].fd] = fd[i].file + 1;
}

static int in_record(uint32_t offset, uint32_t count, uint32_t each, uint32_t size)
{
	return offset % 4 == 0 && offset <= size && count <= (size - offset) / each;
}

static int record_check(const struct startup *s, uint32_t size)
{
	if (size < sizeof *s || size > IMAGE_STARTUP_MAX || s->magic != STARTUP_MAGIC || s->size > size)
		return EINVAL;
	if (!in_record(s->ref_offset, s->ref_count, 4, size) ||
	    !in_record(s->fd_offset, s->fd_count, sizeof(struct startup_fd), size) || s->arg_offset > size)
		return EINVAL;
	return 0;
}

/* The process's threads are from now on the one of the new body. */
static void threads_reset(struct process *p)
{
	memset(p->thread, 0, sizeof p->thread);
	memset(p->thread_pending, 0, sizeof p->thread_pending);
	p->threads = p->slots = 0;
	thread_add(p, 0, START_THREAD, p->pid);
}

int process_exec(struct process *p, uint32_t flags, const char *name, const struct startup *startup, uint32_t size)
{
	static struct thread threads[PROCESS_THREADS];
	struct starting starting = { p, p->body, startup, size, NULL };
	fluke_ref_t *program = body_object(p->body, IMAGE_REF_PROGRAM);
	struct Usage usage = p->usage;
	uint64_t taken = 0;
	int error = record_check(startup, size), count = p->threads, slots = p->slots;
	struct body *b;

	if (error)
		return error;
	if (flags & EXEC_NATIVE)
		starting.native = program;
	b = body_create(p, NULL, &error);
	if (!b)
		return error;
	for (int i = 0; i < p->slots; i++)
		taken |= p->thread_pending[i];
	memcpy(threads, p->thread, sizeof threads);
	p->body = b;
	debugger_begun(b, starting.old, 1);
	threads_reset(p);
	error = guarded(start, &starting);
	if (error) {
		threads_account(p->thread, p->slots, 1, &usage);
		body_destroy(b);
		p->body = starting.old;
		memcpy(p->thread, threads, sizeof threads);
		p->threads = count;
		p->slots = slots;
		return error == EFAULT ? ENOMEM : error;
	}
	threads_account(threads, slots, 1, &usage);
	body_destroy(starting.old);
	p->usage = usage;
	p->has_execed = p->own_session = 1;
	vfork_done(p);
	timers_drop(p);
	p->pending |= taken;
	remember_program(p, name, startup, size);
	remember_descriptors(p, startup);
	facts_pending(p);
	signal_deliver(p);		/* what was caught by a handler that is gone */
	return 0;
}

struct process *process_first(const char *name, const struct startup *startup, uint32_t size, fluke_ref_t *native,
	int *error)
{
	struct process *p = process_alloc();
	struct starting starting = { p, NULL, startup, size, native };

	limits_init(p);
	p->group = p->pid;
	p->started = clock_now();
	remember_program(p, name, startup, size);
	remember_descriptors(p, startup);
	*error = session_create(p);
	if (!*error)
		*error = facts_create(p);
	if (!*error)
		p->body = body_create(p, NULL, error);
	if (*error)
		return NULL;
	thread_add(p, 0, START_THREAD, p->pid);
	facts_update(p);
	if (descriptor(0))
		session_set_input(p, descriptor(0));
	first_process = p;
	*error = guarded(start, &starting);
	p->own_session = 1;
	return *error ? NULL : p;
}
