value = "deep in the zip"
