# Native programs: one file each, but for those that need POSIX.
POSIX_APPS	:= forktest compile
NATIVE_APPS	:= $(filter-out $(POSIX_APPS),$(patsubst apps/%.c,%,$(wildcard apps/*.c)))
$(foreach app,$(NATIVE_APPS),$(call native_program,apps/$(app),apps/$(app).c))

CFLAGS_apps/selfcheck = -m80387	# it checks that the FPU is kept

# flukeperf is booted in place of root, with the guest tests' helpers.
FLUKEPERF_OBJ	:= $(patsubst %,$(B)/apps/flukeperf/%.o,main ipc sync dispatch memory waiters objects restart)	# the order of the rows
all tests: $(B)/flukeperf.elf
$(B)/apps/flukeperf/%.o: apps/flukeperf/%.c apps/flukeperf/flukeperf.h tests/check.h | $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@
$(B)/flukeperf.elf: $(FLUKEPERF_OBJ) $(GUEST_OBJ)
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -static -Ttext-segment=0x400000 -z max-page-size=4096 -z noexecstack -z noseparate-code \
		--no-warn-rwx-segments -o $@ $^

# preempt: the same rows as the load of a thread of highest standing.
all tests: $(B)/preempt.elf
$(B)/apps/preempt/main.o: apps/preempt/main.c apps/flukeperf/flukeperf.h tests/check.h | $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@
$(B)/preempt.elf: $(B)/apps/preempt/main.o $(B)/stubs.o $(FLUKEPERF_OBJ) $(filter-out $(B)/stubs.o,$(GUEST_OBJ))
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -static -Ttext-segment=0x400000 -z max-page-size=4096 -z noexecstack -z noseparate-code \
		--no-warn-rwx-segments --wrap=check_cases --wrap=check_world_selftest -o $@ $^ $(LIBGCC)

-include $(wildcard $(B)/apps/*.d)

# The same sources as static programs for Linux i386: build/apps/linux/NAME.
LINUX_APPS	:= $(patsubst %,$(B)/apps/linux/%,memtest appel forktest matconn readtest compile)
trees: $(LINUX_APPS)
$(LINUX_APPS): $(B)/apps/linux/%: apps/%.c apps/measure.h tools/fluke-gcc | $(B)/tree-debian.cpio
	@mkdir -p $(@D)
	$(call say,FLUKECC $<)
	$(Q)tools/fluke-gcc -O2 -Wall -static -o $@ $<
