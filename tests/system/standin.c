/* A stand-in for the kernel and root, to test boot/run alone: a Multiboot program that speaks
 * root's side of the channel (docs/design/channel.md) by polling COM3.  The word that follows
 * cmd= says how it behaves. */
#include <stdint.h>

enum { READY = 1, STDOUT, STDERR, EXIT, LOG, MISSING, FILE, FILE_END, CREDIT, CLOSED };
enum { STDIN = 16, WINDOW, SIGNAL, GET, BYE };
#define COM1 0x3f8
#define COM3 0x3e8

__attribute__((section(".multiboot"), used, aligned(4)))
static const uint32_t header[3] = { 0x1badb002, 0, -0x1badb002u };

static char stack[16384] __attribute__((aligned(16), used));
__asm__(".globl _start\n_start: movl $stack + 16384, %esp\n pushl %ebx\n call standin\n");

void standin(uint32_t *info);

static inline void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put(uint16_t line, uint8_t byte)
{
	while (!(in(line + 5) & 0x20))
		;
	out(line, byte);
}

static uint8_t get(void)
{
	while (!(in(COM3 + 5) & 1))
		;
	return in(COM3);
}

static void print(uint16_t port, const char *text)
{
	for (; *text; text++)
		if (port == 0xe9)
			out(0xe9, *text);
		else
			put(port, *text);
}

static void frame(uint8_t type, const void *data, uint32_t size)
{
	const uint8_t *p = data;

	put(COM3, 0xf5);
	put(COM3, type);
	put(COM3, size);
	put(COM3, size >> 8);
	while (size--)
		put(COM3, *p++);
}

static void frame2(uint8_t type, uint32_t a, uint32_t b)
{
	uint32_t words[2] = { a, b };

	frame(type, words, 8);
}

static void power_off(uint8_t status)
{
	out(0xf4, status);
	for (;;)
		;
}

static uint8_t payload[4096];
static uint32_t length;

static uint8_t receive(void)
{
	uint8_t type;

	while (get() != 0xf5)
		;
	type = get();
	length = get();
	length |= get() << 8;
	for (uint32_t i = 0; i < length; i++)
		payload[i] = get();
	return type;
}

static int is(const char *line, const char *word)
{
	for (; *line; line++) {
		const char *a = line, *b = word;
		while (*b && *a == *b)
			a++, b++;
		if (!*b)
			return 1;
	}
	return 0;
}

static void finish(uint32_t kind, uint32_t value)
{
	uint32_t end[3] = { 0, 0100640, 1000000000 };
	uint8_t type;

	frame(MISSING, "fancy_call 3\n", 13);
	frame2(EXIT, kind, value);
	while ((type = receive()) != BYE)
		if (type == GET) {
			end[0] = payload[1] == 'n' ? 2 : 0;	/* "/none" is not there */
			if (!end[0])
				frame(FILE, payload, length);
			frame(FILE_END, end, 12);
		}
	power_off(0);
}

static void echo(void)
{
	for (;;) {
		frame2(CREDIT, 0, 4096);
		do
			if (receive() == STDIN)
				frame(STDOUT, payload, length);
		while (length == 0 ? (finish(0, 3), 0) : 0);
	}
}

/* More output than there is credit for, minding it. */
static void flood(void)
{
	uint32_t credit = 65536, sent = 0;

	for (uint32_t i = 0; i < sizeof payload; i++)
		payload[i] = i % 64 == 63 ? '\n' : 'a' + i % 64 % 26;
	while (sent < 300000) {
		if (credit >= 1000) {
			frame(STDOUT, payload, 1000);
			credit -= 1000, sent += 1000;
			continue;
		}
		uint8_t type = receive();
		uint32_t *w = (uint32_t *)payload;
		if (type == CREDIT && w[0] == 1)
			credit += w[1];
		if (type == CLOSED)
			finish(1, 13);
		for (uint32_t i = 0; i < 64; i++)
			payload[i] = i % 64 == 63 ? '\n' : 'a' + i % 64 % 26;
	}
	finish(0, 0);
}

static void print_number(uint64_t value)
{
	char text[24], *p = text + sizeof text;

	*--p = 0;
	*--p = '\n';
	*--p = '\r';
	for (int i = 0; i < 16; i++) {		/* decimal without 64-bit division */
		uint32_t rest = 0;
		uint64_t quotient = 0;
		for (int bit = 63; bit >= 0; bit--) {
			rest = rest << 1 | (value >> bit & 1);
			if (rest >= 10)
				rest -= 10, quotient |= 1ull << bit;
		}
		*--p = '0' + rest;
		value = quotient;
	}
	print(COM1, "tsc ");
	print(COM1, p);
}

void standin(uint32_t *info)
{
	const char *line = (const char *)info[4];
	uint32_t version = 1, low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	if (is(line, " tsc")) {
		print_number((uint64_t)high << 32 | low);
		power_off(0);
	}
	print(0xe9, "stand-in: command line: ");
	print(0xe9, line);
	print(0xe9, "\n");
	print(COM1, "stand-in: console\r\n");
	if (is(line, "console=serial")) {
		print(COM1, "bye\r\n");
		power_off(5);
	}
	frame(READY, &version, 4);
	if (is(line, "echo"))
		echo();
	if (is(line, "flood"))
		flood();
	if (is(line, "both")) {
		frame(STDOUT, "out\n", 4);
		frame(STDERR, "err\n", 4);
		finish(0, 7);
	}
	if (is(line, "killed"))
		finish(1, 11);
	if (is(line, "nofile"))
		finish(2, 2);
	if (is(line, "panic")) {
		print(0xe9, "panic: the stand-in was asked to\n");
		power_off(127);
	}
	if (is(line, "stop")) {
		print(0xe9, "stand-in: unknown word\n");
		power_off(1);
	}
	if (is(line, "signal")) {
		frame(STDOUT, "ready\n", 6);
		while (receive() != SIGNAL)
			;
		finish(1, payload[0]);
	}
	for (;;)		/* cmd=hang */
		;
}
