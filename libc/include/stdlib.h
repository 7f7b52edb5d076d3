/* Memory, numbers, sorting, the end of the program. */
#ifndef _STDLIB_H
#define _STDLIB_H
#include <stddef.h>

#define EXIT_SUCCESS	0
#define EXIT_FAILURE	1

void	*malloc(size_t size);
void	*calloc(size_t count, size_t size);
void	*realloc(void *old, size_t size);
void	*memalign(size_t alignment, size_t size);	/* freed by free */
void	free(void *block);
void	exit(int status) __attribute__((noreturn));	/* status 0-255; flushes output */
void	abort(void) __attribute__((noreturn));
int	abs(int n);
int	atoi(const char *s);
long	strtol(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base);
char	*getenv(const char *name);
void	qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
#endif
