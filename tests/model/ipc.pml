/* A model of reliable IPC between a client and a server for spin: connect, transfer, turn,
 * disconnect, interrupt, stop/export/resume and death, as kernel/ipc_stage.c, ipc_connect.c and
 * wait.c have them.  Names of functions, calls and waits are the kernel's (tests/host/model.t
 * compares them).
 *
 * A dispatch of a call up to its wait, its end or a preemption point is one atomic step, as under
 * the kernel's lock; in between anybody may run: more orders than donation allows, so what holds
 * here holds there.  Words are numbered, so that a lost, doubled or foreign one is seen.
 * Claims: no deadlock; every round ends; what arrives is what was sent, once, in order; an answer
 * belongs to its request; a connection breaks only if somebody broke it.
 *
 * Variants with a known defect (-DDEFECT_...) must be found out: see tests/host/model.t. */

#ifndef ROUNDS
#define ROUNDS	2	/* RPCs of the client */
#endif
#ifndef CAUSES
#define CAUSES	2	/* acts of the watcher */
#endif
#ifndef STOPS
#define STOPS	2	/* preemptions and faults in transfers */
#endif
#ifndef LONGEST
#define LONGEST	3	/* words of a message; up to SHORT_WORDS go through min_msg */
#endif
#define SHORT_WORDS	1

#define CLIENT	0
#define SERVER	1
#define PEER(i)	(1 - (i))

mtype = { user,		/* the thread is in its program, or in the calls it may make: */
	ipc_client_connect_send_over_receive, ipc_client_send_over_receive, ipc_client_over_receive,
	ipc_client_receive, ipc_wait_receive, ipc_server_receive, ipc_server_ack_send_wait_receive,
	ipc_server_send_wait_receive };
mtype = { WAIT_NONE, WAIT_MESSAGE, WAIT_CONNECT, WAIT_SEND, WAIT_RECEIVE, WAIT_OVER, WAIT_ACK };
mtype = { FLUKE_SUCCESS, FLUKE_IPC_RECV_MORE_DATA, FLUKE_IPC_RECV_DISCONNECTED, FLUKE_IPC_SEND_DISCONNECTED,
	FLUKE_IPC_OVER_DISCONNECTED, FLUKE_IPC_ACK_DISCONNECTED, FLUKE_IPC_CONNECT_INVALID_DEST };

/* ---- a thread's exported state */
mtype call[2] = user;		/* al, when it is in a call */
mtype status[2] = FLUKE_SUCCESS;	/* eax, when it has left one */
byte ecx[2];		/* words left of the half that is loaded */
byte esi[2];		/* the sender's next word */
byte min_msg[2];	/* number of the first word taken */
byte min_id[2];		/* message it belongs to */
byte min_total[2], min_stored[2];	/* min_msg_words */
bool connected[2];	/* link to the peer */
bool other_sends[2];	/* SERVER_SENDER of the client, CLIENT_SENDER of the server */
bool accepted[2];	/* ACCEPTED of the server */
bool interrupt[2];	/* an asynchronous exception is pending */
/* ---- what is not exported */
bool blocked[2], stopped[2];
mtype wait_kind[2] = WAIT_NONE;
/* ---- the program's memory */
byte send_words[2], recv_words[2];	/* of its parameter block */
byte message[2];	/* number of the message that it sends */
byte got[2], got_id[2];	/* what has arrived */
/* ---- for the claims: the words of each request and of its answer */
byte request_words[ROUNDS + CAUSES + 2], answer_words[ROUNDS + CAUSES + 2];

byte requests, causes, stops;
bool broken;		/* somebody broke the connection of the present round */
bool early;		/* the server answered without reading all */
bool done;

bool go_on;		/* the dispatch continues with the call that now stands in the registers */
byte words;

#define live(i)			(connected[i] && connected[PEER(i)])
#define peer_waits(i, kind)	(live(i) && blocked[PEER(i)] && wait_kind[PEER(i)] == kind)
#define waits_on_connection(i)	(blocked[i] && (wait_kind[i] == WAIT_SEND || wait_kind[i] == WAIT_RECEIVE || \
				 wait_kind[i] == WAIT_OVER || wait_kind[i] == WAIT_ACK))
