def g():
    raise ValueError("oops")


if __name__ == "__main__":
    print("module", __name__)
