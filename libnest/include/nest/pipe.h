/* A pipe: 64 KB in a ring.  Plain logic; the server in front parks whoever gets EAGAIN and
 * retries when changed is called.  Writes of up to PIPE_ATOMIC bytes go in whole or not at all. */
#ifndef NEST_PIPE_H
#define NEST_PIPE_H

#include <stddef.h>
#include <stdint.h>
#include "linux_abi.h"

#define PIPE_SIZE	0x10000u
#define PIPE_ATOMIC	4096u

struct pipe {
	uint8_t		*ring;		/* grows with use: ring_size is a power of two up to PIPE_SIZE */
	uint32_t	ring_size, most;	/* most: what it may grow to, PIPE_SIZE unless set lower */
	uint32_t	head, tail;	/* grow without end */
	unsigned	readers, writers;
	uint32_t	staged;		/* bytes, between the two steps of a write */
	uint8_t		peeked;		/* between the two steps of a read */
	uint8_t		was_written;	/* a FIFO without writers is at its end only after one came */
};

int	pipe_init(struct pipe *pipe);	/* 0 or ENOMEM */
void	pipe_done(struct pipe *pipe);
/* In two steps, for a server that must know first that the client got its answer.  peek: the bytes
 * that a read takes, in place, in up to two pieces; take: they are gone.  stage: copies what
 * fits behind the head; commit: it counts.  Between the steps no other reader (or writer) may act. */
struct pipe_piece { const void *data; size_t size; };
int	pipe_peek(struct pipe *pipe, size_t count, struct pipe_piece piece[2]);
void	pipe_take(struct pipe *pipe, size_t count);
int	pipe_stage(struct pipe *pipe, const void *data, size_t count, size_t *done);
void	pipe_commit(struct pipe *pipe, size_t count);
int	pipe_read(struct pipe *pipe, void *data, size_t count, size_t *done);
int	pipe_write(struct pipe *pipe, const void *data, size_t count, size_t *done);
void	pipe_pieces(struct pipe *pipe, struct pipe_piece piece[2]);	/* all that is in it */
unsigned pipe_available(const struct pipe *pipe);
/* taking: bytes that a read between its two steps is about to take. */
unsigned pipe_poll(const struct pipe *pipe, int writer, size_t taking);

#endif
