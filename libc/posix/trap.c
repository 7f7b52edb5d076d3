/* Interrupts and traps, as the kernel brings them to entry.S.
 *
 * An interrupt (fluke_thread_interrupt by the manager) outside the image turns into a visit of the
 * image (image_async); inside, it sets thread.flag, which is looked at before leaving, and cuts
 * short a wait that no server is at work for.  A trap of the program becomes a signal; one of the
 * image at a user address unwinds to image_guarded. */
#include "posix.h"
#include "calls.h"
#include <stdio.h>
#include <fluke/callnumbers.h>
#include <protocols/Parent.h>
#include <protocols/Process.h>
#include <protocols/Segment.h>

#define CALL_NUMBER(eax)	((eax) & 0xff)
#define IMAGE_END		((uint32_t)image_data_load)

void image_interrupt(struct registers *r);
void image_trap(struct registers *r, uint32_t code, uint32_t subcode, uint32_t access);

static bool in_image(const struct registers *r)
{
	uint32_t eip = r->eip;

	if (eip >= FLUKE_ENTRY)
		return r->esp >= IMAGE_THREADS_AREA && r->esp < IMAGE_STARTUP;
	return eip >= START_IMAGE && eip < IMAGE_END;
}

static void complete(struct registers *r)
{
	struct fluke_thread_saved_state saved;

	fluke_thread_get_saved_state(NULL, &saved);
	r->eax = r->orig_eax = saved.eax;
	r->ecx = saved.ecx;
	r->edx = saved.edx;
	r->esp = saved.esp;
	r->eip = saved.eip;
	r->eflags = saved.eflags & ~0x100u;
}

/* Caught in the last four instructions of image_leave: the registers as they will be after them. */
static void finish_leave(struct registers *r)
{
	uint32_t done = r->eip - (uint32_t)leave_user;
	uint32_t *stack = (uint32_t *)r->esp - done;

	if (done < 1)
		r->edx = stack[0];
	if (done < 2)
		r->eax = stack[1];
	if (done < 3)
		r->eflags = stack[2];
	r->eip = stack[3];
	r->esp = (uint32_t)(stack + 4);
}

/* Caught in the last instructions of image_resume, or in its enabling of exceptions: the registers as they will be. */
static void finish_resume(struct registers *r)
{
	uint32_t *stack = (uint32_t *)r->esp, done;

	if (r->eip >= FLUKE_ENTRY && in_image(r) && *stack == (uint32_t)resume_enabled) {
		r->eip = *stack++;
		r->esp = (uint32_t)stack;
	}
	if (r->eip < (uint32_t)resume_enabled || r->eip >= (uint32_t)resume_end)
		return;
	done = r->eip - (uint32_t)resume_enabled;
	stack -= done;
	if (done < 1)
		r->ebp = stack[0];
	if (done < 2)
		r->ecx = stack[1];
	if (done < 3)
		r->edx = stack[2];
	if (done < 4)
		r->eax = stack[3];
	if (done < 5)
		r->eflags = stack[4];
	r->eip = stack[5];
	r->esp = (uint32_t)(stack + 6);
}

/* Makes the interrupted user code's registers the frame of a visit: image_resume goes to image_async. */
static void visit(struct thread *t, struct registers *r)
{
	struct registers *frame = (struct registers *)(IMAGE_STACK_TOP(t->number) - sizeof(*frame));

	*frame = *r;
	frame->orig_eax = ~0u;
	t->frame = frame;
	r->eip = (uint32_t)image_async;
	r->esp = (uint32_t)frame;
	r->eflags = 0x202;
}

/* Is a server at work for the call?  What it does then counts, so the answer is awaited.  If it sets the request
 * aside instead, the kernel interrupts this thread again, because it has alerted the server.  The alert of
 * a request that is set aside already has ended it, before any server could take it up. */
static bool server_at_work(void)
{
	fluke_ref_t *server = thread_ref(12);
	natural_t flags;
	bool is_there;

	fluke_ipc_client_alert();
	fluke_thread_get_server(NULL, server, &flags);
	is_there = fluke_ref_type(server) != FLUKE_NULL;
	fluke_ref_clear(server);
	return is_there;
}

static bool may_cancel(const struct thread *t, const struct registers *r)
{
	if (!t->cancel)
		return false;
	if (r->eip >= (uint32_t)cancel_begin && r->eip < (uint32_t)cancel_end)
		return true;
	if (r->eip != FLUKE_ENTRY || r->esp != t->cancel_esp - 4)
		return false;
	switch (CALL_NUMBER(r->eax)) {
	case FLUKE_CALL_ipc_setup_wait_receive:
	case FLUKE_CALL_ipc_wait_receive:
	case FLUKE_CALL_ipc_client_connect_send_over_receive:	/* no server yet */
		return true;
	case FLUKE_CALL_ipc_client_send_over_receive:
	case FLUKE_CALL_ipc_client_over_receive:
		return !(r->eax & FLUKE_CALL_ANSWERED) && !server_at_work();
	}
	return false;		/* the answer has begun */
}

void image_interrupt(struct registers *r)
{
	struct thread *t = self();

	complete(r);
	finish_resume(r);
	if (r->eip >= (uint32_t)leave_user && r->eip < (uint32_t)leave_end)
		finish_leave(r);
	if (!in_image(r)) {
		visit(t, r);
		return;
	}
	t->flag = 1;
	if (r->eip >= (uint32_t)leave_check && r->eip < (uint32_t)leave_user) {
		r->eip = (uint32_t)image_leave;
		r->esp = (uint32_t)t->frame;
	} else if (may_cancel(t, r)) {
		r->eip = (uint32_t)cancel_out;
		r->esp = t->cancel_esp;
	}
}