#define is_sender(i)		(!other_sends[i])
#define call_become(i, c)	call[i] = c
#define pending(i)		(interrupt[i] && min_total[i] == 0)

/* ---- kernel/wait.c */
inline wait_on(i, kind)
{
	if
	:: pending(i)		/* does not block when an exception is due */
	:: else -> blocked[i] = true; wait_kind[i] = kind
	fi
	go_on = false
}

inline wait_wake(i)
{
	blocked[i] = false;
	wait_kind[i] = WAIT_NONE
}

inline wait_cancel(i)
{
	blocked[i] = false;
	wait_kind[i] = WAIT_NONE
}

inline wait_finish(i, s)
{
	blocked[i] = false;
	wait_kind[i] = WAIT_NONE;
	status[i] = s;
	call[i] = user
}

/* ---- kernel/ipc_connect.c */
inline ipc_connect()
{
	connected[CLIENT] = true;
	connected[SERVER] = true;
	other_sends[CLIENT] = false;
	other_sends[SERVER] = true
}

inline ipc_disconnect(i)
{
	if
	:: connected[i] ->
		connected[i] = false;
		other_sends[i] = false;
		connected[PEER(i)] = false;
		other_sends[PEER(i)] = false;
#ifndef DEFECT_SLEEPER
		if
		:: waits_on_connection(PEER(i)) -> wait_wake(PEER(i))
		:: else
		fi
#endif
	:: else
	fi
}

inline ipc_accept()
{
	call_become(SERVER, ipc_server_receive);
	accepted[SERVER] = true;
	min_total[SERVER] = 0;
	if
	:: blocked[SERVER] -> wait_kind[SERVER] = WAIT_RECEIVE
	:: else
	fi
}

/* ---- kernel/ipc_transfer.c */
inline ipc_end(i, s)
{
	status[i] = s;
	call[i] = user;
	ecx[i] = 0;		/* with esi: dead now, and so fewer states */
	esi[i] = 0;
	go_on = false
}

inline ipc_receive_end(i, s)
{
	accepted[i] = false;
	ipc_end(i, s)
}

inline arrive(i, id, k)
{
	assert(k == got[i]);
	assert(got[i] == 0 || got_id[i] == id);
	got_id[i] = id;
	got[i]++
}

/* Stores what is pending in min_msg.  `words` becomes 1 at a fault of its own. */
inline ipc_store_min(i)
{
	words = 0;
	do
	:: min_total[i] && ecx[i] ->
		if
		:: stops < STOPS -> stops++; words = 1; break
		:: true
		fi
		arrive(i, min_id[i], min_msg[i] + min_stored[i]);
		ecx[i]--;
		min_stored[i]++;
		if
		:: min_stored[i] == min_total[i] ->
			min_total[i] = 0; min_stored[i] = 0; min_msg[i] = 0; min_id[i] = 0
		:: else
		fi
	:: else -> break
	od
}

/* Words from sender i to the peer while there are any and there is room. */
#define TRANSFER_SENT		0
#define TRANSFER_FULL_DATA	1
#define TRANSFER_SELF		2
#define TRANSFER_PEER		3
#define TRANSFER_PREEMPT	4
inline ipc_transfer(i)
{
	do
	:: ecx[i] == 0 -> words = TRANSFER_SENT; break
	:: ecx[i] && ecx[PEER(i)] == 0 -> words = TRANSFER_FULL_DATA; break
	:: ecx[i] && ecx[PEER(i)] ->
		if
		:: stops < STOPS -> stops++; words = TRANSFER_SELF; break
		:: stops < STOPS -> stops++; words = TRANSFER_PEER; break
		:: stops < STOPS -> stops++; words = TRANSFER_PREEMPT; break
		:: true
		fi
		arrive(PEER(i), message[i], esi[i]);
#ifndef DEFECT_PROGRESS
		esi[i]++;
#endif
		ecx[i]--;
		ecx[PEER(i)]--
	od
}

