value = "zipped"
