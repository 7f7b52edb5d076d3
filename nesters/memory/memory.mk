$(call nester,memory)
