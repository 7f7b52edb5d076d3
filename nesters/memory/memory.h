/* memory: what its parts share.  See README.md. */
#ifndef MEMORY_H
#define MEMORY_H

#include <native.h>
#include <nest/child.h>
#include <nest/memory_serve.h>

struct options {
	uint64_t	size;		/* bytes of memory; 0 = what there is */
	const char	*swap;		/* file; null: one without a name */
	uint64_t	swap_size;
	int		verbose;
};
extern struct options options;

/* ---- store.c ---- */

extern struct store store;
int	store_begin(uint64_t size, struct server *server);	/* 0 or errno */

#endif
