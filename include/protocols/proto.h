/* What the generated client stubs and decoding tables share.
 *
 * A stub returns 0, a positive Linux errno from the server, or, when the message did not get
 * through, one of the transport errors below (above every errno).  Stubs keep everything on
 * the caller's stack: they are reentrant and use neither errno nor malloc.
 *
 * Conventions of stub arguments: an `in Object` is the address of an active ref or of the
 * object itself (null = none; only the last ones may be null); an `out Object` is an active
 * ref, re-pointed on success; an out string is buffer and size (ERANGE when it does not fit,
 * always terminated); an out bulk is buffer and *size = room at entry, bytes at return.  Other
 * out pointers may be null. */
#ifndef PROTOCOLS_PROTO_H
#define PROTOCOLS_PROTO_H

#include <fluke/fluke.h>

#define PROTO_STRING_MAX	4095	/* bytes of one string, without its zero byte */
#define PROTO_BULK_MAX		0x10000	/* bytes a server takes or gives at once in read and write */

/* Transport errors. */
#define PROTO_DEAD		1001	/* null or dead reference, or the server's port is gone */
#define PROTO_BROKEN		1002	/* the server left during the exchange */

/* Between a checkpointer, which puts the status into a thread whose request waited at a server outside of the image, and
 * the stubs, which then send the request again; nobody else sees it. */
#define PROTO_STATUS_AGAIN	0xfd
#define PROTO_AGAIN		1003

/* Decoding tables (build/protocols/tables.c). */
enum proto_kind { PROTO_LONG = 1, PROTO_ULONG, PROTO_LONGLONG, PROTO_ULONGLONG, PROTO_BOOLEAN, PROTO_STRING,
	PROTO_OBJECT, PROTO_BULK, PROTO_STRUCT, PROTO_DIRECT };

struct proto_param {			/* a list ends with a null name */
	const char	*name;
	unsigned char	kind, out;
	const struct proto_param *members;	/* of a PROTO_STRUCT */
};

struct proto_method {
	const char	*name;
	int		oneway;
	const struct proto_param *params;
};

struct proto_interface {
	unsigned	number;
	const char	*name;
	unsigned	count;
	const struct proto_method *methods;
};

extern const struct proto_interface proto_interfaces[];	/* by number; ends with number 0 */

#endif
