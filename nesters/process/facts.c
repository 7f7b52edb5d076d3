/* The facts pages: what the manager tells each process without being asked, and the process's port.
 * One page per process record in the manager's own data; the process maps a read-only region over its page
 * alone.  Whoever changes ids, terminal or pending sets calls one of the updates here. */
#include <string.h>
#include <native.h>
#include <protocols/Clock.h>
#include <protocols/MemPool.h>
#include "manager.h"

static union facts_page {
	struct process_facts facts;
	uint8_t		page[FLUKE_PAGE_SIZE];
} pages[PROCESSES] __attribute__((aligned(4096)));

static uint32_t memory_total;

_Static_assert(sizeof(struct process_facts) <= FLUKE_PAGE_SIZE, "facts page");
_Static_assert(sizeof(struct process_objects) <= 0x100, "PROCESS_OBJECTS");

struct process_objects *process_objects(struct process *p)
{
	return (struct process_objects *)PROCESS_OBJECTS(p->index);
}

void facts_init(void)
{
	uint32_t multiplier, shift, used, free;
	uint64_t wall_offset;

	if (!Clock_scale(&manager->clock, &multiplier, &shift, &wall_offset))
		clock_set_scale(multiplier, shift, wall_offset);
	if (MemPool_statistics(&manager->pool, &memory_total, &used, &free))
		memory_total = 0;
}

/* Page and region; guarded, as the manager's own pages may have to come from a pool that is empty. */
static int page_make(void *argument)
{
	struct process *p = argument;
	struct process_facts *facts = &pages[p->index].facts;
	fluke_region_state_t state = { .start_va = (uint32_t)facts, .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_READ };

	memset(facts, 0, sizeof *facts);
	facts->magic = FACTS_MAGIC;
	facts->clock = *clock_record();
	facts->memory_total = memory_total;
	strcpy(facts->host_name, "fluke");
	fluke_region_create(&process_objects(p)->facts);
	p->has_facts = 1;
	fluke_region_set_state(&process_objects(p)->facts, &state, own_space(), &manager->null);
	return 0;
}

int facts_create(struct process *p)
{
	return guarded(page_make, p) ? ENOMEM : serve_process(p);
}

void facts_destroy(struct process *p)
{
	struct process_objects *o = process_objects(p);

	unserve_process(p);
	if (p->has_facts)
		fluke_region_destroy(&o->facts);
	p->has_facts = 0;
	for (int i = 0; i < CLOCK_TIMERS; i++)
		if (p->has_timer[i])
			fluke_ref_destroy(&o->timer[i]);
	memset(p->has_timer, 0, sizeof p->has_timer);
	session_drop(p);
}

void facts_update(struct process *p)
{
	struct process_facts *facts = &pages[p->index].facts;
	struct session *s = p->session;
	uint32_t flags = 0;

	facts->pid = p->pid;
	facts->ppid = p->parent ? p->parent->pid : PID_INIT;
	facts->group = p->group;
	facts->session = s->id;
	if (s->has_tty)
		flags |= FACTS_TERMINAL;
	if (!s->has_tty || s->foreground == p->group)
		flags |= FACTS_FOREGROUND;
	if (group_orphaned(p->group, s, NULL))
		flags |= FACTS_ORPHAN;
	if (manager_counts)
		flags |= FACTS_COUNT_CALLS;
	facts->flags = flags;
}

void facts_update_session(struct session *s)
{
	struct process *p;

	for (p = process_next(NULL); p; p = process_next(p))
		if (p->session == s && p->body)
			facts_update(p);
}

void facts_pending(struct process *p)
{
	struct process_facts *facts = &pages[p->index].facts;

	facts->pending = p->pending;
	for (int i = 0; i < p->slots; i++)
		if (p->thread[i].address)
			facts->thread_pending[i] = p->thread_pending[i];
}
