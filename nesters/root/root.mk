# root: the first boot module, linked at FLUKE_ROOT_IMAGE; it has no parent, so no crt0.
ROOT_OBJ := $(B)/obj/nesters/root/start_entry.o $(B)/obj/nesters/root/font_data.o $(patsubst %.c,$(B)/obj/%.o,$(wildcard nesters/root/*.c))

user: $(B)/root
$(B)/obj/nesters/root/start_entry.o: nesters/root/start_entry.S | $(USER_MADE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_CFLAGS) -c $< -o $@
# the framebuffer's glyphs
$(B)/font_data.c: tools/mkfont /usr/share/grub/unicode.pf2
	$(Q)python3 tools/mkfont /usr/share/grub/unicode.pf2 $@
$(B)/obj/nesters/root/font_data.o: $(B)/font_data.c nesters/root/font.h
	$(Q)$(CC) $(NATIVE_CFLAGS) -Inesters/root -c $< -o $@
$(B)/root: $(ROOT_OBJ) $(B)/libnest.a $(B)/libc.a libc/native.ld
	$(call say,LD $@)
	$(Q)$(NATIVE_LD) -o $@.debug $(ROOT_OBJ) $(B)/libnest.a $(B)/libc.a $(LIBGCC)
	$(Q)objdump -d $@.debug >$@.asm
	$(Q)strip -o $@ $@.debug
-include $(ROOT_OBJ:.o=.d)
