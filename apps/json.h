/* A string as JSON writes it, for the programs that have --json. */
#pragma once
#include <stdio.h>

static inline void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' ? '?' : *text);
	}
	putchar('"');
}
