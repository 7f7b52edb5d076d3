/* escape: thirty attempts of a program that is being debugged to get away from its debugger, or to see it.  Each line tells
 * what came of one; tests/system/debug.t knows what should, and has a hidden breakpoint in `secret` meanwhile. */
#include <stdio.h>
#include <string.h>
#include <native.h>
#include <startup.h>
#include <fluke/exception.h>
#include <protocols/Debug.h>
#include <protocols/MemPool.h>
#include <protocols/Parent.h>
#include <protocols/Segment.h>

#define OBJECT(type, address)	((type *)(uintptr_t)(address))

int	main(void);
int	secret(int n);
int	escape_set(void) __attribute__((returns_twice));
void	escape_trap(void), escape_back(void);
void	escape_note(uint32_t code, uint32_t subcode);

uint32_t escape_saved[6];
static uint32_t caught, caught_at;
static int	number;
static volatile uint32_t nowhere = 16;

__asm__(
	".text\n"
	"escape_set:\n"
	"	movl	%ebx, escape_saved\n"
	"	movl	%esi, escape_saved+4\n"
	"	movl	%edi, escape_saved+8\n"
	"	movl	%ebp, escape_saved+12\n"
	"	leal	4(%esp), %edx\n"
	"	movl	%edx, escape_saved+16\n"
	"	movl	0(%esp), %edx\n"
	"	movl	%edx, escape_saved+20\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"escape_back:\n"
	"	movl	escape_saved, %ebx\n"
	"	movl	escape_saved+4, %esi\n"
	"	movl	escape_saved+8, %edi\n"
	"	movl	escape_saved+12, %ebp\n"
	"	movl	escape_saved+16, %esp\n"
	"	movl	$1, %eax\n"
	"	jmp	*escape_saved+20\n"
	"escape_trap:\n"
	"	andl	$-16, %esp\n"
	"	subl	$8, %esp\n"
	"	pushl	%edx\n"
	"	pushl	%eax\n"
	"	call	escape_note\n"
	"	.p2align 12\n"			/* alone on its page: breakpoints there cost others nothing */
	"	.globl	secret\n"
	"	.type	secret, @function\n"
	"secret:\n"
	"	movl	4(%esp), %eax\n"
	"	addl	$1, %eax\n"
	"	ret\n"
	"	.size	secret, . - secret\n"
	"	.p2align 12\n");

void escape_note(uint32_t code, uint32_t subcode)
{
	struct fluke_thread_saved_state saved;

	caught = code;
	caught_at = subcode;
	fluke_thread_get_saved_state(NULL, &saved);
	saved.eip = (uint32_t)escape_back;
	saved.eflags &= ~0x100u;
	fluke_thread_set_saved_state(NULL, &saved);
	fluke_thread_return_from_exception(NULL);
}

static void tell(const char *what, const char *result, uint32_t value)
{
	printf("attempt %d: %s: %s %#x\n", ++number, what, result, (unsigned)value);
}

/* Tries the statement: the exception that it raises, 0xffff = none. */
#define TRY(what, statement) do { \
	caught = 0xffff; \
	if (!escape_set()) \
		statement; \
	tell(what, "exception", caught); \
} while (0)

static uint32_t text_sum(void)
{
	uint32_t sum = 0;

	for (const uint8_t *p = (const uint8_t *)secret; p < (const uint8_t *)secret + 16; p++)
		sum = sum * 31 + *p;
	return sum;
}

static volatile int ran;

static void other_thread(void *unused)
{
	(void)unused;
	ran = secret(40);
	thread_exit();
}

static uint32_t count_objects(fluke_type_t type)
{
	fluke_region_t *own = region_new(own_space(), START_OBJECTS, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL);
	fluke_obspec_t found[32];
	oskit_addr_t offset = 0;
	natural_t unused;
	uint32_t count = 0;

	while (offset < START_OBJECTS_SIZE) {
		unused = 32;
		fluke_region_search(own, &offset, START_OBJECTS_SIZE - offset, found, &unused);
		for (natural_t n = 0; n < 32 - unused; n++)
			count += found[n].type == type;
	}
	region_free(own);
	return count;
}

static void handlers(void)
{
	oskit_addr_t h[4];

	fluke_thread_get_handlers(NULL, h);
	tell("its handlers are its own", h[0] == (uint32_t)escape_trap && !h[1] ? "as set" : "changed", 0);
	fluke_thread_set_handlers(NULL, 0, 0, 0, 0);
	tell("without handlers it is still stopped", "returned", (uint32_t)secret(1));
	fluke_thread_set_handlers(NULL, (oskit_addr_t)escape_trap, 0, 0, 0);
	fluke_thread_disable_exceptions(NULL);
	tell("with exceptions off it is still stopped", "returned", (uint32_t)secret(2));
	fluke_thread_enable_exceptions(NULL);
	TRY("a fault reaches its own handler", *OBJECT(volatile int, nowhere) = 1);
	TRY("so does an undefined instruction", __asm__ volatile ("ud2"));
	TRY("and a division by zero", __asm__ volatile ("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx"));
}

