/* What a server skeleton works on: one received message and the reply being made.
 * libnest/serve.c owns the memory; see libnest/serve.h for the loop and for parking. */
#ifndef PROTOCOLS_SERVER_H
#define PROTOCOLS_SERVER_H

#include <protocols/proto.h>

#define REQUEST_REFS	4
#define REQUEST_PIECES	17
#define REQUEST_REPLY	(64 + 2 * (PROTO_STRING_MAX + 1) / 4)	/* words of a reply besides its bulk */
#define REQUEST_PARKED	(-1)	/* a method's answer: request_park() was called, the reply comes later */

struct request {
	/* received; refs that did not come are null */
	uint32_t	*words;		/* word 0 = interface << 8 | method; one spare word behind the last */
	uint32_t	count;
	fluke_ref_t	*ref;		/* REQUEST_REFS active refs; method may fluke_ref_copy from them */
	uint32_t	refs;
	uint32_t	flavour;	/* FLUKE_IPC_* */
	/* the reply */
	uint32_t	*reply;		/* REQUEST_REPLY words; word 0 is the errno */
	uint32_t	reply_words;
	void		*reply_ref[REQUEST_REFS];
	uint32_t	reply_refs;
	fluke_ipc_buffer_t reply_piece[REQUEST_PIECES];	/* the whole words of a bulk */
	uint32_t	reply_pieces;
	uint32_t	bulk_size, bulk_tail;		/* of pieces added by request_add_bulk */
	fluke_ref_t	*drop_ref[REQUEST_REFS];	/* freed once the reply has gone out: request_free_ref */
	uint32_t	drop_refs;
	/* set by a method that must know: called when the reply has gone out (1) or the client had left (0) */
	void		(*sent)(void *context, int delivered);
	void		*sent_context;
	/* libnest's */
	void		*worker;	/* the server thread, or null once parked */
	void		*object;	/* the object addressed */
};

/* A string of the message, in place (terminated), or null if malformed. */
const char	*request_get_string(struct request *r, uint32_t **w);
/* The bytes of an in bulk, in place, w = the end of the header; null if malformed. */
const void	*request_get_bulk(struct request *r, uint32_t *w, uint32_t size, uint32_t tail);
/* Puts an out bulk in the reply: data, or when null the pieces added before. */
uint32_t	*request_put_bulk(struct request *r, uint32_t *w, const void *data, size_t size);
/* A ref made for the reply alone: ref_free(ref) follows when the reply has been sent, or the method failed. */
void		request_free_ref(struct request *r, fluke_ref_t *ref);
/* Adds a piece to the out bulk; all but the last must be whole words.  The memory must stay
 * until the reply has been sent.  0 when the table is full. */
int		request_add_bulk(struct request *r, const void *data, size_t size);

#endif
