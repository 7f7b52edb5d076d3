/* A worker thread's own memory; shared by serve.c and request.c. */
#ifndef WORKER_H
#define WORKER_H

#include <nest/serve.h>
#include <fastlock.h>

#define ALIAS_KICK	16u		/* of the server's own port; no entry lies there */

struct server {
	fluke_portset_t	*portset;
	fluke_ref_t	*portset_ref;
	volatile uint32_t threads;
	unsigned	most;
	uint32_t	message_max;
	struct worker	*volatile workers;
	volatile uint32_t watched;		/* the watchdog runs */
	volatile uint32_t used_up;		/* no worker waited when the last message came */
	volatile uint32_t cautious;		/* a worker waits that takes no words with the first receive */
	volatile uint32_t parked;		/* requests that wait for their turn */
	volatile uint32_t standing;		/* workers that stand aside (session.c) */
	volatile uint64_t looked;		/* when somebody_stands last looked */
	fluke_ref_t	*kick;			/* its own port: a session may go on */
	struct fast_lock wait_lock;
	struct session	*ready, **ready_end;	/* list, under wait_lock */
};

/* A request that waits: for its reply (request.c), or for its turn (session.c). */
struct parked {
	struct request	r;		/* first: the two are the same address */
	fluke_ref_t	*client;
	natural_t	flags;		/* of the connection, for set_client */
	struct parked	*next;
	/* for its turn: */
	struct session	*session;
	uint32_t	status, words;	/* as wait_receive gave them; the words are in reply */
	struct session	*payer;		/* has it among its HOLDS_WAITS; null: waits for its turn */
	natural_t	alias;
	uint32_t	reply[REQUEST_PARKED_REPLY];
};

struct worker {
	struct server	*server;
	struct worker	*next;
	fluke_thread_t	*thread;
	volatile uint64_t since;		/* counter value when its last message came */
	volatile uint32_t busy;			/* since then it has not come to its reply and next wait */
	struct served_entry *behind;		/* the facet's object, to be left after the reply */
	struct session	*volatile session;	/* of the request in work; for a while after it */
	uint32_t	stands;			/* aside: not one of those in work */
	fluke_ipc_params_t params;
	uint32_t	*receive, size;		/* words; one more behind them */
	uint32_t	room, refs_room;	/* offered so far for the message in hand */
	uint32_t	*reply;
	fluke_ref_t	*refs[REQUEST_REFS];	/* in a row */
	fluke_ref_t	*own_client;		/* used while answering somebody else's request */
	char		*scratch;
	uint8_t		scratch_lent;		/* until its reply */
	struct request	request;
};

/* request.c */
int	requests_setup(void);
void	worker_give_scratch(struct worker *w);	/* the reply has gone out */

/* watchdog.c */
int	watchdog_setup(void);
void	watchdog_start(struct server *server);
int	worker_in_transfer(struct worker *w);	/* has begun one and not ended it; stops it for a moment */
int	worker_strip(struct worker *w, struct session *s);	/* it waits for a message: holds the session no more */

char	*worker_take_scratch(struct worker *w);	/* of one that waits for a message; else null */
void	workers_identify(struct worker *self);	/* those in their first receive get the session that it is for */

/* session.c */
int	sessions_setup(struct server *server);
int	session_join(struct served *object, struct session *to);	/* the object becomes one of the session's; 0 or errno */
int	worker_enter(struct worker *w, struct session *s);	/* 0: too many in work */
void	worker_leave(struct worker *w);
void	session_strip(struct worker *w, struct session *s);
/* w, stopped, is in a transfer with a client that does not take or give: if requests of its session wait, it stands aside. */
void	session_stand(struct worker *w);
/* w, stopped, is in its first receive on the port of that alias, with so many words from that client: it holds the session, or
 * if it may not, the request is parked and the worker finds its client gone. */
void	session_identify(struct worker *self, struct worker *w, natural_t alias, uint32_t words, fluke_ref_t *client);
void	sessions_look(struct worker *self);	/* requests have been parked: who holds their sessions? */
int	session_waits(struct session *s);	/* requests of it are parked; null: no */
int	session_park(struct worker *w, struct session *s, uint32_t status, natural_t alias);	/* 0: too many wait */
uint32_t session_next(struct worker *w, natural_t *alias);	/* a parked request as if just received; 0: none */

/* serve.c */
struct served *served_port_of(struct server *server, fluke_ref_t *ref);	/* served_of, but a facet itself */
struct served *served_at(natural_t alias, struct served_entry **e);	/* null: gone; served_leave either way */
struct served *served_take(struct served_entry *e, uint32_t generation);	/* null: gone; served_leave either way */
void	served_leave(struct served_entry *e);
int	served_call(struct served *object, struct request *r);
struct served_entry *served_place(struct served *object, uint32_t *generation);

/* facet.c */
struct served *facet_object(struct served *object);	/* itself, or what it is a facet of (null: gone) */

/* request.c */
struct parked *parked_new(void);
void	parked_free(struct parked *p);
void	parked_take_client(struct parked *p);	/* the caller's, set aside */
void	parked_take_turn(struct parked *p, struct worker *w);	/* the same, but for its turn: what is to be done counts */
void	parked_adopt(struct parked *p, struct worker *self, fluke_ref_t *client);	/* another worker's, set aside */

/* Fills in the error and the send half. */
void	request_finish(fluke_ipc_params_t *p, struct request *r, int error);
void	request_free_refs(struct request *r);

#endif
