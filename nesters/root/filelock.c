/* Locks on files: the owners, and those who wait.  The table of locks itself is ramfs_lock.c.
 *
 * An owner of record locks is a port (FileDescription.lock_owner): who holds a reference to it is that owner, and when the last
 * one goes, as with the process that had it, its locks go.  Any other lock is its description's.  A request that waits
 * is parked; whoever frees a range answers those who waited for it, outside root_lock; a lock whose owner has left its wait is
 * taken back.  Both lists are guarded by root_lock.
 *
 * A close is an event that may be on its way to another worker.  So who finds a lock in its way asks whether anybody still has a
 * reference to its holder; if not, the lock goes now. */
#include <stdlib.h>
#include "root.h"
#include <protocols/FileDescription_server.h>

struct lock_owner {
	struct served	served;
	struct ramfs_owner owner;
	fluke_ref_t	*badge;
};

struct lock_wait {
	struct lock_wait *next;
	struct request	*request;
	struct ramfs_claim claim;	/* owner null: has gone, or holds the range by another request */
};

static struct lock_wait *waits, **waits_end = &waits, *answering;

/* ---- waiting ---- */

static struct lock_owner *of_process(struct ramfs_owner *owner)
{
	return owner->is_process ? (struct lock_owner *)((char *)owner - offsetof(struct lock_owner, owner)) : 0;
}

/* The lock in the claim's way; those of holders that have gone are dropped, *freed if there were any. */
static struct ramfs_lock *in_the_way(const struct ramfs_claim *c, int *freed)
{
	struct ramfs_lock *l;
	struct lock_owner *o;

	while ((l = ramfs_lock_conflict(c))) {
		o = of_process(l->c.owner);
		if (o && served_unreferenced(&o->served))
			ramfs_unlock_all(&o->owner);
		else if (served_unreferenced((struct served *)(uintptr_t)l->c.via))
			ramfs_unlock_via(l->c.node, l->c.via);
		else
			break;
		*freed = 1;
	}
	return l;
}

/* May it be answered, and with what?  0: it still waits. */
static int is_ready(struct lock_wait *w, int *error)
{
	int held = ramfs_holds(&w->claim);

	*error = ramfs_lock(&w->claim);
	if (*error == EAGAIN)
		return 0;
	if (!*error)
		FileDescription_lock_reply(w->request);
	if (held || *error)
		w->claim.owner = 0;	/* nothing to take back */
	return 1;
}

/* The first who need not wait any longer; *error: what to answer. */
static struct lock_wait *next_ready(int *error)
{
	struct lock_wait **link, *w;

	root_lock();
	for (link = &waits; (w = *link); link = &w->next) {
		if (!is_ready(w, error))
			continue;
		*link = w->next;
		if (!w->next)
			waits_end = link;
		w->next = answering;
		answering = w;
		break;
	}
	root_unlock();
	return w;
}

static void answer(struct lock_wait *w, int error)
{
	struct lock_wait **link = &answering;
	int gone;

	gone = request_answer(w->request, error);
	root_lock();
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	if (gone && w->claim.owner) {
		w->claim.type = F_UNLCK;
		ramfs_lock(&w->claim);
	}
	root_unlock();
	free(w);
}

/* Without root_lock: ranges have been freed. */
static void run(void)
{
	struct lock_wait *w;
	int error = 0;

	while ((w = next_ready(&error)))
		answer(w, error);
}

static struct ramfs_claim *waits_for(struct ramfs_owner *owner)
{
	for (struct lock_wait *w = waits; w; w = w->next)
		if (w->claim.owner == owner && owner->is_process && !request_gone(w->request))
			return &w->claim;
	return 0;
}

/* Does who is in the way wait, perhaps through others, for the claim's owner? */
static int is_circle(const struct ramfs_claim *c)
{
	struct ramfs_owner *owner = c->owner;
	struct ramfs_lock *l;
	int n = 0;

	while (c && owner->is_process && n++ < 100) {
		l = ramfs_lock_conflict(c);
		if (l && l->c.owner == owner)
			return 1;
		c = l ? waits_for(l->c.owner) : 0;
	}
	return 0;
}

/* With the lock: those whose client thread has gone, or asks again since it left its former wait for a signal. */
static void forget_former(struct request *r)
{
	struct lock_wait **link = &waits, *w;

	while ((w = *link)) {
		if (!request_gone(w->request) && !request_same_client(w->request, r)) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		request_drop(w->request);
		free(w);
	}
	waits_end = link;
}

/* With the lock; the request is parked unless the answer is an error. */
static int park(struct request *r, const struct ramfs_claim *c)
{
	struct lock_wait *w;

	if (is_circle(c))
		return EDEADLK;
	w = malloc(sizeof *w);
	if (!w || !(r = request_park(r))) {
		free(w);
		return ENOLCK;
	}
	*w = (struct lock_wait){ 0, r, *c };
	forget_former(r);
	*waits_end = w;
	waits_end = &w->next;
	return REQUEST_PARKED;
}

