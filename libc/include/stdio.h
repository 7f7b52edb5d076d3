/* Formatted output.  There are no FILEs: printf goes to descriptor 1, eprintf to 2, both through
 * libc_output() (native.h), a line at a time. */
#ifndef _STDIO_H
#define _STDIO_H
#include <stdarg.h>
#include <stddef.h>

int	vsnprintf(char *to, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
int	snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int	vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
int	printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int	eprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int	puts(const char *s);
int	putchar(int c);
void	stdout_flush(void);
#endif
