/* What a debugger above wants to hear: processes begin and end, and signals, which it may keep (Debug.idl).  They are known by their
 * spaces, since other managers have the same numbers.  Without a debugger there is nobody to tell: root's service "debug" does not
 * answer to that. */
#include <native.h>
#include <protocols/Debug.h>
#include <protocols/Parent.h>
#include "manager.h"

static int present;

void debugger_find(void)
{
	present = !Parent_lookup(parent_ref(), "debug", &manager->debugger) && !Debug_ended(&manager->debugger, 0, 0, NULL);
}

static fluke_ref_t *space_of(struct body *b, fluke_ref_t *to)
{
	fluke_space_reference(&b->objects->space, to);
	return to;
}

void debugger_begun(struct body *b, struct body *from, int exec)
{
	if (present)
		Debug_begun(&manager->debugger, (uint32_t)exec, space_of(b, &manager->debugged), space_of(from, &manager->debugged_from));
}

void debugger_ended(struct process *p, int status)
{
	if (present)
		Debug_ended(&manager->debugger, p->pid, status, space_of(p->body, &manager->debugged));
}

int debugger_takes(struct process *p, int slot, int signal)
{
	uint32_t taken = 0;

	return present && !Debug_posted(&manager->debugger, p->pid, slot < 0 ? 0 : p->thread[slot].tid, signal, &taken,
		space_of(p->body, &manager->debugged)) && taken;
}
