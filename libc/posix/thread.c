/* Threads of the process: their objects, the image lock, clone with CLONE_THREAD.
 *
 * Thread n has its area (record and stacks), its thread object, a portset with two ports
 * in IMAGE_SYNC_OBJECTS and 16 refs.  All waiting is on the portset (wait.c): whoever wakes a thread sends a
 * one-way message to its wake port, which is never lost. */
#include "posix.h"
#include "calls.h"
#include <protocols/Process.h>

uint32_t image_sole_thread;
bool image_thread_used[IMAGE_THREADS_MAX];
static bool objects_made[IMAGE_THREADS_MAX], thread_made[IMAGE_THREADS_MAX];
static volatile bool ended[IMAGE_THREADS_MAX];
static unsigned thread_count;
static bool lock_made;

uint32_t image_thread_of_object(uint32_t object);

#define LOCK			((fluke_mutex_t *)IMAGE_SYNC_OBJECTS)
#define SYNC(n, offset)		(IMAGE_SYNC_OBJECTS + 0x4000u + (n) * 256u + (offset))
#define PORTSET(n)		((fluke_portset_t *)SYNC(n, 0))
#define WAKE_PORT(n)		((fluke_port_t *)SYNC(n, 64))
#define THREAD_REF(n, k)	REF(IMAGE_THREAD_REFS + ((n) * 16u + (unsigned)(k)) * 32u)
#define REF_WAKE(n)		THREAD_REF(n, 8)

/* Area of the thread whose object it is (fluke_thread_self). */
uint32_t image_thread_of_object(uint32_t object)
{
	return IMAGE_THREAD_AREA(object == START_THREAD ? 0 : (object - IMAGE_THREAD_OBJECTS) / sizeof(fluke_thread_t));
}

void image_lock(void)
{
	if (image_sole_thread)
		return;
	fluke_mutex_lock(LOCK);
	self()->locked = 1;
}

void image_unlock(void)
{
	if (!self()->locked)
		return;
	self()->locked = 0;
	fluke_mutex_unlock(LOCK);
}

fluke_ref_t *thread_ref(int k)
{
	return THREAD_REF(self()->number, k);
}

static void wake_ref(unsigned n)
{
	fluke_port_reference(WAKE_PORT(n), REF_WAKE(n));
}

void thread_objects(unsigned n)
{
	fluke_port_state_t state = { .alias = 1 };
	fluke_ref_t *portset = THREAD_REF(n, 0);
	int k;

	if (objects_made[n])
		return;
	objects_made[n] = true;
	for (k = 0; k < 16; k++)
		fluke_ref_create(THREAD_REF(n, k));
	fluke_portset_create(PORTSET(n));
	fluke_port_create(WAKE_PORT(n));
	fluke_portset_reference(PORTSET(n), portset);
	fluke_port_set_state(WAKE_PORT(n), &state, portset);
	wake_ref(n);
}

static void record_init(unsigned n, int32_t tid)
{
	struct thread *t = THREAD(n);

	memset(t, 0, sizeof(*t));
	t->number = n;
	t->tid = tid;
	t->alt_flags = SS_DISABLE;
	image_thread_used[n] = true;
	CONTROL->slot[n].tid = (uint32_t)tid;
	CONTROL->slot[n].blocked = 0;
	CONTROL->slot[n].waiting = 0;
	CONTROL->slot[n].thread = IMAGE_THREAD_OBJECT(n);
}

void threads_start(void)
{
	image_sole_thread = IMAGE_THREAD_AREA(0);
	thread_count = 1;
	fluke_mutex_create(LOCK);
	lock_made = true;
	thread_made[0] = true;
	record_init(0, FACTS->pid);
	thread_objects(0);
}

/* In the child of fork: the caller is the only thread; refs to the parent's objects are renewed. */
void threads_forked(void)
{
	struct thread *t = self();
	unsigned n;

	for (n = 0; n < IMAGE_THREADS_MAX; n++) {
		if (n == t->number)
			continue;
		if (image_thread_used[n] && THREAD(n)->has_watch)
			fluke_port_destroy((fluke_port_t *)SYNC(n, 128));
		image_thread_used[n] = false;
		thread_made[n] = ended[n] = false;
		CONTROL->slot[n].thread = 0;
	}
	image_unlock();			/* with other threads fork held it, and the child's copy is the child's */
	image_sole_thread = (uint32_t)t;
	thread_count = 1;
	t->tid = FACTS->pid;
	CONTROL->slot[t->number].tid = (uint32_t)t->tid;
	t->has_timer = t->has_watch = 0;
	for (n = 0; n < IMAGE_THREADS_MAX; n++)
		if (objects_made[n])
			wake_ref(n);
}

void thread_wake(struct thread *t)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t p = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&p, REF_WAKE(t->number));
}

/* ---- clone with CLONE_THREAD ---- */

/* Ended threads rest until their slot is wanted: then the manager destroys them. */
static void reap(void)
{
	int n;

	for (n = 1; n < IMAGE_THREADS_MAX; n++)
		if (ended[n]) {
			Process_thread_ended(REF_PROCESS, IMAGE_THREAD_OBJECT(n));
			ended[n] = thread_made[n] = image_thread_used[n] = false;
		}
}

static int thread_slot(void)
{
	int n;

	reap();
	for (n = 1; n < IMAGE_THREADS_MAX; n++)
		if (!image_thread_used[n])
			return n;
	return -EAGAIN;
}

