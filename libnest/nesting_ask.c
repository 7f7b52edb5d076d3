/* Asking a view that may not answer (nest/nesting.h): its nester may be stopped, or hang.  A second thread looks twice a second who
 * still waits in the same message as before, and interrupts that one; its interrupt handler leaves the question. */
#include <linux_abi.h>
#include <fluke/callnumbers.h>
#include <nest/nesting.h>

#define LOOK	500000000ull	/* ns */

static fluke_thread_t *asker;
static volatile uint32_t question, asking;	/* counts; the present one is question, if asking */
static void	*leave[5];

void patience_ends(void);
void patience_ended(void);
__asm__(".text\npatience_ends:\n\tcld\n\tcall patience_ended\n\tmovl $14, %eax\n\tint $0x30\n");	/* thread_return_from_exception; the entry
													 * page would change ebp */
_Static_assert(FLUKE_CALL_thread_return_from_exception == 14, "the number above");

/* On the interrupted stack, exceptions off. */
void patience_ended(void)
{
	if (!asking)
		return;
	asking = 0;
	fluke_thread_enable_exceptions(NULL);
	fluke_ipc_client_disconnect();
	__builtin_longjmp(leave, 1);
}

static void look(void *unused)
{
	uint32_t last = 0, times = 0;

	(void)unused;
	for (;;) {
		clock_sleep_until(clock_now() + LOOK);
		times = asking && question == last ? times + 1 : 0;
		last = question;
		if (times == 2)
			fluke_thread_interrupt(asker);
	}
}

static int begin(void)
{
	if (asker)
		return 0;
	asker = fluke_thread_self();
	fluke_thread_set_handlers(NULL, 0, (oskit_addr_t)patience_ends, 0, 0);
	fluke_thread_enable_exceptions(NULL);
	return thread_start(look, NULL, 16384) ? 0 : ENOMEM;
}

__attribute__((noinline)) int nesting_patiently(int (*function)(void *), void *argument)
{
	int error = begin();

	if (error)
		return error;
	if (__builtin_setjmp(leave))
		return ETIMEDOUT;
	question++;
	asking = 1;
	error = function(argument);
	asking = 0;
	return error;
}
