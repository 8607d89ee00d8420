print("stray")
