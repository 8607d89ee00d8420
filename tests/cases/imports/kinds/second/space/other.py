value = "other half"
