$(call nester,debug)
