# The nesting library: server side of the Common Protocols.
LIBNEST_OBJ	:= $(patsubst %.c,$(B)/%.o,$(wildcard libnest/*.c)) $(PROTO_SERVER_C:.c=.o)

$(B)/libnest.a: $(LIBNEST_OBJ)
	$(call say,AR $@)
	$(Q)rm -f $@ && ar rcs $@ $^

-include $(LIBNEST_OBJ:.o=.d)
