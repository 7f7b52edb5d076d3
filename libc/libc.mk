# The C library, the Common Protocols' stubs, and the rule that links native programs.
#
# A native program:   $(call native_program,apps/hello,apps/hello.c)
# makes build/apps/hello from the sources (with libnest), adds it to `user` and to FLUKE_FILES.

NATIVE_CFLAGS	= $(FREE) $(if $(findstring clang,$(CC)),-mstack-alignment=4,-mpreferred-stack-boundary=2) -ffunction-sections -fdata-sections -Ilibc/include -Ilibnest/include
NATIVE_LD	= ld -m elf_i386 -T libc/native.ld -z max-page-size=4096 -z noexecstack --gc-sections --no-warn-rwx-segments
LIBGCC		:= $(shell $(CC) -m32 -print-libgcc-file-name 2>/dev/null)

IDL		:= $(wildcard include/protocols/*.idl)
PROTO_NAMES	:= $(basename $(notdir $(IDL)))
PROTO_CLIENT_C	:= $(PROTO_NAMES:%=$(B)/protocols/%_client.c)
PROTO_SERVER_C	:= $(PROTO_NAMES:%=$(B)/protocols/%_server.c) $(B)/protocols/tables.c
PROTO_HEADERS	:= $(PROTO_NAMES:%=$(B)/include/protocols/%.h) $(PROTO_NAMES:%=$(B)/include/protocols/%_server.h)

# what every user object needs to exist before it is compiled (later runs know better, by -MMD)
USER_MADE	= $(PROTO_HEADERS) $(B)/include/fluke/callnumbers.h

$(PROTO_CLIENT_C) $(PROTO_SERVER_C) $(PROTO_HEADERS) &: $(IDL) tools/idl.py
	$(call say,IDL $(PROTO_NAMES))
	$(Q)python3 tools/idl.py --out $(B) --docs docs/protocols $(IDL)

$(B)/protocols/%.o: $(B)/protocols/%.c | $(USER_MADE)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@

$(B)/%.o: %.c libc/libc.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) $(CFLAGS_$(basename $<)) -c $< -o $@

$(B)/%.o: %.S libc/libc.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,AS $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@

LIBC_OBJ	:= $(patsubst %.c,$(B)/%.o,$(wildcard libc/core/*.c)) $(PROTO_CLIENT_C:.c=.o) $(B)/stubs.o
CRT0		:= $(B)/libc/core/crt0.o

$(B)/libc.a: $(LIBC_OBJ)
	$(call say,AR $@)
	$(Q)rm -f $@ && ar rcs $@ $^

# $(call native,NAME,SOURCES): build/NAME
define native
user: $(B)/$(1)
FLUKE_FILES += $(B)/$(1)
$(B)/$(1): $(CRT0) $(patsubst %.c,$(B)/%.o,$(patsubst %.S,$(B)/%.o,$(2))) $(B)/libnest.a $(B)/libc.a libc/native.ld
	@mkdir -p $$(@D)
	$$(call say,LD $$@)
	$$(Q)$$(NATIVE_LD) -o $$@ $$(filter %.o %.a,$$^) $(B)/libnest.a $(B)/libc.a $(LIBGCC)
	$$(Q)objdump -d $$@ >$$@.asm
endef
native_program = $(eval $(call native,$(1),$(2)))

-include $(LIBC_OBJ:.o=.d) $(PROTO_SERVER_C:.c=.d)