static int one_more(void *payer)
{
	return session_take(payer, HOLDS_LOCKS, 1);
}

static void one_less(void *payer)
{
	session_give(payer, HOLDS_LOCKS, 1);
}

void filelock_boot(void)
{
	ramfs_lock_take = one_more;
	ramfs_lock_give = one_less;
}

/* The owner has the range by a request of its own: what is on its way to it must not be taken back. */
static void keep(const struct ramfs_owner *owner)
{
	for (struct lock_wait *w = answering; w; w = w->next)
		if (w->claim.owner == owner)
			w->claim.owner = 0;
}

/* With the lock: takes those of the owner, or through the description, out of the list. */
static struct lock_wait *take_waits(const struct ramfs_owner *owner, const void *via)
{
	struct lock_wait **link = &waits, *w, *taken = 0;

	while ((w = *link)) {
		if (w->claim.owner != owner && w->claim.via != via) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		w->next = taken;
		taken = w;
	}
	waits_end = link;
	return taken;
}

static void drop_waits(struct lock_wait *w)
{
	struct lock_wait *next;

	for (; w; w = next) {
		next = w->next;
		request_drop(w->request);
		free(w);
	}
}

/* ---- owners ---- */

static void owner_release(void *self)
{
	struct lock_owner *o = self;
	struct lock_wait *gone;
	int freed;

	root_lock();
	freed = ramfs_unlock_all(&o->owner);
	keep(&o->owner);
	gone = take_waits(&o->owner, 0);
	root_unlock();
	drop_waits(gone);
	if (freed)
		run();
	served_done(&o->served);
	ref_free(o->badge);
	free(o);
}

static const struct served_class owner_class = { .name = "lock owner", .release = owner_release };

static void owner_sent(void *context, int delivered)
{
	if (!delivered)
		served_end(context);
}

int filelock_owner(struct request *r, fluke_ref_t *badge, void **port)
{
	struct lock_owner *o = calloc(1, sizeof *o);

	if (!o || (badge && !(o->badge = ref_dup(badge))) || served_init(&o->served, &owner_class, server)) {
		if (o)
			ref_free(o->badge);
		free(o);
		return ENOLCK;
	}
	o->owner.is_process = 1;
	o->owner.payer = o->served.session;
	*port = o->served.port;
	r->sent = owner_sent;
	r->sent_context = &o->served;
	return 0;
}

/* Who claims: whom the reference leads to, else the description. */
static int claimant(fluke_ref_t *ref, struct ramfs_claim *c)
{
	struct served *o;

	if (!ref || fluke_ref_type(ref) == FLUKE_NULL)
		return 0;
	o = served_of(server, ref);
	if (!o || o->class != &owner_class)
		return EXDEV;
	c->owner = &((struct lock_owner *)o)->owner;
	return 0;
}

/* ---- the methods; c->owner: the description's own */

int filelock(struct request *r, struct ramfs_claim *c, fluke_ref_t *owner, int wait)
{
	int error = claimant(owner, c), freed;

	if (error)
		return error;
	root_lock();
	freed = c->type != F_WRLCK && waits;
	if (c->type != F_UNLCK && in_the_way(c, &freed))
		error = wait ? park(r, c) : EAGAIN;
	else
		error = ramfs_lock(c);
	if (!error)
		keep(c->owner);
	root_unlock();
	if (freed)
		run();
	return error;
}

int filelock_get(struct ramfs_claim *c, fluke_ref_t *owner, struct ramfs_claim *held, fluke_ref_t **badge)
{
	int error = claimant(owner, c), freed = 0;
	struct lock_owner *o;
	struct ramfs_lock *l;

	if (error)
		return error;
	root_lock();
	l = in_the_way(c, &freed);
	if (l) {
		*held = l->c;
		o = of_process(l->c.owner);
		*badge = o ? ref_dup(o->badge) : 0;
	}
	root_unlock();
	if (freed)
		run();
	return 0;
}

/* The description is closed: its locks go, those that processes made through it, and what waits there. */
void filelock_close(struct ramfs_node *node, struct ramfs_owner *own, const void *via)
{
	struct lock_wait *gone;
	int freed;

	root_lock();
	freed = ramfs_unlock_via(node, via);
	keep(own);
	gone = take_waits(own, via);
	root_unlock();
	drop_waits(gone);
	if (freed)
		run();
}

fluke_port_t *filelock_owner_port(struct ramfs_owner *owner)
{
	struct lock_owner *o = of_process(owner);

	return o ? o->served.port : 0;
}

/* An owner is nothing but its badge; its locks are said by the files that they were made through. */
int lock_owner_save(struct served *object, size_t *size, fluke_ref_t **badge)
{
	if (object->class != &owner_class)
		return ENOENT;
	*size = 0;
	*badge = ((struct lock_owner *)object)->badge;
	return 0;
}
