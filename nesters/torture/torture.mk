$(call nester,torture)
