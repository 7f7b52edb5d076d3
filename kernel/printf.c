/* kprintf (d i u x p s c, l and ll, width, zero padding, - flag) and the few functions of
 * string.h that compilers take for granted. */
#include <stdarg.h>
#include "i386/machine_local.h"

#undef memset
void *memset(void *to, int c, size_t bytes)
{
	void *d = to;
	size_t words = bytes / 4, rest = bytes % 4;

	__asm__ volatile ("rep stosl\n\tmovl %3, %%ecx\n\trep stosb"
		: "+D" (d), "+c" (words) : "a" ((c & 0xff) * 0x01010101u), "r" (rest) : "memory");
	return to;
}

#undef memcpy
void *memcpy(void *to, const void *from, size_t bytes)
{
	void *d = to;
	size_t words = bytes / 4, rest = bytes % 4;

	__asm__ volatile ("rep movsl\n\tmovl %3, %%ecx\n\trep movsb"
		: "+D" (d), "+S" (from), "+c" (words) : "r" (rest) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}

struct field {
	unsigned	width;
	int		zero, left;
};

static int put_field(const char *text, unsigned length, const struct field *field)
{
	unsigned fill = field->width > length ? field->width - length : 0, i;

	for (i = 0; !field->left && i < fill; i++)
		console_putc(field->zero ? '0' : ' ');
	for (i = 0; i < length; i++)
		console_putc(text[i]);
	for (i = 0; field->left && i < fill; i++)
		console_putc(' ');
	return (int)(length + fill);
}

/* Divides by a small number in two halves of 32 bits: there is no 64-bit division here. */
static unsigned digit(uint64_t *value, unsigned base)
{
	uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value, rest = high % base;

	high /= base;
	__asm__ ("divl %4" : "=a" (low), "=d" (rest) : "0" (low), "1" (rest), "r" (base));
	*value = (uint64_t)high << 32 | low;
	return rest;
}

static int put_number(uint64_t value, unsigned base, int negative, struct field *field)
{
	char text[24], *p = text + sizeof text;

	do
		*--p = "0123456789abcdef"[digit(&value, base)];
	while (value);
	if (negative)
		*--p = '-';
	return put_field(p, (unsigned)(text + sizeof text - p), field);
}

static int put_conversion(char c, int longs, struct field *field, va_list *arguments)
{
	const char *text;
	int64_t number;
	char one;

	switch (c) {
	case 'd': case 'i':
		number = longs > 1 ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
		return put_number((uint64_t)(number < 0 ? -number : number), 10, number < 0, field);
	case 'u':
		return put_number(longs > 1 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned), 10, 0, field);
	case 'x':
		return put_number(longs > 1 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned), 16, 0, field);
	case 'p':
		field->zero = 1;
		field->width = 8;
		return put_number(va_arg(*arguments, unsigned), 16, 0, field);
	case 's':
		text = va_arg(*arguments, const char *);
		text = text ? text : "(null)";
		return put_field(text, (unsigned)strlen(text), field);
	case 'c':
		one = (char)va_arg(*arguments, int);
		return put_field(&one, 1, field);
	default:
		return put_field(&c, 1, field);
	}
}

static int print(const char *format, va_list *arguments)
{
	int total = 0, longs;

	for (; *format; format++) {
		struct field field = { 0, 0, 0 };

		if (*format != '%') {
			console_putc(*format);
			total++;
			continue;
		}
		for (format++; *format == '-' || *format == '0'; format++)
			*(*format == '-' ? &field.left : &field.zero) = 1;
		for (; *format >= '0' && *format <= '9'; format++)
			field.width = field.width * 10 + (unsigned)(*format - '0');
		for (longs = 0; *format == 'l' || *format == 'z'; format++)
			longs++;
		if (!*format)
			break;
		total += put_conversion(*format, longs, &field, arguments);
	}
	return total;
}

int kprintf(const char *format, ...)
{
	va_list arguments;
	int total;

	va_start(arguments, format);
	total = print(format, (va_list *)&arguments);
	va_end(arguments);
	return total;
}

/* A boot that cannot go on: says why on screen, serial line and log, and halts. */
void fatal(const char *format, ...)
{
	va_list arguments;

	console_take();
	kprintf("Fluke cannot start: ");
	va_start(arguments, format);
	print(format, (va_list *)&arguments);
	va_end(arguments);
	kprintf("\n");
	outl(0xf4, 0x7e);
	for (;;)
		__asm__ volatile ("cli; hlt");
}

void panic(const char *format, ...)
{
	va_list arguments;
	static int again;

	interrupts_off();
	console_take();
	if (again++) {
		kprintf("panic in a panic: %s\n", format);
		goto end;
	}
	kprintf("kernel panic: ");
	va_start(arguments, format);
	print(format, (va_list *)&arguments);
	va_end(arguments);
	kprintf("\n");
	debug_state();
end:
	outl(0xf4, 0x7e);
	for (;;)
		__asm__ volatile ("cli; hlt");
}
