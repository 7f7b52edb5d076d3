/* Serving the Common Protocols.
 *
 * A served object is a struct that begins with struct served; its port carries messages of all
 * interfaces that its class lists.  A server is a port set with a pool of worker threads: each
 * takes a message, calls the method, sends the reply and waits, in one kernel call per round.
 *
 * Life: served_init makes the port; references handed out keep it alive; when the last one is
 * gone (or at served_end) and no worker is in a method of it any more, release is called once,
 * which frees the struct (after served_done).  A port of which the server itself keeps a
 * reference never dies by itself.
 *
 * Methods run in any worker, several at a time: an object that needs a lock has its own.  A
 * method that must wait parks its request and returns REQUEST_PARKED; it holds no thread then. */
#ifndef SERVE_H
#define SERVE_H

#include <native.h>
#include <protocols/server.h>

struct server;
struct served;

struct interface {			/* a list ends with dispatch null */
	uint32_t	number;		/* NAME_INTERFACE */
	int		(*dispatch)(const void *methods, void *self, struct request *r);	/* NAME_dispatch */
	const void	*methods;	/* struct NAME_methods */
};

/* What a client can make a server keep for it, counted per session (docs/design/serving.md). */
enum holding { HOLDS_OBJECTS, HOLDS_FILES, HOLDS_BUFFERS, HOLDS_TIMERS, HOLDS_LOCKS, HOLDS_THREADS, HOLDS_WAITS, HOLDINGS };
extern uint32_t	server_limits[HOLDINGS];	/* of a session; what our own clients' parents have as a whole: many times that */

struct served_class {
	const char	*name;
	const struct interface *interfaces;
	/* No reference is left and no method runs: end it (served_done) and free it.  Null: the object stays. */
	void		(*release)(void *self);
	/* A one-way message (events of the kernel without NOREFS). */
	void		(*event)(void *self, uint32_t word0, uint32_t word1);
	/* An idempotent message (keeper): r->words, r->count; reply in r->reply, r->reply_words. */
	void		(*idempotent)(void *self, struct request *r);
	/* A reliable message of no listed interface; answers like a method.  Null: ENOSYS. */
	int		(*other)(void *self, struct request *r);
	enum holding	holding;	/* what each object of the class is counted as */
};

struct served_entry;
struct session;

struct served {
	const struct served_class *class;
	struct server	*server;
	fluke_port_t	*port;
	struct served_entry *entry;
	struct session	*session;
};

/* A pool of `threads` workers, growing up to `most` while all are busy.  message_max: bytes of the longest request
 * taken (0 = PROTO_BULK_MAX and two strings).  Null: no memory. */
struct server	*server_new(unsigned threads, unsigned most, uint32_t message_max);
/* At least so many workers, as long as that is not beyond `most`: for methods that wait with their worker.  0 or ENOMEM. */
int		server_grow(struct server *server, unsigned threads);
/* Makes the calling thread a worker of the server; does not return. */
void		server_run(struct server *server) __attribute__((noreturn));

/* 0, ENOMEM, or session_error.  Made by a method, the object is of the session of the object asked; else it begins a session. */
int	served_init(struct served *object, const struct served_class *class, struct server *server);
/* The object begins a session of its own, before its port is given away: at most two requests of a session
 * (server_session_limit) are in work at a time, further ones wait parked.  0 or ENOMEM. */
int	served_session(struct served *object);
extern unsigned server_session_limit;
/* The session has n more; 0: that would be too many, and session_error is what to answer. */
int	session_take(struct session *s, enum holding what, uint32_t n);
void	session_give(struct session *s, enum holding what, uint32_t n);
uint32_t session_held(struct session *s, enum holding what);
int	session_error(enum holding what);
/* The session of the request in hand (else a new one), to be put back; null: no memory. */
struct session *session_present(struct server *server);
struct session *session_get(struct session *s);
void	session_put(struct session *s);
/* A new ref to a second port of the object, in a session of its own (like null) or that of like; null: no memory, or
 * the session has too many objects. */
fluke_ref_t	*served_facet(struct served *object, struct session *like);
/* Does the reference lead to such a port?  Then base leads to the object's own; *session: a number that tells sessions apart. */
int	served_facet_of(struct server *server, fluke_ref_t *ref, fluke_ref_t *base, uint32_t *session);
/* Makes *port a factory of sessions (Session.idl) for objects of the server; not for clients.  0 or ENOMEM. */
int	session_service(struct served *port, struct server *server);
/* Destroys the port; only where no method of it can run: in release, or before the port was given away. */
void	served_done(struct served *object);
/* In release, for objects of which references may be made at any time: 1 if one was made since the last had gone; the
 * object then lives on, and release comes again. */
int		served_revived(struct served *object);
/* Has nobody a reference to it any more?  The event that says so may be on its way to another worker.  Not in release. */
int		served_unreferenced(struct served *object);
/* The port goes now, clients get PROTO_DEAD; release follows as soon as no method runs. */
void	served_end(struct served *object);
/* The same in two steps: the object is not released in between.  0: that has begun already, and it is not held. */
int		served_hold(struct served *object);
void		served_end_held(struct served *object);
/* A new ref to the object's port, or null. */
fluke_ref_t	*served_ref(struct served *object);

/* The object of this server that a client's reference leads to, or null.  It lives at least while the reference
 * does, unless served_end is called. */
struct served	*served_of(struct server *server, fluke_ref_t *ref);

/* ---- requests that wait ---- */

#define REQUEST_PARKED_REPLY	64	/* words that the reply of a parked request may have */

/* In a method: takes the client over from the worker.  The method then returns REQUEST_PARKED; words and refs of the
 * original are not there any more.  Null when there is no memory. */
struct request	*request_park(struct request *r);
/* Sends the reply of a parked request (NAME_method_reply has filled it in, if error is 0) and frees it.  From any
 * thread, with no lock held that the client's pager may want.  0, or PROTO_BROKEN when the client had gone. */
int		request_answer(struct request *parked, int error);
/* Frees a parked request; the client, if still there, gets PROTO_BROKEN. */
void		request_drop(struct request *parked);
/* The client thread is destroyed, or the same client has come with another request since. */
int		request_gone(struct request *parked);
int		request_same_client(struct request *a, struct request *b);
/* Scratch memory of the worker, PROTO_BULK_MAX + 4096 bytes, free to use until the reply has been sent. */
void		*request_scratch(struct request *r);

#endif
