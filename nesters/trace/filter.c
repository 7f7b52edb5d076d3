/* Which messages are shown (-e), which fail or are late (--fail, --delay).  A pattern is Interface, Interface.method or
 * .method; a list in front of which there is a `!` shows all others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include "trace.h"

#define PATTERNS	32u
#define RULES		8u

struct pattern { char interface[24], method[32]; };

struct rule {
	struct pattern	pattern;
	uint32_t	when, every, seen;	/* the when'th message, and then each every'th (0: no further one) */
	int		error;
	uint64_t	delay;			/* ns */
};

static struct pattern pattern[PATTERNS];
static unsigned	patterns;
static int	inverted;
static struct rule rule[RULES];
static unsigned	rules;

static const struct { const char *name; int number; } errors[] = {
	{ "EPERM", EPERM }, { "ENOENT", ENOENT }, { "EINTR", EINTR }, { "EIO", EIO }, { "EBADF", EBADF }, { "EAGAIN", EAGAIN },
	{ "ENOMEM", ENOMEM }, { "EACCES", EACCES }, { "EEXIST", EEXIST }, { "ENOTDIR", ENOTDIR }, { "EISDIR", EISDIR },
	{ "EINVAL", EINVAL }, { "ENFILE", ENFILE }, { "EMFILE", EMFILE }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS },
	{ "EPIPE", EPIPE }, { "ENOSYS", ENOSYS },
};

/* 1: some interface and method fit it. */
static int exists(const struct pattern *p)
{
	for (const struct proto_interface *i = proto_interfaces; i->number; i++) {
		if (p->interface[0] && strcmp(i->name, p->interface))
			continue;
		if (!p->method[0])
			return 1;
		for (unsigned n = 0; n < i->count; n++)
			if (!strcmp(i->methods[n].name, p->method))
				return 1;
	}
	return 0;
}

static int pattern_parse(const char *text, size_t size, struct pattern *p)
{
	const char *dot = memchr(text, '.', size);
	size_t first = dot ? (size_t)(dot - text) : size, second = dot ? size - first - 1 : 0;

	if (!size || first >= sizeof(p->interface) || second >= sizeof(p->method))
		return 0;
	memset(p, 0, sizeof(*p));
	memcpy(p->interface, text, first);
	if (dot)
		memcpy(p->method, dot + 1, second);
	return exists(p);
}

static int fits(const struct pattern *p, const struct message *m)
{
	return m->method && (!p->interface[0] || !strcmp(p->interface, m->interface->name)) &&
		(!p->method[0] || !strcmp(p->method, m->method->name));
}

const char *filter_add(const char *list)
{
	if (*list == '!') {
		inverted = 1;
		list++;
	}
	for (;;) {
		size_t size = strcspn(list, ",");

		if (patterns == PATTERNS)
			return "too many patterns";
		if (!pattern_parse(list, size, &pattern[patterns++]))
			return "no such interface or method";
		if (!list[size])
			return NULL;
		list += size + 1;
	}
}

int filter_wants(const struct message *m)
{
	for (unsigned n = 0; n < patterns; n++)
		if (fits(&pattern[n], m))
			return !inverted;
	return !patterns || inverted;
}

static int error_number(const char *name, size_t size)
{
	for (unsigned n = 0; n < sizeof(errors) / sizeof(errors[0]); n++)
		if (strlen(errors[n].name) == size && !strncmp(name, errors[n].name, size))
			return errors[n].number;
	return 0;
}

/* One `key=value` of a rule. */
static const char *rule_option(struct rule *r, const char *text, size_t size)
{
	char *end;

	if (size > 6 && !strncmp(text, "error=", 6)) {
		r->error = error_number(text + 6, size - 6);
		return r->error ? NULL : "unknown error name";
	}
	if (size > 5 && !strncmp(text, "when=", 5)) {
		r->when = strtoul(text + 5, &end, 10);
		if (*end == '+' && end[1] >= '1' && end[1] <= '9')
			r->every = strtoul(end + 1, &end, 10);
		return r->when && end == text + size ? NULL : "when= wants N or N+EVERY";
	}
	if (size > 3 && !strncmp(text, "ms=", 3)) {
		r->delay = strtoul(text + 3, &end, 10) * 1000000ull;
		return r->delay && end == text + size ? NULL : "ms= wants a number";
	}
	return "options are when=, error=, ms=";
}

const char *inject_add(const char *text, int delay)
{
	struct rule *r = &rule[rules];
	size_t size = strcspn(text, ":");
	const char *wrong = NULL;

	if (rules == RULES)
		return "too many rules";
	memset(r, 0, sizeof(*r));
	if (!pattern_parse(text, size, &r->pattern))
		return "no such interface or method";
	while (!wrong && text[size]) {
		text += size + 1;
		size = strcspn(text, ":");
		wrong = rule_option(r, text, size);
	}
	if (!r->when)
		r->when = r->every = 1;
	if (!wrong && delay && !r->delay)
		wrong = "--delay wants ms=";
	if (!delay && !r->error)
		r->error = EIO;
	rules += !wrong;
	return wrong;
}

static int due(struct rule *r)
{
	uint32_t n = __sync_add_and_fetch(&r->seen, 1);

	return n == r->when || (r->every && n > r->when && (n - r->when) % r->every == 0);
}

int inject(const struct message *m)
{
	int error = 0;

	for (unsigned n = 0; n < rules; n++) {
		if (!fits(&rule[n].pattern, m) || !due(&rule[n]))
			continue;
		if (rule[n].delay)
			nap(rule[n].delay);
		if (rule[n].error)
			error = rule[n].error;
	}
	return error;
}
