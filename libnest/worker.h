/* A worker thread's own memory; shared by serve.c and request.c. */
#ifndef WORKER_H
#define WORKER_H

#include <nest/serve.h>

struct worker {
	struct server	*server;
	fluke_ipc_params_t params;
	uint32_t	*receive, size;		/* words; one more behind them */
	uint32_t	*reply;
	fluke_ref_t	*refs[REQUEST_REFS];	/* in a row */
	fluke_ref_t	*own_client;		/* used while answering somebody else's request */
	char		*scratch;
	struct request	request;
};

/* Fills in the error and the send half. */
void	request_finish(fluke_ipc_params_t *p, struct request *r, int error);
void	request_free_refs(struct request *r);

#endif
