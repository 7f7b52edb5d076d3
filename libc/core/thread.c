/* Threads of native programs, and locks.  A thread that ends cannot destroy itself: it enters
 * the list of ended ones and waits there for ever; the next thread_start takes its object and
 * stack. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <startup.h>

struct ended {				/* at the low end of the stack of the ended thread */
	struct ended	*next;
	fluke_thread_t	*thread;
	size_t		stack;
};

struct start {				/* at the high end of a new thread's stack, where esp points */
	uint32_t	return_address;
	void		(*entry)(void *);
	void		*argument;
	struct ended	*low;
};

struct local {				/* what gs leads to */
	struct start	*start;
	void		*value;		/* thread_local_set's */
	void		*carrier;	/* thread_carrier_set's */
	uint32_t	unused[2], stack_guard;	/* where code compiled for Linux (lz4) looks for a constant: gs:20 */
};

static struct ended *ended_list;
static struct lock thread_lock;
static fluke_cond_t *never;

fluke_ref_t	*libc_own_space = (fluke_ref_t *)START_REF_SPACE;

void	thread_init(void);

static int has_local(void)
{
	uint32_t selector;

	__asm__ volatile("movl %%gs, %0" : "=r"(selector));
	return selector != 0;
}

/* The first thread gets what start_thread gives to the others. */
void thread_init(void)
{
	static struct local first;

	lock_init(&thread_lock);
	never = cond_new();
	if (!has_local()) {
		fluke_thread_set_tls((oskit_addr_t)&first);
		__asm__ volatile("movw %w0, %%gs" : : "r"(FLUKE_USER_TLS));
	}
}

fluke_ref_t *own_space(void)
{
	return libc_own_space;
}

void lock_init(struct lock *lock)
{
	lock->mutex = mutex_new();
	if (lock->mutex) {
		fluke_mutex_state_t state = { 0, FLUKE_MUTEX_INHERIT_PRI, 0 };

		fluke_mutex_set_state(lock->mutex, &state, NULL);
	}
}

void lock_done(struct lock *lock)
{
	mutex_free(lock->mutex);
	lock->mutex = NULL;
}

static void reap(void)
{
	struct ended *list, *next;

	lock_take(&thread_lock);
	list = ended_list;
	ended_list = NULL;
	lock_drop(&thread_lock);
	for (; list; list = next) {
		next = list->next;
		fluke_thread_destroy(list->thread);
		object_release(list->thread, FLUKE_TYPE_THREAD);
		free(list);
	}
}

void thread_exit(void)
{
	struct start *start;
	uint32_t self = (uint32_t)fluke_thread_self();

	__asm__("movl %%gs:0, %0" : "=r"(start));
	start->low->thread = (fluke_thread_t *)self;
	lock_take(&thread_lock);
	start->low->next = ended_list;
	ended_list = start->low;
	for (;;)
		fluke_cond_wait(never, thread_lock.mutex);
}

void *thread_local_get(void)
{
	void *value = NULL;

	if (has_local())
		__asm__ volatile("movl %%gs:4, %0" : "=r"(value));
	return value;
}

void thread_local_set(void *value)
{
	if (has_local())
		__asm__ volatile("movl %0, %%gs:4" : : "r"(value) : "memory");
}

static void thread_main(void (*entry)(void *), void *argument)
{
	entry(argument);
	thread_exit();
}

fluke_thread_t *thread_start_scheduled(void (*entry)(void *), void *argument, size_t size, thread_booking *booking, void *booker)
{
	fluke_thread_t *thread;
	fluke_thread_state_t *state;
	fluke_thread_links_t links = { 0 };
	struct start *start;
	struct local *local;
	struct ended *low;

	reap();
	if (!size)
		size = THREAD_STACK;
	thread = object_reserve(FLUKE_TYPE_THREAD);
	low = malloc(size);
	state = calloc(1, sizeof(*state));
	links[FLUKE_LINK_SCHEDULER] = ref_new();
	if (!thread || !low || !state || !links[FLUKE_LINK_SCHEDULER])
		goto fail;
	low->stack = size;
	start = (struct start *)(void *)(((uint32_t)low + size - 64) & ~15u);
	local = (struct local *)(start + 1);
	local->start = start;
	local->value = local->carrier = NULL;
	local->stack_guard = 0;
	start->return_address = 0;
	start->entry = entry;
	start->argument = argument;
	start->low = low;
	fluke_thread_create(thread);
	state->thread_va = (oskit_addr_t)thread;
	state->regs.eip = (uint32_t)thread_main;
	state->regs.esp = (uint32_t)start;
	state->regs.tls_base = (uint32_t)local;
	state->regs.gs = FLUKE_USER_TLS;
	links[FLUKE_LINK_SPACE] = own_space();
	if (booking && booking(booker, thread, links[FLUKE_LINK_SCHEDULER], &state->sched_val)) {
		fluke_thread_destroy(thread);
		goto fail;
	}
	fluke_thread_set_state(thread, state, links);
	ref_free(links[FLUKE_LINK_SCHEDULER]);
	free(state);
	return thread;
fail:
	if (thread)
		object_release(thread, FLUKE_TYPE_THREAD);
	ref_free(links[FLUKE_LINK_SCHEDULER]);
	free(low);
	free(state);
	return NULL;
}

/* Without a scheduler it runs on what its clients donate. */
static int book(void *unused, fluke_thread_t *thread, fluke_ref_t *port, natural_t *sched_val)
{
	(void)unused;
	if (thread_scheduler(thread, port, sched_val))
		fluke_ref_clear(port);
	return 0;
}

fluke_thread_t *thread_start(void (*entry)(void *), void *argument, size_t stack)
{
	return thread_start_scheduled(entry, argument, stack, book, NULL);
}

fluke_thread_t *thread_start_donated(void (*entry)(void *), void *argument, size_t stack)
{
	return thread_start_scheduled(entry, argument, stack, NULL, NULL);
}
