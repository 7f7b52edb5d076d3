/* Sessions: what one client may have in work in a server.  All objects that came out of requests to an object are of its
 * session (served_init), until one begins a session of its own (served_session).
 *
 * Invariant: at most server_session_limit workers hold a session, from the first words of a request until the
 * worker is back for its next message.  A request beyond that is parked with the words it came with, the rest
 * still at its client, and is taken up when another one ends: the server's port `kick` gets a message, and who
 * receives that takes the next session's turn.  So that port is one more client in the set's round, and a session
 * with much to do gets no more workers, and no sooner, than one with little.
 *
 * A worker that has answered holds its session while it waits for the next message, since it cannot know
 * when the reply had gone out; who wants its place looks whether it waits (watchdog.c).  Either the worker sees before its reply
 * that a request has been parked, and leaves the session after it; or who parks sees that it is not busy, and strips it.
 *
 * Who transfers a message with a client that does not go on - it has been stopped - stands aside: the session's next request is
 * taken up, for it may be that of a debugger or another nester, without which the client never goes on.
 *
 * What the server keeps for a session is counted too: session_take, until session_give. */
#include <stdlib.h>
#include <string.h>
#include <nest/serve.h>
#include <linux_abi.h>
#include "worker.h"

#define WAITING_MAX	256u	/* parked requests of a session; more are refused */
#define LIMIT		2u

struct session {
	struct server	*server;
	volatile uint32_t references;		/* objects, workers, parked requests */
	volatile uint32_t working;		/* workers that hold it, but for those that */
	volatile uint32_t standing;		/* stand aside */
	/* under the server's wait_lock; a session is in the server's list only with requests: */
	struct parked	*volatile first;
	struct parked	**end;
	volatile uint32_t held[HOLDINGS];
	uint32_t	share;			/* how many times server_limits it may hold */
	unsigned	waiting;
	uint8_t		ready;			/* in the list */
	struct session	*next_ready;
};

#define SHARE_OWN	16u	/* of a session that no other one has begun: whoever has it divides it among its own */

unsigned server_session_limit = LIMIT;
uint32_t server_limits[HOLDINGS] = { 2048, 4096, 512, 1024, 1024, 2560, 2048 };
static const uint8_t limit_error[HOLDINGS] = { EAGAIN, EMFILE, ENFILE, EAGAIN, ENOLCK, EAGAIN, EAGAIN };
static struct session *free_sessions;
static struct fast_lock free_lock;

static uint32_t add(volatile uint32_t *word, uint32_t by)	/* the value before */
{
	return __sync_fetch_and_add(word, by);
}

struct session *session_get(struct session *s)
{
	add(&s->references, 1);
	return s;
}

/* The memory stays a session's: the watchdog looks at those of workers without a hold on them. */
void session_put(struct session *s)
{
	if (!s || add(&s->references, (uint32_t)-1) != 1)
		return;
	fast_lock_take(&free_lock);
	s->next_ready = free_sessions;
	free_sessions = s;
	fast_lock_drop(&free_lock);
}

static struct session *session_new(struct server *server, uint32_t share)
{
	struct session *s;

	fast_lock_take(&free_lock);
	s = free_sessions;
	if (s)
		free_sessions = s->next_ready;
	fast_lock_drop(&free_lock);
	if (!s && !(s = malloc(sizeof(*s))))
		return NULL;
	memset(s, 0, sizeof(*s));
	s->server = server;
	s->references = 1;
	s->share = share;
	s->end = (struct parked **)&s->first;
	return s;
}

/* The session of the request in hand, or a new one. */
struct session *session_present(struct server *server)
{
	struct worker *w = thread_local_get();
	struct session *s = w ? w->session : NULL;

	return s && s->server == server ? session_get(s) : session_new(server, SHARE_OWN);
}

int session_take(struct session *s, enum holding what, uint32_t n)
{
	if (add(&s->held[what], n) + n <= server_limits[what] * s->share)
		return 1;
	session_give(s, what, n);
	return 0;
}

void session_give(struct session *s, enum holding what, uint32_t n)
{
	add(&s->held[what], -n);
}

uint32_t session_held(struct session *s, enum holding what)
{
	return s->held[what];
}

