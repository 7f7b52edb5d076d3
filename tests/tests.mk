# Test programs.  tests/api/AREA.c and tests/bad/NAME.c become guest programs that the kernel starts
# instead of root (with check.c); tests/host/NAME.c programs for the
# build machine: linked with tests/host/NAME_*.c and with the files of a comment `Sources: a.c b.c`.

GUEST_TESTS	:= $(patsubst tests/%.c,$(B)/tests/%.elf,$(wildcard tests/api/*.c tests/bad/*.c))
HOST_TESTS	:= $(patsubst tests/%.c,$(B)/tests/%,$(filter-out $(wildcard tests/host/*_*.c),$(wildcard tests/host/*.c)))
TEST_CFLAGS	= $(FREE) -Itests -fno-omit-frame-pointer $(if $(findstring clang,$(CC)),,-fno-toplevel-reorder)	# cases in their order; clang keeps it

all: $(B)/tests/restart/places.elf $(B)/tests/guided/guided.elf $(GUEST_TESTS) $(HOST_TESTS) $(B)/tests/system/standin.elf
.PHONY: tests
tests: $(B)/tests/restart/places.elf $(B)/tests/guided/guided.elf $(B)/flukeperf.elf $(GUEST_TESTS) $(HOST_TESTS) $(B)/tests/system/standin.elf	# what tests/run needs besides the kernel

$(B)/tests/%.o: tests/%.c tests/tests.mk | $(B)/include/fluke/callnumbers.h
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@

$(B)/tests/%.o: tests/%.S tests/tests.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@

$(GUEST_TESTS): %.elf: %.o $(GUEST_OBJ)
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -static -Ttext-segment=0x400000 -z max-page-size=4096 -z noexecstack -z noseparate-code \
		--no-warn-rwx-segments -o $@ $(filter %.o,$^)

# The same cases as a native program: all areas but those that need the bare machine.
BARE_AREAS	:= $(shell sed -n 's/^area \([a-z_]*\).*/\1/p' tests/api/bare)
NATIVE_API	:= $(filter-out $(BARE_AREAS:%=$(B)/tests/api/%.o), $(patsubst tests/%.c,$(B)/tests/%.o,$(wildcard tests/api/*.c)))
HARM_AREAS	:= hostile adversary random pairs	# those that mean harm are a program of their own
user: $(B)/apps/api $(B)/apps/harm
FLUKE_FILES += $(B)/apps/api $(B)/apps/harm
$(B)/tests/check_native.o: tests/check_native.c tests/tests.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) -Itests -fno-omit-frame-pointer -c $< -o $@
$(B)/apps/api: $(CRT0) $(NATIVE_API)
$(B)/apps/harm: $(CRT0) $(HARM_AREAS:%=$(B)/tests/api/%.o)
$(B)/apps/api $(B)/apps/harm: $(CHECK_OBJ) $(B)/tests/check_native.o $(B)/libc.a libc/native.ld
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -T libc/native.ld -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -o $@ \
		$(filter %.o %.a,$^) $(LIBGCC)

# Native programs of tests/nest.
$(B)/tests/nest/%.o: tests/nest/%.c tests/tests.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@
$(call native_program,apps/schedule,tests/nest/schedule.c)
$(call native_program,apps/strike,tests/nest/strike.c)
$(call native_program,apps/leftover,tests/nest/leftover.c)
$(call native_program,apps/pair,tests/nest/pair.c)

# The tracer with a leak, which tests/system/leak.t must find.
TRACE_LEAK	:= $(B)/tests/nest/trace-leak
user: $(TRACE_LEAK)
$(TRACE_LEAK): $(CRT0) $(patsubst %.c,$(B)/obj/%.o,$(wildcard nesters/trace/*.c)) $(B)/obj/nesters/trace/call.o \
		$(B)/tests/nest/traceleak.o $(B)/libnest.a $(B)/libc.a libc/native.ld
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(NATIVE_LD) -o $@ $(filter %.o,$^) $(B)/libnest.a $(B)/libc.a $(LIBGCC)

# Several files, and a kernel of its own (kernel/place.h).
RESTART_TEST	:= $(B)/tests/restart/places.elf
$(RESTART_TEST): $(patsubst tests/%.c,$(B)/tests/%.o,$(filter-out tests/restart/hook.c,$(wildcard tests/restart/*.c))) \
		$(GUEST_OBJ)
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -static -Ttext-segment=0x400000 -z max-page-size=4096 -z noexecstack -z noseparate-code \
		--no-warn-rwx-segments -o $@ $(filter %.o,$^)

# Random calls guided by the kernel's own coverage, with a kernel built for it.
GUIDED_TEST	:= $(B)/tests/guided/guided.elf
$(GUIDED_TEST): $(B)/tests/guided/guided.o $(GUEST_OBJ)
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -static -Ttext-segment=0x400000 -z max-page-size=4096 -z noexecstack -z noseparate-code \
		--no-warn-rwx-segments -o $@ $(filter %.o,$^)

$(B)/tests/system/standin.elf: tests/system/standin.c tests/system/standin.ld
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(FREE) -nostdlib -static -Wl,-T,tests/system/standin.ld -Wl,--build-id=none,--no-warn-rwx-segments -o $@ $<

# Programs that run in the guest as POSIX programs, static with musl.
POSIX_TESTS	:= $(B)/tests/bench/posix $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/posix/*.c))
trees: $(POSIX_TESTS)
$(POSIX_TESTS): $(B)/tests/%: tests/%.c tools/fluke-gcc | $(B)/tree-debian.cpio
	@mkdir -p $(@D)
	$(call say,FLUKECC $<)
	$(Q)tools/fluke-gcc -O2 -Wall -o $@ $<

# What the debugger's tests debug: linked dynamically, with its symbols.
DEBUG_SUBJECT	:= $(B)/tests/debug/subject
trees: $(DEBUG_SUBJECT)
$(DEBUG_SUBJECT): tests/debug/subject.c
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)gcc -m32 -march=i686 -g -O1 -fno-omit-frame-pointer -Wall -o $@ $< -pthread

.SECONDEXPANSION:
$(HOST_TESTS): $(B)/tests/host/%: tests/host/%.c $$(wildcard tests/host/%_*.c) $$(wildcard $$(shell sed -n 's,.*Sources: *\(.*\)\*/.*,\1,p' tests/host/$$*.c)) | $(PROTO_HEADERS)
	@mkdir -p $(@D)
	$(call say,HOSTCC $<)
	$(Q)$(CC) -O1 -g $(WARN) -Wno-missing-prototypes -idirafter include -idirafter libnest/include -idirafter $(B)/include -I. -o $@ $(filter %.c,$^)

.SECONDARY:
-include $(wildcard $(B)/tests/*.d $(B)/tests/restart/*.d $(B)/tests/guided/*.d $(B)/tests/api/*.d $(B)/tests/bad/*.d $(B)/tests/host/*.d)
