/* The line to gdb: packets of its remote serial protocol, in and out.  One thread reads the line; what comes in a packet is done
 * under debug_lock.  A stop is told when gdb waits for one, else when it next lets things go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/FileDescription.h>
#include <protocols/Process.h>
#include "debug.h"

int	gdb_connected, gdb_waits, gdb_fork_events, gdb_exec_events;
static fluke_ref_t *line;
static char	in[PACKET + 1], out[2 * PACKET + 8], *to;
static unsigned	in_size;
static int	no_acks, multiprocess;
static struct thread *general;		/* whom g, m and the like are about */
static int	general_pid;
static struct thread *listed;

/* ---- numbers of signals ---- */

static const uint8_t numbers[32] = { 0, 1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15, 0, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27, 28,
	23, 32, 12 };

int signal_to_gdb(int signal)
{
	if (signal < 32)
		return signal < 0 ? 0 : numbers[signal];
	return signal == 32 ? 77 : signal == 64 ? 78 : 45 + signal - 33;
}

int signal_from_gdb(int signal)
{
	for (int n = 1; n <= 64; n++)
		if (signal_to_gdb(n) == signal)
			return n;
	return 0;
}

/* ---- sending ---- */

static void line_write(const char *data, size_t size)
{
	uint32_t written;

	for (; size; data += written, size -= written)
		if (FileDescription_write(line, ~0ull, 0, data, size < 4096 ? size : 4096, &written, NULL) || !written)
			return;
}

static void begin(void)
{
	to = out + 1;
}

void put(const char *text)
{
	size_t size = strlen(text), room = (size_t)(out + sizeof out - 8 - to);

	if (size > room)
		size = room;
	memcpy(to, text, size);
	to += size;
}

void put_hex(const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = data;

	for (; size-- && to < out + sizeof out - 16; byte++) {
		*to++ = digits[*byte >> 4];
		*to++ = digits[*byte & 15];
	}
}

void put_binary(const char *data, size_t size)
{
	for (; size-- && to < out + sizeof out - 16; data++) {
		if (*data == '#' || *data == '$' || *data == '}' || *data == '*') {
			*to++ = '}';
			*to++ = *data ^ 0x20;
		} else {
			*to++ = *data;
		}
	}
}

static void send(void)
{
	uint8_t sum = 0;

	for (char *p = out + 1; p < to; p++)
		sum += (uint8_t)*p;
	out[0] = '$';
	snprintf(to, 4, "#%02x", sum);
	line_write(out, (size_t)(to + 3 - out));
}

static void put_thread(const char *before, const struct thread *th)
{
	char text[48];

	if (multiprocess)
		snprintf(text, sizeof text, "%sp%x.%x", before, (unsigned)th->target->pid, (unsigned)th->tid);
	else
		snprintf(text, sizeof text, "%s%x", before, (unsigned)th->tid);
	put(text);
}

void put_error(int error)
{
	char text[8];

	snprintf(text, sizeof text, "E%02x", error & 0xff);
	put(text);
}

/* ---- stops ---- */

static void put_ended(struct target *t)
{
	char text[40];

	if (t->status & 0x7f)
		snprintf(text, sizeof text, "X%02x", (unsigned)signal_to_gdb(t->status & 0x7f));
	else
		snprintf(text, sizeof text, "W%02x", (unsigned)t->status >> 8 & 0xff);
	put(text);
	if (multiprocess) {
		snprintf(text, sizeof text, ";process:%x", (unsigned)t->pid);
		put(text);
	}
	if (general && general->target == t)
		general = NULL;
	for (struct thread *th = threads; th; th = th->next)
		if (th->target == t)
			th->signal = 0;
	t->attached = t->fresh = 0;
}

static void put_stop(struct thread *th)
{
	char text[12];

	snprintf(text, sizeof text, "T%02x", (unsigned)signal_to_gdb(th->signal));
	put(text);
	put(th->why);
	put_thread("thread:", th);
	put(";");
	th->signal = 0;
	th->why[0] = 0;
	general = th;
	general_pid = th->target->pid;
}

