/* The native C library's plain parts, run as a Linux i386 program: kernel calls are stood in for by functions that
 * do nothing, output and exit go to Linux.  Prints TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <native.h>

#define OBJECTS		0x10000u

void	start(void);

static int cases, failed;
static char heap[8 << 20] __attribute__((aligned(4096)));
static char object_memory[OBJECTS] __attribute__((aligned(4096)));
static size_t heap_used;

static int linux_call(int number, int a, const void *b, size_t c)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

void libc_output(int fd, const char *data, size_t size)
{
	linux_call(4, fd, data, size);
}

void *libc_heap_more(size_t *size)
{
	char *at = heap + heap_used;

	if (*size > sizeof(heap) - heap_used)
		return NULL;
	heap_used += *size;
	return at;
}

void libc_exit(int status)
{
	linux_call(1, status, NULL, 0);
	for (;;)
		;
}

int main(int argc, char **argv, char **envp) { (void)argc, (void)argv, (void)envp; return 0; }

fluke_error_t fluke_mutex_create(fluke_mutex_t *m) { (void)m; return 0; }
void fluke_mutex_set_state(fluke_mutex_t *m, const fluke_mutex_state_t *s, fluke_ref_t *r) { (void)m, (void)s, (void)r; }
fluke_error_t fluke_mutex_lock(fluke_mutex_t *m) { (void)m; return 0; }
void fluke_mutex_unlock(fluke_mutex_t *m) { (void)m; }
fluke_error_t fluke_cond_create(fluke_cond_t *c) { (void)c; return 0; }
fluke_error_t fluke_ref_create(fluke_ref_t *r) { (void)r; return 0; }
void fluke_ref_destroy(fluke_ref_t *r) { (void)r; }

/* A gs of Linux's making, so that the library leaves it alone. */
static void set_gs(void)
{
	static uint32_t local[4];
	struct { uint32_t number, base, limit, flags; } area = { ~0u, (uint32_t)local, sizeof(local), 0x51 };

	linux_call(243, (int)&area, NULL, 0);
	__asm__ volatile("movw %w0, %%gs" : : "r"(area.number * 8 + 3));
}

static void check(int good, const char *what)
{
	cases++;
	printf("%sok %d - libc-%02d %s\n", good ? "" : "not ", cases, cases, what);
	failed += !good;
}

static int format(const char *wanted, const char *how, ...)
{
	char text[200];
	va_list arguments;
	int n;

	va_start(arguments, how);
	n = vsnprintf(text, sizeof(text), how, arguments);
	va_end(arguments);
	if (!strcmp(text, wanted) && n == (int)strlen(wanted))
		return 1;
	printf("# %s gave '%s', wanted '%s'\n", how, text, wanted);
	return 0;
}

