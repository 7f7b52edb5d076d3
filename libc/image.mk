# The personality image: build/image (flat, what exec maps) and build/image.elf (symbols).
IMAGE_CFLAGS	= $(NATIVE_CFLAGS) -DPROTO_CALL=image_call -mgeneral-regs-only
IMAGE_C		:= libc/image.c $(wildcard libc/posix/*.c) libc/core/string.c libc/core/printf.c
IMAGE_PROTO	= Clock FileDescription FileSystem MemPool Parent Process Segment Tty
IMAGE_OBJ	= $(B)/image.d/libc/posix/entry.o $(IMAGE_C:%.c=$(B)/image.d/%.o) $(IMAGE_PROTO:%=$(B)/image.d/protocols/%_client.o)

$(B)/image.d/%.o: %.c libc/image.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(call say,CC $< (image))
	$(Q)$(CC) $(IMAGE_CFLAGS) -c $< -o $@

$(B)/image.d/%.o: %.S libc/image.mk | $(USER_MADE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -c $< -o $@

$(B)/image.d/protocols/%.o: $(B)/protocols/%.c | $(USER_MADE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -c $< -o $@

$(B)/image.elf: $(IMAGE_OBJ) $(B)/stubs.o libc/image.ld
	$(call say,LD $@)
	$(Q)ld -m elf_i386 -T libc/image.ld -z max-page-size=4096 -z noexecstack --gc-sections --no-warn-rwx-segments -o $@ \
		$(filter %.o,$^) $(LIBGCC)
	$(Q)objdump -d $@ >$@.asm

$(B)/image: $(B)/image.elf
	$(Q)objcopy -O binary -j .text -j .rodata -j .vdso -j .padding -j .data --change-section-lma .data-0 $< $@

user: $(B)/image
FLUKE_FILES += $(B)/image

-include $(IMAGE_OBJ:.o=.d)