int session_error(enum holding what)
{
	return limit_error[what];
}

int session_join(struct served *object, struct session *to)
{
	enum holding what = object->class->holding;

	if (!session_take(to, what, 1))
		return session_error(what);
	session_give(object->session, what, 1);
	session_put(object->session);
	object->session = session_get(to);
	return 0;
}


int served_session(struct served *object)
{
	struct session *s = session_new(object->server, 1);
	int error = s ? session_join(object, s) : ENOMEM;

	session_put(s);
	return error;
}

/* ---- the list of those that may go on ---- */

int sessions_setup(struct server *server)
{
	fluke_port_t *port = port_new(server->portset, (void *)ALIAS_KICK, 0);

	server->kick = ref_new();
	if (!free_lock.mutex && fast_lock_init(&free_lock))
		return ENOMEM;
	if (!port || !server->kick || fast_lock_init(&server->wait_lock))
		return ENOMEM;
	fluke_port_reference(port, server->kick);
	server->ready_end = &server->ready;
	return 0;
}

static void kick(struct server *server)
{
	uint32_t message[2] = { 1, 0 };
	fluke_ipc_params_t params = { .send_words = 2, .send_data = message };

	fluke_ipc_send(&params, server->kick);
}

/* With the lock. */
static void list_add(struct session *s)
{
	s->ready = 1;
	s->next_ready = NULL;
	*s->server->ready_end = s;
	s->server->ready_end = &s->next_ready;
}

static void session_ready(struct session *s)
{
	int added = 0;

	fast_lock_take(&s->server->wait_lock);
	if (s->first && !s->ready) {
		list_add(s);
		added = 1;
	}
	fast_lock_drop(&s->server->wait_lock);
	if (added)
		kick(s->server);
}

static int hold(struct session *s)
{
	uint32_t working;

	while ((working = s->working) < server_session_limit)
		if (__sync_bool_compare_and_swap(&s->working, working, working + 1))
			return 1;
	return 0;
}

static void let_go(struct worker *w, struct session *s)
{
	if (w->stands) {
		w->stands = 0;
		add(&s->standing, (uint32_t)-1);
		add(&s->server->standing, (uint32_t)-1);
	} else {
		add(&s->working, (uint32_t)-1);
	}
	if (s->first)
		session_ready(s);
	session_put(s);
}

void worker_leave(struct worker *w)
{
	struct session *s = w->session;

	/* somebody may take the session from a worker that waits, but this one runs */
	if (s) {
		w->session = NULL;
		let_go(w, s);
	}
}

/* The worker w, stopped while it waits for a message, still holds the session: no more. */
void session_strip(struct worker *w, struct session *s)
{
	if (__sync_bool_compare_and_swap(&w->session, s, NULL))
		let_go(w, s);
}

/* Not more than a quarter of the pool for one session, and half of it for all. */
void session_stand(struct worker *w)
{
	struct server *server = w->server;
	struct session *s = w->session;

	if (!s || !s->first || w->stands || s->standing >= server->most / 4 || server->standing >= server->most / 2)
		return;
	w->stands = 1;
	add(&s->standing, 1);
	add(&server->standing, 1);
	add(&s->working, (uint32_t)-1);
	session_ready(s);
}

/* A worker that is not busy any more may have been preempted on its way to its next wait: it gets our time to come there.
 * Whoever still stands in its reply keeps the session. */
static int strip(struct worker *self, struct session *s)
{
	int found = 0;

	for (struct worker *w = self->server->workers; w; w = w->next) {
		if (w == self || w->session != s || w->busy)
			continue;
		if (!worker_strip(w, s)) {
			fluke_thread_schedule(w->thread, NULL, FLUKE_WAKEUP_ON_BLOCK);
			if (!worker_strip(w, s))
				continue;
		}
		found++;
	}
	return found;
}

/* Nobody goes before those that wait: a session with much to do would let one of them wait for ever. */
int worker_enter(struct worker *w, struct session *s)
{
	do
		if (!s->first && hold(s)) {
			w->session = session_get(s);
			return 1;
		}
	while (!s->first && strip(w, s));
	return 0;
}

/* ---- requests that wait for their turn ---- */