static void spaces(void)
{
	fluke_ref_t *keeper = ref_new();

	TRY("its space's state", fluke_space_get_state(OBJECT(fluke_space_t, START_REF_SPACE), NULL, keeper));
	TRY("its space's keeper changed", fluke_space_set_state(OBJECT(fluke_space_t, START_REF_SPACE), NULL, keeper));
	TRY("its space destroyed", fluke_space_destroy(OBJECT(fluke_space_t, START_REF_SPACE)));
	TRY("its space moved", fluke_space_move(OBJECT(fluke_space_t, START_REF_SPACE), OBJECT(fluke_space_t, START_OBJECTS + 0x100000)));
	tell("spaces among its objects", "count", count_objects(FLUKE_TYPE_SPACE));
	tell("threads among its objects", "count", count_objects(FLUKE_TYPE_THREAD));
	TRY("its own thread read", fluke_thread_get_state(OBJECT(fluke_thread_t, START_THREAD), NULL, NULL));
	TRY("a thread where a debugger has its windows", fluke_thread_get_state(OBJECT(fluke_thread_t, 0x60000400), NULL, NULL));
	TRY("a thread at the kernel's address", fluke_thread_get_state(OBJECT(fluke_thread_t, 0xc0000400), NULL, NULL));
	TRY("memory where a debugger has its windows", (void)*OBJECT(volatile int, 0x60000000));
	ref_free(keeper);
}

static void services(void)
{
	fluke_ref_t *ref = ref_new(), *mine = ref_new();
	fluke_portset_t *set = portset_new();
	fluke_port_t *port = port_new(set, NULL, 0);
	uint32_t taken = 0;

	fluke_port_reference(port, mine);
	Parent_lookup(parent_ref(), "line0", ref);
	tell("a line to a gdb: COM4, not its debugger's", fluke_ref_type(ref) == FLUKE_NULL ? "nothing" : "a line", 0);
	fluke_ref_clear(ref);
	tell("Machine", "error", (uint32_t)Parent_lookup(parent_ref(), "machine", ref));
	fluke_ref_clear(ref);
	Parent_lookup(parent_ref(), "debug", ref);
	tell("a watch on itself, taken away", "error", (uint32_t)Debug_watch(ref, own_space(), NULL));
	tell("after that", "returned", (uint32_t)secret(3));
	tell("a signal posted to itself", "error", (uint32_t)Debug_posted(ref, 1, 1, 9, &taken, own_space()));
	tell("its own end", "error", (uint32_t)Debug_ended(ref, 1, 0, own_space()));
	tell("after that", "returned", (uint32_t)secret(4));
	ref_free(ref);
}

static void text(void)
{
	char *alias = address_reserve(4096);
	fluke_ref_t *data = OBJECT(fluke_ref_t, START_REF_DATA), *region = OBJECT(fluke_ref_t, START_REF_DATA_REGION);
	uint32_t page = (uint32_t)secret & -4096u;

	tell("its text, read", text_sum() == text_sum() ? "sum" : "changes", text_sum());
	TRY("its text, written", *(volatile uint8_t *)secret = 0x90);
	tell("its text, written through its segment", "error", (uint32_t)Segment_write(data, (uint32_t)secret, (const void *)secret, 16));
	tell("after that", "returned", (uint32_t)secret(5));
	mapping_new(region, page, NULL, (uint32_t)alias, 4096, FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	alias[4] = *(volatile char *)((uint32_t)secret + 4);	/* the same byte, through a mapping of its own */
	tell("its text, written through another mapping", "returned", (uint32_t)secret(6));
	TRY("a step of its own", __asm__ volatile ("pushfl; orl $0x100, (%%esp); popfl; nop; nop; pushfl; andl $~0x100, (%%esp); popfl" : : : "memory", "cc"));
	thread_start(other_thread, NULL, 0);
	while (!ran)
		clock_sleep_until(clock_now() + 1000000);
	tell("a thread of its own", "returned", (uint32_t)ran);
}

int main(void)
{
	fluke_thread_set_handlers(NULL, (oskit_addr_t)escape_trap, 0, 0, 0);
	fluke_thread_enable_exceptions(NULL);
	handlers();
	spaces();
	services();
	text();
	return 0;
}
