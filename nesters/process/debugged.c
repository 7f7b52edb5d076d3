/* What a debugger above wants to hear: ends of processes, and signals, which it may keep (Debug.idl).  Without one there is
 * nobody to tell: root's service "debug" does not answer to that. */
#include <native.h>
#include <protocols/Debug.h>
#include <protocols/Parent.h>
#include "manager.h"

static int present;

void debugger_find(void)
{
	present = !Parent_lookup(parent_ref(), "debug", &manager->debugger) && !Debug_ended(&manager->debugger, 0, 0);
}

void debugger_ended(struct process *p, int status)
{
	if (present)
		Debug_ended(&manager->debugger, p->pid, status);
}

int debugger_takes(struct process *p, int slot, int signal)
{
	uint32_t taken = 0;

	return present && !Debug_posted(&manager->debugger, p->pid, slot < 0 ? 0 : p->thread[slot].tid, signal, &taken) && taken;
}
