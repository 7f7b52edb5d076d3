/* A worker thread's own memory; shared by serve.c and request.c. */
#ifndef WORKER_H
#define WORKER_H

#include <nest/serve.h>

struct server {
	fluke_portset_t	*portset;
	fluke_ref_t	*portset_ref;
	volatile uint32_t threads;
	unsigned	most;
	uint32_t	message_max;
	struct worker	*volatile workers;
	volatile uint32_t watched;		/* the watchdog runs */
	volatile uint64_t looked;		/* when somebody_stands last looked */
};

struct worker {
	struct server	*server;
	struct worker	*next;
	fluke_thread_t	*thread;
	volatile uint64_t since;		/* counter value when its last message came */
	volatile uint32_t busy;			/* since then it has not come to its reply and next wait */
	fluke_ipc_params_t params;
	uint32_t	*receive, size;		/* words; one more behind them */
	uint32_t	*reply;
	fluke_ref_t	*refs[REQUEST_REFS];	/* in a row */
	fluke_ref_t	*own_client;		/* used while answering somebody else's request */
	char		*scratch;
	struct request	request;
};

/* watchdog.c */
void	watchdog_start(struct server *server);
int	worker_in_transfer(struct worker *w);	/* has begun one and not ended it; stops it for a moment */

/* Fills in the error and the send half. */
void	request_finish(fluke_ipc_params_t *p, struct request *r, int error);
void	request_free_refs(struct request *r);

#endif
