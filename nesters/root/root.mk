# root: the first boot module, linked at FLUKE_ROOT_IMAGE; it has no parent, so no crt0.
ROOT_OBJ := $(B)/obj/nesters/root/start_entry.o $(patsubst %.c,$(B)/obj/%.o,$(wildcard nesters/root/*.c))

user: $(B)/root
$(B)/obj/nesters/root/start_entry.o: nesters/root/start_entry.S | $(USER_MADE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@
$(B)/root: $(ROOT_OBJ) $(B)/libnest.a $(B)/libc.a libc/native.ld
	$(call say,LD $@)
	$(Q)$(NATIVE_LD) -o $@.debug $(ROOT_OBJ) $(B)/libnest.a $(B)/libc.a $(LIBGCC)
	$(Q)objdump -d $@.debug >$@.asm
	$(Q)strip -o $@ $@.debug
-include $(ROOT_OBJ:.o=.d)
