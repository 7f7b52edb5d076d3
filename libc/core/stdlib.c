/* Numbers, sorting, environment. */
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <native.h>

int abs(int n)
{
	return n < 0 ? -n : n;
}

static unsigned digit_value(char c)
{
	if (isdigit(c))
		return (unsigned)(c - '0');
	return isalpha(c) ? (unsigned)(tolower(c) - 'a' + 10) : 99;
}

unsigned long long strtoull(const char *s, char **end, int base)
{
	unsigned long long value = 0;
	const char *start = s;
	int negative = 0;

	while (isspace(*s))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	if (digit_value(*s) >= (unsigned)base)
		s = start;
	for (; digit_value(*s) < (unsigned)base; s++)
		value = value * (unsigned)base + digit_value(*s);
	if (end)
		*end = (char *)(uintptr_t)s;
	return negative ? -value : value;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	return (unsigned long)strtoull(s, end, base);
}

long strtol(const char *s, char **end, int base)
{
	return (long)strtoull(s, end, base);
}

int atoi(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

char *getenv(const char *name)
{
	size_t length = strlen(name);
	char **e;

	for (e = environ; e && *e; e++)
		if (strncmp(*e, name, length) == 0 && (*e)[length] == '=')
			return *e + length + 1;
	return NULL;
}

static void swap(char *a, char *b, size_t size)
{
	while (size--) {
		char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

/* heap sort: no recursion, no memory */
static void sift(char *base, size_t at, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			return;
		if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + at * size, base + child * size) >= 0)
			return;
		swap(base + at * size, base + child * size, size);
		at = child;
	}
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	size_t n;

	for (n = count / 2; n-- > 0;)
		sift(base, n, count, size, compare);
	for (n = count; n-- > 1;) {
		swap(base, (char *)base + n * size, size);
		sift(base, 0, n, size, compare);
	}
}
