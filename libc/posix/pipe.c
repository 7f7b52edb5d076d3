/* Reads and writes of pipes and FIFOs by a process of one thread: what file.c does for every file, as one message that
 * is kept ready, without loops and use counts.  Nobody else can close the descriptor meanwhile.
 *
 * What is not as usual (other threads, other kinds of file, long transfers, a server that
 * left) is file.c's: then the functions say false and nothing has happened. */
#include "posix.h"
#include "calls.h"
#include <fluke/callnumbers.h>
#include <protocols/client.h>

#define METHOD_READ	0xa00u		/* FileDescription's interface number << 8 | method */
#define METHOD_WRITE	0xa01u
#define LONGEST		4096u		/* PIPE_BUF: a write up to that is done as a whole */

struct message {
	fluke_ipc_params_t params;
	fluke_ipc_buffer_t buffer;
	uint32_t	out[6], in[4];
};
static struct message reading = {
	.params = { .send_words = 5, .send_data = reading.out, .recv_data = reading.in, .recv_buffer_table = &reading.buffer },
	.out = { METHOD_READ, ~0u, ~0u },
};
static struct message writing = {
	.params = { .send_words = 6, .send_data = writing.out, .send_buffer_table = &writing.buffer, .recv_data = writing.in },
	.out = { METHOD_WRITE, ~0u, ~0u },
};

/* The open pipe, unless it does not allow that access. */
static inline struct file *pipe_of(int fd, uint32_t other_access)
{
	struct file *f;

	if (!image_sole_thread || (uint32_t)fd >= FDS || !fds[fd].file)
		return NULL;
	f = &files[fds[fd].file - 1];
	if ((f->mode & S_IFMT) != S_IFIFO || f->special || f->flags & O_PATH || (f->flags & O_ACCMODE) == other_access)
		return NULL;
	return f;
}

/* 0, an errno, a transport error or ERESTART. */
static inline int transfer(struct message *m, const struct file *f, uint32_t words)
{
	struct thread *t = self();
	fluke_error_t status;

	do {
		m->params.recv_words = words;
		m->in[0] = EPROTO;
		t->cancelled = 0;
		status = image_blocking_call(FLUKE_CALL_ipc_client_connect_send_over_receive, &m->params,
			REF(IMAGE_FILES + (uint32_t)(f - files) * sizeof(fluke_ref_t)));
	} while (__builtin_expect(t->cancelled, 0) && blocking_again());
	if (__builtin_expect(t->cancelled, 0))
		return blocking_end(0);
	status = (fluke_error_t)proto_status(status);
	return status ? (int)status : (int)m->in[0];
}

bool pipe_read(int fd, void *to, uint32_t count, long *result)
{
	struct file *f = pipe_of(fd, O_WRONLY);
	struct message *m = &reading;
	int error;

	if (!f || count - 1 >= PROTO_BULK_MAX)
		return false;
	m->out[3] = count;
	m->out[4] = f->flags & O_NONBLOCK;
	m->params.recv_buffers = count >= 4;
	m->buffer = (fluke_ipc_buffer_t){ count / 4, to };
	error = transfer(m, f, 3);
	if (error == PROTO_BROKEN || error == PROTO_AGAIN)
		return false;
	if (!error && m->in[1] > count)
		error = EPROTO;
	if (error) {
		*result = fail(error);
		return true;
	}
	proto_put_tail(to, m->in[1], m->in[2]);
	*result = (long)m->in[1];
	return true;
}

bool pipe_write(int fd, const void *from, uint32_t count, long *result)
{
	struct file *f = pipe_of(fd, O_RDONLY);
	struct message *m = &writing;
	int error;

	if (!f || count - 1 >= LONGEST)
		return false;
	m->out[3] = f->flags & O_NONBLOCK;
	m->out[4] = count;
	m->out[5] = proto_tail(from, count);
	m->params.send_buffers = count >= 4;
	m->params.recv_buffers = 0;
	m->buffer = (fluke_ipc_buffer_t){ count / 4, (void *)(uintptr_t)from };
	error = transfer(m, f, 4);
	if (error == PROTO_AGAIN)		/* restored from an image while it waited */
		return false;
	if (error == EPIPE)
		signal_force(self(), SIGPIPE, SI_KERNEL, 0);
	*result = error ? fail(error) : (long)m->in[1];
	return true;
}
