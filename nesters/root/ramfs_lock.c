/* Locks on files: per node a list of ranges, each of one owner, in Linux's order: owners as they came, an owner's ranges by
 * their start.  Ranges of one owner and kind neither overlap nor touch others of the same type.  A range was
 * made through a description, which keeps the node, and goes with it at the latest.  Record locks and those of flock
 * do not meet. */
#include <stdlib.h>
#include "ramfs.h"

static int meets(const struct ramfs_lock *l, const struct ramfs_claim *c)
{
	return l->c.owner != c->owner && l->c.kind == c->kind && l->c.start < c->end && c->start < l->c.end &&
		(c->type == F_WRLCK || l->c.type == F_WRLCK);
}

static int is_own(const struct ramfs_lock *l, const struct ramfs_claim *c)
{
	return l->c.owner == c->owner && l->c.kind == c->kind;
}

struct ramfs_lock *ramfs_lock_conflict(const struct ramfs_claim *c)
{
	struct ramfs_lock *l;

	for (l = c->node->locks; l; l = l->next)
		if (meets(l, c))
			return l;
	return 0;
}

static void link_in(struct ramfs_lock *l)
{
	struct ramfs_lock **at = &l->c.node->locks;
	struct ramfs_owner *owner = l->c.owner;

	while (*at && (*at)->c.owner != owner)
		at = &(*at)->next;
	while (*at && (*at)->c.owner == owner && (*at)->c.start < l->c.start)
		at = &(*at)->next;
	l->next = *at;
	*at = l;
	l->next_owned = owner->locks;
	owner->locks = l;
}

int (*ramfs_lock_take)(void *payer);
void (*ramfs_lock_give)(void *payer);

static struct ramfs_lock *lock_new(const struct ramfs_owner *owner)
{
	struct ramfs_lock *l;

	if (ramfs_lock_take && !ramfs_lock_take(owner->payer))
		return 0;
	l = malloc(sizeof *l);
	if (!l && ramfs_lock_give)
		ramfs_lock_give(owner->payer);
	return l;
}

static void lock_free(struct ramfs_lock *l, const struct ramfs_owner *owner)
{
	if (l && ramfs_lock_give)
		ramfs_lock_give(owner->payer);
	free(l);
}

static void drop(struct ramfs_lock *l)
{
	struct ramfs_lock **at = &l->c.node->locks;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	for (at = &l->c.owner->locks; *at != l; at = &(*at)->next_owned)
		;
	*at = l->next_owned;
	lock_free(l, l->c.owner);
}

/* Takes the claim's range out of the owner's others of the kind; spare: for the end of one that is cut in two. */
static void carve(const struct ramfs_claim *c, struct ramfs_lock **spare)
{
	struct ramfs_lock *l, *next;

	for (l = c->node->locks; l; l = next) {
		next = l->next;
		if (!is_own(l, c) || l->c.start >= c->end || c->start >= l->c.end)
			continue;
		if (l->c.start < c->start && l->c.end > c->end) {
			(*spare)->c = l->c;
			(*spare)->c.start = c->end;
			l->c.end = c->start;
			link_in(*spare);
			*spare = 0;
			return;
		}
		if (l->c.start < c->start)
			l->c.end = c->start;
		else if (l->c.end > c->end)
			l->c.start = c->end;
		else
			drop(l);
	}
}

/* Makes one of the new lock and what it touches of the owner's. */
static void merge(struct ramfs_lock *new)
{
	struct ramfs_lock *l, *next;

	for (l = new->c.node->locks; l; l = next) {
		next = l->next;
		if (!is_own(l, &new->c) || l->c.type != new->c.type || l->c.start > new->c.end || new->c.start > l->c.end)
			continue;
		if (l->c.start < new->c.start)
			new->c.start = l->c.start;
		if (l->c.end > new->c.end)
			new->c.end = l->c.end;
		drop(l);
	}
}

/* Records that setting the lock may take: one for it, one for the end of another that it cuts in two; 0: it is held already. */
static int needs(const struct ramfs_claim *c)
{
	int n = c->type != F_UNLCK;
	struct ramfs_lock *l;

	for (l = c->node->locks; l; l = l->next) {
		if (!is_own(l, c))
			continue;
		if (l->c.type == c->type && l->c.start <= c->start && l->c.end >= c->end)
			return 0;
		if (l->c.start < c->start && l->c.end > c->end)
			n++;
	}
	return n;
}

int ramfs_lock(const struct ramfs_claim *c)
{
	struct ramfs_lock *new[2] = { 0, 0 }, **spare;
	int n;

	if ((c->type != F_RDLCK && c->type != F_WRLCK && c->type != F_UNLCK) || c->start >= c->end)
		return EINVAL;
	if (c->type != F_UNLCK && ramfs_lock_conflict(c))
		return EAGAIN;
	n = needs(c);
	if (!n && c->type != F_UNLCK)
		return 0;
	for (int i = 0; i < n; i++)
		if (!(new[i] = lock_new(c->owner))) {
			lock_free(new[0], c->owner);
			return ENOLCK;
		}
	spare = &new[c->type != F_UNLCK];
	carve(c, spare);
	if (c->type != F_UNLCK) {
		new[0]->c = *c;
		merge(new[0]);
		link_in(new[0]);
	}
	lock_free(*spare, c->owner);
	return 0;
}

int ramfs_holds(const struct ramfs_claim *c)
{
	struct ramfs_lock *l;

	for (l = c->node->locks; l; l = l->next)
		if (is_own(l, c) && l->c.start < c->end && c->start < l->c.end)
			return 1;
	return 0;
}

int ramfs_unlock_all(struct ramfs_owner *owner)
{
	int any = owner->locks != 0;

	while (owner->locks)
		drop(owner->locks);
	return any;
}

int ramfs_unlock_via(struct ramfs_node *node, const void *via)
{
	struct ramfs_lock *l, *next;
	int any = 0;

	for (l = node->locks; l; l = next) {
		next = l->next;
		if (l->c.via == via) {
			drop(l);
			any = 1;
		}
	}
	return any;
}
