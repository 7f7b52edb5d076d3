/* Errors (returned) and insanities (exceptions in the caller).  Each call's lines `Returns:` and
 * `Insanities:` name all that may come out of it, without FLUKE_ and FLUKE_INSANITY_; a kernel built
 * with CHECK=1 notes what does, and a test compares. */
#ifndef FLUKE_ERRORS_H
#define FLUKE_ERRORS_H

/* Low 8 bits of eax at return. */
#define FLUKE_SUCCESS				0
#define FLUKE_NO_MEMORY				1	/* the address has no frame record (device memory) */
#define FLUKE_MUTEX_HELD			2	/* trylock: held by somebody */
#define FLUKE_OWNER_DIED			3	/* locked, but the former owner was destroyed holding it */
#define FLUKE_IPC_CONNECT_INVALID_DEST		4	/* null, dead or not a port */
#define FLUKE_IPC_SEND_DISCONNECTED		5
#define FLUKE_IPC_OVER_DISCONNECTED		6
#define FLUKE_IPC_ACK_DISCONNECTED		7
#define FLUKE_IPC_RECV_MORE_DATA		8
#define FLUKE_IPC_RECV_MORE_REFS		9
#define FLUKE_IPC_RECV_DISCONNECTED		10	/* end of message: the sender left (the normal end of a reply) */
#define FLUKE_IPC_NOT_NOW			11	/* server_answer: not possible in one step */
#define FLUKE_IPC_STATUS(eax)	((eax) & 0xff)

/* Bits 8-15 of eax when a wait_receive returns a first message. */
#define FLUKE_IPC_ONEWAY	1
#define FLUKE_IPC_IDEMPOTENT	2
#define FLUKE_IPC_RELIABLE	3
#define FLUKE_IPC_FLAVOUR(eax)	(((eax) >> 8) & 0x7f)
#define FLUKE_IPC_LAST(eax)	(((eax) >> 15) & 1)	/* a hint: no other thread waits on the port set now */
#define FLUKE_IPC_LAST_BIT	0x8000u

/* Insanities: exception code FLUKE_EXC_INSANITY | one of these. */
#define FLUKE_INSANITY_NO_OBJECT		1	/* no active object starts there */
#define FLUKE_INSANITY_INVALID_OBJECT		2	/* not a usable address for an object */
#define FLUKE_INSANITY_OBJECT_EXISTS		3	/* the range overlaps an active object */
#define FLUKE_INSANITY_NOT_ALIGNED		4
#define FLUKE_INSANITY_NOT_MUTEX		5
#define FLUKE_INSANITY_NOT_COND			6
#define FLUKE_INSANITY_NOT_MAPPING		7
#define FLUKE_INSANITY_NOT_REGION		8
#define FLUKE_INSANITY_NOT_PORT			9
#define FLUKE_INSANITY_NOT_PORTSET		10
#define FLUKE_INSANITY_NOT_SPACE		11
#define FLUKE_INSANITY_NOT_THREAD		12
#define FLUKE_INSANITY_NOT_REF			13
#define FLUKE_INSANITY_NOT_MUTEX_REF		14	/* reserved: no state has a link to a mutex */
#define FLUKE_INSANITY_NOT_COND_REF		15	/* reserved */
#define FLUKE_INSANITY_NOT_MAPPING_REF		16	/* reserved */
#define FLUKE_INSANITY_NOT_REGION_REF		17	/* a link of set_state leads to the wrong type */
#define FLUKE_INSANITY_NOT_PORT_REF		18
#define FLUKE_INSANITY_NOT_PORTSET_REF		19
#define FLUKE_INSANITY_NOT_SPACE_REF		20
#define FLUKE_INSANITY_NOT_THREAD_REF		21
#define FLUKE_INSANITY_CURRENT_THREAD		22	/* not on the caller itself */
#define FLUKE_INSANITY_RACE_CONDITION		23	/* set_state of a thread that is not stopped */
#define FLUKE_INSANITY_INVALID_PROT		24
#define FLUKE_INSANITY_INVALID_ADDRESS		25
#define FLUKE_INSANITY_ADDRESS_OVERLAP		26
#define FLUKE_INSANITY_MUTEX_LOCKED		27	/* caller already owns it */
#define FLUKE_INSANITY_MUTEX_NOT_LOCKED		28
#define FLUKE_INSANITY_MUTEX_NOT_OWNER		29
#define FLUKE_INSANITY_NOT_SENDER		30
#define FLUKE_INSANITY_NOT_RECEIVER		31
#define FLUKE_INSANITY_BUFFER_UNALIGNED		32	/* parameter block not 4-aligned */
#define FLUKE_INSANITY_INVALID_CALL		33	/* reserved for numbers that are no call */
#define FLUKE_INSANITY_INVALID_STATE		34	/* flags, selectors or sensitivity out of range */
#define FLUKE_INSANITY_WRONG_ADDRESS		35	/* reserved: thread_va is not checked, see thread.h */

#endif
