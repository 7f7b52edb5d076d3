# The nesters.  A nester's program has its folder's name, so its objects are under build/obj.
#
# $(call nester,NAME): build/nesters/NAME from nesters/NAME/*.c and *.S, with libnest and libc.
$(B)/obj/%.o: %.c libc/libc.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) $(CFLAGS_$(basename $<)) -c $< -o $@

$(B)/obj/%.o: %.S libc/libc.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,AS $<)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@

define nester_rules
user: $(B)/nesters/$(1)
FLUKE_FILES += $(B)/nesters/$(1)
$(B)/nesters/$(1): $(CRT0) $(patsubst %.c,$(B)/obj/%.o,$(wildcard nesters/$(1)/*.c)) \
		$(patsubst %.S,$(B)/obj/%.o,$(wildcard nesters/$(1)/*.S)) $(B)/libnest.a $(B)/libc.a libc/native.ld
	@mkdir -p $$(@D)
	$$(call say,LD $$@)
	$$(Q)$$(NATIVE_LD) -o $$@ $$(filter %.o,$$^) $(B)/libnest.a $(B)/libc.a $(LIBGCC)
	$$(Q)objdump -d $$@ >$$@.asm
-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard nesters/$(1)/*.c))
endef
nester = $(eval $(call nester_rules,$(1)))

# The nester that docs/nester.md writes.
$(B)/yesterday.c: docs/nester.md nesters/nesters.mk
	$(Q)sed -n '/^```c$$/,/^```$$/p' $< | sed '/^```/d' >$@
$(B)/yesterday.o: $(B)/yesterday.c | $(USER_MADE)
	$(call say,CC $< from docs/nester.md)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@
$(eval $(call native,nesters/yesterday,yesterday.c))

-include $(wildcard nesters/*/*.mk)
