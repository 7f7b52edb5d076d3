/* Between child.c and parent.c. */
#ifndef NEST_PARENT_H
#define NEST_PARENT_H

#include <nest/child.h>

extern const struct served_class child_parent_class;
void	child_free(struct child *c);

#endif
