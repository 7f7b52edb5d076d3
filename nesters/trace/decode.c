/* Messages as text, by the decoding tables that the IDL compiler made. */
#include <stdio.h>
#include <string.h>
#include <linux_abi.h>
#include <protocols/proto.h>
#include "trace.h"

struct text { char *to; size_t left; };
struct words { const uint32_t *at, *end; };

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(t->to, t->left, format, arguments);
	va_end(arguments);
	if (n < 0)
		n = 0;
	if ((size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->to += n;
	t->left -= (size_t)n;
}

void decode_method(uint32_t word0, const struct proto_interface **interface, const struct proto_method **method)
{
	static const struct proto_interface *volatile seen[64];		/* where one of that number was found */
	const struct proto_interface *i = seen[(word0 >> 8) % 64];

	*interface = NULL;
	*method = NULL;
	if (!i || i->number != word0 >> 8)
		for (i = proto_interfaces; i->number && i->number != word0 >> 8; i++)
			;
	if (!i->number || (word0 & 0xff) >= i->count)
		return;
	seen[i->number % 64] = i;
	*interface = i;
	*method = &i->methods[word0 & 0xff];
}

const struct proto_param *decode_object(const struct proto_method *method, int out, unsigned index)
{
	if (method)
		for (const struct proto_param *p = method->params; p->name; p++)
			if (p->out == out && (p->kind == PROTO_OBJECT || p->kind == PROTO_DIRECT) && !index--)
				return p;
	return NULL;
}

static unsigned words_of(const struct proto_param *p)
{
	unsigned n = 0;

	switch (p->kind) {
	case PROTO_LONGLONG:
	case PROTO_ULONGLONG:
	case PROTO_BULK:
		return 2;
	case PROTO_OBJECT:
	case PROTO_DIRECT:
		return 0;
	case PROTO_STRUCT:
		for (p = p->members; p->name; p++)
			n += words_of(p);
		return n;
	}
	return 1;
}

static int take_string(struct words *w, const char **text, uint32_t *length)
{
	if (w->end - w->at < 1 || (*length = w->at[0]) > PROTO_STRING_MAX || (uint32_t)(w->end - w->at) < 2 + *length / 4)
		return 0;
	*text = (const char *)(w->at + 1);
	w->at += 2 + *length / 4;
	return 1;
}

const char *decode_string(const struct message *m)
{
	struct words w = { m->words + 1, m->words + m->count };
	const char *text;
	uint32_t length;

	if (!m->method || m->count < 1)
		return NULL;
	for (const struct proto_param *p = m->method->params; p->name; p++) {
		if (p->out)
			continue;
		if (p->kind == PROTO_STRING)
			return take_string(&w, &text, &length) && text[length] == 0 ? text : NULL;
		if ((uint32_t)(w.end - w.at) < words_of(p))
			return NULL;
		w.at += words_of(p);
	}
	return NULL;
}

static void put_bytes(struct text *t, const char *data, uint32_t length)
{
	uint32_t shown = length < options.string ? length : options.string;

	put(t, "\"");
	for (uint32_t n = 0; n < shown; n++) {
		unsigned char c = (unsigned char)data[n];

		if (c == '\n')
			put(t, "\\n");
		else if (c == '"' || c == '\\')
			put(t, "\\%c", c);
		else if (c < 32 || c > 126)
			put(t, "\\x%02x", c);
		else
			put(t, "%c", c);
	}
	put(t, shown < length ? "\"..." : "\"");
}

static void put_scalar(struct text *t, const struct proto_param *p, const uint32_t *at)
{
	uint64_t two = words_of(p) == 2 ? at[0] | (uint64_t)at[1] << 32 : 0;

	switch (p->kind) {
	case PROTO_LONG:
		put(t, "%d", (int)at[0]);
		break;
	case PROTO_LONGLONG:
		put(t, "%lld", (long long)two);
		break;
	case PROTO_ULONGLONG:
		if (two == ~0ull)
			put(t, "-1");
		else
			put(t, "%llu", (unsigned long long)two);
		break;
	case PROTO_BOOLEAN:
		put(t, at[0] ? "true" : "false");
		break;
	default:
		put(t, at[0] < 0x10000 ? "%u" : "%#x", (unsigned)at[0]);
	}
}

static void put_struct(struct text *t, const struct proto_param *members, const uint32_t *at)
{
	put(t, "{");
	for (const struct proto_param *p = members; p->name; p++) {
		put(t, "%s%s=", p == members ? "" : ", ", p->name);
		put_scalar(t, p, at);
		at += words_of(p);
	}
	put(t, "}");
}

/* The bytes of a bulk: whole words from `bulk`, the rest in its second word. */
static void put_bulk(struct text *t, const uint32_t *at, const uint32_t *bulk, uint32_t bulk_words)
{
	char shown[256];
	uint32_t room = options.string < sizeof(shown) ? options.string : sizeof(shown), n;

	for (n = 0; n < at[0] && n < room && (n / 4 < bulk_words || n / 4 == at[0] / 4); n++)
		shown[n] = (char)((n / 4 == at[0] / 4 ? at[1] : bulk[n / 4]) >> n % 4 * 8);
	put_bytes(t, shown, n);
	put(t, n < at[0] ? "...[%u]" : "[%u]", (unsigned)at[0]);
}

/* Parameters of one direction; `rest` is where a bulk's words begin if not behind the others. */
static void put_parameters(struct text *t, const struct message *m, int out, struct words w, const char (*label)[LABEL], unsigned refs)
{
	unsigned n = 0, objects = 0;
	const char *text;
	uint32_t length;

	for (const struct proto_param *p = m->method->params; p->name; p++) {
		if (p->out != out)
			continue;
		put(t, n++ ? ", %s=" : "%s=", p->name);
		if ((uint32_t)(w.end - w.at) < words_of(p)) {
			put(t, "?");
			return;
		}
		switch (p->kind) {
		case PROTO_STRING:
			if (!take_string(&w, &text, &length)) {
				put(t, "?");
				return;
			}
			put_bytes(t, text, length);
			continue;
		case PROTO_OBJECT:
		case PROTO_DIRECT:
			put(t, "%s", objects < refs ? label[objects] : "null");
			objects++;
			continue;
		case PROTO_STRUCT:
			put_struct(t, p->members, w.at);
			break;
		case PROTO_BULK:
			if (out && m->more_count && w.at + 2 + w.at[0] / 4 > m->reply + m->reply_count) {
				/* it begins in the first words and goes on in `more`: the first of them will do */
				put_bulk(t, w.at, w.at + 2, (uint32_t)(w.end - w.at - 2));
			} else {
				const uint32_t *first = (out ? m->reply + m->reply_count : m->words + m->count) - w.at[0] / 4;

				if (w.at[0] / 4 > (uint32_t)(w.end - w.at))
					put(t, "?");
				else
					put_bulk(t, w.at, first, w.at[0] / 4);
			}
			break;
		default:
			put_scalar(t, p, w.at);
		}
		w.at += words_of(p);
	}
}

void decode_name(const struct message *m, char *to, size_t size)
{
	if (m->method)
		snprintf(to, size, "%s.%s", m->interface->name, m->method->name);
	else
		snprintf(to, size, "?.%#x", m->count ? (unsigned)m->words[0] : 0);
}

void decode_call(const struct message *m, char *to, size_t size)
{
	struct text t = { to, size };
	struct words w = { m->words + 1, m->words + m->count };
	char name[64], label[LABEL];

	decode_name(m, name, sizeof(name));
	proxy_label(m->proxy, label);
	put(&t, "%s %s(", label, name);
	if (m->method)
		put_parameters(&t, m, 0, w, m->label, m->refs);
	else
		put(&t, "%u words", (unsigned)m->count);
	put(&t, ")");
}

void decode_result(const struct message *m, char *to, size_t size)
{
	struct text t = { to, size };
	struct words w = { m->reply + 1, m->reply + m->reply_count };

	if (m->unfinished) {
		put(&t, "= ? (no reply)");
		return;
	}
	if (m->error) {
		put(&t, "= %s", error_text(m->error));
		return;
	}
	put(&t, "= 0");
	if (!m->method || !m->reply || !m->reply_count)
		return;
	for (const struct proto_param *p = m->method->params; p->name; p++)
		if (p->out) {
			put(&t, " ");
			put_parameters(&t, m, 1, w, m->reply_label, m->reply_refs);
			return;
		}
}
