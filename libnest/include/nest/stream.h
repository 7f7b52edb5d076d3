/* A FileDescription over something that may make its clients wait: a pipe's end, a terminal, a
 * channel.  One stream per open description; streams on the same thing share a source, which
 * tells them when it has changed.  A transfer counts only when the client has got its reply:
 * until then the source admits no other transfer in the same direction, and a request that must not block waits for that alone.
 *
 * All streams of a program are guarded by stream_lock; the ops are called with it held. */
#ifndef NEST_STREAM_H
#define NEST_STREAM_H

#include <nest/serve.h>
#include <nest/fastlock.h>
#include <nest/pipe.h>
#include <protocols/FileDescription_server.h>

struct stream;
struct stream_wait;
struct stream_watch;

struct stream_source {
	struct stream	*streams;
	uint8_t		reading, writing;	/* a transfer is on its way to its client */
	size_t		taking;			/* bytes of the read that is: poll counts them as taken */
	uint8_t		queued;			/* in the list of changed sources */
	struct stream_source *next;
};

struct stream_ops {
	/* What a read takes now, in place (the second piece may be empty); EAGAIN = nothing.  *wake: when to ask
	 * again at the latest, by stream_clock; 0 = only after a change. */
	int	(*peek)(struct stream *s, size_t count, uint64_t started, struct pipe_piece piece[2], uint64_t *wake);
	void	(*take)(struct stream *s, size_t count, int delivered);	/* after peek; not delivered: nothing is taken */
	int	(*stage)(struct stream *s, const void *data, size_t count, size_t *done);	/* EAGAIN = nothing fits */
	void	(*commit)(struct stream *s, size_t count);
	unsigned (*poll)(struct stream *s);
	int	(*stat)(struct stream *s, struct FileStatus *status);
	const char *(*path)(struct stream *s);		/* may be null */
	void	(*closed)(struct stream *s);		/* last reference gone; the stream is freed afterwards */
};

struct stream {
	struct served	served;
	const struct stream_ops *ops;
	struct stream_source *source;
	void		*owner;			/* the ops' */
	unsigned	flags;			/* O_ACCMODE | O_APPEND | O_NONBLOCK */
	struct stream	*next, *prev;		/* on the source */
	struct stream_wait *waits, **waits_end;
	struct stream_watch *watches;
	size_t		reading, writing;	/* bytes of the transfers on their way */
	uint8_t		in_flight;		/* 1: a read is, 2: a write is */
	uint32_t	users;			/* itself, and answers on their way */
	uint8_t		closed;
};

extern struct fast_lock stream_lock;
extern uint64_t	(*stream_clock)(void);		/* monotonic ns; null: no timeouts */
/* Asks for stream_run at the time; null: no timeouts. */
extern void	(*stream_alarm)(uint64_t when);
/* Asks a worker to call stream_run soon; for changes made where answers must not be sent. */
extern void	(*stream_kick)(void);

int		stream_setup(void);		/* once */
/* class: null = FileDescription alone.  The stream is attached; free by dropping its references. */
struct stream	*stream_new(struct server *server, const struct served_class *class, const struct stream_ops *ops,
			struct stream_source *source, void *owner, unsigned flags);
/* With the lock: the source may have something for those who wait. */
void		stream_changed(struct stream_source *source);
/* With the lock: before the source's memory goes. */
void		stream_forget(struct stream_source *source);
/* Without the lock: clients whose reads wait get PROTO_BROKEN and ask again if they still want to. */
void		stream_drop_reads(struct stream_source *source);
/* Without the lock: serves what can be served now.  Methods here do it themselves. */
void		stream_run(void);

/* The index-th port that is to be told of events; 0: there are not so many. */
int		stream_watcher(struct stream *s, uint32_t index, fluke_ref_t *port, unsigned *events);

/* Is it such a stream, of no class of its own? */
int		stream_is(const struct served *object, const struct stream_ops *ops);
extern const struct FileDescription_methods stream_methods;
extern const struct interface stream_interfaces[];
void		stream_release(void *self);	/* for classes of one's own */

/* Pipes (pipe_server.c): both ends as new references; 0 or errno. */
int		pipe_serve(struct server *server, fluke_ref_t *reader, fluke_ref_t *writer);
/* A FIFO: the pipe lives while somebody has it open.  *fifo starts null, one per node.  ENXIO for
 * O_WRONLY|O_NONBLOCK without readers. */
struct fifo;
int		fifo_open(struct server *server, struct fifo **fifo, unsigned flags, struct stream **stream);
uint32_t	fifo_opens(struct fifo *fifo);				/* ends made so far */
int		fifo_alone(struct fifo *fifo, unsigned flags);	/* an open with the flags waits for the other side */
/* For images: where the FIFO's pointer is, null = a plain pipe or without a name; what is in it.  ENOENT: no end of one.  ENOSPC: too much. */
int		fifo_save(struct served *end, struct fifo ***fifo, uint32_t *flags, void *data, size_t *size);
/* What was in it, if this is the first end since. */
void		fifo_fill(struct stream *end, const void *data, size_t size);
void		fifo_detach(struct fifo **fifo);		/* the node goes; the pipe lives on for those who have it open */

#endif
