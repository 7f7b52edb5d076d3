/* Threads of processes as kernel objects: launching the first one, giving each a scheduler, stopping and
 * continuing all of a process.  The manager works on them in its window; a native program's own threads,
 * which never registered, are found by region_search of the whole object segment. */
#include <string.h>
#include <native.h>
#include <protocols/Scheduler.h>
#include <nest/schedule.h>
#include "manager.h"

static uint32_t wide_window;

struct search { struct body *body; int stop; };

/* Books the thread with the session's scheduler, whose port goes to manager->scheduler_port.  0 or an errno. */
int thread_add_scheduler(struct process *p, int slot)
{
	struct thread *t = &p->thread[slot];
	struct scheduler *s = session_scheduler(p->session);
	struct policy_parameters parameters;
	natural_t sched_val;

	priority_parameters(p, &parameters);
	fluke_thread_reference(body_object(p->body, t->address), &manager->scratch);
	if (debugger_present())		/* which sees each thread before it runs: its time comes from there, without a policy of ours */
		return Scheduler_add(&manager->scheduler, body_object(p->body, t->address), &manager->scheduler_port, &t->sched_val) ? EAGAIN : 0;
	if (scheduler_admit(s, &manager->scratch, &parameters, &manager->scheduler_port, &sched_val))
		return EAGAIN;
	t->scheduler = s;
	t->sched_val = sched_val;
	return 0;
}

static int thread_rebook(void *argument)
{
	static fluke_thread_state_t state;
	static fluke_ref_t *leave[FLUKE_THREAD_LINKS];
	fluke_ref_t *links[FLUKE_THREAD_LINKS] = { NULL, &manager->scheduler_port };
	struct { struct process *p; int slot; } *moving = argument;
	struct thread *t = &moving->p->thread[moving->slot];
	fluke_thread_t *thread = body_object(moving->p->body, t->address);

	if (thread_add_scheduler(moving->p, moving->slot))
		return EAGAIN;
	fluke_thread_get_state(thread, &state, leave);
	state.sched_val = t->sched_val;
	state.flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, &state, links);
	return 0;
}

/* What they used so far is booked now.  One that cannot move stays with the old session's. */
void threads_new_session(struct process *p)
{
	for (int i = 0; i < p->slots; i++) {
		struct { struct process *p; int slot; } moving = { p, i };
		struct thread old = p->thread[i];

		if (!old.scheduler || !old.address || guarded(thread_rebook, &moving)) {
			p->thread[i] = old;
			continue;
		}
		threads_account(&old, 1, 0, &p->usage);
		scheduler_leave(old.scheduler, old.sched_val);
	}
}

/* Adds the time of the threads; ending: they are about to be destroyed. */
void threads_account(const struct thread *threads, int slots, int ending, struct Usage *usage)
{
	for (int i = 0; i < slots; i++) {
		if (!threads[i].scheduler)
			continue;
		usage->user += facts_ns(scheduler_used(threads[i].scheduler, threads[i].sched_val));
		if (ending)
			scheduler_end(threads[i].scheduler, threads[i].sched_val);
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