static void thread_state(unsigned n, uint32_t tls)
{
	static fluke_thread_state_t state;	/* guarded by the image lock */
	fluke_thread_links_t links = { REF(START_REF_SPACE), NULL, NULL, NULL, NULL };
	struct fluke_i386_state *r = &state.regs;

	memset(&state, 0, sizeof(state));
	state.thread_va = IMAGE_THREAD_OBJECT(n);
	state.flags = FLUKE_THREAD_STOPPED;
	r->eip = IMAGE_ENTRY_THREAD;
	r->esp = IMAGE_STACK_TOP(n);
	r->eflags = 0x202;
	r->syscall_handler = IMAGE_ENTRY_SYSCALL;
	r->trap_handler = IMAGE_ENTRY_TRAP;
	r->interrupt_handler = IMAGE_ENTRY_INTERRUPT;
	r->handler_esp = IMAGE_HANDLER_ESP(n);
	r->tls_base = tls;
	r->gs = tls ? FLUKE_USER_TLS : 0;
	fluke_thread_set_state((fluke_thread_t *)IMAGE_THREAD_OBJECT(n), &state, links);
}

static void thread_let_go(unsigned n)
{
	static fluke_thread_state_t state;
	fluke_thread_links_t none = { NULL, NULL, NULL, NULL, NULL };

	fluke_thread_get_state((fluke_thread_t *)IMAGE_THREAD_OBJECT(n), &state, none);
	state.flags &= ~(uint32_t)FLUKE_THREAD_STOPPED;
	fluke_thread_set_state((fluke_thread_t *)IMAGE_THREAD_OBJECT(n), &state, none);
}

static int make_thread(unsigned n, const struct registers *r, uint32_t tls)
{
	struct registers *frame = (struct registers *)(IMAGE_STACK_TOP(n) - sizeof(*frame));
	int32_t tid = 0;
	int error;

	thread_objects(n);
	if (!thread_made[n])
		fluke_thread_create((fluke_thread_t *)IMAGE_THREAD_OBJECT(n));
	thread_made[n] = true;
	record_init(n, 0);
	THREAD(n)->blocked = CONTROL->slot[n].blocked = self()->blocked;
	THREAD(n)->tls_base = tls;
	*frame = *r;
	thread_state(n, tls);
	error = Process_thread_started(REF_PROCESS, IMAGE_THREAD_OBJECT(n), n, &tid);
	if (error) {
		image_thread_used[n] = false;
		CONTROL->slot[n].thread = 0;
		return fail(error);
	}
	THREAD(n)->tid = tid;
	CONTROL->slot[n].tid = (uint32_t)tid;
	thread_count++;
	return tid;
}

/* r: registers of the new thread.  Its id is stored before it runs. */
long thread_clone(struct registers *r, uint32_t flags, uint32_t tls, int32_t *parent_tid, int32_t *child_tid)
{
	int n, tid;

	image_lock();
	if (image_sole_thread) {
		image_sole_thread = 0;
		fluke_mutex_lock(LOCK);
		self()->locked = 1;
	}
	n = thread_slot();
	tid = n < 0 ? n : make_thread((unsigned)n, r, tls);
	if (tid >= 0 && flags & CLONE_CHILD_CLEARTID)
		THREAD(n)->clear_tid = (uint32_t)child_tid;
	image_unlock();
	if (tid < 0)
		return tid;
	if (flags & CLONE_PARENT_SETTID)
		*parent_tid = tid;
	if (flags & CLONE_CHILD_SETTID)
		*child_tid = tid;
	thread_let_go((unsigned)n);
	return tid;
}

void image_thread_begin(void);
void image_thread_begin(void)
{
	struct thread *t = self();

	t->frame = (struct registers *)(IMAGE_STACK_TOP(t->number) - sizeof(struct registers));
}

/* The calling thread ends; its area and object stay for the next one. */
void thread_exit(int status)
{
	struct thread *t = self();
	uint32_t address = t->clear_tid;

	image_lock();
	if (thread_count <= 1) {
		vfork_ends();
		image_exit(status << 8);
	}
	thread_count--;
	CONTROL->slot[t->number].blocked = ~0ull;
	CONTROL->slot[t->number].thread = 0;
	image_unlock();
	t->blocked = ~0ull;
	if (address) {
		*(volatile uint32_t *)address = 0;
		posix_futex(address, FUTEX_WAKE, 1, 0, 0, 0);
	}
	ended[t->number] = t->number != 0;
	for (;;)
		thread_wait(FOREVER);
}

long posix_exit(int status)
{
	thread_exit(status & 0xff);
	return 0;
}

long posix_gettid(void)
{
	return self()->tid;
}

long posix_set_tid_address(uint32_t address)
{
	self()->clear_tid = address;
	return self()->tid;
}

long posix_set_robust_list(uint32_t head, uint32_t size)
{
	(void)head;
	return size == 12 ? 0 : -EINVAL;
}

/* ---- thread-local storage ---- */

long posix_set_thread_area(struct user_desc *d)
{
	uint32_t index = FLUKE_USER_TLS >> 3;

	if (d->entry != ~0u && d->entry != index)
		return -EINVAL;
	self()->tls_base = d->base;
	fluke_thread_set_tls(d->base);
	d->entry = index;
	return 0;
}

long posix_get_thread_area(struct user_desc *d)
{
	if (d->entry != FLUKE_USER_TLS >> 3)
		return -EINVAL;
	d->base = self()->tls_base;
	d->limit = 0xfffff;
	d->flags = 0x51;
	return 0;
}
