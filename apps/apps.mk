# Native programs: one file each.
NATIVE_APPS	:= $(patsubst apps/%.c,%,$(wildcard apps/*.c))
$(foreach app,$(NATIVE_APPS),$(call native_program,apps/$(app),apps/$(app).c))
