/* ioctl: terminals (Tty protocol), FIONREAD, FIONBIO; job control checks of the background. */
#include "posix.h"
#include "calls.h"
#include <protocols/Tty.h>
#include <protocols/Process.h>
#include <protocols/FileDescription.h>

#define TCGETS		0x5401
#define TCSETS		0x5402
#define TCSETSW		0x5403
#define TCSETSF		0x5404
#define TCSBRK		0x5409
#define TCXONC		0x540a
#define TCFLSH		0x540b
#define TIOCSCTTY	0x540e
#define TIOCGPGRP	0x540f
#define TIOCSPGRP	0x5410
#define TIOCOUTQ	0x5411
#define TIOCGWINSZ	0x5413
#define TIOCSWINSZ	0x5414
#define FIONREAD	0x541b
#define FIONBIO		0x5421
#define TIOCNOTTY	0x5422
#define TIOCGSID	0x5429
#define FIONCLEX	0x5450
#define FIOCLEX		0x5451

/* Is the file the controlling terminal? */
bool tty_is_ours(int file)
{
	uint32_t rdev;
	struct Termios t;

	(void)rdev;
	if (!(FACTS->flags & FACTS_TERMINAL) || !S_ISCHR(files[file].mode))
		return false;
	return Tty_get_attributes(file_ref(file), &t) == 0;
}

bool tty_tostop(int file)
{
	struct Termios t;

	return Tty_get_attributes(file_ref(file), &t) == 0 && t.lflag & TOSTOP;
}

/* 0 = go on; -ERESTART: a signal was posted, the call runs again after it. */
int tty_background(uint32_t write)
{
	struct thread *t = self();
	uint64_t bit = 1ull << ((write ? SIGTTOU : SIGTTIN) - 1);
	uint32_t handler = actions[write ? SIGTTOU : SIGTTIN].handler;
	int error;

	if (handler == SIG_IGN || t->blocked & bit)
		return write ? 0 : -EIO;
	error = Process_background_access(REF_PROCESS, write);
	if (error)
		return fail(error);
	t->flag = 1;
	t->restart = true;
	return -ERESTART;
}

static bool background(void)
{
	return (FACTS->flags & (FACTS_TERMINAL | FACTS_FOREGROUND)) == FACTS_TERMINAL;
}

static void get_termios(struct termios_kernel *to, const struct Termios *t)
{
	uint32_t cc[5] = { t->cc0, t->cc1, t->cc2, t->cc3, t->cc4 };
	struct termios_kernel k = { .iflag = t->iflag, .oflag = t->oflag, .cflag = t->cflag, .lflag = t->lflag, .line = (uint8_t)t->line };

	memcpy(k.cc, cc, sizeof(k.cc));
	memcpy(to, &k, sizeof(k));
}

static void put_termios(struct Termios *t, const struct termios_kernel *from)
{
	uint32_t cc[5] = { 0 };

	memcpy(cc, from->cc, sizeof(from->cc));
	*t = (struct Termios){ .iflag = from->iflag, .oflag = from->oflag, .cflag = from->cflag, .lflag = from->lflag,
		.cc0 = cc[0], .cc1 = cc[1], .cc2 = cc[2], .cc3 = cc[3], .cc4 = cc[4], .line = from->line };
}

static long set_window(fluke_ref_t *tty, const uint16_t *from)
{
	struct WindowSize w = { from[0], from[1], from[2], from[3] };

	return fail(Tty_set_window(tty, &w));
}

static long get_window(fluke_ref_t *tty, uint16_t *to)
{
	struct WindowSize w;
	int error = Tty_get_window(tty, &w);

	if (error)
		return fail(error);
	to[0] = (uint16_t)w.rows;
	to[1] = (uint16_t)w.columns;
	to[2] = (uint16_t)w.xpixel;
	to[3] = (uint16_t)w.ypixel;
	return 0;
}

static long changes(fluke_ref_t *tty, uint32_t request, uint32_t argument)
{
	struct Termios t;

	if (background()) {
		int error = tty_background(1);

		if (error)
			return error;
	}
	switch (request) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		put_termios(&t, (const struct termios_kernel *)argument);
		return fail(Tty_set_attributes(tty, &t, request - TCSETS));
	case TIOCSPGRP:
		return fail(Process_set_foreground(REF_PROCESS, *(const int32_t *)argument));
	case TCFLSH:
		return fail(Tty_flush(tty, argument));
	case TCSBRK:
		return fail(BLOCKING(Tty_drain(tty)));
	}
	return 0;
}

static long terminal(int file, uint32_t request, uint32_t argument)
{
	fluke_ref_t *tty = file_ref(file);
	struct Termios t;
	int error = Tty_get_attributes(tty, &t);	/* also says whether it is one */
	uint32_t input, output;
	int32_t value = 0;

	if (error)
		return -ENOTTY;
	switch (request) {
	case TCGETS:
		get_termios((struct termios_kernel *)argument, &t);
		return 0;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TIOCSPGRP:
	case TCFLSH:
	case TCSBRK:
	case TCXONC:
		return changes(tty, request, argument);
	case TIOCGWINSZ:
		return get_window(tty, (uint16_t *)argument);
	case TIOCSWINSZ:
		return set_window(tty, (const uint16_t *)argument);
	case TIOCGPGRP:
		error = Process_get_foreground(REF_PROCESS, &value);
		break;
	case TIOCGSID:
		error = FACTS->flags & FACTS_TERMINAL ? 0 : ENOTTY;
		value = FACTS->session;
		break;
	case TIOCSCTTY:
		error = Process_set_terminal(REF_PROCESS, tty);
		if (!error)
			fluke_ref_copy(tty, REF(IMAGE_REF_TTY));
		return fail(error);
	case TIOCNOTTY:
		return 0;
	case FIONREAD:
	case TIOCOUTQ:
		error = Tty_available(tty, &input, &output);
		value = (int32_t)(request == FIONREAD ? input : output);
		break;
	default:
		return -ENOTTY;
	}
	if (error)
		return fail(error);
	*(int32_t *)argument = value;
	return 0;
}

static long set_nonblock(int file, bool on)
{
	files[file].flags = on ? files[file].flags | O_NONBLOCK : files[file].flags & ~(uint32_t)O_NONBLOCK;
	return fail(FileDescription_set_flags(file_ref(file), files[file].flags & (O_APPEND | O_NONBLOCK)));
}

/* Partial: ioctl: terminals, FIONREAD, FIONBIO, FIOCLEX; the rest is ENOTTY */
long posix_ioctl(int fd, uint32_t request, uint32_t argument)
{
	int file = fd_file(fd);
	long result;

	if (file < 0)
		return file;
	if (request == FIOCLEX || request == FIONCLEX) {
		fds[fd].cloexec = request == FIOCLEX;
		result = 0;
	} else if (request == FIONBIO) {
		result = set_nonblock(file, *(const int32_t *)argument != 0);
	} else if (files[file].special || !S_ISCHR(files[file].mode)) {
		result = request >> 8 == 0x94 ? -EOPNOTSUPP : -ENOTTY;
		if (request == FIONREAD && S_ISFIFO(files[file].mode)) {
			struct FileStatus status;

			result = fail(FileDescription_stat(file_ref(file), &status));
			if (result == 0)
				*(int32_t *)argument = (int32_t)status.size;
		}
	} else {
		result = terminal(file, request, argument);
	}
	file_release(file);
	return result;
}
