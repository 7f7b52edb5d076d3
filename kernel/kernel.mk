# Kernel rules, included by the Makefile: sources by wildcard; the image is linked twice, the
# second time with the symbol table that a panic's back trace prints.

B		?= build
CC32		?= $(CC) -m32
WARN		?= -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes $(if $(WERROR),-Werror)

KERNEL_C	:= $(filter-out kernel/i386/asm_offsets.c, $(wildcard kernel/*.c kernel/i386/*.c))
KERNEL_C	+= $(if $(PLACES),tests/restart/hook.c) $(if $(GUIDE),tests/guided/hook.c)
KERNEL_S	:= $(wildcard kernel/i386/*.S)
KERNEL_OBJ	:= $(KERNEL_C:%.c=$(B)/%.o) $(KERNEL_S:%.S=$(B)/%.o)
# CHECK=1: undefined behaviour traps, stack protector, dead objects poisoned, books checked often.
CHECK_FLAGS	:= $(if $(CHECK),-DCHECK -fsanitize=undefined -fsanitize-undefined-trap-on-error -fstack-protector-strong \
		-mstack-protector-guard=global)
# PLACES=1: each place asks tests/restart/hook.c.
PLACE_FLAGS	:= $(if $(PLACES),-DPLACES)
# GUIDE=1: the kernel notes which ways it has gone (tests/guided/hook.c).
GUIDE_FLAGS	:= $(if $(GUIDE),-fsanitize-coverage=trace-pc)
KERNEL_CFLAGS	:= -std=gnu11 -O2 -g $(WARN) -ffreestanding -fno-pic -fno-pie -mno-sse -mno-mmx -mno-80387 \
		-fno-stack-protector -fno-common -fno-strict-aliasing -fno-asynchronous-unwind-tables -march=i686 -mtune=generic -mregparm=3 \
		-Iinclude -I$(B)/include -Ikernel -Ikernel/i386 $(CHECK_FLAGS) $(PLACE_FLAGS) $(if $(GUIDE),-DGUIDE)
KERNEL_LD	:= ld -m elf_i386 -T kernel/i386/kernel.ld -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments

.PHONY: kernel
kernel: $(B)/fluke.elf

$(B)/stubs.S $(B)/include/fluke/callnumbers.h &: include/fluke/calls.def tools/mkcalls.py
	@mkdir -p $(B)/include/fluke
	@echo "  CALLS   $<"
	@python3 tools/mkcalls.py $< $(B)/stubs.S $(B)/include/fluke/callnumbers.h

$(B)/stubs.o: $(B)/stubs.S
	@$(CC32) -c $< -o $@

# Offsets of C fields for the assembly.
$(B)/kernel/i386/offsets.h: kernel/i386/asm_offsets.c kernel/kernel.mk
	@mkdir -p $(@D)
	@$(CC32) $(KERNEL_CFLAGS) -MMD -MP -MT $@ -MF $(@:.h=.d) -S -o - $< | sed -n 's/.*->\([A-Z_0-9]*\) [$$]*\([-0-9]*\).*/#define \1 \2/p' >$@

$(B)/kernel/%.o: kernel/%.c kernel/kernel.mk $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC32) $(KERNEL_CFLAGS) $(GUIDE_FLAGS) -MMD -MP -c $< -o $@

$(B)/tests/restart/hook.o $(B)/tests/guided/hook.o: $(B)/tests/%/hook.o: tests/%/hook.c kernel/kernel.mk $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC32) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/kernel/%.o: kernel/%.S kernel/kernel.mk $(B)/kernel/i386/offsets.h $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC32) $(KERNEL_CFLAGS) -I$(B)/kernel/i386 -MMD -MP -c $< -o $@

$(B)/fluke.elf: $(KERNEL_OBJ) kernel/i386/kernel.ld tools/mksymbols.py
	@echo "  LD      $@"
	@echo '' | python3 tools/mksymbols.py >$(B)/kernel/symbols0.S
	@$(CC32) -c $(B)/kernel/symbols0.S -o $(B)/kernel/symbols0.o
	@$(KERNEL_LD) -o $(B)/kernel/first.elf $(KERNEL_OBJ) $(B)/kernel/symbols0.o
	@nm -n $(B)/kernel/first.elf | python3 tools/mksymbols.py >$(B)/kernel/symbols.S
	@$(CC32) -c $(B)/kernel/symbols.S -o $(B)/kernel/symbols.o
	@$(KERNEL_LD) -Map=$(B)/fluke.map -o $(B)/fluke.debug.elf $(KERNEL_OBJ) $(B)/kernel/symbols.o
	@objdump -d $(B)/fluke.debug.elf >$(B)/fluke.asm
	@strip -o $@ $(B)/fluke.debug.elf
	@size $(B)/fluke.debug.elf | awk 'NR == 2 { printf "  SIZE    text %d data %d bss %d\n", $$1, $$2, $$3 }'

-include $(KERNEL_OBJ:.o=.d) $(B)/kernel/i386/offsets.d
