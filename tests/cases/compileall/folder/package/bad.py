value = = 1
