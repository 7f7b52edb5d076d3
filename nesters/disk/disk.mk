$(call nester,disk)
