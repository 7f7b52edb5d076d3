/* Serving memory: a store's pools and segments behind MemPool and Segment ports, faults of their
 * segments answered by one keeper thread. */
#ifndef NEST_MEMORY_SERVE_H
#define NEST_MEMORY_SERVE_H

#include <fluke/exception.h>
#include <nest/segment.h>
#include <nest/serve.h>

/* The store is ready but for keepers and root, which are made here.  0 or ENOMEM. */
int	memory_serve(struct store *store, struct server *server);
/* Threads of their own for sources whose pages must be brought: they wait.  0 or ENOMEM. */
int	memory_serve_slow(unsigned threads);
fluke_ref_t *memory_pool(void);			/* the root pool's port */
/* Around whatever uses the store, its pools and segments. */
void	memory_lock(void);
void	memory_unlock(void);
void	memory_end_later(struct served *object);	/* with the lock: served_end after memory_unlock */
/* weak: called by the keeper thread before it looks at a fault, without the lock; may wait. */
void	memory_faulted(const struct fluke_exc_message *m);

#endif
