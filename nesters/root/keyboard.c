/* The PC keyboard: scan codes of set 1 (the controller translates) to what a `linux` terminal
 * sends, US layout.  Runs on the device server under stream_lock. */
#include <string.h>
#include <protocols/Machine.h>
#include "root.h"
#include "screen.h"

#define PORT_DATA	0x60
#define PORT_STATUS	0x64
#define KEYBOARD_IRQ	1

static const char plain[0x3a] = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[0x3a] = "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
static int	shift, ctrl, alt, caps, extended;
static struct served irq;

static void type(const char *keys)
{
	while (*keys)
		console_input((uint8_t)*keys++);
}

static void cursor(char final)
{
	char keys[4] = { 033, screen_application_keys() ? 'O' : '[', final, 0 };

	type(keys);
}

/* Keys that send a sequence; 1 = it was one. */
static int special(uint8_t code)
{
	static const char *const function[12] = { "\033[[A", "\033[[B", "\033[[C", "\033[[D", "\033[[E", "\033[17~", "\033[18~",
		"\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~" };

	if (code >= 0x3b && code <= 0x44)
		type(function[code - 0x3b]);
	else if (code == 0x57 || code == 0x58)
		type(function[code - 0x57 + 10]);
	else if (code < 0x47 || code > 0x53)
		return 0;
	else
		switch (code) {
		case 0x47: type("\033[1~"); break;
		case 0x48: cursor('A'); break;
		case 0x49: type("\033[5~"); break;
		case 0x4a: type("-"); break;
		case 0x4b: cursor('D'); break;
		case 0x4d: cursor('C'); break;
		case 0x4e: type("+"); break;
		case 0x4f: type("\033[4~"); break;
		case 0x50: cursor('B'); break;
		case 0x51: type("\033[6~"); break;
		case 0x52: type("\033[2~"); break;
		case 0x53: type("\033[3~"); break;
		}
	return 1;
}

static void character(uint8_t code)
{
	char c = code < sizeof plain ? (shift ? shifted : plain)[code] : 0;

	if (extended && code == 0x1c)
		c = '\r';
	if (extended && code == 0x35)
		c = '/';
	if (!c && !(ctrl && code == 0x39))
		return;
	if (caps && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
		c ^= 0x20;
	if (ctrl)
		c = c == '?' ? 0x7f : c == '-' || c == '/' ? 0x1f : c == ' ' || c == '2' ? 0 : c & 0x1f;
	if (alt)
		console_input(033);
	console_input((uint8_t)c);
}

static void scan(uint8_t code)
{
	int down = !(code & 0x80);

	if (code == 0xe0 || code == 0xe1) {
		extended = 1;
		return;
	}
	code &= 0x7f;
	if (code == 0x2a || code == 0x36) {
		if (!extended)
			shift = down;
	} else if (code == 0x1d) {
		ctrl = down;
	} else if (code == 0x38) {
		alt = down;
	} else if (code == 0x3a) {
		caps ^= down;
	} else if (down && !special(code)) {
		character(code);
	}
	extended = 0;
}

static void event(void *self, uint32_t word0, uint32_t word1)
{
	(void)self, (void)word0, (void)word1;
	entropy_add(rdtsc());
	fast_lock_take(&stream_lock);
	while (inb(PORT_STATUS) & 1)
		if (inb(PORT_STATUS) & 0x20)
			inb(PORT_DATA);		/* the mouse's */
		else
			scan(inb(PORT_DATA));
	fast_lock_drop(&stream_lock);
	stream_kick();
}

void keyboard_boot(void)
{
	static const struct served_class class = { .name = "keyboard", .event = event };
	unsigned i;

	Machine_io_allow(kernel, libc_own_space, PORT_DATA, 1);
	Machine_io_allow(kernel, libc_own_space, PORT_STATUS, 1);
	if (inb(PORT_STATUS) == 0xff)
		return;
	for (i = 0; i < 64 && inb(PORT_STATUS) & 1; i++)
		inb(PORT_DATA);
	if (!served_init(&irq, &class, device_server))
		Machine_irq_attach(kernel, KEYBOARD_IRQ, served_ref(&irq));
}
