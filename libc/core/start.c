/* Start and end of a native program.  crt0.S passes the stack as it found it. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <native.h>
#include <startup.h>

#define OWN_PAGES	((START_OBJECTS + START_OBJECTS_SIZE - START_NATIVE_OBJECTS) / 4096)

char	**environ;
const char *libc_program = "root";

int	main(int argc, char **argv, char **envp);
void	malloc_init(void), thread_init(void);

static struct object_page object_records[OWN_PAGES];

extern char _end[];		/* native.ld: end of data and bss */
static uint32_t heap_next = (uint32_t)_end;

/* In the data segment any address is memory: the heap just goes on behind the program. */
__attribute__((weak)) void *libc_heap_more(size_t *size)
{
	uint32_t start = (heap_next + 4095) & ~4095u;

	if (*size > NATIVE_HEAP_END - start)
		return NULL;
	heap_next = start + *size;
	return (void *)start;
}

void libc_init(void)
{
	malloc_init();
	thread_init();
}

void libc_start(uint32_t *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	if (argc && argv[0])
		libc_program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	objects_add(START_NATIVE_OBJECTS, OWN_PAGES * 4096, object_records);
	libc_init();
	addresses_add(NATIVE_MAPPINGS, NATIVE_MAPPINGS_END - NATIVE_MAPPINGS);
	exit(main(argc, argv, environ));
}

void exit(int status)
{
	stdout_flush();
	libc_exit(status);
}

void abort(void)
{
	__asm__ volatile("ud2");
	__builtin_unreachable();
}

void assert_failed(const char *file, int line, const char *what);

void assert_failed(const char *file, int line, const char *what)
{
	eprintf("%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}
