/* Locks on files that wait: requests parked until those in the way are gone.  The table of locks itself is ramfs_lock.c;
 * an owner is an open file description.  Whoever frees a range answers those who waited for it, outside root_lock; a lock whose
 * owner has left its wait is taken back.  Both lists are guarded by root_lock. */
#include <stdlib.h>
#include "root.h"
#include <protocols/FileDescription_server.h>

struct lock_wait {
	struct lock_wait *next;
	struct request	*request;
	struct ramfs_node *node;
	void		*owner;		/* null: has gone, or holds the range by another request */
	int		type;
	uint64_t	start, end;
};

static struct lock_wait *waits, **waits_end = &waits, *answering;

static int lock(struct lock_wait *w, int type)
{
	int holder;

	return ramfs_lock(w->node, w->owner, 0, type, w->start, w->end, &holder);
}

/* The first who need not wait any longer; *error: what to answer. */
static struct lock_wait *next_ready(struct ramfs_node *node, int *error)
{
	struct lock_wait **link, *w;

	root_lock();
	for (link = &waits; (w = *link); link = &w->next) {
		int held;

		if (w->node != node)
			continue;
		held = ramfs_holds(node, w->owner, w->start, w->end);
		*error = lock(w, w->type);
		if (*error == EAGAIN)
			continue;
		*link = w->next;
		if (!w->next)
			waits_end = link;
		if (held || *error)
			w->owner = 0;	/* nothing to take back */
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

	FileDescription_lock_reply(w->request, 0);
	gone = request_answer(w->request, error);
	root_lock();
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	if (gone && w->owner)
		lock(w, F_UNLCK);
	root_unlock();
	free(w);
}

/* Without root_lock: a range of the node has been freed.  The node is only compared with. */
static void run(struct ramfs_node *node)
{
	struct lock_wait *w;
	int error = 0;

	while ((w = next_ready(node, &error)))
		answer(w, error);
}

static int park(struct request *r, struct ramfs_node *node, void *owner, int type, uint64_t start, uint64_t end)
{
	struct lock_wait *w = malloc(sizeof *w);

	if (!w || !(r = request_park(r))) {
		free(w);
		return ENOLCK;
	}
	*w = (struct lock_wait){ 0, r, node, owner, type, start, end };
	*waits_end = w;
	waits_end = &w->next;
	return REQUEST_PARKED;
}

/* The owner has the range by a request of its own: what is on its way to it must not be taken back. */
static void keep(void *owner)
{
	for (struct lock_wait *w = answering; w; w = w->next)
		if (w->owner == owner)
			w->owner = 0;
}

int filelock(struct request *r, struct ramfs_node *node, void *owner, int type, uint64_t start, uint64_t end, int wait, int *holder)
{
	int error, freed;

	root_lock();
	error = ramfs_lock(node, owner, 0, type, start, end, holder);
	freed = !error && type != F_WRLCK && waits;
	if (!error)
		keep(owner);
	else if (error == EAGAIN && wait)
		error = park(r, node, owner, type, start, end);
	root_unlock();
	if (freed)
		run(node);
	return error;
}

/* The description is closed: its locks go, and what it still waits for. */
void filelock_close(struct ramfs_node *node, void *owner)
{
	struct lock_wait **link = &waits, *w, *dropped = 0;
	int freed;

	root_lock();
	freed = node->locks && waits;
	ramfs_unlock_all(node, owner);
	keep(owner);
	while ((w = *link)) {
		if (w->owner != owner) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		w->next = dropped;
		dropped = w;
	}
	waits_end = link;
	root_unlock();
	while ((w = dropped)) {
		dropped = w->next;
		request_drop(w->request);
		free(w);
	}
	if (freed)
		run(node);
}