/* ---- kernel/ipc_stage.c */
inline take_turn(i)
{
	other_sends[i] = false;
	other_sends[PEER(i)] = true
}

inline wait_peer(i, kind, pass)
{
	if
	:: pass -> wait_wake(PEER(i))
	:: else
	fi
	wait_on(i, kind)
}

/* Everything of the message is out: the next stage. */
inline sent(i)
{
	if
	:: i == CLIENT -> call_become(i, ipc_client_over_receive)
	:: else -> ipc_disconnect(SERVER); call_become(i, ipc_wait_receive)
	fi
}

inline send_to_receiver(i)
{
	if
	:: min_total[PEER(i)] -> wait_peer(i, WAIT_SEND, true)
	:: min_total[PEER(i)] == 0 && ecx[i] <= SHORT_WORDS && ecx[i] <= ecx[PEER(i)] ->
		min_msg[PEER(i)] = esi[i];
		min_id[PEER(i)] = message[i];
		min_total[PEER(i)] = ecx[i];
		min_stored[PEER(i)] = 0;
		esi[i] = esi[i] + ecx[i];
		ecx[i] = 0;
		sent(i)
	:: else ->
		ipc_transfer(i);
		if
		:: words == TRANSFER_SENT -> sent(i)
		:: words == TRANSFER_FULL_DATA ->
			accepted[PEER(i)] = false;
			wait_finish(PEER(i), FLUKE_IPC_RECV_MORE_DATA);
			wait_peer(i, WAIT_SEND, false)
		:: words == TRANSFER_PEER -> wait_peer(i, WAIT_SEND, true)
		:: else -> go_on = false	/* again, perhaps after a fault of its own */
		fi
	fi
}

inline ipc_stage_send(i)
{
	if
	:: !connected[i] -> ipc_end(i, FLUKE_IPC_SEND_DISCONNECTED)
	:: else ->
		assert(is_sender(i));
		if
		:: ecx[i] == 0 -> sent(i)
		:: ecx[i] && peer_waits(i, WAIT_RECEIVE) -> send_to_receiver(i)
		:: ecx[i] && peer_waits(i, WAIT_ACK) -> ecx[i] = 0; sent(i)
		:: else -> wait_peer(i, WAIT_SEND, false)
		fi
	fi
}

inline ipc_stage_over(i)
{
	if
	:: !connected[i] -> ipc_end(i, FLUKE_IPC_OVER_DISCONNECTED)
	:: else ->
		assert(is_sender(i));
		ecx[i] = recv_words[i];
		esi[i] = 0;
		wait_peer(i, WAIT_OVER, (peer_waits(i, WAIT_RECEIVE) || peer_waits(i, WAIT_ACK)))
	fi
}

inline receive_from_sender(i)
{
	ipc_transfer(PEER(i));
	if
	:: words == TRANSFER_SENT -> wait_peer(i, WAIT_RECEIVE, true)
	:: words == TRANSFER_FULL_DATA -> ipc_receive_end(i, FLUKE_IPC_RECV_MORE_DATA)
	:: words == TRANSFER_SELF -> wait_peer(i, WAIT_RECEIVE, true)	/* the sender's own memory */
	:: else -> go_on = false
	fi
}

inline ipc_stage_receive(i)
{
	ipc_store_min(i);
	if
	:: words -> go_on = false		/* a fault of its own: again */
	:: !words && min_total[i] -> ipc_receive_end(i, FLUKE_IPC_RECV_MORE_DATA)
	:: !words && min_total[i] == 0 && !connected[i] -> ipc_receive_end(i, FLUKE_IPC_RECV_DISCONNECTED)
	:: else ->
		assert(!is_sender(i));
		if
		:: peer_waits(i, WAIT_SEND) -> receive_from_sender(i)
		:: peer_waits(i, WAIT_OVER) -> ipc_receive_end(i, FLUKE_SUCCESS)
		:: else -> wait_peer(i, WAIT_RECEIVE, false)
		fi
	fi
}

