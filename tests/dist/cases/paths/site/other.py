print("nobody imports this")
