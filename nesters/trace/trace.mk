$(call nester,trace)
