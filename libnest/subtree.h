/* Between recreate.c and relink.c: who leads to what. */
#ifndef NEST_SUBTREE_LINKS_H
#define NEST_SUBTREE_LINKS_H

#include <nest/subtree.h>

/* Fill in t->to_threads, t->to_spaces, unless that has been done since the stop; 0 or ENOMEM. */
int	subtree_know_threads(struct subtree *t);
int	subtree_know_spaces(struct subtree *t);
/* Lists our own objects in t->own_object. */
int	subtree_find_own(struct subtree *t);
/* Every link to what `old` (in t->other, by hash) leads to leads to what t->self leads to. */
void	subtree_relink(struct subtree *t, struct subtree_links *links, integer_t hash);

#endif