/* What is to be told next; 0: nothing. */
static int put_news(void)
{
	struct thread *th;

	for (struct target *t = targets; t; t = t->next)
		if (t->attached && t->ended) {
			put_ended(t);
			return 1;
		}
	for (th = threads; th; th = th->next)
		if (th->target && th->target->attached && th->signal) {
			put_stop(th);
			return 1;
		}
	for (struct target *t = targets; t; t = t->next)
		if (t->attached && t->pending && (th = thread_find(t->pid, 0))) {
			th->signal = __builtin_ctzll(t->pending) + 1;
			th->stop_code = 0;
			t->pending &= t->pending - 1;
			put_stop(th);
			return 1;
		}
	return 0;
}

void gdb_stopped(void)
{
	if (!gdb_waits || !something_to_tell())
		return;
	begin();
	if (put_news()) {
		gdb_waits = 0;
		send();
	}
}

static int anyone_attached(void)
{
	for (struct target *t = targets; t; t = t->next)
		if (t->attached)
			return 1;
	return 0;
}

/* Lets go what was asked for, unless there is something to be told first. */
static int resume(void)
{
	gdb_waits = 1;
	if (something_to_tell() || !anyone_attached()) {
		begin();
		if (!put_news())
			put("W00");
		gdb_waits = 0;
		return 1;
	}
	go_all();
	return 0;
}

/* ---- reading packets ---- */

uint32_t number(char **p)
{
	return (uint32_t)strtoul(*p, p, 16);
}

/* [p]PID[.TID], -1: all. */
static void thread_id(char **p, int *pid, int *tid)
{
	*pid = -1;
	*tid = -1;
	if (**p == 'p') {
		++*p;
		*pid = **p == '-' ? (*p += 2, -1) : (int)number(p);
		if (**p != '.')
			return;
		++*p;
	}
	*tid = **p == '-' ? (*p += 2, -1) : (int)number(p);
}