int session_waits(struct session *s)
{
	return s && s->waiting;
}

static struct parked *park_new(struct session *s, const struct worker *w, uint32_t words, natural_t alias)
{
	struct parked *p = s->waiting < WAITING_MAX ? parked_new() : NULL;

	if (!p)
		return NULL;
	p->alias = alias;
	p->words = words;
	memcpy(p->reply, w->receive, words * 4);
	p->session = session_get(s);
	p->next = NULL;
	return p;
}

static void park(struct parked *p)
{
	struct session *s = p->session;

	fast_lock_take(&s->server->wait_lock);
	*s->end = p;
	s->end = &p->next;
	s->waiting++;
	s->server->parked++;
	fast_lock_drop(&s->server->wait_lock);
	/* Either a worker left the session after this and saw the request, or it had left before, and we see that. */
	__sync_synchronize();
	if (s->working < server_session_limit)
		session_ready(s);
	watchdog_start(s->server);
}

/* Requests have been parked.  A holder that is not busy any more may have looked before whether it is wanted (serve.c); one that
 * is busy will look. */
void sessions_look(struct worker *self)
{
	struct session *s;

	for (struct worker *w = self->server->workers; w; w = w->next)
		if (w != self && !w->busy && (s = w->session) && s->first)
			strip(self, s);
}

int session_park(struct worker *w, struct session *s, uint32_t status, natural_t alias)
{
	struct parked *p = park_new(s, w, w->room - w->params.recv_words, alias);

	if (!p)
		return 0;
	p->status = status & ~FLUKE_IPC_LAST_BIT;
	parked_take_turn(p, w);
	park(p);
	sessions_look(w);
	return 1;
}

void session_identify(struct worker *self, struct worker *w, natural_t alias, uint32_t words, fluke_ref_t *client)
{
	struct served_entry *e;
	struct served *object = served_at(alias, &e);
	struct session *s = object ? object->session : NULL;
	struct parked *p;

	if (s && s != w->session) {
		if (w->session)
			session_strip(w, w->session);
		if (hold(s)) {
			w->session = session_get(s);
		} else if ((p = park_new(s, w, words, alias)) != NULL) {
			p->status = FLUKE_IPC_RECV_MORE_DATA | FLUKE_IPC_RELIABLE << 8;
			parked_adopt(p, self, client);
			park(p);
		}
	}
	served_leave(e);
}

/* With the lock: the next one of the first session that may go on; the session is held. */
static struct parked *next_parked(struct server *server)
{
	struct parked *p = NULL;
	struct session *s;

	while (!p && (s = server->ready)) {
		server->ready = s->next_ready;
		if (!server->ready)
			server->ready_end = &server->ready;
		s->ready = 0;
		if (!hold(s))
			continue;	/* who leaves it puts it here again */
		p = s->first;
		s->first = p->next;
		if (!s->first)
			s->end = (struct parked **)&s->first;
		else
			list_add(s);
		s->waiting--;
		server->parked--;
	}
	return p;
}

/* Takes its client and words; 0: the client has left meanwhile. */
static int take_up(struct worker *w, struct parked *p)
{
	natural_t flags;

	fluke_thread_set_client(NULL, p->client, p->flags);
	fluke_thread_get_client(NULL, p->client, &flags);
	if (fluke_ref_type(p->client) == FLUKE_NULL)
		return 0;
	fluke_ref_clear(p->client);
	memcpy(w->receive, p->reply, p->words * 4);
	w->room = w->size;
	w->params.recv_words = w->size - p->words;
	return 1;
}

uint32_t session_next(struct worker *w, natural_t *alias)
{
	struct server *server = w->server;
	uint32_t status = 0;
	struct parked *p;
	int more;

	while (!status) {
		fast_lock_take(&server->wait_lock);
		p = next_parked(server);
		more = server->ready != NULL;
		fast_lock_drop(&server->wait_lock);
		if (!p)
			return 0;
		w->session = p->session;
		if (more)
			kick(server);
		if (take_up(w, p)) {
			status = p->status;
			*alias = p->alias;
		} else {
			worker_leave(w);
		}
		parked_free(p);
	}
	return status;
}
