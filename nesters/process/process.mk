$(call nester,process)

# names of Linux's i386 calls, for the report of those that nobody has
$(B)/obj/nesters/process/missing.o: $(B)/include/linux_call_names.h
$(B)/include/linux_call_names.h:
	@mkdir -p $(@D)
	$(Q)printf '#include <asm/unistd_32.h>\n' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' | sort -t[ -k2n >$@
