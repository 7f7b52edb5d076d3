$(call nester,process)
