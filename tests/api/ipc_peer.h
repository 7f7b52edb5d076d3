/* A peer for IPC cases: a thread in another space that makes a list of calls, one after another, and
 * notes what each returned.  So a case says both sides of a conversation in order.  me_sender and
 * me_receiver connect the first thread, as client or as server, and give it that end of the line. */
#ifndef IPC_PEER_H
#define IPC_PEER_H

#include "type.h"

enum { END, BLOCK, DEST, SET, ALIAS, LEAVE };	/* the form of a call's arguments; LEAVE: (void) */

struct step {
	uint32_t		form;
	void			*call;
	fluke_ipc_params_t	p;
	uint32_t		result;		/* NOT_YET until it returned */
};
#define NOT_YET 0xffffffffu

static fluke_portset_t	*set;
static fluke_port_t	*port;
static fluke_ref_t	*dest;
static fluke_space_t	*elsewhere;		/* the space of the peers */
static struct step	steps[3][8];		/* of up to three peers */
static uint32_t		peers, in[256], out[256], peer_in[256];
static void		*good[4];		/* four references to receive in */
static void		*sent[4];		/* and what is sent */

#define SEND(words)	.send_words = (words), .send_data = out
#define SEND_REF	.send_refs = 1, .send_ref_table = sent
#define RECEIVE(words)	.recv_words = (words), .recv_data = in
#define PEER_RECEIVE(words) .recv_words = (words), .recv_data = peer_in, .recv_refs = 4, .recv_ref_table = (fluke_ref_t **)good
#define BLOCK_OF(...)	(&(fluke_ipc_params_t){ __VA_ARGS__ })
#define STEP(form, name, ...) { form, (void *)fluke_ipc_##name, { __VA_ARGS__ }, NOT_YET }
#define STATUS(call)	FLUKE_IPC_STATUS(call)

typedef fluke_error_t block_call(fluke_ipc_params_t *);

/* The calls of one side. */
struct side {
	block_call	*send, *receive, *over_receive, *send_over_receive, *ack_send, *ack_send_over_receive;
	void		(*disconnect)(void);
};
static const struct side client_side = {
	fluke_ipc_client_send, fluke_ipc_client_receive, fluke_ipc_client_over_receive, fluke_ipc_client_send_over_receive,
	fluke_ipc_client_ack_send, fluke_ipc_client_ack_send_over_receive, fluke_ipc_client_disconnect,
};
static const struct side server_side = {
	fluke_ipc_server_send, fluke_ipc_server_receive, fluke_ipc_server_over_receive, fluke_ipc_server_send_over_receive,
	fluke_ipc_server_ack_send, fluke_ipc_server_ack_send_over_receive, fluke_ipc_server_disconnect,
};

static void perform(void *list)
{
	natural_t alias;

	for (struct step *s = list; s->form != END; s++) {
		switch (s->form) {
		case BLOCK: s->result = ((block_call *)s->call)(&s->p); break;
		case DEST: s->result = ((fluke_error_t (*)(fluke_ipc_params_t *, fluke_ref_t *))s->call)(&s->p, dest); break;
		case SET: s->result = ((fluke_error_t (*)(fluke_ipc_params_t *, fluke_portset_t *, natural_t *))s->call)(&s->p, set, &alias); break;
		case ALIAS: s->result = ((fluke_error_t (*)(fluke_ipc_params_t *, natural_t *))s->call)(&s->p, &alias); break;
		default: ((void (*)(void))s->call)(); s->result = 0;
		}
	}
}

/* A new port, its set and a reference to it; what there is to send and to receive in. */
static void make(void)
{
	elsewhere = check_space_twin();
	set = check_portset_new();
	port = check_port_new(set, 0x77);
	dest = check_port_ref_new(port);
	for (uint32_t i = 0; i < 4; i++) {
		good[i] = check_ref_new();
		sent[i] = dest;
	}
	for (uint32_t i = 0; i < 256; i++)
		out[i] = 3 * i + 1;
	memset(in, 0, sizeof in);
	memset(peer_in, 0, sizeof peer_in);
	peers = 0;
}

