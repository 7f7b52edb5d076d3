/* Between the halves of the line discipline. */
#ifndef TTY_OUT_H
#define TTY_OUT_H

#include <nest/tty.h>

void	tty_echo(struct tty *tty, uint8_t c);		/* control characters as ^X when ECHOCTL */
void	tty_echo_raw(struct tty *tty, uint8_t c);	/* as if written */
void	tty_echo_text(struct tty *tty, const char *text);

#endif