inline ipc_stage_ack(i)
{
	if
	:: !connected[i] -> ipc_end(i, FLUKE_IPC_ACK_DISCONNECTED)
	:: else ->
		assert(!is_sender(i));
		if
		:: peer_waits(i, WAIT_OVER) ->
			ecx[i] = send_words[i];
			esi[i] = 0;
			take_turn(i);
			min_total[i] = 0;
#ifndef DEFECT_STAGE
			call_become(i, ipc_server_send_wait_receive);
#endif
			call_become(PEER(i), ipc_client_receive);
			wait_kind[PEER(i)] = WAIT_RECEIVE
		:: peer_waits(i, WAIT_SEND) ->	/* its data are thrown away */
			ecx[PEER(i)] = 0;
			wait_peer(i, WAIT_ACK, true)
		:: else -> wait_peer(i, WAIT_ACK, false)
		fi
	fi
}

inline ipc_stage_wait()
{
	ipc_disconnect(SERVER);
	accepted[SERVER] = false;
	min_total[SERVER] = 0;
	ecx[SERVER] = recv_words[SERVER];
	if
	:: blocked[CLIENT] && wait_kind[CLIENT] == WAIT_CONNECT ->	/* portset_take */
		ipc_accept();
		ipc_connect();
		call_become(CLIENT, ipc_client_send_over_receive);
		wait_kind[CLIENT] = WAIT_SEND
	:: else -> wait_on(SERVER, WAIT_MESSAGE)
	fi
}

inline ipc_stage_connect()
{
	ipc_disconnect(CLIENT);
	min_total[CLIENT] = 0;
	ecx[CLIENT] = send_words[CLIENT];
	esi[CLIENT] = 0;
	if
	:: blocked[SERVER] && wait_kind[SERVER] == WAIT_MESSAGE ->
		ipc_accept();
		ipc_connect();
		call_become(CLIENT, ipc_client_send_over_receive)
	:: else -> wait_on(CLIENT, WAIT_CONNECT)
	fi
}

/* ---- kernel/thread.c, exception.c, syscall.c */
inline thread_alert(i)
{
	interrupt[i] = true;
	if
	:: pending(i) && blocked[i] -> wait_cancel(i)
	:: else
	fi
}

inline thread_stop(i)
{
	wait_cancel(i);
	stopped[i] = true
}

/* The handler of the program: it goes back into the call, or a client gives its request up. */
inline exception_async(i)
{
	interrupt[i] = false;
	if
	:: true
	:: i == CLIENT && call[i] != user ->
		broken = true;
		ipc_disconnect(CLIENT);
		wait_finish(CLIENT, FLUKE_IPC_CONNECT_INVALID_DEST)
	fi
}

inline syscall_dispatch(i)
{
	go_on = true;
	do
	:: go_on && call[i] == ipc_client_connect_send_over_receive -> ipc_stage_connect()
	:: go_on && (call[i] == ipc_client_send_over_receive || call[i] == ipc_server_send_wait_receive) -> ipc_stage_send(i)
	:: go_on && call[i] == ipc_client_over_receive -> ipc_stage_over(i)
	:: go_on && (call[i] == ipc_client_receive || call[i] == ipc_server_receive) -> ipc_stage_receive(i)
	:: go_on && call[i] == ipc_wait_receive -> ipc_stage_wait()
	:: go_on && call[i] == ipc_server_ack_send_wait_receive -> ipc_stage_ack(i)
	:: else -> break
	od
}

#define can_run(i)	(!blocked[i] && !stopped[i])
#define in_kernel(i)	(can_run(i) && (call[i] != user || pending(i)))

inline attend(i)
{
	if
	:: pending(i) -> exception_async(i)
	:: else -> syscall_dispatch(i)
	fi
	words = 0;
	go_on = false
}

/* ---- the programs */
inline choose(n)
{
	n = 1;
	do
	:: n < LONGEST -> n++
	:: break
	od
}

