/* Messages.  Whoever has one holds the memory lock, and who reads standard error may be below and wait for a page: so
 * a thread of its own writes them.  What does not fit into the queue is counted, and said. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux_abi.h>
#include "memory.h"

#define LINES		16u
#define LINE		240

static char line[LINES][LINE];
static uint32_t put, got, lost;		/* lines so far; put - got wait */
static fluke_mutex_t *mutex;
static fluke_cond_t *more, *none;

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fluke_mutex_lock(mutex);
	if (put - got < LINES)
		vsnprintf(line[put++ % LINES], LINE, format, arguments);
	else
		lost++;
	fluke_cond_signal(more);
	fluke_mutex_unlock(mutex);
	va_end(arguments);
}

static void write_lines(void *argument)
{
	char text[LINE];
	uint32_t missing;

	(void)argument;
	fluke_mutex_lock(mutex);
	for (;;) {
		while (put == got) {
			fluke_cond_broadcast(none);
			fluke_cond_wait(more, mutex);
		}
		memcpy(text, line[got % LINES], LINE);
		missing = lost;
		lost = 0;
		fluke_mutex_unlock(mutex);
		eprintf("memory: %s\n", text);
		if (missing)
			eprintf("memory: %u messages more\n", (unsigned)missing);
		fluke_mutex_lock(mutex);
		got++;
	}
}

void say_end(void)
{
	fluke_mutex_lock(mutex);
	while (put != got)
		fluke_cond_wait(none, mutex);
	fluke_mutex_unlock(mutex);
}

int say_begin(void)
{
	mutex = mutex_new();
	more = cond_new();
	none = cond_new();
	return mutex && more && none && thread_start(write_lines, NULL, 0x4000) ? 0 : ENOMEM;
}
