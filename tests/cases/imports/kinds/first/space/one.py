value = "one half"
