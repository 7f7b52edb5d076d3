/* Threads of processes as kernel objects: launching the first one, giving each a scheduler, stopping and
 * continuing all of a process.  The manager works on them in its window; a native program's own threads,
 * which never registered, are found by region_search of the whole object segment. */
#include <string.h>
#include <native.h>
#include <protocols/Scheduler.h>
#include "manager.h"

static uint32_t wide_window;

struct search { struct body *body; int stop; };

/* Books the thread with the scheduler, whose port goes to manager->scheduler_port.  0 or an errno. */
int thread_add_scheduler(struct process *p, int slot)
{
	struct thread *t = &p->thread[slot];

	return Scheduler_add(&manager->scheduler, body_object(p->body, t->address), &manager->scheduler_port,
		&t->sched_val) ? EAGAIN : 0;
}

/* Adds the time of the threads; ending: they are about to be destroyed. */
void threads_account(const struct thread *threads, int slots, int ending, struct Usage *usage)
{
	uint64_t tsc;

	for (int i = 0; i < slots; i++) {
		if (!threads[i].sched_val)
			continue;
		tsc = 0;
		if (ending)
			Scheduler_end(&manager->scheduler, threads[i].sched_val, &tsc);
		else
			Scheduler_get_usage(&manager->scheduler, threads[i].sched_val, &tsc);
		usage->user += clock_of_counts(tsc);
	}
}

/* Makes the thread object of the slot; thread_release sets its state and lets it go. */
int thread_prepare(struct process *p, int slot, fluke_thread_state_t *state)
{
	integer_t hash = 0;

	state->thread_va = p->thread[slot].address;
	fluke_thread_create_hash(body_object(p->body, p->thread[slot].address), &hash);
	p->thread[slot].hash = (uint32_t)hash;
	if (thread_add_scheduler(p, slot))
		return EAGAIN;
	state->sched_val = p->thread[slot].sched_val;
	return 0;
}

void thread_release(struct process *p, int slot, fluke_thread_state_t *state)
{
	fluke_ref_t *links[FLUKE_THREAD_LINKS] = { body_object(p->body, START_REF_SPACE), &manager->scheduler_port };

	fluke_thread_set_state(body_object(p->body, p->thread[slot].address), state, links);
}

static int thread_destroy(void *argument)
{
	fluke_thread_destroy(argument);
	return 0;
}

/* Ends a thread of a process that lives on. */
void thread_remove(struct process *p, int slot)
{
	struct thread *t = &p->thread[slot];

	threads_account(t, 1, 1, &p->usage);
	guarded(thread_destroy, body_object(p->body, t->address));
	memset(t, 0, sizeof *t);
	p->threads--;
}

/* get_state stops; a stopped one is let go with the state it has. */
static void thread_hold(fluke_thread_t *thread, int stop)
{
	static fluke_thread_state_t state;
	static fluke_ref_t *leave[FLUKE_THREAD_LINKS];

	fluke_thread_get_state(thread, &state, leave);
	if (stop)
		return;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, leave);
}

static void region_over(uint32_t start, uint32_t size)
{
	fluke_region_state_t state = { .start_va = start, .size = size, .prot = OBJECTS_PROT };

	fluke_region_set_state(&manager->search, &state, own_space(), &manager->null);
}

/* Calls visit for each object of the type in the wide window. */
static void search_threads(int stop)
{
	fluke_obspec_t found[32];
	oskit_addr_t offset = 0;
	natural_t unused;

	do {
		unused = 32;
		fluke_region_search(&manager->search, &offset, START_OBJECTS_SIZE - offset, found, &unused);
		for (natural_t i = 0; i < 32 - unused; i++)
			if (found[i].type == FLUKE_TYPE_THREAD)
				thread_hold((fluke_thread_t *)found[i].ob, stop);
	} while (unused == 0 && offset < START_OBJECTS_SIZE);
}

static int search_all(void *argument)
{
	struct search *search = argument;
	fluke_mapping_state_t state = { .size = START_OBJECTS_SIZE, .prot = OBJECTS_PROT };

	if (!wide_window)
		wide_window = (uint32_t)address_reserve(START_OBJECTS_SIZE);
	state.start_va = wide_window;
	fluke_mapping_create(&manager->wide);
	fluke_mapping_set_state(&manager->wide, &state, &search->body->objects->objects_region, own_space());
	region_over(wide_window, START_OBJECTS_SIZE);
	search_threads(search->stop);
	return 0;
}

static void threads_hold(struct process *p, int stop)
{
	struct search search = { p->body, stop };

	guarded(search_all, &search);
	fluke_mapping_destroy(&manager->wide);
}

void threads_stop(struct process *p)
{
	threads_hold(p, 1);
}

void threads_continue(struct process *p)
{
	threads_hold(p, 0);
}
