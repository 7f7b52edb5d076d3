/* Record locks (fcntl): per node a list of ranges, each with its owner.  An owner's own
 * ranges never conflict with each other; a new lock replaces what it overlaps of them. */
#include <stdlib.h>
#include "ramfs.h"

static struct ramfs_lock *conflict(struct ramfs_node *node, void *owner, int type, uint64_t start, uint64_t end)
{
	struct ramfs_lock *l;

	for (l = node->locks; l; l = l->next)
		if (l->owner != owner && l->start < end && start < l->end && (type == F_WRLCK || l->type == F_WRLCK))
			return l;
	return 0;
}

static struct ramfs_lock *insert(struct ramfs_node *node, void *owner, int pid, int type, uint64_t start, uint64_t end)
{
	struct ramfs_lock *l = malloc(sizeof *l);

	if (!l)
		return 0;
	*l = (struct ramfs_lock){ .next = node->locks, .owner = owner, .start = start, .end = end, .type = type, .pid = pid };
	node->locks = l;
	return l;
}

/* Takes [start, end) out of the owner's ranges. */
static int carve(struct ramfs_node *node, void *owner, uint64_t start, uint64_t end)
{
	struct ramfs_lock **link = &node->locks, *l;

	while ((l = *link)) {
		if (l->owner != owner || l->start >= end || start >= l->end) {
			link = &l->next;
			continue;
		}
		if (l->start < start && l->end > end) {
			if (!insert(node, owner, l->pid, l->type, end, l->end))
				return ENOLCK;
			l->end = start;
			return 0;
		}
		if (l->start < start) {
			l->end = start;
		} else if (l->end > end) {
			l->start = end;
		} else {
			*link = l->next;
			free(l);
		}
	}
	return 0;
}

/* end: exclusive, ~0 = to infinity.  EAGAIN with the holder's pid when another owner is in the way. */
int ramfs_lock(struct ramfs_node *node, void *owner, int pid, int type, uint64_t start, uint64_t end, int *holder)
{
	struct ramfs_lock *other;
	int error;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return EINVAL;
	if (start >= end)
		return EINVAL;
	if (type != F_UNLCK && (other = conflict(node, owner, type, start, end))) {
		*holder = other->pid;
		return EAGAIN;
	}
	error = carve(node, owner, start, end);
	if (!error && type != F_UNLCK && !insert(node, owner, pid, type, start, end))
		error = ENOLCK;
	return error;
}

int ramfs_holds(struct ramfs_node *node, void *owner, uint64_t start, uint64_t end)
{
	struct ramfs_lock *l;

	for (l = node->locks; l; l = l->next)
		if (l->owner == owner && l->start < end && start < l->end)
			return 1;
	return 0;
}

void ramfs_unlock_all(struct ramfs_node *node, void *owner)
{
	struct ramfs_lock **link = &node->locks, *l;

	while ((l = *link)) {
		if (l->owner == owner) {
			*link = l->next;
			free(l);
		} else {
			link = &l->next;
		}
	}
}
