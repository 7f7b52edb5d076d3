/* A pseudo-terminal of the host, for tty.c. */
#ifndef TTY_LINUX_H
#define TTY_LINUX_H
#include <stdint.h>
int	linux_start(void);		/* 0 = there is one */
void	linux_mode(uint32_t iflag, uint32_t oflag, uint32_t lflag, const uint8_t *cc);
void	linux_type(const uint8_t *data, unsigned count);
unsigned linux_output(uint8_t *data, unsigned size, unsigned expected);
unsigned linux_read(uint8_t *data, unsigned count, unsigned expected);
void	linux_write(const char *data, unsigned count);
void	linux_flush(void);
#endif
