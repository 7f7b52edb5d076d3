$(call nester,scheduler)
