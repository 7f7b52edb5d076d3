/* Strings and memory.  Plain loops but for the copies, which use the processor's string
 * instructions: with DF clear (the kernel's and the ABI's rule) they are the best an i686 has. */
#include <string.h>
#include <stdlib.h>
#include <stdint.h>

#undef memcpy
#undef memset

void *memcpy(void *to, const void *from, size_t size)
{
	void *d = to;
	size_t words = size >> 2;

	__asm__ volatile("rep movsl" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	size &= 3;
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(size) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *d = to;
	const char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= size)
		return memcpy(to, from, size);
	for (; size >= 4; size -= 4) {
		uint32_t word = *(const uint32_t *)(const void *)(s + size - 4);

		*(volatile uint32_t *)(void *)(d + size - 4) = word;
	}
	while (size--)
		((volatile char *)d)[size] = s[size];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *d = to;
	size_t words = size >> 2;
	uint32_t value = (uint8_t)byte * 0x01010101u;

	__asm__ volatile("rep stosl" : "+D"(d), "+c"(words) : "a"(value) : "memory");
	size &= 3;
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(size) : "a"(value) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *data, int byte, size_t size)
{
	const unsigned char *p = data;

	for (; size; size--, p++)
		if (*p == (unsigned char)byte)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t size)
{
	size_t n = 0;

	while (n < size && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size; size--, a++, b++)
		if (!*a || *a != *b)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strcpy(char *to, const char *from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strncpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size);

	memset(memcpy(to, from, n) + n, 0, size - n);
	return to;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from), n = length < size ? length : size - 1;

	if (size) {
		memcpy(to, from, n);
		to[n] = 0;
	}
	return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
	size_t used = strnlen(to, size);

	return used == size ? used + strlen(from) : used + strlcpy(to + used, from, size - used);
}

char *strcat(char *to, const char *from)
{
	strcpy(to + strlen(to), from);
	return to;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

char *strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (; *s || !n; s++)
		if (strncmp(s, what, n) == 0)
			return (char *)(uintptr_t)s;
	return NULL;
}

size_t strspn(const char *s, const char *of)
{
	size_t n = 0;

	while (s[n] && strchr(of, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *none)
{
	size_t n = 0;

	while (s[n] && !strchr(none, s[n]))
		n++;
	return n;
}

char *strpbrk(const char *s, const char *any)
{
	s += strcspn(s, any);
	return *s ? (char *)(uintptr_t)s : NULL;
}

char *strtok_r(char *s, const char *separators, char **rest)
{
	char *start = s ? s : *rest;

	start += strspn(start, separators);
	if (!*start) {
		*rest = start;
		return NULL;
	}
	s = start + strcspn(start, separators);
	if (*s)
		*s++ = 0;
	*rest = s;
	return start;
}
