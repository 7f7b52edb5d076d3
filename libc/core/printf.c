/* Formatted output: %d i u x X o c s p %, with flags - 0 + space #, width, precision, h l ll z.
 * Standard output is collected a line at a time; each thread's line goes out whole. */
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <native.h>

struct sink {
	char	*to;
	size_t	size, used;	/* used counts what did not fit too */
};

struct spec {
	int	left, zero, plus, space, alternate;
	int	width, precision;	/* precision -1: not given */
};

static void put(struct sink *s, char c)
{
	if (s->used + 1 < s->size)
		s->to[s->used] = c;
	s->used++;
}

static void pad(struct sink *s, char c, int count)
{
	while (count-- > 0)
		put(s, c);
}

static void put_text(struct sink *s, const struct spec *f, const char *text, int length)
{
	if (!f->left)
		pad(s, ' ', f->width - length);
	for (int n = 0; n < length; n++)
		put(s, text[n]);
	if (f->left)
		pad(s, ' ', f->width - length);
}

static void put_number(struct sink *s, const struct spec *f, uint64_t value, int negative, char conversion)
{
	const char *digits = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = conversion == 'o' ? 8 : conversion == 'x' || conversion == 'X' ? 16 : 10;
	char text[24], prefix[3] = "";
	int count = 0, zeros, total;

	if (negative)
		prefix[0] = '-';
	else if (conversion == 'd' && (f->plus || f->space))
		prefix[0] = f->plus ? '+' : ' ';
	else if (f->alternate && base == 16 && value)
		prefix[0] = '0', prefix[1] = conversion;
	for (; value; value = value >> 32 ? value / base : (uint32_t)value / base)
		text[count++] = digits[value >> 32 ? (unsigned)(value % base) : (uint32_t)value % base];
	zeros = (f->precision < 0 ? 1 : f->precision) - count;
	if (zeros < 0)
		zeros = 0;
	total = (int)strlen(prefix) + zeros + count;
	if (f->zero && !f->left && f->precision < 0 && total < f->width) {
		zeros += f->width - total;
		total = f->width;
	}
	if (!f->left)
		pad(s, ' ', f->width - total);
	for (const char *p = prefix; *p; p++)
		put(s, *p);
	pad(s, '0', zeros);
	while (count)
		put(s, text[--count]);
	if (f->left)
		pad(s, ' ', f->width - total);
}

static const char *parse_spec(const char *p, struct spec *f, va_list *arguments)
{
	memset(f, 0, sizeof(*f));
	f->precision = -1;
	for (;; p++) {
		if (*p == '-') f->left = 1;
		else if (*p == '0') f->zero = 1;
		else if (*p == '+') f->plus = 1;
		else if (*p == ' ') f->space = 1;
		else if (*p == '#') f->alternate = 1;
		else break;
	}
	if (*p == '*') {
		f->width = va_arg(*arguments, int);
		if (f->width < 0)
			f->left = 1, f->width = -f->width;
		p++;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		f->width = f->width * 10 + *p - '0';
	if (*p != '.')
		return p;
	f->precision = 0;
	if (*++p == '*') {
		f->precision = va_arg(*arguments, int);
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		f->precision = f->precision * 10 + *p - '0';
	return p;
}

int vsnprintf(char *to, size_t size, const char *format, va_list list)
{
	struct sink s = { to, size, 0 };
	va_list arguments;

	va_copy(arguments, list);
	for (const char *p = format; *p; p++) {
		struct spec f;
		int longs = 0;

		if (*p != '%') {
			put(&s, *p);
			continue;
		}
		p = parse_spec(p + 1, &f, &arguments);
		for (; *p == 'l' || *p == 'h' || *p == 'z' || *p == 'j' || *p == 't'; p++)
			longs += *p == 'l' ? 1 : *p == 'j' ? 2 : 0;
		switch (*p) {
		case 'd':
		case 'i': {
			int64_t value = longs > 1 ? va_arg(arguments, int64_t) : va_arg(arguments, int32_t);

			put_number(&s, &f, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 'd');
			break;
		}
		case 'u':
		case 'x':
		case 'X':
		case 'o':
			put_number(&s, &f, longs > 1 ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t), 0, *p);
			break;
		case 'p':
			f.alternate = 1;
			put_number(&s, &f, va_arg(arguments, uint32_t), 0, 'x');
			break;
		case 'c': {
			char c = (char)va_arg(arguments, int);

			put_text(&s, &f, &c, 1);
			break;
		}
		case 's': {
			const char *text = va_arg(arguments, const char *);

			if (!text)
				text = "(null)";
			put_text(&s, &f, text, (int)(f.precision < 0 ? strlen(text) : strnlen(text, (size_t)f.precision)));
			break;
		}
		case 0:
			p--;
			break;
		default:
			put(&s, *p);
		}
	}
	va_end(arguments);
	if (size)
		to[s.used < size ? s.used : size - 1] = 0;
	return (int)s.used;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return n;
}

static char line[1024];		/* unfinished line of standard output; unguarded while there is one thread */
static size_t line_used;
static struct lock line_lock;

static void line_take(void)
{
	if (!line_lock.mutex)
		lock_init(&line_lock);
	lock_take(&line_lock);
}

static void line_out(void)
{
	size_t n = line_used;

	line_used = 0;
	if (n)
		libc_output(1, line, n);
}

static void output(const char *text, size_t size)
{
	line_take();
	for (size_t n = 0; n < size; n++) {
		line[line_used++] = text[n];
		if (text[n] == '\n' || line_used == sizeof(line))
			line_out();
	}
	lock_drop(&line_lock);
}

void stdout_flush(void)
{
	line_take();
	line_out();
	lock_drop(&line_lock);
}

int vprintf(const char *format, va_list arguments)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), format, arguments);

	output(text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
	return n;
}

int printf(const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vprintf(format, arguments);
	va_end(arguments);
	return n;
}

int eprintf(const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	libc_output(2, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
	return n;
}

int puts(const char *s)
{
	output(s, strlen(s));
	output("\n", 1);
	return 0;
}

int putchar(int c)
{
	char byte = (char)c;

	output(&byte, 1);
	return c;
}
