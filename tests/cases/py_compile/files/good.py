print("compiled", __name__)
