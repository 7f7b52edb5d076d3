/* What the parts of the tracer share.
 *
 * One capability enters a child: its Parent.  The tracer puts a proxy in its place, and every reference to a port in a
 * message through a proxy becomes a proxy too, in either direction, so that nothing gets around it.  forward.c passes
 * messages on without knowing any protocol; the IDL tables serve to print them (show.c), and to know the few references
 * which the kernel itself uses. */
#ifndef TRACE_H
#define TRACE_H

#include <native.h>
#include <nest/serve.h>

/* ---- proxies (proxy.c) ---- */

enum direction { DOWN, UP };		/* who holds it: those below (DOWN), or those above, of an object below */

struct proxy {
	struct served	served;		/* first */
	struct proxy	*next;		/* of the same hash */
	fluke_ref_t	*target;
	integer_t	hash;
	uint32_t	number, given;	/* given: how often one was made for somebody */
	enum direction	direction;
	char		name[16];	/* what it came as: the parameter's name, or the service's */
	char		*path;		/* the string that it was asked for with, or null */
};

int	proxies_begin(struct server *server);
/* What is to be sent in place of the reference: a proxy (*made: to be freed after the message), what our own proxy
 * stands for, or the reference itself.  label: how it is printed; may be null.  Null: no memory. */
#define LABEL	80
void	*proxy_pass(fluke_ref_t *ref, enum direction direction, const char *name, const char *path, fluke_ref_t **made,
		char label[LABEL]);
void	proxy_label(const struct proxy *p, char label[LABEL]);
/* A proxy for the reference, in its place.  0 or ENOMEM. */
/* What it stands for, if it leads to a proxy of ours; else itself. */
fluke_ref_t *proxy_behind(fluke_ref_t *ref);
int	proxy_replace(fluke_ref_t *ref, const char *name);
/* weak, 0: is the object of that name to be passed on as it is?  For proof that a tracer with a leak is found. */
int	proxy_spares(const char *name);

/* ---- messages (forward.c) ---- */

#define MESSAGE_REFS	REQUEST_REFS

struct message {			/* of one exchange, for show.c */
	struct proxy	*proxy;
	const uint32_t	*words;		/* the request; its bulk behind the header */
	uint32_t	count;
	uint32_t	thread;		/* hash of the client's; from show_call on its number */
	const char	*path;		/* and who that is, as process/bash[2] */
	const struct proto_interface *interface;	/* null: unknown */
	const struct proto_method *method;
	uint32_t	refs;
	void		*ref[MESSAGE_REFS];
	uint64_t	began, ended;	/* ns */
	int		error;		/* of the reply; PROTO_* */
	const uint32_t	*reply;		/* words, then further ones in `more` */
	uint32_t	reply_count;
	const uint32_t	*more;
	uint32_t	more_count, reply_refs;
	uint32_t	id;
	int		wanted;		/* somebody will see it */
	int		unfinished;	/* no reply when the trace ended */
	struct message	*next;		/* of those without a reply */
	/* of a wanted message; what is behind here is not cleared at first */
	char		label[MESSAGE_REFS][LABEL], reply_label[MESSAGE_REFS][LABEL];
};

#define REPLY_HEAD	64u		/* words of a reply before `more` */

extern const struct served_class proxy_class;

/* ---- what is printed ---- */

struct options {
	int		threads, times, paths, counts, waits;	/* -f -T -y -c -w */
	int		follow;			/* -p: the process; 0 = none */
	const char	*output, *json, *given;	/* -o, --json, --given */
	uint32_t	string;			/* -s: bytes of a string or bulk shown */
};
extern struct options options;

/* show.c: call and reply of every message. */
int	show_begin(void);			/* 0 or errno */
int	show_wants(const struct message *m);	/* will anybody see it? */
void	show_call(struct message *m), show_reply(struct message *m);
void	show_end(void);
/* For --given: a capability goes to those below; how it is called there. */
int	show_gives(void);			/* is there such a list? */
void	show_given(fluke_ref_t *ref, const char *label);
/* A buffered file of the parent's; null: descriptor 2. */
struct out;
struct out *out_open(const char *path, int *error);
void	out_write(struct out *o, const char *text, size_t size);
void	out_flush(struct out *o);

/* json.c: the Trace Event Format. */
void	json_begin(struct out *o), json_end(struct out *o);
void	json_call(struct out *o, const struct message *m), json_reply(struct out *o, const struct message *m);

/* path.c: the number of a thread, by its hash, and its nester path.  May wait for those below. */
int	paths_begin(void);
uint32_t path_of(uint32_t hash, const char **path);

/* What guards lines, and with them the followers. */
void	show_lock(void), show_unlock(void);

/* follow.c: one process, shown to whoever asks a tracer that stands around it (-w, -p). */
struct child;
int	follow_begin(struct server *server, struct child *c);	/* 0 or errno */
int	follow_is_service(fluke_ref_t *ref);
int	follow_any(void);
void	follow_line(const struct message *m, const char *line, size_t size);	/* with the lock */
const char *follow_process(int32_t pid, const char *output);	/* null, or what is wrong */

/* count.c: -c. */
void	count(const struct message *m), count_print(struct out *o);

/* ---- which messages (filter.c) ---- */

const char *filter_add(const char *list);	/* -e; null, or what is wrong */
const char *inject_add(const char *rule, int delay);	/* --fail, --delay */
int	filter_wants(const struct message *m);
/* The errno that the call is to have instead of being passed on, or 0; waits when it is to be late. */
int	inject(const struct message *m);

void	nap(uint64_t ns);		/* nap.c: the calling worker sleeps */

/* ---- decoding by the IDL tables (decode.c) ---- */

void	decode_method(uint32_t word0, const struct proto_interface **i, const struct proto_method **m);
const struct proto_param *decode_object(const struct proto_method *method, int out, unsigned index);	/* null: unknown */
const char *decode_string(const struct message *m);	/* the first string of the request, or null */
void	decode_name(const struct message *m, char *to, size_t size);	/* Interface.method */
void	decode_call(const struct message *m, char *to, size_t size);	/* name#1 Interface.method(arguments) */
void	decode_result(const struct message *m, char *to, size_t size);	/* = 0 results */

#endif
