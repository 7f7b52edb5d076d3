/* The table of processes, threads and sessions: numbers, parents, membership.  Plain data, no
 * kernel calls, so that it runs in tests/host too.  A number is free again when no process has it
 * as pid, group, session or thread id. */
#include <string.h>
#include "manager.h"

#define BUCKETS	256

struct process process_table[PROCESSES];
static struct process *bucket[BUCKETS];
static struct process *free_list;
static struct process *table_end;	/* no record in use from here on */
static struct session session_table[SESSIONS];
static int last_id;

void table_init(void)
{
	memset(bucket, 0, sizeof bucket);
	memset(session_table, 0, sizeof session_table);
	free_list = NULL;
	table_end = process_table;
	last_id = PID_INIT;
	for (int i = PROCESSES - 1; i >= 0; i--) {
		memset(&process_table[i], 0, sizeof process_table[i]);
		process_table[i].index = i;
		process_table[i].sibling = free_list;
		free_list = &process_table[i];
	}
}

struct process *process_find(int pid)
{
	struct process *p;

	if (pid <= 0)
		return NULL;
	for (p = bucket[pid % BUCKETS]; p; p = p->hash_next)
		if (p->pid == pid)
			return p;
	return NULL;
}

struct process *process_next(struct process *p)
{
	struct process *next;

	for (next = p ? p + 1 : process_table; next < table_end; next++)
		if (next->state != PROCESS_FREE)
			return next;
	return NULL;
}

static int id_in_use(int id)
{
	struct process *p;

	if (process_find(id))
		return 1;
	for (p = process_next(NULL); p; p = process_next(p)) {
		if (p->group == id || (p->session && p->session->id == id))
			return 1;
		if (p->threads > 1 && thread_find_tid(p, id))
			return 1;
	}
	return 0;
}

int id_alloc(void)
{
	static int wrapped;

	for (;;) {
		if (++last_id >= PID_MAX) {
			last_id = PID_INIT + 1;
			wrapped = 1;
		}
		if (!wrapped || !id_in_use(last_id))
			return last_id;
	}
}

struct process *process_alloc(void)
{
	struct process *p = free_list;
	int index;

	if (!p)
		return NULL;
	free_list = p->sibling;
	index = p->index;
	memset(p, 0, sizeof *p);
	p->index = index;
	p->pid = id_alloc();
	p->state = PROCESS_RUNNING;
	if (p >= table_end)
		table_end = p + 1;
	p->hash_next = bucket[p->pid % BUCKETS];
	bucket[p->pid % BUCKETS] = p;
	return p;
}

int processes_living(void)
{
	struct process *p;
	int count = 0;

	for (p = process_next(NULL); p; p = process_next(p))
		count += p->state != PROCESS_ZOMBIE;
	return count;
}

void process_free(struct process *p)
{
	struct process **link = &bucket[p->pid % BUCKETS];

	child_remove(p);
	session_leave(p);
	while (*link != p)
		link = &(*link)->hash_next;
	*link = p->hash_next;
	p->state = PROCESS_FREE;
	p->pid = 0;
	while (table_end > process_table && table_end[-1].state == PROCESS_FREE)
		table_end--;
	p->sibling = free_list;
	free_list = p;
}

void child_add(struct process *parent, struct process *child)
{
	struct process **last = &parent->children;

	while (*last)			/* oldest first: wait reports in that order */
		last = &(*last)->sibling;
	*last = child;
	child->sibling = NULL;
	child->parent = parent;
}

void child_remove(struct process *child)
{
	struct process **link;

	if (!child->parent)
		return;
	for (link = &child->parent->children; *link != child; link = &(*link)->sibling)
		;
	*link = child->sibling;
	child->sibling = NULL;
	child->parent = NULL;
}

void children_orphan(struct process *p)
{
	while (p->children)
		child_remove(p->children);
}

struct thread *thread_find(struct process *p, uint32_t address)
{
	for (int i = 0; i < p->slots; i++)
		if (address && p->thread[i].address == address)
			return &p->thread[i];
	return NULL;
}

struct thread *thread_find_tid(struct process *p, int tid)
{
	for (int i = 0; i < p->slots; i++)
		if (p->thread[i].address && p->thread[i].tid == tid)
			return &p->thread[i];
	return NULL;
}

int thread_slot(uint32_t address)
{
	uint32_t offset = address - IMAGE_THREAD_OBJECTS;

	if (address == START_THREAD)
		return 0;
	if (offset % sizeof(fluke_thread_t) || offset / sizeof(fluke_thread_t) >= PROCESS_THREADS || !offset)
		return -1;
	return offset / sizeof(fluke_thread_t);
}

struct thread *thread_add(struct process *p, int slot, uint32_t address, int tid)
{
	struct thread *t = &p->thread[slot];

	if (t->address)
		return NULL;
	t->address = address;
	t->tid = tid;
	t->sched_val = 0;
	p->thread_pending[slot] = 0;
	p->threads++;
	if (slot >= p->slots)
		p->slots = slot + 1;
	return t;
}

struct session *session_alloc(int id)
{
	for (int i = 0; i < SESSIONS; i++) {
		struct session *s = &session_table[i];

		if (s->id)
			continue;
		memset(s, 0, sizeof *s);
		s->id = id;
		return s;
	}
	return NULL;
}

struct session *session_find(int id)
{
	for (int i = 0; i < SESSIONS; i++)
		if (id && session_table[i].id == id)
			return &session_table[i];
	return NULL;
}

int session_number(const struct session *s)
{
	return s - session_table;
}

void session_enter(struct process *p, struct session *s)
{
	session_leave(p);
	p->session = s;
	s->members++;
}

void session_leave(struct process *p)
{
	struct session *s = p->session;

	if (!s)
		return;
	p->session = NULL;
	s->members--;
	session_check(s);
}

/* The record stays while anybody is in it, or a body lives from its pool. */
void session_check(struct session *s)
{
	if (s->members == 0 && s->living == 0)
		session_ended(s);
}

int group_exists(int group, struct session *s)
{
	struct process *p;

	for (p = process_next(NULL); p; p = process_next(p))
		if (p->group == group && (!s || p->session == s))
			return 1;
	return 0;
}