/* Starts a peer and lets it run until it waits. */
static void peer(const struct step *list, uint32_t count)
{
	struct step *to = steps[peers++];

	memset(to, 0, sizeof steps[0]);
	memcpy(to, list, count * sizeof *list);
	check_thread_new(elsewhere, perform, to);
	check_run();
}
#define PEER(...) do { const struct step list_[] = { __VA_ARGS__ }; peer(list_, sizeof list_ / sizeof list_[0]); } while (0)

/* Ends both connections of the first thread, and whatever the peers were about. */
static inline void leave(void)
{
	fluke_ipc_client_disconnect();
	fluke_ipc_server_disconnect();
	check_run();
}

/* The same block at an address that is no multiple of 4. */
static inline fluke_ipc_params_t *askew(fluke_ipc_params_t p)
{
	static uint8_t bytes[64] __attribute__((aligned(4)));

	memcpy(bytes + 2, &p, sizeof p);
	return (fluke_ipc_params_t *)(bytes + 2);
}

/* The peer of the first thread has room for 64 words and four references, then makes `next`. */
static inline void me_sender(const struct side *side, struct step next)
{
	make();
	if (side == &client_side) {
		PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), next);
		CHECK_EQUAL(fluke_ipc_client_connect_send(BLOCK_OF(SEND(2)), dest), FLUKE_SUCCESS);
	} else {
		PEER(STEP(DEST, client_connect_send_over_receive, SEND(2), PEER_RECEIVE(64)), next);
		CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(64)), set, 0)), FLUKE_SUCCESS);
		CHECK_EQUAL(fluke_ipc_server_ack_send(BLOCK_OF(SEND(1))), FLUKE_SUCCESS);
	}
}

/* The peer has sent two words and a reference, of which one word and the reference are still to be
 * received; then it offers the turn, and makes `next`. */
static inline void me_receiver(const struct side *side, fluke_ipc_params_t room, struct step next)
{
	struct step ask = STEP(DEST, client_connect_send_over_receive, SEND(2), SEND_REF);
	struct step answer = STEP(BLOCK, server_ack_send_over_receive, SEND(2), SEND_REF);
	struct step *s = side == &client_side ? &answer : &ask;

	make();
	s->p.recv_words = room.recv_words;
	s->p.recv_data = room.recv_data;
	s->p.recv_refs = room.recv_refs;
	s->p.recv_ref_table = room.recv_ref_table;
	if (side == &client_side) {
		PEER(STEP(SET, setup_wait_receive, PEER_RECEIVE(64)), answer, next);
		CHECK_EQUAL(fluke_ipc_client_connect_send_over_receive(BLOCK_OF(SEND(2), RECEIVE(1)), dest), FLUKE_IPC_RECV_MORE_DATA);
	} else {
		PEER(ask, next);
		CHECK_EQUAL(STATUS(fluke_ipc_setup_wait_receive(BLOCK_OF(RECEIVE(1)), set, 0)), FLUKE_IPC_RECV_MORE_DATA);
	}
}
#define ROOM(words)	(fluke_ipc_params_t){ PEER_RECEIVE(words) }
#define NOTHING		((struct step){ .form = END })

/* The one or the other, with room for all. */
static inline void me(const struct side *side, int sender, struct step next)
{
	if (sender)
		me_sender(side, next);
	else
		me_receiver(side, ROOM(64), next);
}

/* The peer's own way of each call, seen from the first thread's side. */
#define ITS(side, what)	((side) == &client_side ? (void *)fluke_ipc_server_##what : (void *)fluke_ipc_client_##what)
#define ITS_STEP(side, what, ...) ((struct step){ BLOCK, ITS(side, what), { __VA_ARGS__ }, NOT_YET })
#define ITS_LEAVE(side)	((struct step){ LEAVE, ITS(side, disconnect), { 0 }, NOT_YET })

#endif
