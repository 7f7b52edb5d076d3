/* Strings and memory. */
#ifndef _STRING_H
#define _STRING_H
#include <stddef.h>

void	*memcpy(void *to, const void *from, size_t size);
void	*memmove(void *to, const void *from, size_t size);
void	*memset(void *to, int byte, size_t size);
int	memcmp(const void *a, const void *b, size_t size);
void	*memchr(const void *data, int byte, size_t size);
size_t	strlen(const char *s);
size_t	strnlen(const char *s, size_t size);
int	strcmp(const char *a, const char *b);
int	strncmp(const char *a, const char *b, size_t size);
char	*strcpy(char *to, const char *from);
char	*strncpy(char *to, const char *from, size_t size);
size_t	strlcpy(char *to, const char *from, size_t size);
size_t	strlcat(char *to, const char *from, size_t size);
char	*strcat(char *to, const char *from);
char	*strchr(const char *s, int c);
char	*strrchr(const char *s, int c);
char	*strstr(const char *s, const char *what);
char	*strpbrk(const char *s, const char *any);
size_t	strspn(const char *s, const char *of);
size_t	strcspn(const char *s, const char *none);
char	*strtok_r(char *s, const char *separators, char **rest);
char	*strdup(const char *s);
char	*strndup(const char *s, size_t size);

/* Copies of known size become moves in freestanding code too; others are calls, also where code is made small. */
#define memcpy(to, from, size) \
	(__builtin_constant_p(size) ? __builtin_memcpy(to, from, size) : (memcpy)(to, from, size))
#define memset(to, byte, size) \
	(__builtin_constant_p(size) ? __builtin_memset(to, byte, size) : (memset)(to, byte, size))
#endif
