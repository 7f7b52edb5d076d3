/* The Trace Event Format: a track per thread with a begin and an end for each call, and an arrow from the call to its
 * reply.  Everything is written under one lock with the time taken under it, so times rise. */
#include <stdio.h>
#include <string.h>
#include "trace.h"

static int	any;

static void put(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *format, ...)
{
	char text[512];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (n > 0)
		out_write(o, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Everything that is printed of messages is ASCII already. */
static void put_string(struct out *o, const char *s)
{
	out_write(o, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			out_write(o, "\\", 1);
		out_write(o, s, 1);
	}
	out_write(o, "\"", 1);
}

static void put_event(struct out *o, const char *phase, const struct message *m, uint64_t ns)
{
	put(o, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%u,\"ts\":%llu.%03u", any ? "," : "", phase, (unsigned)m->thread,
		(unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
	any = 1;
}

void json_begin(struct out *o)
{
	put(o, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
}

/* The track of a thread has its path for a name. */
static void name_track(struct out *o, const struct message *m)
{
	static unsigned char has_name[512];

	if (m->thread / 8 >= sizeof(has_name) || has_name[m->thread / 8] & 1u << m->thread % 8)
		return;
	has_name[m->thread / 8] |= (unsigned char)(1u << m->thread % 8);
	put(o, "%s\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":", any ? "," : "", (unsigned)m->thread);
	put_string(o, m->path);
	put(o, "}}");
	any = 1;
}

void json_call(struct out *o, const struct message *m)
{
	char text[1024];

	name_track(o, m);
	decode_name(m, text, 64);
	put_event(o, "B", m, m->began);
	put(o, ",\"cat\":\"call\",\"name\":\"%s\",\"args\":{\"call\":", text);
	decode_call(m, text, sizeof(text));
	put_string(o, text);
	put(o, ",\"path\":");
	put_string(o, m->path);
	put(o, "}}");
	put_event(o, "s", m, m->began);
	put(o, ",\"cat\":\"message\",\"name\":\"message\",\"id\":%u}", (unsigned)m->id);
}

void json_reply(struct out *o, const struct message *m)
{
	char text[1024];

	put_event(o, "f", m, m->ended);
	put(o, ",\"cat\":\"message\",\"name\":\"message\",\"bp\":\"e\",\"id\":%u}", (unsigned)m->id);
	put_event(o, "E", m, m->ended);
	put(o, ",\"args\":{\"result\":");
	decode_result(m, text, sizeof(text));
	put_string(o, text);
	put(o, "}}");
}

void json_end(struct out *o)
{
	put(o, "\n]}\n");
}
