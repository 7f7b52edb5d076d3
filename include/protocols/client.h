/* Helpers of the generated stubs.  Not for other code. */
#ifndef PROTOCOLS_CLIENT_H
#define PROTOCOLS_CLIENT_H

#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <fluke/fluke.h>
#include <linux_abi.h>
#include <protocols/proto.h>

/* The two ways out; the personality image puts its own restartable ranges in their place by
 * -DPROTO_CALL=name, and may answer PROTO_STATUS_INTERRUPTED. */
#ifndef PROTO_CALL
#define PROTO_CALL fluke_ipc_client_connect_send_over_receive
#else
fluke_error_t PROTO_CALL(fluke_ipc_params_t *params, fluke_ref_t *dest);
#endif
#ifndef PROTO_SEND
#define PROTO_SEND fluke_ipc_send
#endif
#define PROTO_STATUS_INTERRUPTED 0xfe

/* The exchange did not come to its normal end.  What is left of a connection is given up, so that the server is
 * not kept waiting. */
static __attribute__((noinline)) int proto_failed(uint32_t status)
{
	if (status == FLUKE_IPC_CONNECT_INVALID_DEST)
		return PROTO_DEAD;
	if (status == PROTO_STATUS_INTERRUPTED)
		return EINTR;
	if (status == PROTO_STATUS_AGAIN)
		return PROTO_AGAIN;
	if (status != FLUKE_IPC_RECV_MORE_DATA && status != FLUKE_IPC_RECV_MORE_REFS)
		return PROTO_BROKEN;
	fluke_ipc_client_disconnect();
	return status == FLUKE_IPC_RECV_MORE_DATA ? ERANGE : EPROTO;
}

/* 0 when the server replied and left, or turned the line; ERANGE: the reply is longer than what it was to fit in. */
static inline int proto_status(fluke_error_t eax)
{
	uint32_t status = FLUKE_IPC_STATUS(eax);

	if (__builtin_expect(status == FLUKE_IPC_RECV_DISCONNECTED, 1) || status == FLUKE_SUCCESS)
		return 0;
	return proto_failed(status);
}

/* length, bytes, at least one zero byte up to the next whole word */
static inline uint32_t *proto_put_string(uint32_t *w, const char *text, size_t length)
{
	*w++ = (uint32_t)length;
	w[length / 4] = 0;
	memcpy(w, text, length);
	return w + length / 4 + 1;
}

static inline int proto_get_string(const uint32_t **w, const uint32_t *end, char *text, size_t size)
{
	size_t length, left = (size_t)(end - *w);

	if (left < 1 || (length = (*w)[0]) > PROTO_STRING_MAX || left < 1 + length / 4 + 1)
		return left < 1 || length > PROTO_STRING_MAX ? EPROTO : ERANGE;
	if (length >= size)
		return ERANGE;
	memcpy(text, *w + 1, length);
	text[length] = 0;
	*w += 1 + length / 4 + 1;
	return 0;
}

/* The last 0-3 bytes of a bulk, low byte first. */
static inline uint32_t proto_tail(const void *data, size_t size)
{
	const unsigned char *end = (const unsigned char *)data + (size & ~(size_t)3);
	uint32_t tail = 0;

	switch (size & 3) {
	case 3:
		tail |= (uint32_t)end[2] << 16;
		/* fall through */
	case 2:
		tail |= (uint32_t)end[1] << 8;
		/* fall through */
	case 1:
		tail |= end[0];
	}
	return tail;
}

static inline void proto_put_tail(void *data, size_t size, uint32_t tail)
{
	unsigned char *end = (unsigned char *)data + (size & ~(size_t)3);
	unsigned n;

	for (n = 0; n < (size & 3); n++, tail >>= 8)
		end[n] = (unsigned char)tail;
}

static inline uint8_t proto_count_refs(void *refs[], unsigned count)
{
	while (count && !refs[count - 1])
		count--;
	return (uint8_t)count;
}

#endif