active proctype client()
{
	byte round = 0;

	do
	:: round < ROUNDS ->
		atomic {
			can_run(CLIENT) && call[CLIENT] == user;
			requests++;
			message[CLIENT] = requests;
			choose(send_words[CLIENT]);
			request_words[requests] = send_words[CLIENT];
			choose(recv_words[CLIENT]);
			got[CLIENT] = 0;
			got_id[CLIENT] = 0;
			broken = false;
			early = false;
			call[CLIENT] = ipc_client_connect_send_over_receive
		}
		do
		:: atomic { in_kernel(CLIENT) -> attend(CLIENT) }
		:: atomic { can_run(CLIENT) && call[CLIENT] == user && !pending(CLIENT) ->
			if
			:: status[CLIENT] == FLUKE_IPC_RECV_MORE_DATA ->
				choose(ecx[CLIENT]);
				call[CLIENT] = ipc_client_receive
			:: else -> break
			fi }
		od;
		atomic {
			if
			:: status[CLIENT] == FLUKE_IPC_RECV_DISCONNECTED && got[CLIENT] ->
				assert(broken || (got_id[CLIENT] == message[CLIENT] && got[CLIENT] == answer_words[message[CLIENT]]))
			:: else -> assert(broken)
			fi
			if
			:: !broken || requests > ROUNDS + CAUSES -> round++
			:: else			/* once more */
			fi
			status[CLIENT] = FLUKE_SUCCESS
		}
	:: else -> break
	od;
	done = true
}

active proctype server()
{
end:	do
	:: atomic { in_kernel(SERVER) -> attend(SERVER) }
	:: atomic { can_run(SERVER) && call[SERVER] == user && !pending(SERVER) ->
		if
		:: status[SERVER] == FLUKE_IPC_RECV_MORE_DATA ->	/* reads on, or answers without */
			if
			:: choose(ecx[SERVER]); call[SERVER] = ipc_server_receive
			:: early = true; goto answer
			fi
		:: status[SERVER] == FLUKE_SUCCESS && got[SERVER] ->
			assert(early || got[SERVER] == request_words[got_id[SERVER]]);
answer:			message[SERVER] = got_id[SERVER];
			choose(send_words[SERVER]);
			answer_words[got_id[SERVER]] = send_words[SERVER];
			goto receive
receive:		choose(recv_words[SERVER]);
			got[SERVER] = 0;
			got_id[SERVER] = 0;
			call[SERVER] = ipc_server_ack_send_wait_receive
		:: else ->			/* a connection that broke, or its first call */
			choose(recv_words[SERVER]);
			got[SERVER] = 0;
			got_id[SERVER] = 0;
			call[SERVER] = ipc_wait_receive
		fi;
		status[SERVER] = FLUKE_SUCCESS }
	od
}

/* Stops, exports and re-creates, interrupts, destroys: at any instant, CAUSES times. */
active proctype watcher()
{
	byte i;

end:	do
	:: causes < CAUSES ->
		atomic {
			causes++;
			if
			:: i = CLIENT
			:: i = SERVER
			fi
		}
		if
		:: atomic { true -> thread_alert(i) }
		:: atomic { true -> thread_stop(i) };
			/* get_state, destroy, create, set_state: what is exported remains */
			atomic {
				blocked[i] = false;
				wait_kind[i] = WAIT_NONE;
#ifdef DEFECT_EXPORT
				min_total[i] = 0;
				min_stored[i] = 0;
#endif
				stopped[i] = false
			}
		:: atomic { i == SERVER ->	/* ipc_thread_destroyed; a new server begins */
				if
				:: connected[SERVER] -> thread_alert(CLIENT)
				:: else
				fi
				broken = true;
				ipc_disconnect(SERVER);
				wait_finish(SERVER, FLUKE_IPC_RECV_DISCONNECTED);
				ecx[SERVER] = 0;
				min_total[SERVER] = 0;
				min_stored[SERVER] = 0;
				accepted[SERVER] = false;
				interrupt[SERVER] = false;
				got[SERVER] = 0
			}
		fi;
		i = 0
	:: else -> break
	od
}

active proctype judge()
{
	done			/* never reached: invalid end state */
}