struct trap { uint8_t code, signal; int8_t si_code; };
static const struct trap traps[] = {
	{ FLUKE_EXC_DIVIDE, SIGFPE, FPE_INTDIV }, { FLUKE_EXC_DEBUG, SIGTRAP, TRAP_BRKPT },
	{ FLUKE_EXC_BREAKPOINT, SIGTRAP, TRAP_BRKPT }, { FLUKE_EXC_OVERFLOW, SIGSEGV, SI_KERNEL - 256 },
	{ FLUKE_EXC_BOUNDS, SIGSEGV, SI_KERNEL - 256 }, { FLUKE_EXC_OPCODE, SIGILL, ILL_ILLOPN },
	{ FLUKE_EXC_FPU, SIGFPE, 0 }, { FLUKE_EXC_SIMD, SIGFPE, 0 }, { FLUKE_EXC_ALIGNMENT, SIGBUS, 1 },
};

static uint32_t wanted(uint32_t access)
{
	return (access & FLUKE_PROT_WRITE ? PROT_WRITE : 0) | (access & FLUKE_PROT_READ ? PROT_READ : 0) |
		(access & FLUKE_PROT_EXECUTE ? PROT_EXEC : 0);
}

/* The area at the address, if it allows the access. */
static struct area *allowed(uint32_t address, uint32_t access)
{
	struct area *a = address < START_STACK_TOP ? vm_area(address) : NULL;

	return a && a->start <= address && !(wanted(access) & ~a->prot) ? a : NULL;
}

/* What is allowed is tried again: another thread may have just changed the map. */
static bool try_again(struct thread *t, uint32_t address)
{
	if (t->fault_address == address && ++t->fault_count > 3)
		return false;
	if (t->fault_address != address)
		t->fault_count = 0;
	t->fault_address = address;
	return true;
}

void signal_fatal(int number)
{
	Process_exit(REF_PROCESS, number);
	for (;;)
		;
}

/* A page of anonymous memory that the pool cannot give any more (vm_may_commit only keeps off the worst). */
static void out_of_memory(uint32_t address)
{
	char text[80];

	snprintf(text, sizeof(text), "image: pid %d: no memory for the page at %#x: killed\n", FACTS->pid, address);
	Parent_log(REF_PROCESS, text);
	signal_fatal(SIGKILL);
}

static void fault_in_image(struct thread *t, struct registers *r, uint32_t address)
{
	if (window_fault(&r->eip, address))
		return;
	if (!t->guard || (r->eip >= (uint32_t)leave_check && r->eip < (uint32_t)leave_end))
		signal_fatal(SIGSEGV);
	image_unlock();
	t->cancel = t->blocking = 0;
	r->eip = (uint32_t)guard_fault;
	r->esp = t->guard;
}

/* Anonymous memory whose holder had it elsewhere and could not get it back. */
static bool page_is_lost(uint32_t address)
{
	uint8_t byte;
	size_t got = 1;

	return Segment_read(REF(START_REF_DATA), address, 1, &byte, &got) == EIO;
}

/* An error of the image itself: said in the log, then treated like a bad address. */
static void insane(struct thread *t, const struct registers *r, uint32_t code)
{
	char text[160];

	snprintf(text, sizeof(text), "image: pid %d thread %u: insanity %u, call %u(%#x), from %#x in Linux call %u\n", FACTS->pid,
		t->number, code & 0xff, r->eax & 0xff, r->ebx, *(uint32_t *)r->esp, t->frame ? t->frame->orig_eax : 0);
	Parent_log(REF_PROCESS, text);
}

void image_trap(struct registers *r, uint32_t code, uint32_t subcode, uint32_t access)
{
	struct thread *t = self();
	struct area *a = code == FLUKE_EXC_PAGE_FAULT ? allowed(subcode, access) : NULL;
	bool dead = a && a->file;	/* whoever holds this page cannot give it, or is gone */
	unsigned n;

	complete(r);
	if (a && try_again(t, subcode))
		return;
	if (a && !dead)
		dead = page_is_lost(subcode);
	if ((a && !dead) || (code == FLUKE_EXC_PAGE_FAULT && subcode >= IMAGE_DATA && subcode < START_FACTS))
		out_of_memory(subcode);
	if (r->eip >= (uint32_t)leave_user && r->eip < (uint32_t)leave_end)
		signal_fatal(SIGSEGV);
	if (in_image(r)) {
		if (code & FLUKE_EXC_INSANITY)
			insane(t, r, code);
		fault_in_image(t, r, code == FLUKE_EXC_PAGE_FAULT ? subcode : 0);
		return;
	}
	t->taken.number = SIGSEGV;
	t->taken.code = SI_KERNEL;
	t->taken.address = 0;
	t->taken.sender = 0;
	if (code == FLUKE_EXC_PAGE_FAULT || code == FLUKE_EXC_OBJECT_PAGE) {
		a = subcode < START_STACK_TOP ? vm_area(subcode) : NULL;
		t->taken.code = a && a->start <= subcode ? SEGV_ACCERR : SEGV_MAPERR;
		t->taken.address = subcode;
	}
	if (dead) {
		t->taken.number = SIGBUS;
		t->taken.code = BUS_ADRERR;
	}
	for (n = 0; n < NELEM(traps); n++)
		if (traps[n].code == code) {
			t->taken.number = traps[n].signal;
			t->taken.code = traps[n].si_code;
			t->taken.address = r->eip;
		}
	t->taken.value = 0xffffffff;	/* forced: see image_signals */
	visit(t, r);
}
