/* The words of the kernel command line that concern root. */
#include <stdlib.h>
#include <string.h>
#include "root.h"

struct words words = { .term = "linux" };

enum kind { TEXT, NUMBER, FLAG, ENVIRONMENT };

static const struct { const char *name; enum kind kind; void *to; } known[] = {
	{ "stack=", TEXT, &words.stack }, { "cmd=", TEXT, &words.command }, { "cwd=", TEXT, &words.cwd },
	{ "term=", TEXT, &words.term }, { "seed=", TEXT, &words.seed }, { "env=", ENVIRONMENT, NULL },
	{ "rows=", NUMBER, &words.rows }, { "columns=", NUMBER, &words.columns },
	{ "channel", FLAG, &words.channel }, { "exit-test", FLAG, &words.exit_test },
	{ "nesting", FLAG, &words.nesting },
};

/* One word, unquoted, in fresh memory; *line behind it.  Null at the end. */
static char *next_word(const char **line)
{
	const char *p = *line;
	char *word, *to;
	int quoted = 0;

	while (*p == ' ')
		p++;
	if (!*p)
		return NULL;
	word = to = malloc(strlen(p) + 1);
	for (; *p && (quoted || *p != ' '); p++) {
		if (*p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		*to++ = *p;
	}
	*to = 0;
	*line = p;
	return word;
}

static void console_word(const char *value)
{
	words.console_serial = strcmp(value, "screen") != 0;
	words.console_screen = strcmp(value, "serial") != 0;
}

static void one_word(char *word)
{
	for (unsigned n = 0; n < sizeof(known) / sizeof(known[0]); n++) {
		size_t length = strlen(known[n].name);
		char *value = word + length;

		if (strncmp(word, known[n].name, length) != 0 || (known[n].kind == FLAG && *value))
			continue;
		if (known[n].kind == TEXT)
			*(const char **)known[n].to = value;
		else if (known[n].kind == NUMBER)
			*(unsigned *)known[n].to = (unsigned)strtoul(value, NULL, 10);
		else if (known[n].kind == FLAG)
			*(int *)known[n].to = 1;
		else if (words.envs < sizeof(words.env) / sizeof(words.env[0]))
			words.env[words.envs++] = value;
		return;
	}
	if (strncmp(word, "console=", 8) == 0)
		console_word(word + 8);
	/* the kernel has stopped at words that nobody knows */
}

void words_parse(const char *line)
{
	char *word;

	console_word("both");
	while ((word = next_word(&line)) != NULL)
		one_word(word);
	words.has_stack = words.stack != NULL;
}