static void check_printf(void)
{
	char small[4];
	int good = 1;

	good &= format("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, 2147483647, -2147483647 - 1);
	good &= format("4294967295 ff FF 0xff 377", "%u %x %X %#x %o", -1, 255, 255, 255, 255);
	good &= format("[    7][7    ][00007][+7][ 7]", "[%5d][%-5d][%05d][%+d][% d]", 7, 7, 7, 7, 7);
	good &= format("[  abc][abc  ][ab]", "[%5s][%-5s][%.2s]", "abc", "abc", "abc");
	good &= format("[  007][-0042]", "[%5.3d][%05d]", 7, -42);
	good &= format("18446744073709551615 -9223372036854775807 100000000ff", "%llu %lld %llx", ~0ull, -9223372036854775807ll,
		0x100000000ffull);
	good &= format("x % 12 3", "%c %% %zu %ld", 'x', (size_t)12, 3l);
	good &= format("[   12][ab   ]", "[%*d][%-*.*s]", 5, 12, 5, 2, "abc");
	good &= format("(null)", "%s", (char *)NULL);
	check(good, "formats");
	check(snprintf(small, sizeof(small), "%d", 12345) == 5 && !strcmp(small, "123"), "a short buffer");
}

static void check_strings(void)
{
	char text[32], *rest = NULL;
	int good = 1;

	strcpy(text, "abcdef");
	memmove(text + 1, text, 7);
	good &= !strcmp(text, "aabcdef");
	memmove(text, text + 1, 7);
	good &= !strcmp(text, "abcdef") && strlen(text) == 6 && strnlen(text, 3) == 3;
	good &= strcmp("a", "b") < 0 && strcmp("\xff", "a") > 0 && strncmp("abc", "abd", 2) == 0 && !memcmp("abc", "abc", 3);
	good &= strchr(text, 'c') == text + 2 && !strchr(text, 'x') && strrchr("a/b/c", '/')[1] == 'c' && *strchr(text, 0) == 0;
	good &= strstr(text, "cd") == text + 2 && !strstr(text, "ce") && strspn("aab", "a") == 2 && strcspn("aab", "b") == 2;
	good &= strlcpy(text, "0123456789", 5) == 10 && !strcmp(text, "0123") && strlcat(text, "45", 6) == 6 && !strcmp(text, "01234");
	strcpy(text, "  a b  c ");
	good &= !strcmp(strtok_r(text, " ", &rest), "a") && !strcmp(strtok_r(NULL, " ", &rest), "b");
	good &= !strcmp(strtok_r(NULL, " ", &rest), "c") && !strtok_r(NULL, " ", &rest);
	memset(text, 7, 13);
	for (int n = 0; n < 13; n++)
		good &= text[n] == 7;
	check(good, "strings and memory");
	check(strtol("  -42x", &rest, 10) == -42 && *rest == 'x' && strtoul("0x1fz", &rest, 0) == 31 && *rest == 'z' &&
		strtoul("0755", NULL, 0) == 493 && strtol("", &rest, 10) == 0 && strtoull("99999999999", NULL, 10) == 99999999999ull,
		"numbers");
}

static unsigned roll(void)
{
	static unsigned seed = 1;

	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void check_sort(void)
{
	int numbers[500], good = 1;

	for (int n = 0; n < 500; n++)
		numbers[n] = (int)(roll() % 1000);
	qsort(numbers, 500, sizeof(int), by_value);
	for (int n = 1; n < 500; n++)
		good &= numbers[n - 1] <= numbers[n];
	check(good, "sorting");
}

static void check_heap(void)
{
	static unsigned char *block[300];
	static size_t size[300];
	int good = 1;

	for (int round = 0; round < 20000; round++) {
		unsigned n = roll() % 300;

		for (size_t i = 0; block[n] && i < size[n]; i++)
			good &= block[n][i] == (unsigned char)(n + i);
		if (block[n] && roll() % 4 == 0) {
			size_t larger = size[n] + roll() % 500;

			block[n] = realloc(block[n], larger);
			for (size_t i = size[n]; i < larger; i++)
				block[n][i] = (unsigned char)(n + i);
			size[n] = larger;
			continue;
		}
		free(block[n]);
		size[n] = roll() % 16 ? roll() % 300 : roll() % 20000;
		block[n] = roll() % 8 ? malloc(size[n]) : memalign(4096, size[n]);
		if (!block[n]) {
			good = 0;
			break;
		}
		for (size_t i = 0; i < size[n]; i++)
			block[n][i] = (unsigned char)(n + i);
	}
	check(good && heap_used < sizeof(heap), "20,000 rounds of malloc, memalign, realloc, free");
	check(!malloc(100 << 20) && !calloc(1 << 20, 1 << 20), "no memory is null");
	for (int n = 0; n < 300; n++)
		free(block[n]);
}

static void check_object_storage(void)
{
	static void *object[2000];
	static fluke_type_t type[2000];
	static const unsigned sizes[] = { 0, 64, 64, 128, 128, 64, 64, 256, 1024, 32 };
	unsigned used = 0, count = 0;
	int good = 1;

	for (int round = 0; round < 20000; round++) {
		unsigned n = roll() % 2000;

		if (object[n]) {
			object_release(object[n], type[n]);
			used -= sizes[type[n]];
			object[n] = NULL;
			continue;
		}
		type[n] = 1 + roll() % 9;
		object[n] = object_reserve(type[n]);
		if (!object[n])
			continue;
		used += sizes[type[n]];
		count++;
		good &= (uint32_t)object[n] % sizes[type[n]] == 0 && (char *)object[n] >= object_memory &&
			(char *)object[n] + sizes[type[n]] <= object_memory + OBJECTS;
		for (unsigned i = 0; i < 2000; i++)
			if (i != n && object[i])
				good &= (char *)object[i] + sizes[type[i]] <= (char *)object[n] ||
					(char *)object[n] + sizes[type[n]] <= (char *)object[i];
	}

	check(good && count > 2000, "storage for objects never overlaps");
	for (unsigned n = 0; n < 2000; n++)
		if (object[n])
			object_release(object[n], type[n]);
	for (count = 0; object_reserve(FLUKE_TYPE_THREAD); count++)
		;
	check(count >= OBJECTS / 1024 - 8, "and all of it comes back");
}

void start(void)
{
	static struct object_page pages[OBJECTS / 4096];

	set_gs();
	objects_add((uint32_t)object_memory, OBJECTS, pages);
	libc_init();
	check_printf();
	check_strings();
	check_sort();
	check_heap();
	check_object_storage();
	printf("1..%d\n", cases);
	exit(failed != 0);
}
