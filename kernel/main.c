/* Start order.  boot_early (i386/boot.c) has run; interrupts stay off until the first process does. */
#include "i386/machine_local.h"
#include "port.h"
#include "vm.h"

struct cpu boot_cpu;

void kernel_main(void)
{
	boot_protect();		/* final page tables; frame records, page-table pool */
	segment_boot();
	fpu_boot();
	pic_boot();
	pit_boot();
	port_boot();
	machine_boot();		/* root's objects; its thread is the root scheduler */
	kprintf("%u MB of memory, %u modules, %u page tables\n", (boot_info.ram_total + (1u << 19)) >> 20, boot_info.module_count,
		pmap_free_tables());
	cpu_run();
}
