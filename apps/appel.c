/* appel: virtual memory for user programs, as Appel and Li measured it.
 *
 * 1 (prot1+trap+unprot): of 100 pages all but one are protected.  100 times a random protected page is touched; the
 * handler protects another open page, opens that one and returns.  2 (trap+protN+unprot): all 100 are protected, then each is
 * touched once in random order; the handler opens just that page.  `appel 1`, `appel 2`, or both.  The sum of
 * what was written must be right, and so must the number of traps. */
#include <stdlib.h>
#include <string.h>
#include "measure.h"
#ifdef ON_LINUX
#include <signal.h>
#include <sys/mman.h>
#else
#include <startup.h>
#endif

#define PAGES	100u
#define PAGE	4096u
#define ROUNDS	100u
#define REPEATS	20u		/* timed: so that an interrupt of the clock does not show */

static volatile uint32_t *memory;	/* word 0 of each page counts its touches */
static uint32_t	traps, open_page;
static int	which;

static void protect(uint32_t page, int closed);

/* The page has been touched and was closed. */
static void trapped(uint32_t page)
{
	traps++;
	if (which == 1) {
		protect(open_page, 1);
		open_page = page;
	}
	protect(page, 0);
}

#ifdef ON_LINUX
static void protect(uint32_t page, int closed)
{
	mprotect((char *)memory + page * PAGE, PAGE, closed ? PROT_NONE : PROT_READ | PROT_WRITE);
}

static void protect_all(void)
{
	mprotect((void *)memory, PAGES * PAGE, PROT_NONE);
}

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	trapped((uint32_t)((char *)info->si_addr - (char *)memory) / PAGE);
}

static int start(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED || sigaction(SIGSEGV, &action, NULL);
}
#else
/* Each page is a mapping of its own, so that its protection is one call. */
static fluke_mapping_t *mapping[PAGES];

static void protect(uint32_t page, int closed)
{
	fluke_mapping_protect(mapping[page], closed ? FLUKE_PROT_NONE : FLUKE_PROT_READ | FLUKE_PROT_WRITE);
}

static void protect_all(void)
{
	for (uint32_t n = 0; n < PAGES; n++)
		protect(n, 1);
}

/* Below the interrupted stack: what pushal leaves, then eflags and eip, so that the way back is popal, popfl, ret (the kernel's
 * own way back does not keep ebp). */
struct frame { uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax, eflags, eip; };

void appel_trap(uint32_t address, struct frame *frame);
void appel_trap(uint32_t address, struct frame *frame)
{
	struct fluke_thread_saved_state saved;

	trapped((address - (uint32_t)memory) / PAGE);
	fluke_thread_get_saved_state(NULL, &saved);
	frame->eax = saved.eax;
	frame->ecx = saved.ecx;
	frame->edx = saved.edx;
	frame->eflags = saved.eflags;
	frame->eip = saved.eip;
	fluke_thread_enable_exceptions(NULL);
}

__asm__(".text\nappel_entry:\n\tsubl $8, %esp\n\tpushal\n\tcld\n\tpushl %esp\n\tpushl %edx\n\tcall appel_trap\n\t"
	"addl $8, %esp\n\tpopal\n\tpopfl\n\tret\n");
extern char appel_entry[];

static int start(void)
{
	char *at = address_reserve(PAGES * PAGE);

	memory = (void *)at;
	for (uint32_t n = 0; at && n < PAGES; n++)
		if (!(mapping[n] = mapping_new((fluke_ref_t *)START_REF_DATA_REGION, (uint32_t)at + n * PAGE, NULL, (uint32_t)at + n * PAGE,
			PAGE, FLUKE_PROT_READ | FLUKE_PROT_WRITE)))
			return 1;
	fluke_thread_set_handlers(fluke_thread_self(), (uint32_t)appel_entry, 0, 0, 0);
	fluke_thread_enable_exceptions(fluke_thread_self());
	return !at;
}
#endif

static void touch(uint32_t page)
{
	memory[page * (PAGE / 4)]++;
}

static uint32_t sum(void)
{
	uint32_t total = 0;

	for (uint32_t n = 0; n < PAGES; n++) {
		protect(n, 0);
		total += memory[n * (PAGE / 4)] * (n + 1);
		memory[n * (PAGE / 4)] = 0;
	}
	return total;
}

static uint64_t run_1(uint32_t *want)
{
	uint32_t order[ROUNDS], seed = 1;
	uint64_t time;

	for (uint32_t n = 0, last = 0; n < ROUNDS; n++) {
		do
			order[n] = measure_random(&seed) % PAGES;
		while (order[n] == last);
		last = order[n];
		*want += order[n] + 1;
	}
	protect_all();
	open_page = 0;
	protect(0, 0);
	time = measure_now();
	for (uint32_t n = 0; n < ROUNDS; n++)
		touch(order[n]);
	return measure_now() - time;
}

static uint64_t run_2(uint32_t *want)
{
	uint32_t order[PAGES], seed = 2, other, page;
	uint64_t time;

	for (uint32_t n = 0; n < PAGES; n++) {
		order[n] = n;
		*want += n + 1;
	}
	for (uint32_t n = PAGES; n > 1; n--) {
		other = measure_random(&seed) % n;
		page = order[other];
		order[other] = order[n - 1];
		order[n - 1] = page;
	}
	time = measure_now();
	protect_all();
	for (uint32_t n = 0; n < PAGES; n++)
		touch(order[n]);
	return measure_now() - time;
}

static int run(int number)
{
	uint32_t want, got, wrong = 0;
	uint64_t time, one;

	time = 0;
	for (unsigned again = 0; again <= REPEATS; again++) {	/* the first is to warm up */
		which = number;
		traps = want = 0;
		one = number == 1 ? run_1(&want) : run_2(&want);
		time += again ? one : 0;
		which = 0;
		got = sum();
		wrong |= got != want || traps != ROUNDS;
	}
	printf("appel%d %s %u %u\n", number, wrong ? "wrong" : "right", (unsigned)got, (unsigned)traps);
	measure_print(number == 1 ? "appel1" : "appel2", ROUNDS * REPEATS, time, 0);
	return wrong;
}

int main(int argc, char **argv)
{
	int only = argc > 1 ? atoi(argv[1]) : 0, wrong = start();

	for (uint32_t n = 0; n < PAGES && !wrong; n++)
		memory[n * (PAGE / 4)] = 0;
	if (only != 2)
		wrong = wrong || run(1);
	if (only != 1)
		wrong = wrong || run(2);
	return wrong;
}