unsigned hex(const char *p, uint8_t *bytes, unsigned room)
{
	unsigned n;

	for (n = 0; n < room && p[0] && p[1] && p[0] != ';'; n++, p += 2) {
		char two[3] = { p[0], p[1], 0 };

		bytes[n] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

struct thread *chosen(void)
{
	struct thread *th;

	for (th = threads; th; th = th->next)
		if (th == general && th->target && th->target->attached)
			return th;
	return general = thread_find(general_pid, 0) ? thread_find(general_pid, 0) : thread_find(0, 0);
}

/* ---- queries ---- */

static void supported(char *p)
{
	multiprocess = strstr(p, "multiprocess+") != NULL;
	gdb_fork_events = strstr(p, "fork-events+") != NULL && multiprocess;
	gdb_exec_events = strstr(p, "exec-events+") != NULL;
	put("PacketSize=4000;QStartNoAckMode+;multiprocess+;qXfer:features:read+;qXfer:auxv:read+;qXfer:threads:read+;qXfer:osdata:read+;"
		"qXfer:exec-file:read+;qXfer:memory-map:read+;vContSupported+;QPassSignals+;swbreak+;hwbreak+");
	if (gdb_fork_events)
		put(";fork-events+");
	if (gdb_exec_events)
		put(";exec-events+");
}

static void list_threads(int first)
{
	if (first)
		listed = threads;
	while (listed && !(listed->target && listed->target->attached && !listed->target->ended))
		listed = listed->next;
	if (!listed) {
		put("l");
		return;
	}
	put_thread("m", listed);
	listed = listed->next;
}

/* monitor hide [on|off] */
static void monitor(const char *p)
{
	char words[32];
	const char *answer = "monitor hide on|off: breakpoints as hbreak makes them\n";

	words[hex(p, (uint8_t *)words, sizeof words - 1)] = 0;
	if (!strncmp(words, "hide", 4)) {
		if (words[4])
			hide = strcmp(words + 4, " off") != 0;
		answer = hide ? "breakpoints are hidden\n" : "breakpoints are int3\n";
	}
	put_hex(answer, strlen(answer));
}

static void query(char *p)
{
	if (!strncmp(p, "qSupported", 10)) {
		supported(p);
	} else if (!strcmp(p, "qfThreadInfo")) {
		world_refresh();
		list_threads(1);
	} else if (!strcmp(p, "qsThreadInfo")) {
		list_threads(0);
	} else if (!strcmp(p, "qC")) {
		if (chosen())
			put_thread("QC", chosen());
	} else if (!strncmp(p, "qAttached", 9)) {
		put("1");
	} else if (!strncmp(p, "qXfer:", 6)) {
		transfer(p + 6);
	} else if (!strncmp(p, "qRcmd,", 6)) {
		monitor(p + 6);
	} else if (!strcmp(p, "qSymbol::")) {
		put("OK");
	} else if (!strncmp(p, "qThreadExtraInfo,", 17)) {
		int pid, tid;
		struct thread *th;

		p += 17;
		thread_id(&p, &pid, &tid);
		th = thread_find(pid, tid);
		if (th && th->state && th->state->regs.eip == FLUKE_ENTRY)
			put_hex("in a call", 9);
		else
			put_hex("running", 7);
	}
}

static void set(char *p)
{
	if (!strcmp(p, "QStartNoAckMode")) {
		no_acks = 1;
		put("OK");
	} else if (!strncmp(p, "QPassSignals:", 13)) {
		memset(signals_passed, 0, sizeof signals_passed);
		for (p += 13; *p; p += *p == ';')
			signals_passed[signal_from_gdb((int)number(&p))] = 1;
		put("OK");
	}
}

/* ---- registers and memory ---- */

static void registers(char *p)
{
	uint8_t b[REGISTERS_SIZE], value[16];
	struct thread *th = chosen();
	unsigned n, size, at;
	char what = *p++;

	if (!th || !th->stopped) {
		put("E01");
		return;
	}
	regs_get(th, b);
	if (what == 'g') {
		put_hex(b, sizeof b);
		return;
	}
	if (what == 'G') {
		n = hex(p, b, sizeof b);
		regs_put(th, b);
		put("OK");
		return;
	}
	n = number(&p);
	if (n >= REGISTERS) {
		put("E01");
		return;
	}
	at = reg_place(n, &size);
	if (what == 'p') {
		put_hex(b + at, size);
		return;
	}
	if (hex(p + 1, value, size) == size) {
		memcpy(b + at, value, size);
		regs_put(th, b);
	}
	put("OK");
}

static void memory_get(char *p)
{
	static uint8_t bytes[PACKET / 2];
	struct thread *th = chosen();
	uint32_t at = number(&p), size;

	p++;
	size = number(&p);
	if (size > sizeof bytes)
		size = sizeof bytes;
	if (!th || !(size = memory_read(th->target, at, bytes, size))) {
		put("E0e");
		return;
	}
	breakpoints_hide(th->target, at, bytes, size);
	put_hex(bytes, size);
}

/* M: hex; X: binary, unescaped in place. */
static void memory_set(char *p, unsigned left)
{
	static uint8_t bytes[PACKET];
	char *start = p, *end = p + left;
	struct thread *th = chosen();
	int binary = *p++ == 'X';
	uint32_t at = number(&p), size, n;

	(void)start;
	p++;
	size = number(&p);
	p++;
	if (size > sizeof bytes)
		size = sizeof bytes;
	if (binary)
		for (n = 0; n < size && p < end; n++, p++)
			bytes[n] = (uint8_t)(*p == '}' ? *++p ^ 0x20 : *p);
	else
		n = hex(p, bytes, size);
	put(!th || n < size || (size && breakpoints_write(th->target, at, bytes, size)) ? "E0e" : "OK");
}

static void breakpoint(char *p)
{
	int insert = *p++ == 'Z', type = *p++ - '0', error;
	struct thread *th = chosen();
	uint32_t at, length;

	p++;
	at = number(&p);
	p++;
	length = number(&p);
	if (type < 0 || type > 4)
		return;
	if (!th) {
		put("E01");
		return;
	}
	error = insert ? breakpoint_add(th->target, type, at, length) : breakpoint_remove(th->target, type, at, length);
	if (error)
		put_error(error);
	else
		put("OK");
}

/* ---- going ---- */

struct action { int pid, tid, kind, signal; };

static int fits(const struct action *a, const struct thread *th)
{
	return (a->pid <= 0 || a->pid == th->target->pid) && (a->tid <= 0 || a->tid == th->tid);
}

static int vcont(char *p)
{
	static struct action action[32];
	unsigned count = 0;

	while (*p == ';' && count < 32) {
		struct action *a = &action[count++];

		*a = (struct action){ -1, -1, p[1], 0 };
		p += 2;
		if (a->kind == 'C' || a->kind == 'S')
			a->signal = signal_from_gdb((int)number(&p));
		if (*p == ':') {
			p++;
			thread_id(&p, &a->pid, &a->tid);
		}
	}
	for (struct thread *th = threads; th; th = th->next) {
		unsigned n;

		if (!th->target || !th->target->attached)
			continue;
		for (n = 0; n < count && !fits(&action[n], th); n++)
			;
		th->stay = n == count;
		if (n == count)
			continue;
		th->step = action[n].kind == 's' || action[n].kind == 'S';
		if (action[n].signal)
			deliver(th, action[n].signal);
	}
	return resume();
}

static void attach(char *p)
{
	struct target *t;
	int error;

	world_refresh();
	t = target_by_pid((int)number(&p));
	if (!t) {
		put_error(ESRCH);
		return;
	}
	error = t->attached ? EPERM : target_attach(t);
	if (error || !thread_find(t->pid, 0)) {
		put_error(error ? error : ESRCH);
		return;
	}
	thread_find(t->pid, 1)->signal = 0;
	put("T00");
	put_thread("thread:", general = thread_find(t->pid, 1));
	put(";");
}

static void detach(char *p)
{
	struct target *t = NULL;

	if (*p == ';') {
		p++;
		t = target_by_pid((int)number(&p));
		if (!t || !t->attached) {
			put_error(ESRCH);
			return;
		}
	}
	for (struct target *each = targets; each; each = each->next)
		if (each->attached && (!t || each == t))
			target_detach(each);
	general = NULL;
	put("OK");
}

static fluke_ref_t *killing;
static int killing_pid;

/* Its own process port is asked, without the lock. */
static void kill(struct target *t)
{
	if (!thread_find(t->pid, 0))
		return;
	if (!t->linux_pid) {
		debug_kill_child();
	} else if ((killing = ref_new())) {
		memory_ref(t, START_REF_PARENT, killing);
		killing_pid = t->linux_pid;
	}
	t->pending = 0;
	target_detach(t);
}

static void v_packet(char *p, int *silent)
{
	if (!strncmp(p, "vFile:", 6)) {
		host_file(p + 6);
	} else if (!strcmp(p, "vCont?")) {
		put("vCont;c;C;s;S");
	} else if (!strncmp(p, "vCont", 5)) {
		*silent = !vcont(p + 5);
	} else if (!strncmp(p, "vAttach;", 8)) {
		attach(p + 8);
	} else if (!strncmp(p, "vKill;", 6)) {
		struct target *t;

		p += 6;
		t = target_by_pid((int)number(&p));
		if (t && t->attached)
			kill(t);
		put("OK");
	}
}

/* ^C */
static void interrupt(void)
{
	struct thread *th;

	if (!gdb_waits)
		return;
	stop_all();
	for (struct thread *x = threads; talkative && x; x = x->next)
		if (x->target && x->target->attached)
			eprintf("debug: %d.%d at %#x eax %#x flags %#x running %d gated %d\n", x->target->pid, x->tid, (unsigned)x->state->regs.eip,
				(unsigned)x->state->regs.eax, (unsigned)x->state->flags, x->running, x->gated);
	targets_lost();
	if (!something_to_tell() && (th = chosen())) {
		th->signal = SIGINT;
		th->stop_code = 0;
	}
	gdb_stopped();
}

/* A new gdb asks why all stands. */
static void status(void)
{
	stop_all();
	targets_lost();
	if (put_news())
		return;
	if (!thread_find(0, 0)) {
		put("W00");
		return;
	}
	put("T05");
	put_thread("thread:", general = chosen());
	put(";");
}

static void choose(char *p)
{
	int pid, tid;
	struct thread *th;
	char which = p[1];

	p += 2;
	thread_id(&p, &pid, &tid);
	th = thread_find(pid, tid);
	if (which == 'g' && th) {
		general = th;
		general_pid = th->target->pid;
	}
	put(th || (pid <= 0 && tid <= 0) ? "OK" : "E01");
}

static void alive(char *p)
{
	int pid, tid;

	thread_id(&p, &pid, &tid);
	put(thread_find(pid, tid) ? "OK" : "E01");
}

static void packet(char *p, unsigned size)
{
	int silent = 0;

	begin();
	gdb_connected = 1;
	switch (*p) {
	case '?': status(); break;
	case '!': put("OK"); break;
	case 'q': query(p); break;
	case 'Q': set(p); break;
	case 'v': v_packet(p, &silent); break;
	case 'g': case 'G': case 'p': case 'P': registers(p); break;
	case 'm': memory_get(p + 1); break;
	case 'M': case 'X': memory_set(p, size); break;
	case 'Z': case 'z': breakpoint(p); break;
	case 'H': choose(p); break;
	case 'T': alive(p + 1); break;
	case 'D': detach(p + 1); break;
	case 'c': silent = !vcont((char[]){ ";c" }); break;
	case 's': silent = !vcont((char[]){ ";s" }); break;
	case 'k':
		for (struct target *t = targets; t; t = t->next)
			if (t->attached)
				kill(t);
		silent = 1;
		break;
	}
	if (!silent)
		send();
}

/* The packet in `in` is whole. */
static void received(const char *sum)
{
	uint8_t want = (uint8_t)strtoul(sum, NULL, 16), have = 0;
	fluke_ref_t *to_kill;

	for (unsigned n = 0; n < in_size; n++)
		have += (uint8_t)in[n];
	if (have != want) {
		if (!no_acks)
			line_write("-", 1);
		return;
	}
	if (!no_acks)
		line_write("+", 1);
	in[in_size] = 0;
	if (!strncmp(in, "qSupported", 10))
		no_acks = 0;
	if (talkative)
		eprintf("debug: gdb: %.60s\n", in);
	lock_take(&debug_lock);
	packet(in, in_size);
	to_kill = killing;
	killing = NULL;
	lock_drop(&debug_lock);
	deliver_now();
	if (to_kill) {
		Process_kill(to_kill, killing_pid, SIGKILL);
		ref_free(to_kill);
	}
}

/* One byte of the line: outside a packet, in it, or in its check sum. */
static void byte(char c)
{
	static enum { OUTSIDE, INSIDE, SUM1, SUM2 } state;
	static char sum[3];

	if (c == '$') {
		state = INSIDE;
		in_size = 0;
	} else if (state == OUTSIDE && c == 3) {
		lock_take(&debug_lock);
		interrupt();
		lock_drop(&debug_lock);
	} else if (state == INSIDE && c == '#') {
		state = SUM1;
	} else if (state == INSIDE && in_size < PACKET) {
		in[in_size++] = c;
	} else if (state == SUM1) {
		sum[0] = c;
		state = SUM2;
	} else if (state == SUM2) {
		sum[1] = c;
		state = OUTSIDE;
		received(sum);
	}
}

static void line_main(void *unused)
{
	static char bytes[4096];
	size_t got;
	int error;

	(void)unused;
	for (;;) {
		got = sizeof bytes;
		error = FileDescription_read(line, ~0ull, sizeof bytes, 0, bytes, &got);
		if (error && error != EINTR && error != PROTO_BROKEN) {
			eprintf("debug: the line to gdb: %s\n", error_text(error));
			thread_exit();
		}
		for (size_t n = 0; !error && n < got; n++)
			byte(bytes[n]);
	}
}

/* The host lets gdb through from the first byte on. */
void gdb_ready(void)
{
	if (line)
		line_write("+", 1);
}

int gdb_begin(void)
{
	line = service_lookup("line0");
	if (!line)
		return ENXIO;
	return thread_start(line_main, NULL, 0) ? 0 : ENOMEM;
}
