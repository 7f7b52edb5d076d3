/* assert: a message to descriptor 2 and the end of the program. */
#ifndef _ASSERT_H
#define _ASSERT_H
void	assert_failed(const char *file, int line, const char *what) __attribute__((noreturn));
#define assert(x) ((x) ? (void)0 : assert_failed(__FILE__, __LINE__, #x))
#endif
