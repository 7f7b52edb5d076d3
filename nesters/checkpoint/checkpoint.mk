# lz4 is Debian's own object file (tools/getlz4), linked against our C library.
LZ4	:= build/lz4/lz4.o
$(LZ4): tools/getlz4
	$(Q)python3 tools/getlz4 build

$(call nester,checkpoint)
$(B)/nesters/checkpoint: $(LZ4)
